"""What each command loads: start-up time is a feature, and modules are what it is made of."""

from __future__ import annotations

import sys

import pytest

from tests.benchmarks.databases import make_database
from tests.benchmarks.house import loaded_by_a_chat
from tests.providers.formats.talks import reply
from tests.scripted_server import openai_sse

# Heavy, or the beginning of something heavy.
HEAVY = {
    "asyncio", "click", "h11", "hfs_cli.compose.tools", "hfs_cli.config.tools",
    "hfs_cli.json_schema", "hfs_cli.known_models", "hfs_cli.messages", "hfs_cli.processes",
    "hfs_cli.redact", "hfs_cli.tools", "hfs_cli.turn.calls", "hfs_cli.turn.redact", "httpcore",
    "httpx", "httpx._main", "jsonschema", "markdown_it", "mcp", "peewee", "platformdirs",
    "playhouse", "psycopg", "pygments", "rich", "tomlkit", "tomllib", "typing", "unittest",
    "xllamacpp", "yaml",
}  # fmt: skip
CORE = {"click", "typing"}
LISTS = CORE | {"peewee", "hfs_cli.messages"}

# The command with what is loaded at its end told on standard error, and without the .pth
# files of the environment that the tests run in.
_START = f"""
import atexit, sys
sys.path += {[path for path in sys.path if path]!r}
def told():
    print(*sys.modules, file=sys.stderr)
    if "ssl" in sys.modules:
        import gc
        contexts = [o for o in gc.get_objects() if isinstance(o, sys.modules["ssl"].SSLContext)]
        loaded = [c.cert_store_stats() for c in contexts if c.get_ca_certs()]
        print(*loaded, file=sys.stderr, end="")
atexit.register(told)
from hfs_cli.__main__ import main
sys.argv[0] = "hfs"
main()
"""


@pytest.fixture
def loaded(hfs):
    """Run a command; which heavy modules it has loaded in the end."""
    hfs.argv = (sys.executable, "-S", "-c", _START)

    def run(*args: str) -> set[str]:
        done = hfs(*args)
        assert done.returncode == 0, done.stderr
        modules, _, contexts = done.stderr.decode().partition("\n")
        assert not contexts, "certificate authorities were loaded"
        return {name for name in modules.split() if name in HEAVY}

    return run


def test_the_version_loads_nothing(loaded):
    assert loaded("--version") == set()


@pytest.mark.parametrize("kind", ["sessions", "checkpoints"])
def test_tab_on_a_session_loads_sqlite_alone(loaded, kind):
    assert loaded("__complete", kind, "x") == set()


def test_tab_on_a_message_loads_sqlite_and_what_knows_keys(hfs, loaded):
    make_database(hfs.database, 1)
    assert loaded("__complete", "messages", "", "hfs", "chat", "--at") <= {
        "hfs_cli.redact",
        "typing",
    }


def test_tab_on_a_placeholder_loads_neither_click_nor_peewee(loaded):
    typed = ("hfs", "chat", "-t", "translate", "-p")
    assert loaded("__complete", "placeholders", "", *typed) <= {"tomllib", "typing"}


@pytest.mark.parametrize("kind", ["models", "providers", "settings"])
def test_tab_on_a_setting_loads_neither_click_nor_peewee(hfs, loaded, kind):
    hfs.configure('model = "local/smollm2"\n')
    allowed = {"tomllib", "typing", "hfs_cli.messages", "hfs_cli.config.tools"}
    assert loaded("__complete", kind, "") <= allowed


@pytest.mark.parametrize("noun", [(), ("chat",), ("sessions",), ("models",), ("keys",)])
def test_help_loads_click_alone(loaded, noun):
    assert loaded(*noun, "--help") == CORE


def test_the_completion_script_loads_click_alone(loaded):
    assert loaded("completion", "bash") == CORE


@pytest.mark.parametrize("form", [(), ("--ids",), ("--json",), ("--all",)])
def test_a_list_off_a_terminal_loads_the_database_alone(hfs, loaded, form):
    make_database(hfs.database, 3)
    assert loaded("sessions", "list", *form) == LISTS


def test_making_a_database_loads_its_migrations_and_no_driver_of_a_server(loaded):
    assert loaded("sessions", "list") == LISTS | {"playhouse"}


def test_a_chat_in_a_pipe_loads_the_network_without_tls_and_no_terminal(hfs, loaded, server):
    hfs.configure(f'[providers.mock]\ntype = "openai"\nbase_url = "{server.url}"\n')
    for _ in range(2):  # the first one makes the database
        server.reply(openai_sse("hello"))
        found = loaded("chat", "-m", "mock/m", "hi")
    assert found == LISTS | {"httpx", "httpcore", "h11", "tomllib"}


def test_what_is_known_of_models_is_read_only_for_the_limit_that_a_format_demands(
    hfs, loaded, server
):
    hfs.configure(f'[providers.mock]\ntype = "anthropic"\nbase_url = "{server.url}"\n')
    for _ in range(2):  # the first one makes the database
        server.reply(reply("anthropic", "hello"))
        limited = loaded("chat", "-m", "mock/m", "--max-tokens", "50", "hi")
    assert "hfs_cli.known_models" not in limited
    server.reply(reply("anthropic", "hello"))
    assert loaded("chat", "-m", "mock/m", "hi") - limited == {"hfs_cli.known_models"}
    assert server.requests[-1].json["max_tokens"] == 8192


def test_tools_that_are_configured_and_not_named_load_nothing(hfs, loaded, server):
    hfs.configure(
        f'[providers.mock]\ntype = "openai"\nbase_url = "{server.url}"\n'
        '[tools.again]\ncommand = ["cat"]\ndescription = "x"\n[mcp.files]\ncommand = "cat"\n'
    )
    for _ in range(2):  # the first one makes the database
        server.reply(openai_sse("hello"))
        found = loaded("chat", "-m", "mock/m", "hi")
    assert found == LISTS | {"httpx", "httpcore", "h11", "tomllib"}
    assert loaded("__complete", "tools", "") == {"tomllib", "typing"}


def test_a_chat_in_a_pipe_loads_few_modules_of_our_own():
    """Each costs every start 0.3 ms: load what a plain chat does not need when it is needed."""
    assert len(loaded_by_a_chat()) <= 60
