r"""The parser for Markdown as models write it.

CommonMark with tables, ~~strikethrough~~ and mathematics, which stays as it was written: no
``_`` or ``\(`` in TeX becomes Markdown. The marks of mathematics are those that models use:
``$x$``, ``$$x$$``, ``\(x\)`` and ``\[x\]``. A single dollar must not be followed (at the
beginning) or preceded (at the end) by a blank, nor followed by a digit at the end, so that prices
stay prices.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

_MAX_NESTING = 50
# Without a limit, a text of nothing but opening marks would be read over and over.
_LONGEST = 2000
_MATH = re.compile(
    rf"""
      \$\$ (?!\$) .{{1,{_LONGEST}}}? \$\$
    | \$ (?![\s$]) (?: [^$\n\\] | \\. ){{0,{_LONGEST}}}? (?<!\s) \$ (?!\d)
    | \\\( .{{1,{_LONGEST}}}? \\\)
    | \\\[ .{{1,{_LONGEST}}}? \\\]
    """,
    re.DOTALL | re.VERBOSE,
)


TASKS = {"[ ] ": "☐ ", "[x] ": "☑ ", "[X] ": "☑ "}
"""The marks of tasks in lists, and how they are shown."""


@cache
def parser(*, raw_html: bool = True) -> MarkdownIt:
    """The parser; mathematics has tokens of type ``math``.

    Args:
        raw_html: HTML and link definitions become tokens, so that their source can be shown.
            Otherwise HTML is text.
    """
    options = {"html": raw_html, "inline_definitions": raw_html, "maxNesting": _MAX_NESTING}
    md = MarkdownIt("commonmark", options).enable(["table", "strikethrough"])
    md.inline.ruler.before("escape", "math", _math)
    return md


def _math(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the plugin's signature
    if state.src[state.pos] not in "$\\":
        return False
    found = _MATH.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        state.push("math", "", 0).content = found[0]
    state.pos = found.end()
    return True


def is_cut_off(tokens: Sequence[Token]) -> bool:
    """Whether blocks are nested so deeply that the parser has left text out."""
    return max((token.level for token in tokens), default=0) >= _MAX_NESTING - 1


def parse_inline(tokens: Sequence[Token], references: dict[str, Any]) -> None:
    """Parse the inline content of block tokens, in order.

    A reference finds only definitions above it: those below had not come when it was shown.

    Args:
        tokens: The result is kept in each inline token; see `inline_tokens`.
        references: Link definitions so far; those among the tokens are added.
    """
    for token in tokens:
        if token.type == "definition":
            meta = token.meta
            link = {"title": meta["title"], "href": meta["url"]}
            references.setdefault(meta["id"], link)
        elif token.type == "inline":
            # Not as children: building the tree of blocks would recurse into them without limit.
            token.meta["inline"] = _inline(token.content, references)


def inline_tokens(token: Token | None) -> list[Token]:
    """The result of `parse_inline` for an inline token; empty for None."""
    found: list[Token] = token.meta["inline"] if token else []
    return found


def _inline(content: str, references: dict[str, Any]) -> list[Token]:
    children: list[Token] = []
    try:
        parser().inline.parse(content, parser(), {"references": references}, children)
    except RecursionError:
        # Images in images in images: nobody means that, and the source is shown.
        return [Token("text", "", 0, content=content)]
    return children
