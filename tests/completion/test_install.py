"""`hfs completion SHELL --install` in a fresh home: Tab works in the next shell."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pexpect
import pytest

from tests.completion.shells import BASH_COMPLETION, REPOSITORY
from tests.conftest import clean_environment

# What a distribution gives a new account, or nothing.
STARTUP = {
    "bash with bash-completion": (".bashrc", f"source {BASH_COMPLETION}\n"),
    "bash": (".bashrc", None),
    "zsh": (".zshrc", None),
    "fish": (".config/fish/config.fish", None),
}


@pytest.fixture
def environment(tmp_path):
    """A home with nothing in it and hfs on the PATH; hfs tells its arguments there."""
    home = tmp_path / "home"
    command = home / "bin/hfs"
    command.parent.mkdir(parents=True)
    command.write_text(
        "#!/bin/sh\n"
        f'case $1 in completion|__complete) exec "{sys.executable}" -m hfs_cli "$@";; esac\n'
        """printf '<%s>' "$@"; echo\n"""
    )
    command.chmod(0o755)
    return clean_environment(home) | {
        "PATH": f"{command.parent}:/usr/bin:/bin",
        "PYTHONPATH": str(REPOSITORY),
        "LC_ALL": "C.UTF-8",
    }


def installed(shell, environment):
    return subprocess.run(
        ["hfs", "completion", shell, "--install"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("kind", STARTUP)
def test_tab_works_in_the_next_shell_of_a_fresh_account(kind, environment, tmp_path):
    shell = kind.partition(" ")[0]
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    done = installed(shell, environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("wrote ")
    name, given = STARTUP[kind]
    startup = tmp_path / "home" / name
    advice = [line.strip() for line in done.stdout.splitlines() if line.startswith("  ")]
    startup.parent.mkdir(parents=True, exist_ok=True)
    startup.write_text(given or "".join(f"{line}\n" for line in advice))
    child = pexpect.spawn(
        shell, ["-i"], env=environment, encoding="utf-8", dimensions=(40, 160), timeout=120
    )
    try:
        child.send("echo rea''dy\r")
        child.expect_exact("ready")
        child.send("hfs sessions sh\tx\r")
        child.expect_exact("<sessions><show><x>")
    finally:
        child.close(force=True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_installing_again_changes_nothing_and_asks_for_nothing_that_is_there(
    shell, environment, tmp_path
):
    first = installed(shell, environment)
    startup = tmp_path / "home" / STARTUP[shell][0]
    startup.parent.mkdir(parents=True, exist_ok=True)
    startup.write_text("".join(f"{x[2:]}\n" for x in first.stdout.splitlines() if x[:2] == "  "))
    again = installed(shell, environment)
    assert again.stdout.startswith("already up to date: ")
    assert "  " not in again.stdout


def test_a_file_of_somebody_elses_stays(environment, tmp_path):
    file = tmp_path / "home/.config/fish/completions/hfs.fish"
    file.parent.mkdir(parents=True)
    file.write_text("mine\n")
    done = installed("fish", environment)
    assert (done.returncode, file.read_text()) == (2, "mine\n")
    assert "is not from hfs: move it away first" in done.stderr
