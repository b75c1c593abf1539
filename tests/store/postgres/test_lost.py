"""Connections that are lost: the server is started anew, stays away, or does not answer."""

from __future__ import annotations

import re
import signal
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from hfs_cli.errors import StoreError
from hfs_cli.messages import Reply
from hfs_cli.store.engine import LostError
from tests import postgres
from tests.scripted_server import Await, openai_chunk, sse
from tests.store.places import open_place
from tests.store.talking import Talk


@pytest.fixture
def own_server(postgres_databases):  # asked for the reason to skip
    with postgres.running() as server:
        yield server


def test_a_server_that_is_started_anew_costs_a_turn_nothing(chat, server, own_server):
    chat.env["HFS_DATABASE"] = own_server.url()
    go_on = threading.Event()
    first, second = (
        sse(openai_chunk({"content": "before "}), done=False),
        sse(openai_chunk({"content": "after"}), openai_chunk(finish="stop")),
    )
    server.reply([*first, Await(go_on), *second])
    process = chat.start("chat", "-n", "one", "hi")
    assert process.stdout.read(6) == b"before"
    own_server.stop()
    own_server.start()
    go_on.set()
    out, error = process.communicate()
    assert (process.returncode, out.split(), error) == (0, [b"after"], b"")
    with open_place(own_server.url()) as store:
        messages = store.transcript(store.resolve("one").id)
    assert [(m.content, m.status) for m in messages] == [
        ("hi", "complete"),
        ("before after", "complete"),
    ]


def test_a_reply_goes_into_a_file_when_the_server_stays_away(chat, server, own_server):
    chat.env["HFS_DATABASE"] = own_server.url()
    go_on = threading.Event()
    server.reply([*sse(openai_chunk({"content": "the words"}), done=False), Await(go_on)])
    process = chat.start("chat", "hi")
    assert process.stdout.read(9) == b"the words"
    own_server.stop()
    process.send_signal(signal.SIGINT)  # who leaves is not kept for the whole wait
    _, error = process.communicate()
    go_on.set()
    assert process.returncode == 130
    spilled = re.search(rb"kept in (\S+)", error)
    assert spilled is not None, error
    assert Path(spilled[1].decode()).read_text() == "the words"
    own_server.start()


def test_a_save_ends_with_its_wait_and_the_next_one_connects_anew(own_server):
    with open_place(own_server.url()) as store:
        talk = Talk(store)
        opened = talk.ask("hi", name="one")
        own_server.stop()
        began = time.monotonic()
        with pytest.raises(StoreError, match=r"cannot reach|was lost"):
            store.save_reply(opened, Reply("a", "m/x", status="complete"), wait_s=0.5)
        assert time.monotonic() - began < 20
        own_server.start()
        store.save_reply(opened, Reply("a", "m/x", status="complete"))
        assert talk.contents(store.get(1)) == ["hi", "a"]


def test_a_server_that_is_full_is_waited_for(postgres_databases):  # asked for the reason to skip
    with postgres.running({**postgres.QUICK, "max_connections": "5"}) as server:
        taken = [psycopg.connect(server.url()) for _ in range(5)]
        with pytest.raises(psycopg.OperationalError, match="too many clients"):
            psycopg.connect(server.url())
        with open_place(server.url()) as store:
            free = threading.Timer(0.5, taken[0].close)
            free.start()
            assert store.count() == 0
            free.join()
        for one in taken:
            one.close()


def test_a_transaction_that_the_server_has_ended_as_idle_is_a_lost_connection(postgres_databases):
    with postgres_databases.new() as database, database.open() as store:
        talk = Talk(store)
        talk.turn("q", "a", name="one")
        with psycopg.connect(database.where, autocommit=True) as db:
            ours = store._engine._db.connection().info.backend_pid
            there = "SELECT 1 FROM pg_stat_activity WHERE pid = %s"
            with (
                pytest.raises(LostError, match=r"^the connection to .* was lost \(.*: try again$"),
                store._engine.writing() as writing,
            ):
                # As a server's owner sets it for everybody; the process is stopped meanwhile.
                writing.execute_sql("SET LOCAL idle_in_transaction_session_timeout = 20")
                deadline = time.monotonic() + 60
                while db.execute(there, [ours]).fetchone() and time.monotonic() < deadline:
                    time.sleep(0.02)
                writing.execute_sql("DELETE FROM session")
        assert talk.contents(talk.turn("q", "b", store.resolve("one"))) == ["q", "a", "q", "b"]


# With its end: a transaction begins as READ COMMITTED.
_COMMIT = b"COMMIT\0"


class Between:
    """A way to a server that can lose a COMMIT, or the answer to it.

    Args:
        port: The server's.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        # "request" or "answer": what is lost of the next COMMIT.
        self.loses: str | None = None
        self._sockets = [self._listener]
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def _start(self, target, *args) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for one in self._sockets:
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                server = socket.create_connection(("127.0.0.1", self._port))
                self._sockets.append(server)
                for giver, taker in ((client, server), (server, client)):
                    self._start(self._pass_on, giver, taker, giver is client)

    def _pass_on(self, giver: socket.socket, taker: socket.socket, asks: bool) -> None:
        with suppress(OSError):
            while data := giver.recv(1 << 16):
                if self.loses == ("request" if asks else "answer to it"):
                    if not asks or _COMMIT in data:
                        self.loses = None
                        break
                elif asks and self.loses == "answer" and _COMMIT in data:
                    self.loses = "answer to it"
                taker.sendall(data)
        for one in (giver, taker):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("lost", ["request", "answer"])
def test_a_commit_whose_answer_is_lost_is_neither_missing_nor_doubled(postgres_databases, lost):
    with postgres_databases.new() as database:
        port = int(re.search(r":(\d+)/", database.where)[1])
        between = Between(port)
        try:
            with open_place(database.where.replace(f":{port}/", f":{between.port}/")) as store:
                talk = Talk(store)
                opened = talk.ask("hi")
                between.loses = lost
                talk.answer(opened, "the reply")
                assert between.loses is None
                assert talk.contents(store.get(1)) == ["hi", "the reply"]
                assert store.check() == []
        finally:
            between.close()
