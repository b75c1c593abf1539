"""`--search`: each vendor's own web search, and what it finds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic.types import WebSearchResultBlockParam

from hfs_cli.errors import UsageError
from hfs_cli.messages import ChatMessage, Request
from hfs_cli.providers.choose import choose_model
from hfs_cli.providers.open import open_provider
from tests.providers.asking import configured
from tests.providers.formats.talks import TOOLS, lines
from tests.providers.sdk_types import illegal, unknown_to

HI = (ChatMessage("user", "What is new?"),)
SEARCH = {"type": "web_search"}
# Who searches, in which format, and by what.
VENDORS = {
    "openai/gpt-6-luna": ("responses", SEARCH),
    "perplexity/perplexity/sonar": ("responses", SEARCH),
    "xai/grok-4.3": ("responses", SEARCH),
    "anthropic/claude-haiku-5-5": (
        "anthropic",
        {"type": "web_search_20250305", "name": "web_search"},
    ),
    "gemini/gemini-3.8-flash": ("gemini", {"googleSearch": {}}),
    "openrouter/openai/gpt-6-luna": ("openai", {"type": "openrouter:web_search"}),
    "groq/openai/gpt-oss-120b": ("openai", {"type": "browser_search"}),
}


def preview(tmp_path, model, **values) -> Any:
    choice = choose_model(configured(tmp_path), {}, model, None)
    provider = open_provider(choice, config=configured(tmp_path), env={}, notify=lambda _: None)
    request = Request(
        choice.model, HI, options=choice.options, search=True, provider=choice.provider.name
    )
    return provider.preview(request._replace(**values))


@pytest.mark.parametrize("model", VENDORS)
def test_each_vendor_is_asked_in_its_own_way(tmp_path, model):
    wire, tool = VENDORS[model]
    sent = preview(tmp_path, model)
    assert sent["body"]["tools"] == [tool]
    assert ("/responses" in sent["url"]) == (wire == "responses")
    if model.split("/", maxsplit=1)[0] not in {"openrouter", "groq"}:
        assert illegal(wire, sent["body"]) == {}


@pytest.mark.parametrize("model", VENDORS)
def test_it_stands_beside_other_tools_and_those_that_are_typed(tmp_path, model):
    wire, tool = VENDORS[model]
    typed = {"tools": [{"type": "code_interpreter"}]}
    body = preview(tmp_path, model, tools=TOOLS, options=typed)["body"]
    assert body["tools"][-2:] == [*typed["tools"], tool]
    assert len(body["tools"]) == (3 if wire == "gemini" else 4)


def test_models_that_search_by_themselves_or_by_an_option(tmp_path):
    assert "tools" not in preview(tmp_path, "groq/groq/compound")["body"]
    config = configured(tmp_path, mine={"type": "openai", "base_url": "http://127.0.0.1:1/v1"})
    choice = choose_model(config, {}, "mine/gpt-4o-search-preview", None)
    provider = open_provider(choice, config=config, env={}, notify=lambda _: None)
    body: Any = provider.preview(Request(choice.model, HI, search=True))["body"]
    assert body["web_search_options"] == {}
    assert illegal("openai", body) == {}


def test_gemini_shows_what_it_searched_where_there_are_other_tools(tmp_path):
    body = preview(tmp_path, "gemini/gemini-3.8-flash", tools=TOOLS)["body"]
    assert body["toolConfig"] == {"includeServerSideToolInvocations": True}
    assert illegal("gemini", body) == {}
    with pytest.raises(UsageError, match="leave out --search or the tools"):
        preview(tmp_path, "gemini/gemini-2.5-flash", tools=TOOLS)
    with pytest.raises(UsageError, match="leave out --tool code-execution or the tools"):
        preview(tmp_path, "gemini/gemini-2.5-flash", tools=TOOLS, search=False, code=True)


@pytest.mark.parametrize(
    "model", ["ollama/qwen3", "mistral/mistral-small-latest", "groq/qwen/qwen3.8-32b", "local"]
)
def test_one_that_does_not_search_is_an_error_before_anything_is_kept(hfs, model):
    done = hfs("chat", "-m", model, "--search", "hi")
    assert done.returncode == 2
    assert b"hfs knows no web search for " in done.stderr
    assert hfs("sessions", "list", "--all", "--ids").stdout == b""


def test_a_search_is_asked_for_shown_and_kept(hfs, server):
    hfs.configure(
        'model = "x/claude-haiku-5-5"\nsearch = true\n'
        f'[providers.x]\ntype = "anthropic"\nbase_url = "{server.url}"\n'
    )
    used = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {}}
    page = {"type": "web_search_result", "url": "https://a.test/", "title": "A"}
    page["encrypted_content"] = "sealed"
    found = {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": [page]}
    citation = {
        "type": "web_search_result_location",
        "url": "https://a.test/",
        "title": "A",
        "cited_text": "so",
        "encrypted_index": "e",
    }

    def block(index, begun, *deltas):
        start = {"type": "content_block_start", "index": index, "content_block": begun}
        return [
            start,
            *({"type": "content_block_delta", "index": index, "delta": d} for d in deltas),
        ]

    server.always(
        lambda _: [
            lines(
                *block(0, used, {"type": "input_json_delta", "partial_json": '{"query": "x"}'}),
                *block(1, found),
                *block(
                    2,
                    {"type": "text", "text": ""},
                    {"type": "text_delta", "text": "So it is."},
                    {"type": "citations_delta", "citation": citation},
                ),
                {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
                {"type": "message_stop"},
            )
        ]
    )
    done = hfs("chat", "--json", "hi")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["reply"] == "So it is."
    assert json.loads(done.stdout)["citations"][0]["url"] == "https://a.test/"
    tool = {"type": "web_search_20250305", "name": "web_search"}
    assert server.requests[0].json["tools"] == [tool]

    assert hfs("chat", "-c", "--citations", "and?").stdout.endswith(
        b"So it is.\n\n[1] A \xe2\x80\x94 https://a.test/\n"
    )
    blocks = server.requests[1].json["messages"][1]["content"]
    assert blocks == [
        {**used, "input": {"query": "x"}},
        found,
        {"type": "text", "text": "So it is.", "citations": [citation]},
    ]
    assert illegal("anthropic", server.requests[1].json) == {}
    assert unknown_to(WebSearchResultBlockParam, page) == {}
    # Without the tool that found them the vendor takes no findings back.
    assert hfs("chat", "-c", "--no-search", "and?").returncode == 0
    assert server.requests[2].json["messages"][1] == {"role": "assistant", "content": "So it is."}
    assert "tools" not in server.requests[2].json


# --- code that the vendor runs ------------------------------------------------------------

RUNS = {
    "openai/gpt-6-luna": (
        "responses",
        {"type": "code_interpreter", "container": {"type": "auto"}},
    ),
    "xai/grok-4.3": ("responses", {"type": "code_interpreter"}),
    "anthropic/claude-haiku-5-5": (
        "anthropic",
        {"type": "code_execution_20250825", "name": "code_execution"},
    ),
    "gemini/gemini-3.8-flash": ("gemini", {"codeExecution": {}}),
    "groq/openai/gpt-oss-120b": ("openai", {"type": "code_interpreter"}),
}


@pytest.mark.parametrize("model", RUNS)
def test_each_vendor_runs_code_in_its_own_way_alone_and_beside_a_search(tmp_path, model):
    wire, tool = RUNS[model]
    sent = preview(tmp_path, model, search=False, code=True)
    assert sent["body"]["tools"] == [tool]
    assert ("/responses" in sent["url"]) == (wire == "responses")
    if model.split("/", maxsplit=1)[0] not in {"xai", "groq"}:
        assert illegal(wire, sent["body"]) == {}
    both = preview(tmp_path, model, code=True)["body"]["tools"]
    assert both == [VENDORS[model][1], tool]


@pytest.mark.parametrize(
    "model",
    ["ollama/qwen3", "groq/qwen/qwen3.8-32b", "perplexity/perplexity/sonar", "openrouter/a/b"],
)
def test_one_that_runs_no_code_is_an_error_before_anything_is_kept(hfs, model):
    done = hfs("chat", "-m", model, "--tool", "code-execution", "hi")
    assert done.returncode == 2
    assert b"to run code: leave out --tool code-execution" in done.stderr
    assert hfs("sessions", "list", "--all", "--ids").stdout == b""


def test_what_was_run_is_kept_for_its_vendor_and_the_answer_is_shown(hfs, server):
    hfs.configure(
        'model = "x/claude-haiku-5-5"\n'
        f'[providers.x]\ntype = "anthropic"\nbase_url = "{server.url}"\n'
    )
    ran = {"type": "server_tool_use", "id": "srv_1", "name": "bash_code_execution", "input": {}}
    output = {"type": "bash_code_execution_result", "stdout": "42", "stderr": "", "return_code": 0}
    result = {
        "type": "bash_code_execution_tool_result",
        "tool_use_id": "srv_1",
        "content": {**output, "content": []},
    }

    def events(*blocks):
        for index, block in enumerate(blocks):
            yield {"type": "content_block_start", "index": index, "content_block": block}
            if block is ran:
                given = {
                    "type": "input_json_delta",
                    "partial_json": '{"command": "expr 6 \\\\* 7"}',
                }
                yield {"type": "content_block_delta", "index": index, "delta": given}
        yield {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
        yield {"type": "message_stop"}

    said = {"type": "text", "text": "It is 42."}
    server.always(lambda _: [lines(*events(ran, result, said))])
    assert hfs.ok("chat", "--tool", "code-execution", "6 * 7?") == "It is 42.\n"
    tool = RUNS["anthropic/claude-haiku-5-5"][1]
    assert server.requests[0].json["tools"] == [tool]
    hfs.ok("chat", "-c", "--tool", "code-execution", "sure?")
    ran = {**ran, "input": {"command": r"expr 6 \* 7"}}
    assert server.requests[1].json["messages"][1]["content"] == [ran, result, said]
    assert illegal("anthropic", server.requests[1].json) == {}
