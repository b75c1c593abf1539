"""Keep a batch within its budget, with what is under way counted as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from hfs_cli.compose.context import BYTES_A_TOKEN, estimated_tokens
from hfs_cli.messages import Reply, Request, Turn, Usage
from hfs_cli.prices import cost, prices_of
from hfs_cli.wording import money

if TYPE_CHECKING:
    from hfs_cli.config import ModelConfig


class _UnderWay(NamedTuple):
    """What one prompt costs, estimated: its own tokens, and all that is expected of it."""

    prompt: float
    expected: float


class BatchBudget:
    """What a batch has cost, what is under way, and what it may cost.

    What a prompt costs is estimated, at four bytes a token as for ``--max-cost``. What a reply
    costs nobody knows before the first one of its model, so that one is under way alone; from then
    on each is expected to cost what the replies so far have cost on average. Say 5 are left, and a
    reply costs 1: one prompt starts, then four at once, and no sixth.

    Args:
        left: What it may cost, in the currency of the prices; None if that does not matter.
        models: The prices, by model.

    Attributes:
        spent: What the results so far have cost.
    """

    def __init__(self, left: float | None, models: Mapping[str, ModelConfig]) -> None:
        self.spent = 0.0
        self._left = left
        self._models = models
        self._under_way: dict[int, _UnderWay] = {}
        # What replies have cost beside their prompts, in all, and how many there were, by model.
        self._replies: dict[str, tuple[float, int]] = {}
        self._refused = 0.0

    def admits(self, item: int, turn: Turn) -> bool:
        """Whether a turn may start now, beside those under way; if so, it counts among them.

        When nothing is under way, False means that the budget is used up.
        """
        if self._left is None:
            return True
        prompt = self._cost(Usage(_tokens(turn), 0), turn.model)
        if prompt is None:
            return True
        sum_, count = self._replies.get(turn.model, (0.0, 0))
        expected = prompt + (sum_ / count if count else 0.0)
        room = self._left - self.spent - sum(one.expected for one in self._under_way.values())
        fits = expected <= room and count > 0 if self._under_way else prompt <= room
        if room <= 0 or not fits:
            self._refused = prompt
            return False
        self._under_way[item] = _UnderWay(prompt, expected)
        return True

    def settle(self, item: int, turn: Turn, reply: Reply, money: float | None) -> None:
        """Count what a turn has cost instead of what was expected of it.

        Args:
            item: As `admits` has it.
            turn: What was asked.
            reply: What came.
            money: What it cost, or None if the vendor has not counted it: it is estimated then.
        """
        under_way = self._under_way.pop(item, None)
        if money is None and under_way is not None and reply.text:
            made = len(reply.text.encode("utf-8", "replace")) // BYTES_A_TOKEN
            money = self._cost(Usage(_tokens(turn), made), reply.model)
        if money is None:
            return
        self.spent += money
        if under_way is not None:
            sum_, count = self._replies.get(turn.model, (0.0, 0))
            more = max(0.0, money - under_way.prompt)
            self._replies[turn.model] = (sum_ + more, count + 1)

    def why_spent(self) -> str:
        """Why no more turns were started."""
        if self._left is None or self.spent >= self._left:
            return f"what the batch may cost is spent (about {money(self.spent)})"
        return (
            f"of what the batch may cost, {money(self._left - self.spent)} is left, and the next"
            f" prompt alone costs about {money(self._refused)}"
        )

    def overrun(self) -> str | None:
        """What the batch has cost beyond its budget, as a sentence; None where it has not."""
        if self._left is None or self.spent <= self._left:
            return None
        return f"the batch has cost about {money(self.spent)} and was to cost {money(self._left)}"

    def _cost(self, usage: Usage, model: str) -> float | None:
        return cost(usage, prices_of(model, self._models))


def _tokens(turn: Turn) -> int:
    return estimated_tokens(Request("", (turn.prompt,), turn.system, schema=turn.schema))
