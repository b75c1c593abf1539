"""Send what fits into a model's context: the oldest turns are summarised or left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from hfs_cli import notices
from hfs_cli.compose.compact import Past, Summariser
from hfs_cli.compose.context import KEPT, Measure, is_too_long, shortened, the_oldest
from hfs_cli.errors import (
    CredentialsError,
    HfsError,
    NetworkError,
    NotFoundError,
    TooLongError,
    UnavailableError,
)
from hfs_cli.messages import Event, Request
from hfs_cli.turn.protocols import ForwardingProvider

if TYPE_CHECKING:
    from hfs_cli.turn.protocols import Provider


class FittingProvider(ForwardingProvider):
    """A provider that is sent what fits: the oldest turns are summarised or left out.

    Where the vendor refuses a request for its length before the first byte, it is asked once
    more with half of it.

    Args:
        inner: As of `ForwardingProvider`.
        within: How much fits.
        model: ``provider/id``; it writes the summaries.
        options: What the model is configured with.
        past: What the session held before the turn, to be summarised; None where the oldest
            turns are to be left out.
    """

    def __init__(
        self,
        inner: Provider,
        within: Measure,
        *,
        model: str,
        options: Mapping[str, object],
        past: Past | None,
    ) -> None:
        super().__init__(inner)
        self._within = within
        self._model = model
        self._options = options
        self._past = past
        self._gave_up = past is None
        self._left_out = 0

    def preview(self, request: Request) -> Mapping[str, object]:
        """What would be sent; where turns would be summarised, with all of them.

        See `hfs_cli.turn.protocols.Provider`.
        """
        fitted = request if self._past is not None else shortened(request, self._within)[0]
        return self._inner.preview(fitted)

    def stream(self, request: Request) -> Iterator[Sequence[Event]]:
        """Send what fits; see `hfs_cli.turn.protocols.Provider`.

        Raises:
            TooLongError: The vendor takes not even half of it, or the question alone is too long.
        """
        sent = self._fitted(request)
        rest = iter(self._inner.stream(sent))
        try:
            first = next(rest, ())
        except TooLongError as error:
            # The later steps of the turn must not be refused as well.
            self._within = self._within._replace(room=self._within.tokens(sent) // 2)
            shorter = self._fitted(request)
            if len(shorter.messages) == len(sent.messages):
                advice = "the question alone is too long: shorten it, or choose another model (-m)"
                raise TooLongError(error.what, advice) from error
            rest = iter(self._inner.stream(shorter))
            first = next(rest, ())
        yield first
        yield from rest

    def _fitted(self, request: Request) -> Request:
        """The request as it is sent; the user is told of turns summarised or left out."""
        if self._past is not None:
            if not self._gave_up and is_too_long(self._past.in_place(request), self._within):
                self._summarise(self._past, request)
            request = self._past.in_place(request)
        fitted, left_out = shortened(request, self._within)
        if left_out > self._left_out:
            self._left_out = left_out
            notices.notice(f"{the_oldest(left_out)} left out: the context is full")
        return fitted

    def _summarise(self, past: Past, request: Request) -> None:
        """Have the oldest turns summarised; after a failure, not again in this turn."""
        room = self._within.room
        if room is None or not past.is_of(request):
            return
        summariser = Summariser(self._inner, self._model, self._options, self._within)
        try:
            done = past.compact(summariser, keep=room * KEPT)
        except (NetworkError, UnavailableError, CredentialsError, NotFoundError):
            raise  # which the turn itself would end with
        except HfsError as error:
            self._gave_up = True
            notices.warn(f"not summarised, so the oldest turns are left out: {error.what}")
        else:
            if done:
                notices.notice(f"{the_oldest(done)} summarised: the context was full")
