"""Databases for tests, of whichever engine: made empty, and gone with the test."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Protocol

import pytest

from hfs_cli.store.store import SessionStore, engine_at

# What these tests look at is a file, which a server has not.
on_a_file = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
# What these look at is how SQLite's index weighs words, which PostgreSQL's has no need to copy.
of_sqlites_index = on_a_file


def open_place(
    where: str, *, owner: str | None = None, every: bool = False, checkpoint_retention: int = 10
) -> SessionStore:
    """A store, as `HFS_DATABASE` names it; for scripts that tests start, too.

    Args:
        owner: As of `engine_at`, like `every`.
    """
    at = where if where.startswith("postgresql://") else Path(where)
    engine = engine_at(at, Path(tempfile.gettempdir()), owner=owner, every=every)
    return SessionStore(engine, checkpoint_retention=checkpoint_retention)


class EmptyDatabase:
    """An empty database.

    Args:
        where: As `HFS_DATABASE` names it.
    """

    def __init__(self, where: str) -> None:
        self.where = where

    def open(self, *, checkpoint_retention: int = 10) -> SessionStore:
        """A store on it, as another process would have it."""
        return open_place(self.where, checkpoint_retention=checkpoint_retention)

    def count(self, table: str) -> int:
        """How many rows a table has."""
        with self.open() as store, store._engine.reading() as db:
            row = db.execute_sql(f"SELECT count(*) FROM {table}").fetchone()
            assert row is not None
            return int(row[0])

    def all_text(self) -> str:
        """Every value of every table, as text."""
        with self.open() as store, store._engine.reading() as db:
            tables = [list(db.execute_sql(f'SELECT * FROM "{name}"')) for name in db.get_tables()]
        assert any(tables)
        return str(tables)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let another program write in it, for the block; at once, or fail.

        Who reads is not held up by it.
        """
        if self.where.startswith("postgresql://"):
            import psycopg

            with psycopg.connect(self.where) as db:
                # What a change of the tables, or a lock by hand, keeps from whoever writes.
                db.execute("LOCK TABLE session, message IN EXCLUSIVE MODE NOWAIT")
                yield
                db.rollback()
            return
        with closing(sqlite3.connect(self.where, timeout=0, isolation_level=None)) as file:
            file.execute("BEGIN EXCLUSIVE")
            yield
            file.execute("ROLLBACK")


class Databases(Protocol):
    """Where databases come from."""

    engine: str

    @contextmanager
    def new(self) -> Iterator[EmptyDatabase]:
        """An empty database, for the block."""
        ...

    @contextmanager
    def bare(self) -> Iterator[EmptyDatabase]:
        """One that nobody has used yet, for the block: there are no tables."""
        ...


class Files:
    """SQLite's."""

    engine = "sqlite"

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._made = 0

    @contextmanager
    def new(self) -> Iterator[EmptyDatabase]:
        """A file that is not there yet: `data/hfs.db` is the first."""
        name = "data" if not self._made else f"data-{self._made}"
        self._made += 1
        yield EmptyDatabase(str(self._directory / name / "hfs.db"))

    bare = new


class OnServer:
    """PostgreSQL's; those that a test has done with are emptied, which is quicker than new ones.

    Args:
        server: The address of a database on a server where databases may be made.
    """

    engine = "postgres"
    TEMPLATE = "hfs_template"
    _EMPTY = (
        "SET lock_timeout = '5s'; "
        "TRUNCATE import, session, attachment, deleted RESTART IDENTITY CASCADE"
    )

    def __init__(self, server: str) -> None:
        self._server = server
        self._free: list[str] = []

    @contextmanager
    def new(self) -> Iterator[EmptyDatabase]:
        """A database of its own."""
        name = self._free.pop() if self._free else self._made()
        try:
            yield EmptyDatabase(self._url(name))
        finally:
            self._run(name, self._EMPTY)
            self._free.append(name)

    def _made(self, template: str = TEMPLATE) -> str:
        name = f"hfs_{uuid.uuid4().hex}"
        self._run("postgres", f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    @contextmanager
    def bare(self) -> Iterator[EmptyDatabase]:
        """As `Databases.bare`: as its owner has made it."""
        name = self._made("template1")
        try:
            yield EmptyDatabase(self._url(name))
        finally:
            self._run("postgres", f"DROP DATABASE {name} WITH (FORCE)")

    def make_template(self) -> None:
        """Make what the others are copies of, in place of an earlier run's."""
        self._run("postgres", f"DROP DATABASE IF EXISTS {self.TEMPLATE} WITH (FORCE)")
        self._run("postgres", f"CREATE DATABASE {self.TEMPLATE}")
        with open_place(self._url(self.TEMPLATE)) as store:
            store.count()

    def drop(self) -> None:
        """Drop those that tests have done with."""
        for name in self._free:
            self._run("postgres", f"DROP DATABASE {name} WITH (FORCE)")

    def _url(self, name: str) -> str:
        return f"{self._server.rpartition('/')[0]}/{name}"

    def _run(self, name: str, statements: str) -> None:
        import psycopg

        with psycopg.connect(self._url(name), autocommit=True) as db:
            db.execute(statements.encode())


def server_of_the_run(directory: Path, given: str = "") -> str:
    """The address of the run's own server, which the first who asks for it starts.

    Args:
        directory: One for all processes of the run; `end_server` ends what stands in it.
        given: The address of one that runs already, which only gets the template.
    """
    import fcntl

    directory.mkdir(exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = directory / "url"
        if not told.exists():
            url = given or _start(directory)
            OnServer(url).make_template()
            told.write_text(url)
    return told.read_text()


def _start(directory: Path) -> str:
    starter = subprocess.Popen(
        [sys.executable, "-m", "tests.postgres", "--until-ends", _run_of(directory)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        start_new_session=True,
        text=True,
    )
    assert starter.stdout is not None
    url = starter.stdout.readline().strip()
    assert url, "PostgreSQL did not start: python -m tests.postgres says why"
    starter.stdout.close()
    (directory / "pid").write_text(str(starter.pid))
    starter.returncode = 0  # it goes on without us
    return url


def end_server(directory: Path) -> None:
    """End the run's server, if it has one of its own, and wait until it is gone."""
    if (directory / "pid").exists():
        pid = int((directory / "pid").read_text())
        deadline = time.monotonic() + 60
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
            while time.monotonic() < deadline:
                with suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)  # ours, where the tests ran in one process
                os.kill(pid, 0)
                time.sleep(0.05)
    if directory.exists():
        shutil.rmtree(directory)


def _run_of(directory: Path) -> str:
    return directory.name.rpartition("-")[2]


def directory_of_run() -> Path:
    """The directory of this run, which has the number of the process that leads it."""
    leader = os.environ.setdefault("HFS_TEST_RUN", str(os.getpid()))
    return Path(tempfile.gettempdir()) / f"hfs-tests-{leader}"
