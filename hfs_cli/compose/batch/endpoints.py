"""The vendors' batch endpoints for the models of a batch, opened when first needed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack, closing
from functools import cache
from typing import TYPE_CHECKING

from hfs_cli import notices
from hfs_cli.batch.job import Job, Part, forget_job, load_job
from hfs_cli.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from hfs_cli.batch.results import Header
    from hfs_cli.compose.batch.plan import Plan
    from hfs_cli.config import Config
    from hfs_cli.providers.choose import ModelChoice
    from hfs_cli.providers.http.batches import BatchEndpoint


class Endpoints:
    """The batch endpoints of some models.

    Args:
        stack: Closes them.
        choices: The models, in the job's order.
        config: The settings.
    """

    def __init__(self, stack: ExitStack, choices: Sequence[ModelChoice], config: Config) -> None:
        self._stack = stack
        self._choices = choices
        self._config = config
        self._warn = cache(notices.warn)  # each line once
        self._opened: dict[tuple[int, str], tuple[BatchEndpoint, str]] = {}

    def today(self, model: int) -> tuple[BatchEndpoint, str]:
        """The endpoint for a model's next requests, and the format to write them in.

        Raises:
            UsageError: Its provider has no such endpoint.
            CredentialsError, ConfigError: The key is missing, or cannot be used.
        """
        return self._open(model, "")

    def of(self, part: Part) -> BatchEndpoint:
        """The endpoint that a part was, or will be, handed to; raises as `today` does."""
        return self._open(part.model, part.wire)[0]

    def _open(self, model: int, wire: str) -> tuple[BatchEndpoint, str]:
        if (model, wire) not in self._opened:
            from hfs_cli.providers.open import open_batches

            endpoint, name = open_batches(
                self._choices[model],
                config=self._config,
                env=os.environ,
                notify=lambda _: None,  # a wait is not worth a line in a day
                warn=self._warn,
                wire=wire,
            )
            self._stack.enter_context(closing(endpoint))
            endpoint.prepare()
            self._opened[model, wire] = self._opened[model, name] = endpoint, name
        return self._opened[model, wire]

    @property
    def urls(self) -> tuple[str, ...]:
        """The base address of each model's provider."""
        return tuple(choice.provider.base_url for choice in self._choices)

    def check_urls(self, job: Job) -> None:
        """Check that providers are still where the open parts were handed over.

        Raises:
            UsageError: A provider's address is another one now.
        """
        for part in job.open_parts():
            before, now = job.urls[part.model], self.urls[part.model]
            if before != now:
                raise UsageError(
                    f"prompts of {job.output} were handed to {before}, and"
                    f" {job.header.models[part.model]} is at {now} now: set base_url back"
                )


def check_job(job: Job | None, header: Header, plan: Plan, *, force: bool) -> None:
    """Check that prompts of an output at a vendor are neither sent again nor lost.

    Args:
        job: What was handed over, or None.
        header: What is asked for now.
        plan: How.
        force: Replace the output, or take it whatever it is of.

    Raises:
        UsageError: They would be.
    """
    if job is None or not job.open_parts():
        return
    there = any(part.is_at_vendor for part in job.parts)
    cancel = f"hfs batch --cancel {job.output}"
    if not plan.resume:
        if force and not there:
            return
        anew = f"{cancel} gives them up, and --force then starts again"
        raise UsageError(
            f"prompts of {job.output} are at a vendor: --vendor-batch --resume goes on with them;"
            f" {anew}"
        )
    if not plan.vendor:
        raise UsageError(
            f"prompts of {job.output} are at a vendor: add --vendor-batch, which fetches the"
            f" answers; {cancel} ends it before that"
        )
    if job.header.models != header.models or not (force or job.header == header):
        raise UsageError(
            f"what a vendor has of {job.output} is from another input, or from other models or"
            " options: give those that it was started with"
        )


def begin_job(output: Path, header: Header, endpoints: Endpoints, *, anew: bool) -> Job:
    """The job of an output, which is locked; an empty one where nothing was handed over.

    Args:
        output: The output.
        header: What its results are of.
        endpoints: What is asked.
        anew: Forget what there was.

    Raises:
        UsageError: It was handed over elsewhere.
    """
    if anew:
        forget_job(output)
    job = load_job(output)
    if job is None or not job.open_parts():
        return Job(output, header, endpoints.urls)
    endpoints.check_urls(job)
    job.header, job.urls = header, endpoints.urls
    return job
