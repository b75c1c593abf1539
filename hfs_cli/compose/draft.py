"""What a turn would send: read, put together and measured once, and what holds it to its limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hfs_cli.compose.budget import CostLimit, Spending
from hfs_cli.compose.compact import past_of
from hfs_cli.compose.context import Measure, measure, shortened
from hfs_cli.compose.fitting import FittingProvider
from hfs_cli.turn.run import make_request

if TYPE_CHECKING:
    from hfs_cli.compose.asked import Target
    from hfs_cli.config import Config
    from hfs_cli.messages import Turn
    from hfs_cli.store.store import SessionStore
    from hfs_cli.turn.protocols import Provider, Toolbox


class Draft:
    """A turn before anything of it is kept.

    Args:
        store: Where its session is.
        turn: The turn.
        toolbox: What the model may ask for, or None for nothing.
        config: What models take, what becomes of a conversation that is too long, and what the
            turn may cost.

    Attributes:
        history: The transcript of its session; empty for a new one.
        request: What would be sent first, whether or not it fits.
        past: What a summary may stand for, or None where none may be made.
        shortens: Whether its oldest turns are summarised or left out where it is too long.

    Raises:
        NotFoundError: The session is gone.
    """

    def __init__(
        self, store: SessionStore, turn: Turn, toolbox: Toolbox | None, config: Config
    ) -> None:
        from hfs_cli.store.unsaved import Unsaved

        self.history, opened = Unsaved(store).peek(turn)
        self.request = make_request(turn, opened, toolbox)
        self.past = None
        self.shortens = config.context != "error"
        session_id = turn.place.session_id
        if config.context == "compact" and config.save and session_id is not None:
            self.past = past_of(store, session_id, self.history, turn.place)
        self._models = config.models
        self._spending = None
        if config.max_cost is not None:
            # One for all models that may be asked: it is one turn.
            self._spending = Spending(config.max_cost, config.models)
        self._measures: dict[str, Measure] = {}

    def within(self, target: Target) -> Measure:
        """The measure for requests to one of the models."""
        name = target.choice.full_name
        if name not in self._measures:
            self._measures[name] = measure(
                target.choice, target.options, self._models, self.history
            )
        return self._measures[name]

    def hold(self, provider: Provider, target: Target) -> Provider:
        """A provider that is sent what fits its model, within what the turn may cost.

        Raises:
            ConfigError: The turn has a limit, and the model no price.
        """
        name = target.choice.full_name
        if self._spending is not None:
            provider = CostLimit(provider, name, self._spending)
        if not self.shortens:
            return provider
        within, options = self.within(target), target.choice.options
        return FittingProvider(provider, within, model=name, options=options, past=self.past)

    def check_cost(self, target: Target) -> None:
        """Refuse a prompt that alone costs more than the turn may, before anything is kept.

        Raises:
            ConfigError: It does, or the model has no price.
        """
        if self._spending is None:
            return
        request = self.request
        if self.shortens:
            request, _ = shortened(request, self.within(target))
        self._spending.check(request, target.choice.full_name)
