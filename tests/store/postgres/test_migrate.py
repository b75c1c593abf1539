"""The tables are made once, by whoever comes first, and nobody else's are touched."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
import pytest

from hfs_cli.errors import StoreError
from tests.store.places import open_place
from tests.store.talking import Talk

MANY = 16


def test_many_that_come_at_once_make_the_tables_once(postgres_databases):
    with postgres_databases.bare() as database:
        together = Barrier(MANY)

        def come(number):
            with open_place(database.where) as store:
                together.wait(60)
                Talk(store).turn(f"q{number}", "a")

        with ThreadPoolExecutor(MANY) as threads:
            list(threads.map(come, range(MANY)))
        with open_place(database.where) as store:
            assert store.count() == MANY
            assert store.check() == []


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ("CREATE TABLE message (id int)", "another program's tables"),
        (
            "CREATE TABLE hfs_schema (version bigint); INSERT INTO hfs_schema VALUES (99)",
            "a newer hfs",
        ),
    ],
)
def test_what_is_not_ours_is_refused_and_left_as_it_is(postgres_databases, made, says):
    with postgres_databases.bare() as database:
        with psycopg.connect(database.where, autocommit=True) as db:
            db.execute(made.encode())
        with open_place(database.where) as store, pytest.raises(StoreError, match=says):
            store.count()
        with psycopg.connect(database.where, autocommit=True) as db:
            tables = db.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
            assert tables.fetchone() == (1,)
