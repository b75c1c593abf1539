"""How an MCP server is reached, and how much it may say at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

# One message of a server; a result of this size is cut to a hundredth anyway.
MAX_MESSAGE_BYTES = 10_000_000


class Launch(NamedTuple):
    """How to start a server that speaks on standard input and output.

    Args:
        words: The program, by its absolute path, and its arguments.
        env: Its whole environment.
        cwd: Where it runs, or None for here.
    """

    words: Sequence[str]
    env: Mapping[str, str]
    cwd: str | None


class Address(NamedTuple):
    """Where to reach a server over streamable HTTP.

    Args:
        url: Its address.
        headers: Gives the headers of each request; may run a command.
    """

    url: str
    headers: Callable[[], Mapping[str, str]]
