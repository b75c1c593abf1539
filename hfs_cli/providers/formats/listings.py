"""Read the lists of models that vendors give: ids, sizes, prices, abilities. Pure.

The fields were read in the vendors' libraries or pages on 2026-11-25: OpenAI
``shutdown_date``; Anthropic ``max_input_tokens``, ``retires_at``; Gemini ``inputTokenLimit``;
OpenRouter ``context_length``, ``pricing``, ``expiration_date``; Groq ``context_window``; Mistral
``max_context_length``, ``deprecation``; vLLM ``max_model_len``. Those of abilities, on 2026-11-29:
Anthropic ``capabilities``; OpenRouter ``architecture.input_modalities``, ``supported_parameters``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

_CONTEXT = (
    "context_length",
    "context_window",
    "max_context_length",
    "max_model_len",
    "max_input_tokens",
    "inputTokenLimit",
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d(?!\d)")
_ENDS = ("shutdown_date", "retires_at", "expiration_date", "deprecation")


class Listed(NamedTuple):
    """A model in its vendor's list; None for what the vendor does not say.

    Args:
        id: The vendor's model id.
        context: The size of its context in tokens.
        ends: The day on which it is switched off, ``YYYY-MM-DD``.
        input_price: US dollars for a million input tokens.
        output_price: US dollars for a million output tokens.
        takes: What it can do beyond plain text, as letters of `hfs_cli.known_models.TAKES`.
    """

    id: str
    context: int | None = None
    ends: str | None = None
    input_price: float | None = None
    output_price: float | None = None
    takes: str | None = None


def read_listing(document: Any) -> list[Listed]:  # noqa: ANN401  (whatever the vendor sent)
    """The models in a vendor's list, sorted by id.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: The list has an unknown shape.
    """
    # Together sends a bare list; Gemini and Ollama call it "models".
    entries = document
    if isinstance(document, dict):
        entries = document["data"] if "data" in document else document["models"]
    if not isinstance(entries, list):
        raise TypeError("not a list of models")
    found = {model.id: model for model in map(_read, entries) if model}
    return [found[name] for name in sorted(found)]


def _read(entry: Mapping[str, Any]) -> Listed | None:
    # Gemini lists models that do not generate text, such as those for embeddings.
    if "generateContent" not in entry.get("supportedGenerationMethods", ("generateContent",)):
        return None
    name = entry["id"] if "id" in entry else entry["name"]
    if not isinstance(name, str) or not name or not name.isprintable() or len(name) > 300:
        return None  # it could not be named in a request
    if "id" not in entry:
        name = name.removeprefix("models/")
    pricing = entry.get("pricing")
    prices = pricing if isinstance(pricing, dict) else {}
    return Listed(
        name,
        next((n for n in map(entry.get, _CONTEXT) if type(n) is int and 0 < n < 1 << 53), None),
        next((d[:10] for d in map(entry.get, _ENDS) if isinstance(d, str) and _DAY.match(d)), None),
        _price(prices.get("prompt")),
        _price(prices.get("completion")),
        _takes(entry),
    )


# Anthropic's names for abilities, and OpenRouter's for kinds of input and for parameters.
_CAPABILITIES = {
    "image_input": "i",
    "pdf_input": "p",
    "structured_outputs": "s",
    "thinking": "r",
}
_READS = {"image": "i", "file": "p", "audio": "a"}
_PARAMETERS = {"tools": "t", "structured_outputs": "s", "reasoning": "r"}


def _takes(entry: Mapping[str, Any]) -> str | None:
    """What a model can do beyond plain text; None where the vendor does not say all of it."""
    match entry:
        case {"capabilities": {"image_input": {}} as can}:
            supported = [
                letter
                for name, letter in _CAPABILITIES.items()
                if isinstance(can.get(name), dict) and can[name].get("supported") is True
            ]
            return "".join([*supported, "t"])  # all models of Anthropic call tools
        case {
            "architecture": {"input_modalities": list(reads)},
            "supported_parameters": list(parameters),
        }:
            found = [letter for name, letter in _READS.items() if name in reads]
            return "".join(found + [a for name, a in _PARAMETERS.items() if name in parameters])
    return None


def _price(value: object) -> float | None:
    """OpenRouter's price for one token (a string), times a million; -1 means "it depends"."""
    try:
        price = float(value) * 1e6 if isinstance(value, str) else -1.0
    except ValueError:
        return None
    return round(price, 6) if 0 <= price < 1e9 else None
