"""The archive and the page in a browser, on a telephone and a desk, by day and by night."""

from __future__ import annotations

import json
import shutil

import pytest

from hfs_cli.exchange.archive.values import Numbers
from hfs_cli.exchange.archive.write import write_archive
from hfs_cli.exchange.html import html
from hfs_cli.messages import Attachment, Call, Citation
from hfs_cli.prices import totals
from hfs_cli.store.store import SessionStore
from tests.exchange.chromium import Chromium
from tests.store.talking import Talk

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium")
LOOKS = [(width, dark) for width in (400, 1200) for dark in (False, True)]
LONG = "Donaudampfschifffahrt" * 12
REPLY = f"""# A log

- [x] done
- [ ] {LONG}

| Engine | Readers block writers | {"a long heading " * 3} | Size |
|---|---:|---|---|
| SQLite | no | a checkpoint copies it back, some day or other | `{"4 MB " * 6}` |

```python
def append(record: bytes, *, durable: bool = True) -> int:  # {"and so on " * 20}
    return 1
```

> {LONG} https://example.org/{"a" * 200} `{"b" * 200}`
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    assert CHROMIUM
    with Chromium(CHROMIUM, tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """An archive of twenty sessions, one with all there is, and that one as a page of its own."""
    home = tmp_path_factory.mktemp("pages")
    with SessionStore(home / "hfs.db") as store:
        talk = Talk(store)
        for number in range(18):
            talk.turn(f"How do I rebase branch {number}?", "With care.", name=f"rebase {number}")
        files = (Attachment("notes.pdf", "application/pdf", b"%PDF"),)
        opened = talk.ask(
            f"Why does it grow? {LONG}", attachments=files, name="the log", system="x"
        )
        calls = (
            Call("1", "files__read", json.dumps({"path": "z" * 200}), f"one\n{'y' * 300}"),
            Call("2", "look", "{}", "no such thing", failed=True),
        )
        talk.answer(opened, "I look.", tool_calls=calls, reasoning="Why?")
        cited = (Citation(f"https://example.org/{'c' * 150}"),)
        talk.answer(opened, REPLY, step=1, citations=cited)
        talk.turn("Naïve, is it?", "No.", opened.session)
        fork = store.fork(opened.session.id, at=3, name="the log, in French")
        talk.turn("Et après ?", "Rien.", fork)
        talk.turn("Once more?", "Aside.", opened.session)
        store.undo(opened.session.id)
        numbers = Numbers(totals(store.tallies("day"), {}), totals(store.tallies("model"), {}))
        write_archive(home / "archive", store.archived(), numbers)
        (home / "one.html").write_text("".join(html(store.conversations([opened.session.id]))))
    return home


def fits(browser: Chromium) -> None:
    """Nothing is wider than the window but what scrolls by itself."""
    wide = browser.ask(
        "[...document.querySelectorAll('body *')].filter(e => !e.closest('pre, .wide, svg')"
        " && e.getBoundingClientRect().right > innerWidth + 0.5).map(e => e.outerHTML.slice(0, 80))"
    )
    assert wide == []
    assert browser.ask("document.documentElement.scrollWidth <= innerWidth")


def is_dark(browser: Chromium) -> bool:
    paper = browser.ask("getComputedStyle(document.body).backgroundColor")
    red = int(paper.removeprefix("rgb(").partition(",")[0])
    ink = browser.ask("getComputedStyle(document.body).color")
    assert abs(int(ink.removeprefix("rgb(").partition(",")[0]) - red) > 150
    return red < 128


HITS = "[...document.querySelectorAll('#hits a')].map(a => a.textContent)"


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_what_is_typed_is_found(browser, pages, width, dark):
    browser.open((pages / "archive/index.html").as_uri(), width=width, dark=dark)
    assert is_dark(browser) is dark
    fits(browser)
    browser.click("#words")
    browser.press("NAIVE lo")  # accents and case do not matter, the last word need only be begun
    browser.wait_for(f"{HITS}.length === 1 && {HITS}[0] === 'the log'")
    assert browser.ask("getComputedStyle(document.getElementById('overview')).display") == "none"
    fits(browser)
    for _ in "NAIVE lo":
        browser.press("Backspace")
    browser.wait_for("document.getElementById('found').hidden")
    browser.press("rebase")
    browser.wait_for(f"{HITS}.length === 18")
    browser.press(" zzz")
    browser.wait_for(f"!document.getElementById('found').hidden && {HITS}.length === 0")
    for _ in " zzz":
        browser.press("Backspace")
    browser.wait_for(f"{HITS}.length === 18")
    browser.follow("#hits a")
    assert "/sessions/" in browser.ask("location.pathname")
    assert browser.ask("document.title").startswith("rebase")


@pytest.mark.parametrize(("width", "dark"), LOOKS)
@pytest.mark.parametrize("file", ["archive/sessions/0000/19.html", "one.html"])
def test_a_page_fits_its_window(browser, pages, file, width, dark):
    browser.open((pages / file).as_uri(), width=width, dark=dark)
    assert is_dark(browser) is dark
    browser.ask("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    fits(browser)
    # A table is as wide as what it says, up to what a desk has room for: there it need not scroll.
    scrolls = browser.ask("(w => w.scrollWidth > w.clientWidth)(document.querySelector('.wide'))")
    assert scrolls is (width == 400)
    assert browser.ask("document.querySelector('li.task').textContent.trim()[0]") == "☑"
    if file != "one.html":
        # The sign of a branch is drawn, for few fonts have one.
        assert browser.ask("document.querySelectorAll('svg.sign').length") == 3
        assert browser.ask("document.querySelector('svg.sign').getBoundingClientRect().width") > 8
