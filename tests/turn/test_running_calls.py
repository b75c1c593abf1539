"""The calls of one step are run once, kept once, and ended with whatever ends the turn."""

import signal
import threading
import time

import pytest

from hfs_cli import signals
from hfs_cli.errors import Interrupted, NotFoundError, ReaderLeft, SignalReceived, StoreError
from hfs_cli.messages import Call, Opened, Outcome, Reply
from hfs_cli.turn.calls import run_calls
from tests.turn.test_run import SESSION

CALLS = (Call("1", "look", "{}"), Call("2", "count", "[1]"))


@pytest.fixture(autouse=True)
def fresh_signals(monkeypatch):
    """A process has one signal state: each of these steps stands for a process."""
    monkeypatch.setattr(signals, "_State", type("State", (signals._State,), {}))


class Keeper:
    """Keeps calls as (place, result, seconds to wait), until it fails."""

    def __init__(self, *failures):
        self.kept: list[tuple[int, str | None, float]] = []
        self.spilled: list[Reply] = []
        self._failures = iter(failures)

    def save_call(self, message_id, position, call, wait_s=30.0):
        assert message_id == 5
        self.kept.append((position, call.result, wait_s))
        if (failure := next(self._failures, None)) is not None:
            raise failure

    def spill(self, opened, reply):
        self.spilled.append(reply)
        return "/spilled"


class Display:
    def __init__(self, failure=None):
        self.shown: list[str] = []
        self._failure = failure

    def called(self, calls):
        self.shown += [f"called {call.name}" for call in calls]

    def waiting(self):
        self.shown.append("waiting")
        if self._failure:
            raise self._failure

    def returned(self, call):
        self.shown.append(f"{call.name}: {call.result}")


class Toolbox:
    specs = ()

    def __init__(self, refused=(None, None), meanwhile=lambda: None):
        self.ran: list[str] = []
        self.closed = 0
        self._refused = refused
        self._meanwhile = meanwhile

    def refusals(self, calls):
        if isinstance(self._refused, BaseException):
            raise self._refused
        return self._refused

    def run(self, calls, started, ended):
        assert calls, "it is asked for nothing"
        for number, call in enumerate(calls):
            started(number)
            self._meanwhile()
            self.ran.append(call.name)
            ended(number, f"did {call.name}", False)

    def close(self):
        self.closed += 1


def run(toolbox, keeper=None, display=None):
    """Run the two calls; the reply, the error, the keeper and the display."""
    keeper, display = keeper or Keeper(), display or Display()
    step = Outcome(SESSION, 5, Reply("", "test/m", tool_calls=CALLS), None)
    with signals.held():
        reply, error = run_calls(toolbox, keeper, display, Opened(SESSION, 1, (), None), step)
    return reply, error, keeper, display


def test_each_call_is_written_before_and_after_it_ran_and_never_again():
    toolbox = Toolbox()
    reply, error, keeper, display = run(toolbox)
    assert error is None
    assert keeper.kept == [
        (1, None, 30.0),
        (1, "did look", 0.8),
        (2, None, 30.0),
        (2, "did count", 0.8),
    ]
    assert [call.result for call in reply.tool_calls] == ["did look", "did count"]
    assert all(call.started_at <= call.ended_at for call in reply.tool_calls)
    assert display.shown == [
        *("called look", "called count", "waiting"),
        *("look: did look", "count: did count"),
    ]
    # The toolbox serves the next step, too.
    assert toolbox.closed == 0


def test_what_is_refused_is_a_result_that_failed_and_does_not_run():
    toolbox = Toolbox(refused=("it is not allowed", None))
    reply, error, keeper, display = run(toolbox)
    assert (error, toolbox.ran) == (None, ["count"])
    assert keeper.kept[0] == (1, "it is not allowed", 0.8)
    first, second = reply.tool_calls
    assert (first.result, first.failed, first.started_at) == ("it is not allowed", True, None)
    assert (second.result, second.failed) == ("did count", False)
    assert set(display.shown[3:]) == {"look: it is not allowed", "count: did count"}


def test_where_all_is_refused_nothing_runs():
    toolbox = Toolbox(refused=("no", "no"))
    reply, error, _, _ = run(toolbox)
    assert (error, toolbox.ran) == (None, [])
    assert [call.result for call in reply.tool_calls] == ["no", "no"]


@pytest.mark.parametrize("failure", [SignalReceived(15), ReaderLeft()])
def test_whatever_ends_a_step_early_closes_the_toolbox(failure):
    for toolbox, display in (
        (Toolbox(refused=failure), Display()),
        (Toolbox(), Display(failure)),
    ):
        _, error, _, _ = run(toolbox, display=display)
        assert toolbox.closed == 1
        if isinstance(failure, SignalReceived):
            assert isinstance(error, Interrupted)
            assert error.exit_code == 143
            assert error.message == "interrupted; what tools have done is kept in session 7"
        else:
            assert error is failure


def test_what_a_tool_says_while_it_is_ended_is_waited_for_and_kept():
    class Ended(Toolbox):
        def __init__(self):
            super().__init__()
            self._ending = threading.Event()

        def run(self, calls, started, ended):
            started(0)
            assert self._ending.wait(60)
            time.sleep(0.05)  # it has a last word to say
            ended(0, "as far as it came", True)

        def close(self):
            self._ending.set()

    reply, error, keeper, _ = run(Ended(), display=Display(SignalReceived(2)))
    assert error.exit_code == 130
    assert [call.result for call in reply.tool_calls] == ["as far as it came", None]
    assert (1, "as far as it came", 0.8) in keeper.kept


def test_a_signal_that_comes_as_the_last_result_is_kept_is_not_lost():
    class Signalled(Keeper):
        def save_call(self, message_id, position, call, wait_s=30.0):
            super().save_call(message_id, position, call, wait_s)
            if wait_s == 30 and call.result == "did count":
                signals._handle(signal.SIGTERM, None)

    # The write at once fails, so that the last one is made at the end.
    reply, error, _, _ = run(Toolbox(), Signalled(None, None, None, StoreError("locked")))
    assert isinstance(error, Interrupted)
    assert (error.exit_code, error.message) == (143, "interrupted after the tools had run")
    assert [call.result for call in reply.tool_calls] == ["did look", "did count"]


def test_a_result_that_was_not_taken_is_written_once_more_and_only_that_one():
    _, error, keeper, _ = run(Toolbox(), Keeper(None, StoreError("locked")))
    assert error is None
    assert keeper.kept[-1] == (1, "did look", 30.0)
    assert [place for place, result, _ in keeper.kept if result] == [1, 2, 1]


def test_a_result_that_is_never_taken_is_spilled_and_a_signal_keeps_its_code():
    locked = StoreError("locked")
    reply, error, keeper, _ = run(Toolbox(), Keeper(None, locked, None, None, locked))
    assert keeper.spilled == [reply]
    assert (error.exit_code, error.message) == (8, "locked; the reply is kept in /spilled")

    stopped = Toolbox(refused=("no", "no"))
    keeper = Keeper(*[locked] * 5)
    reply, error, _, _ = run(stopped, keeper, Display(SignalReceived(2)))
    assert keeper.spilled == [reply]
    assert error.exit_code == 130
    assert error.message == "interrupted; locked; the reply is kept in /spilled"
    assert keeper.kept[-1][2] < 1


def test_where_the_session_is_gone_nothing_is_spilled():
    gone = NotFoundError("session 7 was deleted")
    _, error, keeper, _ = run(Toolbox(refused=("no", "no")), Keeper(*[gone] * 5))
    assert (error, keeper.spilled) == (gone, [])


def test_a_call_that_cannot_be_written_does_not_run():
    toolbox = Toolbox()
    reply, error, _, _ = run(toolbox, Keeper(StoreError("locked")))
    assert toolbox.ran == []
    assert error.message == "locked"
    assert [call.result for call in reply.tool_calls] == [None, None]


def test_a_defect_of_a_tool_stays_one():
    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(Toolbox(meanwhile=fail))
