"""Every list has the same order, by the time of activity; what -c continues goes by use alone."""

import json
import re
from datetime import UTC, datetime

from tests.scripted_server import openai_sse


def bring_in(chat, name, moment):
    """Import a session that was last used elsewhere."""
    conversation = {
        "uid": name.encode().hex().zfill(32),
        "name": name,
        "origin": "chat",
        "listed": True,
        "model": "other/m",
        "created_at": moment,
        "updated_at": moment,
        "parent_uid": None,
        "fork_position": None,
        "checkpoints": [],
        "messages": [],
    }
    document = {"format": "hfs", "schema_version": 1, "sessions": [conversation]}
    assert chat("sessions", "import", "-", stdin=json.dumps(document).encode()).returncode == 0


def now():
    return datetime.now(UTC).isoformat()


def test_every_list_has_the_newest_activity_first_and_c_goes_on_with_what_was_used(kept, server):
    chat = kept
    chat.keep("first", "hi", "hello")
    bring_in(chat, "meanwhile", now())
    server.reply("{}", status=401)
    assert chat("chat", "-n", "refused", "and then?").returncode == 3
    chat.keep("second", "hi", "hello")
    bring_in(chat, "old", "2020-01-01T00:00:00Z")
    bring_in(chat, "new", now())
    listed = ["new", "second", "meanwhile", "first", "old"]
    every = ["new", "second", "refused", "meanwhile", "first", "old"]

    def names(*options):
        return [s["name"] for s in json.loads(chat.ok("sessions", "list", "--json", *options))]

    assert names() == listed
    assert names("--all") == every
    assert names("--limit", "2") == listed[:2]
    lines = chat.ok("sessions", "list", "--all").splitlines()
    assert [line.split("\t")[1] for line in lines] == every
    ids = {line.split("\t")[1]: line.split("\t")[0] for line in lines}
    assert chat.ok("sessions", "list", "--ids").split() == [ids[name] for name in listed]
    offered = chat.ok("__complete", "sessions", "").splitlines()
    assert [line.split("\t")[0] for line in offered] == [ids[name] for name in listed]
    chat.ok("sessions", "export", "--all", "--format", "html", "-O", str(chat.home / "archive"))
    page = (chat.home / "archive" / "index.html").read_text()
    assert re.findall(r'<a href="sessions/\d+/\d+\.html">([^<]*)</a>', page) == every
    # The order of use is another one: imported sessions come after all that were used here.
    used = ["second", "first", "new", "meanwhile", "old"]
    offered = chat.ok("__complete", "sessions", "@").splitlines()
    assert [line.split("\t")[1].split(" · ")[0] for line in offered] == used
    # A refused question that is asked again counts from then on.
    server.reply("{}", status=401)
    assert chat("sessions", "retry", "refused").returncode == 3
    assert names("--all")[0] == "refused"
    server.reply(openai_sse("yes"))
    chat.ok("chat", "-c", "more")
    assert names()[:2] == ["second", "new"]
    assert "more" in chat.ok("sessions", "show", "second")
    # What --keep spares is the beginning of the list, and what was refused takes no place in it.
    chat.ok("delete", "--all", "--keep", "2", "--yes")
    assert names("--all") == ["second", "new"]


def test_the_mark_of_the_current_session_stands_wherever_that_is(chat, on_terminal):
    chat.keep("here", "hi", "hello")
    bring_in(chat, "elsewhere", now())
    done = on_terminal("sessions", "list")
    assert [line.endswith("●") for line in done.lines[1:3]] == [False, True]
    done = on_terminal("sessions", "list", "--query", "elsewhere")
    assert "●" not in "".join(done.lines)
