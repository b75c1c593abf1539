"""Odd environments, homes, clocks and limits."""

import json
import os
import resource
import shutil
import subprocess
import sys
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


@pytest.fixture(scope="module")
def latin_1(tmp_path_factory):
    """Variables that make ISO-8859-1 the encoding of the locale."""
    place = tmp_path_factory.mktemp("locales")
    made = subprocess.run(
        ["localedef", "-i", "en_US", "-f", "ISO-8859-1", place / "en_US.ISO-8859-1"],
        capture_output=True,
        check=False,
    )
    if not (place / "en_US.ISO-8859-1").exists():
        pytest.skip(f"no locale of that encoding can be made here: {made.stderr!r}")
    return {"LOCPATH": str(place), "LC_ALL": "en_US.ISO-8859-1"}


@pytest.mark.parametrize("locale", ["latin_1", "c"])
def test_all_arguments_variables_and_files_are_utf_8_whatever_the_locale(
    chat, server, tmp_path, locale, request
):
    env = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    if locale == "latin_1":
        env = request.getfixturevalue("latin_1")
    file = tmp_path / "süß.txt"
    file.write_text("☃ in the file", encoding="utf-8")
    done = chat("chat", "-n", "größe", "-s", "süß", "-f", str(file), "hi ☃", env=env)
    assert (done.returncode, done.stderr) == (0, b"")
    first, last = server.requests[-1].json["messages"]
    assert first["content"] == "süß"
    assert "hi ☃" in last["content"]
    assert "☃ in the file" in last["content"]
    assert "größe" in chat("sessions", "list", env=env).stdout.decode()
    assert chat("chat", "-S", "größe", "again", env=env | {"HFS_SYSTEM": "ü"}).returncode == 0
    assert "größe" in chat("__complete", "sessions", "grö", env=env).stdout.decode()


def test_a_directory_that_a_variable_names_is_never_made_by_a_mistake(chat, tmp_path):
    cwd = tmp_path / "cwd"
    cwd.mkdir()

    ask = [*chat.argv, "chat", "hi"]

    def said(env, start=cwd):
        done = subprocess.run(
            ["sh", "-c", 'cd "$1"; rmdir "$1" 2>/dev/null; shift; exec "$@"', "sh", start, *ask],
            env=chat.environment(env) | {"PYTHONPATH": str(Path.cwd())},
            capture_output=True,
            check=False,
        )
        return done.returncode, done.stderr.decode()

    (cwd / "kept").touch()
    code, error = said({"HFS_DATA_DIR": "~nobody-of-that-name/x"})
    assert (code, [path.name for path in cwd.iterdir()]) == (3, ["kept"])
    assert "there is no home directory of that name" in error
    (cwd / "kept").unlink()
    code, error = said({"HFS_DATA_DIR": "data"})
    assert code == 3
    assert "the current directory is gone" in error


# The database of users, as it would be on a machine where the user has this home or none.
USERS = """
import os, pwd
known = pwd.getpwuid
def asked(uid):
    if home := os.environ.get("TEST_HOME"):
        return pwd.struct_passwd([*known(os.getuid())[:5], home, "/bin/sh"])
    raise KeyError(uid)
pwd.getpwuid = asked
"""


def test_no_home_is_found_or_said_and_nothing_lands_in_the_directory(chat, server, tmp_path):
    cwd, home = tmp_path / "cwd", tmp_path / "elsewhere"
    for path in (cwd, home, tmp_path / "python"):
        path.mkdir()
    (tmp_path / "python/sitecustomize.py").write_text(USERS)
    env = chat.environment({"HFS_CONFIG": str(chat.config)})
    env["PYTHONPATH"] = f"{tmp_path / 'python'}{os.pathsep}{Path.cwd()}"
    del env["HOME"]

    def ask(**extra):
        run = [*chat.argv, "chat", "hi"]
        return subprocess.run(run, env=env | extra, cwd=cwd, capture_output=True, check=False)

    for extra in ({}, {"XDG_DATA_HOME": ""}, {"XDG_DATA_HOME": "relative"}, {"HOME": ""}):
        found = ask(TEST_HOME=str(home), **extra)
        assert (found.returncode, found.stderr) == (0, b"")
        assert (home / ".local/share/hfs/hfs.db").exists()
        shutil.rmtree(home / ".local")
    asked = len(server.requests)
    nowhere = ask()
    assert (nowhere.returncode, nowhere.stdout, nowhere.stderr.count(b"\n")) == (3, b"", 1)
    assert b"HFS_DATA_DIR" in nowhere.stderr
    assert len(server.requests) == asked
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
def test_a_data_directory_that_cannot_be_one_is_one_line(chat, server, tmp_path, make):
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


def run_with_files(chat, files):
    """A chat that may have so many files open at once: its exit code, output and errors."""

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    process = chat.start("chat", "hi", preexec_fn=limit)
    out, error = process.communicate()
    return process.returncode, out.decode(), error.decode()


def test_few_file_descriptors_are_enough_or_said_and_what_was_asked_is_kept(chat):
    assert run_with_files(chat, 16) == (0, "grüße ☃\n", "")
    kept = json.loads(chat.ok("sessions", "list", "--json"))
    assert [session["messages"] for session in kept] == [2]
    # Where a descriptor is missing depends on the versions of Python and the libraries, and on
    # which of their modules are compiled: before the first word, or after the last.
    seen = {}
    for files in range(4, 11):
        code, out, error = run_with_files(chat, files)
        seen[files] = code
        if code == 0:
            assert (out, error) == ("grüße ☃\n", ""), files
            continue
        assert (code in {6, 8}, error.count("\n")) == (True, 1), (files, error)
        assert error.startswith("hfs: error: ")
        if out:
            shown = json.loads(chat.ok("sessions", "show", "@last", "--json"))["messages"][-1]
            assert shown["role"] == "assistant", files
            assert shown["content"].startswith(out.rstrip("\n")), files
    assert seen[5] == 8
    chat.ok("chat", "with more")


# What Python raises when the limit on processes (ulimit -u) is reached; it binds no superuser, so
# that it is raised here for every thread or for all but the first ones.
NO_THREADS = """
import itertools, sys, threading
start, left = threading._start_new_thread, itertools.count(int(sys.argv.pop(1)), -1)
def limited(*args, **more):
    if next(left) <= 0:
        raise RuntimeError("can't start new thread")
    return start(*args, **more)
threading._start_new_thread = limited
from hfs_cli.__main__ import main
main()
"""


@pytest.mark.parametrize("threads", range(4))
def test_where_no_thread_can_be_started_it_is_said_and_what_was_asked_is_kept(chat, threads):
    argv, chat.argv = chat.argv, (sys.executable, "-c", NO_THREADS, str(threads))
    done = chat("chat", "hi")
    listed = chat.ok("sessions", "list")
    chat.argv = argv
    if done.returncode == 0:
        assert (done.stderr, "hi" in listed) == (b"", True)
        return
    assert (done.returncode, done.stdout) == (8, b"")
    assert done.stderr == (b"hfs: error: the system allows no more threads: see ulimit -u\n")
    assert [
        m["content"] for m in json.loads(chat.ok("sessions", "show", "1", "--json"))["messages"]
    ][:1] == ["hi"]
    chat.ok("chat", "with threads")


def test_a_config_that_is_not_toml_is_one_line(chat, server):
    chat.config.write_text("model = ")
    done = chat("chat", "hi")
    assert (done.returncode, done.stderr.count(b"\n")) == (3, 1)
    assert server.requests == []
    # What is wrong with it can still be looked at.
    assert chat("doctor").returncode == 3
    assert chat("config", "path").returncode == 0
