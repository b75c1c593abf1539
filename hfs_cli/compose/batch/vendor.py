"""`--vendor-batch`: hand prompts to a vendor's batch endpoints, wait, and fetch the answers.

What has been done is written down before the next step; see `hfs_cli.batch.job`. Whether a batch
was made by a request that a kill cut off only the vendor knows. OpenAI and Groq keep a name with
a batch, so it is looked for by that. Anthropic keeps none: a batch of as many requests, made
since, may be it, and is waited for, since its answers carry the name. Neither documents a key that
would make the request safe to repeat (read 2026-11-29). What cannot be seen is a request that is
still on its way when it is looked for; so it is not looked for at once.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from hfs_cli import notices, signals
from hfs_cli.batch.job import Job, Part
from hfs_cli.batch.results import TO_DO, Results
from hfs_cli.compose.batch.endpoints import Endpoints
from hfs_cli.compose.batch.requests import Requests
from hfs_cli.compose.batch.turns import Batch
from hfs_cli.errors import (
    HfsError,
    IncompleteReplyError,
    Interrupted,
    NetworkError,
    NotFoundError,
    OutputError,
    ProviderError,
    SignalReceived,
    UnavailableError,
    UsageError,
)
from hfs_cli.wording import plural

if TYPE_CHECKING:
    from hfs_cli.compose.batch.models import Model
    from hfs_cli.config import Config
    from hfs_cli.messages import ChatMessage, Event, Request
    from hfs_cli.providers.formats.batches import BatchAnswer, BatchState
    from hfs_cli.providers.http.batches import BatchEndpoint
    from hfs_cli.render.progress import BatchProgress

# The price of a vendor's batch, as a share of the price of single requests.
SHARE = 0.5
# Seconds between two looks: the first time, and at most.
FIRST_LOOK_S, MOST_LOOK_S = 5.0, 60.0
# Seconds that an interrupted request may still be on its way.
SETTLE_S = 20.0
# Seconds until a part for which the vendor had no room is tried again, unless one is fetched.
HELD_S = 600.0
# Give up after this many looks in a row without an answer: about an hour.
MOST_SILENT = 60
_SILENCE = (NetworkError, UnavailableError, IncompleteReplyError)


def open_endpoints(stack: ExitStack, config: Config, models: list[Model]) -> Endpoints:
    """Open the batch endpoints of the models, if a vendor's batch can do what is asked.

    Args:
        stack: Closes them.
        config: The settings.
        models: The models that the prompts go to.

    Raises:
        UsageError: It cannot.
        CredentialsError, ConfigError: A key is missing, or cannot be used.
    """
    from hfs_cli.providers.http.client import record_directory, replay_directory

    if config.tool:
        raise UsageError("a vendor's batch runs no tools: leave out --tool, or tool in a profile")
    if config.max_cost is not None:
        raise UsageError(
            f"max_cost ({config.origins.get('max_cost')}) ends a reply while it comes, and those of"
            " a vendor's batch come whole: leave it out, and give --max-tokens"
        )
    if record_directory() or replay_directory():
        raise UsageError(
            "recordings are of single requests: leave out --record, and unset HFS_RECORD and"
            " HFS_REPLAY, for --vendor-batch"
        )
    for first, *others in (list(model.targets) for model in models):
        if others:
            raise UsageError(
                f"a vendor's batch has no fallback ({', '.join(others)}): name one model with"
                f" -m {first}"
            )
    choices = [next(iter(model.targets.values())).choice for model in models]
    endpoints = Endpoints(stack, choices, config)
    for number in range(len(models)):
        endpoints.today(number)
    return endpoints


class VendorBatch:
    """A vendor's batch under way.

    Args:
        batch: Makes results of answers.
        job: What was done already.
        endpoints: What is asked.
        requests: Makes what is sent.
        results: The results so far.
    """

    def __init__(
        self, batch: Batch, job: Job, endpoints: Endpoints, requests: Requests, results: Results
    ) -> None:
        self._batch = batch
        self._job = job
        self._endpoints = endpoints
        self._requests = requests
        self._results = results
        self._refused: list[str] = []
        self._seen: dict[str, BatchState] = {}
        self._held: dict[str, float] = {}
        self._silent = 0

    def run(self, *, wait: bool) -> None:
        """Plan what is to be sent, send it, and fetch what is there.

        Args:
            wait: Until all of it is there; without, look once.

        Raises:
            UsageError: A prompt cannot be sent; nothing was.
            HfsError: Not all of it went well; it says how to go on.
        """
        try:
            planned = self._requests.plan(self._job, self._endpoints, self._results)
        except UsageError:
            self._results.forget()
            raise
        if planned:
            # Collected parts are in the output, and need not be kept here.
            self._job.parts = [*self._job.open_parts(), *planned]
            self._job.save()
        try:
            with self._batch.shown() as progress:
                self._go_on(progress, wait=wait)
        except SignalReceived as signal:
            raise Interrupted(signal.signum, self._how_to_go_on("interrupted")) from None
        except OutputError:
            raise
        except HfsError as error:
            raise type(error)(self._how_to_go_on(error.message)) from error
        if self._refused:
            raise ProviderError(self._how_to_go_on("; ".join(self._refused)))
        if self._job.open_parts():
            notices.notice(self._how_to_go_on("handed over"))
            return
        self._batch.summarise()
        self._batch.check_failures(self._requests.models)

    def _how_to_go_on(self, what: str) -> str:
        there = sum(part.count for part in self._job.parts if part.is_at_vendor)
        return self._batch.how_to_go_on(
            f"{what}; {plural(there, 'prompt')} at the vendor" if there else what
        )

    # --- the steps --------------------------------------------------------------------

    def _go_on(self, progress: BatchProgress, *, wait: bool) -> None:
        pause = FIRST_LOOK_S
        while True:
            for part in self._job.open_parts():
                held = time.monotonic() < self._held.get(part.tag, 0.0)
                if part.step in {"planned", "sending"} and not held:
                    try:
                        self._send(part)
                    except UnavailableError:
                        if not (wait and self._hold(part)):
                            raise
            for part in self._job.open_parts():
                try:
                    self._look(part, wait=wait)
                except _SILENCE:
                    # In the day that it may take, the network may be away for a while.
                    self._silent += 1
                    if not wait or self._silent >= MOST_SILENT:
                        raise
            if not self._job.open_parts() or not wait:
                return
            progress.note(self._said())
            time.sleep(pause)
            pause = min(pause * 1.5, MOST_LOOK_S)

    def _hold(self, part: Part) -> bool:
        """Hold a part for which there is no room until another one has been fetched.

        Returns:
            False where no other one is at the vendor: then something else is wrong.
        """
        others = any(one.step in {"sent", "unsure"} for one in self._job.parts if one is not part)
        if others:
            self._held[part.tag] = time.monotonic() + HELD_S
        return others

    def _said(self) -> str:
        states = [self._seen[part.tag] for part in self._job.open_parts() if part.tag in self._seen]
        words = " and ".join(dict.fromkeys(state.said for state in states))
        answered = sum(state.done + state.failed for state in states)
        return f"{words}: {answered:,} answered" if answered else words

    def _send(self, part: Part) -> None:
        """Hand a part over, unless that was done already."""
        endpoint = self._endpoints.of(part)
        if part.step == "sending" and find_batch(self._job, part, endpoint, settle=True):
            return
        with self._requests.written(part, endpoint) as file:
            if endpoint.wire.uploads and not part.file:
                part.file = endpoint.upload(file, f"{part.tag}.jsonl")
                self._job.save()
            part.step, part.since = "sending", time.time()
            self._job.save()

            def look_first() -> None:
                if find_batch(self._job, part, endpoint):
                    raise _FoundError

            try:
                state = endpoint.create(part.file, file, part.tag, look_first)
            except _FoundError:
                return
            except (NetworkError, UnavailableError, IncompleteReplyError):
                raise  # nobody knows: it is looked for before it is sent again
            except HfsError:
                # It was refused, so there is no batch; the file may be what is wrong.
                part.step, part.file = "planned", ""
                self._job.save()
                raise
        part.mark_sent(state.id)
        self._job.save()

    def _look(self, part: Part, *, wait: bool) -> None:
        """Look how far a part is, and fetch its answers once it has ended."""
        endpoint = self._endpoints.of(part)
        if part.step == "dropped":
            self._finish(part, "cancelled")
        elif part.step == "unsure":
            self._tell_which(part, endpoint)
        elif part.step == "sent":
            self._seen[part.tag] = state = endpoint.look(part.batch)
            self._silent = 0
            if state.phase == "ended":
                self._collect(part, endpoint, state)
            elif state.full and wait and self._hold(part):
                until = self._held[part.tag]
                part.plan_again()
                self._held[part.tag] = until
                self._job.save()
            elif state.phase == "refused":
                self._job.parts.remove(part)
                self._job.save()
                prompts = plural(part.count, "prompt")
                name = self._job.header.models[part.model]
                self._refused.append(f"{name} took none of {prompts}: {state.why or state.said}")

    def _tell_which(self, part: Part, endpoint: BatchEndpoint) -> None:
        """Find out which of several batches is the part's, if one is."""
        for batch in list(part.maybe):
            first = None
            try:
                self._seen[part.tag] = state = endpoint.look(batch)
                self._silent = 0
                if state.phase == "running":
                    continue
                with closing(endpoint.answers(state)) as answers:
                    first = next(answers, None)
            except UnavailableError:
                raise
            except (ProviderError, NotFoundError):
                pass  # somebody has deleted it, as nobody does with one that hfs waits for
            if first is not None and part.number_of(first.custom_id) is not None:
                part.mark_sent(batch)
                self._job.save()
                self._collect(part, endpoint, state)
                return
            part.maybe.remove(batch)
            self._job.save()
        if not part.maybe:
            part.step = "planned"
            self._job.save()

    # --- the answers ------------------------------------------------------------------

    def _collect(self, part: Part, endpoint: BatchEndpoint, state: BatchState) -> None:
        """Write a result for each answer, except where there is one already."""
        for answer in endpoint.answers(state):
            number = part.number_of(answer.custom_id)
            if number is not None:
                self._keep(part, number, answer)
        ended = {"expired": "expired", "cancelled": "cancelled"}.get(state.said)
        self._finish(part, ended or "it is not among the answers that came")

    def _finish(self, part: Part, why: str) -> None:
        """Write results for the prompts without an answer, too, which completes the part."""
        from hfs_cli.providers.formats.batches import BatchAnswer

        for number in part.numbers():
            self._keep(part, number, BatchAnswer("", 0, never=why))
        part.step = "collected"
        self._held.clear()  # there is room now
        self._job.save()

    def _keep(self, part: Part, number: int, answer: BatchAnswer) -> None:
        item = number * self._requests.models + part.model
        if item >= len(self._results.state) or self._results.state[item] != TO_DO:
            return
        task = self._requests.task(number, part.model)
        endpoint = self._endpoints.of(part)
        outcome = self._batch.take(task.turn, lambda: _Answered(endpoint, answer))
        if isinstance(outcome.error, Interrupted):  # a signal came during the reading
            raise SignalReceived(outcome.error.signum)
        with signals.held():
            self._batch.keep(task, outcome)


def find_batch(job: Job, part: Part, endpoint: BatchEndpoint, *, settle: bool = False) -> bool:
    """Look for a batch that may have been made of a part, and note what there is.

    Args:
        job: What else there is.
        part: The part whose batch it may be.
        endpoint: The endpoint that is asked.
        settle: Wait until a request that another run has left cannot be on its way any longer.

    Returns:
        Whether there is one, perhaps.
    """
    if settle:
        time.sleep(max(0.0, min(SETTLE_S, part.since + SETTLE_S - time.time())))
    known = {other.batch for other in job.parts}
    states = [one for one in endpoint.made_since(part.since) if one.id not in known]
    if endpoint.wire.tagged:
        found = [one.id for one in states if one.tag == part.tag]
        if found:
            part.mark_sent(found[0])
    else:
        found = [one.id for one in states if one.total in {None, part.count}]
        if found:
            part.step, part.maybe = "unsure", found
    if found:
        job.save()
    return bool(found)


class _FoundError(Exception):
    """A batch turned out to exist already."""


class _Answered:
    """Gives a turn a reply that has come already.

    Args:
        endpoint: Reads it.
        answer: What has come.
    """

    def __init__(self, endpoint: BatchEndpoint, answer: BatchAnswer) -> None:
        self._endpoint = endpoint
        self._answer: BatchAnswer | None = answer

    def prepare(self, prompt: ChatMessage) -> None:
        """Nothing is sent."""

    def stream(self, request: Request) -> Iterator[Sequence[Event]]:
        """The events of the reply; see `hfs_cli.turn.protocols.Answering`."""
        answer, self._answer = self._answer, None
        if answer is None:
            raise IncompleteReplyError(
                "the vendor paused the reply, and a batch does not go on with one"
            )
        yield from self._endpoint.reply(request, answer)
