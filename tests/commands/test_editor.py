"""What opens the user's editor: `chat -e` and `config edit`."""

import stat

import pexpect
import pytest

from tests.scripted_server import openai_sse


@pytest.fixture
def editor(tmp_path):
    """An editor of one line of shell, in which "$1" is the file."""

    def made(script):
        program = tmp_path / "editor"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o700)
        return {"EDITOR": str(program), "VISUAL": str(program)}

    return made


def test_a_prompt_is_written_in_the_editor(on_terminal, server, editor):
    server.reply(openai_sse("ok"))
    env = editor('printf "from the editor\\n" >> "$1"')
    seen = on_terminal("chat", "-e", "begun:", env=env)
    assert (seen.code, server.requests[0].json["messages"][-1]["content"]) == (
        0,
        "begun:\nfrom the editor",
    )


def test_an_editor_that_leaves_nothing_sends_nothing(on_terminal, chat, server, editor):
    seen = on_terminal("chat", "-e", env=editor(': > "$1"'))
    assert (seen.code, server.requests, chat.database.exists()) == (2, [], False)
    assert "the editor left no prompt: nothing is sent" in seen.lines[-1]


@pytest.mark.parametrize("script", ["exit 3", 'rm "$1"'])
def test_an_editor_that_fails_sends_nothing_and_is_named(on_terminal, server, editor, script):
    seen = on_terminal("chat", "-e", "hi", env=editor(script))
    assert (seen.code, server.requests) == (2, [])
    assert "hfs: error: " in seen.lines[-1] or "hfs: error: " in "".join(seen.lines)


def test_the_configuration_is_edited_and_checked(on_terminal, chat, editor):
    assert on_terminal("config", "edit", env=editor('echo "retries = 1" > "$1"')).code == 0
    assert chat.ok("config", "get", "retries") == "1\n"
    seen = on_terminal("config", "edit", env=editor('echo "retires = 1" > "$1"'), typed=b"n\n")
    assert seen.code == 3
    assert "did you mean retries" in "".join(seen.lines)


# What the first run of the editor leaves, and the second.
TWICE = """
echo '{wrong}' > "$1"
test -e "$0.run" && echo '{right}' > "$1"
touch "$0.run"
"""


@pytest.mark.parametrize(
    ("words", "file", "wrong", "right"),
    [
        (("config", "edit"), "config.toml", "retires = 1", "retries = 1"),
        (("templates", "edit", "mine"), "templates/mine.toml", "prompt = 1", 'prompt = "1"'),
    ],
    ids=["config", "template"],
)
@pytest.mark.parametrize(
    ("typed", "again"),
    [(b"\n", True), (b"y\n", True), (b"n\n", False), (b"\x04", False)],
    ids=["enter", "yes", "no", "ctrl-d"],
)
def test_what_is_not_right_can_be_edited_again_and_is_never_lost(
    on_terminal, chat, editor, words, file, wrong, right, typed, again
):
    env = editor(TWICE.format(wrong=wrong, right=right))
    seen = on_terminal(*words, env=env, typed=typed, columns=500)
    edited = chat.config.parent / file
    assert edited.read_text() == f"{right if again else wrong}\n"
    assert seen.code == (0 if again else 3)
    shown = "\n".join(seen.lines)
    assert shown.count("hfs: error: ") == (1 if again else 2)
    assert shown.endswith(f"{edited} cannot be used as it is: edit it again") != again


@pytest.mark.parametrize("typed", [b"y\n", b"n\n"], ids=["again", "no"])
def test_a_file_that_the_editor_took_away_can_be_edited_again(on_terminal, chat, editor, typed):
    env = editor('rm "$1"; test -e "$0.run" && echo \'prompt = "1"\' > "$1"; touch "$0.run"')
    seen = on_terminal("templates", "edit", "mine", env=env, typed=typed, columns=500)
    assert "no template" in "".join(seen.lines)
    file = chat.config.parent / "templates" / "mine.toml"
    if typed == b"n\n":
        assert (seen.code, file.exists()) == (4, False)
    else:
        assert (seen.code, stat.S_IMODE(file.stat().st_mode)) == (0, 0o600)


def test_nobody_is_asked_where_nobody_can_answer(hfs, editor):
    """Standard error is a terminal, for the editor, and standard input is not."""
    child = pexpect.spawn(
        "sh",
        ["-c", 'exec "$@" < /dev/null', "sh", *hfs.argv, "config", "edit"],
        env=hfs.environment(editor('echo "retires = 1" > "$1"')),
        timeout=120,
    )
    shown = child.read().decode()
    child.wait()
    assert (child.exitstatus, "again" in shown) == (3, False)
    assert hfs.config.read_text() == "retires = 1\n"


def test_a_configuration_made_by_the_editor_is_private(on_terminal, hfs, editor):
    on_terminal("config", "edit", env=editor('umask 0; echo "retries = 1" > "$1"'))
    assert stat.S_IMODE(hfs.config.stat().st_mode) == 0o600


@pytest.mark.parametrize("words", [("chat", "-e"), ("config", "edit")])
def test_an_editor_that_is_not_there_is_told_with_what_chooses_another(on_terminal, words):
    seen = on_terminal(*words, env={"EDITOR": "nosuch-editor", "VISUAL": ""})
    assert seen.code == 2
    said = "nosuch-editor cannot be started (No such file or directory): set EDITOR"
    assert "".join(seen.lines) == f"hfs: error: {said}"


def test_a_model_that_no_turn_could_ask_is_told_after_the_configuration_was_edited(
    on_terminal, chat, editor
):
    editing = editor("sed -i 's,test/m,nosuch,' \"$1\"")
    seen = on_terminal("config", "edit", env=editing, typed=b"n\n")
    assert (seen.code, 'no model "nosuch"' in "".join(seen.lines)) == (4, True)
    assert 'model = "nosuch"' in chat.config.read_text()
