"""Read values from parsed JSON of any origin: each has the right type, or is an error."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar, get_args

from hfs_cli.errors import UsageError
from hfs_cli.messages import Role, Usage
from hfs_cli.moments import from_iso

ROLES: tuple[Role, ...] = get_args(Role)
Word = TypeVar("Word", bound=str)
# The largest integer that SQLite holds, and the largest number that a clock can show.
_MAX_INT = 2**63 - 1
_MAX_NUMBER = 1e18
# The most characters of a wrong word that an error repeats.
_MAX_SHOWN = 40


class Fields:
    """One JSON object, read field by field.

    Args:
        value: The value that should be an object.
        where: How errors name the object.

    Attributes:
        raw: The object as it was parsed.
    """

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise UsageError(f"{where} must be an object, not {_kind(value)}")
        self.raw: Mapping[str, Any] = value
        self.where = where

    def text(self, name: str) -> str:
        """A string without lone surrogates, which UTF-8 cannot encode.

        Raises:
            UsageError: It is missing, is not a string, or holds lone surrogates.
        """
        value = self.raw.get(name)
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
        """A string, or None if it is null or missing."""
        value = self.raw.get(name)
        if value is None or (isinstance(value, str) and value.isascii()):
            return value
        return self._encodable(name, value)

    def choice(self, name: str, choices: Sequence[Word]) -> Word:
        """One of a few words."""
        value = self.text(name)
        for choice in choices:
            if value == choice:
                return choice
        shown = value if len(value) <= _MAX_SHOWN else f"{value[:_MAX_SHOWN]}…"
        wanted = ", ".join(choices)
        raise UsageError(f"{self.where}: {name} must be one of {wanted} (it is {shown!r})")

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self.raw.get(name)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def count(self, name: str) -> int:
        """A whole number that is not negative."""
        value = self.raw.get(name)
        if type(value) is int and 0 <= value <= _MAX_INT:  # a bool is an int, too
            return value
        raise self._wrong(name, "a whole number, 0 or more")

    def maybe_count(self, name: str) -> int | None:
        """A whole number that is not negative, or None."""
        value = self.raw.get(name)
        return None if value is None else self.count(name)

    def maybe_number(self, name: str) -> float | None:
        """A number that a clock or a database can hold, or None."""
        value = self.raw.get(name)
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
        """A time, or None if it is null or missing."""
        return None if self.raw.get(name) is None else self.moment(name)

    def items(self, name: str) -> Sequence[object]:
        """An array; empty if it is null or missing."""
        value = self.raw.get(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self._wrong(name, "an array")
        return value

    def is_array(self, name: str) -> bool:
        """Whether the field is an array."""
        return isinstance(self.raw.get(name), list)

    def fields(self, name: str) -> Fields:
        """An object."""
        return Fields(self.raw.get(name), f"{self.where}, {name}")

    def maybe_fields(self, name: str) -> Fields | None:
        """An object, or None if it is null or missing."""
        value = self.raw.get(name)
        return None if value is None else Fields(value, f"{self.where}, {name}")

    def maybe_object(self, name: str) -> Mapping[str, object] | None:
        """An object of any content, or None if it is null or missing."""
        found = self.maybe_fields(name)
        return None if found is None else found.raw

    def rest(self, known: Container[str]) -> dict[str, object]:
        """The fields that are not known and not empty."""
        return {name: value for name, value in self.raw.items() if name not in known and value}

    def usage(self, name: str) -> Usage | None:
        """Token counts under the names that `Usage` has, or None if it is null or missing."""
        found = self.maybe_fields(name)
        if found is None:
            return None
        return Usage(*(found.maybe_count(count) for count in Usage._fields))

    def data(self, name: str) -> bytes:
        """Bytes that are written in base64."""
        found = from_base64(self.text(name))
        if found is None:
            raise UsageError(f"{self.where}: {name} must be base64")
        return found

    def _wrong(self, name: str, wanted: str) -> UsageError:
        found = _kind(self.raw.get(name)) if name in self.raw else "missing"
        return UsageError(f"{self.where}: {name} must be {wanted} (it is {found})")


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "an array", str: "a string", bool: "true or false"}
    return "null" if value is None else kinds.get(type(value), "a number")


def from_base64(text: str) -> bytes | None:
    """The bytes that a text encodes (RFC 4648, 4); None if it is not valid base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def text_or_json(value: object) -> str:
    """A string as it is, null as nothing, and any other value as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
