"""The arguments of a Gemini call that come value by value, as Vertex AI can send them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\['([^']*)'\]")
_VALUES = ("stringValue", "numberValue", "boolValue")
_LONGEST_ARRAY = 10_000


class StreamedCall:
    """A call whose arguments come one value at a time, each with its JSON path.

    For example, ``$.to[0].name`` "An", ``$.to[0].name`` "na" and ``$.n`` 3 make the arguments
    ``{"to": [{"name": "Anna"}], "n": 3}``.

    Args:
        call: The first piece of the call.
        part: The part of the reply that held it.
    """

    def __init__(self, call: Mapping[str, Any], part: dict[str, Any]) -> None:
        self._call = call
        self.part = part
        self._values: dict[tuple[str | int, ...], list[Any]] = {}

    def add(self, pieces: Iterable[Mapping[str, Any]]) -> None:
        """Add values, or pieces of strings."""
        for piece in pieces:
            value = next((piece[name] for name in _VALUES if name in piece), None)
            path = tuple(
                int(index) if index else name or quoted
                for name, index, quoted in _STEP.findall(piece["jsonPath"])
            )
            self._values.setdefault(path, []).append(value)

    def whole(self) -> dict[str, Any]:
        """The call with the arguments that its values make.

        Raises:
            TypeError, ValueError: They make none.
        """
        arguments: dict[str, Any] = {}
        for path, values in self._values.items():
            texts = all(isinstance(value, str) for value in values)
            _set(arguments, path, "".join(values) if texts else values[-1])
        rest = {k: v for k, v in self._call.items() if k not in {"partialArgs", "willContinue"}}
        return rest | {"args": arguments}


def _set(root: Any, path: tuple[str | int, ...], value: object) -> None:  # noqa: ANN401  (JSON)
    """Set the value at a path, making the objects and arrays on the way."""
    at = root
    for step, following in zip(path, (*path[1:], None), strict=True):
        fresh: Any = value if following is None else [] if isinstance(following, int) else {}
        if isinstance(at, list):
            if not isinstance(step, int) or step > min(len(at), _LONGEST_ARRAY):
                raise ValueError(path)
            if step == len(at):
                at.append(fresh)
        elif not isinstance(step, str):
            raise TypeError(path)
        elif following is None:
            at[step] = value
        else:
            at.setdefault(step, fresh)
        at = at[step]
