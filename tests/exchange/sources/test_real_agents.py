"""Sessions that coding agents keep themselves, made here by each of them, and imported.

`HFS_TEST_AGENTS` is the folder of their executables; each talks to a scripted server on loopback:

    npm install --prefix /tmp/agents @anthropic-ai/claude-code @openai/codex @google/gemini-cli
    npm install --prefix /tmp/agents opencode-ai
    node /tmp/agents/node_modules/opencode-ai/postinstall.mjs
    node /tmp/agents/node_modules/@anthropic-ai/claude-code/install.cjs
    export HFS_TEST_AGENTS=/tmp/agents/node_modules/.bin
    uv run pytest tests/exchange/sources/test_real_agents.py
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.scripted_server import ScriptedServer, make_reply, openai_chunk, sse

FOLDER = os.environ.get("HFS_TEST_AGENTS", "")


def program(name):
    """The executable of an agent."""
    path = Path(FOLDER, name)
    if not FOLDER or not path.exists():
        pytest.skip(f"HFS_TEST_AGENTS does not name a folder with {name} (see the module)")
    return str(path)


@pytest.fixture
def run(tmp_path):
    """Run an agent in a folder of its own, without a setting of whoever runs the tests."""
    (tmp_path / "work").mkdir()
    (tmp_path / "its-home").mkdir()

    def run(*command, **settings):
        done = subprocess.run(
            command,
            cwd=tmp_path / "work",
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path / "its-home"), **settings},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    return run


@pytest.fixture
def bring_in(hfs):
    """Import a folder; what came in all, and the sessions as they are exported."""

    def bring_in(folder):
        done = hfs("sessions", "import", str(folder))
        assert done.returncode == 0, done.stderr
        each = done.stdout.decode().partition("in all from ")[0]
        rows = (line.rpartition(": ") for line in each.splitlines())
        came = Counter()
        for name, _, number in rows:
            if number.isdecimal():
                came[name.strip()] += int(number)
        exported = hfs("sessions", "export", "--all", "--format", "json")
        return came, json.loads(exported.stdout)["sessions"]

    return bring_in


def lines_of(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def events(*objects):
    """Server-sent events that are named by the type of what they carry."""
    return [f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in objects]


# --- Claude Code ----------------------------------------------------------------------


def claude(number, request):
    """A reply in Anthropic's format: where it is told to look or to send somebody, it does."""
    asked = request.json
    spoken = [message for message in asked["messages"] if message["role"] == "user"]
    content = spoken[-1]["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    text = " ".join(block.get("text", "") for block in blocks)
    given = any(block["type"] == "tool_result" for block in blocks)
    tools = {tool["name"] for tool in asked.get("tools", [])}
    if "Please look" in text and not given and "Bash" in tools:
        call = ("Bash", {"command": "echo from the tool", "description": "say"})
    elif "Please send" in text and not given and "Agent" in tools:
        told = {"description": "look", "prompt": "Please look", "subagent_type": "general-purpose"}
        call = ("Agent", told)
    else:
        call = None
    parts: list[Any] = [
        ({"type": "text", "text": ""}, {"type": "text_delta", "text": f"Answer {number}."})
    ]
    if call:
        asking = {"type": "tool_use", "id": f"toolu_{number}", "name": call[0], "input": {}}
        pieces = {"type": "input_json_delta", "partial_json": json.dumps(call[1])}
        parts.append((asking, pieces))
    written: list[Any] = []
    for index, (begun, delta) in enumerate(parts):
        written += [
            {"type": "content_block_start", "index": index, "content_block": begun},
            {"type": "content_block_delta", "index": index, "delta": delta},
            {"type": "content_block_stop", "index": index},
        ]
    message = {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "content": [],
        "model": asked["model"],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 11, "cache_read_input_tokens": 4, "output_tokens": 1},
    }
    end = {"stop_reason": "tool_use" if call else "end_turn", "stop_sequence": None}
    return events(
        {"type": "message_start", "message": message},
        *written,
        {"type": "message_delta", "delta": end, "usage": {"output_tokens": 7}},
        {"type": "message_stop"},
    )


def test_claude_code(tmp_path, run, bring_in):
    numbers = count(1)

    def answer(request):
        if request.method == "POST" and request.path.endswith("/messages"):
            return claude(next(numbers), request)
        return make_reply({"input_tokens": 5}, status=404)

    config = tmp_path / "config"
    with ScriptedServer() as server:
        server.always(answer)
        settings = {
            "ANTHROPIC_BASE_URL": server.origin,
            "ANTHROPIC_API_KEY": "sk-none",
            "CLAUDE_CONFIG_DIR": str(config),
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
        }
        begun = [program("claude"), "-p"]
        may = ["--model", "claude-sonnet-5", "--allowedTools", "Bash,Agent"]
        first = run(*begun, "Please look here", *may, **settings)
        came, _ = bring_in(config / "projects")
        assert (came["sessions"], came["messages"], came["tool calls"]) == (1, 3, 1)
        second = run(*begun, "And now?", "-c", *may, **settings)
        third = run(*begun, "Please send somebody", "-c", *may, **settings)

    (file,) = (config / "projects").glob("*/*.jsonl")
    (agent,) = (config / "projects").glob("*/*/subagents/*.jsonl")
    more, sessions = bring_in(config / "projects")
    assert (more["sessions extended"], more["sessions"], more["of them branches"]) == (1, 1, 1)
    assert bring_in(config / "projects")[0]["messages"] == 0
    said, asked = [], []
    for line in (*lines_of(file), *lines_of(agent)):
        content = line.get("message", {}).get("content", [])
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        said += [block["text"] for block in blocks if block["type"] == "text"]
        asked += [block["id"] for block in blocks if block["type"] == "tool_use"]
    by_length = sorted(sessions, key=lambda one: -len(one["messages"]))
    messages = [message for one in by_length for message in one["messages"]]
    # Each message once, in its order, with each call and what came of it.
    assert [message["content"] for message in messages] == said
    calls = [call for message in messages for call in message["calls"]]
    assert [call["id"] for call in calls] == asked
    assert all(call["result"] is not None for call in calls)
    assert came["messages"] + more["messages"] == len(messages) == len(said)
    assert came["tool calls"] + more["tool calls"] == len(calls) == len(asked)
    replies = [m["content"] for m in by_length[0]["messages"] if m["role"] == "assistant"]
    assert [replies[1], replies[2], replies[-1]] == [first.strip(), second.strip(), third.strip()]
    assert by_length[1]["parent_uid"] == by_length[0]["uid"]


# --- Codex ----------------------------------------------------------------------------


def responses(number, request):
    """A reply in the format of OpenAI's Responses: where it is told to look, it does."""
    asked = request.json
    last = asked["input"][-1]
    usage = {
        "input_tokens": 20,
        "input_tokens_details": {"cached_tokens": 5},
        "output_tokens": 6,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 26,
    }
    if "Please look" in json.dumps(last):
        arguments = json.dumps({"cmd": "echo from the tool"})
        called = {"id": f"fc_{number}", "call_id": f"call_{number}", "name": "exec_command"}
        thought = {"type": "summary_text", "text": "I think."}
        items: list[Any] = [
            {"type": "reasoning", "id": f"rs_{number}", "summary": [thought]},
            {"type": "function_call", **called, "arguments": arguments},
        ]
    else:
        text = {"type": "output_text", "text": f"Answer {number}.", "annotations": []}
        items = [{"type": "message", "id": f"m_{number}", "role": "assistant", "content": [text]}]
    response = {"id": f"resp_{number}", "object": "response", "output": []}
    done = {**response, "status": "completed", "output": items, "usage": usage}
    return events(
        {"type": "response.created", "response": response},
        *[
            {"type": f"response.output_item.{when}", "output_index": index, "item": item}
            for index, item in enumerate(items)
            for when in ("added", "done")
        ],
        {"type": "response.completed", "response": done},
    )


def test_codex(tmp_path, run, bring_in):
    numbers = count(1)
    home = tmp_path / "codex"
    home.mkdir()
    with ScriptedServer() as server:
        server.always(
            lambda request: (
                responses(next(numbers), request)
                if request.path.endswith("/responses") and request.method == "POST"
                else make_reply({}, status=404)
            )
        )
        provider = {"name": "loop", "base_url": server.url, "wire_api": "responses"}
        lines = [f"{name} = {json.dumps(value)}" for name, value in provider.items()]
        settings = ['model = "m"', 'model_provider = "loop"', "[model_providers.loop]", *lines]
        (home / "config.toml").write_text("\n".join([*settings, 'env_key = "LOOP_KEY"\n']))
        may = ["--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"]
        keys = {"CODEX_HOME": str(home), "LOOP_KEY": "none"}
        codex = [program("codex"), "exec", *may]
        first = run(*codex, "Please look here", **keys)
        came, _ = bring_in(home / "sessions")
        second = run(*codex, "resume", "--last", "And now?", **keys)

    (file,) = (home / "sessions").glob("*/*/*/*.jsonl")
    more, (session,) = bring_in(home / "sessions")
    assert (came["sessions"], more["sessions extended"], more["sessions"]) == (1, 1, 0)
    assert bring_in(home / "sessions")[0]["messages"] == 0
    items = [line["payload"] for line in lines_of(file) if line["type"] == "response_item"]
    said = [
        "\n\n".join(part["text"] for part in item["content"])
        for item in items
        if item["type"] == "message"
    ]
    messages = session["messages"]
    calls = [call for message in messages for call in message["calls"]]
    # The reply that asks for a tool says nothing, and is not an item of its own.
    assert [message["content"] for message in messages if message["content"]] == said
    assert came["messages"] + more["messages"] == len(messages) == len(said) + 1
    asked = [item["call_id"] for item in items if item["type"] == "function_call"]
    assert [call["id"] for call in calls] == asked
    assert came["tool calls"] + more["tool calls"] == len(asked) == 1
    assert "from the tool" in calls[0]["result"]
    replies = [message for message in messages if message["role"] == "assistant"]
    assert [reply["content"] for reply in replies[1:]] == [first.strip(), second.strip()]
    assert replies[0]["reasoning"] == "I think."
    assert {reply["usage"]["input_tokens"] for reply in replies} == {20}
    assert [m["content"] for m in messages if m["role"] == "user"] == [
        "Please look here",
        "And now?",
    ]


# --- Gemini CLI -----------------------------------------------------------------------


def gemini(number, request):
    """A reply in Google's format: where it is told to look, it does."""
    asked = request.json
    last = json.dumps(asked["contents"][-1])
    if "Please look" in last and "tools" in asked:
        call = {"id": f"c{number}", "name": "list_directory", "args": {"dir_path": "."}}
        thought = {"text": "**Look**\nI think.", "thought": True}
        parts: list[Any] = [thought, {"functionCall": call}]
    else:
        parts = [{"text": f"Answer {number}."}]
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 3, "thoughtsTokenCount": 2}
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
    given = {"candidates": [candidate], "usageMetadata": usage | {"totalTokenCount": 14}}
    if "stream" not in request.path:
        return given
    return [f"data: {json.dumps(given)}\r\n\r\n".encode()]


def test_gemini_cli(tmp_path, run, bring_in):
    numbers = count(1)
    home = tmp_path / "its-home"
    (home / ".gemini").mkdir()
    way = {"security": {"auth": {"selectedType": "gemini-api-key"}}}
    (home / ".gemini" / "settings.json").write_text(json.dumps(way))
    with ScriptedServer() as server:
        server.always(
            lambda request: (
                gemini(next(numbers), request)
                if "enerateContent" in request.path
                else make_reply({"totalTokens": 5})
            )
        )
        settings = {"GOOGLE_GEMINI_BASE_URL": server.origin, "GEMINI_API_KEY": "none"}
        asked = [program("gemini"), "-m", "gemini-2.5-flash", "--skip-trust", "-y"]
        first = run(*asked, "-p", "Please look here", **settings)
        came, _ = bring_in(home / ".gemini" / "tmp")
        second = run(*asked, "-r", "latest", "-p", "And now?", **settings)

    # A session that is resumed in another minute leaves a second file, in which nothing is said.
    files = (home / ".gemini" / "tmp").glob("*/chats/*.jsonl")
    file = max(files, key=lambda file: file.stat().st_size)
    more, (session,) = bring_in(home / ".gemini" / "tmp")
    assert (came["sessions"], more["sessions extended"], more["sessions"]) == (1, 1, 0)
    assert bring_in(home / ".gemini" / "tmp")[0]["messages"] == 0
    # Of each message what was written last, when it was written as a line of its own.
    written = {line["id"]: line for line in lines_of(file) if "id" in line}
    results = {
        key for key, line in written.items() if "functionResponse" in json.dumps(line["content"])
    }
    messages = session["messages"]
    calls = [call for message in messages for call in message["calls"]]
    asked_for = [call["id"] for line in written.values() for call in line.get("toolCalls", [])]
    # With what the program says of where it is, which it writes as the first of all messages.
    assert came["messages"] + more["messages"] == len(messages) == len(written) - len(results) + 1
    assert came["tool calls"] + more["tool calls"] == len(asked_for) == 1
    assert [(call["id"], "is empty" in call["result"]) for call in calls] == [(asked_for[0], True)]
    assert [m["role"] for m in messages] == [
        *("system", "user", "assistant", "assistant", "user", "assistant"),
    ]
    assert [m["content"] for m in messages[1:]] == [
        *("Please look here", "", first.strip(), "And now?", second.strip()),
    ]
    assert messages[2]["reasoning"] == "Look\nI think."
    assert messages[2]["usage"]["output_tokens"] == 5


# --- opencode, by the recipe of docs/import.md ----------------------------------------


def chat_completion(number, request):
    """A reply in the format of chat completions: where it is told to look, it does."""
    last = request.json["messages"][-1]
    if last["role"] == "user" and "Please look" in json.dumps(last) and request.json.get("tools"):
        arguments = json.dumps({"command": "echo from the tool", "description": "say"})
        called = {"name": "bash", "arguments": arguments}
        asked = {"index": 0, "id": f"call_{number}", "type": "function", "function": called}
        pieces: list[Any] = [{"reasoning_content": "I think."}, {"tool_calls": [asked]}]
    else:
        pieces = [{"content": f"Answer {number}."}]
    finish = "tool_calls" if len(pieces) > 1 else "stop"
    usage = {"prompt_tokens": 20, "completion_tokens": 6, "total_tokens": 26}
    end = {**openai_chunk(), "choices": [], "usage": usage}
    return sse(*[openai_chunk(piece) for piece in pieces], openai_chunk(finish=finish), end)


def test_opencode(tmp_path, run, hfs):
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    numbers = count(1)
    opencode = program("opencode")
    with ScriptedServer() as server:
        server.always(lambda request: chat_completion(next(numbers), request))
        options = {"baseURL": server.url, "apiKey": "none"}
        provider = {"npm": "@ai-sdk/openai-compatible", "options": options, "models": {"m": {}}}
        settings = {
            "model": "loop/m",
            "small_model": "loop/m",
            "autoupdate": False,
            "provider": {"loop": provider},
        }
        (tmp_path / "work" / "opencode.json").write_text(json.dumps(settings))
        quiet = {"OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1"}
        first = run(opencode, "run", "Please look here", **quiet)
    page = Path(__file__).parents[3] / "docs" / "import.md"
    (recipe,) = re.findall(
        r"<!-- recipe: opencode -->\n```sh\n(.*?)```", page.read_text(), re.DOTALL
    )
    begin = f'hfs() {{ "{sys.executable}" -m hfs_cli "$@"; }}\n'
    where = {"HFS_DATA_DIR": str(tmp_path / "data")}
    way = {"PATH": f"{FOLDER}:{os.environ['PATH']}"}
    told = run("sh", "-c", begin + recipe, **where, **way, **quiet)
    assert "tool calls: 1" in told
    exported = hfs("sessions", "export", "--all", "--format", "json", env=where)
    (session,) = json.loads(exported.stdout)["sessions"]
    question, look, answer = session["messages"]
    assert question["content"].strip('"') == "Please look here"
    assert (look["reasoning"], look["usage"]["input_tokens"]) == ("I think.", 20)
    assert [(call["name"], call["result"]) for call in look["calls"]] == [
        ("bash", "from the tool\n")
    ]
    assert answer["content"] == first.strip()
