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


LONG = """
from hfs_cli.render.progress import progress
with progress("reading /a/path/that/is/longer/than/such/a/window/export.zip", 100) as advance:
    advance(100)
"""


def test_in_a_narrow_window_it_is_one_line_that_says_how_far_it_is():
    (line,) = [line for line in run_in_terminal(LONG, columns=40).lines if line.strip()]
    assert line.startswith("…")
    assert "export.zip ━" in line
    assert line.endswith("100%")


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


BATCH = """
from hfs_cli.messages import Usage
from hfs_cli.render.progress import batch_progress
with batch_progress(1200, 3, quiet=False) as state:
    state.add(failed=False, usage=Usage(1000, 500), cost=0.25)
    state.add(failed=True, usage=None, cost=0.25)
    assert state.hold(86400)
print(state.summary())
"""


def test_a_batch_says_how_far_it_is_and_leaves_its_summary_alone():
    seen = run_in_terminal(BATCH, columns=200)
    raw = seen.raw.decode()
    assert "5/1,200 · waiting 24 h 0 min · 1 failed · " in raw
    assert "/s · 1,500 tokens · cost 0.25" in raw
    (summary,) = [line for line in seen.lines if line.strip()]
    start = "1 done · 1 failed · 3 there before · 1,000 in, 500 out · cost 0.25 · "
    assert summary.startswith(start)
    bare = run_in_terminal(BATCH.replace("assert state", "assert not state"), env={"TERM": "dumb"})
    assert bare.raw.decode().startswith(start)


WAITS = """
import sys, threading
from hfs_cli import notices
from hfs_cli.render.progress import waiting
drawn, write = threading.Event(), notices.write
notices.write = lambda text: (write(text), drawn.set())
with waiting("asking\x1b[31m all"):
    drawn.wait(float(sys.argv[1]))
print("done")
"""


def test_what_is_waited_for_is_said_and_gone_afterwards():
    seen = run_in_terminal(WAITS, "120")
    assert "⠋ asking\\x1b[31m all" in seen.raw.decode()
    assert [line for line in seen.lines if line.strip()] == ["done"]
    assert run_in_terminal(WAITS, "0", env={"TERM": "dumb"}).raw == b"done\r\n"
