"""A key is never shown and never kept, wherever a server puts it."""

from __future__ import annotations

import json

import pytest

from tests.conftest import KEY
from tests.scripted_server import openai_chunk, openai_sse, sse

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
TEXT = b"".join(openai_sse("so far", finish=None, usage=None, done=False))
SECRET = KEY.encode()
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

ECHOES = {
    "status line": HEAD.replace(b"HTTP/1.1 200", b"HTTP/x " + SECRET) + b"\r\n",
    "reason": HEAD.replace(b"200 OK", b"500 " + SECRET) + b"Content-Length: 0\r\n\r\n",
    "header name": HEAD + SECRET + b" : x\r\n\r\n",
    "header line": HEAD + SECRET + b"\r\n\r\n",
    "header value": HEAD + b"Content-Length: " + SECRET + b"\r\n\r\n",
    "transfer encoding": HEAD + b"Transfer-Encoding: " + SECRET + b"\r\n\r\n",
    "content encoding": HEAD + b"Content-Encoding: " + SECRET + b"\r\n\r\n" + TEXT,
    "content type": HEAD.replace(b"event-stream", b"html; x=" + SECRET) + b"\r\n" + SECRET,
    "redirect": b"HTTP/1.1 302 Found\r\nLocation: http://" + SECRET + b"/\r\n\r\n",
    "wild redirect": b"HTTP/1.1 302 Found\r\nLocation: http://[" + SECRET + b"\r\n\r\n",
    "chunk size": CHUNKED + SECRET + b"\r\n",
    "chunk size after text": CHUNKED + b"%x\r\n%s\r\n" % (len(TEXT), TEXT) + SECRET + b"\r\n",
    "retry": b"HTTP/1.1 429 x\r\nRetry-After: " + SECRET + b"\r\nContent-Length: 0\r\n\r\n",
}
EVENTS = {
    "finish reason": openai_sse("hello", finish=KEY),
    "long finish reason": openai_sse("hello", finish="x" * 90 + KEY),
    "finish reason before text": openai_sse("", finish=KEY),
    "tool name": sse(
        openai_chunk({"tool_calls": [{"function": {"name": KEY, "arguments": "{}"}}]}),
        openai_chunk(finish="tool_calls"),
    ),
    "error event": [TEXT, *sse({"error": {"message": f"key {KEY} is odd", "code": KEY}})],
    "malformed event": [TEXT, b"data: " + SECRET + b"\n\n"],
    "odd event": [TEXT, *sse({"choices": [{"delta": {"content": {KEY: 1}}}]})],
    "odd choice": [TEXT, *sse({"choices": [{"delta": KEY}]})],
}


def check(chat, done) -> None:
    """The key is in nothing that was shown or kept, not even its beginning."""
    assert done.returncode in {0, 3, 5, 6, 7}, done.stderr
    kept = b"".join(file.read_bytes() for file in chat.data.rglob("*") if file.is_file())
    assert SECRET[:14] not in done.stdout + done.stderr + kept


@pytest.mark.parametrize("raw", ECHOES.values(), ids=ECHOES)
def test_a_key_in_the_servers_protocol_is_not_shown(chat, server, raw):
    for debug in ("", "1"):
        server.raw(raw)
        check(chat, chat("chat", "hi", env={"HFS_DEBUG": debug}))
    assert len(server.requests) == 2


@pytest.mark.parametrize("steps", EVENTS.values(), ids=EVENTS)
def test_a_key_in_the_vendors_own_words_is_not_shown_and_not_kept(chat, server, steps):
    for debug in ("", "1"):
        server.reply(steps)
        check(chat, chat("chat", "--json", "hi", env={"HFS_DEBUG": debug}))


def test_a_key_that_looks_like_none_is_not_shown_by_the_causes_of_an_error(chat, server):
    key = KEY.replace("sk-", "").replace("-", "")
    chat.configure(chat.config.read_text().replace("TEST_KEY", "WORK"))
    for raw in ECHOES.values():
        server.raw(raw.replace(SECRET, key.encode()))
        done = chat("chat", "hi", env={"WORK": key, "HFS_DEBUG": "1"})
        assert key[:10].encode() not in done.stdout + done.stderr


def test_a_key_in_the_query_is_neither_previewed_nor_shown(chat, server):
    chat.configure(
        f'[providers.test]\ntype = "openai"\nbase_url = "{server.url}"\nmodel = "m"\n'
        f'query = {{ "key" = "{KEY}", "api-version" = "2024-10-21" }}\n'
    )
    shown = json.loads(chat.ok("chat", "-m", "test", "--dry-run", "hi"))
    assert shown["url"].endswith("/v1/chat/completions?key=[key]&api-version=2024-10-21")
    server.reply({"error": {"message": f"/v1?key={KEY} is odd"}}, status=400)
    done = chat("chat", "-m", "test", "hi")
    assert server.requests[0].target.endswith(f"key={KEY}&api-version=2024-10-21")
    check(chat, done)


@pytest.mark.parametrize(
    "proxy", ["http://user:hunter2hunter2@[", "odd://user:hunter2hunter2@x", "http://x:99999999"]
)
def test_a_proxy_that_cannot_be_used_is_a_fault_of_the_configuration(chat, proxy):
    chat.configure('[providers.far]\ntype = "openai"\nbase_url = "http://llm.example/v1"\n')
    for debug in ("", "1"):
        done = chat("chat", "-m", "far/m", "hi", env={"HTTP_PROXY": proxy, "HFS_DEBUG": debug})
        assert done.returncode == 3
        assert b"HTTP_PROXY" in done.stderr
        assert b"hunter2" not in done.stderr
    assert chat.ok("sessions", "list", "--all") == ""
