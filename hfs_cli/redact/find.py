"""Find keys and tokens in a text, and remove them from it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple, TypeVar, cast

from hfs_cli.redact.checks import is_example
from hfs_cli.redact.families import FAMILIES, Family

JsonT = TypeVar("JsonT")
# Types of files without text; the content of others tells.
_NO_TEXT = ("image/", "audio/", "video/", "application/pdf", "application/zip")
# An excerpt shows the beginning that all keys of the family share, and of long keys so many
# characters of the end.
_SHOWN = 4
_LONG = 20
# No key is longer than a block of this many characters.
_LONGEST = 20_000
# The note after a tool's result that was cut, perhaps in the middle of a key; it is written by
# `hfs_cli.tools.tool.result_text`.
_CUT = "\n[cut here: "
_WORDS = frozenset(word for family in FAMILIES for word in family.words)
_CUT_HERE = re.compile(r"\n\[cut here: the first [0-9,]+ of [0-9,]+ bytes\]")


class Finding(NamedTuple):
    """A key in a text.

    Args:
        family: The name of its family: ``github-token``.
        start: Where it begins, in characters.
        end: Where it ends.
        excerpt: What may be shown of it: ``ghp_…3fX9``.
    """

    family: str
    start: int
    end: int
    excerpt: str


def find(text: str, *, broken_off: bool = False) -> list[Finding]:
    """The keys in a text, in order; of two that overlap, the one that begins first.

    In a tool's result that was cut, the part of a key before the cut is found too.

    Args:
        broken_off: The text is cut short, and may end in the middle of a key.
    """
    if _CUT not in text:
        return _find(text, broken_off=broken_off)
    # "… ghp_a81f\n[cut here: …" is searched as "… ghp_a81f", which breaks off, and as the rest.
    cuts = [match.start() for match in _CUT_HERE.finditer(text)]
    return [
        key._replace(start=key.start + start, end=key.end + start)
        for start, end in itertools.pairwise((0, *cuts, len(text)))
        for key in _find(text[start:end], broken_off=broken_off or end < len(text))
    ]


def _find(text: str, *, broken_off: bool) -> list[Finding]:
    # Most texts hold none of them, and the look for each is what takes the time.
    there = {word for word in _WORDS if word in text}
    found: list[Finding] = []
    for family in FAMILIES if there else ():
        if not there.isdisjoint(family.words):
            found += _of(family, text)
    found.sort(key=lambda finding: (finding.start, -finding.end))
    apart: list[Finding] = []
    for finding in found:
        if not apart or finding.start >= apart[-1].end:
            apart.append(finding)
    if broken_off and not (apart and apart[-1].end == len(text)) and (last := _unfinished(text)):
        while apart and apart[-1].start >= last.start:
            apart.pop()
        if apart and apart[-1].end > last.start:
            last = apart.pop()._replace(end=last.end)
        apart.append(last)
    return apart


def redacted(text: str, found: list[Finding] | None = None, *, broken_off: bool = False) -> str:
    """A text with each key replaced by ``[redacted FAMILY]``.

    Args:
        found: What `find` found in the text, if that is known.
        broken_off: See `find`.
    """
    pieces, end = [], 0
    for finding in find(text, broken_off=broken_off) if found is None else found:
        pieces += [text[end : finding.start], f"[redacted {finding.family}]"]
        end = finding.end
    return "".join((*pieces, text[end:])) if pieces else text


def strings(value: object) -> Iterator[str]:
    """The strings in a JSON value of any depth, and the names of its members."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text:
                yield text
            case list() | tuple() as items:
                waiting += reversed(items)
            case Mapping() as members:
                for name, item in reversed([*members.items()]):
                    waiting += (item, name)


def redacted_value(value: JsonT) -> JsonT:
    """A JSON value of any depth, with `redacted` strings and names."""
    root: list[object] = [value]
    waiting: list[tuple[Any, Any]] = [(root, 0)]
    while waiting:
        holder, place = waiting.pop()
        match holder[place]:
            case str() as text:
                holder[place] = redacted(text)
            case list() | tuple() as items:
                holder[place] = [*items]
                waiting += ((holder[place], number) for number in range(len(items)))
            case Mapping() as members:
                holder[place] = {redacted(name): item for name, item in members.items()}
                waiting += ((holder[place], name) for name in holder[place])
    return cast("JsonT", root[0])


def text_in(data: bytes, media_type: str) -> str | None:
    """The content of a text file in UTF-8; None for any other file."""
    if media_type.startswith(_NO_TEXT) or b"\0" in data:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _of(family: Family, text: str) -> Iterator[Finding]:
    pattern = _compiled(family.pattern)
    for word in family.words:
        at = text.find(word)
        while at >= 0:
            match = _match(pattern, family.before, text, at)
            if match and (finding := _finding(family, match)):
                yield finding
            at = text.find(word, max(at + 1, match.end() if match else 0))


def _match(pattern: re.Pattern[str], before: int, text: str, at: int) -> re.Match[str] | None:
    for start in range(max(0, at - before), at + 1):
        # A match that ends before the word is another key close by.
        if (match := pattern.match(text, start)) and match.end() > at:
            return match
    return None


def _finding(family: Family, match: re.Match[str]) -> Finding | None:
    groups = match.groupdict()
    secret = groups.get("secret")
    head = (groups.get("head") or "") if secret is None else ""
    start, end = match.span("secret" if secret is not None else 0)
    body = match.string[start + len(head) : end]
    if not family.is_real(body):
        return None
    is_block = head.startswith("-----")
    tail = body[-_SHOWN:] if len(body) >= _LONG and not is_block else ""
    return Finding(family.name, start, end, f"{head}…{tail}")


def _unfinished(text: str) -> Finding | None:
    """The key in the middle of which a text breaks off; the family with the longest head counts.

    ``sk-or-v1-a81f…`` matches three families, and is OpenRouter's.
    """
    offset = max(0, len(text) - _LONGEST)
    best: tuple[int, int, Finding] | None = None
    # To compile a pattern takes longer than the look at hundreds of texts.
    end = text[offset:]
    lower = end.lower()
    for family in FAMILIES:
        if not any(start in end or start in lower for start in family.starts or family.words):
            continue
        match = _compiled(family.start_pattern).search(text, offset)
        while match and is_example(match["start"]):
            # hf_token=hf_a81f…: the name beside a key may begin like the key.
            match = match.re.search(text, match.start() + 1)
        if match is None:
            continue
        head = match.groupdict().get("head") or ""
        start = match.start("head") if head else match.start("start")
        if best is None or (start, -len(head)) < best[:2]:
            best = start, -len(head), Finding(family.name, start, len(text), f"{head}…")
    return best[2] if best else None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
