"""Send a request until it is answered: connection, retries, and what a refusal means."""

from __future__ import annotations

import contextlib
import math
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hfs_cli.errors import HfsError, NetworkError
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
    reason,
)
from hfs_cli.providers.http.limits import Limits, asked_wait, is_worth_retrying
from hfs_cli.providers.http.receive import Inflater
from hfs_cli.providers.presets import is_loopback

if TYPE_CHECKING:
    import httpx

MAX_ERROR_BYTES = 64 * 1024
ERROR_BODY_SECONDS = 5.0


class Sender:
    """Sends one turn's request, as often as the limits allow.

    Args:
        client: What sends it.
        limits: How long and how often.
        context: What error messages name.
        notify: Told of each wait.

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
        """Send what `build` makes and return the first response that is a success.

        Three clocks run. One is of the turn (`deadline`). One is of connecting, which all tries
        share: a port that refuses three times costs 5 s, not 15. It starts anew once a server
        has answered. The third counts tries. For example, with 2 retries: refused, 0.5 s, 503
        with "Retry-After: 3", 3 s, 200. A request is never repeated after its first byte of
        reply: it would be paid for, and shown, twice.

        Raises:
            CredentialsError, NotFoundError, ProviderError: The provider said no.
            NetworkError: There was no answer.
        """
        connect_by = time.monotonic() + self._limits.connect
        for attempt in range(self._limits.retry.retries + 1):
            if self._limits.pace is not None:
                # What the turns before this one have used up is not its own time.
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
                    raise NetworkError(error.what, error.advice) from error.__cause__
            except BaseException:
                exchange.close()
                raise
            if replay_directory() is None:  # else nobody is there who asked to wait
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
            raise NetworkError(
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
            check = "does it run?" if at_home else "check the network and base_url"
            what = f"{self._unreached()}: {why}"
            raise _Unreached(what, check, final=is_final(error)) from cause(error, self._context)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            message = f"{name} gave no answer: {reason(error, self._context)}"
            raise NetworkError(message) from cause(error, self._context)

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
        """Seconds to wait after a refusal; one that is final is raised."""
        from hfs_cli.providers.formats.refusals import refusal

        with contextlib.closing(exchange):
            error = refusal(head.status, self._error_body(exchange, head), self._context)
        policy = self._limits.retry
        asked = asked_wait(head.headers, datetime.now(UTC))
        if not is_worth_retrying(head.status):
            raise error
        if asked is not None and asked > policy.most_asked:
            asks = f"it asks to wait {duration(asked)}"
            raise type(error)(f"{error.what}; {asks}", error.advice)
        if asked is not None and self._limits.pace is not None and replay_directory() is None:
            self._limits.pace.hold(asked)
        wait = policy.backoff(attempt, random.random()) if asked is None else asked  # noqa: S311
        if last or time.monotonic() + wait >= self.deadline:
            raise error
        self._notify(f"{error.message} — trying again in {wait:.1f} s")
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


class _Unreached(NetworkError):
    def __init__(self, what: str, advice: str, *, final: bool) -> None:
        super().__init__(what, advice)
        self.final = final
