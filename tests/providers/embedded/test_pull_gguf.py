"""Any GGUF file becomes local/NAME, when it is the right one, and never otherwise."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from hfs_cli.providers.embedded.weights import DOWNLOADS, find
from tests.scripted_server import CUT, Received, Reply, make_reply

GGUF = b"GGUF" + bytes(range(256)) * 20
SHA256 = hashlib.sha256(GGUF).hexdigest()


def kept(hfs) -> list[str]:
    return [file.name for file in (hfs.home / ".cache").rglob("*") if file.is_file()]


def test_a_file_from_a_url_is_kept_and_listed(hfs, server):
    # As Hugging Face does: to another host, whose address is another one each time.
    elsewhere = f"http://localhost:{server.port}/cdn?signature=s3cret"
    server.reply(status=302, headers={"Location": elsewhere}).reply(GGUF)
    done = hfs("models", "pull", f"{server.origin}/dir/My%20Model_Q4.gguf", "--sha256", SHA256)
    assert (done.returncode, done.stderr) == (0, b"")
    path = Path(done.stdout.decode().strip())
    assert path.read_bytes() == GGUF
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.name == "my-20model_q4.gguf"
    assert "local/my-20model_q4" in hfs.ok("models", "list", "local")
    assert [request.target for request in server.requests] == [
        "/dir/My%20Model_Q4.gguf",
        "/cdn?signature=s3cret",
    ]
    # Nothing is fetched again, and nothing is replaced by another.
    again = hfs(
        "models", "pull", f"{server.origin}/x.gguf", "--sha256", SHA256, "--name", path.stem
    )
    assert (again.returncode, again.stdout) == (0, done.stdout)
    other = hfs(
        "models", "pull", f"{server.origin}/x.gguf", "--sha256", "0" * 64, "--name", path.stem
    )
    assert other.returncode == 2
    assert b"is there already" in other.stderr


@pytest.mark.parametrize(
    ("body", "sha256", "told", "code"),
    [
        (GGUF, "0" * 64, "do not have that digest", 6),
        (b"<html>", hashlib.sha256(b"<html>").hexdigest(), "not a GGUF file", 2),
        (b"", hashlib.sha256(b"").hexdigest(), "empty", 2),
        ([CUT], SHA256, "broke off", 6),
    ],
)
def test_what_is_not_the_right_file_is_not_kept(hfs, server, body, sha256, told, code):
    server.reply(body)
    done = hfs("models", "pull", f"{server.origin}/x.gguf", "--sha256", sha256)
    assert (done.returncode, kept(hfs)) == (code, [])
    assert told in done.stderr.decode()


def test_a_file_on_this_machine_with_another_digest_is_not_called_a_download(hfs, tmp_path):
    (file := tmp_path / "x.gguf").write_bytes(GGUF)
    done = hfs("models", "pull", str(file), "--sha256", "0" * 64)
    assert (done.returncode, kept(hfs)) == (2, [])
    assert b"that file has another digest" in done.stderr
    assert hfs("models", "pull", str(file), "--sha256", SHA256).returncode == 0


def ranged(request: Received) -> Reply:
    """What a server that knows ranges answers."""
    start = int((request.header("range") or "bytes=0-")[len("bytes=") : -1])
    if start >= len(GGUF):
        return make_reply(b"", status=416)
    there = {"Content-Range": f"bytes {start}-{len(GGUF) - 1}/{len(GGUF)}"}
    return make_reply(GGUF[start:], status=206 if start else 200, headers=there if start else {})


@pytest.fixture
def broken_off(hfs, server):
    """A download that broke off after 100 bytes: the command that goes on with it."""
    server.reply([GGUF[:100], CUT])
    command = ("models", "pull", f"{server.origin}/x.gguf", "--sha256", SHA256)
    done = hfs(*command)
    assert done.returncode == 6
    assert done.stderr.endswith(b"(100 B are kept: run the same command to continue)\n")
    (part,) = (file for file in (hfs.home / ".cache").rglob("*") if file.is_file())
    assert part.read_bytes() == GGUF[:100]
    assert part.stat().st_mode & 0o777 == 0o600
    assert b"local/x" not in hfs("models", "list", "local").stdout
    return command, part


def test_a_download_that_broke_off_goes_on_where_it_was(hfs, server, broken_off):
    command, part = broken_off
    server.always(ranged)
    path = Path(hfs.ok(*command).strip())
    assert path.read_bytes() == GGUF
    assert server.requests[-1].header("range") == "bytes=100-"
    assert server.requests[-1].header("accept-encoding") == "identity"
    assert kept(hfs) == [path.name]
    assert not part.exists()


def test_a_server_without_ranges_gives_all_of_it_again(hfs, server, broken_off):
    command, _ = broken_off
    server.reply(GGUF)
    assert Path(hfs.ok(*command).strip()).read_bytes() == GGUF


@pytest.mark.parametrize("there", [b"GGUF" + b"x" * 96, GGUF + b"more", b"<html>"])
def test_a_part_that_does_not_fit_is_thrown_away_and_all_of_it_fetched(
    hfs, server, broken_off, there
):
    command, part = broken_off
    part.write_bytes(there)
    server.always(ranged)
    assert Path(hfs.ok(*command).strip()).read_bytes() == GGUF
    assert server.requests[-1].header("range") is None


def test_a_part_that_was_whole_already_asks_for_nothing(hfs, server, broken_off):
    command, part = broken_off
    part.write_bytes(GGUF)
    asked = len(server.requests)
    assert Path(hfs.ok(*command).strip()).read_bytes() == GGUF
    assert len(server.requests) == asked


def test_another_part_than_was_asked_for_is_not_taken(hfs, server, broken_off):
    command, part = broken_off
    server.reply(GGUF[50:], status=206, headers={"Content-Range": "bytes 50-/*"})
    done = hfs(*command)
    assert (done.returncode, b"another part" in done.stderr) == (6, True)
    assert part.read_bytes() == GGUF[:100]


def test_two_that_pull_one_file_bring_it_once(hfs, server):
    server.always(ranged)
    command = ("models", "pull", f"{server.origin}/x.gguf", "--sha256", SHA256)
    both = [hfs.start(*command) for _ in range(2)]
    for process in both:
        assert process.wait(60) == 0
    assert kept(hfs) == ["x.gguf"]
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("args", "told", "code"),
    [
        (["http://host.example/x.gguf", "--sha256", SHA256], "https:// only", 2),
        (["https://host.example/x.gguf"], "add --sha256", 2),
        (["https://host.example/x.gguf", "--sha256", "abc"], "64 hexadecimal", 2),
        (["https://u:p@host.example/x.gguf", "--sha256", SHA256], "no password", 2),
        (["https://h.example/x.gguf", "--sha256", SHA256, "--name", "../x"], "cannot be the", 2),
        (["https://h.example/x.gguf", "--sha256", SHA256, "--name", "qwen3-4b"], "itself has", 2),
        (["qwen3-4b", "--name", "x"], "leave out", 2),
        (["nosuch"], "no model", 4),
    ],
)
def test_what_cannot_be_pulled(hfs, args, told, code):
    done = hfs("models", "pull", *args)
    assert done.returncode == code
    assert told in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_a_redirect_to_an_open_line_is_not_followed(hfs, server):
    server.reply(status=302, headers={"Location": "http://host.example/x.gguf"})
    done = hfs("models", "pull", f"{server.origin}/x.gguf", "--sha256", SHA256)
    assert done.returncode == 2
    assert b"not encrypted: not followed" in done.stderr


def test_a_file_that_is_larger_than_the_disk_is_not_begun(hfs, server):
    server.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 190000000000\r\n\r\nGGUF")
    done = hfs("models", "pull", f"{server.origin}/x.gguf", "--sha256", SHA256)
    assert (done.returncode, kept(hfs)) == (8, [])
    assert b"has no room" in done.stderr


def test_what_can_be_pulled_is_pinned():
    for name, download in DOWNLOADS.items():
        assert re.fullmatch(r"[0-9a-f]{64}", download.sha256)
        assert re.search(r"/resolve/[0-9a-f]{40}/", download.url)
        assert download.size
        assert download.licence == "Apache-2.0", name


def test_what_is_not_pulled_yet_is_told_with_the_command(hfs):
    done = hfs("chat", "-m", "local/qwen3-4b", "hi")
    assert done.returncode == 4
    assert b"not installed yet, run: hfs models pull qwen3-4b" in done.stderr
    near = hfs("chat", "-m", "local/qwen3-4", "hi")
    assert (near.returncode, b"did you mean qwen3-4b" in near.stderr) == (4, True)


@pytest.mark.local_model
def test_a_pulled_file_answers(hfs):
    weights = find()
    assert weights is not None
    path = hfs.ok("models", "pull", str(weights), "--name", "mine").strip()
    assert Path(path).stat().st_size == weights.stat().st_size
    said = hfs("chat", "-m", "local/mine", "--max-tokens", "5", "Say hi")  # which cuts it
    assert (said.returncode, bool(said.stdout.strip())) == (0, True)
    assert "mine" in hfs.ok("chat", "-m", "mine", "--dry-run", "hi")
