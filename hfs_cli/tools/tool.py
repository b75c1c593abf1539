"""What a tool is to the rest of this room, and what it answers a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

# A result goes to the model with each later request of the session.
MAX_RESULT_BYTES = 100_000


class Result(NamedTuple):
    """What a call came to.

    Args:
        text: What the model is told.
        failed: Whether it is an error.
    """

    text: str
    failed: bool = False


class Tool(Protocol):
    """Something that a model can call."""

    @property
    def label(self) -> str:
        """Its name as users write it: ``NAME`` or ``SERVER:TOOL``."""
        ...

    @property
    def description(self) -> str:
        """What the model is told of it."""
        ...

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The JSON Schema of its arguments."""
        ...

    @property
    def confirm(self) -> bool:
        """Whether it never runs without being asked about."""
        ...

    @property
    def parallel(self) -> bool:
        """Whether it may run while other calls do."""
        ...

    def call(
        self, arguments: Mapping[str, Any], seconds: float | None, stopped: Callable[[], bool]
    ) -> Result:
        """Run it. From any thread, several at once; what goes wrong is its result.

        Args:
            arguments: They fit its schema.
            seconds: How long it may take; None for its own limit.
            stopped: Asked every few hundredths of a second whether to give up.
        """
        ...


def result_text(data: bytes, size: int | None = None) -> str:
    r"""What a tool gave, as text for a model, cut where it is too long.

    Args:
        data: The bytes, or their beginning. What is not UTF-8, and NUL, which not every
            database and vendor takes, become ``\xNN``.
        size: How many there were; None for all that is here.
    """
    from codecs import getincrementaldecoder

    size = len(data) if size is None else size
    # A character whose last bytes were cut off is left out, and not shown as bytes.
    decoder = getincrementaldecoder("utf-8")("backslashreplace")
    text = decoder.decode(data[:MAX_RESULT_BYTES], final=size <= MAX_RESULT_BYTES)
    text = text.replace("\0", "\\x00")
    shown = text.encode("utf-8", "surrogatepass")[:MAX_RESULT_BYTES]
    if size <= MAX_RESULT_BYTES and len(shown) == len(text.encode("utf-8", "surrogatepass")):
        return text
    text = shown.decode("utf-8", "ignore")
    return f"{text}\n[cut here: the first {MAX_RESULT_BYTES:,} of {size:,} bytes]"
