r"""Mathematics stays as it was written: no ``_`` or ``\(`` of TeX becomes Markdown.

The marks are those that models use: ``$x$``, ``$$x$$``, ``\(x\)`` and ``\[x\]``. A single
dollar opens only before and closes only after a character that is no blank, and a digit
may not follow, so that prices stay prices.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

# The limit keeps a text of nothing but opening marks from being read over and over.
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


def math(md: MarkdownIt) -> None:
    """Add the rule to a parser; it makes tokens of type ``math``."""
    md.inline.ruler.before("escape", "math", _rule)


def _rule(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the plugin's signature
    if state.src[state.pos] not in "$\\":
        return False
    found = _MATH.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        state.push("math", "", 0).content = found[0]
    state.pos = found.end()
    return True
