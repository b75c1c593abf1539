"""What looks like a credential, or is the value of a variable that holds one, is not shown."""

from __future__ import annotations

import pytest

from hfs_cli.hide import hide

CANARY = "sk-canary-0123456789"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f'no provider "{CANARY}"', 'no provider "[hidden]"'),
        ("http://me:pw@proxy:3128 refused", "http://[hidden]@proxy:3128 refused"),
        ("http://token@host/v1", "http://[hidden]@host/v1"),
        ("postgresql://ann:pw@db/hfs", "postgresql://ann:[hidden]@db/hfs"),
        ("pg_dump postgresql://ann@db/hfs", "pg_dump postgresql://ann@db/hfs"),
        ("GET http://h/v1?key=abc&alt=sse", "GET http://h/v1?key=[hidden]&alt=sse"),
        ("?api-version=2024&subscription-key=abc", "?api-version=2024&subscription-key=[hidden]"),
        ("AIzaSyA1234567890abcdef", "[hidden]"),
        ("monkey=1 and key=x", "monkey=1 and key=x"),
        ("mail me@example.com", "mail me@example.com"),
        ("http://host/@scope/name", "http://host/@scope/name"),
        ('no session "sk-ip"', 'no session "sk-ip"'),
    ],
)
def test_credentials_are_hidden_and_the_rest_is_as_it_was(text, shown):
    assert hide(text, {}) == shown


def test_the_value_of_a_variable_that_holds_a_key_is_hidden_whatever_it_looks_like():
    env = {"WORK_API_KEY": "correct horse", "HOME": "/home/someone", "X_TOKEN": "short"}
    assert hide("correct horse in /home/someone, short", env) == (
        "[hidden] in /home/someone, short"
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("keys", "set", "anthropic", CANARY), 2),
        (("chat", "-m", CANARY, "hi"), 4),
        (("chat", "--model", f"openai/x y\n{CANARY}", "hi"), 2),
        (("config", "set", "retries", CANARY), 3),
        ((CANARY,), 2),
        (("models", "default", CANARY), 4),
        (("chat", "-f", CANARY, "hi"), 2),
    ],
)
@pytest.mark.parametrize("debug", ["", "1"])
def test_a_key_in_the_wrong_place_is_not_echoed(hfs, words, code, debug):
    done = hfs(*words, env={"HFS_DEBUG": debug})
    assert done.returncode == code, done.stderr
    assert CANARY.encode() not in done.stderr + done.stdout


def test_a_traceback_does_not_show_the_password_of_a_proxy(hfs):
    proxy = {"HTTP_PROXY": "http://me:canary-pw@127.0.0.1:9", "HFS_DEBUG": "1"}
    hfs.configure('[providers.x]\ntype = "openai"\nbase_url = "http://192.0.2.1/v1"\n')
    done = hfs("chat", "--retries", "0", "-m", "x/m", "hi", env=proxy)
    assert done.returncode == 6
    assert b"Traceback" in done.stderr
    assert b"canary-pw" not in done.stderr


def test_lists_and_dry_runs_show_no_credential_of_the_configuration(hfs):
    hfs.configure(
        '[providers.x]\ntype = "openai"\nbase_url = "http://127.0.0.1:9/v1"\n'
        'api_key_cmd = "printf canary-cmd"\n'
        '[providers.x.query]\nkey = "canary-query"\napi-version = "7"\n'
        '[providers.y]\nbase_url = "http://me:canary-pw@127.0.0.1:9/v1"\n'
    )
    for words in [
        ("config", "list"),
        ("config", "list", "--json"),
        ("config", "get", "providers.y.base_url"),
        ("config", "get", "providers.x.api_key_cmd"),
        ("chat", "--dry-run", "-m", "x/m", "hi"),
    ]:
        assert b"canary" not in hfs(*words).stdout, words
    assert "printf …" in hfs.ok("config", "get", "providers.x.api_key_cmd")
    assert "api-version=7" in hfs.ok("chat", "--dry-run", "-m", "x/m", "hi")
