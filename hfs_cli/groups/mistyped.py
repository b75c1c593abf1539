"""The errors for a mistyped command line, with what may have been meant."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import click

from hfs_cli.wording import near_names

_MOST_GUESSES = 3
# What another command calls the option, where the nearest by its letters would be the opposite.
_OPTIONS_ALSO_CALLED = {"--budget": "--max-cost"}
# What other programs call the command; with the group where it means something else elsewhere.
_COMMANDS_ALSO_CALLED = {
    "config check": "doctor",
    "config validate": "doctor",
    "ask": "chat",
    "history": "list",
    "ls": "list",
    "login": "keys set",
    "mv": "rename",
    "new": "chat",
    "prune": "delete",
    "remove": "delete",
    "rm": "delete",
}
# Words for one thing, of which a group has one: `keys delete` means `keys remove`, and no session.
_SYNONYMS = (
    {"delete", "remove", "reset", "rm", "unset"},
    {"list", "show"},
)
# Words with which a question begins, and no command.
_QUESTIONS = {
    "a", "an", "and", "are", "can", "could", "do", "does", "explain", "give", "how", "i", "in",
    "is", "it", "name", "please", "summarise", "summarize", "tell", "the", "this", "translate",
    "what", "what's", "when", "where", "which", "who", "why", "will", "would", "write",
}  # fmt: skip


def usage_message(error: click.ClickException) -> str:
    """What an error of click's says, in one line."""
    match error:
        case click.NoSuchOption():
            message = _unknown_option(error)
        case click.MissingParameter():
            message = _missing_parameter(error)
        case _:
            message = error.format_message().rstrip(".")
    return " ".join(message.split())


def _unknown_option(error: click.NoSuchOption) -> str:
    """Click's own guesses are three, however unlike."""
    typed = error.option_name
    params = error.ctx.command.get_params(error.ctx) if error.ctx else []
    names = [name for p in params for name in (*p.opts, *p.secondary_opts) if name[:2] == "--"]
    # An unknown short option (-V) may be the first letter of a long one.
    begins = f"--{typed[1:].lower()}" if typed[:2] != "--" else typed
    near = [name for name in names if name.startswith(begins)]
    if typed[:2] == "--" and not near:
        # --no-pager does not mean --no-save, though most letters are the same.
        meant = _OPTIONS_ALSO_CALLED.get(typed)
        # Without the dashes, by which any two are alike: --redact does not mean --create.
        near = near_names(typed[2:], [name[2:] for name in names], 1)
        near = [meant] if meant in names else [f"--{name}" for name in near]
    hint = f": did you mean {' or '.join(near)}?" if 0 < len(near) <= _MOST_GUESSES else ""
    return f"No such option {typed!r}{hint}"


def _missing_parameter(error: click.MissingParameter) -> str:
    """Name what is missing, and for an argument all that the command takes."""
    param, ctx = error.param, error.ctx
    if param is None or ctx is None:
        return error.format_message()
    label = param.metavar or (param.name or "").upper()
    if isinstance(param, click.Option):
        return f"missing option {param.opts[0]} {label}"
    label = label.split()[-1].removesuffix("...").strip("[]")
    if isinstance(param.type, click.Choice):
        label += f" ({', '.join(map(str, param.type.choices))})"
    pieces = [piece for piece in ctx.command.collect_usage_pieces(ctx) if piece != "[OPTIONS]"]
    return f"missing {label}: {' '.join([ctx.command_path, *pieces])}"


def misplaced_option(
    group: click.Group, ctx: click.Context, words: Sequence[str], option: str
) -> click.UsageError | None:
    """The error for a command's option that stands before the command, or None if it is not one.

    Args:
        words: All that the group was given.
        option: The option, which it does not know.
    """
    path = [ctx.command_path]
    command: click.Command = group
    for word in words:
        found = command.get_command(ctx, word) if isinstance(command, click.Group) else None
        if found is not None:
            path.append(word)
            command = found
    says = "belongs behind the command"
    if command is group and ctx.parent is None:  # hfs -m gpt-6-luna hi
        path.append("chat")
        command = group.get_command(ctx, "chat") or group
        says = "is an option of hfs chat"
    params = [] if command is group else command.get_params(ctx)
    if not any(option in (*p.opts, *p.secondary_opts) for p in params):
        return None
    return click.UsageError(f"{option} {says}: {' '.join(path)} {option} …", ctx)


def unknown_command(ctx: click.Context, words: Sequence[str]) -> click.UsageError:
    """The error for a command that does not exist.

    Click's own words are not used: whether they suggest something depends on its version.

    Args:
        ctx: The context of the group.
        words: The unknown word, and those after it.
    """
    # From the surest reading to the least: an option of that name (hfs version), a question
    # (hfs what is awk), a near or foreign name (hfs lst, hfs rm), and words that may be a prompt.
    name = words[0]
    is_root = ctx.parent is None
    options = [option for param in ctx.command.get_params(ctx) for option in param.opts]
    if f"--{name}" in options:
        hint = f": did you mean {ctx.command_path} --{name}?"
    elif is_root and (" " in name or name.lower() in _QUESTIONS):
        hint = _to_ask(words)
    else:
        hint = _as_command(ctx, name) or (_to_ask(words) if is_root and len(words) > 1 else "")
    return click.UsageError(f"No such command {name!r}{hint}", ctx)


def _to_ask(words: Sequence[str]) -> str:
    prompt = " ".join(itertools.takewhile(lambda word: not word.startswith("-"), words))
    # Single quotes if a shell would read something in double ones.
    if set(prompt) & set('"$`\\!'):
        from shlex import quote

        return f": to ask a model, hfs chat {quote(prompt)}"
    return f': to ask a model, hfs chat "{prompt}"'


def _as_command(ctx: click.Context, name: str) -> str:
    """A near name here, or the same name in another group."""
    group = ctx.command
    if not isinstance(group, click.Group):  # hfs help chat now
        return ""
    here = group.list_commands(ctx)
    in_group = f"{group.name} {name}"
    also = _COMMANDS_ALSO_CALLED.get(in_group) or _COMMANDS_ALSO_CALLED.get(name, name)
    if also in here:
        return f": did you mean {ctx.command_path} {also}?"
    if ctx.parent is not None:
        own = [word for words in _SYNONYMS if name in words for word in here if word in words]
        if own:
            return f": did you mean {ctx.command_path} {own[0]}?"
    if also != name and " " in also:
        return f": did you mean {ctx.find_root().command_path} {also}?"
    elsewhere = [path for path, commands in _groups(ctx) if also in commands]
    if not elsewhere:
        near = near_names(name, here, 1)
        return f": did you mean {near[0]}?" if near else ""
    *most, last = [f"{path} {also}" for path in elsewhere[:_MOST_GUESSES]]
    return f": did you mean {', '.join(most)}{' or ' if most else ''}{last}?"


def _groups(ctx: click.Context) -> Iterator[tuple[str, list[str]]]:
    """Each group's path and its commands, the root's first."""
    root = ctx.find_root()
    assert isinstance(root.command, click.Group)
    names = root.command.list_commands(root)
    yield root.command_path, names
    for name in names:
        group = root.command.get_command(root, name)
        if isinstance(group, click.Group):
            yield f"{root.command_path} {name}", group.list_commands(root)
