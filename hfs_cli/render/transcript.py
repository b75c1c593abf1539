"""Transcripts: for a person, for a pipe, as Markdown, as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hfs_cli.messages import Message, Session
from hfs_cli.render.jsonformats import dump, message_json, session_json
from hfs_cli.render.output import Output
from hfs_cli.render.sessions import local
from hfs_cli.render.terminal import Terminal, console, stdout
from hfs_cli.sanitize import StreamSanitizer, sanitize_line


def print_transcript(
    session: Session,
    messages: Sequence[Message],
    *,
    format: str = "text",  # noqa: A002
) -> None:
    """Show a session: on a terminal with Markdown and, when it is long, the pager.

    Args:
        session: Whose transcript it is.
        messages: Its messages, oldest first.
        format: ``text`` for a reader, ``markdown`` source, or ``json`` in the contract's shape.
    """
    if format == "json":
        Output().write(transcript_json(session, messages))
        return
    look = stdout()
    if format == "markdown":
        text = transcript_markdown(session, messages)
        Output().write(_safe(text) if look.tty else text)
    elif look.tty:
        _show(_pretty(session, messages, look), look)
    else:
        Output().write(transcript_text(session, messages))


def transcript_json(session: Session, messages: Sequence[Message]) -> str:
    """The session and its messages as one JSON object."""
    shape = {
        "session": session_json(session),
        "messages": [message_json(message) for message in messages],
    }
    return dump(shape, indent=2) + "\n"


def transcript_markdown(session: Session, messages: Sequence[Message]) -> str:
    """A Markdown document: a heading for the session and for each message."""
    parts = [f"# {sanitize_line(session.name)}\n"]
    parts += [f"## {_heading(message)}\n\n{_ended(message.content)}" for message in messages]
    return "\n".join(parts)


def transcript_text(session: Session, messages: Sequence[Message]) -> str:
    """The exact text of each message under a line that says whose it is."""
    parts = [f"session {session.id} · {sanitize_line(session.name)}\n"]
    parts += [f"--- {_heading(message)}\n{_ended(message.content)}" for message in messages]
    return "\n".join(parts)


def _heading(message: Message) -> str:
    """Role, time, model, and whether something is missing."""
    parts: list[str] = [message.role]
    if message.model and message.role == "assistant":
        parts.append(sanitize_line(message.model))
    parts.append(local(message.created_at).strftime("%Y-%m-%d %H:%M"))
    if message.status == "partial":
        why = f": {sanitize_line(message.error)}" if message.error else ""
        parts.append(f"partial{why}")
    parts += [f"[{sanitize_line(attachment.name)}]" for attachment in message.attachments]
    return " · ".join(parts)


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"


def _safe(text: str) -> str:
    safe = StreamSanitizer()
    return safe.feed(text) + safe.flush()


def _pretty(session: Session, messages: Sequence[Message], look: Terminal) -> str:
    from rich.text import Text

    view = console(look)
    with view.capture() as capture:
        view.print(Text(f"session {session.id} · {sanitize_line(session.name)}", "dim"))
        for message in messages:
            view.print()
            view.print(Text(_heading(message), "bold cyan" if message.role == "user" else "dim"))
            for line in _body(message, look):
                view.print(line, soft_wrap=True)
    return capture.get()


def _body(message: Message, look: Terminal) -> Iterator[object]:
    from rich.text import Text

    from hfs_cli.render.blocks import Splitter
    from hfs_cli.render.layout import Layout

    if message.role != "assistant":
        yield Text(_safe(message.content))
        return
    splitter = Splitter()
    splitter.feed(_safe(message.content))
    yield from Layout(console(look), color=look.color).lines(splitter.end(), look.width)


def _show(text: str, look: Terminal) -> None:
    """Print, or hand to the user's pager what does not fit on the screen."""
    if text.count("\n") < look.height or not look.moves:
        Output().write(text)
        return
    import click

    click.echo_via_pager(text, color=look.color)
