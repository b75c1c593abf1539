"""How long it takes to show a reply: ``python -m tests.benchmarks.output``.

CPU seconds of this process. The terminal is redrawn for every 100 characters, as when 800
tokens a second come; beside it, the obvious way, Rich's `Live` around Rich's `Markdown`.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time

from rich.console import Console
from rich.live import Live
from rich.markdown import Markdown

from hfs_cli.render.reply.page import Page
from hfs_cli.render.terminal import Terminal

_STEP = 100
_NAIVE_LIMIT = 25_000
_SAMPLE = """## Heading

A paragraph with **bold**, *italic*, `code` and [a link](https://example.com/a/b), that runs on
over a few lines, as the paragraphs of replies do, until it has said what it had to say.

1. one item
2. another item
   - nested, with `code`

```python
def connect(path: str) -> Connection:
    \"\"\"Open the database.\"\"\"
    return Connection(path, timeout=30)  # seconds
```

| name | value |
|------|------:|
| a    |     1 |

> quoted

"""
_TO_A_PIPE = """
from hfs_cli.messages import Opened, Outcome, Reply
from hfs_cli.render.reply.choose import View, make_renderer
import time
renderer = make_renderer(View())
start = time.process_time()
renderer.opened(Opened(None, None, (), None))
for _ in range(200_000):
    renderer.text(" tok")
renderer.close(Outcome(None, None, Reply("", "m")))
import sys
print(time.process_time() - start, file=sys.stderr)
"""


def reply(size: int) -> str:
    """Markdown of `size` characters."""
    return (_SAMPLE * (size // len(_SAMPLE) + 1))[:size]


def incremental(text: str) -> float:
    """CPU seconds to stream `text` as hfs does."""
    page = Page(lambda: Terminal(True, True, True, 80, 24))
    start = time.process_time()
    for index in range(0, len(text), _STEP):
        page.frame(text[index : index + _STEP])
    page.last("")
    return time.process_time() - start


def naive(text: str) -> float:
    """CPU seconds to stream `text` by drawing all of it again."""
    console = Console(file=io.StringIO(), force_terminal=True, width=80, height=24)
    start = time.process_time()
    with Live(console=console, auto_refresh=False, vertical_overflow="visible") as live:
        for index in range(_STEP, len(text) + _STEP, _STEP):
            live.update(Markdown(text[:index]), refresh=True)
    return time.process_time() - start


def to_a_pipe() -> float:
    """CPU seconds for 200,000 pieces, each written at once, to a pipe that is read."""
    done = subprocess.run(
        [sys.executable, "-c", _TO_A_PIPE],
        capture_output=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert len(done.stdout) == 800_001
    return float(done.stderr)


def main() -> None:
    """Print the tables."""
    incremental(reply(1000))  # loads what is loaded once
    print("characters   hfs CPU s   Live(Markdown) CPU s")
    for size in (10_000, 25_000, 100_000, 250_000, 1_000_000):
        text = reply(size)
        beside = f"{naive(text):10.2f}" if size <= _NAIVE_LIMIT else "  not run: quadratic"
        print(f"{size:10,}   {incremental(text):9.2f}   {beside}")
    print(f"200,000 tokens to a pipe: {to_a_pipe():.2f} CPU s")


if __name__ == "__main__":
    main()
