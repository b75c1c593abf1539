"""How a reply ended: every documented reason of every format, and what hfs makes of it.

A reply that was cut is never whole, whatever the vendor calls it and wherever its body breaks
off. The sources of the reasons stand beside the tables in the formats.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from hfs_cli.messages import Finish
from hfs_cli.providers.formats.decode import VendorCutError
from tests.providers.asking import WIRES, ask, decoded, text_of
from tests.scripted_server import ScriptedServer, openai_chunk, sse


def events(*objects: dict[str, Any]) -> bytes:
    return b"".join(b"data: %s\n\n" % json.dumps(item).encode() for item in objects)


def openai(reason: str, text: str = "so far") -> bytes:
    return events(openai_chunk({"content": text}), openai_chunk(finish=reason)) + (
        b"data: [DONE]\n\n"
    )


def anthropic(reason: str, text: str = "so far", **details: Any) -> bytes:
    return events(
        {"type": "message_start", "message": {"usage": {"input_tokens": 3}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": text}},
        {"type": "message_delta", "delta": {"stop_reason": reason, **details}},
        {"type": "message_stop"},
    )


def gemini(reason: str, text: str = "so far", **more: Any) -> bytes:
    return events(
        {"candidates": [{"content": {"parts": [{"text": text}]}}]},
        {"candidates": [{"finishReason": reason, **more}]},
    )


def blocked(reason: str, text: str = "") -> bytes:
    said = {"candidates": [{"content": {"parts": [{"text": text}]}}]}
    return events(said, {"promptFeedback": {"blockReason": reason}})


def ollama(reason: str, text: str = "so far") -> bytes:
    lines = [{"message": {"content": text}}, {"done": True, "done_reason": reason}]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def incomplete(reason: str | None, text: str = "so far") -> bytes:
    return events(
        {"type": "response.output_text.delta", "delta": text},
        {
            "type": "response.incomplete",
            "response": {
                "status": "incomplete",
                "output": [],
                "incomplete_details": reason and {"reason": reason},
            },
        },
    )


def ended(status: str, text: str = "so far") -> bytes:
    return events(
        {"type": "response.output_text.delta", "delta": text},
        {"type": "response.completed", "response": {"status": status, "output": []}},
    )


class Meaning(NamedTuple):
    """What a vendor's word means.

    Args:
        reason: Our word for it.
        whole: Whether the reply is complete.
        advice: What the note names to do about it; only LIMIT's is to raise the limit.
    """

    reason: str
    whole: bool
    advice: str = ""


WHOLE, TOOL = Meaning("stop", True), Meaning("tool_calls", True)
LIMIT = Meaning("length", True, "--max-tokens")
FULL, SHORT = Meaning("length", True, "--context trim"), Meaning("length", True)
BLOCKED, CUT = Meaning("content_filter", False), Meaning("error", False)
UNKNOWN = Meaning("unknown", True)
MEANINGS: list[tuple[str, Callable[..., bytes], str, Meaning]] = [
    (wire, body, word, meaning)
    for wire, body, meaning, words in [
        (
            "openai",
            openai,
            WHOLE,
            "stop eos eos_token stop_sequence end_turn STOP COMPLETE STOP_SEQUENCE",
        ),
        ("openai", openai, LIMIT, "length max_tokens MAX_TOKENS ERROR_LIMIT"),
        ("openai", openai, FULL, "model_length model_context_window_exceeded"),
        ("openai", openai, TOOL, "tool_calls function_call tool_use TOOL_CALL"),
        (
            "openai",
            openai,
            BLOCKED,
            "content_filter sensitive content_filtered ERROR_TOXIC",
        ),
        ("openai", openai, BLOCKED, "PROHIBITED_CONTENT BLOCKLIST LANGUAGE"),
        (
            "openai",
            openai,
            BLOCKED,
            "guardrail_intervened refusal SAFETY RECITATION SPII",
        ),
        (
            "openai",
            openai,
            CUT,
            "error insufficient_system_resource network_error abort pause_turn",
        ),
        ("openai", openai, CUT, "time_limit timeout cancelled ERROR TIMEOUT USER_CANCEL OTHER"),
        ("openai", openai, UNKNOWN, "something_new"),
        ("anthropic", anthropic, WHOLE, "end_turn stop_sequence"),
        ("anthropic", anthropic, LIMIT, "max_tokens"),
        ("anthropic", anthropic, FULL, "model_context_window_exceeded"),
        ("anthropic", anthropic, TOOL, "tool_use"),
        ("anthropic", anthropic, BLOCKED, "refusal"),
        ("anthropic", anthropic, CUT, "compaction"),
        ("anthropic", anthropic, UNKNOWN, "something_new"),
        ("gemini", gemini, WHOLE, "STOP"),
        ("gemini", gemini, LIMIT, "MAX_TOKENS"),
        ("gemini", gemini, BLOCKED, "SAFETY RECITATION LANGUAGE BLOCKLIST PROHIBITED_CONTENT"),
        ("gemini", gemini, BLOCKED, "SPII MODEL_ARMOR ESCALATION PUP_LIMITED_DISABLED"),
        ("gemini", gemini, BLOCKED, "IMAGE_SAFETY IMAGE_PROHIBITED_CONTENT IMAGE_RECITATION"),
        ("gemini", gemini, CUT, "CONTINUATION OTHER FINISH_REASON_UNSPECIFIED IMAGE_OTHER"),
        ("gemini", gemini, CUT, "MALFORMED_RESPONSE NO_IMAGE MALFORMED_FUNCTION_CALL"),
        ("gemini", gemini, CUT, "UNEXPECTED_TOOL_CALL TOO_MANY_TOOL_CALLS"),
        ("gemini", gemini, CUT, "MISSING_THOUGHT_SIGNATURE"),
        ("gemini", gemini, UNKNOWN, "SOMETHING_NEW"),
        ("gemini", blocked, BLOCKED, "SAFETY OTHER BLOCKLIST PROHIBITED_CONTENT JAILBREAK"),
        ("gemini", blocked, BLOCKED, "BLOCKED_REASON_UNSPECIFIED IMAGE_SAFETY MODEL_ARMOR"),
        ("ollama", ollama, WHOLE, "stop"),
        ("ollama", ollama, LIMIT, "length"),
        ("ollama", ollama, UNKNOWN, "load unload something_new"),
        ("responses", incomplete, LIMIT, "max_output_tokens"),
        ("responses", incomplete, SHORT, "max_messages"),
        ("responses", incomplete, BLOCKED, "content_filter"),
        ("responses", incomplete, CUT, "steered something_new"),
        ("responses", ended, WHOLE, "completed"),
        ("responses", ended, CUT, "cancelled queued in_progress"),
    ]
    for word in words.split()
]
each_reason = pytest.mark.parametrize(
    ("wire", "body", "word", "meaning"),
    MEANINGS,
    ids=lambda value: getattr(value, "__name__", value),
)


@each_reason
def test_every_documented_reason_is_told_for_what_it_means(wire, body, word, meaning):
    found, fault = decoded(wire, body(word))
    finish = found[-1]
    assert (finish.reason, finish.raw, finish.whole) == (meaning.reason, word, meaning.whole)
    assert isinstance(fault, VendorCutError) == (not meaning.whole)
    # Only what is as it should be needs no word.
    assert bool(finish.note) == (meaning.reason not in {"stop", "tool_calls"})
    assert meaning.advice in finish.note
    assert ("--max-tokens" in finish.note) == (meaning is LIMIT)


@each_reason
def test_a_reply_that_was_cut_fails_and_what_came_is_kept(wire, body, word, meaning):
    with ScriptedServer() as server:
        server.always(lambda _: [body(word)])
        answer = ask(server.url, wire=wire)
        assert answer.exit_code == (0 if meaning.whole else 5 if body is blocked else 7)
        assert answer.text == ("" if body is blocked else "so far")
        assert word in answer.message or meaning.whole

        server.always(lambda _: [body(word, text="")])
        assert ask(server.url, wire=wire).exit_code == (0 if meaning.whole else 5)


@each_reason
def test_a_body_that_breaks_off_anywhere_never_makes_a_whole_reply(wire, body, word, meaning):
    said = body(word, text="naïve 🙂")
    for at in range(len(said)):
        found, fault = decoded(wire, said[:at])
        finish = found[-1] if found and isinstance(found[-1], Finish) else None
        assert fault is not None or (finish is not None and finish.whole and meaning.whole)
        if fault is None:
            assert text_of(found) == "naïve 🙂"
        assert "naïve 🙂".startswith(text_of(found))


def test_the_vendors_own_explanation_is_told():
    details = {"type": "refusal", "category": "cyber", "explanation": "Flagged \x1b[2J as unsafe."}
    _, fault = decoded("anthropic", anthropic("refusal", stop_details=details))
    assert fault.message == (
        r'refused to go on (it says: "Flagged \x1b[2J as unsafe. (category cyber)"): ask in other'
        " words, or choose"
        " another model; later turns leave this one out (refusal)"
    )
    _, fault = decoded("gemini", gemini("SAFETY", finishMessage="Too dangerous."))
    assert 'content filter (it says: "Too dangerous."): ask' in fault.message


def test_a_model_that_declines_in_its_own_words_is_whole_and_marked():
    chunks = sse(openai_chunk({"refusal": "I will not."}), openai_chunk(finish="stop"))
    found, fault = decoded("openai", *chunks)
    assert fault is None
    assert (found[-1].reason, found[-1].raw) == ("content_filter", "refusal")


def test_an_ollama_whose_runner_has_gone_is_cut():
    gone, old = b'{"message":{"content":"a"},"done":true}', b'{"done":true,"eval_count":1}'
    assert isinstance(decoded("ollama", gone)[1], VendorCutError)
    assert decoded("ollama", old)[1] is None


# Responses has words for a reply that was cut alone.
@pytest.mark.parametrize("wire", [wire for wire in WIRES if wire != "responses"])
@pytest.mark.parametrize("reason", [7, ["stop"], {"a": 1}, True, "\ud800", "x" * 10_000, "a\nb"])
def test_a_reason_of_any_shape_is_a_word_that_can_be_kept(wire, reason):
    body = next(made for spoken, made, _, _ in MEANINGS if spoken == wire)
    found, fault = decoded(wire, body(reason))
    assert fault is None
    assert found[-1].reason == "unknown"
    assert found[-1].raw.encode()
    assert len(found[-1].raw) <= 100


def test_a_reply_that_anthropic_paused_can_go_on_from_what_it_holds():
    found, fault = decoded("anthropic", anthropic("pause_turn"))
    assert fault is None
    *_, state, finish = found
    assert (finish.reason, finish.raw, finish.whole) == ("paused", "pause_turn", True)
    assert state.items[0]["blocks"] == [{"type": "text", "text": "so far"}]
    found, fault = decoded("anthropic", anthropic("pause_turn", text=""))
    assert isinstance(fault, VendorCutError)
    assert found[-1].reason == "error"
