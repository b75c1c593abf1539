"""A process that is killed at any statement leaves all of its work on the server, or none.

HFS_TEST_KILLS is how often each operation is killed (2 by default; 25 makes a long run), and
HFS_TEST_STRIDE at which statements the making of the tables is.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from hfs_cli.exchange.own import json_document
from hfs_cli.store.store import SessionStore
from tests.store.places import EmptyDatabase
from tests.store.talking import Talk

KILLS = int(os.environ.get("HFS_TEST_KILLS", "2"))
STRIDE = int(os.environ.get("HFS_TEST_STRIDE", "5"))

# Kills itself just before the nth of what it asks the server; prints how much that was.
CHILD = """
import os, signal, sys
from pathlib import Path
import psycopg
from hfs_cli.exchange.detect import open_source
from hfs_cli.messages import ChatMessage, Place, Reply, Turn
from tests.store.places import open_place

where, left, operation, source = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
count = 0
def counting(run):
    def counted(*args, **more):
        global count
        count += 1
        if count == left:
            os.kill(os.getpid(), signal.SIGKILL)
        return run(*args, **more)
    return counted
for kind, name in ((psycopg.Cursor, "execute"), (psycopg.Cursor, "copy"),
                   (psycopg.Connection, "commit")):
    setattr(kind, name, counting(getattr(kind, name)))

def turn(store):
    opened = store.begin(Turn(ChatMessage("user", "q"), "m/x", place=Place(1)))
    store.save_reply(opened, Reply("half", "m/x"))
    store.save_reply(opened, Reply("whole", "m/x", status="complete"))

with open_place(where) as store:
    {
        "import": lambda: store.put(open_source(Path(source))),
        "fork": lambda: store.fork(1, at=3),
        "rewind": lambda: store.rewind(1, "1"),
        "undo": lambda: store.undo(2, 1),
        "rename": lambda: store.rename(1, "another"),
        "delete": lambda: store.delete([1, 2]),
        "turn": lambda: turn(store),
        "nothing": lambda: store.delete([1]),
    }[operation]()
    print(count)
"""


def run(database: EmptyDatabase, left: int, operation: str, source: Path | str = "") -> str:
    """What it printed; nothing where it was killed."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, database.where, str(left), operation, str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.stdout


def content(database: EmptyDatabase) -> list[tuple[object, ...]]:
    """All that is kept, without the numbers and times that differ from run to run."""
    with database.open() as store:
        assert store.check() == []
        return sorted(
            (c.name, c.listed, [(m.content, m.status) for m in c.messages], len(c.checkpoints))
            for c in store.conversations()
        )


def talk_for_a_while(store: SessionStore, name: str) -> None:
    """Two sessions with a fork and a tail."""
    talk = Talk(store)
    one, two = (talk.turn("q1", "a1", name=f"{name} {n}") for n in (1, 2))
    for session in (one, two, one):
        talk.turn("q", "a", session)
    store.fork(one.id, at=4)
    store.undo(one.id)


@pytest.mark.parametrize(
    "operation", ["import", "fork", "rewind", "undo", "rename", "delete", "turn"]
)
def test_an_operation_is_done_or_not(postgres_databases, tmp_path, operation):
    with SessionStore(tmp_path / "hfs.db") as store:
        talk_for_a_while(store, "other")
        source = tmp_path / "in.json"
        source.write_text("".join(json_document(store.conversations())))
    chance = random.Random(operation)
    stages = []
    count = 0
    for number in range(KILLS + 1):
        with postgres_databases.new() as database:
            with database.open() as store:
                talk_for_a_while(store, "base")
            if not number:
                stages.append(content(database))
                count = int(run(database, 0, operation, source))
            else:
                # The last statements are where a commit may or may not have happened.
                left = chance.choice((chance.randint(1, count), count - chance.randint(0, 3)))
                assert run(database, left, operation, source) == ""
            stages.append(content(database))
    before, after, *killed = stages
    assert before != after
    if operation != "turn":  # which is three transactions
        assert all(kept in (before, after) for kept in killed)


def test_a_first_start_that_is_killed_at_some_statement_leaves_all_or_nothing(postgres_databases):
    left = 1
    finished = ""
    tables = []
    while not finished:
        with postgres_databases.bare() as database:
            finished = run(database, left, "nothing")
            with psycopg.connect(database.where) as db:
                ((number,),) = db.execute(
                    "SELECT count(*) FROM pg_tables WHERE tableowner = 'hfs'"
                    " AND schemaname = 'public'"
                )
            tables.append(number)
            with database.open() as store:
                assert store.delete([1]) == 0
                assert store.check() == []
        left += STRIDE
    assert set(tables) == {0, tables[-1]}
    assert len(tables) > 3
