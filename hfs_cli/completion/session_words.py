"""Words from the database: sessions and the models they used.

Plain `sqlite3`, because peewee alone takes longer to load than a whole completion may.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing

from hfs_cli.moments import age
from hfs_cli.naming import first_words
from hfs_cli.places import config_file, data_directory
from hfs_cli.sanitize import sanitize_line

TYPE_CHECKING = False  # typing's own costs 5 ms
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Word = tuple[str, str]
    Row = tuple[int, str, int]

# In WAL mode a writer never keeps a reader waiting; this limits the rare other waits.
_WAIT_S = 0.1
# If fewer than this match by name, they are fetched and sorted by time; otherwise the sessions are
# searched from the newest on until enough match. Both are quick in a database of any size.
_FEW = 1000
_MODELS_AMONG = 500
_MOST_BACK = 10
# Sessions of an unfinished import are not shown.
_SHOWN = "(import_id IS NULL OR import_id NOT IN (SELECT id FROM import WHERE ended_at IS NULL))"


def sessions(prefix: str, limit: int) -> list[Word]:
    """References to sessions that begin with `prefix`, the last used first.

    With nothing typed yet each session is offered once, by its id; digits fit ids and
    names; anything else fits names. A name that cannot stand on a command line as it is
    (control characters, a leading dash) is offered by its id.
    """
    with closing(_open()) as db:
        if not prefix:
            rows = _newest(db, "TRUE", (), limit)
            return [(str(number), _about(name, used)) for number, name, used in rows]
        if prefix.startswith("@"):
            rows = _newest(db, "TRUE", (), _MOST_BACK)
            return [
                (f"@last~{steps}" if steps else "@last", _about(name, used))
                for steps, (_, name, used) in enumerate(rows)
            ]
        words = list(_by_id(db, prefix, limit)) if _is_digits(prefix) else []
        # Names are ordered by their UTF-8 bytes: the range ends at the highest code point.
        bounds = (prefix, prefix + "\U0010ffff")
        return words + [
            (name, f"{number} · {age(used / 1e6)}")
            for number, name, used in _fitting(db, "name", "name >= ? AND name < ?", bounds, limit)
            # One that cannot be typed as it stands is offered by its id alone.
            if sanitize_line(name) == name
            and not name.startswith(("-", "@"))
            and not _is_digits(name)
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


def _by_id(db: sqlite3.Connection, prefix: str, limit: int) -> Iterator[Word]:
    last = db.execute("SELECT max(id) FROM session").fetchone()[0] or 0
    first, span, ranges = int(prefix[:18]), 1, []
    while 0 < first <= last:
        ranges.append(f"id BETWEEN {first} AND {first + span - 1}")
        first, span = first * 10, span * 10
    if ranges:
        for number, name, used in _fitting(db, "id", " OR ".join(ranges), (), limit):
            yield str(number), _about(name, used)


def _fitting(
    db: sqlite3.Connection, column: str, condition: str, values: Sequence[str], limit: int
) -> list[Row]:
    """The newest rows whose column fits; a plus before a name keeps its index from use."""
    count = f"SELECT count(*) FROM (SELECT 1 FROM session WHERE {condition} LIMIT {_FEW})"  # noqa: S608
    if db.execute(count, values).fetchone()[0] < _FEW:
        return _newest(db, condition, values, limit, order="+use_seq")
    return _newest(db, condition.replace(column, f"+{column}"), values, limit)


def _newest(
    db: sqlite3.Connection,
    condition: str,
    values: Sequence[str],
    limit: int,
    order: str = "use_seq",
) -> list[Row]:
    query = (
        f"SELECT id, name, updated_at FROM session WHERE ({condition})"  # noqa: S608  (ours)
        f" AND use_seq IS NOT NULL AND {_SHOWN} ORDER BY {order} DESC LIMIT {limit}"
    )
    return db.execute(query, values).fetchall()


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _about(name: str, used: int) -> str:
    return f"{first_words(name)[0]} · {age(used / 1e6)}"
