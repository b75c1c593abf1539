"""The log of aichat, in the forms that its versions have written."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfs_cli.errors import UsageError
from hfs_cli.exchange.detect import open_source
from tests.exchange.reading import bring_in, conversations_in, read

LOG = """\
# CHAT: which day is it, [in Bern]? [2026-02-23T19:16:27+08:00] (clock#swiss)
which day is it,
[in Bern]?
--------
<tool_calls>
let me look
[{"call":{"name":"date","arguments":{"zone":"CET"},"id":"c1"},"output":{"day":"Sunday"}}]
</tool_calls>
It is Sunday.
--------

# CHAT: show the log's form [2026-02-24T19:16:27Z]
show the log's form
--------
# CHAT: a heading in a reply [2026-02-24T19:16:27Z]
text
--------
and so on
--------

# CHAT: again [2026-02-24T19:16:28Z] (#papers)
.file a.txt b.png -- again
--------
First.
--------

# CHAT: again [2026-02-24T19:16:28Z] (#papers)
.file a.txt b.png -- again
--------
Second.
--------

"""
OLDER = """\
# CHAT:[2023-03-06T10:20:30+08:00] (shell)
list files

--------
ls
--------

# CHAT:[2023-03-06T10:20:31+08:00]
and now?

--------
ls -l
--------

"""


@pytest.fixture
def log(tmp_path):
    file = tmp_path / "messages.md"
    file.write_text(LOG)
    return file


def said(conversation):
    return [(m.role, m.content) for m in conversation.messages]


def test_each_question_is_a_conversation(log, store):
    day, form, first, second = conversations_in(log)
    assert [c.name for c in (day, form)] == [
        "which day is it, [in Bern]?",
        "show the log's form",
    ]
    assert said(day) == [
        ("user", "which day is it,\n[in Bern]?"),
        ("assistant", "let me look"),
        ("assistant", "It is Sunday."),
    ]
    assert day.created_at == datetime(2026, 2, 23, 11, 16, 27, tzinfo=UTC)
    assert day.messages[0].extra == {"role": "clock#swiss"}
    (call,) = day.messages[1].tool_calls
    assert call[:4] == ("c1", "date", '{"zone": "CET"}', '{"day": "Sunday"}')
    assert said(form)[1][1].endswith("text\n--------\nand so on")
    assert (said(first)[1][1], said(second)[1][1]) == ("First.", "Second.")
    done = bring_in(store, log)
    assert (done.sessions, done.messages, done.calls) == (4, 9, 1)
    (reason, often) = next(iter(done.left_out.items()))
    assert ("keeps the names alone" in reason, often) == (True, 2)
    assert store.check() == []


def test_what_versions_of_2023_wrote(tmp_path):
    file = tmp_path / "messages.md"
    file.write_text(OLDER)
    first, second = conversations_in(file)
    assert said(first) == [("user", "list files"), ("assistant", "ls")]
    assert (first.name, second.name) == ("list files", "and now?")
    zone = timezone(timedelta(hours=8))
    assert second.created_at == datetime(2023, 3, 6, 10, 20, 31, tzinfo=zone)


def test_a_log_that_has_grown_brings_what_is_new(log, store):
    log.write_text(LOG[: LOG.index("# CHAT: again")])
    assert bring_in(store, log).sessions == 2
    log.write_text(LOG)
    done = bring_in(store, log)
    assert (done.sessions, done.present) == (2, 2)
    assert bring_in(store, log).present == 4


@pytest.mark.parametrize("name", ["messages.md", "-"])
def test_the_command_reads_it(log, hfs, name):
    if name == "-":
        told = hfs.ok("sessions", "import", "-", stdin=log.read_bytes())
    else:
        told = hfs.ok("sessions", "import", str(log), "--from", "aichat")
    assert "(aichat):\n  sessions: 4\n" in told
    assert "left out: 2 × question's files" in told


def test_an_entry_that_was_cut_is_partial(log):
    log.write_text(LOG.rstrip("\n").removesuffix("--------"))
    assert [m.status for m in conversations_in(log)[-1].messages] == ["complete", "partial"]
    log.write_text("# CHAT: alone [2026-02-23T19:16:27Z]\nalone")
    assert said(conversations_in(log)[0]) == [("user", "alone")]


@pytest.mark.parametrize(
    ("entry", "error"),
    [
        (b"# CHAT: x [2026-02-30T19:16:27Z]\nx\n--------\ny\n--------\n\n", "no calendar"),
        (b"# CHAT: x [2026-02-23T19:16:27Z]\nx\n--------\n\xff\n--------\n\n", "is not UTF-8"),
        (
            b"# CHAT: x [2026-02-23T19:16:27Z]\nx\n--------\n<tool_calls>\n[{}]\n</tool_calls>\n",
            "a tool call, call must be an object",
        ),
    ],
)
def test_a_damaged_entry_is_refused_or_passed_over(tmp_path, store, entry, error):
    file = tmp_path / "messages.md"
    file.write_bytes(LOG.encode() + entry)
    with pytest.raises(UsageError, match=error):
        bring_in(store, file)
    warned = []
    done = bring_in(store, file, broken=warned.append)
    assert (done.sessions, done.broken, len(warned)) == (4, 1, 1)


def test_what_only_looks_like_calls_is_text(tmp_path):
    for reply in ("<tool_calls>\nx\n</tool_calls>\ny", "<tool_calls>\n[1", "<tool_calls>\n{}\n"):
        file = tmp_path / "messages.md"
        file.write_text(f"# CHAT: x [2026-02-23T19:16:27Z]\nx\n--------\n{reply}\n--------\n\n")
        assert said(conversations_in(file)[0])[1] == ("assistant", reply)


lines = st.sampled_from([line + "\n" for line in LOG.splitlines()]) | st.text(max_size=20)


@given(st.lists(lines, max_size=12))
def test_whatever_follows_a_heading_is_read_or_refused(tmp_path_factory, following):
    file = tmp_path_factory.mktemp("log") / "messages.md"
    file.write_bytes((LOG.splitlines()[0] + "\n" + "".join(following)).encode(errors="replace"))
    try:
        with open_source(file) as source:
            found = read(source)
    except UsageError:
        return
    assert found
