"""How each setting is read, whether it comes from a flag, a variable or the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping


def text(value: object) -> str:
    """A string.

    Raises:
        TypeError: It is none; the message is what was expected.
    """
    if not isinstance(value, str):
        raise TypeError("a string")
    return value


def _number(value: object) -> float:
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError("a number of seconds above 0") from None
    if not 0 < number < float("inf"):
        raise TypeError("a number of seconds above 0")
    return number


def _count(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError("a whole number, 0 or more")
    return value


def amount(value: object) -> float:
    """An amount of money, or a price: a number that is not negative.

    Raises:
        TypeError: It is none; the message is what was expected.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise TypeError("a number, 0 or more")
    return float(value)


_SWITCH = {"1": True, "true": True, "yes": True, "on": True}
_SWITCH |= {"0": False, "false": False, "no": False, "off": False}


def _switch(value: object) -> bool:
    if isinstance(value, str) and value.lower() in _SWITCH:
        return _SWITCH[value.lower()]
    if not isinstance(value, bool):
        raise TypeError("true or false")
    return value


def _render(value: object) -> str:
    if value not in {"auto", "markdown", "plain"}:
        raise TypeError('"auto", "markdown" or "plain"')
    return str(value)


# The wire formats, and `local` for the embedded model.
PROVIDER_TYPES = ("openai", "anthropic", "gemini", "ollama", "local")


def provider_type(value: object) -> str:
    """Read the ``type`` of a provider."""
    if value not in PROVIDER_TYPES:
        raise TypeError(f"one of {', '.join(PROVIDER_TYPES)}")
    return str(value)


SETTINGS: Mapping[str, Callable[[object], object]] = {
    "model": text,
    "system": text,
    "render": _render,
    "stream": _switch,
    "save": _switch,
    "timeout": _number,
    "idle_timeout": _number,
    "retries": _count,
    "checkpoint_retention": _count,
}
