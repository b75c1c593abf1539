"""What a person sees while a reply streams, in a terminal emulator."""

import re
from dataclasses import replace

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfs_cli.render.reply.page import Page
from hfs_cli.render.terminal import Terminal
from tests.render.markdown.texts import documents_in_pieces

REPLY = """# Title

Some **bold** words, `code` and [a link](http://x.y/z), more than fit on one line of it.

1. one
2. two

   - [x] nested

| a | b |
|---|--:|
| x | 1 |

> quoted
> twice

```python
def f(x):
    return x + 1
```

""" + "\n\n".join(f"paragraph {n} that goes on for a while" for n in range(12))


class Emulated:
    """A terminal in memory that a page writes to; every newline returns the carriage."""

    def __init__(self, columns, rows, *, reflows=False):
        self.look = Terminal(True, True, True, columns, rows, reflows)
        self.screen = pyte.HistoryScreen(columns, rows, history=10_000)
        self.screen.set_mode(pyte.modes.LNM)
        self.stream = pyte.Stream(self.screen)
        self.written = []

    def write(self, text):
        self.written.append(text)
        self.stream.feed(text)

    def resize(self, columns, rows=None):
        self.look = replace(self.look, width=columns, height=rows or self.look.height)
        self.screen.resize(rows or self.look.height, columns)

    def lines(self):
        columns = range(self.screen.columns)
        above = ["".join(line[x].data for x in columns) for line in self.screen.history.top]
        lines = [line.rstrip() for line in (*above, *self.screen.display)]
        while lines and not lines[-1]:
            lines.pop()
        return lines


def stream(terminal, pieces):
    page = Page(lambda: terminal.look)
    for piece in pieces:
        terminal.write(page.frame(piece))
    terminal.write(page.last(""))
    return terminal.lines()


def at_once(columns, rows, text):
    terminal = Emulated(columns, rows)
    terminal.write(Page(lambda: terminal.look).last(text))
    return terminal.lines()


@pytest.mark.parametrize("columns", [20, 33, 80, 300])
@pytest.mark.parametrize("rows", [3, 10, 60])
def test_the_final_screen_and_scrollback_are_those_of_the_whole(columns, rows):
    pieces = [REPLY[i : i + 5] for i in range(0, len(REPLY), 5)]
    assert stream(Emulated(columns, rows), pieces) == at_once(columns, rows, REPLY)


@settings(max_examples=60)
@given(documents_in_pieces(), st.integers(2, 40), st.integers(2, 12))
def test_any_text_on_any_screen(case, columns, rows):
    text, pieces = case
    # The emulator cuts tabs and wide characters at the edge in its own way.
    text, pieces = (re.sub(r"[^\n -~]", "?", text), [re.sub(r"[^\n -~]", "?", p) for p in pieces])
    assert stream(Emulated(columns, rows), pieces) == at_once(columns, rows, text)


def test_a_paragraph_taller_than_the_screen_is_in_the_scrollback_once():
    words = [f"word{n:04} " for n in range(400)]
    seen = " ".join(stream(Emulated(30, 5), words)).split()
    assert seen == [word.strip() for word in words]


def test_a_fence_taller_than_the_screen_streams_into_the_scrollback():
    terminal = Emulated(30, 5)
    page = Page(lambda: terminal.look)
    terminal.write(page.frame("```\n" + "".join(f"line {n}\n" for n in range(100))))
    assert sum(line.startswith("line") for line in terminal.lines()) > 90


@pytest.mark.parametrize("columns", [25, 60])
def test_a_window_that_changes_its_width_keeps_every_word_once(columns):
    words = [f"word{n:03} " for n in range(40)]
    terminal = Emulated(40, 30)
    page = Page(lambda: terminal.look)
    for n, word in enumerate(words):
        if n == 20:
            terminal.resize(columns)
        terminal.write(page.frame(word))
    terminal.write(page.last(""))
    assert " ".join(terminal.lines()).split() == [word.strip() for word in words]


def test_rows_that_a_terminal_has_wrapped_are_counted():
    terminal = Emulated(40, 30, reflows=True)
    page = Page(lambda: terminal.look)
    page.frame("x" * 40 + " y")
    terminal.look = replace(terminal.look, width=15)
    assert page.frame("z").startswith("\x1b[?2026h\x1b[4A")


def test_rows_that_stay_the_same_are_not_touched():
    terminal = Emulated(20, 30)
    page = Page(lambda: terminal.look)
    page.frame("first line\nsecond line\nthird")
    assert page.frame(" line") == "\x1b[?2026h\x1b[1A\r\x1b[Jthird line\n\x1b[?2026l"


def test_a_line_of_code_wider_than_the_window_is_cut_only_while_it_is_open():
    terminal = Emulated(20, 30)
    page = Page(lambda: terminal.look)
    terminal.write(page.frame("```\n" + "x" * 50))
    assert terminal.lines() == ["```", "x" * 19 + "…"]
    terminal.write(page.last("\n```\n"))
    assert terminal.lines() == ["```", "x" * 20, "x" * 20, "x" * 10, "```"]


def test_a_terminal_that_cannot_move_gets_finished_blocks_only():
    page = Page(lambda: Terminal(True, False, False, 40, 10))
    assert page.frame("one\n\ntwo") == ""
    assert page.frame("\n\nthree") == "one\n"
    assert page.last("") == "\ntwo\n\nthree\n"
