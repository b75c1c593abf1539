"""Take the turns of a batch, and make a result from each."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hfs_cli import notices
from hfs_cli.batch.records import Spool, Value
from hfs_cli.batch.results import FAILED, TO_DO, Results, indices
from hfs_cli.batch.run import ask_all
from hfs_cli.compose.batch.budget import BatchBudget
from hfs_cli.compose.batch.models import Model
from hfs_cli.compose.batch.plan import Plan
from hfs_cli.compose.batch.prompts import Prompts
from hfs_cli.errors import (
    ConfigError,
    HfsError,
    IncompleteReplyError,
    Interrupted,
    NotFoundError,
    SignalReceived,
    UnreachableError,
    UsageError,
)
from hfs_cli.messages import Outcome, Place, Reply, Turn
from hfs_cli.wording import plural

if TYPE_CHECKING:
    from hfs_cli.compose.asked import Asked
    from hfs_cli.compose.schema import Structured
    from hfs_cli.render.progress import BatchProgress
    from hfs_cli.store.store import SessionStore
    from hfs_cli.turn.protocols import Answering

# The batch ends after this many first answers, if all are failures that every prompt would meet.
_FAILED_ALIKE = 3
# A wait of more seconds than this is told of where there is no bar.
_LONG_S = 5.0


class Task(NamedTuple):
    """One prompt for one model.

    Args:
        item: Its number among all.
        number: Which prompt of the input, from 0.
        value: The prompt as the input has it.
        model: Which of the models.
        turn: What is asked.
    """

    item: int
    number: int
    value: Value
    model: Model
    turn: Turn


def all_tasks(
    spool: Spool, prompts: Prompts, models: list[Model], results: Results
) -> Iterator[Task]:
    """Yield what is still to be asked, in the order of the input."""
    to_do = results.to_do()
    item = next(to_do, None)
    for index, record in enumerate(spool):
        if item is None:
            return
        while item is not None and item // len(models) == index:
            yield task_of(index, record.value, item % len(models), models, prompts)
            item = next(to_do, None)


def task_of(number: int, value: Value, model: int, models: list[Model], prompts: Prompts) -> Task:
    """What one prompt asks of one of the models."""
    chosen = models[model]
    message, system = prompts.message(value)
    turn = chosen.turn._replace(prompt=message, system=system or chosen.turn.system)
    return Task(number * len(models) + model, number, value, chosen, turn)


def session_names(
    plan: Plan, file: str | None, count: int, models: tuple[str, ...]
) -> Callable[[Task], str] | None:
    """What names the session of each turn, or None where none is kept."""
    if not plan.keep:
        return None
    from datetime import UTC, datetime

    from hfs_cli.moments import local
    from hfs_cli.naming import check_name, cleaned_name

    group = plan.name if plan.name is None else check_name(plan.name)
    if group is None:
        stem = "batch" if file in {None, "-"} else Path(file or "").stem
        group = f"{cleaned_name(stem)[:40]} - {local(datetime.now(UTC)):%Y-%m-%d_%H-%M}"
    digits = len(str(count - 1))
    check_name(f"{group} {0:0{digits}}")
    if len(models) == 1:
        return lambda task: f"{group} {task.number:0{digits}}"
    return lambda task: f"{group} {task.number:0{digits}} {task.turn.model}"


class Waits:
    """Tells whoever looks that a server holds all requests back: on the bar, or once in a line.

    Args:
        quiet: Tell nobody.

    Attributes:
        progress: The bar, once there is one.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._first = threading.Lock()  # the first to tell keeps it
        self.progress: BatchProgress | None = None

    def __call__(self, seconds: float, why: str) -> None:
        """Tell of a wait; called in threads."""
        on_bar = self.progress is not None and self.progress.hold(seconds)
        if on_bar or self._quiet or seconds <= _LONG_S:
            return
        if self._first.acquire(blocking=False):  # many turns may be told to wait at one time
            notices.warn(f"{why} — no prompt is sent to it for {seconds:.1f} s (the first wait)")


class Batch:
    """A batch under way.

    Args:
        left: What it may still cost, or None.
        share: What part of a model's price is paid.

    Attributes:
        names: What the session of each turn is called, or None where none is kept.
    """

    def __init__(
        self,
        asked: Asked,
        plan: Plan,
        store: SessionStore,
        results: Results,
        left: float | None,
        share: float = 1.0,
    ) -> None:
        from hfs_cli.compose.ask import keeper_of

        self._asked = asked
        self._config = config = asked.config
        self._view = asked.view
        self._plan = plan
        self._keeper = keeper_of(store, keeps=plan.keep, masked=config.redact == "mask")
        self._results = results
        self._budget = BatchBudget(left, config.models)
        self._share = share
        self.names: Callable[[Task], str] | None = None
        self._answered = 0
        self._alike: Counter[int] = Counter()
        self._said: Counter[str] = Counter()
        self._fatal: HfsError | None = None
        self._structured: dict[str, Structured] = {}
        self._progress: BatchProgress | None = None

    def run(self, tasks: Iterator[Task], models: int, waits: Waits) -> None:
        """Work through all tasks, and report how it went.

        Args:
            waits: Told when a server holds the requests back.

        Raises:
            HfsError: Not all of it went well.
        """
        with self.shown() as waits.progress:
            try:
                ask_all(tasks, self._ask, self._keep, self._plan.width, self._admits)
            except SignalReceived as signal:
                self._results.write_waiting(all_=self._view.output is None)
                raise Interrupted(signal.signum, self.how_to_go_on("interrupted")) from None
        self.summarise()
        if self._fatal is not None:
            raise type(self._fatal)(self.how_to_go_on(self._fatal.message)) from self._fatal
        if next(self._results.to_do(), None) is not None:
            self._results.write_waiting(all_=self._view.output is None)
            raise ConfigError(self.how_to_go_on(self._budget.why_spent()))
        if over := self._budget.overrun():
            notices.warn(over)
        self.check_failures(models)

    @contextmanager
    def shown(self) -> Iterator[BatchProgress]:
        """Show the progress while the block runs."""
        from hfs_cli.render.progress import batch_progress

        total = len(self._results.state)
        there = total - self._results.state.count(TO_DO)
        # Of a bar amid results on the same terminal, pieces would stay between them.
        amid = self._view.output is None and notices.is_terminal(sys.stdout)
        with batch_progress(total, there, quiet=self._view.quiet or amid) as progress:
            self._progress = progress
            yield progress

    def summarise(self) -> None:
        """Print a line that sums the batch up, where somebody reads it."""
        asked_for = self._view.usage or (notices.stderr_is_terminal() and not self._view.quiet)
        if asked_for and self._progress is not None:
            notices.remark(self._progress.summary())

    def check_failures(self, models: int) -> None:
        """Check that none has failed.

        Raises:
            IncompleteReplyError: Some have; they are named.
        """
        if failed := self._results.failed():
            raise IncompleteReplyError(self._failure(failed, models))

    def _admits(self, task: Task) -> bool:
        return self._budget.admits(task.item, task.turn)

    def _ask(self, task: Task) -> Outcome:
        """Take one turn, in a worker thread; a failure is a result."""
        turn = task.turn
        if self.names is None:
            return self.take(turn, task.model.provider)
        name = self.names(task)
        # An earlier run that was killed may have left a session of that name.
        for number in range(1, 10):
            called = name if number == 1 else f"{name} ({number})"
            named = turn._replace(place=Place(name=called))
            outcome = self.take(named, task.model.provider)
            if not (isinstance(outcome.error, UsageError) and "taken" in outcome.error.message):
                break
        return outcome

    def take(self, turn: Turn, opening: Callable[[], Answering]) -> Outcome:
        """Take one turn with a provider; a failure is its outcome."""
        from hfs_cli.render.output import Silent
        from hfs_cli.turn.run import run_turn

        toolbox = None
        try:
            if self._config.tool:
                from hfs_cli.compose.tools import open_tools

                toolbox = open_tools(self._config, confirm=False)
            provider = opening()
            return run_turn(provider, self._keeper, Silent(), turn, toolbox, self._config.max_steps)
        except HfsError as error:
            return Outcome(None, None, Reply("", turn.model), error)
        finally:
            if toolbox is not None:
                toolbox.close()

    def _keep(self, task: Task, outcome: Outcome) -> bool:
        """Write one result; return whether to go on."""
        self._count(self.keep(task, outcome))
        return self._fatal is None

    def keep(self, task: Task, outcome: Outcome) -> HfsError | None:
        """Write one result; return why it is a failure, or None."""
        from hfs_cli.prices import cost, prices_of
        from hfs_cli.render.json_shapes import batch_json, dump, error_json

        shape = batch_json(task.number, task.value, outcome)
        error = outcome.error
        if error is None and (self._asked.schema or self._view.extract):
            try:
                shape |= self._read(task, outcome.reply)
            except IncompleteReplyError as unfit:
                error = unfit
                shape["error"] = error_json(error)
        money = None
        if outcome.usage is not None:
            price = prices_of(outcome.reply.model, self._config.models)
            money = cost(outcome.usage, price)
            shape["cost"] = money = None if money is None else money * self._share
        self._budget.settle(task.item, task.turn, outcome.reply, money)
        self._results.add(task.item, dump(shape).encode() + b"\n", failed=error is not None)
        if error is not None:
            self._said[error.message] += 1
        if self._progress is not None:
            self._progress.add(
                failed=error is not None, usage=outcome.usage, cost=self._budget.spent or None
            )
        return error

    def _read(self, task: Task, reply: Reply) -> dict[str, object]:
        """The fields that a reply adds to its result: its JSON, or the code in it."""
        if self._asked.schema is None:
            from hfs_cli.render.reply.extract import fenced_blocks

            blocks = fenced_blocks(reply.text)
            if not blocks:
                raise IncompleteReplyError("the reply has no fenced code block")
            return {"reply": blocks[-1 if self._view.extract == "last" else 0]}
        from hfs_cli.compose.schema import Structured
        from hfs_cli.json_schema import read_json

        if reply.model not in self._structured:
            choices = {name: one.choice for name, one in task.model.targets.items()}
            self._structured[reply.model] = Structured(self._asked.schema, choices)
        text = self._structured[reply.model].json_of(reply)
        return {"reply": text, "parsed": read_json(text)}

    def _count(self, error: HfsError | None) -> None:
        """Notice where every prompt would fail: because of the key, the model or the network."""
        self._answered += 1
        if isinstance(error, ConfigError | NotFoundError | UnreachableError):
            self._alike[error.exit_code] += 1
            if self._answered == self._alike[error.exit_code] >= _FAILED_ALIKE:
                self._fatal = error

    def how_to_go_on(self, what: str) -> str:
        """What happened, how much is kept, and how to go on."""
        state = self._results.state
        done = f"{what}; {len(state) - state.count(TO_DO)} of {plural(len(state), 'result')}"
        failed = state.count(FAILED)
        failures = f", {failed} of them failed" if failed else ""
        if self._view.output is None:
            return f"{done} written{failures} (with -O FILE a batch can be resumed)"
        again = "--resume --retry-failed" if failed else "--resume"
        return (
            f"{done} kept{failures}: the same command with {again} goes on with {self._view.output}"
        )

    def _failure(self, failed: list[int], models: int) -> str:
        total = len(self._results.state)
        state = (
            f"{len(failed)} of {plural(total, 'result')} failed (index {indices(failed, models)})"
        )
        if self._said:
            message, count = self._said.most_common(1)[0]
            state += f"; {count} × {message}"
        if self._view.output is None:
            return f"{state} — with -O FILE they can be asked again"
        return f"{state} — the same command with --resume --retry-failed asks them again"
