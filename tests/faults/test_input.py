"""What is typed or piped in: too much of it, and text that tools trip over."""

import json

import pytest

from tests.scripted_server import openai_sse


def test_a_prompt_over_the_limit_is_refused_in_bounded_memory(chat, server):
    done, peak = chat.measured("chat", stdin=b"x" * 50_000_000)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)
    assert (server.requests, chat.database.exists()) == ([], False)
    assert peak < 300_000_000


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
