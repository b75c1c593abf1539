"""What `hfs help TOPIC` says, and the manual pages of section 7: rules that no one command owns."""

from collections.abc import Mapping
from typing import NamedTuple

# The manual page of every command ends with these.
EXIT_CODES: Mapping[int, str] = {
    0: "success; a reply, if one was asked for, is complete",
    1: "a bug in hfs; HFS_DEBUG=1 shows where",
    2: "arguments or input that cannot be used",
    3: "configuration or credentials that cannot be used, or a spent budget",
    4: "no session, checkpoint, model, provider, setting or key of that name, or several",
    5: "the provider refused or failed, or the reply is empty or has no code for -x",
    6: "network, TLS, or a timeout before the first byte",
    7: "the reply broke off (what arrived is saved) or does not fit --schema, or a part of a batch"
    " or of an import failed",
    8: "the database cannot be read or written, or standard output cannot be written, or a disk is"
    " full, whatever was to be written",
    129: "SIGHUP; what arrived is saved",
    130: "SIGINT (Ctrl-C); what arrived is saved",
    141: "the reader of standard output left; what arrived is saved",
    143: "SIGTERM; what arrived is saved",
}


class Topic(NamedTuple):
    """A topic: what it explains, and paragraphs, in which indented lines are commands."""

    summary: str
    text: str


TOPICS: Mapping[str, Topic] = {
    "refs": Topic(
        "how a session is named",
        """\
REF names a session. The first of these that fits counts: its id; its name; the beginning of its
name, if no other name begins with it; @last, the last used session, or @last~1, the one before.

A REF that fits nothing, or more than one session, is an error (exit 4) that lists the candidates.
Nothing is ever continued, changed or deleted by guess.

Where REF may be left out, it is the session of HFS_SESSION if that is set, otherwise the last used
one. HFS_SESSION takes a whole name or an id; hfs chat starts the session if it does not exist.

In a database on a server, REF means a session of your own: HFS_USER, or your login name, says who
you are. --owner NAME means a session of somebody else's; commands that change nothing also take
--all-owners, for anybody's.

hfs chat starts a new session unless -c continues the last used one or -S REF another. -S NAME
--create makes the session if it does not exist. A message is named by its number in the transcript.
""",
    ),
    "config": Topic(
        "where settings and keys come from",
        """\
A setting is taken from the first place that has it: an option of the command, an HFS_ variable,
the profile that --profile or HFS_PROFILE names, the file, the default. hfs config list shows each
value and where it came from; hfs config path prints where the file is.

A key comes from the environment, from the provider's api_key_cmd, or from hfs keys set: never from
a command line, which every user of the machine can read. See also hfs-config(5).
""",
    ),
    "models": Topic(
        "which model answers",
        """\
A model is PROVIDER/MODEL or an alias. It is the first of these that is there: -m, the continued
session's own model, HFS_MODEL, the setting model, the default of the first provider whose key is in
the environment, the embedded model.

The id alone is enough if only one provider has a model of that id: -m gpt-6-luna.

hfs models list shows what your providers offer, hfs models default MODEL chooses one, and
hfs config set aliases.NAME PROVIDER/MODEL gives one a name of your own.

These need only a key: openai, anthropic, gemini, openrouter, groq, mistral, deepseek, xai,
together, fireworks, cerebras, perplexity, huggingface, vercel, moonshot, zai, minimax, qwen,
nvidia, sambanova, cohere, bedrock, azure. These run on your machine: ollama, lmstudio,
llama-server, vllm, and local, the embedded model. Any other server can be a provider too: name the
format that it speaks (openai, responses, anthropic, gemini, ollama):

  hfs config set providers.box.type openai
  hfs config set providers.box.base_url http://gpu:8000/v1
  hfs chat -m box/MODEL "…"
""",
    ),
    "scripting": Topic(
        "how hfs behaves in scripts and pipes",
        """\
Standard output carries the answer and nothing else: in a pipe or a file, the reply's exact text and
one final newline. Standard error is empty when all is well. Questions are asked on a terminal only.

The prompt is the arguments, an empty line, then standard input. In a loop that reads lines give
--no-stdin, or hfs reads the rest of them; where standard input never ends, set HFS_STDIN=never.
The exit code says how a turn ended: see hfs help exit-codes.

  git diff --staged | hfs chat "write a commit message"
  HFS_SESSION=nightly hfs chat "what changed?" < log.txt
  hfs chat -x "a script that …" > run.sh && sh run.sh
""",
    ),
    "exit-codes": Topic(
        "what each exit code means",
        "".join(f"{code:<4} {meaning}\n" for code, meaning in EXIT_CODES.items()),
    ),
    "json": Topic(
        "JSON for programs, and replies that fit a schema",
        """\
hfs chat --json prints one object at the end; --format jsonl prints one event per line as it comes.
The lists and hfs sessions show take --json too. Keys are only ever added. hfs chat --schema-of json
(or jsonl, sessions, transcript, export) prints the JSON Schema of each.

With --schema the reply itself is JSON that fits: SCHEMA is a file, the schema itself, or a list of
fields such as "name, age int, tags list", each with a description after a colon if it needs one
("age int: in years"). --schema-multi asks for a list of such objects, {"items": [...]}. A code
fence or reasoning around the JSON is left out. A reply that does not fit is exit 7.

Vendors differ, and -u says how this one was asked: strict, rewritten (an equal schema, in the part
of JSON Schema that it enforces), not strict, by a tool, or in the prompt.

  hfs chat --json "Say hi" | python3 -m json.tool
  hfs chat --schema "name, year int" "The first programmer?"
""",
    ),
}
