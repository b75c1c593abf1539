"""The archive: what is written, what is written again, what is refused, and its search."""

import json
import os
import re
import shlex
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from hfs_cli.errors import UsageError
from hfs_cli.exchange.archive.values import BLOCK, Numbers
from hfs_cli.exchange.archive.write import folded, write_archive
from hfs_cli.messages import Usage
from hfs_cli.prices import totals
from hfs_cli.store.store import SessionStore
from tests.conftest import clean_environment
from tests.exchange.test_readable import EVIL, Page
from tests.store.talking import Talk

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium")
HOSTILE = [*EVIL, "</script><script>document.title='ran'</script>", "a\u2028b\u2029c", "\\\"'`${1}"]


@pytest.fixture
def archive(store, tmp_path):
    """Write the store's archive; where it is, and what was done."""
    directory = tmp_path / "archive"

    def write(**how):
        numbers = Numbers(totals(store.tallies("day"), {}), totals(store.tallies("model"), {}))
        return directory, write_archive(directory, store.archived(), numbers, **how)

    return write


def moments(directory: Path) -> dict[str, int]:
    """When each file was written."""
    files = filter(Path.is_file, directory.rglob("*"))
    return {str(path.relative_to(directory)): path.stat().st_mtime_ns for path in files}


def changed(directory: Path, before: dict[str, int]) -> set[str]:
    now = moments(directory)
    return {name for name in now.keys() | before.keys() if now.get(name) != before.get(name)}


def test_an_archive_has_an_index_and_a_page_for_each_session(talk, archive):
    first = talk.turn("What is a WAL?", "A **log**.", name="wal")
    talk.turn("And a socket?", "An end.", name="socket", model="local/smollm2")
    directory, done = archive()
    assert (done.sessions, done.messages, done.pages, done.removed) == (2, 4, 2, 0)
    index = (directory / "index.html").read_text()
    for shown in (
        "2 sessions",
        "4 messages",
        ">wal</a>",
        "local/smollm2",
        "<svg",
        "What is a WAL?",
    ):
        assert shown in index
    page = (directory / f"sessions/0000/{first.id}.html").read_text()
    assert "<strong>log</strong>" in page
    assert f"hfs resume {first.id}" in page
    links = [value for name, value in Page(index).attributes if name == "href"]
    assert {link for link in links if link.endswith(".html")} == {
        f"sessions/0000/{number}.html" for number in (1, 2)
    }


def test_it_is_readable_by_its_owner_alone(talk, archive):
    talk.turn("hi", "hello")
    before = os.umask(0)
    try:
        directory, _ = archive()
    finally:
        os.umask(before)
    for path in [directory, *directory.rglob("*")]:
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_nothing_is_written_again_where_nothing_has_changed(talk, archive):
    talk.turn("hi", "hello", name="a")
    directory, _ = archive()
    before = moments(directory)
    _, done = archive()
    assert (done.sessions, done.pages) == (1, 0)
    assert changed(directory, before) == set()


CHANGES = {
    "a turn": lambda store, talk, s: talk.turn("more", "and more", s),
    "a name": lambda store, talk, s: store.rename(s.id, "another"),
    "a checkpoint": lambda store, talk, s: store.create_checkpoint(s.id, "here"),
    "a fork": lambda store, talk, s: store.fork(s.id, name="fork"),
    "an undo": lambda store, talk, s: store.undo(s.id),
    "a partial reply": lambda store, talk, s: talk.answer(
        talk.ask("go on", s), "It beg", status="partial", error="cut"
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_has_changed_is_written_again_and_nothing_else(store, talk, archive, change):
    session = talk.turn("hi", "hello", name="changes")
    other = talk.turn("ho", "hullo", name="stays")
    directory, _ = archive()
    before = moments(directory)
    CHANGES[change](store, talk, session)
    archive()
    again = changed(directory, before)
    assert f"sessions/0000/{session.id}.html" in again
    assert f"sessions/0000/{other.id}.html" not in again
    assert not {"page.css", "archive.js", "hfs-archive.json"} & again


def test_the_page_of_a_fork_follows_what_it_shares(store, talk, archive):
    parent = talk.turn("hi", "hello", name="parent")
    fork = store.fork(parent.id, name="fork")
    directory, _ = archive()
    before = moments(directory)
    store.rename(parent.id, "renamed")
    archive()
    page = f"sessions/0000/{fork.id}.html"
    assert page in changed(directory, before)
    assert ">renamed</a>, after message 2" in (directory / page).read_text()


def test_a_deleted_session_goes_and_so_does_a_block_of_which_nothing_is_left(store, talk, archive):
    kept = talk.turn("hi", "unmistakable", name="kept")
    gone = talk.turn("ho", "vanishing", name="gone")
    directory, _ = archive()
    store.delete([gone.id])
    _, done = archive()
    assert (done.sessions, done.pages, done.removed) == (1, 0, 1)
    assert [p.name for p in (directory / "sessions/0000").iterdir()] == [f"{kept.id}.html"]
    everything = "".join(p.read_text() for p in directory.rglob("*") if p.is_file())
    assert "unmistakable" in everything
    assert "vanishing" not in everything
    store.delete([kept.id])
    _, done = archive()
    assert (done.sessions, done.removed) == (0, 1)
    assert not [p for p in directory.rglob("*") if p.is_file() and p.parent != directory]
    assert "There are no sessions yet" in (directory / "index.html").read_text()


@pytest.mark.parametrize("left", [1, 0])
def test_a_deleted_session_goes_from_an_archive_of_an_earlier_hfs_too(store, talk, archive, left):
    kept = talk.turn("hi", "unmistakable", name="kept")
    gone = talk.turn("ho", "vanishing", name="gone")
    directory, _ = archive()
    index = directory / "index/0000.js"
    begin, shape, end = index.read_text().split("\n", 2)
    block = json.loads(shape)
    # It did not write down when a session was last used, but for the minute.
    block["sessions"] = [[*values[:5], *values[6:]] for values in block["sessions"]]
    index.write_text(f"{begin}\n{json.dumps(block)}\n{end}")
    (directory / "sessions/0000/mine.html").write_text("my own")
    store.delete([gone.id] if left else [gone.id, kept.id])
    _, done = archive()
    assert (done.sessions, done.pages, done.removed) == (left, left, 2 - left)
    pages = {f"{kept.id}.html", "mine.html"} if left else {"mine.html"}
    assert {page.name for page in (directory / "sessions/0000").iterdir()} == pages
    assert "vanishing" not in "".join(p.read_text() for p in directory.rglob("*") if p.is_file())
    assert not changed(archive()[0], moments(directory))


def test_a_page_that_was_cut_or_taken_away_is_made_again(talk, archive):
    first, second = talk.turn("hi", "one"), talk.turn("ho", "two")
    directory, _ = archive()
    pages = [directory / f"sessions/0000/{session.id}.html" for session in (first, second)]
    whole = [page.read_bytes() for page in pages]
    pages[0].unlink()
    pages[1].write_bytes(b"")
    (directory / "words/0000-0.js").unlink()
    assert archive()[1].pages == 2
    assert [page.read_bytes() for page in pages] == whole
    assert (directory / "words/0000-0.js").exists()


@pytest.mark.parametrize("damage", ["", "null", "hfs.sessions(0,\n{\n);\n", "[" * 100_000, "\xff"])
def test_what_it_says_of_itself_may_be_damaged(talk, archive, damage):
    talk.turn("hi", "hello")
    directory, _ = archive()
    whole = (directory / "index/0000.js").read_bytes()
    (directory / "index/0000.js").write_text(damage)
    assert archive()[1].pages == 1
    assert (directory / "index/0000.js").read_bytes() == whole


def test_what_a_killed_run_has_left_is_taken_away(talk, archive):
    talk.turn("hi", "hello")
    directory, _ = archive()
    rest = directory / "sessions/0000/.hfs-0123456789abcdef.part"
    rest.write_text("half")
    mine = directory / "sessions/0000/notes.txt"
    mine.write_text("mine")
    archive()
    assert not rest.exists()
    assert mine.exists()


def test_a_directory_that_holds_something_else_is_refused(talk, archive, tmp_path):
    talk.turn("hi", "hello")
    directory = tmp_path / "archive"
    directory.mkdir()
    (directory / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds something other than an archive"):
        archive()
    assert [p.name for p in directory.iterdir()] == ["thesis.txt"]
    (directory / "hfs-archive.json").write_text('{"format": "hfs-archive", "version": 99}')
    with pytest.raises(UsageError, match="newer hfs"):
        archive()
    shutil.rmtree(directory)
    directory.write_text("a file")
    with pytest.raises(UsageError, match="is a file"):
        archive()


def test_branches_stand_where_they_parted(store, talk, archive):
    session = talk.turn("one", "first", name="family")
    talk.turn("two", "old second", session)
    store.create_checkpoint(session.id, "draft")
    store.rewind(session.id, "2")
    talk.turn("two again", "new second", store.get(session.id))
    fork = store.fork(session.id, at=2, name="es")
    talk.turn("dos", "segundo", fork)
    directory, _ = archive()
    page = (directory / f"sessions/0000/{session.id}.html").read_text()
    assert f'<a href="../../sessions/0000/{fork.id}.html">es</a>' in page
    (tail,) = (b.session for b in store.family(session.id) if not b.listed)
    assert f'<a href="#b{tail.id}">family (rewound)</a>, set aside by rewind' in page
    assert page.index("old second") > page.index("new second")
    assert f'id="b{tail.id}-m4"' in page
    assert page.index('id="m2"') < page.index(f"#b{tail.id}") < page.index('id="m3"')
    assert not (directory / f"sessions/0000/{tail.id}.html").exists()


def test_nothing_that_was_said_is_markup_or_program(talk, archive):
    for number, evil in enumerate(HOSTILE):
        name = f"{number} {evil}"[:200].replace("\u2028", " ").replace("\u2029", " ")
        opened = talk.ask(evil, name=name.replace("\n", " "), model=f"openai/{evil.split()[0]}")
        talk.answer(opened, evil, usage=Usage(1, 1), model=f"openai/{evil.split()[0]}")
    directory, _ = archive()
    for path in directory.rglob("*.js"):
        if path.name == "archive.js":
            continue
        text = path.read_text("ascii")
        assert "<" not in text
        call = re.fullmatch(
            r"hfs\.(?:sessions|words|blocks)\((?:\d+,\s)?(?:\d+,\s)?(.*)\);\n", text, re.DOTALL
        )
        assert call, text[:80]
        json.loads(call[1])
    for path in directory.rglob("*.html"):
        page = Page(path.read_text())
        assert page.tags.count("script") == (2 if path.name == "index.html" else 0)
        assert not {"iframe", "style", "object", "embed", "base", "form"} & set(page.tags)
        for name, value in page.attributes:
            assert not name.startswith("on")
            assert name != "src" or value in {"archive.js", "blocks.js"}


class Browser:
    """An archive's first page in a real browser; what it shows for what stands after #."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def asked(self, directory: Path, question: str) -> str:
        assert CHROMIUM
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
        command += [f"--user-data-dir={self._home}/profile", "--virtual-time-budget=10000"]
        done = subprocess.run(
            [*command, f"{(directory / 'index.html').as_uri()}#{question}"],
            env=clean_environment(self._home),
            capture_output=True,
            text=True,
            check=True,
        )
        assert 'data-done="true"' in done.stdout, done.stdout[-2000:]
        return done.stdout

    def found(self, directory: Path, question: str) -> list[str]:
        hits = self.asked(directory, question).partition('id="hits"')[2].partition("</ul>")[0]
        return re.findall(r"<li><a [^>]*>(.*?)</a>", hits)


@needs_chromium
def test_the_search_finds_over_files_alone(talk, archive, tmp_path):
    talk.turn("Über den Fluß, café", "Wide rivers.", name="de")
    talk.turn("my constructor", "hasOwnProperty and 日本語", name="js", model="local/smollm2")
    talk.turn("quantum quarrel", "physics", name="qu")
    directory, _ = archive()
    browser = Browser(tmp_path)
    assert browser.found(directory, "q=uber+CAFÉ") == ["de"]
    assert browser.found(directory, "q=constructor+hasownproperty") == ["js"]
    assert browser.found(directory, "q=quarr") == ["qu"]  # the last word need only begin one
    assert browser.found(directory, "q=quarr+physics") == []
    assert browser.found(directory, "q=%E6%9C%AC") == ["js"]
    assert browser.found(directory, "model=local%2Fsmollm2") == ["js"]
    assert set(browser.found(directory, "day=2")) == {"de", "js", "qu"}
    assert browser.found(directory, "q=toString") == []


@needs_chromium
def test_the_search_runs_nothing_that_was_said(talk, archive, tmp_path):
    for number, evil in enumerate(HOSTILE):
        said = f"needle {evil.replace('alert(1)', 'document.title=1')}"
        talk.turn(said, said, name=f"{number} </script><img src=x onerror=document.title=1>")
    directory, _ = archive()
    page = Browser(tmp_path).asked(directory, "q=needle")
    assert "<title>Sessions</title>" in page
    hits = page.partition('id="hits"')[2].partition("</ul>")[0]
    assert hits.count("<li>") == len(HOSTILE)
    assert not set(re.findall(r"<(\w+)", hits)) - {"li", "a", "p"}


def test_a_word_is_compared_as_the_search_of_hfs_does():
    assert folded("ÜBER Café Straße İstanbul") == "uber cafe straße istanbul"
    assert folded("한국 がぎ") == "한국 かき"


def test_sessions_beyond_a_block_are_in_the_next(store, talk, archive):
    talk.turn("hi", "early")
    store.delete([1])
    # Numbers are not given again: a session far on stands for the many before it.
    with store._engine.writing() as db:
        db.execute_sql("UPDATE sqlite_sequence SET seq = ? WHERE name = 'session'", (3 * BLOCK,))
    late = talk.turn("ho", "late", name="late")
    directory, done = archive()
    assert done.sessions == 1
    assert (directory / f"sessions/0003/{late.id}.html").exists()
    assert (directory / "blocks.js").read_text().startswith("hfs.blocks([[3,1,")


def test_the_command_makes_an_archive_and_says_what_it_wrote(hfs, tmp_path):
    with SessionStore(hfs.database) as store:
        Talk(store).turn("hi", "hello", name="one")
    command = ("sessions", "export", "--all", "--format", "html", "-O")
    assert hfs.ok(*command, str(tmp_path / "out")) == ""
    assert (tmp_path / "out/sessions/0000/1.html").exists()
    hfs.ok(*command, str(tmp_path / "all.html"))
    assert (tmp_path / "all.html").is_file()
    done = hfs(*command, str(hfs.data))
    assert done.returncode == 2
    assert b"holds something other than an archive" in done.stderr
    done = hfs(*command, str(tmp_path / "all.html/x"))
    assert done.returncode == 2
    assert done.stderr.startswith(b"hfs: error: ")


def test_small_costs_are_not_0_on_the_first_page(hfs, tmp_path):
    hfs.configure('[models."openai/gpt"]\ninput_price = 0.075\noutput_price = 0.3\n')
    with SessionStore(hfs.database) as store:
        talk = Talk(store)
        talk.answer(talk.ask("hi", name="cheap"), "hello", usage=Usage(200, 20))
    hfs.ok("sessions", "export", "--all", "--format", "html", "-O", str(tmp_path / "out"))
    index = (tmp_path / "out/index.html").read_text()
    assert "cost 0.000021</p>" in index
    assert ": 0.000021</title>" in index
    assert "<td>0.000021</td>" in index
    assert "0.00<" not in index


def test_the_first_page_adds_up_days_months_and_costs(hfs, tmp_path):
    hfs.configure('[models."openai/gpt"]\ninput_price = 1e6\noutput_price = 2e6\n')
    with SessionStore(hfs.database) as store:
        talk = Talk(store)
        for number in range(51):  # one more than the newest that are listed
            talk.turn("hi", "hello", name=f"one {number}")
        opened = talk.ask("hi", name="priced")
        talk.answer(opened, "hello", usage=Usage(3, 2))
        old = talk.answer(talk.ask("hi", name="old"), "hello", usage=Usage(4, 0))
        nameless = talk.answer(talk.ask("hi", name="of no model"), "hello")
    day = 24 * 3600 * 1_000_000
    with closing(sqlite3.connect(hfs.database)) as db, db:
        # More days back than are drawn.
        change = "UPDATE message SET created_at = created_at - ? WHERE id = ?"
        db.execute(change, (100 * day, old))
        db.execute("UPDATE message SET model = NULL WHERE id = ?", (nameless,))
    hfs.ok("sessions", "export", "--all", "--format", "html", "-O", str(tmp_path / "out"))
    index = (tmp_path / "out/index.html").read_text()
    assert "54 sessions · 108 messages · " in index
    assert "cost 11.00" in index
    assert ">All 54 sessions</a>" in index
    (by_day, by_month) = index.split("<h2>By month</h2>")
    days = by_day[by_day.index("<h2>By day</h2>") :]
    assert days.count("<title>") == 2 * 84  # turns and costs
    assert days.count(": 0 turns</title>") == 83
    assert ": 53 turns</title>" in days
    assert ": 7.00</title>" in days
    months = by_month[: by_month.index("<h2>By model</h2>")]
    counted = re.findall(r"<title>(\d{4}-\d\d): ([\d.]+)( turns)?</title>", months)
    assert [(value, turns) for _, value, turns in counted] == [
        *(("1", " turns"), ("53", " turns"), ("4.00", ""), ("7.00", "")),
    ]
    assert "<tr><td>–</td><td>1</td>" in index


def test_an_archive_of_nothing_says_so(archive):
    directory, done = archive()
    assert (done.sessions, done.pages) == (0, 0)
    index = (directory / "index.html").read_text()
    assert "There are no sessions yet." in index
    assert "<svg" not in index


@pytest.mark.skipif(sys.platform == "win32", reason="the limit is one of POSIX shells")
def test_a_disk_that_takes_no_more_is_said_and_leaves_no_half_file(hfs, tmp_path):
    with SessionStore(hfs.database) as store:
        Talk(store).turn("hi", "long " * 100_000, name="one")
    command = ["sessions", "export", "--all", "--format", "html", "-O", str(tmp_path / "out")]
    # Python ignores the signal, so that a write beyond the limit is an error, as on a full disk.
    limited = f"ulimit -f 60; exec {shlex.join([*hfs.argv, *command])}"
    done = subprocess.run(
        ["bash", "-c", limited], env=hfs.environment({}), capture_output=True, check=False
    )
    assert done.returncode == 8
    assert done.stderr.startswith(b"hfs: error: cannot write ")
    assert b"File too large" in done.stderr
    assert not list((tmp_path / "out").rglob("*.part"))
    assert not list((tmp_path / "out").rglob("1.html"))
    hfs.ok(*command)
    assert list((tmp_path / "out").rglob("1.html"))
