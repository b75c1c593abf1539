"""Read the ``logs.db`` of the `llm` tool, without writing a byte to it.

Its ``responses`` table has a row for each prompt and reply, tied to ``conversations`` where
they belong to one. Columns came over the years; those that are missing are left out.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from hfs_cli.conversations import Conversation
from hfs_cli.errors import UsageError
from hfs_cli.exchange.sources.foreign import Said, arrived
from hfs_cli.messages import Attachment, Usage
from hfs_cli.moments import from_iso

_OPTIONAL = ("system", "duration_ms", "input_tokens", "output_tokens")


def conversations(path: Path) -> Iterator[Conversation]:
    """All of its conversations, and each reply that belongs to none, last used last.

    Raises:
        UsageError: It is another database, or damaged.
    """
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as db:
            db.row_factory = sqlite3.Row
            yield from _conversations(db, path)
    except sqlite3.Error as error:
        raise UsageError(f"cannot read {path} as a database of llm: {error}") from error


def _conversations(db: sqlite3.Connection, path: Path) -> Iterator[Conversation]:
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    if not {"responses", "conversations"} <= tables:
        raise UsageError(
            f"{path} is no database that can be read: hfs sessions import reads the logs.db of "
            "llm, and files of hfs, ChatGPT, Claude, aichat and shell_gpt"
        )
    there = {row["name"] for row in db.execute("PRAGMA table_info(responses)")}
    columns = ", ".join(column if column in there else f"NULL AS {column}" for column in _OPTIONAL)
    rows = db.execute(
        f"""SELECT r.id, r.model, r.prompt, r.response, r.datetime_utc, r.conversation_id,
            c.name AS title, {columns}
        FROM responses r LEFT JOIN conversations c ON c.id = r.conversation_id
        ORDER BY max(r.datetime_utc) OVER (PARTITION BY coalesce(r.conversation_id, r.id)),
            coalesce(r.conversation_id, r.id), r.datetime_utc, r.id"""
    )
    group: list[sqlite3.Row] = []
    for row in rows:
        if group and _key(row) != _key(group[0]):
            yield _conversation(db, group, tables)
            group = []
        group.append(row)
    if group:
        yield _conversation(db, group, tables)


def _key(row: sqlite3.Row) -> str:
    return str(row["conversation_id"] or row["id"])


def _conversation(
    db: sqlite3.Connection, group: list[sqlite3.Row], tables: set[str]
) -> Conversation:
    begun = _moment(group[0]["datetime_utc"])
    said: list[Said] = []
    system = None
    for row in group:
        moment = _moment(row["datetime_utc"])
        if row["system"] and row["system"] != system:
            system = row["system"]
            said.append(Said("system", system, moment))
        files = _attachments(db, str(row["id"])) if "prompt_attachments" in tables else ()
        said.append(Said("user", row["prompt"] or "", moment, attachments=files))
        if row["response"]:
            said.append(_reply(row, moment))
    found = arrived("llm", _key(group[0]), group[0]["title"] or "", begun, said)
    assert found is not None  # there is a prompt
    return found


def _reply(row: sqlite3.Row, moment: datetime) -> Said:
    usage = None
    if row["input_tokens"] is not None or row["output_tokens"] is not None:
        usage = Usage(row["input_tokens"], row["output_tokens"])
    return Said(
        "assistant",
        row["response"],
        moment,
        model=row["model"],
        usage=usage,
        total_s=None if row["duration_ms"] is None else row["duration_ms"] / 1000,
    )


def _attachments(db: sqlite3.Connection, response_id: str) -> tuple[Attachment, ...]:
    """What went with a prompt; a file that was not kept is there by its path alone."""
    rows = db.execute(
        """SELECT a.type, a.path, a.url, a.content FROM prompt_attachments p
        JOIN attachments a ON a.id = p.attachment_id WHERE p.response_id = ?
        ORDER BY p.[order]""",
        (response_id,),
    )
    return tuple(
        Attachment(
            name=Path(row["path"] or row["url"] or "attachment").name,
            media_type=row["type"] or "application/octet-stream",
            data=row["content"] or b"",
            url=row["url"],
        )
        for row in rows
        if row["content"] or row["url"]
    )


def _moment(text: str | None) -> datetime:
    try:
        return from_iso(text or "")
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)
