"""Draw a session's family: the tree of its branches, and the timeline of its turns."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hfs_cli.conversations import Branch
from hfs_cli.messages import Session
from hfs_cli.moments import iso, local
from hfs_cli.naming import first_words
from hfs_cli.render.json_shapes import branch_json, print_json
from hfs_cli.render.lists.table import write_rows
from hfs_cli.render.output import Output, print_made
from hfs_cli.render.terminal import Terminal, console, stdout
from hfs_cli.sanitize import sanitize_line
from hfs_cli.wording import plural

if TYPE_CHECKING:
    from rich.text import Text

TURN, NAMED, AUTOMATIC, ELIDED = "o", "◆", "◇", "…"
_MAX_LABEL = 16
_KEPT = {"rewind": "kept when rewound", "undo": "undone", "retry": "earlier reply"}


def show_tree(family: Sequence[Branch], *, current_id: int, as_json: bool = False) -> None:
    """Draw the tree.

    Args:
        family: The oldest session first, each followed by its branches.
        current_id: The session that was asked for; it is in bold.
        as_json: Print a JSON array instead.
    """
    if as_json:
        print_json([branch_json(branch) for branch in family])
        return
    from rich.text import Text

    look = stdout()
    view = console(look, None if look.tty else 10_000)
    with view.capture() as capture:
        for place, branch in enumerate(family):
            line = Text().append(_stem(family, place), "dim")
            line.append(str(branch.session.id), "cyan").append("  ")
            words, date = map(sanitize_line, first_words(branch.session.name))
            line.append(words, "bold" if branch.session.id == current_id else "")
            if not look.tty:
                line.append(date)
            _add_parts(line, _about(branch), look)
            view.print(line, soft_wrap=True)
    Output().write(capture.get())


def show_set_aside(session: Session, branch: Session) -> None:
    """Report the messages that rewind or undo has set aside.

    Args:
        session: The session that they were taken from.
        branch: The session that holds them now.
    """
    own = branch.messages - (branch.fork_position or 0)
    print_made(
        str(branch.id),
        f"set aside: {plural(own, 'message')} of {session.label} — as session {branch.id}:"
        f" hfs resume {branch.id}",
    )


def _stem(family: Sequence[Branch], place: int) -> str:
    """The lines that lead to a session: "│  └─ "."""
    depth = family[place].depth
    if depth == 0:
        return ""
    # 1            depth 0
    # ├─ 2         depth 1, which continues with 4
    # │  └─ 3      depth 2; the line on its left is that of depth 1
    # └─ 4         depth 1, the last one
    parts = ["├─ " if _goes_on(family, place, depth) else "└─ "]
    parts += [
        "│  " if _goes_on(family, place, above) else "   " for above in range(depth - 1, 0, -1)
    ]
    return "".join(reversed(parts))


def _goes_on(family: Sequence[Branch], place: int, depth: int) -> bool:
    """Whether the line of a depth continues to a later session."""
    for branch in family[place + 1 :]:
        if branch.depth <= depth:
            return branch.depth == depth
    return False


def _about(branch: Branch) -> list[str]:
    session = branch.session
    own = session.messages - (session.fork_position or 0)
    parts = [plural(session.messages, "message")]
    if session.parent_id is not None:
        parts.append(f"{own} after message {session.fork_position}")
    if branch.origin in _KEPT:
        parts.append(f"{_KEPT[branch.origin]} {local(session.created_at):%Y-%m-%d}")
    return parts


def _add_parts(line: Text, parts: Sequence[str], look: Terminal, least: int = 0) -> None:
    """Append as many parts as fit in the window.

    Args:
        least: The number of parts to append in any case; they are cut if necessary.
    """
    room = look.width - line.cell_len - 2 if look.tty else None
    shown = list(parts)
    while len(shown) > least and room is not None and len(", ".join(shown)) > room:
        shown.pop()
    if shown:
        line.append(f"  {', '.join(shown)}", "dim")
    if look.tty:
        line.truncate(look.width, overflow="ellipsis")


def show_timeline(family: Sequence[Branch], *, as_json: bool = False) -> None:
    """Draw the timeline of a family from left to right.

    Columns are turns of the whole family, so that a branch is below the turn that it parted from.

    Args:
        family: The oldest session first, each followed by its branches.
        as_json: Print a JSON array instead.
    """
    if as_json:
        print_json([branch_json(branch) for branch in family])
    elif stdout().tty:
        _print(family, stdout())
    else:
        write_rows(
            [
                (str(c.session_id), str(c.position), c.label or "", iso(c.created_at))
                for branch in family
                for c in branch.checkpoints
            ]
        )


def columns(family: Sequence[Branch]) -> dict[int, tuple[int, int]]:
    """The column before the first turn of each session, and the column of its last turn.

    The oldest session begins at column 0, and a branch at the column of the last turn that it
    shares.
    """
    # main   o──o──o──o     columns 1 2 3 4: (0, 4)
    # fork      └──o──o     parted after the turn in column 2: (2, 4)
    placed: dict[int, tuple[int, int]] = {}
    by_id = {branch.session.id: branch for branch in family}
    for branch in family:
        parent = by_id.get(branch.session.parent_id or 0)
        start = 0 if parent is None else _column(by_id, placed, parent, branch)
        placed[branch.session.id] = (start, start + len(branch.turns))
    return placed


def _column(
    by_id: Mapping[int, Branch],
    placed: Mapping[int, tuple[int, int]],
    parent: Branch,
    branch: Branch,
) -> int:
    """The column of the last turn that a branch shares with its parent, or one of its parents."""
    at = branch.session.fork_position or 0
    # It may share none of its parent's own turns, but only those that the parent shares itself.
    above = by_id.get(parent.session.parent_id or 0)
    while above is not None and at <= (parent.session.fork_position or 0):
        parent, above = above, by_id.get(above.session.parent_id or 0)
    return placed[parent.session.id][0] + bisect_right(parent.turns, at)


def _print(family: Sequence[Branch], look: Terminal) -> None:
    from rich.cells import cell_len
    from rich.text import Text

    placed = columns(family)
    most = min(_MAX_LABEL, look.width // 4)
    labels = [_label(branch, place, most) for place, branch in enumerate(family)]
    width = max(cell_len(label) for label in labels)
    room = max(4, look.width - width - 2)
    longest = max(end for _, end in placed.values())
    # Three columns for each turn if they fit, else two, else one; then the oldest are elided.
    step = next((n for n in (3, 2) if n * longest <= room), 1)
    skipped = max(0, longest - room + 1) if step == 1 else 0
    view = console(look)
    with view.capture() as capture:
        view.print(_title(family, look), soft_wrap=True)
        for label, branch in zip(labels, family, strict=True):
            line = Text(label + " " * (width - cell_len(label) + 2))
            line.append_text(_track(branch, placed[branch.session.id], step, skipped))
            _add_parts(line, _notes(branch), look, least=1)
            line.rstrip()
            view.print(line, soft_wrap=True)
    Output().write(capture.get())


def _title(family: Sequence[Branch], look: Terminal) -> Text:
    from rich.text import Text

    root = family[0].session
    title = Text().append(sanitize_line(first_words(root.name)[0]), "bold")
    branches = f", {len(family)} branches" if len(family) > 1 else ""
    about = f"  {plural(root.messages, 'message')}{branches}"
    title.truncate(max(1, look.width - len(about)), overflow="ellipsis")
    return title.append(about, "dim")


def _label(branch: Branch, place: int, most: int) -> str:
    if place == 0:
        return "main"
    name = f"{branch.origin} {branch.session.id}"
    if branch.origin == "fork":
        words, _ = first_words(branch.session.name)
        name = f"fork {branch.session.id}: {sanitize_line(words)}"
    return name if len(name) <= most else name[: most - 1] + "…"


def _track(branch: Branch, place: tuple[int, int], step: int, skipped: int) -> Text:
    """The turns of one branch, at their columns."""
    from rich.text import Text

    start, _ = place
    marks = _marks(branch)
    track = Text()
    if start:
        # Under the turn that it parted from: └──
        indent = max(0, (start - 1 - skipped) * step)
        track.append(" " * indent + "└" + "─" * (step - 1), "dim")
    if skipped and start < skipped:
        track.append(ELIDED, "dim")
        marks = marks[skipped - start :]
    for place_, mark in enumerate(marks):
        if place_:
            track.append("─" * (step - 1), "dim")
        track.append(mark, "" if mark == TURN else "cyan")
    return track


def _marks(branch: Branch) -> list[str]:
    """A mark for each turn; a checkpoint in the middle of a turn is shown at its end."""
    kinds: dict[int, str] = {}
    for checkpoint in branch.checkpoints:
        end = next((e for e in branch.turns if e >= checkpoint.position), checkpoint.position)
        if checkpoint.label is not None or end not in kinds:
            kinds[end] = AUTOMATIC if checkpoint.label is None else NAMED
    return [kinds.get(end, TURN) for end in branch.turns]


def _notes(branch: Branch) -> list[str]:
    """The checkpoints with their positions: the named ones, and the last automatic one."""
    notes = [f'"{sanitize_line(c.label)}" at {c.position}' for c in branch.checkpoints if c.label]
    automatic = [c.position for c in branch.checkpoints if c.label is None]
    if automatic:
        notes.append(f"auto at {automatic[-1]}")
    return notes
