"""The options of a batch as one value."""

from __future__ import annotations

from dataclasses import dataclass

from hfs_cli.batch.records import Kind


@dataclass(frozen=True, slots=True)
class Plan:
    """How a batch runs, apart from what each of its turns asks.

    Args:
        kind: How the input is read, or None to find out.
        width: How many prompts are under way at once.
        per_minute: The most requests a minute to each provider, or None.
        limit: The most prompts to take, or None for all.
        unordered: Results come as they come, and not in the order of the input.
        resume: Go on with the output that is there.
        retry_failed: Ask again what failed.
        keep: Keep each turn as a session.
        name: What the names of those sessions begin with, or None.
        budget: What all of it may cost, in the currency of the prices, or None.
        vendor: Hand all over to the vendor's batch endpoints.
        no_wait: With `vendor`: fetch what is there, and do not wait for the rest.
    """

    kind: Kind | None
    width: int
    per_minute: float | None
    limit: int | None
    unordered: bool
    resume: bool
    retry_failed: bool
    keep: bool
    name: str | None
    budget: float | None
    vendor: bool = False
    no_wait: bool = False
