"""The completion script for fish 3.1 and later, over its own ``complete``."""

from __future__ import annotations

from hfs_cli.completion.tree import Command, Option, Value

_SCRIPT = r"""# fish completion for hfs. Generated from its commands: do not edit.
# To install: hfs completion fish --install

# How many words after option $argv[2] of command $argv[1] are its values.
function __hfs_values
    switch "$argv"
@values@
        case '*'
            echo 0
    end
end

# The words before the cursor: the command, how many arguments it has, the options.
function __hfs_walk
    set -l words (commandline -opc)
    set -l path hfs
    set -l arguments 0
    set -l options
    set -l values 0
    set -l ended 0
    for word in $words[2..-1]
        if test $values -gt 0
            set values (math $values - 1)
        else if test $ended = 0; and test "x$word" = x-- # test would read -f as its own
            set ended 1
        else if test $ended = 0; and string match -q -- '-?*' $word
            set -a options (string replace -r '=.*' '' -- $word)
            set values (__hfs_values "$path" $word)
        else if contains -- "$path $word" @commands@
            set path "$path $word"
        else
            set arguments (math $arguments + 1)
        end
    end
    echo $path
    echo $arguments
    # An option that still waits for its value is not one that was given.
    test $values -gt 0; and set -e options[-1]
    printf '%s\n' $options
end

# Whether the cursor is in command $argv[1], where none of the options $argv[2..] is given.
function __hfs_in
    set -l walked (__hfs_walk)
    test "$walked[1]" = $argv[1]; or return 1
    for option in $argv[2..-1]
        contains -- $option $walked[3..-1]; and return 1
    end
    return 0
end

# Whether the cursor is at argument $argv[2] of command $argv[1], or with a plus behind it.
function __hfs_at
    set -l walked (__hfs_walk)
    test "$walked[1]" = $argv[1]; or return 1
    set -l position (math $walked[2] + 1)
    test $position = $argv[2]; and return 0
    string match -q -- '*+' $argv[2]; and test $position -ge (string trim -rc + -- $argv[2])
end

# Words that depend on the user: the only ones for which hfs is run.
function __hfs_words
    set -l typed (commandline -ct | string replace -r -- '^--[\w-]+=' '')
    # A quote that is still open is closed before it is read.
    set -l plain (string unescape -- $typed
        or string unescape -- $typed\'
        or string unescape -- $typed\")
    command hfs __complete $argv[1] "$plain" (commandline -opc) 2>/dev/null
end

complete -c hfs -e
complete -c hfs -f
@lines@
"""


def script(tree: Command) -> str:
    """The script, for ``~/.config/fish/completions/hfs.fish``."""
    commands = [command for command in tree.walk() if len(command.path) > 1]
    paths = " ".join(_quoted(" ".join(command.path)) for command in commands)
    values = [line for command in tree.walk() for line in _values(command)]
    lines = [line for command in tree.walk() for line in _lines(command)]
    return (
        _SCRIPT.replace("@values@", "\n".join(values))
        .replace("@commands@", paths)
        .replace("@lines@", "\n".join(lines))
    )


def _values(command: Command) -> list[str]:
    lines = []
    for option in command.options:
        if option.values:
            names = (_quoted(" ".join([*command.path, name])) for name in option.names)
            lines += [
                f"        case {' '.join(names)}",
                f"            echo {len(option.values)}",
            ]
    return lines


def _lines(command: Command) -> list[str]:
    path = _quoted(" ".join(command.path))
    lines = [
        f"complete -c hfs -k -n {_quoted(f'__hfs_at {path} 1')} -a {sub.name}"
        f" -d {_quoted(sub.summary)}"
        # fish keeps the order of words within a line; of lines, the last comes first.
        for sub in reversed(command.commands)
    ]
    last = len(command.arguments)
    for position, value in enumerate(command.arguments, start=1):
        if offered := _offered(value):
            more = "+" if command.endless and position == last else ""
            condition = _quoted(f"__hfs_at {path} {position}{more}")
            lines.append(f"complete -c hfs -k -n {condition} {offered}")
    lines += [_option(option, path) for option in command.options]
    return lines


def _option(option: Option, path: str) -> str:
    once = "" if option.repeatable else "".join(f" {name}" for name in option.names)
    parts = [f"complete -c hfs -n {_quoted(f'__hfs_in {path}{once}')}"]
    parts += [f"-s {name[1:]}" for name in option.short]
    parts += [f"-l {name[2:]}" for name in option.long]
    if option.values:
        # -x: a value that is not a file.
        takes = "-r" if option.values[0].kind == "files" else "-x"
        parts.append(f"{takes} -k {_offered(option.values[0])}".rstrip())
    if option.help:
        parts.append(f"-d {_quoted(option.help)}")
    return " ".join(parts)


def _offered(value: Value) -> str:
    if value.choices:
        return f"-a {_quoted(' '.join(value.choices))}"
    if value.dynamic:
        return f"-a {_quoted(f'(__hfs_words {value.kind})')}"
    return {"files": "-F", "directories": "-a '(__fish_complete_directories)'"}.get(value.kind, "")


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
