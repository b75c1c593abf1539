"""`hfs config` and `hfs keys` from outside: many at once, full disks, odd files."""

from __future__ import annotations

import json
import os
import resource
import tomllib

import pexpect
import pytest


def test_settings_that_are_set_at_once_are_all_kept(hfs):
    setting = [hfs.start("config", "set", f"aliases.a{n}", f"openai/m{n}") for n in range(20)]
    assert [process.wait() for process in setting] == [0] * 20
    assert tomllib.loads(hfs.config.read_text())["aliases"] == {
        f"a{n}": f"openai/m{n}" for n in range(20)
    }


def test_keys_that_are_set_and_removed_at_once_are_all_kept(hfs):
    names = ["gone", *(f"p{n}" for n in range(20))]
    hfs.configure("\n".join(f'[providers.{n}]\nbase_url = "http://127.0.0.1:9"' for n in names))
    hfs("keys", "set", "gone", stdin=b"sk-gone")
    setting = [hfs.start("keys", "set", f"p{n}", stdin=-1) for n in range(20)]
    setting.append(hfs.start("keys", "remove", "gone"))
    for number, process in enumerate(setting[:-1]):
        process.communicate(f"sk-{number}".encode())
    assert [process.wait() for process in setting] == [0] * 21
    kept = json.loads((hfs.config.parent / "keys.json").read_text())
    assert kept == {f"p{n}": f"sk-{n}" for n in range(20)}


@pytest.mark.parametrize("umask", ["000", "077"])
def test_new_directories_and_files_are_private(hfs, umask, tmp_path):
    config = tmp_path / "new/deep/config.toml"
    process = hfs.start(
        "config", "set", "retries", "1", env={"HFS_CONFIG": str(config)}, umask=int(umask, 8)
    )
    assert process.wait() == 0
    assert [p.stat().st_mode & 0o777 for p in (config.parent.parent, config.parent, config)] == [
        0o700,
        0o700,
        0o600,
    ]


def test_a_full_disk_leaves_the_settings_as_they_were(hfs, tmp_path):
    hfs.configure("retries = 1\n")

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    process = hfs.start("config", "set", "timeout", "9", preexec_fn=no_room)
    _, stderr = process.communicate()
    assert process.returncode == 8
    assert stderr.startswith(b"hfs: error: cannot write ")
    assert hfs.config.read_text() == "retries = 1\n"
    assert [p.name for p in hfs.config.parent.iterdir()] == ["config.toml"]


@pytest.mark.parametrize("kind", ["fifo", "zero", "directory", "long"])
def test_a_configuration_that_is_not_a_file_is_refused_at_once(hfs, tmp_path, kind):
    path = {"fifo": tmp_path / "fifo", "directory": tmp_path, "long": tmp_path / ("n" * 300)}.get(
        kind, "/dev/zero"
    )
    if kind == "fifo":
        os.mkfifo(path)
    done = hfs("config", "list", env={"HFS_CONFIG": str(path)})
    assert done.returncode == 3
    assert done.stderr.count(b"\n") == 1


def test_a_file_that_is_named_and_not_there_has_all_defaults_and_can_be_set(hfs, tmp_path):
    file = tmp_path / "gone/config.toml"
    env = {"HFS_CONFIG": str(file)}
    assert hfs.ok("config", "get", "retries", env=env) == "2\n"
    assert f"{file} (not there: all defaults)" in hfs("doctor", env=env).stdout.decode()
    assert hfs.ok("config", "path", env=env) == f"{file}\n"
    assert not file.parent.exists()
    hfs.ok("config", "set", "retries", "1", env=env)
    assert hfs.ok("config", "get", "retries", env=env) == "1\n"
    assert hfs.ok("config", "get", "retries", env={"HFS_CONFIG": ""}) == "2\n"


def test_the_empty_device_is_an_empty_configuration(hfs):
    assert "retries" in hfs.ok("config", "list", env={"HFS_CONFIG": "/dev/null"})


def test_several_lines_are_not_taken_for_a_key(hfs):
    done = hfs("keys", "set", "openai", stdin=b"sk-one\nsk-two\n")
    assert done.returncode == 2
    assert b"more than one line" in done.stderr
    assert b"sk-" not in done.stderr
    assert not (hfs.config.parent / "keys.json").exists()


def test_bytes_that_are_not_text_are_not_taken_for_a_key(hfs):
    done = hfs("keys", "set", "openai", stdin=b"\xff\xfe", env={"LC_ALL": "C.UTF-8"})
    assert done.returncode == 3


@pytest.mark.parametrize("words", [("config", "edit"), ("chat", "-e", "hi")])
def test_an_editor_without_a_terminal_is_refused(hfs, words):
    done = hfs(*words, env={"EDITOR": "true"})
    assert done.returncode == 2
    assert b"an editor needs a terminal" in done.stderr


def in_terminal(hfs, *words, editor, typed=""):
    """Run with a terminal; the exit code and what was shown."""
    env = hfs.environment({"EDITOR": editor})
    child = pexpect.spawn(hfs.argv[0], [*hfs.argv[1:], *words], env=env, timeout=120)
    child.send(typed)
    shown = child.read().decode()
    child.close()
    return child.exitstatus, shown


def test_config_edit_changes_a_private_file_and_checks_it(hfs):
    code, shown = in_terminal(hfs, "config", "edit", editor="sh -c 'echo retries = 3 > \"$0\"'")
    assert (code, shown) == (0, "")
    assert hfs.config.stat().st_mode & 0o777 == 0o600
    assert hfs.ok("config", "get", "retries") == "3\n"
    wrong = "sh -c 'echo retries = 99 > \"$0\"'"
    code, shown = in_terminal(hfs, "config", "edit", editor=wrong, typed="n\n")
    assert code == 3
    assert "from 0 to 10" in shown


@pytest.mark.parametrize("words", [("config", "edit"), ("templates", "edit", "title")])
@pytest.mark.parametrize("status", [0, 1])
def test_an_editor_that_writes_a_new_file_in_its_place_opens_it_to_nobody(hfs, words, status):
    script = f'umask 0; cat "$0" > "$0.new"; mv "$0.new" "$0"; exit {status}'
    code, _ = in_terminal(hfs, *words, editor=f"sh -c '{script}'")
    assert (code == 0) == (status == 0)
    files = [file for file in hfs.config.parent.rglob("*") if file.is_file()]
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600]


@pytest.mark.parametrize("words", [("config", "edit"), ("chat", "-e", "hi")])
def test_an_editor_that_deletes_its_file_is_not_a_bug(hfs, words):
    code, shown = in_terminal(hfs, *words, editor="rm")
    assert code in {0, 2}
    assert "bug" not in shown


def test_an_editor_that_leaves_what_is_not_text_is_told_so(hfs):
    code, shown = in_terminal(hfs, "chat", "-e", "hi", editor='sh -c \'printf "\\377" > "$0"\'')
    assert code == 2
    assert "is not UTF-8" in shown


@pytest.mark.parametrize(
    ("key", "value", "code", "says"),
    [
        ("profiles.p.temperature", "hot", 3, "'hot' is not a number of 0 or more"),
        ("profiles.p.format", "yaml", 3, "'yaml' is not one of 'text', 'json', 'jsonl'"),
        ("profiles.p.extract", "maybe", 3, "must be true or false"),
        ("profiles.p.option", "x", 3, "must be a table, as in option = { top_p = 0.9 }"),
        ("profiles.p.tool", "lines", 4, "no tool 'lines'"),
        ("profiles.p.tool", '["web-search", "x:y"]', 4, "no MCP server 'x'"),
        ("profiles.p.fallback", "openai/a,nosuch", 4, 'no model "nosuch"'),
        ("profiles.p.bogus", "1", 3, "unknown key 'bogus' in [profiles.p] of"),
        ("profiles.p", "1", 3, "must be a table: [profiles.p]"),
        ("providers.x", "1", 3, "must be a table: [providers.x]"),
        ("fallback", "nosuch", 4, 'no model "nosuch"'),
        ("model", "nosuch/model", 4, 'no provider "nosuch"'),
        ("profiles.p.model", "nosuch/model", 4, 'no provider "nosuch"'),
        ("aliases.a", "nosuch/model", 4, 'no provider "nosuch"'),
        ("providers.x.base_url", "ftp://x", 3, "http:// or https://"),
        ("providers.x.base_url", "https://me:pw@x/v1", 3, "must hold no password"),
        ("providers.x.headers", '{ "a b" = "c" }', 3, "is not the name of a header"),
    ],
)
def test_what_use_would_refuse_is_not_set(hfs, key, value, code, says):
    hfs.configure("# mine\n")
    done = hfs("config", "set", key, value)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (code, b"", 1)
    assert says in (said := done.stderr.decode())
    assert len(said) < 320
    assert hfs.config.read_text() == "# mine\n"


def test_a_value_that_is_refused_makes_no_file(hfs):
    assert hfs("config", "set", "model", "nosuch/model").returncode == 4
    assert not hfs.config.exists()


def test_what_use_takes_is_set_and_used(chat, server):
    for key, value in {
        "tools.lines.command": '["wc", "-l"]',
        "tools.lines.description": "Count lines.",
        "profiles.p.tool": "lines",
        "profiles.p.temperature": "0.3",
        "profiles.p.option.top_p": "0.5",
        "profiles.p.fallback": "test/m, test/n",
    }.items():
        chat.ok("config", "set", key, value)
    sent = json.loads(chat.ok("chat", "--profile", "p", "--dry-run", "hi"))["body"]
    assert (sent["temperature"], sent["top_p"]) == (0.3, 0.5)
    assert sent["tools"][0]["function"]["name"] == "lines"


def test_a_table_is_not_one_setting(hfs):
    hfs.configure("[profiles.p]\nretries = 1\n")
    done = hfs("config", "get", "profiles.p")
    assert done.returncode == 4
    assert done.stderr == (
        b"hfs: error: profiles.p is a table: name a setting in it, such as profiles.p.retries\n"
    )


@pytest.mark.parametrize(("command", "sign"), [("pass x | head -1", "|"), ("echo $KEY", "$")])
def test_a_command_that_needs_a_shell_is_told_when_it_is_set(hfs, command, sign):
    done = hfs("config", "set", "providers.work.api_key_cmd", command)
    assert done.returncode == 0
    assert done.stderr.decode() == (
        f"hfs: warning: api_key_cmd of work is run without a shell, which {sign} needs:"
        ' write ["sh", "-c", "…"]\n'
    )
    assert not hfs("config", "set", "providers.work.api_key_cmd", "pass x").stderr


def test_what_was_set_and_unset_leaves_the_file_as_it_was(hfs):
    before = "# mine\nmodel = 'a/b'\n[providers.x]\ntype = 'openai'\n"
    hfs.configure(before)
    hfs.ok("config", "set", "aliases.fast", "openai/a")
    hfs.ok("config", "unset", "aliases.fast")
    assert hfs.config.read_text() == before
