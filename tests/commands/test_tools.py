"""`hfs tools`, its part of `hfs doctor`, and Tab: what is configured, tried by hand."""

from __future__ import annotations

import json
import sys

import pytest

from tests.tools.conftest import scripted

__all__ = ["scripted"]

PROGRAMS = """\
[tools.again]
command = ["cat"]
description = "Give back what comes."
[tools.lines]
command = ["sh", "-c", "echo seen; cat >&2; exit 3"]
description = "Count lines."
parameters = "path"
"""


@pytest.fixture
def tools(hfs, scripted):
    """The command with two programs and a scripted MCP server, and what they are named."""
    pytest.importorskip("mcp", reason="the extra mcp is not installed")
    hfs.configure(PROGRAMS + scripted.table())
    return hfs


def test_a_list_names_what_is_configured_and_starts_nothing(tools, scripted):
    lines = tools.ok("tools", "list").splitlines()
    assert [line.split("\t")[:2] for line in lines] == [
        ["again", "program"],
        ["lines", "program"],
        ["scripted", "mcp"],
    ]
    assert scripted.heard("initialize") == 0


def test_a_list_that_probes_asks_each_server(tools, scripted):
    scripted.behave(tools=["read", "write"])
    assert "scripted:write\ttool\tThe tool write." in tools.ok("tools", "list", "--probe")
    # And what it said is known from then on.
    assert "scripted:write" in tools.ok("tools", "list", "scripted")
    assert scripted.heard("initialize") == 1


def test_a_list_as_json_has_the_schemas_and_where_they_came_from(tools):
    entries = {entry["name"]: entry for entry in json.loads(tools.ok("tools", "list", "--json"))}
    assert entries["lines"]["parameters"]["required"] == ["path"]
    assert entries["lines"]["origin"] == f"[tools.lines] of {tools.config}"
    assert entries["scripted"]["tools"] is None


def test_a_server_that_does_not_start_is_shown_and_the_exit_code_tells(tools):
    tools.configure(f'{PROGRAMS}[mcp.gone]\ncommand = "false"\n')
    done = tools("tools", "list", "--probe")
    assert done.returncode == 3
    assert b"again\tprogram" in done.stdout
    assert b"hfs: error: the MCP server gone ended with exit status 1" in done.stderr


def test_one_is_shown_with_its_schema(tools):
    shown = tools.ok("tools", "show", "lines")
    assert "description\tCount lines." in shown
    assert '"path"' in shown
    assert json.loads(tools.ok("tools", "show", "lines", "--json"))["kind"] == "program"


def test_a_tool_of_a_server_is_shown_once_it_is_known(tools):
    done = tools("tools", "show", "scripted:echo")
    assert done.returncode == 4
    assert b"hfs tools list --probe scripted" in done.stderr
    assert "The tool echo." in tools.ok("tools", "show", "scripted:echo", "--probe")
    assert tools.ok("tools", "list", "scripted:echo") == "scripted:echo\ttool\tThe tool echo.\n"


def test_a_call_by_hand_prints_the_result(tools):
    assert tools.ok("tools", "call", "again", '{"a": 1}') == '{"a": 1}\n'
    assert tools.ok("tools", "call", "scripted:echo", '{"a": 1}') == '{"a": 1}\n'


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("lines", '{"path": "x"}'), 5, b"lines failed"),
        (("lines", '{"path": 1}'), 2, b"do not fit its schema at $.path"),
        (("lines", "path"), 2, b"are not JSON: Expecting value at column 1 ("),
        (("scripted:nosuch",), 4, b"has no tool 'nosuch'"),
        (("nosuch",), 4, b"no tool 'nosuch'"),
    ],
)
def test_a_call_that_does_not_work_says_why(tools, words, code, says):
    done = tools("tools", "call", *words)
    assert done.returncode == code
    assert done.stdout == b""
    assert says in done.stderr.splitlines()[-1]


def test_a_call_of_a_server_with_several_tools_names_one(tools, scripted):
    scripted.behave(tools=["a", "b"])
    done = tools("tools", "call", "scripted")
    assert done.returncode == 2
    assert b"scripted has 2 tools: name one, scripted:TOOL" in done.stderr


def test_what_asks_before_it_runs_cannot_be_called_unattended(tools):
    tools.configure(
        f'{PROGRAMS}[tools.danger]\ncommand = ["cat"]\ndescription = "x"\nconfirm = true\n'
    )
    done = tools("tools", "call", "danger")
    assert done.returncode == 2
    assert b"there is no terminal to ask on" in done.stderr


def test_a_result_drives_no_terminal(tools, scripted):
    scripted.behave(on_call="error")
    done = tools("tools", "call", "scripted:echo")
    assert done.returncode == 5
    assert b"\x1b" not in done.stderr
    assert b"it \\x1b[31mwent\\x00 wrong" in done.stderr


def test_doctor_starts_each_server_and_says_what_it_offers(tools, scripted):
    scripted.behave(tools=["read", "write"])
    said = tools("doctor").stdout.decode()
    assert "tool again\tok\tcat\n" in said
    assert "tool scripted\tok\tscripted 1, 2 tools: scripted:read, scripted:write\n" in said
    tools.configure(f'{PROGRAMS}[mcp.gone]\ncommand = "false"\n')
    done = tools("doctor")
    assert done.returncode == 3
    assert b"tool gone\t!!\tthe MCP server gone ended with exit status 1" in done.stdout


def test_tab_knows_programs_servers_and_their_tools(tools):
    def names(prefix: str) -> list[str]:
        said = tools.ok("__complete", "tools", prefix)
        return [line.partition("\t")[0] for line in said.splitlines()]

    assert names("") == ["again", "lines", "scripted", "code-execution", "web-search"]
    tools.ok("tools", "list", "--probe")
    assert names("scr") == ["scripted", "scripted:echo"]


def test_tables_are_set_read_and_refused_as_other_settings(hfs):
    hfs.ok("config", "set", "tools.lines.command", '["wc", "-l"]')
    hfs.ok("config", "set", "tools.lines.description", "Count.")
    hfs.ok("config", "set", "profiles.work.tool", "lines")
    assert hfs.ok("config", "get", "tools.lines.command") == '["wc", "-l"]\n'
    assert hfs.ok("config", "get", "tool", env={"HFS_PROFILE": "work"}) == '["lines"]\n'
    for key, value, says in (
        ("tools.lines.timeout", "-1", b"must be a number of seconds"),
        ("tools.lines.shell", "true", b"unknown key 'shell'"),
        ("mcp.lines.command", "x", b"rename one"),
        ("tool", "lines", b"stands outside a profile"),
        ("max_steps", "0", b"must be a whole number from 1"),
    ):
        done = hfs("config", "set", key, value)
        assert done.returncode == 3, key
        assert says in done.stderr, key


def test_a_mistake_in_a_table_of_tools_stops_no_other_command(hfs):
    hfs.configure("[tools.x]\nnonsense = 1\n")
    assert hfs.ok("sessions", "list") == ""
    assert hfs("tools", "list").returncode == 3
    assert hfs("config", "list").returncode == 3


def test_no_definition_is_read_from_the_current_directory(hfs, tmp_path):
    for name in ("config.toml", ".mcp.json", "mcp.json", "hfs.toml"):
        (tmp_path / name).write_text(PROGRAMS)
    script = f"import os; os.chdir({str(tmp_path)!r}); from hfs_cli.__main__ import main; main()"
    hfs.argv = (sys.executable, "-c", script)
    assert hfs.ok("tools", "list") == ""
