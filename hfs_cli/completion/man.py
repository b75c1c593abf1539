"""The manual pages, in man(7) macros: for each command, each topic, and the configuration."""

from __future__ import annotations

import json
from collections.abc import Iterator

from hfs_cli.completion.tree import Command
from hfs_cli.config.origins import all_settings
from hfs_cli.config.settings import TABLES, TERMINAL_VARIABLES, VARIABLES, Setting
from hfs_cli.topics import EXIT_CODES, TOPICS, Topic


def pages(tree: Command) -> dict[str, str]:
    """The text of every page by the name of its file, ``man1/hfs-sessions-list.1``."""
    commands = {f"man1/{_name(command)}.1": page(command, tree) for command in tree.walk()}
    topics = {f"man7/hfs-{name}.7": topic_page(name, text) for name, text in TOPICS.items()}
    return commands | {"man5/hfs-config.5": settings_page()} | topics


def topic_page(name: str, topic: Topic) -> str:
    """The page of a topic of `hfs help`."""
    title = f"hfs-{name}"
    lines = [f'.TH {_text(title.upper())} 7 "" "hfs" "hfs"']
    lines += [".SH NAME", f"{_text(title)} \\- {_text(topic.summary)}"]
    lines.append(".SH DESCRIPTION")
    if name == "exit-codes":
        return "\n".join([*lines, *_exit_codes()]) + "\n"
    for number, part in enumerate(topic.text.strip("\n").split("\n\n")):
        prose, mark, commands = f"\n{part}".partition("\n  ")
        if number:
            lines.append(".PP")
        if prose:
            lines.append(_text(" ".join(prose.split())))
        if mark:
            lines += [".nf", *map(_text, f"  {commands}".splitlines()), ".fi"]
    return "\n".join(lines) + "\n"


def _exit_codes() -> Iterator[str]:
    for code, meaning in EXIT_CODES.items():
        yield from (".TP", f"\\fB{code}\\fR", f"{_text(meaning[:1].upper() + meaning[1:])}.")


def page(command: Command, tree: Command) -> str:
    """The page of a command."""
    name = _name(command)
    # No date and no version, so that a page changes only when its content does.
    lines = [f'.TH {_text(name.upper())} 1 "" "hfs" "User Commands"']
    summary = command.summary[:1].lower() + command.summary[1:]
    lines += [".SH NAME", f"{_text(name)} \\- {_text(summary)}"]
    lines += [".SH SYNOPSIS", f".B {_text(' '.join(command.path))}", _text(command.usage)]
    lines += [".SH DESCRIPTION", *_paragraphs(command.help)]
    if command.commands:
        lines.append(".SH COMMANDS")
        for sub in command.commands:
            lines += [".TP", f"\\fB{_text(sub.name)}\\fR", f"{_text(sub.summary)}."]
            lines.append(f"See \\fB{_text(_name(sub))}\\fR(1).")
    lines.append(".SH OPTIONS")
    for option in command.options:
        names = ", ".join(f"\\fB{_text(name)}\\fR" for name in option.names)
        values = [f"\\fI{_text(value.label)}\\fR" for value in option.values]
        lines += [".TP", " ".join([names, *values]), f"{_text(option.help)}."]
        choices = ", ".join(word for value in option.values for word in value.choices)
        if choices and choices not in option.help:
            lines.append(f"One of {_text(choices)}.")
    lines += [".SH EXIT STATUS", *_exit_codes()]
    above = [other for other in tree.walk() if other.path == command.path[:-1]]
    related = [(_name(other), 1) for other in [*above, *command.commands]]
    if command is tree:
        related += [("hfs-config", 5), *((f"hfs-{topic}", 7) for topic in TOPICS)]
    also = [f"\\fB{_text(title)}\\fR({section})" for title, section in related]
    lines += [".SH SEE ALSO", ",\n".join(also)]
    return "\n".join(lines) + "\n"


_ABOUT_CONFIG = """\
hfs reads one file in TOML, which need not exist. On Linux it is ~/.config/hfs/config.toml; the
command hfs config path prints where it is, and HFS_CONFIG names another.

A setting is taken from the first place that has it: an option of the command, an HFS_ variable,
the profile in force, the file, the default. The command hfs config list shows each value with
where it came from. A key that hfs does not know is an error.

The commands hfs config set, unset and edit change the file and keep its comments."""

_ABOUT_TABLES = """\
Where a key says NAME or "PROVIDER/MODEL", the name is yours. A part of a key that holds a dot or a
slash is quoted, as everywhere in TOML. A table [profiles.NAME] may hold what stands outside of
the tables, and options of a turn by their long names, such as temperature; HFS_PROFILE=NAME puts
it in force."""


def settings_page() -> str:
    """The page of the configuration file, hfs-config(5)."""
    lines = ['.TH HFS-CONFIG 5 "" "hfs" "File Formats"']
    lines += [".SH NAME", "hfs\\-config \\- the configuration of hfs"]
    lines += [".SH DESCRIPTION", *_paragraphs(_ABOUT_CONFIG)]
    lines += [".SH SETTINGS"]
    for setting in all_settings():
        lines += _setting(setting)
    lines += [".SH TABLES", *_paragraphs(_ABOUT_TABLES)]
    lines += [f"The tables are {_text(', '.join(TABLES.values()))}."]
    lines += [".SH ENVIRONMENT"]
    for name, meaning in {**VARIABLES, **TERMINAL_VARIABLES}.items():
        lines += [".TP", f"\\fB{_text(name)}\\fR", _text(meaning)]
    lines += [".SH SEE ALSO", "\\fBhfs\\-config\\fR(1), \\fBhfs\\-keys\\fR(1)"]
    return "\n".join(lines) + "\n"


def _setting(setting: Setting) -> list[str]:
    facts = [f"Takes {setting.kind.expects}."]
    if setting.default is not None:
        facts.append(f"The default is {toml(setting.default)}.")
    if setting.variable:
        facts.append(f"The variable {setting.variable} sets it too.")
    lines = [".TP", f"\\fB{_text(setting.key)}\\fR", _text(setting.help)]
    lines += [_text(" ".join(facts)), ".RS", ".PP", ".nf", _text(setting.example), ".fi", ".RE"]
    return lines


def toml(value: object) -> str:
    """A default value in TOML."""
    return f"{value:g}" if isinstance(value, float) else json.dumps(value)


def _name(command: Command) -> str:
    return "-".join(command.path)


def _paragraphs(text: str) -> Iterator[str]:
    """The paragraphs of a help text; those marked with Click's \\b keep their lines."""
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            yield ".PP"
        lines = paragraph.splitlines()
        if lines and lines[0].strip() == "\b":
            yield from (".nf", *(_text(line.rstrip()) for line in lines[1:]), ".fi")
        else:
            yield from (_text(line.strip()) for line in lines)


def _text(text: str) -> str:
    """Escape text for roff: https://man7.org/linux/man-pages/man7/groff_char.7.html."""
    text = text.replace("\\", "\\(rs").replace("-", "\\-").replace("'", "\\(aq")
    text = text.replace("`", "\\(ga").replace("…", "\\&...").replace("^", "\\(ha")
    text = text.replace("~", "\\(ti").replace('"', "\\(dq")
    return f"\\&{text}" if text.startswith(".") else text
