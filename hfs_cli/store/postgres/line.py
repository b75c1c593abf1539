"""Writers stand in line for the database, as in a file's: each by an advisory lock of the server's.

The server serves those who wait for a lock in order, and ends it with the transaction that holds
it, however the process of that ends.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg

from hfs_cli import signals
from hfs_cli.store.engine import LEAVE_S

# How often to look for a signal, or for the end of another import.
_LOOK_S = 0.1
# No other program is likely to have this number, which is "hfs1".
_CLASS = 0x68667331
_WRITING, _IMPORTING = 1, 2


def run(connection: psycopg.Connection, *statements: str) -> psycopg.Cursor[Any]:
    """Run statements without values, all on one way to the server and back."""
    return connection.execute(";".join(statements).encode())


def take_turn(connection: psycopg.Connection, *begin: str) -> str:
    """Begin a transaction that writes, when those before it have ended.

    Args:
        begin: The statements that begin it, and limit how long it waits for a lock.

    Returns:
        The server's id of the transaction.
    """
    ask = f"SELECT pg_try_advisory_xact_lock({_CLASS}, {_WRITING}), pg_current_xact_id()::text"
    answers = run(connection, *begin, ask)
    while answers.nextset():
        pass
    row = answers.fetchone()
    assert row is not None
    if not row[0]:
        _wait(connection)
    return str(row[1])


def _wait(connection: psycopg.Connection) -> None:
    """Wait for the lock, in a transaction that has begun; a signal makes the wait short."""
    served = threading.Event()

    def watch() -> None:
        while not served.wait(_LOOK_S):
            if signals.waiting():
                if not served.wait(LEAVE_S):
                    connection.cancel()
                return

    watching = threading.Thread(target=watch, name="hfs-line", daemon=True)
    watching.start()
    try:
        run(connection, f"SELECT pg_advisory_xact_lock({_CLASS}, {_WRITING})")
    finally:
        served.set()
        watching.join()


def wait_for_imports(connection: psycopg.Connection, waiting: Callable[[], None]) -> None:
    """Begin a transaction in which this process is the only one that imports.

    Args:
        waiting: Called once, if another import has to end first.
    """

    def is_first() -> bool:
        row = run(
            connection, f"SELECT pg_try_advisory_xact_lock({_CLASS}, {_IMPORTING})"
        ).fetchone()
        return bool(row and row[0])

    run(connection, "BEGIN", "SET LOCAL idle_in_transaction_session_timeout = 0")
    if not is_first():
        waiting()
        while not is_first():
            time.sleep(_LOOK_S)
