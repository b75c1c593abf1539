"""Logging in to a server that takes nobody without TLS and a password."""

from __future__ import annotations

import psycopg
import pytest
import trustme

from tests import postgres

PASSWORD = "canary-0123456789"
USER = "member"


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def port(postgres_databases, authority):  # asked for the reason to skip
    """The port of such a server; its certificate is that of localhost, and of no address."""
    with postgres.readable_directory() as directory:
        certificate = authority.issue_cert("localhost")
        key, chain = directory / "key.pem", directory / "chain.pem"
        certificate.private_key_pem.write_to_path(key)
        key.chmod(0o600)
        for pem in certificate.cert_chain_pems:
            pem.write_to_path(chain, append=True)
        for file in (key, chain):
            postgres.give(file)
        settings = {"ssl": "on", "ssl_key_file": str(key), "ssl_cert_file": str(chain)}
        with postgres.running({**postgres.QUICK, **settings}) as server:
            with psycopg.connect(server.url(), autocommit=True) as db:
                db.execute(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'".encode())
                db.execute(f"CREATE DATABASE sessions OWNER {USER}".encode())
                rules = server.directory / "data" / "pg_hba.conf"
                rules.write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
                db.execute("SELECT pg_reload_conf()")
            yield server.port


@pytest.fixture
def trusting(hfs, authority, tmp_path):
    """The command, which knows the authority and asks for all that TLS can check."""
    root = tmp_path / "root.pem"
    authority.cert_pem.write_to_path(root)
    hfs.env |= {"PGSSLROOTCERT": str(root), "PGSSLMODE": "verify-full"}
    return hfs


def address(port, host="localhost", password=""):
    return f"postgresql://{USER}{password and ':' + password}@{host}:{port}/sessions"


def said(done) -> str:
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("hfs: error: ")
    assert (done.returncode, done.stdout, PASSWORD in line) == (8, b"", False)
    return line


def by_variable(hfs, port):
    hfs.env["PGPASSWORD"] = PASSWORD


def by_password_file(hfs, port):
    file = hfs.home / ".pgpass"
    file.write_text(f"localhost:{port}:sessions:{USER}:{PASSWORD}\n")
    file.chmod(0o600)


def by_service_file(hfs, port):
    (hfs.home / ".pg_service.conf").write_text(
        f"[work]\nhost=localhost\nport={port}\ndbname=sessions\nuser={USER}\npassword={PASSWORD}\n"
    )
    hfs.env["HFS_DATABASE"] = "postgresql:///?service=work"


def by_command(hfs, port):
    hfs.configure(f'database_cmd = ["echo", "{PASSWORD}"]\n')


def by_address(hfs, port):
    hfs.env["HFS_DATABASE"] = address(port, password=PASSWORD)


@pytest.mark.parametrize(
    "way", [by_variable, by_password_file, by_service_file, by_command, by_address]
)
def test_each_way_to_give_a_password_logs_in_and_none_shows_it(trusting, port, way):
    trusting.env |= {"HFS_DATABASE": address(port), "HFS_DEBUG": "1"}
    way(trusting, port)
    assert trusting.ok("sessions", "list", "--ids") == ""
    for command in (
        ("config", "list"),
        ("config", "get", "database"),
        ("doctor",),
        ("db", "path"),
        ("db", "check"),
        ("db", "backup", "x"),
        ("sessions", "show", "none"),
    ):
        done = trusting(*command)
        assert done.returncode in {0, 2, 3, 4}, done.stderr
        if way is by_command and command == ("config", "list"):
            continue  # the command itself is not our secret, and says what it was given
        assert PASSWORD not in (done.stdout + done.stderr).decode()


@pytest.mark.parametrize("given", [None, "wrong"])
def test_a_password_that_is_missing_or_wrong_is_one_line_with_the_next_step(trusting, port, given):
    trusting.env["HFS_DATABASE"] = address(port)
    if given is not None:
        trusting.env["PGPASSWORD"] = given
    assert "set PGPASSWORD, a line of ~/.pgpass, or database_cmd" in said(
        trusting("sessions", "list")
    )


def test_a_name_that_the_server_does_not_know_is_one_line_with_the_next_step(trusting, port):
    trusting.env["PGPASSWORD"] = PASSWORD
    there = address(port)
    for where, step in (
        (there.replace("/sessions", "/none"), "make it with createdb"),
        (there.replace("localhost", "no-such-host.invalid"), "check the name of the host"),
    ):
        line = said(trusting("sessions", "list", env={"HFS_DATABASE": where}))
        assert step in line
        assert f"cannot reach {where}: " in line


def test_what_tls_does_not_vouch_for_is_one_line_with_the_next_step(trusting, port, tmp_path):
    trusting.env |= {"HFS_DATABASE": address(port), "PGPASSWORD": PASSWORD}
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    for change, says, step in (
        ({"PGSSLROOTCERT": str(other)}, "certificate verify failed", "PGSSLROOTCERT"),
        ({"PGSSLROOTCERT": str(tmp_path / "none.pem")}, "does not exist", "PGSSLROOTCERT"),
        (
            {"HFS_DATABASE": address(port, "127.0.0.1")},
            'does not match host name "127.0.0.1"',
            "the name into the address that its certificate has",
        ),
    ):
        line = said(trusting("sessions", "list", env=change))
        assert says in line
        assert step in line


def test_whoever_asks_for_no_tls_is_refused(trusting, port):
    trusting.env |= {"HFS_DATABASE": address(port), "PGPASSWORD": PASSWORD}
    line = said(trusting("sessions", "list", env={"PGSSLMODE": "disable"}))
    assert "no encryption" in line
