"""One session that goes on with another vendor each turn, as `hfs` itself sends and keeps it."""

from __future__ import annotations

import json

from tests.providers.formats.talks import MODELS, reply
from tests.providers.sdk_types import illegal

WIRES = ("openai", "responses", "anthropic", "gemini", "ollama")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
PICTURE, SCHEMA = 3, 6  # the turns with one; what is sent after them has them in its past


def test_ten_turns_across_five_formats_are_legal_for_each_vendor(hfs, server):
    """With thoughts that each vendor seals, a picture and a schema on the way."""
    hfs.configure(
        "retries = 0\n"
        + "".join(
            f'[providers.{wire}x]\ntype = "{wire}"\nbase_url = "{server.url}"\n' for wire in WIRES
        )
    )
    (hfs.home / "a.png").write_bytes(PNG)
    for number in range(10):
        wire = WIRES[number % 5]
        said = '{"rain": true}' if number == SCHEMA else f"reply {number}"
        kind = {"Content-Type": "application/x-ndjson"} if wire == "ollama" else None
        server.reply([reply(wire, said, step=number)], headers=kind)
        more = ["-c"] if number else []
        more += ["-f", str(hfs.home / "a.png")] if number == PICTURE else []
        more += ["--schema", "rain boolean"] if number == SCHEMA else []
        done = hfs(
            "chat",
            *more,
            "-m",
            f"{wire}x/{MODELS[wire]}",
            "--reasoning",
            "low",
            f"question {number}",
        )
        assert (done.returncode, done.stdout.decode().strip()) == (0, said), done.stderr
        sent = server.requests[-1].json
        assert illegal(wire, sent) == {}, (number, wire)
        text = json.dumps(sent)
        for earlier in range(number):
            assert f"question {earlier}" in text
            # What one vendor sealed goes to no other.
            if WIRES[earlier % 5] != wire:
                assert f"sealed {earlier}" not in text
                assert f"signed {earlier}" not in text
        assert ("iVBORw0KGgo" in text) == (number >= PICTURE)
    assert len(server.requests) == 10
    shown = json.loads(hfs.ok("sessions", "show", "--json"))
    replies = [m for m in shown["messages"] if m["role"] == "assistant"]
    assert [m["model"].partition("x/")[0] for m in replies] == [*WIRES, *WIRES]
    assert all(m["reasoning"] for m in replies)
