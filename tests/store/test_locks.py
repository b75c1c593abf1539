"""Who writes, and who has to wait for it: another program, or one that only reads."""

import time
from threading import Event, Thread

import pytest

from hfs_cli.errors import StoreError
from hfs_cli.messages import Reply


def test_a_writer_waits_for_another_and_then_succeeds(store, talk, database):
    session = talk.turn("hi", "hello")
    there = Event()

    def write():
        with database.locked():
            there.set()
            time.sleep(0.4)

    other = Thread(target=write)
    other.start()
    assert there.wait(60)
    assert store.rename(session.id, "later").name == "later"
    other.join()


def test_a_lock_that_does_not_end_is_an_error_after_the_wait(store, talk, database):
    opened = talk.ask("hi")
    with database.locked():
        with pytest.raises(StoreError, match="locked by another program"):
            store.save_reply(opened, Reply("words", "m/x"), 0.1)
        # Reading is not held up.
        assert store.get(opened.session.id).messages == 1
    assert store.save_reply(opened, Reply("words", "m/x"), 0.1) is not None


def test_no_lock_is_held_between_calls(talk, database):
    opened = talk.ask("hi")
    talk.answer(opened, "h", status="partial")
    with database.locked():  # at once, or not at all
        pass


def test_who_only_reads_a_current_database_waits_for_no_writer(store, talk, database):
    talk.turn("q", "a")
    with store._engine.writing(), database.open() as reader:
        assert reader.count() == 1
