"""What may run, and running it side by side."""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hfs_cli.config import Config
from hfs_cli.config.tools import configured_tools
from hfs_cli.errors import ConfigError, NotFoundError, StoreError, UsageError
from hfs_cli.messages import Call
from hfs_cli.tools.choose import open_toolbox
from hfs_cli.tools.tool import Result
from hfs_cli.tools.toolbox import MAX_TOOLS, Toolbox


class Fake:
    """A tool whose calls last until the test lets them go."""

    confirm = False
    description = "A test."

    def __init__(self, label="it", parameters=None, *, parallel=True):
        self.label = label
        self.parameters = {"type": "object"} if parameters is None else parameters
        self.parallel = parallel
        self.begun = threading.Semaphore(0)
        self.go = threading.Semaphore(0)

    def call(self, arguments, seconds, stopped):
        self.begun.release()
        while not self.go.acquire(timeout=0.01):
            if stopped():
                return Result("broken off", failed=True)
        return Result(f"{self.label} {arguments}")


def toolbox(*tools, seconds=None) -> Toolbox:
    return Toolbox(tools, (), None, seconds)


def refusal(box: Toolbox, name: str, arguments: str = "{}"):
    return box.refusals([Call("1", name, arguments)])[0]


SCHEMA = {
    "type": "object",
    "properties": {"path": {"type": "string", "pattern": "^[a-z]+$"}},
    "required": ["path"],
}


def test_what_was_not_named_is_refused_with_what_was():
    said = refusal(toolbox(Fake("lines"), Fake("files:read")), "files__write")
    assert said == "files:write is not allowed in this turn, which has: lines, files:read"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ('{"path": "abc"}', None),
        ("", "at $: 'path' is a required property"),
        ('{"path": 7}', "do not fit its schema at $.path"),
        ('{"path": "../x"}', "does not match"),
        ("[1]", "are not a JSON object"),
        ("{", "are not JSON"),
        ('{"path": NaN}', "are not JSON"),
        ('{"path": ' + "[" * 50_000, "are not JSON"),
        ('{"path": "' + "x" * 1_000_001 + '"}', "are over 1,000,000 characters"),
    ],
)
def test_arguments_are_held_against_the_schema_before_anything_runs(arguments, says):
    said = refusal(toolbox(Fake(parameters=SCHEMA)), "it", arguments)
    assert (said is None) if says is None else says in said


def test_a_pattern_that_takes_years_is_given_up(monkeypatch):
    monkeypatch.setattr("hfs_cli.json_schema.CHECK_SECONDS", 0.2)
    schema = {"type": "object", "properties": {"x": {"type": "string", "pattern": "^(a+)+$"}}}
    said = refusal(toolbox(Fake(parameters=schema)), "it", '{"x": "%s!"}' % ("a" * 40))
    assert "a pattern in it takes too long" in said


def elsewhere(work):
    """What a function returns in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def test_a_pattern_that_takes_years_is_given_up_in_any_thread_and_holds_up_no_other(monkeypatch):
    """As of the turns of a batch; a pattern that were tried here would stop all of them."""
    monkeypatch.setattr("hfs_cli.json_schema.CHECK_SECONDS", 1.0)
    schema = {"type": "object", "properties": {"x": {"type": "string", "pattern": "^(a+)+$"}}}
    box = toolbox(Fake(parameters=schema))
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(refusal, box, "it", '{"x": "%s!"}' % ("a" * 40))
        turns = 0
        while not asked.done():
            time.sleep(0.01)
            turns += 1
    assert turns > 5
    assert "could not be checked against the schema within 1 s" in asked.result()
    assert elsewhere(lambda: refusal(box, "it", '{"x": "aaa"}')) is None
    assert "does not match" in elsewhere(lambda: refusal(box, "it", '{"x": "b"}'))


def test_a_schema_with_a_pattern_that_cannot_be_used_is_told_in_any_thread():
    box = toolbox(Fake(parameters={"type": "object", "pattern": "("}))
    assert "is not a 'regex'" in elsewhere(lambda: refusal(box, "it"))


@pytest.mark.parametrize(
    "schema",
    [{"type": "objekt"}, {"$ref": "http://127.0.0.1:1/x"}, {"pattern": "("}, {"$schema": "x"}],
)
def test_a_servers_schema_that_cannot_be_used_refuses_its_tool(schema):
    assert "cannot be used" in refusal(toolbox(Fake(parameters=schema)), "it")


def test_names_are_such_that_every_vendor_takes_them():
    labels = ["files:read.text", "files:read_text", "f:" + "x" * 90, "f:" + "x" * 91, "plain"]
    names = [spec.name for spec in toolbox(*map(Fake, labels)).specs]
    assert names[0] == "files__read_text"
    assert names[4] == "plain"
    assert len(set(names)) == 5
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in names)


def test_too_many_tools_for_a_request_are_refused():
    with pytest.raises(UsageError, match="129 tools are too many"):
        toolbox(*(Fake(f"t{n}") for n in range(MAX_TOOLS + 1)))


def run(box: Toolbox, calls):
    """Run in a thread, as a turn does; what happened, in order."""
    told: list = []
    thread = threading.Thread(
        target=lambda: box.run(
            [Call(str(n), name, "{}") for n, name in enumerate(calls)],
            lambda place: told.append(("started", place)),
            lambda place, text, failed: told.append(("ended", place, text, failed)),
        )
    )
    thread.start()
    return thread, told


def test_four_run_at_once_and_the_fifth_waits():
    tool = Fake()
    thread, told = run(toolbox(tool), ["it"] * 6)
    for _ in range(4):
        assert tool.begun.acquire(timeout=120)
    assert not tool.begun.acquire(timeout=0.2)
    tool.go.release()
    assert tool.begun.acquire(timeout=120)
    tool.go.release(5)
    thread.join(10)
    assert sorted(t[1] for t in told if t[0] == "ended") == [0, 1, 2, 3, 4, 5]
    assert [t[1] for t in told if t[0] == "started"] == [0, 1, 2, 3, 4, 5]


def test_one_that_must_not_runs_beside_nothing():
    tool, alone = Fake("it"), Fake("alone", parallel=False)
    thread, told = run(toolbox(tool, alone), ["it", "alone", "it"])
    assert tool.begun.acquire(timeout=120)
    assert not alone.begun.acquire(timeout=0.2)
    tool.go.release()
    assert alone.begun.acquire(timeout=120)
    assert not tool.begun.acquire(timeout=0.2)
    alone.go.release()
    tool.go.release()
    thread.join(10)
    places = [t[:2] for t in told]
    assert places == [(what, n) for n in range(3) for what in ("started", "ended")]


def test_closing_ends_what_runs_and_tells_nothing_of_it():
    tool = Fake()
    box = toolbox(tool)
    thread, told = run(box, ["it"] * 6)
    assert tool.begun.acquire(timeout=120)
    box.close()
    box.close()
    thread.join(10)
    assert not thread.is_alive()
    assert not [t for t in told if t[0] == "ended"]


def test_a_call_that_cannot_be_kept_does_not_run():
    tool = Fake()

    def refuse(_):
        raise StoreError("the disk is full")

    with pytest.raises(StoreError):
        toolbox(tool).run([Call("1", "it")], refuse, lambda *_: None)
    assert not tool.begun.acquire(timeout=0.2)


# --- from names to tools ---------------------------------------------------------------


def config(tmp_path, programs=None, servers=None) -> Config:
    return Config(
        file=tmp_path / "config.toml",
        data_dir=Path(tmp_path),
        programs=programs or {},
        servers=servers or {},
    )


CAT = {"command": ["cat"], "description": "Give back what comes."}


def choose(settings: Config, *names: str, confirm=False) -> Toolbox:
    return open_toolbox(configured_tools(settings), names, (), confirm=confirm)


def test_only_what_is_named_is_there(tmp_path):
    box = choose(config(tmp_path, {"a": CAT, "b": CAT}), "b", "b")
    assert [spec.name for spec in box.specs] == ["b"]


@pytest.mark.parametrize(
    ("name", "says"),
    [("lin", "did you mean lines"), ("lines:x", "no MCP server 'lines'"), ("", "no tool ''")],
)
def test_a_name_that_is_not_there_is_answered_with_the_near_one(tmp_path, name, says):
    with pytest.raises(NotFoundError, match=says):
        choose(config(tmp_path, {"lines": CAT}), name)


def test_a_tool_that_must_be_asked_about_needs_a_terminal(tmp_path):
    settings = config(tmp_path, {"danger": {**CAT, "confirm": True}, "lines": CAT})
    choose(settings, "lines")
    with pytest.raises(UsageError, match="danger asks before a call, and there is no terminal"):
        choose(settings, "lines", "danger")
    with pytest.raises(UsageError, match="--confirm asks before a call"):
        choose(settings, "lines", confirm=True)


@pytest.mark.parametrize(
    ("programs", "servers", "says"),
    [
        ({"a b": CAT}, {}, "cannot be the name of a tool"),
        ({"a__b": CAT}, {}, "cannot be the name of a tool"),
        ({"x" * 65: CAT}, {}, "cannot be the name of a tool"),
        ({"a": CAT}, {"a": {"command": "x"}}, "rename one"),
        ({"web-search": CAT}, {}, "rename it"),
        ({"a": {"command": "cat"}}, {}, "must be a list of strings"),
        ({"a": {**CAT, "shell": True}}, {}, "unknown key 'shell'"),
        ({"a": {**CAT, "timeout": 0}}, {}, "must be a number of seconds"),
        ({"a": {**CAT, "env": ["A=B"]}}, {}, "must be a list of variable names"),
        ({"a": 7}, {}, "must be a table"),
    ],
)
def test_a_table_that_cannot_be_used_is_named(tmp_path, programs, servers, says):
    with pytest.raises(ConfigError, match=says):
        choose(config(tmp_path, programs, servers), "a")
