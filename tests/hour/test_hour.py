"""Each mistake of the first hour is told in one line with the next step; each task works."""

import subprocess

import pytest

from tests.hour.home import Home
from tests.hour.lines import MISTAKES, TASKS
from tests.scripted_server import ScriptedServer


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    with ScriptedServer() as server:
        yield Home(tmp_path_factory.mktemp("home"), server)


@pytest.fixture
def own_home(tmp_path):
    with ScriptedServer() as server:
        yield Home(tmp_path, server)


def run(home, line):
    return subprocess.run(
        ["sh", "-c", line],
        cwd=home.work,
        env=home.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


# The tests of a module may run in any order, and apart: no mistake changes what the next one finds.
@pytest.mark.parametrize("mistake", MISTAKES, ids=[mistake.line for mistake in MISTAKES])
def test_a_mistake_is_told_in_one_line_with_what_to_do(home, mistake):
    done = run(home, mistake.line)
    said = done.stderr.decode()
    assert (done.returncode, done.stdout) == (mistake.code, b""), said
    assert mistake.told in said
    if not mistake.told.startswith("Usage:"):
        (line,) = said.splitlines()
        assert line.startswith("hfs: error: ")
        # Four rows of a terminal are read; more are not.
        assert len(line) < 320, line
    assert "sk-canary" not in said


def test_the_tasks_of_the_hour_work_one_after_the_other(own_home):
    for line in TASKS:
        done = run(own_home, line)
        assert done.returncode == 0, (line, done.stderr)
        assert done.stdout.strip() or line.startswith(("hfs rename", "hfs delete")), line
