"""Read values out of parsed JSON that anyone may have written: the right type, or an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from hfs_cli.errors import UsageError
from hfs_cli.moments import from_iso

# The largest integer that SQLite holds, and the largest number that a clock can show.
_MAX_INT = 2**63 - 1
_MAX_NUMBER = 1e18


class Fields:
    """One JSON object, read field by field.

    Args:
        value: What stands where an object should.
        where: How errors name the place.
    """

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise UsageError(f"{where} must be an object, not {_kind(value)}")
        self._fields: Mapping[str, Any] = value
        self.where = where

    def text(self, name: str) -> str:
        """A string that UTF-8 can hold.

        Raises:
            UsageError: It is missing, of another type, or holds lone surrogates.
        """
        value = self._fields.get(name)
        if isinstance(value, str) and value.isascii():  # most are, and there are millions
            return value
        return self._encodable(name, value)

    def _encodable(self, name: str, value: object) -> str:
        if not isinstance(value, str):
            raise self._wrong(name, "a string")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise self._wrong(name, "text without lone surrogates") from None
        return value

    def maybe_text(self, name: str) -> str | None:
        """A string, or None where it is null or missing."""
        value = self._fields.get(name)
        if value is None or (isinstance(value, str) and value.isascii()):
            return value
        return self._encodable(name, value)

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """One of a few words."""
        value = self._fields.get(name)
        if isinstance(value, str) and value in choices:
            return value
        self.text(name)
        raise self._wrong(name, f"one of {', '.join(choices)}")

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self._fields.get(name)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def count(self, name: str) -> int:
        """A whole number that is not negative."""
        value = self._fields.get(name)
        if type(value) is int and 0 <= value <= _MAX_INT:  # a bool is an int, too
            return value
        raise self._wrong(name, "a whole number, 0 or more")

    def maybe_count(self, name: str) -> int | None:
        """A whole number that is not negative, or None."""
        value = self._fields.get(name)
        return None if value is None else self.count(name)

    def maybe_number(self, name: str) -> float | None:
        """A number that a clock or a database can hold, or None."""
        value = self._fields.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(name, "a number")
        # JSON's 1e999 is infinite here, and its whole numbers have no end.
        if not abs(value) < _MAX_NUMBER:
            raise UsageError(f"{self.where}: {name} is too large a number")
        return value

    def moment(self, name: str) -> datetime:
        """A time: ISO 8601, UTC where no zone is given."""
        try:
            return from_iso(self.text(name))
        except ValueError:
            raise self._wrong(name, "a time like 2026-11-22T18:05:00Z") from None

    def maybe_moment(self, name: str) -> datetime | None:
        """A time, or None where it is null or missing."""
        return None if self._fields.get(name) is None else self.moment(name)

    def items(self, name: str) -> Sequence[object]:
        """An array; empty where it is null or missing."""
        value = self._fields.get(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self._wrong(name, "an array")
        return value

    def texts(self, name: str, otherwise: str) -> list[str]:
        """The strings of an array, with a word in the place of what is something else.

        Raises:
            UsageError: It is not an array, or a string holds lone surrogates.
        """
        return [
            self._encodable(name, item) if isinstance(item, str) else otherwise
            for item in self.items(name)
            if item
        ]

    def names(self) -> set[str]:
        """The names of its fields."""
        return {*self._fields}

    def is_array(self, name: str) -> bool:
        """Whether an array stands there."""
        return isinstance(self._fields.get(name), list)

    def fields(self, name: str) -> Fields:
        """An object."""
        return Fields(self._fields.get(name), f"{self.where}, {name}")

    def maybe_fields(self, name: str) -> Fields | None:
        """An object, or None where it is null or missing."""
        value = self._fields.get(name)
        return None if value is None else Fields(value, f"{self.where}, {name}")

    def maybe_object(self, name: str) -> Mapping[str, object] | None:
        """An object with whatever is in it, or None where it is null or missing."""
        found = self.maybe_fields(name)
        return None if found is None else found.whole()

    def whole(self) -> Mapping[str, object]:
        """The object with whatever is in it."""
        return self._fields

    def _wrong(self, name: str, wanted: str) -> UsageError:
        found = _kind(self._fields.get(name)) if name in self._fields else "missing"
        return UsageError(f"{self.where}: {name} must be {wanted} (it is {found})")


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "an array", str: "a string", bool: "true or false"}
    return "null" if value is None else kinds.get(type(value), "a number")
