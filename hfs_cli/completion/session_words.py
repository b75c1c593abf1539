"""Completions from the database: sessions, their checkpoints and models.

This uses plain `sqlite3`: importing peewee alone takes longer than a whole completion may.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing

from hfs_cli.completion.typed import session_meant
from hfs_cli.moments import age
from hfs_cli.naming import first_words
from hfs_cli.places import config_file, data_directory
from hfs_cli.sanitize import sanitize_line

TYPE_CHECKING = False  # typing's own costs 5 ms
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Word = tuple[str, str]
    # A session: its id, its name, and when it was last used, in microseconds since 1970.
    Row = tuple[int, str, int]

# In WAL mode a writer never keeps a reader waiting; this limits the rare other waits.
_WAIT_S = 0.1
# If fewer than this match by name, they are fetched and sorted by time; otherwise the sessions are
# searched from the newest on until enough match. Both are quick in a database of any size.
_FEW = 1000
_MODELS_AMONG = 500
MOST_BACK = 10
# The order of lists, as in `hfs_cli.store.sessions.by_activity`, and what keeps SQLite from the
# index that has it; and the order of use, which @last goes by.
_ACTIVITY, _SORTED = "updated_at DESC, id DESC", "+updated_at DESC, id DESC"
_USE = "use_seq DESC"
# Sessions of an unfinished import are not shown.
_SHOWN = "(import_id IS NULL OR import_id NOT IN (SELECT id FROM import WHERE ended_at IS NULL))"


def sessions(prefix: str, limit: int) -> list[Word]:
    """References to sessions that begin with `prefix`, the newest activity first.

    If nothing was typed yet, each session is offered by its id. Digits match ids and names, and
    anything else matches names. A session whose name cannot be typed as it is (control characters,
    a leading dash) is offered by its id only.
    """
    with closing(_open()) as db:
        if not prefix:
            return by_id(_newest(db, "TRUE", (), limit))
        if prefix.startswith("@"):
            return by_place(_newest(db, "TRUE", (), MOST_BACK, _USE))
        words = by_id(_of_ids(db, prefix, limit)) if _is_digits(prefix) else []
        # Names are sorted by their UTF-8 bytes, so the range ends at the highest code point.
        bounds = (prefix, prefix + "\U0010ffff")
        return words + by_name(_fitting(db, "name", "name >= ? AND name < ?", bounds, limit))


def by_id(rows: Iterable[Row]) -> list[Word]:
    """The ids of sessions, with their names and ages."""
    return [(str(number), _about(name, used)) for number, name, used in rows]


def by_place(rows: Iterable[Row]) -> list[Word]:
    """``@last``, ``@last~1`` and so on, for sessions in the order of their use."""
    return [
        (f"@last~{steps}" if steps else "@last", _about(name, used))
        for steps, (_, name, used) in enumerate(rows)
    ]


def by_name(rows: Iterable[Row]) -> list[Word]:
    """The names of sessions that can be typed as they are, with their ids and ages."""
    return [
        (name, f"{number} · {age(used / 1e6)}")
        for number, name, used in rows
        if sanitize_line(name) == name and not name.startswith(("-", "@")) and not _is_digits(name)
    ]


def models_used(prefix: str) -> list[Word]:
    """The models of the latest sessions, the last used first; none if there is no database."""
    try:
        db = _open()
    except (OSError, sqlite3.Error):
        return []
    with closing(db):
        rows = db.execute(
            "SELECT model, max(updated_at) FROM (SELECT model, updated_at, use_seq FROM session"  # noqa: S608
            f" WHERE use_seq IS NOT NULL AND {_SHOWN} ORDER BY use_seq DESC LIMIT ?)"
            " WHERE substr(model, 1, length(?)) = ? GROUP BY model ORDER BY max(use_seq) DESC",
            (_MODELS_AMONG, prefix, prefix),
        )
        return [(model, f"used {age(used / 1e6)}") for model, used in rows]


def checkpoints(prefix: str, limit: int) -> list[Word]:
    """The names of checkpoints, those of the last used session first."""
    with closing(_open()) as db:
        rows = db.execute(
            "SELECT label, position, session.name FROM checkpoint JOIN session"  # noqa: S608
            f" ON session.id = session_id WHERE {_SHOWN} AND substr(label, 1, length(?)) = ?"
            " ORDER BY use_seq DESC, checkpoint.id DESC LIMIT ?",
            (prefix, prefix, limit),
        )
        words: dict[str, str] = {}
        for label, position, name in rows:
            words.setdefault(label, f"message {position} of {name}")
        return list(words.items())


def messages(prefix: str, limit: int, words: Sequence[str]) -> list[Word]:
    """The numbers of the messages of the session that is meant, the last first."""
    found: list[Word] = []
    with closing(_open()) as db:
        session, upto = _meant(db, session_meant(words)), _LARGEST
        while session is not None and len(found) < limit:
            rows = db.execute(
                "SELECT position, role, substr(content, 1, ?) FROM message WHERE session_id = ?"
                " AND position <= ? AND substr(position, 1, length(?)) = ?"
                " ORDER BY position DESC LIMIT ?",
                (BEGINNING, session, upto, prefix, prefix, limit - len(found)),
            )
            found += by_number(rows)
            # What it shares with the session that it was forked from is kept there.
            parent = "SELECT parent_id, fork_position FROM session WHERE id = ?"
            session, shared = db.execute(parent, (session,)).fetchone() or (None, None)
            upto = min(upto, shared or 0)
    return found


_LARGEST = 2**63 - 1
# How many characters of a message are searched for keys, to show its beginning.
BEGINNING, _EXCERPT = 200, 40


def by_number(rows: Iterable[tuple[int, str, str]]) -> list[Word]:
    """The numbers of messages, with who said it and the beginning of what, without keys."""
    from hfs_cli.hide import hide
    from hfs_cli.redact.find import redacted

    words = []
    for position, role, content in rows:
        said = " ".join(hide(redacted(content, broken_off=True)).split())
        words.append((str(position), f"{role}: {said}"[:_EXCERPT] if said else role))
    return words


def _meant(db: sqlite3.Connection, ref: str) -> int | None:
    """The id of the session that a reference names, or None."""
    steps = ref.removeprefix("@last").removeprefix("~")
    if ref == "@last" or (ref.startswith("@last~") and _is_digits(steps)):
        rows = _newest(db, "TRUE", (), 1, _USE, skip=int(steps or 0))
    elif _is_digits(ref):
        rows = _newest(db, "id = ?", (ref,), 1)
    else:
        rows = _newest(db, "name = ?", (ref,), 1)
        rows = rows or _newest(db, "name >= ? AND name < ?", (ref, ref + "\U0010ffff"), 2)
    return rows[0][0] if len(rows) == 1 else None


def owners(_prefix: str, _limit: int) -> list[Word]:
    """No one: in a file all sessions belong to the user."""
    return []


def _where() -> str:
    """The path of the database, or its address on a server."""
    named = os.environ.get("HFS_DATABASE")
    if not named:
        try:
            with open(config_file(os.environ), "rb") as file:  # noqa: PTH123  (pathlib takes 8 ms)
                mentioned = b"database" in file.read()
        except OSError:
            mentioned = False
        if not mentioned:
            return f"{data_directory(os.environ)}/hfs.db"
    from hfs_cli.config import load_config

    return str(load_config().sessions_at)


def are_on_server() -> bool:
    """Whether the sessions are on a server, where `server_words` reads them."""
    return "://" in _where()


def _open() -> sqlite3.Connection:
    """Open the database without creating, changing or waiting for anything."""
    path = _where()
    if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116  (pathlib takes 8 ms)
        raise FileNotFoundError(path)
    escaped = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    # A reader of a WAL database creates the -wal and -shm files if they are missing. If they are,
    # nobody is writing, and the file can be read as immutable.
    # https://www.sqlite.org/wal.html#read_only_databases
    mode = "mode=ro" if _is_there(f"{path}-wal") and _is_there(f"{path}-shm") else "immutable=1"
    db = sqlite3.connect(f"file:{escaped}?{mode}", uri=True, timeout=_WAIT_S)
    # Bytes that are not UTF-8 become surrogates, which are escaped later.
    db.text_factory = lambda data: data.decode(errors="surrogateescape")
    return db


def _is_there(path: str) -> bool:
    try:
        return os.stat(path).st_size > 0  # noqa: PTH116
    except OSError:
        return False


def _of_ids(db: sqlite3.Connection, prefix: str, limit: int) -> list[Row]:
    last = db.execute("SELECT max(id) FROM session").fetchone()[0] or 0
    first, span, ranges = int(prefix[:18]), 1, []
    while 0 < first <= last:
        ranges.append(f"id BETWEEN {first} AND {first + span - 1}")
        first, span = first * 10, span * 10
    return _fitting(db, "id", " OR ".join(ranges), (), limit) if ranges else []


def _fitting(
    db: sqlite3.Connection, column: str, condition: str, values: Sequence[str], limit: int
) -> list[Row]:
    """The newest sessions that match; a plus before a column keeps SQLite from its index."""
    count = f"SELECT count(*) FROM (SELECT 1 FROM session WHERE {condition} LIMIT {_FEW})"  # noqa: S608
    if db.execute(count, values).fetchone()[0] < _FEW:
        return _newest(db, condition, values, limit, _SORTED)
    return _newest(db, condition.replace(column, f"+{column}"), values, limit)


def _newest(
    db: sqlite3.Connection,
    condition: str,
    values: Sequence[str],
    limit: int,
    order: str = _ACTIVITY,
    skip: int = 0,
) -> list[Row]:
    query = (
        f"SELECT id, name, updated_at FROM session WHERE ({condition})"  # noqa: S608  (ours)
        f" AND use_seq IS NOT NULL AND {_SHOWN} ORDER BY {order} LIMIT {limit} OFFSET {skip}"
    )
    return db.execute(query, values).fetchall()


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _about(name: str, used: int) -> str:
    return f"{first_words(name)[0]} · {age(used / 1e6)}"
