"""Send a request until it is answered: limits, retries, and failures to connect."""

from __future__ import annotations

import contextlib
import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hfs_cli.errors import HfsError, NetworkError, UnavailableError, UnreachableError
from hfs_cli.moments import duration
from hfs_cli.providers.formats.wire import Context
from hfs_cli.providers.http.client import (
    load_httpx,
    proxy_for,
    record_directory,
    replay_directory,
)
from hfs_cli.providers.http.exchange import (
    ConnectTimeoutError,
    Exchange,
    Head,
    cause,
    is_final,
    next_step,
    reason,
)
from hfs_cli.providers.http.receive import Inflater
from hfs_cli.providers.presets import is_loopback

if TYPE_CHECKING:
    import httpx

    from hfs_cli.providers.http.pace import Pace

MAX_ERROR_BYTES = 64 * 1024
ERROR_BODY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often to retry, and how fast. All times are in seconds.

    Args:
        retries: The most tries after the first.
        first: The wait before the first retry; it doubles each time.
        most: The longest wait that hfs chooses.
        most_asked: The longest wait to grant a server that asks for one.
    """

    retries: int = 2
    first: float = 0.5
    most: float = 8.0
    most_asked: float = 120.0

    def backoff(self, attempt: int, chance: float) -> float:
        """The wait after a failed attempt.

        Args:
            attempt: 0 for the first.
            chance: A random number from 0 to 1, so that many clients do not retry in step.
        """
        wait: float = min(self.most, self.first * 2**attempt)
        return wait * (0.75 + chance / 2)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a turn may wait, in seconds.

    Args:
        connect: For a connection, all tries together.
        idle: Without a byte.
        total: From the first try to the last byte; None for no limit.
        retry: When and how fast to retry.
        pace: Shared with concurrent turns that ask the same provider, or None.
    """

    connect: float = 5.0
    idle: float = 120.0
    total: float | None = None
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    pace: Pace | None = None


class Sender:
    """Sends one request, as often as the limits allow.

    Args:
        client: The client to send with.
        limits: How long to wait and how often to try.
        context: What error messages need to know.
        notify: Called with a line for each wait.

    Attributes:
        deadline: When the whole turn must be over (`time.monotonic`).
    """

    def __init__(
        self,
        client: httpx.Client,
        limits: Limits,
        context: Context,
        notify: Callable[[str], None],
    ) -> None:
        self._client = client
        self._limits = limits
        self._context = context
        self._notify = notify
        self.deadline = time.monotonic() + (limits.total or math.inf)

    def send(self, build: Callable[[], httpx.Request]) -> tuple[Exchange, Head]:
        """Send what `build` makes, and return the first successful response.

        There are three limits. `deadline` covers the whole turn. The time for connecting covers
        all tries together, so that an unreachable port costs 5 s and not 15; it starts again
        once a server has answered. The third is the number of tries. For example, with 2 retries:
        connection refused, 0.5 s, 503 with "Retry-After: 3", 3 s, 200. A request is never repeated
        after the first byte of its reply, which would be paid for, and shown, twice.

        Args:
            build: Makes the request, anew for each try.

        Raises:
            CredentialsError, NotFoundError, ProviderError: The provider refused.
            NetworkError: There was no answer.
        """
        connect_by = time.monotonic() + self._limits.connect
        for attempt in range(self._limits.retry.retries + 1):
            if self._limits.pace is not None:
                # Waiting for other turns does not count against this one.
                waited = self._limits.pace.wait()
                self.deadline += waited
                connect_by += waited
            last = attempt == self._limits.retry.retries
            exchange = begin_exchange(self._client, build(), self._context)
            try:
                head = self._head(exchange, connect_by)
                if head.status == 200:
                    return exchange, head
                wait = self._wait_after(exchange, head, attempt, last=last)
                connect_by = time.monotonic() + wait + self._limits.connect
            except _Unreached as error:
                exchange.close()
                wait = self._limits.retry.backoff(attempt, random.random())  # noqa: S311
                if last or error.final or time.monotonic() + wait >= connect_by:
                    raise UnreachableError(error.what, error.advice) from error.__cause__
            except BaseException:
                exchange.close()
                raise
            if replay_directory() is None:  # a recording need not be waited for
                time.sleep(max(0.0, min(wait, self.deadline - time.monotonic())))
        raise AssertionError("the last attempt returns or raises")

    def _head(self, exchange: Exchange, connect_by: float) -> Head:
        httpx = load_httpx()
        name = self._context.provider
        try:
            return exchange.head(connect_by, self.deadline)
        except (ConnectTimeoutError, httpx.ConnectTimeout) as error:
            if time.monotonic() >= self.deadline:
                raise self._out_of_time() from error
            raise UnreachableError(
                f"{self._unreached()}: no connection within {self._limits.connect:g} s",
                "check the network and base_url",
            ) from error
        except TimeoutError as error:
            raise self._out_of_time() from error
        except httpx.TimeoutException as error:
            raise NetworkError(
                f"{name} did not answer within {self._limits.idle:g} s",
                "try again, or allow more with --idle-timeout",
            ) from error
        except (httpx.ConnectError, httpx.ProxyError) as error:
            why = reason(error, self._context)
            at_home = is_loopback(self._context.url)
            check = next_step(error, self._context, at_home=at_home)
            what = f"{self._unreached()}: {why}"
            raise _Unreached(what, check, final=is_final(error)) from cause(error, self._context)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            message = f"{name} gave no answer: {reason(error, self._context)}"
            advice = "try again, or check base_url"
            raise NetworkError(message, advice) from cause(error, self._context)

    def _unreached(self) -> str:
        """What cannot be reached at which address, and through which proxy."""
        address = urlsplit(self._context.url)
        proxy = None if is_loopback(self._context.url) else proxy_for(self._context.url)
        through = f" through the proxy {proxy}" if proxy else ""
        where = f"{address.scheme}://{address.netloc}"
        return f"{self._context.provider} cannot be reached at {where}{through}"

    def _out_of_time(self) -> NetworkError:
        return NetworkError(
            f"{self._context.provider} did not answer within {self._limits.total:g} s (--timeout)"
        )

    def _wait_after(self, exchange: Exchange, head: Head, attempt: int, *, last: bool) -> float:
        """The seconds to wait after a refusal that may be retried.

        Raises:
            HfsError: The refusal is final.
        """
        from hfs_cli.providers.formats.refusals import refusal

        with contextlib.closing(exchange):
            error = refusal(head.status, self._error_body(exchange, head), self._context)
        policy = self._limits.retry
        asked = asked_wait(head.headers, datetime.now(UTC))
        if not isinstance(error, UnavailableError):
            raise error
        if asked is not None and asked > policy.most_asked:
            asks = f"it asks to wait {duration(asked)}"
            raise type(error)(f"{error.what}; {asks}", error.advice)
        if asked is not None and self._limits.pace is not None and replay_directory() is None:
            self._limits.pace.hold(asked, error.what)
        wait = policy.backoff(attempt, random.random()) if asked is None else asked  # noqa: S311
        if last or time.monotonic() + wait >= self.deadline:
            raise error
        self._notify(f"{error.what} — trying again in {wait:.1f} s")
        return wait

    def _error_body(self, exchange: Exchange, head: Head) -> bytes:
        """The beginning of a refusal's body, or as much of it as comes."""
        body = b""
        until = min(self.deadline, time.monotonic() + ERROR_BODY_SECONDS)
        with contextlib.suppress(HfsError, OSError, load_httpx().HTTPError):
            inflater = Inflater(head.headers.get("content-encoding", ""))
            while len(body) < MAX_ERROR_BYTES and (data := exchange.read(until)):
                body += inflater.feed(data)
        return body[:MAX_ERROR_BYTES]


def asked_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """How many seconds the server asks to wait, or None if it does not say.

    ``Retry-After`` is a number of seconds or a date (RFC 9110, 10.2.3); some vendors send
    ``retry-after-ms`` beside it.

    Args:
        headers: The response's headers, with names in lower case.
        now: The current time, with a time zone.
    """
    if (wait := _number(headers.get("retry-after-ms"))) is not None:
        return wait / 1000
    text = headers.get("retry-after")
    if (wait := _number(text)) is not None:
        return wait
    try:
        date = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def begin_exchange(client: httpx.Client, request: httpx.Request, context: Context) -> Exchange:
    """Send a request, and record the exchange if HFS_RECORD says so.

    Args:
        client: The client to send with.
        request: The request to send.
        context: The provider, the model and the secrets.
    """
    tape = None
    if directory := record_directory():
        from hfs_cli.providers.http.record import Recorder

        tape = Recorder(Path(directory), request, context)
    return Exchange(client, request, tape)


def raise_unrecorded() -> None:
    """Report, at the end, that something could not be recorded.

    Raises:
        OutputError: The disk is full or broken.
    """
    if record_directory():
        from hfs_cli.providers.http.record import raise_failure

        raise_failure()


class _Unreached(UnreachableError):
    def __init__(self, what: str, advice: str, *, final: bool) -> None:
        super().__init__(what, advice)
        self.final = final
