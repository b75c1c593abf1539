"""Take many turns: wire input, models, workers and results together."""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack, closing, suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from hfs_cli import notices
from hfs_cli.batch.job import job_path, load_job
from hfs_cli.batch.records import Source, Spool, kind_of
from hfs_cli.batch.results import SUFFIX, FileResults, Header, Results, stream_results
from hfs_cli.compose.ask import check_day
from hfs_cli.compose.batch.endpoints import begin_job, check_job
from hfs_cli.compose.batch.models import Model, check_prices, open_models
from hfs_cli.compose.batch.plan import Plan
from hfs_cli.compose.batch.prompts import Prompts
from hfs_cli.compose.batch.requests import Requests
from hfs_cli.compose.batch.turns import Batch, Waits, all_tasks, session_names
from hfs_cli.compose.batch.vendor import SHARE, VendorBatch, open_endpoints
from hfs_cli.compose.input import decode_text
from hfs_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hfs_cli.compose.asked import Asked
    from hfs_cli.config import Config, ModelConfig
    from hfs_cli.render.reply.choose import View
    from hfs_cli.store.store import SessionStore


def take_batch(asked: Asked, plan: Plan, name: str | None) -> None:
    """Read an input, ask for each prompt of it, and write the results.

    Args:
        asked: What is asked of each turn, and where results go.
        plan: How.
        name: The input's file; None or ``-`` is standard input.

    Raises:
        UsageError: The input cannot be used; nothing was sent.
        IncompleteReplyError: Some of it failed.
        ConfigError: What it may cost is spent, or a key is missing.
        Interrupted: A signal came; what had come is kept.
    """
    from hfs_cli.store.store import open_store

    config, view = asked.config, asked.view
    prompts = Prompts(asked)
    with ExitStack() as stack:
        spool = _spooled(stack, name, plan, asked, prompts)
        first = prompts.message(next(iter(spool)).value)[0]
        waits = Waits(quiet=view.quiet)
        models = open_models(stack, asked, plan, first, waits)
        endpoints = open_endpoints(stack, config, models) if plan.vendor else None
        if config.tool:
            _try_tools(config)
        if asked.dry_run:
            _print_estimate(spool, prompts, models, config.models, SHARE if plan.vendor else 1.0)
            return
        store = stack.enter_context(open_store(config))
        left = _left(asked, plan, store, models)
        header = Header(spool.digest, _digest(asked), tuple(model.turn.model for model in models))
        if view.output is not None:
            check_job(load_job(view.output), header, plan, force=view.force)
        results = stack.enter_context(
            closing(_results(view, plan, header, spool.count * len(models)))
        )
        if endpoints is not None and view.output is not None:
            job = begin_job(view.output, header, endpoints, anew=view.force and not plan.resume)
            batch = Batch(asked, plan, store, results, None, SHARE)
            requests = Requests(spool, prompts, models)
            vendor = VendorBatch(batch, job, endpoints, requests, results)
            vendor.run(wait=not plan.no_wait)
            return
        batch = Batch(asked, plan, store, results, left)
        batch.names = session_names(plan, name, spool.count, header.models)
        batch.run(all_tasks(spool, prompts, models, results), len(models), waits)


def _spooled(
    stack: ExitStack, name: str | None, plan: Plan, asked: Asked, prompts: Prompts
) -> Spool:
    """Read the whole input, and check that each record makes a message."""
    spool = stack.enter_context(Spool())
    source = _source(stack, name, plan, asked.encoding)
    if asked.view.output is not None:
        _check_apart(source.stream, asked.view.output)
    spool.fill(source, prompts.message, plan.limit)
    if not spool.count:
        raise UsageError(f"there is no prompt in {source.name}")
    return spool


def _try_tools(config: Config) -> None:
    """Open the tools once, though each turn opens its own.

    So a fault shows before anything is sent, and schemas are checked in the main thread, where a
    timer can interrupt it.
    """
    from hfs_cli.compose.tools import open_tools

    if (tools := open_tools(config, confirm=False)) is not None:
        tools.close()


def _source(stack: ExitStack, name: str | None, plan: Plan, encoding: str | None) -> Source:
    decode = partial(decode_text, encoding=encoding)
    # Where a newline is one byte, lines can be split before they are decoded.
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


def _check_apart(stream: BinaryIO, output: Path) -> None:
    """Check that no file that results need is the input, whatever path or link leads to it.

    Raises:
        UsageError: One of them is: the prompts would be lost.
    """
    read = os.fstat(stream.fileno())
    for file in (output, output.parent / f"{output.name}{SUFFIX}", job_path(output)):
        with suppress(OSError):
            if os.path.samestat(read, file.stat()):
                raise UsageError(f"{file} is the input: choose another -O FILE")


def _left(asked: Asked, plan: Plan, store: SessionStore, models: list[Model]) -> float | None:
    """What the batch may still cost, or None."""
    targets = {name: target for model in models for name, target in model.targets.items()}
    today = check_day(asked, store, targets)
    if plan.budget is not None:
        check_prices(models, asked.config.models)
    return min((left for left in (today, plan.budget) if left is not None), default=None)


def _digest(asked: Asked) -> str:
    """A digest of the options that a reply depends on."""
    config = asked.config
    values = {name: getattr(asked, name) for name in asked.__dataclass_fields__}
    del values["config"], values["view"]
    # They count for nothing, and stay because digests of earlier versions hold them.
    values |= {"models": (), "dry_run": False, "over_budget": False}
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


def _print_estimate(
    spool: Spool,
    prompts: Prompts,
    models: list[Model],
    priced: Mapping[str, ModelConfig],
    share: float,
) -> None:
    """Print how many requests there would be, and estimate their tokens and cost.

    Args:
        priced: The prices, by model.
        share: What part of a model's price is paid.
    """
    from hfs_cli.compose.context import estimated_tokens
    from hfs_cli.messages import Request, Usage
    from hfs_cli.prices import cost, prices_of
    from hfs_cli.render.json_shapes import print_json

    tokens = 0
    for record in spool:
        message, system = prompts.message(record.value)
        tokens += estimated_tokens(Request("", (message,), system or models[0].turn.system))
    shapes = []
    for model in models:
        prices = prices_of(model.turn.model, priced)

        def price(usage: Usage, prices: ModelConfig | None = prices) -> float | None:
            money = cost(usage, prices)
            return None if money is None else money * share

        longest = model.turn.options.get("max_tokens")
        most = longest * spool.count if isinstance(longest, int) else None
        shapes.append(
            {
                "model": model.turn.model,
                "estimated_input_tokens": tokens,
                "estimated_input_cost": price(Usage(tokens, 0)),
                "most_output_tokens": most,
                "most_output_cost": None if most is None else price(Usage(0, most)),
            }
        )
    print_json({"prompts": spool.count, "requests": spool.count * len(models), "models": shapes})
