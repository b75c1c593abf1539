"""The types of settings: what each takes, and how that is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


# Each method that a dataclass generates costs every start, and nobody compares or shows these.
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Kind:
    """The type of a value.

    Args:
        expects: What it must be, as an error says: ``retries must be …``.
        read: Turns what a variable, a flag or the file says into the value; raises TypeError or
            ValueError if it cannot.
        choices: The only words that it can be; empty if there are no fixed ones.
    """

    expects: str
    read: Callable[[object], object]
    choices: tuple[str, ...] = ()


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _variable(value: object) -> str:
    name = _text(value)
    if not (name.isascii() and name.isidentifier()):
        raise ValueError
    return name


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError
    return float(value)


# Eleven days: timeouts of sockets are counted in milliseconds, in 32 bits.
_LONGEST = 1_000_000


def _above_0(most: float) -> Callable[[object], float]:
    def read(value: object) -> float:
        number = _number(value)
        if not 0 < number <= most:
            raise ValueError
        return number

    return read


def _amount(value: object) -> float:
    if isinstance(value, str) or not 0 <= _number(value) < 1e12:
        raise ValueError
    return _number(value)


def _models(value: object) -> tuple[str, ...]:
    """A list, or a string of names between commas, as in a variable."""
    words = [word.strip() for word in value.split(",")] if isinstance(value, str) else value
    # That of a profile has been parsed before, into a tuple.
    if not isinstance(words, list | tuple) or not all(w and isinstance(w, str) for w in words):
        raise TypeError
    return tuple(words)


def count(most: int, least: int = 0) -> Kind:
    """A whole number within limits."""

    def read(value: object) -> int:
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError
        return value

    return Kind(f"a whole number from {least} to {most}", read)


def _names(value: object) -> tuple[str, ...]:
    # `hfs config set profiles.work.tool NAME` writes a single name as a string.
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(n and isinstance(n, str) for n in names):
        raise TypeError
    return tuple(names)


_SWITCH = {"1": True, "true": True, "yes": True, "on": True}
_SWITCH |= {"0": False, "false": False, "no": False, "off": False}


def _switch(value: object) -> bool:
    if isinstance(value, str) and value.lower() in _SWITCH:
        return _SWITCH[value.lower()]
    if not isinstance(value, bool):
        raise TypeError
    return value


def _table(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def one_of(*choices: str) -> Kind:
    """One of a few words."""

    def read(value: object) -> str:
        if value not in choices:
            raise ValueError
        return str(value)

    return Kind(f"one of {', '.join(choices)}", read, choices)


def _database(value: object) -> Path | str:
    """The address of a server, or the path of a file."""
    text = _text(value)
    if "\0" in text:
        raise ValueError
    if "://" in text:
        scheme, _, place = text.partition("://")
        if scheme not in {"postgresql", "postgres"}:
            raise ValueError
        from hfs_cli.config.database import has_password

        has_password(text)  # raises ValueError for what is not an address
        return f"postgresql://{place}"
    try:
        path = Path(text).expanduser()
    except RuntimeError:  # ~USER, and there is no such user
        raise ValueError from None
    if not path.is_absolute():
        raise ValueError
    return path


# The longest name of a PostgreSQL role, in bytes; owners are roles if the server guards the rows:
# https://www.postgresql.org/docs/current/limits.html (2026-11-29)
_LONGEST_USER = 63


def _user(value: object) -> str:
    name = _text(value)
    if not name.strip() or not name.isprintable() or len(name.encode()) > _LONGEST_USER:
        raise ValueError
    return name


TEXT = Kind("a string", _text)
# A key in its place would be shown wherever the variable is named.
VARIABLE = Kind("the name of a variable, not a key (hfs keys set keeps keys)", _variable)
SECONDS = Kind(f"a number of seconds above 0 and up to {_LONGEST}", _above_0(_LONGEST))
AMOUNT = Kind("a number, 0 or more", _amount)
COST = Kind("a number above 0", _above_0(1e12 - 1))
MODELS = Kind("a list of models", _models)
YES_OR_NO = Kind("true or false", _switch, ("true", "false"))
DATABASE = Kind("the absolute path of a SQLite file, or postgresql://HOST/NAME", _database)
USER = Kind(f"a name of 1 to {_LONGEST_USER} bytes", _user)
STRINGS = Kind(
    "a table of strings",
    lambda value: {name: _text(item) for name, item in _table(value).items()},
)
COMMAND = Kind(
    "a string or a list of strings",
    lambda value: tuple(map(_text, value)) if isinstance(value, list) else _text(value),
)
TABLE = Kind("a table", _table)
NAMES = Kind("a list of names", _names)
