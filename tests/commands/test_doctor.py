"""`hfs doctor`: what it looked at, and what it did not."""

import json


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
