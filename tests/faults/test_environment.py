"""Odd environments, homes, clocks and limits."""

import os
import resource
import subprocess
from pathlib import Path

import pytest

from tests.scripted_server import openai_sse


@pytest.fixture
def chat(chat, server):
    server.always(openai_sse("grüße ☃"))
    return chat


@pytest.mark.parametrize(
    "env",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii"},
        {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
        {"TERM": "dumb"},
        {"NO_COLOR": "1"},
        {"TZ": "Asia/Kathmandu"},
        {"TZ": "junk/../x"},
        {"PYTHONWARNINGS": "error"},
        {"PYTHONOPTIMIZE": "2"},
        {"COLUMNS": "1"},
    ],
)
def test_text_is_utf_8_whatever_the_environment(chat, server, env):
    done = chat("chat", "grüße", env=env)
    assert (done.returncode, done.stdout, done.stderr) == (0, "grüße ☃\n".encode(), b"")
    assert server.requests[-1].json["messages"][-1]["content"] == "grüße"
    listed = chat("sessions", "list", env=env)
    assert (listed.returncode, listed.stderr) == (0, b"")
    assert "grüße".encode() in listed.stdout


def test_no_home_is_said_or_found_and_nothing_lands_in_the_directory(chat, tmp_path):
    cwd = tmp_path / "cwd"
    cwd.mkdir()
    env = {k: v for k, v in chat.environment().items() if k not in {"HOME", "XDG_DATA_HOME"}}
    for extra in ({}, {"XDG_DATA_HOME": ""}, {"XDG_DATA_HOME": "relative"}):
        done = subprocess.run(
            [*chat.argv, "config", "path"],
            env=env | extra | {"PYTHONPATH": str(Path.cwd())},
            cwd=cwd,
            capture_output=True,
            check=False,
        )
        assert b"Traceback" not in done.stderr
        assert list(cwd.iterdir()) == []


def test_a_deleted_working_directory_does_not_matter(chat, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    script = 'cd "$1" && rmdir "$1" && shift && exec "$@"'
    done = subprocess.run(
        ["bash", "-c", script, "-", str(gone), *chat.argv, "chat", "hi"],
        env=chat.environment() | {"PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("make", ["file", "dangling", "fifo"])
def test_a_data_directory_that_is_none_is_one_line(chat, server, tmp_path, make):
    path = tmp_path / "data"
    if make == "file":
        path.write_text("mine")
    elif make == "dangling":
        path.symlink_to(tmp_path / "nowhere" / "deep")
    else:
        path.mkdir()
        os.mkfifo(path / "hfs.db")
    done = chat("chat", "hi", env={"HFS_DATA_DIR": str(path)})
    assert done.returncode in ({8} if make != "dangling" else {0, 8})
    assert done.stderr.count(b"\n") == (1 if done.returncode else 0)
    if make == "file":
        assert path.read_text() == "mine"
        assert server.requests == []
        assert chat("chat", "--no-save", "hi", env={"HFS_DATA_DIR": str(path)}).returncode == 0


@pytest.mark.parametrize("files", [16, 8])
def test_few_file_descriptors_are_no_crash(chat, files):
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    process = chat.start("chat", "hi", preexec_fn=limit)
    _, error = process.communicate(timeout=20)
    assert process.returncode in {0, 1, 6, 8}
    assert b"Traceback" not in error


def test_a_config_that_is_no_toml_is_one_line(chat, server):
    chat.config.write_text("model = ")
    done = chat("chat", "hi")
    assert (done.returncode, done.stderr.count(b"\n")) == (3, 1)
    assert server.requests == []
    # What is wrong with it can still be looked at.
    assert chat("doctor").returncode == 3
    assert chat("config", "path").returncode == 0
