"""Show a text that is longer than the screen in the user's pager, as git does."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess

from hfs_cli import notices
from hfs_cli.render.output import Output

_NOT_FOUND = {126, 127}
"""What a shell exits with when it cannot run a command."""


def page(text: str, command: str | None) -> None:
    """Show a text in the pager; write it as it is if there is none.

    Args:
        text: Safe to show; it may hold colours.
        command: A command for the shell. ``cat`` or a blank one means no pager; None means that of
            ``PAGER``, or `less` if that is not set.
    """
    if command is None:
        command = os.environ.get("PAGER", "less" if shutil.which("less") else "")
    if command.strip() not in {"", "cat"}:
        if _is_missing(command):
            notices.warn(
                f"no program {command.split()[0]} to show it with: set pager, HFS_PAGER or PAGER to"
                " another, or to cat"
            )
        elif _run(command, text):
            return
    Output().write(text)


def _is_missing(command: str) -> bool:
    """Whether a command certainly does not exist; of a complex one only the shell knows."""
    is_plain = re.fullmatch(r"[\w./+-]+( [\w./+:=, -]*)?", command) is not None
    return is_plain and shutil.which(command.split(maxsplit=1)[0]) is None


def _run(command: str, text: str) -> bool:
    """Run the pager to its end; False if there is no such command, and nothing was shown."""
    # Ctrl-C belongs to the pager: it ends a search there. The handler does nothing; SIG_IGN would
    # be inherited by the pager.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    # F: quit at once if it fits; R: colours; X: do not clear the screen. If the user has set LESS,
    # only R is added, in front, because the last option may be a prompt that has no end mark.
    less = f"-R {os.environ['LESS']}" if os.environ.get("LESS") else "FRX"
    env = {**os.environ, "LESS": less, "LV": os.environ.get("LV", "-c")}
    try:
        pager = subprocess.Popen(  # noqa: S602 - the user's own command, as everywhere else
            command, shell=True, stdin=subprocess.PIPE, env=env
        )
        pager.communicate(text.encode("utf-8", "backslashreplace"))
    finally:
        signal.signal(signal.SIGINT, before)
    return pager.returncode not in _NOT_FOUND
