"""What a server refuses, and what a user is told of it."""

import psycopg
import pytest

from hfs_cli.errors import StoreError
from tests.store.talking import Talk

FAIL = """
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'for a reason' USING ERRCODE = '{}'; END $$;
CREATE TRIGGER fail BEFORE UPDATE ON session FOR EACH ROW EXECUTE FUNCTION fail()
"""


@pytest.fixture
def run(postgres_databases):
    """A store with a session, and a function that runs a statement of another program."""
    with postgres_databases.new() as database, database.open() as store:
        session = Talk(store).turn("q", "a")
        with psycopg.connect(database.where, autocommit=True) as db:
            yield store, session.id, lambda statement: db.execute(statement.encode())


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("40P01", "was changed by another program at the same time: try again"),
        ("40001", "was changed by another program at the same time: try again"),
        ("53100", "cannot grow, the server's disk is full"),
        ("58030", "could not be read or written: ask who runs the server"),
        ("42501", "does not let this role do so"),
        ("42883", "lacks a function: hfs needs PostgreSQL 13 or later"),
        ("42P01", "holds what hfs never wrote"),
        ("23514", "refuses the change"),
        ("XX001", "holds what hfs never wrote"),
        ("P0001", "holds what hfs never wrote"),
    ],
)
def test_each_failure_comes_with_its_next_step(run, code, says):
    store, session_id, by_another = run
    by_another(FAIL.format(code))
    try:
        with pytest.raises(StoreError, match=rf"{says}.*for a reason"):
            store.rename(session_id, "later")
    finally:
        by_another("DROP FUNCTION fail CASCADE")
    assert store.rename(session_id, "later").name == "later"


@pytest.mark.parametrize("statement", ["SELEC 1", "SELECT %s"])
def test_a_mistake_of_our_own_is_neither_damage_nor_a_lost_connection(run, statement):
    store, _, _ = run
    # Past Peewee, as what is copied or begun.
    with pytest.raises(psycopg.ProgrammingError), store._engine.reading() as db:
        db.connection().execute(statement, ())
    assert store.count() == 1
