"""The HTML export in a real browser: nothing runs, nothing is fetched."""

import http.server
import re
import shutil
import subprocess
import threading

import pytest

from hfs_cli.exchange.html import html
from hfs_cli.messages import Attachment
from tests.conftest import clean_environment
from tests.exchange.test_readable import EVIL

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture
def listener():
    """A server that every remote resource is pointed at; it counts who comes."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium")
def test_nothing_runs_and_nothing_is_fetched(store, talk, tmp_path, listener):
    address, asked = listener
    for evil in (*EVIL, "![x](http://example.org/i.png)", "<script>document.title='ran'</script>"):
        text = evil.replace("https://", "http://").replace("example.org", address)
        files = (Attachment(text, "image/svg+xml", b"<svg/>"), Attachment(text, "image/png", b"x"))
        opened = talk.ask(text.replace("alert(1)", "document.title='ran'"), attachments=files)
        talk.answer(opened, text.replace("alert(1)", "document.title='ran'"), reasoning=text)
    page = tmp_path / "page.html"
    page.write_text("".join(html(store.conversations())))
    assert CHROMIUM
    browser = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu"]
    browser += [f"--user-data-dir={tmp_path}/profile", "--virtual-time-budget=2000", "--dump-dom"]
    done = subprocess.run(
        [*browser, page.as_uri()],
        env=clean_environment(tmp_path),  # what it keeps at home, it keeps here
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked == []
    assert done.stdout.count("<section") == 2 * (len(EVIL) + 2)
    title = re.search("<title>(.*?)</title>", done.stdout)
    assert title is not None
    assert title[1] != "ran"
    assert "<script" not in done.stdout
