"""-f URL: the text behind an address, within limits; media are left to the provider."""

from __future__ import annotations

import gzip

import pytest

from hfs_cli.compose.input import MAX_INPUT_BYTES
from tests.scripted_server import CUT, Pause, ScriptedServer, openai_sse

PAGE = """<!DOCTYPE html><html><head><title>T</title><script>evil()</script></head><body>
<nav><a href="/">Home</a></nav><article><h1>Write-ahead log</h1><p>A log that is written
before the data file, so that nothing is lost when the power fails in the middle of it.</p>
<p>Grüße, said the log.</p></article></body></html>"""


@pytest.fixture
def site():
    with ScriptedServer() as other:
        yield other


@pytest.fixture
def ask(chat, server, site):
    """Ask about an address of the site; what was sent to the model."""
    server.always(openai_sse("ok"))

    def run(path: str, *args: str):
        url = path if "://" in path else site.origin + path
        done = chat("chat", "-f", url, *args, "what is this")
        sent = server.requests[-1].json["messages"][0]["content"] if server.requests else None
        return done, sent

    return run


def test_text_is_fetched_and_joins_the_prompt(ask, site):
    site.reply("x = 1\n", headers={"Content-Type": "text/plain"})
    done, sent = ask("/a/b.py?token=s3cret")
    assert (done.returncode, done.stderr) == (0, b"")
    assert sent == f"what is this\n\n## {site.origin}/a/b.py\n\nx = 1"
    (request,) = site.requests
    assert request.target == "/a/b.py?token=s3cret"
    assert request.header("authorization") is None
    assert request.header("cookie") is None


def test_a_web_page_becomes_its_text(ask, site):
    body = gzip.compress(PAGE.encode("latin-1"))
    site.reply(
        body,
        headers={"Content-Type": "text/html; charset=ISO-8859-1", "Content-Encoding": "gzip"},
    )
    done, sent = ask("/page")
    assert (done.returncode, done.stderr) == (0, b"")
    assert "# Write-ahead log" in sent
    assert "Grüße, said the log." in sent
    assert "evil" not in sent
    assert "<" not in sent


def test_media_by_name_are_left_to_the_provider_and_by_their_bytes_attached(ask, site):
    _, sent = ask("/picture.png")
    assert sent[1] == {"type": "image_url", "image_url": {"url": f"{site.origin}/picture.png"}}
    assert site.requests == []
    site.reply(b"\x89PNG\r\n\x1a\n" + bytes(9), headers={"Content-Type": "text/plain"})
    _, sent = ask("/download?id=3")
    assert sent[1]["image_url"]["url"].startswith("data:image/png;base64,")


def test_redirects_are_followed_on_the_same_host_alone(ask, site, server):
    site.reply(status=301, headers={"Location": "/there"}).reply("found")
    done, sent = ask("/here")
    assert (done.returncode, sent.endswith("found")) == (0, True)
    before = len(server.requests)
    site.reply(status=302, headers={"Location": f"http://localhost:{site.port}/x?k=s3cret"})
    done, _ = ask("/here")
    assert done.returncode == 2
    assert f"leads to another host: if you mean that one, give http://localhost:{site.port}/x" in (
        done.stderr.decode()
    )
    assert b"s3cret" not in done.stderr
    assert len(server.requests) == before
    for _ in range(6):
        site.reply(status=302, headers={"Location": "/here"})
    done, _ = ask("/here")
    assert (done.returncode, b"again and again" in done.stderr) == (2, True)


def test_an_encoding_that_nobody_knows_is_taken_for_utf_8(ask, site):
    site.reply("Grüße".encode(), headers={"Content-Type": "text/plain; charset=klingon"})
    assert ask("/x")[1] == f"what is this\n\n## {site.origin}/x\n\nGrüße"


@pytest.mark.parametrize(
    ("status", "told", "code"),
    [
        (404, "is not there (404)", 2),
        (403, "is not open to everyone (403)", 2),
        (418, "answered 418", 2),
        (503, "answered 503: try again later", 6),
    ],
)
def test_what_a_server_refuses_is_told(ask, site, server, status, told, code):
    site.reply("no", status=status)
    done, _ = ask("/x?key=s3cret")
    assert done.returncode == code
    assert told in done.stderr.decode()
    assert b"s3cret" not in done.stderr
    assert done.stderr.count(b"\n") == 1
    assert server.requests == []


@pytest.mark.parametrize(
    ("body", "headers", "told", "code"),
    [
        (b"", {}, "holds no text", 2),
        (b"\0\xff\xfe\x01", {}, "neither text nor an image", 2),
        (b"gr\xfc\xdfe", {}, "--encoding latin-1", 2),
        ([b"half", CUT], {}, "broke off", 6),
        (b"x", {"Content-Encoding": "br"}, "not asked for", 6),
    ],
)
def test_what_cannot_be_sent_is_told(ask, site, server, body, headers, told, code):
    site.reply(body, headers={"Content-Type": "text/plain", **headers})
    done, _ = ask("/x")
    assert done.returncode == code, done.stderr
    assert told in done.stderr.decode()
    assert server.requests == []


def test_what_is_too_large_is_given_up_whatever_the_server_says_of_it(ask, site):
    piece = bytes(1 << 20).replace(b"\0", b"x")
    site.reply([piece] * (MAX_INPUT_BYTES // len(piece) + 2), headers={"Content-Type": "text/x"})
    done, _ = ask("/x")
    assert (done.returncode, b"is over 40 MB" in done.stderr) == (2, True)
    site.reply(gzip.compress(bytes(10_000_000) * 5), headers={"Content-Encoding": "gzip"})
    done, _ = ask("/x")
    assert done.returncode in {2, 6}
    assert b"hfs: error" in done.stderr


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://me:pw@host.example/", "no password"),
        ("http://", "not an http:// or https:// address"),
        ("http://a b/", "not an http"),
        ("http://\u2603.example/?key=pw", "http://\u2603.example/ is not an address"),
        ("http://xn--a/", "http://xn--a/ is not an address"),
    ],
)
def test_what_is_not_an_address_is_told(ask, url, told):
    done, _ = ask(url)
    assert (done.returncode, told in done.stderr.decode()) == (2, True)
    assert b"pw" not in done.stderr


def test_a_host_that_does_not_answer_is_a_network_error(ask, free_port):
    done, _ = ask(f"http://127.0.0.1:{free_port}/x")
    assert done.returncode == 6
    assert b"cannot be reached: connection refused" in done.stderr


def test_a_page_without_the_extra_names_it(ask, site, chat, tmp_path):
    (tmp_path / "trafilatura.py").write_text("raise ImportError")
    chat.env["PYTHONPATH"] = str(tmp_path)
    site.reply([PAGE.encode(), Pause(0)], headers={"Content-Type": "text/html"})
    done, _ = ask("/page")
    assert done.returncode == 3
    assert b"pip install 'hfs-cli[html]" in done.stderr
