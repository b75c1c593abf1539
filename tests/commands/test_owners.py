"""Several people and one database, as each of them types."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from click import Context

from hfs_cli.commands.sessions import sessions
from hfs_cli.config.database import login_name
from hfs_cli.errors import ConfigError
from tests.scripted_server import openai_sse
from tests.store.places import open_place
from tests.store.talking import Talk

ANN, BOB = {"HFS_USER": "ann"}, {"HFS_USER": "bob"}


def said(done: subprocess.CompletedProcess[bytes]) -> str:
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("hfs: error: ")
    return line.removeprefix("hfs: error: ")


@pytest.fixture
def team(chat, server, postgres_databases):
    """Each has a session "notes"; ann's "plan" is 2, and bob's is 3."""
    server.always(openai_sse("about the walrus"))
    with postgres_databases.new() as database:
        chat.env["HFS_DATABASE"] = database.where
        for owner, name in (("ann", "notes"), ("ann", "plan"), ("bob", "notes")):
            with open_place(database.where, owner=owner) as store:
                talk = Talk(store)
                talk.turn(f"{name} of {owner}", "about the walrus", name=name, model="test/m")
        yield chat


def listed(team, *args: str, env: dict[str, str]) -> list[str]:
    rows = team.ok("sessions", "list", *args, env=env).splitlines()
    return [row.split("\t")[1] for row in rows]


def test_each_continues_lists_finds_and_completes_his_own(team):
    team.ok("chat", "-c", "more", env=BOB)
    team.ok("chat", "-c", "more", env=ANN)
    assert (listed(team, env=ANN), listed(team, env=BOB)) == (["plan", "notes"], ["notes"])
    (session,) = json.loads(team.ok("sessions", "list", "--json", env=BOB))
    assert (session["id"], session["messages"], session["owner"]) == (3, 4, "bob")
    assert team.ok("sessions", "show", "@last", "--json", env=BOB) == team.ok(
        "sessions", "show", "not", "--json", env=BOB
    )
    found = team.ok("sessions", "search", "walrus", env=BOB).splitlines()
    assert {row.partition("\t")[0] for row in found} == {"3"}
    assert team.ok("__complete", "sessions", "", env=BOB).startswith("3\tnotes · ")
    at = ("__complete", "messages", "", "hfs", "chat", "-S", "notes", "--at")
    assert team.ok(*at, env=BOB).endswith("2\tassistant: about the walrus\n1\tuser: notes of bob\n")
    assert "plan of ann" not in team.ok("sessions", "export", "--all", env=BOB)
    assert team.ok("sessions", "stats", "--by", "session", env=BOB).startswith("notes\t2\t")


def test_anothers_is_refused_until_it_is_said_whose_it_is(team):
    for command in (
        ("rename", "2", "mine"),
        ("delete", "2", "--yes"),
        ("chat", "-S", "2", "go on"),
        ("sessions", "undo", "2"),
        ("sessions", "show", "2"),
    ):
        done = team(*command, env=BOB)
        assert done.returncode == 4
        assert said(done) == "session 2 is ann's: add --owner ann if that is meant"
    done = team("rename", "plan", "mine", env=BOB)
    assert (done.returncode, "ann has one (2)" in said(done)) == (4, True)
    # HFS_SESSION says which, and not whose.
    assert team("chat", "go on", env=BOB | {"HFS_SESSION": "2"}).returncode == 4
    team.ok("rename", "--owner", "ann", "plan", "the plan", env=BOB)
    team.ok("chat", "--owner", "ann", "-S", "the plan", "go on", env=BOB)
    team.ok("chat", "--owner", "ann", "-n", "new", "hi", env=BOB)
    team("delete", "--owner", "ann", "notes", "--yes", env=BOB)
    assert (listed(team, env=ANN), listed(team, env=BOB)) == (["new", "the plan"], ["notes"])


def test_everybodys_are_looked_at_and_not_changed(team):
    every = ("--all-owners",)
    rows = team.ok("sessions", "list", *every, env=BOB).splitlines()
    assert [row.split("\t")[::6] for row in rows] == [["3", "bob"], ["2", "ann"], ["1", "ann"]]
    owners = [s["owner"] for s in json.loads(team.ok("sessions", "list", *every, "--json"))]
    assert owners == ["bob", "ann", "ann"]
    hits = json.loads(team.ok("sessions", "search", "of bob", *every, "--json"))
    assert [(hit["session_id"], hit["owner"]) for hit in hits] == [(3, "bob")]
    found = team.ok("sessions", "search", "walrus", *every).splitlines()
    assert {(row.split("\t")[0], row.split("\t")[-1]) for row in found} == {
        *(("1", "ann"), ("2", "ann"), ("3", "bob")),
    }
    assert "of bob" in team.ok("sessions", "show", "3", *every, env=ANN)
    done = team("sessions", "show", "notes", *every)
    assert done.returncode == 4
    assert '"notes" (1 of ann), "notes" (3 of bob)' in said(done)
    assert len(team.ok("sessions", "export", "--all", "--format", "jsonl", *every).split("\n")) == 5
    assert team("rename", *every, "3", "x").returncode == 2
    assert team("chat", *every, "hi").returncode == 2
    done = team("sessions", "list", "--owner", "ann", *every)
    assert (done.returncode, "exclude each other" in said(done)) == (2, True)


def test_a_list_of_everybodys_has_a_column_for_whose(team, on_terminal):
    head, *rows = on_terminal("sessions", "list", "--all-owners").lines
    assert head.split()[:3] == ["ID", "OWNER", "NAME"]
    assert [row.split()[:3] for row in rows[:3]] == [
        *(["3", "bob", "notes"], ["2", "ann", "plan"], ["1", "ann", "notes"]),
    ]
    assert "OWNER" not in on_terminal("sessions", "list", env=ANN).lines[0]
    (line,) = on_terminal("sessions", "search", "bob", "--all-owners").lines
    assert line.split()[:2] == ["bob", "3·1"]


def test_a_user_is_set_in_the_file_too_and_is_the_login_name_otherwise(team):
    team.config.write_text('user = "ann"\n' + team.config.read_text())
    assert listed(team, env={}) == ["plan", "notes"]
    assert listed(team, env=BOB) == ["notes"]
    team.config.write_text(team.config.read_text().replace('user = "ann"\n', ""))
    assert listed(team, env={"LOGNAME": "bob"}) == ["notes"]


@pytest.mark.parametrize("name", ["", " ", "two\nlines", "\x1b[2J", "x" * 64])
def test_what_cannot_be_a_name_is_refused(hfs, name):
    done = hfs("sessions", "list", "--owner", name)
    assert done.returncode == 2
    assert "must be a name of 1 to 63 bytes" in said(done)


def test_where_the_machine_has_no_name_for_a_user_it_has_to_be_said(monkeypatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)  # as in a container: in no list of users
    with pytest.raises(ConfigError, match="set HFS_USER"):
        login_name()


@pytest.mark.parametrize("option", [("--owner", "ann"), ("--all-owners",)])
def test_in_a_file_nobody_else_can_be_meant(hfs, option):
    for command in (("sessions", "list"), ("sessions", "search", "x"), ("sessions", "show")):
        done = hfs(*command, *option)
        assert done.returncode == 2
        assert said(done).endswith(
            f"is a file, in which all sessions are yours: leave out {option[0]}"
        )
    assert hfs.ok("sessions", "list", env=ANN) == ""


@pytest.mark.parametrize("name", sessions.list_commands(Context(sessions)))
def test_each_command_about_sessions_can_be_about_anothers(name):
    command = sessions.get_command(Context(sessions), name)
    assert command is not None
    options = {word for param in command.params for word in param.opts}
    assert "--owner" in options, "hfs_cli.groups.owner_options adds it"


def test_in_a_file_nothing_has_an_owner(hfs):
    hfs.keep("notes", "about the walrus", "yes")
    assert "owner" not in hfs.ok("sessions", "list", "--json")
    assert "owner" not in hfs.ok("sessions", "search", "walrus", "--json")


def test_a_template_does_not_keep_whose_session_it_was_written_in(team):
    done = team("chat", "--owner", "ann", "--save-template", "mine", "hi", env=BOB)
    assert (done.returncode, b"a template cannot hold --owner" in done.stderr) == (2, True)
    assert team("templates", "show", "mine").returncode == 4
