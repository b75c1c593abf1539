"""Full-text indexes of complete messages and of names."""

from peewee import SqliteDatabase
from playhouse.migrate import SqliteMigrator

from hfs_cli.store.sqlite import indexing

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
    indexing.fill(db)
