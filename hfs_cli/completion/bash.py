"""The completion script for bash, 3.2 and later, with or without bash-completion."""

from __future__ import annotations

from hfs_cli.completion.tree import Command, Option, Value

# The script splits COMP_LINE into words itself, because bash also splits at : = and @.
_SCRIPT = r"""# bash completion for hfs. Generated from its commands: do not edit.
# To install: hfs completion bash --install
# or, without the package bash-completion, in ~/.bashrc: source <(hfs completion bash)

# What a command takes. Options: spellings, a star if it may come again, then what each value
# is: a kind of word, =a,b for fixed ones, - for anything. Arguments alike, by position.
_hfs_table() {
    hfs_commands='' hfs_options=() hfs_arguments=''
    case $1 in
@table@
    esac
}

_hfs() {
    local hfs_commands hfs_options hfs_arguments
    local hfs_words=() hfs_cur hfs_head hfs_quote hfs_prefix hfs_lead=
    COMPREPLY=()
    _hfs_split
    _hfs_unquote

    # Walk along the words: into commands, over the values of options, counting arguments.
    local path=hfs word kinds='' given=' ' count=0 ended=''
    _hfs_table "$path"
    for word in "${hfs_words[@]:1}"; do
        if [[ $kinds ]]; then
            _hfs_shift
        elif [[ ! $ended && $word == -- ]]; then
            ended=1
        elif [[ ! $ended && $word == -?* ]]; then
            given+="${word%%=*} "
            [[ $word == --*=* ]] || _hfs_values "$word"
        elif [[ " $hfs_commands " == *" $word "* ]]; then
            path+=" $word"
            _hfs_table "$path"
        else
            ((count += 1))
        fi
    done

    if [[ $kinds ]]; then
        _hfs_offer "${kinds%% *}"
    elif [[ ! $ended && $hfs_prefix == --*=* ]]; then
        word=${hfs_prefix%%=*}=
        _hfs_values "${word%=}"
        hfs_prefix=${hfs_prefix#*=}
        # Where bash does not divide at =, the option is part of what is replaced.
        [[ $hfs_head == "$word"* ]] || hfs_lead=$word
        hfs_head=${hfs_head#"$word"}
        [[ $kinds ]] && _hfs_offer "${kinds%% *}"
    elif [[ ! $ended && $hfs_prefix == -* ]]; then
        _hfs_offer_options
    elif [[ $hfs_commands ]]; then
        _hfs_offer "=${hfs_commands// /,}"
    else
        _hfs_argument
    fi
}

# The words before the cursor as they were typed; the one under it goes to hfs_cur.
# bash hands over `hfs chat --session=a:b` as hfs, chat, --session, =, a, :, b; what has no space
# in front of it in COMP_LINE belongs to the word before: hfs, chat, --session=a:b.
_hfs_split() {
    local rest=${COMP_LINE:0:COMP_POINT} i word last=-1
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $last -lt 0 || $rest == [[:space:]]* ]]; then
            ((last += 1))
            hfs_words[last]=''
            rest=${rest#"${rest%%[![:space:]]*}"}
        fi
        ((i == COMP_CWORD)) && word=$rest
        hfs_words[last]+=$word
        rest=${rest#"$word"}
    done
    hfs_cur=${hfs_words[last]}
    unset "hfs_words[last]"
}

# hfs_prefix: hfs_cur without its quotes. hfs_quote: the quote that is still open.
# Of key=it\'s "o: prefix key=it's o, quote ", head `key=it's ` (what readline has already passed).
# hfs_head: the beginning of hfs_prefix that readline leaves as it is.
_hfs_unquote() {
    local i char
    hfs_prefix='' hfs_quote='' hfs_head=''
    for ((i = 0; i < ${#hfs_cur}; i++)); do
        char=${hfs_cur:i:1}
        if [[ $char == \\ && $hfs_quote != \' ]]; then
            ((i += 1))
            char=${hfs_cur:i:1}
            [[ ! $hfs_quote || $char == [\\\"\$\`] ]] || char=\\$char
            hfs_prefix+=$char
        elif [[ $char == "$hfs_quote" ]]; then
            hfs_quote='' hfs_head=$hfs_prefix
        elif [[ ! $hfs_quote && $char == [\'\"] ]]; then
            hfs_quote=$char hfs_head=$hfs_prefix
        else
            # readline replaces what follows : or =, but an @ together with what follows it.
            [[ ! $hfs_quote && $char == @ && $COMP_WORDBREAKS == *@* ]] && hfs_head=$hfs_prefix
            hfs_prefix+=$char
            [[ ! $hfs_quote && $char == [:=] && $COMP_WORDBREAKS == *"$char"* ]] &&
                hfs_head=$hfs_prefix
        fi
    done
}

# kinds: what the values of option $1 are, or nothing.
_hfs_values() {
    local option names
    for option in "${hfs_options[@]}"; do
        names=${option%% *}
        if [[ ",${names%\*}," == *",$1,"* ]]; then
            kinds=${option#"$names"}
            kinds=${kinds# }
        fi
    done
}

_hfs_shift() {
    [[ $kinds == *' '* ]] && kinds=${kinds#* } || kinds=''
}

_hfs_offer_options() {
    local option names name fresh words=''
    for option in "${hfs_options[@]}"; do
        names=${option%% *} fresh=1
        if [[ $names != *'*' ]]; then
            for name in ${names//,/ }; do
                [[ $given == *" $name "* ]] && fresh=''
            done
        fi
        names=${names%\*}
        # The long spelling alone, unless something of a short one is typed or there is no other.
        [[ $names == *--* && $hfs_prefix != -? ]] && names=--${names#*--}
        [[ $fresh ]] && words+=",$names"
    done
    _hfs_offer "=${words#,}"
}

_hfs_argument() {
    local argument position=0
    for argument in $hfs_arguments; do
        if [[ $position -eq $count || $argument == *... ]]; then
            _hfs_offer "${argument%...}"
            return
        fi
        ((position += 1))
    done
}

# Offer the words of a kind that begin with what was typed.
_hfs_offer() {
    local word description tab=$'\t'
    case $1 in
        -) ;;
        =*)
            local IFS=,
            for word in ${1#=}; do
                [[ $word == "$hfs_prefix"* ]] && _hfs_reply "$word"
            done
            ;;
        files | directories)
            local action=-f
            [[ $1 == directories ]] && action=-d
            # readline itself quotes file names.
            compopt -o filenames 2>/dev/null
            while IFS= read -r word; do
                COMPREPLY+=("$hfs_lead${word#"$hfs_head"}")
            done < <(compgen "$action" -- "$hfs_prefix")
            ;;
        *)
            while IFS=$tab read -r word description; do
                _hfs_reply "$word" "$description"
            done < <(command hfs __complete "$1" "$hfs_prefix" "${hfs_words[@]}" 2>/dev/null)
            ;;
    esac
}

# Add a word as it must be typed here; while bash only lists (63), with its description.
_hfs_reply() {
    [[ $1 == "$hfs_head"* ]] || return
    local word=${1#"$hfs_head"}
    case $hfs_quote in
        \')
            word=${word//\'/\'\\\'\'}
            ;;
        \")
            word=${word//\\/\\\\} word=${word//\"/\\\"} word=${word//\$/\\\$}
            word=${word//\`/\\\`}
            # Within double quotes nothing keeps ! from the history.
            word=${word//!/\"\\!\"}
            ;;
        *)
            [[ $word ]] && printf -v word %q "$word"
            ;;
    esac
    [[ $COMP_TYPE == 63 && $2 ]] && word+="  ($2)"
    COMPREPLY+=("$hfs_lead$word")
}

# The order of the words is that of their use; bash before 4.4 sorts them.
complete -o nosort -F _hfs hfs 2>/dev/null || complete -F _hfs hfs
"""


def script(tree: Command) -> str:
    """The script, for ``~/.local/share/bash-completion/completions/hfs``."""
    table = "\n".join(_entry(command) for command in tree.walk())
    return _SCRIPT.replace("@table@", table)


def _entry(command: Command) -> str:
    lines = [f"        '{' '.join(command.path)}')"]
    if command.commands:
        lines.append(f"            hfs_commands='{' '.join(c.name for c in command.commands)}'")
    lines.append("            hfs_options=(")
    lines += [f"                '{_option(option)}'" for option in command.options]
    lines.append("            )")
    if command.arguments:
        kinds = " ".join(_kind(value) for value in command.arguments)
        lines.append(f"            hfs_arguments='{kinds}{'...' if command.endless else ''}'")
    return "\n".join([*lines, "            ;;"])


def _option(option: Option) -> str:
    names = ",".join(option.names) + ("*" if option.repeatable else "")
    return " ".join([names, *(_kind(value) for value in option.values)])


def _kind(value: Value) -> str:
    if value.choices:
        return "=" + ",".join(value.choices)
    return value.kind or "-"
