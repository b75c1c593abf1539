"""Read a provider's list of models, and find in it what has replaced a default that is gone."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from hfs_cli.errors import HfsError, ProviderError
from hfs_cli.providers.formats.listings import Listed, read_listing
from hfs_cli.providers.http.client import replay_directory
from hfs_cli.providers.http.receive import Answer, read_whole
from hfs_cli.providers.listed import keep_listed, successor
from hfs_cli.providers.presets import ProviderSettings


def read_models(answer: Answer, provider: str) -> list[Listed]:
    """The models in a provider's answer, sorted by id.

    Args:
        answer: The answer to a request for the list.
        provider: The provider's name, for errors.

    Raises:
        HfsError: The answer cannot be read.
    """
    try:
        return read_listing(json.loads(read_whole(answer)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ProviderError(f"{provider} sent a list of models that cannot be read") from error


def replacement_hint(models: Callable[[], Sequence[Listed]], settings: ProviderSettings) -> str:
    """How an error about a default model that is gone goes on, from the vendor's own list.

    Args:
        models: Asks the vendor for its list.
        settings: The provider's settings, which name the default.

    Returns:
        The model to use instead and the command that sets it; empty where none is known.
    """
    try:
        offered = models()
    except HfsError:
        return ""  # the refusal itself is what the user must know
    if replay_directory() is None:
        keep_listed(settings, offered)
    assert settings.model
    found = successor(settings.model, [model.id for model in offered])
    if not found:
        return ""
    command = f"hfs config set providers.{settings.name}.model {found}"
    return f"; it was the default of {settings.name}, and {found} follows it: {command}"
