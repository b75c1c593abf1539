"""What `hfs help TOPIC` says, and the manual pages of section 7: rules that no one command owns."""

from collections.abc import Mapping

TOPICS: Mapping[str, str] = {
    "refs": """\
A session is named by the first of these that fits: its id; its name; the beginning of its name,
where only one name begins so; @last, the session that was used last, or @last~1, the one before.

A REF that fits nothing, or more than one, is an error (exit 4) that lists the candidates. Nothing
is ever continued, changed or deleted by guess.

Where REF may be left out, HFS_SESSION is meant if it is set, and the last used session otherwise.
HFS_SESSION takes a whole name or an id; hfs chat starts the session when there is none.

In a database on a server a REF means a session of yours, as HFS_USER or your login name says;
--owner NAME means one of somebody else's, and where nothing is changed --all-owners anybody's.

hfs chat starts a new session, unless -c continues the last used one or -S REF another. -S NAME
--create makes it when it is absent. A message is named by its number in the transcript.
""",
    "config": """\
A setting is taken from the first place that has it: an option of the command, an HFS_ variable,
the profile that HFS_PROFILE names, the file, the default. hfs config list shows each value with
where it came from, and hfs config path prints where the file is.

A key comes from the environment, from api_key_cmd of the provider, or from hfs keys set, and
never from a command line, which every user of the machine can see. See also hfs-config(5).
""",
    "models": """\
A model is PROVIDER/MODEL or an alias. It is taken from the first of: -m, the continued session's
own, HFS_MODEL, the setting model, the first provider whose key is in the environment, the
embedded model.

The id alone is enough where only one provider has a model of that id: -m gpt-6-luna.

hfs models list shows what your providers offer, hfs models default MODEL chooses one, and
hfs config set aliases.NAME PROVIDER/MODEL gives one a name of your own.

A key is all that these need: openai, anthropic, gemini, openrouter, groq, mistral, deepseek, xai,
together, fireworks, cerebras, perplexity, huggingface, vercel, moonshot, zai, minimax, qwen,
nvidia, sambanova, cohere, bedrock, azure. These run on your machine: ollama, lmstudio,
llama-server, vllm, and local, the embedded model. Any other server is a provider too, by the
format that it speaks (openai, responses, anthropic, gemini, ollama):

  hfs config set providers.box.type openai
  hfs config set providers.box.base_url http://gpu:8000/v1
  hfs chat -m box/MODEL "…"
""",
    "scripting": """\
Standard output carries the answer and nothing else: off a terminal the reply's exact text and one
final newline. Standard error is empty when all is well. Nothing asks a question off a terminal.

The prompt is the arguments, an empty line, then standard input. In a loop over lines give
--no-stdin, or hfs reads the rest of them; where standard input never ends, set HFS_STDIN=never.
The exit code says how a turn ended: see hfs help exit-codes.

  git diff --staged | hfs chat "write a commit message"
  HFS_SESSION=nightly hfs chat "what changed?" < log.txt
  hfs chat -x "a script that …" > run.sh && sh run.sh
""",
    "exit-codes": """\
0    the reply is whole
1    a bug in hfs; HFS_DEBUG=1 shows where
2    unusable arguments or input
3    configuration, credentials, or a spent budget
4    no such session, model, provider, setting or key, or more than one
5    the provider refused or failed, the reply is empty, or has no code for -x
6    network, TLS, or a timeout before the first byte
7    the reply broke off, and what arrived is saved; or it does not fit --schema
8    the database, or standard output, could not be written
129  SIGHUP; what arrived is saved
130  SIGINT (Ctrl-C); what arrived is saved
141  the reader of standard output left; what arrived is saved
143  SIGTERM; what arrived is saved
""",
    "json": """\
hfs chat --json prints one object at the end, --format jsonl one event a line as it comes. The
lists take --json too, and hfs sessions show. Keys are only ever added. hfs chat --schema-of json
(or jsonl, sessions, transcript) prints the JSON Schema of each.

With --schema the reply itself is JSON that fits: a schema's file, the schema, or a list of fields
such as "name, age int, tags list", each with what it is after a colon ("age int: in years").
--schema-multi asks for a list of such objects, {"items": [...]}. A code fence or thoughts around
the JSON are left out. A reply that does not fit is exit 7.

Each vendor is asked in its own way, and -u says which: strict, rewritten (an equal schema in the
part of JSON Schema that it holds replies to), not strict, by a tool, or in the prompt.

  hfs chat --json "Say hi" | python3 -m json.tool
  hfs chat --schema "name, year int" "The first programmer?"
""",
}
