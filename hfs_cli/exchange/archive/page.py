"""The page of one session in an archive."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from hfs_cli.conversations import Kept
from hfs_cli.exchange import html
from hfs_cli.exchange.archive.values import address
from hfs_cli.messages import Message, Session
from hfs_cli.wording import plural

_MOST_FORKS = 100
# Drawn, because most fonts lack Unicode's character for a branch.
_BRANCH = (
    '<svg class="sign" viewBox="0 0 16 16" role="img" aria-label="Branch">'
    '<circle cx="4" cy="3" r="1.8"/><circle cx="4" cy="13" r="1.8"/>'
    '<circle cx="12" cy="3" r="1.8"/><path d="M4 5v6m0-1c0-4 8-1 8-5"/></svg>'
)
_POLICY = (
    "default-src 'none'; style-src 'self' file: 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)


def page(kept: Kept) -> Iterator[str]:
    """The page of a session: its messages, its branches, and what was set aside."""
    conversation = kept.conversation
    style = '<link rel="stylesheet" href="../../page.css">'
    yield html.head(conversation.name, style, _POLICY)
    session = kept.session
    yield (
        '<nav><a href="../../index.html">All sessions</a> · '
        f"session {session.id} · <code>hfs resume {session.id}</code></nav>\n<article>\n"
    )
    more = ""
    if kept.parent is not None:
        more = f"<p>A branch of {_link(kept.parent)}, after message {session.fork_position}</p>\n"
    yield html.header(conversation, more)
    notes = _notes(kept)
    for message in conversation.messages:
        yield from html.section(message)
        yield from notes.pop(message.position, ())
    yield from (note for left in notes.values() for note in left)
    for branch, tail in kept.tails:
        yield from _tail(branch, tail.messages)
    yield f"</article>\n{html.END}"


def _tail(branch: Session, messages: Iterable[Message]) -> Iterator[str]:
    name = f"b{branch.id}"
    about = f"set aside by {branch.origin}, after message {branch.fork_position or 0}"
    label = f"{_BRANCH} {html.line(branch.name)} · {about}"
    yield f'<details class="aside"><summary>{label}</summary>\n'
    yield f'<div id="{name}">\n'
    for message in messages:
        yield from html.section(message, f"{name}-")
    yield "</div></details>\n"


def _notes(kept: Kept) -> dict[int, list[str]]:
    """The notes below messages, by the messages' positions."""
    notes: defaultdict[int, list[str]] = defaultdict(list)
    for checkpoint in kept.conversation.checkpoints:
        if checkpoint.label is not None:
            notes[checkpoint.position].append(f"◆ {html.line(checkpoint.label)}")
    for branch, _ in kept.tails:
        link = f'<a href="#b{branch.id}">{html.line(branch.name)}</a>'
        notes[branch.fork_position or 0].append(f"{_BRANCH} {link}, set aside by {branch.origin}")
    for fork in kept.forks[:_MOST_FORKS]:
        notes[fork.fork_position or 0].append(f"{_BRANCH} {_link(fork)}")
    if more := kept.forks[_MOST_FORKS:]:
        notes[more[0].fork_position or 0].append(f"{_BRANCH} {plural(len(more), 'branch')} more")
    return {
        position: [f'<p class="note">{note}</p>\n' for note in there]
        for position, there in notes.items()
    }


def _link(session: Session) -> str:
    """A link to another session's page; sessions that were set aside have none."""
    name = html.line(session.name)
    if not session.listed and session.origin != "chat":
        return name
    return f'<a href="../../{address(session.id)}">{name}</a>'
