"""Refusals, retries and the network."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import trustme

from hfs_cli.errors import (
    ConfigError,
    CredentialsError,
    NetworkError,
    NotFoundError,
    ProviderError,
    TooLongError,
)
from hfs_cli.providers.http.send import RetryPolicy
from tests.providers.asking import CANARY, WIRES, ask, provider_at, quick
from tests.scripted_server import CUT, STALL, Pause, Received, ScriptedServer, openai_sse

OK = openai_sse("hello")


def refuse(server, status, message="no", headers=None, times=1):
    for _ in range(times):
        server.reply({"error": {"message": message}}, status=status, headers=headers)


# --- refusals -----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 402, 404, 413, 418, 422])
def test_a_refusal_is_not_retried(server, status):
    refuse(server, status, "your prompt is odd")
    answer = ask(server.url)
    assert isinstance(answer.error, ProviderError)
    assert f"({status}): your prompt is odd" in answer.message
    assert answer.message.startswith("vendor (m) ")
    assert len(server.requests) == 1


def test_a_prompt_that_is_too_long_is_not_sent_again_whatever_the_status(server):
    refuse(server, 500, "the request exceeds the available context size")
    answer = ask(server.url)
    assert isinstance(answer.error, TooLongError)
    assert (answer.told, len(server.requests)) == ([], 1)


def test_a_404_that_names_the_model_is_not_found(server):
    refuse(server, 404, "model m does not exist")
    answer = ask(server.url)
    assert isinstance(answer.error, NotFoundError)
    assert "hfs models list vendor" in answer.message


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_names_where_to_set_it(server, status):
    refuse(server, status, f"bad key {CANARY}")
    answer = ask(server.url)
    assert isinstance(answer.error, CredentialsError)
    assert answer.exit_code == 3
    assert "VENDOR_API_KEY" in answer.message
    assert "hfs keys set vendor" in answer.message
    assert CANARY not in answer.message
    assert len(server.requests) == 1


# --- retries ------------------------------------------------------------------------------


def test_retry_after_is_waited_for(server):
    refuse(server, 429, headers={"Retry-After": "1"})
    server.reply(OK)
    answer = ask(server.url)
    assert answer.exit_code == 0
    first, second = (request.at for request in server.requests)
    assert second - first >= 1
    assert "trying again in 1.0 s" in answer.told[0]


def test_retries_end(server):
    refuse(server, 429, "slow down", headers={"retry-after-ms": "10"}, times=3)
    answer = ask(server.url)
    assert answer.exit_code == 5
    assert len(server.requests) == 3
    assert "for your quota" in answer.message
    assert "https://vendor.example/limits" in answer.message


@pytest.mark.parametrize("asked", ["3600", "121", "a date"])
def test_a_retry_after_beyond_the_limit_is_not_waited_for(server, asked):
    if asked == "a date":
        asked = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    refuse(server, 429, headers={"Retry-After": asked})
    answer = ask(server.url)
    assert answer.exit_code == 5
    assert "it asks to wait" in answer.message
    assert len(server.requests) == 1


@pytest.mark.parametrize("asked", ["-1", "NaN", "inf", "soon", "", "Tue, 99 Foo 2026", "1e999"])
def test_a_retry_after_that_cannot_be_read_means_our_own_wait(server, asked):
    refuse(server, 429, headers={"Retry-After": asked})
    server.reply(OK)
    assert ask(server.url).exit_code == 0
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
def test_two_failures_and_then_a_reply_is_a_reply(server, status):
    refuse(server, status, times=2)
    server.reply(OK)
    answer = ask(server.url, limits=quick(retry=RetryPolicy(2, first=0.05)))
    assert (answer.text, answer.exit_code) == ("hello", 0)
    one, two, three = (request.at for request in server.requests)
    assert two - one >= 0.05 * 0.75
    assert three - two >= 0.1 * 0.75


def test_no_retries_when_none_are_wanted(server):
    refuse(server, 503)
    assert ask(server.url, limits=quick(retries=0)).exit_code == 5
    assert len(server.requests) == 1


def test_the_total_limit_ends_the_retries(server):
    refuse(server, 429, headers={"Retry-After": "30"})
    answer = ask(server.url, limits=quick(total=20))
    assert answer.exit_code == 5
    assert len(server.requests) == 1


# --- error bodies -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html><title>502 Bad\n Gateway</title><body>x", "502 Bad Gateway"),
        (b"<p>no <b>title</b></p><script>alert(1)</script>", "no title"),
        (b"", "failed (500)"),
        (b"\xff\xfe broken", "broken"),
        (b"red \x1b[31m \x9b2J \xc2\x9b title \x1b]0;x\x07", "\\x1b[31m"),
        (b"x" * 10_000_000, "x …"),
        (b'{"error": "in a string"}', "in a string"),
        (b'[{"error": {"message": "in a list"}}]', "in a list"),
        (b'{"detail": [{"msg": "a detail", "loc": []}]}', "a detail"),
        (b'{"error": {"message": {"x": 1}}}', "x"),
        (b'{"weird": 1}', "weird"),
        (b"null", "null"),
        (b"[" * 100_000, "["),
        (f'{{"error": {{"message": "{"y" * 590} {CANARY}"}}}}'.encode(), "[key]"),
    ],
    ids=lambda value: str(value[:24]),
)
def test_any_error_body_becomes_one_short_clean_line(server, body, said):
    server.reply(body, status=500)
    answer = ask(server.url, limits=quick(retries=0))
    assert answer.exit_code == 5
    assert said in answer.message
    assert answer.message.isprintable()
    assert len(answer.message) < 1000
    assert CANARY[:12] not in answer.message


def test_an_error_body_that_stalls_does_not_hold_the_error_back(server):
    server.reply([b'{"error": ', STALL], status=400, headers={"Content-Type": "application/json"})
    assert ask(server.url, limits=quick(idle=2)).exit_code == 5


# --- the network --------------------------------------------------------------------------


def test_a_refused_port_is_a_network_error(free_port):
    answer = ask(f"http://127.0.0.1:{free_port}/v1")
    assert isinstance(answer.error, NetworkError)
    assert "connection refused — does it run?" in answer.message


def test_a_host_name_that_does_not_exist():
    answer = ask("http://no-such-host.invalid/v1")
    assert answer.exit_code == 6
    assert "cannot be resolved" in answer.message


def test_a_connection_that_is_never_made():
    # A full backlog drops the SYN, as a firewall does.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        port = listener.getsockname()[1]
        answer = ask(f"http://127.0.0.1:{port}/v1", limits=quick(connect=0.3))
        for filler in fillers:
            filler.close()
    assert answer.exit_code == 6
    assert "no connection within 0.3 s" in answer.message


def test_a_silent_name_server_is_bounded_too(monkeypatch):
    # A name server that never answers cannot be had without the network's help.
    gate = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: gate.wait() and [])
    try:
        answer = ask("http://somewhere.example/v1", limits=quick(connect=0.3))
    finally:
        gate.set()
    assert answer.exit_code == 6


def test_a_connection_error_is_tried_again(free_port):
    server = None

    def arrive():
        nonlocal server
        time.sleep(0.2)
        server = ScriptedServer(port=free_port)
        server.reply(OK)

    thread = threading.Thread(target=arrive)
    thread.start()
    limits = quick(retry=RetryPolicy(60, first=0.1, most=1.0))
    answer = ask(f"http://127.0.0.1:{free_port}/v1", limits=limits)
    thread.join()
    server.close()
    assert answer.text == "hello"


def test_no_answer_within_the_idle_limit(server):
    server.raw(STALL)
    answer = ask(server.url, limits=quick(idle=0.2))
    assert answer.exit_code == 6
    assert "did not answer within 0.2 s" in answer.message
    server.wait_for_requests(1)
    assert len(server.requests) == 1


def test_no_answer_within_the_total_limit(server):
    server.raw(STALL)
    answer = ask(server.url, limits=quick(total=0.2))
    assert answer.exit_code == 6
    assert "--timeout" in answer.message


@pytest.mark.parametrize("steps", [(CUT,), (b"HTTP/1.1 200",), (b"SSH-2.0-x\r\n\r\n",), (b"",)])
def test_what_is_not_an_answer(server, steps):
    server.raw(*steps, Pause(0.05), CUT)
    answer = ask(server.url)
    assert answer.exit_code == 6
    assert answer.message.endswith(" — try again, or check base_url")
    assert len(server.requests) == 1


def test_a_stall_after_the_head_is_an_incomplete_reply(server):
    server.reply([STALL])
    assert ask(server.url, limits=quick(idle=2)).exit_code == 7


# --- TLS ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def tls_server(certificate: trustme.LeafCert) -> ScriptedServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return ScriptedServer(tls=context, name="localhost")


@pytest.fixture
def bundle(authority, tmp_path):
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def test_tls_with_an_authority_of_ones_own(authority, bundle):
    with tls_server(authority.issue_cert("localhost")) as server:
        server.reply(OK)
        assert ask(server.url, ca_bundle=bundle).text == "hello"


def test_tls_with_ssl_cert_file(authority, bundle, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", bundle)
    with tls_server(authority.issue_cert("localhost")) as server:
        server.reply(OK)
        assert ask(server.url).text == "hello"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the store is the system's own")
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the store")
def test_tls_with_the_systems_store(authority, bundle, tmp_path, hfs):
    store = tmp_path / "store"
    store.mkdir()
    shutil.copy(bundle, store / "work.pem")
    subprocess.run(["openssl", "rehash", str(store)], check=True, capture_output=True)
    with tls_server(authority.issue_cert("localhost")) as server:
        hfs.configure(f'[providers.x]\ntype = "openai"\nbase_url = "{server.url}"\n')
        server.always(OK)
        hfs.env["SSL_CERT_FILE"] = ""  # it would take the store's place
        unknown = hfs("chat", "-m", "x/m", "hi")
        assert unknown.returncode == 6
        assert b"certificate refused" in unknown.stderr
        assert server.requests == []
        known = hfs("chat", "-m", "x/m", "hi", env={"SSL_CERT_DIR": str(store)})
        assert (known.returncode, known.stdout) == (0, b"hello\n"), known.stderr


def test_tls_refuses_an_unknown_authority(authority):
    with tls_server(authority.issue_cert("localhost")) as server:
        answer = ask(server.url)
        assert answer.exit_code == 6
        assert "certificate refused" in answer.message
        assert "if you trust it, name the file of its authority as ca_bundle" in answer.message
        assert server.requests == []


def test_tls_refuses_another_hosts_certificate(authority, bundle):
    with tls_server(authority.issue_cert("example.com")) as server:
        answer = ask(server.url, ca_bundle=bundle)
        assert answer.exit_code == 6
        assert "certificate refused" in answer.message
        assert answer.message.endswith("base_url must have the name that the certificate is for")
        assert server.requests == []


def test_tls_refuses_an_expired_certificate(authority, bundle):
    past = datetime.now(UTC) - timedelta(days=1)
    with tls_server(authority.issue_cert("localhost", not_after=past)) as server:
        answer = ask(server.url, ca_bundle=bundle)
        assert "expired" in answer.message
        assert "check this machine's clock, or have the certificate renewed" in answer.message
        assert answer.exit_code == 6
        assert server.requests == []


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_tls_refuses_tls_1_0(authority, bundle):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    with ScriptedServer(tls=context, name="localhost") as server:
        answer = ask(server.url, ca_bundle=bundle)
        assert answer.exit_code == 6
        assert "TLS failed" in answer.message
        assert server.requests == []


def test_a_server_that_speaks_no_tls(server, bundle):
    url = server.url.replace("http:", "https:")
    answer = ask(url, ca_bundle=bundle, limits=quick(connect=0.3))
    assert answer.exit_code == 6
    assert server.requests == []


def test_a_plain_answer_to_tls_asks_for_the_other_kind_of_address(bundle):
    with socket.create_server(("localhost", 0)) as listener:
        listener.settimeout(60)

        def answer_in_plain() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(ConnectionError):  # the client resets it
                connection.recv(1)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                while connection.recv(4096):
                    pass

        plain = threading.Thread(target=answer_in_plain)
        plain.start()
        answer = ask(f"https://localhost:{listener.getsockname()[1]}", ca_bundle=bundle)
        plain.join()
    assert answer.exit_code == 6
    assert "wrong version number" in answer.message
    assert answer.message.endswith("— is its address http://?")


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_bundle_that_cannot_be_read(tmp_path, content):
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content)
    answer = ask("https://localhost:1/v1", ca_bundle=str(path))
    assert isinstance(answer.error, ConfigError)
    assert str(path) in answer.message


# --- proxies ------------------------------------------------------------------------------


def test_a_proxy_is_used(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", server.origin)
    server.reply(OK)
    assert ask("http://vendor.example/v1").text == "hello"
    assert server.requests[0].target == "http://vendor.example/v1/chat/completions"


def test_all_proxy_is_used_for_tls(server, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", server.origin)
    server.reply(b"", status=407)
    answer = ask("https://vendor.example/v1")
    assert server.requests[0].method == "CONNECT"
    assert answer.exit_code == 6


def test_loopback_goes_past_the_proxy(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    server.reply(OK)
    assert ask(server.url).text == "hello"


@pytest.mark.parametrize(
    "value", ["http://user:s3cret-pw@[::bad", "ftp://user:s3cret-pw@x", "http://x:port"]
)
def test_a_malformed_proxy_is_a_configuration_error(monkeypatch, value):
    monkeypatch.setenv("HTTPS_PROXY", value)
    answer = ask("https://vendor.example/v1")
    assert isinstance(answer.error, ConfigError)
    assert "HTTPS_PROXY" in answer.message
    assert "s3cret-pw" not in answer.message


def test_a_proxys_password_is_never_shown(free_port, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:s3cret-pw@127.0.0.1:{free_port}")
    answer = ask("https://vendor.example/v1")
    assert answer.exit_code == 6
    assert "s3cret-pw" not in answer.message


# --- redirects and open lines ---------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("wire", WIRES)
def test_redirects_are_not_followed(server, status, wire):
    with ScriptedServer() as other:
        server.reply(b"", status=status, headers={"Location": f"{other.url}/elsewhere"})
        answer = ask(server.url, wire=wire)
        assert answer.exit_code == 5
        assert "redirect" in answer.message
        assert len(server.requests) == 1
        assert other.requests == []


def test_a_key_over_an_unencrypted_line_is_warned_about(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", server.origin)
    server.always(lambda _: OK)
    answer = ask("http://vendor.example/v1")
    assert "unencrypted" in answer.told[0]
    assert ask("http://vendor.example/v1", key=None).told == []
    assert ask(server.url).told == []


def test_each_format_sends_its_key_in_its_own_header(server):
    headers = {"anthropic": "x-api-key", "gemini": "x-goog-api-key"}
    for wire in WIRES:
        header = headers.get(wire, "authorization")
        refuse(server, 400)
        ask(server.url, wire=wire)
        request: Received = server.requests[-1]
        assert CANARY in (request.header(header) or "")
        assert CANARY not in request.target
        assert CANARY.encode() not in request.body


def test_a_preview_sends_nothing_and_shows_no_key(server):
    from tests.providers.asking import ASK

    preview = provider_at(server.url).preview(ASK)
    assert CANARY not in str(preview)
    assert preview["url"] == f"{server.url}/chat/completions"
    assert preview["headers"]["Authorization"] == "Bearer [key]"
    assert server.requests == []


def test_what_cannot_be_reached_is_told_with_its_address(chat, free_port):
    chat.configure(
        'model = "test/m"\nretries = 0\n[providers.test]\ntype = "openai"\n'
        f'base_url = "http://127.0.0.1:{free_port}/v1"\n'
    )
    done = chat("chat", "hi")
    assert done.returncode == 6
    assert done.stderr.decode() == (
        f"hfs: error: test cannot be reached at http://127.0.0.1:{free_port}: connection refused"
        " — does it run?\n"
    )


def test_a_proxy_that_cannot_be_reached_is_told_too_and_its_password_is_not(chat, free_port):
    chat.configure(
        'model = "test/m"\nretries = 0\n[providers.test]\ntype = "openai"\n'
        'base_url = "http://llm.example/v1"\n'
    )
    done = chat("chat", "hi", env={"http_proxy": f"http://me:secret-word@127.0.0.1:{free_port}"})
    assert done.returncode == 6
    said = done.stderr.decode()
    assert f"at http://llm.example through the proxy 127.0.0.1:{free_port}:" in said
    assert "secret-word" not in said


@pytest.mark.parametrize("host", ["\u2603.test", "xn--a"])
def test_a_host_that_no_name_server_can_be_asked_for_is_a_configuration_error(chat, host):
    chat.configure(f'[providers.x]\ntype = "openai"\nmodel = "m"\nbase_url = "http://{host}"\n')
    for words in (("chat", "-m", "x", "hi"), ("models", "list", "x")):
        done = chat(*words)
        assert done.returncode == 3, done.stderr
        assert b"base_url of x is not an address" in done.stderr
