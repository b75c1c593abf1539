"""Take many turns: wire an input, models, the workers and the results together."""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack, closing
from dataclasses import asdict, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from hfs_cli import notices
from hfs_cli.batch.job import load_job
from hfs_cli.batch.records import Source, Spool, kind_of
from hfs_cli.batch.results import FileResults, Header, Results, stream_results
from hfs_cli.compose.ask import check_day
from hfs_cli.compose.batch.endpoints import begin_job, check_job
from hfs_cli.compose.batch.models import Model, check_prices, open_models
from hfs_cli.compose.batch.plan import Plan
from hfs_cli.compose.batch.prompts import Prompts
from hfs_cli.compose.batch.turns import Batch, all_tasks, session_names
from hfs_cli.compose.batch.vendor import SHARE, VendorBatch, open_endpoints
from hfs_cli.compose.input import decode_text
from hfs_cli.errors import UsageError

if TYPE_CHECKING:
    from hfs_cli.compose.options import Asked
    from hfs_cli.config import Config, ModelConfig
    from hfs_cli.render.reply.choose import View
    from hfs_cli.store.store import SessionStore


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

    prompts = Prompts(asked)
    with ExitStack() as stack:
        spool = stack.enter_context(Spool())
        source = _source(stack, name, plan, asked.encoding)
        spool.fill(source, prompts.message, plan.limit)
        if not spool.count:
            raise UsageError(f"there is no prompt in {source.name}")
        first = prompts.message(next(iter(spool)).value)[0]
        models = open_models(stack, asked, config, plan, first)
        endpoints = open_endpoints(stack, config, models) if plan.vendor else None
        if config.tool:
            from hfs_cli.compose.tools import open_tools

            # Each turn opens its own; that they can be opened is seen here, before anything is
            # sent, and in the thread whose clock ends the checking of their schemas.
            if (tools := open_tools(config, confirm=False)) is not None:
                tools.close()
        if asked.dry_run:
            _print_estimate(spool, prompts, models, config, SHARE if plan.vendor else 1.0)
            return
        store = stack.enter_context(open_store(config))
        left = _left(asked, config, plan, store, models)
        header = Header(
            spool.digest, _digest(asked, config), tuple(model.turn.model for model in models)
        )
        if view.output is not None:
            check_job(load_job(view.output), header, plan, force=view.force)
        results = stack.enter_context(
            closing(_results(view, plan, header, spool.count * len(models)))
        )
        if endpoints is not None and view.output is not None:
            job = begin_job(view.output, header, endpoints, anew=view.force and not plan.resume)
            batch = Batch(asked, config, view, plan, store, results, None, SHARE)
            vendor = VendorBatch(batch, job, endpoints, spool, prompts, models, results)
            vendor.run(wait=not plan.no_wait)
            return
        batch = Batch(asked, config, view, plan, store, results, left)
        batch.names = session_names(plan, name, spool.count, header.models)
        batch.run(all_tasks(spool, prompts, models, results), len(models))


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


def _left(
    asked: Asked, config: Config, plan: Plan, store: SessionStore, models: list[Model]
) -> float | None:
    """What all of it may still cost, or None.

    Raises:
        ConfigError: What the day may cost is spent, or a model has no price.
    """
    today = check_day(asked, config, store)
    if plan.budget is not None:
        check_prices(models, config)
    return min((left for left in (today, plan.budget) if left is not None), default=None)


def _digest(asked: Asked, config: Config) -> str:
    """What tells these options from others, as far as a reply depends on them."""
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


def _print_estimate(
    spool: Spool, prompts: Prompts, models: list[Model], config: Config, share: float
) -> None:
    """Say how many requests there would be, and about what they would take.

    Args:
        share: What part of a model's price is paid.
    """
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

        def priced(usage: Usage, prices: ModelConfig | None = prices) -> float | None:
            money = cost(usage, prices)
            return None if money is None else money * share

        longest = model.turn.options.get("max_tokens")
        most = longest * spool.count if isinstance(longest, int) else None
        shapes.append(
            {
                "model": model.turn.model,
                "estimated_input_tokens": tokens,
                "estimated_input_cost": priced(Usage(tokens, 0)),
                "most_output_tokens": most,
                "most_output_cost": None if most is None else priced(Usage(0, most)),
            }
        )
    print_json({"prompts": spool.count, "requests": spool.count * len(models), "models": shapes})
