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
        path: The file.
        changed: Whether it was written; otherwise it was there already.
        startup: The file that the shell reads when it starts.
        lines: What has to stand in that file; empty when nothing does.
    """

    path: Path
    changed: bool
    startup: Path
    lines: tuple[str, ...] = ()


def install(shell: str, script: str, env: Mapping[str, str]) -> Installed:
    """Write a script for one user.

    Args:
        shell: ``bash``, ``zsh`` or ``fish``.
        script: The script's text.
        env: The environment.

    Raises:
        UsageError: A file that hfs did not write has its name.
        ConfigError: There is no home directory, or it cannot be written.
    """
    home = env.get("HOME", "")
    if not home.startswith("/"):
        raise ConfigError("no home directory to install in: set HOME")
    place = _place(shell, Path(home), env)
    data = script.encode()
    with refusing(ConfigError, f"cannot write {place.path}"):
        there = place.path.read_bytes() if place.path.exists() else None
        if there is not None and _OURS not in there[:1000]:
            raise UsageError(f"{place.path} exists and is not from hfs: move it away first")
        if there != data:
            write_file(place.path, data, replace=True)
        known = place.startup.read_text("utf-8", "replace") if place.startup.exists() else ""
    missing = () if all(line in known for line in place.lines) else place.lines
    return Installed(place.path, there != data, place.startup, missing)


def _place(shell: str, home: Path, env: Mapping[str, str]) -> Installed:
    data = Path(env.get("XDG_DATA_HOME") or home / ".local/share")
    if shell == "fish":
        fish = Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "fish"
        return Installed(fish / "completions/hfs.fish", True, fish / "config.fish")
    if shell == "zsh":
        zsh = Path(env.get("ZDOTDIR") or home)
        # No directory of the user's is in $fpath by itself.
        lines = (f"fpath=({quote(str(zsh))}/.zfunc $fpath)", "autoload -Uz compinit && compinit")
        return Installed(zsh / ".zfunc/_hfs", True, zsh / ".zshrc", lines)
    # https://github.com/scop/bash-completion: looked for at the first Tab behind hfs.
    bash = Path(env.get("BASH_COMPLETION_USER_DIR") or data / "bash-completion")
    path = bash / "completions/hfs"
    return Installed(path, True, home / ".bashrc", (f"source {quote(str(path))}",))
