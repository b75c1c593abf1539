"""The tables are made once, by whoever comes first, and nobody else's are touched."""

import re
import shutil
import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
import pytest

from hfs_cli.errors import StoreError
from hfs_cli.store.postgres import migrate
from tests.store.places import open_place
from tests.store.talking import Talk

MANY = 16


def test_many_that_come_at_once_make_the_tables_once(postgres_databases):
    with postgres_databases.bare() as database:
        together = Barrier(MANY)

        def come(number):
            with open_place(database.where) as store:
                together.wait(60)
                Talk(store).turn(f"q{number}", "a")

        with ThreadPoolExecutor(MANY) as threads:
            list(threads.map(come, range(MANY)))
        with open_place(database.where) as store:
            assert store.count() == MANY
            assert store.check() == []


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ("CREATE TABLE message (id int)", "another program's tables"),
        (
            "CREATE TABLE hfs_schema (version bigint); INSERT INTO hfs_schema VALUES (99)",
            "a newer hfs",
        ),
    ],
)
def test_what_is_not_ours_is_refused_and_left_as_it_is(postgres_databases, made, says):
    with postgres_databases.bare() as database:
        with psycopg.connect(database.where, autocommit=True) as db:
            db.execute(made.encode())
        with open_place(database.where) as store, pytest.raises(StoreError, match=says):
            store.count()
        with psycopg.connect(database.where, autocommit=True) as db:
            tables = db.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
            assert tables.fetchone() == (1,)


@pytest.fixture
def first_version(postgres_databases, monkeypatch, tmp_path):
    """A database as it was before sessions had owners, with a session in it."""
    shutil.copy(migrate._DIRECTORY / "0001_sessions.py", tmp_path)
    with postgres_databases.bare() as database:
        with monkeypatch.context() as before:
            before.setattr(migrate, "SCHEMA_VERSION", 1)
            before.setattr(migrate, "_DIRECTORY", tmp_path)
            with open_place(database.where) as store, store._engine.reading():
                pass
        with psycopg.connect(database.where, autocommit=True) as db:
            db.execute(
                "INSERT INTO session (uid, name, origin, message_count, created_at, updated_at,"
                " use_seq) VALUES ('a', 'notes', 'chat', 0, 0, 0, 1)"
            )
            db.execute("INSERT INTO session_words VALUES (1, 'notes')")
            db.execute("INSERT INTO deleted VALUES ('b', 0)")
        yield database


def test_what_was_there_before_is_whose_who_brings_it_up_to_date(first_version):
    with open_place(first_version.where, owner="ann") as ann:
        assert [session.owner for session in ann.list_recent()] == ["ann"]
        Talk(ann).turn("q", "a", ann.resolve("notes"))
        assert ann.check() == []
    with open_place(first_version.where, owner="bob") as bob:
        assert bob.list_recent() == []
        assert Talk(bob).turn("q", "a", name="notes").owner == "bob"
    with psycopg.connect(first_version.where) as db:
        assert db.execute("SELECT * FROM deleted").fetchall() == [("b", "ann", 0)]


def test_a_role_that_does_not_own_the_tables_is_told_who_has_to_come_first(first_version):
    role = f"someone_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(first_version.where, autocommit=True) as db:
        db.execute(f"CREATE ROLE {role} LOGIN".encode())
        db.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}".encode())
        try:
            where = re.sub(r"//[^@]*@", f"//{role}@", first_version.where)
            says = "only hfs, whose they are, can bring them up to date"
            with open_place(where) as store, pytest.raises(StoreError, match=says):
                store.count()
        finally:
            db.execute(f"DROP OWNED BY {role}".encode())
            db.execute(f"DROP ROLE {role}".encode())


def test_changed_tables_reach_the_disk_before_they_are_used(first_version, monkeypatch, tmp_path):
    shutil.copy(migrate._DIRECTORY / "0002_owners.py", tmp_path)
    (tmp_path / "0003_look.py").write_text(
        "def up(migrator, database):\n"
        "    database.execute_sql(\n"
        "        \"CREATE TABLE seen AS SELECT current_setting('synchronous_commit') AS how\"\n"
        "    )\n"
    )
    monkeypatch.setattr(migrate, "SCHEMA_VERSION", 3)
    monkeypatch.setattr(migrate, "_DIRECTORY", tmp_path)
    with open_place(first_version.where) as store:
        assert store.count() == 1
    with psycopg.connect(first_version.where) as db:
        assert db.execute("SELECT how FROM seen").fetchone() == ("on",)
