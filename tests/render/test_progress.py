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
