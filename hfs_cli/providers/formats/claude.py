"""What the name of a Claude model says: its version, its longest reply, how it takes a schema."""

from __future__ import annotations

import re
from typing import NamedTuple

_NAME = re.compile(r"claude-(?:([a-z]+)-)?(\d{1,2})(?:[.-](\d{1,2})(?!\d))?(?!\d)")


class Version(NamedTuple):
    """A Claude model's family and version.

    Args:
        family: ``opus``, ``sonnet``, …; empty where the version comes first, as it used to.
        number: Major and minor.
    """

    family: str
    number: tuple[int, int]


def version_of(model: str) -> Version | None:
    """The version in the name of a Claude model, or None where it has none.

    For example, 5.5 in ``claude-opus-5-5``, 3.7 in ``claude-3-7-sonnet-latest``, and 4.0 in
    ``claude-sonnet-4-20250514``: a date is not a minor version.

    Args:
        model: The vendor's id, or the id that a gateway makes of it.
    """
    found = _NAME.search(model)
    return found and Version(found[1] or "", (int(found[2]), int(found[3] or 0)))


def most_output(provider: str, model: str) -> int:
    """The most tokens that a model can reply with, which Anthropic's format must always state.

    The data file has it for known models. For others it follows from the version: as the vendor's
    page has it (https://platform.claude.com/docs/en/about-claude/models/overview, read 2026-11-29),
    and for versions newer than the page, as the newest on it. For models of other vendors it is a
    limit that all of them accept.

    Args:
        provider: The provider's name: Anthropic, a gateway to its models, or another vendor that
            speaks its format.
        model: The vendor's id.
    """
    from hfs_cli.known_models import known_model

    claude = re.search(r"claude-[a-z\d.-]+(@\d+)?", model)
    for name in (f"{provider}/{model}", f"anthropic/{claude[0]}" if claude else ""):
        known = known_model(name)
        if known and known.most_output:
            return known.most_output
    version = version_of(model)
    if version is None:
        return 8192
    if version.number < (3, 7):
        return 8192 if version.number == (3, 5) else 4096
    if version.family == "opus" and version.number < (4, 5):
        return 32_000
    return 128_000 if version.number >= (4, 6) else 64_000


def takes_output_format(model: str) -> bool:
    """Whether a Claude model takes a JSON Schema as ``output_config.format``.

    Opus 4.1 and every model since 4.5 do, and the newest refuse the way that came before: a tool
    that must be called. A model without a version in its name is taken for a new one.

    Args:
        model: The vendor's id.
    """
    version = version_of(model)
    return (
        version is None
        or version.number >= (4, 5)
        or ("opus" in model and version.number == (4, 1))
    )
