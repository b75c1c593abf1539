"""Templates: prompts with placeholders and options, each in a TOML file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from hfs_cli.config.loading import MAX_CONFIG_BYTES, parse_toml
from hfs_cli.errors import ConfigError, NotFoundError, UsageError
from hfs_cli.files import read_file, refusing
from hfs_cli.wording import did_you_mean

# The placeholder that stands for standard input, or for the words where nothing is piped in.
INPUT = "input"
_BUILT_IN = Path(__file__).parents[1] / "templates"
_PLACEHOLDER = re.compile(r"\$(?:(\$)|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})", re.ASCII)
_LONGEST_NAME = 100


class Template(NamedTuple):
    """One template.

    Args:
        name: Its name.
        file: Its file.
        description: One line, or empty.
        prompt: With placeholders, or None.
        system: With placeholders, or None.
        defaults: The values of placeholders that ``-p`` does not give.
        options: The options of `hfs chat` by their long names, as the file has them.
    """

    name: str
    file: Path
    description: str
    prompt: str | None
    system: str | None
    defaults: Mapping[str, str]
    options: Mapping[str, object]

    @property
    def built_in(self) -> bool:
        """Whether it comes with hfs."""
        return self.file.parent == _BUILT_IN


def directory_of(config_file: Path) -> Path:
    """The directory of the user's own templates, beside the configuration file."""
    return config_file.parent / "templates"


def find_template(given: str, directory: Path, *, built_in: bool = False) -> Template:
    """Read a template.

    Args:
        given: Its name, or the path of a file if it holds a slash or ends in ``.toml``.
        directory: That of the user's own, which hide built-in ones of the same name.
        built_in: Whether to look only among those that come with hfs.

    Raises:
        NotFoundError: There is no template of that name.
        ConfigError: The file is not a template.
    """
    if "/" in given or given.endswith(".toml"):
        return read_template(Path(given))
    if _is_name(given):
        for place in (_BUILT_IN,) if built_in else (directory, _BUILT_IN):
            if (place / f"{given}.toml").is_file():
                return read_template(place / f"{given}.toml")
    names = [name for name, _ in template_files(directory)]
    hint = did_you_mean(given, names, 3, otherwise=" (hfs templates list shows all)")
    raise NotFoundError(f'no template "{given}"{hint}')


def template_files(directory: Path | None) -> Iterator[tuple[str, Path]]:
    """The names and files of all templates, sorted; the user's own hide built-in ones.

    Args:
        directory: That of the user's own; None for the built-in ones only.
    """
    found = {file.stem: file for file in _BUILT_IN.glob("*.toml")}
    if directory is not None:
        found |= {file.stem: file for file in directory.glob("*.toml") if _is_name(file.stem)}
    yield from sorted(found.items())


def _is_name(text: str) -> bool:
    words = text.replace("-", "_").replace(".", "_").split("_")
    plain = text.isascii() and all(not word or word.isalnum() for word in words)
    return plain and not text.startswith(("-", ".")) and 0 < len(text) <= _LONGEST_NAME


def own_file(name: str, directory: Path) -> Path:
    """The file of a template of the user's own, whether or not it exists.

    Raises:
        UsageError: A template cannot have this name.
    """
    if not _is_name(name):
        raise UsageError(f'"{name}" cannot name a template: use letters, digits, - _ and .')
    return directory / f"{name}.toml"


def read_template(file: Path) -> Template:
    """Read a template's file.

    Raises:
        NotFoundError: The file does not exist.
        ConfigError: It is not a template.
    """
    with refusing(ConfigError, f"cannot read {file}"):
        if not file.exists():
            raise NotFoundError(f"no template {file}: the file is not there")
    document = parse_toml(read_file(file, MAX_CONFIG_BYTES, failure=ConfigError), file)
    texts: dict[str, str | None] = {}
    for key in ("description", "prompt", "system"):
        value = document.pop(key, None)
        if value is not None and not isinstance(value, str):
            raise ConfigError(f"{key} in {file} must be a string")
        texts[key] = None if value is None else value.strip("\n")
    defaults = document.pop("defaults", {})
    if not isinstance(defaults, dict) or not all(
        isinstance(value, str | int | float) for value in defaults.values()
    ):
        raise ConfigError(f"defaults in {file} must be a table of strings or numbers")
    return Template(
        name=file.stem,
        file=file,
        description=texts["description"] or "",
        prompt=texts["prompt"],
        system=texts["system"],
        defaults={
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in defaults.items()
        },
        options=document,
    )


def placeholders(text: str) -> list[str]:
    """The names of the placeholders in a text, each once, in order."""
    names = (plain or braced for _, plain, braced in _PLACEHOLDER.findall(text))
    return list(dict.fromkeys(name for name in names if name))


def substituted(text: str, values: Mapping[str, str], name: str, *, record: bool = False) -> str:
    """Replace the placeholders in a text by their values.

    ``$name`` and ``${name}`` are placeholders and ``$$`` is a dollar; any other dollar is itself.
    Values are put in as they are: "$x" in one is not a placeholder.

    Args:
        name: The template's name, for the error.
        record: Whether the values include the fields of a record.

    Raises:
        UsageError: A placeholder has no value.
    """
    for missing in placeholders(text):
        if missing not in values:
            if record:
                raise UsageError(
                    f"the template {name} needs a value for {missing}: give the record a field of"
                    f" that name, or pass -p {missing} VALUE"
                )
            if missing == INPUT:
                raise UsageError(
                    f"the template {name} needs an input: pipe it in, or give a prompt"
                )
            raise UsageError(
                f"the template {name} needs a value for {missing}: pass -p {missing} VALUE"
            )
    return _PLACEHOLDER.sub(lambda m: "$" if m[1] else values[m[2] or m[3]], text)
