"""Turn what was typed into values: what is asked of a turn, and the user message."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hfs_cli.compose.input import (
    decode_text,
    media_type_of,
    read_stdin,
    read_text,
    utf8_word,
    without_last_newline,
)
from hfs_cli.config import Config, load_config
from hfs_cli.config.settings import PROFILE_SETTINGS
from hfs_cli.errors import UsageError
from hfs_cli.groups import typed_parameters

if TYPE_CHECKING:
    from datetime import datetime

    import click

    from hfs_cli.compose.templates import Prompt
    from hfs_cli.messages import Attachment, ChatMessage
    from hfs_cli.providers.choose import ModelChoice
    from hfs_cli.render.reply.choose import View

# Options named as a setting override it, except the system prompt: the option holds for any turn,
# the setting only for the first turn of a new session.
_SETTING_NAMES = (*(name for name in PROFILE_SETTINGS if name != "system"), "profile")
# What can be typed and be of no use; the others need not be looked at.
_MAY_BE_IDLE = {
    *("confirm", "verbose", "tool_timeout", "max_steps", "search", "citations", "render", "stream"),
    *("name", "stdin", "encoding", "profile", "dry_run", "owner"),
}
# What --reuse says if it names no age.
ANY_AGE = "any"
# Parts of a request: as an option, one would replace the conversation that is kept.
_NOT_OPTIONS = {"model", "messages", "contents", "stream"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a turn, apart from the session.

    Args:
        config: The settings in force, those that were typed included.
        view: How it is shown.
        words: The prompt's words; one that is ``-`` asks for standard input.
        files: What ``-f`` names.
        template: The prompt of a template, or None.
        encoding: What the text of the files and of standard input is written in; UTF-8 if None.
        edit: Write the prompt in the editor.
        models: Models' names or aliases: the one to ask, and those to fall back on.
        options: Sampling options by name.
        schema: The JSON Schema that the reply must fit, or None.
        system: The system prompt, or None.
        no_system: Send no system prompt this once.
        dry_run: Only print what would be sent.
        over_budget: Go on when the day's budget is spent.
        confirm: Ask before a tool runs.
        reuse: The oldest kept reply that may answer the same request, or None for none.
    """

    config: Config
    view: View
    words: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    template: Prompt | None = None
    encoding: str | None = None
    edit: bool = False
    models: tuple[str, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)
    schema: Mapping[str, object] | None = None
    system: str | None = None
    no_system: bool = False
    dry_run: bool = False
    over_budget: bool = False
    confirm: bool = False
    reuse: datetime | None = None


class Target(NamedTuple):
    """A model that may be asked.

    Args:
        choice: The model, with the options that it is configured with.
        options: What it is asked with: what is typed beats what is configured.
    """

    choice: ModelChoice
    options: Mapping[str, object]


def read_options(context: click.Context, values: dict[str, Any], *, many: bool) -> Asked:
    """Take the shared options out of all that click has read.

    A flag beats a template, which beats the profile.

    Args:
        context: The command's.
        values: Its parameters by name; the shared ones are taken out.
        many: See `hfs_cli.compose.options.turn_options`.

    Raises:
        UsageError: Options exclude each other, or a value cannot be used.
        ConfigError: The configuration cannot be used.
    """
    from hfs_cli.render.reply.choose import View

    saved = context.params.get("save_template") is not None
    prompt, taken = _template_prompt(context, values, saved=saved, many=many)
    settings = _take(values, _SETTING_NAMES)
    if record := values.pop("record", None):
        if not values.get("dry_run"):
            from hfs_cli.providers.http.client import make_recordings_directory

            make_recordings_directory(str(record), UsageError)
        os.environ["HFS_RECORD"] = str(record)  # which all that reaches the network asks
    settings["tool"] = settings["tool"] or None  # not named, as opposed to named none
    config = load_config(flags=settings)
    if config.turn_options and not saved:
        from hfs_cli.compose.templates import fill

        where = f"[profiles.{config.profile}] of {config.file}"
        fill(context, values, config.turn_options, where, strict=False, taken=taken)
    typed = typed_parameters(context)
    if not typed.isdisjoint(_MAY_BE_IDLE):
        from hfs_cli.compose.idle import refuse_idle, refuse_unkept

        if saved:
            refuse_unkept(typed, config)
        else:
            config = refuse_idle(typed, values, config)
    view = View(
        **_take(values, View.__dataclass_fields__),
        render=config.render,
        stream=config.stream,
        prices=config.models,
    )
    if view.force and not view.output and not saved:
        raise UsageError("--force goes with -O FILE")
    # An empty word comes from an unset variable; taken for none, it would ask another model.
    if not all(name.strip() for name in values["models"]):
        raise UsageError("-m needs a model: PROVIDER/MODEL or an alias")
    schema = _schema(values.pop("schema"), values.pop("schema_multi"))
    if view.extract:
        _check_extract(view, rendered=bool(settings.get("render")), with_schema=schema is not None)
    values["system"] = _system(values)
    options = _model_options(**_take(values, ("pairs", "temperature", "max_tokens")))
    given = _take(values, Asked.__dataclass_fields__)
    if given.get("reuse") is not None:
        given["reuse"] = oldest_reply(given["reuse"])
    return Asked(config, view, **given, template=prompt, options=options, schema=schema)


def oldest_reply(age: str) -> datetime:
    """The oldest time that a reply may have.

    Args:
        age: As `hfs_cli.moments.parse_age` reads it, or `ANY_AGE`.

    Raises:
        UsageError: It is neither.
    """
    from datetime import UTC, datetime

    from hfs_cli.moments import parse_age

    return datetime.fromtimestamp(0, UTC) if age == ANY_AGE else parse_age(age)


def _take(values: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: values.pop(name) for name in names if name in values}


def _check_extract(view: View, *, rendered: bool, with_schema: bool) -> None:
    """Refuse ``-x`` where the reply is not shown as text."""
    rival = "--render" if rendered else None
    if view.format != "text":
        rival = "--json" if view.format == "json" else f"--format {view.format}"
    if rival:
        raise UsageError(f"-x takes code out of the text: leave out {rival}")
    if with_schema:
        raise UsageError("-x takes code out of a text, and --schema asks for JSON: keep one")


def _system(values: dict[str, Any]) -> str | None:
    text, file = values["system"], values.pop("system_file")
    if sum([text is not None, file is not None, values["no_system"]]) > 1:
        raise UsageError("--system, --system-file and --no-system exclude each other: keep one")
    return text if file is None else read_text(file, values.get("encoding"))


def _template_prompt(
    context: click.Context, values: dict[str, Any], *, saved: bool, many: bool
) -> tuple[Prompt | None, frozenset[str]]:
    """Fill in what templates say; their prompt, and the parameters that they gave values."""
    names, pairs = values.pop("template", ()), values.pop("params", ())
    if saved and names:
        raise UsageError("--save-template writes what is given here: leave out -t")
    if not names and (saved or not pairs):
        return None, frozenset()
    from hfs_cli.compose.templates import fill_from_templates
    from hfs_cli.places import config_file

    file = Path(config_file(os.environ))
    return fill_from_templates(context, values, names, pairs, file, many=many)


def _schema(one: str | None, many: str | None) -> Mapping[str, object] | None:
    if one is None and many is None:
        return None
    if one is not None and many is not None:
        raise UsageError("--schema and --schema-multi exclude each other: keep one")
    from hfs_cli.compose.schema import many_of, parse_schema

    return parse_schema(one) if one is not None else many_of(parse_schema(many or ""))


def _model_options(
    pairs: tuple[tuple[str, str], ...], temperature: float | None, max_tokens: int | None
) -> dict[str, object]:
    """The sampling options that were typed."""
    given: dict[str, object] = {}
    named = [(name, _value(text)) for name, text in pairs]
    named += [("temperature", temperature), ("max_tokens", max_tokens)]
    for name, value in named:
        if value is None:
            continue
        if not name or "=" in name:
            raise UsageError(f'"{name}" is not an option\'s name: write -o NAME=VALUE')
        if name in given:
            raise UsageError(f"the option {name} is given twice: keep one")
        if name in _NOT_OPTIONS:
            raise UsageError(f"{name} is not an option of a model: hfs itself sends it")
        try:
            json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise UsageError(f"the value of {name} cannot be sent as JSON") from error
        given[name] = value
    return given


def _value(text: str) -> object:
    """A JSON value, or the text itself where it is not JSON (``-o stop END``)."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
    except (ValueError, RecursionError):
        # A number with more digits than Python reads, or lists nested too deeply. NaN stands for
        # them: it cannot be sent as JSON either, and is refused as such.
        return float("nan")


def read_message(asked: Asked, *, patient: bool = True) -> ChatMessage | None:
    """The user message, or None when nothing was given but white space.

    It is a template's prompt, then the words, then standard input, then the text files, with an
    empty line between each and the next; images, PDFs and sounds are attached. If the template has
    a place for input, standard input goes there, or the words where nothing is piped in.

    Args:
        asked: The words, the files, and whether standard input is read.
        patient: Whether to wait for a pipe that stays silent; without, it counts as empty
            after two seconds, unless the configuration says that it is always read.

    Raises:
        UsageError: Something is not UTF-8, too long, or cannot be read.
    """
    from hfs_cli.messages import Attachment, ChatMessage

    texts: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    if files := tuple(name for name in asked.files if name != "-"):
        from hfs_cli.compose.attachments import read_files

        texts, attachments = read_files(files, asked.encoding)
    text = " ".join(utf8_word(word) for word in asked.words if word != "-")
    piped = ""
    data = _from_stdin(asked, patient=patient or bool(text.strip() or asked.template))
    if media_type := media_type_of(data):
        attachments = (Attachment("standard input", media_type, data), *attachments)
    elif data:
        piped = without_last_newline(decode_text(data, "standard input", asked.encoding))
    parts = [text, piped]
    if asked.template and not asked.template.takes_input:
        parts.insert(0, asked.template.filled(""))
    elif asked.template:
        # Without standard input the words are what the template is about.
        filled = asked.template.filled
        parts = [filled(piped), text] if piped.strip() else [filled(text)]
    prompt = "\n\n".join(part for part in parts if part)
    if asked.edit:
        from hfs_cli.compose.editor import edited

        prompt = without_last_newline(edited(prompt))
    if not prompt.strip() and not texts:
        if attachments:
            raise UsageError("say what to do with the files: give a prompt too")
        return None
    given = (prompt, *texts) if prompt.strip() else texts
    return ChatMessage("user", "\n\n".join(given), attachments)


def _from_stdin(asked: Asked, *, patient: bool) -> bytes:
    """What standard input holds, unless it is left alone."""
    config = asked.config
    # -f - means what - means: standard input, whatever the setting says.
    forced = "-" in (*asked.words, *asked.files)
    if not forced and config.stdin == "never":
        return b""
    return read_stdin(
        forced=forced,
        patient=patient or config.stdin == "always",
        says=config.stdin == "auto",
        silence_s=config.stdin_timeout,
    )
