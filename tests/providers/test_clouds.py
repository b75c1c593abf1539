"""The recipes of docs/clouds.md: each is taken from the page and its request looked at."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.scripted_server import openai_sse, sse

PAGE = Path(__file__).parents[2] / "docs/clouds.md"
RECIPES = "\n".join(re.findall(r"^```toml\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE))
KEYS = {
    "AWS_BEARER_TOKEN_BEDROCK": "key-of-aws",
    "VERTEX_API_KEY": "key-of-vertex",
    "AZURE_OPENAI_API_KEY": "key-of-azure",
    "ANTHROPIC_FOUNDRY_API_KEY": "key-of-foundry",
}
REPLIES = {
    "openai": openai_sse("hello"),
    "responses": sse(
        {"type": "response.output_text.delta", "delta": "hello"},
        {"type": "response.completed", "response": {"status": "completed"}},
        done=False,
    ),
    "anthropic": sse(
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "hello"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
        {"type": "message_stop"},
        done=False,
    ),
    "gemini": sse(
        {"candidates": [{"content": {"parts": [{"text": "hello"}]}, "finishReason": "STOP"}]},
        done=False,
    ),
}
GOOGLE = "/v1/projects/PROJECT/locations/global/publishers"


@pytest.fixture
def clouds(hfs, server, tmp_path):
    """The command with every recipe of the page, whose hosts are the scripted server."""
    here = server.url.removesuffix("/v1")
    hfs.configure("retries = 0\n" + re.sub(r"https://[^/\"]+(?=/[^ ])", here, RECIPES))
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, token in (("gcloud", "token-of-google"), ("az", "token-of-azure")):
        (programs / name).write_text(
            f'#!/bin/sh\necho "$*" > "{programs}/{name}.asked"\necho {token}\n'
        )
        (programs / name).chmod(0o700)
    hfs.env |= KEYS | {"PATH": f"{programs}:/usr/bin:/bin"}
    return hfs


@pytest.mark.parametrize(
    ("name", "wire", "target", "header", "value"),
    [
        ("bedrock", "openai", "/v1/chat/completions", "Authorization", "Bearer key-of-aws"),
        ("bedrock-claude", "anthropic", "/anthropic/v1/messages", "Authorization",
         "Bearer key-of-aws"),
        ("vertex", "gemini", f"{GOOGLE}/google/models/m:streamGenerateContent?alt=sse",
         "Authorization", "Bearer token-of-google"),
        ("vertex-claude", "anthropic", f"{GOOGLE}/anthropic/models/m:streamRawPredict",
         "Authorization", "Bearer token-of-google"),
        ("vertex-express", "gemini",
         "/v1/publishers/google/models/m:streamGenerateContent?alt=sse&key=key-of-vertex",
         "x-goog-api-key", None),
        ("azure", "responses", "/openai/v1/responses", "api-key", "key-of-azure"),
        ("azure-login", "responses", "/openai/v1/responses", "Authorization",
         "Bearer token-of-azure"),
        ("foundry-claude", "anthropic", "/anthropic/v1/messages", "x-api-key", "key-of-foundry"),
    ],
)  # fmt: skip
def test_a_recipe(clouds, server, name, wire, target, header, value):
    server.reply(REPLIES[wire])
    assert clouds.ok("chat", "-m", f"{name}/m", "hi") == "hello\n"
    request = server.requests[-1]
    assert (request.target, request.header(header)) == (target, value)
    # The key goes out once, in the place that was named.
    sent_in = [n for n in ("Authorization", "x-api-key", "api-key", "x-goog-api-key")
               if request.header(n)]  # fmt: skip
    assert sent_in == ([header] if value else [])
    body = request.json
    if name == "vertex-claude":
        assert (body["anthropic_version"], "model" in body) == ("vertex-2023-10-16", False)
    elif wire != "gemini":
        assert body["model"] == "m"


def test_every_recipe_of_the_page_is_tried_here():
    tried = next(m.args[1] for m in test_a_recipe.pytestmark if m.name == "parametrize")
    assert re.findall(r"^\[providers\.(.+)\]", RECIPES, re.MULTILINE) == [row[0] for row in tried]


def test_the_token_is_asked_for_anew_each_turn(clouds, server, tmp_path):
    server.reply(REPLIES["responses"])
    clouds.ok("chat", "-m", "azure-login/m", "hi")
    asked = (tmp_path / "bin/az.asked").read_text()
    assert asked == (
        "account get-access-token --resource https://cognitiveservices.azure.com"
        " --query accessToken --output tsv\n"
    )


def test_a_key_in_the_query_is_never_shown(clouds, server):
    dry = clouds.ok("chat", "-m", "vertex-express/m", "--dry-run", "hi")
    assert json.loads(dry)["url"].endswith("?alt=sse&key=%5Bkey%5D") or "key=[key]" in dry
    server.reply(status=500, body=b"no such thing: key-of-vertex at ?key=key-of-vertex")
    done = clouds("chat", "-m", "vertex-express/m", "hi")
    assert (done.returncode, b"key-of-vertex" in done.stderr + dry.encode()) == (5, False)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('auth = "basic"', "auth"),
        ('key_header = "a b"', "key_header"),
        ('key_header = "X-Key"\nauth = "bearer"', "keep one"),
    ],
)
def test_what_is_not_a_door(hfs, line, says):
    hfs.configure(f'[providers.x]\ntype = "openai"\nbase_url = "https://x.test/v1"\n{line}\n')
    done = hfs("chat", "-m", "x/m", "hi")
    assert (done.returncode, says in done.stderr.decode()) == (3, True)


def test_a_header_of_ones_own_holds_the_key_alone(hfs, server):
    hfs.configure(
        f'[providers.x]\ntype = "openai"\nbase_url = "{server.url}"\nkey_header = "X-Gate"\n'
        'api_key_env = "GATE"\n'
    )
    server.reply(REPLIES["openai"])
    hfs.ok("chat", "-m", "x/m", "hi", env={"GATE": "key-of-gate"})
    request = server.requests[-1]
    assert (request.header("X-Gate"), request.header("Authorization")) == ("key-of-gate", None)
