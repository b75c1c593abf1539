"""`cache = true`: what a vendor is asked to keep of a conversation, and what that saves."""

from __future__ import annotations

import json

import pytest
from anthropic.types.message_create_params import MessageCreateParamsStreaming
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming

from hfs_cli.config import Config
from hfs_cli.config.settings import ProviderConfig
from hfs_cli.messages import Attachment, ChatMessage, Request
from hfs_cli.providers.choose import provider_settings
from hfs_cli.providers.formats import load_format
from hfs_cli.providers.formats.wire import Quirks
from tests.providers.sdk_types import unknown_to
from tests.scripted_server import openai_sse, sse

MARK = {"cache_control": {"type": "ephemeral"}}
TALK = (
    ChatMessage("user", "a"),
    ChatMessage("assistant", "b"),
    ChatMessage("user", "c", (Attachment("a.png", "image/png", b"1"),)),
    ChatMessage("assistant", "d"),
    ChatMessage("user", "e"),
)
REQUEST = Request("claude-haiku-5-5", TALK, system="be brief", cache="")


def body(wire, request, cache):
    return load_format(wire).payload(request, Quirks(cache=cache))


def test_anthropic_itself_marks_the_conversation():
    sent = body("anthropic", REQUEST, "automatic")
    assert sent["cache_control"] == {"type": "ephemeral"}
    assert sent["system"] == [{"type": "text", "text": "be brief", **MARK}]
    assert "cache_control" not in json.dumps(sent["messages"])
    assert unknown_to(MessageCreateParamsStreaming, sent) == {}


def test_elsewhere_the_system_prompt_and_the_last_two_questions_are_marked():
    sent = body("anthropic", REQUEST, "marks")
    assert "cache_control" not in sent
    assert sent["system"][0]["cache_control"] == {"type": "ephemeral"}
    assert sent["messages"][0]["content"] == "a"
    assert sent["messages"][2]["content"][-1] == {"type": "text", "text": "c", **MARK}
    assert sent["messages"][4]["content"] == [{"type": "text", "text": "e", **MARK}]
    # The vendor takes four marks at most.
    assert json.dumps(sent).count("cache_control") == 3
    assert unknown_to(MessageCreateParamsStreaming, sent) == {}


def test_nothing_is_marked_where_it_was_not_asked_for():
    sent = body("anthropic", REQUEST._replace(cache=None), "marks")
    assert "cache_control" not in json.dumps(sent)
    assert sent["system"] == "be brief"


@pytest.mark.parametrize(
    ("wire", "kind"),
    [
        ("openai", CompletionCreateParamsStreaming),
        ("responses", ResponseCreateParamsStreaming),
    ],
)
def test_openai_gets_one_key_for_a_conversation(wire, kind):
    request = Request("m", (ChatMessage("user", "hi"),), cache="0123abcd")
    sent = body(wire, request, "key")
    assert sent["prompt_cache_key"] == "0123abcd"
    assert unknown_to(kind, sent) == {}
    for other in (body(wire, request, ""), body(wire, request._replace(cache=None), "key")):
        assert "prompt_cache_key" not in other


@pytest.mark.parametrize(
    ("name", "values", "cache"),
    [
        ("anthropic", {}, "automatic"),
        ("anthropic", {"base_url": "https://gateway.test/v1"}, "marks"),
        ("mine", {"type": "anthropic", "base_url": "https://gateway.test/v1"}, "marks"),
        ("openai", {}, "key"),
        ("openai", {"base_url": "https://gateway.test/v1"}, ""),
        ("azure", {"base_url": "https://x.test/openai/v1"}, "key"),
        ("mistral", {}, "key"),
        ("groq", {}, ""),
    ],
)
def test_who_is_asked_how(tmp_path, name, values, cache):
    config = Config(tmp_path / "c", tmp_path, providers={name: ProviderConfig(name, **values)})
    assert provider_settings(config, name).quirks.cache == cache


@pytest.fixture
def azure(hfs, server):
    hfs.configure(
        'model = "azure/m"\ncache = true\n'
        f'[providers.azure]\nbase_url = "{server.url}"\n'
        '[models."azure/m"]\ninput_price = 10\noutput_price = 20\ncached_price = 1\n'
    )
    hfs.env["AZURE_OPENAI_API_KEY"] = "k"
    return hfs


def test_the_key_is_the_sessions_own(azure, server):
    server.always(openai_sse("x"))
    azure.ok("chat", "hi")
    azure.ok("chat", "-c", "more")
    azure.ok("chat", "another")
    azure.ok("chat", "--no-save", "none")
    uids = [row["uid"] for row in json.loads(azure.ok("sessions", "list", "--json"))]
    keys = [request.json.get("prompt_cache_key") for request in server.requests]
    assert keys == [uids[1], uids[1], uids[0], None]


def test_usage_says_what_was_read_from_the_cache_and_what_that_saved(azure, server):
    counts = {
        "prompt_tokens": 10_000,
        "completion_tokens": 10,
        "prompt_tokens_details": {"cached_tokens": 8000},
    }
    text = openai_sse("x", usage=None, done=False)
    server.reply([*text, *sse({"choices": [], "usage": counts})])
    said = azure("chat", "-u", "hi").stderr.decode()
    assert "10,000 in (8,000 cached)" in said
    assert "cost 0.0282 · the cache saved 0.072" in said
