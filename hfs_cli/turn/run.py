"""Run one turn: keep the question, stream the reply, keep the reply. The core."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from hfs_cli import signals
from hfs_cli.errors import (
    HfsError,
    IncompleteReplyError,
    Interrupted,
    OutputError,
    ProviderError,
    ReaderLeft,
    SignalReceived,
)
from hfs_cli.messages import (
    Call,
    ChatMessage,
    Opened,
    Outcome,
    Reply,
    Request,
    Turn,
)
from hfs_cli.turn.collector import Collector
from hfs_cli.turn.saver import INTERRUPTED_WAIT_S, LAST_WAIT_S, Saver

if TYPE_CHECKING:
    from hfs_cli.turn.protocols import Answering, Renderer, Store, Toolbox

# How many requests a turn may make by default.
MAX_STEPS = 10


def run_turn(
    provider: Answering,
    store: Store,
    renderer: Renderer,
    turn: Turn,
    toolbox: Toolbox | None = None,
    max_steps: int = MAX_STEPS,
) -> Outcome:
    """Run one turn from the question to the kept reply.

    With tools it is as many requests as the model needs: the calls of each step are run, and
    what they say goes back to the model, until it answers.

    Args:
        toolbox: What the model may ask for, or None for nothing.
        max_steps: How many requests the turn may make.

    Returns:
        How it ended. Failures after the user message was kept are in `Outcome.error`,
        with what had arrived saved.

    Raises:
        HfsError: The provider is not ready or the user message could not be kept; no
            request was sent.
    """
    provider.prepare(turn.prompt)
    opened = store.begin(turn)
    renderer.opened(opened)
    run = _Run(provider, store, _Output(renderer), opened, turn.model, max_steps)
    # Signals are held from the first byte to the last write: one may end the receiving, but
    # never comes between receiving and keeping.
    with signals.held():
        try:
            outcome = _take_steps(run, make_request(turn, opened, toolbox), toolbox)
        finally:
            if toolbox is not None:
                toolbox.close()
    try:
        renderer.close(outcome)
    except (OutputError, ReaderLeft):  # a failure to show does not undo what was kept
        if outcome.error is None:
            raise
    return outcome


def make_request(turn: Turn, opened: Opened, toolbox: Toolbox | None = None) -> Request:
    """The first request of a turn that the store has opened."""
    provider, _, model = turn.model.partition("/")
    return Request(
        model=model,
        messages=opened.messages,
        system=opened.system,
        options=turn.options,
        schema=turn.schema,
        tools=toolbox.specs if toolbox else (),
        tool_choice=turn.tool_choice,
        provider=provider,
        search=turn.search,
        code=turn.code,
        cache=(opened.session.uid if opened.session else "") if turn.cache else None,
    )


class _Run(NamedTuple):
    provider: Answering
    store: Store
    output: _Output
    opened: Opened
    model: str
    max_steps: int


def _take_steps(run: _Run, request: Request, toolbox: Toolbox | None) -> Outcome:
    """Ask until the model answers without asking for a tool, or something ends the turn."""
    before: list[Reply] = []
    kept: int | None = None
    tools_s = 0.0
    refused = False
    while True:
        step = _take_step(run, request, len(before))
        kept = step.message_id or kept
        outcome = step._replace(message_id=kept, before=tuple(before), tools_s=tools_s)
        if step.error is not None or toolbox is None or not _waits(step.reply):
            return outcome._replace(error=step.error or _emptiness(step.reply, toolbox))
        if len(before) + 1 >= run.max_steps:
            return outcome._replace(error=_unfinished(step.reply, run.max_steps))
        # A chat without tools does without.
        from hfs_cli.turn.calls import run_calls

        began = time.monotonic()
        reply, error = run_calls(toolbox, run.store, run.output, run.opened, step)
        tools_s += time.monotonic() - began
        error = error or run.output.error
        allowed = any(call.started_at is not None for call in reply.tool_calls)
        # A model that was refused its tools once can still answer in its own words.
        if error is None and refused and not allowed:
            error = ProviderError(
                f"the model only asks for tools that may not run ({_names(reply)}): "
                "what it said so far is kept"
            )
        if error is not None:
            return outcome._replace(reply=reply, error=error, tools_s=tools_s)
        refused = not allowed
        before.append(reply)
        asked = ChatMessage("assistant", reply.text, calls=reply.tool_calls, state=reply.state)
        # The tool that had to be asked for first has been: from here the model is free.
        request = request._replace(messages=(*request.messages, asked), tool_choice=None)


def _take_step(run: _Run, request: Request, number: int) -> Outcome:
    """Receive and keep one reply, as if it were the whole turn."""
    collector = Collector(run.model, number)
    saver = Saver(run.store, run.opened, collector)
    try:
        error = _receive(run, request, collector, saver)
    except BaseException as bug:
        # A bug must not cost the user the reply either.
        saver.finish(collector.reply(error=f"internal error: {type(bug).__name__}"))
        raise
    return _keep(saver, run.opened, collector, error or run.output.error)


def _waits(reply: Reply) -> bool:
    """Whether a reply waits for tools; a cut reply may have lost part of its calls."""
    # OpenAI says "stop" where it was told which tool to ask for.
    return bool(reply.tool_calls) and reply.finish_reason in {"tool_calls", "stop"}


class _Output:
    """The renderer, until it fails: a full disk ends the output, but not the saving."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self.error: OutputError | None = None

    def show(self, text: str, reasoning: str) -> None:
        if self.error is not None:
            return
        try:
            if reasoning:
                self._renderer.reasoning(reasoning)
            if text:
                self._renderer.text(text)
        except OutputError as error:
            self.error = error

    def called(self, calls: Iterable[Call]) -> None:
        self._tell(self._renderer.called, calls)

    def waiting(self) -> None:
        self._renderer.waiting()

    def returned(self, call: Call) -> None:
        self._tell(self._renderer.returned, [call])

    def _tell(self, tell: Callable[[Call], None], calls: Iterable[Call]) -> None:
        try:
            for call in calls:
                if self.error is None:
                    tell(call)
        except OutputError as error:
            self.error = error


def _receive(run: _Run, request: Request, collector: Collector, saver: Saver) -> HfsError | None:
    """Collect and show the stream to its end; return what ended it early, or None."""
    part = request
    try:
        with signals.let_through():
            # A paused reply is continued with another request.
            for left in reversed(range(run.max_steps)):
                for batch in run.provider.stream(part):
                    # Collected first, so that no more is shown than is kept.
                    text, reasoning = collector.add(batch)
                    saver.received()
                    run.output.show(text, reasoning)
                if not collector.paused:
                    break
                if not left:
                    from hfs_cli.wording import plural

                    return IncompleteReplyError(
                        f"the vendor paused the reply {plural(run.max_steps, 'time')}"
                    )
                part = request._replace(messages=(*request.messages, collector.go_on()))
    except SignalReceived as signal:
        return Interrupted(signal.signum)
    except ProviderError as error:
        # Before the first word a refusal is exit 5, after it an incomplete reply (exit 7).
        if collector.started:
            return IncompleteReplyError(error.message)
        return error
    except HfsError as error:
        return error
    return None


def _keep(saver: Saver, opened: Opened, collector: Collector, error: HfsError | None) -> Outcome:
    """Write the last state of the reply, and return how it all went."""
    # Where only the output failed (a full disk), the reply is kept as complete.
    broken = error is not None and not isinstance(error, OutputError)
    reply = collector.reply(error.message if error and broken else None, complete=not broken)
    if broken and not collector.started:
        saver.stop()
        return Outcome(opened.session, None, reply, _with_what_was_done(error, reply, opened))
    wait = INTERRUPTED_WAIT_S if isinstance(error, Interrupted) else LAST_WAIT_S
    try:
        message_id = saver.finish(reply, wait)
    except HfsError as failure:
        # The failure says where the reply is; if a signal came, the exit code is the signal's.
        signum = error.signum if isinstance(error, Interrupted) else signals.take()
        if signum is not None:
            failure = Interrupted(signum, f"interrupted; {failure.message}")
        return Outcome(opened.session, None, reply, failure)
    # A signal that came during the write was held: Ctrl-C as the last word is shown changes the
    # exit code, but never costs the reply.
    if (signum := signals.take()) is not None:
        error = error or Interrupted(signum, "interrupted after the reply was kept")
    if broken and error is not None:
        error = _with_what_was_kept(error, reply, opened)
    return Outcome(opened.session, message_id, reply, error)


def _with_what_was_done(error: HfsError | None, reply: Reply, opened: Opened) -> HfsError | None:
    # A retry would run again what tools have done.
    if error is None or not reply.step or opened.session is None or isinstance(error, ReaderLeft):
        return error
    number = opened.session.id
    done = f"what tools have done is kept in session {number}"
    return _fuller(error, f'{error.message}; {done} — hfs chat -S {number} "Go on"')


def _with_what_was_kept(error: HfsError, reply: Reply, opened: Opened) -> HfsError:
    """Say in the error how much of the reply was kept, and where."""
    if opened.session is None or isinstance(error, ReaderLeft):
        return error
    from hfs_cli.wording import plural

    words = plural(sum(1 for _ in re.finditer(r"\S+", reply.text)), "word")
    number = opened.session.id
    # A retry would run the tools of the earlier steps again.
    then = f'hfs chat -S {number} "Go on"' if reply.step else f"hfs sessions retry {number}"
    return _fuller(error, f"{error.message}; {words} saved as partial in session {number} — {then}")


def _fuller(error: HfsError, text: str) -> HfsError:
    # A new error with the first as its cause, which HFS_DEBUG shows: no error is changed.
    if isinstance(error, Interrupted):
        fuller: HfsError = Interrupted(error.signum, text)
    else:
        fuller = type(error)(text)
    fuller.__cause__ = error
    return fuller


def _emptiness(reply: Reply, toolbox: Toolbox | None) -> ProviderError | None:
    """A reply without text is a failure: a script that gets nothing must know."""
    if reply.text:
        return None
    if reply.tool_calls and toolbox is None:
        return ProviderError(
            f"the model only asked for a tool ({_names(reply)}), and this turn has none:"
            " --tool NAME allows one"
        )
    raw = reply.finish_raw or reply.finish_reason or "none given"
    only = "only reasoning came" if reply.reasoning else "nothing came"
    if reply.tool_calls:  # see `_waits`
        only = f"only a call of a tool came ({_names(reply)}), which did not run"
    why = reply.note or "try again, or choose another model with -m"
    return ProviderError(f"the reply is empty: {only} (finish reason {raw}) — {why}")


def _unfinished(reply: Reply, max_steps: int) -> ProviderError:
    from hfs_cli.wording import plural

    return ProviderError(
        f"the model still asks for tools ({_names(reply)}) after {plural(max_steps, 'step')}: "
        "what it said so far is kept; allow it more with --max-steps"
    )


def _names(reply: Reply) -> str:
    return ", ".join(dict.fromkeys(call.label for call in reply.tool_calls))
