"""The sessions of Gemini CLI, as small files in their shape."""

import json

import pytest

from hfs_cli.errors import UsageError
from hfs_cli.messages import Usage
from tests.exchange.reading import bring_in, conversations_in, counts, said, written

HEAD = {"sessionId": "g-1", "projectHash": "abc", "startTime": "2026-11-01T10:00:00.000Z"}
ASKED = {"id": "m1", "type": "user", "timestamp": "2026-11-01T10:00:01.000Z",
         "content": [{"text": "What is here?"}, {"inlineData": {"mimeType": "image/png",
                                                                "data": "AAAA"}}]}  # fmt: skip
ANSWER = {
    "id": "m2", "type": "gemini", "timestamp": "2026-11-01T10:00:02.000Z",
    "content": "One file.", "model": "gemini-3-pro",
    "thoughts": [{"subject": "Look", "description": "I look."}],
    "tokens": {"input": 9, "output": 3, "cached": 4, "thoughts": 2},
    "toolCalls": [{"id": "t1", "name": "ls", "args": {"p": "."}, "status": "success", "result": [
        {"functionResponse": {"id": "t1", "name": "ls", "response": {"output": "a.py\nb.py"}}}]}],
}  # fmt: skip
NOTICE = {"id": "m3", "type": "info", "content": "updated", "timestamp": "2026-11-01T10:00:03Z"}


def is_whole(main, store, file):
    assert said(main)[:2] == [("user", "What is here?"), ("assistant", "One file.")]
    question, answer = main.messages[:2]
    assert question.attachments[0].data == b"\0\0\0"
    assert (answer.reasoning, answer.usage) == ("Look\nI look.", Usage(9, 5, 4, 2))
    assert answer.tool_calls[0][:4] == ("t1", "ls", '{"p": "."}', "a.py\nb.py")
    return bring_in(store, file)


@pytest.mark.parametrize("indent", [None, 2])
def test_a_session_as_json(tmp_path, store, indent):
    file = tmp_path / "session-1.json"
    whole = {**HEAD, "summary": "Files", "messages": [ASKED, ANSWER, NOTICE]}
    file.write_text(json.dumps(whole, indent=indent))
    (main,) = conversations_in(file)
    assert main.name == "Files"
    done = is_whole(main, store, file)
    assert counts(done) == (1, 0, 2, 1, 1)
    assert done.left_out == {"notice of the program: info": 1}
    assert conversations_in(file, "gemini-cli")[0].uid == main.uid


def test_a_session_as_lines(tmp_path, store):
    file = written(
        tmp_path / "session-1.jsonl",
        HEAD,
        ASKED,
        {**ANSWER, "content": "", "toolCalls": []},
        ANSWER,
        {"id": "m4", "type": "user", "content": "And now?"},
        {"id": "m5", "type": "gemini", "content": "Still one."},
        {"$rewindTo": "m4"},
        {"id": "m6", "type": "user", "content": "Thanks"},
        {"$set": {"lastUpdated": "2026-11-01T10:01:00.000Z"}},
    )
    main, rewound = conversations_in(file)
    assert said(main)[2:] == [("user", "Thanks")]
    assert said(rewound) == [("user", "And now?"), ("assistant", "Still one.")]
    done = is_whole(main, store, file)
    assert counts(done) == (2, 1, 5, 1, 1)
    assert done.left_out == {"change of the program's own state: lastUpdated": 1}
    assert store.check() == []


CONTEXT = {"id": "c", "type": "user", "timestamp": "2026-11-01T10:00:00.500Z",
           "content": [{"text": "<session_context>\nLinux\n</session_context>"}]}  # fmt: skip
GIVEN = {"functionResponse": {"id": "t1", "name": "ls", "response": {"output": "a.py\nb.py"}}}
RESULT = {"id": "m2r", "type": "user", "timestamp": "2026-11-01T10:00:03Z", "content": [GIVEN]}
THANKS = {"id": "m4", "type": "user", "timestamp": "2026-11-01T10:00:04Z", "content": "Thanks"}


def later(message, **more):
    return {**message, "timestamp": "2026-11-02T10:00:00.000Z", **more}


# As it is written when a session begins, asks for a tool, and is resumed the next day.
BEGUN = [
    HEAD,
    {"$set": {"messages": [CONTEXT], "lastUpdated": "2026-11-01T10:00:00.500Z"}},
    ASKED,
    {**ANSWER, "toolCalls": []},
    ANSWER,
    RESULT,
    {**ANSWER, "id": "m3", "content": "Two, even.", "toolCalls": [], "thoughts": []},
]
RESUMED = [
    {**HEAD, "startTime": "2026-11-02T10:00:00.000Z"},
    {"$set": {"messages": [later(CONTEXT)]}},
    {"$set": {"sessionId": "g-1"}},
    {"$set": {"messages": [
        later(CONTEXT),
        later(ASKED),
        later({"id": "m2", "type": "gemini", "content": [
            {"text": "Look", "thought": True},
            {"functionCall": {"id": "t1", "name": "ls", "args": {"p": "."}}}]}),
        later(RESULT, id="m2_response"),
        later({"id": "m3", "type": "gemini", "content": [{"text": "Two, even."}]}),
    ]}},
    later(THANKS),
]  # fmt: skip


def test_a_session_that_was_resumed_is_what_was_said_and_once(tmp_path, store):
    file = written(tmp_path / "session-1.jsonl", *BEGUN)
    done = bring_in(store, file)
    assert counts(done) == (1, 0, 4, 1, 1)
    done = bring_in(store, written(file, *BEGUN, *RESUMED))
    assert (done.extended, done.messages, done.parted) == (1, 1, 0)
    (main,) = conversations_in(file)
    assert said(main) == [
        ("system", "<session_context>\nLinux\n</session_context>"),
        ("user", "What is here?"),
        ("assistant", "One file."),
        ("assistant", "Two, even."),
        ("user", "Thanks"),
    ]
    assert main.messages[2].tool_calls[0].result == "a.py\nb.py"
    assert main.name == "What is here?"
    assert [m.status for m in main.messages] == ["complete"] * 5
    assert main.left_out == {
        "change of the program's own state: lastUpdated": 1,
        "change of the program's own state: sessionId": 1,
    }
    assert store.check() == []


@pytest.mark.parametrize("whole", range(3, 8))
def test_a_session_that_is_imported_while_it_goes_on_is_whole_in_the_end(tmp_path, store, whole):
    file = tmp_path / "session-1.jsonl"
    bring_in(store, written(file, *BEGUN[:whole]))
    bring_in(store, written(file, *BEGUN, *RESUMED))
    (kept,) = store.conversations()
    (there,) = conversations_in(file)
    assert said(kept) == said(there)
    assert kept.messages[2].tool_calls[0][:5] == there.messages[2].tool_calls[0][:5]
    assert store.check() == []


def test_a_second_file_of_a_resumed_session_in_which_nothing_was_said_brings_nothing(
    tmp_path, store
):
    bring_in(store, written(tmp_path / "session-1.jsonl", *BEGUN, *RESUMED))
    done = bring_in(store, written(tmp_path / "session-2.jsonl", *RESUMED[:2]))
    assert (counts(done), done.parted) == ((0, 0, 0, 0, 0), 0)


def test_what_was_compressed_was_said_all_the_same(tmp_path):
    summary = {"id": "s", "type": "user", "content": "<state_snapshot>Files</state_snapshot>"}
    agreed = {"id": "k", "type": "gemini", "content": "Got it."}
    file = written(
        tmp_path / "session-1.jsonl",
        *BEGUN,
        {"$set": {"messages": [summary, agreed, later(BEGUN[-1])]}},
        THANKS,
    )
    (main,) = conversations_in(file)
    assert said(main)[3:] == [
        ("assistant", "Two, even."),
        ("system", "<state_snapshot>Files</state_snapshot>"),
        ("assistant", "Got it."),
        ("user", "Thanks"),
    ]


def test_what_was_taken_back_from_all_messages_is_a_branch(tmp_path):
    kept = {"$set": {"messages": [CONTEXT, ASKED]}}
    other = {**ANSWER, "id": "m9", "content": "None.", "toolCalls": []}
    file = written(tmp_path / "session-1.jsonl", *BEGUN, kept, other)
    main, taken = conversations_in(file)
    assert said(main)[1:] == [("user", "What is here?"), ("assistant", "None.")]
    assert said(taken) == [("assistant", "One file."), ("assistant", "Two, even.")]


def test_the_session_of_an_agent_is_a_branch_of_the_one_that_sent_it(tmp_path, store):
    head = {**HEAD, "sessionId": "look-1", "kind": "subagent"}
    sent = later(ASKED, id="a1", content="Look here")
    file = written(tmp_path / "g-1" / "look-1.jsonl", head, sent, later(ANSWER))
    bring_in(store, written(tmp_path / "session-1.jsonl", HEAD, ASKED, ANSWER))
    assert counts(bring_in(store, file)) == (1, 1, 2, 0, 1)
    assert [branch.session.name for branch in store.family(1)] == ["What is here?", "Look here"]


def test_a_session_in_which_nothing_was_said_is_not_found(tmp_path, hfs):
    for lines in ([], BEGUN[1:2]):
        file = written(tmp_path / "s.jsonl", HEAD, *lines)
        for arguments in ([], ["--from", "gemini-cli"]):
            done = hfs("sessions", "import", *arguments, str(file))
            assert done.returncode == 4
            assert "conversation in which nothing was said" in done.stderr.decode()


def test_lines_that_name_no_session_are_refused(tmp_path):
    with pytest.raises(UsageError, match="no line names the session"):
        conversations_in(written(tmp_path / "s.jsonl", ASKED), "gemini-cli")
