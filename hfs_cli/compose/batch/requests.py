"""The requests of a vendor's batch: made of the prompts of an input, and put into parts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from hfs_cli.batch.job import Job, Part, Room, new_tag, split, uncovered
from hfs_cli.batch.results import Results
from hfs_cli.compose.batch.endpoints import Endpoints
from hfs_cli.compose.batch.turns import Task, task_of
from hfs_cli.errors import OutputError, UsageError
from hfs_cli.files import refusing

if TYPE_CHECKING:
    from hfs_cli.batch.records import Spool
    from hfs_cli.compose.batch.models import Model
    from hfs_cli.compose.batch.prompts import Prompts
    from hfs_cli.messages import Request
    from hfs_cli.providers.http.batches import BatchEndpoint


class Requests:
    """Makes the requests of an input's prompts.

    Args:
        spool: The input.
        prompts: Makes messages of it.
        models: The models that each prompt goes to.
    """

    def __init__(self, spool: Spool, prompts: Prompts, models: list[Model]) -> None:
        self._spool = spool
        self._prompts = prompts
        self._models = models

    @property
    def models(self) -> int:
        """How many models each prompt goes to."""
        return len(self._models)

    def task(self, number: int, model: int) -> Task:
        """What a prompt asks of a model; not while `written` is open."""
        value = self._spool.at(number).value
        return task_of(number, value, model, self._models, self._prompts)

    def plan(self, job: Job, endpoints: Endpoints, results: Results) -> list[Part]:
        """Put the prompts that have no result, and are in no open part, into parts.

        Each is rendered for it, so that what cannot be sent is known before anything is.

        Raises:
            UsageError: A prompt cannot be sent.
        """
        if any(part.runs[-1][1] >= self._spool.count for part in job.open_parts()):
            raise UsageError(
                f"--limit leaves out prompts of {job.output} that are under way: raise it"
            )
        planned: list[Part] = []
        for model in range(self.models):
            to_do = (i // self.models for i in results.to_do() if i % self.models == model)
            numbers = uncovered(job.parts, model, to_do, self._spool.count)
            if numbers:
                endpoint, wire = endpoints.today(model)
                before, between, after = endpoint.wire.frame
                frame = len(before) + len(after)
                limits = endpoint.wire.most_requests, endpoint.wire.most_bytes
                sizes = self._sizes(endpoint, model, numbers)
                planned += [
                    Part(model, runs, new_tag(), wire)
                    for runs in split(sizes, Room(*limits, frame, len(between)))
                ]
        return planned

    def _sizes(
        self, endpoint: BatchEndpoint, model: int, numbers: Sequence[int]
    ) -> Iterator[tuple[int, int]]:
        tag = new_tag()  # each is as long as any other
        for number, request in self._made(model, iter(numbers)):
            yield number, len(endpoint.encode(f"{tag}-{number}", request))

    @contextmanager
    def written(self, part: Part, endpoint: BatchEndpoint) -> Iterator[BinaryIO]:
        """A part's requests in a temporary file, which is empty where the vendor has them already.

        Raises:
            OutputError: The file cannot be written.
            UsageError: A prompt cannot be sent.
        """
        before, between, after = endpoint.wire.frame
        with refusing(OutputError, "no temporary file can be made"):
            temporary = tempfile.TemporaryFile()  # noqa: SIM115  closed below
        with temporary as file:
            if not part.file:
                glue = before
                with refusing(OutputError, f"cannot keep the requests in {tempfile.gettempdir()}"):
                    for number, request in self._made(part.model, part.numbers()):
                        file.write(glue)
                        file.write(endpoint.encode(part.custom_id(number), request))
                        glue = between
                    file.write(after)
                    file.flush()
            yield cast("BinaryIO", file)

    def _made(self, model: int, numbers: Iterator[int]) -> Iterator[tuple[int, Request]]:
        """The request of each of the prompts, whose numbers only grow."""
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
