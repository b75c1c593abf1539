"""Every setting, declared once: its type, its default, its help and an example.

The settings are the fields of the three frozen dataclasses below. `hfs config`, its errors, Tab,
the manual page hfs-config(5) and the tables of docs/settings.md are made from them, so a new
setting is one more field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from hfs_cli.config.kinds import (
    AMOUNT,
    COMMAND,
    COST,
    DATABASE,
    MODELS,
    NAMES,
    SECONDS,
    STRINGS,
    TABLE,
    TEXT,
    USER,
    VARIABLE,
    YES_OR_NO,
    Kind,
    count,
    one_of,
)

TYPE_CHECKING = False  # typing's own costs 5 ms
if TYPE_CHECKING:
    from typing import Any, TypeVar

    T = TypeVar("T")

# The wire formats, and `local` for the embedded model.
PROVIDER_TYPES = ("openai", "responses", "anthropic", "gemini", "ollama", "local")

# How a key is sent: in a header, or as the parameter "key" of the address.
AUTH = ("bearer", "x-api-key", "x-goog-api-key", "api-key", "query")
# The vendor's own tools, as ``--tool`` names them.
WEB_SEARCH, CODE_EXECUTION = VENDOR_TOOLS = ("web-search", "code-execution")

REASONING_LEVELS = ("none", "low", "medium", "high", "max")


# Each method that a dataclass generates costs every start. None of these is compared, and a repr
# would show headers, which may be secret.
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Setting:
    """One setting.

    Args:
        key: Its key in the file, with NAME for a part that users choose.
        kind: Its type.
        default: Its value when nothing sets it; None if it has none.
        help: One sentence.
        example: A line of TOML that sets it.
    """

    key: str
    kind: Kind
    default: object
    help: str
    example: str

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
    """A table ``[providers.NAME]``; None is what the file does not set."""

    name: str
    type: str | None = setting(
        one_of(*PROVIDER_TYPES),
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
        VARIABLE,
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
        one_of(*AUTH),
        None,
        "How the key is sent: as a bearer token, in a header or in the query; by default by type.",
        'auth = "bearer"',
    )
    key_header: str | None = setting(
        TEXT,
        None,
        "Another header for the key, which is all that it holds.",
        'key_header = "X-Gateway-Key"',
    )
    ca_bundle: str | None = setting(
        TEXT,
        None,
        "A PEM file of certificate authorities to trust.",
        'ca_bundle = "/etc/ssl/work.pem"',
    )
    headers: Mapping[str, str] = setting(
        STRINGS,
        {},
        "More headers for each request.",
        'headers = { "X-Team" = "infra" }',
    )
    query: Mapping[str, str] = setting(
        STRINGS,
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
        "Whether <think> at the start of a reply is reasoning; by default only on this machine.",
        "think_tags = true",
    )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ModelConfig:
    """A table ``[models."provider/id"]``. Prices are per million tokens."""

    options: Mapping[str, object] = setting(
        TABLE,
        {},
        "Options for each turn with this model, as with -o.",
        "options = { temperature = 0.2 }",
    )
    input_price: float | None = setting(
        AMOUNT,
        None,
        "The price of a million input tokens, in your currency.",
        "input_price = 0.25",
    )
    output_price: float | None = setting(
        AMOUNT,
        None,
        "The price of a million output tokens.",
        "output_price = 2.00",
    )
    cached_price: float | None = setting(
        AMOUNT,
        None,
        "The price of a million input tokens that the provider had cached.",
        "cached_price = 0.025",
    )
    context: int | None = setting(
        count(1_000_000_000, 1),
        None,
        "The most tokens of prompt and reply together, if hfs does not know them or has too many.",
        "context = 32768",
    )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Config:
    """Every setting, resolved. Times are in seconds.

    Args:
        file: The configuration file, whether or not it exists.
        data_dir: The directory that holds the database.
        all_owners: Whether the sessions of every owner are shown, in a database on a server.
        profile: The profile in force, or None.
        session: What HFS_SESSION says, or None.
        turn_options: The options of a turn in the profile in force, as the file has them.
        programs: The tables of ``[tools]`` as the file has them, for `hfs_cli.config.tools`.
        servers: Those of ``[mcp]``, likewise.
        origins: Where each setting that has not its default value came from.
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
        MODELS,
        (),
        "The models to ask in turn when the chosen one cannot answer; not used with -m.",
        'fallback = ["anthropic/claude-haiku-5-5", "local/smollm2"]',
    )
    cache: bool = setting(
        YES_OR_NO,
        False,
        "Whether the vendor is asked to keep a conversation for its next turn (Anthropic, OpenAI).",
        "cache = true",
    )
    max_cost: float | None = setting(
        COST,
        None,
        "The most that one turn may cost, in the currency of the prices.",
        "max_cost = 0.05",
    )
    context: str = setting(
        one_of("error", "trim", "compact"),
        "error",
        "What to do with a conversation that is too long: show the vendor's error (error), leave"
        " out the oldest turns (trim), or have the model summarise them (compact).",
        'context = "compact"',
    )
    reasoning: str | None = setting(
        one_of(*REASONING_LEVELS),
        None,
        "How much a model thinks before it answers; its own default unless set.",
        'reasoning = "low"',
    )
    search: bool = setting(
        YES_OR_NO,
        False,
        "Whether the vendor may search the web; an error with a model that cannot.",
        "search = true",
    )
    render: str = setting(
        one_of("auto", "markdown", "plain"),
        "auto",
        "How a reply is shown; auto is Markdown on a terminal and plain elsewhere.",
        'render = "plain"',
    )
    pager: str | None = setting(
        TEXT,
        None,
        "The program that shows a transcript longer than the screen; PAGER, then less, by default.",
        'pager = "cat"   # none',
    )
    database: Path | str | None = setting(  # noqa: RUF009  (frozen, as all of them)
        DATABASE,
        None,
        "Where sessions are kept: a SQLite file, or a PostgreSQL database; hfs.db by default.",
        'database = "postgresql://db.example.com/hfs"',
    )
    database_cmd: str | tuple[str, ...] | None = setting(
        COMMAND,
        None,
        "A command that prints the password of the database server; it is run without a shell.",
        'database_cmd = ["pass", "show", "hfs-database"]',
    )
    user: str | None = setting(
        USER,
        None,
        "The owner of your sessions in a database on a server; the login name by default.",
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
        one_of("off", "warn", "mask"),
        "off",
        "What to do about keys and tokens in what is about to be sent: nothing (off), warn of them"
        " (warn), or take them out of it and of what is kept (mask).",
        'redact = "mask"',
    )
    stdin: str = setting(
        one_of("auto", "never", "always"),
        "auto",
        "Whether standard input is read; auto says so if it keeps a prompt waiting.",
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
        count(10),
        2,
        "How often a request that failed before its first byte is sent again.",
        "retries = 0",
    )
    checkpoint_retention: int = setting(
        count(1_000_000),
        10,
        "How many automatic checkpoints of a session are kept.",
        "checkpoint_retention = 50",
    )
    max_steps: int = setting(
        count(1000, least=1),
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
        NAMES,
        (),
        "The tools that a turn with this profile may use, as with --tool; only profiles set them.",
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
        AMOUNT,
        None,
        "The most that the turns of a day may cost, in the currency of the prices.",
        "daily = 5.00",
        key="budget.daily",
    )
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def key_file(self) -> Path:
        """The file of keys, beside the configuration."""
        return self.file.with_name("keys.json")

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

# The variables that stand for no setting of the file.
VARIABLES: Mapping[str, str] = {
    "HFS_CONFIG": "The configuration file; like the usual one, it need not exist.",
    "HFS_DATA_DIR": "The directory that holds hfs.db, unless database names another place.",
    "HFS_PROFILE": "The profile to use, [profiles.NAME] of the file; --profile beats it.",
    "HFS_SESSION": "The session that hfs chat continues or starts; the default of REF elsewhere.",
    "HFS_RECORD": "A directory where each exchange is kept as a file; --record beats it.",
    "HFS_REPLAY": "A directory of such files, which answer instead of the network.",
    "HFS_DEBUG": "If set, an error shows its traceback.",
}
# Those that other programs read too, and what they do here; an empty value counts as unset.
TERMINAL_VARIABLES: Mapping[str, str] = {
    "NO_COLOR": "If set, nothing is coloured, bold or dim.",
    "FORCE_COLOR": "If set, there is colour in pipes and files too: in help, with -u and with"
    " --render markdown; the plain text of a reply stays as it is. NO_COLOR beats it.",
    "TERM": "If dumb or not set, there is no colour (unless FORCE_COLOR is set) and no spinner.",
    "COLUMNS": "The width to lay text out for; on a terminal, at most that of the window.",
}
