"""The sessions of Claude Code, as small files in their shape."""

import pytest

from hfs_cli.errors import UsageError
from hfs_cli.messages import Attachment, Usage
from tests.exchange.reading import bring_in, conversations_in, counts, said, written

SESSION = "6c8f2f0e-0000-4000-8000-000000000001"


def line(kind, uuid, before, message=None, **more):
    return {
        "type": kind,
        "uuid": uuid,
        "parentUuid": before,
        "sessionId": SESSION,
        "isSidechain": False,
        "cwd": "/src",
        "timestamp": f"2026-11-01T10:00:{int(uuid[1:]):02}.000Z",
        **({} if message is None else {"message": message}),
        **more,
    }


def asked(uuid, before, content, **more):
    return line("user", uuid, before, {"role": "user", "content": content}, **more)


def block(uuid, before, number, *content, **more):
    message = {
        "id": f"msg_{number}",
        "role": "assistant",
        "model": "claude-opus-5",
        "content": content,
        "usage": {"input_tokens": 3, "cache_read_input_tokens": 10, "output_tokens": 7},
    }
    return line("assistant", uuid, before, message, **more)


def gave(uuid, before, call, content, **more):
    result = {"type": "tool_result", "tool_use_id": call, "content": content, **more}
    return asked(uuid, before, [result])


PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
CLAUDE_CODE = [
    {"type": "file-history-snapshot", "messageId": "u1", "snapshot": {}},
    asked("u1", None, [{"type": "text", "text": "What is here?"}, PICTURE]),
    line("attachment", "u2", "u1", attachment={"type": "skill_listing", "content": "- x"}),
    block("u3", "u2", 1, {"type": "thinking", "thinking": "I look."}),
    block("u4", "u3", 1, {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"c": "ls"}}),
    block("u5", "u4", 1, {"type": "tool_use", "id": "t2", "name": "Read", "input": {}}),
    gave("u6", "u4", "t1", "a.py"),
    gave("u7", "u5", "t2", [{"type": "text", "text": "no such file"}], is_error=True),
    block("u8", "u7", 2, {"type": "text", "text": "One file."}),
    asked("u9", "u8", "And now?"),
    block("u10", "u9", 3, {"type": "text", "text": "Still one."}),
    asked("u11", "u8", "And what does it do?"),
    block("u12", "u11", 4, {"type": "text", "text": "Nothing."}),
    asked("u20", None, "Look closely", isSidechain=True, agentId="x1"),
    block("u21", "u20", 5, {"type": "text", "text": "I did."}, isSidechain=True, agentId="x1"),
    {"type": "ai-title", "aiTitle": "Files here", "sessionId": SESSION},
]


def test_a_session_with_calls_a_branch_and_an_agent(tmp_path, store):
    file = written(tmp_path / "projects" / "-src" / f"{SESSION}.jsonl", *CLAUDE_CODE)
    main, rewound, agent = conversations_in(file)
    question, look, answer, *_ = main.messages
    assert main.name == "Files here"
    assert said(main) == [
        ("user", "What is here?"),
        ("assistant", ""),
        ("assistant", "One file."),
        ("user", "And what does it do?"),
        ("assistant", "Nothing."),
    ]
    assert question.attachments == (Attachment("file-1.png", "image/png", b"\0\0\0"),)
    assert question.extra == {"cwd": "/src"}
    assert (look.reasoning, look.model, look.usage) == (
        "I look.",
        "claude-opus-5",
        Usage(13, 7, 10),
    )
    assert [(c.name, c.arguments, c.result, c.failed) for c in look.tool_calls] == [
        ("Bash", '{"c": "ls"}', "a.py", False),
        ("Read", "{}", "no such file", True),
    ]
    assert (answer.step, answer.reply_to) == (1, 2)
    assert (rewound.parent_uid, rewound.fork_position) == (main.uid, 3)
    assert said(rewound) == [("user", "And now?"), ("assistant", "Still one.")]
    assert (agent.parent_uid, agent.listed) == (main.uid, False)
    assert said(agent) == [("user", "Look closely"), ("assistant", "I did.")]
    done = bring_in(store, file)
    # Nine messages, of which one is three lines; two results; a title; two that are not messages.
    assert counts(done) == (3, 2, 9, 1, 2)
    assert done.left_out == {
        "line of the program's own state: file-history-snapshot": 1,
        "attachment of the program's own: skill_listing": 1,
    }
    assert bring_in(store, file).present == 3
    assert store.check() == []


def test_a_file_that_is_still_written_to_and_was_compacted(tmp_path, store):
    boundary = line("system", "u3", None, logicalParentUuid="u2", subtype="compact_boundary")
    file = written(
        tmp_path / "s.jsonl",
        asked("u1", None, "A question"),
        block("u2", "u1", 1, {"type": "text", "text": "An answer"}),
        boundary,
        asked("u4", "u3", "It was about a question.", isCompactSummary=True),
        asked("u5", "u4", "Another"),
        gave("u6", "u5", "gone", "a result"),
        end='\n{"type": "user", "uu',
    )
    (found,) = conversations_in(file)
    assert found.name == "A question"
    assert [role for role, _ in said(found)] == ["user", "assistant", "system", "user"]
    assert bring_in(store, file).left_out == {
        "line of the program's own state: compact_boundary": 1,
        "result of a call that is not there": 1,
        "last line, which is not whole yet": 1,
    }


def test_what_was_typed_while_a_reply_was_given_is_a_message_and_the_rest_stays_with_it(tmp_path):
    typed = {"type": "queued_command", "prompt": "and in b.py", "commandMode": "prompt"}
    told = {"type": "queued_command", "prompt": "done", "commandMode": "task-notification"}
    noted = {"type": "file", "filename": "b.py", "content": "pass"}
    file = written(
        tmp_path / "s.jsonl",
        asked("u1", None, "What is in a.py?"),
        line("attachment", "u2", "u1", attachment=noted),
        block("u3", "u2", 1, {"type": "tool_use", "id": "t1", "name": "Read", "input": {}}),
        gave("u4", "u3", "t1", [PICTURE]) | {"toolUseResult": {"file": "a.py"}},
        line("attachment", "u5", "u4", attachment=typed),
        line("attachment", "u6", "u5", attachment=told),
        block("u7", "u6", 2, {"type": "text", "text": "A picture, and nothing."}),
    )
    (found,) = conversations_in(file)
    assert said(found) == [
        ("user", "What is in a.py?"),
        ("assistant", ""),
        ("user", "and in b.py"),
        ("system", "done"),
        ("assistant", "A picture, and nothing."),
    ]
    assert found.messages[0].extra == {"cwd": "/src", "attachments": [noted]}
    assert found.messages[1].attachments[0].data == b"\0\0\0"
    assert found.left_out == {"detail of a tool's result beside its text": 1}


AGENT = [
    asked("u20", None, "Look closely", isSidechain=True, agentId="x1"),
    block("u21", "u20", 5, {"type": "text", "text": "I did."}, isSidechain=True, agentId="x1"),
]


def test_an_agent_in_a_file_of_its_own_is_a_branch_of_its_session(tmp_path, store):
    main = written(tmp_path / f"{SESSION}.jsonl", *CLAUDE_CODE[:11])
    agent = written(tmp_path / SESSION / "subagents" / "agent-x1.jsonl", *AGENT)
    bring_in(store, main)
    assert counts(bring_in(store, agent)) == (1, 1, 2, 0, 0)
    assert [branch.session.name for branch in store.family(1)] == ["What is here?", "Look closely"]
    assert [session.name for session in store.list_recent()] == ["What is here?"]
    more = [*AGENT, asked("u22", "u21", "Closer", isSidechain=True, agentId="x1")]
    done = bring_in(store, written(agent, *more))
    assert (done.sessions, done.extended, done.messages) == (0, 1, 1)
    assert store.check() == []


def test_an_agent_whose_session_is_not_there_comes_by_itself(tmp_path, store):
    agent = written(tmp_path / "agent-x1.jsonl", *AGENT)
    assert bring_in(store, agent, dry_run=True) == bring_in(store, agent)
    assert [session.name for session in store.list_recent()] == ["Look closely"]
    assert bring_in(store, agent).present == 1
    assert store.check() == []


def test_an_agent_of_a_session_that_was_deleted_here_stays_away(tmp_path, store):
    main = written(tmp_path / f"{SESSION}.jsonl", *CLAUDE_CODE[:11])
    agent = written(tmp_path / "agent-x1.jsonl", *AGENT)
    bring_in(store, main)
    store.delete([1])
    done = bring_in(store, agent)
    assert (done.sessions, done.left_out) == (
        0,
        {"branch of a session that was deleted here": 1},
    )


@pytest.mark.parametrize("whole", range(2, 9))
def test_a_session_that_is_imported_while_it_goes_on_is_whole_in_the_end(tmp_path, store, whole):
    file = tmp_path / "s.jsonl"
    bring_in(store, written(file, *CLAUDE_CODE[:whole]))
    bring_in(store, written(file, *CLAUDE_CODE[:9]))
    (kept,) = store.conversations()
    (there,) = conversations_in(file)
    assert said(kept) == said(there)
    calls = [call[:5] for call in kept.messages[1].tool_calls]
    assert calls == [call[:5] for call in there.messages[1].tool_calls]
    assert [message.status for message in kept.messages] == ["complete"] * 3
    assert store.check() == []


def test_what_was_asked_anew_after_an_import_is_a_branch(tmp_path, store):
    file = written(tmp_path / "s.jsonl", *CLAUDE_CODE[:11])
    bring_in(store, file)
    done = bring_in(store, written(file, *CLAUDE_CODE[:13]))
    assert (done.messages, done.parted, done.present) == (2, 1, 1)
    assert [said(one)[-1][1] for one in store.conversations()] == ["Still one.", "Nothing."]


def test_lines_that_name_no_session_are_refused(tmp_path):
    nameless = {k: v for k, v in asked("u1", None, "q").items() if k != "sessionId"}
    with pytest.raises(UsageError, match="no line names the session"):
        conversations_in(written(tmp_path / "s.jsonl", nameless), "claude-code")


def test_a_session_in_which_nothing_was_said_is_not_found(tmp_path, hfs):
    file = written(tmp_path / "s.jsonl", {"type": "summary", "summary": "Old", "leafUuid": "x"})
    for arguments in ([], ["--from", "claude-code"]):
        done = hfs("sessions", "import", *arguments, str(file))
        assert done.returncode == 4
        assert "conversation in which nothing was said" in done.stderr.decode()
