"""An operation of the store in a process that kills itself at one of its statements.

    python -m tests.store.killing WHERE OPERATION LEFT SOURCE

dies just before the statement number LEFT that reaches SQLite, or the server; with 0 it goes on to
its end and prints how many there were. SOURCE is a file to import.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfs_cli.exchange.detect import open_source
from hfs_cli.messages import ChatMessage, Place, Reply, Turn
from hfs_cli.store.store import SessionStore, engine_at

if TYPE_CHECKING:  # it loads pytest, which each of these processes would wait for
    from tests.store.places import EmptyDatabase

# How often each operation is killed; 25 makes a long run.
KILLS = int(os.environ.get("HFS_TEST_KILLS", "2"))


def _turn(store: SessionStore, _: str) -> None:
    opened = store.begin(Turn(ChatMessage("user", "q"), "m/x", place=Place(1)))
    store.save_reply(opened, Reply("half", "m/x"))
    store.save_reply(opened, Reply("whole", "m/x", status="complete"))


# On what `tests.store.talking.talk_for_a_while` leaves, or on less.
OPERATIONS: Mapping[str, Callable[[SessionStore, str], object]] = {
    "import": lambda store, source: store.put(open_source(Path(source))),
    "fork": lambda store, _: store.fork(1, at=3),
    "rewind": lambda store, _: store.rewind(1, "1"),
    "undo": lambda store, _: store.undo(2, 1),
    "rename": lambda store, _: store.rename(1, "another"),
    "delete": lambda store, _: store.delete([1, 2]),
    "turn": _turn,
}


def command(where: str, operation: str, left: int = 0, source: Path | str = "") -> list[str]:
    """The command line of such a process."""
    arguments = (where, operation, str(left), str(source))
    return [sys.executable, "-m", "tests.store.killing", *arguments]


def run(where: str, operation: str, left: int = 0, source: Path | str = "") -> str:
    """What such a process printed; nothing where it was killed."""
    from tests.conftest import UNMEASURED

    done = subprocess.run(
        command(where, operation, left, source),
        env=os.environ | UNMEASURED,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.stdout


def somewhere(chance: random.Random, count: int) -> int:
    """One of so many statements."""
    # The last ones are where a commit may or may not have happened.
    return chance.choice((chance.randint(1, count), count - chance.randint(0, 3)))


def content(database: EmptyDatabase) -> list[tuple[object, ...]]:
    """All that is kept, without the numbers and times that differ from run to run."""
    with database.open() as store:
        assert store.check() == []
        return sorted(
            (c.name, c.listed, [(m.content, m.status) for m in c.messages], len(c.checkpoints))
            for c in store.conversations()
        )


# --- in the process that is killed ----------------------------------------------------


class _Countdown:
    """Kills the process when it is called for the nth time; never for 0."""

    def __init__(self, left: int) -> None:
        self._left = left
        self.count = 0

    def __call__(self, _: object = None) -> None:
        self.count += 1
        if self.count == self._left:
            os.kill(os.getpid(), signal.SIGKILL)


def _count_of_sqlite(countdown: _Countdown) -> None:
    class Traced(sqlite3.Connection):
        def __init__(self, *args: Any, **settings: Any) -> None:
            super().__init__(*args, **settings)
            self.set_trace_callback(countdown)

    connect: Any = sqlite3.connect
    sqlite3.connect = lambda *args, **settings: connect(*args, factory=Traced, **settings)


def _count_of_a_server(countdown: _Countdown) -> None:
    import psycopg

    def counting(method: Callable[..., object]) -> Callable[..., object]:
        def counted(*args: Any, **more: Any) -> object:
            countdown()
            return method(*args, **more)

        return counted

    for kind, name in (
        (psycopg.Cursor, "execute"),
        (psycopg.Cursor, "copy"),
        (psycopg.Connection, "commit"),
    ):
        setattr(kind, name, counting(getattr(kind, name)))


def main(where: str, operation: str, left: str, source: str) -> None:
    """Do it, or die."""
    countdown = _Countdown(int(left))
    at: Path | str = where
    if where.startswith("postgresql://"):
        _count_of_a_server(countdown)
    else:
        at = Path(where)
        _count_of_sqlite(countdown)
    with SessionStore(engine_at(at, Path(tempfile.gettempdir()))) as store:
        OPERATIONS[operation](store, source)
    print(countdown.count)


if __name__ == "__main__":
    main(*sys.argv[1:])
