"""`hfs sessions redact`, as a process."""

from __future__ import annotations

import json

import pytest

from tests.redact.keys import Keys


@pytest.fixture
def key() -> str:
    return Keys().checked("ghp_")


def test_keys_are_told_of_and_nothing_is_changed_without_yes(hfs, key):
    hfs.keep("a", f"use {key}", "ok")
    hfs.keep("b", "q", f"I have {key}")
    lines = hfs.ok("sessions", "redact").splitlines()
    assert [line.split("\t") for line in lines] == [
        ["1", "1", "text", "github-token", f"ghp_…{key[-4:]}", "a"],
        ["2", "2", "text", "github-token", f"ghp_…{key[-4:]}", "b"],
    ]
    assert hfs.ok("sessions", "redact") == "".join(f"{line}\n" for line in lines)
    assert hfs.ok("sessions", "redact", "b").splitlines() == lines[1:]
    assert json.loads(hfs.ok("sessions", "redact", "a", "--json")) == [
        {
            "session_id": 1,
            "session_name": "a",
            "position": 1,
            "place": "text",
            "family": "github-token",
            "excerpt": f"ghp_…{key[-4:]}",
            "file": None,
        }
    ]


def test_with_yes_they_are_replaced_wherever_the_session_is_that_is_pinned(hfs, key):
    hfs.keep("a", f"use {key}", "ok")
    hfs.keep("b", "q", "a")
    hfs.env["HFS_SESSION"] = "b"
    assert key not in hfs.ok("sessions", "redact", "--yes")
    assert hfs.ok("sessions", "redact") == ""
    assert "use [redacted github-token]" in hfs.ok("sessions", "show", "a")
    for file in hfs.data.iterdir():
        assert key[10:30].lower().encode() not in file.read_bytes().lower(), file


def test_where_nothing_is_found_nothing_is_printed(hfs):
    assert hfs.ok("sessions", "redact") == ""
    assert hfs.ok("sessions", "redact", "--yes") == ""
    assert json.loads(hfs.ok("sessions", "redact", "--json")) == []
    assert hfs("sessions", "redact", "x").returncode == 4
