# bash completion for hfs. Generated from its commands: do not edit.
# To install: hfs completion bash --install
# or, without the package bash-completion, in ~/.bashrc: source <(hfs completion bash)

# What a command takes. Options: spellings, a star if it may come again, then what each value
# is: a kind of word, =a,b for fixed ones, - for anything. Arguments alike, by position.
_hfs_table() {
    hfs_commands='' hfs_options=() hfs_arguments=''
    case $1 in
        'hfs')
            hfs_commands='chat batch resume rename delete sessions checkpoints models keys tools config templates completion doctor db help'
            hfs_options=(
                '--version'
                '-h,--help'
            )
            ;;
        'hfs chat')
            hfs_options=(
                '-c,--continue'
                '-S,--session sessions'
                '--create'
                '-n,--name -'
                '--at messages'
                '--schema-of =json,jsonl,sessions,transcript,export'
                '--owner owners'
                '-t,--template* templates'
                '-p,--param* placeholders -'
                '-f,--file* files'
                '--encoding -'
                '--save-template -'
                '-e,--edit'
                '--no-stdin'
                '--stdin-timeout -'
                '-s,--system -'
                '--system-file files'
                '--no-system'
                '-o,--option* - -'
                '--temperature -'
                '--max-tokens -'
                '--schema -'
                '--schema-multi -'
                '--max-cost -'
                '--over-budget'
                '--reasoning =none,low,medium,high,max'
                '--search,--no-search'
                '--timeout -'
                '--idle-timeout -'
                '--retries -'
                '--tool* tools'
                '--max-steps -'
                '--tool-timeout -'
                '--profile profiles'
                '--record files'
                '-x,--extract'
                '--extract-last'
                '-q,--quiet'
                '-m,--model* models'
                '--confirm'
                '--context =error,trim,compact'
                '--reuse,--cache -'
                '--dry-run'
                '--no-save'
                '--render =auto,markdown,plain'
                '--no-stream'
                '--format =text,json,jsonl'
                '--json'
                '-O,--output files'
                '--force'
                '--hide-reasoning'
                '--citations'
                '-v,--verbose'
                '-u,--usage'
                '-h,--help'
            )
            hfs_arguments='-...'
            ;;
        'hfs batch')
            hfs_options=(
                '--input =text,jsonl,csv'
                '-m,--model* models'
                '--concurrency -'
                '--rate -'
                '--limit -'
                '--budget -'
                '-O,--output files'
                '--resume'
                '--retry-failed'
                '--force'
                '--unordered'
                '--save'
                '-n,--name -'
                '-u,--usage'
                '--dry-run'
                '--vendor-batch'
                '--no-wait'
                '--status files'
                '--cancel files'
                '--json'
                '--owner owners'
                '-t,--template* templates'
                '-p,--param* placeholders -'
                '-f,--file* files'
                '--encoding -'
                '-s,--system -'
                '--system-file files'
                '--no-system'
                '-o,--option* - -'
                '--temperature -'
                '--max-tokens -'
                '--schema -'
                '--schema-multi -'
                '--max-cost -'
                '--over-budget'
                '--reasoning =none,low,medium,high,max'
                '--search,--no-search'
                '--timeout -'
                '--idle-timeout -'
                '--retries -'
                '--tool* tools'
                '--max-steps -'
                '--tool-timeout -'
                '--profile profiles'
                '--record files'
                '-x,--extract'
                '--extract-last'
                '-q,--quiet'
                '-h,--help'
            )
            hfs_arguments='files'
            ;;
        'hfs resume')
            hfs_options=(
                '--no-pager'
                '--owner owners'
                '-t,--template* templates'
                '-p,--param* placeholders -'
                '-f,--file* files'
                '--encoding -'
                '--save-template -'
                '-e,--edit'
                '--no-stdin'
                '--stdin-timeout -'
                '-s,--system -'
                '--system-file files'
                '--no-system'
                '-o,--option* - -'
                '--temperature -'
                '--max-tokens -'
                '--schema -'
                '--schema-multi -'
                '--max-cost -'
                '--over-budget'
                '--reasoning =none,low,medium,high,max'
                '--search,--no-search'
                '--timeout -'
                '--idle-timeout -'
                '--retries -'
                '--tool* tools'
                '--max-steps -'
                '--tool-timeout -'
                '--profile profiles'
                '--record files'
                '-x,--extract'
                '--extract-last'
                '-q,--quiet'
                '-m,--model* models'
                '--confirm'
                '--context =error,trim,compact'
                '--reuse,--cache -'
                '--dry-run'
                '--no-save'
                '--render =auto,markdown,plain'
                '--no-stream'
                '--format =text,json,jsonl'
                '--json'
                '-O,--output files'
                '--force'
                '--hide-reasoning'
                '--citations'
                '-v,--verbose'
                '-u,--usage'
                '-h,--help'
            )
            hfs_arguments='sessions -...'
            ;;
        'hfs rename')
            hfs_options=(
                '--owner owners'
                '-h,--help'
            )
            hfs_arguments='sessions -'
            ;;
        'hfs delete')
            hfs_options=(
                '--older-than -'
                '--all'
                '--keep -'
                '--dry-run'
                '-y,--yes'
                '--owner owners'
                '-h,--help'
            )
            hfs_arguments='sessions...'
            ;;
        'hfs sessions')
            hfs_commands='list show search tree fork rewind undo retry compact redact export import stats rename delete resume'
            hfs_options=(
                '-h,--help'
            )
            ;;
        'hfs sessions list')
            hfs_options=(
                '--limit -'
                '--all'
                '--since -'
                '-m,--model models'
                '--query -'
                '--json'
                '--ids'
                '--owner owners'
                '--all-owners'
                '-h,--help'
            )
            ;;
        'hfs sessions show')
            hfs_options=(
                '-r,--reply'
                '-x,--extract'
                '--extract-last'
                '-O,--output files'
                '--force'
                '--format =text,json'
                '--json'
                '--context'
                '--no-pager'
                '--owner owners'
                '--all-owners'
                '-h,--help'
            )
            hfs_arguments='sessions'
            ;;
        'hfs sessions search')
            hfs_options=(
                '--fts'
                '--role =user,assistant,system,tool'
                '-m,--model models'
                '--since -'
                '--until -'
                '-S,--session sessions'
                '--limit -'
                '--json'
                '--owner owners'
                '--all-owners'
                '-h,--help'
            )
            hfs_arguments='-...'
            ;;
        'hfs sessions tree')
            hfs_options=(
                '--json'
                '--owner owners'
                '--all-owners'
                '-h,--help'
            )
            hfs_arguments='sessions'
            ;;
        'hfs sessions fork')
            hfs_options=(
                '--at messages'
                '-n,--name -'
                '--owner owners'
                '-h,--help'
            )
            hfs_arguments='sessions'
            ;;
        'hfs sessions rewind')
            hfs_options=(
                '--to checkpoints+messages'
                '--owner owners'
                '-h,--help'
            )
            hfs_arguments='sessions'
            ;;
        'hfs sessions undo')
            hfs_options=(
                '-n,--turns -'
                '--owner owners'
                '-h,--help'
            )
            hfs_arguments='sessions'
            ;;
        'hfs sessions retry')
            hfs_options=(
                '--owner owners'
                '-s,--system -'
                '--system-file files'
                '--no-system'
                '-o,--option* - -'
                '--temperature -'
                '--max-tokens -'
                '--schema -'
                '--schema-multi -'
                '--max-cost -'
                '--over-budget'
                '--reasoning =none,low,medium,high,max'
                '--search,--no-search'
                '--timeout -'
                '--idle-timeout -'
                '--retries -'
                '--tool* tools'
                '--max-steps -'
                '--tool-timeout -'
                '--profile profiles'
                '--record files'
                '-x,--extract'
                '--extract-last'
                '-q,--quiet'
                '-m,--model* models'
                '--confirm'
                '--context =error,trim,compact'
                '--reuse,--cache -'
                '--dry-run'
                '--no-save'
                '--render =auto,markdown,plain'
                '--no-stream'
                '--format =text,json,jsonl'
                '--json'
                '-O,--output files'
                '--force'
                '--hide-reasoning'
                '--citations'
                '-v,--verbose'
                '-u,--usage'
                '-h,--help'
            )
            hfs_arguments='sessions'
            ;;
        'hfs sessions compact')
            hfs_options=(
                '-m,--model models'
                '--profile profiles'
                '--over-budget'
                '--owner owners'
                '-h,--help'
            )
            hfs_arguments='sessions'
            ;;
        'hfs sessions redact')
            hfs_options=(
                '-y,--yes'
                '--json'
                '--owner owners'
                '-h,--help'
            )
            hfs_arguments='sessions'
            ;;
        'hfs sessions export')
            hfs_options=(
                '--all'
                '--since -'
                '--format =markdown,json,jsonl,html'
                '-O,--output files'
                '--force'
                '--owner owners'
                '--all-owners'
                '-h,--help'
            )
            hfs_arguments='sessions...'
            ;;
        'hfs sessions import')
            hfs_options=(
                '--dry-run'
                '--from =hfs,chatgpt,claude,llm,aichat,shell_gpt,mods,claude-code,codex,gemini-cli,lines'
                '--skip-broken'
                '--restore'
                '--owner owners'
                '-h,--help'
            )
            hfs_arguments='files...'
            ;;
        'hfs sessions stats')
            hfs_options=(
                '--by =day,model,session'
                '--since -'
                '--json'
                '--owner owners'
                '--all-owners'
                '-h,--help'
            )
            ;;
        'hfs sessions rename')
            hfs_options=(
                '--owner owners'
                '-h,--help'
            )
            hfs_arguments='sessions -'
            ;;
        'hfs sessions delete')
            hfs_options=(
                '--older-than -'
                '--all'
                '--keep -'
                '--dry-run'
                '-y,--yes'
                '--owner owners'
                '-h,--help'
            )
            hfs_arguments='sessions...'
            ;;
        'hfs sessions resume')
            hfs_options=(
                '--no-pager'
                '--owner owners'
                '-t,--template* templates'
                '-p,--param* placeholders -'
                '-f,--file* files'
                '--encoding -'
                '--save-template -'
                '-e,--edit'
                '--no-stdin'
                '--stdin-timeout -'
                '-s,--system -'
                '--system-file files'
                '--no-system'
                '-o,--option* - -'
                '--temperature -'
                '--max-tokens -'
                '--schema -'
                '--schema-multi -'
                '--max-cost -'
                '--over-budget'
                '--reasoning =none,low,medium,high,max'
                '--search,--no-search'
                '--timeout -'
                '--idle-timeout -'
                '--retries -'
                '--tool* tools'
                '--max-steps -'
                '--tool-timeout -'
                '--profile profiles'
                '--record files'
                '-x,--extract'
                '--extract-last'
                '-q,--quiet'
                '-m,--model* models'
                '--confirm'
                '--context =error,trim,compact'
                '--reuse,--cache -'
                '--dry-run'
                '--no-save'
                '--render =auto,markdown,plain'
                '--no-stream'
                '--format =text,json,jsonl'
                '--json'
                '-O,--output files'
                '--force'
                '--hide-reasoning'
                '--citations'
                '-v,--verbose'
                '-u,--usage'
                '-h,--help'
            )
            hfs_arguments='sessions -...'
            ;;
        'hfs checkpoints')
            hfs_commands='create list delete'
            hfs_options=(
                '-h,--help'
            )
            ;;
        'hfs checkpoints create')
            hfs_options=(
                '--label -'
                '--owner owners'
                '-h,--help'
            )
            hfs_arguments='sessions'
            ;;
        'hfs checkpoints list')
            hfs_options=(
                '--json'
                '--owner owners'
                '--all-owners'
                '-h,--help'
            )
            hfs_arguments='sessions'
            ;;
        'hfs checkpoints delete')
            hfs_options=(
                '--owner owners'
                '-h,--help'
            )
            hfs_arguments='sessions+checkpoints checkpoints'
            ;;
        'hfs models')
            hfs_commands='list default pull update'
            hfs_options=(
                '-h,--help'
            )
            ;;
        'hfs models list')
            hfs_options=(
                '--refresh'
                '--json'
                '-h,--help'
            )
            hfs_arguments='-...'
            ;;
        'hfs models default')
            hfs_options=(
                '-h,--help'
            )
            hfs_arguments='models'
            ;;
        'hfs models pull')
            hfs_options=(
                '--sha256 -'
                '--name -'
                '-h,--help'
            )
            hfs_arguments='weights'
            ;;
        'hfs models update')
            hfs_options=(
                '-h,--help'
            )
            hfs_arguments='files'
            ;;
        'hfs keys')
            hfs_commands='set list remove path'
            hfs_options=(
                '-h,--help'
            )
            ;;
        'hfs keys set')
            hfs_options=(
                '-h,--help'
            )
            hfs_arguments='providers'
            ;;
        'hfs keys list')
            hfs_options=(
                '--json'
                '-h,--help'
            )
            ;;
        'hfs keys remove')
            hfs_options=(
                '-h,--help'
            )
            hfs_arguments='providers'
            ;;
        'hfs keys path')
            hfs_options=(
                '-h,--help'
            )
            ;;
        'hfs tools')
            hfs_commands='list show call'
            hfs_options=(
                '-h,--help'
            )
            ;;
        'hfs tools list')
            hfs_options=(
                '--probe'
                '--json'
                '-h,--help'
            )
            hfs_arguments='tools'
            ;;
        'hfs tools show')
            hfs_options=(
                '--probe'
                '--json'
                '-h,--help'
            )
            hfs_arguments='tools'
            ;;
        'hfs tools call')
            hfs_options=(
                '-h,--help'
            )
            hfs_arguments='tools -'
            ;;
        'hfs config')
            hfs_commands='list get set unset edit path'
            hfs_options=(
                '-h,--help'
            )
            ;;
        'hfs config list')
            hfs_options=(
                '--json'
                '-h,--help'
            )
            ;;
        'hfs config get')
            hfs_options=(
                '-h,--help'
            )
            hfs_arguments='settings'
            ;;
        'hfs config set')
            hfs_options=(
                '-h,--help'
            )
            hfs_arguments='settings values'
            ;;
        'hfs config unset')
            hfs_options=(
                '-h,--help'
            )
            hfs_arguments='settings'
            ;;
        'hfs config edit')
            hfs_options=(
                '-h,--help'
            )
            ;;
        'hfs config path')
            hfs_options=(
                '-h,--help'
            )
            ;;
        'hfs templates')
            hfs_commands='list show edit remove path'
            hfs_options=(
                '-h,--help'
            )
            ;;
        'hfs templates list')
            hfs_options=(
                '--json'
                '-h,--help'
            )
            ;;
        'hfs templates show')
            hfs_options=(
                '--builtin'
                '-h,--help'
            )
            hfs_arguments='templates'
            ;;
        'hfs templates edit')
            hfs_options=(
                '-h,--help'
            )
            hfs_arguments='templates'
            ;;
        'hfs templates remove')
            hfs_options=(
                '-h,--help'
            )
            hfs_arguments='templates'
            ;;
        'hfs templates path')
            hfs_options=(
                '-h,--help'
            )
            ;;
        'hfs completion')
            hfs_options=(
                '--install'
                '-h,--help'
            )
            hfs_arguments='=bash,zsh,fish'
            ;;
        'hfs doctor')
            hfs_options=(
                '--online'
                '--json'
                '-h,--help'
            )
            ;;
        'hfs db')
            hfs_commands='path backup copy check vacuum'
            hfs_options=(
                '-h,--help'
            )
            ;;
        'hfs db path')
            hfs_options=(
                '-h,--help'
            )
            ;;
        'hfs db backup')
            hfs_options=(
                '-h,--help'
            )
            hfs_arguments='files'
            ;;
        'hfs db copy')
            hfs_options=(
                '-h,--help'
            )
            hfs_arguments='- -'
            ;;
        'hfs db check')
            hfs_options=(
                '-h,--help'
            )
            ;;
        'hfs db vacuum')
            hfs_options=(
                '-h,--help'
            )
            ;;
        'hfs help')
            hfs_options=(
                '-h,--help'
            )
            hfs_arguments='=chat,batch,resume,rename,delete,sessions,checkpoints,models,keys,tools,config,templates,completion,doctor,db,help,refs,scripting,exit-codes,json'
            ;;
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
