"""A session's family as a tree: what was forked, and what was set aside."""

from __future__ import annotations

from collections.abc import Sequence

from hfs_cli.conversations import Branch
from hfs_cli.moments import local
from hfs_cli.render.json_shapes import branch_json, print_json
from hfs_cli.render.output import Output
from hfs_cli.render.terminal import console, stdout
from hfs_cli.sanitize import sanitize_line
from hfs_cli.wording import plural

_KEPT = {"rewind": "kept when rewound", "undo": "undone", "retry": "earlier reply"}


def show_tree(family: Sequence[Branch], *, current_id: int, as_json: bool = False) -> None:
    """Draw the tree.

    Args:
        family: The oldest first, each followed by what parted from it.
        current_id: The member that was asked for; it is in bold.
        as_json: As a JSON array instead.
    """
    if as_json:
        print_json([branch_json(branch) for branch in family])
        return
    from rich.text import Text

    look = stdout()
    view = console(look, None if look.tty else 10_000)
    with view.capture() as capture:
        for place, branch in enumerate(family):
            line = Text(_stem(family, place), "dim")
            line.append(str(branch.session.id), "cyan").append("  ")
            name = sanitize_line(branch.session.name)
            line.append(name, "bold" if branch.session.id == current_id else "")
            line.append(f"  {_about(branch)}", "dim")
            if look.tty:
                line.truncate(look.width, overflow="ellipsis")
            view.print(line, soft_wrap=True)
    Output().write(capture.get())


def _stem(family: Sequence[Branch], place: int) -> str:
    """The lines that lead to a member: "│  └─ "."""
    depth = family[place].depth
    if depth == 0:
        return ""
    parts = ["├─ " if _goes_on(family, place, depth) else "└─ "]
    parts += [
        "│  " if _goes_on(family, place, above) else "   " for above in range(depth - 1, 0, -1)
    ]
    return "".join(reversed(parts))


def _goes_on(family: Sequence[Branch], place: int, depth: int) -> bool:
    """Whether a later member at this depth has the same parent line."""
    for branch in family[place + 1 :]:
        if branch.depth <= depth:
            return branch.depth == depth
    return False


def _about(branch: Branch) -> str:
    session = branch.session
    own = session.messages - (session.fork_position or 0)
    parts = [plural(session.messages, "message")]
    if session.parent_id is not None:
        parts.append(f"{own} after message {session.fork_position}")
    if branch.origin in _KEPT:
        parts.append(f"{_KEPT[branch.origin]} {local(session.created_at):%Y-%m-%d}")
    return ", ".join(parts)
