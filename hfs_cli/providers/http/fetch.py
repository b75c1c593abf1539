"""Fetch a file from a URL, without credentials and within limits."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit, urlunsplit

from hfs_cli.config.keys import KeySource
from hfs_cli.errors import HfsError, NetworkError, UsageError
from hfs_cli.providers.formats.wire import Context
from hfs_cli.providers.http.client import build_client, load_httpx
from hfs_cli.providers.http.exchange import ConnectTimeoutError, Exchange, Head, reason
from hfs_cli.providers.http.receive import Inflater
from hfs_cli.providers.http.send import begin_exchange, raise_unrecorded
from hfs_cli.providers.presets import ProviderSettings, has_host, is_loopback

CONNECT_SECONDS = 5.0
IDLE_SECONDS = 30.0
MAX_REDIRECTS = 5
_REDIRECTS = {301, 302, 303, 307, 308}


@dataclass(frozen=True, slots=True)
class Remote:
    """A file that is being fetched.

    Args:
        url: Its URL after redirects.
        media_type: Its type according to the server, in lower case, or empty.
        charset: Its character set according to the server, or None.
        size: How many bytes are still to come, or None where the server does not say.
        offset: Where in the file those bytes begin.
        blocks: The bytes, piece by piece; raises NetworkError if the transfer breaks off, and
            UsageError if the file is too large.
    """

    url: str
    media_type: str
    charset: str | None
    size: int | None
    offset: int
    blocks: Iterator[bytes]


@contextlib.contextmanager
def remote_file(
    url: str, *, most_bytes: int, seconds: float, any_host: bool = False, offset: int = 0
) -> Iterator[Remote]:
    """Ask for a file, whose bytes can be read while the block runs.

    No key, cookie or password is sent, so a redirect cannot leak any. But it may lead where the
    user did not mean to go, so by default it is only followed on the same host.

    Args:
        url: An http or https URL.
        most_bytes: The size of the largest file to accept.
        seconds: How long the whole transfer may take.
        any_host: Whether to follow redirects to other hosts too, over https. This is for files
            with a known checksum, which services hand out from changing hosts.
        offset: How many bytes to skip. A server may send the whole file anyway, and is asked for
            it if the file is no longer than that
            (https://httpwg.org/specs/rfc9110.html#range.requests).

    Raises:
        UsageError: The URL cannot be used, is not found, needs a login or is redirected to
            another host, or the file is too large.
        NetworkError: There was no answer.
        ConfigError: A proxy or a certificate file in the environment cannot be used.
    """
    deadline = time.monotonic() + seconds
    for _ in range(MAX_REDIRECTS + 1):
        _check(url)
        with contextlib.ExitStack() as stack:
            exchange, head = _ask(url, deadline, seconds, stack, offset, unrecorded=any_host)
            if head.status in _REDIRECTS and head.headers.get("location"):
                url = _redirected(url, head.headers["location"], any_host=any_host)
                continue
            if offset and head.status == 416:
                offset = 0
                continue
            if offset and head.status == 206:
                if not head.headers.get("content-range", "").startswith(f"bytes {offset}-"):
                    raise NetworkError(f"{without_query(url)} sent another part than asked for")
            elif head.status == 200:
                offset = 0
            else:
                raise _refused(url, head.status)
            kind, _, rest = head.headers.get("content-type", "").partition(";")
            length = head.headers.get("content-length", "")
            size = int(length) if length.isascii() and length.isdigit() else None
            if size is not None and offset + size > most_bytes:
                raise _too_large(url, most_bytes)
            yield Remote(
                url=url,
                media_type=kind.strip().lower(),
                charset=rest.partition("charset=")[2].strip("\"' ") or None,
                size=size,
                offset=offset,
                blocks=_blocks(exchange, head, url, deadline, (offset, most_bytes)),
            )
        raise_unrecorded()
        return
    raise UsageError(f"{without_query(url)} is redirected again and again: check the address")


def without_query(url: str) -> str:
    """A URL without its query, which may hold a key."""
    return urlunsplit((*urlsplit(url)[:3], "", ""))


def _ask(
    url: str,
    deadline: float,
    seconds: float,
    stack: contextlib.ExitStack,
    offset: int,
    *,
    unrecorded: bool,
) -> tuple[Exchange, Head]:
    from hfs_cli import __version__

    httpx = load_httpx()
    host = urlsplit(url).netloc
    context = Context(host, "", "")
    settings = ProviderSettings(host, "", url, KeySource(host, required=False))
    client = stack.enter_context(build_client(settings, CONNECT_SECONDS, IDLE_SECONDS))
    headers = {"Accept": "*/*", "Accept-Encoding": "gzip", "User-Agent": f"hfs/{__version__}"}
    if offset:
        # A range of a compressed response would count compressed bytes.
        headers |= {"Accept-Encoding": "identity", "Range": f"bytes={offset}-"}
    address = urlsplit(url)._replace(fragment="").geturl()
    shown = without_query(url)
    try:
        request = client.build_request("GET", address, headers=headers)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise UsageError(f"{shown} is not an address: check its host") from error
    # A download of gigabytes is not recorded.
    begun = Exchange(client, request) if unrecorded else begin_exchange(client, request, context)
    exchange = stack.enter_context(contextlib.closing(begun))
    try:
        return exchange, exchange.head(time.monotonic() + CONNECT_SECONDS, deadline)
    except (ConnectTimeoutError, httpx.ConnectTimeout) as error:
        raise NetworkError(
            f"{shown} cannot be reached: no connection within {CONNECT_SECONDS:g} s"
        ) from error
    except (TimeoutError, httpx.TimeoutException) as error:
        raise NetworkError(f"{shown} did not answer within {seconds:g} s") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        why = reason(error, context)
        raise NetworkError(f"{shown} cannot be reached: {why}") from error


def _blocks(
    exchange: Exchange, head: Head, url: str, deadline: float, limits: tuple[int, int]
) -> Iterator[bytes]:
    httpx = load_httpx()
    shown, (done, most) = without_query(url), limits
    try:
        inflater = Inflater(head.headers.get("content-encoding", ""))
        while data := exchange.read(deadline):
            block = inflater.feed(data)
            done += len(block)
            if done > most:
                raise _too_large(url, most)
            yield block
    except UsageError:
        raise
    except HfsError as error:
        raise NetworkError(f"{shown}: {error.message}") from error
    except (TimeoutError, httpx.TimeoutException) as error:
        raise NetworkError(f"{shown} took too long: try again") from error
    except (httpx.HTTPError, OSError) as error:
        why = reason(error, Context(shown, "", ""))
        raise NetworkError(f"{shown} broke off: {why}", "try again") from error


def _check(url: str) -> None:
    shown = without_query(url) if has_host(url) else url
    if not url.startswith(("http://", "https://")) or not has_host(url):
        raise UsageError(f"{shown} is not an http:// or https:// address")
    if "@" in urlsplit(url).netloc:
        raise UsageError("an address must hold no password, which would be shown and kept")
    if not url.isprintable() or " " in url:
        raise UsageError(f"{shown} holds a space or a control character: write it as %20")


def _redirected(url: str, location: str, *, any_host: bool) -> str:
    """The target of a redirect.

    Raises:
        UsageError: It is another host, or plain http after https.
    """
    target = urljoin(url, location)
    _check(target)
    before, after = urlsplit(url), urlsplit(target)
    shown, there = without_query(url), without_query(target)
    at_home = is_loopback(url) and is_loopback(target)
    if after.scheme == "http" and not at_home and (any_host or before.scheme == "https"):
        raise UsageError(f"{shown} leads to {there}, which is not encrypted: not followed")
    if not any_host and before.hostname != after.hostname:
        raise UsageError(f"{shown} leads to another host: if you mean that one, give {there}")
    return target


def _refused(url: str, status: int) -> HfsError:
    shown = without_query(url)
    if status in {401, 403}:
        return UsageError(
            f"{shown} is not open to everyone ({status}): download it, and give the file"
        )
    if status in {404, 410}:
        return UsageError(f"{shown} is not there ({status}): check the address")
    if status == 429 or status >= 500:
        return NetworkError(f"{shown} answered {status}: try again later")
    return UsageError(f"{shown} answered {status}: download it, and give the file")


def _too_large(url: str, most: int) -> UsageError:
    return UsageError(
        f"{without_query(url)} is over {most / 1_000_000:g} MB, the most that is fetched"
    )
