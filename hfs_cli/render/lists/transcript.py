"""Transcripts: for a person, for a pipe, as JSON."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from hfs_cli.conversations import Checkpoint
from hfs_cli.messages import Call, Message, Session, answers
from hfs_cli.moments import local
from hfs_cli.naming import first_words
from hfs_cli.render.json_shapes import print_json, transcript_json
from hfs_cli.render.lists.sessions import PARTIAL, UNANSWERED
from hfs_cli.render.output import Output
from hfs_cli.render.terminal import Terminal, ansi, console, stdout
from hfs_cli.sanitize import StreamSanitizer, sanitize, sanitize_line
from hfs_cli.wording import plural

if TYPE_CHECKING:
    from rich.text import Text

CHECKPOINT = "◆"
_WIDEST_RULE = 100
# Lines of a tool's output; a pipe gets all of it.
_RESULT_LINES = 5


def print_transcript(
    session: Session,
    messages: Sequence[Message],
    *,
    as_json: bool = False,
    checkpoints: Sequence[Checkpoint] = (),
    pager: str | None = None,
    about: str = "",
    notes: Mapping[int, str] | None = None,
) -> None:
    """Show a session: on a terminal with Markdown and, when it is long, the pager.

    Args:
        session: Whose transcript it is.
        messages: Its messages, oldest first.
        as_json: As a JSON object, terminal or not.
        checkpoints: The session's own; they are marked in what a person reads.
        pager: What shows it when it is longer than the screen, as `page` takes it.
        about: A line under the session's name, or nothing.
        notes: What is said above a message beside whose it is, by its position.
    """
    if as_json:
        print_json(transcript_json(session, messages))
        return
    look = stdout()
    points = _named(checkpoints)
    if look.tty:
        _show(_pretty(session, messages, points, look, about, notes or {}), look, pager)
    else:
        Output().write(_plain(session, messages, points, about, notes or {}))


def _plain(
    session: Session,
    messages: Sequence[Message],
    points: Mapping[int, Sequence[str]],
    about: str,
    notes: Mapping[int, str],
) -> str:
    """The exact text of each message under a line that says whose it is.

    Args:
        session: Whose transcript it is.
        messages: Its messages, oldest first.
        points: Labels of the checkpoints after each position.
        about: A line of its own at the top, or nothing.
        notes: What is said above a message beside whose it is, by its position.
    """
    parts = [f"session {session.id} · {sanitize_line(session.name)}\n"]
    if about:
        parts[0] += f"{about}\n"
    answered = answers(messages)
    for message in messages:
        end = "" if message.content.endswith("\n") else "\n"
        heading = _heading(message, answered, notes.get(message.position, ""))
        parts.append(f"--- {heading}\n{message.content}{end}")
        parts += map(_called, message.tool_calls)
        parts += [f"--- {CHECKPOINT} {label}\n" for label in points.get(message.position, ())]
    return "\n".join(parts)


def _called(call: Call) -> str:
    """What a tool was asked and what it said, whole."""
    from hfs_cli.render.reply.calls import asked_in_full, outcome_of

    said = call.result or ""
    said += "" if not said or said.endswith("\n") else "\n"
    return f"--- {asked_in_full(call)} · {outcome_of(call)}\n{said}"


def _named(checkpoints: Sequence[Checkpoint]) -> dict[int, list[str]]:
    """The labels of the checkpoints after each position; automatic ones have none."""
    points: dict[int, list[str]] = {}
    for checkpoint in checkpoints:
        if checkpoint.label is not None:
            points.setdefault(checkpoint.position, []).append(sanitize_line(checkpoint.label))
    return points


def _heading(message: Message, answered: Container[int], note: str) -> str:
    """Number, role, model, time, and whether something is missing."""
    model, *rest = _about(message, answered)
    moment = f"{local(message.created_at):%Y-%m-%d %H:%M}"
    parts = [f"{message.position} {_who(message)}", model, moment, *rest, note]
    return " · ".join(part for part in parts if part)


def _who(message: Message) -> str:
    if message.stands_for is None:
        return message.role
    return f"summary of 1 to {message.stands_for}"


def _about(message: Message, answered: Container[int]) -> list[str]:
    """The model of a reply, or nothing; then what is missing, and the files that went along."""
    parts = [sanitize_line(message.model or "") if message.role == "assistant" else ""]
    if message.status == "partial":
        why = f": {sanitize_line(message.error)}" if message.error else ""
        parts.append(f"{PARTIAL} partial{why}")
    if message.finish_reason == "content_filter":
        parts.append("refused: left out of what follows")
    if message.role == "user" and message.id not in answered:
        parts.append(f"{UNANSWERED} no reply")
    return [*parts, *(f"[{sanitize_line(file.name)}]" for file in message.attachments)]


def _pretty(
    session: Session,
    messages: Sequence[Message],
    points: Mapping[int, Sequence[str]],
    look: Terminal,
    about: str,
    notes: Mapping[int, str],
) -> list[Text]:
    from rich.text import Text

    answered = answers(messages)
    words, date = map(sanitize_line, first_words(session.name))
    of = f"  session {session.id} · {plural(len(messages), 'message')}"
    title = Text().append(words, "bold").append(date + of, "dim")
    if title.cell_len > look.width:
        title = Text().append(words, "bold").append(of, "dim")
    lines = [title, Text(about, "dim")] if about else [title]
    for message in messages:
        note = notes.get(message.position, "")
        lines += [Text(), _ruled(message, answered, look, note), *_body(message, look)]
        for label in points.get(message.position, ()):
            lines += [Text(), Text(f"{CHECKPOINT} {label}", "cyan")]
    return lines


def _ruled(message: Message, answered: Container[int], look: Terminal, note: str) -> Text:
    """The line above a message: who speaks, a rule where there is room for one, and when."""
    from rich.text import Text

    style = "bold cyan" if message.role == "user" else "bold"
    line = Text().append(f"{message.position} {_who(message)}", style)
    line.append("".join(f" · {part}" for part in (*_about(message, answered), note) if part), "dim")
    moment = f"{local(message.created_at):%Y-%m-%d %H:%M}"
    room = min(look.width, _WIDEST_RULE) - line.cell_len - len(moment) - 2
    return line.append(f" {'─' * room} {moment}" if room > 2 else f" · {moment}", "dim")


def _body(message: Message, look: Terminal) -> Iterator[Text]:
    from rich.text import Text

    from hfs_cli.markdown.blocks import Splitter
    from hfs_cli.render.markdown.layout import Layout

    safe = StreamSanitizer()
    text = safe.feed(message.content) + safe.flush()
    if message.stands_for is not None:
        yield from Text(text, "dim").split("\n", allow_blank=True)
        return
    if message.role != "assistant":
        yield from Text(text).split("\n", allow_blank=True)
        return
    splitter = Splitter()
    splitter.feed(text)
    yield from Layout(console(look), color=look.color).lines(splitter.end(), look.width)
    yield from _calls(message.tool_calls, look)
    if message.citations:
        from hfs_cli.render.reply.citations import note

        yield Text()
        yield from (Text(note(n, source), "dim") for n, source in enumerate(message.citations, 1))


def _calls(calls: Sequence[Call], look: Terminal) -> Iterator[Text]:
    """A line for each call, and the beginning of its output below it."""
    if not calls:
        return
    from rich.text import Text

    from hfs_cli.render.reply.calls import call_line

    for call in calls:
        yield Text()
        yield Text(call_line(call, look.width), "red" if call.failed else "dim")
        lines = sanitize(call.result or "").splitlines()
        shown = [] if call.failed else lines[:_RESULT_LINES]
        yield from (Text(f"  {line}", "dim") for line in shown)
        if len(lines) > len(shown) and not call.failed:
            yield Text(f"  … {plural(len(lines) - len(shown), 'more line')}", "dim")


def _show(lines: Sequence[Text], look: Terminal, pager: str | None) -> None:
    """Print the lines, or show them in the pager if they do not fit on the screen."""
    view = console(look)
    text = "".join(ansi(line, view) + "\n" for line in lines)
    rows = sum(max(1, -(-line.cell_len // look.width)) for line in lines)
    if rows < look.height or not look.moves:
        Output().write(text)
        return
    from hfs_cli.render.pager import page

    page(text, pager)
