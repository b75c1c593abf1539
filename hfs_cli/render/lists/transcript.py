"""Show transcripts: to a person, in a pipe, as JSON."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

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


class _Transcript(NamedTuple):
    """What is shown.

    Args:
        messages: Oldest first.
        labels: The labels of the checkpoints after a message, by its position.
        about: A line below the session's name, if any.
        notes: Notes on messages, by position.
        answered: The ids of the messages that have a reply.
    """

    session: Session
    messages: Sequence[Message]
    labels: Mapping[int, Sequence[str]]
    about: str
    notes: Mapping[int, str]
    answered: Container[int]


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
    """Show a session: with Markdown and, if it is long, in the pager on a terminal.

    Args:
        session: The session.
        messages: Its messages, oldest first.
        as_json: Print a JSON object instead.
        checkpoints: The session's own; those with a label are marked.
        pager: The pager's command, as `page` takes it.
        about: A line below the session's name, if any.
        notes: Notes on messages, by position.
    """
    if as_json:
        print_json(transcript_json(session, messages))
        return
    look = stdout()
    shown = _Transcript(
        session, messages, _labels(checkpoints), about, notes or {}, answers(messages)
    )
    if look.tty:
        _show(_styled(shown, look), look, pager)
    else:
        Output().write(_plain(shown))


def _plain(shown: _Transcript) -> str:
    """The exact text of each message, below a line with its role, model and time."""
    parts = [f"session {shown.session.id} · {sanitize_line(shown.session.name)}\n"]
    if shown.about:
        parts[0] += f"{shown.about}\n"
    for message in shown.messages:
        end = "" if message.content.endswith("\n") else "\n"
        model, *rest = _details(message, shown)
        moment = f"{local(message.created_at):%Y-%m-%d %H:%M}"
        heading = (f"{message.position} {_role(message)}", model, moment, *rest)
        parts.append(f"--- {' · '.join(filter(None, heading))}\n{message.content}{end}")
        parts += map(_call_in_full, message.tool_calls)
        labels = shown.labels.get(message.position, ())
        parts += [f"--- {CHECKPOINT} {label}\n" for label in labels]
    return "\n".join(parts)


def _call_in_full(call: Call) -> str:
    """A tool's whole input and output."""
    from hfs_cli.render.reply.calls import asked_in_full, outcome_of

    output = call.result or ""
    output += "" if not output or output.endswith("\n") else "\n"
    return f"--- {asked_in_full(call)} · {outcome_of(call)}\n{output}"


def _labels(checkpoints: Sequence[Checkpoint]) -> dict[int, list[str]]:
    """The labels of the checkpoints after each position; automatic ones have none."""
    labels: dict[int, list[str]] = {}
    for checkpoint in checkpoints:
        if checkpoint.label is not None:
            labels.setdefault(checkpoint.position, []).append(sanitize_line(checkpoint.label))
    return labels


def _role(message: Message) -> str:
    if message.stands_for is None:
        return message.role
    return f"summary of 1 to {message.stands_for}"


def _details(message: Message, shown: _Transcript) -> list[str]:
    """The model of a reply (else empty), what is missing, the attachments, and the note."""
    parts = [sanitize_line(message.model or "") if message.role == "assistant" else ""]
    if message.status == "partial":
        why = f": {sanitize_line(message.error)}" if message.error else ""
        parts.append(f"{PARTIAL} partial{why}")
    if message.finish_reason == "content_filter":
        parts.append("refused: left out of what follows")
    if message.role == "user" and message.id not in shown.answered:
        parts.append(f"{UNANSWERED} no reply")
    files = (f"[{sanitize_line(file.name)}]" for file in message.attachments)
    return [*parts, *files, shown.notes.get(message.position, "")]


def _styled(shown: _Transcript, look: Terminal) -> list[Text]:
    from rich.text import Text

    words, date = map(sanitize_line, first_words(shown.session.name))
    of = f"  session {shown.session.id} · {plural(len(shown.messages), 'message')}"
    title = Text().append(words, "bold").append(date + of, "dim")
    if title.cell_len > look.width:
        title = Text().append(words, "bold").append(of, "dim")
    lines = [title, Text(shown.about, "dim")] if shown.about else [title]
    for message in shown.messages:
        lines += [Text(), _heading(message, shown, look), *_body(message, look)]
        for label in shown.labels.get(message.position, ()):
            lines += [Text(), Text(f"{CHECKPOINT} {label}", "cyan")]
    return lines


def _heading(message: Message, shown: _Transcript, look: Terminal) -> Text:
    """The line above a message: role and details, a rule if there is room, and the time."""
    from rich.text import Text

    style = "bold cyan" if message.role == "user" else "bold"
    line = Text().append(f"{message.position} {_role(message)}", style)
    line.append("".join(f" · {part}" for part in _details(message, shown) if part), "dim")
    moment = f"{local(message.created_at):%Y-%m-%d %H:%M}"
    room = min(look.width, _WIDEST_RULE) - line.cell_len - len(moment) - 2
    if room > 2:
        return line.append(f" {'─' * room} {moment}", "dim")
    # A window that is too narrow for both has the time below, and not cut in two by its edge.
    apart = " · " if line.cell_len + len(moment) + 3 <= look.width else "\n"
    return line.append(f"{apart}{moment}", "dim")


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
