"""Put a completion script where its shell looks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from hfs_cli.errors import ConfigError, UsageError
from hfs_cli.files import refusing, write_file

# A line near the top of each of our scripts.
_OURS = b"completion for hfs. Generated from its commands"


@dataclass(frozen=True, slots=True)
class Installed:
    """What was done.

    Args:
        path: The file of the script.
        changed: Whether it was written; otherwise it was up to date.
        startup: The file that the shell reads when it starts.
        lines: The lines that are still missing in that file.
    """

    path: Path
    changed: bool
    startup: Path
    lines: tuple[str, ...]


def install(shell: str, script: str, env: Mapping[str, str]) -> Installed:
    """Write a script for the user alone.

    Raises:
        UsageError: There is a file of that name that hfs did not write.
        ConfigError: There is no home directory, or the file cannot be written.
    """
    home = env.get("HOME", "")
    if not home.startswith("/"):
        raise ConfigError("no home directory to install in: set HOME")
    path, startup, lines = _place(shell, Path(home), env)
    data = script.encode()
    with refusing(ConfigError, f"cannot write {path}"):
        there = path.read_bytes() if path.exists() else None
        if there is not None and _OURS not in there[:1000]:
            raise UsageError(f"{path} exists and is not from hfs: move it away first")
        if there != data:
            write_file(path, data, replace=True)
        known = startup.read_text("utf-8", "replace") if startup.exists() else ""
    missing = () if all(line in known for line in lines) else lines
    return Installed(path, there != data, startup, missing)


def _place(shell: str, home: Path, env: Mapping[str, str]) -> tuple[Path, Path, tuple[str, ...]]:
    """The file of a shell's script, its startup file, and the lines that this has to hold."""
    data = Path(env.get("XDG_DATA_HOME") or home / ".local/share")
    if shell == "fish":
        fish = Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "fish"
        return fish / "completions/hfs.fish", fish / "config.fish", ()
    if shell == "zsh":
        zsh = Path(env.get("ZDOTDIR") or home)
        # By default no directory of the user is in $fpath.
        lines = (f"fpath=({quote(str(zsh))}/.zfunc $fpath)", "autoload -Uz compinit && compinit")
        return zsh / ".zfunc/_hfs", zsh / ".zshrc", lines
    # bash-completion looks for it at the first Tab after hfs: https://github.com/scop/bash-completion
    bash = Path(env.get("BASH_COMPLETION_USER_DIR") or data / "bash-completion")
    path = bash / "completions/hfs"
    return path, home / ".bashrc", (f"source {quote(str(path))}",)
