"""A database that somebody else has edited: an error of the database, never a bug or a hang."""

import contextlib
import sqlite3

import pytest

from hfs_cli.errors import HfsError, StoreError
from hfs_cli.messages import Attachment, Call, ChatMessage, KeptState, Place, Reply, Turn, Usage
from hfs_cli.store.store import SessionStore

EDITS = {
    "its own ancestor": "UPDATE session SET parent_id = id, fork_position = 1 WHERE id = 1",
    "a circle of branches": "UPDATE session SET parent_id = 2, fork_position = 1 WHERE id = 1",
    "a parent at a word": "UPDATE session SET fork_position = 'x' WHERE id = 2",
    "a parent beyond its end": "UPDATE session SET fork_position = 1 << 62 WHERE id = 2",
    "times of 2^62": "UPDATE session SET created_at = 1 << 62, updated_at = 1 << 62",
    "messages of 2^62": "UPDATE message SET created_at = 1 << 62",
    "times that are bytes": "UPDATE message SET created_at = x'00'",
    "checkpoints of 2^62": "UPDATE checkpoint SET created_at = 1 << 62",
    "names that are bytes": "UPDATE session SET name = CAST(name AS BLOB)",
    "names that are not UTF-8": "UPDATE session SET name = CAST(x'61ff' AS TEXT) || id",
    "text that is bytes": "UPDATE message SET content = x'ff00'",
    "text that is not UTF-8": "UPDATE message SET content = CAST(x'61ff62' AS TEXT)",
    "a count that is a word": "UPDATE session SET message_count = 'many'",
    "a negative count": "UPDATE session SET message_count = -5",
    "an order of bytes": "UPDATE session SET use_seq = x'00' WHERE id = 1",
    "an order at its end": "UPDATE session SET use_seq = 9223372036854775807 WHERE id = 1",
    "an unknown status": "UPDATE session SET last_status = 'odd'",
    "an unknown role": "UPDATE message SET role = 'robot'",
    "an unknown state": "UPDATE message SET status = 'odd'",
    "positions that are words": "UPDATE message SET position = 'x' || id",
    "positions below zero": "UPDATE message SET position = -id",
    "checkpoints at words": "UPDATE checkpoint SET position = 'x'",
    "labels that are bytes": "UPDATE checkpoint SET label = x'61' WHERE label IS NOT NULL",
    "tokens that are words": "UPDATE message SET input_tokens = 'many'",
    "tokens without end": "UPDATE message SET input_tokens = 9223372036854775807",
    "seconds without end": "UPDATE message SET total_s = 9e999, first_token_s = 9e999",
    "a state that is not JSON": "UPDATE message SET state = '{'",
    "a state of other things": """UPDATE message SET state = '{"provider": "a", "items": [1]}'""",
    "a step of bytes": "UPDATE message SET step = x'00'",
    "steps in a circle": "UPDATE message SET reply_to = id WHERE role = 'assistant'",
    "what is extra as a list": "UPDATE message SET extra = '[]'",
    "calls of bytes": "UPDATE tool_call SET result = x'ff00'",
    "calls that are not UTF-8": "UPDATE tool_call SET result = CAST(x'61ff62' AS TEXT)",
    "calls of 2^62": "UPDATE tool_call SET started_at = 1 << 62",
    "a call's extra that is not JSON": "UPDATE tool_call SET extra = '{'",
    "calls that are gone": "DELETE FROM tool_call",
    "citations that are not JSON": "UPDATE message SET citations = '['",
    "citations without end": "UPDATE message SET citations = '[[1, 2, 3, 4, 5, 6]]'",
    "citations of other things": "UPDATE message SET citations = '[[1, 2, 3, 4, 5]]'",
    "answers to words": "UPDATE message SET reply_to = 'x'",
    "an attachment's name of bytes": "UPDATE message_attachment SET name = x'00'",
    "an attachment's bytes as text": "UPDATE attachment SET data = 'text'",
    "attachments that are gone": "DELETE FROM attachment",
    "messages that are gone": "DELETE FROM message",
    "a session that is gone": "DELETE FROM session WHERE id = 1",
    "a table that is gone": "DROP TABLE checkpoint",
    "a column that is gone": "ALTER TABLE message DROP COLUMN finish_raw",
    "a column more": "ALTER TABLE message ADD COLUMN more TEXT",
    "a view for a table": "ALTER TABLE checkpoint RENAME TO c; "
    "CREATE VIEW checkpoint AS SELECT * FROM c",
    "a trigger that aborts": "CREATE TRIGGER t BEFORE UPDATE ON session "
    "BEGIN SELECT RAISE(ABORT, 'no'); END",
    "a trigger that rolls back": "CREATE TRIGGER t BEFORE INSERT ON message "
    "BEGIN SELECT RAISE(ROLLBACK, 'no'); END",
}


@pytest.fixture
def kept(path):
    """Two sessions, the second a fork of the first, with all that a session may hold."""
    with SessionStore(path) as store:
        picture = (Attachment("a.png", "image/png", b"x"),)
        turn = Turn(ChatMessage("user", "hello world", picture), "a/m", place=Place(name="one"))
        call = Call("c", "tool", "{}", "result", extra={"a": 1})
        state = KeptState("a", ({"sealed": "x"},))
        opened = store.begin(turn)
        store.save_reply(opened, Reply("", "a/m", "complete", tool_calls=(call,), state=state))
        reply = Reply("the reply", "a/m", "complete", usage=Usage(1, 2), first_token_s=0.5, step=1)
        store.save_reply(opened, reply)
        store.create_checkpoint(1, "mark")
        forked = store.fork(1, name="forked")
        turn = Turn(ChatMessage("user", "more"), "a/m", place=Place(forked.id))
        store.save_reply(store.begin(turn), Reply("so far", "a/m"))
    return path


def everything(store: SessionStore):
    """What a user can ask for, one after the other; what the last ones change is taken along."""
    turn = Turn(ChatMessage("user", "and"), "a/m", place=Place(2))
    yield lambda: store.list_recent(limit=None, unanswered=True)
    for session_id in (1, 2):
        yield lambda number=session_id: store.get(number)
        yield lambda number=session_id: store.transcript(number)
        yield lambda number=session_id: store.family(number)
        yield lambda number=session_id: store.checkpoints_of(number)
    yield store.last_asked
    yield lambda: store.resolve("fork")
    yield lambda: store.search("hello")
    yield lambda: store.search("so far")
    yield lambda: store.search("result")
    for heading in ("day", "model", "session"):
        yield lambda by=heading: store.tallies(by)
    yield lambda: list(store.conversations())
    yield store.check
    yield lambda: store.save_reply(store.begin(turn), Reply("then", "a/m", status="complete"))
    yield lambda: store.fork(1, at=1)
    yield lambda: store.rewind(1, "mark")
    yield lambda: store.undo(2)
    yield lambda: store.rename(1, "else")
    yield lambda: store.delete([1])
    yield lambda: store.delete([1, 2, 3, 4, 5, 6])


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edited_database_is_never_a_bug(kept, edit):
    with contextlib.closing(sqlite3.connect(kept)) as db:
        db.executescript(f"PRAGMA ignore_check_constraints = ON; {edit};")
    with SessionStore(kept) as store:
        for ask in everything(store):
            with contextlib.suppress(HfsError):
                ask()


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        ("its own ancestor", "session 1 is a branch of itself"),
        ("messages of 2^62", "not in the calendar"),
        ("text that is bytes", "a message with values of another type"),
        ("text that is not UTF-8", "Could not decode to UTF-8 column 'content')"),
    ],
)
def test_the_error_says_what_is_wrong(kept, edit, says):
    with contextlib.closing(sqlite3.connect(kept)) as db:
        db.executescript(EDITS[edit])
    with SessionStore(kept) as store, pytest.raises(StoreError, match="is damaged") as caught:
        store.transcript(1)
    assert says in caught.value.message


def test_a_session_that_is_its_own_ancestor_ends_with_exit_8(hfs):
    hfs.keep("one", "hi", "hello")
    with contextlib.closing(sqlite3.connect(hfs.database)) as db:
        db.executescript(EDITS["its own ancestor"])
    for command in (("show", "one"), ("tree", "one"), ("search", "hi"), ("export", "one")):
        done = hfs("sessions", *command)
        assert done.returncode in {0, 8}, done.stderr
    assert hfs("sessions", "show", "one").returncode == 8
