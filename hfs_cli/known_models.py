"""What is known about the vendors' models, from a data file: context, prices, abilities.

`models.json` is written at release time, with its date: context and prices from the data set
`genai-prices` (MIT), abilities and the longest reply from the model list of `litellm` (MIT).
`hfs models update` puts newer data into the cache directory. The file is read only when a price or
a size is needed; a plain turn needs one only for Anthropic's format, which demands a limit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from functools import cache
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hfs_cli.errors import ConfigError, UsageError
from hfs_cli.files import read_file, refusing, write_file
from hfs_cli.places import cache_directory

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, Provider

PACKAGED = Path(__file__).with_name("models.json")
_MOST_BYTES = 5_000_000
# Presets by the data set's names. Hugging Face and Vercel charge the prices of other vendors.
_VENDORS: Mapping[str, str] = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google": "gemini",
    "groq": "groq",
    "mistral": "mistral",
    "deepseek": "deepseek",
    "x-ai": "xai",
    "together": "together",
    "fireworks": "fireworks",
    "cerebras": "cerebras",
    "perplexity": "perplexity",
    "moonshotai": "moonshot",
    "zai": "zai",
    "minimax": "minimax",
    "cohere": "cohere",
    "openrouter": "openrouter",
}
# What vendors append to a model's name for a dated version.
_VERSION = re.compile(r"[-@](\d{8}|\d{4}-\d{2}-\d{2}|latest)$")

Document = dict[str, object]

# What a model can do, by the letters in the data file and in lists on a terminal.
TAKES: Mapping[str, str] = {
    "i": "image",
    "p": "pdf",
    "a": "audio",
    "t": "tools",
    "s": "schema",
    "r": "reasoning",
}


class KnownModel(NamedTuple):
    """A model in the data file; None for what the file does not say.

    Args:
        context: The size of its context in tokens, for input and output together.
        input_price: US dollars for a million input tokens.
        cached_price: US dollars for a million input tokens that the vendor had cached.
        output_price: US dollars for a million output tokens.
        takes: What it can do beyond plain text, as letters of `TAKES`; empty for nothing.
        most_output: The most tokens of a reply.
    """

    context: int | None
    input_price: float | None
    cached_price: float | None
    output_price: float | None
    takes: str | None = None
    most_output: int | None = None


def known_model(name: str) -> KnownModel | None:
    """What is known about a model, ``provider/id``, or None; a dated version is its model."""
    provider, _, model = name.partition("/")
    models = _models(provider)
    row = models.get(model) or models.get(_VERSION.sub("", model))
    return KnownModel(*row) if row else None


def known_ids(provider: str) -> list[str]:
    """The ids of a provider's models in the data file, under all their names."""
    return list(_models(provider))


@cache
def _models(provider: str) -> Mapping[str, Any]:
    """The rows of a provider's models: newer ones in the cache directory, or the packaged ones.

    The packaged file has a line for each provider, and only that line is parsed: parsing all lines
    takes 3 ms, a short one 0.2 ms.
    """
    data = PACKAGED.read_bytes()
    if newer := _newer(data):
        found = newer.get(provider)
        return found if isinstance(found, dict) else {}
    begin = b"\n" + json.dumps(provider).encode() + b": "
    _, found, rest = data.partition(begin)
    models: Mapping[str, Any] = json.loads(rest.partition(b"\n")[0].rstrip(b",")) if found else {}
    return models


def _newer(packaged: bytes) -> Mapping[str, Any] | None:
    """The models in the cache directory, if they are newer than the packaged ones.

    A file that cannot be read or has another shape counts as missing.
    """
    if not _updated().exists():
        return None
    with suppress(OSError, ValueError, TypeError, RecursionError, UsageError):
        newer = checked(json.loads(read_file(_updated(), _MOST_BYTES)))
        day = re.match(rb'{"date": "([\d-]+)"', packaged)
        if day and str(newer["date"]) > day[1].decode():
            models = newer["models"]
            assert isinstance(models, dict)
            return models
    return None


def checked(document: object) -> Document:
    """Check that a document has the shape of the data file.

    Raises:
        UsageError: It has another shape.
    """
    match document:
        case {"date": str(day), "models": dict(providers)} if all(
            isinstance(models, dict) and all(map(_is_row, models.values()))
            for models in providers.values()
        ):
            with suppress(ValueError):
                date.fromisoformat(day)
                return {"date": day, "models": providers}
    raise UsageError(
        'it is not a list of models: {"date": "2026-11-25", "models":'
        ' {"PROVIDER": {"MODEL": [context, input, cached, output, "letters", most_output]}}}'
    )


def _is_row(row: object) -> bool:
    if not isinstance(row, list) or not 4 <= len(row) <= 6:
        return False
    context, *prices, takes, most_output = [*row, None, None][:6]
    if takes is not None and not (isinstance(takes, str) and set(takes) <= set(TAKES)):
        return False
    sizes = [size for size in (context, most_output) if size is not None]
    return all(isinstance(size, int) and 0 < size < 1 << 53 for size in sizes) and all(
        price is None or (isinstance(price, int | float) and isfinite(price) and 0 <= price < 1e9)
        for price in prices
    )


def update(file: Path | None) -> str:
    """Put newer data into the cache directory.

    Args:
        file: A data file, or None for the installed `genai-prices`.

    Returns:
        How many models there are now, and as of when.

    Raises:
        UsageError: The file cannot be read or has another shape.
        ConfigError: `genai-prices` is not installed, or the cache cannot be written.
    """
    if file is None:
        document = from_genai_prices(date.today())  # noqa: DTZ011  the user's own day
    else:
        try:
            document = checked(json.loads(read_file(file, _MOST_BYTES)))
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{file} is not JSON: {error}") from error
        except UsageError as error:
            raise UsageError(f"{file}: {error.message}") from error
    target = _updated()
    with refusing(ConfigError, f"{target} cannot be written"):
        write_file(target, json.dumps(document, separators=(",", ":")).encode(), replace=True)
    _models.cache_clear()
    providers = document["models"]
    assert isinstance(providers, dict)
    return f"{sum(map(len, providers.values()))} models as of {document['date']}"


def from_genai_prices(day: date) -> Document:
    """The data of the installed `genai-prices`, as of a day.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        from genai_prices import data
    except ImportError as error:
        from hfs_cli.extras import how_to_add

        raise ConfigError(
            f"genai-prices is not installed: {how_to_add('prices')}, or name a file"
        ) from error
    found = {
        _VENDORS[vendor.id]: dict(sorted(_rows(vendor, day).items()))
        for vendor in data.providers
        if vendor.id in _VENDORS
    }
    # The data set also lists other vendors' models on Google Cloud, which the Gemini API lacks.
    found["gemini"] = {n: row for n, row in found["gemini"].items() if n.startswith("gem")}
    for vendor, rows in found.items():
        for name, row in rows.items():  # the data set lacks these two
            if known := known_model(f"{vendor}/{name}"):
                row.extend(without_end([known.takes, known.most_output]))
    return {"date": day.isoformat(), "models": dict(sorted(found.items()))}


def without_end(row: list[float | str | None]) -> list[float | str | None]:
    """A row, or a part of one, without the None values at its end."""
    while row and row[-1] is None:
        row = row[:-1]
    return row


def _rows(vendor: Provider, day: date) -> dict[str, list[float | str | None]]:
    """The rows of a vendor's models that are billed by the token, each under all its names."""
    from genai_prices.types import ClauseEquals, ClauseOr

    def names(clause: object) -> list[str]:
        match clause:
            case ClauseEquals():
                return [clause.equals]
            case ClauseOr():
                return [name for inner in clause.or_ for name in names(inner)]
        return []

    rows: dict[str, list[float | str | None]] = {}
    for model in vendor.models:
        prices = _prices(model, day)
        if prices[0] is not None and prices[2] is not None:
            for name in (model.id, *names(model.match)):
                rows.setdefault(name, [model.context_window, *prices])
    return rows


def _prices(model: ModelInfo, day: date) -> list[float | None]:
    """Input, cached and output price; if they differ by the hour, the highest of the day.

    If prices rise with the length of the prompt, it is the lowest, because a tally of many turns
    does not tell how long each was.
    """
    from datetime import UTC, datetime, time

    hours = (datetime.combine(day, time(hour), UTC) for hour in range(24))
    dearest = max(
        (model.get_prices(hour) for hour in hours), key=lambda prices: _base(prices.input_mtok) or 0
    )
    return [
        _base(price) for price in (dearest.input_mtok, dearest.cache_read_mtok, dearest.output_mtok)
    ]


def _base(price: object) -> float | None:
    return None if price is None else float(getattr(price, "base", price))  # type: ignore[arg-type]


def _updated() -> Path:
    return Path(cache_directory(), "models.json")
