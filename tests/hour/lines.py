"""The lines that a stranger types. Each is for `sh`, and stands for itself."""

from typing import NamedTuple

# What is there when the hour begins: two sessions, a provider that answers, one that does not.
CONFIG = """\
model = "test/m"
retries = 0
[providers.test]
type = "openai"
base_url = "{url}"
api_key_env = "TEST_KEY"
[providers.gone]
type = "openai"
base_url = "http://127.0.0.1:9/v1"
[aliases]
fast = "test/m"
"""

TASKS = (
    "hfs --version",
    "hfs --help",
    "hfs chat --help",
    "hfs doctor",
    "hfs doctor --online",
    "hfs models list",
    "hfs models list test --refresh",
    "hfs models default",
    "hfs config list",
    "hfs config path",
    "hfs keys list",
    'hfs chat "What is a write-ahead log?"',
    'hfs chat -c "Shorter"',
    'hfs chat -n sockets "What is a socket?"',
    'echo "What is a socket?" | hfs chat',
    'hfs chat -f question.txt "Answer this"',
    "hfs chat --json hi",
    "hfs chat --dry-run hi",
    "hfs sessions list",
    "hfs sessions show",
    "hfs sessions search pipe",
    "hfs sessions tree notes",
    "hfs sessions stats",
    'hfs sessions fork notes --name "notes in French"',
    "hfs sessions undo pipes",
    "hfs checkpoints create notes --label draft",
    "hfs checkpoints list notes",
    "hfs sessions export notes",
    'hfs rename pipes "pipes and sockets"',
    "hfs delete pipes -y",
    "hfs help exit-codes",
)


class Mistake(NamedTuple):
    """A line that cannot work.

    Args:
        line: What is typed.
        code: The exit code.
        told: A part of the one line that is said.
    """

    line: str
    code: int
    told: str


MISTAKES = tuple(
    Mistake(*mistake)
    for mistake in (
        # Commands
        ("hfs what is awk", 2, 'hfs chat "what is awk"'),
        ('hfs "why is the sky blue"', 2, 'hfs chat "why is the sky blue"'),
        ("hfs chta hi", 2, "did you mean chat"),
        ("hfs list", 2, "hfs sessions list"),
        ("hfs ls", 2, "list"),
        ("hfs show 1", 2, "hfs sessions show"),
        ("hfs rm 1", 2, "hfs delete"),
        ("hfs login", 2, "did you mean hfs keys set? (see"),
        ("hfs version", 2, "hfs --version"),
        ("hfs -m fast chat hi", 2, "belongs behind the command"),
        ("hfs -m fast hi", 2, "hfs chat -m …"),
        ("hfs --no-pager sessions show", 2, "hfs sessions show --no-pager …"),
        ("hfs help foo", 2, "the topics are"),
        ("hfs sessions", 2, "Usage: hfs sessions"),
        ("hfs sessions lst", 2, "did you mean list"),
        ("hfs models lsit", 2, "did you mean list"),
        ("hfs completion tcsh", 2, "Invalid value for 'SHELL'"),
        ("hfs completion", 2, "missing SHELL (bash, zsh, fish)"),
        # The prompt and standard input
        ("hfs chat", 2, "no prompt"),
        ('hfs chat ""', 2, "no prompt"),
        ("hfs chat < /dev/null", 2, "no prompt"),
        ("head -c 64 /bin/ls | hfs chat 'what is this'", 2, "neither text nor an image"),
        (r"printf 'gr\374n' | hfs chat hi", 2, "--encoding latin-1"),
        ("hfs chat --no-stdin - hi", 2, "--no-stdin forbids it"),
        ('hfs chat "-5 degrees in F?"', 2, "put -- before the prompt"),
        # Files and addresses
        ("hfs chat -f nosuch.txt hi", 2, "No such file"),
        ("hfs chat -f 'src/*.py' hi", 2, "no file matches"),
        ("hfs chat -f empty hi", 2, "holds no text file"),
        ("hfs chat -f /dev/zero hi", 2, "is a device"),
        ("hfs chat -f empty.txt hi", 2, "is empty"),
        ("hfs chat -f http://127.0.0.1:9/x hi", 6, "cannot be reached: connection refused"),
        ("hfs chat -f ftp://host/x hi", 2, "only http:// and https://"),
        ("hfs chat -O taken.txt hi", 2, "--force"),
        ("hfs chat -O nosuch/dir/x hi", 2, "there is no directory nosuch/dir: make it"),
        ("hfs chat --force hi", 2, "--force goes with -O"),
        # Models, providers and keys
        ("hfs chat -m sonnet hi", 4, "anthropic/claude-sonnet"),
        ("hfs chat -m smollm hi", 4, "local/smollm2"),
        ("hfs chat -m gpt-6-luna hi", 3, "no key for openai: set OPENAI_API_KEY"),
        ("hfs chat -m opneai/gpt-5 hi", 4, "did you mean openai"),
        ("hfs chat -m OpenAI/gpt-5 hi", 4, "did you mean openai"),
        ("hfs chat -m qwen9:8b hi", 4, "ollama/qwen9:8b"),
        ("hfs chat -m nosuch/x hi", 4, "hfs help models"),
        ("hfs chat -m ollama hi", 4, "name one, ollama/MODEL"),
        ("hfs chat -m '' hi", 2, "-m needs a model"),
        ("hfs chat -m gone/x hi", 6, "at http://127.0.0.1:9: connection refused"),
        ("hfs chat -m test/unknown hi", 4, "unknown"),
        ("HFS_MODEL=xyzzy hfs chat hi", 4, "(from HFS_MODEL)"),
        ("hfs chat -m local/qwen3-4b hi", 4, "hfs models pull qwen3-4b"),
        ("hfs chat -m local:nosuch.gguf hi", 3, "no file"),
        ("TEST_KEY='sk x' hfs chat hi", 3, "copy it again"),
        ("TEST_KEY= hfs chat hi", 3, "set TEST_KEY or run: hfs keys set test"),
        ("hfs models pull nosuch", 4, "there are smollm2"),
        ("hfs models pull nosuch.gguf", 4, "no file nosuch.gguf"),
        ("hfs models pull https://host.example/x.gguf", 2, "--sha256"),
        ("hfs models default nosuch", 4, "no model"),
        ("hfs keys set openai sk-123", 2, "a key is never an argument"),
        ("echo | hfs keys set openai", 2, "no key was given"),
        ("echo x | hfs keys set opneai", 4, "did you mean openai"),
        ("hfs keys remove openai", 4, "holds no key for openai: it holds none"),
        # Options
        ("hfs chat --temprature 1 hi", 2, "did you mean --temperature? (see"),
        ("hfs chat --temperature hot hi", 2, "is not a number of 0 or more"),
        ("hfs chat --max-tokens 0 hi", 2, "whole number of 1 or more"),
        ("hfs chat -o temperature hi", 2, "-o takes two words"),
        ("hfs chat -o model=x hi", 2, "not an option of a model"),
        ("hfs chat --timeout soon hi", 2, "a number of seconds"),
        ("hfs chat --format yaml hi", 2, "'text', 'json', 'jsonl'"),
        ("hfs chat --json -x hi", 2, "leave out --json"),
        ("hfs chat --schema '{' hi", 2, "is not JSON"),
        ("hfs chat --schema 'age number!' hi", 2, "NAME TYPE"),
        ("hfs chat -c -n x hi", 2, "exclude each other"),
        ("hfs chat --create hi", 2, "--create goes with"),
        ("hfs chat --at 1 hi", 2, "--at goes with"),
        ("hfs chat --profile nosuch hi", 3, "config.toml: it has none"),
        ("hfs chat -s x --no-system hi", 2, "keep one"),
        # Sessions
        ("hfs chat -S nosuch hi", 4, "no session"),
        ("hfs chat -S '' hi", 2, "-S needs a session"),
        ("hfs chat -S note hi", 4, "notes"),
        ("hfs chat -n notes hi", 2, "is taken by session"),
        ("hfs chat -n 12 hi", 2, "digits"),
        ("hfs chat -n @x hi", 2, "@"),
        ("hfs resume 99", 4, "no session"),
        ("hfs sessions show @last~9", 4, "@last"),
        ("hfs sessions rewind notes --to 99", 4, "has only 4 messages"),
        ("hfs sessions rewind notes", 2, "missing option --to N|CHECKPOINT"),
        ("hfs sessions undo notes -n 99", 2, "turns, not 99"),
        ("hfs sessions fork notes --at 0", 2, "whole number of 1 or more"),
        ("hfs sessions search '\"'", 2, "give a word"),
        ("hfs sessions list --since soon", 2, "30d"),
        ("hfs sessions list --json --ids", 2, "keep one"),
        ("hfs sessions export nosuch", 4, "no session"),
        ("hfs sessions import nosuch.json", 2, "No such file"),
        ("hfs rename notes pipes", 2, "is taken"),
        ("hfs delete", 2, "name sessions"),
        ("hfs delete notes < /dev/null", 2, "--yes"),
        ("hfs delete --older-than 5x -y", 2, "is not an age"),
        ("hfs checkpoints create notes --label ''", 2, "must not be empty"),
        ("hfs checkpoints delete notes nosuch", 4, "nosuch"),
        # Settings
        ("hfs config set modle x", 3, "model"),
        ("hfs config set retries many", 3, "a whole number from 0 to 10"),
        ("hfs config get nosuch", 4, "hfs config list"),
        ("hfs config get providers.test", 4, "is a table"),
        ("hfs config set profiles.work.temperature hot", 3, "is not a number of 0 or more"),
        ("hfs config set fallback nosuch", 4, "no model"),
        ("hfs config set providers.x.base_url ftp://x", 3, "http"),
        ("HFS_CONFIG=broken.toml hfs chat hi", 3, "is not valid TOML"),
        ("HFS_RETRIES=99 hfs chat hi", 3, "retries (HFS_RETRIES) must be"),
        ("HFS_DATA_DIR=/proc/x hfs chat hi", 8, "/proc/x"),
    )
)
