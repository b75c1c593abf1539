"""The progress bar."""

from tests.render.terminals import run_in_terminal

CODE = """
from hfs_cli.render.progress import progress
with progress("[b]smol", 100) as advance:
    advance(100)
"""


def test_it_is_for_people_only(tmp_path):
    seen = run_in_terminal(CODE)
    assert seen.lines[0].startswith("[b]smol ━")
    assert "100%" in seen.lines[0]
    assert run_in_terminal(CODE, env={"TERM": "dumb"}).raw == b""


FAILS = """
from contextlib import suppress
from hfs_cli.render.progress import progress
with suppress(OSError), progress("reading", 100) as advance:
    advance(10)
    raise OSError
print("why")
"""


def test_of_what_failed_no_bar_is_left():
    assert [line for line in run_in_terminal(FAILS).lines if line.strip()] == ["why"]
