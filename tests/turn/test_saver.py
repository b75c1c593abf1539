"""A reply is kept about once a second while it streams, and whole when it ends."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from hfs_cli.errors import NotFoundError, StoreError
from hfs_cli.messages import Delta, Opened, Reasoning, Reply, Session
from hfs_cli.turn import saver as module
from hfs_cli.turn.collector import Collector
from hfs_cli.turn.saver import Saver

NOW = datetime(2026, 11, 29, tzinfo=UTC)
SESSION = Session(7, "u" * 32, "name", "test/m", 1, NOW, NOW)


@dataclass
class Keeper:
    """Keeps what it is given, with how long it may wait; one test makes it fail or be slow."""

    kept: list[tuple[str, str, float]] = field(default_factory=list)
    before: Callable[[], object] | None = None

    def save_piece(self, opened, piece, wait_s=30.0):
        if self.before:
            self.before()
        self.kept.append(("piece", piece.text + piece.reasoning, wait_s))

    def save_reply(self, opened, reply, wait_s=30.0):
        self.kept.append(("reply", reply.text, wait_s))
        return 2

    def save_call(self, message_id, position, call, wait_s=30.0):
        raise NotImplementedError

    def spill(self, opened, reply):
        raise NotImplementedError


class Moments:
    """Stands for the saver's waiting: each wait is noted, and is when something happens."""

    def __init__(self, saver, *happenings):
        self.waits: list[float] = []
        self._saver = saver
        self._happenings = iter(happenings)

    def wait(self, seconds):
        self.waits.append(seconds)
        happening = next(self._happenings, None)
        if happening is None:
            self._saver._stopped = True
        else:
            happening()

    def clear(self): ...

    def set(self): ...


def saved_meanwhile(keeper, *happenings):
    """How long the saver waits before each look, with something happening in each wait."""
    collector = Collector("test/m")
    # Without a session it starts no thread: its loop runs here.
    saver = Saver(keeper, Opened(None, 1, (), None), collector)
    moments = Moments(saver, *(lambda h=h: h(collector) for h in happenings))
    saver._due = moments  # type: ignore[assignment]
    saver._run()
    return moments.waits


def says(text):
    return lambda collector: collector.add([Delta(text)])


def nothing(_): ...


def test_a_kill_costs_less_than_a_second():
    assert module.SAVE_INTERVAL_S < 1
    keeper = Keeper()
    waits = saved_meanwhile(keeper, says("one "), nothing, says("two"))
    assert keeper.kept == [("piece", "one ", 0.5), ("piece", "two", 0.5)]
    assert waits[0] == module.SAVE_INTERVAL_S
    assert all(0.7 < wait <= module.SAVE_INTERVAL_S for wait in waits)


@pytest.mark.parametrize(("took", "left"), [(0.0, 0.8), (0.3, 0.5), (0.8, 0.0), (5.0, 0.0)])
def test_the_time_that_a_save_takes_is_not_waited_again(monkeypatch, took, left):
    now = [100.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def takes_time():
        now[0] += took

    waits = saved_meanwhile(Keeper(before=takes_time), says("x"), nothing)
    assert waits[1] == pytest.approx(left)
    assert waits[2] == pytest.approx(0.8)


def test_what_could_not_be_saved_comes_with_the_next_piece():
    fails = iter([True, True, False, False])

    def stumble():
        if next(fails):
            raise StoreError("locked")

    def both(collector):
        collector.add([Delta("c"), Reasoning("!")])

    keeper = Keeper(before=stumble)
    saved_meanwhile(keeper, says("a"), says("b"), nothing, both)
    assert [text for _, text, _ in keeper.kept] == ["ab", "c!"]


def test_reasoning_that_could_not_be_saved_comes_again_too():
    fails = iter([True, False])

    def stumble():
        if next(fails):
            raise OverflowError

    keeper = Keeper(before=stumble)
    thinks = lambda word: lambda collector: collector.add([Reasoning(word)])  # noqa: E731
    saved_meanwhile(keeper, thinks("x"), thinks("y"))
    assert [text for _, text, _ in keeper.kept] == ["xy"]


def test_only_much_text_is_saved_before_the_time():
    collector = Collector("test/m")
    saver = Saver(Keeper(), Opened(None, 1, (), None), collector)
    saver.received()
    collector.add([Delta("x" * (module.SAVE_CHARS - 1))])
    saver.received()
    assert not saver._due.is_set()
    collector.add([Delta("y")])
    saver.received()
    assert saver._due.is_set()


def test_the_last_write_comes_after_the_one_that_is_under_way(monkeypatch):
    monkeypatch.setattr(module, "SAVE_INTERVAL_S", 0.01)
    entered, gate = threading.Event(), threading.Event()

    def slow():
        entered.set()
        assert gate.wait(120)

    keeper = Keeper(before=slow)
    collector = Collector("test/m")
    saver = Saver(keeper, Opened(SESSION, 1, (), None), collector)
    collector.add([Delta("half")])
    assert entered.wait(120)
    threading.Timer(0.05, gate.set).start()
    assert saver.finish(Reply("whole", "test/m")) == 2
    assert [(kind, text) for kind, text, _ in keeper.kept] == [
        ("piece", "half"),
        ("reply", "whole"),
    ]
    assert keeper.kept[-1][2] == module.LAST_WAIT_S == 30
    assert not saver._thread.is_alive()


def test_stopping_ends_the_wait_at_once(monkeypatch):
    monkeypatch.setattr(module, "SAVE_INTERVAL_S", 3600)
    saver = Saver(Keeper(), Opened(SESSION, 1, (), None), Collector("test/m"))
    assert saver._thread.is_alive()
    # A defect elsewhere must not leave a process that never ends.
    assert saver._thread.daemon
    saver.stop()
    assert not saver._thread.is_alive()


def test_what_is_not_to_be_kept_needs_no_thread():
    keeper = Keeper()
    saver = Saver(keeper, Opened(None, 1, (), None), Collector("test/m"))
    assert saver._thread is None
    saver.stop()
    assert saver.finish(Reply("x", "test/m"), 0.8) == 2
    assert keeper.kept == [("reply", "x", 0.8)]


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (StoreError("it is locked"), "it is locked; the reply is kept in /spilled"),
        (
            OverflowError("too large"),
            (
                "the reply could not be saved (OverflowError: too large);"
                " the reply is kept in /spilled"
            ),
        ),
    ],
)
def test_what_the_database_refuses_is_spilled_and_both_are_said(failure, said):
    class Refusing(Keeper):
        def save_reply(self, opened, reply, wait_s=30.0):
            raise failure

        def spill(self, opened, reply):
            self.kept.append(("spilled", reply.text, 0))
            return "/spilled"

    keeper = Refusing()
    saver = Saver(keeper, Opened(None, 1, (), None), Collector("test/m"))
    with pytest.raises(StoreError) as raised:
        saver.finish(Reply("x", "test/m"))
    assert raised.value.message == said
    assert raised.value.__cause__ is failure
    assert keeper.kept == [("spilled", "x", 0)]


def test_a_reply_of_a_deleted_session_is_not_spilled():
    class Gone(Keeper):
        def save_reply(self, opened, reply, wait_s=30.0):
            raise NotFoundError("session 7 was deleted")

    saver = Saver(Gone(), Opened(None, 1, (), None), Collector("test/m"))
    with pytest.raises(NotFoundError, match="session 7 was deleted"):
        saver.finish(Reply("x", "test/m"))


def test_where_neither_database_nor_file_takes_it_both_reasons_are_said():
    class Full(Keeper):
        def save_reply(self, opened, reply, wait_s=30.0):
            raise StoreError("the database is locked")

        def spill(self, opened, reply):
            raise StoreError("the disk is full")

    saver = Saver(Full(), Opened(None, 1, (), None), Collector("test/m"))
    with pytest.raises(StoreError) as raised:
        saver.finish(Reply("x", "test/m"))
    assert raised.value.message == (
        "the database is locked; the reply could not be kept in a file either (the disk is full)"
    )
