"""Completions from the configuration: models, aliases, providers, settings, tools, templates."""

from __future__ import annotations

import os

from hfs_cli.places import cache_directory, config_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from hfs_cli.config.settings import Setting

    Word = tuple[str, str]

_MAX_BYTES = 1_000_000


def models() -> Iterator[Word]:
    """Aliases, models that the configuration names, and the defaults of providers."""
    document = _document()
    for alias, model in _table(document, "aliases").items():
        yield alias, f"alias of {model}"
    for name in ("model", "fallback"):
        given = document.get(name)
        if isinstance(given, str):
            given = [m.strip() for m in given.split(",")] if name == "fallback" else [given]
        for model in given if isinstance(given, list) else ():
            if isinstance(model, str) and "/" in model:
                yield model, f"{name} of the configuration"
    for model in _table(document, "models"):
        yield model, "configured"
    for name, provider in _table(document, "providers").items():
        if isinstance(provider, dict) and provider.get("model"):
            yield f"{name}/{provider['model']}", f"default of {name}"
    for name, preset in _presets().items():
        if preset.model:
            yield f"{name}/{preset.model}", f"default of {name}"
    yield from _listed()


def _listed() -> Iterator[Word]:
    """The models that providers listed when `hfs models list` last asked them."""
    directory = cache_directory()
    try:
        names = sorted(os.listdir(directory))  # noqa: PTH208  (pathlib takes 8 ms)
    except OSError:
        return
    for name in names:
        provider = name.removeprefix("models-").removesuffix(".json")
        # Providers whose names are escaped in the file name are left out.
        if name == f"models-{provider}.json" and "%" not in provider:
            for model in _json_list(f"{directory}/{name}", "models"):
                yield f"{provider}/{model}", f"listed by {provider}"


def _json_list(path: str, key: str) -> list[object]:
    import json

    try:
        with open(path, "rb") as file:  # noqa: PTH123
            found = json.loads(file.read())[key]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
    return found if isinstance(found, list) else []


def providers() -> Iterator[Word]:
    """The providers that hfs knows, and those of the configuration."""
    own = _table(_document(), "providers")
    for name, preset in _presets().items():
        where = "in this process" if preset.type == "local" else "needs its address: base_url"
        yield name, preset.base_url or where
    for name, provider in own.items():
        if name not in _presets():
            yield name, str(provider.get("base_url", "")) if isinstance(provider, dict) else ""


def weights(prefix: str) -> Iterator[Word]:
    """What ``hfs models pull`` knows by name, and GGUF files in the directory of the prefix."""
    from hfs_cli.providers.embedded.weights import DOWNLOADS, SMOLLM2
    from hfs_cli.wording import data_size

    sizes = {SMOLLM2.name: SMOLLM2.size} | {name: d.size for name, d in DOWNLOADS.items()}
    for name, size in sizes.items():
        yield name, data_size(size) if size else ""
    directory = os.path.dirname(prefix)  # noqa: PTH120  (pathlib takes 8 ms)
    try:
        files = sorted(os.listdir(directory or "."))  # noqa: PTH208
    except OSError:
        return
    for file in files:
        if file.endswith(".gguf"):
            yield f"{directory}/{file}".removeprefix("/" * (not directory)), ""


def profiles() -> Iterator[Word]:
    """The profiles of the configuration, with what each sets."""
    for name, profile in _table(_document(), "profiles").items():
        yield name, ", ".join(profile) if isinstance(profile, dict) else ""


def tools() -> Iterator[Word]:
    """Programs, MCP servers, and the tools that each server last listed."""
    document = _document()
    for name, program in _table(document, "tools").items():
        yield name, str(program.get("description", "")) if isinstance(program, dict) else ""
    for name in _table(document, "mcp"):
        yield name, "all tools of the MCP server"
        for tool in _json_list(f"{cache_directory()}/mcp-{name}.json", "tools"):
            if isinstance(tool, list) and len(tool) > 1:
                yield f"{name}:{tool[0]}", next(iter(str(tool[1]).splitlines()), "")
    yield "code-execution", "the provider's own"
    yield "web-search", "the provider's own"


def templates() -> Iterator[Word]:
    """The templates with their descriptions, or without if they cannot be read."""
    from pathlib import Path

    from hfs_cli.config.templates import directory_of, read_template, template_files
    from hfs_cli.errors import HfsError

    for name, file in template_files(directory_of(Path(config_file(os.environ)))):
        try:
            yield name, read_template(file).description
        except HfsError:
            yield name, ""


def placeholders(words: Sequence[str]) -> Iterator[Word]:
    """The placeholders of the templates that a command line names, less those that have a value.

    Args:
        words: The command line so far.
    """
    from pathlib import Path

    from hfs_cli.completion.typed import values_of
    from hfs_cli.config.templates import INPUT, directory_of, find_template
    from hfs_cli.config.templates import placeholders as placeholders_in

    directory = directory_of(Path(config_file(os.environ)))
    found = [find_template(name, directory) for name in values_of(words, "-t", "--template")]
    given = {word.partition("=")[0] for word in values_of(words[:-1], "-p", "--param")}
    texts = [
        *[t.prompt for t in found if t.prompt][-1:],
        *[t.system for t in found if t.system][-1:],
    ]
    has_default = {name for template in found for name in template.defaults}
    for name in dict.fromkeys(name for text in texts for name in placeholders_in(text)):
        if name not in {INPUT, *given}:
            # The default itself is not shown: it may be long, or a secret.
            yield name, "has a default" if name in has_default else "needs a value"


def keys(prefix: str, *, only_set: bool) -> Iterator[Word]:
    """The keys that ``hfs config get``, ``set`` and ``unset`` take.

    Args:
        prefix: What was typed; ``providers.box.`` may name a table that does not exist yet.
        only_set: Only those that the file sets.
    """
    from hfs_cli.config.origins import IN_TABLES
    from hfs_cli.config.settings import BUDGET_SETTINGS, SETTINGS, TURN_OPTIONS

    document = _document()
    for name, setting in SETTINGS.items():
        if name in document or not only_set:
            yield name, _in_force(name, setting, document)
    for alias, model in _table(document, "aliases").items():
        yield f"aliases.{alias}", str(model)
    for kind, settings in IN_TABLES.items():
        tables = _table(document, kind)
        typed = prefix.removeprefix(f"{kind}.").split(".")[:-1]
        new = typed[:1] if prefix.startswith(f"{kind}.") else []
        options = TURN_OPTIONS if kind == "profiles" else ()
        for name in dict.fromkeys((*tables, *new)):
            quoted = f'"{name}"' if kind == "models" else name
            for field in (*settings, *options):
                if not only_set or field in _table(tables, name):
                    yield f"{kind}.{quoted}.{field}", ""
    for field in BUDGET_SETTINGS:
        if not only_set or field in _table(document, "budget"):
            yield f"budget.{field}", ""


def _in_force(name: str, setting: Setting, document: dict[str, Any]) -> str:
    """The value of a setting in the file, as ``hfs config list`` shows it; empty if invalid."""
    from hfs_cli.config.origins import shown, without_secret

    try:
        return shown(without_secret(name, setting.kind.read(document[name])))
    except (KeyError, TypeError, ValueError):
        return ""


def values(key: str) -> tuple[str, list[Word]]:
    """The values of a setting: a kind of completion, or the only words that it can be.

    Args:
        key: The setting, as `keys` gives it.
    """
    from hfs_cli.config.origins import find_setting
    from hfs_cli.config.settings import TURN_OPTIONS

    parts = key.split(".")
    match parts:
        case ["model" | "fallback"] | ["aliases", _] | ["profiles", _, "model" | "fallback"]:
            return "models", []
        case ["profiles", _, "tool"]:
            return "tools", []
    if setting := find_setting(parts):
        default = "" if setting.default is None else str(setting.default).lower()
        return "", [(word, "the default" * (word == default)) for word in setting.kind.choices]
    if parts[0] == "profiles":
        return "", [(word, "") for word in TURN_OPTIONS.get(parts[-1], ())]
    return "", []


def _document() -> dict[str, Any]:
    """The configuration file, unchecked; empty if it cannot be read.

    `hfs_cli.config` would refuse the whole file for one wrong key, and Tab would offer nothing.
    """
    try:
        with open(config_file(os.environ), "rb") as file:  # noqa: PTH123  (pathlib takes 8 ms)
            data = file.read(_MAX_BYTES)
    except OSError:
        return {}
    import tomllib

    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError):
        return {}


def _table(document: dict[str, Any], name: str) -> dict[str, Any]:
    table = document.get(name)
    return table if isinstance(table, dict) else {}


def _presets() -> Any:  # noqa: ANN401
    from hfs_cli.providers.presets import PRESETS

    return PRESETS
