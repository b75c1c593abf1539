"""The frozen values that a configuration is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """One ``[providers.NAME]`` table; None where the file says nothing.

    Args:
        type: Wire format: ``openai``, ``anthropic``, ``gemini``, ``ollama`` or ``local``.
        base_url: Where requests go; for ``openai`` it ends before ``/chat/completions``.
        api_key_env: The environment variable that holds the key.
        api_key_cmd: A command that prints the key, as a string or a list of words.
        ca_bundle: A PEM file of certificate authorities to trust.
        headers: More headers for each request.
        query: More query parameters for each request.
        model: The provider's default model id.
    """

    name: str
    type: str | None = None
    base_url: str | None = None
    api_key_env: str | None = None
    api_key_cmd: str | tuple[str, ...] | None = None
    ca_bundle: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    model: str | None = None


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """One ``[models."provider/id"]`` table.

    Args:
        options: Sampling options for each turn with this model.
        input_price: Price of a million input tokens, or None.
        output_price: Price of a million output tokens, or None.
        cached_price: Price of a million cached input tokens, or None.
    """

    options: Mapping[str, object] = field(default_factory=dict)
    input_price: float | None = None
    output_price: float | None = None
    cached_price: float | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting, resolved. Seconds are floats; `timeout` None means unlimited.

    Args:
        daily_budget: What the turns of a day may cost, in the currency of the prices; None
            for no limit.
    """

    file: Path
    data_dir: Path
    model: str | None = None
    system: str | None = None
    render: str = "auto"
    stream: bool = True
    save: bool = True
    timeout: float | None = None
    idle_timeout: float = 120.0
    retries: int = 2
    checkpoint_retention: int = 10
    profile: str | None = None
    session: str | None = None
    providers: Mapping[str, ProviderConfig] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, ModelConfig] = field(default_factory=dict)
    daily_budget: float | None = None
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def database(self) -> Path:
        """The database file."""
        return self.data_dir / "hfs.db"
