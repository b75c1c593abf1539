"""Look for keys in what is about to be sent and kept: warn about them, or take them out.

``redact = "warn"`` warns of keys in what is sent. With ``redact = "mask"`` no key reaches a vendor
or the database: not in prompts, system prompts, text attachments, what tools were given and
said, or the history that is sent again. A reply is shown as it came, and kept without keys. With
"off" this module is not loaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from hfs_cli import notices
from hfs_cli.messages import (
    Attachment,
    Call,
    ChatMessage,
    Event,
    KeptState,
    Opened,
    Reply,
    Request,
    Turn,
)
from hfs_cli.redact.find import find, redacted, redacted_value, strings, text_in
from hfs_cli.turn.protocols import ForwardingProvider

if TYPE_CHECKING:
    from hfs_cli.turn.protocols import Provider, Store

# Families that the user was told of: one line each, however many requests there are.
_NOTIFIED: set[str] = set()
# Characters before a piece that may show that it begins with a secret: an id, a name.
_BEFORE = 300
# A longer line is not held back until its end.
_LONGEST_LINE = 1 << 16
_END = re.compile(r"-----END [A-Z0-9 ]+-----")


class RedactingProvider(ForwardingProvider):
    """A provider that is sent no keys, or that warns about them.

    Args:
        inner: As of `ForwardingProvider`.
        mode: ``warn`` or ``mask``.
    """

    def __init__(self, inner: Provider, mode: str) -> None:
        super().__init__(inner)
        self._mode = mode

    def preview(self, request: Request) -> Mapping[str, object]:
        """What would be sent; see `hfs_cli.turn.protocols.Provider`."""
        return self._inner.preview(looked_at(request, self._mode))

    def stream(self, request: Request) -> Iterator[Sequence[Event]]:
        """Send it; see `hfs_cli.turn.protocols.Provider`."""
        return self._inner.stream(looked_at(request, self._mode))


def looked_at(request: Request, mode: str) -> Request:
    """A request as it is sent: as it is, with a warning, or without keys.

    Args:
        request: What is about to be sent.
        mode: ``warn`` or ``mask``.
    """
    families = _notify(request, mode)
    if mode == "warn" or not families:
        return request
    system = None if request.system is None else redacted(request.system)
    return request._replace(system=system, messages=tuple(map(_masked_message, request.messages)))


def _notify(request: Request, mode: str) -> set[str]:
    """The families of the keys in a request; the user is told of each once."""
    families = {
        found.family for text, cut in _sent(request) for found in find(text, broken_off=cut)
    }
    new = sorted(families - _NOTIFIED)
    _NOTIFIED.update(new)
    for family in new:
        if mode == "warn":
            notices.warn(f'what is sent holds a key ({family}): redact = "mask" takes it out')
        else:
            notices.notice(f"a key ({family}) is taken out of what is sent and kept")
    return families


class RedactingStore:
    """A store that is given no keys.

    Args:
        inner: Where turns are kept.
    """

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        # The ends of replies under way that may be the beginning of a key.
        self._held: dict[tuple[int | None, int], _Held] = {}

    def begin(self, turn: Turn) -> Opened:
        """See `hfs_cli.turn.protocols.Store`."""
        # The request is made of what is kept, so the provider will find no keys in it.
        _notify(Request("", (turn.prompt,), system=turn.system), "mask")
        place = turn.place
        if place.name is not None:
            place = place._replace(name=redacted(place.name))
        system = None if turn.system is None else redacted(turn.system)
        return self._inner.begin(
            turn._replace(prompt=_masked_message(turn.prompt), system=system, place=place)
        )

    def save_piece(self, opened: Opened, piece: Reply, wait_s: float = 30.0) -> None:
        """See `hfs_cli.turn.protocols.Keeper`; what may be half a key waits for its line to end."""
        at = (opened.user_message_id, piece.step)
        held = self._held.get(at, _Held())
        text, after = held.text.add(piece.text)
        reasoning, thought = held.reasoning.add(piece.reasoning)
        self._inner.save_piece(opened, piece._replace(text=text, reasoning=reasoning), wait_s)
        # Only now: a piece that was not written is given again.
        self._held[at] = _Held(after, thought)

    def save_reply(self, opened: Opened, reply: Reply, wait_s: float = 30.0) -> int | None:
        """See `hfs_cli.turn.protocols.Keeper`."""
        saved = self._inner.save_reply(opened, _masked_reply(reply), wait_s)
        self._held.pop((opened.user_message_id, reply.step), None)
        return saved

    def save_call(
        self, message_id: int | None, position: int, call: Call, wait_s: float = 30.0
    ) -> None:
        """See `hfs_cli.turn.protocols.Keeper`."""
        # Only what ended is called, and its arguments with it.
        self._inner.save_call(message_id, position, _masked_call(call, broken_off=False), wait_s)

    def spill(self, opened: Opened, reply: Reply) -> str:
        """See `hfs_cli.turn.protocols.Keeper`."""
        return self._inner.spill(opened, _masked_reply(reply))


class _Line(NamedTuple):
    """The end of a text that is still coming.

    Args:
        before: What was written last of it.
        held: What was not written yet.
    """

    before: str = ""
    held: str = ""

    def add(self, piece: str) -> tuple[str, _Line]:
        """What can be written now that more has come, and the rest."""
        text = self.held + piece
        cut = text.rfind("\n") + 1
        if not cut and len(text) > _LONGEST_LINE:
            cut = text.rfind(" ") + 1 or len(text)
        # A key of several lines is held back until its end.
        block = text.rfind("-----BEGIN ")
        if block >= 0 and not _END.search(text[block:cut]) and len(text) <= _LONGEST_LINE:
            cut = min(cut, block)
        known = len(self.before)
        whole = self.before + text[:cut]
        found = [key for key in find(whole) if key.start >= known]
        ready = redacted(whole, found)[known:]
        return ready, _Line(whole[-_BEFORE:], text[cut:])


class _Held(NamedTuple):
    text: _Line = _Line()
    reasoning: _Line = _Line()


def _masked_reply(reply: Reply) -> Reply:
    """A reply without keys, also without the part of one in which it breaks off."""
    cut = reply.status == "partial" or reply.finish_reason == "length"
    text = redacted(reply.text, broken_off=cut)
    citations = tuple(
        cited._replace(
            url=redacted(cited.url), title=redacted(cited.title), quote=redacted(cited.quote)
        )
        for cited in reply.citations
    )
    if text != reply.text:  # the passages are elsewhere now
        citations = tuple(cited._replace(start=None, end=None) for cited in citations)
    return reply._replace(
        text=text,
        reasoning=redacted(reply.reasoning, broken_off=cut),
        tool_calls=tuple(_masked_call(call, broken_off=cut) for call in reply.tool_calls),
        citations=citations,
        state=_masked_state(reply.state, broken_off=cut),
        error=None if reply.error is None else redacted(reply.error),
    )


def _masked_message(message: ChatMessage) -> ChatMessage:
    cut = _may_be_cut(message)
    return message._replace(
        content=redacted(message.content, broken_off=cut),
        attachments=tuple(map(_attachment, message.attachments)),
        calls=tuple(_masked_call(call, broken_off=cut) for call in message.calls),
        state=_masked_state(message.state, broken_off=cut),
    )


def _may_be_cut(message: ChatMessage) -> bool:
    """Whether a message of a request may have broken off: a request does not say which have."""
    return message.role == "assistant"


def _attachment(attached: Attachment) -> Attachment:
    text = text_in(attached.data, attached.media_type)
    return attached._replace(
        name=redacted(attached.name),
        data=attached.data if text is None else redacted(text).encode(),
        url=None if attached.url is None else redacted(attached.url),
    )


def _masked_call(call: Call, *, broken_off: bool) -> Call:
    return call._replace(
        arguments=redacted(call.arguments, broken_off=broken_off),
        result=None if call.result is None else redacted(call.result),
        extra=None if call.extra is None else redacted_value(call.extra),
    )


def _masked_state(state: KeptState | None, *, broken_off: bool) -> KeptState | None:
    """A vendor's state, or None where it holds a key, or may end in the middle of one.

    It is signed and cannot be changed. Without it the message goes on all the same, with its text
    and its calls: what is lost is what the model thought.

    Args:
        broken_off: Any of its texts may be cut short, as a thought is that met the limit.
    """
    texts = strings(state.items if state else ())
    return None if any(find(text, broken_off=broken_off) for text in texts) else state


def _sent(request: Request) -> Iterator[tuple[str, bool]]:
    """Yield each text of a request, and whether it may end in the middle of a key."""
    if request.system is not None:
        yield request.system, False
    for message in request.messages:
        cut = _may_be_cut(message)
        streamed = [message.content, *(call.arguments for call in message.calls)]
        for text in (*streamed, *strings(message.state.items if message.state else ())):
            yield text, cut
        others = [call.result or "" for call in message.calls]
        for attached in message.attachments:
            others.append(attached.name)
            others.append(text_in(attached.data, attached.media_type) or attached.url or "")
        for text in (*others, *strings([call.extra for call in message.calls])):
            yield text, False
