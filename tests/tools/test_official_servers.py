"""The official MCP servers as peers: what they say is read, what they are told is done.

They are installed by npm and uv once a run, or once for all in the folder that HFS_TEST_MCP names
(`.ci/run` makes one). What cannot be had is skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from hfs_cli.files import open_lock_file, take_lock
from tests.tools.asking import script, told

pytest.importorskip("mcp", reason="the extra mcp is not installed")
# Fetching and starting them takes its time on two loaded cores.
pytestmark = pytest.mark.timeout(400)

NODE = ("@modelcontextprotocol/server-everything", "@modelcontextprotocol/server-filesystem")
PYTHON = ("mcp-server-time", "mcp-server-fetch")
_FETCH_S = 240


def _installed(folder: Path, program: Path, *commands: list[str]) -> Path:
    """A program in a folder that all workers of a run share, installed by the first."""
    folder.mkdir(exist_ok=True)
    lock = open_lock_file(folder / "lock")
    try:
        take_lock(lock)
        if not program.exists():
            for command in commands:
                subprocess.run(command, check=True, capture_output=True, timeout=_FETCH_S)
    except (subprocess.SubprocessError, OSError) as error:
        pytest.skip(f"{commands[0][0]} cannot get the servers: {error}")
    finally:
        os.close(lock)
    return program.parent


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """Where servers are installed."""
    given = os.environ.get("HFS_TEST_MCP")
    return Path(given) if given else tmp_path_factory.getbasetemp().parent / "mcp-servers"


@pytest.fixture(scope="session")
def node_servers(folder) -> Path:
    """The directory of the programs that npm has installed."""
    return _installed(
        folder,
        folder / "node_modules" / ".bin" / "mcp-server-everything",
        ["npm", "install", "--silent", "--prefix", str(folder), *NODE],
    )


@pytest.fixture(scope="session")
def python_servers(folder) -> Path:
    """The directory of the programs that uv has installed, in an environment of their own."""
    environment = str(folder / "python")
    return _installed(
        folder,
        folder / "python" / "bin" / "mcp-server-time",
        ["uv", "venv", "--quiet", environment],
        ["uv", "pip", "install", "--quiet", "--python", environment, *PYTHON],
    )


def with_server(hfs, name: str, *words: str) -> None:
    lines = [f"[mcp.{name}]", f"command = {json.dumps(words[0])}"]
    lines += [f"args = {json.dumps(words[1:])}", "timeout = 120"]
    hfs.configure("\n".join([hfs.config.read_text(), *lines, ""]))


def test_the_filesystem_server_answers_within_its_folder_alone(
    chat, server, node_servers, tmp_path
):
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "short.md").write_text("x")
    (notes / "long.md").write_text("x" * 1000)
    with_server(chat, "files", str(node_servers / "mcp-server-filesystem"), str(notes))
    server.always(
        script(
            [("files__list_directory_with_sizes", {"path": str(notes), "sortBy": "size"})],
            [
                ("files__read_text_file", {"path": str(notes / "long.md")}),
                ("files__read_text_file", {"path": "/etc/passwd"}),
            ],
            answer="long.md",
        )
    )
    assert chat.ok("chat", "--tool", "files", "Which file is the longest?") == "long.md\n"
    listed, read, refused = told(server.requests[-1])
    assert listed.index("long.md") < listed.index("short.md")
    assert read == "x" * 1000
    assert "Access denied" in refused
    kept = json.loads(chat.ok("sessions", "show", "--format", "json"))["messages"]
    assert [c["failed"] for m in kept for c in m.get("calls") or ()] == [False, False, True]


def test_the_everything_server_is_read_with_all_that_it_can_say(chat, server, node_servers):
    with_server(chat, "all", str(node_servers / "mcp-server-everything"), "stdio")
    listed = chat.ok("tools", "list", "--probe")
    assert "all:echo\ttool\t" in listed
    assert chat.ok("tools", "call", "all:echo", '{"message": "ä"}') == "Echo: ä\n"
    assert "[image/png: only text is passed on]" in chat.ok("tools", "call", "all:get-tiny-image")
    environment = chat.ok("tools", "call", "all:get-env")
    assert "PATH" in environment
    assert chat.env["TEST_KEY"] not in environment
    done = chat("tools", "call", "all:get-sum", '{"a": 1}')
    assert done.returncode == 2
    assert b"do not fit its schema" in done.stderr
    # What would ask the model or the user is not even offered to a client that cannot.
    assert "all:trigger-sampling-request\t" not in listed
    assert "all:trigger-elicitation-request\t" not in listed


def test_the_time_server(chat, python_servers):
    with_server(chat, "clock", str(python_servers / "mcp-server-time"))
    result = chat.ok("tools", "call", "clock:get_current_time", '{"timezone": "Asia/Kathmandu"}')
    assert json.loads(result)["timezone"] == "Asia/Kathmandu"
    done = chat("tools", "call", "clock:get_current_time", '{"timezone": "Nowhere/None"}')
    assert done.returncode == 5


def test_the_fetch_server_reads_a_page_on_loopback(chat, server, python_servers):
    with_server(
        chat,
        "web",
        str(python_servers / "mcp-server-fetch"),
        "--ignore-robots-txt",
        "--allow-private-ips",
    )
    server.reply(b"A page.", headers={"Content-Type": "text/plain"})
    result = chat.ok("tools", "call", "web:fetch", json.dumps({"url": f"{server.origin}/page"}))
    assert "A page." in result


def test_a_server_over_http(chat, server, node_servers, free_port):
    """The same server, over streamable HTTP."""
    process = subprocess.Popen(
        [str(node_servers / "mcp-server-everything"), "streamableHttp"],
        env={**os.environ, "PORT": str(free_port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    with process:
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if str(free_port).encode() in line:
                    break
            chat.configure(
                f'{chat.config.read_text()}[mcp.all]\nurl = "http://127.0.0.1:{free_port}/mcp"\n'
            )
            said = chat.ok("tools", "call", "all:echo", '{"message": "over HTTP"}')
            assert said == "Echo: over HTTP\n"
        finally:
            process.kill()
