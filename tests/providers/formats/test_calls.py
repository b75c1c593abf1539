"""Tools in every format: what is sent is legal for the vendor, and what comes is told apart."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice, permutations
from math import factorial

import pytest

from hfs_cli.config.settings import PROVIDER_TYPES
from hfs_cli.errors import IncompleteReplyError, UsageError
from hfs_cli.messages import (
    Attachment,
    Call,
    ChatMessage,
    Finish,
    KeptState,
    Request,
    State,
    ToolCall,
)
from hfs_cli.providers.formats import load_format
from hfs_cli.providers.formats.wire import Quirks, WireFormat
from tests.providers.asking import decoded, text_of
from tests.providers.formats.talks import (
    ASKED,
    FOREIGN,
    MODELS,
    TOOLS,
    WIRES,
    answered,
    ask,
    body,
    lines,
    reply,
    turn_of_three,
    with_results,
)
from tests.providers.sdk_types import illegal

each_wire = pytest.mark.parametrize("wire", WIRES)
HI = ChatMessage("user", "Will it rain?")
AGAIN = ChatMessage("user", "And tomorrow?")
SCHEMA = {
    "type": "object",
    "properties": {"rain": {"type": "boolean"}},
    "required": ["rain"],
    "additionalProperties": False,
}


@each_wire
def test_a_turn_of_three_steps_with_two_calls_at_once(wire):
    messages = turn_of_three(wire, (HI,))
    before = "" if wire == "local" else "Let me see."  # its grammar has no place for both
    assert [message.content for message in messages[1:]] == [before, "", "Rain."]
    made = [(call.name, json.loads(call.arguments)) for call in messages[1].calls]
    assert made == list(ASKED)
    assert [len(message.calls) for message in messages] == [0, 2, 1, 0]
    ids = [call.id for message in messages for call in message.calls]
    assert len({*ids}) == 3
    for length in (1, 2, 3):
        assert illegal(wire, body(wire, ask(wire, messages[:length]))) == {}
    assert illegal(wire, body(wire, ask(wire, (*messages, AGAIN)))) == {}


@each_wire
def test_what_a_format_keeps_of_a_reply_goes_back_with_it(wire):
    """A reply whose state is not as its `FORMAT` declares it goes back without, and no error."""
    request = ask(wire, turn_of_three(wire, (HI,)))
    states = [message.state for message in request.messages]
    format_ = load_format(wire)
    declared = {"format", "model", "ids", *format_.keeps, *format_.may_keep}
    made = {name for state in states if state for item in state.items for name in item}
    assert made <= declared, "its FORMAT declares what Events.state gives, in keeps or may_keep"
    kept = format_.accepted(request, Quirks().call_ids).messages
    assert [message.state for message in kept] == states
    without = request._replace(messages=tuple(m._replace(state=None) for m in request.messages))
    assert (body(wire, request) != body(wire, without)) == any(states)


@each_wire
def test_a_session_goes_on_with_any_other_vendor(wire):
    messages = turn_of_three(wire, (HI,))
    for other in WIRES:
        sent = body(other, ask(other, (*messages, AGAIN)))
        assert illegal(other, sent) == {}
        if other != wire:
            assert not any(word in json.dumps(sent) for word in ("signed", "sealed", "c2lnbmVk"))


@each_wire
def test_without_tools_the_calls_are_text(wire):
    messages = turn_of_three(wire, (HI,))
    for other in WIRES:
        sent = body(other, ask(other, (*messages, AGAIN), tools=()))
        assert illegal(other, sent) == {}
        text = json.dumps(sent, ensure_ascii=False)
        assert "[called weather with " in text
        assert "[result: 22 °C]" in text
        assert "[failed: no such city]" in text
        assert not {"tools", "tool_choice", "toolConfig"} & sent.keys()
        assert "tool_use" not in text
        assert "functionCall" not in text


def without_tools() -> WireFormat:
    """A format that carries texts and nothing else, whoever wrote it having no calls in mind."""
    return replace(
        load_format("ollama"),
        name="plain",
        body=lambda request, _: {"said": [message.content for message in request.messages]},
    )


@pytest.mark.parametrize("wire", [*PROVIDER_TYPES, "plain"])
def test_no_format_drops_what_tools_have_said(wire):
    format_ = without_tools() if wire == "plain" else load_format(wire)
    calls = (Call("c1", "weather", '{"city": "Köln"}', "22 °C"),)
    asked = ChatMessage("assistant", "", calls=calls)
    request = Request("m", (HI, asked, ChatMessage("assistant", "Warm."), AGAIN))
    sent = json.dumps(format_.payload(request, Quirks()), ensure_ascii=False)
    for word in ("weather", "Köln", "22 °C", "Warm.", AGAIN.content):
        assert word in sent


def test_openai_is_sent_calls_results_and_the_thoughts_before_them():
    messages = turn_of_three("openai", (HI,))
    sent = body("openai", ask("openai", messages[:2]), demands_reasoning=True)
    assert sent["messages"][2:] == [
        {
            "role": "assistant",
            "content": "Let me see.",
            "reasoning_content": "Hm 1.",
            "tool_calls": [
                {
                    "id": f"id_1_{n}",
                    "type": "function",
                    "function": {
                        "name": "weather",
                        "arguments": json.dumps(given, ensure_ascii=False),
                    },
                }
                for n, (_, given) in enumerate(ASKED)
            ],
        },
        {"role": "tool", "tool_call_id": "id_1_0", "content": "22 °C"},
        {"role": "tool", "tool_call_id": "id_1_1", "content": "error: no such city"},
    ]
    assert sent["tools"][0] == {"type": "function", "function": TOOLS[0]._asdict()}
    chosen = body("openai", ask("openai", (HI,), tool_choice="weather"))["tool_choice"]
    assert chosen == {"type": "function", "function": {"name": "weather"}}


def test_a_vendor_that_demands_thoughts_gets_empty_ones_for_anothers_calls():
    foreign = ChatMessage("assistant", "", calls=(FOREIGN,))
    request = ask("openai", (HI, foreign))
    assert "reasoning_content" not in body("openai", request)["messages"][2]
    sent = body("openai", request, demands_reasoning=True)["messages"][2]
    assert (sent["content"], sent["reasoning_content"]) == (None, "")


def test_responses_is_sent_the_items_of_each_reply_in_order():
    messages = turn_of_three("responses", (HI,))
    sent = body("responses", ask("responses", (*messages, AGAIN)))
    kinds = [item["type"] for item in sent["input"]]
    assert kinds == [
        *("message", "reasoning", "message", "function_call", "function_call"),
        *("function_call_output", "function_call_output"),
        *("reasoning", "function_call", "function_call_output", "reasoning", "message", "message"),
    ]
    assert sent["input"][1] == {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "Hm 1."}],
        "encrypted_content": "sealed 1",
    }
    assert sent["input"][5:7] == [
        {"type": "function_call_output", "call_id": "id_1_0", "output": "22 °C"},
        {"type": "function_call_output", "call_id": "id_1_1", "output": "error: no such city"},
    ]
    assert (sent["store"], sent["include"]) == (False, ["reasoning.encrypted_content"])
    assert [tool["strict"] for tool in sent["tools"]] == [True, False]
    chosen = body("responses", ask("responses", (HI,), tool_choice="weather"))["tool_choice"]
    assert chosen == {"type": "function", "name": "weather"}


@pytest.mark.parametrize(
    "model", ["gpt-4o-mini", "gpt-4.1", "chatgpt-4o-latest", "gpt-5-chat-latest"]
)
def test_a_model_that_does_not_reason_is_not_asked_for_what_it_reasoned(model):
    request = ask("responses", (HI,))._replace(model=model)
    assert "include" not in body("responses", request)
    assert "include" not in body("responses", ask("responses", (HI,)), encrypted_reasoning=False)


def test_anthropic_is_sent_thoughts_with_their_signatures_and_results_first():
    messages = turn_of_three("anthropic", (HI,))
    sent = body("anthropic", ask("anthropic", (*messages[:2], AGAIN)))["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "user"]
    assert sent[1]["content"] == [
        {"type": "thinking", "thinking": "Hm 1.", "signature": "signed 1"},
        {"type": "redacted_thinking", "data": "sealed 1"},
        {"type": "text", "text": "Let me see."},
        *(
            {"type": "tool_use", "id": f"id_1_{n}", "name": "weather", "input": given}
            for n, (_, given) in enumerate(ASKED)
        ),
    ]
    assert sent[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "id_1_0", "content": "22 °C"},
        {
            "type": "tool_result",
            "tool_use_id": "id_1_1",
            "content": "no such city",
            "is_error": True,
        },
        {"type": "text", "text": "And tomorrow?"},
    ]
    later = body("anthropic", ask("anthropic", (*messages, AGAIN)))["messages"]
    assert json.dumps(later).count('"signature"') == 3
    chosen = body("anthropic", ask("anthropic", (HI,), tool_choice="weather"))["tool_choice"]
    assert chosen == {"type": "tool", "name": "weather"}


@pytest.mark.parametrize(
    "change",
    [
        {"system": "be long"},
        {"system": None},
        {"tools": TOOLS[:1]},
        {"options": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}},
    ],
)
def test_thoughts_stay_behind_where_something_before_them_has_changed(change):
    messages = turn_of_three("anthropic", (HI,))
    changed = body("anthropic", ask("anthropic", (*messages, AGAIN), **change))
    assert illegal("anthropic", changed) == {}
    assert "signature" not in json.dumps(changed)
    assert "tool_use" in json.dumps(changed)
    edited = (HI._replace(content="Will it snow?"), *messages[1:], AGAIN)
    assert "signature" not in json.dumps(body("anthropic", ask("anthropic", edited)))
    # What was thought after a change is good from then on, and what was thought before it is not.
    request = ask("anthropic", (*messages, AGAIN), system="be long")
    more = answered("anthropic", request, reply("anthropic", "Sun.", (), 9))
    request = ask("anthropic", (*messages, AGAIN, more, HI), system="be long")
    assert json.dumps(body("anthropic", request)).count('"signature"') == 1
    request = ask("anthropic", (*messages, AGAIN, more, HI))
    assert json.dumps(body("anthropic", request)).count('"signature"') == 3


def test_questions_whose_answer_was_thoughts_alone_are_joined():
    request = ask("anthropic", (HI,))
    thoughts = answered("anthropic", request, reply("anthropic"))
    sent = body("anthropic", ask("anthropic", (HI, thoughts, AGAIN)))["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "user"]
    changed = ask("anthropic", (HI, thoughts, AGAIN), system="be long")
    sent = body("anthropic", changed)["messages"]
    texts = [{"type": "text", "text": m.content} for m in (HI, AGAIN)]
    assert sent == [{"role": "user", "content": texts}]
    more = answered("anthropic", changed, reply("anthropic", "Sun."))
    later = ask("anthropic", (HI, thoughts, AGAIN, more, HI), system="be long")
    assert json.dumps(body("anthropic", later)).count('"signature"') == 1


def test_another_model_of_the_vendor_gets_no_state():
    for wire in WIRES:
        messages = turn_of_three(wire, (HI,))
        request = ask(wire, (*messages, AGAIN))._replace(model=f"{MODELS[wire]}-2")
        sent = json.dumps(body(wire, request))
        assert illegal(wire, body(wire, request)) == {}
        assert "signed" not in sent
        assert "sealed" not in sent
        assert "Hm" not in sent


def test_gemini_is_sent_signed_parts_as_they_came():
    messages = turn_of_three("gemini", (HI,))
    sent = body("gemini", ask("gemini", (*messages, AGAIN)))["contents"]
    assert [content["role"] for content in sent] == [
        *("user", "model", "user", "model", "user", "model", "user"),
    ]
    assert sent[1]["parts"] == [
        {"text": "Hm 1.", "thought": True},
        {"text": "Let me see."},
        {
            "functionCall": {"name": "weather", "args": ASKED[0][1], "id": "id_1_0"},
            "thoughtSignature": "c2lnbmVk",
        },
        {"functionCall": {"name": "weather", "args": ASKED[1][1], "id": "id_1_1"}},
    ]
    assert sent[2]["parts"] == [
        {"functionResponse": {"id": "id_1_0", "name": "weather", "response": {"output": "22 °C"}}},
        {
            "functionResponse": {
                "id": "id_1_1",
                "name": "weather",
                "response": {"error": "no such city"},
            }
        },
    ]
    assert sent[5]["parts"][-1] == {"text": "", "thoughtSignature": "c2lnbmVk"}
    declared = body("gemini", ask("gemini", (HI,)))["tools"][0]["functionDeclarations"]
    assert declared[0]["parametersJsonSchema"] == TOOLS[0].parameters
    assert declared[1] == {"name": "clock__now", "description": "The time."}
    chosen = body("gemini", ask("gemini", (HI,), tool_choice="weather"))["toolConfig"]
    named = {"mode": "ANY", "allowedFunctionNames": ["weather"]}
    assert chosen == {"functionCallingConfig": named}


def test_gemini_without_ids_is_answered_without_them():
    call = {"functionCall": {"name": "weather", "args": {}}, "thoughtSignature": "c2lnbmVk"}
    finish = {"finishReason": "STOP", "content": {"parts": [call]}}
    made = answered("gemini", ask("gemini", (HI,)), lines({"candidates": [finish]}))
    assert made.calls[0].id == "call00001"
    sent = body("gemini", ask("gemini", (HI, with_results(made))))["contents"]
    assert sent[1]["parts"] == [call]
    assert "id" not in sent[2]["parts"][0]["functionResponse"]


def test_gemini_is_not_stopped_by_another_models_call_in_the_same_turn():
    foreign = ChatMessage("assistant", "", calls=(FOREIGN, FOREIGN._replace(id="x")))
    parts = body("gemini", ask("gemini", (HI, foreign)))["contents"][1]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == [
        "skip_thought_signature_validator",
        None,
    ]
    earlier = body("gemini", ask("gemini", (HI, foreign, AGAIN)))
    assert "thoughtSignature" not in json.dumps(earlier)


def test_ollama_is_sent_thoughts_calls_and_the_names_of_those_that_answer():
    messages = turn_of_three("ollama", (HI,))
    sent = body("ollama", ask("ollama", (*messages[:2],)))["messages"]
    assert sent[2:] == [
        {
            "role": "assistant",
            "content": "Let me see.",
            "thinking": "Hm 1.",
            "tool_calls": [
                {"id": f"call0000{n}", "function": {"name": "weather", "arguments": given}}
                for n, (_, given) in enumerate(ASKED, 1)
            ],
        },
        {
            "role": "tool",
            "content": "22 °C",
            "tool_name": "weather",
            "tool_call_id": "call00001",
        },
        {
            "role": "tool",
            "content": "error: no such city",
            "tool_name": "weather",
            "tool_call_id": "call00002",
        },
    ]
    with pytest.raises(UsageError, match="cannot make a model use a tool"):
        body("ollama", ask("ollama", (HI,), tool_choice="weather"))


@each_wire
def test_a_call_without_a_result_is_sent_as_one_that_failed(wire):
    made = answered(wire, ask(wire, (HI,)), reply(wire, "", ASKED[:1]))
    sent = body(wire, ask(wire, (HI, made)))
    assert illegal(wire, sent) == {}
    text = json.dumps(sent)
    assert "no result: the call was interrupted" in text
    marks = ('"is_error": true', '"error": "no result', "error: no", r"\"error\": \"no")
    assert any(mark in text for mark in marks)


ODD_CALLS = (
    Call("", "weather", "", result=""),
    Call("same", "weather", "{}", result="a"),
    Call("same", "weather", "{}", result="b"),
    Call("x" * 500, "a\nb\x1b[2J:c", "not JSON", result="c"),
    Call("é", "", "[1, 2]", result="d"),
    Call("n", "n" * 300, '{"a": NaN, "b": 1e999}', result="e"),
    Call("s", "s", '{"a": "\\ud800"}', result="f"),
    Call("d", "d", "[" * 100_000, result="g"),
    Call("i", "i", '{"a": ' + "9" * 5000 + "}", result=None),
)


@each_wire
def test_calls_of_any_shape_are_sent_as_legal_ones(wire):
    odd = ChatMessage("assistant", "so", calls=ODD_CALLS)
    sent = body(wire, ask(wire, (HI, odd, odd, AGAIN)))
    assert illegal(wire, sent) == {}
    if wire == "openai":
        ids = [call["id"] for m in sent["messages"] for call in m.get("tool_calls", ())]
        assert len({*ids}) == len(ids) == 2 * len(ODD_CALLS)
        assert ids[1] == "same"
        only_mistral = body(wire, ask(wire, (HI, odd)), call_ids="[A-Za-z0-9]{9}")
        made = [c["id"] for m in only_mistral["messages"] for c in m.get("tool_calls", ())]
        assert all(len(name) == 9 and name.isalnum() for name in made)
    assert illegal(wire, body(wire, ask(wire, (HI, odd, AGAIN), tools=()))) == {}


@each_wire
@pytest.mark.parametrize(
    "state",
    [
        {},
        {"format": 1},
        {"ids": None},
        {"blocks": 1, "parts": "x", "output": {}, "thinking": []},
        {"blocks": [1], "parts": [None], "output": ["x"], "prefix": "", "reasoning_details": [1]},
        {"prefix": "", "blocks": [], "parts": [], "output": [], "thinking": ""},
    ],
)
def test_state_of_any_shape_is_left_out_or_sent(wire, state):
    good = {"format": wire, "model": MODELS[wire], "ids": []}
    for made in (state, good | state):
        kept = KeptState(wire, (made,))
        message = ChatMessage("assistant", "so", state=kept)
        sent = body(wire, ask(wire, (HI, message, AGAIN)))
        assert sent


@each_wire
def test_a_schema_and_tools_and_a_picture_together(wire):
    picture = Attachment("a.png", "image/png", b"1")
    messages = turn_of_three(wire, (HI._replace(attachments=(picture,)),))
    sent = body(wire, ask(wire, (*messages, AGAIN), schema=SCHEMA))
    assert illegal(wire, sent) == {}


def test_two_turns_with_each_format_in_many_orders():
    """Each vendor is asked twice, with thoughts, tools, a picture and a schema on the way."""
    picture = Attachment("a.png", "image/png", b"1")
    for order in islice(permutations(WIRES), 0, None, factorial(len(WIRES)) // 10):
        messages: tuple[ChatMessage, ...] = ()
        for number, wire in enumerate((*order, *order)):
            question = ChatMessage("user", f"{number}?", (picture,) if number == 3 else ())
            schema = SCHEMA if number in {4, 5} else None
            tools = () if number == 6 else TOOLS
            request = ask(wire, (*messages, question), schema=schema, tools=tools)
            assert illegal(wire, body(wire, request)) == {}, (order, number)
            messages = turn_of_three(wire, (*messages, question))
        assert len(messages) == 4 * len((*order, *order))


# --- what comes --------------------------------------------------------------------------


def events_of(wire, *chunks, **values):
    return decoded(wire, *chunks, request=ask(wire, (HI,), **values))


def calls_of(events):
    collected: dict[int | None, list[str]] = {}
    for event in events:
        if isinstance(event, ToolCall):
            row = collected.setdefault(event.index, ["", "", ""])
            row[0] += event.id
            row[1] += event.name
            row[2] += event.arguments
    return [tuple(row) for row in collected.values()]


def chunk(*calls, finish=None):
    return {"choices": [{"delta": {"tool_calls": [*calls]}, "finish_reason": finish}]}


def piece(name=None, arguments="", **more):
    return {"function": {"name": name, "arguments": arguments}, **more}


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (  # as documented
            [
                *(piece("f", "", index=0, id="a"), piece("g", "", index=1, id="b")),
                *(piece(None, "1", index=0), piece(None, "2", index=1)),
            ],
            [("a", "f", "1"), ("b", "g", "2")],
        ),
        (  # Gemini's compatible endpoint: one number for all
            [piece("f", "1", index=0, id="a"), piece("f", "2", index=0, id="b")],
            [("a", "f", "1"), ("b", "f", "2")],
        ),
        (  # no numbers
            [piece("f", "1", id="a"), piece("f", "2", id="b"), piece(None, "3", id="a")],
            [("a", "f", "13"), ("b", "f", "2")],
        ),
        (  # neither numbers nor ids
            [piece("f", '{"a"'), piece(None, ":1}"), piece("g", "2")],
            [("call00001", "f", '{"a":1}'), ("call00002", "g", "2")],
        ),
        (  # empty and repeated ids and names on later pieces
            [
                *(piece("f", "1", index=0, id="a"), piece("f", "2", index=0, id="a")),
                piece("", "3", index=0, id=""),
            ],
            [("a", "f", "123")],
        ),
        (  # one id for two calls
            [piece("f", "1", index=0, id="a"), piece("g", "2", index=1, id="a")],
            [("a", "f", "1"), ("call00002", "g", "2")],
        ),
        (  # indexes that are not numbers, and a very large one
            [
                *(piece("f", "1", index=10**9, id="a"), piece("g", "2", index="x", id="b")),
                *(piece(None, "3", index=10**9), piece("h", "4", index=-1, id=7)),
            ],
            [("a", "f", "13"), ("b", "g", "2"), ("call00003", "h", "4")],
        ),
        (  # the object itself
            [piece("f", {"a": "ü"}, index=0, id="a")],
            [("a", "f", '{"a": "ü"}')],
        ),
    ],
)
def test_calls_are_told_apart(pieces, expected):
    one_each = [chunk(each) for each in pieces]
    for chunks in ([*one_each, chunk(finish="stop")], [chunk(*pieces, finish="tool_calls")]):
        events, fault = events_of("openai", lines(*chunks))
        assert fault is None
        assert calls_of(events) == expected
        assert events[-1].reason == "tool_calls"


def test_ids_that_are_made_up_go_on_from_those_of_the_session():
    earlier = with_results(answered("ollama", ask("ollama", (HI,)), reply("ollama", "", ASKED)))
    later = answered("ollama", ask("ollama", (HI, earlier)), reply("ollama", "", ASKED))
    assert [call.id for call in earlier.calls + later.calls] == [
        f"call0000{n}" for n in (1, 2, 3, 4)
    ]


@pytest.mark.parametrize(
    ("pieces", "told"),
    [
        ([piece(None, "{}", index=0, id="a")], "a tool call has no name"),
        ([piece("f", "", index=n) for n in range(10_000)], "more than 100 tools"),
        (
            [piece("f", "x" * 9_000_000, index=0), piece(None, "x" * 9_000_000, index=0)],
            "exceed 16",
        ),
        ([piece("f", 7, index=0)], "unknown shape"),
        ([7], "unknown shape"),
    ],
    ids=["no name", "10,000 calls", "18 MB", "a number", "not an object"],
)
def test_a_reply_that_asks_for_more_than_any_model_is_malformed(pieces, told):
    events, fault = events_of("openai", *(lines(chunk(each)) for each in pieces))
    assert isinstance(fault, IncompleteReplyError)
    assert told in fault.message
    assert not any(isinstance(event, Finish) for event in events)


@each_wire
def test_calls_that_break_off_are_never_an_end_with_calls(wire):
    """A body that ends anywhere before its end gives no reason to run what it asks for."""
    data = reply(wire, "Let me see.", ASKED)
    whole, _ = events_of(wire, data)
    assert whole[-1].reason == "tool_calls"
    for at in range(0, len(data) - 1, 3):
        events, fault = events_of(wire, data[:at])
        finish = events[-1] if events and isinstance(events[-1], Finish) else None
        assert fault is not None or finish is not None
        if finish is not None and finish.reason == "tool_calls":
            assert calls_of(events) == calls_of(whole)
            assert text_of(events) == text_of(whole)


@pytest.mark.parametrize("calls", [ASKED, ()], ids=["calls", "an answer"])
@each_wire
def test_a_reply_with_tools_that_breaks_off_anywhere_is_never_whole(wire, calls):
    """Neither its calls nor its answer: what is whole is all of it."""
    request = ask(wire, (HI,))
    said = reply(wire, "Naïve 🙂", calls)
    whole, _ = decoded(wire, said, request=request)
    asked = [event for event in whole if isinstance(event, ToolCall)]
    for at in range(len(said)):
        found, fault = decoded(wire, said[:at], request=request)
        if fault is None:
            assert text_of(found) == text_of(whole)
            assert [event for event in found if isinstance(event, ToolCall)] == asked
            assert found[-1] == whole[-1]
        assert text_of(whole).startswith(text_of(found))


@each_wire
def test_cuts_change_nothing_of_calls_and_state(wire):
    data = reply(wire, "Let me see.", ASKED)
    whole = events_of(wire, data)
    # The embedded model has nothing of its own that would have to come back.
    assert any(isinstance(event, State) for event in whole[0]) is (wire != "local")
    for at in range(0, len(data), 11):
        events, fault = events_of(wire, data[:at], data[at:])
        assert fault is None
        assert calls_of(events) == calls_of(whole[0])
        assert events[-2:] == whole[0][-2:]


def test_arguments_that_come_value_by_value():
    """As Vertex AI streams them."""

    def part(call):
        return {"candidates": [{"content": {"parts": [{"functionCall": call}]}}]}

    def value(path, **given):
        return part({"partialArgs": [{"jsonPath": path, **given}], "willContinue": True})

    events, fault = events_of(
        "gemini",
        lines(
            part({"name": "f", "willContinue": True}),
            value("$.to[0].name", stringValue="An", willContinue=True),
            value("$.to[0].name", stringValue="na"),
            value("$['a b']", boolValue=True),
            value("$.n", numberValue=3),
            value("$.to[1].name", nullValue="NULL_VALUE"),
            part({}),
            part({"name": "g", "args": {}}),
            {"candidates": [{"finishReason": "STOP"}]},
        ),
    )
    assert fault is None
    (_, name, arguments), (_, other, _) = calls_of(events)
    assert (name, other) == ("f", "g")
    assert json.loads(arguments) == {
        "to": [{"name": "Anna"}, {"name": None}],
        "a b": True,
        "n": 3,
    }


@pytest.mark.parametrize("path", ["$", "", 7, "$.a[999999999]", "$[0]", None])
def test_a_path_that_leads_nowhere_is_malformed(path):
    call = {"name": "f", "partialArgs": [{"jsonPath": path, "stringValue": "x"}]}
    candidate = {"content": {"parts": [{"functionCall": call}]}, "finishReason": "STOP"}
    _, fault = events_of("gemini", lines({"candidates": [candidate]}))
    assert isinstance(fault, IncompleteReplyError)


def test_openrouters_blocks_go_back_as_they_came():
    def delta(*details, **more):
        return {"choices": [{"delta": {"reasoning_details": [*details], **more}}]}

    text = {"type": "reasoning.text", "index": 0, "format": "anthropic-claude-v1"}
    events, fault = events_of(
        "openai",
        lines(
            delta({**text, "text": "Let "}, reasoning="Let "),
            delta({**text, "text": "me.", "signature": None}),
            delta({**text, "text": "", "signature": "sig"}),
            delta({"type": "reasoning.encrypted", "data": "sealed", "id": "rs_1", "index": 1}),
            {"choices": [{"delta": {"content": "Yes."}, "finish_reason": "stop"}]},
        ),
        tools=(),
    )
    assert fault is None
    (state,) = (event for event in events if isinstance(event, State))
    assert state.items[0]["reasoning_details"] == [
        {**text, "text": "Let me.", "signature": "sig"},
        {"type": "reasoning.encrypted", "data": "sealed", "id": "rs_1", "index": 1},
    ]
    message = ChatMessage("assistant", "Yes.", state=KeptState("openai", state.items))
    sent = body("openai", ask("openai", (HI, message, AGAIN), tools=()))["messages"]
    assert sent[2] == {
        "role": "assistant",
        "content": "Yes.",
        "reasoning_details": state.items[0]["reasoning_details"],
    }
