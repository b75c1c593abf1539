"""A program as a tool: one JSON object on standard input, the result on standard output."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hfs_cli.config.tools import ProgramConfig
from hfs_cli.errors import ConfigError
from hfs_cli.json_schema import check_schema, schema_of_fields
from hfs_cli.processes import converse, program_environment
from hfs_cli.tools.tool import MAX_RESULT_BYTES, Result, result_text

_ERROR_LINES = 20


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is ready to run.

    Args:
        words: It and its arguments; the first is an absolute path.
        env: Its whole environment.
        timeout: Seconds.
    """

    label: str
    description: str
    parameters: Mapping[str, Any]
    words: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str | None
    timeout: float
    confirm: bool
    parallel: bool

    def call(
        self, arguments: Mapping[str, Any], seconds: float | None, stopped: Callable[[], bool]
    ) -> Result:
        """Run it once."""
        try:
            done = converse(
                self.words,
                json.dumps(arguments, ensure_ascii=False).encode("utf-8", "surrogatepass"),
                env=self.env,
                cwd=self.cwd,
                seconds=self.timeout if seconds is None else seconds,
                keep=MAX_RESULT_BYTES,
                stopped=stopped,
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            return Result(f"{self.label} cannot be run: {reason}", failed=True)
        output = result_text(done.output, done.size)
        if not done.cut and done.status == 0:
            return Result(output)
        parts = [output.rstrip("\n"), f"[{self.label} {_ending(done.cut, done.status)}]"]
        if done.errors:
            last = result_text(done.errors).splitlines()[-_ERROR_LINES:]
            parts.append("\n".join(["standard error ended with:", *last]))
        return Result("\n".join(part for part in parts if part), failed=True)


def _ending(cut: str, status: int) -> str:
    """How a program failed, in words."""
    if cut:
        return f"was ended: {cut}"
    if status > 0:
        return f"failed with exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = str(-status)
    return f"was ended by signal {name}"


def open_program(config: ProgramConfig, file: Path, hidden: Collection[str]) -> Program:
    """Prepare a configured program; nothing is run.

    Args:
        config: Its table.
        file: Where it stands, for errors.
        hidden: The variables that hold providers' keys; no tool gets one.

    Raises:
        ConfigError: Something is missing or cannot be used.
    """
    where = f"[tools.{config.name}] of {file}"
    if not config.command:
        raise ConfigError(f'{where} has no command: command = ["PROGRAM", "ARGUMENT"]')
    if not config.description:
        raise ConfigError(f"{where} has no description, and the model knows nothing else about it")
    return Program(
        label=config.name,
        description=config.description,
        parameters=_parameters(config.parameters, where),
        words=(find_program(config.command[0], where), *config.command[1:]),
        env=environment(config.env, hidden, where),
        cwd=working_directory(config.cwd, where),
        timeout=config.timeout,
        confirm=config.confirm,
        parallel=config.parallel,
    )


def _parameters(given: Mapping[str, Any] | str, where: str) -> Mapping[str, Any]:
    try:
        if isinstance(given, str):
            return schema_of_fields(given)
        # Every vendor wants the schema of an object.
        schema = {"type": "object", "properties": {}, **given}
        check_schema(schema)
    except ValueError as error:
        raise ConfigError(f"parameters ({where}) cannot be used: {error}") from error
    if schema["type"] != "object":
        raise ConfigError(f'parameters ({where}) must describe an object: type = "object"')
    return schema


def find_program(name: str, where: str) -> str:
    """The absolute path of a program, as written or found in ``PATH``.

    Nothing is taken from the current directory: whoever made it could run a program of theirs.

    Raises:
        ConfigError: It is not there, or could be another one elsewhere.
    """
    path = os.path.expanduser(name)  # noqa: PTH111
    if "/" in path and not path.startswith("/"):
        raise ConfigError(f"{name} ({where}) is relative: write its whole path, or its bare name")
    directories = os.environ.get("PATH", os.defpath).split(os.pathsep)
    safe = os.pathsep.join(entry for entry in directories if entry.startswith("/"))
    found = shutil.which(path, path=safe)
    if found is None:
        raise ConfigError(f"there is no program {name} ({where}): install it, or write its path")
    return found


def environment(names: tuple[str, ...], hidden: Collection[str], where: str) -> dict[str, str]:
    """The environment of a tool.

    Raises:
        ConfigError: A provider's key would be in it.
    """
    refuse_keys(names, hidden, where)
    return program_environment(os.environ, names)


def refuse_keys(names: tuple[str, ...], hidden: Collection[str], where: str) -> None:
    """Check that no tool is given a provider's key.

    Raises:
        ConfigError: One of the variables holds a provider's key.
    """
    for name in names:
        if name in hidden:
            raise ConfigError(
                f"{name} ({where}) holds a provider's key, which no tool gets: export it under"
                " another name if this one needs it"
            )


def working_directory(given: str | None, where: str) -> str | None:
    """The directory in which a tool runs, or None for the current one.

    Raises:
        ConfigError: It is relative, or no directory.
    """
    if given is None:
        return None
    path = os.path.expanduser(given)  # noqa: PTH111
    if not path.startswith("/"):
        raise ConfigError(f"cwd ({where}) is relative: write its whole path")
    if not os.path.isdir(path):  # noqa: PTH112
        raise ConfigError(f"cwd ({where}) is not a directory: {path}")
    return path
