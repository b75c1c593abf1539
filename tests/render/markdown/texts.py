"""Markdown to try things on: the CommonMark examples, generated text, and how it is shown."""

import itertools
import os
import re
from pathlib import Path

import pytest
from hypothesis import strategies as st
from rich.text import Text

from hfs_cli.markdown.blocks import Splitter
from hfs_cli.render.markdown.layout import Layout
from hfs_cli.render.terminal import Terminal, console

COLOR = Terminal(tty=True, moves=True, color=True, width=60, height=24)
PLAIN = Terminal(tty=True, moves=True, color=False, width=60, height=24)


def shown(*pieces, width=60, look=COLOR, peek=False) -> list[Text]:
    """The lines that come out when the text comes in these pieces."""
    splitter, layout = Splitter(), Layout(console(look), color=look.color)
    lines = []
    for piece in pieces:
        splitter.feed(piece)
        lines += layout.lines(splitter.finished(), width)
        if peek:
            list(layout.copy().lines(splitter.rest(), width))
    return [*lines, *layout.lines(splitter.end(), width)]


def plain(*pieces, **settings) -> list[str]:
    return [line.plain for line in shown(*pieces, **settings)]


def commonmark_examples() -> list[tuple[str, str]]:
    """Markdown and HTML of each example in CommonMark's spec.txt.

    The specification has a licence of its own (CC-BY-SA), so it is not kept here: fetch it
    with ``npm pack commonmark-spec@0.31.2`` and name its spec.txt in HFS_TEST_COMMONMARK.
    """
    path = os.environ.get("HFS_TEST_COMMONMARK")
    if not path:
        pytest.skip("HFS_TEST_COMMONMARK does not name CommonMark's spec.txt")
    text = Path(path).read_text(encoding="utf-8").replace("→", "\t")
    fence = "`" * 32
    found = re.findall(
        rf"^{fence} example\n(.*?)^\.\n(.*?)^{fence}$", text, re.MULTILINE | re.DOTALL
    )
    assert len(found) > 600
    return found


# Lines that begin, continue and end every kind of block, and text that does neither.
_LINES = [
    "",
    "",
    "",
    " ",
    "text",
    "more *text*",
    "**",
    "`",
    "# head",
    "===",
    "---",
    "- - -",
    "- a",
    "* b",
    "  - c",
    "+",
    "1. x",
    "2. y",
    "10) z",
    "   para",
    "    code",
    "\tcode",
    "> q",
    "> > r",
    ">",
    "> - s",
    "- > t",
    "```",
    "```py",
    "~~~~",
    "~~~",
    "  ```",
    "x = '''",
    "'''",
    "| a | b |",
    "|---|:-:|",
    "| c | d |",
    "a | b",
    "[r]: /u",
    '[s]: /v "t',
    '"title"',
    'more title"',
    "[r] [s]",
    "<div>",
    "</div>",
    "<!-- c",
    "-->",
    "<b>i</b>",
    "- [ ] do",
    "- [x] done",
    "$x_1$ \\(y\\)",
    "\\",
    "a  ",
    "长字 é",
    "![i](/p)",
    "http://x.y",
    "&amp; &#x202e;",
]

documents = st.lists(
    st.sampled_from(_LINES) | st.text("ab *_`[]()!<>#-+|\\\n\t&;:~=$1.", max_size=12), max_size=14
).map("\n".join)


@st.composite
def documents_in_pieces(draw):
    """A text and the pieces that it may come in."""
    text = draw(documents)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=10)))
    bounds = [0, *cuts, len(text)]
    return text, [text[a:b] for a, b in itertools.pairwise(bounds)]
