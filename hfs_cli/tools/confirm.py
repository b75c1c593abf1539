"""Ask the user before a call runs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from hfs_cli import notices, signals
from hfs_cli.errors import UsageError
from hfs_cli.sanitize import sanitize_line
from hfs_cli.tools.tool import Tool

_SHOWN = 2000


class Confirmation:
    """Asks on the terminal, even where standard input is something else, such as a prompt.

    Args:
        every: Ask about every tool, and not only about those that demand it.
        who: What has it asked, for errors.

    Raises:
        UsageError: There is no terminal to ask on.
    """

    def __init__(self, *, every: bool, who: str) -> None:
        try:
            os.close(os.open("/dev/tty", os.O_RDWR))
            there = notices.stderr_is_terminal()
        except OSError:
            there = False
        if not there:
            raise UsageError(f"{who} asks before a call, and there is no terminal to ask on")
        self._every = every
        self._always: set[str] = set()

    def allows(self, tool: Tool, arguments: Mapping[str, Any]) -> bool:
        """Whether a call may run; in the main thread, where Ctrl-C ends the asking."""
        if not (self._every or tool.confirm) or tool.label in self._always:
            return True
        given = sanitize_line(json.dumps(arguments, ensure_ascii=False))
        more = f" … {len(given) - _SHOWN:,} more characters" if len(given) > _SHOWN else ""
        notices.say(f"{sanitize_line(tool.label)} {given[:_SHOWN]}{more}")
        while True:
            notices.write("Run it? [y]es, [n]o, [a]lways in this turn: ")
            match _line().strip().lower():
                case "y" | "yes":
                    return True
                case "a" | "always":
                    self._always.add(tool.label)
                    return True
                case "n" | "no" | "":
                    return False


def _line() -> str:
    """A line from the terminal, or nothing if the terminal is gone."""
    try:
        with (
            open("/dev/tty", encoding="utf-8", errors="replace") as terminal,  # noqa: PTH123
            signals.noticed(),
        ):
            return terminal.readline()
    except OSError:
        return ""
