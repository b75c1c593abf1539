"""Conversations as one HTML file that needs nothing else and runs nothing.

Markdown in messages is rendered with raw HTML off and images out; the policy in the head
forbids scripts and every remote resource, should anything slip through.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

from hfs_cli.conversations import Conversation
from hfs_cli.messages import Attachment, Call, Citation, Message
from hfs_cli.moments import iso
from hfs_cli.sanitize import sanitize, sanitize_line
from hfs_cli.wording import plural

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML
    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token

# https://www.w3.org/TR/CSP3/
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'"
# Shown in the page; SVG can hold scripts and is not among them.
_IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
_HEAD = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto;
  padding: 0 1rem; overflow-wrap: break-word; }}
header p, .about, .sources {{ color: GrayText; font-size: .85rem; margin: 0; }}
section {{ margin: 1.5rem 0; padding-left: 1rem; border-left: 3px solid transparent; }}
section.user {{ border-color: LinkText; }}
section.partial .about, .failed summary {{ color: #b00; color: light-dark(#b00, #f77); }}
pre {{ overflow-x: auto; padding: .75rem; border: 1px solid GrayText; border-radius: 4px; }}
code {{ font-size: .9em; }} .math {{ white-space: pre-wrap; }}
.task {{ list-style: none; margin-left: -1.2em; }}
table {{ border-collapse: collapse; display: block; overflow-x: auto; }}
td, th {{ border: 1px solid GrayText; padding: .2rem .5rem; }}
img {{ max-width: 100%%; }} blockquote, details {{ color: GrayText; margin-left: 0; }}
</style>
</head>
<body>
"""


def html(conversations: Iterable[Conversation]) -> Iterator[str]:
    """The file in pieces."""
    markdown = _renderer()
    started = False
    for conversation in conversations:
        if not started:
            yield _HEAD % escape(sanitize_line(conversation.name))
            started = True
        yield from _conversation(conversation, markdown)
    if not started:
        yield _HEAD % "hfs"
    yield "</body>\n</html>\n"


@cache
def _renderer() -> MarkdownIt:
    """The parser that the terminal uses too, with HTML and pictures as text."""
    from hfs_cli.markdown.parser import parser

    md = parser(raw_html=False)
    md.disable("image")
    md.core.ruler.push("tasks", _mark_tasks)
    md.add_render_rule("math", _math)
    return md


def _mark_tasks(state: StateCore) -> None:
    """Give each task of a list its box: ``- [x] done``."""
    from hfs_cli.markdown.parser import TASKS

    for item, inline in zip(state.tokens, state.tokens[2:], strict=False):
        box = TASKS.get(inline.content[:4]) if item.type == "list_item_open" else None
        if box and inline.children:
            item.attrSet("class", "task")
            inline.children[0].content = box + inline.children[0].content[4:]


def _math(_: RendererHTML, tokens: Sequence[Token], index: int, *_rest: object) -> str:
    """TeX as it was written: nothing here draws it, and nothing spoils it."""
    return f'<code class="math">{escape(tokens[index].content)}</code>'


def _reply(text: str, markdown: MarkdownIt) -> str:
    """A reply as HTML; as it was written where it is nested deeper than anybody means."""
    from hfs_cli.markdown.parser import is_cut_off

    text = sanitize(text)
    env: dict[str, Any] = {}
    try:
        tokens = markdown.parse(text, env)
        if not is_cut_off(tokens):
            return str(markdown.renderer.render(tokens, markdown.options, env))
    except RecursionError:
        pass
    return f"<pre>{escape(text)}</pre>\n"


def _conversation(conversation: Conversation, markdown: MarkdownIt) -> Iterator[str]:
    parts = [plural(len(conversation.messages), "message"), _time(conversation.created_at)]
    if conversation.model:
        parts.insert(0, _text(conversation.model))
    yield "<article>\n<header>\n"
    yield f"<h1>{_text(conversation.name)}</h1>\n<p>{' · '.join(parts)}</p>\n</header>\n"
    for message in conversation.messages:
        yield from _message(message, markdown)
    yield "</article>\n"


def _message(message: Message, markdown: MarkdownIt) -> Iterator[str]:
    yield f'<section class="{message.role} {message.status}">\n'
    yield f'<p class="about">{_about(message)}</p>\n'
    for attachment in message.attachments:
        yield _attachment(attachment)
    if message.reasoning:
        yield f"<details><summary>Reasoning</summary><p>{_lines(message.reasoning)}</p></details>\n"
    if message.role == "assistant":
        yield _reply(message.content, markdown)
    else:
        yield f"<p>{_lines(message.content)}</p>\n"
    for call in message.tool_calls:
        yield _call(call)
    if message.citations:
        yield f'<ol class="sources">{"".join(map(_source, message.citations))}</ol>\n'
    yield "</section>\n"


def _source(source: Citation) -> str:
    """A source that a reply names; a link where it leads to the web."""
    from hfs_cli.exchange.markdown import is_link

    label, url = _text(source.title or source.url), sanitize_line(source.url)
    if not is_link(url):
        return f"<li>{label}</li>"
    return f'<li><a href="{escape(url)}" rel="noreferrer">{label}</a></li>'


def _call(call: Call) -> str:
    """What a tool was given and what it said, to be opened."""
    from hfs_cli.exchange.markdown import outcome

    kind = "call failed" if call.failed else "call"
    said = "" if call.result is None else f"<pre>{escape(sanitize(call.result))}</pre>"
    return (
        f'<details class="{kind}"><summary>⚙ {_text(call.label)} · {_text(outcome(call))}</summary>'
        f"<pre>{escape(sanitize(call.arguments))}</pre>{said}</details>\n"
    )


def _about(message: Message) -> str:
    parts = [message.role, _time(message.created_at)]
    if message.role == "assistant" and message.model:
        parts.append(_text(message.model))
    usage = message.usage
    if usage is not None and usage.output_tokens is not None:
        parts.append(f"{usage.input_tokens or '?'} in, {usage.output_tokens} out")
    if message.status == "partial":
        parts.append(_text(f"partial: {message.error}" if message.error else "partial"))
    return " · ".join(parts)


def _attachment(attachment: Attachment) -> str:
    label = _text(f"{attachment.name} ({attachment.media_type})")
    if attachment.url is None and attachment.media_type in _IMAGES:
        data = base64.b64encode(attachment.data).decode("ascii")
        source = f"data:{attachment.media_type};base64,{data}"
        return f'<p><img alt="{label}" src="{source}"></p>\n'
    where = f": {_text(attachment.url)}" if attachment.url else f", {len(attachment.data)} bytes"
    return f'<p class="about">Attachment: {label}{where}</p>\n'


def _text(text: str) -> str:
    return escape(sanitize_line(text))


def _lines(text: str) -> str:
    return escape(sanitize(text)).replace("\n", "<br>\n")


def _time(moment: datetime) -> str:
    return f'<time datetime="{iso(moment)}">{moment:%Y-%m-%d %H:%M} UTC</time>'
