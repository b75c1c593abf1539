"""What a tool is, and what it answers a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

# A result is sent again with each later request of the session, so it is kept short.
MAX_RESULT_BYTES = 100_000


class Result(NamedTuple):
    """The result of a call.

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
        """What the model is told about it."""
        ...

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The JSON Schema of its arguments."""
        ...

    @property
    def confirm(self) -> bool:
        """Whether the user is asked before each call."""
        ...

    @property
    def parallel(self) -> bool:
        """Whether it may run beside other calls."""
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
    r"""The output of a tool as text for a model, cut where it is too long.

    Args:
        data: The bytes, or their beginning. What is not UTF-8, and NUL, which not every
            database and vendor takes, become ``\xNN``.
        size: How many there were; None for all that is here.
    """
    from codecs import getincrementaldecoder

    size = len(data) if size is None else size
    # A character that the cut splits is left out instead of being shown as bytes.
    decoder = getincrementaldecoder("utf-8")("backslashreplace")
    text = decoder.decode(data[:MAX_RESULT_BYTES], final=size <= MAX_RESULT_BYTES)
    text = text.replace("\0", "\\x00")
    shown = text.encode("utf-8", "surrogatepass")[:MAX_RESULT_BYTES]
    if size <= MAX_RESULT_BYTES and len(shown) == len(text.encode("utf-8", "surrogatepass")):
        return text
    text = shown.decode("utf-8", "ignore")
    return f"{text}\n[cut here: the first {MAX_RESULT_BYTES:,} of {size:,} bytes]"
