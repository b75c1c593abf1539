"""Real shells on a pseudo-terminal, with hfs completed by the generated scripts."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest

from tests.conftest import UNMEASURED, clean_environment

SCRIPTS = Path(__file__).parents[2] / "completions"
REPOSITORY = Path(__file__).parents[2]
_DONE = "<ran>"

# In each shell hfs is a function that tells its arguments; the completion script calls the
# command behind it.
_START = {
    "bash": """
        bind 'set bell-style none' 'set enable-bracketed-paste off' 2>/dev/null
        bind 'set completion-query-items 1000' ; bind 'set page-completions off'
        PS1='ready> ' ; {bash_completion}
        source {scripts}/hfs.bash
        _hfs_heard() {{ _hfs "$@" 2>> "$ERRORS"; }}
        complete -o nosort -F _hfs_heard hfs
        hfs() {{ printf '%s\\0' "$@" > "$TOLD"; echo '<ra''n>'; }}
    """,
    "zsh": """
        unsetopt beep prompt_cr ; setopt no_list_beep ; LISTMAX=1000 ; PS1='ready> '
        fpath=({scripts} $fpath) ; autoload -Uz compinit ; compinit -u -D
        _hfs_heard() {{ _hfs "$@" 2>> "$ERRORS" }} ; compdef _hfs_heard hfs
        hfs() {{ printf '%s\\0' "$@" > "$TOLD"; echo '<ra''n>'; }}
    """,
    "fish": """
        function fish_prompt; echo 'ready> '; end
        set fish_greeting ; set fish_autosuggestion_enabled 0
        source {scripts}/hfs.fish
        function hfs; printf '%s\\0' $argv > $TOLD; echo '<ra''n>'; end
    """,
}
_ARGV = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "bash with bash-completion": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    # fish itself writes the line to standard output, and what scripts complain of to the other.
    "fish": ["sh", "-c", 'exec fish --no-config -i 2>> "$ERRORS"'],
}
SHELLS = tuple(_ARGV)
BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")


class Shell:
    """An interactive shell. Keys are sent as typed; what hfs would have got is read back."""

    def __init__(self, child: pexpect.spawn, home: Path) -> None:
        self._child = child
        self.kind = ""
        self.home = home
        self._told = home / "told"
        self._log = home / "started"
        self._errors = home / "errors"

    def completed(self, line: str) -> list[str]:
        """Type a line, press Tab, press Enter; the arguments that hfs gets."""
        return self.ran(line + "\t")

    def ran(self, keys: str) -> list[str]:
        """Type keys and Enter; the arguments that hfs gets."""
        self._told.unlink(missing_ok=True)
        self._child.send(keys + "\r")
        self._child.expect_exact(_DONE)
        self.check_silence()
        return self._told.read_bytes().decode().split("\0")[:-1]

    def shows(self, line: str, text: str) -> str:
        """Type a line, press Tab twice; wait until the text is shown; what was shown till then."""
        self._child.send(line + "\t\t")
        self._child.expect_exact(text)
        seen = self._child.before + self._child.after
        # Not Ctrl-C: while the shell still draws its list, that ends the list and not the line,
        # which the next one would be typed behind.
        self.ran("\x15hfs")
        return seen

    def check_silence(self) -> None:
        """Fail on whatever a completion script wrote to standard error."""
        said = self._errors.read_text() if self._errors.exists() else ""
        self._errors.write_text("")  # fish keeps it open
        assert said == "", said

    @property
    def starts(self) -> int:
        """How often hfs itself was started."""
        return len(self._log.read_text().splitlines()) if self._log.exists() else 0


@contextmanager
def open_shell(
    kind: str, home: Path, *, data: Path | None = None, database: str | None = None
) -> Iterator[Shell]:
    """A shell of that kind in a home of its own; skipped where there is none."""
    name = kind.partition(" ")[0]
    if shutil.which(name) is None:
        pytest.skip(f"no {name} here")
    if kind != name and not BASH_COMPLETION.exists():
        pytest.skip("no bash-completion here")
    command = home / "bin" / "hfs"
    command.parent.mkdir(parents=True, exist_ok=True)
    command.write_text(
        f'#!/bin/sh\necho start >> "{home}/started"\nexec "{sys.executable}" -m hfs_cli "$@"\n'
    )
    command.chmod(0o755)
    start = home / "start"
    start.write_text(
        _START[name].format(
            scripts=SCRIPTS, bash_completion=f"source {BASH_COMPLETION}" if kind != name else ":"
        )
    )
    env = clean_environment(home) | {
        "PATH": f"{command.parent}:/usr/bin:/bin",
        "PYTHONPATH": str(REPOSITORY),
        "TOLD": str(home / "told"),
        "ERRORS": str(home / "errors"),
        "LC_ALL": "C.UTF-8",
    }
    env |= {"HFS_DATA_DIR": str(data)} if data else {}
    # With a file, what a Tab runs is measured by test_words.py.
    env |= {"HFS_DATABASE": database} if database else UNMEASURED
    argv = _ARGV[kind]
    child = pexpect.spawn(
        argv[0], argv[1:], env=env, cwd=home, encoding="utf-8", dimensions=(60, 160), timeout=120
    )
    child.delaybeforesend = None  # a wait for programs that ask for passwords
    try:
        child.send(f"source {start} ; echo '<star''ted>'\r")
        child.expect_exact("<started>")
        yield Shell(child, home)
    finally:
        child.close(force=True)
