"""`hfs doctor`: what it looked at, and what it did not."""

import json

import pytest


def findings(done):
    return {row["check"]: row for row in json.loads(done.stdout)}


def test_a_server_that_was_not_asked_is_not_called_well(chat, server):
    shown = findings(chat("doctor", "--json"))
    assert shown["server"]["ok"] is None
    assert f"{server.url} was not asked" in shown["server"]["detail"]
    assert shown["key"] == {
        "check": "key",
        "ok": True,
        "well": True,
        "detail": "test: from the environment (TEST_KEY)",
    }
    assert server.requests == []
    assert "server\t–\t" in chat.ok("doctor")


def test_a_server_is_asked_for_its_models_when_that_is_wanted(chat, server):
    server.always({"data": [{"id": "m"}, {"id": "n"}]})
    shown = findings(chat("doctor", "--online", "--json"))["server"]
    assert shown["ok"] is True
    assert shown["detail"] == f"{server.url} answered: 2 models, and m is among them"
    server.always({"error": {"message": "no"}}, status=401)
    done = chat("doctor", "--online", "--json")
    assert done.returncode == 3
    assert findings(done)["server"]["ok"] is False
    assert b"problems with: server" in done.stderr


def test_a_mistyped_variable_is_found_and_named_with_what_was_meant(chat):
    done = chat("doctor", "--json", env={"HFS_MODLE": "s3cret", "HFS_FROBNICATE": "1"})
    assert done.returncode == 3
    assert done.stderr == b"hfs: error: problems with: variable HFS_MODLE\n"
    shown = findings(done)
    none = "hfs reads no variable of that name"
    assert shown["variable HFS_MODLE"]["ok"] is False
    assert shown["variable HFS_MODLE"]["detail"] == f"{none}: did you mean HFS_MODEL?"
    assert shown["variable HFS_FROBNICATE"]["ok"] is None
    assert b"s3cret" not in done.stdout


@pytest.mark.parametrize(
    "env",
    [
        {"HFS_STDIN": "never", "HFS_DEBUG": "1", "HFS_SESSION": "x", "HFS_MODLE": ""},
        {"HFS_WORK_KEY": "x", "HFS_VAULT": "x"},
    ],
)
def test_what_is_set_to_be_read_is_not_called_a_mistake(chat, env):
    file = chat.config.read_text()
    chat.configure(
        file + '[providers.work]\ntype = "openai"\nbase_url = "http://localhost/v1"\n'
        'api_key_env = "HFS_WORK_KEY"\n'
        '[tools.look]\ncommand = ["cat"]\ndescription = "x"\nenv = ["HFS_VAULT"]\n'
    )
    assert not [check for check in findings(chat("doctor", "--json", env=env)) if "HFS_" in check]
    assert chat("config", "list", env=env).stderr == b""


def test_the_list_of_settings_warns_of_a_mistyped_variable_and_other_commands_do_not(chat):
    env = {"HFS_timout": "5"}
    listed = chat("config", "list", env=env)
    assert (listed.returncode, listed.stderr) == (
        0,
        b"hfs: warning: hfs reads no variable HFS_timout: did you mean HFS_TIMEOUT?\n",
    )
    assert chat("sessions", "list", env=env).stderr == b""


def test_online_says_that_the_embedded_model_has_no_server(hfs):
    shown = findings(hfs("doctor", "--online", "--json", env={"HFS_MODEL": "local/smollm2"}))
    assert shown["server"]["ok"] is None
    assert shown["server"]["detail"].startswith("local/smollm2 runs in this process")
