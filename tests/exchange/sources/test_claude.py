"""What a data export of Claude holds comes whole, and its branches can be gone on with."""

import json
import zipfile

import pytest

from tests.exchange.reading import bring_in, conversations_in
from tests.scripted_server import openai_sse

ROOT = "00000000-0000-4000-8000-000000000000"
PICTURE = "11111111-2222-4333-8444-555555555555"


def message(key, parent, sender, *blocks, **more):
    content = [{"type": "text", "text": b} if isinstance(b, str) else b for b in blocks]
    return {
        "uuid": key,
        "parent_message_uuid": parent,
        "sender": sender,
        "text": "".join(b.get("text", "") for b in content),
        "content": content,
        "created_at": f"2025-01-02T03:04:0{len(key)}.123456Z",
        "attachments": [],
        "files": [],
        **more,
    }


MESSAGES = [
    message("q", ROOT, "human", "What is a WAL?"),
    message(
        "aa",
        "q",
        "assistant",
        {"type": "thinking", "thinking": "Logs.", "signature": "sealed"},
        {"type": "tool_use", "id": "t1", "name": "web_search", "input": {"query": "wal"}},
        {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "2"}]},
        {"type": "tool_use", "id": "t2", "name": "repl", "input": {}},
        {"type": "tool_result", "tool_use_id": "t2", "content": "no", "is_error": True},
        "A log.",
    ),
    message("old", "q", "assistant", "An older reply."),
    message(
        "mine",
        "aa",
        "human",
        "and this?",
        attachments=[{"file_name": "a.txt", "extracted_content": "the text"}],
        files=[{"file_uuid": PICTURE, "file_name": "p.png"}, {"file_name": "gone.pdf"}],
    ),
    message("dead", "aa", "human", "edited away"),
]


@pytest.fixture
def export(tmp_path):
    """An export as it is downloaded."""
    one = {
        "uuid": "u-1",
        "name": "WAL",
        "summary": "logs",
        "created_at": "2025-01-02T03:04:00Z",
        "current_leaf_message_uuid": "mine",
        "chat_messages": MESSAGES,
    }
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("conversations.json", json.dumps([one]))
        made.writestr(f"files/{PICTURE}/p.png", b"\x89PNG")
    return path


def test_branches_calls_thoughts_and_files_come(export, store):
    main, dead_end, older = conversations_in(export)
    question, reply, more = main.messages
    assert (question.content, reply.content, reply.reasoning) == (
        "What is a WAL?",
        "A log.",
        "Logs.",
    )
    assert [(c.id, c.name, c.arguments, c.result, c.failed) for c in reply.tool_calls] == [
        ("t1", "web_search", '{"query": "wal"}', "2", False),
        ("t2", "repl", "{}", "no", True),
    ]
    assert question.created_at.microsecond == 123456
    assert more.content == "and this?\n\n[a.txt]\nthe text\n\n[gone.pdf]"
    assert [(a.name, a.data) for a in more.attachments] == [("p.png", b"\x89PNG")]
    assert {(c.fork_position, c.messages[0].content) for c in (dead_end, older)} == {
        (1, "An older reply."),
        (2, "edited away"),
    }
    assert reply.extra["content"][0] == {"type": "thinking", "signature": "sealed"}
    assert question.extra["conversation"]["summary"] == "logs"
    done = bring_in(store, export)
    assert (done.messages, done.branches, done.attachments, done.calls) == (5, 2, 1, 2)
    assert done.left_out == {"file that is not in the export": 1}
    assert store.check() == []


def test_one_conversation_alone(tmp_path):
    path = tmp_path / "one.json"
    one = {"uuid": "u", "created_at": "2025-01-02T03:04:00Z", "chat_messages": MESSAGES}
    path.write_text(json.dumps(one))
    assert sum(len(c.messages) for c in conversations_in(path)) == 5


def test_messages_that_name_none_before_them_are_in_order(tmp_path):
    plain = [{k: v for k, v in m.items() if k != "parent_message_uuid"} for m in MESSAGES[:2]]
    one = {"uuid": "u", "created_at": "2025-01-02T03:04:00Z", "chat_messages": plain}
    path = tmp_path / "one.json"
    path.write_text(json.dumps([one]))
    (found,) = conversations_in(path)
    assert [m.role for m in found.messages] == ["user", "assistant"]


def test_an_abandoned_branch_is_in_the_tree_and_goes_on_by_itself(chat, server, export):
    chat.ok("sessions", "import", str(export))
    assert json.loads(chat.ok("sessions", "list", "--json"))[0]["name"] == "WAL"
    tree = json.loads(chat.ok("sessions", "tree", "WAL", "--json"))
    assert [branch["origin"] for branch in tree] == ["import", "retry", "rewind"]
    server.reply(openai_sse("ok"))
    chat.ok("chat", "-S", "WAL (variant)", "go on")
    sent = [m["content"] for m in server.requests[-1].json["messages"]]
    assert sent == ["What is a WAL?", "An older reply.", "go on"]
