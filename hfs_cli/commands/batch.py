"""`hfs batch`: many prompts, from a file or standard input."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from hfs_cli.compose.asked import Asked
from hfs_cli.compose.options import TurnCommand, turn_options
from hfs_cli.errors import UsageError
from hfs_cli.groups import AMOUNT, OutputPath, Word, spelled, typed_parameters, whole_number

_A_MINUTE = {"s": 60.0, "min": 1.0, "m": 1.0, "h": 1 / 60}
_AT_ONCE, _MOST_AT_ONCE = 8, 1000


def _rate(word: str) -> float:
    """Requests per minute: ``60/min``, ``10/s``, ``1000/h``, or a number alone, per minute."""
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(?:/(s|min|m|h))?", word)
    if not found or not float(found[1]):
        raise ValueError("a rate: use 60/min, 10/s or 1000/h")
    return float(found[1]) * _A_MINUTE[found[2] or "min"]


class _Batch(TurnCommand):
    """A command that ignores what a template says about showing a single reply."""

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
    help="Format of the input; by default told from its suffix and first bytes.",
)
@click.option(
    "-m",
    "--model",
    "models",
    multiple=True,
    metavar="MODEL",
    help="Model (PROVIDER/MODEL) or alias; of several, each is sent each prompt.",
)
@click.option(
    "--concurrency",
    "width",
    type=whole_number(1),
    metavar="N",
    help=f"Send up to N prompts at once ({_AT_ONCE}).",
)
@click.option(
    "--rate",
    "per_minute",
    type=Word("rate", _rate),
    metavar="N/min",
    help="Send at most N requests a minute; N/s and N/h do too.",
)
@click.option("--limit", type=whole_number(1), metavar="N", help="Send only the first N prompts.")
@click.option(
    "--budget",
    type=AMOUNT,
    metavar="X",
    help="Start no prompt that could bring the cost of all, with those under way, above X.",
)
@click.option(
    "-O",
    "--output",
    type=OutputPath(path_type=Path),
    metavar="FILE",
    help="Write the results to FILE, which --resume can continue.",
)
@click.option("--resume", is_flag=True, help="Continue -O FILE: skip the prompts that it has.")
@click.option("--retry-failed", is_flag=True, help="With --resume: send again what failed.")
@click.option(
    "--force", is_flag=True, help="With -O: replace the file; with --resume: continue any file."
)
@click.option("--unordered", is_flag=True, help="Write results as they arrive.")
@click.option("--save", "keep", is_flag=True, help="Keep each turn as a session.")
@click.option("-n", "--name", metavar="NAME", help="With --save: name of the sessions.")
@click.option("-u", "--usage", is_flag=True, help="Show the summary on stderr in scripts too.")
@click.option(
    "--dry-run", is_flag=True, help="Count prompts, tokens and cost; send and save nothing."
)
@click.option(
    "--vendor-batch",
    "vendor",
    is_flag=True,
    help="With -O: use the vendor's batch endpoint: half the price, within a day.",
)
@click.option("--no-wait", is_flag=True, help="With --vendor-batch: fetch what is ready, and exit.")
@click.option(
    "--status",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Show what a vendor still has of the output FILE, and how far it is.",
)
@click.option(
    "--cancel",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Cancel what a vendor still has of the output FILE.",
)
@click.option("--json", "as_json", is_flag=True, help="With --status or --cancel: print JSON.")
@turn_options(many=True)
def run_batch(
    asked: Asked,
    *,
    file: str | None,
    status: Path | None,
    cancel: Path | None,
    as_json: bool,
    **typed: Any,  # noqa: ANN401  (click's own types)
) -> None:
    """Send many prompts, and write a line of JSON for each.

    A prompt is a line of text, or a JSON object or a row of CSV whose fields fill the
    placeholders of a template (-t) or whose field "prompt" is sent. Results come in
    the order of the input. With -O FILE, --resume continues a batch that broke off.
    The vendors with batch endpoints (--vendor-batch) are openai, anthropic and groq.

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
            cancel_job(cancel, asked.config, as_json=as_json)
        elif status is not None and cancel is None:
            show_status(status, asked.config, as_json=as_json)
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
    if plan.resume and asked.view.output is None:
        raise UsageError("--resume goes with -O FILE")
    if plan.retry_failed and not plan.resume:
        raise UsageError("--retry-failed goes with --resume")
    if plan.name is not None and not plan.keep:
        raise UsageError("-n names the sessions of --save: add it")
    if plan.no_wait and not plan.vendor:
        raise UsageError("--no-wait goes with --vendor-batch")
    if plan.vendor:
        _check_vendor(typed, asked)
    take_batch(asked, plan, file)


# What a vendor's batch cannot do, or does in its own way. It is refused only on the command line: a
# setting of the configuration was not meant for this batch.
_OF_SINGLE_REQUESTS = {
    "width": "--concurrency",
    "per_minute": "--rate",
    "budget": "--budget",
    "keep": "--save",
    "timeout": "--timeout",
    "max_steps": "--max-steps",
    "tool_timeout": "--tool-timeout",
}


def _check_vendor(given: dict[str, Any], asked: Asked) -> None:
    if asked.view.output is None:
        raise UsageError(
            "--vendor-batch goes with -O FILE, beside which it records what the vendor has"
        )
    for name, option in _OF_SINGLE_REQUESTS.items():
        value = given.get(name)
        if not (value is None or value is False) or asked.config.origins.get(name) == option:
            raise UsageError(
                f"{option} is for single requests, and --vendor-batch hands all over at once:"
                " leave it out"
            )


def _check_alone(option: str) -> None:
    """Refuse options and arguments that would be ignored."""
    context = click.get_current_context()
    others = typed_parameters(context) - {"status", "cancel", "as_json", "profile"}
    if others:
        raise UsageError(f"{option} goes alone: leave out {', '.join(spelled(context, others))}")
