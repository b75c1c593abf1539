"""The format of lines that other histories are brought into, and the ways there in its page."""

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hfs_cli.errors import UsageError
from hfs_cli.exchange.detect import open_source
from hfs_cli.exchange.sources import records
from hfs_cli.messages import Attachment, Call, Usage
from tests.exchange.reading import bring_in, conversations_in, said

PAGE = (Path(__file__).parents[3] / "docs" / "import.md").read_text()


def written(tmp_path, *lines):
    file = tmp_path / "history.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def test_a_message_with_all_that_a_line_can_hold(tmp_path, store):
    file = written(
        tmp_path,
        {
            "session": "s",
            "title": "Files",
            "role": "user",
            "content": "What is here?",
            "time": 1_700_000_000,
            "attachments": [
                {"name": "p.png", "media_type": "image/png", "data": "AAAA"},
                {"url": "https://a.test/x"},
            ],
            "extra": {"cwd": "/src"},
        },
        {
            "session": "s",
            "role": "assistant",
            "time": "2023-11-14T22:13:21Z",
            "model": "m",
            "reasoning": "hm",
            "usage": {"input_tokens": 3, "output_tokens": 4, "cached_tokens": 1},
            "calls": [
                {"id": "c1", "name": "ls", "arguments": {"path": "."}, "result": [1]},
                {"id": "c2", "name": "cat"},
            ],
        },
        {"session": "s", "role": "tool", "call": "c2", "content": "no such file", "failed": True},
        {"session": "s", "role": "assistant", "content": "Nothing."},
    )
    (found,) = conversations_in(file)
    question, asking, answer = found.messages
    assert (found.name, found.created_at) == ("Files", datetime.fromtimestamp(1_700_000_000, UTC))
    assert question.attachments == (
        Attachment("p.png", "image/png", b"\0\0\0"),
        Attachment("attachment", "application/octet-stream", url="https://a.test/x"),
    )
    assert question.extra == {"cwd": "/src"}
    assert asking.tool_calls == (
        Call("c1", "ls", '{"path": "."}', "[1]"),
        Call("c2", "cat", "", "no such file", failed=True),
    )
    assert (asking.model, asking.reasoning, asking.usage) == ("m", "hm", Usage(3, 4, 1))
    assert (answer.content, answer.step, answer.reply_to) == ("Nothing.", 1, 2)
    done = bring_in(store, file)
    assert (done.sessions, done.messages, done.attachments, done.calls) == (1, 3, 2, 2)
    assert not done.left_out
    assert bring_in(store, file).present == 1
    assert store.check() == []


def test_two_messages_with_one_parent_are_two_branches(tmp_path, store):
    file = written(
        tmp_path,
        {"session": "s", "role": "user", "content": "q", "id": "1", "parent": None},
        {"session": "s", "role": "assistant", "content": "a", "id": "2", "current": True},
        {"session": "s", "role": "assistant", "content": "b", "id": "3", "parent": "1"},
        {"session": "s", "role": "user", "content": "and?", "id": "4"},
        {"session": "t", "role": "user", "content": "other", "id": "1", "colour": 1},
    )
    shown, branch, other = conversations_in(file)
    assert said(shown) == [("user", "q"), ("assistant", "a")]
    assert (branch.parent_uid, branch.fork_position) == (shown.uid, 1)
    assert said(branch) == [("assistant", "b"), ("user", "and?")]
    assert said(other) == [("user", "other")]
    done = bring_in(store, file)
    assert (done.sessions, done.branches, done.messages) == (3, 1, 5)
    assert done.left_out == {"field that the format does not have": 1}


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([{"session": 5, "role": "user"}], "line 1: session must be a string"),
        (
            [{"session": "s", "role": "human"}],
            "one of system, user, assistant, tool (it is 'human')",
        ),
        ([{"session": "s", "role": "user"}, 7], "line 2 must be an object"),
        ([{"session": "s", "role": "user", "time": "soon"}], "line 1: time must be a time"),
        ([{"session": "s", "role": "user", "time": 1e15}], "line 1: time is in no calendar"),
        ([{"session": "s", "role": "user", "parent": "x"}], "line 1: no message of the session"),
        ([{"session": "s", "role": "user", "id": "x"}] * 2, "line 2: id 'x' is there twice"),
        ([{"session": "s", "role": "tool", "call": "x"}], "line 1: no call before it"),
        ([{"session": "s", "role": "user", "calls": [{}]}], "name must be a string"),
        ([{"session": "s", "role": "user", "attachments": [{"data": "?"}]}], "must be base64"),
        ([{"session": s, "role": "user"} for s in "aba"], "line 3: the lines of session 'a' do"),
    ],
)
def test_lines_that_are_nearly_right_are_refused_by_their_number(tmp_path, store, lines, why):
    with pytest.raises(UsageError, match=re.escape(why)):
        bring_in(store, written(tmp_path, *lines))
    assert store.count() == 0


def test_a_line_that_breaks_off_is_refused(tmp_path):
    file = written(tmp_path, {"session": "s", "role": "user", "content": "whole"})
    file.write_text(file.read_text() + '{"session": "s", "role"')
    with pytest.raises(
        UsageError, match=r"line 2 is not valid JSON: Expecting ':' .* at column 24 "
    ):
        conversations_in(file)


def _broken_in(store, file):
    """What is said of each broken session, and the names of those that came in."""
    said = []
    with open_source(file) as source:
        store.put(source, broken=said.append)
    return said, {session.name for session in store.list_recent()}


def test_a_damaged_line_costs_the_session_that_it_names(tmp_path, store):
    sessions = [{"session": s, "role": "user", "content": s} for s in ("one", "two")]
    file = written(tmp_path, *sessions)
    file.write_text(file.read_text() + '{"session": "th\\u0072ee", "role": "us')
    said, names = _broken_in(store, file)
    assert names == {"one", "two"}
    assert [f"{file}, line 3 is not valid JSON" in what for what in said] == [True]


@pytest.mark.parametrize("line", ['{"session": "tw', "7", '{"role": "user"}', '{"session": "a\\x"'])
def test_a_damaged_line_that_names_none_costs_the_two_beside_it(tmp_path, store, line):
    file = written(tmp_path, *({"session": s, "role": "user", "content": s} for s in "abcd"))
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*lines[:2], f"{line}\n" * 2, *lines[2:]]))
    said, names = _broken_in(store, file)
    assert names == {"a", "d"}
    assert ["line 3" in what for what in said] == [True, True]


def test_what_is_left_of_a_file_that_is_cut_comes_in(tmp_path, store):
    lines = [{"session": s, "role": "user", "content": s} for s in "aba"]
    said, names = _broken_in(store, written(tmp_path, *lines))
    assert names == {"a", "b"}
    assert len(said) == 1
    assert said[0].endswith(" — what follows it is not read")


def test_a_session_of_too_much_text_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "MAX_CONVERSATION", 10_000_000)
    line = {"session": "s", "role": "user", "content": "x" * 3_000_000}
    assert len(conversations_in(written(tmp_path, line, line))) == 1
    with pytest.raises(UsageError, match="a conversation is over 10 MB"):
        conversations_in(written(tmp_path, *[line] * 4))


def test_a_long_first_line_is_recognised(tmp_path):
    line = {"role": "user", "content": "x" * 200_000, "session": "s"}
    (found,) = conversations_in(written(tmp_path, line))
    assert len(found.messages[0].content) == 200_000


OPENCODE = {
    "info": {"id": "ses_1", "title": "Greeting", "directory": "/src"},
    "messages": [
        {
            "info": {"id": "msg_1", "role": "user", "time": {"created": 1_760_000_000_000}},
            "parts": [
                {"type": "text", "text": "Say hello"},
                {"type": "text", "text": "Called the Read tool.", "synthetic": True},
                {
                    "type": "file",
                    "mime": "image/png",
                    "filename": "a.png",
                    "url": "data:image/png;base64,AAAA",
                },
            ],
        },
        {
            "info": {
                "id": "msg_2",
                "role": "assistant",
                "parentID": "msg_1",
                "modelID": "claude-sonnet-5",
                "providerID": "anthropic",
                "agent": "build",
                "cost": 0.25,
                "finish": "stop",
                "time": {"created": 1_760_000_001_000, "completed": 1_760_000_002_000},
                "tokens": {
                    "input": 10,
                    "output": 5,
                    "reasoning": 2,
                    "cache": {"read": 7, "write": 1},
                },
            },
            "parts": [
                {"type": "step-start"},
                {"type": "reasoning", "text": "A greeting."},
                {
                    "type": "tool",
                    "callID": "call_1",
                    "tool": "bash",
                    "state": {
                        "status": "completed",
                        "input": {"command": "echo hello"},
                        "output": "hello\n",
                    },
                },
                {
                    "type": "tool",
                    "callID": "call_2",
                    "tool": "read",
                    "state": {"status": "error", "input": {}, "error": "no such file"},
                },
                {"type": "patch", "hash": "1a", "files": ["/src/a.py"]},
                {"type": "step-finish", "reason": "stop", "cost": 0.25},
                {"type": "text", "text": "Hello."},
            ],
        },
    ],
}

OPEN_WEBUI = [
    {
        "id": "chat-1",
        "title": "Colours",
        "chat": {
            "history": {
                "currentId": "m3",
                "messages": {
                    "m1": {
                        "id": "m1",
                        "parentId": None,
                        "childrenIds": ["m2", "m3"],
                        "role": "user",
                        "content": "A colour?",
                        "files": [
                            {"type": "image", "url": "data:image/png;base64,AAAA"},
                            {"type": "file", "id": "f1", "name": "notes.txt"},
                        ],
                        "models": ["llama3"],
                        "timestamp": 1_750_000_000,
                    },
                    "m2": {
                        "id": "m2",
                        "parentId": "m1",
                        "childrenIds": [],
                        "role": "assistant",
                        "content": "Red.",
                        "model": "llama3",
                        "timestamp": 1_750_000_009,
                    },
                    "m3": {
                        "id": "m3",
                        "parentId": "m1",
                        "childrenIds": [],
                        "role": "assistant",
                        "content": '<details type="reasoning" done="true">…</details>\nBlue.',
                        "output": [
                            {"type": "reasoning", "content": [{"text": "Sky"}], "summary": []},
                            {
                                "type": "function_call",
                                "call_id": "c1",
                                "name": "look",
                                "arguments": '{"where": "up"}',
                            },
                            {
                                "type": "function_call_output",
                                "call_id": "c1",
                                "output": [{"type": "input_text", "text": "blue"}],
                            },
                            {
                                "type": "message",
                                "content": [{"type": "output_text", "text": "Blue."}],
                            },
                        ],
                        "usage": {"prompt_tokens": 9, "completion_tokens": 2},
                        "model": "llama3",
                        "timestamp": 1_750_000_005,
                    },
                },
            }
        },
    }
]

ROOT = "00000000-0000-0000-0000-000000000000"
LIBRECHAT_REPLIES = [
    {
        "messageId": "b",
        "parentMessageId": "a",
        "isCreatedByUser": False,
        "model": "gpt-4o",
        "text": "",
        "content": [
            {"type": "think", "think": "Two."},
            {
                "type": "tool_call",
                "tool_call": {"id": "t", "name": "add", "args": '{"a": 1}', "output": "2"},
            },
            {
                "type": "tool_call",
                "tool_call": {
                    "id": "u",
                    "type": "function",
                    "function": {"name": "sum", "arguments": "{}", "output": "0"},
                },
            },
            {"type": "image_file", "image_file": {"file_id": "f1", "filename": "two.png"}},
            {"type": "text", "text": {"value": "It is 2."}},
        ],
        "createdAt": "2025-05-01T10:00:05.000Z",
    },
    {
        "messageId": "c",
        "parentMessageId": "a",
        "isCreatedByUser": False,
        "model": "gpt-4o",
        "text": "2, still.",
        "createdAt": "2025-05-01T10:01:00.000Z",
    },
]
LIBRECHAT_QUESTION = {
    "messageId": "a",
    "parentMessageId": ROOT,
    "isCreatedByUser": True,
    "text": "1 + 1?",
    "createdAt": "2025-05-01T10:00:00.000Z",
}
LIBRECHAT = {
    "conversationId": "conv-1",
    "title": "Sums",
    "branches": True,
    "recursive": False,
    "messages": [LIBRECHAT_QUESTION, *LIBRECHAT_REPLIES],
}
NESTED = {**LIBRECHAT, "messages": [{**LIBRECHAT_QUESTION, "children": LIBRECHAT_REPLIES}]}
TREE = {**NESTED, "messages": None, "messagesTree": NESTED["messages"]}


@pytest.fixture
def follow(tmp_path, hfs):
    """Follow the way of a page from a program's file to sessions."""
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")

    def run(name, file, content):
        (recipe,) = re.findall(rf"<!-- recipe: {name} -->\n```sh\n(.*?)```", PAGE, re.DOTALL)
        programs = tmp_path / "bin"
        programs.mkdir(exist_ok=True)
        (tmp_path / file).write_text(json.dumps(content))
        for program, line in {
            "hfs": f'exec {sys.executable} -m hfs_cli "$@"',
            "opencode": f"""case "$*" in
"session list --format json") echo '[{{"id": "ses_1"}}]' ;;
"export ses_1") exec cat {file} ;;
*) exit 1 ;;
esac""",
        }.items():
            (programs / program).write_text(f"#!/bin/sh\n{line}\n")
            (programs / program).chmod(0o755)
        path = f"{programs}:{os.environ['PATH']}"
        done = subprocess.run(
            ["sh", "-c", recipe],
            cwd=tmp_path,
            env=hfs.environment({"PATH": path}),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        exported = hfs("sessions", "export", "--all", "--format", "json")
        return done.stdout, json.loads(exported.stdout)["sessions"]

    return run


def test_the_way_from_opencode(follow):
    report, (session,) = follow("opencode", "session.json", OPENCODE)
    question, answer = session["messages"]
    assert "messages: 2" in report
    assert session["name"] == "Greeting"
    assert (question["content"], question["attachments"][0]["name"]) == ("Say hello", "a.png")
    assert (answer["content"], answer["reasoning"]) == ("Hello.", "A greeting.")
    assert answer["model"] == "claude-sonnet-5"
    assert [(c["name"], c["result"], c["failed"]) for c in answer["calls"]] == [
        ("bash", "hello\n", False),
        ("read", "no such file", True),
    ]
    assert answer["extra"]["parts"] == [{"type": "patch", "hash": "1a", "files": ["/src/a.py"]}]
    assert (answer["extra"]["cost"], answer["extra"]["providerID"]) == (0.25, "anthropic")
    assert question["extra"]["parts"][0]["text"] == "Called the Read tool."
    assert answer["usage"]["input_tokens"] == 18
    assert answer["created_at"].startswith("2025-10-09T08:53:21")


@pytest.mark.parametrize("chats", [OPEN_WEBUI, OPEN_WEBUI[0]], ids=["all", "one"])
def test_the_way_from_open_webui(follow, chats):
    report, sessions = follow("open-webui", "chat-export.json", chats)
    assert "of them branches: 1" in report
    assert "attachments: 1" in report
    question, blue = sessions[0]["messages"]
    assert question["extra"]["files"] == [{"type": "file", "id": "f1", "name": "notes.txt"}]
    assert (blue["reasoning"], blue["usage"]["input_tokens"]) == ("Sky", 9)
    assert [(c["name"], c["arguments"], c["result"]) for c in blue["calls"]] == [
        ("look", '{"where": "up"}', "blue")
    ]
    assert [[m["content"] for m in s["messages"]] for s in sessions] == [
        ["A colour?", "Blue."],
        ["Red."],
    ]


@pytest.mark.parametrize("chat", [LIBRECHAT, NESTED, TREE], ids=["flat", "nested", "tree"])
def test_the_way_from_librechat(follow, chat):
    report, sessions = follow("librechat", "conversation.json", chat)
    assert "of them branches: 1" in report
    assert "tool calls: 2" in report
    assert [[m["content"] for m in s["messages"]] for s in sessions] == [
        ["1 + 1?", "2, still."],
        ["It is 2."],
    ]
    answer = sessions[1]["messages"][0]
    assert answer["reasoning"] == "Two."
    assert [(c["name"], c["result"]) for c in answer["calls"]] == [("add", "2"), ("sum", "0")]
    assert answer["extra"]["content"][0]["image_file"]["filename"] == "two.png"


def test_a_session_whose_lines_have_grown_goes_on(tmp_path, store):
    said = [{"session": "s", "role": "user", "content": "1?", "time": 1}]
    said += [{"session": "s", "role": "assistant", "content": "One."}]
    assert bring_in(store, written(tmp_path, *said)).sessions == 1
    said += [{"session": "s", "role": "user", "content": "2?", "time": 9}]
    done = bring_in(store, written(tmp_path, *said))
    assert (done.sessions, done.extended, done.messages) == (0, 1, 1)
    done = bring_in(store, written(tmp_path, *said))
    assert (done.sessions, done.present, done.messages) == (0, 1, 0)
