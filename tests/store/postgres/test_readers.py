"""Somebody who reads for long: others write on, and what they replace goes afterwards."""

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
            kept = _dead(database)
        assert kept
        store.vacuum()
        assert _dead(database) == 0


def _dead(database) -> int:
    """Rows of sessions that were replaced and still take room."""
    ask = "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'session'"
    with psycopg.connect(database.where, autocommit=True) as db:
        return db.execute(ask).fetchone()[0]
