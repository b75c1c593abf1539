"""More of what the fuzzer makes: batches, tools, templates, histories in lines, databases, keys."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import strategies as st

from hfs_cli.redact.families import FAMILIES
from hfs_cli.store.tables import TABLES
from tests.conftest import Hfs
from tests.exchange.sources import test_hostile_llm as llm
from tests.exchange.sources.test_aichat_log import LOG, OLDER
from tests.exchange.sources.test_claude_code import AGENT, CLAUDE_CODE
from tests.exchange.sources.test_codex import CODEX
from tests.exchange.sources.test_gemini import BEGUN, RESUMED
from tests.exchange.sources.test_mods import GOB, OLDER_GOB
from tests.fuzz.inputs import ANY_JSON, WORDS, changed, paths, toml
from tests.redact.keys import Keys
from tests.scripted_server import Reply, make_reply, sse

ODD_CELLS = st.sampled_from(
    [
        b"\xff\0 blob",
        2**62,
        2**63 - 1,
        -(2**63),
        -1,
        0,
        1e308,
        9e999,
        "",
        "a\0b",
        "text",
        "[",
        "{}",
        None,
    ]
) | st.text(max_size=6)

# --- histories of other programs ------------------------------------------------------

_LINES = [
    {"session": "s", "title": "t", "role": "user", "content": "hi", "time": 1_700_000_000,
     "id": "1", "attachments": [{"name": "p.png", "media_type": "image/png", "data": "AAAA"},
                                {"url": "https://a.test/x"}], "extra": {"cwd": "/src"}},
    {"session": "s", "role": "assistant", "time": "2023-11-14T22:13:21Z", "model": "m", "id": "2",
     "reasoning": "hm", "usage": {"input_tokens": 3, "output_tokens": 4, "cached_tokens": 1},
     "calls": [{"id": "c1", "name": "ls", "arguments": {"path": "."}, "result": [1]}]},
    {"session": "s", "role": "tool", "call": "c1", "content": "no", "failed": True},
    {"session": "s", "role": "assistant", "content": "b", "parent": "1", "current": True},
]  # fmt: skip
_IN_LINES = {
    "lines": _LINES,
    "claude-code": [*CLAUDE_CODE, *AGENT],
    "codex": CODEX,
    "gemini-cli": [*BEGUN, *RESUMED],
}


class History(NamedTuple):
    """A file to import.

    Args:
        file: Its name.
        data: What is in it; of another program's database, the cells that are changed.
        argv: The arguments of the import.
    """

    file: str
    data: bytes | Sequence[tuple[str, str, object]]
    argv: list[str]


@st.composite
def histories(draw: st.DrawFn) -> History:
    """A history of one of the programs that are known, with changes."""
    kind = draw(st.sampled_from([*_IN_LINES, *_IN_LINES, "mods", "aichat", "llm"]))
    if kind == "llm":
        columns = [(table, name) for table, names in llm.COLUMNS.items() for name in names.split()]
        cells = st.tuples(st.sampled_from(columns), ODD_CELLS).map(lambda one: (*one[0], one[1]))
        return History("logs.db", draw(st.lists(cells, max_size=3)), ["logs.db"])
    if kind == "mods":
        data = _cut(draw, draw(st.sampled_from([GOB, OLDER_GOB])))
        return History("a" * 40, data, ["a" * 40])
    if kind == "aichat":
        return History(
            "messages.md", _cut(draw, draw(st.sampled_from([LOG, OLDER])).encode()), ["messages.md"]
        )
    lines = [json.dumps(line).encode() for line in draw(changed(_IN_LINES[kind]))]
    if lines and draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(lines) - 1))
        lines[at] = _cut(draw, lines[at])
    argv = ["in.jsonl", *draw(st.sampled_from([[], [], ["--from", kind], ["--dry-run"]]))]
    return History("in.jsonl", b"\n".join(lines) + b"\n", argv)


def _cut(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes of which some are others."""
    at = draw(st.integers(0, len(data)))
    return data[:at] + draw(st.binary(max_size=6)) + data[at + draw(st.integers(0, 6)) :]


def write_history(history: History, directory: Path) -> None:
    """Put the file where the import looks for it."""
    path = directory / history.file
    if isinstance(history.data, bytes):
        path.write_bytes(history.data)
        return
    llm.made(path, llm.TABLES)
    with closing(sqlite3.connect(path, isolation_level=None)) as db, suppress(sqlite3.Error):
        for table, column, value in history.data:
            db.execute(f"UPDATE {table} SET {column} = ?", (value,))


# --- batches ----------------------------------------------------------------------------

_ROWS = [{"prompt": "hi", "a": 1}, {"prompt": "ho", "a": "é"}, {"prompt": "hu", "a": None}]
_BATCH_OPTIONS = [
    *([], ["--unordered"], ["--save", "-n", "x"], ["--limit", "1"], ["--rate", "600/min"]),
    *(["-t", "t"], ["-t", "t", "-p", "a", "b"], ["--budget", "0.1"], ["--concurrency", "2"]),
    *(["--schema", "a"], ["-o", "x", "1e999"], ["--input", "csv"], ["--input", "jsonl"]),
    *(["--encoding", "latin-1"], ["-m", "test/m", "-m", "test/n"], ["--usage"], ["--dry-run"]),
]  # fmt: skip


class Batch(NamedTuple):
    """A file of prompts, with the options and the template of its command."""

    file: str
    data: bytes
    argv: list[str]
    template: str


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    """A batch of some prompts, whose input may be wrong at any place."""
    file = draw(st.sampled_from(["in.txt", "in.jsonl", "in.csv"]))
    rows = draw(changed(_ROWS))
    rows = rows if isinstance(rows, list) else [rows]
    if file == "in.jsonl":
        data = "\n".join(json.dumps(row) for row in rows).encode()
    elif file == "in.csv":
        cells = st.lists(st.sampled_from(WORDS) | st.text(max_size=5), min_size=2, max_size=2)
        table = [["prompt", "a"], *draw(st.lists(cells, max_size=4))]
        quoted = [",".join(f'"{c.replace(chr(34), chr(34) * 2)}"' for c in row) for row in table]
        data = "\n".join(quoted).encode("utf-8", "surrogatepass")
    else:
        texts = draw(st.lists(st.sampled_from(WORDS) | st.text(max_size=9), max_size=4))
        data = "\n".join(texts).encode("utf-8", "surrogatepass")
    if draw(st.integers(0, 3)) == 0:
        data = _cut(draw, data)
    argv = [
        word
        for words in draw(st.lists(st.sampled_from(_BATCH_OPTIONS), max_size=2))
        for word in words
    ]
    return Batch(file, data, argv, draw(templates()))


class Damage(NamedTuple):
    """How one of the files that a batch has left is changed.

    Args:
        which: Which of them, counted round.
        at: Where, in a thousandth of its length.
        gone: How many bytes are taken away there; below 0, the whole file.
        instead: What comes in their place.
    """

    which: int
    at: int
    gone: int
    instead: bytes


def damages() -> st.SearchStrategy[Damage | None]:
    """A damage, or none."""
    value = ANY_JSON.map(lambda value: json.dumps(value).encode())
    return st.none() | st.builds(
        Damage,
        st.integers(0, 1),
        st.integers(0, 1000),
        st.integers(-1, 12),
        st.binary(max_size=6) | value,
    )


def do_damage(damage: Damage | None, directory: Path, files: Sequence[str]) -> None:
    """Change a file, where it is there."""
    if damage is None:
        return
    path = directory / files[damage.which % len(files)]
    if not path.is_file():
        return
    data = path.read_bytes()
    at = len(data) * damage.at // 1000
    if damage.gone < 0:
        path.write_bytes(damage.instead)
    else:
        path.write_bytes(data[:at] + damage.instead + data[at + damage.gone :])


_INSTEAD = [None, True, -1, 2**70, 1e400, "", "x", "\ud800", [], {}, [5], {"text": 5}, "ended"]


def spoilt(chance: random.Random, said: object) -> object:
    """What a vendor answers, with one value of it in another's place, or something else entirely.

    Args:
        said: An object, or a reply with an object in each line.
    """
    if isinstance(said, Reply):
        data = b"".join(step for step in said.steps if isinstance(step, bytes))
        lines = [json.loads(line) for line in data.splitlines()]
    else:
        lines = [json.loads(json.dumps(said))]
    kind = chance.randrange(6)
    if kind == 0:
        return make_reply(chance.randbytes(20), status=chance.choice([200, 400, 404, 429, 500]))
    if kind == 1:
        return make_reply(json.dumps(chance.choice(_INSTEAD)).encode())
    ways = list(paths(lines))
    if ways:
        *way, last = chance.choice(ways)
        holder: Any = lines
        for step in way:
            holder = holder[step]
        holder[last] = chance.choice(_INSTEAD)
    return make_reply(b"".join(json.dumps(line).encode() + b"\n" for line in lines))


# --- templates ------------------------------------------------------------------------

_TEMPLATE = {
    "description": "d",
    "prompt": "Say $input, ${name}, $$5 and $other",
    "system": "Be $name",
    "temperature": 0.2,
    "max-tokens": 5,
    "defaults": {"name": "x", "other": 5, "input": "y"},
    "schema": {"type": "object", "properties": {"a": {"type": "integer", "pattern": "a+"}}},
    "option": ["stop=[]"],
    "tool": ["count"],
    "model": "test/m",
}


@st.composite
def templates(draw: st.DrawFn) -> str:
    """A template, of which any value may be another."""
    whole = draw(changed(_TEMPLATE))
    if not isinstance(whole, dict):
        return toml(whole)
    lines = [f"{json.dumps(name)} = {toml(value)}" for name, value in whole.items()]
    return "\n".join([*lines, *draw(st.lists(st.text(max_size=20), max_size=1))])


@st.composite
def fillings(draw: st.DrawFn) -> list[str]:
    """What is given for placeholders."""
    names = st.sampled_from(["name", "other", "input", "nobody", "", "a b", "prompt"])
    words = st.sampled_from(WORDS) | st.text(st.characters(exclude_characters="\0"), max_size=8)
    given = draw(st.lists(st.tuples(names, words), max_size=2))
    return [word for name, value in given for word in ("-p", name, value)]


def write_template(hfs: Hfs, text: str) -> None:
    """Make it the template ``t``."""
    directory = hfs.config.parent / "templates"
    directory.mkdir(exist_ok=True)
    (directory / "t.toml").write_bytes(text.encode("utf-8", "surrogatepass"))


# --- tools ------------------------------------------------------------------------------

_SERVER = Path(__file__).with_name("mcp_answers.py")
_PROGRAM = {
    "command": ["cat", "said"],
    "description": "Count.",
    "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}},
    "timeout": 2,
    "env": ["LANG"],
    "cwd": "~",
    "confirm": False,
    "parallel": True,
}
_MCP = {
    "command": "python3",
    "args": ["-S", str(_SERVER), "answers"],
    "timeout": 3,
    "env": [],
    "cwd": "~",
}
_ANSWERS = {
    "initialize": {
        "protocolVersion": "2025-06-18",
        "capabilities": {"tools": {"listChanged": True}},
        "serverInfo": {"name": "s", "version": "1"},
    },
    "tools/list": {
        "tools": [{"name": "far", "description": "d", "inputSchema": {"type": "object"}}],
    },
    "tools/call": {
        "content": [
            {"type": "text", "text": "told"},
            {"type": "image", "data": "AAAA", "mimeType": "image/png"},
            {"type": "resource", "resource": {"uri": "a:b", "text": "x"}},
        ],
        "structuredContent": {"a": 1},
        "isError": False,
    },
}
_ASKING = [
    {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "", "tool_calls": [
        {"index": 0, "id": "c1", "function": {"name": "count", "arguments": '{"n": 1}'}},
        {"index": 1, "id": "c2", "function": {"name": "away__far", "arguments": "{}"}}]}}]},
    {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]},
]  # fmt: skip


class Tooling(NamedTuple):
    """Tools, and what is said to and by them.

    Args:
        tables: Those of the configuration.
        said: What the program prints.
        answers: The answers of the MCP server by method.
        noise: What it prints before them.
        asking: The reply that asks for the tools.
    """

    tables: str
    said: bytes
    answers: object
    noise: bytes
    asking: list[bytes]


@st.composite
def toolings(draw: st.DrawFn) -> Tooling:
    """Tools of which something is not as it should be."""
    where = draw(st.sampled_from(["program", "server", "answers", "asking", "said"]))
    program = draw(changed(_PROGRAM)) if where == "program" else _PROGRAM
    server = draw(changed(_MCP)) if where == "server" else _MCP
    tables = [_table("tools.count", program), _table("mcp.away", server)]
    return Tooling(
        "\n".join(tables),
        draw(st.binary(max_size=60)) if where == "said" else b"seven",
        draw(changed(_ANSWERS)) if where == "answers" else _ANSWERS,
        draw(st.binary(max_size=20)) if where == "answers" else b"",
        sse(*draw(changed(_ASKING))) if where == "asking" else sse(*_ASKING),
    )


def _table(name: str, values: object) -> str:
    if not isinstance(values, dict):
        head, _, last = name.partition(".")
        return f"[{head}]\n{last} = {toml(values)}\n"
    return "\n".join(
        [f"[{name}]", *(f"{json.dumps(k)} = {toml(v)}" for k, v in values.items()), ""]
    )


def write_tools(tooling: Tooling, hfs: Hfs) -> None:
    """Put the tools where they are looked for."""
    good = hfs.config.read_text()
    hfs.config.write_bytes(f"{good}{tooling.tables}".encode("utf-8", "surrogatepass"))
    (hfs.home / "said").write_bytes(tooling.said)
    (hfs.home / "answers").write_text(json.dumps(tooling.answers))
    (hfs.home / "noise").write_bytes(tooling.noise)


# --- databases --------------------------------------------------------------------------

_PLACES = [
    *("postgresql://127.0.0.1:1/x", "postgres://u:p@127.0.0.1:1/x", "postgresql://", "://"),
    *("postgresql:///", "postgresql://[", "postgresql://[::1]:1/x", "postgresql://127.0.0.1:99999/x"),
    *("postgresql://é:1/x", "postgresql://127.0.0.1:1/x?sslmode=nope", "mysql://x/y", "sqlite:///x"),
    *("postgresql://127.0.0.1:1/x?host=/nowhere", "postgresql://127.0.0.1:1/%00"),
    *("postgresql://127.0.0.1:1/%zz", "postgresql://127.0.0.1:1/a?b=%"),
    *("postgresql://127.0.0.1:1,127.0.0.1:2/x", "postgresql://127.0.0.1:1/x?connect_timeout=z"),
    *("postgresql://127.0.0.1:1/x?options=-c%20x", "postgresql://127.0.0.1:1/x?password=p"),
    *("/dev/null", "/nowhere/x.db", "new.db", "./x/../new.db", "file.txt", "fifo", ".", "", "~"),
    "~nobody/x",
]  # fmt: skip


def places() -> st.SearchStrategy[str]:
    """Where a database could be, or not."""
    noise = st.text(st.characters(exclude_characters="\0/"), max_size=12)
    return (
        st.sampled_from(_PLACES)
        | noise
        | noise.map(lambda text: f"postgresql://127.0.0.1:1/{text}")
        | noise.map(lambda text: f"postgresql://{text}")
    )


Edit = tuple[str, str, int, object]
_CELLS = [
    (table._meta.table_name, field.column_name)
    for table in TABLES
    for field in table._meta.sorted_fields
]
USES = [
    *(["sessions", "list", "--json"], ["sessions", "show", "1"], ["sessions", "show", "@last"]),
    *(["sessions", "search", "seven"], ["sessions", "stats"], ["sessions", "tree", "3"]),
    *(["sessions", "export", "--all", "--format", "json"], ["sessions", "redact", "--yes"]),
    *(["db", "check"], ["db", "vacuum"], ["db", "backup", "copy.db"], ["chat", "-c", "hi"]),
    *(["sessions", "undo", "3"], ["sessions", "rewind", "3", "1"], ["sessions", "retry", "3"]),
    *(["sessions", "fork", "3"], ["delete", "3", "--yes"], ["rename", "1", "other"], ["doctor"]),
    *(["checkpoints", "list", "1"], ["resume", "3"], ["sessions", "export", "3"]),
    ["batch", "rows.csv", "--save"],
    ["db", "copy", ".local/share/hfs/hfs.db", "new.db"],
    ["chat", "--reuse", "1d", "hi"],
]  # fmt: skip


def edits() -> st.SearchStrategy[list[Edit]]:
    """Cells of the database that others have changed: table, column, which row, and the value."""
    cell = st.tuples(st.sampled_from(_CELLS), st.integers(0, 5), ODD_CELLS | st.integers(-5, 20))
    return st.lists(cell.map(lambda one: (*one[0], one[1], one[2])), min_size=1, max_size=3)


def edit(path: Path, changes: list[Edit]) -> None:
    """Change a database, as far as SQLite lets it be changed."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        for table, column, row, value in changes:
            which = "" if row == 0 else f" WHERE rowid = {row}"
            with suppress(sqlite3.Error, UnicodeEncodeError):
                db.execute(f'UPDATE "{table}" SET "{column}" = ?{which}', (value,))


# --- keys -------------------------------------------------------------------------------


class Secrets(NamedTuple):
    """Keys among other words.

    Args:
        keys: All of them.
        prompt: A text that holds some.
        pieces: A reply that holds some, in pieces.
    """

    keys: tuple[str, ...]
    prompt: str
    pieces: list[str]


@st.composite
def secrets(draw: st.DrawFn) -> Secrets:
    """Keys of some families, at any place of a prompt and of a reply that comes in pieces."""
    made = Keys(draw(st.integers(0, 10**6)))
    families = sorted({family.name for family in FAMILIES} - {"private-key", "aws-secret"})
    chosen = draw(st.lists(st.sampled_from(families), min_size=1, max_size=3))
    keys = tuple(draw(st.sampled_from(made.of(family))) for family in chosen)
    before = st.sampled_from(["", "use ", "\n", "key=", '{"k": "', "é ", "```\n", "Bearer "])
    after = st.sampled_from([" ", "\n", ", ", '"}', " and "])
    text = "".join(draw(before) + key + draw(after) for key in keys)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=5)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    return Secrets(keys, text, pieces)
