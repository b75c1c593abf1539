"""`hfs keys`, `hfs models list`, and keys that must never be seen."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path

import pexpect
import pytest

from tests.render.terminals import emulate
from tests.scripted_server import STALL, Await, Received, openai_sse

CANARY = "sk-canary-0123456789abcdef"


def test_a_key_from_standard_input(hfs):
    hfs.ok("keys", "set", "openai", stdin=f"{CANARY}\n".encode())
    assert hfs.ok("keys", "list") == "openai\tkey file\n"
    path = Path(hfs.ok("keys", "path").strip())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text()) == {"openai": CANARY}
    hfs.ok("keys", "remove", "openai")
    assert hfs.ok("keys", "list") == ""


def test_a_key_from_a_hidden_prompt(hfs):
    child = pexpect.spawn(
        hfs.argv[0], [*hfs.argv[1:], "keys", "set", "openai"], env=hfs.environment(), timeout=120
    )
    child.expect("Key for openai")
    child.sendline(CANARY)
    child.expect(pexpect.EOF)
    assert CANARY.encode() not in child.before
    child.close()
    assert child.exitstatus == 0
    assert hfs.ok("keys", "list") == "openai\tkey file\n"


@pytest.mark.parametrize("given", [b"", b"\n", b"has space \n", "naïve\n".encode()])
def test_what_is_not_a_key_is_not_kept(hfs, given):
    assert hfs("keys", "set", "openai", stdin=given).returncode in {2, 3}
    assert hfs.ok("keys", "list") == ""


def test_an_unknown_provider(hfs):
    done = hfs("keys", "set", "opneai", stdin=b"x\n")
    assert done.returncode == 4
    assert b"did you mean openai" in done.stderr


@pytest.mark.parametrize("name", ["providers.work.api_key", "providers.work.api_key_env", "token"])
def test_a_key_is_not_taken_for_a_setting(hfs, name):
    hfs.configure('[providers.work]\ntype="openai"\nbase_url="http://127.0.0.1:1/v1"\n')
    done = hfs("config", "set", name, CANARY)
    assert done.returncode == 3
    assert b"hfs keys set" in done.stderr
    hfs.configure(f'model = "work/m"\n[providers.work]\ntype="openai"\napi_key_env="{CANARY}"\n')
    for words in ("doctor",), ("doctor", "--json"), ("config", "list"), ("chat", "hi"):
        done = hfs(*words)
        assert CANARY.encode() not in done.stdout + done.stderr


def test_sources_are_listed_and_keys_are_not(hfs):
    hfs.configure('[providers.work]\ntype="openai"\nbase_url="http://x/v1"\napi_key_cmd="false"\n')
    listed = json.loads(hfs.ok("keys", "list", "--json", env={"GROQ_API_KEY": CANARY}))
    assert listed == [
        {"provider": "groq", "source": "environment (GROQ_API_KEY)"},
        {"provider": "work", "source": "api_key_cmd"},
    ]


# --- models -------------------------------------------------------------------------------


@pytest.fixture
def offering(hfs, server):
    """`hfs` with two providers of the scripted server, each with its own list."""
    hfs.configure(
        f"""
        model = "one/b-model"
        retries = 0
        [providers.one]
        type = "openai"
        base_url = "{server.url}"
        [providers.two]
        type = "ollama"
        base_url = "{server.origin}/two"
        [aliases]
        fast = "one/a-model"
        """
    )

    def answer(request: Received):
        if request.path.endswith("/api/tags"):
            return {"models": [{"name": "llama3:8b"}]}
        return {"data": [{"id": "b-model"}, {"id": "a-model"}]}

    server.always(answer)
    return hfs


def test_the_providers_are_asked_once_a_day(offering, server):
    expected = "one/a-model\tfast\none/b-model\t\ntwo/llama3:8b\t\n"
    assert offering.ok("models", "list", "l").endswith(expected)
    assert len(server.requests) == 2
    offering.ok("models", "list", "--refresh", "one")
    assert len(server.requests) == 3


def test_words_filter_and_names_choose(offering, server):
    (found,) = json.loads(offering.ok("models", "list", "--json", "one", "A-MO"))
    assert (found["model"], found["provider"], found["alias"]) == ("one/a-model", "one", "fast")
    assert [request.path for request in server.requests] == ["/v1/models"]


def test_a_provider_that_does_not_answer_is_named(offering, server, free_port):
    offering.configure(
        f'[providers.gone]\ntype = "openai"\nbase_url = "http://127.0.0.1:{free_port}/v1"\n'
    )
    done = offering("models", "list")
    assert done.returncode == 0
    assert b"gone cannot be reached" in done.stderr
    assert offering("models", "list", "gone").returncode == 6


def test_an_unknown_model_is_told_with_those_that_are_near(offering, server):
    offering.ok("models", "list")
    server.reply({"error": {"message": "no a-modle here", "code": "model_not_found"}}, status=404)
    done = offering("chat", "-m", "one/a-modle", "hi")
    assert done.returncode == 4
    assert b"did you mean a-model" in done.stderr


@pytest.mark.parametrize("body", [b"[]x", b"{}", b'{"data": 7}', b'{"data": [{}]}'])
def test_a_list_that_cannot_be_read(offering, server, body):
    server.reply(body)
    done = offering("models", "list", "one")
    assert done.returncode == 5
    assert b"a list of models that cannot be read" in done.stderr


# --- a key is never seen --------------------------------------------------------------------


def test_no_process_shows_the_key_in_its_arguments(hfs, server):
    hfs.configure(f'[providers.t]\ntype="openai"\nbase_url="{server.url}"\napi_key_env="T_KEY"\n')
    server.reply([*openai_sse("x", finish=None, done=False), STALL])
    running = hfs.start("chat", "-m", "t/m", "hi", env={"T_KEY": CANARY})
    server.wait_for_requests(1)
    shown = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            shown.append(process.read_bytes())
        except OSError:
            continue
    running.terminate()
    running.communicate()
    assert server.requests[0].header("authorization") == f"Bearer {CANARY}"
    assert shown
    assert not [line for line in shown if CANARY.encode() in line]


@pytest.mark.parametrize("debug", ["", "1"])
def test_the_key_is_in_no_output_and_no_file(hfs, server, debug):
    hfs.configure(
        f'[providers.t]\ntype="openai"\nbase_url="{server.url}"\napi_key_env="T_KEY"\n'
        f'[providers.t.headers]\nx-extra = "{CANARY}-header"\n'
    )
    echo = f"Incorrect API key provided: {CANARY}"
    env = {"T_KEY": CANARY, "HFS_DEBUG": debug} if debug else {"T_KEY": CANARY}
    for status in (401, 500):
        server.reply({"error": {"message": echo}}, status=status)
        done = hfs("chat", "--retries", "0", "-m", "t/m", "hi", env=env)
        assert done.returncode in {3, 5}
        assert b"[key]" in done.stderr
        assert CANARY.encode() not in done.stdout + done.stderr
    server.reply([b'data: {"error": {"message": "' + echo.encode() + b'"}}\n\n'])
    done = hfs("chat", "-m", "t/m", "hi", env=env)
    assert done.returncode == 5
    assert CANARY.encode() not in done.stdout + done.stderr
    done = hfs("chat", "-m", "t/m", "--dry-run", "hi", env=env)
    assert CANARY.encode() not in done.stdout + done.stderr
    for folder, _, names in os.walk(hfs.home):
        for name in names:
            if name != "config.toml":
                assert CANARY.encode() not in (Path(folder) / name).read_bytes(), name


def test_a_key_with_a_line_break_is_refused(hfs, server):
    hfs.configure(f'[providers.t]\ntype="openai"\nbase_url="{server.url}"\napi_key_env="T_KEY"\n')
    for value in (f"{CANARY}\n", f"{CANARY} ", f"é{CANARY}"):
        done = hfs("chat", "-m", "t/m", "hi", env={"T_KEY": value})
        assert done.returncode == 3
        assert CANARY.encode() not in done.stderr
    assert server.requests == []


def test_what_a_model_takes_is_listed(offering, server):
    server.always(
        {
            "data": [
                {
                    "id": "a",
                    "architecture": {"input_modalities": ["text", "image", "file"]},
                    "supported_parameters": ["tools", "reasoning"],
                },
                {
                    "id": "b",
                    "capabilities": {
                        "image_input": {"supported": True},
                        "pdf_input": {"supported": False},
                        "thinking": {"supported": True},
                    },
                },
                {"id": "c", "capabilities": {"image_input": "?"}, "architecture": 7},
            ]
        }
    )
    rows = json.loads(offering.ok("models", "list", "one", "--json"))
    assert [row["takes"] for row in rows] == [
        ["image", "pdf", "tools", "reasoning"],
        ["image", "tools", "reasoning"],
        None,
    ]
    # As it was kept.
    assert json.loads(offering.ok("models", "list", "one", "--json")) == rows


def test_a_person_sees_what_is_asked_and_what_the_marks_mean(hfs, server):
    release = threading.Event()
    model = {
        "id": "a",
        "architecture": {"input_modalities": ["image"]},
        "supported_parameters": ["tools"],
        "pricing": {"prompt": "0.000001"},
    }
    server.reply(
        [Await(release), json.dumps({"data": [model]}).encode()],
        headers={"Content-Type": "application/json"},
    )
    hfs.configure(f'model = "one/a"\n[providers.one]\ntype = "openai"\nbase_url = "{server.url}"\n')
    child = pexpect.spawn(
        hfs.argv[0],
        [*hfs.argv[1:], "models", "list", "one"],
        env=hfs.environment(),
        timeout=60,
        dimensions=(24, 100),
    )
    child.expect("asking one for their models")
    release.set()
    child.expect(pexpect.EOF)
    lines = emulate(child.before, 100)
    child.close()
    assert child.exitstatus == 0
    assert lines[-2].split() == ["one/a", "1.00", "i··t··", "●"]
    marks = "i image p pdf a audio t tools s schema r reasoning"
    assert lines[-1] == f"● default   {marks}   prices of a million tokens"


def test_a_server_that_nobody_named_is_not_waited_for(hfs, free_port):
    """One try, whatever the settings say of retries."""
    hfs.configure(
        f'[providers.gone]\ntype = "openai"\nbase_url = "http://127.0.0.1:{free_port}/v1"\n'
    )
    done = hfs("models", "list", env={"HFS_RETRIES": "10"})
    assert done.returncode == 0
    assert done.stderr.count(b"gone cannot be reached") == 1
