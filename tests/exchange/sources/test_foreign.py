"""Histories of other programs, as small files in their shapes."""

import json
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest

from hfs_cli.errors import UsageError
from hfs_cli.exchange.sources import llm
from hfs_cli.messages import Usage
from tests.exchange.reading import bring_in, conversations_in, read, said


def written(tmp_path, name, content):
    file = tmp_path / name
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def test_claude(tmp_path, store):
    file = written(
        tmp_path,
        "conversations.json",
        [
            {
                "uuid": "u-1",
                "name": "",
                "created_at": "2025-01-02T03:04:05.678901Z",
                "updated_at": "2025-01-02T03:05:05Z",
                "chat_messages": [
                    {
                        "sender": "human",
                        "text": "Read this",
                        "content": [{"type": "text", "text": "Read this"}],
                        "created_at": "2025-01-02T03:04:06Z",
                        "attachments": [{"file_name": "a.txt", "extracted_content": "the text"}],
                        "files": [],
                    },
                    {
                        "sender": "assistant",
                        "text": "Done.",
                        "content": [
                            {"type": "thinking", "thinking": "hm"},
                            {"type": "text", "text": "Done."},
                        ],
                        "created_at": "2025-01-02T03:04:07Z",
                        "attachments": [],
                        "files": [],
                    },
                ],
            }
        ],
    )
    (found,) = conversations_in(file)
    assert found.name == "Read this [a.txt] the text"
    assert said(found) == [("user", "Read this\n\n[a.txt]\nthe text"), ("assistant", "Done.")]
    assert found.messages[1].reasoning == "hm"
    assert store.put([found]).messages == 2


def test_shell_gpt(tmp_path, store):
    roles = [("system", "You are ShellGPT"), ("user", "list files"), ("assistant", "ls")]
    file = written(tmp_path, "chat_1", [{"role": r, "content": c} for r, c in roles])
    os.utime(file, (1_700_000_000, 1_700_000_000))
    (found,) = conversations_in(file)
    assert (found.name, said(found)) == ("chat_1", roles)
    assert found.created_at == datetime.fromtimestamp(1_700_000_000, UTC)
    assert store.put([found]).sessions == 1


def test_shell_gpt_s_calls_come_with_their_results(tmp_path, store):
    asked = {"id": "c1", "type": "function", "function": {"name": "date", "arguments": "{}"}}
    chat = [
        {"role": "user", "content": "which day?"},
        {"role": "assistant", "content": "", "tool_calls": [asked]},
        {"role": "tool", "content": "Sunday", "tool_call_id": "c1"},
        {"role": "assistant", "content": "It is Sunday."},
    ]
    file = written(tmp_path, "chat_1", chat)
    (found,) = conversations_in(file)
    assert [m.role for m in found.messages] == ["user", "assistant", "assistant"]
    (call,) = found.messages[1].tool_calls
    assert (call.id, call.name, call.arguments, call.result) == ("c1", "date", "{}", "Sunday")
    assert bring_in(store, file).calls == 1
    assert store.check() == []


AICHAT = """\
model: openai:gpt-4o
temperature: 0.5
compressed_messages:
- role: user
  content: earlier
messages:
- role: user
  content:
  - type: text
    text: what is this?
  - type: image_url
    image_url:
      url: data:image/png;base64,AAAA
  - type: image_url
    image_url:
      url: 3fa9
- role: tool
  content:
    tool_results:
    - call:
        name: get_weather
        arguments:
          city: Bern
        id: call_1
      output: sunny
    text: let me look
    sequence: false
- role: assistant
  content: |
    A picture.
"""


def test_aichat(tmp_path):
    pytest.importorskip("yaml", reason="the extra yaml is not installed")
    (found,) = conversations_in(written(tmp_path, "pictures.yaml", AICHAT))
    assert found.name == "pictures"
    assert said(found) == [
        ("user", "earlier"),
        ("user", "what is this?\n\n[a file]"),
        ("assistant", "let me look"),
        ("assistant", "A picture.\n"),
    ]
    assert found.messages[3].model == "openai:gpt-4o"
    (picture,) = found.messages[1].attachments
    assert (picture.media_type, picture.data) == ("image/png", b"\0\0\0")
    (call,) = found.messages[2].tool_calls
    assert (call.id, call.name, call.arguments, call.result) == (
        "call_1",
        "get_weather",
        '{"city": "Bern"}',
        "sunny",
    )
    assert found.left_out == {"file that is not in the export": 1}


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x]\nb: &b [*a, *a]\nmessages: [*b, *b]",
        "messages: !!python/object/apply:os.system ['true']",
        "messages: [" * 5000,
        "- just\n- a list",
        "messages: {}",
        "messages:\n- role: root\n  content: x",
        "a: [",
    ],
)
def test_yaml_that_means_harm_is_refused(tmp_path, text):
    pytest.importorskip("yaml", reason="the extra yaml is not installed")
    with pytest.raises(UsageError):
        conversations_in(written(tmp_path, "x.yaml", text))


@pytest.fixture
def logs(tmp_path):
    path = tmp_path / "logs.db"
    db = sqlite3.connect(path)
    db.executescript(
        """
        CREATE TABLE conversations (id TEXT PRIMARY KEY, name TEXT, model TEXT);
        CREATE TABLE responses (id TEXT PRIMARY KEY, model TEXT, prompt TEXT, system TEXT,
            prompt_json TEXT, options_json TEXT, response TEXT, response_json TEXT,
            conversation_id TEXT, duration_ms INTEGER, datetime_utc TEXT,
            input_tokens INTEGER, output_tokens INTEGER, token_details TEXT);
        CREATE TABLE attachments (id TEXT, type TEXT, path TEXT, url TEXT, content BLOB);
        CREATE TABLE prompt_attachments (response_id TEXT, attachment_id TEXT, "order" INTEGER);
        INSERT INTO conversations VALUES ('c1', 'Explain WAL', 'gpt-4o-mini');
        INSERT INTO responses VALUES ('r1', 'gpt-4o-mini', 'Explain WAL', 'be brief', NULL, '{}',
            'A log.', '{}', 'c1', 1500, '2024-05-06T07:08:09.123456', 11, 22, NULL);
        INSERT INTO responses VALUES ('r2', 'gpt-4o-mini', 'More', 'be brief', NULL, '{}',
            'Longer.', '{}', 'c1', 900, '2024-05-06T07:09:09+00:00', NULL, NULL, NULL);
        INSERT INTO responses VALUES ('r3', 'x', 'alone', NULL, NULL, '{}', NULL, '{}', NULL,
            NULL, NULL, NULL, NULL, NULL);
        INSERT INTO attachments VALUES ('a1', 'image/png', '/home/me/p.png', NULL, X'8950');
        INSERT INTO prompt_attachments VALUES ('r2', 'a1', 0);
        """
    )
    db.commit()
    db.close()
    return path


def test_llm(logs, store):
    before = logs.read_bytes()
    alone, found = sorted(read(llm.conversations(logs)), key=lambda c: len(c.messages))
    assert said(alone) == [("user", "alone")]
    assert found.name == "Explain WAL"
    assert said(found) == [
        ("system", "be brief"),
        ("user", "Explain WAL"),
        ("assistant", "A log."),
        ("user", "More"),
        ("assistant", "Longer."),
    ]
    assert (found.messages[2].usage, found.messages[2].total_s) == (Usage(11, 22), 1.5)
    assert found.messages[3].attachments[0].name == "p.png"
    assert store.put(llm.conversations(logs)).sessions == 2
    assert store.put(llm.conversations(logs)).present == 2
    assert logs.read_bytes() == before


def test_llm_as_it_was_in_its_first_year(tmp_path):
    path = tmp_path / "logs.db"
    db = sqlite3.connect(path)
    db.executescript(
        """CREATE TABLE conversations (id TEXT, name TEXT, model TEXT);
        CREATE TABLE responses (id TEXT, model TEXT, prompt TEXT, response TEXT,
            conversation_id TEXT, datetime_utc TEXT);
        INSERT INTO responses VALUES ('r', 'm', 'q', 'a', NULL, '2023-07-12T01:02:03');"""
    )
    db.commit()
    db.close()
    (found,) = read(llm.conversations(path))
    assert said(found) == [("user", "q"), ("assistant", "a")]
    # Plugins keep tables of their own beside them.
    with closing(sqlite3.connect(path)) as db:
        db.executescript("CREATE TABLE session (x); CREATE TABLE message (x);")
        db.execute("CREATE TABLE checkpoint (x)")
    assert said(*read(llm.conversations(path))) == [("user", "q"), ("assistant", "a")]


def test_another_database_and_a_broken_one_are_refused(tmp_path):
    path = tmp_path / "other.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE x (y)")
    db.commit()
    db.close()
    with pytest.raises(UsageError, match="not a database that can be read"):
        read(llm.conversations(path))
    path.write_bytes(path.read_bytes()[:100] + b"\xff" * 5000)
    with pytest.raises(UsageError):
        read(llm.conversations(path))


@pytest.mark.parametrize(
    "document",
    [
        [{"mapping": {}}],
        [{"mapping": [], "id": "x"}],
        [{"mapping": {"a": {"message": 5}}, "id": "x", "current_node": "a"}],
        [{"chat_messages": [], "uuid": 5}],
        [{"chat_messages": [{}], "uuid": "x", "created_at": "2025-01-01"}],
        [{"role": "user", "content": 5}],
        [{"role": "user", "content": "x"}, 7],
        [5],
        [],
    ],
)
def test_shapes_that_are_nearly_right_are_refused(tmp_path, store, document):
    with pytest.raises(UsageError):
        bring_in(store, written(tmp_path, "x.json", document))
    assert store.count() == 0


def test_an_empty_conversation_does_not_come_in(tmp_path):
    file = written(tmp_path, "c.json", [{"mapping": {}, "id": "x"}])
    assert conversations_in(file) == []


def test_the_newest_of_another_program_is_the_last_used_of_an_empty_database(tmp_path, store):
    chats = [
        {
            "uuid": name,
            "name": name,
            "created_at": f"{year}-01-01T00:00:00Z",
            "chat_messages": [
                {"sender": "human", "text": "hi", "created_at": f"{year}-01-01T00:00:00Z"}
            ],
        }
        for name, year in (("newest", 2025), ("oldest", 2023), ("middle", 2024))
    ]
    bring_in(store, written(tmp_path, "conversations.json", chats))
    assert [s.name for s in store.list_recent()] == ["newest", "middle", "oldest"]
