"""Somebody who reads for long: others write on, and what they replace goes afterwards."""

import re

import psycopg

from tests.store.talking import Talk


def test_a_long_reader_holds_nobody_up_and_what_was_replaced_goes_afterwards(postgres_databases):
    with postgres_databases.new() as database, database.open() as store:
        talk = Talk(store)
        session = talk.turn("hi", "hello")
        with psycopg.connect(database.where) as reader:
            reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            reader.execute("SELECT * FROM message").fetchone()
            for number in range(15):
                talk.turn("q", "x" * 400_000, session)
                store.rename(session.id, f"name {number}")
            assert reader.execute("SELECT count(*) FROM message").fetchone() == (2,)
            store.vacuum()
            assert _dead(database)
        store.vacuum()
        assert _dead(database) == 0


def _dead(database) -> int:
    """Rows of sessions that were replaced and still take room.

    As VACUUM counts them: the server's statistics of a table may be ten seconds behind.
    """
    said = []
    with psycopg.connect(database.where, autocommit=True) as db:
        db.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))
        db.execute("SET lc_messages = 'C'")
        db.execute("VACUUM (VERBOSE) session")
    counts = re.findall(r"(\d+) are dead but not yet removable", "\n".join(said))
    return int(counts[0])
