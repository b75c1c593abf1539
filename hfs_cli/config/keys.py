"""Find a provider's key: the environment, then a command, then the key file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hfs_cli.errors import ConfigError, CredentialsError, NotFoundError
from hfs_cli.files import changing, read_file, write_file

COMMAND_SECONDS = 10.0
MAX_OUTPUT_BYTES = 100_000
MAX_KEY_FILE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class KeySource:
    """Where to look for the key of a provider.

    Args:
        provider: The provider's name, also in the key file.
        env_var: The environment variable that holds it, or None.
        command: A command that prints it, or None.
        required: Whether the provider needs a key.
        also: Another variable that may hold it, or None.
    """

    provider: str
    env_var: str | None = None
    command: str | tuple[str, ...] | None = None
    required: bool = True
    also: str | None = None

    def variable(self, env: Mapping[str, str]) -> str | None:
        """The variable that holds it, or None."""
        return next((name for name in (self.env_var, self.also) if name and env.get(name)), None)

    @property
    def hint(self) -> str:
        """What the user can do about a missing or wrong key."""
        setting = f"set {self.env_var} or " if self.env_var else ""
        return f"{setting}run: hfs keys set {self.provider}"


@dataclass(frozen=True, slots=True)
class Key:
    """A key and where it came from; its representation does not show it."""

    value: str = field(repr=False)
    origin: str


def find_key(
    source: KeySource, env: Mapping[str, str], file: Path, warn: Callable[[str], None]
) -> Key | None:
    """The key to send, or None if none is needed and none is set.

    Args:
        source: Where to look.
        env: The environment.
        file: The key file.
        warn: Called if others may read the key file, or the command needs a shell.

    Raises:
        CredentialsError: A key is needed and not there, or cannot be sent in a header.
        ConfigError: The key file cannot be used.
    """
    key = None
    if variable := source.variable(env):
        key = Key(env[variable], f"environment ({variable})")
    elif source.command:
        warn_of_shell(source.provider, source.command, warn)
        printed = command_output(source.command, f"api_key_cmd of {source.provider}")
        key = Key(printed, "api_key_cmd")
    elif value := read_keys(file, warn).get(source.provider):
        key = Key(value, f"key file ({file})")
    if key:
        return _usable(key, source)
    if source.required:
        raise CredentialsError(f"no key for {source.provider}: {source.hint}")
    return None


def warn_of_shell(
    provider: str, command: str | tuple[str, ...], warn: Callable[[str], None]
) -> None:
    """Warn of an api_key_cmd that only a shell would understand."""
    if sign := _for_a_shell(command):
        warn(
            f"api_key_cmd of {provider} is run without a shell, which {sign} needs:"
            ' write ["sh", "-c", "…"]'
        )


def _for_a_shell(command: str | tuple[str, ...]) -> str | None:
    """The first character of a command that only a shell understands, or None.

    A list has none, because each of its words is meant literally. ``sh -c 'pass x | head -1'`` has
    none either: its pipe is quoted, and a part of a word.
    """
    import shlex

    if not isinstance(command, str):
        return None
    lexer = shlex.shlex(command, posix=False, punctuation_chars="|&;<>")
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        # Only the character is shown: a word may be the key itself.
        signs = [word.lstrip('"')[:1] for word in lexer]
    except ValueError:  # a quote that does not end
        return None
    return next((sign for sign in signs if sign in {*"|&;<>$`~"}), None)


def _program(command: str | tuple[str, ...]) -> str:
    """The program that a command runs; empty where the word may be the key itself, or hold it.

    A key has a digit, and no path at its beginning.
    """
    first = next(iter(command.split() if isinstance(command, str) else command), "")
    is_path = first.startswith(("/", "./", "~/"))
    return first if is_path or re.fullmatch(r"[A-Za-z_.+-]+", first) else ""


def command_output(command: str | tuple[str, ...], name: str) -> str:
    """Run a command that prints a secret, and return it without the newline at its end.

    Args:
        command: The command and its arguments; it is run without a shell.
        name: What errors call it.

    Raises:
        CredentialsError: It cannot be run, fails, takes too long or prints nothing.
    """
    import shlex

    from hfs_cli.posix import output_of

    try:
        words = shlex.split(command) if isinstance(command, str) else command
        status, output = output_of(words, seconds=COMMAND_SECONDS, limit=MAX_OUTPUT_BYTES)
    except TimeoutError as error:
        raise CredentialsError(
            f"{name} took over {COMMAND_SECONDS:.0f} s or printed over {MAX_OUTPUT_BYTES} bytes: "
            "it must print the key alone"
        ) from error
    except (OSError, ValueError, IndexError) as error:
        reason = getattr(error, "strerror", None) or error
        program = _program(command)
        raise CredentialsError(
            f"{name} cannot be run: {f'{program}: ' if program else ''}{reason}"
        ) from error
    if status:
        # Its output is not shown: it may be the key.
        raise CredentialsError(f"{name} failed ({status}): run it in your shell to see why")
    # The newline that ends the output is not part of the key.
    value = output.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
    if not value:
        raise CredentialsError(f"{name} printed nothing: run it in your shell to see why")
    return value


def read_keys(file: Path, warn: Callable[[str], None]) -> dict[str, str]:
    """All keys of the key file; none if there is no file.

    Raises:
        ConfigError: It cannot be read, or `hfs keys set` did not write it.
    """
    data = read_file(file, MAX_KEY_FILE_BYTES, absent=b"", failure=ConfigError)
    if not data:
        return {}
    if file.stat().st_mode & 0o077:
        warn(f"others can read the key file {file}: run chmod 600 on it")
    try:
        keys = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"the key file {file} is not JSON: mend it, or delete it") from error
    if not isinstance(keys, dict) or not all(isinstance(v, str) for v in keys.values()):
        raise ConfigError(
            f"the key file {file} must hold one object of strings: mend it, or delete it"
        )
    return keys


def set_key(file: Path, provider: str, value: str) -> None:
    """Store a key in the key file, which only its owner can read.

    Raises:
        CredentialsError: It cannot be a key.
        ConfigError: The file cannot be used.
    """
    _usable(Key(value, "input"), KeySource(provider))
    with changing(file, ConfigError):
        _write(file, read_keys(file, lambda _: None) | {provider: value})


def remove_key(file: Path, provider: str) -> None:
    """Remove a key from the key file.

    Raises:
        NotFoundError: The file holds none for this provider.
        ConfigError: The file cannot be used.
    """
    keys = read_keys(file, lambda _: None)
    if provider not in keys:
        there = f"it holds those of {', '.join(keys)}" if keys else "it holds none"
        raise NotFoundError(f"the key file holds no key for {provider}: {there}")
    with changing(file, ConfigError):
        keys = read_keys(file, lambda _: None)
        keys.pop(provider, None)
        _write(file, keys)


def _write(file: Path, keys: Mapping[str, str]) -> None:
    text = json.dumps(keys, indent=2) + "\n"
    write_file(file, text.encode(), replace=True)


def _usable(key: Key, source: KeySource) -> Key:
    """Check that a key can be the value of a header; it is never shown and never repaired."""
    if not key.value.isascii() or not key.value.isprintable() or " " in key.value:
        raise CredentialsError(
            f"the key for {source.provider} from the {key.origin} holds a space, "
            "a line break or a character that no key has: copy it again"
        )
    return key


def where_found(source: KeySource, env: Mapping[str, str], stored: Mapping[str, str]) -> str | None:
    """Where a key would come from; no command is run, and nothing is shown."""
    if variable := source.variable(env):
        return f"environment ({variable})"
    if source.command:
        return "api_key_cmd"
    return "key file" if source.provider in stored else None
