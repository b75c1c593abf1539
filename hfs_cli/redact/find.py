"""Find keys and tokens in a text, and take them out of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple, TypeVar, cast

from hfs_cli.redact.families import FAMILIES, Family, is_example

JsonT = TypeVar("JsonT")
# Types of files without text; the content of others tells.
_NO_TEXT = ("image/", "audio/", "video/", "application/pdf", "application/zip")
# An excerpt shows the beginning that all keys of the family share, and of long keys so many
# characters of the end.
_SHOWN = 4
_LONG = 20
# No key is longer than a block of this many characters.
_LONGEST = 20_000


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

    Args:
        broken_off: The text is cut short, and may end in the middle of a key.
    """
    found = [finding for family in FAMILIES for finding in _of(family, text)]
    found.sort(key=lambda finding: (finding.start, -finding.end))
    apart: list[Finding] = []
    for finding in found:
        if not apart or finding.start >= apart[-1].end:
            apart.append(finding)
    if broken_off and not (apart and apart[-1].end == len(text)) and (last := _begun(text)):
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
    """A JSON value, however deep, with `redacted` strings and names."""
    whole: list[object] = [value]
    waiting: list[tuple[Any, Any]] = [(whole, 0)]
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
    return cast("JsonT", whole[0])


def text_in(data: bytes, media_type: str) -> str | None:
    """The content of a text file in UTF-8; None for any other file."""
    if media_type.startswith(_NO_TEXT) or b"\0" in data:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _of(family: Family, text: str) -> Iterator[Finding]:
    for word in family.words:
        at = text.find(word)
        while at >= 0:
            match = _match(family, text, at)
            if match and (finding := _finding(family, match)):
                yield finding
            at = text.find(word, max(at + 1, match.end() if match else 0))


def _match(family: Family, text: str, at: int) -> re.Match[str] | None:
    pattern = _compiled(family.pattern)
    for start in range(max(0, at - family.before), at + 1):
        # Not the key before this one, where two stand close to each other.
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


def _begun(text: str) -> Finding | None:
    """The key that a text breaks off in the middle of; of several, the one that most is known of.

    ``sk-or-v1-a81f…`` begins as three families do, and is OpenRouter's.
    """
    offset = max(0, len(text) - _LONGEST)
    best: tuple[int, int, Finding] | None = None
    for family in FAMILIES:
        match = _compiled(family.begun).search(text, offset)
        if match is None or is_example(match["begun"]):
            continue
        head = match.groupdict().get("head") or ""
        start = match.start("head") if head else match.start("begun")
        if best is None or (start, -len(head)) < best[:2]:
            best = start, -len(head), Finding(family.name, start, len(text), f"{head}…")
    return best[2] if best else None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
