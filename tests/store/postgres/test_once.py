"""What is read by a single statement, whose transaction goes with it in one message."""

import peewee
import psycopg
import pytest

from hfs_cli.errors import StoreError
from tests.store.talking import Talk


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("SELECT 1 FROM nowhere", StoreError),
        ("SELECT 1 / 0", StoreError),
        ("SELEC 1", peewee.ProgrammingError),  # a mistake of our own
    ],
)
@pytest.mark.parametrize("once", [False, True])
def test_it_fails_as_any_other_and_the_next_one_succeeds(
    postgres_databases, once, statement, error
):
    with postgres_databases.new() as database, database.open() as store:
        Talk(store).turn("q", "a")
        with pytest.raises(error), store._engine.reading(once=once) as db:
            db.execute_sql(statement)
        assert store.count() == 1


def test_a_lost_connection_is_made_anew_for_it(postgres_databases):
    with postgres_databases.new() as database, database.open() as store:
        Talk(store).turn("q", "a")
        ours = store._engine._db.connection().info.backend_pid
        with psycopg.connect(database.where, autocommit=True) as db:
            db.execute("SELECT pg_terminate_backend(%s, 60000)", (ours,))
        assert store.count() == 1
        assert store._engine._db.connection().info.backend_pid != ours


def test_within_a_transaction_it_is_a_part_of_it(postgres_databases):
    with postgres_databases.new() as database, database.open() as store:
        talk = Talk(store)
        talk.turn("q", "a")
        with store._engine.reading():
            assert store.count() == 1
            with database.open() as other:
                Talk(other).turn("q", "a")
            assert store.count() == 1
        assert store.count() == 2
