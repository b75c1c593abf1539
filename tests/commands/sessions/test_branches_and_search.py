"""Search, branches and checkpoints from outside."""

import json
import re
from datetime import UTC, datetime

import pytest

from hfs_cli.messages import Call, ChatMessage, Place, Reply, Turn, Usage
from hfs_cli.store.store import SessionStore
from tests.scripted_server import openai_sse


@pytest.fixture
def kept(chat):
    """`hfs` with one session of three turns: "notes", q1 a1 q2 a2 q3 a3."""
    turns = [(f"question number {n}", f"reply number {n}") for n in (1, 2, 3)]
    chat.keep("notes", *sum(turns, ()))
    return chat


def texts(hfs, ref="@last"):
    shown = json.loads(hfs.ok("sessions", "show", ref, "--json"))
    return [message["content"] for message in shown["messages"]]


def test_search_in_a_pipe_is_stable_columns(kept):
    rows = [r.split("\t") for r in kept.ok("sessions", "search", "reply", "2").splitlines()]
    assert [(r[0], r[1], r[2], r[4], r[5]) for r in rows] == [
        ("1", "4", "assistant", "notes", "reply number 2")
    ]


def test_search_as_json_and_with_filters(kept):
    found = json.loads(kept.ok("sessions", "search", "number", "--role", "user", "--json"))
    assert {hit["position"] for hit in found} == {1, 3, 5}
    assert found[0]["snippet"][slice(*found[0]["spans"][0])] == "number"
    assert kept.ok("sessions", "search", "number", "-S", "notes", "--limit", "1").count("\n") == 1
    assert kept.ok("sessions", "search", "number", "--until", "2000-01-01") == ""


def test_search_gives_all_in_a_pipe_and_the_best_and_a_word_of_the_others_on_a_terminal(
    kept, on_terminal
):
    kept.keep("many", *("needle", "found") * 12)
    assert kept.ok("sessions", "search", "needle").count("\n") == 12
    kept.keep("more", *("needle", "found") * 9)
    assert kept.ok("sessions", "search", "needle").count("\n") == 21
    assert len(json.loads(kept.ok("sessions", "search", "needle", "--json"))) == 21
    *hits, last = on_terminal("sessions", "search", "needle").lines
    assert (len(hits), last) == (20, "the best 20: --limit N shows more")
    assert len(on_terminal("sessions", "search", "needle", "--limit", "21").lines) == 21
    assert len(on_terminal("sessions", "search", "needle", "--limit", "20").lines) == 20


@pytest.mark.parametrize("words", [["("], ['"'], ["--fts", "AND"], ["--fts", "a:b"]])
def test_what_cannot_be_searched_for_is_a_usage_error(kept, words):
    done = kept("sessions", "search", *words)
    assert done.returncode == 2
    assert done.stderr.startswith(b"hfs: error: ")
    assert done.stderr.count(b"\n") == 1


def test_fork_rewind_undo_and_tree(kept):
    fork = kept.ok("sessions", "fork", "notes", "--at", "2", "--name", "other").strip()
    assert texts(kept, "other") == ["question number 1", "reply number 1"]
    branch = kept.ok("sessions", "rewind", "notes", "--to", "4").strip()
    assert len(texts(kept, "notes")) == 4
    assert len(texts(kept, branch)) == 6
    undone = kept.ok("sessions", "undo", "notes").strip()
    assert len(texts(kept, "notes")) == 2
    tree = kept.ok("sessions", "tree", "notes")
    assert [line.split()[1] for line in tree.splitlines()[1:]] == [fork, undone, branch]
    told = json.loads(kept.ok("sessions", "tree", fork, "--json"))
    assert [b["origin"] for b in told] == ["chat", "fork", "undo", "rewind"]
    assert kept.ok("sessions", "list", "--ids") == f"1\n{fork}\n"
    too_many = kept("sessions", "undo", "notes", "-n", "5")
    assert (too_many.returncode, b"has 1 turn, not 5" in too_many.stderr) == (2, True)
    assert kept("sessions", "rewind", "notes", "--to", "nowhere").returncode == 4
    kept.ok("sessions", "undo", "notes")
    nothing = kept("sessions", "undo", "notes")
    assert (nothing.returncode, b"there is no turn to take back" in nothing.stderr) == (2, True)


def test_retry_sends_the_question_again_and_keeps_both_replies(kept, server):
    server.reply(openai_sse("a better reply"))
    assert kept.ok("sessions", "retry", "notes") == "a better reply\n"
    sent = server.requests[-1].json["messages"]
    assert [m["content"] for m in sent][-2:] == ["reply number 2", "question number 3"]
    assert texts(kept, "notes")[-2:] == ["question number 3", "a better reply"]
    assert texts(kept, "notes (variant)")[-1] == "reply number 3"


def test_retry_takes_the_options_of_chat(kept, server, tmp_path):
    server.reply(openai_sse("```sh\nls\n```\n"))
    file = tmp_path / "code.sh"
    kept.ok(
        *("sessions", "retry", "notes", "-s", "be brief", "--temperature", "0.5"),
        *("-x", "-O", str(file), "--timeout", "60"),
    )
    assert file.read_text() == "ls\n"
    sent = server.requests[-1].json
    assert (sent["temperature"], sent["messages"][0]) == (
        0.5,
        {"role": "system", "content": "be brief"},
    )
    assert texts(kept, "notes")[0] == "question number 1"


def test_a_retry_that_fails_leaves_the_session_as_it_was(kept, server):
    server.reply(status=400, body=b"no")
    assert kept("sessions", "retry", "notes").returncode == 5
    assert texts(kept, "notes")[-1] == "reply number 3"


@pytest.fixture
def broken_off(kept):
    """A turn that was killed while its second tool ran."""
    with SessionStore(kept.database) as store:
        opened = store.begin(Turn(ChatMessage("user", "q"), "test/m", place=Place(1)))
        began = datetime(2026, 11, 29, tzinfo=UTC)
        calls = (
            Call("1", "files__read", '{"path": "a"}', "zebras", started_at=began, ended_at=began),
            Call("2", "pay", '{"sum": 5}', started_at=began),
            Call("3", "pay", '{"sum": 6}'),
        )
        store.save_reply(opened, Reply("", "test/m", "complete", tool_calls=calls))
    return kept


def test_retry_says_which_tool_began_and_left_no_result(broken_off, server):
    server.reply(openai_sse("done"))
    done = broken_off("sessions", "retry", "notes")
    assert (done.returncode, done.stdout) == (0, b"done\n")
    assert done.stderr.decode() == (
        'hfs: warning: ⚙ pay {"sum": 5} was called before and has no result:'
        " it may have done its work\n"
    )
    # The call belongs to the reply that was set aside; nothing is said of it again.
    server.reply(openai_sse("again"))
    assert broken_off.ok("sessions", "retry", "notes") == "again\n"


def test_what_broke_off_is_part_of_what_the_model_is_told(broken_off, server):
    server.reply(openai_sse("it did"))
    broken_off.ok("chat", "-c", "did it work?")
    told = json.dumps(server.requests[-1].json["messages"])
    assert "zebras" in told
    assert "sum" in told
    assert "no result: the call was interrupted" in told
    assert "6}" not in told


def test_search_finds_what_a_tool_said(broken_off):
    (row,) = broken_off.ok("sessions", "search", "zebras").splitlines()
    assert row.split("\t")[:3] == ["1", "8", "tool"]
    assert row.endswith('\tfiles__read {"path": "a"} zebras')
    assert broken_off.ok("sessions", "search", "zebras", "--role", "tool")
    assert broken_off.ok("sessions", "search", "zebras", "--role", "assistant") == ""
    # What has no result is not indexed.
    assert broken_off.ok("sessions", "search", "pay") == ""


def test_a_turn_of_several_steps_counts_as_one(broken_off, server):
    before = json.loads(broken_off.ok("sessions", "stats", "--json"))["rows"]
    with SessionStore(broken_off.database) as store:
        opened = store.begin(Turn(ChatMessage("user", "q"), "test/m", place=Place(1)))
        call = Call("1", "pay", "{}", "ok")
        usage = Usage(10, 1)
        for step, calls in enumerate([(call,), (call,), ()]):
            store.save_reply(
                opened,
                Reply("x", "test/m", "complete", tool_calls=calls, step=step, usage=usage),
            )
    after = json.loads(broken_off.ok("sessions", "stats", "--json"))["rows"]
    gained = {
        name: sum(row[name] for row in after) - sum(row[name] for row in before)
        for name in ("turns", "input_tokens")
    }
    assert gained == {"turns": 1, "input_tokens": 30}


def test_chat_at_continues_from_an_earlier_point(kept, server):
    server.reply(openai_sse("elsewhere"))
    kept.ok("chat", "-c", "--at", "2", "what else?")
    sent = [m["content"] for m in server.requests[-1].json["messages"]]
    assert sent == ["question number 1", "reply number 1", "what else?"]
    assert texts(kept, "notes")[2:] == ["what else?", "elsewhere"]
    assert len(texts(kept, "notes (rewound)")) == 6
    assert kept("chat", "--at", "2", "-n", "new", "x").returncode == 2
    assert kept("chat", "-c", "--at", "99", "x").returncode == 4


def test_checkpoints_are_made_listed_and_deleted(kept):
    assert kept.ok("checkpoints", "create", "notes", "--label", "draft") == "draft\n"
    rows = [line.split("\t")[:3] for line in kept.ok("checkpoints", "list").splitlines()]
    assert rows == [["1", "2", ""], ["1", "4", ""], ["1", "6", ""], ["1", "6", "draft"]]
    kept.ok("checkpoints", "delete", "draft")
    assert kept("checkpoints", "delete", "notes", "draft").returncode == 4


def test_retention_of_automatic_checkpoints_is_a_setting(kept, server):
    kept.config.write_text("checkpoint_retention = 1\n" + kept.config.read_text())
    server.reply(openai_sse("x"))
    kept.ok("chat", "-c", "more")
    rows = [line.split("\t")[1] for line in kept.ok("checkpoints", "list").splitlines()]
    assert rows == ["8"]


def test_statistics(kept):
    (row,) = [line.split("\t") for line in kept.ok("sessions", "stats").splitlines()]
    assert row[:2] == ["test/m", "3"]
    kept.config.write_text(
        kept.config.read_text() + '[models."test/m"]\ninput_price = 1\noutput_price = 2.5\n'
    )
    shape = json.loads(kept.ok("sessions", "stats", "--by", "session", "--json"))
    assert [r["key"] for r in shape["rows"]] == ["notes"]
    assert shape["rows"][0]["cost"] is not None
    assert len(shape["days"]) == 1


def test_statistics_of_sessions_begin_with_what_cost_the_most(kept, server):
    kept.config.write_text(
        kept.config.read_text() + '[models."test/dear"]\ninput_price = 900\noutput_price = 900\n'
    )
    server.reply(openai_sse("x", usage=(5, 5)))
    kept.ok("chat", "-n", "few and dear", "-m", "test/dear", "hi")
    rows = kept.ok("sessions", "stats", "--by", "session").splitlines()
    assert [row.split("\t")[0] for row in rows] == ["few and dear", "notes"]


def test_the_database_is_found_copied_checked_and_shrunk(kept, tmp_path):
    assert kept.ok("db", "path").strip() == str(kept.database)
    kept.ok("db", "backup", str(tmp_path / "copy.db"))
    assert kept("db", "backup", str(tmp_path / "copy.db")).returncode == 2
    assert kept.ok("db", "check") == ""
    assert re.fullmatch(r"\d+ bytes\n", kept.ok("db", "vacuum"))


def test_permissions_are_not_damage(kept):
    kept.data.chmod(0o755)
    done = kept("db", "check")
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr.startswith(b"hfs: warning: ")
    assert done.stderr.endswith(f"chmod 700 {kept.data}\n".encode())
    with kept.database.open("r+b") as stream:
        stream.seek(4096)
        stream.write(b"\xff" * 8192)
    assert kept("db", "check").returncode == 8
