"""What a data export of ChatGPT holds comes whole, in each of its forms."""

import json
import zipfile
from datetime import UTC, datetime

import pytest

from hfs_cli.errors import UsageError
from tests.exchange.reading import bring_in, conversations_in, said

MOMENT = 1_700_000_000.5


def node(key, parent, role="assistant", content="", **more):
    """A node of a mapping; `content` is text, or a whole content."""
    if isinstance(content, str):
        content = {"content_type": "text", "parts": [content]}
    message = {
        "id": key,
        "author": {"role": role},
        "create_time": MOMENT + len(key),
        "content": content,
        "status": "finished_successfully",
        "metadata": {"model_slug": "gpt-5", "request_id": f"r-{key}"},
        "recipient": "all",
        **more,
    }
    return {"id": key, "parent": parent, "children": [], "message": message}


def chat(*nodes, key="c-1", current=None, **more):
    root = {"id": "root", "parent": None, "children": [], "message": None}
    return {
        "title": "WAL\nexplained",
        "create_time": MOMENT,
        "conversation_id": key,
        "current_node": current or nodes[-1]["id"],
        "default_model_slug": "gpt-5",
        "mapping": {n["id"]: n for n in (root, *nodes)},
        **more,
    }


PICTURE = {"content_type": "image_asset_pointer", "asset_pointer": "sediment://file_00ab"}
NODES = [
    node("system", "root", "system", ""),
    node("q", "system", "user", "What is a WAL?"),
    node("old", "q", "assistant", "A reply that was given anew."),
    node(
        "think",
        "q",
        content={
            "content_type": "thoughts",
            "thoughts": [{"summary": "Logs", "content": "They ask about logs."}],
        },
    ),
    node("recap", "think", content={"content_type": "reasoning_recap", "content": "Thought"}),
    node("code", "recap", content={"content_type": "code", "text": "1+1"}, recipient="python"),
    node("out", "code", "tool", {"content_type": "execution_output", "text": "2"}),
    node("draw", "out", "tool", {"content_type": "multimodal_text", "parts": [PICTURE]}),
    node("a", "draw", "assistant", "A log."),
    node("q2", "a", "user", "edited away"),
    node("a2", "q2", "assistant", "a dead end", status="in_progress"),
    node(
        "q3",
        "a",
        "user",
        {"content_type": "multimodal_text", "parts": [PICTURE, "and this?"]},
        metadata={
            "attachments": [
                {"id": "file_00ab", "name": "p.png"},
                {"id": "file-Doc1", "name": "notes.pdf", "mime_type": "application/pdf"},
                {"id": "file-Gone", "name": "gone.txt"},
            ]
        },
    ),
]


@pytest.fixture
def export(tmp_path):
    """An export as it is downloaded, in its divided form."""
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("user.json", "{}")
        made.writestr("conversations-000.json", json.dumps([chat(*NODES)]))
        made.writestr(
            "conversations-001.json",
            json.dumps([chat(node("x", "root", "user", "hi"), key="c-2")]),
        )
        made.writestr("conversation_asset_file_names.json", json.dumps({"file_00ab.dat": "p.png"}))
        made.writestr("file_00ab.dat", b"\x89PNG picture")
        made.writestr("file-Doc1-notes.pdf", b"%PDF document")
    return path


def test_all_branches_calls_thoughts_and_files_of_the_zip_come(export):
    main, dead_end, older, other = conversations_in(export)
    assert (main.name, main.fork_position) == ("WAL explained", None)
    assert said(main) == [
        ("user", "What is a WAL?"),
        ("assistant", ""),
        ("assistant", "A log."),
        ("user", "and this?\n\n[gone.txt]"),
    ]
    step, reply = main.messages[1:3]
    (call,) = step.tool_calls
    assert (call.id, call.name, call.arguments, call.result) == ("code", "python", "1+1", "2")
    assert step.reasoning == "Logs\n\nThey ask about logs."
    assert [(a.name, a.data) for a in step.attachments] == [("p.png", b"\x89PNG picture")]
    assert (reply.model, reply.reply_to, reply.step) == ("gpt-5", 2, 1)
    assert reply.created_at == datetime.fromtimestamp(MOMENT + 1, UTC)
    assert [(a.name, a.media_type) for a in main.messages[3].attachments] == [
        ("p.png", "image/png"),
        ("notes.pdf", "application/pdf"),
    ]
    assert {(c.fork_position, c.messages[0].content) for c in (dead_end, older)} == {
        (1, "A reply that was given anew."),
        (3, "edited away"),
    }
    assert said(other) == [("user", "hi")]


def test_what_comes_and_what_is_left_out_is_all_that_there_is(export, store):
    done = bring_in(store, export)
    assert (done.sessions, done.branches, done.attachments, done.calls) == (4, 2, 3, 1)
    # Twelve and one: thought, recap, output and picture went into the step that called.
    joined = 4
    assert done.messages + joined + done.left_out.pop("message without anything in it") == 13
    assert done.left_out == {"file that is not in the export": 1}
    assert store.check() == []
    again = bring_in(store, export)
    assert (again.sessions, again.present) == (0, 4)


def test_what_has_no_place_stays_with_the_message(export):
    main = conversations_in(export)[0]
    assert main.messages[0].extra["conversation"]["default_model_slug"] == "gpt-5"
    nodes = main.messages[1].extra["nodes"]
    assert [n["id"] for n in nodes] == ["think", "recap", "code", "out", "draw"]
    assert nodes[0]["metadata"]["request_id"] == "r-think"
    assert nodes[1]["content"]["content"] == "Thought"


def test_a_reply_that_broke_off_is_partial(export):
    replies = [m for c in conversations_in(export) for m in c.messages if m.role == "assistant"]
    assert {m.content for m in replies if m.status == "partial"} == {"a dead end"}


@pytest.mark.parametrize("current", ["nowhere", None])
def test_a_current_node_that_is_not_there_is_the_newest_leaf(tmp_path, current):
    whole = chat(*NODES)
    whole["current_node"] = current
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([whole]))
    assert sum(len(c.messages) for c in conversations_in(path)) == 7


def test_one_conversation_alone(tmp_path, store):
    path = tmp_path / "one.json"
    path.write_text(json.dumps(chat(*NODES)))
    done = bring_in(store, path)
    assert (done.sessions, done.branches, done.messages) == (3, 2, 7)
    # A picture twice, and two documents: without the ZIP no file is there.
    assert done.left_out["file that is not in the export"] == 4


def test_the_result_of_a_call_that_others_follow_stays_beside_it(tmp_path):
    nodes = [
        node("q", "root", "user", "go"),
        node("call", "q", content={"content_type": "code", "text": "x"}, recipient="web.run"),
        node("r1", "call", "tool", "first"),
        node("a1", "r1", "assistant", "one"),
        node("r2", "call", "tool", "second"),
        node("a2", "r2", "assistant", "two"),
    ]
    path = tmp_path / "c.json"
    path.write_text(json.dumps([chat(*nodes)]))
    main, branch = conversations_in(path)
    assert said(main)[1:] == [("assistant", ""), ("tool", "second"), ("assistant", "two")]
    assert (branch.fork_position, said(branch)) == (2, [("tool", "first"), ("assistant", "one")])


def test_nodes_that_go_in_a_circle_lose_nothing(tmp_path):
    path = tmp_path / "c.json"
    path.write_text(json.dumps([chat(node("n", "n", "user", "hi"))]))
    assert [said(c) for c in conversations_in(path)] == [[("user", "hi")]]
    nodes = [node("a", "b", "user", "A"), node("b", "a", "assistant", "B")]
    path.write_text(json.dumps([chat(*nodes)]))
    assert sorted(m.content for c in conversations_in(path) for m in c.messages) == ["A", "B"]


def test_a_zip_that_is_cut_or_holds_no_history_is_refused(tmp_path, export):
    whole = export.read_bytes()
    export.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UsageError, match="not a ZIP file that can be read"):
        conversations_in(export)
    with zipfile.ZipFile(export, "w") as made:
        made.writestr("user.json", "{}")
    with pytest.raises(UsageError, match=r"in which no conversations\.json"):
        conversations_in(export)


def test_a_file_of_the_zip_that_is_damaged_is_named(export):
    data = bytearray(export.read_bytes())
    place = data.index(b"file_00ab.dat") + len(b"file_00ab.dat") + 3
    data[place : place + 6] = b"\xff" * 6
    export.write_bytes(data)
    with pytest.raises(UsageError, match=r"export\.zip is not a ZIP file that can be read"):
        conversations_in(export)
