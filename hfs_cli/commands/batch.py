"""`hfs batch`: many prompts, from a file or standard input."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hfs_cli.compose.options import Asked, TurnCommand, turn_options
from hfs_cli.config import Config
from hfs_cli.errors import UsageError
from hfs_cli.groups import AMOUNT, Word, whole_number

if TYPE_CHECKING:
    from hfs_cli.render.reply.choose import View

_A_MINUTE = {"s": 60.0, "min": 1.0, "m": 1.0, "h": 1 / 60}
_AT_ONCE, _MOST_AT_ONCE = 8, 1000


def _rate(word: str) -> float:
    """Requests a minute: ``60/min``, ``10/s``, ``1000/h``; a bare number is a minute's."""
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(?:/(s|min|m|h))?", word)
    if not found or not float(found[1]):
        raise ValueError("a rate: use 60/min, 10/s or 1000/h")
    return float(found[1]) * _A_MINUTE[found[2] or "min"]


class _Batch(TurnCommand):
    """A command that passes over what a template says of how one reply is shown."""

    passed_over = frozenset(
        {
            *("format", "json", "render", "no-stream", "hide-reasoning", "citations", "verbose"),
            *("no-save", "stdin-timeout", "no-stdin", "edit", "continue", "session", "create"),
        }
    )


@click.command(name="batch", cls=_Batch)
@click.argument("file", metavar="[FILE|-]", required=False)
@click.option(
    "--input",
    "kind",
    type=click.Choice(["text", "jsonl", "csv"]),
    help="How the input is read; found by its suffix and its first bytes.",
)
@click.option(
    "-m",
    "--model",
    "models",
    multiple=True,
    metavar="MODEL",
    help="Model (provider/id) or alias; with several, each prompt is sent to each.",
)
@click.option(
    "--concurrency",
    "width",
    type=whole_number(1),
    metavar="N",
    help=f"How many at once ({_AT_ONCE}).",
)
@click.option(
    "--rate",
    "per_minute",
    type=Word("rate", _rate),
    metavar="N/min",
    help="The most requests a minute.",
)
@click.option("--limit", type=whole_number(1), metavar="N", help="Only the first N prompts.")
@click.option(
    "--budget", type=AMOUNT, metavar="X", help="Begin no prompt once all have cost so much."
)
@click.option(
    "-O",
    "--output",
    type=click.Path(path_type=Path),
    help="Write the results to this file, with which --resume can go on.",
)
@click.option("--resume", is_flag=True, help="Go on with -O FILE: skip what is there.")
@click.option("--retry-failed", is_flag=True, help="With --resume: ask again what failed.")
@click.option(
    "--force", is_flag=True, help="With -O: replace the file; with --resume: take it as it is."
)
@click.option("--unordered", is_flag=True, help="Write results as they come.")
@click.option("--save", "keep", is_flag=True, help="Keep each turn as a session.")
@click.option("-n", "--name", metavar="NAME", help="With --save: what the sessions are called.")
@click.option("-u", "--usage", is_flag=True, help="Show the summary on stderr off a terminal too.")
@click.option(
    "--dry-run", is_flag=True, help="Count prompts, tokens and cost; send and save nothing."
)
@click.option(
    "--vendor-batch",
    "vendor",
    is_flag=True,
    help="With -O: hand all to the vendor's batch endpoint: half the price, within a day.",
)
@click.option("--no-wait", is_flag=True, help="With --vendor-batch: fetch what is there, and end.")
@click.option(
    "--status",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Show what of the output FILE is at a vendor, and how far it is.",
)
@click.option(
    "--cancel",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Have the vendor answer no more of the output FILE.",
)
@click.option("--json", "as_json", is_flag=True, help="With --status or --cancel: as JSON.")
@turn_options(many=True)
def run_batch(
    asked: Asked,
    config: Config,
    view: View,
    *,
    file: str | None,
    status: Path | None,
    cancel: Path | None,
    as_json: bool,
    **typed: Any,  # noqa: ANN401  (click's own types)
) -> None:
    """Send many prompts, and write a line of JSON for each.

    A prompt is a line of text, a JSON object or a row of CSV, whose fields fill the
    placeholders of a template (-t), or whose field "prompt" is sent. Results come in
    the order of the input. With -O FILE a batch that broke off is gone on with.
    Vendors' batch endpoints (--vendor-batch) are those of openai, anthropic and groq.

    \b
      hfs batch questions.txt -O answers.jsonl
      hfs batch rows.csv -t extract-json -p fields "name, age" -O out.jsonl
      hfs batch rows.csv -t extract-json -p fields "name, age" -O out.jsonl --resume
      hfs batch questions.txt -O answers.jsonl --vendor-batch
    """
    if status is not None or cancel is not None:
        from hfs_cli.compose.batch.overview import cancel_job, show_status

        _check_alone("--status" if status else "--cancel")
        if cancel is not None and status is None:
            cancel_job(cancel, config, as_json=as_json)
        elif status is not None and cancel is None:
            show_status(status, config, as_json=as_json)
        else:
            raise UsageError("--status and --cancel exclude each other: keep one")
        return
    if as_json:
        raise UsageError("--json goes with --status or --cancel: results are JSON, one a line")
    from hfs_cli.compose.batch.plan import Plan
    from hfs_cli.compose.batch.take import take_batch

    plan = Plan(**{**typed, "width": typed["width"] or _AT_ONCE})
    if plan.width > _MOST_AT_ONCE:
        raise UsageError(f"--concurrency is at most {_MOST_AT_ONCE}")
    if plan.resume and view.output is None:
        raise UsageError("--resume goes with -O FILE")
    if plan.retry_failed and not plan.resume:
        raise UsageError("--retry-failed goes with --resume")
    if plan.name is not None and not plan.keep:
        raise UsageError("-n names the sessions of --save: add it")
    if plan.no_wait and not plan.vendor:
        raise UsageError("--no-wait goes with --vendor-batch")
    if plan.vendor:
        _check_vendor(typed, config, view)
    take_batch(asked, config, view, plan, file)


# What a vendor's batch cannot do, or does in its own way. Settings of the configuration are another
# matter: nobody asked for them this time.
_OF_SINGLE_REQUESTS = {
    "width": "--concurrency",
    "per_minute": "--rate",
    "budget": "--budget",
    "keep": "--save",
    "timeout": "--timeout",
    "max_steps": "--max-steps",
    "tool_timeout": "--tool-timeout",
}


def _check_vendor(given: dict[str, Any], config: Config, view: View) -> None:
    if view.output is None:
        raise UsageError(
            "--vendor-batch goes with -O FILE, beside which it records what the vendor has"
        )
    for name, option in _OF_SINGLE_REQUESTS.items():
        value = given.get(name)
        if not (value is None or value is False) or config.origins.get(name) == option:
            raise UsageError(
                f"{option} is for single requests, and --vendor-batch hands all over at once:"
                " leave it out"
            )


def _check_alone(option: str) -> None:
    """See that nothing was typed that would be passed over.

    Raises:
        UsageError: Something was.
    """
    from hfs_cli.compose.templates import typed_parameters

    context = click.get_current_context()
    others = typed_parameters(context) - {"status", "cancel", "as_json", "profile"}
    if said := [
        max(param.opts, key=len) if isinstance(param, click.Option) else "FILE"
        for param in context.command.get_params(context)
        if param.name in others
    ]:
        raise UsageError(f"{option} goes alone: leave out {', '.join(said)}")
