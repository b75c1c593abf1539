"""A process that is killed at any statement leaves all of its work behind, or none."""

import random

import pytest

from hfs_cli.exchange.native import json_document
from hfs_cli.store.store import SessionStore
from tests.store.killing import KILLS, OPERATIONS, content, run, somewhere
from tests.store.talking import talk_for_a_while


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_is_done_or_not(databases, tmp_path, operation):
    with SessionStore(tmp_path / "hfs.db") as store:
        talk_for_a_while(store, "other")
        source = tmp_path / "in.json"
        source.write_text("".join(json_document(store.conversations())))
    chance = random.Random(operation)
    stages = []
    count = 0
    for number in range(KILLS + 1):
        with databases.new() as database:
            with database.open() as store:
                talk_for_a_while(store, "base")
            if not number:
                stages.append(content(database))
                count = int(run(database.where, operation, 0, source))
            else:
                left = somewhere(chance, count)
                assert run(database.where, operation, left, source) == ""
            stages.append(content(database))
    before, after, *killed = stages
    assert before != after
    if operation != "turn":  # which is three transactions
        assert all(kept in (before, after) for kept in killed)
