"""Transcripts: for a person, for a pipe, as JSON."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from hfs_cli.conversations import Checkpoint
from hfs_cli.messages import Message, Session, answers
from hfs_cli.moments import local
from hfs_cli.render.json_shapes import print_json, transcript_json
from hfs_cli.render.lists.sessions import PARTIAL, UNANSWERED
from hfs_cli.render.output import Output
from hfs_cli.render.terminal import Terminal, ansi, console, stdout
from hfs_cli.sanitize import StreamSanitizer, sanitize_line

if TYPE_CHECKING:
    from rich.text import Text

CHECKPOINT = "◆"


def print_transcript(
    session: Session,
    messages: Sequence[Message],
    *,
    as_json: bool = False,
    checkpoints: Sequence[Checkpoint] = (),
) -> None:
    """Show a session: on a terminal with Markdown and, when it is long, the pager.

    Args:
        session: Whose transcript it is.
        messages: Its messages, oldest first.
        as_json: As a JSON object, terminal or not.
        checkpoints: The session's own; they are marked in what a person reads.
    """
    if as_json:
        print_json(transcript_json(session, messages))
        return
    look = stdout()
    if look.tty:
        _show(_pretty(session, messages, _named(checkpoints), look), look)
    else:
        Output().write(_plain(session, messages, _named(checkpoints)))


def _plain(
    session: Session, messages: Sequence[Message], points: Mapping[int, Sequence[str]]
) -> str:
    """The exact text of each message under a line that says whose it is.

    Args:
        session: Whose transcript it is.
        messages: Its messages, oldest first.
        points: Labels of the checkpoints after each position.
    """
    parts = [f"session {session.id} · {sanitize_line(session.name)}\n"]
    answered = answers(messages)
    for message in messages:
        parts.append(f"--- {_heading(message, answered)}\n{_ended(message.content)}")
        parts += [f"--- {CHECKPOINT} {label}\n" for label in points.get(message.position, ())]
    return "\n".join(parts)


def _named(checkpoints: Sequence[Checkpoint]) -> dict[int, list[str]]:
    """The labels of the checkpoints after each position; automatic ones have none."""
    points: dict[int, list[str]] = {}
    for checkpoint in checkpoints:
        if checkpoint.label is not None:
            points.setdefault(checkpoint.position, []).append(sanitize_line(checkpoint.label))
    return points


def _heading(message: Message, answered: Container[int]) -> str:
    """Number, role, model, time, and whether something is missing."""
    parts: list[str] = [f"{message.position} {message.role}"]
    if message.model and message.role == "assistant":
        parts.append(sanitize_line(message.model))
    parts.append(local(message.created_at).strftime("%Y-%m-%d %H:%M"))
    if message.status == "partial":
        why = f": {sanitize_line(message.error)}" if message.error else ""
        parts.append(f"{PARTIAL} partial{why}")
    if message.role == "user" and message.id not in answered:
        parts.append(f"{UNANSWERED} no reply")
    parts += [f"[{sanitize_line(attachment.name)}]" for attachment in message.attachments]
    return " · ".join(parts)


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"


def _safe(text: str) -> str:
    safe = StreamSanitizer()
    return safe.feed(text) + safe.flush()


def _pretty(
    session: Session,
    messages: Sequence[Message],
    points: Mapping[int, Sequence[str]],
    look: Terminal,
) -> list[Text]:
    from rich.text import Text

    answered = answers(messages)
    lines = [Text(f"session {session.id} · {sanitize_line(session.name)}", "dim")]
    for message in messages:
        style = "bold cyan" if message.role == "user" else "dim"
        lines += [Text(), Text(_heading(message, answered), style), *_body(message, look)]
        for label in points.get(message.position, ()):
            lines += [Text(), Text(f"{CHECKPOINT} {label}", "cyan")]
    return lines


def _body(message: Message, look: Terminal) -> Iterator[Text]:
    from rich.text import Text

    from hfs_cli.markdown.blocks import Splitter
    from hfs_cli.render.markdown.layout import Layout

    text = _safe(message.content)
    if message.role != "assistant":
        yield from Text(text).split("\n", allow_blank=True)
        return
    splitter = Splitter()
    splitter.feed(text)
    yield from Layout(console(look), color=look.color).lines(splitter.end(), look.width)


def _show(lines: Sequence[Text], look: Terminal) -> None:
    """Print, or hand to the user's pager what does not fit on the screen."""
    view = console(look)
    text = "".join(ansi(line, view) + "\n" for line in lines)
    rows = sum(max(1, -(-line.cell_len // look.width)) for line in lines)
    if rows < look.height or not look.moves:
        Output().write(text)
        return
    import click

    click.echo_via_pager(text, color=look.color)
