"""What opens the user's editor: `chat -e` and `config edit`."""

import stat

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
    assert "no prompt" in seen.lines[-1]


@pytest.mark.parametrize("script", ["exit 3", 'rm "$1"'])
def test_an_editor_that_fails_sends_nothing_and_is_named(on_terminal, server, editor, script):
    seen = on_terminal("chat", "-e", "hi", env=editor(script))
    assert (seen.code, server.requests) == (2, [])
    assert "hfs: error: " in seen.lines[-1] or "hfs: error: " in "".join(seen.lines)


def test_the_configuration_is_edited_and_checked(on_terminal, chat, editor):
    assert on_terminal("config", "edit", env=editor('echo "retries = 1" > "$1"')).code == 0
    assert chat.ok("config", "get", "retries") == "1\n"
    seen = on_terminal("config", "edit", env=editor('echo "retires = 1" > "$1"'))
    assert seen.code == 3
    assert "did you mean retries" in "".join(seen.lines)


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
    seen = on_terminal("config", "edit", env=editor("sed -i 's,test/m,nosuch,' \"$1\""))
    assert (seen.code, 'no model "nosuch"' in "".join(seen.lines)) == (4, True)
    assert 'model = "nosuch"' in chat.config.read_text()
