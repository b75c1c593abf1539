"""Where sessions are kept: another file, or a server; its password is nowhere."""

from __future__ import annotations

import os
import random
import shlex
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from hfs_cli.store.store import SessionStore
from tests.conftest import UNMEASURED
from tests.exchange.test_native import populate
from tests.scripted_server import openai_sse
from tests.store.talking import Talk

PASSWORD = "canary-0123456789"
# The command on a machine without the extra.
WITHOUT_DRIVER = """
import sys
sys.modules["psycopg"] = None
from hfs_cli.__main__ import main
sys.argv[0] = "hfs"
main()
"""


@pytest.fixture
def on_server(postgres_databases):
    with postgres_databases.new() as database:
        yield database.where


def said(done) -> str:
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("hfs: error: ")
    return line


def test_another_file_is_named_by_setting_and_variable(chat, server, tmp_path):
    chat.config.write_text(f'database = "{tmp_path}/mine/of.db"\n' + chat.config.read_text())
    server.reply(openai_sse("hello"))
    chat.ok("chat", "-n", "one", "hi")
    assert (tmp_path / "mine/of.db").exists()
    assert not chat.database.exists()
    assert chat.ok("db", "path") == f"{tmp_path}/mine/of.db\n"
    assert chat.ok("__complete", "sessions", "on").startswith("one\t")
    chat.env["HFS_DATABASE"] = "~/other.db"
    assert chat.ok("db", "path") == f"{chat.home}/other.db\n"
    assert chat.ok("sessions", "list", "--ids") == ""
    assert chat.ok("__complete", "sessions", "on") == ""


def test_the_same_commands_run_on_a_server(chat, server, on_server):
    chat.env |= {"HFS_DATABASE": on_server, "HFS_USER": "ann"}
    for _ in range(2):
        server.reply(openai_sse("The reply, in words."))
    assert chat.ok("chat", "-n", "one", "a question") == "The reply, in words.\n"
    assert chat.ok("chat", "-c", "more") == "The reply, in words.\n"
    assert chat.ok("sessions", "list", "--ids") == "1\n"
    assert '"messages": 4' in chat.ok("sessions", "list", "--json")
    assert "in words" in chat.ok("sessions", "search", "reply words")
    chat.ok("checkpoints", "create", "one", "--label", "here")
    chat.ok("rename", "one", "two")
    assert chat.ok("__complete", "sessions", "t").startswith("two\t1 · ")
    assert chat.ok("__complete", "checkpoints", "h").startswith("here\t")
    assert "test/m\t" in chat.ok("__complete", "models", "te")
    assert chat("db", "check").returncode == 0
    assert "1 session of ann" in chat("doctor").stdout.decode()
    backup = chat("db", "backup", "x.dump")
    pg_dump = f"pg_dump --format=custom --file=x.dump {shlex.quote(on_server)}"
    assert (backup.returncode, said(backup).endswith(pg_dump)) == (2, True)
    assert chat.ok("db", "vacuum").endswith(" bytes\n")
    chat.ok("delete", "two", "--yes")
    assert chat.ok("sessions", "list", "--ids") == ""
    assert not chat.database.exists()


def test_whatever_the_umask_nothing_is_left_here_that_others_can_read(chat, server, on_server):
    chat.env["HFS_DATABASE"] = on_server
    server.reply(openai_sse("The reply."))
    before = os.umask(0)
    try:
        chat.ok("chat", "-n", "one", "a question")
        chat.ok("sessions", "list")
    finally:
        os.umask(before)
    assert not chat.data.exists()


@pytest.mark.parametrize("form", ["postgresql://u:{}@host/db", "postgresql://host/db?password={}"])
def test_a_password_in_the_file_is_refused_unseen(hfs, form):
    hfs.configure(f'database = "{form.format(PASSWORD)}"\n')
    done = hfs("sessions", "list")
    assert done.returncode == 3
    assert "set PGPASSWORD, a line of ~/.pgpass, or database_cmd" in said(done)
    assert PASSWORD not in done.stderr.decode()


def test_a_password_in_the_variable_is_shown_nowhere(hfs, free_port):
    hfs.env["HFS_DATABASE"] = f"postgresql://u:{PASSWORD}@127.0.0.1:{free_port}/db"
    hfs.env["HFS_DEBUG"] = "1"
    shown = f"postgresql://u@127.0.0.1:{free_port}/db"
    assert hfs.ok("db", "path") == f"{shown}\n"
    assert shown in hfs.ok("config", "list")
    assert hfs.ok("config", "get", "database") == f"{shown}\n"
    for command in (("sessions", "list"), ("doctor",), ("db", "backup", "x"), ("db", "check")):
        done = hfs(*command)
        assert done.returncode in {2, 3, 8}
        assert PASSWORD not in (done.stdout + done.stderr).decode()


def test_no_server_is_one_line_before_anything_is_sent(chat, server, free_port):
    chat.env["HFS_DATABASE"] = f"postgresql://127.0.0.1:{free_port}/db"
    done = chat("chat", "hi")
    assert (done.returncode, done.stdout) == (8, b"")
    assert "cannot reach postgresql://127.0.0.1" in said(done)
    assert "Connection refused" in said(done)
    assert server.requests == []


def test_a_server_that_says_nothing_is_given_up(chat, server):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        chat.env["HFS_DATABASE"] = f"postgresql://127.0.0.1:{silent.getsockname()[1]}/db"
        chat.env["PGCONNECT_TIMEOUT"] = "2"
        done = chat("chat", "hi")
    assert done.returncode == 8
    assert "timeout" in said(done)
    assert server.requests == []


def test_an_unsaved_turn_needs_no_server(chat, server, free_port):
    chat.env["HFS_DATABASE"] = f"postgresql://127.0.0.1:{free_port}/db"
    server.reply(openai_sse("hello"))
    assert chat.ok("chat", "--no-save", "hi") == "hello\n"


def test_without_the_driver_is_said_how_to_install_it(hfs):
    hfs.argv = (sys.executable, "-c", WITHOUT_DRIVER)
    hfs.env["HFS_DATABASE"] = "postgresql://host/db"
    done = hfs("sessions", "list")
    assert done.returncode == 3
    assert "pip install 'hfs-cli[postgres]" in said(done)


@pytest.mark.parametrize(
    "value", ["mysql://host/db", "hfs.db", "./hfs.db", "postgresql://[", "postgresql://\u2100/db"]
)
def test_what_is_neither_a_whole_path_nor_an_address_is_refused(hfs, value):
    hfs.env["HFS_DATABASE"] = value
    done = hfs("sessions", "list")
    assert done.returncode == 3
    assert "the absolute path of a SQLite file, or postgresql://HOST/NAME" in said(done)


def test_a_nul_byte_in_the_place_of_a_database_is_refused(hfs):
    for place in ("/x\\u0000y", "postgresql://host/db\\u0000"):
        hfs.configure(f'database = "{place}"\n')
        done = hfs("sessions", "list")
        assert done.returncode == 3
        assert "the absolute path of a SQLite file" in said(done)


@pytest.mark.parametrize("form", ["u:{}@host/db?wrong=1", "u:%zz{}@host/db"])
def test_an_address_that_libpq_cannot_read_is_refused(hfs, form):
    hfs.env |= {"HFS_DATABASE": f"postgresql://{form.format(PASSWORD)}", "HFS_DEBUG": "1"}
    done = hfs("sessions", "list")
    assert done.returncode == 3
    assert b"libpq" in done.stderr
    assert PASSWORD not in done.stderr.decode()


def test_a_command_gives_the_password_and_a_variable_beats_it(hfs, tmp_path, on_server):
    asked = tmp_path / "asked"
    hfs.configure(f'database = "{on_server}"\ndatabase_cmd = ["tee", "-a", "{asked}"]\n')
    done = hfs("sessions", "list")  # prints nothing: there is no password to read
    assert done.returncode == 3
    assert "database_cmd printed nothing" in said(done)
    hfs.configure(f'database = "{on_server}"\ndatabase_cmd = "echo {PASSWORD}"\n')
    assert hfs.ok("sessions", "list", "--ids") == ""
    assert PASSWORD not in hfs.ok("config", "list")
    hfs.configure(f'database = "{on_server}"\ndatabase_cmd = "false"\n')
    hfs.env["PGPASSWORD"] = PASSWORD
    assert hfs.ok("sessions", "list", "--ids") == ""


def test_a_service_file_names_the_server(hfs, tmp_path, on_server):
    address = on_server.removeprefix("postgresql://hfs@127.0.0.1:")
    port, _, name = address.partition("/")
    service = tmp_path / "service"
    service.write_text(f"[work]\nhost=127.0.0.1\nport={port}\ndbname={name}\nuser=hfs\n")
    hfs.env |= {"PGSERVICEFILE": str(service), "HFS_DATABASE": "postgresql:///?service=work"}
    assert hfs.ok("sessions", "list", "--ids") == ""


# --- copying --------------------------------------------------------------------------


@pytest.fixture
def full(tmp_path):
    """A database with every feature in it, as a file."""
    path = tmp_path / "full" / "hfs.db"
    chance = random.Random(20261129)
    with SessionStore(path) as store:
        while store.count() < 25:
            populate(store, 30, chance, lambda: f"text {chance.random()} \0 ünï 检查")
    return path


def export(hfs, where) -> str:
    return hfs.ok("sessions", "export", "--all", env={"HFS_DATABASE": str(where)})


def test_there_and_back_all_is_the_same(hfs, full, tmp_path, on_server):
    said_first = hfs.ok("db", "copy", str(full), on_server)
    assert f"copied from {full} to {on_server}:\n  sessions: " in said_first
    back = tmp_path / "back.db"
    hfs.ok("db", "copy", on_server, str(back))
    exports = [export(hfs, where) for where in (full, on_server, back)]
    assert exports[0] == exports[1] == exports[2]
    assert len(exports[0]) > 10_000
    for where in (on_server, back):
        assert hfs("db", "check", env={"HFS_DATABASE": str(where)}).returncode == 0


def test_done_again_it_brings_what_is_new(hfs, full, on_server):
    hfs.ok("db", "copy", str(full), on_server)
    again = hfs.ok("db", "copy", str(full), on_server)
    assert "  sessions: 0\n  of them branches: 0\n  messages: 0\n" in again
    with SessionStore(full) as store:
        Talk(store).turn("one more", "reply", store.last_used())
    assert "  messages: 2\n" in hfs.ok("db", "copy", str(full), on_server)
    assert export(hfs, full) == export(hfs, on_server)


def test_killed_however_often_it_is_whole_in_the_end(hfs, full, on_server):
    chance = random.Random(7)
    for _ in range(int(os.environ.get("HFS_TEST_KILLS", "2"))):
        process = hfs.start("db", "copy", str(full), on_server, env=UNMEASURED)
        with suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0.3, 1.5))
        process.kill()
        process.wait()
        listed = hfs.ok("sessions", "list", "--ids", env={"HFS_DATABASE": on_server})
        assert listed == "" or export(hfs, on_server) == export(hfs, full)
    hfs.ok("db", "copy", str(full), on_server)
    assert export(hfs, on_server) == export(hfs, full)


def test_a_host_that_no_name_can_be_is_refused(hfs):
    hfs.env["HFS_DATABASE"] = "postgresql://\x83\u1d05/db"
    done = hfs("sessions", "list")
    assert done.returncode == 3
    assert "the host of database" in said(done)


def test_a_copy_from_a_directory_that_is_gone_is_refused(hfs, tmp_path):
    (tmp_path / "gone").mkdir()
    script = 'cd gone && rmdir "$PWD" && exec "$@"'
    words = ["sh", "-c", script, "sh", *hfs.argv, "db", "copy", "a.db", "b.db"]
    env = hfs.environment()
    done = subprocess.run(words, env=env, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 2
    assert "a.db leads nowhere" in said(done)


@pytest.mark.parametrize(
    ("source", "target", "code", "says"),
    [
        ("none.db", "to.db", 8, "there is no database at none.db"),
        ("a.db", "./a.db", 2, "are the same database"),
        ("~nobody-at-all/a.db", "to.db", 2, "~nobody-at-all/a.db leads nowhere"),
        ("a.db", "mysql://host/db", 2, "mysql:// is not a database"),
        ("a.db", f"postgresql://u:{PASSWORD}@\u2100/db", 2, "is not the address of a database"),
        ("a.db", f"postgresql://u:{PASSWORD}@host/db", 2, "leave the password out"),
    ],
)
def test_what_cannot_be_copied_is_said(hfs, source, target, code, says):
    done = hfs("db", "copy", source, target)
    assert done.returncode == code
    assert says in said(done)
    assert PASSWORD not in done.stderr.decode()
    assert not Path("to.db").exists()
