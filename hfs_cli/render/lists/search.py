"""Show search results: to a person, in a pipe, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from hfs_cli.conversations import SearchHit
from hfs_cli.moments import age, iso
from hfs_cli.naming import first_words
from hfs_cli.render.json_shapes import hit_json, print_json
from hfs_cli.render.lists.cells import cut, is_doubtful, most_cells, placed
from hfs_cli.render.lists.table import write_rows
from hfs_cli.render.output import Output
from hfs_cli.render.terminal import Terminal, console, stdout
from hfs_cli.sanitize import sanitize_line

if TYPE_CHECKING:
    from rich.text import Text

_MIN_SNIPPET = 20


def show_hits(
    hits: Sequence[SearchHit], *, now: datetime, as_json: bool = False, owners: bool = False
) -> None:
    """Show what was found, in a form that suits standard output.

    Args:
        hits: The best first.
        now: The present, for "2 h ago".
        as_json: Print a JSON array instead.
        owners: Show the owner of each session.
    """
    if as_json:
        print_json([hit_json(hit) for hit in hits])
    elif stdout().tty:
        _print(hits, now, stdout(), owners=owners)
    else:
        write_rows([(*_cells(hit), *((hit.owner,) if owners else ())) for hit in hits])


def _cells(hit: SearchHit) -> tuple[str, ...]:
    return (
        str(hit.session_id),
        "" if hit.position is None else str(hit.position),
        hit.role or "name",
        iso(hit.created_at),
        hit.session_name,
        hit.snippet,
    )


def _print(hits: Sequence[SearchHit], now: datetime, look: Terminal, *, owners: bool) -> None:
    """One line for each hit: place, role, snippet with the words in bold, age."""
    from rich.text import Text

    if not hits:
        Output().write("nothing found\n")
        return
    places = [f"{h.session_id}·{h.position}" if h.position else f"{h.session_id}" for h in hits]
    if owners:
        places = [f"{sanitize_line(h.owner)} {p}" for h, p in zip(hits, places, strict=True)]
    whens = [age(hit.created_at.timestamp(), now.timestamp()) for hit in hits]
    place_width, when_width = max(map(len, places)), max(map(len, whens))
    role_width = max(len(hit.role or "name") for hit in hits)
    room = look.width - place_width - role_width - when_width - 6
    narrow = room < _MIN_SNIPPET
    if narrow:
        # Columns are dropped, but never wrapped.
        room = max(1, look.width - place_width - 2)
    snippets = [_marked(hit) for hit in hits]
    # In a wide window the ages are beside the snippets, and not at the far end.
    room = min(room, max(most_cells(snippet.plain) for snippet in snippets))
    view = console(look)

    def drawn(text: Text) -> str:
        with view.capture() as capture:
            view.print(text, end="", no_wrap=True, overflow="crop", soft_wrap=True)
        return capture.get()

    output = Output()
    for hit, place, when, snippet in zip(hits, places, whens, snippets, strict=True):
        line = Text().append(place.rjust(place_width), "cyan")
        if not narrow:
            line.append("  " + (hit.role or "name").ljust(role_width), "dim")
        shown = snippet
        if hit.position is None and most_cells(snippet.plain) > room:
            # The date of an automatic name is dropped as a whole.
            shown = snippet[: len(first_words(snippet.plain)[0])]
        cut(shown, room)
        line.append("  ").append_text(shown)
        beside = Text("" if narrow else "  " + when.rjust(when_width), "dim")
        if look.moves and is_doubtful(shown.plain):
            at = place_width + role_width + room + 4
            output.write(placed([(0, drawn(line)), (at, drawn(beside))]) + "\n")
            continue
        if not narrow:
            line.pad_right(room - shown.cell_len)
        output.write(drawn(line.append_text(beside)) + "\n")


def _marked(hit: SearchHit) -> Text:
    """The snippet with the words in bold; each part is sanitised by itself."""
    from rich.text import Text

    text = Text()
    end = 0
    for start, stop in hit.spans:
        text.append(sanitize_line(hit.snippet[end:start]))
        text.append(sanitize_line(hit.snippet[start:stop]), "bold")
        end = stop
    text.append(sanitize_line(hit.snippet[end:]))
    return text
