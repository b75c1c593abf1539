"""Behind a pooler that gives each transaction to whichever of the server's sessions is free."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from hfs_cli.store.store import SessionStore
from tests import postgres
from tests.exchange.test_native import exported, populate
from tests.store.incoming.test_put import IMPORT
from tests.store.places import open_place
from tests.store.talking import Talk

POOLER = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/sbin")
SETTINGS = """[databases]
* = host=127.0.0.1 port={server} user=hfs
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
auth_type = any
pool_mode = transaction
default_pool_size = 4
unix_socket_dir =
"""


@pytest.fixture
def pooled(postgres_databases, free_port, tmp_path_factory):
    """The address of an empty database behind pgbouncer, in transaction mode, of few sessions."""
    if POOLER is None:
        pytest.skip("pgbouncer is not installed (Debian: apt-get install pgbouncer)")
    with postgres_databases.new() as database:
        host, name = re.fullmatch(r"(.*):\d+(/.*)", database.where).groups()
        server = re.search(r":(\d+)/", database.where)[1]
        with postgres.readable_directory() as directory:
            settings = directory / "pgbouncer.ini"
            settings.write_text(SETTINGS.format(server=server, port=free_port))
            process = subprocess.Popen(
                [POOLER, "-q", settings], stderr=subprocess.DEVNULL, **postgres.someone()
            )
            try:
                where = f"{host}:{free_port}{name}"
                _until_there(where, process)
                yield where
            finally:
                process.terminate()
                process.wait(120)


def _until_there(where, process):
    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(where).close()
        except psycopg.OperationalError:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def test_turns_of_many_take_turns(pooled):
    """More of them than the pooler has sessions, into one session of ours."""

    def take(number):
        with open_place(pooled) as store:
            Talk(store).turn(f"q{number}", f"a{number}", session)

    with open_place(pooled) as store:
        session = Talk(store).turn("q", "a", name="one")
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(take, range(16)))
        messages = store.transcript(session.id)
        assert [m.position for m in messages] == list(range(1, 35))
        asked = {m.id: m.content for m in messages if m.role == "user"}
        answered = {asked[m.reply_to]: m.content for m in messages if m.role == "assistant"}
        assert answered == {"q": "a"} | {f"q{n}": f"a{n}" for n in range(16)}
        assert store.check() == []


def test_two_imports_of_one_file_bring_it_once(pooled, tmp_path):
    """The lock of an import is that of a transaction, which the pooler leaves alone."""
    file = tmp_path / "in.json"
    chance = random.Random(5)
    with SessionStore(tmp_path / "from.db") as store:
        populate(store, 20, chance, lambda: f"text {chance.random()}")
        file.write_text(exported(store))
    importing = [sys.executable, "-c", IMPORT, pooled, str(file)]
    processes = [subprocess.Popen(importing) for _ in "ab"]
    assert [process.wait(120) for process in processes] == [0, 0]
    with open_place(pooled) as store:
        assert exported(store) == file.read_text()
        assert store.check() == []
