"""Search, statistics, trees and checkpoints as a person sees them, also in a narrow window."""

import pytest


@pytest.fixture
def kept(chat):
    """Two sessions, the older one with a branch, a fork and a checkpoint."""
    chat.keep("release notes", "what changed in the log", "the write-ahead log", "more", "no more")
    chat.keep("pipes", "what is a pipe", "two ends of a buffer")
    chat.ok("checkpoints", "create", "release notes", "--label", "first draft")
    chat.ok("sessions", "fork", "release notes", "--at", "2", "--name", "in French")
    chat.ok("sessions", "rewind", "release notes", "--to", "2")
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


def test_words_that_were_found_are_marked_for_a_person_alone(on_terminal, kept):
    marked = on_terminal("sessions", "search", "log").raw
    assert b"\x1b[" in marked
    assert b"\x1b[" not in kept("sessions", "search", "log").stdout
    assert b"\x1b[" not in on_terminal("sessions", "search", "log", env={"NO_COLOR": "1"}).raw
