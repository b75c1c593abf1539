"""The completion script for zsh 5, over its own ``_arguments``."""

from __future__ import annotations

import shlex

from hfs_cli.completion.tree import Command, Option, Value

_SCRIPT = r"""#compdef hfs
# zsh completion for hfs. Generated from its commands: do not edit.
# To install: hfs completion zsh --install

@functions@

# Words that depend on the user: the only ones for which hfs is run, and none begins with a dash.
_hfs_words() {
    local kind=$1 line word
    [[ $PREFIX == -* ]] && return 1
    local -a words_found
    for line in ${(f)"$(command hfs __complete $kind "${(Q)PREFIX}" \
        "${(@Q)words[1,CURRENT - 1]}" 2>/dev/null)"}; do
        word=${line%%$'\t'*}
        # A word without a description: a colon would leave a dash behind it.
        words_found+=("${${word//\\/\\\\}//:/\\:}${${line#*$'\t'}:+:${line#*$'\t'}}")
    done
    # In the order in which they come: the newest first. Where two share a description, zsh would
    # group them, and sort all.
    local tag=${kind%%+*} result
    zstyle ":completion:${curcontext}:$tag" list-grouped no
    _describe -V -t $tag ${kind//+/ or } words_found
    result=$?
    zstyle -d ":completion:${curcontext}:$tag" list-grouped
    return $result
}

# An argument of which nothing is known: only its name is shown.
_hfs_free() {
    [[ $PREFIX == -* ]] || _message "$1"
}

if [[ $funcstack[1] == _hfs ]]; then
    _hfs "$@"
elif (( $+functions[compdef] )); then
    compdef _hfs hfs
fi
"""


def script(tree: Command) -> str:
    """The script, for a file ``_hfs`` in a directory of ``$fpath``."""
    functions = "\n\n".join(_function(command) for command in tree.walk())
    return _SCRIPT.replace("@functions@", functions)


def _function(command: Command) -> str:
    body = [_option(option) for option in command.options]
    if command.commands:
        return _group(command, body)
    last = len(command.arguments)
    for position, value in enumerate(command.arguments, start=1):
        place = "*" if command.endless and position == last else str(position)
        body.append(_quoted(f"{place}:{_action(value)}"))
    # -s: -qu is -q -u; -S: no options after --.
    return f"{_name(command)}() {{\n    _arguments -s -S : \\\n{_lines(body)}\n}}"


def _group(command: Command, body: list[str]) -> str:
    body += ["'1:command:->command'", "'*::argument:->argument'"]
    names = [f"            {_quoted(f'{c.name}:{c.summary}')}" for c in command.commands]
    calls = [f"                ({c.name}) {_name(c)} ;;" for c in command.commands]
    return "\n".join(
        [
            f"{_name(command)}() {{",
            "    local state line context",
            "    typeset -A opt_args",
            "    _arguments -C -s -S : \\",
            _lines(body),
            "    case $state in",
            "        (command)",
            "            local -a commands=(",
            *(f"    {name}" for name in names),
            "            )",
            "            _describe -V -t commands command commands",
            "            ;;",
            "        (argument)",
            "            case $line[1] in",
            *calls,
            "            esac",
            "            ;;",
            "    esac",
            "}",
        ]
    )


def _option(option: Option) -> str:
    """A specification: what it excludes, its spellings, its help, its values."""
    spellings = [
        name + (("=" if name.startswith("--") else "+") if option.values else "")
        for name in option.names
    ]
    values = "".join(f":{_action(value)}" for value in option.values)
    tail = _quoted(f"[{_escaped(option.help)}]{values}")
    before = _quoted("*" if option.repeatable else f"({' '.join(option.names)})")
    middle = spellings[0] if len(spellings) == 1 else "{" + ",".join(spellings) + "}"
    return f"{before}{middle}{tail}"


def _action(value: Value) -> str:
    label = _escaped(value.label)
    if value.choices:
        return f"{label}:({' '.join(value.choices)})"
    if value.dynamic:
        # The space before the name: _arguments adds nothing of its own to the call.
        return f"{label}: _hfs_words {value.kind}"
    files = {"files": "_files", "directories": "_files -/"}
    # What is run is read as a command line, where "|" is a pipe.
    return f"{label}:{files.get(value.kind, f' _hfs_free {shlex.quote(label)}')}"


def _name(command: Command) -> str:
    return "_" + "_".join(command.path).replace("-", "_")


def _lines(words: list[str]) -> str:
    return " \\\n".join(f"        {word}" for word in words)


def _escaped(text: str) -> str:
    for special in "\\[]:":
        text = text.replace(special, "\\" + special)
    return text


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
