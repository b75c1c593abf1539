"""Sessions that coding agents keep themselves, made here by each of them, and imported.

`HFS_TEST_AGENTS` is the folder of their executables; each talks to a scripted server on loopback:

    npm install --prefix /tmp/agents @anthropic-ai/claude-code
    node /tmp/agents/node_modules/@anthropic-ai/claude-code/install.cjs
    export HFS_TEST_AGENTS=/tmp/agents/node_modules/.bin
    uv run pytest tests/exchange/sources/test_real_agents.py
"""

import json
import os
import subprocess
from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.scripted_server import ScriptedServer, make_reply

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
        rows = (line.rpartition(": ") for line in done.stdout.decode().splitlines())
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
