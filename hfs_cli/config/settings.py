"""Every setting, declared once: how it is read, its default, its help and an example.

The fields of the three frozen values below are the settings. `hfs config`, its errors, Tab,
the manual page hfs-config(5) and the README's tables are made from them, so a new setting
is one more field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

TYPE_CHECKING = False  # typing's own costs 5 ms
if TYPE_CHECKING:
    from typing import Any, TypeVar

    T = TypeVar("T")


# Each method that a dataclass is given costs every start: none here is compared, and a header may
# be a secret, which a repr would show.
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Kind:
    """What a value may be.

    Args:
        expects: What it is, as an error goes on: ``retries must be …``.
        read: Makes the value of what a variable, a flag or the file says; raises TypeError or
            ValueError for what it cannot be made of.
        choices: The only words it can be; empty when any can.
    """

    expects: str
    read: Callable[[object], object]
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Setting:
    """One setting.

    Args:
        key: Where it stands in the file, with NAME for what users choose.
        kind: What it may be.
        default: What holds when nothing sets it; None where that is nothing.
        help: One sentence.
        example: A line of TOML that sets it.
    """

    key: str
    kind: Kind
    default: object
    help: str
    example: str

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition(".")[2]

    @property
    def variable(self) -> str | None:
        """The environment variable that sets it, or None for a setting in a table."""
        return None if "." in self.key else f"HFS_{self.key.upper()}"

    def parse(self, value: object) -> Any:  # noqa: ANN401  (of the field's own type)
        """Read a value.

        Raises:
            ValueError: It does not fit; the message is what was expected.
        """
        try:
            return self.kind.read(value)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(self.kind.expects) from None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError
    return float(value)


# Eleven days: what waits for a socket counts milliseconds in 32 bits.
_LONGEST = 1_000_000


def _seconds(value: object) -> float:
    number = _number(value)
    if not 0 < number <= _LONGEST:
        raise ValueError
    return number


def _amount(value: object) -> float:
    if isinstance(value, str) or not 0 <= _number(value) < 1e12:
        raise ValueError
    return _number(value)


def _cost(value: object) -> float:
    number = _number(value)
    if not 0 < number < 1e12:
        raise ValueError
    return number


def _models(value: object) -> tuple[str, ...]:
    """A list; between commas where it is text, as in a variable."""
    words = [word.strip() for word in value.split(",")] if isinstance(value, str) else value
    # A profile's is a tuple already when it is chosen.
    if not isinstance(words, list | tuple) or not all(w and isinstance(w, str) for w in words):
        raise TypeError
    return tuple(words)


def _count(most: int, least: int = 0) -> Kind:
    def read(value: object) -> int:
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError
        return value

    return Kind(f"a whole number from {least} to {most}", read)


def _names(value: object) -> tuple[str, ...]:
    # One name alone is what `hfs config set profiles.work.tool NAME` can write.
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(n and isinstance(n, str) for n in names):
        raise TypeError
    return tuple(names)


_SWITCH = {"1": True, "true": True, "yes": True, "on": True}
_SWITCH |= {"0": False, "false": False, "no": False, "off": False}


def _switch(value: object) -> bool:
    if isinstance(value, str) and value.lower() in _SWITCH:
        return _SWITCH[value.lower()]
    if not isinstance(value, bool):
        raise TypeError
    return value


def _table(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _one_of(expects: str, *choices: str) -> Kind:
    def read(value: object) -> str:
        if value not in choices:
            raise ValueError
        return str(value)

    return Kind(expects, read, choices)


# The wire formats, and `local` for the embedded model.
PROVIDER_TYPES = ("openai", "responses", "anthropic", "gemini", "ollama", "local")

# How a key is sent: in a header, or as the parameter "key" of the address.
AUTH = ("bearer", "x-api-key", "x-goog-api-key", "api-key", "query")
# The vendor's own tools, as ``--tool`` names them.
WEB_SEARCH, CODE_EXECUTION = VENDOR_TOOLS = ("web-search", "code-execution")

REASONING_LEVELS = ("none", "low", "medium", "high", "max")

TEXT = Kind("a string", _text)
SECONDS = Kind(f"a number of seconds above 0 and up to {_LONGEST}", _seconds)
_AMOUNT = Kind("a number, 0 or more", _amount)
_COST = Kind("a number above 0", _cost)
_MODELS = Kind("a list of models", _models)
YES_OR_NO = Kind("true or false", _switch, ("true", "false"))
_RENDER = _one_of('"auto", "markdown" or "plain"', "auto", "markdown", "plain")
_STDIN = _one_of('"auto", "never" or "always"', "auto", "never", "always")
_REASONING = _one_of('"none", "low", "medium", "high" or "max"', *REASONING_LEVELS)
_CONTEXT = _one_of('"error", "trim" or "compact"', "error", "trim", "compact")
_REDACT = _one_of('"off", "warn" or "mask"', "off", "warn", "mask")
_TYPE = _one_of(f"one of {', '.join(PROVIDER_TYPES)}", *PROVIDER_TYPES)
_AUTH = _one_of(f"one of {', '.join(AUTH)}", *AUTH)


def _database(value: object) -> Path | str:
    """The address of a server as it is, or a file's path."""
    text = _text(value)
    if "\0" in text:
        raise ValueError
    if "://" in text:
        scheme, _, place = text.partition("://")
        if scheme not in {"postgresql", "postgres"}:
            raise ValueError
        from hfs_cli.config.database import has_password

        has_password(text)  # raises ValueError for what is not an address
        return f"postgresql://{place}"
    try:
        path = Path(text).expanduser()
    except RuntimeError:  # there is no such user
        raise ValueError from None
    if not path.is_absolute():
        raise ValueError
    return path


_DATABASE = Kind("the whole path of a SQLite file, or postgresql://HOST/NAME", _database)
# What a role of PostgreSQL's may have, which an owner is where the server says who sees what:
# https://www.postgresql.org/docs/current/limits.html (2026-11-29)
_LONGEST_USER = 63


def _user(value: object) -> str:
    name = _text(value)
    if not name.strip() or not name.isprintable() or len(name.encode()) > _LONGEST_USER:
        raise ValueError
    return name


_USER = Kind(f"a name of 1 to {_LONGEST_USER} bytes", _user)
_STRINGS = Kind(
    "a table of strings",
    lambda value: {name: _text(item) for name, item in _table(value).items()},
)
COMMAND = Kind(
    "a string or a list of strings",
    lambda value: tuple(map(_text, value)) if isinstance(value, list) else _text(value),
)
_OPTIONS = Kind("a table", _table)
_NAMES = Kind("a list of names", _names)


def setting(kind: Kind, default: T, help: str, example: str, key: str = "") -> T:  # noqa: A002
    """Declare a field as a setting; see `Setting`.

    Args:
        default: The default; ``{}`` makes a new dict for each instance. Neither that nor ``()`` is
            documented.
        key: The key, if it is not the name of the field in the table of its dataclass.
    """
    nothing = default is not None and default in ({}, ())
    entry = (key, kind, None if nothing else default, help, example)
    if isinstance(default, dict):
        return field(default_factory=dict, metadata={"setting": entry})  # type: ignore[return-value]
    return field(default=default, metadata={"setting": entry})


def declared(owner: type, table: str = "") -> dict[str, Setting]:
    """The settings among the fields of a dataclass, by the names of the fields.

    Args:
        owner: The dataclass.
        table: The table of the file that it stands for, with a dot at its end.
    """
    found: dict[str, Setting] = {}
    for entry in fields(owner):
        if given := entry.metadata.get("setting"):
            key, *rest = given
            found[entry.name] = Setting(key or table + entry.name, *rest)
    return found


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ProviderConfig:
    """One ``[providers.NAME]`` table; None where the file says nothing."""

    name: str
    type: str | None = setting(
        _TYPE,
        None,
        "The wire format that it speaks.",
        'type = "openai"',
    )
    base_url: str | None = setting(
        TEXT,
        None,
        "Where requests go; for the format openai it ends before /chat/completions.",
        'base_url = "https://llm.example.com/v1"',
    )
    api_key_env: str | None = setting(
        TEXT,
        None,
        "The environment variable that holds the key.",
        'api_key_env = "WORK_KEY"',
    )
    api_key_cmd: str | tuple[str, ...] | None = setting(
        COMMAND,
        None,
        "A command that prints the key; it is run without a shell.",
        'api_key_cmd = ["pass", "show", "work"]',
    )
    auth: str | None = setting(
        _AUTH,
        None,
        "How the key is sent: as a bearer token, in a header, or in the query; as the type has it.",
        'auth = "bearer"',
    )
    key_header: str | None = setting(
        TEXT,
        None,
        "Another header for the key, which stands in it alone.",
        'key_header = "X-Gateway-Key"',
    )
    ca_bundle: str | None = setting(
        TEXT,
        None,
        "A PEM file of certificate authorities to trust.",
        'ca_bundle = "/etc/ssl/work.pem"',
    )
    headers: Mapping[str, str] = setting(
        _STRINGS,
        {},
        "More headers for each request.",
        'headers = { "X-Team" = "infra" }',
    )
    query: Mapping[str, str] = setting(
        _STRINGS,
        {},
        "More query parameters for each request.",
        'query = { "api-version" = "2024-10-21" }',
    )
    model: str | None = setting(
        TEXT,
        None,
        "The model that the provider's name alone stands for.",
        'model = "small-1"',
    )
    think_tags: bool | None = setting(
        YES_OR_NO,
        None,
        "Whether <think> at the beginning of a reply is reasoning; by itself only on this machine.",
        "think_tags = true",
    )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ModelConfig:
    """One ``[models."provider/id"]`` table. A price is of a million tokens."""

    options: Mapping[str, object] = setting(
        _OPTIONS,
        {},
        "Options for each turn with this model, as with -o.",
        "options = { temperature = 0.2 }",
    )
    input_price: float | None = setting(
        _AMOUNT,
        None,
        "The price of a million input tokens, in your currency.",
        "input_price = 0.25",
    )
    output_price: float | None = setting(
        _AMOUNT,
        None,
        "The price of a million output tokens.",
        "output_price = 2.00",
    )
    cached_price: float | None = setting(
        _AMOUNT,
        None,
        "The price of a million input tokens that the provider had cached.",
        "cached_price = 0.025",
    )
    context: int | None = setting(
        _count(1_000_000_000, 1),
        None,
        "How many tokens it takes in and gives, together; where hfs does not know, or it is less.",
        "context = 32768",
    )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Config:
    """Every setting, resolved. Times are in seconds.

    Args:
        file: The configuration file, whether or not it exists.
        data_dir: The directory that holds the database.
        all_owners: Whether everybody's sessions are looked at, in a database on a server.
        profile: The profile in force, or None.
        session: What HFS_SESSION says, or None.
        turn_options: The options of a turn that the profile in force holds, as the file has them.
        programs: The tables of ``[tools]``, as they stand; `hfs_cli.config.tools` reads them.
        servers: Those of ``[mcp]``.
        origins: Where each setting that is not at its default came from.
    """

    file: Path
    data_dir: Path
    model: str | None = setting(
        TEXT,
        None,
        "The model to ask: PROVIDER/MODEL or an alias.",
        'model = "anthropic/claude-sonnet-5-5"',
    )
    system: str | None = setting(
        TEXT,
        None,
        "The system prompt that a new session begins with.",
        'system = "Answer briefly."',
    )
    fallback: tuple[str, ...] = setting(
        _MODELS,
        (),
        "The models to ask, in turn, when the chosen one cannot answer; not where -m names one.",
        'fallback = ["anthropic/claude-haiku-5-5", "local/smollm2"]',
    )
    cache: bool = setting(
        YES_OR_NO,
        False,
        "Whether the vendor is asked to keep a conversation for its next turn (Anthropic, OpenAI).",
        "cache = true",
    )
    max_cost: float | None = setting(
        _COST,
        None,
        "What one turn may cost, in the currency of the prices.",
        "max_cost = 0.05",
    )
    context: str = setting(
        _CONTEXT,
        "error",
        "What becomes of a conversation that is too long: the vendor's error, the oldest turns are"
        " left out (trim), or the model summarises them (compact).",
        'context = "compact"',
    )
    reasoning: str | None = setting(
        _REASONING,
        None,
        "How much a model thinks before it answers; its own default unless set.",
        'reasoning = "low"',
    )
    search: bool = setting(
        YES_OR_NO,
        False,
        "Whether the vendor may search the web; a model that cannot is an error.",
        "search = true",
    )
    render: str = setting(
        _RENDER,
        "auto",
        "How a reply is shown; auto is Markdown on a terminal and plain elsewhere.",
        'render = "plain"',
    )
    pager: str | None = setting(
        TEXT,
        None,
        "What shows a transcript that is longer than the screen; PAGER, then less, by default.",
        'pager = "cat"   # none',
    )
    database: Path | str | None = setting(  # noqa: RUF009  (frozen, as all of them)
        _DATABASE,
        None,
        "Where sessions are kept: a SQLite file, or a PostgreSQL database; hfs.db by default.",
        'database = "postgresql://db.example.com/hfs"',
    )
    database_cmd: str | tuple[str, ...] | None = setting(
        COMMAND,
        None,
        "A command that prints the password of the database's server; it is run without a shell.",
        'database_cmd = ["pass", "show", "hfs-database"]',
    )
    user: str | None = setting(
        _USER,
        None,
        "Whose sessions these are, in a database on a server; the login name by default.",
        'user = "ann"',
    )
    stream: bool = setting(
        YES_OR_NO,
        True,
        "Whether a reply is shown as it arrives.",
        "stream = false",
    )
    save: bool = setting(
        YES_OR_NO,
        True,
        "Whether turns are kept.",
        "save = false",
    )
    redact: str = setting(
        _REDACT,
        "off",
        "What becomes of keys and tokens in what is about to be sent: a warning (warn), or they are"
        " taken out of it and of what is kept (mask).",
        'redact = "mask"',
    )
    stdin: str = setting(
        _STDIN,
        "auto",
        "Whether standard input is read: auto says so when it keeps a prompt waiting.",
        'stdin = "never"',
    )
    stdin_timeout: float | None = setting(
        SECONDS,
        None,
        "After how many seconds of silence standard input is given up; no limit by default.",
        "stdin_timeout = 10",
    )
    timeout: float | None = setting(
        SECONDS,
        None,
        "How many seconds a whole reply may take; no limit by default.",
        "timeout = 300",
    )
    idle_timeout: float = setting(
        SECONDS,
        120.0,
        "After how many seconds without a byte a reply is given up.",
        "idle_timeout = 60",
    )
    retries: int = setting(
        _count(10),
        2,
        "How often a request that failed before its first byte is sent again.",
        "retries = 0",
    )
    checkpoint_retention: int = setting(
        _count(1_000_000),
        10,
        "How many automatic checkpoints of a session are kept.",
        "checkpoint_retention = 50",
    )
    max_steps: int = setting(
        _count(1000, least=1),
        10,
        "How many requests a turn with tools may take.",
        "max_steps = 25",
    )
    tool_timeout: float | None = setting(
        SECONDS,
        None,
        "After how many seconds a tool is ended, whatever its own limit says.",
        "tool_timeout = 120",
    )
    tool: tuple[str, ...] = setting(
        _NAMES,
        (),
        "The tools that a turn with this profile may use, as with --tool; nowhere else.",
        'tool = ["lines", "files:read_text_file"]',
        key="profiles.NAME.tool",
    )
    all_owners: bool = False
    profile: str | None = None
    session: str | None = None
    providers: Mapping[str, ProviderConfig] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, ModelConfig] = field(default_factory=dict)
    profiles: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    turn_options: Mapping[str, object] = field(default_factory=dict)
    programs: Mapping[str, object] = field(default_factory=dict)
    servers: Mapping[str, object] = field(default_factory=dict)
    daily_budget: float | None = setting(
        _AMOUNT,
        None,
        "What the turns of a day may cost, in the currency of the prices.",
        "daily = 5.00",
        key="budget.daily",
    )
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def searches(self) -> bool:
        """Whether the vendor may search the web, by the setting or as a tool."""
        return self.search or WEB_SEARCH in self.tool

    @property
    def runs_code(self) -> bool:
        """Whether the vendor may run code that the model writes."""
        return CODE_EXECUTION in self.tool

    @property
    def sessions_at(self) -> Path | str:
        """Where sessions are kept: a SQLite file, or the address of a PostgreSQL database."""
        return self.database or self.data_dir / "hfs.db"

    @property
    def shown_database(self) -> str:
        """The same, without the secrets of an address."""
        if isinstance(self.sessions_at, Path):
            return str(self.sessions_at)
        from hfs_cli.config.database import without_password

        return without_password(self.sessions_at)


_OF_CONFIG = declared(Config)
# What the file, a profile, a flag or an HFS_ variable can set.
SETTINGS: Mapping[str, Setting] = {n: s for n, s in _OF_CONFIG.items() if "." not in s.key}
# And what only a profile or a flag can set: tools are never allowed once and for all.
PROFILE_SETTINGS: Mapping[str, Setting] = {**SETTINGS, "tool": _OF_CONFIG["tool"]}
# The options of `hfs chat`, by their long names, that a profile may hold besides settings, with the
# words that each can be if these are few. They make sense for more than one turn. --record is not
# among them, though a template may hold it: a template is named for one turn, while a profile may
# be in force for long (HFS_PROFILE) and would keep writing conversations to files unasked;
# HFS_RECORD is for that.
_FLAG = ("true",)
FORMATS = ("text", "json", "jsonl")
TURN_OPTIONS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("temperature", "max-tokens", "option", "schema", "schema-multi"), ()),
    **dict.fromkeys(("extract", "extract-last"), _FLAG),
    "format": FORMATS,
    "json": _FLAG,
    **dict.fromkeys(("file", "encoding", "system-file"), ()),
    **dict.fromkeys(("no-system", "hide-reasoning", "citations", "usage", "quiet"), _FLAG),
    "over-budget": _FLAG,
    "reuse": (),
}
PROVIDER_SETTINGS: Mapping[str, Setting] = declared(ProviderConfig, "providers.NAME.")
MODEL_SETTINGS: Mapping[str, Setting] = declared(ModelConfig, 'models."PROVIDER/MODEL".')
BUDGET_SETTINGS: Mapping[str, Setting] = {"daily": _OF_CONFIG["daily_budget"]}
ALIAS = Setting(
    "aliases.NAME",
    TEXT,
    None,
    "A name of your own for a model: PROVIDER/MODEL or another alias.",
    'fast = "openai/gpt-6-luna"',
)
TABLES: Mapping[str, str] = {
    "providers": "[providers.NAME]",
    "models": '[models."PROVIDER/MODEL"]',
    "aliases": "[aliases]",
    "profiles": "[profiles.NAME]",
    "budget": "[budget]",
    "tools": "[tools.NAME]",
    "mcp": "[mcp.NAME]",
}

# The variables that set nothing which the file could.
VARIABLES: Mapping[str, str] = {
    "HFS_CONFIG": "The configuration file.",
    "HFS_DATA_DIR": "The directory that holds hfs.db, unless database names another place.",
    "HFS_PROFILE": "The profile to use, [profiles.NAME] of the file; --profile beats it.",
    "HFS_SESSION": "The session that hfs chat continues or starts; meant where REF is left out.",
    "HFS_RECORD": "A directory where each exchange is kept as a file; --record beats it.",
    "HFS_REPLAY": "A directory of such files, which answer in the place of any network.",
    "HFS_DEBUG": "Anything: show the traceback behind an error.",
}
