"""Time what a user waits for, in a small history and in a large one.

    python -m tests.benchmarks.history                        # 10,000 against 100,000 sessions
    python -m tests.benchmarks.history --sessions 1000000     # a few minutes, 3 GB in --directory

Prints a Markdown table: the median of each, and of search the 95th percentile too.
"""

from __future__ import annotations

import argparse
import itertools
import random
import shutil
import sqlite3
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from hfs_cli.messages import ChatMessage, Opening, Reply
from hfs_cli.store.indexing import words
from hfs_cli.store.sessions import SessionStore

SMALL = 10_000
MESSAGES = 10
_CHUNK = 20_000
_VOCABULARY = 30_000


def vocabulary() -> tuple[list[str], list[float]]:
    """Words with the frequencies of a language (Zipf's law): few are everywhere."""
    chance = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz"
    made = {"".join(chance.choices(letters, k=chance.randint(2, 9))) for _ in range(_VOCABULARY)}
    return sorted(made, key=lambda _: chance.random()), [1 / (n + 1) for n in range(len(made))]


def build(path: Path, sessions: int) -> None:
    """Stream a history into a new database, past the store's one turn at a time."""
    with SessionStore(path) as store:
        store.delete([1])  # makes the tables
    db = sqlite3.connect(path, isolation_level=None)
    for pragma in ("synchronous = OFF", "cache_size = -400000", "temp_store = MEMORY"):
        db.execute(f"PRAGMA {pragma}")
    texts = _texts()
    for first in range(1, sessions + 1, _CHUNK):
        db.execute("BEGIN")
        _insert(db, range(first, min(first + _CHUNK, sessions + 1)), texts)
        db.execute("COMMIT")
    for index in ("message_words", "session_words"):
        db.execute(f"INSERT INTO {index} ({index}) VALUES ('optimize')")
    db.execute("PRAGMA wal_checkpoint (TRUNCATE)")
    db.close()


def _texts() -> Iterator[str]:
    known, weights = vocabulary()
    chance = random.Random(2)
    cumulative = list(itertools.accumulate(weights))
    while True:
        drawn = chance.choices(known, cum_weights=cumulative, k=10_000)
        for start in range(0, 9_960, 12):
            yield " ".join(drawn[start : start + chance.randint(4, 12)])


def _insert(db: sqlite3.Connection, ids: range, texts: Iterator[str]) -> None:
    names = [f"{next(texts)[:30]} - {n}" for n in ids]
    db.executemany(
        "INSERT INTO session (id, uid, name, origin, model, message_count, last_status,"
        " created_at, updated_at, use_seq) VALUES (?, ?, ?, 'chat', 'test/m', ?, 'complete',"
        " ?, ?, ?)",
        (
            (n, uuid.uuid4().hex, name, MESSAGES, n * 10**6, n * 10**6, n)
            for n, name in zip(ids, names, strict=True)
        ),
    )
    db.executemany(
        "INSERT INTO session_words (rowid, name) VALUES (?, ?)", zip(ids, names, strict=True)
    )
    messages = [
        ((n - 1) * MESSAGES + position, n, position, next(texts))
        for n in ids
        for position in range(1, MESSAGES + 1)
    ]
    db.executemany(
        "INSERT INTO message (id, session_id, position, role, content, status, created_at,"
        " reply_to) VALUES (?, ?, ?, ?, ?, 'complete', ?, ?)",
        (
            (i, n, p, "assistant" if p % 2 == 0 else "user", text, i, None if p % 2 else i - 1)
            for i, n, p, text in messages
        ),
    )
    db.executemany(
        "INSERT INTO message_words (rowid, content) VALUES (?, ?)",
        ((i, words(text)) for i, _, _, text in messages),
    )


def measure(path: Path, sessions: int, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each round of each operation."""
    chance = random.Random(3)
    known, weights = vocabulary()
    with SessionStore(path) as store:

        def some() -> int:
            return chance.randint(1, sessions)

        def resume() -> None:
            session = store.resolve(str(some()))
            store.transcript(session.id)
            store.touch(session.id)

        def append() -> None:
            opened = store.begin(Opening(ChatMessage("user", "one more"), "test/m", some()))
            store.save_reply(opened, Reply("here it is", "test/m", status="complete"))

        def rename() -> None:
            store.rename(some(), f"renamed {uuid.uuid4().hex}")

        doomed = iter(chance.sample(range(1, sessions + 1), rounds))
        queries = (" ".join(chance.choices(known, weights, k=n % 3 + 1)) for n in itertools.count())
        operations: dict[str, Callable[[], object]] = {
            "list 20": store.list_recent,
            "resume": resume,
            "append a turn": append,
            "rename": rename,
            "search": lambda: store.search(next(queries)),
            # The last: what it deletes is not there for the others.
            "delete one": lambda: store.delete([next(doomed)]),
        }
        return {name: _times(operation, rounds) for name, operation in operations.items()}


def _times(operation: Callable[[], object], rounds: int) -> list[float]:
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        operation()
        times.append((time.perf_counter() - began) * 1000)
    return times


def table(small: dict[str, list[float]], large: dict[str, list[float]], sessions: int) -> str:
    """The results as Markdown."""
    lines = [f"| | {SMALL:,} sessions | {sessions:,} sessions | times |", "|---|---:|---:|---:|"]
    for name, times in small.items():
        a, b = statistics.median(times), statistics.median(large[name])
        lines.append(f"| {name} | {a:.2f} ms | {b:.2f} ms | {b / a:.2f} |")
    tails = [statistics.quantiles(r["search"], n=20)[-1] for r in (small, large)]
    lines.append(f"| search, 95th percentile | {tails[0]:.1f} ms | {tails[1]:.1f} ms | |")
    return "\n".join(lines)


def main() -> None:
    """Build, measure, print, and leave nothing behind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--directory", type=Path, default=None, help="where to build")
    asked = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="hfs-benchmark-", dir=asked.directory))
    try:
        results = []
        for sessions in (SMALL, asked.sessions):
            path = directory / str(sessions) / "hfs.db"
            began = time.perf_counter()
            build(path, sessions)
            size = path.stat().st_size / 1e6
            print(f"built {sessions:,} in {time.perf_counter() - began:.0f} s, {size:,.0f} MB")
            results.append(measure(path, sessions, asked.rounds))
        print(table(results[0], results[1], asked.sessions))
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
