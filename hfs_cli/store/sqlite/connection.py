"""One connection to a file: how it is opened, and what SQLite does in its own way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from peewee import Field, Function, Model, SqliteDatabase, fn

from hfs_cli.store import words
from hfs_cli.store.engine import WAIT_S, BadRow, Connection, Cursor, Indexed

# FULL: a commit reaches the disk before it returns, so an answered turn survives a power
# cut, not only a kill. Measured here it costs 0.25 ms a commit against 0.02 ms for NORMAL,
# and a turn makes one at its start, one a second, and one at its end.
_PRAGMAS = {
    "foreign_keys": "ON",
    "synchronous": "FULL",
    # Nothing in the file may call a function that reaches outside of it.
    "trusted_schema": "OFF",
    # After a long reader the log has grown; the next checkpoint cuts it back to this.
    "journal_size_limit": 4 * 1024 * 1024,
}

# For an import: how many statements it takes turns with, and a cache (in KiB, below 0) for the
# pages that they come back to.
_CACHED_STATEMENTS = 32
_OF_IMPORTS = {"cache_size": -32_000}

# From this many characters on, a text is bound as bytes: see `execute_sql`.
_LONG_TEXT = 1_000_000

# The indexes of words (FTS5), each with its column.
INDEXES = {"message_words": "content", "call_words": "content", "session_words": "name"}


def connect(name: str, *, importing: bool) -> SqliteConnection:
    """An open connection.

    Args:
        name: A URI, or ``:memory:``.
        importing: It is for an import, which runs a few statements thousands of times.
    """
    db = SqliteConnection(
        name,
        pragmas=_PRAGMAS | (_OF_IMPORTS if importing else {}),
        timeout=WAIT_S,
        uri=True,
        # One connection for all threads, under the engine's lock.
        thread_safe=False,
        check_same_thread=False,
        # A cached statement keeps a copy of the values it was last run with: a long reply.
        cached_statements=_CACHED_STATEMENTS if importing else 0,
    )
    db.connect()
    return db


class SqliteConnection(Connection, SqliteDatabase):
    """What SQLite does in its own way."""

    def execute_sql(self, sql: str, params: Sequence[object] = ()) -> Cursor:
        """Run a statement.

        A long text is bound as bytes. A string that was given to SQLite keeps its UTF-8 for as long
        as it lives (CPython's `PyUnicode_AsUTF8AndSize`): half of a prompt's size once more.
        """
        long = [isinstance(value, str) and len(value) > _LONG_TEXT for value in params]
        if any(long):
            first, *rest = sql.split("?")  # our statements have "?" for values only
            sql = first + "".join(
                f"CAST(? AS TEXT){after}" if is_long else f"?{after}"
                for is_long, after in zip(long, rest, strict=True)
            )
            params = [
                value.encode() if isinstance(value, str) and is_long else value
                for value, is_long in zip(params, long, strict=True)
            ]
        return super().execute_sql(sql, params)

    def first_free(self, table: type[Model]) -> int:
        """The number after the highest that was ever given (AUTOINCREMENT)."""
        name = table._meta.table_name  # noqa: SLF001  (Peewee's documented way)
        given = self.execute_sql("SELECT seq FROM sqlite_sequence WHERE name = ?", (name,))
        return int((given.fetchone() or (0,))[0]) + 1

    def local_day(self, microseconds: Field[int]) -> Function:
        """A kept time as a day of the user's own time zone."""
        return fn.date(microseconds / 1_000_000, "unixepoch", "localtime")

    def rollback(self) -> None:
        """Roll back, unless SQLite has done so on a full disk: that error must not be hidden."""
        if self.connection().in_transaction:
            super().rollback()

    # --- the indexes of words ---------------------------------------------------------------

    # A message is indexed in the transaction that completes it: the index costs nothing while a
    # reply streams, and is up to date after a crash, too.

    def index(self, of: Indexed, number: int, text: str) -> None:
        """See `Connection.index`."""
        # Bytes: a long text that is not ASCII takes up to four times as much as a string.
        self._add(of, number, b"".join(piece.encode() for piece in words.pieces(text)))

    def index_many(
        self, of: Literal["message", "session"], texts: Iterable[tuple[int, str]]
    ) -> None:
        """See `Connection.index_many`."""
        run: list[int] = []
        for number, text in texts:
            indexed = words.words(text)
            if indexed != text or (run and run[-1] != number - 1):
                self._index_run(of, run)
                run = []
            if indexed == text:
                run.append(number)
            else:
                self._add(of, number, indexed.encode())
        self._index_run(of, run)

    def _index_run(self, of: Indexed, run: Sequence[int]) -> None:
        """Index rows with consecutive ids, whose texts are indexed as they are."""
        if run:
            # One statement for all of them takes two thirds of the time.
            index, column = f"{of}_words", INDEXES[f"{of}_words"]
            self.execute_sql(
                f"INSERT INTO {index} (rowid, {column})"
                f" SELECT id, {column} FROM {of} WHERE id BETWEEN ? AND ?",
                (run[0], run[-1]),
            )

    def _add(self, of: Indexed, number: int, indexed: bytes) -> None:
        index = f"{of}_words"
        sql = f"INSERT INTO {index} (rowid, {INDEXES[index]}) VALUES (?, CAST(? AS TEXT))"
        self.execute_sql(sql, (number, indexed))

    def unindex(self, of: Indexed, number: int, text: str) -> None:
        """See `Connection.unindex`."""
        if not isinstance(text, str):
            raise BadRow("a message or a call of a tool that is not text")
        # Without the texts, FTS5 has to be told the words that it is to forget.
        index = f"{of}_words"
        sql = f"INSERT INTO {index} ({index}, rowid, {INDEXES[index]}) VALUES ('delete', ?, ?)"
        self.execute_sql(sql, (number, words.words(text)))

    def unindex_messages(self, session_id: int) -> None:
        """See `Connection.unindex_messages`."""
        called = self.execute_sql(
            f"SELECT tool_call.id, {words.CALL} FROM tool_call JOIN message m ON m.id = message_id"
            " WHERE m.session_id = ? AND result IS NOT NULL",
            (session_id,),
        )
        for call_id, text in list(called):
            self.unindex("call", call_id, text)
        found = self.execute_sql(
            "SELECT id, content FROM message WHERE session_id = ? AND status = 'complete'",
            (session_id,),
        )
        for message_id, content in list(found):
            self.unindex("message", message_id, content)

    def forget_words(self) -> None:
        """Empty the indexes."""
        for index in INDEXES:
            self.execute_sql(f"INSERT INTO {index} ({index}) VALUES ('delete-all')")
