"""Conversations as one HTML file that loads nothing else and runs nothing.

Markdown in messages is rendered without raw HTML and images; should anything slip through, the
policy in the head forbids scripts and remote resources.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache
from html import escape
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING, Any

from hfs_cli.conversations import Conversation
from hfs_cli.exchange.markdown import is_link, outcome
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
# Images that are shown in the page; SVG is missing because it can hold scripts.
_IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
_ROLES = {"user": "User", "assistant": "Assistant", "system": "System", "tool": "Tool"}
# Longer code, or code with longer lines, is data that nobody reads, and takes lexers long.
_LONGEST_CODE, _LONGEST_LINE = 100_000, 1000


def html(conversations: Iterable[Conversation]) -> Iterator[str]:
    """The file in pieces."""
    style = f"<style>\n{stylesheet()}</style>"
    number = 0
    for number, conversation in enumerate(conversations, 1):
        if number == 1:
            yield head(conversation.name, style, _POLICY)
        yield "<article>\n"
        yield header(conversation)
        for message in conversation.messages:
            yield from section(message, "" if number == 1 else f"{number}-")
        yield "</article>\n"
    if not number:
        yield head("hfs", style, _POLICY)
    yield END


END = "</body>\n</html>\n"


def head(title: str, style: str, policy: str) -> str:
    """The beginning of a page.

    Args:
        title: Any text.
        style: The ``style`` element, or a ``link`` to the stylesheet.
        policy: What the page may load (https://www.w3.org/TR/CSP3/).
    """
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{line(title)}</title>
{style}
</head>
<body>
"""


@cache
def stylesheet() -> str:
    """The stylesheet of every page, for light and dark screens and for paper."""
    return files("hfs_cli.exchange").joinpath("page.css").read_text("utf-8")


@cache
def _renderer() -> MarkdownIt:
    """The terminal's Markdown parser, but with HTML and images as text."""
    from hfs_cli.markdown.parser import parser

    md = parser(raw_html=False)
    md.disable("image")
    md.core.ruler.push("tasks", _mark_tasks)
    md.add_render_rule("math", _math)
    md.add_render_rule("fence", _fence)
    md.add_render_rule("table_open", lambda *_: '<div class="wide"><table>\n')
    md.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return md


def _mark_tasks(state: StateCore) -> None:
    """Show a task in a list, ``- [x] done``, with a box."""
    from hfs_cli.markdown.parser import TASKS

    for item, inline in zip(state.tokens, state.tokens[2:], strict=False):
        box = TASKS.get(inline.content[:4]) if item.type == "list_item_open" else None
        if box and inline.children:
            item.attrSet("class", "task")
            inline.children[0].content = box + inline.children[0].content[4:]


def _math(_: RendererHTML, tokens: Sequence[Token], index: int, *_rest: object) -> str:
    """Show TeX as it was written: nothing here can draw it."""
    return f'<code class="math">{escape(tokens[index].content)}</code>'


def _fence(_: RendererHTML, tokens: Sequence[Token], index: int, *_rest: object) -> str:
    """Show code, in colours if its language is known."""
    token = tokens[index]
    language = (token.info.split() or [""])[0]
    return f"<pre><code>{_coloured(token.content, language)}</code></pre>\n"


def _coloured(code: str, language: str) -> str:
    plain = escape(code)
    is_data = len(code) > _LONGEST_CODE or max(map(len, code.split("\n"))) > _LONGEST_LINE
    if not language or is_data:
        return plain
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return plain
    tokens = list(lexer.get_tokens(code))
    # A lexer that loses or moves characters is not used.
    if "".join(value for _, value in tokens) != code:
        return plain
    spans = groupby(tokens, key=lambda token: _colour(token[0]))
    pieces = ((name, escape("".join(value for _, value in group))) for name, group in spans)
    return "".join(f'<span class="{name}">{text}</span>' if name else text for name, text in pieces)


@cache
def _colour(kind: Any) -> str:  # noqa: ANN401 - Pygments' tokens have no type
    """The CSS class of a token or its nearest ancestor with one; empty if there is none."""
    names = [str(part) for part in kind]
    while names:
        if found := _COLOURS.get(".".join(names)):
            return found
        names.pop()
    return ""


_COLOURS = {
    "Keyword": "k",
    "Keyword.Constant": "t",
    "Keyword.Type": "t",
    "Operator.Word": "k",
    "Literal": "t",
    "Literal.String": "s",
    "Comment": "c",
    "Name.Builtin": "t",
    "Name.Function": "f",
    "Name.Class": "f",
    "Name.Decorator": "t",
    "Name.Tag": "k",
    "Name.Attribute": "t",
    "Generic.Inserted": "i",
    "Generic.Deleted": "d",
    "Generic.Heading": "h",
    "Generic.Subheading": "t",
    "Generic.Prompt": "c",
    "Generic.Strong": "h",
}


def _reply(text: str) -> str:
    """A reply as HTML; as plain text if it is nested too deeply to be meant."""
    from hfs_cli.markdown.parser import is_cut_off

    markdown = _renderer()
    text = sanitize(text)
    env: dict[str, Any] = {}
    try:
        tokens = markdown.parse(text, env)
        if not is_cut_off(tokens):
            return str(markdown.renderer.render(tokens, markdown.options, env))
    except RecursionError:
        pass
    return f"<pre>{escape(text)}</pre>\n"


def header(conversation: Conversation, more: str = "") -> str:
    """The name of a conversation, with its model, size and date.

    Args:
        more: HTML to append.
    """
    parts = [plural(len(conversation.messages), "message"), time(conversation.created_at)]
    if conversation.model:
        parts.insert(0, line(conversation.model))
    about = f"<p>{' · '.join(parts)}</p>"
    return f"<header>\n<h1>{line(conversation.name)}</h1>\n{about}\n{more}</header>\n"


def section(message: Message, anchor: str = "") -> Iterator[str]:
    """A message.

    Args:
        anchor: What its id in the page begins with; ``m`` and its position follow.
    """
    name = f"{anchor}m{message.position}"
    yield f'<section class="{message.role} {message.status}" id="{name}">\n'
    yield f'<p class="about">{_about(message)}</p>\n'
    for attachment in message.attachments:
        yield _attachment(attachment)
    if message.reasoning:
        yield (
            "<details><summary>Reasoning</summary>"
            f'<div class="text">{escape(sanitize(message.reasoning))}</div></details>\n'
        )
    if message.role == "assistant":
        yield f'<div class="reply">\n{_reply(message.content)}</div>\n'
    else:
        yield f'<div class="text">{escape(sanitize(message.content))}</div>\n'
    for call in message.tool_calls:
        yield _call(call)
    if message.citations:
        yield f'<ol class="sources">{"".join(map(_source, message.citations))}</ol>\n'
    yield "</section>\n"


def _source(source: Citation) -> str:
    """A source of a reply, as a link if it is on the web."""
    label, url = line(source.title or source.url), sanitize_line(source.url)
    if not is_link(url):
        return f"<li>{label}</li>"
    return f'<li><a href="{escape(url)}" rel="noreferrer">{label}</a></li>'


def _call(call: Call) -> str:
    """A tool's arguments and output, folded."""
    kind = "call failed" if call.failed else "call"
    output = "" if call.result is None else f"<pre>{escape(sanitize(call.result))}</pre>"
    return (
        f'<details class="{kind}"><summary>⚙ {line(call.label)} · {line(outcome(call))}</summary>'
        f"<pre>{escape(sanitize(call.arguments))}</pre>{output}</details>\n"
    )


def _about(message: Message) -> str:
    who = _ROLES[message.role]
    if message.stands_for is not None:
        who = f"Summary of 1 to {message.stands_for}"
    parts = [f"<b>{who}</b>", time(message.created_at)]
    if message.role == "assistant" and message.model:
        parts.append(line(message.model))
    usage = message.usage
    if usage is not None and usage.output_tokens is not None:
        parts.append(f"{usage.input_tokens or '?'} in, {usage.output_tokens} out")
    if message.status == "partial":
        why = f"partial: {message.error}" if message.error else "partial"
        parts.append(f"<span>{line(why)}</span>")
    return " · ".join(parts)


def _attachment(attachment: Attachment) -> str:
    label = line(f"{attachment.name} ({attachment.media_type})")
    if attachment.url is None and attachment.media_type in _IMAGES:
        data = base64.b64encode(attachment.data).decode("ascii")
        source = f"data:{attachment.media_type};base64,{data}"
        return f'<p><img alt="{label}" src="{source}"></p>\n'
    where = f": {line(attachment.url)}" if attachment.url else f", {len(attachment.data)} bytes"
    return f'<p class="about">Attachment: {label}{where}</p>\n'


def line(text: str) -> str:
    """Text on one line as HTML without any markup."""
    return escape(sanitize_line(text))


def time(moment: datetime) -> str:
    """A ``time`` element, for people and for programs."""
    return f'<time datetime="{iso(moment)}">{moment:%Y-%m-%d %H:%M} UTC</time>'
