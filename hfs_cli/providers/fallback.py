"""Ask several models in turn, until one answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from hfs_cli.errors import (
    HfsError,
    NetworkError,
    NotFoundError,
    NotRecordedError,
    UnavailableError,
)
from hfs_cli.messages import ChatMessage, Event, Fallback, Request

if TYPE_CHECKING:
    from hfs_cli.turn.protocols import Provider


class Candidate(NamedTuple):
    """A model that may be asked.

    Args:
        name: ``provider/id``.
        options: The options to ask it with.
        open: Opens its provider.
    """

    name: str
    options: Mapping[str, object]
    open: Callable[[], Provider]


class FallbackProvider:
    """Asks a model, and the next one if it fails before its first byte.

    It moves on after the retries of a 429 or 5xx, if the provider cannot be reached, and if the
    vendor no longer has the model. The model that answered is asked first in later steps of the
    turn.

    Args:
        candidates: The models, in the order to ask them.
        warn: Called with a line for each that failed.
    """

    def __init__(self, candidates: Sequence[Candidate], warn: Callable[[str], None]) -> None:
        self._candidates = candidates
        self._warn = warn
        self._opened: dict[int, Provider] = {}
        self._place = 0

    def prepare(self, prompt: ChatMessage) -> None:
        """Check that the first can be asked; see `hfs_cli.turn.protocols.Provider`."""
        self._provider(0).prepare(prompt)

    def preview(self, request: Request) -> Mapping[str, object]:
        """The request that the first would be sent."""
        return self._provider(0).preview(request)

    def stream(self, request: Request) -> Iterator[Sequence[Event]]:
        """Ask until one answers, and yield its events.

        Raises:
            HfsError: None answered; this is the failure of the first.
        """
        failure: HfsError | None = None
        start = self._place
        for place in range(start, len(self._candidates)):
            try:
                first, rest = self._ask(place, request)
            except NotRecordedError:
                raise
            except HfsError as error:
                # The first model's complaint about the request would hold for the others too. A
                # fallback's (no key, an unknown option) must not end the search.
                again = isinstance(error, NetworkError | UnavailableError | NotFoundError)
                if not (again or place > start):
                    raise
                failure = failure or error
                # The advice is left out: it is only needed if no other model answers.
                if place + 1 < len(self._candidates):
                    self._warn(f"{error.what} — asking {self._candidates[place + 1].name}")
                elif place > start:
                    self._warn(error.what)
                continue
            self._place = place
            yield (Fallback(self._candidates[place].name), *first) if place else first
            yield from rest
            return
        assert failure is not None
        raise failure

    def close(self) -> None:
        """Close all providers that were asked."""
        for provider in self._opened.values():
            provider.close()

    def _ask(
        self, place: int, request: Request
    ) -> tuple[Sequence[Event], Iterator[Sequence[Event]]]:
        """The first events of a model's answer, and an iterator over the rest."""
        provider, candidate = self._provider(place), self._candidates[place]
        if place:
            name, _, model = candidate.name.partition("/")
            request = request._replace(model=model, provider=name, options=candidate.options)
            provider.prepare(request.messages[-1])
        rest = iter(provider.stream(request))
        return next(rest, ()), rest

    def _provider(self, place: int) -> Provider:
        if place not in self._opened:
            self._opened[place] = self._candidates[place].open()
        return self._opened[place]
