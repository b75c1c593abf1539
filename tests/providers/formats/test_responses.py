"""The Responses format: what is sent, and what each event means."""

import json

import pytest
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming

from hfs_cli.errors import IncompleteReplyError, ProviderError, UsageError
from hfs_cli.messages import (
    Attachment,
    ChatMessage,
    Delta,
    Finish,
    Reasoning,
    Request,
    ToolCall,
    Usage,
)
from hfs_cli.providers.formats.decode import ReplyDecoder
from hfs_cli.providers.formats.responses import FORMAT, payload
from hfs_cli.providers.formats.wire import Quirks
from tests.providers.sdk_types import unknown_to

TALK = (ChatMessage("user", "a"), ChatMessage("assistant", "b"), ChatMessage("user", "c"))
CLOSED = {
    "type": "object",
    "properties": {"x": {"type": "string"}},
    "required": ["x"],
    "additionalProperties": False,
}
USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 5},
    "total_tokens": 17,
}
MESSAGE = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Hello", "annotations": []}],
}
THOUGHT = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "hm"}],
}
CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a":1}'}


def event(kind, **values):
    return {"type": f"response.{kind}", "sequence_number": 0, **values}


def text(piece):
    return event("output_text.delta", item_id="msg_1", output_index=0, content_index=0, delta=piece)


def response(*output, status="completed", **values):
    return {"id": "resp_1", "object": "response", "status": status, "output": [*output], **values}


def ended(*output, status="completed", **values):
    return event(status, response=response(*output, status=status, **values))


def body(*events):
    lines = [f"event: {e.get('type', '')}\ndata: {json.dumps(e)}\n\n" for e in events]
    return "".join(lines).encode()


def decode(*events, size=None, after=b""):
    decoder = ReplyDecoder(FORMAT.framer(), FORMAT.decoder(Request("m", ())))
    data = body(*events) + after
    step = size or len(data)
    found = [e for i in range(0, len(data), step) for e in decoder.feed(data[i : i + step])]
    if decoder.fault:
        raise decoder.fault
    return found + decoder.end()


def joined(events, kind):
    return "".join(e.text for e in events if isinstance(e, kind))


def sent(messages=TALK, **values):
    return payload(Request("gpt-6-luna", messages, **values), Quirks())


# --- what is sent -----------------------------------------------------------------------


def test_a_talk_is_sent_whole_and_never_kept_by_the_vendor():
    assert sent(system="be brief", options={"temperature": 0.1, "max_tokens": 9}) == {
        "model": "gpt-6-luna",
        "instructions": "be brief",
        "input": [
            {"type": "message", "role": "user", "content": "a"},
            {"type": "message", "role": "assistant", "content": "b"},
            {"type": "message", "role": "user", "content": "c"},
        ],
        "stream": True,
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "temperature": 0.1,
        "max_output_tokens": 9,
    }


def test_attachments_stand_beside_their_text():
    files = (
        Attachment("a.png", "image/png", b"1"),
        Attachment("b.pdf", "application/pdf", b"2"),
        Attachment("c.pdf", "application/pdf", url="https://x.test/c.pdf"),
    )
    item = sent((ChatMessage("user", "look", files),))["input"][0]
    assert item["content"] == [
        {"type": "input_text", "text": "look"},
        {"type": "input_image", "image_url": "data:image/png;base64,MQ==", "detail": "auto"},
        {
            "type": "input_file",
            "filename": "b.pdf",
            "file_data": "data:application/pdf;base64,Mg==",
        },
        {"type": "input_file", "file_url": "https://x.test/c.pdf"},
    ]


def test_options_of_chat_completions_move_to_their_place_here():
    request = sent(schema=CLOSED, options={"reasoning_effort": "low", "verbosity": "low"})
    assert request["reasoning"] == {"effort": "low"}
    form = {"type": "json_schema", "name": "reply", "schema": CLOSED, "strict": True}
    assert request["text"] == {"format": form, "verbosity": "low"}


def test_options_that_have_no_place_here_are_refused_before_sending():
    with pytest.raises(UsageError, match="takes no seed or stop: leave it out"):
        sent(options={"stop": "END", "seed": 7})
    assert "seed" not in sent(options={"seed": None})


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"system": "be brief", "schema": CLOSED},
        {"options": {"max_tokens": 9, "temperature": 0.1, "top_p": 0.5}},
        {"options": {"reasoning_effort": "max", "verbosity": "high"}},
        {"messages": (ChatMessage("user", "x", (Attachment("a.png", "image/png", b"1"),)),)},
        {"messages": (ChatMessage("user", "", (Attachment("a", "application/pdf", b"1"),)),)},
    ],
    ids=",".join,
)
def test_bodies_are_legal_by_the_vendors_own_types(values):
    assert unknown_to(ResponseCreateParamsStreaming, sent(**values)) == {}


def test_a_body_that_is_not_legal_would_be_seen():
    wrong = sent() | {"stop": "END"}
    assert unknown_to(ResponseCreateParamsStreaming, wrong) == {"stop": "END"}


# --- what comes back --------------------------------------------------------------------

WHOLE_STREAM = (
    event("created", response=response(status="in_progress")),
    event("output_item.added", output_index=0, item={"type": "reasoning", "summary": []}),
    event("reasoning_summary_part.added", summary_index=0, part={}),
    event("reasoning_summary_text.delta", summary_index=0, delta="hm"),
    event("reasoning_summary_text.done", summary_index=0, text="hm"),
    event("output_item.done", output_index=0, item=THOUGHT),
    event("output_item.added", output_index=1, item=MESSAGE | {"content": []}),
    event("content_part.added", part={"type": "output_text", "text": ""}),
    text("Hel"),
    text("lo"),
    event("output_text.done", text="Hello"),
    event("content_part.done", part=MESSAGE["content"][0]),
    event("output_item.done", output_index=1, item=MESSAGE),
    ended(THOUGHT, MESSAGE, usage=USAGE),
)


@pytest.mark.parametrize("size", [1, 7, 100, None])
def test_each_text_is_read_once_however_often_it_is_repeated(size):
    events = decode(*WHOLE_STREAM, size=size)
    assert joined(events, Delta) == "Hello"
    assert joined(events, Reasoning) == "hm"
    assert events[-2:] == [Usage(10, 7, 4, 5), Finish("stop", "completed")]


@pytest.mark.parametrize("kind", sorted({e["type"] for e in WHOLE_STREAM[:-1]}))
def test_a_level_that_is_left_out_is_made_up_for_by_the_next(kind):
    events = decode(*(e for e in WHOLE_STREAM if e["type"] != kind))
    assert (joined(events, Reasoning), joined(events, Delta)) == ("hm", "Hello")


@pytest.mark.parametrize("kept", [{"output_text.done"}, {"output_item.done"}, set()])
def test_a_reply_that_comes_at_one_level_alone(kept):
    names = {f"response.{name}" for name in kept} | {"response.completed"}
    events = decode(*(e for e in WHOLE_STREAM if e["type"] in names))
    assert joined(events, Delta) == "Hello"


@pytest.mark.parametrize("done", [b"data: [DONE]\n\n", b"data:  [DONE] \n\n"])
def test_a_done_sentinel_of_a_gateway_is_not_an_end_of_its_own(done):
    assert decode(text("x"), ended(), after=done)[-1] == Finish("stop", "completed")
    with pytest.raises(IncompleteReplyError, match="without a finish reason"):
        decode(text("x"), after=done)


def test_several_summaries_are_paragraphs():
    parts = [
        event("reasoning_summary_part.added", summary_index=0, part={}),
        event("reasoning_summary_text.delta", summary_index=0, delta="one"),
        event("reasoning_summary_part.added", summary_index=1, part={}),
        event("reasoning_summary_text.delta", summary_index=1, delta="two"),
    ]
    assert joined(decode(*parts, ended()), Reasoning) == "one\n\ntwo"


def test_reasoning_in_full_is_reasoning():
    events = decode(event("reasoning_text.delta", delta="hm"), text("x"), ended())
    assert events[:2] == [Reasoning("hm"), Delta("x")]


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("max_output_tokens", "length"),
        ("max_messages", "length"),
        ("content_filter", "content_filter"),
    ],
)
def test_an_incomplete_response_says_why(reason, finish):
    stop = ended(status="incomplete", incomplete_details={"reason": reason}, usage=USAGE)
    events = decode(text("x"), stop)
    assert (events[-1].reason, events[-1].raw) == (finish, reason)
    assert Usage(10, 7, 4, 5) in events


@pytest.mark.parametrize("details", [None, {"reason": None}, {"reason": "steered"}])
def test_an_incomplete_response_is_never_whole(details):
    last = decode(text("x"), ended(status="incomplete", incomplete_details=details))[-1]
    assert last.reason not in {"stop", "length", "tool_calls"}


@pytest.mark.parametrize("status", ["cancelled", "queued", "in_progress", "requires_action"])
def test_a_whole_reply_that_has_not_ended_is_never_whole(status):
    decoder = ReplyDecoder(FORMAT.framer(), FORMAT.decoder(Request("m", ())))
    decoder.whole(json.dumps(response(MESSAGE, status=status)))
    assert decoder.end()[-1].reason not in {"stop", "length", "tool_calls"}


@pytest.mark.parametrize(
    "failure",
    [
        ended(status="failed", error={"code": "server_error", "message": "it broke"}),
        {"type": "error", "code": "server_error", "message": "it broke", "param": None},
        {"type": "error", "error": {"type": "server_error", "message": "it broke"}},
        {"error": {"message": "it broke"}},
    ],
    ids=["failed", "error", "nested error", "bare error"],
)
def test_failures_are_told_in_the_vendors_words(failure):
    with pytest.raises(ProviderError, match="it broke"):
        decode(text("x"), failure)


def test_a_refusal_is_text_with_its_own_finish():
    events = decode(event("refusal.delta", delta="I will not."), ended())
    assert events[0] == Delta("I will not.")
    assert (events[-1].reason, events[-1].raw) == ("content_filter", "refusal")


def test_calls_are_reported_with_their_arguments_once():
    added = event("output_item.added", item=CALL | {"arguments": ""})
    delta = event("function_call_arguments.delta", delta='{"a":1}')
    done = event("output_item.done", item=CALL)
    for events in (
        decode(added, delta, done, ended(CALL)),
        decode(added, done, ended(CALL)),
        decode(done, ended(CALL)),
        decode(ended(CALL)),
    ):
        calls = [e for e in events if isinstance(e, ToolCall)]
        assert "".join(c.name for c in calls) == "f"
        assert "".join(c.arguments for c in calls) == '{"a":1}'
        assert events[-1] == Finish("tool_calls", "completed")


def test_a_reply_in_one_piece():
    decoder = ReplyDecoder(FORMAT.framer(), FORMAT.decoder(Request("m", ())))
    events = decoder.whole(json.dumps(response(THOUGHT, MESSAGE, usage=USAGE))) + decoder.end()
    assert events == [
        Reasoning("hm"),
        Delta("Hello"),
        Usage(10, 7, 4, 5),
        Finish("stop", "completed"),
    ]


def test_events_that_are_not_known_are_passed_over():
    assert decode(event("something.new", delta={}), text("x"), ended())[0] == Delta("x")
