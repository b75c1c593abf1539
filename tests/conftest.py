"""Real parts for tests: the installed command in a home of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from hfs_cli.messages import ChatMessage, Place, Reply, Turn
from tests import postgres
from tests.scripted_server import ScriptedServer
from tests.store.places import (
    Databases,
    EmptyDatabase,
    Files,
    OnServer,
    directory_of_run,
    end_server,
    open_place,
    server_of_the_run,
)

# What a test's environment must not inherit: settings, keys and colours of the developer.
# The last two change what Python itself does: one would have every one of some thousand processes
# compile the whole package, the other leaves nothing in a buffer that could be lost or stuck.
_DROPPED = (
    *("HFS_", "XDG_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "CLICOLOR"),
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONUNBUFFERED",
)
_KEPT = ("HFS_TEST_",)
# For a process whose coverage is not measured: measuring costs it a tenth of a second, as much as
# its start. One that is killed leaves no coverage, and hundreds of Tabs run the same lines.
UNMEASURED = {"COVERAGE_PROCESS_CONFIG": ""}

# How long an example takes depends on the machine; no test fails for that. CI tries the same
# examples each time, so that a red run is the change's; new ones are looked for elsewhere.
hypothesis.settings.register_profile("hfs", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("hfs")


def clean_environment(home: Path) -> dict[str, str]:
    """The process's environment less everything that could change what `hfs` does."""
    env = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(_KEPT)
        or (not name.startswith(_DROPPED) and not name.lower().endswith(("_proxy", "_api_key")))
    }
    return env | {"HOME": str(home), "TERM": "xterm-256color"}


_MEASURE = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
with open(sys.argv[1], "w") as figure:
    figure.write(str(peak if sys.platform == "darwin" else peak * 1024))
sys.exit(code)
"""


@dataclass
class Hfs:
    """The command, run as a process of its own."""

    home: Path
    env: dict[str, str] = field(default_factory=dict)
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    argv = (sys.executable, "-m", "hfs_cli")

    @property
    def data(self) -> Path:
        return self.home / ".local/share/hfs"

    @property
    def database(self) -> Path:
        return self.data / "hfs.db"

    @property
    def config(self) -> Path:
        return self.home / ".config/hfs/config.toml"

    def environment(self, extra: dict[str, str] | None = None) -> dict[str, str]:
        return clean_environment(self.home) | self.env | (extra or {})

    def __call__(
        self,
        *args: str | bytes,
        stdin: bytes | int = subprocess.DEVNULL,
        env: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run to the end; output as bytes."""
        given: dict[str, Any] = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
        return subprocess.run(
            [*self.argv, *args],
            env=self.environment(env),
            capture_output=True,
            check=False,
            **given,
        )

    def ok(self, *args: str, **kwargs) -> str:
        """Run, require success and silence on stderr; standard output as text."""
        done = self(*args, **kwargs)
        assert done.returncode == 0, done.stderr.decode()
        assert done.stderr == b""
        return done.stdout.decode()

    def measured(
        self, *args: str, stdin: bytes = b""
    ) -> tuple[subprocess.CompletedProcess[bytes], int]:
        """Run to the end; what it gave, and the most memory that it took, in bytes.

        A process inherits the high-water mark of the one that starts it, so that a small
        Python stands between this one and the command.
        """
        with tempfile.NamedTemporaryFile() as figure:
            done = subprocess.run(
                [sys.executable, "-S", "-c", _MEASURE, figure.name, *self.argv, *args],
                env=self.environment(),
                input=stdin,
                capture_output=True,
                check=False,
            )
            return done, int(figure.read())

    def start(
        self, *args: str, env: dict[str, str] | None = None, **kwargs
    ) -> subprocess.Popen[bytes]:
        """Run in the background; standard output and error are pipes.

        Under a limit (``preexec_fn``) coverage is not measured: its own file would meet it first.
        """
        if "preexec_fn" in kwargs:
            env = UNMEASURED | (env or {})
        settings: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        } | kwargs
        process = subprocess.Popen([*self.argv, *args], env=self.environment(env), **settings)
        self.started.append(process)
        return process

    def configure(self, text: str) -> None:
        """Write the configuration file, owner-only."""
        self.config.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.config.write_text(text)
        self.config.chmod(0o600)

    def keep(
        self, name: str, *texts: str, model: str = "test/m", system: str | None = None
    ) -> None:
        """Write a session as turns do, from question and reply in turn; no process runs."""
        session = None
        with open_place(self.env.get("HFS_DATABASE", str(self.database))) as store:
            for question, reply in zip(texts[::2], texts[1::2], strict=True):
                place = Place(session, name)
                turn = Turn(ChatMessage("user", question), model, system=system, place=place)
                opened = store.begin(turn)
                store.save_reply(opened, Reply(reply, model, status="complete"))
                session = opened.session.id


def pytest_configure() -> None:
    """Take signals back that a background job or `nohup` ignores, for all that is started."""
    directory_of_run()  # named before there are processes that share it
    for signum in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(signum) is signal.SIG_IGN:
            signal.signal(signum, signal.SIG_DFL)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the server that the run has started, once for all its processes."""
    if not hasattr(config, "workerinput"):
        end_server(directory_of_run())


def pytest_xdist_auto_num_workers() -> int:
    """Two workers a core: the processes and servers of these tests wait half of the time.

    A container may have less of the cores than it sees (cgroups, version 2); and many workers want
    more connections than a server of PostgreSQL has, and more memory than there is.
    """
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):  # "max 100000": as many as there are
        quota, period = map(int, Path("/sys/fs/cgroup/cpu.max").read_text().split())
        cores = min(cores, max(1, quota // period))
    return min(2 * cores, 16)


@pytest.fixture
def hfs(tmp_path: Path) -> Iterator[Hfs]:
    """The command in an empty home; what it started ends with the test."""
    home = tmp_path / "home"
    home.mkdir()
    command = Hfs(home)
    yield command
    for process in command.started:
        with process:
            process.terminate()  # one that writes the figures of its coverage does so to the end
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A scripted HTTP server on loopback."""
    with ScriptedServer() as scripted:
        yield scripted


@pytest.fixture(scope="session")
def postgres_databases() -> Iterator[OnServer]:
    """Databases on a PostgreSQL server, which the run starts once, or `HFS_TEST_POSTGRES` names."""
    given = os.environ.get("HFS_TEST_POSTGRES", "")
    if given == "none":
        pytest.skip("HFS_TEST_POSTGRES=none")
    if not given and postgres.programs() is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    there = OnServer(server_of_the_run(directory_of_run(), given))
    yield there
    if given:  # our own goes with all that is in it
        there.drop()


@pytest.fixture(params=["sqlite", "postgres"])
def databases(request, tmp_path) -> Databases:
    """Empty databases; each test runs with those of every engine."""
    if request.param == "sqlite":
        return Files(tmp_path)
    return request.getfixturevalue("postgres_databases")


@pytest.fixture
def database(databases: Databases) -> Iterator[EmptyDatabase]:
    with databases.new() as made:
        yield made


@pytest.fixture
def free_port() -> int:
    """A port on loopback where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


# A key that must turn up nowhere but in the request's header.
KEY = "sk-canary-0123456789"


@pytest.fixture
def chat(hfs: Hfs, server: ScriptedServer) -> Hfs:
    """The command with the scripted server as its default model, `test/m`, and no retries."""
    hfs.configure(
        'model = "test/m"\nretries = 0\n[providers.test]\ntype = "openai"\n'
        f'base_url = "{server.url}"\napi_key_env = "TEST_KEY"\n'
    )
    hfs.env["TEST_KEY"] = KEY
    return hfs


@pytest.fixture
def kept(chat: Hfs, database: EmptyDatabase) -> Hfs:
    """As `chat`, with its sessions in a database of each engine in turn."""
    chat.env["HFS_DATABASE"] = database.where
    return chat
