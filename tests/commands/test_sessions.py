"""Resume, rename, delete, list and show from outside."""

import json
import os
import sqlite3
import subprocess
from contextlib import closing

import pytest

from tests.benchmarks.databases import make_database
from tests.scripted_server import openai_sse


@pytest.fixture
def kept(chat, server):
    """`hfs` with three sessions: one (used last), two and three."""
    server.always(openai_sse("ok"))
    for name in ("three", "two", "one"):
        chat.keep(name, "hi", "ok")
    return chat


def names(hfs):
    return [session["name"] for session in json.loads(hfs.ok("sessions", "list", "--json"))]


def test_the_list_is_newest_use_first_in_stable_columns(kept):
    rows = [line.split("\t") for line in kept.ok("sessions", "list").splitlines()]
    assert [row[:4] for row in rows] == [
        ["3", "one", "test/m", "2"],
        ["2", "two", "test/m", "2"],
        ["1", "three", "test/m", "2"],
    ]
    assert kept.ok("sessions", "list", "--ids", "--limit", "2") == "3\n2\n"


def test_the_list_is_filtered(kept):
    assert kept.ok("sessions", "list", "--query", "t", "--ids") == "2\n1\n"
    assert kept.ok("sessions", "list", "--query", "%", "--ids") == ""
    assert kept.ok("sessions", "list", "--model", "test/m", "--ids") == "3\n2\n1\n"
    assert kept.ok("sessions", "list", "--model", "other", "--ids") == ""
    assert kept.ok("sessions", "list", "--since", "1h", "--ids") == "3\n2\n1\n"
    assert kept.ok("sessions", "list", "--since", "2100-01-01", "--ids") == ""
    assert kept("sessions", "list", "--since", "soon").returncode == 2
    assert kept("sessions", "list", "--since", "999999w").returncode == 2


@pytest.mark.parametrize(
    ("options", "count"),
    [((), 30), (("--ids",), 30), (("--since", "1w"), 30), (("--query", "..."), 29)],
)
def test_off_a_terminal_the_list_is_of_all_sessions(hfs, options, count):
    make_database(hfs.database, 30)
    assert hfs.ok("sessions", "list", *options).count("\n") == count
    assert hfs.ok("sessions", "list", *options, "--limit", "20").count("\n") == 20
    assert len(json.loads(hfs.ok("sessions", "list", "--json"))) == 30


def test_the_json_shape(kept):
    first = json.loads(kept.ok("sessions", "list", "--json"))[0]
    assert list(first)[:7] == ["id", "uid", "name", "model", "messages", "created_at", "updated_at"]


def test_reading_without_a_database_is_empty_and_creates_nothing(hfs):
    assert hfs.ok("sessions", "list") == ""
    assert json.loads(hfs.ok("sessions", "list", "--json")) == []
    assert hfs("sessions", "show").returncode == 4
    assert hfs("resume", "x").returncode == 4
    assert not hfs.data.exists()


def test_resume_with_a_prompt_takes_the_next_turn(kept, server):
    assert kept.ok("resume", "two", "and", "more") == "ok\n"
    assert [m["content"] for m in server.requests[-1].json["messages"]] == ["hi", "ok", "and more"]
    assert names(kept)[0] == "two"
    assert kept.ok("resume", "thr", stdin=b"piped") == "ok\n"
    assert server.requests[-1].json["messages"][-1]["content"] == "piped"


def test_resume_without_a_prompt_shows_and_makes_current(kept, server):
    shown = kept.ok("resume", "three")
    assert "hi" in shown
    assert "ok" in shown
    assert server.requests == []
    kept.ok("chat", "-c", "next")
    assert names(kept)[0] == "three"


def test_resume_never_hangs_on_a_silent_pipe(kept, server):
    process = kept.start("resume", "two", stdin=subprocess.PIPE)
    # The pipe stays open and silent: the transcript comes all the same.
    assert b"hi" in process.stdout.read()
    process.stdin.close()
    assert process.wait() == 0
    process.stdout.close()
    process.stderr.close()
    assert server.requests == []


def test_rename_takes_one_argument_or_two(kept):
    kept.ok("rename", "uno")
    kept.ok("rename", "two", "dos")
    kept.ok("rename", "1", "tres")
    assert names(kept) == ["uno", "dos", "tres"]


@pytest.mark.parametrize("name", ["", "12", "@x", "-x", "a\nb", "x" * 256, "\x1b[31m"])
def test_a_name_that_cannot_be_used_is_refused(kept, name):
    done = kept("rename", "two", "--", name)
    assert done.returncode == 2
    assert b"\x1b" not in done.stderr
    assert names(kept) == ["one", "two", "three"]


def test_a_taken_name_is_refused(kept):
    assert kept("rename", "two", "one").returncode == 2
    assert kept("chat", "-n", "one", "hi").returncode == 2
    assert names(kept) == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("ref", "says"), [("nothing", "nothing"), ("t", "two"), ("99", "99"), ("@last~9", "@last~9")]
)
def test_a_reference_that_fits_none_or_several_changes_nothing(kept, ref, says):
    for args in (["rename", ref, "new"], ["delete", ref, "--yes"], ["resume", ref]):
        done = kept(*args)
        assert done.returncode == 4
        assert says in done.stderr.decode()
    assert names(kept) == ["one", "two", "three"]


def test_delete_needs_yes_off_a_terminal(kept):
    done = kept("delete", "two")
    assert (done.returncode, names(kept)) == (2, ["one", "two", "three"])
    assert b"--yes" in done.stderr
    kept.ok("delete", "two", "1", "--yes")
    assert names(kept) == ["one"]


def test_one_bad_reference_deletes_nothing(kept):
    assert kept("delete", "one", "nothing", "--yes").returncode == 4
    assert names(kept) == ["one", "two", "three"]


def test_delete_by_age_and_all(kept):
    assert kept.ok("delete", "--older-than", "1h", "--yes") == ""
    assert kept.ok("delete", "--all", "--dry-run") == "3\tone\n2\ttwo\n1\tthree\n"
    assert names(kept) == ["one", "two", "three"]
    assert kept("delete", "--older-than", "soon", "--yes").returncode == 2
    assert kept("delete", "--yes").returncode == 2
    assert kept.ok("delete", "--all", "--keep", "1", "--dry-run") == "2\ttwo\n1\tthree\n"
    assert kept("delete", "one", "--keep", "1", "--yes").returncode == 2
    kept.ok("delete", "--all", "--yes")
    assert names(kept) == []


def test_a_dry_run_names_what_was_set_aside_and_would_go_too(kept):
    tail = kept.ok("sessions", "undo", "one").strip()
    assert kept.ok("delete", "one", "--dry-run") == f"3\tone\n{tail}\tone (undone)\n"
    assert kept.ok("delete", "--all", "--dry-run").endswith(f"{tail}\tone (undone)\n")
    kept.ok("delete", "one", "--yes")
    assert kept("sessions", "show", tail).returncode == 4


def test_delete_by_age_takes_old_tails_and_spares_the_last_used(kept):
    tail = kept.ok("sessions", "undo", "one").strip()
    with closing(sqlite3.connect(kept.database)) as db, db:
        db.execute("UPDATE session SET updated_at = 0, created_at = 0")
    aged = ("sessions", "delete", "--older-than", "30d", "--keep", "1")
    assert kept.ok(*aged, "--dry-run").split() == [
        tail,
        "one",
        "(undone)",
        "1",
        "three",
        "2",
        "two",
    ]
    kept.ok(*aged, "--yes")
    assert names(kept) == ["one"]
    assert kept("sessions", "show", tail).returncode == 4


def test_evil_names_are_literal(kept):
    for name in ("[/foo] [bold]x", "'; DROP TABLE session;--", "%_\\", ":smile: \u05d0"):
        kept.ok("rename", name)
        assert names(kept)[0] == name
        kept.ok("resume", name)


def test_files_are_the_owners_alone(chat, server):
    server.reply(openai_sse("ok"))
    before = os.umask(0)
    try:
        chat.ok("chat", "hi")
    finally:
        os.umask(before)
    assert chat.data.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in chat.data.iterdir()} == {0o600}


def test_the_last_reply_is_shown_again(kept, tmp_path):
    reply = "so:\n```sh\nls\n```\nand\n```\nrm\n```"
    kept.keep("code", "how?", reply)
    assert kept.ok("sessions", "show", "-r") == reply + "\n"
    assert kept.ok("sessions", "show", "one", "--reply") == "ok\n"
    assert kept.ok("sessions", "show", "-r", "-x") == "ls\n"
    assert kept.ok("sessions", "show", "-r", "--extract-last") == "rm\n"
    file = tmp_path / "x.sh"
    kept.ok("sessions", "show", "-r", "-x", "-O", str(file))
    assert file.read_text() == "ls\n"
    assert kept("sessions", "show", "-r", "-O", str(file)).returncode == 2
    kept.ok("sessions", "show", "-r", "-O", str(file), "--force", env={"HFS_SESSION": "one"})
    assert file.read_text() == "ok\n"
    assert kept("sessions", "show", "one", "-r", "-x").returncode == 5
    for wrong in (["-x"], ["-O", "y"], ["-r", "--json"], ["-r", "--force"]):
        assert kept("sessions", "show", *wrong).returncode == 2, wrong


def test_a_partial_reply_is_shown_with_a_warning_and_no_script_is_taken_out_of_it(kept, server):
    server.reply(openai_sse("```sh\nrm -r x", finish=None, done=False))
    assert kept("chat", "-n", "cut", "hi").returncode == 7
    done = kept("sessions", "show", "-r")
    assert (done.returncode, done.stdout) == (0, b"```sh\nrm -r x\n")
    assert b"partial" in done.stderr
    done = kept("sessions", "show", "-r", "-x")
    assert (done.returncode, done.stdout) == (7, b"")


def test_a_session_without_a_reply_has_none_to_show(kept, server):
    server.reply(status=400, body=b"no")
    assert kept("chat", "-n", "empty", "hi").returncode == 5
    assert kept("sessions", "show", "empty", "-r").returncode == 4
