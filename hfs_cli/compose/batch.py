"""Take many turns: wire an input, models, the workers and the results together."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from hfs_cli import notices
from hfs_cli.batch.records import Kind, Source, Spool, Value, kind_of
from hfs_cli.batch.results import FileResults, Header, Results, indices, stream_results
from hfs_cli.batch.run import Silent, ask_all
from hfs_cli.compose.ask import chosen_models, provider_of, turn_of
from hfs_cli.compose.text import decode_text
from hfs_cli.config.templates import INPUT, placeholders
from hfs_cli.errors import (
    ConfigError,
    HfsError,
    IncompleteReplyError,
    Interrupted,
    SignalReceived,
    UsageError,
)
from hfs_cli.messages import ChatMessage, Outcome, Place, Reply, Turn
from hfs_cli.wording import plural

if TYPE_CHECKING:
    from hfs_cli.compose.options import Asked
    from hfs_cli.config import Config
    from hfs_cli.messages import Attachment
    from hfs_cli.providers.choose import ModelChoice
    from hfs_cli.render.progress import BatchProgress
    from hfs_cli.render.reply.choose import View
    from hfs_cli.store.store import SessionStore
    from hfs_cli.turn.run import Provider, Store

# The fields that are the prompt where no template says otherwise.
_PROMPT_FIELDS = (INPUT, "prompt")
# So many refusals that every prompt would meet, and nothing else, are enough.
_REFUSED_ALIKE = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """What was typed of a batch, but for what is asked of each turn.

    Args:
        kind: How the input is read, or None to find out.
        width: How many prompts are under way at once.
        per_minute: The most requests a minute to each provider, or None.
        limit: Only so many prompts, or None.
        unordered: Results come as they come, and not in the order of the input.
        resume: Go on with the output that is there.
        retry_failed: Ask again what failed.
        keep: Keep each turn as a session.
        name: What the names of those sessions begin with, or None.
        budget: What all of it may cost, in the currency of the prices, or None.
    """

    kind: Kind | None
    width: int
    per_minute: float | None
    limit: int | None
    unordered: bool
    resume: bool
    retry_failed: bool
    keep: bool
    name: str | None
    budget: float | None


class _Task(NamedTuple):
    """One prompt for one model.

    Args:
        item: Its number among all.
        number: Which prompt of the input, from 0.
        value: The prompt as the input has it.
        asked: Which of the models.
        turn: What is asked.
    """

    item: int
    number: int
    value: Value
    asked: _Model
    turn: Turn


class _Model(NamedTuple):
    """One of the models that each prompt is sent to.

    Args:
        turn: What is asked of it, but for the prompt.
        choices: It, and those to fall back on, by their full names.
        provider: Makes what is asked for one turn.
    """

    turn: Turn
    choices: Mapping[str, ModelChoice]
    provider: Callable[[], Provider]


class _Prompts:
    """Makes messages of the values of an input.

    Args:
        asked: The template, the files that go with each prompt, and the system prompt.
    """

    def __init__(self, asked: Asked) -> None:
        self._template = asked.template
        self._system = asked.system
        self._texts: tuple[str, ...] = ()
        self._attachments: tuple[Attachment, ...] = ()
        if "-" in asked.files:
            raise UsageError("-f - is standard input, where the prompts come from: give FILE or -")
        if asked.files:
            from hfs_cli.compose.attachments import read_files

            self._texts, self._attachments = read_files(asked.files, asked.encoding)
        texts = [asked.template.text, asked.template.system or ""] if asked.template else []
        self._named = {name for text in texts for name in placeholders(text)}

    def message(self, value: Value) -> tuple[ChatMessage, str | None]:
        """The user message for a value, and the system prompt.

        Raises:
            UsageError: A placeholder has no value, or there is no prompt.
        """
        fields = _fields(value)
        parts, system = [], self._system
        if self._template:
            text, own = self._template.filled_by(fields)
            parts.append(text)
            system = system if own is None else own
        # What a template has no place for follows it, as standard input does.
        used = self._named | {name for name in _PROMPT_FIELDS if INPUT in self._named}
        only = next(iter(value)) if isinstance(value, Mapping) and len(value) == 1 else INPUT
        if INPUT in fields and used.isdisjoint({INPUT, only}):
            parts.append(fields[INPUT])
        if not self._template and not parts:
            raise UsageError('there is no field "prompt": add it, or use a template with -t')
        prompt = "\n\n".join(part for part in parts if part)
        if not prompt.strip():
            raise UsageError("the prompt is empty")
        return ChatMessage("user", "\n\n".join((prompt, *self._texts)), self._attachments), system


def _fields(value: Value) -> dict[str, str]:
    """What placeholders stand for; ``input`` is the text, or the field that holds the prompt."""
    if isinstance(value, str):
        return {INPUT: value}
    fields = {name: _as_text(one) for name, one in value.items() if one is not None}
    for name in _PROMPT_FIELDS:
        if name in fields:
            return {INPUT: fields[name], **fields}
    return {INPUT: next(iter(fields.values())), **fields} if len(fields) == 1 else fields


def _as_text(value: object) -> str:
    import json

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def take_batch(asked: Asked, config: Config, view: View, plan: Plan, name: str | None) -> None:
    """Read an input, ask for each prompt of it, and write the results.

    Args:
        asked: What is asked of each turn.
        config: The settings.
        view: Where results go.
        plan: How.
        name: The input's file; None or ``-`` is standard input.

    Raises:
        UsageError: The input cannot be used; nothing was sent.
        IncompleteReplyError: Some of it failed.
        ConfigError: What it may cost is spent, or a key is missing.
        Interrupted: A signal came; what had come is kept.
    """
    from hfs_cli.store.store import open_store

    prompts = _Prompts(asked)
    with ExitStack() as stack:
        spool = stack.enter_context(Spool())
        source = _source(stack, name, plan, asked.encoding)
        spool.fill(source, prompts.message, plan.limit)
        if not spool.count:
            raise UsageError(f"there is no prompt in {source.name}")
        first = prompts.message(next(iter(spool)).value)[0]
        models = _models(stack, asked, config, plan, first)
        if asked.dry_run:
            _print_estimate(spool, prompts, models, config)
            return
        store = stack.enter_context(open_store(config))
        left = plan.budget
        if config.daily_budget is not None and not asked.over_budget:
            from hfs_cli.compose.budget import check_budget

            today = check_budget(config.daily_budget, config.models, store)
            left = today if left is None else min(left, today)
        if plan.budget is not None:
            _check_prices(models, config)
        header = Header(
            spool.digest, _digest(asked, config), tuple(model.turn.model for model in models)
        )
        results = stack.enter_context(
            closing(_results(view, plan, header, spool.count * len(models)))
        )
        batch = _Batch(asked, config, view, plan, store, results, left)
        batch.names = _session_names(plan, name, spool.count, header.models)
        batch.run(_tasks(spool, prompts, models, results), len(models))


def _source(stack: ExitStack, name: str | None, plan: Plan, encoding: str | None) -> Source:
    """The input, ready to be read."""
    decode = partial(decode_text, encoding=encoding)
    # Lines of an encoding in which a newline is a byte can be told apart before they are decoded.
    whole = None
    if encoding not in {None, "replace"} and "\n".encode(encoding or "") != b"\n":
        whole = encoding
    if name in {None, "-"}:
        if sys.stdin is None or (name is None and notices.is_terminal(sys.stdin)):
            raise UsageError("no input: give a file, or pipe prompts in, one a line")
        stream: BinaryIO = stack.enter_context(os.fdopen(os.dup(sys.stdin.fileno()), "rb"))
        called = "standard input"
    else:
        from hfs_cli.files import open_file

        stream = stack.enter_context(open_file(Path(name or ""), pipes=True))
        called = name or ""
    kind = plan.kind or kind_of(called, stream.peek(1 << 12) if hasattr(stream, "peek") else b"")
    return Source(called, stream, kind, decode, whole)


def _models(
    stack: ExitStack, asked: Asked, config: Config, plan: Plan, first: ChatMessage
) -> list[_Model]:
    """The models that each prompt goes to, ready to be asked.

    Raises:
        HfsError: One cannot be asked: there is no such model, or no key.
    """
    from hfs_cli.providers.choose import choose_model
    from hfs_cli.providers.http.pace import Pace
    from hfs_cli.providers.open import open_provider

    opened: dict[str, Provider] = {}
    paces: dict[str, Pace] = {}
    warned: set[str] = set()

    def warn_once(text: str) -> None:
        if text not in warned:
            warned.add(text)
            notices.warn(text)

    def shared(choice: ModelChoice) -> Provider:
        """One provider for all turns: its connections and its waits are theirs."""
        if choice.full_name not in opened:
            name = choice.provider.name
            pace = paces.setdefault(name, Pace(plan.width, plan.per_minute))
            opened[choice.full_name] = stack.enter_context(
                closing(
                    open_provider(
                        choice,
                        config=config,
                        env=os.environ,
                        notify=lambda _: None,  # a wait is no news among so many
                        warn=warn_once,
                        pace=pace,
                    )
                )
            )
        return opened[choice.full_name]

    found = []
    for name in dict.fromkeys(asked.models) or (None,):
        one = replace(asked, models=(name,) if name else ())
        choice = choose_model(config, os.environ, name, None)
        choices = chosen_models(one, config, choice)
        turn = turn_of(one, config, choice, first, None, None)
        shared(choice).prepare(first)
        for other in choices.values():
            shared(other)
        found.append(_Model(turn, choices, partial(_limited, one, config, choices, shared)))
    return found


def _limited(
    asked: Asked,
    config: Config,
    choices: Mapping[str, ModelChoice],
    shared: Callable[[ModelChoice], Provider],
) -> Provider:
    """Who is asked for one turn, within what it may cost."""
    provider = provider_of(asked, config, choices, shared)
    if config.max_cost is None:
        return provider
    from hfs_cli.compose.budget import CostLimit

    return CostLimit(provider, next(iter(choices)), config.max_cost, config.models)


def _check_prices(models: list[_Model], config: Config) -> None:
    from hfs_cli.prices import prices_of

    for model in (name for one in models for name in one.choices):
        if prices_of(model, config.models) is None:
            raise ConfigError(
                f"{model} has no price, so --budget cannot hold: set input_price and output_price"
                f' in [models."{model}"]'
            )


def _digest(asked: Asked, config: Config) -> str:
    """What tells these options from others, as far as a reply depends on them."""
    import json

    values = asdict(replace(asked, models=(), dry_run=False, over_budget=False))
    values |= {"reasoning": config.reasoning, "search": config.searches, "tool": config.tool}
    return sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


def _results(view: View, plan: Plan, header: Header, count: int) -> Results:
    if view.output is not None:
        return FileResults(
            view.output,
            header,
            count,
            ordered=not plan.unordered,
            resume=plan.resume,
            force=view.force,
            retry_failed=plan.retry_failed,
        )
    from hfs_cli.render.output import Output

    output = Output()
    return stream_results(
        count, lambda line: output.write(line.decode()), ordered=not plan.unordered
    )


def _session_names(
    plan: Plan, file: str | None, count: int, models: tuple[str, ...]
) -> Callable[[_Task], str] | None:
    """What the session of each turn is called, or None where none is kept."""
    if not plan.keep:
        return None
    from datetime import UTC, datetime

    from hfs_cli.moments import local
    from hfs_cli.naming import check_name, cleaned_name

    group = plan.name
    if group is None:
        stem = "batch" if file in {None, "-"} else Path(file or "").stem
        group = f"{cleaned_name(stem)[:40]} - {local(datetime.now(UTC)):%Y-%m-%d_%H-%M}"
    digits = len(str(count - 1))
    check_name(f"{group} {0:0{digits}}")
    if len(models) == 1:
        return lambda task: f"{group} {task.number:0{digits}}"
    return lambda task: f"{group} {task.number:0{digits}} {task.turn.model}"


def _tasks(
    spool: Spool, prompts: _Prompts, models: list[_Model], results: Results
) -> Iterator[_Task]:
    """What is still to be asked, in the order of the input."""
    to_do = results.to_do()
    item = next(to_do, None)
    for index, record in enumerate(spool):
        if item is None:
            return
        while item is not None and item // len(models) == index:
            model = models[item % len(models)]
            message, system = prompts.message(record.value)
            turn = model.turn._replace(prompt=message, system=system or model.turn.system)
            yield _Task(item, index, record.value, model, turn)
            item = next(to_do, None)


def _print_estimate(spool: Spool, prompts: _Prompts, models: list[_Model], config: Config) -> None:
    """Say how many requests there would be, and about what they would take."""
    from hfs_cli.compose.tokens import estimated_tokens
    from hfs_cli.messages import Request, Usage
    from hfs_cli.prices import cost, prices_of
    from hfs_cli.render.json_shapes import print_json

    tokens = 0
    for record in spool:
        message, system = prompts.message(record.value)
        tokens += estimated_tokens(Request("", (message,), system or models[0].turn.system))
    shapes = []
    for model in models:
        prices = prices_of(model.turn.model, config.models)
        longest = model.turn.options.get("max_tokens")
        most = longest * spool.count if isinstance(longest, int) else None
        shapes.append(
            {
                "model": model.turn.model,
                "estimated_input_tokens": tokens,
                "estimated_input_cost": cost(Usage(tokens, 0), prices),
                "most_output_tokens": most,
                "most_output_cost": None if most is None else cost(Usage(0, most), prices),
            }
        )
    print_json({"prompts": spool.count, "requests": spool.count * len(models), "models": shapes})


class _Batch:
    """A batch under way.

    Args:
        left: What it may still cost, or None.

    Attributes:
        names: What the session of each turn is called, or None where none is kept.
    """

    def __init__(
        self,
        asked: Asked,
        config: Config,
        view: View,
        plan: Plan,
        store: SessionStore,
        results: Results,
        left: float | None,
    ) -> None:
        from hfs_cli.store.unsaved import Unsaved

        self._asked = asked
        self._config = config
        self._view = view
        self._plan = plan
        self._keeper: Store = store if plan.keep else Unsaved(store)
        self._results = results
        self._left = left
        self.names: Callable[[_Task], str] | None = None
        self._spent = 0.0
        self._answered = 0
        self._refused: Counter[int] = Counter()
        self._said: Counter[str] = Counter()
        self._fatal: HfsError | None = None
        self._readers: dict[str, Callable[[str], str]] = {}
        self._progress: BatchProgress | None = None

    def run(self, tasks: Iterator[_Task], models: int) -> None:
        """Ask for all, and say how it went.

        Raises:
            HfsError: Not all of it went well.
        """
        from hfs_cli.render.progress import batch_progress

        total = len(self._results.state)
        there = total - self._results.state.count(0)
        with batch_progress(total, there, quiet=self._view.quiet) as progress:
            self._progress = progress
            try:
                ask_all(tasks, self._ask, self._keep, self._plan.width)
            except SignalReceived as signal:
                self._results.write_waiting(all_=self._view.output is None)
                raise Interrupted(signal.signum, self._how_to_go_on("interrupted")) from None
        if self._view.usage or (notices.stderr_is_terminal() and not self._view.quiet):
            notices.remark(progress.summary())
        if self._fatal is not None:
            raise type(self._fatal)(self._how_to_go_on(self._fatal.message)) from self._fatal
        if next(self._results.to_do(), None) is not None:
            self._results.write_waiting(all_=self._view.output is None)
            raise ConfigError(
                self._how_to_go_on(f"what the batch may cost is spent (about {self._spent:.4f})")
            )
        if failed := self._results.failed():
            raise IncompleteReplyError(self._failure(failed, models))

    def _ask(self, task: _Task) -> Outcome:
        """Take one turn, in a thread of its own; whatever fails is a result."""
        turn = task.turn
        if self.names is None:
            return self._take(task, turn)
        name = self.names(task)
        # An earlier run that was killed has left a session of that name.
        for number in range(1, 10):
            called = name if number == 1 else f"{name} ({number})"
            outcome = self._take(task, turn._replace(place=Place(name=called)))
            if not (isinstance(outcome.error, UsageError) and "taken" in outcome.error.message):
                break
        return outcome

    def _take(self, task: _Task, turn: Turn) -> Outcome:
        from hfs_cli.turn.run import run_turn

        toolbox = None
        try:
            if self._config.tool:
                from hfs_cli.compose.tools import open_tools

                toolbox = open_tools(self._config, confirm=False)
            provider = task.asked.provider()
            return run_turn(provider, self._keeper, Silent(), turn, toolbox, self._config.max_steps)
        except HfsError as error:
            return Outcome(None, None, Reply("", turn.model), error)

    def _keep(self, task: _Task, outcome: Outcome) -> bool:
        """Write one result; whether to go on."""
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
        if outcome.usage is not None:
            price = prices_of(outcome.reply.model, self._config.models)
            shape["cost"] = money = cost(outcome.usage, price)
            self._spent += money or 0.0
        self._results.add(task.item, dump(shape).encode() + b"\n", failed=error is not None)
        self._count(error)
        if self._progress is not None:
            self._progress.add(
                failed=error is not None, usage=outcome.usage, cost=self._spent or None
            )
        spent = self._left is not None and self._spent >= self._left
        return not spent and self._fatal is None

    def _read(self, task: _Task, reply: Reply) -> dict[str, object]:
        """What is made of a reply: the JSON that fits the schema, or the code in it.

        Raises:
            IncompleteReplyError: It does not fit.
        """
        if self._asked.schema is None:
            from hfs_cli.render.reply.text import fenced_blocks

            blocks = fenced_blocks(reply.text)
            if not blocks:
                raise IncompleteReplyError("the reply has no fenced code block")
            return {"reply": blocks[-1 if self._view.extract == "last" else 0]}
        from hfs_cli.compose.schema import check_reply, how_asked
        from hfs_cli.json_schema import read_json

        if reply.finish_reason not in {"stop", "unknown"}:
            raise IncompleteReplyError(f"the reply ended before it fitted the schema: {reply.note}")
        if reply.model not in self._readers:
            asking = how_asked(task.asked.choices[reply.model], self._asked.schema)
            self._readers[reply.model] = asking.read
        text = self._readers[reply.model](reply.text)
        check_reply(self._asked.schema, text)
        return {"reply": text, "parsed": read_json(text)}

    def _count(self, error: HfsError | None) -> None:
        """Notice when what is refused would be refused of every prompt: a key, a model."""
        self._answered += 1
        if error is None:
            return
        self._said[error.message] += 1
        self._refused[error.exit_code] += 1
        alike = max(self._refused[3], self._refused[4])
        if alike >= _REFUSED_ALIKE and alike == self._answered:
            self._fatal = error

    def _how_to_go_on(self, what: str) -> str:
        state = self._results.state
        done = f"{what}; {len(state) - state.count(0)} of {plural(len(state), 'result')}"
        if self._view.output is None:
            return f"{done} written (with -O FILE a batch can be gone on with)"
        return f"{done} kept: the same command with --resume goes on with {self._view.output}"

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
