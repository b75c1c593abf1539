"""A second engine is one more room: a connection and an engine, and nothing else changes."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest
from peewee import SQL, SchemaManager, SqliteDatabase, fn

from hfs_cli.errors import UsageError
from hfs_cli.store import tables
from hfs_cli.store.engine import Connection, Engine, statement
from hfs_cli.store.store import SessionStore
from tests.store.talking import Talk


class PlainConnection(Connection, SqliteDatabase):
    """Tables as the models describe them, no foreign keys, and no index of words."""

    def index(self, of, number, text):
        pass

    unindex = index

    def unindex_messages(self, session_id):
        # What refers to a session goes with it, which is the engine's business.
        for table in (tables.MessageRow, tables.CheckpointRow):
            table.delete().where(table.session_id == session_id).execute(self)

    def forget_words(self):
        for table in tables.TABLES:
            if table is not tables.SessionRow:
                table.delete().execute(self)

    def local_day(self, microseconds):
        return fn.strftime("%Y-%m-%d", microseconds / 1_000_000, "unixepoch", "localtime")


class PlainEngine:
    def __init__(self) -> None:
        self.spill_directory = Path()
        self.db = PlainConnection(":memory:")
        for model in tables.TABLES:
            if hasattr(model, "owner"):  # which every engine gives to a row itself
                model.owner.constraints = [SQL("DEFAULT ''")]
            SchemaManager(model, self.db).create_table()

    @contextmanager
    def reading(self, *, once=False):
        with self.db.atomic():
            yield self.db

    @contextmanager
    def writing(self, wait_s=30.0, *, durable=True):
        with self.db.atomic():
            yield self.db

    def ask(self, session_id):
        """Nobody else can have the database of this process."""

    def answered(self, session_id):
        """See `ask`."""

    def is_asked(self, session_id):
        return False

    def close(self):
        self.db.close()


@pytest.fixture
def store(tmp_path):
    with SessionStore(tmp_path / "unused.db") as opened:
        opened._engine = cast("Engine", PlainEngine())
        yield opened
    assert not (tmp_path / "unused.db").exists()


def test_sessions_turns_and_branches_work_on_another_engine(store):
    talk = Talk(store)
    session = talk.turn("q1", "a1", name="notes")
    talk.turn("q2", "a2", session)
    store.create_checkpoint(session.id, "end")
    fork = store.fork(session.id, at=2)
    talk.turn("x", "y", fork)
    store.rewind(session.id, "2")
    store.rewind(session.id, "end")
    assert talk.contents(session) == ["q1", "a1", "q2", "a2"]
    assert talk.contents(fork) == ["q1", "a1", "x", "y"]
    assert store.rename(fork.id, "other").name == "other"
    with pytest.raises(UsageError, match="taken"):
        store.rename(fork.id, "notes")
    assert store.resolve("not").id == session.id
    assert [s.name for s in store.list_recent(query="OTH")] == ["other"]
    assert sum(tally.turns for tally in store.tallies("day")) == 3
    assert len(list(store.conversations())) == store.count() + 1
    store.delete([session.id])
    assert talk.contents(fork) == ["q1", "a1", "x", "y"]
    assert store.delete([fork.id]) == 1
    assert store.list_recent() == []


def test_a_statement_is_built_once_for_each_engine_and_run_with_other_values():
    built = []

    @statement
    def named(name: str):
        built.append(name)
        return tables.SessionRow.select(tables.SessionRow.name, of=None).where(
            tables.SessionRow.name == name
        )

    engine = PlainEngine()
    columns = {"uid": "", "origin": "chat", "message_count": 0, "created_at": 0, "updated_at": 0}
    for name in ("a", "b"):
        tables.SessionRow.insert(name=name, **columns).execute(engine.db)
    assert [list(named(engine.db, name)) for name in ("a", "b", "c")] == [[("a",)], [("b",)], []]
    assert len(built) == 1
