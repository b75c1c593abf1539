"""Conversations as Markdown for people to read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from hfs_cli.conversations import Conversation
from hfs_cli.messages import Call, Citation, Message
from hfs_cli.sanitize import sanitize_line
from hfs_cli.wording import plural

_ROLES = {"user": "You", "assistant": "Assistant", "system": "System", "tool": "Tool"}
# Characters that have a meaning in Markdown.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|!~])")


def markdown(conversations: Iterable[Conversation]) -> Iterator[str]:
    """One document: a title for each conversation, a heading for each message."""
    for number, conversation in enumerate(conversations):
        if number:
            yield "\n---\n\n"
        yield from _conversation(conversation)


def _conversation(conversation: Conversation) -> Iterator[str]:
    yield f"# {plain(conversation.name)}\n\n"
    parts = [
        plural(len(conversation.messages), "message"),
        f"started {conversation.created_at:%Y-%m-%d %H:%M} UTC",
    ]
    if conversation.model:
        parts.insert(0, plain(conversation.model))
    if conversation.parent_uid is not None:
        parts.append(f"a branch, after message {conversation.fork_position} of its parent")
    yield f"*{' · '.join(parts)}*\n"
    named = [c for c in conversation.checkpoints if c.label is not None]
    for message in conversation.messages:
        yield from _message(message)
        for checkpoint in named:
            if checkpoint.position == message.position:
                yield f"\n*Checkpoint: {plain(checkpoint.label or '')}*\n"


def _message(message: Message) -> Iterator[str]:
    yield f"\n## {_heading(message)}\n\n"
    for attachment in message.attachments:
        what = attachment.url or f"{len(attachment.data)} bytes"
        about = f"Attachment: {attachment.name} ({attachment.media_type}, {what})"
        yield f"*{plain(about)}*\n\n"
    if message.reasoning:
        quoted = "\n".join(f"> {line}".rstrip() for line in message.reasoning.splitlines())
        yield f"> **Reasoning**\n>\n{quoted}\n\n"
    if message.content:
        yield closed(message.content.removesuffix("\n")) + "\n"
    for call in message.tool_calls:
        yield from _call(call)
    for number, source in enumerate(message.citations, 1):
        yield ("\n" if number == 1 else "") + _source(number, source)


def closed(text: str) -> str:
    """Close what a Markdown text leaves open and what would swallow all that follows.

    That is a code fence, which a partial reply may leave open, and HTML that needs an end mark
    (https://spec.commonmark.org/0.31.2/#html-blocks, conditions 1 to 5).
    """
    if "```" not in text and "~~~" not in text and "<" not in text:
        return text
    from hfs_cli.markdown.fences import Fence
    from hfs_cli.markdown.parser import parser

    last = next((t for t in reversed(parser().parse(text)) if t.level == 0 and t.map), None)
    lines = text.split("\n")
    if last is None or last.map is None or last.map[1] < len(lines):
        return text
    if last.type == "fence":
        is_closed = last.map[1] - last.map[0] > 1 and Fence(last.markup, 0).closes(lines[-1])
        return text if is_closed else f"{text}\n{last.markup}"
    if last.type == "html_block":
        block = last.content.lstrip().lower()
        end = next((end for begin, end in _HTML_ENDS.items() if block.startswith(begin)), "")
        if end not in block:
            return f"{text}\n{end}"
    return text


_HTML_ENDS = {
    "<script": "</script>",
    "<pre": "</pre>",
    "<style": "</style>",
    "<textarea": "</textarea>",
    "<!--": "-->",
    "<?": "?>",
    "<![cdata[": "]]>",
    "<!": ">",
}


def _source(number: int, source: Citation) -> str:
    """A source of a reply, with the number that the reply may use for it."""
    title, url = plain(source.title), sanitize_line(source.url)
    if is_link(url):
        return f"{number}. {title + ': ' if title else ''}<{url}>\n"
    return f"{number}. {': '.join(part for part in (title, plain(url)) if part)}\n"


def is_link(url: str) -> bool:
    """Whether a URL is on the web, and can be shown as a link as it is."""
    return re.fullmatch(r"https?://[^\s<>\\]+", url) is not None


def _call(call: Call) -> Iterator[str]:
    """A tool's arguments and output, each in a code fence."""
    yield f"\n### Tool: {plain(call.label)}\n\n"
    if call.arguments:
        yield _fenced(call.arguments, "json")
    yield f"\n*{plain(outcome(call))}*\n"
    if call.result:
        yield "\n" + _fenced(call.result)


def outcome(call: Call) -> str:
    """The outcome of a call in a few words."""
    if call.result is None:
        return "No result: it broke off" if call.interrupted else "Not run"
    what = "Error" if call.failed else "Result"
    if call.started_at is None or call.ended_at is None:
        return what
    return f"{what} after {(call.ended_at - call.started_at).total_seconds():.1f} s"


def _fenced(text: str, language: str = "") -> str:
    """Text in a code fence that is longer than any run of backticks in the text."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    end = "" if text.endswith("\n") else "\n"
    return f"{fence}{language}\n{text}{end}{fence}\n"


def _heading(message: Message) -> str:
    """A message's role, time, model, tokens and duration, and whether it is complete."""
    who = _ROLES[message.role]
    if message.stands_for is not None:
        who = f"Summary of 1 to {message.stands_for}"
    parts = [who, f"{message.created_at:%Y-%m-%d %H:%M:%S} UTC"]
    if message.role == "assistant" and message.model:
        parts.append(plain(message.model))
    usage = message.usage
    if usage is not None and (usage.input_tokens is not None or usage.output_tokens is not None):
        parts.append(f"{_known(usage.input_tokens)} in, {_known(usage.output_tokens)} out")
    if message.total_s is not None:
        parts.append(f"{message.total_s:.1f} s")
    if message.status == "partial":
        why = f": {plain(message.error)}" if message.error else ""
        parts.append(f"partial{why}")
    elif message.finish_reason not in {None, "stop", "tool_calls"}:
        parts.append(plain(str(message.finish_reason)))
    return " · ".join(parts)


def plain(text: str) -> str:
    """Text on one line, with the characters escaped that Markdown gives a meaning."""
    return _SPECIAL.sub(r"\\\1", sanitize_line(text))


def _known(count: int | None) -> str:
    return "?" if count is None else str(count)
