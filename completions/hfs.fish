# fish completion for hfs. Generated from its commands: do not edit.
# To install: hfs completion fish --install

# How many words after option $argv[2] of command $argv[1] are its values.
function __hfs_values
    switch "$argv"
        case 'hfs chat -S' 'hfs chat --session'
            echo 1
        case 'hfs chat -n' 'hfs chat --name'
            echo 1
        case 'hfs chat --at'
            echo 1
        case 'hfs chat --schema-of'
            echo 1
        case 'hfs chat --owner'
            echo 1
        case 'hfs chat -t' 'hfs chat --template'
            echo 1
        case 'hfs chat -p' 'hfs chat --param'
            echo 2
        case 'hfs chat -f' 'hfs chat --file'
            echo 1
        case 'hfs chat --encoding'
            echo 1
        case 'hfs chat --save-template'
            echo 1
        case 'hfs chat --stdin-timeout'
            echo 1
        case 'hfs chat -s' 'hfs chat --system'
            echo 1
        case 'hfs chat --system-file'
            echo 1
        case 'hfs chat -o' 'hfs chat --option'
            echo 2
        case 'hfs chat --temperature'
            echo 1
        case 'hfs chat --max-tokens'
            echo 1
        case 'hfs chat --schema'
            echo 1
        case 'hfs chat --schema-multi'
            echo 1
        case 'hfs chat --max-cost'
            echo 1
        case 'hfs chat --reasoning'
            echo 1
        case 'hfs chat --timeout'
            echo 1
        case 'hfs chat --idle-timeout'
            echo 1
        case 'hfs chat --retries'
            echo 1
        case 'hfs chat --tool'
            echo 1
        case 'hfs chat --max-steps'
            echo 1
        case 'hfs chat --tool-timeout'
            echo 1
        case 'hfs chat --profile'
            echo 1
        case 'hfs chat --record'
            echo 1
        case 'hfs chat -m' 'hfs chat --model'
            echo 1
        case 'hfs chat --context'
            echo 1
        case 'hfs chat --reuse' 'hfs chat --cache'
            echo 1
        case 'hfs chat --render'
            echo 1
        case 'hfs chat --format'
            echo 1
        case 'hfs chat -O' 'hfs chat --output'
            echo 1
        case 'hfs batch --input'
            echo 1
        case 'hfs batch -m' 'hfs batch --model'
            echo 1
        case 'hfs batch --concurrency'
            echo 1
        case 'hfs batch --rate'
            echo 1
        case 'hfs batch --limit'
            echo 1
        case 'hfs batch --budget'
            echo 1
        case 'hfs batch -O' 'hfs batch --output'
            echo 1
        case 'hfs batch -n' 'hfs batch --name'
            echo 1
        case 'hfs batch --status'
            echo 1
        case 'hfs batch --cancel'
            echo 1
        case 'hfs batch --owner'
            echo 1
        case 'hfs batch -t' 'hfs batch --template'
            echo 1
        case 'hfs batch -p' 'hfs batch --param'
            echo 2
        case 'hfs batch -f' 'hfs batch --file'
            echo 1
        case 'hfs batch --encoding'
            echo 1
        case 'hfs batch -s' 'hfs batch --system'
            echo 1
        case 'hfs batch --system-file'
            echo 1
        case 'hfs batch -o' 'hfs batch --option'
            echo 2
        case 'hfs batch --temperature'
            echo 1
        case 'hfs batch --max-tokens'
            echo 1
        case 'hfs batch --schema'
            echo 1
        case 'hfs batch --schema-multi'
            echo 1
        case 'hfs batch --max-cost'
            echo 1
        case 'hfs batch --reasoning'
            echo 1
        case 'hfs batch --timeout'
            echo 1
        case 'hfs batch --idle-timeout'
            echo 1
        case 'hfs batch --retries'
            echo 1
        case 'hfs batch --tool'
            echo 1
        case 'hfs batch --max-steps'
            echo 1
        case 'hfs batch --tool-timeout'
            echo 1
        case 'hfs batch --profile'
            echo 1
        case 'hfs batch --record'
            echo 1
        case 'hfs resume --owner'
            echo 1
        case 'hfs resume -t' 'hfs resume --template'
            echo 1
        case 'hfs resume -p' 'hfs resume --param'
            echo 2
        case 'hfs resume -f' 'hfs resume --file'
            echo 1
        case 'hfs resume --encoding'
            echo 1
        case 'hfs resume --save-template'
            echo 1
        case 'hfs resume --stdin-timeout'
            echo 1
        case 'hfs resume -s' 'hfs resume --system'
            echo 1
        case 'hfs resume --system-file'
            echo 1
        case 'hfs resume -o' 'hfs resume --option'
            echo 2
        case 'hfs resume --temperature'
            echo 1
        case 'hfs resume --max-tokens'
            echo 1
        case 'hfs resume --schema'
            echo 1
        case 'hfs resume --schema-multi'
            echo 1
        case 'hfs resume --max-cost'
            echo 1
        case 'hfs resume --reasoning'
            echo 1
        case 'hfs resume --timeout'
            echo 1
        case 'hfs resume --idle-timeout'
            echo 1
        case 'hfs resume --retries'
            echo 1
        case 'hfs resume --tool'
            echo 1
        case 'hfs resume --max-steps'
            echo 1
        case 'hfs resume --tool-timeout'
            echo 1
        case 'hfs resume --profile'
            echo 1
        case 'hfs resume --record'
            echo 1
        case 'hfs resume -m' 'hfs resume --model'
            echo 1
        case 'hfs resume --context'
            echo 1
        case 'hfs resume --reuse' 'hfs resume --cache'
            echo 1
        case 'hfs resume --render'
            echo 1
        case 'hfs resume --format'
            echo 1
        case 'hfs resume -O' 'hfs resume --output'
            echo 1
        case 'hfs rename --owner'
            echo 1
        case 'hfs delete --older-than'
            echo 1
        case 'hfs delete --keep'
            echo 1
        case 'hfs delete --owner'
            echo 1
        case 'hfs sessions list --limit'
            echo 1
        case 'hfs sessions list --since'
            echo 1
        case 'hfs sessions list -m' 'hfs sessions list --model'
            echo 1
        case 'hfs sessions list --query'
            echo 1
        case 'hfs sessions list --owner'
            echo 1
        case 'hfs sessions show -O' 'hfs sessions show --output'
            echo 1
        case 'hfs sessions show --format'
            echo 1
        case 'hfs sessions show --owner'
            echo 1
        case 'hfs sessions search --role'
            echo 1
        case 'hfs sessions search -m' 'hfs sessions search --model'
            echo 1
        case 'hfs sessions search --since'
            echo 1
        case 'hfs sessions search --until'
            echo 1
        case 'hfs sessions search -S' 'hfs sessions search --session'
            echo 1
        case 'hfs sessions search --limit'
            echo 1
        case 'hfs sessions search --owner'
            echo 1
        case 'hfs sessions tree --owner'
            echo 1
        case 'hfs sessions fork --at'
            echo 1
        case 'hfs sessions fork -n' 'hfs sessions fork --name'
            echo 1
        case 'hfs sessions fork --owner'
            echo 1
        case 'hfs sessions rewind --to'
            echo 1
        case 'hfs sessions rewind --owner'
            echo 1
        case 'hfs sessions undo -n' 'hfs sessions undo --turns'
            echo 1
        case 'hfs sessions undo --owner'
            echo 1
        case 'hfs sessions retry --owner'
            echo 1
        case 'hfs sessions retry -s' 'hfs sessions retry --system'
            echo 1
        case 'hfs sessions retry --system-file'
            echo 1
        case 'hfs sessions retry -o' 'hfs sessions retry --option'
            echo 2
        case 'hfs sessions retry --temperature'
            echo 1
        case 'hfs sessions retry --max-tokens'
            echo 1
        case 'hfs sessions retry --schema'
            echo 1
        case 'hfs sessions retry --schema-multi'
            echo 1
        case 'hfs sessions retry --max-cost'
            echo 1
        case 'hfs sessions retry --reasoning'
            echo 1
        case 'hfs sessions retry --timeout'
            echo 1
        case 'hfs sessions retry --idle-timeout'
            echo 1
        case 'hfs sessions retry --retries'
            echo 1
        case 'hfs sessions retry --tool'
            echo 1
        case 'hfs sessions retry --max-steps'
            echo 1
        case 'hfs sessions retry --tool-timeout'
            echo 1
        case 'hfs sessions retry --profile'
            echo 1
        case 'hfs sessions retry --record'
            echo 1
        case 'hfs sessions retry -m' 'hfs sessions retry --model'
            echo 1
        case 'hfs sessions retry --context'
            echo 1
        case 'hfs sessions retry --reuse' 'hfs sessions retry --cache'
            echo 1
        case 'hfs sessions retry --render'
            echo 1
        case 'hfs sessions retry --format'
            echo 1
        case 'hfs sessions retry -O' 'hfs sessions retry --output'
            echo 1
        case 'hfs sessions compact -m' 'hfs sessions compact --model'
            echo 1
        case 'hfs sessions compact --profile'
            echo 1
        case 'hfs sessions compact --owner'
            echo 1
        case 'hfs sessions redact --owner'
            echo 1
        case 'hfs sessions export --since'
            echo 1
        case 'hfs sessions export --format'
            echo 1
        case 'hfs sessions export -O' 'hfs sessions export --output'
            echo 1
        case 'hfs sessions export --owner'
            echo 1
        case 'hfs sessions import --from'
            echo 1
        case 'hfs sessions import --owner'
            echo 1
        case 'hfs sessions stats --by'
            echo 1
        case 'hfs sessions stats --since'
            echo 1
        case 'hfs sessions stats --owner'
            echo 1
        case 'hfs sessions rename --owner'
            echo 1
        case 'hfs sessions delete --older-than'
            echo 1
        case 'hfs sessions delete --keep'
            echo 1
        case 'hfs sessions delete --owner'
            echo 1
        case 'hfs sessions resume --owner'
            echo 1
        case 'hfs sessions resume -t' 'hfs sessions resume --template'
            echo 1
        case 'hfs sessions resume -p' 'hfs sessions resume --param'
            echo 2
        case 'hfs sessions resume -f' 'hfs sessions resume --file'
            echo 1
        case 'hfs sessions resume --encoding'
            echo 1
        case 'hfs sessions resume --save-template'
            echo 1
        case 'hfs sessions resume --stdin-timeout'
            echo 1
        case 'hfs sessions resume -s' 'hfs sessions resume --system'
            echo 1
        case 'hfs sessions resume --system-file'
            echo 1
        case 'hfs sessions resume -o' 'hfs sessions resume --option'
            echo 2
        case 'hfs sessions resume --temperature'
            echo 1
        case 'hfs sessions resume --max-tokens'
            echo 1
        case 'hfs sessions resume --schema'
            echo 1
        case 'hfs sessions resume --schema-multi'
            echo 1
        case 'hfs sessions resume --max-cost'
            echo 1
        case 'hfs sessions resume --reasoning'
            echo 1
        case 'hfs sessions resume --timeout'
            echo 1
        case 'hfs sessions resume --idle-timeout'
            echo 1
        case 'hfs sessions resume --retries'
            echo 1
        case 'hfs sessions resume --tool'
            echo 1
        case 'hfs sessions resume --max-steps'
            echo 1
        case 'hfs sessions resume --tool-timeout'
            echo 1
        case 'hfs sessions resume --profile'
            echo 1
        case 'hfs sessions resume --record'
            echo 1
        case 'hfs sessions resume -m' 'hfs sessions resume --model'
            echo 1
        case 'hfs sessions resume --context'
            echo 1
        case 'hfs sessions resume --reuse' 'hfs sessions resume --cache'
            echo 1
        case 'hfs sessions resume --render'
            echo 1
        case 'hfs sessions resume --format'
            echo 1
        case 'hfs sessions resume -O' 'hfs sessions resume --output'
            echo 1
        case 'hfs checkpoints create --label'
            echo 1
        case 'hfs checkpoints create --owner'
            echo 1
        case 'hfs checkpoints list --owner'
            echo 1
        case 'hfs checkpoints delete --owner'
            echo 1
        case 'hfs models pull --sha256'
            echo 1
        case 'hfs models pull --name'
            echo 1
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
        else if contains -- "$path $word" 'hfs chat' 'hfs batch' 'hfs resume' 'hfs rename' 'hfs delete' 'hfs sessions' 'hfs sessions list' 'hfs sessions show' 'hfs sessions search' 'hfs sessions tree' 'hfs sessions fork' 'hfs sessions rewind' 'hfs sessions undo' 'hfs sessions retry' 'hfs sessions compact' 'hfs sessions redact' 'hfs sessions export' 'hfs sessions import' 'hfs sessions stats' 'hfs sessions rename' 'hfs sessions delete' 'hfs sessions resume' 'hfs checkpoints' 'hfs checkpoints create' 'hfs checkpoints list' 'hfs checkpoints delete' 'hfs models' 'hfs models list' 'hfs models default' 'hfs models pull' 'hfs models update' 'hfs keys' 'hfs keys set' 'hfs keys list' 'hfs keys remove' 'hfs keys path' 'hfs tools' 'hfs tools list' 'hfs tools show' 'hfs tools call' 'hfs config' 'hfs config list' 'hfs config get' 'hfs config set' 'hfs config unset' 'hfs config edit' 'hfs config path' 'hfs templates' 'hfs templates list' 'hfs templates show' 'hfs templates edit' 'hfs templates remove' 'hfs templates path' 'hfs completion' 'hfs doctor' 'hfs db' 'hfs db path' 'hfs db backup' 'hfs db copy' 'hfs db check' 'hfs db vacuum' 'hfs help'
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
complete -c hfs -k -n '__hfs_at \'hfs\' 1' -a help -d 'Show the help of a command, as its --help does, or of a topic'
complete -c hfs -k -n '__hfs_at \'hfs\' 1' -a db -d 'Find, copy, check and shrink the database'
complete -c hfs -k -n '__hfs_at \'hfs\' 1' -a doctor -d 'Check configuration, database, model, key and tools'
complete -c hfs -k -n '__hfs_at \'hfs\' 1' -a completion -d 'Print the completion script for a SHELL (bash, zsh or fish), or install it'
complete -c hfs -k -n '__hfs_at \'hfs\' 1' -a templates -d 'List and edit templates: prompts with placeholders, for hfs chat -t'
complete -c hfs -k -n '__hfs_at \'hfs\' 1' -a config -d 'See and change settings'
complete -c hfs -k -n '__hfs_at \'hfs\' 1' -a tools -d 'See and try the tools that a turn may use if it names them (--tool)'
complete -c hfs -k -n '__hfs_at \'hfs\' 1' -a keys -d 'Keep the providers\' keys; they are never shown'
complete -c hfs -k -n '__hfs_at \'hfs\' 1' -a models -d 'See, fetch and choose models'
complete -c hfs -k -n '__hfs_at \'hfs\' 1' -a checkpoints -d 'Mark points of a session to come back to'
complete -c hfs -k -n '__hfs_at \'hfs\' 1' -a sessions -d 'List, show and search sessions; branch, export and import them'
complete -c hfs -k -n '__hfs_at \'hfs\' 1' -a delete -d 'Delete sessions and all that belongs to them'
complete -c hfs -k -n '__hfs_at \'hfs\' 1' -a rename -d 'Rename the last used session, or session REF'
complete -c hfs -k -n '__hfs_at \'hfs\' 1' -a resume -d 'Send the next message of session REF, or show its transcript'
complete -c hfs -k -n '__hfs_at \'hfs\' 1' -a batch -d 'Send many prompts, and write a line of JSON for each'
complete -c hfs -k -n '__hfs_at \'hfs\' 1' -a chat -d 'Send one message and show the reply'
complete -c hfs -n '__hfs_in \'hfs\' --version' -l version -d 'Show the version and exit'
complete -c hfs -n '__hfs_in \'hfs\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -n '__hfs_in \'hfs chat\' -c --continue' -s c -l continue -d 'Continue the last used session'
complete -c hfs -n '__hfs_in \'hfs chat\' -S --session' -s S -l session -x -k -a '(__hfs_words sessions)' -d 'Continue session REF'
complete -c hfs -n '__hfs_in \'hfs chat\' --create' -l create -d 'With -S or -c: make the session if there is none'
complete -c hfs -n '__hfs_in \'hfs chat\' -n --name' -s n -l name -x -k -d 'Name of the new session'
complete -c hfs -n '__hfs_in \'hfs chat\' --at' -l at -x -k -a '(__hfs_words messages)' -d 'Continue from message N; what follows it is kept as a branch'
complete -c hfs -n '__hfs_in \'hfs chat\' --schema-of' -l schema-of -x -k -a 'json jsonl sessions transcript export' -d 'Print the JSON Schema of a format and exit'
complete -c hfs -n '__hfs_in \'hfs chat\' --owner' -l owner -x -k -a '(__hfs_words owners)' -d 'Work on the sessions of OWNER, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs chat\'' -s t -l template -x -k -a '(__hfs_words templates)' -d 'Take prompt and options from a template; see hfs templates list'
complete -c hfs -n '__hfs_in \'hfs chat\'' -s p -l param -x -k -a '(__hfs_words placeholders)' -d 'Value of a placeholder of the template: -p to French or -p to=French'
complete -c hfs -n '__hfs_in \'hfs chat\'' -s f -l file -r -k -F -d 'Add a file, a directory (as git sees it), a pattern, a URL or -: text joins the prompt; images, PDFs and sounds are attached'
complete -c hfs -n '__hfs_in \'hfs chat\' --encoding' -l encoding -x -k -d 'Encoding of text that is not UTF-8: latin-1, utf-16, …, or replace'
complete -c hfs -n '__hfs_in \'hfs chat\' --save-template' -l save-template -x -k -d 'Save what is given here as a template of that name, and send nothing'
complete -c hfs -n '__hfs_in \'hfs chat\' -e --edit' -s e -l edit -d 'Write the prompt in $EDITOR'
complete -c hfs -n '__hfs_in \'hfs chat\' --no-stdin' -l no-stdin -d 'Do not read standard input'
complete -c hfs -n '__hfs_in \'hfs chat\' --stdin-timeout' -l stdin-timeout -x -k -d 'Give up standard input after S seconds of silence'
complete -c hfs -n '__hfs_in \'hfs chat\' -s --system' -s s -l system -x -k -d 'System prompt'
complete -c hfs -n '__hfs_in \'hfs chat\' --system-file' -l system-file -r -k -F -d 'Read the system prompt from a file'
complete -c hfs -n '__hfs_in \'hfs chat\' --no-system' -l no-system -d 'Send no system prompt this time'
complete -c hfs -n '__hfs_in \'hfs chat\'' -s o -l option -x -k -d 'Model option: -o top_p 0.9 or -o top_p=0.9 (the value is JSON or text)'
complete -c hfs -n '__hfs_in \'hfs chat\' --temperature' -l temperature -x -k -d 'Sampling temperature, 0 or more'
complete -c hfs -n '__hfs_in \'hfs chat\' --max-tokens' -l max-tokens -x -k -d 'Longest reply, in tokens'
complete -c hfs -n '__hfs_in \'hfs chat\' --schema' -l schema -x -k -d 'Reply in JSON that fits: a file, JSON Schema, or "name, age int, tags list"'
complete -c hfs -n '__hfs_in \'hfs chat\' --schema-multi' -l schema-multi -x -k -d 'The same for a list of such objects: {"items": […]}'
complete -c hfs -n '__hfs_in \'hfs chat\' --max-cost' -l max-cost -x -k -d 'End the turn when it costs more than X'
complete -c hfs -n '__hfs_in \'hfs chat\' --over-budget' -l over-budget -d 'Continue even if the daily budget is spent'
complete -c hfs -n '__hfs_in \'hfs chat\' --reasoning' -l reasoning -x -k -a 'none low medium high max' -d 'How much the model thinks first; max is the most it takes'
complete -c hfs -n '__hfs_in \'hfs chat\' --search --no-search' -l search -l no-search -d 'Let the vendor search the web; sources are listed'
complete -c hfs -n '__hfs_in \'hfs chat\' --timeout' -l timeout -x -k -d 'Seconds for the whole reply'
complete -c hfs -n '__hfs_in \'hfs chat\' --idle-timeout' -l idle-timeout -x -k -d 'Seconds without a byte'
complete -c hfs -n '__hfs_in \'hfs chat\' --retries' -l retries -x -k -d 'Send a request that failed up to N times again'
complete -c hfs -n '__hfs_in \'hfs chat\'' -l tool -x -k -a '(__hfs_words tools)' -d 'Let the model use a tool: NAME, all of an MCP SERVER\'s, SERVER:TOOL, or the vendor\'s own web-search or code-execution'
complete -c hfs -n '__hfs_in \'hfs chat\' --max-steps' -l max-steps -x -k -d 'Make at most N requests in a turn with tools (10)'
complete -c hfs -n '__hfs_in \'hfs chat\' --tool-timeout' -l tool-timeout -x -k -d 'Seconds for each call of a tool'
complete -c hfs -n '__hfs_in \'hfs chat\' --profile' -l profile -x -k -a '(__hfs_words profiles)' -d 'Use the settings of [profiles.PROFILE]'
complete -c hfs -n '__hfs_in \'hfs chat\' --record' -l record -r -k -F -d 'Keep each exchange as a file in DIR, for HFS_REPLAY=DIR'
complete -c hfs -n '__hfs_in \'hfs chat\' -x --extract' -s x -l extract -d 'Print only the first fenced code block of the reply'
complete -c hfs -n '__hfs_in \'hfs chat\' --extract-last' -l extract-last -d 'Print only the last one'
complete -c hfs -n '__hfs_in \'hfs chat\' -q --quiet' -s q -l quiet -d 'Show no session line and no notices'
complete -c hfs -n '__hfs_in \'hfs chat\'' -s m -l model -x -k -a '(__hfs_words models)' -d 'Model (PROVIDER/MODEL) or alias; a second one is asked if the first cannot answer'
complete -c hfs -n '__hfs_in \'hfs chat\' --confirm' -l confirm -d 'Ask on the terminal before each call of a tool'
complete -c hfs -n '__hfs_in \'hfs chat\' --context' -l context -x -k -a 'error trim compact' -d 'What to do with a conversation that is too long for the model'
complete -c hfs -n '__hfs_in \'hfs chat\' --reuse --cache' -l reuse -l cache -x -k -d 'Answer with the kept reply to the very same request, if that was sent with --reuse too and is not older than AGE'
complete -c hfs -n '__hfs_in \'hfs chat\' --dry-run' -l dry-run -d 'Print the request; send and save nothing'
complete -c hfs -n '__hfs_in \'hfs chat\' --no-save' -l no-save -d 'Keep nothing of this turn'
complete -c hfs -n '__hfs_in \'hfs chat\' --render' -l render -x -k -a 'auto markdown plain' -d 'How text is shown; auto is Markdown on a terminal'
complete -c hfs -n '__hfs_in \'hfs chat\' --no-stream' -l no-stream -d 'Show the reply only when it is complete'
complete -c hfs -n '__hfs_in \'hfs chat\' --format' -l format -x -k -a 'text json jsonl' -d 'What to print'
complete -c hfs -n '__hfs_in \'hfs chat\' --json' -l json -d 'Short for --format json'
complete -c hfs -n '__hfs_in \'hfs chat\' -O --output' -s O -l output -r -k -F -d 'Write the reply to FILE instead (all of it or nothing)'
complete -c hfs -n '__hfs_in \'hfs chat\' --force' -l force -d 'With -O: replace a file that exists'
complete -c hfs -n '__hfs_in \'hfs chat\' --hide-reasoning' -l hide-reasoning -d 'Leave out the model\'s reasoning, also in JSON'
complete -c hfs -n '__hfs_in \'hfs chat\' --citations' -l citations -d 'List what the reply cites, in a pipe too'
complete -c hfs -n '__hfs_in \'hfs chat\' -v --verbose' -s v -l verbose -d 'Show on stderr all that tools are given and say'
complete -c hfs -n '__hfs_in \'hfs chat\' -u --usage' -s u -l usage -d 'Show tokens and times on stderr'
complete -c hfs -n '__hfs_in \'hfs chat\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs batch\' 1' -F
complete -c hfs -n '__hfs_in \'hfs batch\' --input' -l input -x -k -a 'text jsonl csv' -d 'Format of the input; by default told from its suffix and first bytes'
complete -c hfs -n '__hfs_in \'hfs batch\'' -s m -l model -x -k -a '(__hfs_words models)' -d 'Model (PROVIDER/MODEL) or alias; of several, each is sent each prompt'
complete -c hfs -n '__hfs_in \'hfs batch\' --concurrency' -l concurrency -x -k -d 'Send up to N prompts at once (8)'
complete -c hfs -n '__hfs_in \'hfs batch\' --rate' -l rate -x -k -d 'Send at most N requests a minute; N/s and N/h do too'
complete -c hfs -n '__hfs_in \'hfs batch\' --limit' -l limit -x -k -d 'Send only the first N prompts'
complete -c hfs -n '__hfs_in \'hfs batch\' --budget' -l budget -x -k -d 'Start no prompt that could bring the cost of all, with those under way, above X'
complete -c hfs -n '__hfs_in \'hfs batch\' -O --output' -s O -l output -r -k -F -d 'Write the results to FILE, which --resume can continue'
complete -c hfs -n '__hfs_in \'hfs batch\' --resume' -l resume -d 'Continue -O FILE: skip the prompts that it has'
complete -c hfs -n '__hfs_in \'hfs batch\' --retry-failed' -l retry-failed -d 'With --resume: send again what failed'
complete -c hfs -n '__hfs_in \'hfs batch\' --force' -l force -d 'With -O: replace the file; with --resume: continue any file'
complete -c hfs -n '__hfs_in \'hfs batch\' --unordered' -l unordered -d 'Write results as they arrive'
complete -c hfs -n '__hfs_in \'hfs batch\' --save' -l save -d 'Keep each turn as a session'
complete -c hfs -n '__hfs_in \'hfs batch\' -n --name' -s n -l name -x -k -d 'With --save: name of the sessions'
complete -c hfs -n '__hfs_in \'hfs batch\' -u --usage' -s u -l usage -d 'Show the summary on stderr in scripts too'
complete -c hfs -n '__hfs_in \'hfs batch\' --dry-run' -l dry-run -d 'Count prompts, tokens and cost; send and save nothing'
complete -c hfs -n '__hfs_in \'hfs batch\' --vendor-batch' -l vendor-batch -d 'With -O: use the vendor\'s batch endpoint: half the price, within a day'
complete -c hfs -n '__hfs_in \'hfs batch\' --no-wait' -l no-wait -d 'With --vendor-batch: fetch what is ready, and exit'
complete -c hfs -n '__hfs_in \'hfs batch\' --status' -l status -r -k -F -d 'Show what a vendor still has of the output FILE, and how far it is'
complete -c hfs -n '__hfs_in \'hfs batch\' --cancel' -l cancel -r -k -F -d 'Cancel what a vendor still has of the output FILE'
complete -c hfs -n '__hfs_in \'hfs batch\' --json' -l json -d 'With --status or --cancel: print JSON'
complete -c hfs -n '__hfs_in \'hfs batch\' --owner' -l owner -x -k -a '(__hfs_words owners)' -d 'Work on the sessions of OWNER, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs batch\'' -s t -l template -x -k -a '(__hfs_words templates)' -d 'Take prompt and options from a template; see hfs templates list'
complete -c hfs -n '__hfs_in \'hfs batch\'' -s p -l param -x -k -a '(__hfs_words placeholders)' -d 'Value of a placeholder of the template: -p to French or -p to=French'
complete -c hfs -n '__hfs_in \'hfs batch\'' -s f -l file -r -k -F -d 'Add a file, a directory (as git sees it), a pattern, a URL or -: text joins the prompt; images, PDFs and sounds are attached'
complete -c hfs -n '__hfs_in \'hfs batch\' --encoding' -l encoding -x -k -d 'Encoding of text that is not UTF-8: latin-1, utf-16, …, or replace'
complete -c hfs -n '__hfs_in \'hfs batch\' -s --system' -s s -l system -x -k -d 'System prompt'
complete -c hfs -n '__hfs_in \'hfs batch\' --system-file' -l system-file -r -k -F -d 'Read the system prompt from a file'
complete -c hfs -n '__hfs_in \'hfs batch\' --no-system' -l no-system -d 'Send no system prompt this time'
complete -c hfs -n '__hfs_in \'hfs batch\'' -s o -l option -x -k -d 'Model option: -o top_p 0.9 or -o top_p=0.9 (the value is JSON or text)'
complete -c hfs -n '__hfs_in \'hfs batch\' --temperature' -l temperature -x -k -d 'Sampling temperature, 0 or more'
complete -c hfs -n '__hfs_in \'hfs batch\' --max-tokens' -l max-tokens -x -k -d 'Longest reply, in tokens'
complete -c hfs -n '__hfs_in \'hfs batch\' --schema' -l schema -x -k -d 'Reply in JSON that fits: a file, JSON Schema, or "name, age int, tags list"'
complete -c hfs -n '__hfs_in \'hfs batch\' --schema-multi' -l schema-multi -x -k -d 'The same for a list of such objects: {"items": […]}'
complete -c hfs -n '__hfs_in \'hfs batch\' --max-cost' -l max-cost -x -k -d 'End the turn when it costs more than X'
complete -c hfs -n '__hfs_in \'hfs batch\' --over-budget' -l over-budget -d 'Continue even if the daily budget is spent'
complete -c hfs -n '__hfs_in \'hfs batch\' --reasoning' -l reasoning -x -k -a 'none low medium high max' -d 'How much the model thinks first; max is the most it takes'
complete -c hfs -n '__hfs_in \'hfs batch\' --search --no-search' -l search -l no-search -d 'Let the vendor search the web; sources are listed'
complete -c hfs -n '__hfs_in \'hfs batch\' --timeout' -l timeout -x -k -d 'Seconds for the whole reply'
complete -c hfs -n '__hfs_in \'hfs batch\' --idle-timeout' -l idle-timeout -x -k -d 'Seconds without a byte'
complete -c hfs -n '__hfs_in \'hfs batch\' --retries' -l retries -x -k -d 'Send a request that failed up to N times again'
complete -c hfs -n '__hfs_in \'hfs batch\'' -l tool -x -k -a '(__hfs_words tools)' -d 'Let the model use a tool: NAME, all of an MCP SERVER\'s, SERVER:TOOL, or the vendor\'s own web-search or code-execution'
complete -c hfs -n '__hfs_in \'hfs batch\' --max-steps' -l max-steps -x -k -d 'Make at most N requests in a turn with tools (10)'
complete -c hfs -n '__hfs_in \'hfs batch\' --tool-timeout' -l tool-timeout -x -k -d 'Seconds for each call of a tool'
complete -c hfs -n '__hfs_in \'hfs batch\' --profile' -l profile -x -k -a '(__hfs_words profiles)' -d 'Use the settings of [profiles.PROFILE]'
complete -c hfs -n '__hfs_in \'hfs batch\' --record' -l record -r -k -F -d 'Keep each exchange as a file in DIR, for HFS_REPLAY=DIR'
complete -c hfs -n '__hfs_in \'hfs batch\' -x --extract' -s x -l extract -d 'Print only the first fenced code block of the reply'
complete -c hfs -n '__hfs_in \'hfs batch\' --extract-last' -l extract-last -d 'Print only the last one'
complete -c hfs -n '__hfs_in \'hfs batch\' -q --quiet' -s q -l quiet -d 'Show no session line and no notices'
complete -c hfs -n '__hfs_in \'hfs batch\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs resume\' 1' -a '(__hfs_words sessions)'
complete -c hfs -n '__hfs_in \'hfs resume\' --no-pager' -l no-pager -d 'Print a long transcript without a pager'
complete -c hfs -n '__hfs_in \'hfs resume\' --owner' -l owner -x -k -a '(__hfs_words owners)' -d 'Work on the sessions of OWNER, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs resume\'' -s t -l template -x -k -a '(__hfs_words templates)' -d 'Take prompt and options from a template; see hfs templates list'
complete -c hfs -n '__hfs_in \'hfs resume\'' -s p -l param -x -k -a '(__hfs_words placeholders)' -d 'Value of a placeholder of the template: -p to French or -p to=French'
complete -c hfs -n '__hfs_in \'hfs resume\'' -s f -l file -r -k -F -d 'Add a file, a directory (as git sees it), a pattern, a URL or -: text joins the prompt; images, PDFs and sounds are attached'
complete -c hfs -n '__hfs_in \'hfs resume\' --encoding' -l encoding -x -k -d 'Encoding of text that is not UTF-8: latin-1, utf-16, …, or replace'
complete -c hfs -n '__hfs_in \'hfs resume\' --save-template' -l save-template -x -k -d 'Save what is given here as a template of that name, and send nothing'
complete -c hfs -n '__hfs_in \'hfs resume\' -e --edit' -s e -l edit -d 'Write the prompt in $EDITOR'
complete -c hfs -n '__hfs_in \'hfs resume\' --no-stdin' -l no-stdin -d 'Do not read standard input'
complete -c hfs -n '__hfs_in \'hfs resume\' --stdin-timeout' -l stdin-timeout -x -k -d 'Give up standard input after S seconds of silence'
complete -c hfs -n '__hfs_in \'hfs resume\' -s --system' -s s -l system -x -k -d 'System prompt'
complete -c hfs -n '__hfs_in \'hfs resume\' --system-file' -l system-file -r -k -F -d 'Read the system prompt from a file'
complete -c hfs -n '__hfs_in \'hfs resume\' --no-system' -l no-system -d 'Send no system prompt this time'
complete -c hfs -n '__hfs_in \'hfs resume\'' -s o -l option -x -k -d 'Model option: -o top_p 0.9 or -o top_p=0.9 (the value is JSON or text)'
complete -c hfs -n '__hfs_in \'hfs resume\' --temperature' -l temperature -x -k -d 'Sampling temperature, 0 or more'
complete -c hfs -n '__hfs_in \'hfs resume\' --max-tokens' -l max-tokens -x -k -d 'Longest reply, in tokens'
complete -c hfs -n '__hfs_in \'hfs resume\' --schema' -l schema -x -k -d 'Reply in JSON that fits: a file, JSON Schema, or "name, age int, tags list"'
complete -c hfs -n '__hfs_in \'hfs resume\' --schema-multi' -l schema-multi -x -k -d 'The same for a list of such objects: {"items": […]}'
complete -c hfs -n '__hfs_in \'hfs resume\' --max-cost' -l max-cost -x -k -d 'End the turn when it costs more than X'
complete -c hfs -n '__hfs_in \'hfs resume\' --over-budget' -l over-budget -d 'Continue even if the daily budget is spent'
complete -c hfs -n '__hfs_in \'hfs resume\' --reasoning' -l reasoning -x -k -a 'none low medium high max' -d 'How much the model thinks first; max is the most it takes'
complete -c hfs -n '__hfs_in \'hfs resume\' --search --no-search' -l search -l no-search -d 'Let the vendor search the web; sources are listed'
complete -c hfs -n '__hfs_in \'hfs resume\' --timeout' -l timeout -x -k -d 'Seconds for the whole reply'
complete -c hfs -n '__hfs_in \'hfs resume\' --idle-timeout' -l idle-timeout -x -k -d 'Seconds without a byte'
complete -c hfs -n '__hfs_in \'hfs resume\' --retries' -l retries -x -k -d 'Send a request that failed up to N times again'
complete -c hfs -n '__hfs_in \'hfs resume\'' -l tool -x -k -a '(__hfs_words tools)' -d 'Let the model use a tool: NAME, all of an MCP SERVER\'s, SERVER:TOOL, or the vendor\'s own web-search or code-execution'
complete -c hfs -n '__hfs_in \'hfs resume\' --max-steps' -l max-steps -x -k -d 'Make at most N requests in a turn with tools (10)'
complete -c hfs -n '__hfs_in \'hfs resume\' --tool-timeout' -l tool-timeout -x -k -d 'Seconds for each call of a tool'
complete -c hfs -n '__hfs_in \'hfs resume\' --profile' -l profile -x -k -a '(__hfs_words profiles)' -d 'Use the settings of [profiles.PROFILE]'
complete -c hfs -n '__hfs_in \'hfs resume\' --record' -l record -r -k -F -d 'Keep each exchange as a file in DIR, for HFS_REPLAY=DIR'
complete -c hfs -n '__hfs_in \'hfs resume\' -x --extract' -s x -l extract -d 'Print only the first fenced code block of the reply'
complete -c hfs -n '__hfs_in \'hfs resume\' --extract-last' -l extract-last -d 'Print only the last one'
complete -c hfs -n '__hfs_in \'hfs resume\' -q --quiet' -s q -l quiet -d 'Show no session line and no notices'
complete -c hfs -n '__hfs_in \'hfs resume\'' -s m -l model -x -k -a '(__hfs_words models)' -d 'Model (PROVIDER/MODEL) or alias; a second one is asked if the first cannot answer'
complete -c hfs -n '__hfs_in \'hfs resume\' --confirm' -l confirm -d 'Ask on the terminal before each call of a tool'
complete -c hfs -n '__hfs_in \'hfs resume\' --context' -l context -x -k -a 'error trim compact' -d 'What to do with a conversation that is too long for the model'
complete -c hfs -n '__hfs_in \'hfs resume\' --reuse --cache' -l reuse -l cache -x -k -d 'Answer with the kept reply to the very same request, if that was sent with --reuse too and is not older than AGE'
complete -c hfs -n '__hfs_in \'hfs resume\' --dry-run' -l dry-run -d 'Print the request; send and save nothing'
complete -c hfs -n '__hfs_in \'hfs resume\' --no-save' -l no-save -d 'Keep nothing of this turn'
complete -c hfs -n '__hfs_in \'hfs resume\' --render' -l render -x -k -a 'auto markdown plain' -d 'How text is shown; auto is Markdown on a terminal'
complete -c hfs -n '__hfs_in \'hfs resume\' --no-stream' -l no-stream -d 'Show the reply only when it is complete'
complete -c hfs -n '__hfs_in \'hfs resume\' --format' -l format -x -k -a 'text json jsonl' -d 'What to print'
complete -c hfs -n '__hfs_in \'hfs resume\' --json' -l json -d 'Short for --format json'
complete -c hfs -n '__hfs_in \'hfs resume\' -O --output' -s O -l output -r -k -F -d 'Write the reply to FILE instead (all of it or nothing)'
complete -c hfs -n '__hfs_in \'hfs resume\' --force' -l force -d 'With -O: replace a file that exists'
complete -c hfs -n '__hfs_in \'hfs resume\' --hide-reasoning' -l hide-reasoning -d 'Leave out the model\'s reasoning, also in JSON'
complete -c hfs -n '__hfs_in \'hfs resume\' --citations' -l citations -d 'List what the reply cites, in a pipe too'
complete -c hfs -n '__hfs_in \'hfs resume\' -v --verbose' -s v -l verbose -d 'Show on stderr all that tools are given and say'
complete -c hfs -n '__hfs_in \'hfs resume\' -u --usage' -s u -l usage -d 'Show tokens and times on stderr'
complete -c hfs -n '__hfs_in \'hfs resume\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs rename\' 1' -a '(__hfs_words sessions)'
complete -c hfs -n '__hfs_in \'hfs rename\' --owner' -l owner -x -k -a '(__hfs_words owners)' -d 'Work on the sessions of OWNER, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs rename\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs delete\' 1+' -a '(__hfs_words sessions)'
complete -c hfs -n '__hfs_in \'hfs delete\' --older-than' -l older-than -x -k -d 'Sessions not used for 90m, 12h, 30d or 2w'
complete -c hfs -n '__hfs_in \'hfs delete\' --all' -l all -d 'Every session'
complete -c hfs -n '__hfs_in \'hfs delete\' --keep' -l keep -x -k -d 'With --older-than or --all: keep the first N of `hfs sessions list`'
complete -c hfs -n '__hfs_in \'hfs delete\' --dry-run' -l dry-run -d 'Only show what would be deleted'
complete -c hfs -n '__hfs_in \'hfs delete\' -y --yes' -s y -l yes -d 'Do not ask'
complete -c hfs -n '__hfs_in \'hfs delete\' --owner' -l owner -x -k -a '(__hfs_words owners)' -d 'Work on the sessions of OWNER, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs delete\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs sessions\' 1' -a resume -d 'Send the next message of session REF, or show its transcript'
complete -c hfs -k -n '__hfs_at \'hfs sessions\' 1' -a delete -d 'Delete sessions and all that belongs to them'
complete -c hfs -k -n '__hfs_at \'hfs sessions\' 1' -a rename -d 'Rename the last used session, or session REF'
complete -c hfs -k -n '__hfs_at \'hfs sessions\' 1' -a stats -d 'Count turns, tokens, seconds to the first token, and what they cost'
complete -c hfs -k -n '__hfs_at \'hfs sessions\' 1' -a import -d 'Import conversations: all that is new in a FILE, or nothing of it'
complete -c hfs -k -n '__hfs_at \'hfs sessions\' 1' -a export -d 'Write sessions (the last used one by default) as Markdown, JSON or HTML'
complete -c hfs -k -n '__hfs_at \'hfs sessions\' 1' -a redact -d 'Find keys and tokens of the big vendors in session REF; without REF, in every session'
complete -c hfs -k -n '__hfs_at \'hfs sessions\' 1' -a compact -d 'Have the model summarise session REF (the last used one by default)'
complete -c hfs -k -n '__hfs_at \'hfs sessions\' 1' -a retry -d 'Send the last user message of session REF again'
complete -c hfs -k -n '__hfs_at \'hfs sessions\' 1' -a undo -d 'Take back the last turns of session REF'
complete -c hfs -k -n '__hfs_at \'hfs sessions\' 1' -a rewind -d 'Go back to an earlier point of session REF'
complete -c hfs -k -n '__hfs_at \'hfs sessions\' 1' -a fork -d 'Begin a new session with the messages of REF (all of them, or the first N)'
complete -c hfs -k -n '__hfs_at \'hfs sessions\' 1' -a tree -d 'Draw the family of session REF: forks, and what was set aside'
complete -c hfs -k -n '__hfs_at \'hfs sessions\' 1' -a search -d 'Find messages, and sessions by name, that contain every WORD; the best first'
complete -c hfs -k -n '__hfs_at \'hfs sessions\' 1' -a show -d 'Show the transcript of a session (the last used one by default), or its last reply'
complete -c hfs -k -n '__hfs_at \'hfs sessions\' 1' -a list -d 'List sessions, the newest activity first'
complete -c hfs -n '__hfs_in \'hfs sessions\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -n '__hfs_in \'hfs sessions list\' --limit' -l limit -x -k -d 'Show at most N; on a terminal 20 by default'
complete -c hfs -n '__hfs_in \'hfs sessions list\' --all' -l all -d 'Show all, even those that never had a reply'
complete -c hfs -n '__hfs_in \'hfs sessions list\' --since' -l since -x -k -d 'Only those used in the last 30d or 12h, or since a date'
complete -c hfs -n '__hfs_in \'hfs sessions list\' -m --model' -s m -l model -x -k -a '(__hfs_words models)' -d 'Only sessions of this model'
complete -c hfs -n '__hfs_in \'hfs sessions list\' --query' -l query -x -k -d 'Only names that contain TEXT'
complete -c hfs -n '__hfs_in \'hfs sessions list\' --json' -l json -d 'Print a JSON array'
complete -c hfs -n '__hfs_in \'hfs sessions list\' --ids' -l ids -d 'Print only ids, one per line'
complete -c hfs -n '__hfs_in \'hfs sessions list\' --owner' -l owner -x -k -a '(__hfs_words owners)' -d 'Work on the sessions of OWNER, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs sessions list\' --all-owners' -l all-owners -d 'Include the sessions of every owner, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs sessions list\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs sessions show\' 1' -a '(__hfs_words sessions)'
complete -c hfs -n '__hfs_in \'hfs sessions show\' -r --reply' -s r -l reply -d 'Print only the last reply'
complete -c hfs -n '__hfs_in \'hfs sessions show\' -x --extract' -s x -l extract -d 'With -r: only its first fenced code block'
complete -c hfs -n '__hfs_in \'hfs sessions show\' --extract-last' -l extract-last -d 'With -r: only the last one'
complete -c hfs -n '__hfs_in \'hfs sessions show\' -O --output' -s O -l output -r -k -F -d 'With -r: write it to a new FILE'
complete -c hfs -n '__hfs_in \'hfs sessions show\' --force' -l force -d 'With -O: replace a file that exists'
complete -c hfs -n '__hfs_in \'hfs sessions show\' --format' -l format -x -k -a 'text json' -d 'What to print'
complete -c hfs -n '__hfs_in \'hfs sessions show\' --json' -l json -d 'Short for --format json'
complete -c hfs -n '__hfs_in \'hfs sessions show\' --context' -l context -d 'Show what the next turn would send of it, and about how many tokens that is'
complete -c hfs -n '__hfs_in \'hfs sessions show\' --no-pager' -l no-pager -d 'Print a long transcript without a pager'
complete -c hfs -n '__hfs_in \'hfs sessions show\' --owner' -l owner -x -k -a '(__hfs_words owners)' -d 'Work on the sessions of OWNER, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs sessions show\' --all-owners' -l all-owners -d 'Include the sessions of every owner, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs sessions show\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -n '__hfs_in \'hfs sessions search\' --fts' -l fts -d 'The words are an FTS5 query: AND, OR, NOT, NEAR, x*'
complete -c hfs -n '__hfs_in \'hfs sessions search\' --role' -l role -x -k -a 'user assistant system tool' -d 'Only messages of this role'
complete -c hfs -n '__hfs_in \'hfs sessions search\' -m --model' -s m -l model -x -k -a '(__hfs_words models)' -d 'Only replies of this model'
complete -c hfs -n '__hfs_in \'hfs sessions search\' --since' -l since -x -k -d 'Only from the last 30d or 12h, or since a date'
complete -c hfs -n '__hfs_in \'hfs sessions search\' --until' -l until -x -k -d 'Only from before 30d or 12h ago, or before a date'
complete -c hfs -n '__hfs_in \'hfs sessions search\' -S --session' -s S -l session -x -k -a '(__hfs_words sessions)' -d 'Search only session REF'
complete -c hfs -n '__hfs_in \'hfs sessions search\' --limit' -l limit -x -k -d 'Show at most N; on a terminal 20 by default'
complete -c hfs -n '__hfs_in \'hfs sessions search\' --json' -l json -d 'Print a JSON array'
complete -c hfs -n '__hfs_in \'hfs sessions search\' --owner' -l owner -x -k -a '(__hfs_words owners)' -d 'Work on the sessions of OWNER, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs sessions search\' --all-owners' -l all-owners -d 'Include the sessions of every owner, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs sessions search\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs sessions tree\' 1' -a '(__hfs_words sessions)'
complete -c hfs -n '__hfs_in \'hfs sessions tree\' --json' -l json -d 'Print a JSON array, the oldest first'
complete -c hfs -n '__hfs_in \'hfs sessions tree\' --owner' -l owner -x -k -a '(__hfs_words owners)' -d 'Work on the sessions of OWNER, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs sessions tree\' --all-owners' -l all-owners -d 'Include the sessions of every owner, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs sessions tree\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs sessions fork\' 1' -a '(__hfs_words sessions)'
complete -c hfs -n '__hfs_in \'hfs sessions fork\' --at' -l at -x -k -a '(__hfs_words messages)' -d 'Share the first N messages'
complete -c hfs -n '__hfs_in \'hfs sessions fork\' -n --name' -s n -l name -x -k -d 'Name of the fork'
complete -c hfs -n '__hfs_in \'hfs sessions fork\' --owner' -l owner -x -k -a '(__hfs_words owners)' -d 'Work on the sessions of OWNER, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs sessions fork\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs sessions rewind\' 1' -a '(__hfs_words sessions)'
complete -c hfs -n '__hfs_in \'hfs sessions rewind\' --to' -l to -x -k -a '(__hfs_words checkpoints+messages)' -d 'The last message to keep'
complete -c hfs -n '__hfs_in \'hfs sessions rewind\' --owner' -l owner -x -k -a '(__hfs_words owners)' -d 'Work on the sessions of OWNER, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs sessions rewind\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs sessions undo\' 1' -a '(__hfs_words sessions)'
complete -c hfs -n '__hfs_in \'hfs sessions undo\' -n --turns' -s n -l turns -x -k -d 'Take back N turns'
complete -c hfs -n '__hfs_in \'hfs sessions undo\' --owner' -l owner -x -k -a '(__hfs_words owners)' -d 'Work on the sessions of OWNER, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs sessions undo\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs sessions retry\' 1' -a '(__hfs_words sessions)'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --owner' -l owner -x -k -a '(__hfs_words owners)' -d 'Work on the sessions of OWNER, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' -s --system' -s s -l system -x -k -d 'System prompt'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --system-file' -l system-file -r -k -F -d 'Read the system prompt from a file'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --no-system' -l no-system -d 'Send no system prompt this time'
complete -c hfs -n '__hfs_in \'hfs sessions retry\'' -s o -l option -x -k -d 'Model option: -o top_p 0.9 or -o top_p=0.9 (the value is JSON or text)'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --temperature' -l temperature -x -k -d 'Sampling temperature, 0 or more'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --max-tokens' -l max-tokens -x -k -d 'Longest reply, in tokens'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --schema' -l schema -x -k -d 'Reply in JSON that fits: a file, JSON Schema, or "name, age int, tags list"'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --schema-multi' -l schema-multi -x -k -d 'The same for a list of such objects: {"items": […]}'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --max-cost' -l max-cost -x -k -d 'End the turn when it costs more than X'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --over-budget' -l over-budget -d 'Continue even if the daily budget is spent'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --reasoning' -l reasoning -x -k -a 'none low medium high max' -d 'How much the model thinks first; max is the most it takes'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --search --no-search' -l search -l no-search -d 'Let the vendor search the web; sources are listed'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --timeout' -l timeout -x -k -d 'Seconds for the whole reply'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --idle-timeout' -l idle-timeout -x -k -d 'Seconds without a byte'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --retries' -l retries -x -k -d 'Send a request that failed up to N times again'
complete -c hfs -n '__hfs_in \'hfs sessions retry\'' -l tool -x -k -a '(__hfs_words tools)' -d 'Let the model use a tool: NAME, all of an MCP SERVER\'s, SERVER:TOOL, or the vendor\'s own web-search or code-execution'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --max-steps' -l max-steps -x -k -d 'Make at most N requests in a turn with tools (10)'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --tool-timeout' -l tool-timeout -x -k -d 'Seconds for each call of a tool'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --profile' -l profile -x -k -a '(__hfs_words profiles)' -d 'Use the settings of [profiles.PROFILE]'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --record' -l record -r -k -F -d 'Keep each exchange as a file in DIR, for HFS_REPLAY=DIR'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' -x --extract' -s x -l extract -d 'Print only the first fenced code block of the reply'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --extract-last' -l extract-last -d 'Print only the last one'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' -q --quiet' -s q -l quiet -d 'Show no session line and no notices'
complete -c hfs -n '__hfs_in \'hfs sessions retry\'' -s m -l model -x -k -a '(__hfs_words models)' -d 'Model (PROVIDER/MODEL) or alias; a second one is asked if the first cannot answer'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --confirm' -l confirm -d 'Ask on the terminal before each call of a tool'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --context' -l context -x -k -a 'error trim compact' -d 'What to do with a conversation that is too long for the model'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --reuse --cache' -l reuse -l cache -x -k -d 'Answer with the kept reply to the very same request, if that was sent with --reuse too and is not older than AGE'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --dry-run' -l dry-run -d 'Print the request; send and save nothing'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --no-save' -l no-save -d 'Keep nothing of this turn'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --render' -l render -x -k -a 'auto markdown plain' -d 'How text is shown; auto is Markdown on a terminal'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --no-stream' -l no-stream -d 'Show the reply only when it is complete'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --format' -l format -x -k -a 'text json jsonl' -d 'What to print'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --json' -l json -d 'Short for --format json'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' -O --output' -s O -l output -r -k -F -d 'Write the reply to FILE instead (all of it or nothing)'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --force' -l force -d 'With -O: replace a file that exists'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --hide-reasoning' -l hide-reasoning -d 'Leave out the model\'s reasoning, also in JSON'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' --citations' -l citations -d 'List what the reply cites, in a pipe too'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' -v --verbose' -s v -l verbose -d 'Show on stderr all that tools are given and say'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' -u --usage' -s u -l usage -d 'Show tokens and times on stderr'
complete -c hfs -n '__hfs_in \'hfs sessions retry\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs sessions compact\' 1' -a '(__hfs_words sessions)'
complete -c hfs -n '__hfs_in \'hfs sessions compact\' -m --model' -s m -l model -x -k -a '(__hfs_words models)' -d 'Ask this model instead of the session\'s own'
complete -c hfs -n '__hfs_in \'hfs sessions compact\' --profile' -l profile -x -k -a '(__hfs_words profiles)' -d 'Use the settings of [profiles.PROFILE]'
complete -c hfs -n '__hfs_in \'hfs sessions compact\' --over-budget' -l over-budget -d 'Continue even if the daily budget is spent'
complete -c hfs -n '__hfs_in \'hfs sessions compact\' --owner' -l owner -x -k -a '(__hfs_words owners)' -d 'Work on the sessions of OWNER, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs sessions compact\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs sessions redact\' 1' -a '(__hfs_words sessions)'
complete -c hfs -n '__hfs_in \'hfs sessions redact\' -y --yes' -s y -l yes -d 'Replace them'
complete -c hfs -n '__hfs_in \'hfs sessions redact\' --json' -l json -d 'Print a JSON array'
complete -c hfs -n '__hfs_in \'hfs sessions redact\' --owner' -l owner -x -k -a '(__hfs_words owners)' -d 'Work on the sessions of OWNER, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs sessions redact\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs sessions export\' 1+' -a '(__hfs_words sessions)'
complete -c hfs -n '__hfs_in \'hfs sessions export\' --all' -l all -d 'Export every session'
complete -c hfs -n '__hfs_in \'hfs sessions export\' --since' -l since -x -k -d 'With --all: only those used in the last 30d, or since a date'
complete -c hfs -n '__hfs_in \'hfs sessions export\' --format' -l format -x -k -a 'markdown json jsonl html' -d 'Format to write; by default what FILE\'s suffix says, else markdown'
complete -c hfs -n '__hfs_in \'hfs sessions export\' -O --output' -s O -l output -r -k -F -d 'Write to a new FILE instead of standard output; or the directory of an archive'
complete -c hfs -n '__hfs_in \'hfs sessions export\' --force' -l force -d 'Replace FILE; write every page of an archive again'
complete -c hfs -n '__hfs_in \'hfs sessions export\' --owner' -l owner -x -k -a '(__hfs_words owners)' -d 'Work on the sessions of OWNER, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs sessions export\' --all-owners' -l all-owners -d 'Include the sessions of every owner, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs sessions export\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs sessions import\' 1+' -F
complete -c hfs -n '__hfs_in \'hfs sessions import\' --dry-run' -l dry-run -d 'Only show what would come in'
complete -c hfs -n '__hfs_in \'hfs sessions import\' --from' -l from -x -k -a 'hfs chatgpt claude llm aichat shell_gpt mods claude-code codex gemini-cli lines' -d 'The program that wrote it, recognised by default: hfs, chatgpt, claude, llm, aichat, shell_gpt, mods, claude-code, codex, gemini-cli, lines'
complete -c hfs -n '__hfs_in \'hfs sessions import\' --skip-broken' -l skip-broken -d 'Skip damaged conversations'
complete -c hfs -n '__hfs_in \'hfs sessions import\' --restore' -l restore -d 'Bring back what was deleted here'
complete -c hfs -n '__hfs_in \'hfs sessions import\' --owner' -l owner -x -k -a '(__hfs_words owners)' -d 'Work on the sessions of OWNER, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs sessions import\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -n '__hfs_in \'hfs sessions stats\' --by' -l by -x -k -a 'day model session' -d 'What each line is about'
complete -c hfs -n '__hfs_in \'hfs sessions stats\' --since' -l since -x -k -d 'Only turns of the last 30d or 12h, or since a date'
complete -c hfs -n '__hfs_in \'hfs sessions stats\' --json' -l json -d 'Print a JSON object'
complete -c hfs -n '__hfs_in \'hfs sessions stats\' --owner' -l owner -x -k -a '(__hfs_words owners)' -d 'Work on the sessions of OWNER, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs sessions stats\' --all-owners' -l all-owners -d 'Include the sessions of every owner, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs sessions stats\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs sessions rename\' 1' -a '(__hfs_words sessions)'
complete -c hfs -n '__hfs_in \'hfs sessions rename\' --owner' -l owner -x -k -a '(__hfs_words owners)' -d 'Work on the sessions of OWNER, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs sessions rename\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs sessions delete\' 1+' -a '(__hfs_words sessions)'
complete -c hfs -n '__hfs_in \'hfs sessions delete\' --older-than' -l older-than -x -k -d 'Sessions not used for 90m, 12h, 30d or 2w'
complete -c hfs -n '__hfs_in \'hfs sessions delete\' --all' -l all -d 'Every session'
complete -c hfs -n '__hfs_in \'hfs sessions delete\' --keep' -l keep -x -k -d 'With --older-than or --all: keep the first N of `hfs sessions list`'
complete -c hfs -n '__hfs_in \'hfs sessions delete\' --dry-run' -l dry-run -d 'Only show what would be deleted'
complete -c hfs -n '__hfs_in \'hfs sessions delete\' -y --yes' -s y -l yes -d 'Do not ask'
complete -c hfs -n '__hfs_in \'hfs sessions delete\' --owner' -l owner -x -k -a '(__hfs_words owners)' -d 'Work on the sessions of OWNER, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs sessions delete\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs sessions resume\' 1' -a '(__hfs_words sessions)'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --no-pager' -l no-pager -d 'Print a long transcript without a pager'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --owner' -l owner -x -k -a '(__hfs_words owners)' -d 'Work on the sessions of OWNER, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs sessions resume\'' -s t -l template -x -k -a '(__hfs_words templates)' -d 'Take prompt and options from a template; see hfs templates list'
complete -c hfs -n '__hfs_in \'hfs sessions resume\'' -s p -l param -x -k -a '(__hfs_words placeholders)' -d 'Value of a placeholder of the template: -p to French or -p to=French'
complete -c hfs -n '__hfs_in \'hfs sessions resume\'' -s f -l file -r -k -F -d 'Add a file, a directory (as git sees it), a pattern, a URL or -: text joins the prompt; images, PDFs and sounds are attached'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --encoding' -l encoding -x -k -d 'Encoding of text that is not UTF-8: latin-1, utf-16, …, or replace'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --save-template' -l save-template -x -k -d 'Save what is given here as a template of that name, and send nothing'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' -e --edit' -s e -l edit -d 'Write the prompt in $EDITOR'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --no-stdin' -l no-stdin -d 'Do not read standard input'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --stdin-timeout' -l stdin-timeout -x -k -d 'Give up standard input after S seconds of silence'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' -s --system' -s s -l system -x -k -d 'System prompt'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --system-file' -l system-file -r -k -F -d 'Read the system prompt from a file'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --no-system' -l no-system -d 'Send no system prompt this time'
complete -c hfs -n '__hfs_in \'hfs sessions resume\'' -s o -l option -x -k -d 'Model option: -o top_p 0.9 or -o top_p=0.9 (the value is JSON or text)'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --temperature' -l temperature -x -k -d 'Sampling temperature, 0 or more'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --max-tokens' -l max-tokens -x -k -d 'Longest reply, in tokens'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --schema' -l schema -x -k -d 'Reply in JSON that fits: a file, JSON Schema, or "name, age int, tags list"'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --schema-multi' -l schema-multi -x -k -d 'The same for a list of such objects: {"items": […]}'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --max-cost' -l max-cost -x -k -d 'End the turn when it costs more than X'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --over-budget' -l over-budget -d 'Continue even if the daily budget is spent'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --reasoning' -l reasoning -x -k -a 'none low medium high max' -d 'How much the model thinks first; max is the most it takes'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --search --no-search' -l search -l no-search -d 'Let the vendor search the web; sources are listed'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --timeout' -l timeout -x -k -d 'Seconds for the whole reply'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --idle-timeout' -l idle-timeout -x -k -d 'Seconds without a byte'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --retries' -l retries -x -k -d 'Send a request that failed up to N times again'
complete -c hfs -n '__hfs_in \'hfs sessions resume\'' -l tool -x -k -a '(__hfs_words tools)' -d 'Let the model use a tool: NAME, all of an MCP SERVER\'s, SERVER:TOOL, or the vendor\'s own web-search or code-execution'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --max-steps' -l max-steps -x -k -d 'Make at most N requests in a turn with tools (10)'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --tool-timeout' -l tool-timeout -x -k -d 'Seconds for each call of a tool'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --profile' -l profile -x -k -a '(__hfs_words profiles)' -d 'Use the settings of [profiles.PROFILE]'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --record' -l record -r -k -F -d 'Keep each exchange as a file in DIR, for HFS_REPLAY=DIR'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' -x --extract' -s x -l extract -d 'Print only the first fenced code block of the reply'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --extract-last' -l extract-last -d 'Print only the last one'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' -q --quiet' -s q -l quiet -d 'Show no session line and no notices'
complete -c hfs -n '__hfs_in \'hfs sessions resume\'' -s m -l model -x -k -a '(__hfs_words models)' -d 'Model (PROVIDER/MODEL) or alias; a second one is asked if the first cannot answer'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --confirm' -l confirm -d 'Ask on the terminal before each call of a tool'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --context' -l context -x -k -a 'error trim compact' -d 'What to do with a conversation that is too long for the model'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --reuse --cache' -l reuse -l cache -x -k -d 'Answer with the kept reply to the very same request, if that was sent with --reuse too and is not older than AGE'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --dry-run' -l dry-run -d 'Print the request; send and save nothing'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --no-save' -l no-save -d 'Keep nothing of this turn'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --render' -l render -x -k -a 'auto markdown plain' -d 'How text is shown; auto is Markdown on a terminal'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --no-stream' -l no-stream -d 'Show the reply only when it is complete'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --format' -l format -x -k -a 'text json jsonl' -d 'What to print'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --json' -l json -d 'Short for --format json'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' -O --output' -s O -l output -r -k -F -d 'Write the reply to FILE instead (all of it or nothing)'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --force' -l force -d 'With -O: replace a file that exists'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --hide-reasoning' -l hide-reasoning -d 'Leave out the model\'s reasoning, also in JSON'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' --citations' -l citations -d 'List what the reply cites, in a pipe too'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' -v --verbose' -s v -l verbose -d 'Show on stderr all that tools are given and say'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' -u --usage' -s u -l usage -d 'Show tokens and times on stderr'
complete -c hfs -n '__hfs_in \'hfs sessions resume\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs checkpoints\' 1' -a delete -d 'Delete a named checkpoint of the last used session, or of session REF'
complete -c hfs -k -n '__hfs_at \'hfs checkpoints\' 1' -a list -d 'Draw the timeline of session REF: turns, checkpoints and branches'
complete -c hfs -k -n '__hfs_at \'hfs checkpoints\' 1' -a create -d 'Mark the end of session REF'
complete -c hfs -n '__hfs_in \'hfs checkpoints\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs checkpoints create\' 1' -a '(__hfs_words sessions)'
complete -c hfs -n '__hfs_in \'hfs checkpoints create\' --label' -l label -x -k -d 'Its name (c1, c2, … by default)'
complete -c hfs -n '__hfs_in \'hfs checkpoints create\' --owner' -l owner -x -k -a '(__hfs_words owners)' -d 'Work on the sessions of OWNER, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs checkpoints create\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs checkpoints list\' 1' -a '(__hfs_words sessions)'
complete -c hfs -n '__hfs_in \'hfs checkpoints list\' --json' -l json -d 'Print JSON, the oldest branch first'
complete -c hfs -n '__hfs_in \'hfs checkpoints list\' --owner' -l owner -x -k -a '(__hfs_words owners)' -d 'Work on the sessions of OWNER, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs checkpoints list\' --all-owners' -l all-owners -d 'Include the sessions of every owner, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs checkpoints list\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs checkpoints delete\' 1' -a '(__hfs_words sessions+checkpoints)'
complete -c hfs -k -n '__hfs_at \'hfs checkpoints delete\' 2' -a '(__hfs_words checkpoints)'
complete -c hfs -n '__hfs_in \'hfs checkpoints delete\' --owner' -l owner -x -k -a '(__hfs_words owners)' -d 'Work on the sessions of OWNER, in a database on a server'
complete -c hfs -n '__hfs_in \'hfs checkpoints delete\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs models\' 1' -a update -d 'Update prices and sizes of models from the package genai-prices, or from FILE'
complete -c hfs -k -n '__hfs_at \'hfs models\' 1' -a pull -d 'Install the weights of a model on this machine, as local/NAME'
complete -c hfs -k -n '__hfs_at \'hfs models\' 1' -a default -d 'Print the model that `hfs chat` uses, or make MODEL that one'
complete -c hfs -k -n '__hfs_at \'hfs models\' 1' -a list -d 'List the models of every provider that has a key or needs none'
complete -c hfs -n '__hfs_in \'hfs models\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -n '__hfs_in \'hfs models list\' --refresh' -l refresh -d 'Ask the providers even if they were asked today'
complete -c hfs -n '__hfs_in \'hfs models list\' --json' -l json -d 'Print a JSON array'
complete -c hfs -n '__hfs_in \'hfs models list\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs models default\' 1' -a '(__hfs_words models)'
complete -c hfs -n '__hfs_in \'hfs models default\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs models pull\' 1' -a '(__hfs_words weights)'
complete -c hfs -n '__hfs_in \'hfs models pull\' --sha256' -l sha256 -x -k -d 'The digest that the file must have'
complete -c hfs -n '__hfs_in \'hfs models pull\' --name' -l name -x -k -d 'Name of the model; by default that of its file'
complete -c hfs -n '__hfs_in \'hfs models pull\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs models update\' 1' -F
complete -c hfs -n '__hfs_in \'hfs models update\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs keys\' 1' -a path -d 'Print where the key file is'
complete -c hfs -k -n '__hfs_at \'hfs keys\' 1' -a remove -d 'Remove PROVIDER\'s key from the key file'
complete -c hfs -k -n '__hfs_at \'hfs keys\' 1' -a list -d 'List the providers that have a key, and where it comes from; never the key'
complete -c hfs -k -n '__hfs_at \'hfs keys\' 1' -a set -d 'Keep a key for PROVIDER: typed on a terminal, or read from standard input'
complete -c hfs -n '__hfs_in \'hfs keys\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs keys set\' 1' -a '(__hfs_words providers)'
complete -c hfs -n '__hfs_in \'hfs keys set\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -n '__hfs_in \'hfs keys list\' --json' -l json -d 'Print a JSON array'
complete -c hfs -n '__hfs_in \'hfs keys list\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs keys remove\' 1' -a '(__hfs_words providers)'
complete -c hfs -n '__hfs_in \'hfs keys remove\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -n '__hfs_in \'hfs keys path\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs tools\' 1' -a call -d 'Call one tool by hand, as a model would: the arguments are a JSON object'
complete -c hfs -k -n '__hfs_at \'hfs tools\' 1' -a show -d 'Show one tool or server: what the model is told, its schema, where it comes from'
complete -c hfs -k -n '__hfs_at \'hfs tools\' 1' -a list -d 'List the configured programs and MCP servers, or one of them'
complete -c hfs -n '__hfs_in \'hfs tools\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs tools list\' 1' -a '(__hfs_words tools)'
complete -c hfs -n '__hfs_in \'hfs tools list\' --probe' -l probe -d 'Start or reach each MCP server and ask for its tools'
complete -c hfs -n '__hfs_in \'hfs tools list\' --json' -l json -d 'Print a JSON array, with the schemas'
complete -c hfs -n '__hfs_in \'hfs tools list\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs tools show\' 1' -a '(__hfs_words tools)'
complete -c hfs -n '__hfs_in \'hfs tools show\' --probe' -l probe -d 'Ask its MCP server first'
complete -c hfs -n '__hfs_in \'hfs tools show\' --json' -l json -d 'Print a JSON object'
complete -c hfs -n '__hfs_in \'hfs tools show\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs tools call\' 1' -a '(__hfs_words tools)'
complete -c hfs -n '__hfs_in \'hfs tools call\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs config\' 1' -a path -d 'Print where the configuration file is (it need not exist)'
complete -c hfs -k -n '__hfs_at \'hfs config\' 1' -a edit -d 'Open the configuration file in $EDITOR and check it afterwards'
complete -c hfs -k -n '__hfs_at \'hfs config\' 1' -a unset -d 'Remove KEY from the configuration file; comments in it stay'
complete -c hfs -k -n '__hfs_at \'hfs config\' 1' -a set -d 'Set KEY in the configuration file; comments in it stay'
complete -c hfs -k -n '__hfs_at \'hfs config\' 1' -a get -d 'Print the value of KEY that is in force'
complete -c hfs -k -n '__hfs_at \'hfs config\' 1' -a list -d 'List every setting, its value and where it came from'
complete -c hfs -n '__hfs_in \'hfs config\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -n '__hfs_in \'hfs config list\' --json' -l json -d 'Print a JSON array'
complete -c hfs -n '__hfs_in \'hfs config list\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs config get\' 1' -a '(__hfs_words settings)'
complete -c hfs -n '__hfs_in \'hfs config get\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs config set\' 1' -a '(__hfs_words settings)'
complete -c hfs -k -n '__hfs_at \'hfs config set\' 2' -a '(__hfs_words values)'
complete -c hfs -n '__hfs_in \'hfs config set\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs config unset\' 1' -a '(__hfs_words settings)'
complete -c hfs -n '__hfs_in \'hfs config unset\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -n '__hfs_in \'hfs config edit\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -n '__hfs_in \'hfs config path\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs templates\' 1' -a path -d 'Print where your own templates are (the directory need not exist)'
complete -c hfs -k -n '__hfs_at \'hfs templates\' 1' -a remove -d 'Delete one of your own templates'
complete -c hfs -k -n '__hfs_at \'hfs templates\' 1' -a edit -d 'Open TEMPLATE in $EDITOR, made if it does not exist, and check it afterwards'
complete -c hfs -k -n '__hfs_at \'hfs templates\' 1' -a show -d 'Print the file of TEMPLATE'
complete -c hfs -k -n '__hfs_at \'hfs templates\' 1' -a list -d 'List the templates: your own, and those that come with hfs'
complete -c hfs -n '__hfs_in \'hfs templates\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -n '__hfs_in \'hfs templates list\' --json' -l json -d 'Print a JSON array'
complete -c hfs -n '__hfs_in \'hfs templates list\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs templates show\' 1' -a '(__hfs_words templates)'
complete -c hfs -n '__hfs_in \'hfs templates show\' --builtin' -l builtin -d 'Print the one that comes with hfs; without TEMPLATE, list those that do'
complete -c hfs -n '__hfs_in \'hfs templates show\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs templates edit\' 1' -a '(__hfs_words templates)'
complete -c hfs -n '__hfs_in \'hfs templates edit\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs templates remove\' 1' -a '(__hfs_words templates)'
complete -c hfs -n '__hfs_in \'hfs templates remove\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -n '__hfs_in \'hfs templates path\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs completion\' 1' -a 'bash zsh fish'
complete -c hfs -n '__hfs_in \'hfs completion\' --install' -l install -d 'Put it where the shell looks for it'
complete -c hfs -n '__hfs_in \'hfs completion\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -n '__hfs_in \'hfs doctor\' --online' -l online -d 'Also ask the provider for its list of models'
complete -c hfs -n '__hfs_in \'hfs doctor\' --json' -l json -d 'Print a JSON array'
complete -c hfs -n '__hfs_in \'hfs doctor\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs db\' 1' -a vacuum -d 'Give back to the disk the space of deleted sessions'
complete -c hfs -k -n '__hfs_at \'hfs db\' 1' -a check -d 'Check the whole database'
complete -c hfs -k -n '__hfs_at \'hfs db\' 1' -a copy -d 'Copy all sessions of one database into another'
complete -c hfs -k -n '__hfs_at \'hfs db\' 1' -a backup -d 'Copy the database to a new FILE, even while others write to it'
complete -c hfs -k -n '__hfs_at \'hfs db\' 1' -a path -d 'Print where the database is, or would be'
complete -c hfs -n '__hfs_in \'hfs db\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -n '__hfs_in \'hfs db path\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs db backup\' 1' -F
complete -c hfs -n '__hfs_in \'hfs db backup\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -n '__hfs_in \'hfs db copy\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -n '__hfs_in \'hfs db check\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -n '__hfs_in \'hfs db vacuum\' -h --help' -s h -l help -d 'Show this message and exit'
complete -c hfs -k -n '__hfs_at \'hfs help\' 1' -a 'chat batch resume rename delete sessions checkpoints models keys tools config templates completion doctor db help refs scripting exit-codes json'
complete -c hfs -n '__hfs_in \'hfs help\' -h --help' -s h -l help -d 'Show this message and exit'
