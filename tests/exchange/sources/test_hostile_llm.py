"""A database that claims to be llm's and means harm: bounded, refused, and Ctrl-C works."""

import shutil
import signal
import sqlite3
import threading
from collections.abc import Generator
from contextlib import closing
from typing import cast

import pytest

from hfs_cli import signals
from hfs_cli.errors import Interrupted, UsageError
from hfs_cli.exchange.sources import database, llm
from hfs_cli.store.store import SessionStore
from tests.exchange.reading import read
from tests.tools.conftest import wait_until_open

TABLES = """
CREATE TABLE conversations (id, name, model);
CREATE TABLE responses (id, model, prompt, system, response, conversation_id, duration_ms,
    datetime_utc, input_tokens, output_tokens);
CREATE TABLE attachments (id, type, path, url, content);
CREATE TABLE prompt_attachments (response_id, attachment_id, "order");
INSERT INTO conversations VALUES ('c', 'name', 'm');
INSERT INTO responses VALUES ('r', 'm', 'question', 'brief', 'reply', 'c', 5,
    '2024-05-06T07:08:09', 1, 2);
INSERT INTO attachments VALUES ('a', 'image/png', '/p.png', NULL, x'89');
INSERT INTO prompt_attachments VALUES ('r', 'a', 0);
"""
ENDLESS = "AS WITH RECURSIVE e(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM e)"
COLUMNS = {
    "responses": "id model prompt system response conversation_id duration_ms datetime_utc "
    "input_tokens output_tokens",
    "conversations": "id name",
    "attachments": "id type path url content",
}
ODD = [b"\xff\0 blob", 2**62, -1, 1e308, 9e999, "", "a\0b", "99999-01-01", None]


def made(path, script):
    with closing(sqlite3.connect(path)) as db:
        db.executescript(script)
    return path


@pytest.mark.parametrize(
    "column", [(table, name) for table, names in COLUMNS.items() for name in names.split()]
)
def test_odd_values_are_read_or_refused(tmp_path, store, column):
    whole = made(tmp_path / "whole.db", TABLES)
    for number, value in enumerate(ODD):
        path = shutil.copy(whole, tmp_path / f"{number}.db")
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute(f"UPDATE {column[0]} SET {column[1]} = ?", (value,))
        try:
            store.put(llm.conversations(path))
        except UsageError:
            continue
        assert store.check() == []


def test_what_is_left_half_way_is_closed_in_whichever_thread_it_goes(tmp_path):
    path = made(tmp_path / "logs.db", TABLES)
    coming = cast("Generator[object]", llm.conversations(path))
    next(coming)
    closed = []

    def close():
        coming.close()
        closed.append(True)

    thread = threading.Thread(target=close)
    thread.start()
    thread.join()
    assert closed == [True]


@pytest.mark.parametrize("table", ["responses", "conversations", "prompt_attachments"])
def test_a_view_is_not_a_table(tmp_path, table):
    path = made(
        tmp_path / "logs.db",
        f"{TABLES} ALTER TABLE {table} RENAME TO old; "
        f"CREATE VIEW {table} {ENDLESS} SELECT o.* FROM e, old o;",
    )
    if table == "prompt_attachments":  # it is not needed
        assert len(read(llm.conversations(path))) == 1
        return
    with pytest.raises(UsageError, match="not a database that can be read"):
        read(llm.conversations(path))


def test_text_that_is_not_utf8_is_refused_and_not_shown(tmp_path):
    path = made(tmp_path / "logs.db", TABLES)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("UPDATE responses SET prompt = CAST(x'73656372657420ff' AS TEXT)")
    with pytest.raises(UsageError) as refused:
        read(llm.conversations(path))
    assert "secret" not in refused.value.message


def test_a_value_or_a_conversation_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "_MAX_VALUE", 1_000_000)
    monkeypatch.setattr(llm, "MAX_CONVERSATION", 100_000)
    path = made(tmp_path / "logs.db", TABLES)
    for size, said in ((2_000_000, "too big"), (200_000, "is over")):
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("UPDATE responses SET prompt = hex(zeroblob(?))", (size // 2,))
        with pytest.raises(UsageError, match=said):
            read(llm.conversations(path))


def test_work_without_end_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "_PATIENCE_S", 0.0)
    monkeypatch.setattr(database, "_STEPS", 1)
    with pytest.raises(UsageError, match="gives no row"):
        read(llm.conversations(made(tmp_path / "logs.db", TABLES)))


def test_a_signal_ends_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "_STEPS", 1)
    monkeypatch.setattr(signals, "received", lambda: signal.SIGTERM)
    with pytest.raises(Interrupted) as ended:
        read(llm.conversations(made(tmp_path / "logs.db", TABLES)))
    assert ended.value.exit_code == 143


def test_nobody_is_locked_out_while_a_file_is_read(tmp_path, store):
    store.delete([1])

    def slow():
        with SessionStore(store._engine.path) as other, other._engine.writing(0.1):
            yield from llm.conversations(made(tmp_path / "logs.db", TABLES))

    assert store.put(slow()).sessions == 1


def test_an_interrupt_while_the_rows_are_sorted_ends_the_import(hfs, tmp_path):
    path = made(tmp_path / "logs.db", TABLES)
    with closing(sqlite3.connect(path)) as db:
        # SQLite works out each row's time when it reads the row, in milliseconds: all of them take
        # it minutes. What does not depend on the row would be worked out once for all; and a row
        # that is inserted has it worked out, too, so the column comes last.
        db.executescript(
            """ALTER TABLE responses RENAME TO old;
            CREATE TABLE responses (id, model, prompt, system, response, conversation_id,
                duration_ms, input_tokens, output_tokens);"""
        )
        db.executemany("INSERT INTO responses (id) VALUES (?)", [(n,) for n in range(100_000)])
        db.commit()
        db.execute(
            "ALTER TABLE responses ADD COLUMN datetime_utc AS (length(hex(zeroblob(9000000 + id))))"
        )
    process = hfs.start("sessions", "import", str(path))
    wait_until_open(process, path)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 130
    assert error.count(b"\n") == 1
