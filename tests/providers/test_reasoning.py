"""`--reasoning` in each vendor's words; where a vendor's library has types, held against them."""

import json

import pytest
from anthropic.types.message_create_params import MessageCreateParamsStreaming
from google.genai.types import GenerationConfig
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming

from hfs_cli.config import Config
from hfs_cli.messages import ChatMessage, Request
from hfs_cli.providers.choose import named_model
from hfs_cli.providers.formats import load_format
from hfs_cli.providers.presets import PRESETS
from hfs_cli.providers.reasoning import reasoning_options
from tests.providers.sdk_types import unknown_to
from tests.scripted_server import openai_sse

LEVELS = ("none", "low", "medium", "high", "max")
TALK = (ChatMessage("user", "hi"),)


@pytest.fixture
def options(tmp_path):
    def options(model, level, max_tokens=None):
        choice = named_model(Config(file=tmp_path / "c", data_dir=tmp_path), model)
        return reasoning_options(choice, level, max_tokens)

    return options


@pytest.fixture
def body(tmp_path, options):
    def body(model, level):
        choice = named_model(Config(file=tmp_path / "c", data_dir=tmp_path), model)
        request = Request(choice.model, TALK, options=options(model, level))
        wire = load_format(choice.provider.type)
        return wire.payload(request, choice.provider.quirks)

    return body


@pytest.mark.parametrize(
    ("model", "most"),
    [
        ("gpt-6-luna", "max"),
        ("gpt-6.1-sol", "max"),
        ("gpt-5.6-terra", "max"),
        ("gpt-5.4-mini", "xhigh"),
        ("gpt-5.1", "high"),
        ("gpt-5-mini-2025-08-07", "high"),
        ("o4-mini", "high"),
    ],
)
def test_openai_is_asked_for_the_most_that_a_family_takes(options, model, most):
    assert options(f"openai/{model}", "max") == {"reasoning": {"effort": most, "summary": "auto"}}
    assert options(f"openai/{model}", "low")["reasoning"]["effort"] == "low"
    assert options(f"openai/{model}", "none") == {"reasoning": {"effort": "none"}}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("model", ["gpt-6-luna", "gpt-5.4", "o3"])
def test_what_openai_is_sent_is_legal_by_its_own_types(body, model, level):
    assert unknown_to(ResponseCreateParamsStreaming, body(f"openai/{model}", level)) == {}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "model", ["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-4-5-20251001"]
)
def test_what_anthropic_is_sent_is_legal_by_its_own_types(body, model, level):
    assert unknown_to(MessageCreateParamsStreaming, body(f"anthropic/{model}", level)) == {}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3.8-flash", "gemini-4-argon"])
def test_what_gemini_is_sent_is_legal_by_its_own_types(body, model, level):
    settings = body(f"gemini/{model}", level)["generationConfig"]
    GenerationConfig.model_validate(settings)  # it forbids fields that it does not know


@pytest.mark.parametrize("level", LEVELS)
def test_what_goes_to_chat_completions_is_legal_by_openais_types(body, level):
    request = body("groq/openai/gpt-oss-120b", level)
    assert unknown_to(CompletionCreateParamsStreaming, request) == {}


def test_current_claude_models_think_adaptively(options):
    adaptive = {"type": "adaptive", "display": "summarized"}
    for model in ("claude-opus-5-5", "claude-haiku-5-5", "claude-sonnet-4-6", "claude-opus-5"):
        assert options(f"anthropic/{model}", "max") == {
            "thinking": adaptive,
            "output_config": {"effort": "max"},
        }
    assert options("anthropic/claude-opus-5", "none") == {"thinking": {"type": "disabled"}}
    assert options("anthropic/claude-sonnet-5-5", "none") == {"thinking": {"type": "between_tools"}}


def test_older_claude_models_think_within_their_limit(options):
    old = "anthropic/claude-sonnet-4-20250514"
    assert options(old, "low") == {
        "thinking": {"type": "enabled", "budget_tokens": 2048},
        "max_tokens": 10240,
    }
    assert options(old, "max", max_tokens=4000) == {
        "thinking": {"type": "enabled", "budget_tokens": 3999}
    }
    assert options("anthropic/claude-3-7-sonnet-latest", "high")["max_tokens"] == 24576


@pytest.mark.parametrize(
    ("model", "level", "expected"),
    [
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0, "includeThoughts": False}),
        ("gemini-2.5-flash", "max", {"thinkingBudget": 24576, "includeThoughts": True}),
        ("gemini-2.5-pro", "max", {"thinkingBudget": 32000, "includeThoughts": True}),
        ("gemini-3.8-flash", "none", {"thinkingLevel": "low", "includeThoughts": False}),
        ("gemini-3.5-flash-lite", "none", {"thinkingLevel": "minimal", "includeThoughts": False}),
        ("gemini-flash-latest", "none", {"thinkingLevel": "low", "includeThoughts": False}),
        ("gemini-3.8-flash", "max", {"thinkingLevel": "high", "includeThoughts": True}),
        ("gemini-4-argon", "medium", {"thinkingLevel": "medium", "includeThoughts": True}),
    ],
)
def test_gemini_by_family(options, model, level, expected):
    assert options(f"gemini/{model}", level) == {"thinkingConfig": expected}


@pytest.mark.parametrize(
    ("model", "level", "expected"),
    [
        ("ollama/qwen3", "none", {"think": False}),
        ("ollama/qwen3", "low", {"think": True}),
        ("ollama/gpt-oss:20b", "max", {"think": "high"}),
        ("openrouter/x/y", "max", {"reasoning": {"effort": "max"}}),
        ("deepseek/deepseek-flash", "none", {"thinking": {"type": "disabled"}}),
        (
            "deepseek/deepseek-flash",
            "max",
            {"thinking": {"type": "enabled"}, "reasoning_effort": "max"},
        ),
        ("xai/grok-4.3", "max", {"reasoning_effort": "high"}),
        ("xai/grok-4.6", "max", {"reasoning_effort": "xhigh"}),
        ("groq/openai/gpt-oss-120b", "max", {"reasoning_effort": "high"}),
        (
            "groq/qwen/qwen3-32b",
            "max",
            {"reasoning_effort": "default", "reasoning_format": "parsed"},
        ),
        (
            "groq/qwen/qwen3.8-27b",
            "low",
            {"reasoning_effort": "low", "reasoning_format": "parsed"},
        ),
        ("mistral/mistral-small-latest", "none", {"reasoning_effort": "none"}),
        ("moonshot/kimi-k3", "medium", {"reasoning_effort": "high"}),
        ("moonshot/kimi-k2.6", "max", {"thinking": {"type": "enabled"}}),
        ("zai/glm-5.3", "none", {"thinking": {"type": "disabled"}}),
        ("qwen/qwen3.8-flash", "low", {"enable_thinking": True, "thinking_budget": 2048}),
        ("together/openai/gpt-oss-120b", "none", {"reasoning": {"enabled": False}}),
        ("perplexity/perplexity/sonar", "max", {"reasoning": {"effort": "xhigh"}}),
        ("cohere/command-a-03-2025", "low", {"reasoning_effort": "high"}),
        ("fireworks/x", "max", {"reasoning_effort": "high"}),
        (
            "vllm/x",
            "none",
            {"chat_template_kwargs": {"enable_thinking": False, "reasoning_effort": "none"}},
        ),
    ],
)
def test_vendors_that_differ(options, model, level, expected):
    assert options(model, level) == expected


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", [n for n in PRESETS if n != "azure"])
def test_every_preset_has_a_way(options, name, level):
    assert json.dumps(options(f"{name}/m", level))


def test_the_flag_the_variable_and_the_setting(hfs, server):
    hfs.configure(
        f'model = "x/m"\nreasoning = "low"\n'
        f'[providers.x]\ntype = "openai"\nbase_url = "{server.url}"\n'
    )
    server.always(lambda _: openai_sse("Hi"))
    for arguments, env, expected in (
        ([], {}, "low"),
        ([], {"HFS_REASONING": "medium"}, "medium"),
        (["--reasoning", "max"], {"HFS_REASONING": "medium"}, "high"),
        (["--reasoning", "max", "-o", "reasoning_effort", "minimal"], {}, "minimal"),
    ):
        assert hfs("chat", "--no-save", "hi", *arguments, env=env).returncode == 0
        assert server.requests[-1].json["reasoning_effort"] == expected


def test_an_unknown_level_is_refused(hfs):
    done = hfs("chat", "--reasoning", "huge", "hi")
    assert done.returncode == 2
    assert b"none" in done.stderr
    assert b"max" in done.stderr
