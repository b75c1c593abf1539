"""The providers that need no configuration but a key: one table of data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hfs_cli.providers.formats import Quirks


@dataclass(frozen=True, slots=True)
class Preset:
    """What is known of a provider beforehand.

    Args:
        type: Its wire format.
        base_url: Where its paths begin.
        env_var: The variable that the vendor's own tools read its key from, or None.
        model: The model to start with, or None where that depends on the user.
        docs: A page about its models or quotas.
        quirks: Where it departs from its format.
        key_required: Whether it serves nobody without a key.
        options: Options that its models need to do well; the user's own win.
    """

    type: str
    base_url: str
    env_var: str | None = None
    model: str | None = None
    docs: str | None = None
    quirks: Quirks = field(default_factory=Quirks)
    key_required: bool = True
    options: Mapping[str, object] = field(default_factory=dict)


PRESETS: Mapping[str, Preset] = {
    "openai": Preset(
        type="openai",
        base_url="https://api.openai.com/v1",
        env_var="OPENAI_API_KEY",
        model="gpt-5-mini",
        docs="https://platform.openai.com/settings/organization/limits",
        quirks=Quirks(max_tokens="max_completion_tokens"),
    ),
    "local": Preset(
        type="local",
        base_url="",
        model="smollm2",
        key_required=False,
        # Without a penalty a model this small repeats itself for ever.
        options={"temperature": 0.2, "top_p": 0.9, "repeat_penalty": 1.1},
    ),
}
