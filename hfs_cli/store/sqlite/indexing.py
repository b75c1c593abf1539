"""Keep the full-text indexes in step with messages and names.

A message is indexed in the transaction that completes it, so the index costs nothing while a
reply streams and is never stale: not after a crash either.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from peewee import SqliteDatabase

from hfs_cli.store.engine import BadRow

# Scripts that are written without spaces. FTS5's tokenizer takes a run of letters for one
# word, so each of these characters is set apart; a word of several is then a phrase. It is
# compiled when first needed, which for most turns is never and takes a while.
_SPACELESS = (
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u30ff\u3100-\u9fff\ua960-\ua97f"
    "\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff])"
)


# Characters that are put into Unicode's forms at a time.
_PIECE = 1 << 18


def words(text: str) -> str:
    """Text as it is indexed and looked up.

    Unindexing needs exactly what was indexed: whoever changes this adds a migration that
    empties the indexes and fills them anew.
    """
    return "".join(_words(text))


def _words(text: str) -> Iterator[str]:
    # FTS5 reads up to a NUL; the words after it count too.
    text = text.replace("\0", " ")
    return iter([text]) if text.isascii() else map(_plain, _pieces(text))


def _plain(text: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFD", text) if not is_accent(c))
    return re.sub(_SPACELESS, r" \1 ", unicodedata.normalize("NFC", plain))


def _pieces(text: str) -> Iterator[str]:
    """A long text in pieces: taken apart into letters and marks as a whole, it fills the memory.

    No cut falls before what may join the character in front of it.
    """
    start = 0
    while start < len(text):
        end = start + _PIECE
        while end < len(text) and not _parts(text[end - 1], text[end]):
            end += 1
        yield text[start:end]
        start = end


def _parts(before: str, after: str) -> bool:
    """Whether Unicode's forms never depend on two characters standing side by side."""
    # A mark and a vowel or a tail of Hangul may also join what comes of those before it.
    if unicodedata.category(after).startswith("M") or "\u1160" <= after <= "\u11ff":
        return False
    return unicodedata.normalize("NFC", before + after) == (
        unicodedata.normalize("NFC", before) + unicodedata.normalize("NFC", after)
    )


def is_accent(character: str) -> bool:
    """Whether it is a combining mark of Latin, Greek or Cyrillic letters.

    FTS5 itself removes those of Latin only. The marks of other scripts, as in Japanese
    kana, make other letters.
    """
    return "\u0300" <= character <= "\u036f"


def index_message(db: SqliteDatabase, message_id: int, content: str) -> None:
    """Index a message that has become complete."""
    # Bytes: a long text that is not ASCII takes up to four times as much as a string.
    text = b"".join(piece.encode() for piece in _words(content))
    db.execute_sql(
        "INSERT INTO message_words (rowid, content) VALUES (?, CAST(? AS TEXT))", (message_id, text)
    )


# A call is found by its tool, what that was given and what it said.
CALL = "tool_call.name || ' ' || tool_call.arguments || ' ' || tool_call.result"


def index_call(db: SqliteDatabase, call_id: int) -> None:
    """Index a call that has its result."""
    db.execute_sql(
        "INSERT INTO call_words (rowid, content) VALUES (?, ?)",
        (call_id, words(_text_of_call(db, call_id))),
    )


def unindex_call(db: SqliteDatabase, call_id: int) -> None:
    """Take a call out of the index, before its result changes."""
    _unindex_call(db, call_id, _text_of_call(db, call_id))


def _unindex_call(db: SqliteDatabase, call_id: int, text: object) -> None:
    if not isinstance(text, str):
        raise BadRow("a call of a tool that is not text")
    db.execute_sql(
        "INSERT INTO call_words (call_words, rowid, content) VALUES ('delete', ?, ?)",
        (call_id, words(text)),
    )


def _text_of_call(db: SqliteDatabase, call_id: int) -> str:
    text: str = db.execute_sql(f"SELECT {CALL} FROM tool_call WHERE id = ?", (call_id,)).fetchone()[
        0
    ]
    return text


def index_messages(db: SqliteDatabase, texts: Iterable[tuple[int, str]]) -> None:
    """Index many messages that are complete."""
    db.connection().executemany(
        "INSERT INTO message_words (rowid, content) VALUES (?, ?)",
        ((message_id, words(content)) for message_id, content in texts),
    )


def unindex_message(db: SqliteDatabase, message_id: int, content: object) -> None:
    """Take a complete message out of the index, before it is deleted."""
    if not isinstance(content, str):
        raise BadRow("a message that is not text")
    db.execute_sql(
        "INSERT INTO message_words (message_words, rowid, content) VALUES ('delete', ?, ?)",
        (message_id, words(content)),
    )


def unindex_messages(db: SqliteDatabase, session_id: int) -> None:
    """Take a session's own messages and calls out of the index, before they are deleted."""
    called = db.execute_sql(
        f"SELECT tool_call.id, {CALL} FROM tool_call JOIN message m ON m.id = message_id"
        " WHERE m.session_id = ? AND result IS NOT NULL",
        (session_id,),
    ).fetchall()
    for call_id, text in called:
        _unindex_call(db, call_id, text)
    found = db.execute_sql(
        "SELECT id, content FROM message WHERE session_id = ? AND status = 'complete'",
        (session_id,),
    ).fetchall()
    for message_id, content in found:
        unindex_message(db, message_id, content)


def index_name(db: SqliteDatabase, session_id: int, name: str) -> None:
    """Index a session's name."""
    db.execute_sql(
        "INSERT INTO session_words (rowid, name) VALUES (?, ?)", (session_id, words(name))
    )


def unindex_name(db: SqliteDatabase, session_id: int, name: str) -> None:
    """Take a session's name out of the index, before it changes or goes."""
    db.execute_sql(
        "INSERT INTO session_words (session_words, rowid, name) VALUES ('delete', ?, ?)",
        (session_id, words(name)),
    )


def forget_words(db: SqliteDatabase) -> None:
    """Forget every word."""
    db.execute_sql("INSERT INTO message_words (message_words) VALUES ('delete-all')")
    db.execute_sql("INSERT INTO call_words (call_words) VALUES ('delete-all')")
    db.execute_sql("INSERT INTO session_words (session_words) VALUES ('delete-all')")
