"""A chat-completions endpoint that sends a model's callers to Responses."""

import json

import pytest

from hfs_cli.messages import ChatMessage, Request
from hfs_cli.places import cache_directory
from hfs_cli.providers.listed import (
    RESPONSES_FILE,
    is_responses_only,
    remember_responses_only,
)
from tests.providers.asking import ask
from tests.scripted_server import ScriptedServer

ONLY = "This model is only supported in v1/responses and not in v1/chat/completions."
NO_CHAT = (
    "This is not a chat model and thus not supported in the v1/chat/completions endpoint."
    " Did you mean to use v1/completions?"
)
DONE = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "output": [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}
    ],
}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def refuses(server: ScriptedServer, said: str, status: int = 404) -> None:
    server.reply(status=status, body=json.dumps({"error": {"message": said}}).encode())


def answers(server: ScriptedServer) -> None:
    server.reply(body=json.dumps(DONE).encode(), headers={"Content-Type": "application/json"})


@pytest.mark.parametrize(("said", "status"), [(ONLY, 404), (NO_CHAT, 404), (ONLY, 400)])
def test_the_request_is_made_anew_there_and_once(server, said, status):
    refuses(server, said, status)
    answers(server)
    answer = ask(server.url, Request("m", (ChatMessage("user", "hi"),), "be brief"))
    assert (answer.text, answer.exit_code) == ("Hi", 0)
    assert [r.target for r in server.requests] == ["/v1/chat/completions", "/v1/responses"]
    assert server.requests[1].json["instructions"] == "be brief"
    assert is_responses_only(server.url, "m")


def test_another_refusal_is_final(server):
    refuses(server, "your prompt is odd", 400)
    assert ask(server.url).exit_code == 5
    assert len(server.requests) == 1


def test_a_refusal_there_too_is_final_and_nothing_is_remembered(server):
    refuses(server, ONLY)
    refuses(server, ONLY)
    assert ask(server.url).exit_code == 5
    assert len(server.requests) == 2
    assert not is_responses_only(server.url, "m")


def test_the_next_turn_asks_there_first(hfs, server):
    hfs.configure(f'model = "x/m"\n[providers.x]\ntype = "openai"\nbase_url = "{server.url}"\n')
    refuses(server, ONLY)
    answers(server)
    answers(server)
    assert hfs("chat", "hi").stdout == b"Hi\n"
    assert hfs("chat", "hi").stdout == b"Hi\n"
    assert [r.target.rpartition("/")[2] for r in server.requests] == [
        "completions",
        "responses",
        "responses",
    ]


@pytest.mark.parametrize("kept", [b"", b"[]", b'{"u": 1}', b"\xff", b"[" * 100_000])
def test_a_file_that_cannot_be_read_is_one_that_is_not_there(tmp_path, kept):
    remember_responses_only("u", "m")
    path = tmp_path / "hfs" / RESPONSES_FILE
    assert str(path.parent) == cache_directory()
    path.write_bytes(kept)
    assert not is_responses_only("u", "m")
    remember_responses_only("u", "m")
    assert is_responses_only("u", "m")
