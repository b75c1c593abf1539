"""What exports hold is what their schema says, and the ways of docs/export.md lead there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from hfs_cli.messages import Attachment, Call, Citation, KeptState, Reply, Usage
from hfs_cli.store.store import SessionStore
from hfs_cli.store.tables import MessageRow
from tests.providers.sdk_types import illegal
from tests.store.talking import Talk

PAGE = (Path(__file__).parents[2] / "docs/export.md").read_text("utf-8")
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
PICTURE = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def kept(hfs):
    """Everything that a session can hold."""
    with SessionStore(hfs.database) as store:
        talk = Talk(store)
        files = (
            Attachment("p.png", "image/png", PICTURE),
            Attachment("far.png", "image/png", url="https://example.org/p.png"),
        )
        opened = talk.ask("What is here?", attachments=files, system="Be brief.")
        calls = (
            Call("c1", "files__ls", '{"path": "."}', "a\nb", started_at=NOW, ended_at=NOW),
            Call("c2", "cat", '{"path": "x"}', "no such file", failed=True, extra={"s": [1]}),
            Call("c3", "rm", "not JSON", started_at=NOW),
        )
        talk.answer(
            opened,
            "I look.",
            reasoning="Where?",
            tool_calls=calls,
            state=KeptState("openai", ({"type": "reasoning", "id": "r1"},)),
            finish_reason="tool_calls",
            finish_raw="tool_calls",
        )
        talk.answer(
            opened,
            "Two files.",
            step=1,
            usage=Usage(30, 5, 10, 2),
            finish_reason="stop",
            finish_raw="stop",
            citations=(Citation("https://example.org", "Files", "two", 0, 3), Citation("", "x")),
            first_token_s=0.5,
            total_s=1.25,
        )
        session = talk.turn("And then?", "Nothing.", opened.session)
        store.create_checkpoint(session.id, "here")
        store.fork(session.id, at=4, name="a fork")
        fork = talk.turn("Elsewhere?", "Yes.", store.find("a fork"))
        talk.turn("Once more?", "No.", session)
        store.undo(session.id)
        broken = talk.ask("Break off", session)
        store.save_reply(broken, Reply("Half", "openai/gpt", error="connection reset"))
        store.add_summary(session.id, Reply("All so far.", "openai/gpt", status="complete"), 4)
        with store._engine.writing() as db:
            MessageRow.update(extra='{"from": "elsewhere"}').where(MessageRow.id == 2).execute(db)
        assert fork.parent_id == session.id
    return hfs


def closed(schema: Any) -> Any:
    """A schema that takes no key which it does not name."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(item) for name, item in schema.items()}
    # Not of an object that is somebody else's, and has no names of its own.
    return (
        {**inner, "additionalProperties": False}
        if isinstance(inner.get("properties"), dict)
        else inner
    )


def schema(hfs) -> Any:
    found = json.loads(hfs.ok("chat", "--schema-of", "export"))
    Draft202012Validator.check_schema(found)
    return found


def validator(hfs, part: str | None = None) -> Draft202012Validator:
    whole = closed(schema(hfs))
    if part is not None:
        whole = {**whole["$defs"][part], "$defs": whole["$defs"]}
    return Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)


def test_an_export_with_everything_is_what_the_schema_says(kept):
    document = json.loads(kept.ok("sessions", "export", "--all", "--format", "json"))
    validator(kept).validate(document)
    origins = {session["origin"] for session in document["sessions"]}
    assert origins == {"chat", "fork", "undo"}
    messages = [m for session in document["sessions"] for m in session["messages"]]
    for name in (
        "reasoning",
        "error",
        "calls",
        "citations",
        "usage",
        "attachments",
        "state",
        "extra",
    ):
        assert any(message[name] for message in messages), name
    assert any(message["stands_for"] for message in messages)


def test_lines_are_the_head_and_then_the_sessions(kept):
    head, *lines = kept.ok("sessions", "export", "--all", "--format", "jsonl").splitlines()
    validator(kept, "head").validate(json.loads(head))
    assert len(lines) == 3
    for line in lines:
        validator(kept, "session").validate(json.loads(line))


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.update(origin="elsewhere"),
        lambda s: s.update(uid="1"),
        lambda s: s.pop("listed"),
        lambda s: s.update(colour="red"),
        lambda s: s["messages"][0].update(role="model"),
        lambda s: s["messages"][0].update(position=0),
        lambda s: s["messages"][1]["attachments"][0].pop("data"),
        lambda s: s["messages"][2]["calls"][0].pop("failed"),
    ],
)
def test_what_is_not_an_export_is_refused_by_the_schema(kept, change):
    document = json.loads(kept.ok("sessions", "export", "--all", "--format", "json"))
    change(next(s for s in document["sessions"] if s["origin"] == "chat"))
    assert not validator(kept).is_valid(document)


@pytest.fixture
def follow(kept, tmp_path):
    """Follow a way of the page; what it wrote."""
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "hfs").write_text(f'#!/bin/sh\nexec {sys.executable} -m hfs_cli "$@"\n')
    (programs / "hfs").chmod(0o755)

    def run(name: str) -> str:
        (recipe,) = re.findall(rf"<!-- recipe: {name} -->\n```sh\n(.*?)```", PAGE, re.DOTALL)
        done = subprocess.run(
            ["sh", "-ec", recipe],
            cwd=tmp_path,
            env=kept.environment({"PATH": f"{programs}:{os.environ['PATH']}"}),
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        file = re.findall(r"> (\S+)\n$", recipe)[-1]
        return (tmp_path / file).read_text("utf-8")

    return run


def test_messages_of_openai_are_what_its_library_takes(follow):
    fork, first = map(json.loads, follow("openai").splitlines())
    for found in (first, fork):
        assert not illegal("openai", {"model": "m", "stream": True, **found})
    assert [m["role"] for m in first["messages"]] == [
        *("system", "user", "assistant", "tool", "tool", "assistant", "user", "assistant"),
        *("user", "assistant"),
    ]
    assert first["messages"][1]["content"][1]["image_url"]["url"].startswith(
        "data:image/png;base64,"
    )
    assert [m["content"] for m in fork["messages"]][-2:] == ["Elsewhere?", "Yes."]
    assert fork["messages"][:6] == first["messages"][:6]


def test_messages_of_anthropic_are_what_its_library_takes(follow):
    fork, first = map(json.loads, follow("anthropic").splitlines())
    for found in (first, fork):
        assert not illegal("anthropic", {"model": "m", "max_tokens": 9, "stream": True, **found})
    assert first["system"] == "Be brief."
    asked, result = first["messages"][1:3]
    assert [block["type"] for block in asked["content"]] == ["text", "tool_use", "tool_use"]
    assert [block["is_error"] for block in result["content"]] == [False, True]
    assert fork["messages"][:4] == first["messages"][:4]


def test_conversations_of_sharegpt(follow):
    fork, first = json.loads(follow("sharegpt"))
    assert [turn["from"] for turn in first["conversations"]] == [
        *("system", "human", "gpt", "function_call", "observation", "function_call"),
        *("observation", "gpt", "human", "gpt", "human", "gpt"),
    ]
    assert json.loads(first["conversations"][3]["value"]) == {
        "name": "files__ls",
        "arguments": {"path": "."},
    }
    assert fork["conversations"][-1] == {"from": "gpt", "value": "Yes."}


def test_a_log_as_that_of_llm(follow):
    lines = [json.loads(line) for line in follow("llm").splitlines()]
    first = [line for line in lines if line["conversation_name"] != "a fork"]
    assert [(line["prompt"], line["response"]) for line in first] == [
        ("What is here?", "I look."),
        ("What is here?", "Two files."),
        ("And then?", "Nothing."),
        ("Break off", "Half"),
    ]
    assert {line["system"] for line in lines} == {"Be brief."}
    assert (first[1]["input_tokens"], first[1]["output_tokens"]) == (30, 5)


def test_every_way_of_the_page_is_followed():
    assert set(re.findall(r"<!-- recipe: (\w+) -->", PAGE)) == {
        "openai",
        "anthropic",
        "sharegpt",
        "llm",
    }
