"""Split a growing Markdown text into blocks that later text cannot change.

CommonMark is parsed line by line: a block that is followed by a sibling is closed for good
(https://spec.commonmark.org/0.31.2/#phase-1-block-structure). So every block but the last one
is final. When more text comes, it is parsed together with the last block; only the link
definitions so far and the position in a list carry over. A block's layout depends on its own
text and on text before it, never on text after it, so the blocks are the same however the
text is cut into pieces.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from markdown_it.token import Token

from hfs_cli.markdown.fences import CodeLines, Fence, FenceLine
from hfs_cli.markdown.parser import is_cut_off, parse_inline, parser


@dataclass(frozen=True, slots=True)
class Block:
    """A top-level block, or one item of a top-level list.

    Args:
        tokens: Its markdown-it tokens, inline content included.
        source: The lines that the tokens' maps refer to.
        gap: Whether a blank line comes before it.
    """

    tokens: tuple[Token, ...]
    source: Sequence[str]
    gap: bool


Unit = Block | FenceLine | CodeLines


@dataclass(frozen=True, slots=True)
class _Piece:
    """A block or a list item that may not be final yet."""

    tokens: tuple[Token, ...]
    start: int
    stop: int
    gap: bool
    number: int | None = None

    @property
    def kind(self) -> str:
        return self.tokens[0].type


@dataclass(frozen=True, slots=True)
class _Place:
    """What has to be known of the text before the part that is not final.

    Args:
        first: There is none.
        item: The number of the list item that the part begins with, or None.
        item_gap: That item comes after a blank line.
    """

    first: bool = True
    item: int | None = None
    item_gap: bool = False


@dataclass
class Splitter:
    """Takes text in pieces of any size, and returns finished blocks."""

    _pieces: list[str] = field(default_factory=list)
    _fence: Fence | None = None
    _place: _Place = _Place()
    _references: dict[str, Any] = field(default_factory=dict)

    def feed(self, text: str) -> None:
        """Add a piece; it is not parsed yet."""
        self._pieces.append(text)

    def finished(self) -> list[Unit]:
        """The blocks that were completed since the last call."""
        return list(self._cut(end=False))

    def end(self) -> list[Unit]:
        """The remaining blocks, at the end of the text."""
        return list(self._cut(end=True))

    def rest(self) -> list[Unit]:
        """The blocks that `end` would return now, without changing anything."""
        fence = self._fence and replace(self._fence, pending=list(self._fence.pending))
        return Splitter(list(self._pieces), fence, self._place, dict(self._references)).end()

    def _cut(self, *, end: bool) -> Iterator[Unit]:
        text = "".join(self._pieces)
        if self._fence:
            units, text, closed = self._fence.take(text, end=end)
            self._fence = None if closed else self._fence
            yield from units
        self._pieces = [text] if text else []
        if not self._fence:
            yield from self._blocks(text, end=end)

    def _blocks(self, text: str, *, end: bool) -> Iterator[Unit]:
        """Yield the final blocks of `text`, and keep the rest."""
        # A line that has not ended may still change: "**a" may become "**a**", "==" a heading.
        lines = text if end else text[: text.rfind("\n") + 1]
        partial = text[len(lines) :]
        source = lines.split("\n")
        tokens: list[Token] = []
        parser().block.parse(lines, parser(), {}, tokens)
        pieces = list(_pieces_of(tokens, source, self._place))
        kept = len(pieces) if end else _final(pieces, source)
        # The rest is kept as text and parsed again with what follows, so that no state of the
        # parser has to be kept.
        for piece in pieces[:kept]:
            self._place = _Place(first=False)
            if piece.kind == "fence":
                partial = yield from self._fenced(piece, source, partial, end=end)
            else:
                block = piece.tokens
                if is_cut_off(block):  # nested too deeply to be parsed: show its source
                    content = "\n".join(source[piece.start : piece.stop])
                    place = [piece.start, piece.stop]
                    block = (Token("html_block", "", 0, content=content, map=place),)
                parse_inline(block, self._references)
                yield Block(block, source, piece.gap)
        if kept < len(pieces):
            rest = pieces[kept]
            if kept:
                self._place = _Place(first=False, item=rest.number, item_gap=rest.gap)
            partial = "\n".join(source[rest.start :]) + partial
        self._pieces = [partial] if partial else []

    def _fenced(
        self, piece: _Piece, source: Sequence[str], partial: str, *, end: bool
    ) -> Generator[Unit, None, str]:
        """Yield a fence, which may stay open; returns the text that was not used."""
        token, opening = piece.tokens[0], source[piece.start]
        words = token.info.split(maxsplit=1)
        yield FenceLine(opening.strip(), words[0] if words else "", piece.gap)
        fence = Fence(token.markup, len(opening) - len(opening.lstrip(" ")))
        closed = piece.stop - piece.start > 1 and fence.closes(source[piece.stop - 1])
        if closed:
            units, _, _ = fence.take(
                "\n".join([*source[piece.start + 1 : piece.stop], ""]), end=end
            )
        else:
            units, partial, _ = fence.take("\n".join(source[piece.start + 1 :]) + partial, end=end)
            self._fence = None if end else fence
        yield from units
        return partial


def _pieces_of(tokens: Sequence[Token], source: Sequence[str], place: _Place) -> Iterator[_Piece]:
    """The top-level blocks of a text, with lists divided into items."""
    for index, (start, stop) in enumerate(_spans(tokens, 0, len(tokens), 0)):
        opening, first = tokens[start], index == 0
        assert opening.map
        gap = not (first and place.first)
        if opening.type not in {"bullet_list_open", "ordered_list_open"}:
            yield _Piece(tuple(tokens[start:stop]), opening.map[0], opening.map[1], gap)
            continue
        number = int(opening.attrs.get("start", 1))
        if first and place.item is not None:
            number, gap = place.item, place.item_gap
        for nth, (a, b) in enumerate(_spans(tokens, start + 1, stop - 1, 1)):
            lines = tokens[a].map
            assert lines
            head = opening.copy(attrs={"start": number + nth})
            item = (head, *tokens[a:b], tokens[stop - 1])
            after_blank = not source[lines[0] - 1].strip() if nth else gap
            yield _Piece(item, lines[0], lines[1], after_blank, number + nth)


def _spans(tokens: Sequence[Token], start: int, stop: int, level: int) -> Iterator[tuple[int, int]]:
    """The first token of each block of a level, and the one after its last."""
    begin = start
    for index in range(start, stop):
        if tokens[index].level == level and tokens[index].nesting <= 0:
            yield begin, index + 1
            begin = index + 1


def _final(pieces: Sequence[_Piece], source: Sequence[str]) -> int:
    """How many pieces can no longer change when more lines come.

    The last one can, unless it is a fence, whose lines are final one by one. So can a link
    definition, until a blank line ends its paragraph: the next line may be its title.
    """
    # "para\n\n- a\n- b\n": the paragraph and the item a are final, because something follows them.
    # The item b is not: "  more" may follow and belong to it.
    kept = len(pieces)
    if pieces and pieces[-1].kind != "fence":
        kept -= 1
    while kept and kept < len(pieces) and pieces[kept - 1].kind == "definition":
        if not source[pieces[kept].start - 1].strip():
            break
        kept -= 1
    return kept
