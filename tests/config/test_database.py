"""What of a database's address may be shown, and whether it holds more than that."""

import pytest

from hfs_cli.config.database import has_password, without_password

HIDDEN = {
    "postgresql://me:pw@host/db": "postgresql://me@host/db",
    "postgresql://me:p:w%40@host:5433/db?sslmode=require": (
        "postgresql://me@host:5433/db?sslmode=require"
    ),
    "postgresql://:pw@host/db": "postgresql://@host/db",
    "postgresql:///db?host=/run&password=pw": "postgresql:///db?host=/run",
    "postgresql://me@host/db?sslpassword=pw&sslkey=k": "postgresql://me@host/db?sslkey=k",
    "postgresql://me@host/db?oauth_client_secret=pw": "postgresql://me@host/db",
    "postgresql://me@host/db?scram_client_key=pw&&x=1": "postgresql://me@host/db?x=1",
    "postgresql://me@host/db?PassWord=pw": "postgresql://me@host/db",
    "postgresql://me@host/db?%70assword=pw": "postgresql://me@host/db",
    # Where a URL of the web would end or go on, a password does not (libpq).
    "postgresql://me:p#w@host/db": "postgresql://me@host/db",
    "postgresql://me:p?w@host/db": "postgresql://me@host/db",
    "postgresql://me:p@w@host/db": "postgresql://me@host/db",
}


@pytest.mark.parametrize("url", HIDDEN)
def test_a_secret_is_never_shown_and_all_else_is(url):
    assert has_password(url)
    assert without_password(url) == HIDDEN[url]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://host/db",
        "postgresql://me@host:5433/db",
        "postgresql://me@host/db?sslmode=require&passfile=/home/me/.pgpass",
        "postgresql://host/db?application_name=password",
        "postgresql:///db?host=/run/postgresql&user=me",
        "postgresql://[::1]:5433,other/db?user=me@here",
    ],
)
def test_an_address_without_one_is_shown_as_it_is(url):
    assert not has_password(url)
    assert without_password(url) == url


@pytest.mark.parametrize("url", ["postgresql://[", "postgresql://me@[::1/db", "postgresql://h]/db"])
def test_an_address_that_cannot_be_read_is_refused(url):
    with pytest.raises(ValueError, match="IPv6"):
        has_password(url)
