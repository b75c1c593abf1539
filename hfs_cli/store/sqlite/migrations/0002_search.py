"""Full-text indexes of complete messages and of names."""

import re
import unicodedata

from peewee import SqliteDatabase
from playhouse.migrate import SqliteMigrator

# Contentless: the words only, for the text is in `message` already. Measured on 100,000
# messages (English, accents, 5 % Chinese): this tokenizer with CJK characters set apart
# indexes them in 1.7 s and 0.64 of the data's size and finds all; trigram takes 7.6 s and
# 3.2 times the data's size and finds neither two Chinese characters nor cafe for café.
_TABLES = (
    """CREATE VIRTUAL TABLE message_words USING fts5 (
        content, content = '', tokenize = 'unicode61 remove_diacritics 2'
    )""",
    """CREATE VIRTUAL TABLE session_words USING fts5 (
        name, content = '', tokenize = 'unicode61 remove_diacritics 2'
    )""",
)


def up(_migrator: SqliteMigrator, db: SqliteDatabase) -> None:
    """Make the indexes and fill them."""
    for statement in _TABLES:
        db.execute_sql(statement)
    insert = "INSERT INTO {0}_words (rowid, {1}) VALUES (?, ?)"
    for number, text in db.execute_sql("SELECT id, content FROM message WHERE status = 'complete'"):
        db.execute_sql(insert.format("message", "content"), (number, _words(text)))
    for number, text in db.execute_sql("SELECT id, name FROM session"):
        db.execute_sql(insert.format("session", "name"), (number, _words(text)))


# As `hfs_cli.store.sqlite.indexing.words` was when this was released.
_SPACELESS = (
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u30ff\u3100-\u9fff\ua960-\ua97f"
    "\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff])"
)


def _words(text: str) -> str:
    text = text.replace("\0", " ")
    if text.isascii():
        return text
    plain = "".join(c for c in unicodedata.normalize("NFD", text) if not "\u0300" <= c <= "\u036f")
    return re.sub(_SPACELESS, r" \1 ", unicodedata.normalize("NFC", plain))
