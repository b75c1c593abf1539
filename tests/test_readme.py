"""The README is true: its commands run, its tables match the code."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hfs_cli import errors
from hfs_cli.cli import hfs as hfs_group
from hfs_cli.completion.tree import read_tree
from tests.providers.asking import WIRES
from tests.scripted_server import openai_sse

ROOT = Path(__file__).parent.parent
TEMPLATES = ROOT / "hfs_cli" / "templates"
README = (ROOT / "README.md").read_text()
RUN = [
    line
    for block in re.findall(r"<!-- run -->\n```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
]

RECIPES = dict(
    re.findall(
        r"<!-- run: (\w+) -->\n```sh\n(.*?)```",
        (ROOT / "docs" / "recipes.md").read_text(),
        re.DOTALL,
    )
)


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


# What each recipe leaves: a file of the directory and what is in it, or what it prints.
LEAVES = {
    "hook": ("git log -1 --format=%B", "An answer:"),
    "triage": ("cat triage.json", '"severity": "high"'),
    "enrich": ("cat reviews.jsonl", '"complaint": true'),
    "cron": ("cat disks.md", "An answer:"),
    "review": ("cat review.json", '"ok": true'),
    "fzf": ("true", "What is new?"),
    "replay": ("cat expected", "AN ANSWER:"),
    "parallel": ("cat answers", "An answer:"),
}
PROGRAMS = {"fzf": "fzf", "parallel": "parallel"}


def _suiting(request):
    """A reply to a schema where one was sent, and prose elsewhere."""
    if "response_format" not in request.json:
        return openai_sse("An answer:\n\n```sh\ntrue\n```\n")
    schema = request.json["response_format"]["json_schema"]["schema"]
    values = {"boolean": True, "string": "high"}
    kinds = {name: one["type"] for name, one in schema["properties"].items()}
    return openai_sse(json.dumps({name: values[kind] for name, kind in kinds.items()}))


def test_every_recipe_has_what_it_leaves():
    assert RECIPES.keys() == LEAVES.keys()


@pytest.mark.parametrize("name", LEAVES)
def test_each_recipe_does_what_it_says(shell, server, name):
    program = PROGRAMS.get(name)
    if program and shutil.which(program) is None:
        pytest.skip(f"needs {program}, which .ci/run installs")
    server.always(_suiting)
    names, addresses = "GIT_{AUTHOR,COMMITTER}_NAME=A", "GIT_{AUTHOR,COMMITTER}_EMAIL=a@localhost"
    setup = f"export {names} {addresses}\ngit commit --quiet --allow-empty -m More\n"
    done = shell(f"{setup}{RECIPES[name]}")
    assert done.returncode == 0, done.stderr.decode()
    look, found = LEAVES[name]
    assert found in (done.stdout + shell(look).stdout).decode()


@pytest.mark.parametrize("name", sorted(p.stem for p in TEMPLATES.glob("*.toml")))
def test_every_template_that_comes_with_hfs_is_run(name):
    pages = [README, *(file.read_text() for file in (ROOT / "docs").glob("*.md"))]
    run = [line for page in pages for line in page.splitlines() if f"-t {name}" in line]
    assert any(line in RUN or any(line in r for r in RECIPES.values()) for line in run)


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
        text = file.read_text()
        # Recipes are run instead.
        kinds = "toml|sh" if file.name == "recipes.md" else "toml"
        text = re.sub(rf"^```({kinds})\n.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
        text = re.sub(r"\]\([^)]*\)", "", text)
        named = set(re.findall(r"(?<![\w-])(--?[a-zA-Z][\w-]*)", text))
        assert named <= options, file.name


def test_the_readme_names_every_format_that_a_server_may_speak():
    (named,) = re.findall(r"speaks one of the\s+formats (.*?) is a provider", README, re.DOTALL)
    assert re.findall("`(.*?)`", named) == list(WIRES)


def test_what_the_readme_links_to_is_there():
    for target in re.findall(r"\]\(([\w./-]+)\)", README):
        assert (ROOT / target).exists(), target
