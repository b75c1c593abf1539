"""What is typed or piped in: too much of it, and text that tools trip over."""

import json

import pytest

from tests.scripted_server import openai_sse


def test_a_prompt_over_the_limit_is_refused_in_bounded_memory(chat, server):
    done, peak = chat.measured("chat", stdin=b"x" * 50_000_000)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)
    assert (server.requests, chat.database.exists()) == ([], False)
    assert peak < 300_000_000


def test_a_long_prompt_of_wide_text_is_sent_in_bounded_memory(chat, server):
    server.always(openai_sse("read"))
    # One emoji makes Python keep four bytes for each of the others.
    done, peak = chat.measured("chat", stdin=("é" * 19_490_000 + "😀").encode())
    assert (done.returncode, done.stdout, done.stderr) == (0, b"read\n", b"")
    assert peak < 300_000_000


BOMBS = {
    "arrays": "x = [" + "[]," * 300_000 + "]",
    "nested": "x = " + "[" * 400_000,
    "keys": "a." * 400_000 + "a = 1",
    "digits": "timeout = " + "9" * 900_000,
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_configuration_that_means_harm_is_refused_in_bounded_memory(chat, server, kind):
    chat.config.write_text(BOMBS[kind])
    done, peak = chat.measured("chat", "hi")
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (3, b"", 1)
    assert (server.requests, chat.database.exists()) == ([], False)
    assert peak < 300_000_000


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("chat", "--max-tokens", "9" * 5000, "hi"), 2),
        (("chat", "--temperature", "1e999", "hi"), 2),
        (("chat", "--timeout", "9" * 5000, "hi"), 2),
        (("chat", "-n", "x" * 256, "hi"), 2),
        (("chat", "-S", "9" * 5000, "hi"), 4),
        (("sessions", "show", "9" * 5000), 4),
        (("sessions", "list", "--limit", "9" * 5000), 2),
        (("sessions", "list", "--since", "9" * 5000 + "d"), 2),
        (("delete", "--older-than", "999999w", "--yes"), 2),
        (("sessions", "rewind", "kept", "--to", "9" * 5000), 4),
    ],
    ids=lambda value: " ".join(word[:12] for word in value) if isinstance(value, tuple) else "",
)
def test_numbers_and_names_without_bounds_change_nothing(chat, server, arguments, code):
    chat.keep("kept", "hi", "ok")
    asked = len(server.requests)
    done = chat(*arguments)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (code, b"", 1)
    assert len(server.requests) == asked
    assert chat.ok("sessions", "list", "--ids", "--all") == "1\n"


@pytest.mark.parametrize("zone", ["UTC+25", ":/dev/null", "x" * 1000, "A" * 3 + "9" * 50])
@pytest.mark.parametrize("since", ["0001-01-01", "9999-12-31T23:59:59"])
def test_the_ends_of_the_calendar_are_times_in_every_zone(chat, zone, since):
    chat.keep("kept", "hi", "ok")
    done = chat("sessions", "list", "--since", since, "--ids", env={"TZ": zone})
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == (b"1\n" if since.startswith("0001") else b"")


# Text that programs have tripped over; each must come back as it went in.
_NAUGHTY = [
    "undefined",
    "null",
    "NaN",
    "1e999",
    "-1/2",
    "0x0",
    "' OR 1=1 -- 1",
    "1;DROP TABLE message",
    "<script>alert('x')</script>",
    "${HOME} $(touch x) `touch x` && touch x",
    "{__class__} {0.__init__.__globals__} %s%n %(x)s",
    "{{ 7 * 7 }} <%= 7 %>",
    "../../../../etc/passwd\\..\\..",
    "[bold]x[/bold] [/] :smile:",
    "\ufeffmark in front",
    "ﾟ･✿ヾ╲(｡◕‿◕｡)╱✿･ﾟ",
    "👩‍👩‍👧‍👦 🏳️‍🌈 👋🏿",
    "Ṱ̺̺̕o͞ ̷i̲̬͇̪͙n̝̗͕v̟̜̘̦͟o̶̙̰̠kè͚̮̺̪̹̱̤",
    "ثم نفس سقطت وبالتحديد، \u202eevil\u202c",
    "田中さんにあげて下さい",
    "é é",
    "a\u2028b\u2029c\u0085d",
    "tab\there\r\nand there",
    "\x7f\x80\x9b",
    "ÅÍÎÏ˝ÓÔÒÚÆ☃",
    "𝕿𝖍𝖊 𝖖𝖚𝖎𝖈𝖐",
    "˙ɐnbᴉlɐ",
    "-x --help",
    "@last",
    "#" * 2000,
]


@pytest.mark.parametrize("text", _NAUGHTY, ids=range(len(_NAUGHTY)))
def test_naughty_strings_round_trip_or_are_refused(chat, server, text):
    server.always(lambda request: openai_sse(request.json["messages"][-1]["content"]))
    done = chat("chat", "-s", text, "--", text)
    assert (done.returncode, done.stdout, done.stderr) == (0, text.encode() + b"\n", b"")
    assert [m["content"] for m in server.requests[0].json["messages"]] == [text, text]
    # It may be refused as a name, but never in more than a line and never half.
    renamed = chat("rename", "@last", "--", text)
    assert (renamed.returncode, renamed.stderr.count(b"\n")) in {(0, 0), (2, 1)}
    shown = json.loads(chat.ok("sessions", "show", "@last", "--format", "json"))
    assert [m["content"] for m in shown["messages"]] == [text, text, text]
    assert len(json.loads(chat.ok("sessions", "list", "--json"))) == 1
