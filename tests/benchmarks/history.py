"""Time what a user waits for, in a small history and in a large one.

    python -m tests.benchmarks.history                        # 10,000 against 100,000 sessions
    python -m tests.benchmarks.history --sessions 1000000     # a few minutes, 2 GB of disk

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
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TypeVar

from hfs_cli.messages import ChatMessage, Place, Reply, Turn
from hfs_cli.store.store import SessionStore
from hfs_cli.store.words import words

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
    sentences = texts()
    for first in range(1, sessions + 1, _CHUNK):
        db.execute("BEGIN")
        _insert(db, range(first, min(first + _CHUNK, sessions + 1)), sentences)
        db.execute("COMMIT")
    for index in ("message_words", "session_words"):
        db.execute(f"INSERT INTO {index} ({index}) VALUES ('optimize')")
    db.execute("PRAGMA wal_checkpoint (TRUNCATE)")
    db.close()


def texts() -> Iterator[str]:
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


def operations(store: SessionStore, sessions: int) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is timed, one after the other, again and again."""
    chance = random.Random(3)
    known, weights = vocabulary()

    def resume(number: int) -> None:
        session = store.resolve(str(number))
        store.transcript(session.id)
        store.touch(session.id)

    def append(number: int) -> None:
        turn = Turn(ChatMessage("user", "one more"), "test/m", place=Place(number))
        opened = store.begin(turn)
        store.save_reply(opened, Reply("here it is", "test/m", status="complete"))

    # Each has sessions of its own, so that none finds one that was just deleted; and whoever
    # measures again passes over those that were deleted then.
    drawn = chance.sample(range(1, sessions + 1), sessions)
    numbers = (number for number in drawn if store.find(str(number)) is not None)
    for count in itertools.count():
        query = " ".join(chance.choices(known, weights, k=count % 3 + 1))
        yield "list 20", store.list_recent
        yield "resume", partial(resume, next(numbers))
        yield "append a turn", partial(append, next(numbers))
        yield "rename", partial(store.rename, next(numbers), f"renamed {uuid.uuid4().hex}")
        yield "delete one", partial(store.delete, [next(numbers)])
        yield "search", partial(store.search, query)


Name = TypeVar("Name", bound=Hashable)


def measure(
    stores: Mapping[Name, tuple[SessionStore, int]], rounds: int
) -> dict[Name, dict[str, list[float]]]:
    """Milliseconds of each round of each operation, for each history.

    The histories take turns, so that whatever else the machine does slows all of them.

    Args:
        stores: The histories, each with its number of sessions.
        rounds: How often; a tenth more come first and are not counted.
    """
    times: dict[Name, dict[str, list[float]]] = {name: defaultdict(list) for name in stores}
    running = {name: operations(store, sessions) for name, (store, sessions) in stores.items()}
    for count in range(6 * (rounds + rounds // 10)):
        for history, todo in running.items():
            name, operation = next(todo)
            began = time.perf_counter()
            operation()
            if count >= 6 * (rounds // 10):
                times[history][name].append((time.perf_counter() - began) * 1000)
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
    """Build what is not there, measure, print, and leave nothing behind unasked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--keep", type=Path, help="build here, and find it again the next time")
    asked = parser.parse_args()
    directory = asked.keep or Path(tempfile.mkdtemp(prefix="hfs-benchmark-"))
    try:
        places = {n: directory / str(n) / "hfs.db" for n in (SMALL, asked.sessions)}
        for sessions, path in places.items():
            if not path.exists():
                began = time.perf_counter()
                build(path, sessions)
                size = path.stat().st_size / 1e6
                print(f"built {sessions:,} in {time.perf_counter() - began:.0f} s, {size:,.0f} MB")
        with ExitStack() as stack:
            stores = {n: (stack.enter_context(SessionStore(at)), n) for n, at in places.items()}
            results = measure(stores, asked.rounds)
        print(table(results[SMALL], results[asked.sessions], asked.sessions))
    finally:
        if asked.keep is None:
            shutil.rmtree(directory)


if __name__ == "__main__":
    main()
