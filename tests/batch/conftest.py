"""A vendor with batch endpoints, and the command without a vendor's waits."""

from __future__ import annotations

import sys

import pytest

from tests.batch.vendors import LAUNCHER, AnthropicVendor, OpenAIVendor
from tests.conftest import KEY

MODELS = {
    "openai": "openai/m",
    "responses": "openai/m",
    "groq": "groq/m",
    "anthropic": "anthropic/claude-haiku-5-5",
}


def made_vendor(name):
    if name == "anthropic":
        return AnthropicVendor()
    return OpenAIVendor("responses" if name == "responses" else "openai")


@pytest.fixture(params=["openai", "anthropic"])
def vendor(request, hfs, server):
    """Each of the vendors, as the provider that is asked; Responses are as chat completions."""
    return at_vendor(request.param, hfs, server)


def at_vendor(name, hfs, server):
    """Set a vendor up as the one that is asked; ``responses`` is OpenAI in its newer format."""
    made = made_vendor(name)
    made.name, made.model = name, MODELS[name]
    provider = made.model.partition("/")[0]
    hfs.configure(
        f'model = "{made.model}"\nretries = 0\n[providers.{provider}]\n'
        f'type = "{"openai" if name == "groq" else name}"\n'
        f'base_url = "{server.url}"\napi_key_env = "TEST_KEY"\n'
        f'[models."{made.model}"]\ninput_price = 10\noutput_price = 100\n'
    )
    hfs.env["TEST_KEY"] = KEY
    hfs.argv = (sys.executable, "-c", LAUNCHER)
    server.always(made)
    return made


@pytest.fixture
def many(hfs, tmp_path):
    """Ten prompts, and the command that hands them over."""
    (tmp_path / "in.txt").write_text("\n".join(map(str, range(10))))
    hfs.out = tmp_path / "out.jsonl"
    hfs.given = ("batch", str(tmp_path / "in.txt"), "-O", str(hfs.out), "--vendor-batch")
    return hfs
