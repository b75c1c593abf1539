"""Build the HTTP client: fast to import, and with TLS only where it is needed."""

from __future__ import annotations

import errno
import os
import sys
import threading
from typing import TYPE_CHECKING

from hfs_cli.errors import ConfigError, HfsError
from hfs_cli.providers.presets import ProviderSettings, has_host, is_loopback

# Several threads may import httpx at the same time.
_loading = threading.Lock()

if TYPE_CHECKING:
    import ssl
    from types import ModuleType

    import httpx


# httpx's command line would load rich, click and pygments, and only its asynchronous half needs
# anyio. Both are optional: None in `sys.modules` makes their import fail, which httpx and httpcore
# handle.
_UNUSED = ("httpx._main", "anyio")
_BAD_PROXY = (
    "a proxy in the environment cannot be used: check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY"
)


def replay_directory() -> str | None:
    """The directory of recordings that replace the network (HFS_REPLAY), or None."""
    return os.environ.get("HFS_REPLAY") or None


def record_directory() -> str | None:
    """The directory to record exchanges in (HFS_RECORD, ``--record``), or None.

    This is not a setting of the configuration but of the environment: everything that uses the
    network asks for it, and it is meant for single runs.

    Raises:
        ConfigError: HFS_REPLAY is set as well.
    """
    directory = os.environ.get("HFS_RECORD") or None
    if directory and replay_directory():
        raise ConfigError(
            "HFS_REPLAY answers from recordings, and HFS_RECORD or --record makes them: keep one"
        )
    return directory


def load_httpx() -> ModuleType:
    """Import httpx without its optional parts that hfs does not use."""
    with _loading:
        if "httpx" not in sys.modules:
            hidden = [name for name in _UNUSED if name not in sys.modules]
            sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
            try:
                import httpx  # noqa: F401  (found in sys.modules below)
            finally:
                for name in hidden:
                    del sys.modules[name]
    return sys.modules["httpx"]


def build_client(
    settings: ProviderSettings, connect_s: float, idle_s: float, width: int | None = None
) -> httpx.Client:
    """Make a client for one provider, which many threads may use at once.

    Args:
        settings: Its address and the certificates to trust.
        connect_s: Seconds that connecting may take.
        idle_s: Seconds that may pass without a byte.
        width: How many idle connections to keep, with no limit on open ones; None for 20, and at
            most 100 open ones.

    Raises:
        ConfigError: A proxy in the environment or a certificate file cannot be used, or
            recordings cannot be made or read.
    """
    load_httpx()
    import httpx

    if recorded := record_directory():
        make_recordings_directory(recorded)
    if replayed := replay_directory():
        from pathlib import Path

        from hfs_cli.providers.http.replay import ReplayTransport

        return httpx.Client(transport=ReplayTransport(Path(replayed)), trust_env=False)
    timeout = httpx.Timeout(idle_s, connect=connect_s)
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=20)
    if width is not None:
        limits = httpx.Limits(max_keepalive_connections=width)
    # A proxy is never asked for a server on this machine.
    loopback = is_loopback(settings.base_url)
    context = _tls_context(settings)
    if not loopback:
        _check_proxies()
    try:
        return httpx.Client(
            verify=context,
            timeout=timeout,
            limits=limits,
            trust_env=not loopback,
            follow_redirects=False,
        )
    except ImportError as error:
        from hfs_cli.extras import how_to_add

        raise ConfigError(
            "the environment names a SOCKS proxy, which needs one more package: "
            f"{how_to_add('socks')}, or unset ALL_PROXY"
        ) from error
    except (ValueError, httpx.InvalidURL):
        # httpx's message quotes the address, which may hold a password.
        raise ConfigError(_BAD_PROXY) from None


def make_recordings_directory(directory: str, failure: type[HfsError] = ConfigError) -> None:
    """Make the directory of recordings before anything is sent.

    Args:
        directory: Its path.
        failure: The error to raise.

    Raises:
        OutputError: The disk is full.
        HfsError: `failure`; nothing can be written there.
    """
    from pathlib import Path

    from hfs_cli.files import make_directory, refusing

    what = f"cannot record in {directory}"
    try:
        with refusing(failure, what):
            make_directory(Path(directory))
            if not os.access(directory, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except ValueError as error:  # a NUL in its name
        raise failure(f"{what}: {error}") from error


def _check_proxies() -> None:
    """Check that each proxy in the environment is an address, which httpx does not.

    Raises:
        ConfigError: One is not.
    """
    from urllib.request import getproxies

    proxies = getproxies()
    for proxy in filter(None, (proxies.get(name) for name in ("http", "https", "all"))):
        if not has_host(proxy if "://" in proxy else f"http://{proxy}"):
            raise ConfigError(_BAD_PROXY)


def proxy_for(url: str) -> str | None:
    """The host and port of the proxy that the environment names for a URL, or None."""
    from urllib.parse import urlsplit
    from urllib.request import getproxies, proxy_bypass

    address, proxies = urlsplit(url), getproxies()
    proxy = proxies.get(address.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(address.hostname or ""):
        return None
    # What precedes the @ may be a password.
    return urlsplit(proxy if "://" in proxy else f"http://{proxy}").netloc.rpartition("@")[2]


def _tls_context(settings: ProviderSettings) -> ssl.SSLContext:
    import ssl

    named = settings.ca_bundle or os.environ.get("SSL_CERT_FILE")
    if not settings.base_url.startswith("https:"):
        # Without TLS, a context that trusts nobody will do: it loads no certificates.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not named:
        return _system_trust()
    try:
        return ssl.create_default_context(cafile=named)
    except OSError as error:
        raise ConfigError(
            f"cannot read the certificates in {named}: {error.strerror or error}"
        ) from error


def _system_trust() -> ssl.SSLContext:
    """Trust the authorities that the operating system trusts, such as a company's own."""
    import ssl

    import truststore

    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    paths = ssl.get_default_verify_paths()
    if sys.platform == "linux" and not (paths.cafile or paths.capath):
        # In a container without certificates, trust those that come with httpx.
        import certifi

        context.load_verify_locations(cafile=certifi.where())
    return context
