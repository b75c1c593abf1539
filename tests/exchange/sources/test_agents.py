"""The sessions of coding agents, all of them: directories, and files that are damaged."""

import copy
import json
import random

import pytest

from hfs_cli.errors import UsageError
from tests.exchange.reading import bring_in, conversations_in, places, written
from tests.exchange.sources.test_claude_code import AGENT, CLAUDE_CODE
from tests.exchange.sources.test_codex import CODEX
from tests.exchange.sources.test_gemini import BEGUN, RESUMED

WHOLE = {
    "claude-code": [*CLAUDE_CODE, *AGENT],
    "codex": CODEX,
    "gemini-cli": [*BEGUN, *RESUMED],
}


@pytest.fixture
def home(tmp_path):
    home = tmp_path / "agents"
    written(home / "claude" / "-src" / "s.jsonl", *CLAUDE_CODE)
    written(home / "codex" / "11" / "rollout-1.jsonl", *CODEX)
    (home / "compressed.md").write_text("not a history")
    (home / "codex" / "old.jsonl.zst").write_bytes(b"\x28\xb5\x2f\xfd\0")
    return home


def test_a_directory_brings_in_only_what_is_new_each_day(home, hfs):
    first = hfs("sessions", "import", str(home)).stdout.decode()
    assert first.count("imported from") == 2
    assert f"in all from {home} (2 files):\n  sessions: 5\n" in first
    assert "left out: 1 file in no format that can be imported\n" in first
    assert "left out: 1 file compressed\n" in first
    written(home / "gemini" / "session-1.jsonl", *BEGUN)
    told = hfs("sessions", "import", "--dry-run", str(home)).stdout.decode()
    assert told.count("would come in from") == 1
    again = hfs("sessions", "import", str(home)).stdout.decode()
    assert again.count("imported from") == 1
    assert f"in all from {home} (3 files):\n  sessions: 1\n" in again
    assert "nothing new in 2 files\n" in again
    assert "Still one." in hfs("sessions", "search", "Still").stdout.decode()
    assert hfs("sessions", "import", str(home)).returncode == 0


def test_a_compressed_file_is_told_how_to_read(home, hfs):
    done = hfs("sessions", "import", str(home / "codex" / "old.jsonl.zst"))
    assert done.returncode == 2
    assert "zstd -d" in done.stderr.decode()


@pytest.mark.parametrize("key", list(WHOLE))
def test_a_line_that_its_program_could_not_finish_is_counted(tmp_path, store, key):
    lines = [json.dumps(line) for line in WHOLE[key]]
    file = tmp_path / "s.jsonl"
    file.write_text("\n".join(lines) + "\n")
    whole = [len(one.messages) for one in conversations_in(file)]
    file.write_text("\n".join([*lines[:3], lines[3][:20], *lines[3:], lines[3][:30]]))
    assert [len(one.messages) for one in conversations_in(file)] == whole
    left_out = bring_in(store, file).left_out
    assert left_out["line that is not whole"] == 1
    assert left_out["last line, which is not whole yet"] == 1


@pytest.mark.parametrize("key", list(WHOLE))
@pytest.mark.parametrize("text", ["", "[]", "7\n", "{\n", '{"a": 1}\n', '{"type": 5}\n{"type"'])
def test_what_is_not_a_session_of_theirs_is_refused_or_empty(tmp_path, key, text):
    file = tmp_path / "s.jsonl"
    file.write_text(text)
    try:
        assert conversations_in(file, key) == []
    except UsageError as error:
        assert str(file) in str(error)


ODD = [None, True, -1, 1e400, "", "x", "\ud800", [], {}, [5], [None], {"text": 5}, 10**30]


@pytest.mark.parametrize("key", list(WHOLE))
def test_whatever_stands_somewhere_is_read_or_refused_in_one_line(tmp_path, key):
    rolling = random.Random(key)
    file = tmp_path / "s.jsonl"
    refused = 0
    for _ in range(60):
        lines = copy.deepcopy(WHOLE[key])
        *path, last = rolling.choice([path for path in places(lines) if len(path) > 1])
        holder = lines
        for step in path:
            holder = holder[step]
        holder[last] = rolling.choice(ODD)
        written(file, *lines)
        try:
            conversations_in(file, key)
        except UsageError as error:
            assert "\n" not in error.message
            refused += 1
    assert 0 < refused < 60
