"""Row policies as docs/postgres.md gives them: the SQL of the page is run, and then tried."""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hfs_cli.errors import StoreError
from hfs_cli.messages import Attachment, Reply
from hfs_cli.store.store import SessionStore
from tests.exchange.test_native import exported, populate
from tests.redact.keys import Keys
from tests.scripted_server import openai_sse
from tests.store.places import open_place
from tests.store.talking import Talk

PAGE = Path(__file__).parents[3] / "docs" / "postgres.md"
# What tells of the tables and not of anybody's sessions.
OF_ALL = {"hfs_schema", "schema_migration"}
SESSION = "(uid, name, origin, message_count, created_at, updated_at, owner)"
MESSAGE = "(session_id, position, role, content, status, created_at)"
PICTURE = Attachment("a.png", "image/png", b"what both have")


@dataclass
class Team:
    """A database with the page's roles and policies."""

    owner: str
    ann: str
    bob: str

    def url(self, role: str) -> str:
        return re.sub(r"//[^@]*@", f"//{role}@", self.owner)

    def open(self, role: str, **settings: Any) -> SessionStore:
        """As that role, who acts in its own name unless another one is given."""
        return open_place(self.url(role), **({"owner": role} | settings))

    def run(self, role: str | None, statement: str) -> psycopg.Cursor[Any]:
        """A statement of a role's, or of whose the tables are."""
        where = self.url(role) if role else self.owner
        with psycopg.connect(where, autocommit=True) as db:
            return db.execute(statement.encode())

    def count(self, table: str, role: str | None = None) -> int:
        row = self.run(role, f"SELECT count(*) FROM {table}").fetchone()
        assert row is not None
        return int(row[0])

    def tables(self) -> list[str]:
        found = self.run(None, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return sorted({name for (name,) in found} - OF_ALL)


@pytest.fixture
def team(postgres_databases) -> Iterator[Team]:
    """Roles are the server's: they have names that no other test gives to any."""
    suffix = uuid.uuid4().hex[:8]
    names = {name: f"{name}_{suffix}" for name in ("hfs_users", "ann", "bob")}
    (page,) = re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
    statements = re.sub(r"\b(hfs_users|ann|bob)\b", lambda found: names[found[0]], page)
    # Not one of those that are used again: the policies would stay.
    with postgres_databases.bare() as database:
        with open_place(database.where, owner="hfs") as store:
            assert store.count() == 0
        made = Team(database.where, names["ann"], names["bob"])
        try:
            made.run(None, statements)
            yield made
        finally:
            made.run(None, f"DROP OWNED BY {names['hfs_users']}")
            for name in reversed(names.values()):
                made.run(None, f"DROP ROLE {name}")


def test_every_table_has_a_policy(team):
    guarded = team.run(None, "SELECT tablename FROM pg_policies WHERE schemaname = 'public'")
    assert sorted({name for (name,) in guarded}) == team.tables()
    switched = team.run(
        None,
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND rowsecurity",
    )
    assert sorted(name for (name,) in switched) == team.tables()


def test_another_role_can_neither_see_nor_change_a_row_of_any_table(team):
    chance = random.Random(17)
    with team.open(team.ann) as ann:
        populate(ann, 30, chance, lambda: f"text {chance.random()}")
        talk = Talk(ann)
        ann.note_request(talk.answer(talk.ask("q"), "a"), "digest")
        ann.save_piece(talk.ask("partly", name="partly"), Reply("some", "m/x"))
        ann.delete([ann.list_recent()[-1].id])
        before = exported(ann)
        team.run(
            None,
            f"INSERT INTO import (started_at, ended_at, owner) VALUES (0, 0, '{team.ann}')",
        )
        assert [table for table in team.tables() if not team.count(table)] == []
        assert [table for table in team.tables() if not team.count(table, team.ann)] == []
        assert [table for table in team.tables() if team.count(table, team.bob)] == []
        for table in team.tables():
            (column,) = team.run(
                None,
                "SELECT column_name FROM information_schema.columns WHERE ordinal_position = 1"
                f" AND table_name = '{table}'",
            ).fetchone()
            for change in (f"DELETE FROM {table}", f"UPDATE {table} SET {column} = {column}"):
                try:
                    assert team.run(team.bob, change).rowcount == 0
                except psycopg.errors.InsufficientPrivilege:
                    assert table == "attachment"
        (number,) = team.run(None, "SELECT max(id) FROM session").fetchone()
        for added in (
            f"session {SESSION} VALUES ('x', 'x', 'chat', 0, 0, 0, '{team.ann}')",
            f"message {MESSAGE} VALUES ({number}, 99, 'user', 'x', 'complete', 0)",
            f"checkpoint (session_id, position, created_at) VALUES ({number}, 1, 0)",
            f"asking VALUES ({number}, 'x', now())",
            f"deleted (uid, owner, seen_at) VALUES ('x', '{team.ann}', 0)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                team.run(team.bob, f"INSERT INTO {added}")
        with pytest.raises(psycopg.errors.CheckViolation):
            # Bytes that everybody finds by their digest have it.
            team.run(team.bob, "INSERT INTO attachment VALUES ('abc', 'other bytes')")
        assert exported(ann) == before
        assert ann.check() == []


def test_everything_can_be_done_with_what_is_ones_own(team):
    chance = random.Random(3)
    with team.open(team.ann) as ann, team.open(team.bob) as bob:
        # In turns: neither sees which numbers the other's rows have.
        for store in (ann, bob, ann, bob):
            populate(store, 15, chance, lambda: f"text {chance.random()}")
            Talk(store).turn("about the walrus", "yes", name=f"plan {store.count()}")
        hers = exported(ann)
        assert bob.put(ann.conversations()).sessions > 5
        assert bob.put(ann.conversations()).sessions == 0
        Talk(ann).turn("q", "a", name="after the import")
        assert len(ann.search("walrus")) == 2
        assert len(bob.search("walrus")) == 4
        for store in (ann, bob):
            one = store.last_used()
            assert one is not None
            store.rename(one.id, "renamed")
            fork = store.fork(one.id)
            Talk(store).turn("more", "b", fork)
            store.create_checkpoint(fork.id, "here")
            store.undo(fork.id)
            store.rewind(fork.id, "here")
            store.delete_checkpoint(fork.id, "here")
            store.delete([fork.id])
            assert store.tallies("day")
            assert store.check() == []
        assert exported(ann) != hers
        with team.open(team.ann, every=True) as every:
            assert {session.owner for session in every.list_recent(limit=None)} == {team.ann}
        kept = exported(ann)
        assert bob.delete([s.id for s in bob.list_recent(limit=None, unanswered=True)]) > 10
        assert (bob.count(), exported(ann)) == (0, kept)
        assert ann.check() == []


def test_what_two_owners_messages_carry_goes_with_the_last(team):
    with team.open(team.ann) as ann, team.open(team.bob) as bob:
        for store in (ann, bob):
            talk = Talk(store)
            talk.answer(talk.ask("see", name="with a picture", attachments=(PICTURE,)), "a")
        assert team.count("attachment") == 1
        bob.delete([bob.resolve("with").id])
        assert ann.transcript(ann.resolve("with").id)[0].attachments == (PICTURE,)
        Talk(ann).turn("q", "a", name="another")
        ann.delete([ann.resolve("with").id])
        assert (team.count("attachment"), ann.count()) == (0, 1)


def test_nobody_can_pass_for_another(team):
    with team.open(team.ann) as ann:
        Talk(ann).turn("q", "a", name="hers")
    with team.open(team.bob, owner=team.ann) as claimed:
        assert claimed.list_recent() == []
        with pytest.raises(
            StoreError, match=f"{team.bob}'s own: set HFS_USER={team.bob}, and leave"
        ):
            Talk(claimed).ask("q", name="a name")
        assert claimed.delete([1]) == 0
    assert team.count("session") == 1


def test_what_the_owner_of_the_tables_has_to_do_is_said(team):
    note = Attachment("notes.txt", "text/plain", Keys().checked("ghp_").encode())
    with team.open(team.ann) as ann, team.open(team.bob) as bob:
        for store in (ann, bob):
            talk = Talk(store)
            talk.answer(talk.ask("see", name="key", attachments=(note,)), "a")
        with pytest.raises(StoreError, match=r"^only hfs, whose the tables are, may tidy them up"):
            ann.vacuum()
        assert len(ann.redact()) == 1
        assert (len(ann.kept_keys()), len(bob.kept_keys())) == (0, 1)
        assert (ann.check(), bob.check()) == ([], [])
    with open_place(team.owner) as store:
        store.vacuum()


def test_from_17_on_the_owner_may_let_another_role_tidy_up(team):
    version = team.run(None, "SHOW server_version_num").fetchone()
    if int(version[0]) < 170_000:
        pytest.skip("PostgreSQL knows GRANT MAINTAIN from 17 on")
    with team.open(team.ann) as ann:
        with pytest.raises(StoreError, match="may tidy them up"):
            ann.vacuum()
        for table in team.tables():
            team.run(None, f"GRANT MAINTAIN ON {table} TO {team.ann}")
        ann.vacuum()


def test_the_commands_run_under_them(team, chat, server, tmp_path):
    server.always(openai_sse("about the walrus"))
    chat.env |= {"HFS_DATABASE": team.url(team.ann), "HFS_USER": team.ann}
    chat.ok("chat", "-n", "plan", "hi")
    file = tmp_path / "all.jsonl"
    file.write_text(chat.ok("sessions", "export", "--all", "--format", "jsonl"))
    chat.env |= {"HFS_DATABASE": team.url(team.bob), "HFS_USER": team.bob}
    assert chat.ok("sessions", "list", "--all-owners") == ""
    assert b'no session "plan"' in chat("sessions", "show", "plan").stderr
    chat.ok("sessions", "import", str(file))
    chat.ok("chat", "-c", "--reuse", "more")
    assert chat.ok("sessions", "search", "walrus").count("\n") == 2
    assert chat("db", "check").returncode == 0
    done = chat("sessions", "redact", "--yes")
    assert (done.returncode, b"that role runs VACUUM (FULL)" in done.stderr) == (0, True)
    done = chat("db", "vacuum")
    assert (done.returncode, b"only hfs, whose the tables are" in done.stderr) == (8, True)
    done = chat("chat", "--owner", team.ann, "hi")
    assert (done.returncode, f"set HFS_USER={team.bob}".encode() in done.stderr) == (8, True)
    chat("delete", "--all", "--yes")
    assert (team.count("session"), team.count("session", team.bob)) == (1, 0)
