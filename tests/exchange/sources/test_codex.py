"""The sessions of Codex, as small files in their shape."""

import pytest

from hfs_cli.errors import UsageError
from hfs_cli.messages import Usage
from tests.exchange.reading import bring_in, conversations_in, counts, said, written


def rolled(second, kind, payload):
    return {"timestamp": f"2026-11-01T10:00:{second:02}.000Z", "type": kind, "payload": payload}


def item(second, kind, **fields):
    return rolled(second, "response_item", {"type": kind, **fields})


def spoken(second, role, text):
    kind = "output_text" if role == "assistant" else "input_text"
    return item(second, "message", role=role, content=[{"type": kind, "text": text}])


META = {"id": "0190-codex", "timestamp": "2026-11-01T10:00:00.000Z", "cwd": "/src"}
CODEX = [
    rolled(0, "session_meta", META),
    rolled(1, "turn_context", {"model": "gpt-6-codex", "cwd": "/src"}),
    spoken(1, "user", "<environment_context>\n</environment_context>"),
    spoken(2, "user", "What is here?"),
    rolled(2, "event_msg", {"type": "user_message", "message": "What is here?"}),
    item(3, "reasoning", summary=[{"type": "summary_text", "text": "I look."}]),
    item(4, "function_call", name="shell", arguments='{"c":"ls"}', call_id="c1"),
    item(4, "custom_tool_call", name="apply_patch", input="*** Begin", call_id="c2"),
    item(5, "function_call_output", call_id="c1", output="a.py"),
    item(5, "custom_tool_call_output", call_id="c2", output={"content": "no", "success": False}),
    rolled(5, "event_msg", {"type": "token_count", "info": {"last_token_usage": {
        "input_tokens": 9, "cached_input_tokens": 4, "output_tokens": 3,
        "reasoning_output_tokens": 1}}}),
    item(6, "reasoning", summary=[], encrypted_content="x"),
    spoken(6, "assistant", "One file."),
    spoken(7, "user", "And now?"),
    spoken(8, "assistant", "Still one."),
    rolled(9, "event_msg", {"type": "thread_rolled_back", "num_turns": 1}),
    item(10, "message", role="user", content=[
        {"type": "input_text", "text": "And this?"},
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}]),
    spoken(11, "assistant", "A picture."),
    rolled(12, "compacted", {"message": "All of it."}),
    rolled(13, "event_msg", {"type": "thread_name_updated", "thread_name": "Files here"}),
    item(14, "ghost_snapshot", ghost_commit="1a"),
]  # fmt: skip


def test_a_session_with_calls_and_a_turn_that_was_rolled_back(tmp_path, store):
    file = written(tmp_path / "2026" / "rollout-1.jsonl", *CODEX)
    main, rewound = conversations_in(file)
    assert main.name == "Files here"
    assert said(main) == [
        ("system", "<environment_context>\n</environment_context>"),
        ("user", "What is here?"),
        ("assistant", ""),
        ("assistant", "One file."),
        ("user", "And this?"),
        ("assistant", "A picture."),
        ("system", "All of it."),
    ]
    look = main.messages[2]
    assert (look.model, look.reasoning, look.usage) == (
        "gpt-6-codex",
        "I look.",
        Usage(9, 3, 4, 1),
    )
    assert [(c.name, c.arguments, c.result, c.failed) for c in look.tool_calls] == [
        ("shell", '{"c":"ls"}', "a.py", False),
        ("apply_patch", "*** Begin", "no", True),
    ]
    assert (main.messages[1].extra, main.messages[4].attachments[0].data) == (
        {"cwd": "/src"},
        b"\0\0\0",
    )
    assert (rewound.parent_uid, rewound.fork_position) == (main.uid, 4)
    assert said(rewound) == [("user", "And now?"), ("assistant", "Still one.")]
    done = bring_in(store, file)
    assert counts(done) == (2, 1, 9, 1, 2)
    assert done.left_out == {
        "thought that only its vendor can read": 1,
        "event that tells the screen what else is there: user_message": 1,
        "line of the program's own state: ghost_snapshot": 1,
    }
    assert store.check() == []


def test_a_session_as_it_was_at_first(tmp_path):
    file = written(
        tmp_path / "rollout.jsonl",
        {"id": "old", "timestamp": "2025-05-01T10:00:00.000Z", "instructions": None},
        {"record_type": "state"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "q"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
    )
    (found,) = conversations_in(file)
    assert said(found) == [("user", "q"), ("assistant", "a")]


def test_what_the_harness_says_in_the_place_of_the_user_is_told_by_its_kind(tmp_path):
    def told(second, text, kind):
        of_whom = {"content_item_kinds": [kind]}
        given = [{"type": "input_text", "text": text}]
        passed = {"internal_chat_message_metadata_passthrough": of_whom}
        return item(second, "message", role="user", content=given, **passed)

    file = written(
        tmp_path / "rollout-1.jsonl",
        rolled(0, "session_meta", META),
        told(1, "Be brief.", "harness.text"),
        told(2, "<skill> is a word?", "user.text"),
        item(
            3, "agent_message", author="a", recipient="b", content=[{"type": "text", "text": "x"}]
        ),
    )
    (found,) = conversations_in(file)
    assert said(found) == [
        ("system", "Be brief."),
        ("user", "<skill> is a word?"),
        ("system", "x"),
    ]


def test_pictures_that_tools_give_and_what_the_vendor_runs_itself(tmp_path):
    picture = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
    searched = {"type": "search", "query": "trees"}
    file = written(
        tmp_path / "rollout-1.jsonl",
        rolled(0, "session_meta", META),
        spoken(1, "user", "Look"),
        item(2, "web_search_call", id="w1", status="completed", action=searched),
        item(3, "image_generation_call", id="i1", status="completed", result="AAAA"),
        item(4, "function_call", name="view", arguments="{}", call_id="c1"),
        item(5, "function_call_output", call_id="c1",
             output=[{"type": "input_text", "text": "here"}, picture]),
        spoken(6, "assistant", "Done."),
    )  # fmt: skip
    (found,) = conversations_in(file)
    look = found.messages[1]
    assert [(call.name, call.arguments, call.result) for call in look.tool_calls] == [
        ("web_search", '{"type": "search", "query": "trees"}', ""),
        ("image_generation", "", ""),
        ("view", "{}", "here"),
    ]
    assert [file.data for file in look.attachments] == [b"\0\0\0"] * 2


@pytest.mark.parametrize("whole", range(4, 15))
def test_a_session_that_is_imported_while_it_goes_on_is_whole_in_the_end(tmp_path, store, whole):
    file = tmp_path / "rollout-1.jsonl"
    bring_in(store, written(file, *CODEX[:whole]))
    bring_in(store, written(file, *CODEX[:15]))
    (kept,) = store.conversations()
    (there,) = conversations_in(file)
    assert said(kept) == said(there)
    assert [[call[:5] for call in message.tool_calls] for message in kept.messages] == [
        [call[:5] for call in message.tool_calls] for message in there.messages
    ]
    bring_in(store, written(file, *CODEX))
    assert {message for one in store.conversations() for message in said(one)} == {
        message for one in conversations_in(file) for message in said(one)
    }
    assert store.check() == []


def test_the_session_of_an_agent_is_a_branch_of_the_one_that_sent_it(tmp_path, store):
    agent = {**META, "id": "0191-agent", "parent_thread_id": META["id"]}
    file = written(
        tmp_path / "rollout-2.jsonl",
        rolled(0, "session_meta", agent),
        spoken(1, "user", "Look"),
        spoken(2, "assistant", "I did."),
    )
    bring_in(store, written(tmp_path / "rollout-1.jsonl", *CODEX[:15]))
    assert counts(bring_in(store, file)) == (1, 1, 2, 0, 0)
    assert [branch.session.name for branch in store.family(1)] == ["What is here?", "Look"]


def test_a_session_in_which_nothing_was_said_is_not_found(tmp_path, hfs):
    for lines in ([], [CODEX[2]]):
        file = written(tmp_path / "s.jsonl", rolled(0, "session_meta", META), *lines)
        for arguments in ([], ["--from", "codex"]):
            done = hfs("sessions", "import", *arguments, str(file))
            assert done.returncode == 4
            assert "conversation in which nothing was said" in done.stderr.decode()


def test_lines_that_name_no_session_are_refused(tmp_path):
    with pytest.raises(UsageError, match="no line names the session"):
        conversations_in(written(tmp_path / "s.jsonl", *CODEX[1:]))
