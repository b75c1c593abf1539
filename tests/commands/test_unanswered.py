"""A request that is refused before its first byte changes nothing of what is continued."""

from __future__ import annotations

import json
import threading

import pytest

from hfs_cli.store.store import SessionStore
from tests.conftest import UNMEASURED
from tests.scripted_server import Await, openai_sse

REFUSALS = {"not found": 404, "unauthorised": 401, "failed": 500}


@pytest.fixture
def kept(chat):
    """One session that had a reply: what every request after it must leave alone."""
    chat.keep("first", "hi", "hello")
    return chat


@pytest.fixture(params=[*REFUSALS, "nobody listens"])
def refuse(request, server, free_port):
    """Make the next request fail before its first byte; the options that a call needs for it."""

    def prepare(hfs):
        if request.param in REFUSALS:
            server.reply(json.dumps({"error": {"message": "no"}}), status=REFUSALS[request.param])
        else:
            hfs.configure(
                hfs.config.read_text().replace(server.url, f"http://127.0.0.1:{free_port}")
            )

    return prepare


def names(hfs, *options: str) -> list[str]:
    return [s["name"] for s in json.loads(hfs.ok("sessions", "list", "--json", *options))]


def test_a_new_session_without_a_reply_is_not_used_and_not_listed(kept, refuse):
    refuse(kept)
    assert kept("chat", "-n", "second", "and then?").returncode in {3, 4, 5, 6}
    assert names(kept) == ["first"]
    assert names(kept, "--all") == ["second", "first"]
    assert "first" in kept.ok("sessions", "show", "@last")
    assert "second" not in kept.ok("__complete", "sessions", "")
    # By its name it is found.
    assert "and then?" in kept.ok("sessions", "show", "second")


def test_a_refused_turn_leaves_model_and_order_of_a_session(kept, refuse, server):
    server.reply(openai_sse("hello"))
    kept.ok("chat", "-n", "newer", "hi")
    before = json.loads(kept.ok("sessions", "list", "--json"))
    refuse(kept)
    assert kept("chat", "-S", "first", "-m", "test/other", "more").returncode in {3, 4, 5, 6}
    after = json.loads(kept.ok("sessions", "list", "--json"))
    assert [s | {"messages": 0} for s in after] == [s | {"messages": 0} for s in before]


def test_the_transcript_marks_what_was_never_answered(kept, server):
    server.reply("{}", status=404)
    kept("chat", "-S", "first", "and then?")
    headings = [x for x in kept.ok("sessions", "show", "first").splitlines() if x[:4] == "--- "]
    assert ["no reply" in heading for heading in headings] == [False, False, True]


def test_retry_sends_the_message_that_had_no_reply(kept, server):
    server.reply("{}", status=404)
    kept("chat", "-n", "second", "and then?")
    server.reply(openai_sse("later"))
    assert kept.ok("sessions", "retry") == "later\n"
    assert server.requests[-1].json["messages"] == [{"role": "user", "content": "and then?"}]
    assert names(kept) == ["second", "first"]
    # It is answered now: the next one is another reply in the session that was used last.
    server.reply(openai_sse("again"))
    kept.ok("sessions", "retry")
    assert server.requests[-1].json["messages"] == [{"role": "user", "content": "and then?"}]


def test_retry_forgets_a_refused_message_when_something_was_used_since(kept, server):
    server.reply("{}", status=404)
    kept("chat", "-n", "second", "and then?")
    kept.ok("resume", "first", "--no-stdin")
    server.reply(openai_sse("hello again"))
    kept.ok("sessions", "retry")
    assert server.requests[-1].json["messages"] == [{"role": "user", "content": "hi"}]


def test_retry_asks_the_model_that_was_asked(kept, server):
    server.reply("{}", status=500)
    kept("chat", "-m", "test/other", "and then?")
    server.reply(openai_sse("later"))
    kept.ok("sessions", "retry")
    assert server.requests[-1].json["model"] == "other"


def test_a_refused_model_is_not_the_session_s_own(kept, server):
    server.reply("{}", status=404)
    kept("chat", "-n", "second", "-m", "test/nosuch", "and then?")
    server.reply(openai_sse("yes"))
    kept.ok("chat", "-S", "second", "well?")
    assert server.requests[-1].json["model"] == "m"
    assert server.requests[-1].json["messages"] == [{"role": "user", "content": "well?"}]


def test_a_refused_request_has_not_taken_the_name(kept, server):
    server.reply("{}", status=401)
    kept("chat", "-n", "second", "and then?")
    server.reply(openai_sse("yes"))
    kept.ok("chat", "-n", "second", "and then?")
    assert names(kept) == ["second", "first"]
    done = kept("chat", "-n", "second", "once more")
    assert done.returncode == 2
    assert b"taken" in done.stderr


def test_a_request_that_still_runs_has_taken_the_name(kept, server):
    go_on = threading.Event()
    before = len(server.requests)
    server.reply([Await(go_on), *openai_sse("first of all")])
    first = kept.start("chat", "-n", "second", "and then?")
    server.wait_for_requests(before + 1)
    done = kept("chat", "-n", "second", "me too")
    assert (done.returncode, b"is taken by session" in done.stderr) == (2, True)
    assert len(server.requests) == before + 1
    go_on.set()
    assert first.communicate(timeout=120)[0] == b"first of all\n"
    # One that was refused and is sent again has it while it runs, too.
    server.reply("{}", status=401)
    kept("chat", "-n", "third", "and then?")
    go_on.clear()
    server.reply([Await(go_on), *openai_sse("at last")])
    again = kept.start("sessions", "retry", "third")
    server.wait_for_requests(before + 3)
    assert kept("chat", "-n", "third", "me too").returncode == 2
    go_on.set()
    assert again.communicate(timeout=120)[0] == b"at last\n"


def test_a_request_that_was_killed_has_not_taken_the_name(kept, server):
    before = len(server.requests)
    server.reply([Await(threading.Event()), *openai_sse("never")])
    killed = kept.start("chat", "-n", "second", "and then?", env=UNMEASURED)
    server.wait_for_requests(before + 1)
    assert [file.name for file in kept.data.glob("*.asking-*")] == ["hfs.db.asking-2"]
    killed.kill()
    killed.wait()
    server.reply(openai_sse("yes"))
    assert kept.ok("chat", "-n", "second", "and then?") == "yes\n"
    assert names(kept) == ["second", "first"]
    # What the killed one asked stays, and is not sent with what follows.
    assert len(server.requests[-1].json["messages"]) == 1
    assert kept.ok("sessions", "show", "second").count("and then?") == 2
    assert list(kept.data.glob("*.asking-*")) == []


def test_what_says_that_a_killed_process_waits_goes_with_the_next_new_session(chat, server):
    server.reply([Await(threading.Event())])
    killed = chat.start("chat", "-n", "first", "hi", env=UNMEASURED)
    server.wait_for_requests(1)
    killed.kill()
    killed.wait()
    go_on = threading.Event()
    server.reply([Await(go_on), *openai_sse("yes")])
    running = chat.start("chat", "-n", "second", "hi")
    server.wait_for_requests(2)
    server.reply(openai_sse("yes"))
    chat.ok("chat", "-n", "third", "hi")
    # The second still waits.
    assert [file.name for file in chat.data.glob("*.asking-*")] == ["hfs.db.asking-2"]
    go_on.set()
    assert running.communicate()[0] == b"yes\n"
    assert list(chat.data.glob("*.asking-*")) == []


def test_a_reply_that_was_killed_midway_has_taken_the_name(kept, server):
    before = len(server.requests)
    server.reply([*openai_sse("It begins", finish=None, done=False), Await(threading.Event())])
    killed = kept.start("chat", "-n", "second", "and then?", env=UNMEASURED)
    server.wait_for_requests(before + 1)
    while b"It begins" not in kept("sessions", "show", "second").stdout:
        assert killed.poll() is None
    killed.kill()
    killed.wait()
    assert kept("chat", "-n", "second", "again").returncode == 2


def test_an_export_of_all_holds_what_waits_for_its_reply(kept, server, tmp_path):
    server.reply("{}", status=404)
    kept("chat", "-n", "second", "and then?")
    assert "and then?" in kept.ok("sessions", "export", "--all")
    backup = tmp_path / "all.jsonl"
    kept.ok("sessions", "export", "--all", "--format", "jsonl", "-O", str(backup))
    env = {"HFS_DATA_DIR": str(tmp_path / "elsewhere")}
    assert kept("sessions", "import", str(backup), env=env).returncode == 0
    listed = json.loads(kept.ok("sessions", "list", "--json", "--all", env=env))
    assert [s["name"] for s in listed] == ["second", "first"]
    assert kept.ok("sessions", "list", "--ids", env=env) == "1\n"


def test_deleting_the_only_listed_session_leaves_what_waits_for_its_reply(kept, server):
    server.reply("{}", status=404)
    kept("chat", "-n", "second", "and then?")
    kept.ok("delete", "first", "--yes")
    with SessionStore(kept.database) as store:
        assert [m.content for m in store.transcript(store.resolve("second").id)] == ["and then?"]
    kept.ok("delete", "--all", "--yes")
    assert names(kept, "--all") == []


def test_where_nothing_has_had_a_reply_the_error_says_so(chat, server):
    server.reply("{}", status=404)
    chat("chat", "hi")
    error = chat("sessions", "show").stderr.decode()
    assert "none has had a reply yet; hfs sessions list --all" in error
