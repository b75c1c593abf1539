"""Create batches at a vendor, check how far they are, and fetch the answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, BinaryIO

from hfs_cli.errors import HfsError, IncompleteReplyError, ProviderError
from hfs_cli.messages import ChatMessage, Event, Request
from hfs_cli.providers.formats.batches import BatchAnswer, BatchState, BatchWire, checked_id
from hfs_cli.providers.formats.wire import presentable
from hfs_cli.providers.http.provider import HttpProvider, encoded
from hfs_cli.providers.http.receive import read_lines, read_whole

# The most pages of the list of batches to read.
_MOST_PAGES = 100
# How far a vendor's clock may be from ours, in seconds.
_CLOCKS_APART_S = 3600.0


class BatchEndpoint:
    """The batches of one model at its vendor.

    Args:
        provider: The provider to ask, which encodes and decodes as it does for a turn.
        wire: How to speak to the vendor's batch endpoints.
        model: The vendor's model id, for errors.
        redact: What to do with keys in requests; see `hfs_cli.turn.redact`.
    """

    def __init__(
        self, provider: HttpProvider, wire: BatchWire, model: str, redact: str = "off"
    ) -> None:
        self._provider = provider
        self._redact = redact
        self.wire = wire
        self._model = model

    def prepare(self) -> None:
        """Find the key and open the client; nothing is sent."""
        self._provider.prepare(ChatMessage("user", ""))

    def close(self) -> None:
        """Drop the connections."""
        self._provider.close()

    def encode(self, custom_id: str, request: Request) -> bytes:
        """Encode one request of a batch.

        Raises:
            UsageError: It cannot be sent.
        """
        if self._redact != "off":
            from hfs_cli.turn.redact import looked_at

            request = looked_at(request, self._redact)
        path, payload = self._provider.encode(request)
        return encoded(self.wire.request(custom_id, path, payload))

    def upload(self, file: BinaryIO, name: str) -> str:
        """Upload a file of requests; returns the vendor's id for it.

        Nothing is answered or paid before a batch is made of the file. The vendor deletes it after
        30 days.

        Raises:
            HfsError: It could not be uploaded.
        """

        def body() -> dict[str, Any]:
            file.seek(0)
            return {
                "data": {"purpose": "batch"},
                "files": {"file": (name, file, "application/jsonl")},
            }

        with self._provider.answered("POST", "/files", model=self._model, body=body) as answer:
            document = self._read(read_whole(answer))
        try:
            return checked_id(document.get("id") if isinstance(document, dict) else None)
        except ProviderError as error:
            raise self._fault(error) from error

    def create(
        self, file_id: str, requests: BinaryIO, tag: str, find: Callable[[], object]
    ) -> BatchState:
        """Create a batch.

        A request that got no answer may have arrived nevertheless. So `find` is called before each
        try but the first.

        Args:
            file_id: The id of the uploaded file of requests; empty where nothing is uploaded.
            requests: The requests, in their frame, where nothing is uploaded.
            tag: The tag to find the batch by.
            find: Looks for the batch, and raises if it exists already.

        Raises:
            HfsError: The batch was refused, or it is unknown whether the request arrived.
        """
        tries = 0
        made = self.wire.creation(file_id, self._provider.path(Request(self._model, ())), tag)

        def body() -> dict[str, Any]:
            nonlocal tries
            tries += 1
            if tries > 1:
                find()
            if made is not None:
                return {"content": encoded(made)}
            requests.seek(0)
            return {"content": requests}

        return self._state("POST", self.wire.path, body)

    def look(self, batch: str) -> BatchState:
        """Ask how far a batch is.

        Raises:
            HfsError: The vendor does not say.
        """
        return self._state("GET", f"{self.wire.path}/{checked_id(batch)}")

    def cancel(self, batch: str) -> BatchState:
        """Ask the vendor to cancel a batch; answers that exist can still be fetched.

        Raises:
            HfsError: The vendor refused.
        """
        return self._state("POST", f"{self.wire.path}/{checked_id(batch)}/cancel")

    def made_since(self, since: float) -> Iterator[BatchState]:
        """The batches created since a time, or shortly before it.

        Vendors list the newest first, in pages.

        Args:
            since: Seconds since 1970, by our clock.
        """
        page: str | None = self.wire.page
        for _ in range(_MOST_PAGES):
            path = f"{self.wire.path}?{page}" if page else self.wire.path
            with self._provider.answered("GET", path, model=self._model) as answer:
                document = self._read(read_whole(answer))
            if not isinstance(document, dict) or not isinstance(document.get("data"), list):
                raise self._fault(ProviderError("it sent something other than a list of batches"))
            states = [self._state_from(one) for one in document["data"]]
            after = since - _CLOCKS_APART_S
            recent = [one for one in states if one.created_at is None or one.created_at >= after]
            yield from recent
            page = self.wire.next_page(document, states[-1].id) if states else None
            if page is None or not recent:
                return

    def answers(self, state: BatchState) -> Generator[BatchAnswer]:
        """The answers of a batch that has ended, in any order.

        An answer that cannot be read is left out with a warning, so that the others are not lost.

        Raises:
            HfsError: The answers could not be fetched completely.
        """
        for path in state.answers:
            with self._provider.answered("GET", path, model=self._model) as answer:
                for line in read_lines(answer):
                    try:
                        found = self.wire.answer(line)
                    except ProviderError as error:
                        self._provider.warn(f"{self._provider.name}: {error.message}: left out")
                    else:
                        yield found

    def reply(self, request: Request, answer: BatchAnswer) -> Iterator[Sequence[Event]]:
        """The events of one answer, as in a turn.

        Args:
            request: The request that is answered.
            answer: The vendor's answer.

        Raises:
            HfsError: There is no reply, or it is incomplete.
        """
        if answer.never in {"expired", "cancelled"}:
            raise ProviderError(
                f"{self._provider.name} ({self._model}): the batch"
                f" {'was ' if answer.never == 'cancelled' else ''}{answer.never} before this"
                " prompt was answered"
            )
        if answer.never:
            said = presentable(answer.never, self._provider.secrets)
            raise ProviderError(f"{self._provider.name} ({self._model}) gave no answer: {said}")
        if answer.status != 200:
            raise self._provider.refused(answer.status, answer.body, self._model)
        yield from self._provider.read(request, answer.body)

    def _state(
        self, method: str, path: str, body: Callable[[], dict[str, Any]] = dict
    ) -> BatchState:
        with self._provider.answered(method, path, model=self._model, body=body) as answer:
            return self._state_from(self._read(read_whole(answer)))

    def _state_from(self, document: object) -> BatchState:
        try:
            return self.wire.state(document)
        except ProviderError as error:
            raise self._fault(error) from error

    def _read(self, data: bytes) -> object:
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            fault = ProviderError("its answer is not JSON — check base_url")
            raise self._fault(fault) from error

    def _fault(self, error: HfsError) -> IncompleteReplyError:
        """The error for an unreadable answer to a request that may have succeeded."""
        return IncompleteReplyError(f"{self._provider.name} ({self._model}): {error.message}")
