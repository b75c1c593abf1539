"""Turns with tools: the core over a real database, a scripted model and small tools."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from hfs_cli import signals
from hfs_cli.errors import (
    IncompleteReplyError,
    OutputError,
    ProviderError,
    ReaderLeft,
    StoreError,
)
from hfs_cli.messages import (
    Call,
    ChatMessage,
    Citation,
    Delta,
    Event,
    Finish,
    KeptState,
    Opened,
    Outcome,
    Place,
    Request,
    Session,
    State,
    ToolCall,
    ToolSpec,
    Turn,
    Usage,
)
from hfs_cli.store.store import SessionStore
from hfs_cli.turn import run as core

STOP, ASKS = Finish("stop", "stop"), Finish("tool_calls", "tool_use")
PAUSED = Finish("paused", "pause_turn")


class Model:
    """Gives the scripted replies, one a request; the last one for ever."""

    def __init__(self, *replies: Sequence[Event | BaseException]) -> None:
        self.replies = list(replies)
        self.requests: list[Request] = []

    def prepare(self, prompt: ChatMessage) -> None: ...

    def preview(self, request: Request) -> Mapping[str, object]:
        raise NotImplementedError

    def stream(self, request: Request) -> Iterator[Sequence[Event]]:
        self.requests.append(request)
        for event in self.replies[min(len(self.requests), len(self.replies)) - 1]:
            if isinstance(event, BaseException):
                raise event
            yield [event]

    def close(self) -> None: ...


class Tools:
    """Runs every call side by side; those called "no" are not allowed."""

    def __init__(self, work: Callable[[Call], str] = lambda call: f"did {call.arguments}") -> None:
        self.specs = (ToolSpec("do", "Does it.", {"type": "object"}),)
        self.work = work
        self.closed = threading.Event()

    def refusals(self, calls: Sequence[Call]) -> Sequence[str | None]:
        return ["not allowed" if call.name == "no" else None for call in calls]

    def run(
        self,
        calls: Sequence[Call],
        started: Callable[[int], None],
        ended: Callable[[int, str, bool], None],
    ) -> None:
        failures: list[BaseException] = []

        def one(place: int, call: Call) -> None:
            try:
                started(place)
                ended(place, self.work(call), call.name == "fails")
            except Broken:
                pass
            except BaseException as error:  # noqa: BLE001  raised again below
                failures.append(error)

        threads = [threading.Thread(target=one, args=item) for item in enumerate(calls)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]

    def close(self) -> None:
        self.closed.set()


class Broken(Exception):
    """A tool was ended before it had a result."""


class Screen:
    """What was shown, in order; `left` is raised where a piece of it is shown."""

    def __init__(self, left: str = "") -> None:
        self.shown: list[str] = []
        self.left = left

    def _show(self, piece: str) -> None:
        self.shown.append(piece)
        if self.left and piece.startswith(self.left):
            raise ReaderLeft

    def opened(self, opened: Opened) -> None: ...

    def reasoning(self, text: str) -> None: ...

    def text(self, text: str) -> None:
        self._show(text)

    def called(self, call: Call) -> None:
        self._show(f"{call.name}({call.arguments})")

    def waiting(self) -> None: ...

    def returned(self, call: Call) -> None:
        self._show(f"= {call.result}")

    def close(self, outcome: Outcome) -> None: ...


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SessionStore]:
    with SessionStore(tmp_path / "hfs.db") as opened:
        yield opened


def asked(*arguments: str, name: str = "do", text: str = "") -> list[Event]:
    """A reply that asks for tools."""
    calls = [ToolCall(name, f'"{a}"', f"id-{a}", n) for n, a in enumerate(arguments)]
    return [*([Delta(text)] if text else []), *calls, ASKS]


def take(
    store: SessionStore,
    model: Model,
    tools: Tools | None = None,
    session: Session | None = None,
    screen: Screen | None = None,
    **more,
) -> Outcome:
    turn = Turn(
        ChatMessage("user", "question"), "fake/m", place=Place(session.id if session else None)
    )
    tools = tools or Tools()
    return core.run_turn(model, store, screen or Screen(), turn, tools, **more)


def kept(store: SessionStore, number: int = 1) -> list[tuple[str, int, list[str | None]]]:
    """Each message: its text, its step, and the results of its calls."""
    return [
        (m.content, m.step, [call.result for call in m.tool_calls])
        for m in store.transcript(number)
    ]


def test_a_turn_is_as_many_requests_as_the_model_needs(store):
    screen = Screen()
    model = Model(asked("a", "b", text="let me see"), asked("c"), [Delta("done"), STOP])
    outcome = take(store, model, screen=screen)
    assert (outcome.error, outcome.reply.text) == (None, "done")
    assert kept(store) == [
        ("question", 0, []),
        ("let me see", 0, ['did "a"', 'did "b"']),
        ("", 1, ['did "c"']),
        ("done", 2, []),
    ]
    messages = store.transcript(1)
    assert [m.reply_to for m in messages] == [None, *(m.id for m in messages[:-1])]
    assert [c.position for c in store.checkpoints_of(1)] == [4]
    assert screen.shown[:3] == ["let me see", 'do("a")', 'do("b")']
    assert sorted(screen.shown[3:5]) == ['= did "a"', '= did "b"']
    assert screen.shown[5:] == ['do("c")', '= did "c"', "done"]


def test_what_tools_took_is_the_time_of_all_steps(store):
    def work(call: Call) -> str:
        if call.arguments == '"slow"':
            time.sleep(0.2)
        return "done"

    model = Model(asked("slow"), asked("quick"), asked("quick"), [Delta("x"), STOP])
    began = time.monotonic()
    outcome = take(store, model, Tools(work))
    assert 0.2 <= outcome.tools_s <= time.monotonic() - began


def test_each_request_carries_the_calls_with_their_results(store):
    first: list[Event] = [
        Delta("hm"),
        ToolCall("do", "{}", "c1", 0),
        State([{"r": 1}]),
        ASKS,
    ]
    model = Model(first, asked("b"), [Delta("done"), STOP])
    take(store, model)
    question, step = model.requests[1].messages
    (call,) = step.calls
    assert (step.role, step.content, step.state) == ("assistant", "hm", ("fake", ({"r": 1},)))
    assert (call.id, call.result, call.failed) == ("c1", "did {}", False)
    assert [len(request.messages) for request in model.requests] == [1, 2, 3]
    # And so does the next turn, from what is kept.
    opened = store.begin(Turn(ChatMessage("user", "and"), "fake/m", place=Place(1)))
    assert opened.messages[:3] == (question, *model.requests[2].messages[1:])
    assert [m.content for m in opened.messages] == ["question", "hm", "", "done", "and"]


def test_the_tool_that_was_to_be_asked_for_is_asked_for_once(store):
    model = Model(asked("a"), [Delta("done"), STOP])
    turn = Turn(ChatMessage("user", "q"), "fake/m", tool_choice="do")
    core.run_turn(model, store, Screen(), turn, Tools())
    assert [request.tool_choice for request in model.requests] == ["do", None]
    assert [request.tools for request in model.requests] == [Tools().specs] * 2


def test_a_call_is_kept_before_it_runs_and_its_result_as_it_comes(store):
    seen = {}
    a_ended = threading.Event()

    def work(call):
        if call.arguments == '"b"':
            assert a_ended.wait(120)
        # The other one's results are there while this one runs.
        seen[call.arguments] = [
            (c.arguments, c.started_at is not None, c.result)
            for c in store.transcript(1)[-1].tool_calls
        ]
        if call.arguments == '"a"':
            threading.Timer(0.2, a_ended.set).start()
        return "ok"

    take(store, Model(asked("a", "b"), [Delta("done"), STOP]), Tools(work))
    assert seen['"a"'][0] == ('"a"', True, None)
    assert seen['"b"'] == [('"a"', True, "ok"), ('"b"', True, None)]


def test_what_is_not_allowed_is_told_to_the_model_and_kept(store):
    model = Model(asked("a", name="no"), [Delta("sorry"), STOP])
    outcome = take(store, model)
    assert (outcome.error, outcome.reply.text) == (None, "sorry")
    (call,) = model.requests[1].messages[-1].calls
    assert (call.result, call.failed, call.started_at) == ("not allowed", True, None)
    assert kept(store)[1] == ("", 0, ["not allowed"])


def test_a_model_that_only_asks_for_what_is_not_allowed_ends_the_turn(store):
    model = Model(asked("a", name="no", text="please"))
    outcome = take(store, model)
    assert outcome.error.exit_code == 5
    assert "may not run (no)" in outcome.error.message
    assert len(model.requests) == 2
    assert kept(store) == [
        ("question", 0, []),
        ("please", 0, ["not allowed"]),
        ("please", 1, ["not allowed"]),
    ]


def test_steps_run_out_and_what_was_said_is_kept(store):
    model, ran = Model(asked("a", text="more")), []
    outcome = take(store, model, Tools(lambda call: ran.append(call) or "ok"), max_steps=3)
    assert outcome.error.exit_code == 5
    assert "3 steps" in outcome.error.message
    assert len(model.requests) == 3
    # What nobody would read is not run.
    assert len(ran) == 2
    assert kept(store)[-1] == ("more", 2, [None])
    assert outcome.message_id == store.transcript(1)[-1].id


@pytest.mark.parametrize("reason", ["length", "content_filter", "error", "unknown"])
def test_calls_of_a_reply_that_was_cut_are_not_run(store, reason):
    ran = []
    take(
        store,
        Model([Delta("x"), ToolCall("do", '{"a', "1"), Finish(reason, reason)]),
        Tools(lambda call: ran.append(call) or "ok"),
    )
    assert ran == []


def test_a_reply_that_was_cut_in_a_call_fails_by_what_cut_it(store):
    cut = Finish("length", "max_tokens", "raise --max-tokens")
    outcome = take(store, Model([ToolCall("do", '{"a', "1"), cut]), Tools())
    assert outcome.error.message == (
        "the reply is empty: only a call of a tool came (do), which did not run"
        " (finish reason max_tokens) — raise --max-tokens"
    )


def test_without_tools_a_call_is_only_reported(store):
    turn = Turn(ChatMessage("user", "q"), "fake/m")
    outcome = core.run_turn(Model(asked("a")), store, Screen(), turn)
    assert outcome.error.exit_code == 5
    assert outcome.error.message.endswith("(do), and this turn has none: --tool NAME allows one")
    assert kept(store)[1] == ("", 0, [None])


def test_a_step_that_fails_leaves_what_was_done_before_it(store):
    model = Model(asked("a"), [ProviderError("busy")])
    outcome = take(store, model)
    assert outcome.error.exit_code == 5
    assert outcome.error.message == (
        'busy; what tools have done is kept in session 1 — hfs chat -S 1 "Go on"'
    )
    assert kept(store) == [("question", 0, []), ("", 0, ['did "a"'])]
    assert outcome.message_id == store.transcript(1)[-1].id
    broken = Model(asked("a"), [Delta("half"), IncompleteReplyError("cut")])
    outcome = take(store, broken)
    assert outcome.error.exit_code == 7
    assert outcome.error.message.endswith('in session 2 — hfs chat -S 2 "Go on"')
    assert kept(store, 2)[1:] == [("", 0, ['did "a"']), ("half", 1, [])]


@pytest.fixture
def fresh_signals(monkeypatch) -> Iterator[None]:
    """A process has one signal state: this turn stands for a process."""
    monkeypatch.setattr(signals, "_State", type("State", (signals._State,), {}))
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signals._handle)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("fresh_signals")
def test_a_signal_ends_the_tools_and_keeps_the_results_that_came(store):
    tools = Tools()
    first_kept = threading.Event()

    def work(call):
        if call.arguments == '"fast"':
            return "came"
        while store.transcript(1)[-1].tool_calls[0].result is None:
            time.sleep(0.01)
        first_kept.set()
        os.kill(os.getpid(), signal.SIGINT)
        assert tools.closed.wait(120)
        raise Broken

    tools.work = work
    outcome = take(store, Model(asked("fast", "slow")), tools)
    assert outcome.error.exit_code == 130
    assert first_kept.is_set()
    fast, slow = store.transcript(1)[-1].tool_calls
    assert (fast.result, fast.interrupted) == ("came", False)
    assert (slow.result, slow.interrupted) == (None, True)
    # A call that broke off is part of the past, without a result.
    opened = store.begin(Turn(ChatMessage("user", "and"), "fake/m", place=Place(1)))
    assert [c.result for c in opened.messages[1].calls] == ["came", None]


@pytest.mark.usefixtures("fresh_signals")
def test_a_signal_while_the_user_is_asked_runs_nothing(store):
    class Asking(Tools):
        def refusals(self, calls):
            signal.raise_signal(signal.SIGINT)
            raise AssertionError

    outcome = take(store, Model(asked("a")), Asking())
    assert outcome.error.exit_code == 130
    assert [c.started_at for c in store.transcript(1)[-1].tool_calls] == [None]


def test_a_reader_who_leaves_ends_the_tools(store):
    tools = Tools()

    def work(call):
        if call.arguments == '"fast"':
            return "came"
        assert tools.closed.wait(120)
        raise Broken

    tools.work = work
    outcome = take(store, Model(asked("fast", "slow")), tools, screen=Screen(left="= came"))
    assert outcome.error.exit_code == 141
    assert kept(store)[1] == ("", 0, ["came", None])


def test_tools_of_a_turn_that_nobody_can_be_shown_end_it(store):
    class Full(Screen):
        def returned(self, call):
            raise OutputError("the disk is full")

    model = Model(asked("a"), [Delta("done"), STOP])
    outcome = take(store, model, screen=Full())
    assert (outcome.error.exit_code, len(model.requests)) == (8, 1)
    assert kept(store)[1] == ("", 0, ['did "a"'])


def test_a_call_that_cannot_be_kept_does_not_run(store, monkeypatch):
    def locked(*_, **__):
        raise StoreError("locked")

    monkeypatch.setattr(SessionStore, "save_call", locked)
    ran = []
    outcome = take(store, Model(asked("a")), Tools(lambda call: ran.append(call) or "ok"))
    assert (outcome.error.exit_code, outcome.error.message, ran) == (8, "locked", [])
    assert kept(store)[1] == ("", 0, [None])


def test_a_result_that_the_database_does_not_take_is_spilled(store, monkeypatch):
    save = SessionStore.save_call

    def full(self, message_id, position, call, wait_s=30.0):
        if call.result is not None:
            raise StoreError("the disk is full")
        save(self, message_id, position, call, wait_s)

    monkeypatch.setattr(SessionStore, "save_call", full)
    outcome = take(store, Model(asked("a", text="hm")), Tools(lambda _: "precious"))
    assert outcome.error.exit_code == 8
    assert outcome.error.message.startswith("the disk is full; the reply is kept in /")
    text = Path(outcome.error.message.rpartition(" ")[2]).read_text()
    assert text == 'hm\n\n--- do "a"\nprecious'


def test_a_result_that_could_not_be_written_at_once_is_written_at_the_end(store, monkeypatch):
    save, failed = SessionStore.save_call, []

    def stumbling(self, message_id, position, call, wait_s=30.0):
        if call.result is not None and not failed:
            failed.append(call)
            raise StoreError("busy")
        save(self, message_id, position, call, wait_s)

    monkeypatch.setattr(SessionStore, "save_call", stumbling)
    outcome = take(store, Model(asked("a"), [Delta("done"), STOP]))
    assert (outcome.error, len(failed)) == (None, 1)
    assert kept(store)[1] == ("", 0, ['did "a"'])


def test_a_session_that_is_deleted_while_a_tool_runs_says_so(store):
    outcome = take(store, Model(asked("a")), Tools(lambda _: str(store.delete([1]))))
    assert outcome.error.exit_code == 4
    assert "deleted" in outcome.error.message


def test_a_defect_of_a_tool_is_raised_and_what_came_is_kept(store):
    def work(call):
        if call.arguments == '"good"':
            return "came"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        take(store, Model(asked("good", "bad")), Tools(work))
    assert kept(store)[1] == ("", 0, ["came", None])


def test_a_paused_reply_goes_on_as_one(store):
    url = Citation("https://example.com")
    model = Model(
        [Delta("one "), State([{"b": 1}]), url, Usage(10, 5), PAUSED],
        [Delta("two"), State([{"b": 2}]), url, Usage(20, 5, 3), STOP],
    )
    turn = Turn(ChatMessage("user", "q"), "fake/m")
    outcome = core.run_turn(model, store, Screen(), turn)
    assert (outcome.error, outcome.reply.text) == (None, "one two")
    assert outcome.reply.usage == Usage(30, 10, 3)
    assert outcome.reply.citations == (url,)
    assert model.requests[1].messages == (
        turn.prompt,
        ChatMessage("assistant", "one ", state=KeptState("fake", ({"b": 1},))),
    )
    reply = store.transcript(1)[1]
    assert (reply.content, reply.status, reply.state) == (
        "one two",
        "complete",
        ("fake", ({"b": 1}, {"b": 2})),
    )


def test_a_reply_that_is_paused_for_ever_ends_incomplete(store):
    model = Model([Delta("x"), PAUSED])
    outcome = core.run_turn(
        model, store, Screen(), Turn(ChatMessage("user", "q"), "fake/m"), max_steps=3
    )
    assert (outcome.error.exit_code, len(model.requests)) == (7, 3)
    assert outcome.error.message.startswith("the vendor paused the reply 3 times")
    assert kept(store)[1] == ("xxx", 0, [])


def test_pieces_of_calls_are_put_together_as_vendors_send_them(store):
    interleaved = [
        ToolCall("do", "", "1", 0),
        ToolCall("do", "", "2", 1),
        ToolCall("", '"a', "", 0),
        ToolCall("", '"b', "", 1),
        ToolCall("", '"', "", 0),
        ToolCall("do", '"', "2", 1),
    ]
    whole = [ToolCall("do", '"a"', "1", 0), ToolCall("do", '"b"', "2", 0)]
    unnumbered = [ToolCall("do"), ToolCall("", '"a"'), ToolCall("do", '"b'), ToolCall("", '"')]
    for pieces in (interleaved, whole, unnumbered):
        model = Model([*pieces, ASKS], [Delta("done"), STOP])
        take(store, model)
        calls = model.requests[1].messages[-1].calls
        assert [call.arguments for call in calls] == ['"a"', '"b"']


def test_a_retry_sets_every_step_aside(store):
    take(store, Model(asked("a"), asked("b"), [Delta("done"), STOP]))
    question = store.transcript(1)[0]
    turn = Turn(ChatMessage("user", "question"), "fake/m", place=Place(1, answers=question.id))
    core.run_turn(Model(asked("c"), [Delta("again"), STOP]), store, Screen(), turn, Tools())
    assert kept(store) == [("question", 0, []), ("", 0, ['did "c"']), ("again", 1, [])]
    aside = next(b.session for b in store.family(1) if b.origin == "retry")
    assert [text for text, _, _ in kept(store, aside.id)] == ["question", "", "", "done"]
    assert store.check() == []


def test_undo_takes_the_whole_turn(store):
    take(store, Model([Delta("first"), STOP]))
    take(store, Model(asked("a"), [Delta("done"), STOP]), session=store.get(1))
    store.undo(1)
    assert [text for text, _, _ in kept(store)] == ["question", "first"]


def test_nothing_is_kept_of_a_turn_that_is_not_saved(store):
    from hfs_cli.store.unsaved import Unsaved

    model = Model(asked("a"), [Delta("done"), STOP])
    turn = Turn(ChatMessage("user", "q"), "fake/m")
    outcome = core.run_turn(model, Unsaved(store), Screen(), turn, Tools())
    assert (outcome.error, outcome.reply.text) == (None, "done")
    assert json.loads(model.requests[1].messages[-1].calls[0].arguments) == "a"
    assert store.count() == 0
