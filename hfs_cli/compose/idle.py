"""Refuse options of a turn that stand on the command line and would do nothing there.

Whoever types an option believes that it holds. What a template, a profile or a variable says is
meant for other turns too: there an option may be of no use to this one.
"""

from __future__ import annotations

import sys
from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from typing import Any

from hfs_cli import notices
from hfs_cli.config import Config
from hfs_cli.config.settings import VENDOR_TOOLS, WEB_SEARCH
from hfs_cli.errors import UsageError

# What cannot be kept in a template, so that --save-template would drop it.
_NOT_KEPT = {"profile": "--profile", "dry_run": "--dry-run", "owner": "--owner"}


def refuse_idle(typed: frozenset[str], values: Mapping[str, Any], config: Config) -> Config:
    """Check that each option that was typed can do something.

    Args:
        typed: The names of the parameters that stand on the command line.
        values: What is not a setting, with what templates and the profile say.
        config: The settings, these included.

    Returns:
        The settings, where ``--no-search`` beats a profile whose tools have web-search.

    Raises:
        UsageError: An option would be ignored.
    """
    if "search" in typed and not config.search and WEB_SEARCH in config.tool:
        if "tool" in typed:
            raise UsageError("--no-search forbids what --tool web-search asks for: keep one")
        config = replace(config, tool=tuple(tool for tool in config.tool if tool != WEB_SEARCH))
    for why in (*_without_tools(typed, config), *_beside_others(typed, values)):
        raise UsageError(why)
    return config


def _without_tools(typed: Container[str], config: Config) -> Iterator[str]:
    """What limits or shows tools, and there are none: of the user's own, or of any kind."""
    if set(config.tool) <= set(VENDOR_TOOLS):
        if "confirm" in typed:
            yield "--confirm goes with --tool NAME"
        if "tool_timeout" in typed:
            yield "--tool-timeout limits tools that run here: name one with --tool"
        if "verbose" in typed:
            yield "-v shows what tools are given and say: name one with --tool"
    # A vendor that searches may pause its reply, and going on takes another request.
    if "max_steps" in typed and not (config.tool or config.searches):
        yield "--max-steps limits a turn with tools: name one with --tool"


def _beside_others(typed: frozenset[str], values: Mapping[str, Any]) -> Iterator[str]:
    """What another option leaves nothing to do."""
    if typed >= {"name", "save"}:
        yield "-n names a session, and --no-save keeps none: leave out one"
    if "stdin" in typed:
        if "-" in (*values["words"], *values["files"]):
            yield "- asks for standard input and --no-stdin forbids it: drop one"
        if "stdin_timeout" in typed:
            yield "--no-stdin leaves standard input alone: leave out --stdin-timeout"
    # Rivals in a template or a profile have given way to what is typed, so the others are typed.
    if "render" in typed and values["format"] != "text":
        yield f"--render is for text, and --format {values['format']} prints JSON: leave out one"
    if typed >= {"stream", "format"} and values["format"] == "jsonl":
        yield "--format jsonl prints events as they come: for one object at the end take --json"
    if "citations" in typed and values["extract"]:
        yield "-x prints only code, without sources: leave out --citations"
    if "encoding" in typed and not _decodes(typed, values):
        yield "--encoding says how files and standard input are written: add -f, or pipe text in"


def _decodes(typed: Container[str], values: Mapping[str, Any]) -> bool:
    """Whether there may be text in another encoding; a pipe may always bring some."""
    if values["files"] or values["system_file"] or "words" not in values:
        return True
    if "-" in values["words"]:
        return True
    return "stdin" not in typed and not notices.is_terminal(sys.stdin)


def refuse_unkept(typed: frozenset[str], config: Config) -> None:
    """Check that ``--save-template`` keeps all that was typed.

    Args:
        typed: The names of the parameters that stand on the command line.
        config: The settings, these included.

    Raises:
        UsageError: It would drop an option.
    """
    unkept = [option for name, option in _NOT_KEPT.items() if name in typed]
    if "search" in typed and not config.search:
        unkept.append("--no-search")
    for option in unkept:
        raise UsageError(f"a template cannot hold {option}: leave it out")
