"""Keys are found wherever text is kept, and taken out so that no file holds them any more."""

from __future__ import annotations

import re
import sqlite3
import tempfile
import time
from pathlib import Path

import pytest
from peewee import BlobField, TextField

from hfs_cli.errors import StoreError
from hfs_cli.messages import Attachment, Call, Citation, KeptState
from hfs_cli.store import spill
from hfs_cli.store.keys import TEXTS
from hfs_cli.store.sqlite import upkeep
from hfs_cli.store.store import SessionStore
from hfs_cli.store.tables import TABLES, MessageRow
from hfs_cli.tools.tool import MAX_RESULT_BYTES, result_text
from tests.conftest import UNMEASURED
from tests.redact.keys import Keys
from tests.store.places import on_a_file
from tests.store.talking import Talk

# Words of ours, models, numbers of vendors' and ours, digests, and names of people.
WITHOUT = {
    "import": {"owner"},
    "session": {"uid", "origin", "model", "last_status", "owner"},
    "message": {"role", "status", "finish_reason", "model"},
    "attachment": {"sha256"},
    "message_attachment": {"media_type", "sha256"},
    "request": {"sha256"},
    "deleted": {"uid", "owner"},
}


def test_every_column_that_can_hold_text_is_looked_at_or_is_known_to_hold_none():
    for table in TABLES:
        meta = table._meta
        texts = {
            field.column_name
            for field in meta.sorted_fields
            if isinstance(field, TextField | BlobField)
        }
        without = WITHOUT.get(meta.table_name, set())
        assert texts == set(TEXTS.get(table, {})) | without, meta.table_name


def held(directory: Path, key: str) -> set[str]:
    """The files that hold any eight characters of a key that stand together, in either case.

    An index holds words in small letters, each without what it has in common with the one before.
    """
    body = max(re.findall(r"[A-Za-z0-9]+", key), key=len)
    parts = {body[at : at + 8].lower().encode() for at in range(len(body) - 7)}
    assert parts, key
    found = set()
    for file in directory.iterdir():
        data = file.read_bytes().lower()
        if any(part in data for part in parts):
            found.add(file.name)
    return found


@pytest.fixture
def keys() -> Keys:
    return Keys()


# Whose key is put where; in the text is one with a checksum, and in a result one of many lines.
FAMILIES = {
    "reply": "slack-token",
    "reasoning": "anthropic-key",
    "state": "openai-key",
    "citations": "stripe-key",
    "extra": "huggingface-token",
    "error": "groq-key",
    "arguments": "npm-token",
    "call extra": "sendgrid-key",
    "attachment": "gitlab-token",
    "attachment name": "xai-key",
    "attachment url": "google-key",
    "checkpoint": "digitalocean-token",
    "system": "openrouter-key",
    "partial": "perplexity-key",
    "old": "replicate-token",
}


def everywhere(store, talk, keys) -> dict[str, str]:
    """A session with a key in each place, by the place's name."""
    at = {place: keys.of(family)[0] for place, family in FAMILIES.items()}
    at |= {"text": keys.checked("ghp_"), "result": keys.block()}
    files = (
        Attachment(
            f"{at['attachment name']}.txt", "text/plain", f"k = {at['attachment']}".encode()
        ),
        Attachment("far.png", "image/png", url=f"https://example.org/?key={at['attachment url']}"),
        Attachment("near.png", "image/png", b"\x89PNG\0" + at["text"].encode()),
    )
    opened = talk.ask(
        f"{at['text']} is my token, what of it?", attachments=files, system=f"Use {at['system']}."
    )
    call = Call(
        "c1",
        "read",
        f'{{"key": "{at["arguments"]}"}}',
        at["result"],
        extra={"signature": at["call extra"]},
    )
    talk.answer(
        opened,
        f"It is {at['reply']}, and naïve.",
        reasoning=f"Is it {at['reasoning']}?",
        tool_calls=(call,),
        citations=(Citation(f"https://example.org/{at['citations']}", "t"),),
        state=KeptState("openai", ({"type": "reasoning", "summary": [at["state"]]},)),
    )
    # A partial reply in pieces, with a key that lies across two of them.
    second = talk.ask("again", opened.session)
    for piece in (at["partial"][:20], at["partial"][20:]):
        talk.store.save_piece(second, reply(piece))
    store.create_checkpoint(opened.session.id, f"before {at['checkpoint']}")
    with store._engine.writing() as db:
        rows = MessageRow.update(
            extra=f'{{"a": [{{"{at["extra"]}": 1}}]}}', error=f"refused {at['error']}"
        )
        rows.where(MessageRow.role == "assistant", MessageRow.position == 3).execute(db)
    # What was deleted is in the free pages still.
    gone = talk.turn(f"long gone {at['old']} " + "x" * 5000, "bye")
    store.delete([gone.id])
    return at


def reply(text: str):
    from hfs_cli.messages import Reply

    return Reply(text, "openai/gpt", status="partial")


@on_a_file
def test_no_file_holds_a_key_after_it_was_taken_out(store, talk, keys, path):
    at = everywhere(store, talk, keys)
    image = at.pop("text")  # in a picture too, which stays as it is
    kept = {name for name, key in at.items() if held(path.parent, key)}
    assert kept == set(at), "the test would not see what is there"
    found = store.kept_keys()
    assert {key.place for key in found} == {
        *("name", "text", "reasoning", "state", "citations", "extra", "error", "arguments"),
        *("result", "attachment", "checkpoint"),
    }
    for key in found:
        assert not any(secret in repr(key) for secret in (*at.values(), image))
    assert [*map(repr, store.redact())] == [*map(repr, found)]
    for name, key in at.items():
        assert held(path.parent, key) == set(), name
    assert store.kept_keys() == []
    assert store.check() == []

    session = store.list_recent()[0]
    assert session.name.startswith("[redacted github-token]... - ")
    system, question, answer, again, partial = store.transcript(session.id)
    assert system.content == "Use [redacted openrouter-key]."
    assert question.content == "[redacted github-token] is my token, what of it?"
    assert answer.content == "It is [redacted slack-token], and naïve."
    assert answer.reasoning == "Is it [redacted anthropic-key]?"
    assert answer.state is None
    assert answer.extra == {"a": [{"[redacted huggingface-token]": 1}]}
    assert answer.error == "refused [redacted groq-key]"
    assert answer.citations[0].url == "https://example.org/[redacted stripe-key]"
    (call,) = answer.tool_calls
    assert call.arguments == '{"key": "[redacted npm-token]"}'
    assert call.result == "[redacted private-key]"
    assert call.extra == {"signature": "[redacted sendgrid-key]"}
    text, far, near = question.attachments
    assert (text.name, text.data) == ("[redacted xai-key].txt", b"k = [redacted gitlab-token]")
    assert far.url == "https://example.org/?key=[redacted google-key]"
    assert near.data == b"\x89PNG\0" + image.encode()
    assert again.content == "again"
    assert partial.content == "[redacted perplexity-key]"
    assert [mark.label for mark in store.checkpoints_of(session.id) if mark.label] == [
        "before [redacted digitalocean-token]"
    ]


def test_half_a_key_is_taken_out_of_a_result_that_was_cut_and_of_arguments_that_broke_off(
    store, talk, keys
):
    first, second, third = (keys.of("gitlab-token")[0] for _ in range(3))
    result = result_text(f"{first[:15]} and {'x' * MAX_RESULT_BYTES}".encode())
    before = "x" * (MAX_RESULT_BYTES - 15)
    cut = result_text(f"{before} {second}".encode())
    assert cut.endswith(f" {second[:14]}\n[cut here: the first 100,000 of 100,012 bytes]")
    calls = [
        Call("c1", "read", f'{{"key": "{third[:20]}', result),
        Call("c2", "read", "{}", f"{cut}\nagain {cut}"),
    ]
    opened = talk.ask("q")
    talk.answer(opened, "", status="partial", tool_calls=calls)
    found = store.kept_keys()
    assert [key.place for key in found] == ["arguments", "result", "result"]
    assert {key.excerpt for key in found} == {"glpat-…"}
    store.redact()
    one, two = store.transcript(opened.session.id)[-1].tool_calls
    assert (one.arguments, one.result) == ('{"key": "[redacted gitlab-token]', result)
    masked = cut.replace(second[:14], "[redacted gitlab-token]")
    assert two.result == f"{masked}\nagain {masked}"
    assert store.kept_keys() == []
    assert store.check() == []


def test_a_vendors_state_that_ends_in_half_a_key_is_taken_out(store, talk, keys):
    half = keys.of("gitlab-token")[0][:20]
    state = KeptState("openai", ({"reasoning_content": f"It may be {half}"},))
    for reason in ("length", "stop"):  # whoever says it to the end has not broken off in it
        talk.answer(talk.ask("q", name=reason), "ok", finish_reason=reason, state=state)
    (found,) = store.kept_keys()
    assert (found.session_name, found.place, found.excerpt) == ("length", "state", "glpat-…")
    store.redact()
    kept = {name: store.transcript(store.resolve(name).id)[-1] for name in ("length", "stop")}
    assert (kept["length"].state, kept["stop"].state) == (None, state)
    assert store.kept_keys() == []


def test_what_stands_for_a_key_is_found_by_a_search_and_the_key_is_not(store, talk, keys):
    key = keys.checked("ghp_")
    session = talk.turn(f"use {key} here", "ok")
    assert store.search(f'"{key}"')
    store.redact()
    assert store.search(f'"{key}"') == []
    assert {hit.session_id for hit in store.search('"redacted github token"')} == {session.id}
    assert store.check() == []


def test_a_session_alone_has_what_it_shares_and_what_was_set_aside_looked_at(store, talk, keys):
    first, second = keys.of("gitlab-token")[:2]
    session = talk.turn(f"shared {first}", "ok")
    talk.turn(f"aside {second}", "ok", session)
    other = talk.turn(f"elsewhere {keys.of('npm-token')[0]}", "ok")
    fork = store.fork(session.id, at=2)
    store.undo(session.id)
    assert {key.session_id for key in store.kept_keys(other.id)} == {other.id}
    assert {key.position for key in store.kept_keys(fork.id)} >= {1}
    assert len({key.excerpt for key in store.kept_keys(session.id) if key.place == "text"}) == 2
    store.redact(fork.id)
    assert talk.contents(session)[0] == "shared [redacted gitlab-token]"
    assert {key.family for key in store.kept_keys()} == {"gitlab-token", "npm-token"}


def test_a_reply_that_was_changed_answers_no_request_again(store, talk, keys):
    from datetime import UTC, datetime

    since = datetime(2000, 1, 1, tzinfo=UTC)
    opened = talk.ask("q")
    number = talk.answer(opened, f"use {keys.of('npm-token')[0]}")
    store.note_request(number, "0" * 64)
    assert store.find_reply("0" * 64, since)
    store.redact()
    assert store.find_reply("0" * 64, since) is None


def test_names_and_checkpoints_that_come_to_be_the_same_are_told_apart(store, talk, keys):
    one, two = keys.of("gitlab-token")[:2]
    sessions = [talk.turn("q", "a", name=f"key {key}") for key in (one, two)]
    for label in (one, two):
        store.create_checkpoint(sessions[0].id, label)
    store.redact()
    names = {store.get(session.id).name for session in sessions}
    assert names == {"key [redacted gitlab-token]", "key [redacted gitlab-token] (2)"}
    labels = {mark.label for mark in store.checkpoints_of(sessions[0].id) if mark.label}
    assert labels == {"[redacted gitlab-token]", "[redacted gitlab-token] (2)"}


@on_a_file
@pytest.mark.parametrize("size", [None, 20])
def test_replies_in_files_of_their_own_are_looked_at_also_where_they_broke_off(
    store, talk, keys, path, monkeypatch, tmp_path, size
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "elsewhere"))
    (tmp_path / "elsewhere").mkdir()
    key = keys.of("npm-token")[0]
    opened = talk.ask("q")
    file = Path(spill.spill(path.parent, opened, reply(f"use {key[:size]}")))
    linked = tmp_path / "elsewhere" / "hfs-reply-1-00000000.md"
    linked.symlink_to(tmp_path / "precious")
    (tmp_path / "precious").write_text(key)
    (found,) = store.kept_keys()
    assert (found.session_id, found.place, found.file) == (opened.session.id, "file", str(file))
    assert store.kept_keys(opened.session.id) == [found]
    store.redact()
    assert file.read_text() == "use [redacted npm-token]"
    assert file.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "precious").read_text() == key
    assert store.kept_keys() == []


@on_a_file
def test_a_reader_of_what_was_there_before_is_told_of(store, talk, keys, path, monkeypatch):
    key = keys.of("npm-token")[0]
    talk.turn(f"use {key}", "ok")
    monkeypatch.setattr(upkeep, "WAIT_S", 0.3)
    with sqlite3.connect(path) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM message").fetchone()
        with pytest.raises(StoreError, match="another hfs still reads the database"):
            store.redact()
        reader.rollback()
    reader.close()
    assert store.kept_keys() == []
    store.vacuum()
    assert held(path.parent, key) == set()


@on_a_file
def test_a_backup_from_before_a_migration_is_told_of(store, talk, keys, path, capsys):
    talk.turn("q", "a")
    path.with_name("hfs.db.bak-v3").write_bytes(b"")
    store.redact()
    assert "hfs.db.bak-v3 is older than the change" in capsys.readouterr().err


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_one_that_is_killed_is_finished_by_the_next(hfs, keys, share):
    secrets = [keys.checked("ghp_") for _ in range(150)]
    with SessionStore(hfs.database) as store:
        talk = Talk(store)
        session = None
        for secret in secrets:
            session = talk.turn(f"use {secret}", "ok", session)
    began = time.monotonic()
    with hfs.start("sessions", "redact", env=UNMEASURED) as looking:
        assert looking.stdout.read().count(b"\n") > 150
    took = time.monotonic() - began
    with hfs.start("sessions", "redact", "--yes", env=UNMEASURED) as process:
        time.sleep(took * 2 * share)  # somewhere between its start and its end
        process.kill()
    assert hfs("sessions", "redact", "--yes").returncode == 0
    assert hfs.ok("sessions", "redact") == ""
    assert hfs.ok("db", "check") == ""
    for secret in secrets[::10]:
        assert held(hfs.data, secret) == set()


def test_where_there_is_no_database_none_is_made(path):
    with SessionStore(path) as store:
        assert store.kept_keys() == []
        assert store.redact() == []
    assert not path.exists()
