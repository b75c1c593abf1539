"""Many processes, one database; locks, deletions and full disks."""

import json
import os
import resource
import subprocess
import threading

import pytest

from tests.conftest import UNMEASURED
from tests.scripted_server import STALL, Await, openai_sse

PROCESSES = int(os.environ.get("HFS_TEST_PROCESSES", "20"))


def echo(request):
    return openai_sse(f"re: {request.json['messages'][-1]['content']}")


def failed(ended):
    """What those said that did not end well."""
    return [(code, error.decode()) for (_, error), code in ended if code]


def run_all(hfs, commands):
    # Of many processes that do the same, coverage is measured of the first.
    first, *others = commands
    processes = [hfs.start(*first), *(hfs.start(*command, env=UNMEASURED) for command in others)]
    return [(p.communicate(), p.returncode) for p in processes]


def test_parallel_chats_on_a_cold_start_all_land(chat, server, databases):
    server.always(echo)
    with databases.bare() as database:
        chat.env["HFS_DATABASE"] = database.where
        ended = run_all(chat, [("chat", f"q{n}") for n in range(PROCESSES)])
        assert failed(ended) == []
        assert sorted(out for (out, _), _ in ended) == sorted(
            f"re: q{n}\n".encode() for n in range(PROCESSES)
        )
        assert database.count("message") == 2 * PROCESSES
        with database.open() as store:
            assert store.check() == []


def test_parallel_turns_in_one_session_never_mix(kept, server):
    server.always(echo)
    kept.ok("chat", "-n", "shared", "first")
    ended = run_all(kept, [("chat", "-S", "shared", f"q{n}") for n in range(PROCESSES)])
    assert failed(ended) == []
    shown = json.loads(kept.ok("sessions", "show", "shared", "--format", "json"))["messages"]
    assert len(shown) == 2 * PROCESSES + 2
    questions = {m["id"]: m["content"] for m in shown if m["role"] == "user"}
    replies = [m for m in shown if m["role"] == "assistant"]
    assert sorted(m["reply_to"] for m in replies) == sorted(questions)
    assert all(m["content"] == f"re: {questions[m['reply_to']]}" for m in replies)
    for request in server.requests:
        roles = [m["role"] for m in request.json["messages"]]
        assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]


def test_parallel_creation_by_name_makes_one_session(kept, server):
    server.always(echo)
    ended = run_all(kept, [("chat", "-S", "one", "--create", f"q{n}") for n in range(12)])
    assert failed(ended) == []
    assert [s["messages"] for s in json.loads(kept.ok("sessions", "list", "--json"))] == [24]


def test_parallel_renames_to_one_name_have_one_winner(kept, server):
    server.always(echo)
    for number in range(8):
        kept.keep(f"s{number}", "hi", "ok")
    ended = run_all(kept, [("rename", f"s{n}", "taken") for n in range(8)])
    assert sorted(code for _, code in ended) == [0] + [2] * 7
    names = [s["name"] for s in json.loads(kept.ok("sessions", "list", "--json"))]
    assert "taken" in names
    assert len(set(names)) == 8


def test_deleting_a_session_that_is_streamed_into_is_said(kept, server, database):
    gate = threading.Event()
    pieces = openai_sse(["first", " second"])
    server.reply([*pieces[:2], Await(gate), *pieces[2:]])
    process = kept.start("chat", "-n", "doomed", "hi")
    assert process.stdout.read(5) == b"first"
    kept.ok("delete", "doomed", "--yes")
    gate.set()
    out, error = process.communicate()
    assert (process.returncode, out) == (4, b" second\n")
    assert error.count(b"\n") == 1
    assert database.count("message") == 0


def test_another_writer_is_waited_for(kept, server, database):
    server.always(echo)
    kept.ok("chat", "hi")
    with database.locked():
        process = kept.start("chat", "waits")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.5)
        assert len(server.requests) == 1
    assert process.communicate()[0] == b"re: waits\n"
    assert process.returncode == 0


def test_writers_are_not_held_up_by_a_stream(kept, server, database):
    server.reply([*openai_sse("slow", finish=None, done=False), STALL])
    process = kept.start("chat", "-n", "slow", "hi")
    assert process.stdout.read(4) == b"slow"
    with database.open() as store:
        for number in range(50):
            store.rename(1, f"name {number}")
    process.terminate()
    process.communicate()
    assert process.returncode == 143


def test_a_full_disk_before_the_start_costs_no_request(chat, server, tmp_path):
    server.always(echo)
    chat.ok("chat", stdin=b"x" * 200_000)
    question = tmp_path / "question"
    question.write_text("y" * 120_000)

    def no_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    with question.open("rb") as stdin:
        process = chat.start("chat", stdin=stdin, preexec_fn=no_room)
        out, error = process.communicate()
    assert (process.returncode, out) == (8, b"")
    assert error.count(b"\n") == 1
    assert len(server.requests) == 1
    chat.ok("chat", "with room")


def test_a_full_disk_at_the_save_loses_no_reply(chat, server):
    chat.ok("sessions", "list")
    server.always(echo)
    chat.ok("chat", "hi")
    reply = "z" * 300_000
    server.reply(openai_sse("ignored"))
    chat.ok("chat", "ignored")
    server.reply(openai_sse(reply))

    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    process = chat.start("chat", "hi", preexec_fn=little_room)
    out, error = process.communicate()
    assert (process.returncode, out.decode()) == (8, reply + "\n")
    assert error.count(b"\n") == 1
    chat.ok("chat", "with room")
