"""Hold the two engines against each other: one run, both of them by turns.

    python -m tests.benchmarks.engines                  # ten minutes or so, 4 GB of disk
    python -m tests.benchmarks.engines --keep DIR       # build there, and find it the next time

Prints two Markdown tables: chats that begin all at once, as processes; and what each operation of
the store takes within one, over connections that are open, in a small history and in a large one.

The server is its own, with the settings that PostgreSQL comes with: a commit reaches the disk
(`fsync`, `full_page_writes` and `synchronous_commit` are on), and `shared_buffers` is 128 MB. Only
`max_connections` is raised, for 200 processes come at once. SQLite's file is on the same disk, and
its commits reach it too.
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

import psycopg

from hfs_cli.store.tables import MessageRow, SessionRow
from tests import postgres
from tests.benchmarks.history import SMALL, build, measure
from tests.conftest import Hfs
from tests.scripted_server import Received, ScriptedServer, openai_sse
from tests.store.places import open_place

ENGINES = ("SQLite", "PostgreSQL")
# What a server sees to by itself soon after, and what it has not got round to yet here.
_SETTLE = "VACUUM (ANALYZE)"


# --- many at once ---------------------------------------------------------------------


class Crowd(NamedTuple):
    """What became of chats that began at once.

    Args:
        exits: Their exit codes, each once.
        messages: How many are kept, each question with its own reply after it.
        seconds: From the first start to the last end.
    """

    exits: set[int]
    messages: int
    seconds: float


def crowd(home: Path, where: str, count: int, session: str | None) -> Crowd:
    """Chats that begin at once, each with a question of its own.

    Args:
        where: The database, as `HFS_DATABASE` names it.
        session: The one that all of them go on with, which is there; None for new ones.

    Raises:
        RuntimeError: A message is missing, doubled, out of order, or another question's.
    """
    home.mkdir(exist_ok=True)
    hfs = Hfs(home, {"HFS_DATABASE": where})
    to = ("-S", session) if session else ()
    with ScriptedServer() as server, open_place(where) as store:
        server.always(_echo)
        hfs.configure(
            'model = "test/m"\nretries = 0\n[providers.test]\n'
            f'type = "openai"\nbase_url = "{server.url}"\n'
        )
        if session:
            hfs.ok("chat", "-n", session, "first")
        began = time.monotonic()
        started = [hfs.start("chat", *to, f"q{number}") for number in range(count)]
        said = [process.communicate() for process in started]
        seconds = time.monotonic() - began
        expected = [(f"re: q{number}\n".encode(), b"") for number in range(count)]
        if said != expected:
            wrong = [out for out, right in zip(said, expected, strict=True) if out != right]
            raise RuntimeError(f"{len(wrong)} of {count} said something else: {wrong[0]!r}")
        for request in server.requests:
            roles = [message["role"] for message in request.json["messages"]]
            if roles != ["user", "assistant"] * (len(roles) // 2) + ["user"]:
                raise RuntimeError(f"a request with turns out of order: {roles}")
        sessions = [store.resolve(session)] if session else store.list_recent(limit=None)
        kept = 0
        questions = []
        for found in sessions:
            messages = store.transcript(found.id)
            if [message.position for message in messages] != list(range(1, len(messages) + 1)):
                raise RuntimeError(f"positions that are not in order in {found.name}")
            asked = {m.id: m.content for m in messages if m.role == "user"}
            replies = [m for m in messages if m.role == "assistant"]
            if sorted(m.reply_to or 0 for m in replies) != sorted(asked) or any(
                m.content != f"re: {asked[m.reply_to or 0]}" for m in replies
            ):
                raise RuntimeError(f"questions and replies that are not each other's: {asked}")
            questions += asked.values()
            kept += len(messages)
        if len(set(questions)) != len(questions):
            raise RuntimeError("a question is there twice")
        if problems := store.check():
            raise RuntimeError(f"the database is not well: {problems}")
    first = 2 if session else 0
    return Crowd({process.returncode for process in started}, kept - first, seconds)


def _echo(request: Received) -> list[bytes]:
    return openai_sse(f"re: {request.json['messages'][-1]['content']}")


def crowds(folder: Path, server: postgres.Server, count: int) -> Iterator[str]:
    """The lines of the table of chats that begin at once."""
    yield f"| {count} at once | engine | exit codes | messages | s |"
    yield "|---|---|---|---:|---:|"
    for name, session in (("new sessions, no tables yet", None), ("one session", "shared")):
        for engine in ENGINES:
            label = "one" if session else "new"
            where = str(folder / label / "hfs.db")
            if engine == "PostgreSQL":
                where = _made(server, f"crowd_{label}_{time.monotonic_ns()}")
            done = crowd(folder / f"home-{label}-{engine}", where, count, session)
            exits = ", ".join(map(str, sorted(done.exits)))
            yield f"| {name} | {engine} | {exits} | {done.messages} | {done.seconds:.1f} |"


# --- a history ------------------------------------------------------------------------


def fill(path: Path, url: str) -> None:
    """Bring a history from a file into an empty database of a server, in bulk.

    The tables are those that hfs makes, and each row is that of the file.
    """
    with (
        closing(sqlite3.connect(path)) as kept,
        open_place(url) as store,
        store._engine.writing() as db,
    ):
        for table, text in ((SessionRow, "name"), (MessageRow, "content")):
            name = table._meta.table_name
            described = kept.execute(f"SELECT name FROM pragma_table_info('{name}')")
            columns = [column for (column,) in described if column != "owner"]
            db.first_free(table)  # after which the next number is that after these
            rows = kept.execute(f"SELECT {', '.join(columns)} FROM {name} ORDER BY id")
            db.insert_many(table, columns, rows)
            texts = kept.execute(f"SELECT id, {text} FROM {name} ORDER BY id")
            db.index_many("session" if table is SessionRow else "message", texts)
    with psycopg.connect(url, autocommit=True) as settling:
        settling.execute(_SETTLE)


def _made(server: postgres.Server, name: str) -> str:
    """The address of a database, which is made where it is not there."""
    with psycopg.connect(server.url(), autocommit=True) as db:
        if not db.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
            db.execute(f"CREATE DATABASE {name}".encode())
    return server.url(name)


def histories(folder: Path, server: postgres.Server, sizes: Iterable[int]) -> dict[int, list[str]]:
    """The databases of each size, one of each engine; built where they are not there."""
    found = {}
    for size in sizes:
        path = folder / str(size) / "hfs.db"
        if not path.exists():
            told(f"building a history of {size:,} sessions")
            build(path, size)
        url = _made(server, f"hfs_{size}")
        with open_place(url) as store:
            empty = not store.count()
        if empty:
            told(f"bringing {size:,} sessions to the server")
            fill(path, url)
        found[size] = [str(path), url]
    return found


def compare(places: Mapping[int, list[str]], rounds: int) -> Iterator[str]:
    """The lines of the table of operations."""
    with ExitStack() as stack:
        times = measure(
            {
                (engine, size): (stack.enter_context(open_place(where)), size)
                for size, both in places.items()
                for engine, where in zip(ENGINES, both, strict=True)
            },
            rounds,
        )
    small, large = min(places), max(places)
    yield (
        "| p50 / p95, ms | "
        + " | ".join(f"{engine}, {size:,}" for size in places for engine in ENGINES)
        + f" | PostgreSQL of SQLite, {large:,} | PostgreSQL, {large:,} of {small:,} |"
    )
    yield "|---|" + "---:|" * (len(times) + 2)
    for name in times[ENGINES[0], small]:
        p50 = {key: statistics.median(each[name]) for key, each in times.items()}
        p95 = {key: statistics.quantiles(each[name], n=20)[-1] for key, each in times.items()}
        cells = [f"{p50[key]:.2f} / {p95[key]:.2f}" for key in times]
        (sqlite, ours), before = (((e, large) for e in ENGINES), ("PostgreSQL", small))
        cells += [
            f"{p50[ours] / p50[other]:.2f} / {p95[ours] / p95[other]:.2f}"
            for other in (sqlite, before)
        ]
        yield f"| {name} | {' | '.join(cells)} |"


def told(line: str) -> None:
    """Say how far it is; the tables alone go to standard output."""
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Measure, print, and leave nothing behind unasked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chats", type=int, default=200, help="how many at once; 0 for none")
    parser.add_argument("--sessions", type=int, default=100_000, help="0 for no histories")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--keep", type=Path, help="a directory that every user may read")
    asked = parser.parse_args()
    folder = asked.keep or Path(tempfile.mkdtemp(prefix="hfs-benchmark-"))
    files = None
    if asked.keep:
        files = folder / "server"
        files.mkdir(parents=True, exist_ok=True)
        postgres.give(files)
    try:
        with postgres.running({}, files) as server:
            if asked.chats:
                with tempfile.TemporaryDirectory(prefix="hfs-benchmark-") as homes:
                    for line in crowds(Path(homes), server, asked.chats):
                        print(line, flush=True)
                print()
            if asked.sessions:
                places = histories(folder, server, (SMALL, asked.sessions))
                for line in compare(places, asked.rounds):
                    print(line, flush=True)
    finally:
        if asked.keep is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
