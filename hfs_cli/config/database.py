"""A database on a server: the secrets in its address, and the name of the user."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

# The parameters of libpq that are secrets:
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS (2026-11-29)
_SECRETS = {"password", "sslpassword", "oauth_client_secret", "scram_client_key"}
# The login is all that stands before an @ in front of the first slash: a password may hold "?" and
# "#" (conninfo_uri_parse_options of libpq's fe-connect.c).
_LOGIN = re.compile(r"([^/]*)@")


class _Parts(NamedTuple):
    scheme: str
    login: str | None
    place: str
    query: list[str]


def _parts(url: str) -> _Parts:
    scheme, _, rest = url.partition("://")
    found = _LOGIN.match(rest)
    place, _, query = rest[found.end() if found else 0 :].partition("?")
    items = [item for item in query.split("&") if item]
    return _Parts(scheme, found[1] if found else None, place, items)


def _is_secret(item: str) -> bool:
    return unquote(item.partition("=")[0]).lower() in _SECRETS


def without_password(url: str) -> str:
    """The address without its secrets, as it may be shown."""
    scheme, login, place, items = _parts(url)
    user = "" if login is None else login.partition(":")[0] + "@"
    shown = "&".join(item for item in items if not _is_secret(item))
    return f"{scheme}://{user}{place}{'?' if shown else ''}{shown}"


def login_name() -> str:
    """The name of the user who is logged in on this machine.

    Raises:
        ConfigError: No variable has it, and neither does the list of users.
    """
    from getpass import getuser

    try:
        return getuser()
    except (KeyError, OSError):  # OSError since Python 3.13
        from hfs_cli.errors import ConfigError

        raise ConfigError(
            "your login name is unknown: set HFS_USER to the owner of your sessions"
        ) from None


def has_password(url: str) -> bool:
    """Whether an address holds a secret.

    Raises:
        ValueError: It is not an address; the message may contain all of it.
    """
    parts = _parts(url)
    urlsplit(f"{parts.scheme}://{parts.place}")
    return ":" in (parts.login or "") or any(map(_is_secret, parts.query))
