"""Sessions whose oldest turns a summary of the model stands for."""

from __future__ import annotations

import json
import signal
import threading
from itertools import pairwise

import pytest

from hfs_cli.compose.compact import Past
from hfs_cli.compose.context import Measure
from hfs_cli.compose.fitting import FittingProvider
from hfs_cli.messages import Attachment, ChatMessage, Place, Reply, Turn
from hfs_cli.store.messages import ASKED_FOR_SUMMARY
from hfs_cli.store.store import SessionStore
from tests.conftest import UNMEASURED
from tests.providers.asking import content_type, decoded
from tests.providers.formats.talks import (
    ASKED,
    MODELS,
    WIRES,
    answered,
    ask,
    body,
    reply,
    with_results,
)
from tests.providers.sdk_types import illegal
from tests.scripted_server import STALL, Await, openai_sse

LONG = "word " * 200  # 250 tokens
TOO_LONG = json.dumps(
    {"error": {"message": "This model's maximum context length is 600 tokens", "code": "x"}}
).encode()
REFUSED = json.dumps({"error": {"message": "no such option"}}).encode()
COMPACT = ("--context", "compact")
# Of the three turns and a fourth, which goes beyond what there is room for, the newest stays.
SUMMARY, FOUR = openai_sse("They counted to two.", usage=(40, 7)), openai_sse("four", usage=None)


@pytest.fixture
def grown(chat):
    """A session of three turns of 250 tokens and more; the model takes them, and no fourth."""
    chat.configure(chat.config.read_text() + '[models."test/m"]\ncontext = 1200\n')
    chat.keep("grown", f"1 {LONG}", "r1", f"2 {LONG}", "r2", f"3 {LONG}", "r3")
    return chat


def said(request) -> list[str]:
    """The first word of each message that was sent."""
    return [message["content"].split()[0] for message in request.json["messages"]]


def kept(hfs, ref="@last") -> list[str]:
    """The first word of each message of a session; of a summary with what it stands for."""
    messages = json.loads(hfs.ok("sessions", "show", ref, "--json"))["messages"]
    words = [m["content"].split()[0] for m in messages]
    stands = [m["stands_for"] for m in messages]
    return [f"{word}≤{upto}" if upto else word for word, upto in zip(words, stands, strict=True)]


# --- what is sent and kept ---------------------------------------------------------------


def test_the_oldest_turns_are_summarised_and_stay_in_the_transcript(grown, server):
    server.reply(SUMMARY).reply(FOUR)
    assert grown.ok("chat", "-c", *COMPACT, f"4 {LONG}") == "four\n"
    first, second = map(said, server.requests)
    assert first == ["1", "r1", "2", "r2", "3", "r3", "Summarise"]
    assert second == ["Summarise", "They", "4"]
    assert kept(grown) == ["1", "r1", "2", "r2", "3", "r3", "4", "They≤6", "four"]
    shown = json.loads(grown.ok("sessions", "show", "--json"))["messages"]
    assert shown[7]["usage"]["input_tokens"] == 40
    assert grown.ok("sessions", "show", "-r") == "four\n"
    assert "8 summary of 1 to 6" in grown.ok("sessions", "show")
    # It goes on from the summary, and nothing is summarised twice.
    server.reply(openai_sse("five"))
    grown.ok("chat", "-c", *COMPACT, "5")
    assert said(server.requests[2]) == ["Summarise", "They", "4", "four", "5"]


def test_a_summary_is_of_the_one_before_and_what_followed_it(grown, server):
    server.reply(SUMMARY).reply(FOUR)
    grown.ok("chat", "-c", *COMPACT, f"4 {LONG}")
    server.reply(openai_sse(f"five {LONG}", usage=None)).reply(openai_sse("All.")).reply(
        openai_sse("six")
    )
    grown.ok("chat", "-c", *COMPACT, f"5 {LONG}")
    grown.ok("chat", "-c", *COMPACT, f"6 {LONG}")
    assert said(server.requests[3]) == ["Summarise", "They", "4", "four", "5", "five", "Summarise"]
    assert said(server.requests[4]) == ["Summarise", "All.", "6"]


def test_by_hand_all_is_summarised_and_a_rewind_brings_it_back(grown, server):
    server.reply(openai_sse("In short.")).reply(openai_sse("x")).reply(openai_sse("y"))
    grown.ok("sessions", "compact")
    grown.ok("chat", "-c", "4")
    assert said(server.requests[1]) == ["Summarise", "In", "4"]
    assert "In short." in grown.ok("sessions", "search", "short")
    assert grown("sessions", "rewind", "@last", "--to", "6").returncode == 0
    grown.ok("chat", "-c", "4")
    assert said(server.requests[2]) == ["1", "r1", "2", "r2", "3", "r3", "4"]


def test_by_hand_no_search_is_asked_of_a_model_that_has_none(grown, server):
    grown.configure(f"search = true\n{grown.config.read_text()}")
    assert grown("chat", "-c", "and now?").returncode == 2
    server.reply(openai_sse("All of it in short."))
    grown.ok("sessions", "compact")
    assert "All of it in short." in grown.ok("sessions", "show")


def test_a_limit_for_the_reply_does_not_limit_the_summary(grown, server):
    server.reply(SUMMARY).reply(FOUR)
    grown.ok("chat", "-c", *COMPACT, "--max-tokens", "250", f"4 {LONG}")
    first, second = (request.json for request in server.requests)
    assert "max_tokens" not in first
    assert second["max_tokens"] == 250


def test_where_nothing_is_kept_the_oldest_are_left_out(grown, server):
    server.reply(FOUR)
    grown.ok("chat", "-c", *COMPACT, "--no-save", f"4 {LONG}")
    assert said(server.requests[0]) == ["2", "r2", "3", "r3", "4"]


def test_the_settings_of_two_models_count_for_each(grown, server):
    """The second takes less than the first, and summarises what does not fit it."""
    grown.configure(grown.config.read_text() + '[models."test/small"]\ncontext = 1000\n')
    server.reply(status=503).reply(SUMMARY).reply(SUMMARY).reply(FOUR)
    done = grown("chat", "-c", *COMPACT, "-m", "test/m", "-m", "test/small", "4 and now?")
    assert (done.returncode, done.stdout) == (0, b"four\n")
    assert [request.json["model"] for request in server.requests] == ["m", *["small"] * 3]
    assert said(server.requests[0]) == ["1", "r1", "2", "r2", "3", "r3", "4"]
    assert said(server.requests[3]) == ["Summarise", "They", "4"]
    server.reply(status=503).reply(FOUR)
    grown("sessions", "undo")
    grown("chat", "-c", "--context", "trim", "-m", "test/m", "-m", "test/small", "4 and now?")
    assert said(server.requests[5]) == ["2", "r2", "3", "r3", "4"]


def _keep_three_turns(store: SessionStore, wire: str) -> int:
    """A session with a picture, calls of tools and what the vendor wants back with them."""
    session = 0
    messages: tuple[ChatMessage, ...] = ()
    picture = Attachment("a.png", "image/png", b"\x89PNG\r\n\x1a\n")
    for n in range(3):
        files = (picture,) if n == 0 and wire != "local" else ()
        question = ChatMessage("user", f"{n} {LONG}", files)
        turn = Turn(
            question, f"{wire}/{MODELS[wire]}", system="be brief", place=Place(session or None)
        )
        opened = store.begin(turn)
        messages = (*messages, question)
        for step, (text, calls) in enumerate((("Let me see.", ASKED), ("Rain.", ()))):
            request = ask(wire, messages)
            made = with_results(answered(wire, request, reply(wire, text, calls, step)))
            messages = (*messages, made)
            kept = Reply(
                made.content,
                turn.model,
                "complete",
                finish_reason="stop",
                tool_calls=made.calls,
                state=made.state,
                step=step,
            )
            row = store.save_reply(opened, kept)
            for number, call in enumerate(made.calls, 1):
                store.save_call(row, number, call)
        session = opened.session.id
    return session


class Answering:
    """A vendor that answers in its format, and keeps what it was asked."""

    def __init__(self, wire: str) -> None:
        self.wire = wire
        self.requests = []

    def prepare(self, prompt):
        pass

    def stream(self, request):
        self.requests.append(request)
        # Only with tools does an embedded model write its answer in JSON.
        wire = "openai" if self.wire == "local" and not request.tools else self.wire
        events, fault = decoded(wire, reply(wire, "In short."), request=request)
        assert fault is None
        yield events

    def preview(self, request):
        return {}

    def close(self):
        pass


@pytest.mark.parametrize("wire", WIRES)
def test_every_request_is_legal_for_its_vendor(wire, tmp_path):
    with SessionStore(tmp_path / "hfs.db") as store:
        session = _keep_three_turns(store, wire)
        history = store.transcript(session)
        past = Past(store, session, history)
        vendor = Answering(wire)
        room = Measure(None, None).tokens(ask(wire, past.messages))
        within = Measure(room * 2, room)
        name = f"{wire}/{MODELS[wire]}"
        fitting = FittingProvider(vendor, within, model=name, options={}, past=past)
        request = ask(wire, (*past.messages, ChatMessage("user", f"3 {LONG}")))
        assert [*fitting.stream(request)]
        *summaries, turn = vendor.requests
        assert summaries
        for sent in vendor.requests:
            assert illegal(wire, body(wire, sent)) == {}
        for sent in summaries:
            assert not sent.tools
            assert sent.messages[-1] == ChatMessage("user", ASKED_FOR_SUMMARY)
        assert turn.messages[:2] == (
            summaries[0].messages[-1],
            ChatMessage("assistant", "In short."),
        )
        # Anthropic and Gemini want the first to be the user's, and what the model said between.
        roles = [m.get("role") for m in _said_in(wire, body(wire, turn._replace(tools=())))]
        assert (roles[0], roles[-1]) == ("user", "user")
        assert ("user", "user") not in pairwise(roles)
        kept = store.transcript(session)[-1]
        assert (kept.content, kept.stands_for is not None) == ("In short.", True)


def _said_in(wire, sent):
    messages = sent.get("messages") or sent.get("input") or sent.get("contents")
    return [m for m in messages if m.get("role") != "system" and "role" in m]


@pytest.mark.parametrize("wire", sorted({*WIRES} - {"local"}))
def test_each_format_summarises_and_goes_on(chat, server, wire):
    chat.configure(
        f'model = "test/m"\nretries = 0\n[providers.test]\ntype = "{wire}"\n'
        f'base_url = "{server.url}"\napi_key_env = "TEST_KEY"\n'
        '[models."test/m"]\ncontext = 1200\n'
    )
    chat.keep("grown", f"1 {LONG}", "r1", f"2 {LONG}", "r2", f"3 {LONG}", "r3")
    for text in ("In short.", "four"):
        server.reply([reply(wire, text)], headers=content_type(wire))
    assert chat.ok("chat", "-c", *COMPACT, f"4 {LONG}") == "four\n"
    summary, turn = (request.json for request in server.requests)
    for sent in (summary, turn):
        assert illegal(wire, sent) == {}
    assert ASKED_FOR_SUMMARY[:40] in json.dumps(_said_in(wire, summary)[-1])
    assert "In short." in json.dumps(_said_in(wire, turn)[1])
    assert kept(chat)[-3:] == ["4", "In≤6", "four"]


def test_the_steps_of_a_turn_go_on_from_the_summary(tmp_path):
    with SessionStore(tmp_path / "hfs.db") as store:
        session = _keep_three_turns(store, "openai")
        past = Past(store, session, store.transcript(session))
        vendor = Answering("openai")
        room = Measure(None, None).tokens(ask("openai", past.messages))
        fitting = FittingProvider(
            vendor, Measure(room * 2, room), model="openai/m", options={}, past=past
        )
        first = ask("openai", (*past.messages, ChatMessage("user", f"3 {LONG}")))
        past_messages = past.messages
        assert [*fitting.stream(first)]
        step = first._replace(messages=(*first.messages, ChatMessage("assistant", "Hm.")))
        assert [*fitting.stream(step)]
        assert step.messages[: len(past_messages)] == past_messages
        before, last = vendor.requests[-2:]
        assert last.messages == (*before.messages, ChatMessage("assistant", "Hm."))


# --- refusals and failures ---------------------------------------------------------------


def test_a_refusal_for_length_is_answered_with_a_summary(grown, server):
    """The vendor knows better than the estimate how much its model takes."""
    grown.configure(grown.config.read_text().replace("1200", "9000"))
    server.reply(status=400, body=TOO_LONG).reply(SUMMARY).reply(openai_sse("More."))
    server.reply(openai_sse("All.")).reply(FOUR)
    assert grown.ok("chat", "-c", *COMPACT, "4 and now?") == "four\n"
    refused, *summaries, last = map(said, server.requests)
    assert refused == ["1", "r1", "2", "r2", "3", "r3", "4"]
    assert summaries[0] == ["1", "r1", "Summarise"]
    assert last == ["Summarise", "All.", "4"]
    assert kept(grown)[6:] == ["4", "They≤2", "More.≤4", "All.≤6", "four"]


def test_a_summary_that_is_refused_for_length_is_of_fewer_turns(grown, server):
    grown.configure(grown.config.read_text().replace("1200", "9000"))
    server.reply(status=400, body=TOO_LONG)
    for words in ("One.", "Two.", "Three."):
        server.reply(openai_sse(words))
    grown.ok("sessions", "compact")
    assert [request[0] for request in map(said, server.requests)] == [
        "1",
        "1",
        "Summarise",
        "Summarise",
    ]
    assert kept(grown)[6:] == ["One.≤2", "Two.≤4", "Three.≤6"]


def test_a_single_turn_that_is_too_long_to_summarise_says_what_helps(grown, server):
    server.always(status=400, body=TOO_LONG)
    before = grown.ok("sessions", "show", "--json")
    done = grown("sessions", "compact")
    assert done.returncode == 5
    assert b"too long to summarise: take a larger model (-m)" in done.stderr
    assert b"--context" not in done.stderr
    assert grown.ok("sessions", "show", "--json") == before


@pytest.mark.parametrize("how", ["refused", "empty", "cut", "breaks off"])
def test_a_summary_that_fails_leaves_the_session_as_it_was(grown, server, how):
    def fail():
        match how:
            case "refused":
                server.reply(status=400, body=REFUSED)
            case "empty":
                server.reply(openai_sse("", usage=None))
            case "cut":
                server.reply(openai_sse("They cou", finish="length"))
            case _:
                server.reply(openai_sse("They cou", finish=None, done=False))

    before = grown.ok("sessions", "show", "--json")
    fail()
    done = grown("sessions", "compact")
    assert done.returncode == (5 if how in {"refused", "empty"} else 7)
    assert grown.ok("sessions", "show", "--json") == before
    fail()
    server.reply(FOUR)
    done = grown("chat", "-c", *COMPACT, f"4 {LONG}")
    assert (done.returncode, done.stdout) == (0, b"four\n")
    assert b"not summarised, so the oldest turns are left out" in done.stderr
    assert said(server.requests[-1]) == ["2", "r2", "3", "r3", "4"]
    assert kept(grown) == ["1", "r1", "2", "r2", "3", "r3", "4", "four"]


def test_a_vendor_that_is_down_is_not_asked_for_the_rest(grown, server):
    server.reply(status=503)
    done = grown("chat", "-c", *COMPACT, f"4 {LONG}")
    assert (done.returncode, len(server.requests)) == (5, 1)
    assert kept(grown, "grown") == ["1", "r1", "2", "r2", "3", "r3", "4"]
    server.reply(SUMMARY).reply(FOUR)
    assert grown.ok("sessions", "retry", *COMPACT) == "four\n"
    assert kept(grown) == ["1", "r1", "2", "r2", "3", "r3", "4", "They≤6", "four"]


# --- interrupted -------------------------------------------------------------------------

PHASES = ["nothing has come", "half a summary", "half a reply"]


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_what_ends_a_summary_loses_neither_the_question_nor_a_summary_that_was_whole(
    grown, server, phase, signum
):
    """The question is kept before the model is asked for anything, and can be asked again."""
    came = threading.Event()

    def mark():
        came.set()

    if phase == "nothing has come":
        server.reply([mark, STALL])
    elif phase == "half a summary":
        server.reply([*openai_sse("They cou")[:2], mark, STALL])
    else:
        server.reply(SUMMARY).reply([*openai_sse("fo")[:2], mark, STALL])
    env = UNMEASURED if signum == signal.SIGKILL else None
    process = grown.start("chat", "-c", *COMPACT, f"4 {LONG}", env=env)
    assert came.wait(120)
    process.send_signal(signum)
    out, err = process.communicate(timeout=120)
    codes = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}
    assert process.returncode == codes[signum], err
    assert b"Traceback" not in err
    if phase == PHASES[2]:
        now = kept(grown)
        assert now[:8] == ["1", "r1", "2", "r2", "3", "r3", "4", "They≤6"]
    else:
        assert out == b""
        assert kept(grown, "grown") == ["1", "r1", "2", "r2", "3", "r3", "4"]
        server.reply(SUMMARY)
    server.requests.clear()
    server.reply(FOUR)
    assert grown("sessions", "retry", *COMPACT).stdout == b"four\n"
    # A summary that was whole is not asked for again.
    assert len(server.requests) == (1 if phase == PHASES[2] else 2)
    assert said(server.requests[-1]) == ["Summarise", "They", "4"]
    assert kept(grown)[:8] == ["1", "r1", "2", "r2", "3", "r3", "4", "They≤6"]
    assert kept(grown)[-1] == "four"
    assert grown("db", "check").returncode == 0


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGKILL])
def test_what_ends_a_summary_by_hand_leaves_the_session_as_it_was(grown, server, signum):
    came = threading.Event()
    server.reply([*openai_sse("They cou")[:2], came.set, STALL])
    before = grown.ok("sessions", "show", "--json")
    env = UNMEASURED if signum == signal.SIGKILL else None
    process = grown.start("sessions", "compact", env=env)
    assert came.wait(120)
    process.send_signal(signum)
    _, err = process.communicate(timeout=120)
    assert process.returncode == (130 if signum == signal.SIGINT else -signum), err
    assert err in {b"", b"hfs: error: interrupted\n"}
    assert grown.ok("sessions", "show", "--json") == before


def test_a_session_that_is_rewound_while_it_is_summarised_gets_no_summary(grown, server):
    """What the summary would stand for is not there any more."""
    asked, rewound = threading.Event(), threading.Event()
    server.reply([asked.set, Await(rewound), *SUMMARY])
    process = grown.start("sessions", "compact")
    assert asked.wait(120)
    assert grown("sessions", "rewind", "grown", "--to", "2").returncode == 0
    rewound.set()
    _, err = process.communicate(timeout=120)
    assert process.returncode == 4
    assert b"was changed while it was summarised" in err
    assert kept(grown) == ["1", "r1"]


# --- a session with a summary ------------------------------------------------------------


@pytest.fixture
def compacted(grown, server):
    """The session with a summary of its three turns, and a fourth."""
    server.reply(SUMMARY).reply(FOUR)
    grown.ok("chat", "-c", *COMPACT, f"4 {LONG}")
    server.requests.clear()
    return grown


def test_undo_takes_the_summary_back_with_the_turn_that_needed_it(compacted, server):
    assert compacted("sessions", "undo").returncode == 0
    assert kept(compacted) == ["1", "r1", "2", "r2", "3", "r3"]
    server.reply(openai_sse("x"))
    compacted.ok("chat", "-c", "5")
    assert said(server.requests[0]) == ["1", "r1", "2", "r2", "3", "r3", "5"]
    assert "(undone)" in compacted.ok("sessions", "tree", "grown")
    # What was set aside has the summary still, and goes on from it.
    branch = json.loads(compacted.ok("sessions", "tree", "grown", "--json"))[1]["id"]
    server.reply(openai_sse("y"))
    compacted.ok("chat", "-S", str(branch), "6")
    assert said(server.requests[1]) == ["Summarise", "They", "4", "four", "6"]


def test_undo_after_a_summary_by_hand(grown, server):
    server.reply(openai_sse("In short.")).reply(openai_sse("four"))
    grown.ok("sessions", "compact")
    grown.ok("chat", "-c", "4")
    assert grown("sessions", "undo").returncode == 0  # the fourth turn alone
    assert kept(grown) == ["1", "r1", "2", "r2", "3", "r3", "In≤6"]
    assert grown("sessions", "undo").returncode == 0
    assert kept(grown) == ["1", "r1", "2", "r2"]


def test_retry_keeps_the_summary_and_sets_the_reply_aside(compacted, server):
    server.reply(openai_sse("again"))
    assert compacted.ok("sessions", "retry") == "again\n"
    assert said(server.requests[0]) == ["Summarise", "They", "4"]
    assert kept(compacted) == ["1", "r1", "2", "r2", "3", "r3", "4", "They≤6", "again"]
    members = json.loads(compacted.ok("sessions", "tree", "grown", "--json"))
    assert kept(compacted, str(members[1]["id"]))[-2:] == ["They≤6", "four"]


@pytest.mark.parametrize(("at", "sent"), [(9, ["Summarise", "They", "4", "four", "5"]),
                                          (6, ["1", "r1", "2", "r2", "3", "r3", "5"])])  # fmt: skip
def test_a_fork_has_the_summary_if_it_parts_after_it(compacted, server, at, sent):
    compacted("sessions", "fork", "grown", "--at", str(at), "--name", "other")
    server.reply(openai_sse("x"))
    compacted.ok("chat", "-S", "other", "5")
    assert said(server.requests[0]) == sent
    assert "other" in compacted.ok("sessions", "tree", "grown")


def test_an_export_goes_on_from_the_summary_elsewhere(compacted, server):
    file = compacted.home / "s.json"
    file.write_text(compacted.ok("sessions", "export", "--format", "json"))
    elsewhere = {"HFS_DATA_DIR": str(compacted.home / "elsewhere")}
    assert compacted("sessions", "import", str(file), env=elsewhere).returncode == 0
    server.reply(openai_sse("x"))
    compacted.ok("chat", "-S", "1", "5", env=elsewhere)
    assert said(server.requests[0]) == ["Summarise", "They", "4", "four", "5"]


@pytest.mark.parametrize("form", ["html", "markdown"])
def test_a_page_tells_a_summary_from_a_reply(compacted, form):
    page = compacted.ok("sessions", "export", "grown", "--format", form)
    assert "Summary of 1 to 6" in page
    assert page.index("They counted to two.") > page.index("Summary of 1 to 6")


def test_what_a_summary_costs_counts_for_the_day(compacted, server):
    prices = "input_price = 1000\noutput_price = 0\n"
    text = compacted.config.read_text()
    compacted.configure(text + prices + "[budget]\ndaily = 0.04\n")
    # 40 tokens of the summary; nobody counted those of the reply.
    done = compacted("chat", "-c", "5")
    assert (done.returncode, len(server.requests)) == (3, 0)
    assert b"cost 0.04 of a daily budget of 0.04" in done.stderr
    done = compacted("sessions", "compact")
    assert (done.returncode, len(server.requests)) == (3, 0)
    stats = json.loads(compacted.ok("sessions", "stats", "--by", "model", "--json"))
    assert "40" in json.dumps(stats)


def test_a_summary_is_held_to_what_the_turn_may_cost(grown, server):
    prices = "input_price = 1000\noutput_price = 1000\n"
    grown.configure(grown.config.read_text() + prices)
    # The turn without its oldest part would be 0.5; the summary alone takes most of 1.
    server.reply(openai_sse("They counted to two.", usage=(760, 7)))
    done = grown("chat", "-c", *COMPACT, "--max-cost", "1", f"4 {LONG}")
    assert done.returncode == 3
    assert b"the turn may cost 1.00 (max_cost)" in done.stderr


# --- what would be sent ------------------------------------------------------------------


def test_a_dry_run_shows_what_would_be_asked_for_the_summary(grown):
    shown = json.loads(grown.ok("chat", "-c", *COMPACT, "--dry-run", f"4 {LONG}"))
    assert (shown["turns_summarised"], shown["turns_left_out"]) == (3, 0)
    asked = shown["summary_request"]["body"]["messages"]
    assert [m["content"].split()[0] for m in asked] == [
        "1",
        "r1",
        "2",
        "r2",
        "3",
        "r3",
        "Summarise",
    ]
    assert [m["content"] for m in shown["body"]["messages"]] == [
        ASKED_FOR_SUMMARY, "(a summary of the oldest 3 turns)", f"4 {LONG}",
    ]  # fmt: skip
    assert shown["estimated_input_tokens"] < 400
    fits = json.loads(grown.ok("chat", "-c", *COMPACT, "--dry-run", "4"))
    assert (fits["turns_summarised"], fits["summary_request"]) == (0, None)


def test_show_says_what_the_next_turn_would_send(compacted, server):
    shown = json.loads(compacted.ok("sessions", "show", "--context", "--json"))
    assert [(m["position"], m["content"].split()[0]) for m in shown["messages"]] == [
        (8, "They"), (7, "4"), (9, "four"),
    ]  # fmt: skip
    assert shown["context_tokens"] == 1200
    tokens = [m["estimated_tokens"] for m in shown["messages"]]
    assert abs(sum(tokens) - shown["estimated_input_tokens"]) <= 3
    assert 250 <= tokens[1] <= 260
    text = compacted.ok("sessions", "show", "--context")
    assert f"about {shown['estimated_input_tokens']} tokens of the 1,200 that test/m takes" in text
    assert "without 6 messages of the transcript" in text
    assert "8 summary of 1 to 6" in text
    assert "four" in text and " · 1 token\n" in text
    assert "r3" not in text
    assert server.requests == []


@pytest.mark.parametrize(
    ("way", "said_of_it"),
    [
        ("error", "too long: --context trim or compact"),
        ("trim", "the oldest turn would be left out"),
        ("compact", "the oldest 3 turns would be summarised first"),
    ],
)
def test_show_says_what_would_become_of_the_oldest(grown, server, way, said_of_it):
    grown.configure(grown.config.read_text().replace("1200", "1000"))
    text = grown.ok("sessions", "show", "--context", env={"HFS_CONTEXT": way})
    assert said_of_it in text.splitlines()[1]
    assert ("--- 1 user" in text) == (way == "error")
    assert server.requests == []


def test_show_of_what_would_be_sent_leaves_out_what_had_no_reply(chat, server):
    chat.keep("notes", "first", "one")
    server.reply(status=400, body=REFUSED)
    chat("chat", "-S", "notes", "second")
    shown = json.loads(chat.ok("sessions", "show", "notes", "--context", "--json"))
    assert [m["content"] for m in shown["messages"]] == ["first", "one"]
    assert (shown["context_tokens"], shown["model"]) == (None, "test/m")
    assert chat("sessions", "show", "--context", "-r").returncode == 2
