"""A database that others have edited or hold: refused or read around, never a bug or a hang."""

import os
import re
import shutil
import sqlite3
from contextlib import closing

import pytest

from hfs_cli.conversations import SearchFilter
from hfs_cli.errors import HfsError, StoreError
from hfs_cli.messages import Call, ChatMessage, KeptState, Place, Reply, Turn
from hfs_cli.store import tables
from hfs_cli.store.store import SessionStore


@pytest.fixture
def kept(store, talk, path):
    """Sessions, a branch, a checkpoint and a reply that broke off; closed."""
    first = talk.turn("question one", "answer in zebras")
    call = Call("c1", "zoo__count", "{}", "seven okapis", extra={"a": 1})
    asked = talk.ask("question two", first)
    talk.answer(asked, "", tool_calls=(call,), state=KeptState("m", ({"b": 2},)))
    talk.answer(asked, "answer", step=1)
    branch = store.fork(first.id, at=2)
    talk.turn("else", "other", branch)
    opened = talk.ask("broken")
    store.save_piece(opened, Reply("half", "m/x"))
    store.close()
    return path


def edit(path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute(statement, values)


def problems(path) -> str:
    with SessionStore(path) as store:
        return "\n".join(store.check())


def use_everything(path) -> list[HfsError]:
    """Every kind of use; what it was refused with. A bug is another kind of exception."""
    uses = [
        lambda store: store.list_recent(),
        lambda store: store.resolve("@last"),
        lambda store: store.transcript(1),
        lambda store: store.search("zebras"),
        lambda store: store.search("zebras", SearchFilter(session_id=2)),
        lambda store: store.search("okapis"),
        lambda store: list(store.conversations(None, tails=True)),
        lambda store: store.family(1),
        lambda store: store.tallies("model"),
        lambda store: store.tallies("day"),
        lambda store: store.last_asked(),
        lambda store: store.checkpoints_of(1),
        lambda store: store.undo(1),
        lambda store: store.check(),
        lambda store: store.rename(1, "another name"),
        lambda store: store.touch(2),
        lambda store: store.begin(Turn(ChatMessage("user", "on"), "m/x", place=Place(2))),
        lambda store: store.fork(2),
        lambda store: store.delete([1, 2]),
    ]
    refusals = []
    for use in uses:
        with SessionStore(path) as store:
            try:
                use(store)
            except HfsError as error:
                refusals.append(error)
    return refusals


COLUMNS = [
    (model._meta.table_name, field.column_name)
    for model in tables.TABLES
    for field in model._meta.sorted_fields
    if field.column_name not in {"id", "sha256"}
]
ODD = [b"\xff\xfe blob", 2**62, 2**63 - 1, -(2**63), "text", 1e308, None]


@pytest.mark.parametrize("column", COLUMNS, ids=".".join)
def test_odd_values_are_not_a_bug(kept, column):
    for number, value in enumerate(ODD):
        (kept.parent / str(number)).mkdir(mode=0o700)
        path = shutil.copy(kept, kept.parent / str(number) / "hfs.db")
        try:
            edit(path, f"UPDATE {column[0]} SET {column[1]} = ?", value)
        except sqlite3.IntegrityError:
            continue
        assert all(error.exit_code in {2, 4, 8} for error in use_everything(path))


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE message SET content = x'ff' WHERE id = 2", "row 2 of message has a value"),
        ("UPDATE message SET content = CAST(x'61ff' AS TEXT) WHERE id = 2", "2 .* not UTF-8"),
        ("UPDATE message SET content = 'answer in zebra3' WHERE id = 2", "zebra3, zebras"),
        ("UPDATE session SET updated_at = 4611686018427387904 WHERE id = 1", "row 1 of session"),
        ("UPDATE session SET parent_id = id, fork_position = 2 WHERE id = 2", "branch of itself"),
        ("UPDATE session SET name = 'other' WHERE id = 1", "index of sessions"),
        ("INSERT INTO piece VALUES (9, 2, 'left', 'over')", "message 2 is complete and has pieces"),
        ("UPDATE session SET message_count = 9 WHERE id = 1", "says it holds 9"),
        ("UPDATE tool_call SET result = 'six okapis'", "index of calls .* seven, six"),
        ("UPDATE tool_call SET started_at = 4611686018427387904", "row 1 of tool_call"),
        ("UPDATE tool_call SET message_id = 99", "row 1 of tool_call refers to a missing row"),
    ],
)
def test_a_check_names_what_was_edited(kept, statement, found):
    assert problems(kept) == ""
    edit(kept, statement)
    assert re.search(found, problems(kept))


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t BEFORE INSERT ON message BEGIN SELECT RAISE(ABORT, 'no'); END",
        "CREATE VIEW v AS WITH RECURSIVE e(n) AS (SELECT 1 UNION ALL SELECT 1) SELECT n FROM e",
    ],
)
def test_triggers_and_views_are_refused(kept, statement):
    edit(kept, statement)
    refusals = use_everything(kept)
    assert len(refusals) == 19
    assert all("that hfs did not make" in error.message for error in refusals)


def test_a_flipped_byte_in_a_text_is_said(kept):
    edit(kept, "UPDATE message SET content = CAST(x'c3' AS TEXT) WHERE id = 2")
    with SessionStore(kept) as store, pytest.raises(StoreError, match="damaged"):
        store.transcript(1)


@pytest.mark.parametrize(("place", "mode"), [("hfs.db", 0o666), (".", 0o777), (".", 0o1777)])
def test_what_every_user_may_write_is_refused(kept, place, mode):
    (kept.parent / place).chmod(mode)
    with SessionStore(kept) as store, pytest.raises(StoreError, match="chmod o-w"):
        store.list_recent()
    with SessionStore(kept) as store, pytest.raises(StoreError, match="chmod o-w"):
        store.touch(1)


def test_nothing_is_made_in_a_directory_that_every_user_may_write(path):
    path.parent.mkdir()
    path.parent.chmod(0o1777)
    with SessionStore(path) as store:
        for change in (lambda: store.touch(1), lambda: store.put([])):
            with pytest.raises(StoreError, match="chmod o-w"):
                change()
    assert list(path.parent.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("place", ["hfs.db", "."])
def test_what_belongs_to_another_user_is_refused(kept, place):
    os.chown(kept.parent / place, 12345, -1)
    with SessionStore(kept) as store, pytest.raises(StoreError, match="sudo chown 0"):
        store.list_recent()
