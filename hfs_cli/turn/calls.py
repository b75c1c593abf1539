"""Run the tools that a step asks for: each call is kept before it runs, its result as it comes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from hfs_cli import signals
from hfs_cli.errors import HfsError, Interrupted, NotFoundError, SignalReceived
from hfs_cli.messages import Call, Opened, Outcome, Reply
from hfs_cli.turn.saver import INTERRUPTED_WAIT_S, LAST_WAIT_S, spilled

if TYPE_CHECKING:
    from hfs_cli.turn.protocols import Display, Keeper, Toolbox

# Seconds that a closed toolbox may take to end what it ran.
_LET_GO_S = 5.0


def run_calls(
    toolbox: Toolbox, store: Keeper, display: Display, opened: Opened, step: Outcome
) -> tuple[Reply, HfsError | None]:
    """Run the calls of a kept reply that are allowed. The caller holds signals.

    Returns:
        The reply with the results of its calls, and what ended them early: a signal, a closed
        output, a database that does not take them; None where nothing did.
    """
    calls = _Calls(step.reply.tool_calls, store, step.message_id)
    worker = None
    ended_by: BaseException | None = None
    try:
        with signals.let_through():
            display.called(step.reply.tool_calls)
            refusals = toolbox.refusals(step.reply.tool_calls)
        for place, why in enumerate(refusals):
            if why is not None:
                calls.ended(place, why, failed=True)
        allowed = [place for place, why in enumerate(refusals) if why is None]
        # In a thread of its own: here a signal could fall between a result and its keeping.
        worker = Thread(target=calls.run, args=(toolbox, allowed), name="hfs-tools", daemon=True)
        worker.start()
        with signals.let_through():
            display.waiting()
            while (returned := calls.returned.get()) is not None:
                display.returned(calls.now[returned])
    except BaseException as end:  # noqa: BLE001  what the tools did is kept first
        ended_by = end
        toolbox.close()
    if worker is not None:
        worker.join(_LET_GO_S)
    reply = step.reply._replace(tool_calls=tuple(calls.now))
    error = _as_failure(ended_by or calls.failure, step)
    wait_s = INTERRUPTED_WAIT_S if isinstance(error, Interrupted) else LAST_WAIT_S
    if (unkept := calls.keep_rest(wait_s)) is not None:
        error = _unkept(unkept, error, store, opened, reply)
    if (signum := signals.take()) is not None:
        error = error or Interrupted(signum, "interrupted after the tools had run")
    return reply, error


class _Calls:
    """The calls of one step, as they stand: in memory, and in the store."""

    def __init__(self, calls: Sequence[Call], store: Keeper, reply_id: int | None) -> None:
        self.now = list(calls)
        self.returned: SimpleQueue[int | None] = SimpleQueue()
        self.failure: BaseException | None = None
        self._store = store
        self._reply_id = reply_id
        self._unkept: set[int] = set()

    def run(self, toolbox: Toolbox, places: Sequence[int]) -> None:
        """Run those that are allowed; None in `returned` marks the end."""
        try:
            if places:
                toolbox.run(
                    [self.now[place] for place in places],
                    lambda number: self._started(places[number]),
                    lambda number, result, failed: self.ended(
                        places[number], result, failed=failed
                    ),
                )
        except BaseException as error:  # noqa: BLE001  raised where the turn can see it
            self.failure = error
        finally:
            self.returned.put(None)

    def _started(self, place: int) -> None:
        began = self.now[place]._replace(started_at=datetime.now(UTC))
        self._keep(place, began, LAST_WAIT_S)
        self.now[place] = began

    def ended(self, place: int, result: str, *, failed: bool) -> None:
        """Note and keep the result of a call; what cannot be written now is written at the end."""
        call = self.now[place]._replace(result=result, failed=failed, ended_at=datetime.now(UTC))
        self.now[place] = call
        self._unkept.add(place)
        with suppress(Exception):
            self._keep(place, call, INTERRUPTED_WAIT_S)
            self._unkept.discard(place)
        self.returned.put(place)

    def keep_rest(self, wait_s: float) -> Exception | None:
        """Write the results that are not written yet; return why that failed, or None."""
        try:
            for place in sorted(self._unkept):
                self._keep(place, self.now[place], wait_s)
        except Exception as error:  # noqa: BLE001  whatever it is, the results are spilled
            return error
        return None

    def _keep(self, place: int, call: Call, wait_s: float) -> None:
        self._store.save_call(self._reply_id, place + 1, call, wait_s)


def _as_failure(ended_by: BaseException | None, step: Outcome) -> HfsError | None:
    """The error that the turn reports for what ended the calls early; a bug is raised again."""
    if isinstance(ended_by, SignalReceived):
        kept = step.session and f"what tools have done is kept in session {step.session.id}"
        return Interrupted(ended_by.signum, f"interrupted; {kept}" if kept else "interrupted")
    if ended_by is None or isinstance(ended_by, HfsError):
        return ended_by
    raise ended_by


def _unkept(
    failure: Exception, error: HfsError | None, store: Keeper, opened: Opened, reply: Reply
) -> HfsError:
    """Keep in a file what the database does not take, and return the error that says where."""
    if not isinstance(failure, NotFoundError):
        failure = spilled(store, opened, reply, failure)
    if isinstance(error, Interrupted):
        return Interrupted(error.signum, f"interrupted; {failure.message}")
    return failure
