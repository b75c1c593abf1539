"""`--reuse`: what was answered before is answered from the database."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from tests.providers.formats import talks
from tests.scripted_server import CUT, openai_sse


@pytest.fixture
def asked(chat, server):
    """Ask, and how many requests the server has had by then."""
    server.always(lambda request: openai_sse(f"reply {len(server.requests)}"))

    def ask(*args: str, **kwargs) -> tuple[str, int]:
        return chat.ok("chat", *args, **kwargs).strip(), len(server.requests)

    return ask


def test_the_same_request_is_sent_once(asked, chat):
    assert asked("--reuse", "hi") == ("reply 1", 1)
    assert asked("--reuse", "hi") == ("reply 1", 1)
    assert asked("--reuse", "7d", "hi") == ("reply 1", 1)
    assert asked("--reuse=7d", "hi") == ("reply 1", 1)
    assert asked("--cache", "hi") == ("reply 1", 1)
    # Each of them is a turn of its own.
    assert len(json.loads(chat.ok("sessions", "list", "--json"))) == 5


def test_it_is_off_unless_it_is_asked_for_on_both_sides(asked):
    assert asked("hi") == ("reply 1", 1)
    assert asked("--reuse", "hi") == ("reply 2", 2)
    assert asked("hi") == ("reply 3", 3)
    assert asked("--reuse", "hi") == ("reply 2", 3)


@pytest.mark.parametrize(
    "other",
    [
        ("-m", "test/other"),
        ("--temperature", "0"),
        ("-s", "Be brief"),
        ("-o", "top_p", "0.5"),
        ("-c",),
    ],
    ids=" ".join,
)
def test_what_differs_in_anything_is_asked(asked, other):
    assert asked("--reuse", "hi") == ("reply 1", 1)
    assert asked("--reuse", *other, "hi")[1] == 2


def test_an_attachment_and_a_schema_are_part_of_the_request(chat, server, tmp_path):
    picture = tmp_path / "a.png"
    server.always(openai_sse("seen"))
    for number, byte in enumerate((b"1", b"2", b"1"), 1):
        picture.write_bytes(b"\x89PNG\r\n\x1a\n" + byte)
        chat.ok("chat", "--reuse", "-f", str(picture), "What is it?")
        assert len(server.requests) == min(number, 2)
    server.always(openai_sse('{"a": 1}'))
    before = len(server.requests)
    for schema in ("a int", "a number", "a int"):
        assert json.loads(chat.ok("chat", "--reuse", "--schema", schema, "x")) == {"a": 1}
    assert len(server.requests) == before + 2


def test_json_says_so_and_that_it_cost_nothing(chat, server):
    chat.configure(
        chat.config.read_text() + '[models."test/m"]\ninput_price = 1e6\noutput_price = 1e6\n'
    )
    server.reply(openai_sse("ok", usage=(3, 2)))
    first, again = (json.loads(chat.ok("chat", "--json", "--reuse", "hi")) for _ in range(2))
    assert (first["cached"], first["cost"]) == (False, 5)
    assert (again["cached"], again["cost"]) == (True, 0)
    assert again["reply"] == first["reply"]
    assert again["usage"]["input_tokens"] == again["usage"]["output_tokens"] == 0
    last = chat.ok("chat", "--format", "jsonl", "--reuse", "hi").splitlines()[-1]
    assert json.loads(last)["cached"] is True
    used = chat("chat", "-u", "--reuse", "hi")
    assert b"cost 0.00 \xc2\xb7 from the database" in used.stderr
    assert len(server.requests) == 1


def test_thoughts_and_what_the_vendor_wants_back_come_again_too(chat, server):
    chat.configure(chat.config.read_text().replace('"openai"', '"anthropic"'))
    server.reply(talks.reply("anthropic", "Rain."))
    first, again = (json.loads(chat.ok("chat", "--json", "--reuse", "hi")) for _ in range(2))
    assert first["reasoning"] == again["reasoning"] == "Hm 0."
    assert len(server.requests) == 1
    server.reply(talks.reply("anthropic", "Yes."))
    chat.ok("chat", "-S", str(again["session"]["id"]), "sure?")
    thought = server.requests[1].json["messages"][1]["content"][0]
    assert (thought["thinking"], thought["signature"]) == ("Hm 0.", "signed 0")


def test_one_that_broke_off_was_cut_or_does_not_fit_answers_nothing(chat, server):
    server.reply([*openai_sse("half", finish=None, done=False), CUT])
    server.reply(openai_sse("cut", finish="length"))
    server.reply(openai_sse("whole"))
    assert chat("chat", "--reuse", "hi").returncode == 7
    assert chat("chat", "--reuse", "hi").stdout == b"cut\n"
    assert [chat.ok("chat", "--reuse", "hi") for _ in range(2)] == ["whole\n"] * 2
    server.reply(openai_sse("no JSON")).reply(openai_sse('{"a": 1}'))
    assert chat("chat", "--reuse", "--schema", "a int", "hi").returncode != 0
    assert chat.ok("chat", "--reuse", "--schema", "a int", "hi") == '{"a": 1}\n'


def test_an_older_one_does_not_count(asked, chat):
    asked("--reuse", "hi")
    with closing(sqlite3.connect(chat.database)) as db, db:
        db.execute("UPDATE message SET created_at = created_at - 3 * 3600 * 1000000")
    assert asked("--reuse", "4h", "hi") == ("reply 1", 1)
    assert asked("--reuse", "2h", "hi") == ("reply 2", 2)
    assert asked("--reuse", "2h", "hi") == ("reply 2", 2)


def test_what_looks_like_an_age_and_is_none_is_refused(asked, chat, server):
    words = {"30s": "--reuse", "7": "--cache", "1d2h": "--reuse", "1.5h": "--reuse"}
    for word, option in words.items():
        done = chat("chat", option, word, "q?")
        assert done.returncode == 2
        assert done.stderr.decode() == (
            f"hfs: error: {word!r} is not an age: write {option}=90m, 12h, 30d or 2w; if it"
            " begins the prompt, put -- before it\n"
        )
    assert not server.requests
    assert asked("--reuse", "--", "7", "wonders") == ("reply 1", 1)
    assert asked("--reuse", "7 wonders") == ("reply 1", 1)


def test_what_is_deleted_or_not_kept_answers_nothing(asked, chat):
    asked("--reuse", "--no-save", "hi")
    assert asked("--reuse", "-n", "one", "hi") == ("reply 2", 2)
    assert asked("--reuse", "--no-save", "hi") == ("reply 2", 2)
    chat.ok("delete", "one", "--yes")
    assert asked("--reuse", "hi") == ("reply 3", 3)


def test_a_conversation_is_answered_turn_by_turn_without_a_key(asked, chat, server):
    asked("--reuse", "one")
    asked("--reuse", "-c", "two")
    server.close()
    del chat.env["TEST_KEY"]  # nobody is asked any more
    assert asked("--reuse", "one") == ("reply 1", 2)
    assert asked("--reuse", "-c", "two") == ("reply 2", 2)


@pytest.mark.parametrize(
    ("context", "asks"),
    [
        # The oldest turn is in neither request: the same is sent, and so it is once.
        ("trim", 1),
        # A summary says something of it: another is sent.
        ("compact", 2),
    ],
)
def test_what_is_compared_is_what_is_sent(chat, server, context, asks):
    chat.configure(f'{chat.config.read_text()}[models."test/m"]\ncontext = 1000\n')
    server.always(openai_sse("ok", usage=None))
    for oldest in ("one", "two"):
        chat.ok("chat", "-n", oldest, f"{oldest} {'word ' * 500}")
        chat.ok("chat", "-S", oldest, f"short {'word ' * 200}")
    for oldest in ("one", "two"):
        chat.ok("chat", "-S", oldest, "--reuse", "--context", context, "the same")
    last = [request.json["messages"][-1]["content"] for request in server.requests]
    assert last.count("the same") == asks


def test_tools_and_what_is_not_an_age_are_refused(chat, server):
    chat.configure(
        chat.config.read_text() + '[tools.again]\ncommand = ["cat"]\ndescription = "x"\n'
    )
    done = chat("chat", "--reuse", "--tool", "again", "hi")
    assert (done.returncode, server.requests) == (2, [])
    done = chat("chat", "--reuse=5x", "hi")
    assert done.returncode == 2
    assert b"is not an age" in done.stderr


def test_a_profile_may_hold_it(asked, chat):
    chat.configure(chat.config.read_text() + '[profiles.ci]\nreuse = "7d"\n')
    assert asked("--profile", "ci", "hi") == ("reply 1", 1)
    assert asked("--profile", "ci", "hi") == ("reply 1", 1)


def test_without_it_nothing_of_it_is_read_or_written(asked, chat):
    asked("hi")
    with closing(sqlite3.connect(chat.database)) as db, db:
        assert db.execute("SELECT count(*) FROM request").fetchone() == (0,)
