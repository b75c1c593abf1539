"""A PostgreSQL server of its own for tests, in a temporary directory.

    python -m tests.postgres

makes one, prints the address of an empty database on it, and ends it with Ctrl-C. It wants
PostgreSQL's own programs (Debian: ``apt-get install postgresql``). PostgreSQL refuses to run as
root: it is then run as the user ``postgres``, or ``nobody``.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Debian keeps the server's programs of each version apart, outside of PATH.
_PLACES = "/usr/lib/postgresql/*/bin"
_SETTINGS = {"max_connections": "300", "listen_addresses": "127.0.0.1"}
# What is kept ends with the server, so that nothing need reach the disk or be cleaned up; and where
# a test takes a lock that must be free, ANALYZE by the server itself would hold another beside it.
QUICK = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}
_START_S = 60.0


def programs() -> Path | None:
    """Where initdb and postgres are; None where they are not."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    there = sorted(Path("/").glob(_PLACES[1:]), key=lambda path: int(path.parent.name))
    return next((path for path in reversed(there) if (path / "initdb").exists()), None)


@dataclass
class Server:
    """A server that runs."""

    port: int
    process: subprocess.Popen[bytes]
    directory: Path
    settings: Mapping[str, str]

    def url(self, database: str = "postgres", user: str = "hfs") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def stop(self, signum: int = signal.SIGINT) -> None:
        """End it; SIGINT breaks connections off, as a restart does."""
        self.process.send_signal(signum)
        self.process.wait(60)

    def start(self) -> None:
        """Start it, also again."""
        self.process = _postgres(self.directory, self.port, self.settings)
        _until_ready(self)


def someone() -> dict[str, Any]:
    """Whom to run as, as keywords of `Popen`: anybody but root."""
    if os.geteuid():
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise RuntimeError("PostgreSQL does not run as root, and there is no other user")


def _postgres(directory: Path, port: int, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    bin_directory = programs()
    assert bin_directory is not None
    options = [f"--{name}={value}" for name, value in {**_SETTINGS, **settings}.items()]
    with (directory / "log").open("ab") as log:
        return subprocess.Popen(
            [
                *(bin_directory / "postgres", "-D", directory / "data", "-p", str(port)),
                *(f"--unix_socket_directories={directory}", *options),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            cwd=directory,
            start_new_session=True,  # a Ctrl-C in the terminal is for the tests
            **someone(),
        )


def _until_ready(server: Server) -> None:
    import psycopg

    deadline = time.monotonic() + _START_S
    while True:
        try:
            psycopg.connect(server.url()).close()
        except psycopg.OperationalError:
            if server.process.poll() is not None or time.monotonic() > deadline:
                log = (server.directory / "log").read_text("utf-8", "replace")
                raise RuntimeError(f"PostgreSQL did not start: {log[-2000:]}") from None
            time.sleep(0.05)
        else:
            return


@contextmanager
def running(settings: Mapping[str, str] = QUICK, directory: Path | None = None) -> Iterator[Server]:
    """A server with an empty database.

    Args:
        settings: Of PostgreSQL's; its own hold for what is not named.
        directory: Where its files are, made where they are not; None for a temporary one, which
            is gone at the end of the block.
    """
    assert programs() is not None, "PostgreSQL's programs are not installed"
    with ExitStack() as stack:
        if directory is None:
            directory = stack.enter_context(readable_directory())
        if not (directory / "data").exists():
            _make_files(directory)
        port = _free_port()
        server = Server(port, _postgres(directory, port, settings), directory, settings)
        try:
            _until_ready(server)
            yield server
        finally:
            server.stop()


def _make_files(directory: Path) -> None:
    bin_directory = programs()
    assert bin_directory is not None
    subprocess.run(
        [
            *(bin_directory / "initdb", "-D", directory / "data", "-U", "hfs", "-A", "trust"),
            *("-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"),
        ],
        check=True,
        capture_output=True,
        cwd=directory,
        **someone(),
    )


@contextmanager
def readable_directory() -> Iterator[Path]:
    """A directory of whom servers are run as."""
    # Below /tmp whatever TMPDIR says: a socket's path has room for about 100 characters.
    directory = Path(tempfile.mkdtemp(prefix="hfs-pg-", dir="/tmp"))
    give(directory)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def give(path: Path) -> None:
    """Let a file or directory belong to whom servers are run as."""
    if who := someone():
        os.chown(path, who["user"], who["group"])


def _free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        port: int = place.getsockname()[1]
        return port


def _wait_for_end(leader: int | None) -> None:
    """Wait for a signal, or for the end of a process."""
    asked = {signal.SIGINT, signal.SIGTERM}
    if leader is None:
        signal.sigwait(asked)
        return
    while signal.sigtimedwait(asked, 1.0) is None:
        try:
            os.kill(leader, 0)
        except ProcessLookupError:
            return


def main(arguments: list[str]) -> None:
    """Run a server until a signal comes, or another process has ended (``--until-ends PID``)."""
    if programs() is None:
        sys.exit("PostgreSQL's programs are not installed (Debian: apt-get install postgresql)")
    leader = int(arguments[1]) if arguments[:1] == ["--until-ends"] else None
    with running() as server:
        # Not before: the server would have them blocked, too.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        print(server.url(), flush=True)
        _wait_for_end(leader)


if __name__ == "__main__":
    main(sys.argv[1:])
