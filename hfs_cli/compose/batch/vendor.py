"""`--vendor-batch`: hand prompts to a vendor's batch endpoints, wait, and fetch the answers.

What has been done is written down before the next step; see `hfs_cli.batch.job`. Whether a batch
was made by a request that a kill cut off only the vendor knows. OpenAI and Groq keep a name with
a batch, so it is looked for by that. Anthropic keeps none: a batch of as many requests, made
since, may be it, and is waited for, since its answers carry the name. Neither documents a key that
would make the request safe to repeat (read 2026-11-29). What cannot be seen is a request that is
still on its way when it is looked for; so it is not looked for at once.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from hfs_cli import notices, signals
from hfs_cli.batch.job import Job, Part, Room, new_tag, split, uncovered
from hfs_cli.batch.results import TO_DO, Results
from hfs_cli.compose.batch.endpoints import Endpoints
from hfs_cli.compose.batch.turns import Batch, Task, task_of
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
from hfs_cli.files import refusing
from hfs_cli.wording import plural

if TYPE_CHECKING:
    from hfs_cli.batch.records import Spool
    from hfs_cli.compose.batch.models import Model
    from hfs_cli.compose.batch.prompts import Prompts
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
    """What the models are asked by; a vendor's batch can do all that is asked for.

    Args:
        stack: Closes them.
        config: The settings.
        models: Whom the prompts are for.

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
    for first, *others in (list(model.choices) for model in models):
        if others:
            raise UsageError(
                f"a vendor's batch has no fallback ({', '.join(others)}): name one model with"
                f" -m {first}"
            )
    endpoints = Endpoints(stack, [next(iter(model.choices.values())) for model in models], config)
    for number in range(len(models)):
        endpoints.today(number)
    return endpoints


class VendorBatch:
    """A vendor's batch under way.

    Args:
        batch: Makes results of answers.
        job: What was done already.
        endpoints: What is asked.
        spool: The input.
        prompts: Makes messages of it.
        models: Whom each prompt is for.
        results: What is there.
    """

    def __init__(
        self,
        batch: Batch,
        job: Job,
        endpoints: Endpoints,
        spool: Spool,
        prompts: Prompts,
        models: list[Model],
        results: Results,
    ) -> None:
        self._batch = batch
        self._job = job
        self._endpoints = endpoints
        self._spool = spool
        self._prompts = prompts
        self._models = models
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
            self._plan()
        except UsageError:
            self._results.forget()
            raise
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
        self._batch.check_failures(len(self._models))

    def _how_to_go_on(self, what: str) -> str:
        there = sum(part.count for part in self._job.parts if part.is_there)
        return self._batch.how_to_go_on(
            f"{what}; {plural(there, 'prompt')} at the vendor" if there else what
        )

    # --- planning ---------------------------------------------------------------------

    def _plan(self) -> None:
        """Put what has no result, and is in no open part, into parts; all is rendered for it.

        Raises:
            UsageError: A prompt cannot be sent.
        """
        planned: list[Part] = []
        if any(part.runs[-1][1] >= self._spool.count for part in self._job.open_parts()):
            raise UsageError(
                f"--limit leaves out prompts of {self._job.output} that are under way: raise it"
            )
        count = len(self._models)
        for model in range(count):
            to_do = (item // count for item in self._results.to_do() if item % count == model)
            numbers = uncovered(self._job.parts, model, to_do, self._spool.count)
            if numbers:
                endpoint, wire = self._endpoints.today(model)
                before, between, after = endpoint.wire.frame
                frame = len(before) + len(after)
                limits = endpoint.wire.most_requests, endpoint.wire.most_bytes
                sizes = self._sizes(endpoint, model, numbers)
                planned += [
                    Part(model, runs, new_tag(), wire)
                    for runs in split(sizes, Room(*limits, frame, len(between)))
                ]
        if planned:
            # What is collected is in the output, and needs no part of its own any longer.
            self._job.parts = [*self._job.open_parts(), *planned]
            self._job.save()

    def _sizes(
        self, endpoint: BatchEndpoint, model: int, numbers: Sequence[int]
    ) -> Iterator[tuple[int, int]]:
        tag = new_tag()  # each is as long as any other
        for number, request in self._requests(model, iter(numbers)):
            yield number, len(endpoint.encode(f"{tag}-{number}", request))

    def _requests(self, model: int, numbers: Iterator[int]) -> Iterator[tuple[int, Request]]:
        """What a turn would ask, for each of the prompts; the numbers only grow."""
        from hfs_cli.messages import Opened
        from hfs_cli.turn.run import make_request

        wanted = next(numbers, None)
        for number, record in enumerate(self._spool):
            if wanted is None:
                return
            if number == wanted:
                turn = task_of(number, record.value, model, self._models, self._prompts).turn
                system = None if turn.no_system else turn.system
                try:
                    yield number, make_request(turn, Opened(None, None, (turn.prompt,), system))
                except UsageError as error:
                    raise UsageError(f"line {record.line} of the input: {error.message}") from error
                wanted = next(numbers, None)

    # --- the steps --------------------------------------------------------------------

    def _go_on(self, progress: BatchProgress, *, wait: bool) -> None:
        pause = FIRST_LOOK_S
        while True:
            for part in self._job.open_parts():
                if part.step in {"planned", "sending"} and self._may_be_sent(part):
                    try:
                        self._send(part)
                    except UnavailableError:
                        if not (wait and self._hold(part)):
                            raise
            for part in self._job.open_parts():
                try:
                    self._look(part, wait=wait)
                except _SILENCE:
                    # A day is long: a network that is away for a while ends nothing.
                    self._silent += 1
                    if not wait or self._silent >= MOST_SILENT:
                        raise
            if not self._job.open_parts() or not wait:
                return
            progress.note(self._said())
            time.sleep(pause)
            pause = min(pause * 1.5, MOST_LOOK_S)

    def _may_be_sent(self, part: Part) -> bool:
        return time.monotonic() >= self._held.get(part.tag, 0.0)

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
        """Hand a part over, unless that has happened already."""
        endpoint = self._endpoints.of(part)
        if part.step == "sending" and find_batch(self._job, part, endpoint, settle=True):
            return
        with self._written(part, endpoint) as file:
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
                # Refused, so it is not there; its file may be what is wrong.
                part.step, part.file = "planned", ""
                self._job.save()
                raise
        part.is_sent_as(state.id)
        self._job.save()

    @contextmanager
    def _written(self, part: Part, endpoint: BatchEndpoint) -> Iterator[BinaryIO]:
        """The requests of a part in a temporary file; none where the vendor has them already."""
        before, between, after = endpoint.wire.frame
        with tempfile.TemporaryFile() as file:
            if not part.file:
                glue = before
                with refusing(OutputError, f"cannot keep the requests in {tempfile.gettempdir()}"):
                    for number, request in self._requests(part.model, part.numbers()):
                        file.write(glue)
                        file.write(endpoint.encode(part.custom_id(number), request))
                        glue = between
                    file.write(after)
                    file.flush()
            yield cast("BinaryIO", file)

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
        """See whether one of the batches that may be a part's own is it."""
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
                part.is_sent_as(batch)
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
        item = number * len(self._models) + part.model
        if item >= len(self._results.state) or self._results.state[item] != TO_DO:
            return
        value = self._spool.at(number).value
        task: Task = task_of(number, value, part.model, self._models, self._prompts)
        endpoint = self._endpoints.of(part)
        outcome = self._batch.take(task.turn, lambda: _Answered(endpoint, answer))
        if isinstance(outcome.error, Interrupted):  # it fell into the reading: nothing is wrong
            raise SignalReceived(outcome.error.signum)
        with signals.held():
            self._batch.keep(task, outcome)


def find_batch(job: Job, part: Part, endpoint: BatchEndpoint, *, settle: bool = False) -> bool:
    """Look for a batch that may have been made of a part, and write down what there is.

    Args:
        job: What else there is.
        part: Whose batch it may be.
        endpoint: Who is asked.
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
            part.is_sent_as(found[0])
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
