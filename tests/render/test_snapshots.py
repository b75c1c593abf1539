"""What a person sees for ten replies, as pictures: look at them when one changes.

``HFS_TEST_UPDATE=1 pytest tests/render/test_snapshots.py`` draws them anew.
"""

import io
import os
from pathlib import Path

import pytest
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from hfs_cli.render.reply.page import Page
from hfs_cli.render.terminal import Terminal
from hfs_cli.sanitize import StreamSanitizer

FOLDER = Path(__file__).parent / "snapshots"
WIDTH = 76
# No fonts from elsewhere and no window around it: a small picture of the text alone.
_SVG = """<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace;
  font-size: {char_height}px; line-height: {line_height}px; white-space: pre;
}}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>{lines}</defs>
<rect width="100%" height="100%" rx="8" fill="#1c1f26"/>
<g transform="translate({terminal_x}, 20)" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""
_THEME = TerminalTheme(
    (0x1C, 0x1F, 0x26),
    (0xD8, 0xDC, 0xE4),
    [
        (0x1C, 0x1F, 0x26), (0xE0, 0x6C, 0x75), (0x98, 0xC3, 0x79), (0xE5, 0xC0, 0x7B),
        (0x61, 0xAF, 0xEF), (0xC6, 0x78, 0xDD), (0x56, 0xB6, 0xC2), (0xD8, 0xDC, 0xE4),
    ],
)  # fmt: skip


def picture(markdown: str, name: str) -> str:
    """The reply as an SVG, by Rich's own export."""
    page = Page(lambda: Terminal(True, True, True, WIDTH, 24))
    safe = StreamSanitizer()
    shown = page.last(safe.feed(markdown) + safe.flush())
    console = Console(
        record=True, file=io.StringIO(), width=WIDTH, force_terminal=True, color_system="standard"
    )
    for line in shown.removesuffix("\n").split("\n"):
        console.print(Text.from_ansi(line), soft_wrap=True)
    return console.export_svg(theme=_THEME, code_format=_SVG, unique_id=name, font_aspect_ratio=0.6)


@pytest.mark.parametrize("source", sorted(FOLDER.glob("*.md")), ids=lambda path: path.stem)
def test_a_reply_looks_as_it_did(source):
    drawn = picture(source.read_text(encoding="utf-8"), source.stem)
    kept = source.with_suffix(".svg")
    if os.environ.get("HFS_TEST_UPDATE"):
        kept.write_text(drawn, encoding="utf-8")
    assert drawn == kept.read_text(encoding="utf-8")


def test_there_are_ten_replies():
    assert len(list(FOLDER.glob("*.svg"))) == len(list(FOLDER.glob("*.md"))) == 10
