"""One session that goes on with another vendor each turn, as `hfs` itself sends and keeps it."""

from __future__ import annotations

import json

from hfs_cli.providers.formats import load_format
from tests.providers.asking import content_type
from tests.providers.formats.talks import MODELS, reply
from tests.providers.formats.talks import WIRES as WITH_TOOLS
from tests.providers.sdk_types import illegal

WIRES = [wire for wire in WITH_TOOLS if "image/png" in load_format(wire).media.types]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
PICTURE, SCHEMA = 3, 6  # the turns with one; what is sent after them has them in its past


def test_two_turns_in_each_format_are_legal_for_each_vendor(hfs, server):
    """With thoughts that each vendor seals, a picture and a schema on the way."""
    hfs.configure(
        "retries = 0\n"
        + "".join(
            f'[providers.{wire}x]\ntype = "{wire}"\nbase_url = "{server.url}"\n' for wire in WIRES
        )
    )
    (hfs.home / "a.png").write_bytes(PNG)
    for number in range(2 * len(WIRES)):
        wire = WIRES[number % len(WIRES)]
        said = '{"rain": true}' if number == SCHEMA else f"reply {number}"
        server.reply([reply(wire, said, step=number)], headers=content_type(wire))
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
            if WIRES[earlier % len(WIRES)] != wire:
                assert f"sealed {earlier}" not in text
                assert f"signed {earlier}" not in text
        assert ("iVBORw0KGgo" in text) == (number >= PICTURE)
    assert len(server.requests) == 2 * len(WIRES)
    shown = json.loads(hfs.ok("sessions", "show", "--json"))
    replies = [m for m in shown["messages"] if m["role"] == "assistant"]
    assert [m["model"].partition("x/")[0] for m in replies] == [*WIRES, *WIRES]
    assert all(m["reasoning"] for m in replies)
