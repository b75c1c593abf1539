"""What each format sends, and how it reads a reply in one piece."""

import json

import pytest

from hfs_cli.config.settings import PROVIDER_TYPES
from hfs_cli.errors import UsageError
from hfs_cli.messages import (
    Attachment,
    ChatMessage,
    Delta,
    Finish,
    Reasoning,
    Request,
    ToolCall,
    ToolSpec,
    Usage,
)
from hfs_cli.providers.formats import load_format
from hfs_cli.providers.formats.decode import ReplyDecoder
from hfs_cli.providers.formats.media import check_media
from hfs_cli.providers.formats.wire import Quirks
from hfs_cli.providers.presets import PRESETS
from tests.scripted_server import sse

TALK = (ChatMessage("user", "a"), ChatMessage("assistant", "b"), ChatMessage("user", "c"))
OPTIONS = {"temperature": 0.5, "top_p": 0.9, "max_tokens": 50, "stop": "END", "seed": 7}


def body(wire, messages=TALK, **values):
    return load_format(wire).payload(Request("m", messages, **values), Quirks())


def decode(wire, *chunks, request=None):
    decoder = ReplyDecoder(
        load_format(wire).framer(), load_format(wire).decoder(request or Request("m", ()))
    )
    events = [event for chunk in chunks for event in decoder.feed(chunk)] + decoder.rest()
    assert decoder.fault is None
    return events + decoder.end()


def whole(wire, document):
    decoder = ReplyDecoder(load_format(wire).framer(), load_format(wire).decoder(Request("m", ())))
    events = decoder.whole(json.dumps(document))
    assert decoder.fault is None
    return events + decoder.end()


@pytest.mark.parametrize("wire", PROVIDER_TYPES)
def test_no_format_leaves_out_what_a_request_says(wire):
    form = load_format(wire)
    said = tuple(ChatMessage(one.role, f"said {one.content}") for one in TALK)
    request = Request("the-model", said, system="be brief", options={"max_tokens": 54_321})
    sent = form.path(request) + json.dumps(form.payload(request, Quirks()))
    for word in ("the-model", "be brief", "said a", "said b", "said c", "54321"):
        assert word in sent, word
    assert "a-key" in json.dumps(form.headers("a-key"))


def test_anthropic():
    assert body("anthropic", system="be brief", options=OPTIONS | {"seed": None}) == {
        "model": "m",
        "max_tokens": 50,
        "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "b"},
            {"role": "user", "content": "c"},
        ],
        "stream": True,
        "system": "be brief",
        "temperature": 0.5,
        "top_p": 0.9,
        "stop_sequences": ["END"],
    }
    assert body("anthropic")["max_tokens"] == 8192


def test_gemini():
    wire = load_format("gemini")
    assert wire.path(Request("gemini-x", ())) == "/models/gemini-x:streamGenerateContent?alt=sse"
    safety = [{"category": "x", "threshold": "y"}]
    assert body("gemini", system="be brief", options=OPTIONS | {"safetySettings": safety}) == {
        "contents": [
            {"role": "user", "parts": [{"text": "a"}]},
            {"role": "model", "parts": [{"text": "b"}]},
            {"role": "user", "parts": [{"text": "c"}]},
        ],
        "systemInstruction": {"parts": [{"text": "be brief"}]},
        "safetySettings": safety,
        "generationConfig": {
            "temperature": 0.5,
            "topP": 0.9,
            "maxOutputTokens": 50,
            "stopSequences": ["END"],
            "seed": 7,
        },
    }


def test_ollama():
    assert body("ollama", system="be brief", options=OPTIONS | {"think": True}) == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "b"},
            {"role": "user", "content": "c"},
        ],
        "stream": True,
        "truncate": False,
        "shift": False,
        "think": True,
        "options": {
            "temperature": 0.5,
            "top_p": 0.9,
            "num_predict": 50,
            "stop": ["END"],
            "seed": 7,
        },
    }


def test_ollama_has_the_fields_of_a_chat_beside_its_options():
    beside = {
        "think": "high",
        "keep_alive": "5m",
        "format": "json",
        "truncate": True,
        "shift": True,
    }
    sent = body("ollama", options={**beside, "stop": ["a", "b"], "num_ctx": 8192})
    assert {name: sent[name] for name in beside} == beside
    assert sent["options"] == {"stop": ["a", "b"], "num_ctx": 8192}


@pytest.mark.parametrize(
    ("model", "most"),
    [
        ("claude-haiku-5-5", 128_000),
        ("claude-fable-5-1", 128_000),
        ("claude-opus-5-5", 128_000),
        ("claude-opus-10-1", 128_000),
        ("claude-opus-4-6", 128_000),
        ("claude-opus-4-5-20251101", 64_000),
        ("claude-opus-4-1-20250805", 32_000),
        ("claude-opus-4-20250514", 32_000),
        ("claude-sonnet-4-5@20250929", 64_000),
        ("anthropic.claude-sonnet-4-6", 128_000),
        ("claude-sonnet-9-9", 128_000),
        ("claude-3-7-sonnet-latest", 64_000),
        ("claude-3-5-haiku-20241022", 8192),
        ("claude-3-haiku-20240307", 4096),
        ("another-vendors", 8192),
    ],
)
def test_anthropic_is_given_the_models_own_limit(model, most):
    for provider in ("anthropic", "gate"):
        request = Request(model, TALK, provider=provider)
        assert load_format("anthropic").payload(request, Quirks())["max_tokens"] == most
    limited = request._replace(options={"max_tokens": 5})
    assert load_format("anthropic").payload(limited, Quirks())["max_tokens"] == 5


def test_another_vendor_of_anthropics_format_is_given_its_own_models_limit():
    request = Request("MiniMax-M3", TALK, provider="minimax")
    assert load_format("anthropic").payload(request, Quirks())["max_tokens"] == 128_000


def test_anthropic_refuses_what_it_has_not_before_it_is_sent():
    with pytest.raises(UsageError, match="takes no n or seed: leave it out"):
        body("anthropic", options={"seed": 7, "n": 2, "temperature": 0})


def test_gemini_takes_100_megabytes_and_a_pdf_of_50():
    media = load_format("gemini").media

    def check(*sizes, kind="application/pdf"):
        files = tuple(Attachment("a", kind, bytes(size)) for size in sizes)
        check_media((ChatMessage("user", "hi", files),), media, "gemini")

    check(37_000_000, 37_000_000)
    check(74_000_000, kind="image/png")
    with pytest.raises(UsageError, match="over the 50 MB"):
        check(50_000_001)
    with pytest.raises(UsageError, match="takes 100 MB"):
        check(38_000_000, 38_000_000)


def test_mistral_has_names_of_its_own():
    quirks = PRESETS["mistral"].quirks
    files = (PICTURE, PAPER, FAR_PAPER, SOUND)
    request = Request("m", (ChatMessage("user", "hi", files),), options={"seed": 7})
    sent = load_format("openai").payload(request, quirks)
    assert (sent["random_seed"], "seed" in sent, "stream_options" in sent) == (7, False, False)
    assert sent["messages"][0]["content"][1:] == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,MQ=="}},
        {
            "type": "document_url",
            "document_url": "data:application/pdf;base64,Mg==",
            "document_name": "b.pdf",
        },
        {
            "type": "document_url",
            "document_url": "https://x.test/f.pdf",
            "document_name": "f.pdf",
        },
        {"type": "input_audio", "input_audio": "Mw=="},
    ]


PICTURE = Attachment("a.png", "image/png", b"1")
PAPER = Attachment("b.pdf", "application/pdf", b"2")
SOUND = Attachment("c.mp3", "audio/mpeg", b"3")
WAVE = Attachment("d.wav", "audio/wav", b"4")
FAR_PICTURE = Attachment("e.png", "image/png", url="https://x.test/e.png")
FAR_PAPER = Attachment("f.pdf", "application/pdf", url="https://x.test/f.pdf")
FAR_SOUND = Attachment("g.mp3", "audio/mpeg", url="https://x.test/g.mp3")


def parts(wire: str, *attachments: Attachment) -> list[dict[str, object]]:
    """How a message with these is sent, less the text."""
    sent = body(wire, (ChatMessage("user", "hi", attachments),))
    (message,) = sent.get("messages") or sent["contents"]
    found = message.get("content") or message["parts"]
    return [part for part in found if "hi" not in part.values()]


def test_openai_takes_pictures_papers_and_sounds():
    assert parts("openai", PICTURE, PAPER, SOUND, WAVE, FAR_PICTURE) == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,MQ=="}},
        {
            "type": "file",
            "file": {"filename": "b.pdf", "file_data": "data:application/pdf;base64,Mg=="},
        },
        {"type": "input_audio", "input_audio": {"data": "Mw==", "format": "mp3"}},
        {"type": "input_audio", "input_audio": {"data": "NA==", "format": "wav"}},
        {"type": "image_url", "image_url": {"url": "https://x.test/e.png"}},
    ]


def test_anthropic_takes_pictures_and_papers_and_fetches_both():
    assert parts("anthropic", PICTURE, PAPER, FAR_PICTURE, FAR_PAPER) == [
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": "MQ=="},
        },
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "Mg=="},
        },
        {"type": "image", "source": {"type": "url", "url": "https://x.test/e.png"}},
        {"type": "document", "source": {"type": "url", "url": "https://x.test/f.pdf"}},
    ]


def test_gemini_takes_all_kinds_and_fetches_them():
    assert parts("gemini", PAPER, SOUND, FAR_PAPER, FAR_SOUND) == [
        {"inlineData": {"mimeType": "application/pdf", "data": "Mg=="}},
        {"inlineData": {"mimeType": "audio/mpeg", "data": "Mw=="}},
        {"fileData": {"mimeType": "application/pdf", "fileUri": "https://x.test/f.pdf"}},
        {"fileData": {"mimeType": "audio/mpeg", "fileUri": "https://x.test/g.mp3"}},
    ]


@pytest.mark.parametrize(
    ("wire", "attachment", "told"),
    [
        ("openai", FAR_PAPER, "does not fetch such URLs"),
        ("openai", FAR_SOUND, "does not fetch such URLs"),
        ("anthropic", SOUND, "cannot take c.mp3"),
        ("ollama", FAR_PICTURE, "does not fetch such URLs"),
        ("ollama", PAPER, "cannot take b.pdf"),
        ("responses", SOUND, "cannot take c.mp3"),
    ],
)
def test_what_a_format_does_not_carry_is_refused(wire, attachment, told):
    message = ChatMessage("user", "hi", (attachment,))
    with pytest.raises(UsageError, match=told):
        check_media((message,), load_format(wire).media, "vendor")


@pytest.mark.parametrize(
    ("wire", "attachments"),
    [
        ("openai", (PICTURE, PAPER, SOUND, WAVE, FAR_PICTURE)),
        ("responses", (PICTURE, PAPER, FAR_PICTURE, FAR_PAPER)),
        ("anthropic", (PICTURE, PAPER, FAR_PICTURE, FAR_PAPER)),
        ("gemini", (PICTURE, PAPER, SOUND, WAVE, FAR_PICTURE, FAR_PAPER, FAR_SOUND)),
        ("ollama", (PICTURE,)),
    ],
)
def test_what_a_format_carries_is_taken(wire, attachments):
    message = ChatMessage("user", "hi", attachments)
    check_media((message,), load_format(wire).media, "vendor")


def test_a_null_count_is_not_said():
    usage = {"prompt_tokens": None, "completion_tokens": 2, "total_tokens": 9}
    assert whole("openai", {"choices": [{"finish_reason": "stop"}], "usage": usage}) == [
        Usage(None, 2),
        Finish("stop", "stop"),
    ]


def test_the_input_of_a_tool_that_comes_whole():
    block = {"type": "tool_use", "name": "f", "input": {"city": "Köln"}}
    message = {"type": "message", "content": [block], "stop_reason": "tool_use"}
    assert whole("anthropic", message) == [
        ToolCall("f", id="call00001", index=0),
        ToolCall("", '{"city": "Köln"}', index=0),
        Finish("tool_calls", "tool_use"),
    ]
    call = {"function": {"name": "f", "arguments": '{"city":"Köln"}'}}
    choice = {"message": {"tool_calls": [call]}, "finish_reason": "tool_calls"}
    assert whole("openai", {"choices": [choice]}) == [
        ToolCall("f", '{"city":"Köln"}', "call00001", 0),
        Finish("tool_calls", "tool_calls"),
    ]


@pytest.mark.parametrize("wire", ["anthropic", "gemini"])
def test_roles_alternate_where_the_vendor_demands_it(wire):
    messages = (
        ChatMessage("user", "a"),
        ChatMessage("user", "b"),
        ChatMessage("assistant", ""),
        ChatMessage("user", "c"),
    )
    sent = body(wire, messages)
    turns = sent.get("messages") or sent["contents"]
    assert len(turns) == 1
    assert "a\\n\\nb\\n\\nc" in json.dumps(turns)


def test_a_schema_in_anthropics_way_comes_back_as_the_text():
    request = Request("claude-sonnet-4-0", TALK, schema={"type": "object"})
    events = sse(
        {"type": "content_block_start", "content_block": {"type": "tool_use", "name": "reply"}},
        {
            "type": "content_block_delta",
            "delta": {"type": "input_json_delta", "partial_json": '{"a": 1}'},
        },
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
        {"type": "message_stop"},
        done=False,
    )
    assert decode("anthropic", *events, request=request) == [
        Delta('{"a": 1}'),
        Finish("stop", "tool_use"),
    ]


def test_anthropic_counts_cached_tokens_as_input():
    usage = {
        "input_tokens": 3,
        "cache_read_input_tokens": 10,
        "cache_creation_input_tokens": 5,
        "output_tokens": 7,
    }
    message = {
        "type": "message",
        "content": [{"type": "text", "text": "yes"}],
        "stop_reason": "end_turn",
        "usage": usage,
    }
    assert whole("anthropic", message) == [
        Delta("yes"),
        Usage(18, 7, 10),
        Finish("stop", "end_turn"),
    ]


def test_gemini_thoughts_calls_and_counts():
    parts = [
        {"text": "hm", "thought": True},
        {"text": "yes"},
        {"functionCall": {"name": "f", "args": {"a": 1}}},
    ]
    response = {
        "candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}],
        "usageMetadata": {
            "promptTokenCount": 5,
            "candidatesTokenCount": 2,
            "thoughtsTokenCount": 9,
            "cachedContentTokenCount": 4,
        },
    }
    assert whole("gemini", response) == [
        Reasoning("hm"),
        Delta("yes"),
        ToolCall("f", '{"a": 1}', "call00001", 0),
        Usage(5, 11, 4, 9),
        Finish("tool_calls", "STOP"),
    ]


def test_ollama_lines():
    lines = [
        {"message": {"role": "assistant", "thinking": "hm", "content": ""}, "done": False},
        {"message": {"content": "a\u2028b"}, "done": False},
        {"done": True, "done_reason": "stop", "prompt_eval_count": 5, "eval_count": 2},
    ]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
    for at in range(len(text)):
        assert decode("ollama", text[:at], text[at:]) == [
            Reasoning("hm"),
            Delta("a\u2028b"),
            Usage(5, 2),
            Finish("stop", "stop"),
        ]


def test_ollamas_last_line_may_lack_its_end():
    line = b'{"message": {"content": "a"}, "done": true, "done_reason": "stop"}'
    assert decode("ollama", line) == [Delta("a"), Finish("stop", "stop")]


def test_ollama_tool_calls():
    call = {"function": {"name": "f", "arguments": {"a": 1}}}
    line = {"message": {"tool_calls": [call]}, "done": True, "done_reason": "stop"}
    assert whole("ollama", line) == [
        ToolCall("f", '{"a": 1}', "call00001", 0),
        Finish("tool_calls", "stop"),
    ]


def test_the_vendors_own_tools_stand_beside_those_that_are_declared():
    declared = ToolSpec("look", "Looks.", {"type": "object"})
    own = {"type": "of_the_vendor"}
    first, second = body("openai", tools=(declared,), options={"tools": [own]})["tools"]
    assert (first["function"]["name"], second) == ("look", own)
    assert body("openai", options={"tools": [own]})["tools"] == [own]
    assert "tools" not in body("openai", tools=(declared,), options={"tools": None})
