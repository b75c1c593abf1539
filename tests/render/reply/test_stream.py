"""Markdown on a terminal: streamed, the final screen is that of the whole text."""

import json

import pytest

from tests.render.terminals import TURN, run_in_terminal

REPLY = """# Title

Some **bold** and `code` with [a link](http://x.y/z) and more words than fit on one line of it.

1. one
2. two

   more
   - [x] done
3. three

```python
def f(x):
    return x + 1  # a line of code that is longer than the window is wide, and stays one line
```

| a | b |
|---|--:|
| x | 1 |

> quoted

the end"""


def turn(pieces, **options):
    events = [("text", piece) for piece in pieces]
    return json.dumps({"events": events, "options": {"quiet": True, **options}})


@pytest.mark.parametrize("columns", [20, 40, 300])
def test_streamed_equals_whole(columns):
    pieces = [REPLY[i : i + 3] for i in range(0, len(REPLY), 3)]
    events = [event for piece in pieces for event in (("text", piece), ("wait", 0.002))]
    argument = json.dumps({"events": events, "options": {"quiet": True}})
    streamed = run_in_terminal(TURN, argument, columns=columns, rows=10)
    whole = run_in_terminal(TURN, turn([REPLY], stream=False), columns=columns, rows=10)
    assert streamed.lines == whole.lines
    assert "    return x + 1  #" in "".join(whole.lines)


def test_all_sequences_are_shown_escaped():
    seen = run_in_terminal(TURN, turn(["a\x1b", "[2Jb &#x202e; `\x9b` [bold]x[/bold]"]))
    assert "\x1b[2J" not in seen.raw.decode()
    assert seen.lines == [r"a\x1b[2Jb \u202e \x9b [bold]x[/bold]"]
