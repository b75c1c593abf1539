"""The commands on a real pseudo-terminal: what a person meets."""

import json
import shutil
import subprocess

import pexpect
import pytest

from tests.benchmarks.databases import make_database
from tests.scripted_server import openai_sse


@pytest.fixture
def chat(chat, server):
    server.always(openai_sse("**bold** reply", reasoning="thinking"))
    return chat


@pytest.fixture
def terminal(chat):
    """Run the command with a terminal for all three streams, or as a shell script has it."""
    running = []

    def run(*args, env=None, through='exec "$@"'):
        child = pexpect.spawn(
            "sh",
            ["-c", through, "sh", *chat.argv, *args],
            env=chat.environment(env),
            timeout=120,
            dimensions=(24, 80),
        )
        running.append(child)
        return child

    yield run
    for child in running:
        child.close(force=True)


def ended(child):
    text = child.read().decode()
    child.wait()
    return child.exitstatus, text


def test_no_prompt_on_a_terminal_is_a_usage_error_and_does_not_wait(terminal):
    code, text = ended(terminal("chat"))
    assert code == 2
    assert "no prompt" in text


def test_a_reply_without_code_is_shown_as_a_whole_to_a_person(terminal):
    code, text = ended(terminal("chat", "-x", "hi"))
    assert code == 0
    assert "**bold** reply" in text
    assert "no fenced code block" in text


def test_no_bar_stands_between_the_results_of_a_batch_on_the_same_terminal(terminal, tmp_path):
    (tmp_path / "in.txt").write_text("one\ntwo\nthree\n")
    code, text = ended(terminal("batch", str(tmp_path / "in.txt")))
    *results, summary = text.splitlines()
    assert [json.loads(line)["input"] for line in results] == ["one", "two", "three"]
    assert "3 done · 0 failed" in summary
    code, text = ended(terminal("batch", str(tmp_path / "in.txt"), through='exec "$@" >/dev/null'))
    assert (code, "━" in text) == (0, True)


def test_markdown_is_rendered_and_the_session_named(terminal):
    code, text = ended(terminal("chat", "hi"))
    assert code == 0
    assert "**" not in text
    assert "bold" in text
    assert "session 1" in text
    assert "thinking" in text


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"TERM": ""}])
def test_a_dumb_terminal_gets_no_escapes(terminal, env):
    code, text = ended(terminal("chat", "hi", env=env))
    assert code == 0
    assert "\x1b" not in text


def test_no_color_means_no_colour(terminal):
    code, text = ended(terminal("chat", "hi", env={"NO_COLOR": "1"}))
    assert code == 0
    assert "\x1b[3" not in text


def test_quiet_shows_the_reply_alone(terminal):
    code, text = ended(terminal("chat", "-q", "hi"))
    assert code == 0
    assert "session" not in text


def test_delete_asks_and_takes_no_for_an_answer(terminal, chat):
    chat.ok("chat", "-n", "keep", "hi")
    child = terminal("delete", "keep")
    child.expect("for good")
    child.sendline("n")
    code, text = ended(child)
    assert (code, "nothing deleted" in text) == (0, True)
    assert len(json.loads(chat.ok("sessions", "list", "--json"))) == 1
    child = terminal("delete", "keep")
    child.expect("for good")
    child.sendline("y")
    assert ended(child)[0] == 0
    assert chat.ok("sessions", "list") == ""


def test_ctrl_d_is_a_no_and_ctrl_c_is_an_interrupt(terminal, chat):
    chat.keep("keep", "hi", "ok")
    child = terminal("delete", "keep")
    child.expect_exact("[y/N]: ")
    child.sendeof()
    code, text = ended(child)
    assert (code, "interrupted" in text) == (0, False)
    assert "\r\nnothing deleted" in text.replace("\x1b[2m", "")
    child = terminal("delete", "keep", through='"$@"; exit $?')
    child.expect_exact("[y/N]: ")
    child.sendintr()
    code, text = ended(child)
    assert (code or 128 + (child.signalstatus or 0), "interrupted" in text) == (130, True)
    assert len(json.loads(chat.ok("sessions", "list", "--json"))) == 1


@pytest.mark.parametrize("words", [["delete", "keep"], ["keys", "set", "test"]])
def test_ctrl_c_that_comes_before_the_answer_is_read_needs_no_enter(terminal, chat, words):
    traced = ["strace", "-o", "/dev/null", "true"]
    if shutil.which("strace") is None or subprocess.run(traced, check=False).returncode:
        pytest.skip("strace is not here, or may not trace")
    # Slow from the question until it is read: what a terminal has got is still being written here.
    late = "exec strace -o /dev/null -e trace=write -e inject=write:delay_exit=300000 -- "
    chat.keep("keep", "hi", "ok")
    child = terminal(*words, through=late + '"$@"')
    child.expect(r"\[y/N\]: |Key for test: ")
    child.sendintr()
    code, text = ended(child)
    assert (code or 128 + (child.signalstatus or 0), "interrupted" in text) == (130, True)


def test_ctrl_d_instead_of_a_key_keeps_none(terminal, chat):
    child = terminal("keys", "set", "test")
    child.expect_exact("Key for test")
    child.sendeof()
    code, text = ended(child)
    assert (code, "no key was given: nothing is kept" in text) == (2, True)
    assert not (chat.config.parent / "keys.json").exists()


def test_the_list_has_headings_and_marks(terminal, chat):
    chat.ok("chat", "-n", "first", "hi")
    code, text = ended(terminal("sessions", "list"))
    assert code == 0
    assert "NAME" in text
    assert "●" in text


def test_an_error_starts_on_its_own_line(terminal, server):
    server.reply(openai_sse("half a line", finish=None, done=False))
    code, text = ended(terminal("chat", "hi"))
    assert code == 7
    assert any(line.startswith("hfs: error: ") for line in text.replace("\r", "").split("\n"))


HOSTILE = "\x1b]52;c;cHdk\x07\x9b31m\u202e"


@pytest.mark.parametrize(
    "argv",
    [
        ("models", "list", "--json", "test"),
        ("models", "list", "test"),
        ("models", "default"),
        ("config", "get", "system"),
        ("config", "list"),
        ("config", "list", "--json"),
        ("chat", "--dry-run", "hi"),
        ("db", "path"),
        ("config", "path"),
        ("keys", "list", "--json"),
        ("doctor", "--json"),
        ("doctor",),
    ],
)
def test_nothing_that_a_command_prints_drives_the_terminal(terminal, chat, server, argv, tmp_path):
    server.always({"data": [{"id": f"m{HOSTILE}"}]})
    chat.configure(f"system = {json.dumps(HOSTILE)}\n" + chat.config.read_text())
    directory = tmp_path / HOSTILE.replace("/", "")
    directory.mkdir()
    env = {"HFS_DATA_DIR": str(directory), "NO_COLOR": "1", "HFS_MODEL": f"test/m{HOSTILE}"}
    moved = directory / "config.toml"
    moved.write_text(chat.config.read_text())
    moved.chmod(0o600)
    _, text = ended(terminal(*argv, env=env | {"HFS_CONFIG": str(moved)}))
    text = text.replace("\r\x1b[K", "")  # what erases a word to whoever waits
    assert text.strip()
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text)


def test_a_traceback_does_not_drive_the_terminal(terminal):
    _, text = ended(terminal("resume", f"no{HOSTILE}", env={"HFS_DEBUG": "1"}))
    assert "Traceback" in text
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text)


def test_a_terminal_is_shown_the_newest_twenty_unless_something_is_asked_for(hfs, terminal):
    make_database(hfs.database, 30)
    _, text = ended(terminal("sessions", "list"))
    assert "20 of 30" in text
    _, text = ended(terminal("sessions", "list", "--since", "1w"))
    assert " of 30" not in text
    _, text = ended(terminal("sessions", "list", "--ids"))
    assert text.count("\n") == 30


def test_a_person_is_told_that_a_refused_prompt_is_kept(terminal, server):
    server.reply("{}", status=404)
    _, text = ended(terminal("chat", "hi"))
    assert "the prompt is kept: hfs sessions retry 1" in text


@pytest.fixture
def long_session(chat):
    chat.keep("long", "say much", "# Heading\n\n" + "\n\n".join(f"line {n}" for n in range(60)))
    return "long"


@pytest.mark.skipif(shutil.which("less") is None, reason="less is what is tested")
@pytest.mark.parametrize("less", [None, "-i", "FX"])
def test_less_shows_the_colours_of_a_long_transcript_and_not_their_codes(
    terminal, long_session, less
):
    child = terminal("sessions", "show", long_session, env={"LESS": less} if less else None)
    child.expect("line 5")
    seen = child.before.decode()
    child.send("q")
    code, _ = ended(child)
    assert code == 0
    assert "ESC" not in seen
    assert "\x1b[1;4mHeading" in seen
    assert "line 59" not in seen


@pytest.mark.parametrize(
    "env", [{"PAGER": "sed s/^/P:/"}, {"HFS_PAGER": "sed s/^/P:/", "PAGER": "x"}]
)
def test_the_pager_is_the_one_that_the_user_names(terminal, long_session, env):
    for argv in (("sessions", "show", long_session), ("resume", long_session)):
        code, text = ended(terminal(*argv, env=env))
        assert (code, "P:line 59" in text) == (0, True)


@pytest.mark.parametrize("env", [{"HFS_PAGER": "cat"}, {"PAGER": ""}, {"PAGER": "no-such-pager"}])
def test_without_a_pager_a_long_transcript_is_printed(terminal, long_session, env):
    code, text = ended(terminal("sessions", "show", long_session, env=env))
    assert (code, "line 59" in text) == (0, True)


def test_no_pager_prints_a_long_transcript(terminal, long_session):
    for argv in (("sessions", "show", long_session), ("resume", long_session)):
        code, text = ended(terminal(*argv, "--no-pager", env={"PAGER": "false"}))
        assert (code, "line 59" in text) == (0, True)


def test_a_pager_that_is_left_early_is_not_a_failure(terminal, long_session):
    code, text = ended(terminal("sessions", "show", long_session, env={"PAGER": "head -n 1"}))
    assert (code, "hfs: error" in text) == (0, False)


def test_ctrl_c_belongs_to_the_pager(terminal, long_session):
    pager = "trap 'echo caught' INT; echo ready; sleep 1; cat >/dev/null; sleep 1; echo over"
    child = terminal("sessions", "show", long_session, env={"PAGER": pager})
    child.expect("ready")
    child.sendintr()
    code, text = ended(child)
    assert (code, "over" in text) == (0, True)


def test_a_pipe_never_gets_a_pager(chat, long_session):
    assert "line 59" in chat.ok("sessions", "show", long_session, env={"PAGER": "false"})


def test_a_prompt_is_written_in_the_editor(terminal, server, tmp_path):
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\necho written >> $1\n")
    editor.chmod(0o755)
    code, _ = ended(terminal("chat", "-e", "start", env={"EDITOR": str(editor)}))
    assert code == 0
    assert server.requests[0].json["messages"][0]["content"] == "start\nwritten"


def test_a_key_with_a_space_in_it_is_refused(chat):
    done = chat("keys", "set", "openai", stdin=b"sk-one two\n")
    assert done.returncode == 3
    assert b"sk-one" not in done.stderr


def test_a_dash_reads_what_is_typed_on_a_terminal(chat, server, terminal):
    child = terminal("chat", "-q", "-", "translate:")
    child.send("a line\n")
    child.send("and another\n\x04")
    code, _ = ended(child)
    assert code == 0
    (request,) = server.requests
    assert request.json["messages"][-1]["content"] == "translate:\n\na line\nand another"


@pytest.mark.parametrize(("answer", "left"), [("y", 0), ("n", 1), ("", 1)])
def test_deleting_asks_on_standard_error_and_leaves_output_alone(chat, terminal, answer, left):
    chat.keep("doomed", "hi", "ok")
    out = chat.home / "out"
    child = terminal("delete", "doomed", through=f'"$@" > "{out}"')
    child.expect_exact("Delete this session for good?")
    child.send(f"{answer}\n")
    code, _ = ended(child)
    assert code == 0
    assert out.read_bytes() == b""
    assert len(json.loads(chat.ok("sessions", "list", "--json"))) == left
