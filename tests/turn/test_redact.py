"""Keys in what is about to be sent and kept: told of, or taken out."""

from __future__ import annotations

import json
import os
import signal

import pexpect
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfs_cli.messages import (
    Attachment,
    Call,
    ChatMessage,
    Citation,
    KeptState,
    Place,
    Reply,
    Request,
    Turn,
)
from hfs_cli.redact.find import redacted
from hfs_cli.store.store import SessionStore
from hfs_cli.tools.tool import MAX_RESULT_BYTES
from hfs_cli.turn.redact import RedactingStore, _Line, looked_at
from tests.redact.keys import Keys
from tests.scripted_server import STALL, openai_chunk, openai_sse, sse
from tests.tools.asking import script

KEYS = Keys()
KEY, OTHER, THIRD = KEYS.checked("ghp_"), KEYS.of("npm-token")[0], KEYS.of("gitlab-token")[0]
MASK = {"HFS_REDACT": "mask"}


def sent(request) -> str:
    return json.dumps(request.json)


def files_with(hfs, key: str) -> list[str]:
    """The files that hold the middle of a key, in small letters as an index does too."""
    part = key[12:24].lower().encode()
    return [file.name for file in hfs.data.iterdir() if part in file.read_bytes().lower()]


def test_by_itself_everything_is_sent_and_kept_as_it_is(chat, server):
    server.reply(openai_sse("ok"))
    assert chat.ok("chat", f"use {KEY}") == "ok\n"
    assert f"use {KEY}" in sent(server.requests[0])
    assert files_with(chat, KEY)


@pytest.mark.parametrize("way", ["variable", "setting", "profile"])
def test_a_warning_says_whose_key_is_sent_once_and_sends_it(chat, server, way):
    env, words = {}, []
    if way == "variable":
        env = {"HFS_REDACT": "warn"}
    elif way == "setting":
        chat.configure('redact = "warn"\n' + chat.config.read_text())
    else:
        chat.configure(chat.config.read_text() + '[profiles.careful]\nredact = "warn"\n')
        words = ["--profile", "careful"]
    server.reply(openai_sse("ok"))
    done = chat("chat", *words, f"{KEY}, {KEY} and {OTHER}", env=env)
    assert done.stdout == b"ok\n"
    assert done.stderr.decode().splitlines() == [
        f'hfs: warning: what is sent holds a key ({family}): redact = "mask" takes it out'
        for family in ("github-token", "npm-token")
    ]
    assert KEY in sent(server.requests[0])
    assert KEY in chat.ok("sessions", "show")


def test_without_keys_nothing_is_said_and_nothing_is_changed(chat, server):
    server.reply(openai_sse("ok"))
    assert chat.ok("chat", "sk-your-key-here", env=MASK) == "ok\n"
    assert "sk-your-key-here" in sent(server.requests[0])


def test_what_is_masked_reaches_neither_the_vendor_nor_a_file(chat, server, tmp_path):
    (tmp_path / "env.txt").write_text(f"TOKEN={OTHER}\n")
    server.reply(openai_sse(f"You said {KEY}?"))
    words = ("chat", "-s", f"Never say {THIRD}.", "-f", str(tmp_path / "env.txt"))
    shown = chat.ok(*words, f"{KEY} is my token", env=MASK)
    assert shown == f"You said {KEY}?\n"
    for key in (KEY, OTHER, THIRD):
        assert key not in sent(server.requests[0])
        assert files_with(chat, key) == []
    assert "TOKEN=[redacted npm-token]" in server.requests[0].json["messages"][1]["content"]
    kept = json.loads(chat.ok("sessions", "show", "--format", "json"))
    assert kept["session"]["name"].startswith("[redacted github-token]")
    assert [message["content"] for message in kept["messages"]][::2] == [
        "Never say [redacted gitlab-token].",
        "You said [redacted github-token]?",
    ]


def test_a_person_is_told_once_what_is_taken_out(chat, server):
    server.reply(openai_sse("ok"))
    words = [*chat.argv[1:], "chat", f"{KEY} and {KEY}"]
    env = chat.environment(MASK)
    child = pexpect.spawn(chat.argv[0], words, env=env, timeout=120, dimensions=(24, 200))
    shown = child.read().decode()
    child.close()
    assert shown.count("a key (github-token) is taken out of what is sent and kept") == 1


def test_what_was_kept_before_is_masked_when_it_is_sent_again(chat, server):
    server.reply(openai_sse("ok"))
    chat.ok("chat", f"use {KEY}")
    server.reply(openai_sse("ok"))
    chat.ok("chat", "-c", "and now?", env=MASK)
    assert server.requests[1].json["messages"][0]["content"] == "use [redacted github-token]"
    server.reply(openai_sse("ok"))
    chat.ok("sessions", "retry", env=MASK)
    assert KEY not in sent(server.requests[2])


def test_what_tools_are_given_and_say_is_masked(chat, server, tmp_path):
    (tmp_path / "secret").write_text(f"it is {OTHER}")
    chat.configure(
        chat.config.read_text()
        + f'[tools.look]\ncommand = ["cat", "{tmp_path}/secret"]\ndescription = "x"\n'
    )
    server.always(script([("look", {"with": KEY})], answer="seen"))
    assert chat.ok("chat", "--tool", "look", "go", env=MASK) == "seen\n"
    assert "it is [redacted npm-token]" in sent(server.requests[1])
    for key in (KEY, OTHER):
        assert key not in sent(server.requests[1])
        assert files_with(chat, key) == []
    assert "it is [redacted npm-token]" in chat.ok("sessions", "show", "--format", "json")


def test_a_result_that_is_cut_in_a_key_holds_nothing_of_it(chat, server, tmp_path):
    before = "x" * (MAX_RESULT_BYTES - 30) + " it is "
    (tmp_path / "secret").write_text(f"{before}{KEY}\n")
    chat.configure(
        chat.config.read_text()
        + f'[tools.look]\ncommand = ["cat", "{tmp_path}/secret"]\ndescription = "x"\n'
    )
    server.always(script([("look", {})], answer="seen"))
    assert chat.ok("chat", "--tool", "look", "go", env=MASK) == "seen\n"
    masked = "it is [redacted github-token]\\n[cut here: the first 100,000 of"
    assert masked in sent(server.requests[1])
    assert masked in chat.ok("sessions", "show", "--format", "json")
    # One that was kept with its half of a key is sent without it.
    chat.ok("chat", "--tool", "look", "go on")
    half = KEY[:20]
    assert half in sent(server.requests[-1])
    shown = chat.ok("chat", "-c", "--dry-run", "and now?", env=MASK)
    assert half not in shown
    assert masked in shown


def test_a_dry_run_shows_what_would_be_sent(chat):
    assert "use [redacted github-token]" in chat.ok("chat", "--dry-run", f"use {KEY}", env=MASK)


def test_what_is_asked_for_a_summary_is_masked(chat, server):
    server.reply(openai_sse("ok"))
    chat.ok("chat", f"use {KEY}")
    server.reply(openai_sse("a summary"))
    chat.ok("sessions", "compact", env=MASK)
    assert server.requests[1].json["messages"][0]["content"] == "use [redacted github-token]"
    # And by itself, where the context is full.
    chat.configure(chat.config.read_text() + '[models."test/m"]\ncontext = 1000\n')
    for number in range(3):
        server.reply(openai_sse("ok", usage=None))
        chat.ok("chat", *(["-c"] if number else []), f"use {KEY} {'word ' * 200}")
    server.requests.clear()
    server.always(lambda _: openai_sse("a summary"))
    chat.ok("chat", "-c", "--context", "compact", "and now?", env=MASK)
    assert len(server.requests) >= 2
    assert not any(KEY in sent(request) for request in server.requests)


def test_every_part_of_a_message_is_masked_and_what_holds_no_key_stays():
    picture = Attachment("a.png", "image/png", b"\x89PNG" + KEY.encode())
    page = Attachment("page", "image/png", url=f"https://example.com/?token={KEY}")
    safe = Attachment("b.png", "image/png", url="https://example.com/b.png")
    text = Attachment(f"{OTHER}.txt", "text/plain", f"TOKEN={KEY}".encode())
    calls = (
        Call("1", "look", json.dumps({"at": KEY}), f"it is {KEY}", extra={"says": ["x", KEY]}),
        Call("2", "wait", "{}"),
    )
    mine = ChatMessage("user", f"use {KEY}", (picture, page, safe, text))
    sealed = ChatMessage("assistant", "hm", calls=calls, state=KeptState("test", ({"t": KEY},)))
    open_ = ChatMessage("assistant", "ok", state=KeptState("test", ({"t": "thought"},)))
    request = Request("m", (mine, sealed, open_), system=f"keep {OTHER} safe")

    masked = looked_at(request, "mask")
    assert masked.system == "keep [redacted npm-token] safe"
    first, second, third = masked.messages
    assert first.content == "use [redacted github-token]"
    assert first.attachments == (
        picture,
        page._replace(url="https://example.com/?token=[redacted github-token]"),
        safe,
        text._replace(name="[redacted npm-token].txt", data=b"TOKEN=[redacted github-token]"),
    )
    (told, waits), secret = second.calls, "[redacted github-token]"
    assert (json.loads(told.arguments), told.result) == ({"at": secret}, f"it is {secret}")
    assert told.extra == {"says": ["x", secret]}
    assert waits == calls[1]
    # It is signed: with a key taken out of it the vendor would refuse it.
    assert second.state is None
    assert third == open_
    assert looked_at(Request("m", (open_,)), "mask") == Request("m", (open_,))


def test_a_reply_that_breaks_off_leaves_no_key_behind(chat, server):
    pieces = [openai_chunk({"content": piece}) for piece in ("first\nuse ", KEY[:20], KEY[20:])]
    server.reply(sse(*pieces, done=False))
    done = chat("chat", "go", env=MASK)
    assert done.returncode == 7
    assert files_with(chat, KEY) == []
    assert "use [redacted github-token]" in chat.ok("sessions", "show")


def test_ctrl_c_in_the_middle_of_a_key_keeps_nothing_of_it(chat, server):
    half = KEYS.of("anthropic-key")[0][:42]
    pieces = [openai_chunk({"content": piece}) for piece in ("use ", half[:20], half[20:])]
    server.reply([*sse(*pieces, done=False), STALL])
    process = chat.start("chat", "go", env=MASK)
    shown = b""
    while half.encode() not in shown:
        shown += os.read(process.stdout.fileno(), 4096)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == 130
    kept = json.loads(chat.ok("sessions", "show", "--format", "json"))["messages"][-1]
    assert (kept["status"], kept["content"]) == ("partial", "use [redacted anthropic-key]")
    assert not any(half[13:25].encode() in file.read_bytes() for file in chat.data.iterdir())


def test_a_limit_in_the_middle_of_a_key_keeps_nothing_of_it(chat, server):
    server.reply(openai_sse(["use ", KEY[:20]], finish="length"))
    chat("chat", "go", env=MASK)
    assert "use [redacted github-token]" in chat.ok("sessions", "show")
    assert files_with(chat, KEY[:18]) == []
    server.reply(openai_sse(["sk-learning"], finish="stop"))
    chat("chat", "go", env=MASK)
    assert "sk-learning" in chat.ok("sessions", "show")


def test_half_a_key_that_was_kept_before_is_not_sent_but_found_and_taken_out(chat, server):
    pieces = [openai_chunk({"content": piece}) for piece in ("use ", KEY[:20])]
    server.reply(sse(*pieces, done=False))
    assert chat("chat", "go").returncode == 7
    assert files_with(chat, KEY[:18])
    shown = chat.ok("chat", "-c", "--dry-run", "and now?", env=MASK)
    assert "use [redacted github-token]" in shown
    assert KEY[:18] not in shown
    found = json.loads(chat.ok("sessions", "redact", "--json"))
    assert [key["family"] for key in found] == ["github-token"]
    assert chat("sessions", "redact", "--yes").returncode == 0
    assert "use [redacted github-token]" in chat.ok("sessions", "show")
    assert files_with(chat, KEY[:18]) == []


def test_a_vendors_state_and_a_call_that_end_in_half_a_key_are_not_sent(store):
    half = KEY[:20]
    state = KeptState("test", ({"blocks": [{"thinking": f"It may be {half}", "signature": "s"}]},))
    asking = Call("c1", "look", f'{{"with": "{half}')
    cut = ChatMessage("assistant", "Let me see.", calls=(asking,), state=state)
    (sent_,) = looked_at(Request("m", (cut,)), "mask").messages
    assert (sent_.content, sent_.state) == ("Let me see.", None)
    assert sent_.calls[0].arguments == '{"with": "[redacted github-token]'
    # In the middle of a text it is a word, and not a key that broke off.
    within = KeptState("test", ({"blocks": [{"thinking": f"It may be {half} or so"}]},))
    message = ChatMessage("assistant", "Let me see.", state=within)
    assert looked_at(Request("m", (message,)), "mask").messages == (message,)

    masked = RedactingStore(store)
    whole = Reply("ok", "test/m", "complete", finish_reason="stop", state=state)
    for reply, kept in ((whole._replace(finish_reason="length"), None), (whole, state)):
        opened = masked.begin(Turn(ChatMessage("user", "q"), "test/m"))
        masked.save_reply(opened, reply)
        assert store.transcript(opened.session.id)[-1].state == kept


def test_prompts_of_a_batch_are_masked(chat, server):
    server.always(lambda _: openai_sse("ok"))
    lines = f"use {KEY}\nand {KEY}\n".encode()
    done = chat("batch", "--save", stdin=lines, env=MASK)
    assert done.returncode == 0, done.stderr
    assert len(server.requests) == 2
    assert not any(KEY in sent(request) for request in server.requests)
    assert files_with(chat, KEY) == []
    done = chat("batch", stdin=lines, env={"HFS_REDACT": "warn"})
    assert done.stderr.decode().count("what is sent holds a key (github-token)") == 1


def test_the_same_request_is_answered_again_with_its_key_taken_out(chat, server):
    server.reply(openai_sse("ok"))
    for _ in range(2):
        assert chat.ok("chat", "--reuse", "1d", f"use {KEY}", env=MASK) == "ok\n"
    assert len(server.requests) == 1


TEXT = (
    f"One line.\nThe token is {KEY}, and so on.\n\nAKIA{'Q3EGRYVMZ5T7WFBN'}\n"
    f"{KEYS.drawn(40)}\n{KEYS.block()}\nand {OTHER} at the end"
)


@given(st.lists(st.integers(0, len(TEXT)), max_size=30))
def test_however_a_reply_comes_no_part_of_a_key_is_kept_of_it(cuts):
    ends = [*sorted(cuts), len(TEXT)]
    line, kept = _Line(), ""
    for start, end in zip([0, *ends], ends, strict=False):
        ready, line = line.add(TEXT[start:end])
        kept += ready
    assert redacted(TEXT).startswith(kept)
    assert kept.endswith("[redacted private-key]\n")


def test_a_line_that_nobody_waits_for_is_kept_up_to_its_last_word():
    ready, line = _Line().add("word " * 20_000 + "half")
    assert (ready == "word " * 20_000, line.held) == (True, "half")
    ready, line = _Line().add("x" * 100_000)
    assert (len(ready), line.held) == (100_000, "")


@pytest.fixture
def store(tmp_path):
    with SessionStore(tmp_path / "hfs.db") as store:
        yield store


def said(store, opened) -> str:
    return store.transcript(opened.session.id)[-1].content


def test_what_is_kept_while_a_reply_comes_holds_no_key(store):
    masked = RedactingStore(store)
    prompt = ChatMessage("user", f"use {KEY}")
    opened = masked.begin(Turn(prompt, "test/m", place=Place(name=f"about {OTHER}")))
    assert opened.session.name == "about [redacted npm-token]"
    for piece in ("A line.\nIt is ", KEY[:9], f"{KEY[9:]}.\nAnd"):
        masked.save_piece(opened, Reply(piece, "test/m", reasoning=piece))
    kept = "A line.\nIt is [redacted github-token].\n"
    assert said(store, opened) == kept
    assert store.transcript(opened.session.id)[-1].reasoning == kept


def test_sources_of_a_reply_whose_keys_were_taken_out_have_no_place_in_it(store):
    masked = RedactingStore(store)
    opened = masked.begin(Turn(ChatMessage("user", "q"), "test/m"))
    source = Citation(f"https://example.com/?key={KEY}", "A title", f"it is {KEY}", 0, 5)
    masked.save_reply(opened, Reply(f"It is {KEY}.", "test/m", "complete", citations=(source,)))
    (cited,) = store.transcript(opened.session.id)[-1].citations
    assert said(store, opened) == "It is [redacted github-token]."
    assert (cited.quote, cited.start, cited.end) == ("it is [redacted github-token]", None, None)
    assert KEY not in cited.url


def test_thoughts_and_a_call_that_are_cut_in_a_key_hold_nothing_of_it(store):
    masked = RedactingStore(store)
    opened = masked.begin(Turn(ChatMessage("user", "q"), "test/m"))
    asking = Call("c1", "look", f'{{"with": "{KEY[:20]}')
    thought = f"It may be {OTHER[:20]}"
    masked.save_reply(opened, Reply("", "test/m", reasoning=thought, tool_calls=(asking,)))
    kept = store.transcript(opened.session.id)[-1]
    assert kept.reasoning == "It may be [redacted npm-token]"
    (call,) = kept.tool_calls
    assert call.arguments == '{"with": "[redacted github-token]'


def test_a_reply_that_is_spilled_holds_no_key(store, tmp_path):
    masked = RedactingStore(store)
    opened = masked.begin(Turn(ChatMessage("user", "q"), "test/m"))
    masked.spill(opened, Reply(f"It is {KEY}.", "test/m"))
    (spilled,) = tmp_path.glob("*reply*")
    assert KEY not in spilled.read_text()
    assert "[redacted github-token]" in spilled.read_text()
