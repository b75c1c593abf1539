"""What the errors of a server and its driver mean, and what a user can do about them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
from peewee import OperationalError, PeeweeException

from hfs_cli.errors import StoreError
from hfs_cli.store.engine import LOCKED, BadRow, LostError, refuses

if TYPE_CHECKING:
    from hfs_cli.store.postgres.connection import PostgresConnection

# By SQLSTATE, or by its class. https://www.postgresql.org/docs/15/errcodes-appendix.html
_ADVICE = {
    "25006": "cannot be written: the server is a copy that is read only",
    "40": "was changed by another program at the same time: try again",
    "42501": "does not let this role do so: ask its owner for the rights",
    "42883": "lacks a function: hfs needs PostgreSQL 13 or later",
    "53100": "cannot grow, the server's disk is full: make room and try again",
    "53200": "needs more memory than the server has",
    "53300": "has no connection left: try again, or ask for a pooler such as pgbouncer",
    "55P03": LOCKED,
    "57014": LOCKED,
    "58": "could not be read or written: ask who runs the server to look at its disk and its log",
}
# The server has ended the connection: it is stopped, or a transaction or its idleness took longer
# than a setting of the server's allows (25P03, and 25P04 since PostgreSQL 17).
_ENDED = ("57P", "25P03", "25P04")
# A table or a column that is not there: another program has taken it away.
_TAKEN_AWAY = {"42P01", "42703"}
# The function of the server that refuses a row which a policy does not let its writer write. Its
# message is translated, and has the code of missing rights.
_POLICY = "ExecWithCheckOptions"

_REACH = "check that the server runs, or set HFS_DATABASE to another database"
_HOW_TO_LOG_IN = "set PGPASSWORD, a line of ~/.pgpass, or database_cmd in the configuration"
_WHOM_TO_TRUST = (
    "name the file of the authority that signed its certificate, as sslrootcert in the address, or"
    " by PGSSLROOTCERT"
)
# What helps, by what libpq 17 and the server say where there is no code of a server's (2026-11-30).
_NEXT_STEPS = {
    'database ".*" does not exist': "make it with createdb, or name another in the address",
    'role ".*" does not exist': "name one that the server knows, as USER@ in the address",
    "resolve host|translate host name": "check the name of the host in the address",
    "password authentication failed": _HOW_TO_LOG_IN,
    "no password supplied": _HOW_TO_LOG_IN,
    "certificate verify failed": _WHOM_TO_TRUST,
    "root certificate file": _WHOM_TO_TRUST,
    "does not match host name": "put the name into the address that its certificate has",
}

# What a server says when it has no place for one more, or is not there yet. It says so in its own
# language, and libpq passes no code on.
_COME_AGAIN = ("too many clients", "remaining connection slots", "starting up", "shutting down",
               "recovery mode", "too many connections", "no more connections allowed")  # fmt: skip


@contextmanager
def store_errors(db: PostgresConnection, shown: str) -> Iterator[None]:
    """Raise `StoreError` for what the server, the network or another program did.

    Statements and values that no database takes pass through: they are mistakes of our own and
    must look like bugs.

    Args:
        db: What is read or written meanwhile.
        shown: How errors call the database.

    Raises:
        LostError: The connection was lost.
        StoreError: It is any other failure.
    """
    try:
        yield
    except BadRow as error:
        raise _damaged(shown, str(error)) from error
    except TimeoutError as error:
        raise StoreError(f"cannot reach {shown}: {error}; {_REACH}") from error
    except (PeeweeException, psycopg.Error) as error:
        raise _meaning(error, db, shown) from error


def is_lost(error: BaseException) -> bool:
    """Whether the connection, or the server, is not there any more."""
    code = _code(error)
    if code is None:  # libpq's own words, which have none
        return isinstance(error, (OperationalError, psycopg.OperationalError, TimeoutError))
    return code.startswith(("08", *_ENDED))


def is_full(error: BaseException) -> bool:
    """Whether a server that could not be connected to may take the next one who asks."""
    is_operational = isinstance(error, (OperationalError, psycopg.OperationalError))
    return is_operational and any(words in str(error) for words in _COME_AGAIN)


def _code(error: BaseException) -> str | None:
    """The server's code (SQLSTATE) behind an exception of psycopg or Peewee."""
    return getattr(getattr(error, "orig", error), "sqlstate", None)


def _meaning(
    error: PeeweeException | psycopg.Error, db: PostgresConnection, shown: str
) -> BaseException:
    code = _code(error)
    behind = getattr(error, "orig", error)
    diagnosis = getattr(behind, "diag", None)
    said = " ".join(str(getattr(diagnosis, "message_primary", None) or behind).split())[:300]
    if getattr(diagnosis, "source_function", None) == _POLICY:
        who = db.connection().info.user
        return StoreError(
            f"the database {shown} lets {who}, who is logged in, write no sessions but"
            f" {who}'s own: set HFS_USER={who}, and leave out --owner"
        )
    if is_lost(error) or (code or "").startswith(("28", "3D")):
        return _unreachable(shown, said, code, ever_connected=db.ever_connected)
    # The driver refuses it without a code; class 42 is what the server says of a statement.
    if code is None or (code.startswith("42") and code not in {*_TAKEN_AWAY, *_ADVICE}):
        return error
    if advice := _ADVICE.get(code) or _ADVICE.get(code[:2]):
        return StoreError(f"the database {shown} {advice} ({said})")
    return refuses(shown, said) if code.startswith("23") else _damaged(shown, said)


def _unreachable(shown: str, said: str, code: str | None, *, ever_connected: bool) -> StoreError:
    if ever_connected and (code is None or code.startswith(_ENDED)):
        return LostError(f"the connection to {shown} was lost ({said}): try again")
    advice = next((then for words, then in _NEXT_STEPS.items() if re.search(words, said)), _REACH)
    # libpq asks a question, which our advice answers.
    said = said.partition(" Is the server running")[0]
    return StoreError(f"cannot reach {shown}: {said}; {advice}")


def _damaged(shown: str, what: str) -> StoreError:
    return StoreError(
        f"the database {shown} holds what hfs never wrote ({what}): "
        "it is left as it is; see hfs db check, and restore a backup of pg_dump's"
    )
