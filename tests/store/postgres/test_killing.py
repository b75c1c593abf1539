"""A process that is killed while it makes the tables leaves all of them on the server, or none.

HFS_TEST_STRIDE is at which statements it is: 1 is at each, 5 at every fifth.
"""

from __future__ import annotations

import os

import psycopg

from tests.store.killing import run

STRIDE = int(os.environ.get("HFS_TEST_STRIDE", "5"))


def test_a_first_start_that_is_killed_at_some_statement_leaves_all_or_nothing(postgres_databases):
    left = 1
    finished = ""
    tables = []
    while not finished:
        with postgres_databases.bare() as database:
            finished = run(database.where, "delete", left)
            with psycopg.connect(database.where) as db:
                ((number,),) = db.execute(
                    "SELECT count(*) FROM pg_tables WHERE tableowner = 'hfs'"
                    " AND schemaname = 'public'"
                )
            tables.append(number)
            with database.open() as store:
                assert store.delete([1]) == 0
                assert store.check() == []
        left += STRIDE
    assert set(tables) == {0, tables[-1]}
    assert len(tables) > 3
