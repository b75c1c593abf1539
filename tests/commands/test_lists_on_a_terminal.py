"""Search, statistics, trees and checkpoints as a person sees them, also in a narrow window."""

import re

import pytest

from hfs_cli.store.store import SessionStore
from tests.redact.keys import Keys
from tests.scripted_server import openai_sse


@pytest.fixture
def kept(chat):
    """Two sessions, the older one with a branch, a fork and a checkpoint."""
    chat.keep("release notes", "what changed in the log", "the write-ahead log", "more", "no more")
    chat.keep("pipes", "what is a pipe", "two ends of a buffer")
    with SessionStore(chat.database) as store:
        store.create_checkpoint(1, "first draft")
        store.fork(1, at=2, name="in French")
        store.rewind(1, "2")
    return chat


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize(
    ("args", "shown"),
    [
        (("sessions", "search", "log"), ("1·1", "1·2", "write-ahead log")),
        (("sessions", "stats"), ("TURNS",)),
        (("sessions", "stats", "--by", "session"), ("release", "pipes")),
        (("sessions", "tree", "release notes"), ("release notes", "in French")),
        (("checkpoints", "list", "release notes"), ("◆", "first draft")),
        (("sessions", "list"), ("pipes", "in French")),
    ],
)
def test_a_list_fits_its_window_and_shows_what_it_is_about(on_terminal, kept, args, shown, columns):
    seen = on_terminal(*args, columns=columns)
    text = "\n".join(seen.lines)
    assert seen.code == 0, text
    assert max(map(len, seen.lines)) <= columns
    for word in shown:
        assert word in text, text
    # On a terminal there are headings or marks, never the pipe's tabs.
    assert b"\t" not in seen.raw


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (("sessions", "list", "--all"), "● current   ◐ last reply partial"),
        (("sessions", "tree", "release notes"), "├─ 3  in French  2 messages"),
        (("checkpoints", "list", "notes, first"), 'main  ◆  "the first draft" at 2'),
    ],
)
def test_a_narrow_window_leaves_out_what_would_be_cut(on_terminal, kept, server, args, line):
    kept.keep("notes, first", "?", "!")
    kept.ok("checkpoints", "create", "notes, first", "--label", "the first draft")
    server.reply(openai_sse("cut", finish=None, done=False))
    kept("chat", "-n", "broken", "hi")
    server.reply(status=404)
    kept("chat", "-n", "never", "hi")
    shown = on_terminal(*args, columns=40).lines
    assert line in shown, shown
    assert "list" in args[:2] or not any("…" in row for row in shown)


def test_names_of_sessions_end_with_a_word_beside_the_bars(on_terminal, chat, server):
    server.reply(openai_sse("A log."))
    chat.ok("chat", "Explain the write-ahead log to me in short words")
    seen = on_terminal("sessions", "stats", "--by", "session", columns=80)
    assert any(row.startswith("Explain the write-ahead log to... ") for row in seen.lines)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("models", "list", "test", "nosuch"), "no model has test and nosuch in its name"),
        (("tools", "list"), "no tools yet: [tools.NAME] or [mcp.NAME] in "),
        (("db", "vacuum"), "given back to the disk: "),
        (("sessions", "search", "nosuch"), "nothing"),
        (("sessions", "redact"), "no keys found in any session"),
        (("sessions", "redact", "--yes"), "no keys found in any session"),
        (("sessions", "redact", "1"), "no keys found in session 1"),
    ],
)
def test_where_there_is_nothing_a_person_is_told_so(on_terminal, kept, server, args, said):
    server.always({"data": [{"id": "m"}]})
    seen = on_terminal(*args)
    assert (seen.code, said in "\n".join(seen.lines)) == (0, True), seen.lines


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("sessions", "fork", "pipes"), "begins with 2 messages of"),
        (("sessions", "undo", "pipes"), "set aside: 2 messages of session 2 · pipes — as session"),
        (("sessions", "rewind", "pipes", "--to", "1"), "set aside: 1 message of session 2"),
        (("checkpoints", "create", "pipes"), 'checkpoint "c1": session 2, after message 2'),
    ],
)
def test_what_was_made_is_said_in_words_to_a_person_and_as_an_id_in_a_pipe(
    on_terminal, kept, args, said
):
    seen = on_terminal(*args, columns=200)
    assert seen.code == 0
    assert said in seen.lines[0]
    assert len(seen.lines) == 1
    made = kept.ok(*args[:2], "release notes", *args[3:]).strip()
    assert made.isdigit() or made == "c1"


def test_a_pager_that_is_not_there_is_told_in_our_words(on_terminal, kept):
    kept.keep("long", "say much", "\n\n".join(f"line {n}" for n in range(60)))
    seen = on_terminal("sessions", "show", "long", env={"HFS_PAGER": "nosuchpager -x"})
    assert seen.code == 0
    text = "\n".join(seen.lines)
    assert "hfs: warning: no program nosuchpager to show it with" in text
    assert "not found" not in text
    assert "line 59" in text


def test_prices_have_all_their_digits_and_stand_at_their_points(on_terminal, chat, server):
    server.always({"data": [{"id": name} for name in "abc"]})
    prices = {"a": (0.075, 0.3), "b": (10, 0.01875)}
    with chat.config.open("a") as file:
        for name, (coming, going) in prices.items():
            file.write(f'[models."test/{name}"]\ninput_price = {coming}\noutput_price = {going}\n')
    lines = on_terminal("models", "list", "test").lines
    assert lines[:4] == [
        "MODEL       IN      OUT",
        "test/a   0.075  0.30",
        "test/b  10.00   0.01875",
        "test/c",
    ]


@pytest.mark.parametrize("columns", [30, 40, 50, 80])
def test_the_time_of_a_message_is_never_cut_in_two(on_terminal, chat, columns):
    chat.keep("notes", "hi", "hello", model="openai/gpt-6-luna")
    lines = on_terminal("sessions", "show", "notes", columns=columns).lines
    times = [line for line in lines if re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d$", line)]
    assert len(times) == 2, lines


@pytest.mark.parametrize("columns", [40, 80])
def test_what_terminals_draw_in_different_widths_breaks_no_line(on_terminal, chat, columns):
    family, vowels = "\U0001f469\u200d\U0001f469\u200d\U0001f467", "\u0928\u092e\u0915\u093e"
    for name in (f"{family} {family} at home", f"{vowels * 9} and on", "plain"):
        chat.keep(name, f"walrus {name} " * 4, "yes")
    seen = on_terminal("sessions", "list", columns=columns)
    assert len(seen.lines) == 5, seen.lines  # with the heading and the marks
    # The next column begins where it does in other rows, whatever was drawn before it.
    place = seen.lines[0].index("MODEL") + 1
    assert seen.raw.count(f"\x1b[{place}G".encode()) == 2
    seen = on_terminal("sessions", "search", "walrus", columns=columns)
    assert len(seen.lines) == 3, seen.lines


def test_where_there_is_no_key_a_person_is_told_how_to_keep_one(on_terminal, hfs):
    seen = on_terminal("keys", "list", env={"TEST_KEY": ""})
    assert (seen.code, seen.lines) == (
        0,
        ["no keys yet: hfs keys set PROVIDER keeps one (hfs help models)"],
    )
    assert hfs.ok("keys", "list", env={"TEST_KEY": ""}) == ""


def test_in_a_wide_window_the_times_stand_beside_what_was_found(on_terminal, kept):
    seen = on_terminal("sessions", "search", "log", columns=200)
    assert max(map(len, seen.lines)) < 80, seen.lines


def test_words_that_were_found_are_marked_for_a_person_alone(on_terminal, kept):
    marked = on_terminal("sessions", "search", "log").raw
    assert b"\x1b[" in marked
    assert b"\x1b[" not in kept("sessions", "search", "log").stdout
    assert b"\x1b[" not in on_terminal("sessions", "search", "log", env={"NO_COLOR": "1"}).raw


def test_keys_that_were_found_stand_in_a_table(on_terminal, hfs):
    key = Keys().checked("ghp_")
    hfs.keep("a", f"use {key}", "ok")
    seen = on_terminal("sessions", "redact")
    assert seen.lines[0].split() == ["WHERE", "IN", "KIND", "EXCERPT", "SESSION"]
    assert seen.lines[1].split() == ["1·1", "text", "github-token", f"ghp_…{key[-4:]}", "a"]
    assert "1 key found, in every session: --yes replaces them" in seen.lines[-1]
