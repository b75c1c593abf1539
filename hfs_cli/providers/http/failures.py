"""Name what went wrong in the network, in the words people search for."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator


def reason(error: BaseException) -> str:
    """What happened, in a few words without addresses or keys."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"certificate refused: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed: {(cause.reason or 'no agreement').replace('_', ' ').lower()}"
        if isinstance(cause, socket.gaierror):
            return "the name cannot be resolved"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror[0].lower() + cause.strerror[1:]
    return str(error).rstrip(".")[:200] or type(error).__name__


def is_final(error: BaseException) -> bool:
    """Whether another try would end the same way: a wrong name, a wrong certificate."""
    return any(
        isinstance(cause, ssl.SSLError)
        or (isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN)
        for cause in _causes(error)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
