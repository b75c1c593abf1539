"""Odd environments, homes, clocks and limits."""

import os
import pwd
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


def test_no_home_is_said_or_found_and_nothing_lands_in_the_directory(chat, tmp_path):
    cwd = tmp_path / "cwd"
    cwd.mkdir()
    env = {k: v for k, v in chat.environment().items() if k not in {"HOME", "XDG_DATA_HOME"}}
    for extra in ({}, {"XDG_DATA_HOME": ""}, {"XDG_DATA_HOME": "relative"}):
        done = subprocess.run(
            [*chat.argv, "db", "path"],
            env=env | extra | {"PYTHONPATH": str(Path.cwd())},
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
        )
        # The user database knows a home where the environment does not.
        assert (done.returncode, done.stderr) == (0, "")
        assert Path(done.stdout.strip()).is_absolute()
        assert Path(done.stdout.strip()).is_relative_to(pwd.getpwuid(os.getuid()).pw_dir)
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
    out, error = process.communicate()
    assert process.returncode in {0, 6, 8}, error
    assert error.count(b"\n") == (1 if process.returncode else 0)
    assert out == ("" if process.returncode else "grüße ☃\n").encode()


def test_a_config_that_is_no_toml_is_one_line(chat, server):
    chat.config.write_text("model = ")
    done = chat("chat", "hi")
    assert (done.returncode, done.stderr.count(b"\n")) == (3, 1)
    assert server.requests == []
    # What is wrong with it can still be looked at.
    assert chat("doctor").returncode == 3
    assert chat("config", "path").returncode == 0
