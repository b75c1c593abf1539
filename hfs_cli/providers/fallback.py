"""Several models, of which the first that can answer does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from hfs_cli.errors import (
    HfsError,
    NetworkError,
    NotFoundError,
    NotRecordedError,
    UnavailableError,
)
from hfs_cli.messages import ChatMessage, Event, Fallback, Request
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
    """Asks a model, and the next one where it cannot answer now, before its first byte.

    That is after its retries, on 429 and 5xx, where it cannot be reached, and where its vendor
    has it no more. Whoever has answered is asked again in the later steps of the turn.

    Args:
        candidates: The models, the one that is meant first.
        warn: Told of each that could not, one line each.
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
            HfsError: None could; it is the first one's failure.
        """
        failure: HfsError | None = None
        begun = self._place
        for place in range(begun, len(self._candidates)):
            try:
                first, rest = self._asked(place, request)
            except NotRecordedError:
                raise
            except HfsError as error:
                # What is wrong with the request would be wrong elsewhere; what is wrong with a
                # fallback (no key, an option it does not know) must not stop the search.
                again = isinstance(error, NetworkError | UnavailableError | NotFoundError)
                if not (again or place > begun):
                    raise
                failure = failure or error
                # Its advice is for whom this would be the end.
                if place + 1 < len(self._candidates):
                    self._warn(f"{error.what} — asking {self._candidates[place + 1].name}")
                elif place > begun:
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

    def _asked(
        self, place: int, request: Request
    ) -> tuple[Sequence[Event], Iterator[Sequence[Event]]]:
        """The first events of a model's answer, and what yields the rest."""
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
