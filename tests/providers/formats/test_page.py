"""docs/formats.md says what hfs does: each row is shown, and no word of the vendors is missing."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from hfs_cli.config.settings import PROVIDER_TYPES
from hfs_cli.errors import ProviderError
from hfs_cli.messages import Event
from hfs_cli.providers.formats import load_format
from hfs_cli.providers.formats.decode import ReplyDecoder
from tests.providers.asking import ASK, framed
from tests.providers.formats.page import (
    ENDINGS,
    ERRORS,
    EVENTS,
    PAGE,
    SOURCES,
    TITLES,
    Row,
    page,
    words,
)
from tests.providers.formats.test_endings import MEANINGS

ROWS = [(wire, row) for wire, rows in EVENTS.items() for row in rows]


def read(wire: str, sent: tuple[Any, ...]) -> tuple[list[Event], Exception | None]:
    """What comes of events, without an end."""
    form = load_format(wire)
    decoder = ReplyDecoder(form.framer(), form.decoder(ASK))
    events = decoder.feed(framed(wire, *sent))
    return events, decoder.fault


def test_the_page_is_as_the_tables_are():
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.providers.formats.page"


def test_every_format_is_on_it():
    for table in (EVENTS, ENDINGS, ERRORS, SOURCES, TITLES):
        assert set(table) == set(PROVIDER_TYPES)


@pytest.mark.parametrize(("wire", "row"), ROWS, ids=[f"{w}-{r.what[:40]}" for w, r in ROWS])
def test_each_row_is_what_happens(wire: str, row: Row):
    events, fault = read(wire, row.sent)
    assert (tuple(events), fault) == (row.gives, None)


@pytest.mark.parametrize(
    ("wire", "event"), [(wire, event) for wire, events in ERRORS.items() for event in events]
)
def test_an_error_among_the_events_is_told_in_the_vendors_words(wire, event):
    events, fault = read(wire, (event,))
    assert events == []
    assert isinstance(fault, ProviderError)
    assert fault.message == "Overloaded", "hfs_cli/providers/formats/vendor_words.py finds them"


def test_every_reason_of_the_tables_is_shown():
    """By the table of `test_endings`, which has what each one must mean."""
    shown = {(wire, word) for wire, _, word, _ in MEANINGS}
    for wire in set(ENDINGS) - {"local"}:
        told = set(next(iter(ENDINGS[wire].values()))) - {"pause_turn"}
        assert {word for w, word in shown if w == wire} >= told, wire


# --- against the vendors' own libraries -----------------------------------------------------


def literals(union: Any) -> set[str]:
    """The values of `type` of the members of a union."""
    found: set[str] = set()
    for member in get_args(union):
        if "type" in getattr(member, "model_fields", {}):
            found |= {*get_args(member.model_fields["type"].annotation)}
        else:
            found |= literals(member)
    return found


def one_of(model: Any, field: str) -> set[str]:
    """The values of a field that may be absent."""
    kinds = get_args(model.model_fields[field].annotation)
    return {value for kind in kinds for value in get_args(kind)}


def told(wire: str) -> set[str]:
    """The words that the page has of a format's events."""
    return {word for row in EVENTS[wire] for word in words(row.what)}


def reasons(wire: str, number: int = 0) -> set[str]:
    return set([*ENDINGS[wire].values()][number])


def test_no_word_of_openais_responses_is_missing():
    from openai.types.responses import ResponseStatus
    from openai.types.responses.response import IncompleteDetails
    from openai.types.responses.response_stream_event import ResponseStreamEvent

    assert literals(ResponseStreamEvent) <= told("responses")
    (reason,) = (
        a for a in get_args(IncompleteDetails.model_fields["reason"].annotation) if get_args(a)
    )
    assert {*get_args(reason)} <= reasons("responses")
    statuses = {*get_args(ResponseStatus)}
    assert statuses - {"incomplete", "failed"} <= reasons("responses", 1)


def test_no_word_of_chat_completions_is_missing():
    from openai.types.chat.chat_completion_chunk import ChatCompletionChunk, Choice, ChoiceDelta

    found = told("openai")
    assert {f"delta.{name}" for name in ChoiceDelta.model_fields} <= found
    others = {*ChatCompletionChunk.model_fields} - {"choices"}
    assert others | {"logprobs"} <= found
    (reason,) = (
        a for a in get_args(Choice.model_fields["finish_reason"].annotation) if get_args(a)
    )
    assert {*get_args(reason)} <= reasons("openai")


def test_no_word_of_anthropic_is_missing():
    from anthropic.types import StopReason
    from anthropic.types.beta import BetaStopReason
    from anthropic.types.beta.beta_raw_content_block_delta import BetaRawContentBlockDelta
    from anthropic.types.content_block import ContentBlock
    from anthropic.types.raw_message_stream_event import RawMessageStreamEvent

    said = [RawMessageStreamEvent, BetaRawContentBlockDelta, ContentBlock]
    assert {word for union in said for word in literals(union)} <= told("anthropic")
    assert {*get_args(StopReason), *get_args(BetaStopReason)} == reasons("anthropic")


def test_no_word_of_gemini_is_missing():
    from google.genai import types

    of_the_library = {"sdk_http_response", "automatic_function_calling_history", "parsed"}
    fields = {*types.Part.model_fields, *types.Candidate.model_fields}
    fields |= {*types.GenerateContentResponse.model_fields} - of_the_library
    assert fields - {"content", "candidates"} <= told("gemini")
    assert {reason.value for reason in types.FinishReason} == reasons("gemini")


def test_no_word_of_ollama_is_missing():
    from ollama import ChatResponse, Message

    fields = {f"message.{name}" for name in Message.model_fields}
    assert fields | {*ChatResponse.model_fields} - {"message"} <= told("ollama")
