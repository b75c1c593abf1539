"""The core, over small fakes of its three protocols."""

import contextlib
import itertools
import signal
import sqlite3
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from hfs_cli import signals
from hfs_cli.errors import (
    HfsError,
    IncompleteReplyError,
    Interrupted,
    NotFoundError,
    OutputError,
    ProviderError,
    ReaderLeft,
    SignalReceived,
    StoreError,
)
from hfs_cli.messages import (
    Call,
    ChatMessage,
    Delta,
    Event,
    Finish,
    Opened,
    Outcome,
    Reasoning,
    Reply,
    Request,
    Session,
    ToolCall,
    Turn,
    Usage,
)
from hfs_cli.turn import run as core
from hfs_cli.turn import saver

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SESSION = Session(7, "u" * 32, "name", "fake/m", 1, NOW, NOW)
STOP = Finish("stop", "stop")


@dataclass
class FakeProvider:
    batches: Sequence[Sequence[Event] | BaseException]
    requests: list[Request] = field(default_factory=list)

    def prepare(self, prompt: ChatMessage) -> None: ...

    def preview(self, request: Request) -> Mapping[str, object]:
        raise NotImplementedError

    def stream(self, request: Request) -> Iterator[Sequence[Event]]:
        self.requests.append(request)
        for batch in self.batches:
            if isinstance(batch, BaseException):
                raise batch
            yield batch

    def close(self) -> None: ...


@dataclass
class FakeStore:
    failure: Exception | None = None
    saved: list[Reply] = field(default_factory=list)
    spilled: list[Reply] = field(default_factory=list)
    wrote: threading.Event = field(default_factory=threading.Event)

    def begin(self, turn: Turn) -> Opened:
        return Opened(SESSION, 1, (turn.prompt,), turn.system)

    def save_reply(self, opened: Opened, reply: Reply, wait_s: float = 30.0) -> int | None:
        if self.failure:
            raise self.failure
        self.saved.append(reply)
        self.wrote.set()
        return 2

    def save_piece(self, opened: Opened, piece: Reply, wait_s: float = 30.0) -> None:
        self.save_reply(opened, piece)

    def save_call(
        self, message_id: int | None, position: int, call: Call, wait_s: float = 30.0
    ) -> None:
        raise NotImplementedError

    def spill(self, opened: Opened, reply: Reply) -> str:
        self.spilled.append(reply)
        return "/spilled"


@dataclass
class FakeRenderer:
    failure: HfsError | None = None
    shown: list[str] = field(default_factory=list)
    outcome: Outcome | None = None

    def opened(self, opened: Opened) -> None: ...

    def reasoning(self, text: str) -> None:
        self.shown.append(f"({text})")

    def text(self, text: str) -> None:
        if self.failure:
            raise self.failure
        self.shown.append(text)

    def called(self, call: Call) -> None:
        self.shown.append(f"{call.name}?")

    def waiting(self) -> None: ...

    def returned(self, call: Call) -> None:
        self.shown.append(f"{call.name}: {call.result}")

    def close(self, outcome: Outcome) -> None:
        self.outcome = outcome


def run(*batches, store=None, renderer=None) -> Outcome:
    turn = Turn(ChatMessage("user", "hi"), "fake/m", system="be brief")
    return core.run_turn(
        FakeProvider(batches), store or FakeStore(), renderer or FakeRenderer(), turn
    )


def test_a_whole_reply_is_shown_and_kept_as_complete():
    store, renderer = FakeStore(), FakeRenderer()
    outcome = run(
        [Delta("a"), Delta("b")], [Delta("c"), Usage(1, 2), STOP], store=store, renderer=renderer
    )
    assert renderer.shown == ["ab", "c"]
    assert [r.text for r in store.saved] == ["abc"]
    assert outcome.reply.status == "complete"
    assert outcome.reply.usage == Usage(1, 2)
    assert outcome.message_id == 2
    assert outcome.error is None
    assert renderer.outcome is outcome


def test_the_request_carries_what_the_store_opened():
    provider = FakeProvider([[Delta("x"), STOP]])
    turn = Turn(ChatMessage("user", "hi"), "fake/m/large", {"a": 1}, {"type": "object"}, "brief")
    core.run_turn(provider, FakeStore(), FakeRenderer(), turn)
    assert provider.requests == [
        Request("m/large", (turn.prompt,), "brief", {"a": 1}, {"type": "object"}, provider="fake")
    ]


@pytest.mark.parametrize("number", [2, 15, 1])
def test_a_signal_keeps_what_arrived_as_partial(number):
    store = FakeStore()
    outcome = run([Delta("half a")], SignalReceived(number), store=store)
    assert isinstance(outcome.error, Interrupted)
    assert outcome.error.exit_code == 128 + number
    assert (store.saved[-1].text, store.saved[-1].status) == ("half a", "partial")
    assert outcome.error.message.endswith(
        "2 words saved as partial in session 7 — hfs sessions retry 7"
    )


def test_an_error_event_is_incomplete_only_after_text():
    assert run(ProviderError("no")).error.exit_code == 5
    assert run([Delta("a")], ProviderError("no")).error.exit_code == 7


def test_an_error_that_says_what_was_kept_has_the_first_one_as_its_cause():
    cut = IncompleteReplyError("cut")
    error = run([Delta("a")], cut).error
    assert error.message == "cut; 1 word saved as partial in session 7 — hfs sessions retry 7"
    assert (error.__cause__, cut.message) == (cut, "cut")


def test_nothing_is_kept_of_a_reply_that_never_began():
    store = FakeStore()
    outcome = run(IncompleteReplyError("cut"), store=store)
    assert store.saved == []
    assert (outcome.message_id, outcome.error.exit_code) == (None, 7)


def test_a_reader_who_leaves_ends_the_turn_and_the_text_is_kept():
    store = FakeStore()
    outcome = run([Delta("a")], [Delta("b")], store=store, renderer=FakeRenderer(ReaderLeft()))
    assert outcome.error.exit_code == 141
    assert (store.saved[-1].text, store.saved[-1].status) == ("a", "partial")


def test_a_full_disk_behind_stdout_does_not_stop_the_keeping():
    store = FakeStore()
    outcome = run(
        [Delta("a")], [Delta("b"), STOP], store=store, renderer=FakeRenderer(OutputError("full"))
    )
    assert outcome.error.exit_code == 8
    assert (store.saved[-1].text, store.saved[-1].status) == ("ab", "complete")


def test_a_reply_that_cannot_be_written_is_spilled_and_the_path_named():
    store = FakeStore(StoreError("locked"))
    outcome = run([Delta("a"), STOP], store=store)
    assert [r.text for r in store.spilled] == ["a"]
    assert outcome.error.exit_code == 8
    assert "/spilled" in outcome.error.message


@pytest.mark.parametrize("failure", [OverflowError("too large"), sqlite3.InterfaceError("type")])
def test_a_reply_is_spilled_whatever_failed(failure):
    store = FakeStore(failure)
    outcome = run([Delta("a"), STOP], store=store)
    assert [r.text for r in store.spilled] == ["a"]
    assert outcome.error.exit_code == 8
    assert str(failure) in outcome.error.message


def test_a_spill_that_fails_does_not_hide_why_the_database_did():
    class Nowhere(FakeStore):
        def spill(self, opened, reply):
            raise StoreError("the disk is full")

    outcome = run([Delta("a"), STOP], store=Nowhere(StoreError("it is locked")))
    assert outcome.error.exit_code == 8
    assert outcome.error.message.startswith("it is locked")
    assert "the disk is full" in outcome.error.message


def test_a_session_deleted_meanwhile_is_not_spilled():
    store = FakeStore(NotFoundError("session 7 was deleted"))
    outcome = run([Delta("a"), STOP], store=store)
    assert store.spilled == []
    assert outcome.error.exit_code == 4


@pytest.mark.parametrize(
    ("events", "word"),
    [
        ([STOP], "empty"),
        ([Reasoning("hm"), STOP], "only reasoning"),
        ([ToolCall("search"), Finish("tool_calls", "tool_use")], "search"),
        ([Finish("content_filter", "SAFETY")], "SAFETY"),
    ],
)
def test_a_reply_without_text_fails_and_its_finish_reason_is_kept(events, word):
    store = FakeStore()
    outcome = run(events, store=store)
    assert outcome.error.exit_code == 5
    assert word in outcome.error.message
    assert store.saved[-1].finish_raw == events[-1].raw


def test_a_defect_in_a_renderer_still_keeps_the_text():
    class Broken(FakeRenderer):
        def text(self, text: str) -> None:
            raise ZeroDivisionError

    store = FakeStore()
    with pytest.raises(ZeroDivisionError):
        run([Delta("a")], store=store, renderer=Broken())
    assert (store.saved[-1].text, store.saved[-1].status) == ("a", "partial")


def test_a_stalled_stream_is_saved_meanwhile(monkeypatch):
    monkeypatch.setattr(saver, "SAVE_INTERVAL_S", 0.01)
    store = FakeStore()

    class Stalling(FakeProvider):
        def stream(self, request):
            yield [Delta("early")]
            assert store.wrote.wait(), "not saved while the stream stood still"
            yield [STOP]

    turn = Turn(ChatMessage("user", "hi"), "fake/m")
    core.run_turn(Stalling([]), store, FakeRenderer(), turn)
    assert store.saved[0].status == "partial"
    assert (store.saved[-1].text, store.saved[-1].status) == ("early", "complete")


@contextlib.contextmanager
def a_signal_at(step: int) -> Iterator[list[int]]:
    """Raise SIGINT before the given bytecode of the core; the list tells how many ran."""
    ran = [0]
    mine = {module.__file__ for module in (core, saver, signals)}

    def trace(frame, event, _):
        if frame.f_code.co_filename not in mine or frame.f_code.co_name == "_handle":
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            ran[0] += 1
            if ran[0] == step:
                signal.raise_signal(signal.SIGINT)
        return trace

    tracer, handler = sys.gettrace(), signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signals._handle)
    # Python 3.12 sends opcodes only if a frame asked for them before the tracing began.
    sys._getframe().f_trace_opcodes = True
    sys.settrace(trace)
    try:
        yield ran
    finally:
        sys.settrace(tracer)
        signal.signal(signal.SIGINT, handler)


def test_a_signal_does_not_hide_where_a_spilled_reply_is(monkeypatch):
    monkeypatch.setattr(signals, "_State", type("State", (signals._State,), {}))

    class Locked(FakeStore):
        def save_reply(self, opened, reply, wait_s=30.0):
            signals._handle(signal.SIGINT, None)
            raise StoreError("locked")

    outcome = run([Delta("text"), STOP], store=Locked())
    assert "/spilled" in outcome.error.message


def test_pieces_carry_what_is_new_and_one_that_failed_comes_again(monkeypatch):
    monkeypatch.setattr(saver, "SAVE_INTERVAL_S", 0.01)
    pieces: list[str] = []
    failed, served = threading.Event(), threading.Event()

    class Stumbling(FakeStore):
        def save_piece(self, opened, piece, wait_s=30.0):
            if not failed.is_set():
                failed.set()
                raise OverflowError("once")
            pieces.append(piece.text)
            served.set()

    class Pausing(FakeProvider):
        def stream(self, request):
            yield [Delta("one ")]
            assert failed.wait()
            yield [Delta("two ")]
            for word in ("three ", "four"):
                assert served.wait()
                served.clear()
                yield [Delta(word)]
            yield [STOP]

    store = Stumbling()
    turn = Turn(ChatMessage("user", "hi"), "fake/m")
    outcome = core.run_turn(Pausing(()), store, FakeRenderer(), turn)
    assert outcome.error is None
    assert "one two three four".startswith("".join(pieces))
    assert "".join(pieces).startswith("one two three ")
    assert [r.text for r in store.saved] == ["one two three four"]


def test_much_text_is_saved_before_the_second_is_over(monkeypatch):
    monkeypatch.setattr(saver, "SAVE_INTERVAL_S", 3600)
    store = FakeStore()

    class Fast(FakeProvider):
        def stream(self, request):
            yield [Delta("x" * saver.SAVE_CHARS)]
            assert store.wrote.wait()
            yield [STOP]

    core.run_turn(Fast(()), store, FakeRenderer(), Turn(ChatMessage("user", "hi"), "fake/m"))
    assert [len(r.text) for r in store.saved] == [saver.SAVE_CHARS] * 2


def test_a_signal_at_any_instruction_loses_nothing_that_was_shown(monkeypatch):
    interrupted, fresh = 0, signals._State
    for step in itertools.count(1):
        # A process has one signal state: each of these turns stands for a process.
        monkeypatch.setattr(signals, "_State", type("State", (fresh,), {}))
        store, renderer, outcome = FakeStore(), FakeRenderer(), None
        with (
            contextlib.suppress(SignalReceived),
            a_signal_at(step) as ran,
        ):
            outcome = run([Delta("one ")], [Delta("two"), STOP], store=store, renderer=renderer)
        shown = "".join(renderer.shown)
        kept = store.saved[-1].text if store.saved else ""
        assert kept.startswith(shown), step
        if ran[0] < step:
            break
        interrupted += outcome is None or isinstance(outcome.error, Interrupted)
    assert (kept, outcome.error) == ("one two", None)
    assert interrupted > step // 2
