"""How a turn ends: what is said, what is shown, what is kept, and that nothing runs on."""

import signal
import threading

import pytest

from hfs_cli import signals
from hfs_cli.errors import (
    ConfigError,
    IncompleteReplyError,
    Interrupted,
    NetworkError,
    OutputError,
    ProviderError,
    ReaderLeft,
    SignalReceived,
    StoreError,
)
from hfs_cli.messages import ChatMessage, Delta, Finish, Reasoning, Turn
from hfs_cli.turn import run as core
from tests.turn.test_run import STOP, FakeProvider, FakeRenderer, FakeStore, run

TRY = "try again, or choose another model with -m"


@pytest.fixture(autouse=True)
def fresh_signals(monkeypatch):
    """A process has one signal state: each of these turns stands for a process."""
    monkeypatch.setattr(signals, "_State", type("State", (signals._State,), {}))


@pytest.fixture(autouse=True)
def nothing_runs_on():
    yield
    assert [t.name for t in threading.enumerate() if t.name == "hfs-saver"] == []


def signalled(failure=None):
    """A store during whose last write a signal comes."""

    class Signalled(FakeStore):
        waits: list[float]

        def save_reply(self, opened, reply, wait_s=30.0):
            self.waits.append(wait_s)
            signals._handle(signal.SIGTERM, None)
            if failure:
                raise failure
            return super().save_reply(opened, reply, wait_s)

    store = Signalled()
    store.waits = []
    return store


def test_a_provider_that_is_not_ready_costs_nothing():
    class Unready(FakeProvider):
        def prepare(self, prompt):
            assert prompt.content == "hi"
            raise ConfigError("no key")

    class Untouched(FakeStore):
        def begin(self, turn):
            raise AssertionError("nothing is kept")

    provider = Unready([])
    with pytest.raises(ConfigError, match="no key"):
        core.run_turn(
            provider, Untouched(), FakeRenderer(), Turn(ChatMessage("user", "hi"), "fake/m")
        )
    assert provider.requests == []


def test_the_renderer_hears_of_the_session_before_the_request_goes_out():
    happened = []

    class Noting(FakeProvider):
        def stream(self, request):
            happened.append("request")
            return super().stream(request)

    class Hearing(FakeRenderer):
        def opened(self, opened):
            happened.append(opened.session.id)

    turn = Turn(ChatMessage("user", "hi"), "fake/m")
    core.run_turn(Noting([[Delta("x"), STOP]]), FakeStore(), Hearing(), turn)
    assert happened == [7, "request"]


def test_what_comes_is_shown_in_its_place_and_nothing_empty_is():
    renderer = FakeRenderer()
    run([Reasoning("hm")], [], [Delta("a")], [Reasoning("x"), Delta("b"), STOP], renderer=renderer)
    assert renderer.shown == ["(hm)", "a", "(x)", "b"]


@pytest.mark.parametrize("kind", ["text", "reasoning"])
def test_after_an_output_has_failed_nothing_more_is_shown(kind):
    class Full(FakeRenderer):
        def text(self, text):
            self.shown.append(text)
            if kind == "text":
                raise OutputError("the disk is full")

        def reasoning(self, text):
            self.shown.append(text)
            if kind == "reasoning":
                raise OutputError("the disk is full")

    store, renderer = FakeStore(), Full()
    first = Delta("a") if kind == "text" else Reasoning("a")
    outcome = run([first], [Delta("b")], [Reasoning("c"), STOP], store=store, renderer=renderer)
    assert renderer.shown == ["a"]
    assert outcome.error.message == "the disk is full"
    assert store.saved[-1].error is None
    assert store.saved[-1].status == "complete"


@pytest.mark.parametrize(
    "error", [ProviderError("no"), NetworkError("lost"), IncompleteReplyError("cut")]
)
def test_what_ends_a_turn_before_the_first_word_is_the_outcome_itself(error):
    store, renderer = FakeStore(), FakeRenderer()
    outcome = run(error, store=store, renderer=renderer)
    assert outcome.error is error
    assert outcome.reply.error == error.message
    assert (outcome.message_id, store.saved) == (None, [])
    assert renderer.outcome is outcome


@pytest.mark.parametrize("error", [ProviderError("no"), NetworkError("lost"), ReaderLeft()])
def test_why_a_reply_broke_off_is_kept_with_it(error):
    store = FakeStore()
    run([Delta("a")], error, store=store)
    assert (store.saved[-1].error, store.saved[-1].status) == (error.message, "partial")


def test_a_whole_reply_has_no_error():
    store = FakeStore()
    run([Delta("a"), STOP], store=store)
    assert store.saved[-1].error is None


def test_a_defect_is_kept_with_the_reply_by_its_name():
    class Broken(FakeRenderer):
        def text(self, text):
            raise ZeroDivisionError

    store = FakeStore()
    with pytest.raises(ZeroDivisionError):
        run([Delta("a")], store=store, renderer=Broken())
    assert store.saved[-1].error == "internal error: ZeroDivisionError"


def test_the_last_write_after_a_signal_does_not_keep_the_user_waiting():
    class Waiting(FakeStore):
        def save_reply(self, opened, reply, wait_s=30.0):
            waits.append(wait_s)
            return 2

    waits: list[float] = []
    run([Delta("a")], SignalReceived(2), store=Waiting())
    run([Delta("a")], NetworkError("lost"), store=Waiting())
    assert waits[0] < 1
    assert waits[1] == 30


def test_a_signal_during_the_last_write_costs_the_exit_code_alone():
    store = signalled()
    outcome = run([Delta("all"), STOP], store=store)
    assert isinstance(outcome.error, Interrupted)
    assert (outcome.error.exit_code, outcome.message_id) == (143, 2)
    assert outcome.error.message == "interrupted after the reply was kept"
    assert (store.saved[-1].status, store.waits) == ("complete", [30])


def test_a_signal_during_the_last_write_does_not_hide_another_error():
    outcome = run([Delta("half")], NetworkError("the line was lost"), store=signalled())
    assert outcome.error.exit_code == NetworkError.exit_code
    assert outcome.error.message.startswith("the line was lost; 1 word saved as partial")


def test_a_signal_during_a_write_that_fails_says_both():
    outcome = run([Delta("all"), STOP], store=signalled(StoreError("it is locked")))
    assert outcome.error.exit_code == 143
    assert outcome.error.message == "interrupted; it is locked; the reply is kept in /spilled"


def test_a_write_that_fails_after_a_signal_has_the_signals_code():
    outcome = run([Delta("half")], SignalReceived(2), store=FakeStore(StoreError("locked")))
    assert outcome.error.exit_code == 130
    assert outcome.error.message == "interrupted; locked; the reply is kept in /spilled"


@pytest.mark.parametrize(
    ("events", "said"),
    [
        (
            [STOP],
            f"the reply is empty: nothing came (finish reason stop) — {TRY}",
        ),
        (
            [Reasoning("hm"), Finish("length", "max_tokens", "think less")],
            "the reply is empty: only reasoning came (finish reason max_tokens) — think less",
        ),
        (
            [Finish("stop", "")],
            f"the reply is empty: nothing came (finish reason stop) — {TRY}",
        ),
        (
            [],
            f"the reply is empty: nothing came (finish reason none given) — {TRY}",
        ),
    ],
)
def test_an_empty_reply_says_what_came_why_it_ended_and_what_to_do(events, said):
    outcome = run(events)
    assert (outcome.error.message, outcome.error.exit_code) == (said, 5)


@pytest.mark.parametrize("failure", [OutputError("full"), ReaderLeft()])
def test_an_end_that_cannot_be_shown_is_raised_where_all_else_went_well(failure):
    class Ending(FakeRenderer):
        def close(self, outcome):
            raise failure

    with pytest.raises(type(failure)):
        run([Delta("a"), STOP], renderer=Ending())
    outcome = run([Delta("a")], NetworkError("lost"), renderer=Ending())
    assert outcome.error.exit_code == NetworkError.exit_code
