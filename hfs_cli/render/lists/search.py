"""Search results: for a person, for a pipe, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from hfs_cli.conversations import SearchHit
from hfs_cli.moments import age, iso
from hfs_cli.naming import first_words
from hfs_cli.render.json_shapes import hit_json, print_json
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
    """One line a hit: where it is, who said it, the words in bold, how long ago."""
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
        # Columns drop from the right, never wrap.
        room = max(1, look.width - place_width - 2)
    snippets = [_marked(hit) for hit in hits]
    # In a wide window the times stand beside what they are about, and not at its far end.
    room = min(room, max(snippet.cell_len for snippet in snippets))
    view = console(look)
    with view.capture() as capture:
        for hit, place, moment, found in zip(hits, places, whens, snippets, strict=True):
            line = Text().append(place.rjust(place_width), "cyan")
            if not narrow:
                line.append("  " + (hit.role or "name").ljust(role_width), "dim")
            snippet = found
            if hit.position is None and found.cell_len > room:
                # The date of an automatic name is left out before it is cut in its middle.
                snippet = found[: len(first_words(found.plain)[0])]
            snippet.truncate(room, overflow="ellipsis", pad=not narrow)
            line.append("  ").append_text(snippet)
            if not narrow:
                line.append("  " + moment.rjust(when_width), "dim")
            view.print(line, no_wrap=True, overflow="crop", soft_wrap=True)
    Output().write(capture.get())


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
