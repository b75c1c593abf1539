"""Where a key comes from, and what is refused as one."""

import json
import stat
import subprocess
import sys
from contextlib import suppress

import pytest

from hfs_cli.config import keys
from hfs_cli.config.keys import (
    KeySource,
    find_key,
    read_keys,
    remove_key,
    set_key,
    where_found,
)
from hfs_cli.errors import ConfigError, CredentialsError, NotFoundError
from tests.tools.conftest import is_running, wait_until

CANARY = "sk-canary-42"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "hfs" / "keys.json"


def printing(text: str, code: int = 0, stderr: str = "") -> tuple[str, ...]:
    script = f"import sys; print({text!r}); sys.stderr.write({stderr!r}); sys.exit({code})"
    return (sys.executable, "-c", script)


def find(source, file, env=None, told=None):
    return find_key(source, env or {}, file, (told if told is not None else []).append)


def test_environment_then_command_then_file(file):
    set_key(file, "p", "from-file")
    source = KeySource("p", "P_KEY", printing("from-command"))
    assert find(source, file, {"P_KEY": "from-env"}).value == "from-env"
    assert find(source, file).value == "from-command"
    assert find(KeySource("p", "P_KEY"), file).value == "from-file"


def test_the_origin_is_told_and_the_key_is_not(file):
    key = find(KeySource("p", "P_KEY"), file, {"P_KEY": CANARY})
    assert key.origin == "environment (P_KEY)"
    assert CANARY not in repr(key)


def test_a_needed_key_that_is_nowhere(file):
    with pytest.raises(CredentialsError, match="set P_KEY or run: hfs keys set p"):
        find(KeySource("p", "P_KEY"), file)


def test_no_key_is_needed_by_a_server_at_home(file):
    assert find(KeySource("p", required=False), file) is None


@pytest.mark.parametrize(
    "value", ["a\nb", "abc ", " abc", "abc\n", "abc\r", "naïve", "a\tb", "a\x00b", "\u200bsk"]
)
def test_what_cannot_be_a_key_is_refused_unseen(file, value):
    with pytest.raises(CredentialsError) as error:
        find(KeySource("p", "P_KEY"), file, {"P_KEY": value})
    assert "copy it again" in error.value.message
    assert value.strip() not in error.value.message


def test_a_command_is_run_without_a_shell(file, tmp_path):
    source = KeySource("p", command=f"{sys.executable} -c 'print(\"$HOME;`id`\")'")
    assert find(source, file).value == "$HOME;`id`"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (printing("x", 3, f"locked\n{'y' * 10}"), r"failed \(3\): run it in your shell"),
        (("no-such-command-at-all", "secret"), "run: no-such-command-at-all: No such file"),
        ("/no/such/program1 secret", "run: /no/such/program1: No such file"),
        ("a1b2c3d4e5f6", "cannot be run: No such file"),
        ("TOKEN=abcdef pass", "cannot be run: No such file"),
        ("unbalanced 'quote", "cannot be run"),
        (printing(""), "printed nothing"),
    ],
    ids=["fails", "absent", "absent-path", "perhaps-a-key", "variable", "unbalanced", "silent"],
)
def test_a_command_that_gives_no_key(file, command, told):
    with pytest.raises(CredentialsError, match=told) as error:
        find(KeySource("p", command=command), file)
    for unseen in ("secret", "a1b2", "abcdef"):
        assert unseen not in error.value.message


@pytest.mark.parametrize(
    ("command", "sign"),
    [
        ("echo x | head -c 1", "|"),
        ("echo x >/dev/null", ">"),
        ("echo $HOME", "$"),
        ("echo ~/key", "~"),
        ("echo 'a|b>c$d'", None),
        (("echo", "|"), None),
    ],
)
def test_a_command_that_needs_a_shell_is_warned_of(file, command, sign):
    told = []
    # What it prints may not be a key: the warning comes first and says why.
    with suppress(CredentialsError):
        find_key(KeySource("p", command=command), {}, file, told.append)
    assert len(told) == (sign is not None), told
    assert all(f"without a shell, which {sign} needs" in line for line in told)


def test_a_command_that_hangs_is_given_up(file, monkeypatch):
    monkeypatch.setattr(keys, "COMMAND_SECONDS", 0.2)
    source = KeySource("p", command=(sys.executable, "-c", "import time; time.sleep(60)"))
    with pytest.raises(CredentialsError, match="took over 0 s"):
        find(source, file)


def test_what_a_command_says_on_standard_error_is_not_shown(file):
    with pytest.raises(CredentialsError) as error:
        find(KeySource("p", command=printing("x", 3, CANARY)), file)
    assert CANARY not in error.value.message


def test_a_command_whose_child_keeps_the_pipe_open_is_not_waited_for(file):
    script = f"sleep 60 & echo {CANARY}"
    assert find(KeySource("p", command=("sh", "-c", script)), file).value == CANARY


def test_a_command_that_prints_without_end_is_ended(file):
    with pytest.raises(CredentialsError, match="printed over 100000 bytes"):
        find(KeySource("p", command=("yes",)), file)


def test_what_a_command_leaves_running_is_ended_where_nobody_can_be_asked(file, tmp_path):
    pid = tmp_path / "pid"
    program = (
        "from hfs_cli.posix import output_of; import sys;"
        "print(output_of(['sh', '-c', sys.argv[1]], seconds=60, limit=100))"
    )
    script = f"sleep 60 & echo $! > {pid}; echo key"
    done = subprocess.run(
        [sys.executable, "-c", program, script],
        start_new_session=True, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "(0, b'key\\n')\n"
    wait_until(lambda: not is_running(int(pid.read_text())))


def test_the_key_file_is_its_owners_alone(file):
    set_key(file, "p", CANARY)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.parent.iterdir()] == ["keys.json"]


def test_a_key_file_that_others_can_read_is_warned_about(file):
    set_key(file, "p", CANARY)
    file.chmod(0o644)
    told = []
    assert find(KeySource("p"), file, told=told).value == CANARY
    assert len(told) == 1
    assert "chmod 600" in told[0]


def test_setting_keeps_the_others(file):
    set_key(file, "a", "1")
    set_key(file, "b", "2")
    remove_key(file, "a")
    assert read_keys(file, print) == {"b": "2"}


def test_removing_what_is_not_there(file):
    set_key(file, "b", "2")
    with pytest.raises(NotFoundError, match="it holds those of b"):
        remove_key(file, "a")


@pytest.mark.parametrize("content", ["{", "[]", '{"p": 1}', "[" * 100_000])
def test_a_broken_key_file_is_kept_and_its_error_says_what_helps(file, content):
    file.parent.mkdir()
    file.write_text(content)
    file.chmod(0o600)
    with pytest.raises(ConfigError, match="key file"):
        find(KeySource("p"), file)
    with pytest.raises(ConfigError, match="mend it, or delete it"):
        set_key(file, "p", "fromfile")
    assert file.read_text() == content
    file.unlink()
    set_key(file, "p", "fromfile")
    assert keys.read_keys(file, print) == {"p": "fromfile"}


def test_where_found_runs_and_shows_nothing(file):
    source = KeySource("p", "P_KEY", ("no-such-command",))
    assert where_found(source, {"P_KEY": CANARY}, {}) == "environment (P_KEY)"
    assert where_found(source, {}, {}) == "api_key_cmd"
    assert where_found(KeySource("p"), {}, {"p": CANARY}) == "key file"
    assert where_found(KeySource("p"), {}, {}) is None


def test_keys_are_json_that_others_can_read(file):
    set_key(file, "p", CANARY)
    assert json.loads(file.read_text()) == {"p": CANARY}
