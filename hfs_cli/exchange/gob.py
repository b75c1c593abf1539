"""Decode a gob, the format of Go's standard library for values.

A gob is a stream of messages, each preceded by its length. A message either defines a type, with a
negative number, in terms of known types; or it is a value, preceded by the number of its type.
Definitions are themselves values, of types that are predefined. A struct holds only its fields that
are not zero, each preceded by its distance from the field before.

Booleans, integers, texts, bytes, slices and structs are read. Floating-point numbers, arrays, maps,
interfaces and types that encode themselves may be defined, but their values are refused. (The
documentation and source of ``encoding/gob``, Go 1.27.3 and https://pkg.go.dev/encoding/gob, read
2026-11-29.)
"""

from __future__ import annotations

from typing import Any, NamedTuple

from hfs_cli.errors import UsageError

# The most values, and the deepest nesting: a single byte can be a struct of nothing but zeros,
# and a type can be a slice of itself.
_MAX_VALUES = 1_000_000
_MAX_DEPTH = 24


class _Struct(NamedTuple):
    """A struct: the name of each field, and the number of its type."""

    fields: tuple[tuple[str, int], ...]


class _Slice(NamedTuple):
    """A slice: the number of its elements' type."""

    element: int


class _Refused(NamedTuple):
    """A type whose values are refused."""

    name: str


_INT, _TEXT = 2, 6
_REFUSED = {4: "a floating-point number", 7: "a complex number", 8: "an interface"}
_DEFINITION, _COMMON, _FIELD, _FIELDS = 16, 18, 21, 22
# The fields of a definition, in order; only one of them is present.
_KINDS = ("array", "slice", "struct", "map", "encodes", "binary", "text")
_CALLED = {"array": "an array", "map": "a map"}
_DEFINED_FROM = 64

_Type = _Struct | _Slice | _Refused
# The predefined types.
_KNOWN: dict[int, _Type] = {
    **{number: _Refused(name) for number, name in _REFUSED.items()},
    _DEFINITION: _Struct(tuple(zip(_KINDS, (17, 19, 20, 23, 24, 24, 24), strict=True))),
    17: _Struct((("common", _COMMON), ("element", _INT), ("length", _INT))),
    _COMMON: _Struct((("name", _TEXT), ("number", _INT))),
    19: _Struct((("common", _COMMON), ("element", _INT))),
    20: _Struct((("common", _COMMON), ("fields", _FIELDS))),
    _FIELD: _Struct((("name", _TEXT), ("type", _INT))),
    _FIELDS: _Slice(_FIELD),
    23: _Struct((("common", _COMMON), ("key", _INT), ("element", _INT))),
    24: _Struct((("common", _COMMON),)),
}


def begins_slice(head: bytes) -> bool:
    """Whether a file with this beginning is a gob whose first message defines a slice."""
    reader = _Reader(head, "")
    try:
        size = reader.unsigned()
        defined, kind = -reader.signed(), reader.unsigned()
    except UsageError:
        return False
    return size < 128 and defined >= _DEFINED_FROM and _KINDS[kind - 1 : kind] == ("slice",)


def decode(data: bytes, where: str) -> object:
    """The value of a gob in the types of JSON; bytes become text, too.

    Bytes of a text that are not UTF-8 become U+FFFD. Fields that are zero are missing.

    Args:
        data: All of the file.
        where: How errors name it.

    Raises:
        UsageError: It is not a gob, is cut short, or holds a value that is refused.
    """
    reader = _Reader(data, where)
    while reader.at < len(data):
        found = reader.message()
        if found is not None:
            if reader.at < len(data):
                raise reader.wrong("holds more than one value")
            return found[0]
    raise reader.wrong("holds no value" if data else "is empty")


class _Reader:
    """Reads a gob from its beginning to its end; every length is checked before it is used."""

    def __init__(self, data: bytes, where: str) -> None:
        self.at = 0
        self._data = data
        self._end = len(data)
        self._where = where
        self._types = dict(_KNOWN)
        self._left = _MAX_VALUES

    def wrong(self, what: str) -> UsageError:
        return UsageError(f"{self._where} is not a gob that can be read: it {what}")

    def unsigned(self) -> int:
        """A number below 128 in one byte, or else 256 minus its length, and then its bytes."""
        first = self._take(1)[0]
        if first < 128:
            return first
        if (size := 256 - first) > 8:
            raise self.wrong(f"has a number of {size} bytes at byte {self.at}")
        return int.from_bytes(self._take(size))

    def signed(self) -> int:
        """A number whose lowest bit says whether the other bits are inverted."""
        found = self.unsigned()
        return ~(found >> 1) if found & 1 else found >> 1

    def message(self) -> tuple[object] | None:
        """The value of the next message in a tuple; None if it defines a type."""
        size = self.unsigned()
        end = self.at + size
        if size > len(self._data) - self.at:
            raise self.wrong("is cut short")
        self._end = end
        number = self.signed()
        found = None
        if number < 0:
            self._define(-number, self._value(_DEFINITION, 0))
        elif isinstance(self._types.get(number), _Struct):
            found = (self._value(number, 0),)
        elif self.unsigned():
            raise self.wrong(f"has no value where one should be, at byte {self.at}")
        else:
            found = (self._value(number, 0),)
        if self.at != end:
            raise self.wrong(f"goes on beyond a value, at byte {self.at}")
        self._end = len(self._data)
        return found

    def _take(self, size: int) -> bytes:
        if size > self._end - self.at:
            raise self.wrong("is cut short")
        self.at += size
        return self._data[self.at - size : self.at]

    def _count(self) -> int:
        """The number of elements that follow; each takes at least one byte."""
        count = self.unsigned()
        if count > self._end - self.at:
            raise self.wrong("is cut short")
        return count

    def _define(self, number: int, definition: Any) -> None:  # noqa: ANN401  (of known shape)
        if number < _DEFINED_FROM or number in self._types:
            raise self.wrong(f"defines type {number}, which is there already")
        if (slice_ := definition.get("slice")) is not None:
            defined: _Type = _Slice(slice_.get("element", 0))
        elif (struct := definition.get("struct")) is not None:
            fields = struct.get("fields", ())
            defined = _Struct(tuple((one.get("name", ""), one.get("type", 0)) for one in fields))
        else:
            kind = next(iter(definition), "")
            defined = _Refused(_CALLED.get(kind, "a type that encodes itself"))
        self._types[number] = defined

    def _value(self, number: int, depth: int) -> object:
        self._left -= 1
        if not self._left:
            raise self.wrong(f"holds over {_MAX_VALUES} values")
        match number:
            case 1:
                return bool(self.unsigned())
            case 2:
                return self.signed()
            case 3:
                return self.unsigned()
            case 5 | 6:
                return self._take(self._count()).decode(errors="replace")
        if depth > _MAX_DEPTH:
            raise self.wrong(f"has values over {_MAX_DEPTH} deep in each other")
        match self._types.get(number):
            case _Slice(element):
                return [self._value(element, depth + 1) for _ in range(self._count())]
            case _Struct(fields):
                return self._fields(fields, depth + 1)
            case _Refused(name):
                raise self.wrong(f"holds {name}, which is not read")
        raise self.wrong(f"uses type {number}, which it does not define")

    def _fields(self, fields: tuple[tuple[str, int], ...], depth: int) -> dict[str, object]:
        found: dict[str, object] = {}
        place = -1
        while further := self.unsigned():
            place += further
            if place >= len(fields):
                raise self.wrong(f"has a value of a field that no struct has, at byte {self.at}")
            name, number = fields[place]
            found[name] = self._value(number, depth)
        return found
