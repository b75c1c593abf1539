"""The README is true: its commands run, its tables match the code."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hfs_cli import errors
from hfs_cli.cli import hfs as hfs_group
from hfs_cli.completion.tree import read_tree
from tests.scripted_server import openai_sse

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
RUN = [
    line
    for block in re.findall(r"<!-- run -->\n```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
]


@pytest.fixture
def shell(chat, server, tmp_path):
    """A directory with a git repository that has changes, files, and `hfs` on the PATH."""
    server.always(openai_sse("An answer:\n\n```sh\ntrue\n```\n"))
    command = tmp_path / "bin" / "hfs"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m hfs_cli "$@"\n')
    command.chmod(0o755)
    work = tmp_path / "work"
    work.mkdir()
    (work / "question.txt").write_text("And a FIFO?\n")
    (work / "error.log").write_text("E: no such package\n")
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@localhost"]
    for words in (["init", "-q"], ["add", "question.txt"], ["commit", "-qm", "Ask"]):
        subprocess.run([*git, *words], cwd=work, check=True)
    with (work / "question.txt").open("a") as file:
        file.write("And a socket?\n")
    env = chat.environment() | {
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }

    def run(line):
        return subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=work,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )

    return run


@pytest.mark.timeout(600)  # some seventy commands, one after the other
def test_the_commands_run_in_the_order_they_are_shown(shell):
    assert len(RUN) > 15
    for line in RUN:
        done = shell(line)
        assert done.returncode == 0, (line, done.stderr.decode())


def test_every_exit_code_is_in_the_table():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {vars(kind)["exit_code"] for kind in kinds if "exit_code" in vars(kind)}
    for code in codes | {0, 130, 143}:
        assert re.search(rf"^\| [^|]*\b{code}\b[^|]* \|", README, re.MULTILINE), code


def test_the_documents_speak_of_options_that_there_are():
    root = read_tree(hfs_group)
    options = {
        name for command in root.walk() for option in command.options for name in option.names
    }
    for file in (ROOT / "docs").glob("*.md"):
        # Configurations hold commands of others, with their own options.
        text = re.sub(r"^```toml\n.*?^```", "", file.read_text(), flags=re.DOTALL | re.MULTILINE)
        text = re.sub(r"\]\([^)]*\)", "", text)
        named = set(re.findall(r"(?<![\w-])(--?[a-zA-Z][\w-]*)", text))
        assert named <= options, file.name


def test_what_the_readme_links_to_is_there():
    for target in re.findall(r"\]\(([\w./-]+)\)", README):
        assert (ROOT / target).exists(), target
