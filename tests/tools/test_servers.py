"""MCP servers as tools: whatever they do, the turn goes on and nothing of them is left."""

from __future__ import annotations

import json
import threading
import tomllib

import pytest

from hfs_cli.config.tools import ServerConfig
from hfs_cli.errors import ConfigError, CredentialsError, NetworkError
from hfs_cli.tools.servers import Server
from hfs_cli.tools.tool import MAX_RESULT_BYTES
from tests.tools.conftest import is_running, wait_until

pytest.importorskip("mcp", reason="the extra mcp is not installed")


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    """Lists are kept in a cache of each test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def opened(tmp_path):
    """Open a server by its table; ended with the test."""
    servers = []

    def open_server(table: str) -> Server:
        ((name, values),) = tomllib.loads(table)["mcp"].items()
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        server = Server(ServerConfig(name, **values), tmp_path / "config.toml", ())
        servers.append(server)
        return server

    yield open_server
    for server in servers:
        server.close()


def call(server, tool="echo", arguments=None, seconds: float = 120):
    return server.call(tool, arguments or {}, seconds, lambda: False)


def test_its_tools_are_listed_and_called(scripted, opened):
    server = opened(scripted.table())
    assert server.listing().server == "scripted 1"
    assert server.listing().tools == (("echo", "The tool echo.", {"type": "object"}),)
    assert call(server, arguments={"a": "ä"}).text == '{"a": "\\u00e4"}'


def test_two_thousand_tools_come_page_by_page(scripted, opened):
    scripted.behave(tools=[f"t{n}" for n in range(2000)], page=50)
    assert opened(scripted.table()).listing().names == [f"t{n}" for n in range(2000)]


def test_a_list_without_an_end_is_refused(scripted, opened):
    scripted.behave(tools=[f"t{n}" for n in range(6000)])
    with pytest.raises(ConfigError, match="offers over 5,000 tools"):
        opened(scripted.table()).listing()


def test_one_that_dies_in_the_middle_says_so_with_its_last_word(scripted, opened):
    scripted.behave(on_call="die")
    server = opened(scripted.table())
    result = call(server)
    assert result.failed
    assert result.text == (
        "the MCP server scripted ended with exit status 3; it said last:"
        " out of memory, \x1b[2Jas it says"
    )
    assert call(server).failed  # and it does not hang afterwards


def test_answers_in_another_order_reach_their_calls(scripted, opened):
    scripted.behave(on_call="reverse")
    server = opened(scripted.table())
    server.listing()
    found = {}
    threads = [
        threading.Thread(target=lambda n=n: found.update({n: call(server, arguments={"n": n})}))
        for n in (1, 2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert {n: json.loads(result.text) for n, result in found.items()} == {
        1: {"n": 1},
        2: {"n": 2},
    }


def test_an_answer_that_comes_twice_counts_once(scripted, opened):
    scripted.behave(on_call="twice")
    server = opened(scripted.table())
    assert call(server).text == "the first"
    assert call(server).text == "the first"


def test_words_between_its_messages_are_passed_over(scripted, opened):
    scripted.behave(on_call="junk")
    assert call(opened(scripted.table())).text == "after junk"


def test_one_that_hangs_is_given_up_and_can_be_asked_again(scripted, opened):
    scripted.behave(on_call="hang")
    server = opened(scripted.table())
    assert call(server, seconds=0.5).text == "scripted:echo took over 0.5 s"
    scripted.behave(on_call="answer")
    assert call(server).text == "{}"


def test_one_that_does_not_start_is_given_up(scripted, opened):
    scripted.behave(start="hang")
    with pytest.raises(ConfigError, match=r"scripted did not start within 0.5 s"):
        opened(scripted.table(timeout=0.5)).listing()


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("false", "ended with exit status 1"),
        ("true", "ended with exit status 0"),
        ("cat", "answered with an error|cannot be used|did not start"),
    ],
)
def test_what_is_not_a_server_is_an_error(opened, command, says):
    with pytest.raises(ConfigError, match=says):
        opened(f'[mcp.x]\ncommand = "{command}"\ntimeout = 3\n').listing()


def test_a_long_result_is_cut(scripted, opened):
    scripted.behave(on_call="flood")
    text = call(opened(scripted.table())).text
    assert text.endswith("x\n[cut here: the first 100,000 of 3,000,000 bytes]")
    assert len(text) < MAX_RESULT_BYTES + 100


def test_a_message_without_an_end_ends_the_server(scripted, opened):
    scripted.behave(on_call="line")
    result = call(opened(scripted.table()))
    assert result.failed
    assert "sent a message of over 10,000,000 bytes" in result.text


def test_an_error_is_one_and_nul_is_shown(scripted, opened):
    scripted.behave(on_call="error")
    result = call(opened(scripted.table()))
    assert result.failed
    assert result.text == "it \x1b[31mwent\\x00 wrong"


def test_what_is_not_text_is_named(scripted, opened):
    scripted.behave(on_call="image")
    assert call(opened(scripted.table())).text == "[image/png: only text is passed on]\nseen"


@pytest.mark.parametrize("kind", ["sample", "elicit"])
def test_it_can_ask_neither_the_model_nor_the_user(scripted, opened, kind):
    scripted.behave(on_call=kind)
    answer = json.loads(call(opened(scripted.table())).text)
    assert "not supported" in answer["message"]
    first = json.loads((scripted.state / "log").read_text().splitlines()[0])
    offered = json.dumps(first)
    assert "sampling" not in offered
    assert "elicitation" not in offered


def test_nothing_of_it_outlives_the_turn(scripted, opened):
    scripted.behave(on_call="leave")
    server = opened(scripted.table())
    child = int(call(server).text)
    assert is_running(child)
    server.close()
    wait_until(lambda: not is_running(child))


def test_it_sees_the_variables_that_were_named_and_no_others(scripted, opened, monkeypatch):
    monkeypatch.setenv("NAMED", "yes")
    monkeypatch.setenv("OTHER", "no")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789")
    scripted.behave(on_call="environment")
    seen = json.loads(call(opened(scripted.table(env=["NAMED"]))).text)
    assert seen["NAMED"] == "yes"
    assert not {"OTHER", "OPENAI_API_KEY"} & set(seen)


# --- the list that is kept -------------------------------------------------------------


def test_a_list_is_asked_for_once_while_nothing_changes(scripted, opened):
    table = scripted.table()
    assert opened(table).listing().names == ["echo"]
    again = opened(table)
    assert again.listing().names == ["echo"]
    assert scripted.heard("initialize") == 1
    assert call(again).text == "{}"
    assert scripted.heard("initialize") == 2
    assert scripted.heard("tools/list") == 1


def test_another_command_is_another_list(scripted, opened):
    opened(scripted.table()).listing()
    opened(scripted.table(env=["LANG"])).listing()
    assert scripted.heard("tools/list") == 2


def test_another_version_is_asked_again_when_it_is_called(scripted, opened):
    table = scripted.table()
    opened(table).listing()
    scripted.behave(version="2", tools=["other"])
    server = opened(table)
    assert server.listing().names == ["echo"]  # as far as is known
    result = call(server)
    assert result.failed
    assert result.text == "scripted does not offer echo any more: its list has changed to 1 tool"
    assert opened(table).listing().names == ["other"]


def test_a_call_that_fails_looks_whether_the_list_is_an_old_one(scripted, opened):
    table = scripted.table()
    opened(table).listing()
    scripted.behave(tools=["other"])
    assert "does not offer echo any more" in call(opened(table)).text


def test_a_server_that_says_that_its_list_has_changed_is_asked_again(scripted, opened):
    table = scripted.table()
    scripted.behave(on_call="changed", tools=["echo"])
    server = opened(table)
    server.listing()
    scripted.behave(on_call="changed", tools=["echo", "new"])
    assert call(server).text == "changed"
    wait_until(server._stale.is_set)
    assert call(server).text == "changed"
    assert opened(table).listing().names == ["echo", "new"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"identity": 1}', b"\xff", b"[" * 9999])
def test_a_list_that_cannot_be_read_is_asked_for_again(scripted, opened, tmp_path, content):
    table = scripted.table()
    opened(table).listing()
    (kept,) = (tmp_path / "cache").rglob("mcp-scripted.json")
    assert kept.stat().st_mode & 0o777 == 0o600
    kept.write_bytes(content)
    assert opened(table).listing().names == ["echo"]
    assert scripted.heard("tools/list") == 2


# --- what cannot be used ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "error", "says"),
    [
        ("", ConfigError, "needs a command, or a url"),
        ('command = "a"\nurl = "http://x"', ConfigError, "exactly one"),
        ('url = "ftp://x"', ConfigError, "must be http"),
        ('url = "https://me:pw@x/"', ConfigError, "without a password"),
        ('url = "https://[x/"', ConfigError, "must be http"),
        ('url = "https://x/"\napi_key_env = "NO_SUCH"', CredentialsError, "set NO_SUCH"),
        ('command = "no-such-program"', ConfigError, "there is no program"),
    ],
)
def test_what_cannot_be_used_is_refused_before_it_is_started(opened, table, error, says):
    with pytest.raises(error, match=says):
        opened(f"[mcp.x]\n{table}\n")


def test_a_server_that_is_not_there(opened, free_port):
    with pytest.raises(NetworkError, match="x cannot be reached"):
        opened(f'[mcp.x]\nurl = "http://127.0.0.1:{free_port}/mcp"\n').listing()


def test_the_key_goes_to_its_server_alone_and_redirects_are_not_followed(
    server, opened, monkeypatch
):
    monkeypatch.setenv("MCP_KEY", "canary-0123456789")
    server.always(b"", status=308, headers={"Location": f"{server.origin}/elsewhere"})
    tool = opened(
        f'[mcp.x]\nurl = "{server.origin}/mcp"\napi_key_env = "MCP_KEY"\n'
        "headers_cmd = [\"printf\", 'X-Team: infra\\nX-Other: 1\\n']\n"
    )
    with pytest.raises(NetworkError):
        tool.listing()
    first = server.requests[0]
    assert first.header("Authorization") == "Bearer canary-0123456789"
    assert first.header("X-Team") == "infra"
    assert {request.path for request in server.requests} == {"/mcp"}


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_is_named(server, opened, status):
    server.always(b"", status=status)
    with pytest.raises(CredentialsError, match=rf"x refused the key \({status}\)"):
        opened(f'[mcp.x]\nurl = "{server.origin}/mcp"\n').listing()


@pytest.mark.parametrize("status", [404, 500, 502])
def test_a_refusal_is_told_with_its_status(server, opened, status):
    server.always(b"", status=status)
    with pytest.raises(NetworkError, match=f"x answered with HTTP status {status}"):
        opened(f'[mcp.x]\nurl = "{server.origin}/mcp"\n').listing()


def test_headers_cmd_must_print_headers(server, opened):
    tool = opened(f'[mcp.x]\nurl = "{server.origin}/mcp"\nheaders_cmd = "echo secret"\n')
    with pytest.raises(CredentialsError, match=r"must print NAME: VALUE") as error:
        tool.listing()
    assert "secret" not in error.value.message
    assert not server.requests
