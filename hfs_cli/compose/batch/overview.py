"""`hfs batch --status` and `--cancel`: show or cancel what a vendor has of an output."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hfs_cli.batch.job import SUFFIX, Job, Part, load_job
from hfs_cli.compose.batch.endpoints import Endpoints
from hfs_cli.errors import NotFoundError, UsageError
from hfs_cli.files import open_lock_file, refusing, take_lock
from hfs_cli.moments import from_seconds, iso
from hfs_cli.wording import plural

if TYPE_CHECKING:
    from hfs_cli.config import Config
    from hfs_cli.providers.formats.batches import BatchState

# How a part is described where the vendor is not asked about it.
_STEPS = {
    "planned": "not sent yet",
    "sending": "perhaps sent: --resume finds out",
    "unsure": "perhaps one of several: its answers will tell",
    "collected": "fetched",
    "dropped": "cancelled before it was sent",
}


class _Seen(NamedTuple):
    """A part, and what the vendor says about it if it was asked."""

    part: Part
    state: BatchState | None


def show_status(file: Path, config: Config, *, as_json: bool) -> None:
    """Print the state of each part of an output.

    Args:
        file: The output.
        config: The settings.
        as_json: As JSON.

    Raises:
        NotFoundError: Nothing of it was handed to a vendor.
        HfsError: The vendor cannot be asked.
    """
    job = _job(file)
    with ExitStack() as stack:
        endpoints = _endpoints(stack, job, config)
        seen = [
            _Seen(part, endpoints.of(part).look(part.batch) if part.step == "sent" else None)
            for part in job.parts
        ]
    _print(job, seen, as_json=as_json)


def cancel_job(file: Path, config: Config, *, as_json: bool) -> None:
    """Ask the vendor to cancel what is open of an output, and print the state of each part.

    What is answered already is paid for and can be fetched.

    Args:
        file: The output.
        config: The settings.
        as_json: As JSON.

    Raises:
        NotFoundError: Nothing of it was handed to a vendor.
        UsageError: Something of it is being sent.
        HfsError: The vendor cannot be asked, or says no.
    """
    job = _job(file)
    with ExitStack() as stack:
        # Another process that waits for the answers will see for itself that they are cancelled.
        alone = _is_alone(stack, job.output)
        if alone:
            job = _job(job.output)
        elif any(part.step not in {"sent", "collected"} for part in job.parts):
            raise UsageError(
                f"another hfs batch is still sending prompts of {job.output}: end it (Ctrl-C), then"
                " cancel"
            )
        endpoints = _endpoints(stack, job, config)
        seen = []
        for part in job.parts:
            endpoint = endpoints.of(part)
            state = None
            if part.step == "sending":
                from hfs_cli.compose.batch.vendor import find_batch

                if not find_batch(job, part, endpoint, settle=True):
                    part.step = "planned"
            if part.step == "planned":
                part.step, part.cancelled = "dropped", True
            elif part.step == "unsure":
                raise UsageError(
                    f"one of {', '.join(part.maybe)} may be part of {job.output}; which one is"
                    " known only when it has ended: cancel it in the vendor's console"
                )
            elif part.step == "sent":
                state = endpoint.look(part.batch)
                if state.phase == "running":
                    state = endpoint.cancel(part.batch)
                    part.cancelled = True
            seen.append(_Seen(part, state))
            if alone:
                job.save()
    _print(job, seen, as_json=as_json)


def _job(file: Path) -> Job:
    # It may be named by the file beside it, too.
    output = file.with_name(file.name.removesuffix(SUFFIX)) if file.suffix == SUFFIX else file
    job = load_job(output)
    if job is None:
        raise NotFoundError(
            f"nothing of {output} was handed to a vendor: give the file that hfs batch"
            " --vendor-batch -O was given"
        )
    return job


def _endpoints(stack: ExitStack, job: Job, config: Config) -> Endpoints:
    from hfs_cli.providers.choose import named_model

    choices = [named_model(config, name) for name in job.header.models]
    endpoints = Endpoints(stack, choices, config)
    endpoints.check_urls(job)
    return endpoints


def _is_alone(stack: ExitStack, output: Path) -> bool:
    """Take the output's lock; return whether nobody else had it."""
    if not output.exists():
        return True
    with refusing(UsageError, f"cannot open {output}"):
        descriptor = open_lock_file(output)
    stack.callback(os.close, descriptor)
    return take_lock(descriptor, wait=False)


def _print(job: Job, seen: list[_Seen], *, as_json: bool) -> None:
    if as_json:
        from hfs_cli.render.json_shapes import print_json

        print_json([_shape(job, one) for one in seen])
        return
    from hfs_cli.render.output import Output
    from hfs_cli.sanitize import sanitize_line

    output = Output()
    for number, one in enumerate(seen, 1):
        said = " · ".join(_words(job, one))
        output.write(f"{sanitize_line(f'{number}/{len(seen)} {said}')}\n")


def _words(job: Job, seen: _Seen) -> list[str]:
    part, state = seen
    words = [job.header.models[part.model], plural(part.count, "prompt")]
    if state is None:
        return [*words, _STEPS[part.step]]
    words.append(state.said)
    if state.done or state.failed:
        words.append(f"{state.done} done, {state.failed} failed")
    if state.why:
        words.append(state.why)
    if state.phase == "running" and (ends := from_seconds(state.expires_at)):
        words.append(f"ends by {iso(ends)[:16]}Z")
    if state.phase == "ended":
        words.append("--resume fetches the answers")
    return [*words, state.id]


def _shape(job: Job, seen: _Seen) -> dict[str, object]:
    part, state = seen
    ends = from_seconds(state.expires_at) if state else None
    return {
        "model": job.header.models[part.model],
        "prompts": part.count,
        "step": part.step,
        "cancelled": part.cancelled,
        "batch": part.batch or None,
        "status": state.said if state else None,
        "done": state.done if state else None,
        "failed": state.failed if state else None,
        "expires_at": iso(ends) if ends else None,
        "error": (state.why or None) if state else None,
    }
