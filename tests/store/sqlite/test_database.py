"""The file is made private, and refused untouched when it is not ours to use."""

import hashlib
import os
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread

import pytest

from hfs_cli.errors import StoreError
from hfs_cli.store.sqlite import connection
from hfs_cli.store.sqlite.database import Database
from hfs_cli.store.sqlite.file import APPLICATION_ID, SCHEMA_VERSION
from hfs_cli.store.store import SessionStore
from tests.exchange.test_native import exported, populate
from tests.redact.keys import Keys
from tests.store.sqlite.test_edited import use_everything
from tests.store.talking import Talk


@pytest.fixture
def filled(path, talk, store) -> Path:
    """A database with a few conversations, closed."""
    for number in range(30):
        talk.turn(f"question {number}", "answer " * 50)
    store.close()
    return path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def refusal(path: Path) -> str:
    """What both reading and writing say; the file must come out as it went in."""
    before = digest(path) if path.is_file() else None
    with SessionStore(path) as store, pytest.raises(StoreError) as reading:
        store.list_recent()
    with SessionStore(path) as store, pytest.raises(StoreError) as writing:
        store.touch(1)
    assert before is None or digest(path) == before
    assert reading.value.message == writing.value.message
    assert "\n" not in reading.value.message
    return reading.value.message


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_files_and_directories_are_private_whatever_the_umask(tmp_path, umask):
    path = tmp_path / "a" / "b" / "hfs.db"
    if umask == 0o777 and os.geteuid() != 0:
        pytest.skip("only root can work in directories without permissions")
    old = os.umask(umask)
    try:
        with SessionStore(path) as store:
            store.delete([1])
            modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "a").rglob("*")}
    finally:
        os.umask(old)
    assert modes.pop("b") == 0o700
    assert modes == dict.fromkeys(("hfs.db", "hfs.db-wal", "hfs.db-shm", "hfs.db.lock"), 0o600)


def test_others_who_can_read_are_told_of(filled, store):
    filled.chmod(0o644)
    filled.parent.chmod(0o755)
    assert store.check() == []
    assert store.exposed()[:2] == [
        f"{filled.parent} can be read by others: chmod 700 {filled.parent}",
        f"{filled} can be read by others: chmod 600 {filled}",
    ]


def test_an_empty_file_is_initialised(path):
    path.parent.mkdir()
    path.touch()
    with SessionStore(path) as store:
        assert store.list_recent() == []
        assert store.check() == []
    with sqlite3.connect(path) as raw:
        assert raw.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    raw.close()


def test_a_link_to_a_database_is_followed(filled, tmp_path):
    link = tmp_path / "link.db"
    link.symlink_to(filled)
    with SessionStore(link) as store:
        assert store.count() == 30


def test_a_link_to_nothing_is_refused_and_nothing_made(tmp_path):
    link = tmp_path / "hfs.db"
    link.symlink_to(tmp_path / "absent")
    assert "symbolic link to nothing" in refusal(link)
    assert not (tmp_path / "absent").exists()


def test_what_is_not_a_regular_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "directory").mkdir()
    for name in ("fifo", "directory"):
        assert "not a regular file" in refusal(tmp_path / name)
    assert "not a regular file" in refusal(Path("/dev/null"))


def test_a_directory_that_cannot_be_made_is_said_with_another_way(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "absent")
    for place in ("file", "dangling"):
        with (
            SessionStore(tmp_path / place / "hfs.db") as store,
            pytest.raises(StoreError, match="HFS_DATA_DIR"),
        ):
            store.touch(1)


def test_a_text_file_is_refused(path):
    path.parent.mkdir()
    path.write_text("dear diary\n" * 1000)
    assert "damaged (file is not a database)" in refusal(path)


def test_another_programs_database_is_refused(path):
    path.parent.mkdir()
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE secrets (x)")
    raw.close()
    assert "another program's database: choose another file, or set HFS_DATA_DIR" in refusal(path)
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA application_id = 42")
    raw.close()
    assert "another program's database" in refusal(path)


def test_a_newer_schema_is_refused(filled):
    with sqlite3.connect(filled) as raw:
        raw.execute("PRAGMA user_version = 999")
    raw.close()
    message = refusal(filled)
    assert f"newer hfs (schema 999, this one knows {SCHEMA_VERSION})" in message


def test_a_cut_file_is_refused_and_never_written(filled, tmp_path):
    whole = filled.read_bytes()
    for size in range(512, len(whole), 512):
        cut = tmp_path / f"cut-{size}" / "hfs.db"
        cut.parent.mkdir()
        cut.write_bytes(whole[:size])
        with SessionStore(cut) as store:
            try:
                found = store.check()
            except StoreError as error:
                found = [error.message]
        assert any("damaged" in p or "integrity" in p for p in found), size
        assert cut.read_bytes() == whole[:size], size
        shutil.rmtree(cut.parent)


@pytest.mark.parametrize("at", [0, 20, 100, 4096, 8192])
def test_a_file_with_foreign_bytes_in_it_never_brings_the_program_down(filled, at):
    with filled.open("r+b") as stream:
        stream.seek(at)
        stream.write(random.Random(at).randbytes(80))
    before = digest(filled)
    with SessionStore(filled) as store:
        try:
            problems = store.check()
        except StoreError as error:
            problems = [error.message]
    assert problems
    assert digest(filled) == before


def test_a_damaged_file_is_told_how_to_be_read(filled):
    size = filled.stat().st_size
    with filled.open("r+b") as stream:
        stream.seek(4096)
        stream.write(b"\xff" * (size - 4096))
    message = refusal(filled)
    assert "damaged (database disk image is malformed)" in message
    assert ".recover" in message


def test_a_database_copied_without_its_log_opens(path, talk, tmp_path):
    talk.turn("hi", "hello")
    copy = tmp_path / "copy.db"
    shutil.copy(path, copy)
    with SessionStore(copy) as store:
        assert store.count() in {0, 1}


# Root may write anywhere unless it gives that up.
UNPRIVILEGED = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"]


@pytest.fixture
def read_only(hfs):
    """A command that may not write to its data directory."""
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may write anywhere, and there is no setpriv")
        hfs.argv = (*UNPRIVILEGED, *hfs.argv)
    with SessionStore(hfs.database) as store:
        Talk(store).turn("a question", "a reply", name="kept")
    yield hfs
    hfs.data.chmod(0o700)


def test_what_cannot_be_written_is_read_as_it_stands(read_only):
    before = sorted(read_only.data.iterdir())
    for mode in (0o600, 0o400):
        read_only.database.chmod(mode)
        read_only.data.chmod(0o500)
        assert "kept" in read_only.ok("sessions", "list")
        assert "a reply" in read_only.ok("sessions", "show")
        assert "a question" in read_only.ok("sessions", "search", "question")
        assert "a reply" in read_only.ok("sessions", "export")
        read_only.ok("db", "check")
        assert sorted(read_only.data.iterdir()) == before
        done = read_only("rename", "another")
        assert (done.returncode, done.stdout) == (8, b"")
        assert b"make the file and its directory writable" in done.stderr
        read_only.data.chmod(0o700)


def test_a_log_that_cannot_be_read_is_not_passed_over(read_only):
    script = "import os, sqlite3, sys; db = sqlite3.connect(sys.argv[1]); "
    script += "db.execute('UPDATE session SET model = NULL'); db.commit(); os._exit(0)"
    subprocess.run([sys.executable, "-c", script, str(read_only.database)], check=True)
    Path(f"{read_only.database}-shm").unlink()
    read_only.data.chmod(0o500)
    done = read_only("sessions", "list")
    assert (done.returncode, done.stdout) == (8, b"")
    assert b"make its directory readable and writable" in done.stderr


def test_a_full_disk_is_said_and_nothing_is_broken(store, talk, path):
    session = talk.turn("hi", "hello")
    with store._engine.autocommitting() as db:
        pages = db.pragma("page_count")
        db.execute_sql(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(StoreError, match="disk is full"):
        talk.turn("more", "x" * 100_000, session)
    store.close()
    assert store.check() == []
    assert store.get(session.id).messages in {2, 3}


def test_an_import_onto_a_full_disk_says_so_and_leaves_nothing(store, talk):
    session = talk.turn("hi", "x" * 100_000)
    found = list(store.conversations())
    store.delete([session.id])
    store.vacuum()

    def on_a_full_disk():
        # Of the connection that an import has of its own.
        with store._engine.autocommitting() as db:
            db.execute_sql(f"PRAGMA max_page_count = {db.pragma('page_count') + 1}")
        yield from found

    assert store.put(found, dry_run=True, restore=True).sessions == 1
    with pytest.raises(StoreError, match="disk is full"):
        store.put(on_a_full_disk(), restore=True)
    store.close()
    assert store.count() == 0
    assert store.check() == []
    assert store.put(found, restore=True).sessions == 1


def test_threads_share_one_store(store, talk):
    opened = talk.ask("hi")
    go = Event()

    def write(number: int) -> None:
        go.wait()
        for _ in range(5):
            talk.answer(opened, f"{number}", status="partial")
            talk.turn(f"q{number}", "a")

    threads = [Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    go.set()
    for thread in threads:
        thread.join()
    assert store.count() == 41
    assert store.check() == []


def test_a_long_reader_does_not_let_the_log_grow_for_ever(store, talk, path):
    session = talk.turn("hi", "hello")
    with sqlite3.connect(path, isolation_level=None) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM session").fetchone()
        for _ in range(15):
            talk.turn("q", "x" * 400_000, session)
        grown = path.with_name("hfs.db-wal").stat().st_size
        reader.execute("COMMIT")
    reader.close()
    for _ in range(5):
        talk.turn("q", "x" * 100_000, session)
    assert grown > 5_000_000
    assert path.with_name("hfs.db-wal").stat().st_size <= 5_000_000


def test_reading_sees_one_moment(path, talk):
    session = talk.turn("hi", "hello")
    database = Database(path)
    with database.reading() as db:
        before = db.execute_sql("SELECT count(*) FROM message").fetchone()
        talk.turn("more", "words", session)
        assert db.execute_sql("SELECT count(*) FROM message").fetchone() == before
    database.close()


def test_a_reader_of_nothing_reads_on_when_another_makes_the_database(path, talk):
    nothing = Database(path)
    with nothing.reading() as db:
        talk.turn("meanwhile", "made")
        with nothing.reading() as within:
            assert within is db
            assert within.execute_sql("SELECT count(*) FROM session").fetchone() == (0,)
    with nothing.reading() as db:
        assert db.execute_sql("SELECT count(*) FROM session").fetchone() == (1,)
    nothing.close()


def test_whatever_is_long_is_bound_as_bytes_and_kept_as_text(path, tmp_path, monkeypatch):
    """In every statement: a "?" that stands for no value would be an error."""
    chance = random.Random(12)
    with SessionStore(tmp_path / "from" / "hfs.db") as giver:
        populate(giver, 10, chance, lambda: f"text {chance.random()}\0")
        talk = Talk(giver)
        session = talk.turn(f"use {Keys().checked('ghp_')}", "ok", name="key")
        giver.create_checkpoint(session.id, "here?")
        whole = exported(giver)
        monkeypatch.setattr(connection, "_LONG_TEXT", 0)
        with SessionStore(path) as store:
            store.put(giver.conversations())
            assert exported(store) == whole
            populate(store, 10, chance, lambda: f"text? {chance.random()}\0")
            assert len(store.redact()) == 1
            assert store.list_recent(query="k?", model="m/x") == []
            assert store.check() == []
    assert use_everything(path) == []
