"""Apply templates and profiles as if typed, and write templates from what was typed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from hfs_cli.config.templates import (
    INPUT,
    directory_of,
    find_template,
    own_file,
    placeholders,
    substituted,
)
from hfs_cli.errors import ConfigError, UsageError
from hfs_cli.files import refusing, write_file
from hfs_cli.groups import typed_parameters
from hfs_cli.wording import did_you_mean

# What a template cannot hold: another template, what is done instead of a turn, leave to replace
# a file, and the owner of the session.
NOT_IN_TEMPLATES = {
    *("template", "params", "save_template", "dry_run", "profile", "schema_of", "force"),
    *("status", "cancel", "as_json", "owner"),
}
# Of each row only one can hold: what is typed disables the others.
_RIVALS = (
    {"system", "system_file", "no_system"},
    {"extract", "schema", "schema_multi"},
    {"extract", "format", "render"},
    {"go_on", "ref", "name"},
)


class Prompt(NamedTuple):
    """A template's prompt, before standard input is known.

    Args:
        name: The template's.
        text: With placeholders.
        values: What placeholders stand for, apart from standard input.
        system: The template's system prompt where it is yet to be filled, too; else None.
    """

    name: str
    text: str
    values: Mapping[str, str]
    system: str | None = None

    @property
    def takes_input(self) -> bool:
        """Whether it has a place for standard input, or for the words."""
        return INPUT in placeholders(self.text)

    def filled(self, given: str) -> str:
        """The prompt as it is sent.

        Args:
            given: The text of standard input, or the words; if blank, their placeholder has no
                value.

        Raises:
            UsageError: A placeholder has no value.
        """
        values = {**self.values, INPUT: given} if given.strip() else self.values
        return substituted(self.text, values, self.name)

    def filled_by(self, fields: Mapping[str, str]) -> tuple[str, str | None]:
        """Prompt and system prompt as they are sent with a record, whose fields beat defaults.

        Raises:
            UsageError: A placeholder has no value.
        """
        given = {**self.values, **fields}
        system = self.system and substituted(self.system, given, self.name, record=True)
        return substituted(self.text, given, self.name, record=True), system


def fill_from_templates(
    context: click.Context,
    values: dict[str, Any],
    names: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    config_file: Path,
    *,
    many: bool = False,
) -> tuple[Prompt | None, frozenset[str]]:
    """Fill a command's parameters from templates where nothing was typed.

    Args:
        context: The command's.
        values: Its parameters, which are changed.
        names: The templates; a later one wins.
        pairs: What ``-p`` says of their placeholders.
        config_file: The configuration file, beside which templates are.
        many: Of many turns, each gives placeholders its own values (`Prompt.filled_by`): none is
            missing yet, and the system prompt is filled with them.

    Returns:
        The prompt of the templates, or None where they have none; and the parameters that have
        their values from them.

    Raises:
        UsageError: A placeholder has no value, or a value has no placeholder.
        NotFoundError, ConfigError: There is no such template, or it cannot be used.
    """
    if pairs and not names:
        raise UsageError("-p gives a placeholder of a template its value: name one with -t")
    found = [find_template(name, directory_of(config_file)) for name in names]
    params = {name: value for t in found for name, value in t.defaults.items()} | dict(pairs)
    prompts = [(t.name, t.prompt) for t in found if t.prompt is not None]
    systems = [(t.name, t.system) for t in found if t.system is not None]
    texts = [text for _, text in (*prompts[-1:], *systems[-1:])]
    known = {name for text in texts for name in placeholders(text)} - {INPUT}
    lost = next((name for name, _ in pairs if name not in known), None)
    if lost is not None:
        there = f"it has {', '.join(sorted(known)) or 'none'}"
        hint = did_you_mean(lost, known, 1, otherwise=f": {there}")
        raise UsageError(f'no placeholder "{lost}" in the template {found[-1].name}{hint}')
    options: dict[str, object] = {}
    for template in found:
        options |= template.options
        fill(context, {}, template.options, str(template.file))  # an error names its own file
    if systems:
        name, text = systems[-1]
        options["system"] = text if many else substituted(text, params, name)
    taken = fill(context, values, options, str(found[-1].file) if found else "")
    if many and found:
        system = systems[-1][1] if systems and "system" in taken else None
        return Prompt(*(prompts[-1] if prompts else (found[-1].name, "")), params, system), taken
    if not prompts:
        return None, taken
    prompt = Prompt(prompts[-1][0], prompts[-1][1], params)
    # A placeholder that has no value in any case is reported before anything is read.
    prompt.filled("x")
    return prompt, taken


def fill(
    context: click.Context,
    values: dict[str, Any],
    options: Mapping[str, object],
    where: str,
    *,
    strict: bool = True,
    taken: frozenset[str] = frozenset(),
) -> frozenset[str]:
    """Fill a command's parameters from options where nothing was typed.

    Args:
        context: The command's.
        values: The parameters by name, which are changed.
        options: By their long names, without dashes.
        where: Where they stand, for errors.
        strict: Refuse options that the command has not; without, they are passed over.
        taken: Parameters that have their values from something stronger.

    Returns:
        The parameters that have values now, those included.

    Raises:
        ConfigError: There is no such option, or it cannot have that value.
    """
    by_name = _by_long_name(context)
    typed = taken | typed_parameters(context)
    out = typed | {name for row in _RIVALS if row & typed for name in row}
    sampling = {name for name, _ in values.get("pairs", ())}
    for key, value in options.items():
        if key not in by_name:
            if not strict or key in getattr(context.command, "passed_over", ()):
                continue
            known = (*by_name, "description", "prompt", "defaults")
            hint = did_you_mean(key, known, 1, otherwise=": hfs chat --help lists the options")
            raise ConfigError(f"unknown key {key!r} in {where}{hint}")
        param = by_name[key]
        name = param.name or ""
        if name == "pairs":
            more = _pairs(value, f"{key} in {where}", typed | sampling)
            values["pairs"] = (*values.get("pairs", ()), *more)
        elif name not in out and key.replace("-", "_") not in sampling:
            converted = _converted(context, param, value, f"{key} in {where}")
            if value is not False:
                values[name] = converted
                taken |= {name}
    return taken


def _by_long_name(context: click.Context) -> dict[str, click.Option]:
    """The options that a template may set for a command, by long name."""
    return {
        spelling.removeprefix("--"): param
        for param in context.command.get_params(context)
        if isinstance(param, click.Option) and param.name not in NOT_IN_TEMPLATES
        for spelling in param.opts
        if spelling.startswith("--") and spelling != "--help"
    }


def _pairs(value: object, where: str, given: frozenset[str]) -> list[tuple[str, str]]:
    if not isinstance(value, dict):
        raise ConfigError(f"{where} must be a table, as in option = {{ top_p = 0.9 }}")
    return [
        (name, item if isinstance(item, str) else json.dumps(item, default=str))
        for name, item in value.items()
        if name not in given
    ]


def _converted(context: click.Context, param: click.Option, value: object, where: str) -> Any:  # noqa: ANN401
    """A value as click would have made it from words."""
    if param.is_flag:
        if not isinstance(value, bool):
            raise ConfigError(f"{where} must be true or false")
        return param.flag_value
    items = value if param.multiple and isinstance(value, list) else [value]
    words = []
    for item in items:
        if isinstance(item, dict) and param.name in {"schema", "schema_multi"}:
            words.append(json.dumps(item))
        elif isinstance(item, bool) or not isinstance(item, str | int | float):
            raise ConfigError(f"{where} cannot be {json.dumps(item, default=str)}")
        else:
            words.append(str(item))
    try:
        return param.process_value(context, tuple(words) if param.multiple else words[0])
    except (click.UsageError, UsageError) as error:
        said = error.message.rstrip(".")
        raise ConfigError(f"{where}: {said}") from error


def save_template(
    context: click.Context, name: str, words: tuple[str, ...], config_file: Path, *, replace: bool
) -> Path:
    """Write a template from what was typed.

    Args:
        context: The command's.
        name: The template's.
        words: Its prompt.
        config_file: The configuration file, beside which templates are.
        replace: Take the place of one of that name.

    Returns:
        Where it stands.

    Raises:
        UsageError: There is one of that name, none can have it, or a value has no placeholder.
        ConfigError: It cannot be written.
    """
    from hfs_cli.config.editing import toml_text

    file = own_file(name, directory_of(config_file))
    document: dict[str, object] = {}
    if prompt := " ".join(word for word in words if word != "-"):
        document["prompt"] = prompt
    typed = typed_parameters(context)
    for param in context.command.get_params(context):
        given = context.params.get(param.name or "")
        if (
            isinstance(param, click.Option)
            and param.name in typed - NOT_IN_TEMPLATES
            and (not param.is_flag or given == param.flag_value)
        ):
            key = max(param.opts, key=len).removeprefix("--")
            document[key] = True if param.is_flag else _as_toml(param, given)
    if params := dict(context.params.get("params") or ()):
        known = placeholders(f"{prompt} {context.params.get('system') or ''}")
        if lost := next((name for name in params if name not in known), None):
            raise UsageError(
                f"there is no ${lost} in the prompt: write it in single quotes, in which the shell"
                " leaves it alone"
            )
        document["defaults"] = params
    with refusing(ConfigError, f"cannot write {file}"):
        try:
            write_file(file, toml_text(document).encode(), replace=replace)
        except FileExistsError:
            raise UsageError(f"there is a template {name} already: --force replaces it") from None
    return file


def _as_toml(param: click.Option, given: Any) -> object:  # noqa: ANN401
    if param.name == "pairs":
        return dict(given)
    if isinstance(given, tuple):
        items = [str(item) for item in given]
        return items[0] if len(items) == 1 else items
    return str(given) if isinstance(given, Path) else given
