"""A database on a server: what of its address may be shown or stand in a file, and who acts."""

from __future__ import annotations

from urllib.parse import urlsplit

# libpq's own words for what is a secret:
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS (2026-11-29)
_SECRETS = {"password", "sslpassword", "oauth_client_secret", "scram_client_key"}


def without_password(url: str) -> str:
    """The address as it may be shown."""
    parts = urlsplit(url)
    owner, at, host = parts.netloc.rpartition("@")
    user = owner.partition(":")[0]
    shown = [
        item
        for item in parts.query.split("&")
        if item and item.partition("=")[0].lower() not in _SECRETS
    ]
    return parts._replace(netloc=f"{user}{at}{host}", query="&".join(shown)).geturl()


def login_name() -> str:
    """Who is logged in on this machine.

    Raises:
        ConfigError: Nobody knows: no variable, and no entry in the list of users.
    """
    from getpass import getuser

    try:
        return getuser()
    except (KeyError, OSError):  # OSError since Python 3.13
        from hfs_cli.errors import ConfigError

        raise ConfigError(
            "this machine has no name for you: set HFS_USER, whose sessions these are"
        ) from None


def has_password(url: str) -> bool:
    """Whether there is more in an address than may be shown.

    Raises:
        ValueError: It is not an address; the message may show all of it.
    """
    parts = urlsplit(url)
    names = {item.partition("=")[0].lower() for item in parts.query.split("&")}
    return ":" in parts.netloc.rpartition("@")[0] or bool(names & _SECRETS)
