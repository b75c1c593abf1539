"""What a reply's body can do wrong."""

from __future__ import annotations

import gzip
import json
import threading

import pytest

from hfs_cli.errors import ProviderError
from hfs_cli.messages import Delta, Reasoning, ToolCall
from hfs_cli.providers.formats.wire import Quirks
from hfs_cli.providers.http.receive import MAX_INFLATED_BYTES
from tests.providers.asking import ASK, CANARY, WIRES, ask, framed, provider_at, quick
from tests.providers.formats.page import ERRORS, EVENTS, TEXT
from tests.scripted_server import CUT, STALL, Await, Pause, openai_chunk, openai_sse, sse


@pytest.mark.parametrize("framing", ["chunked", "close"])
def test_a_reply_that_comes_one_byte_at_a_time(server, framing):
    body = b"".join(openai_sse("naïve 你好 🎉"))
    server.reply([bytes([byte]) for byte in body], framing=framing)
    answer = ask(server.url)
    assert answer.text == "naïve 你好 🎉"
    assert answer.exit_code == 0


def test_keepalives_and_event_names_are_not_text(server):
    events = openai_sse("hello")
    server.reply([b": ping\n\n", b"event: message\r\nid: 1\r\n", *events, b"retry: 1\n\n"])
    assert ask(server.url).text == "hello"


def test_unicode_line_separators_do_not_end_an_event(server):
    server.reply(openai_sse("a\u2028b\u0085c\x0bd"))
    assert ask(server.url).text == "a\u2028b\u0085c\x0bd"


def test_a_finish_reason_without_a_terminator_is_an_end(server):
    server.reply(openai_sse("hello", done=False))
    assert ask(server.url).exit_code == 0


def test_a_reset_after_the_finish_reason_loses_nothing(server):
    server.reply([*openai_sse("hello", done=False), Pause(0.1), CUT])
    answer = ask(server.url)
    assert (answer.text, answer.exit_code) == ("hello", 0)
    assert answer.finish


def test_neither_finish_reason_nor_terminator_is_incomplete(server):
    server.reply(openai_sse("hello", finish=None, done=False))
    answer = ask(server.url)
    assert (answer.text, answer.exit_code) == ("hello", 7)


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.replace(b"data: {", b"data:  {"),
        lambda body: body.replace(b"data: ", b"data:\ndata: "),
        lambda body: body.replace(b"data: ", b"data:\n\ndata: "),
        lambda body: body.rstrip(b"\n"),
        lambda body: body.replace(b"data: [DONE]\n\n", b"").rstrip(b"\n"),
        lambda body: b"\n\n" + body,
    ],
    ids=["two spaces", "an empty first line", "empty events", "no blank line", "nor end", "blank"],
)
@pytest.mark.parametrize("size", [1 << 20, 1])
def test_streams_that_are_legal_or_nearly_so_are_read(server, change, size):
    body = change(b"".join(openai_sse("hello")))
    server.reply([body[at : at + size] for at in range(0, len(body), size)])
    answer = ask(server.url)
    assert (answer.text, answer.exit_code, answer.finish.reason) == ("hello", 0, "stop")


@pytest.mark.parametrize("bad", [b"{]", b"[1]", b'{"choices": 7}', b'{"choices":[{"delta":7}]}'])
def test_text_that_comes_with_a_malformed_piece_is_kept(server, bad):
    good = b"".join(openai_sse("so far", finish=None, done=False))
    server.reply([good + b"data: " + bad + b"\n\n" + b"".join(openai_sse("never"))])
    answer = ask(server.url)
    assert (answer.text, answer.exit_code) == ("so far", 7)
    assert "malformed" in answer.message


@pytest.mark.parametrize("piece", [7, True, {"a": 1}, 1.5])
def test_a_piece_of_text_that_is_not_text_loses_nothing_before_it(server, piece):
    chunks = [openai_chunk({"content": "so far"}), openai_chunk({"content": piece})]
    server.reply([b"".join(sse(*chunks))])
    answer = ask(server.url)
    assert (answer.text, answer.exit_code) == ("so far", 7)


def test_an_endless_event_loses_nothing_that_came_with_its_beginning(server):
    good = b"".join(openai_sse("so far", finish=None, done=False))
    server.reply([good + b"data: " + b"x" * 1000, *[b"x" * (1 << 20)] * 20])
    answer = ask(server.url)
    assert (answer.text, answer.exit_code) == ("so far", 7)


def test_the_first_of_several_choices_is_the_reply(server):
    chunks = [openai_chunk({"content": piece}) for piece in ("a", "x", "b", "y")]
    chunks += [openai_chunk(finish="length"), openai_chunk(finish="stop")]
    for chunk, index in zip(chunks, (0, 1, 0, 1, 1, 0), strict=True):
        chunk["choices"][0]["index"] = index
    server.reply(sse(*chunks))
    answer = ask(server.url)
    assert (answer.text, answer.finish.reason) == ("ab", "stop")


@pytest.mark.parametrize("label", ["application/json", "text/event-stream", "text/plain", ""])
def test_a_body_is_read_for_what_it_is_and_not_for_its_label(server, label):
    headers = {"Content-Type": label}
    server.reply(b"".join(openai_sse("hello")), headers=headers)
    assert ask(server.url).text == "hello"
    if label in {"application/json", "text/event-stream"}:
        choice = {"message": {"content": "hello"}, "finish_reason": "stop"}
        server.reply(json.dumps({"choices": [choice]}, indent=2), headers=headers)
        answer = ask(server.url)
        assert (answer.text, answer.exit_code) == ("hello", 0)


def test_a_stream_of_anthropic_that_a_gateway_ends_with_openais_mark(server):
    events = [
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "hello"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    ]
    server.reply(sse(*events))
    answer = ask(server.url, wire="anthropic")
    assert (answer.text, answer.exit_code) == ("hello", 0)
    server.reply(sse(events[0]))
    assert ask(server.url, wire="anthropic").exit_code == 7


@pytest.mark.parametrize("size", [1 << 20, 1, 3])
@pytest.mark.parametrize(
    ("said", "thought", "text"),
    [
        ("<think>So.</think>\n\n42", "So.", "42"),
        ("\n<think>\na < b </thin\n</think> 42", "\na < b </thin\n", "42"),
        ("<think></think>42", "", "42"),
        ("<think>cut", "cut", ""),
        ("<think>cut </thi", "cut </thi", ""),
        ("<thinking>x</thinking>", "", "<thinking>x</thinking>"),
        ("Use <think>x</think>", "", "Use <think>x</think>"),
        ("<thi", "", "<thi"),
        ("  42", "", "  42"),
    ],
)
def test_thoughts_between_tags_are_thoughts_where_they_may_be(server, said, thought, text, size):
    pieces = [said[at : at + size] for at in range(0, len(said), size)]
    server.reply(openai_sse(pieces))
    answer = ask(server.url, quirks=Quirks(think_tags=True))
    assert (answer.reasoning, answer.text) == (thought, text)
    server.reply(openai_sse(pieces))
    assert ask(server.url).text == said


def test_a_reset_in_the_middle_is_not_retried(server):
    server.reply([*openai_sse("so far", finish=None, done=False), Pause(0.1), CUT])
    answer = ask(server.url)
    assert (answer.text, answer.exit_code) == ("so far", 7)
    assert answer.message == "the reply broke off: connection reset by peer"
    assert len(server.requests) == 1


def test_a_body_that_ends_before_its_length(server):
    event = openai_sse("so far", finish=None, done=False)
    server.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", *event)
    answer = ask(server.url)
    assert (answer.text, answer.exit_code) == ("so far", 7)
    assert answer.message == "the reply broke off: the server closed the connection"


def test_malformed_json_is_incomplete(server):
    server.reply([*openai_sse("so far", finish=None, done=False), b'data: {"choices": [\n\n'])
    answer = ask(server.url)
    assert (answer.text, answer.exit_code) == ("so far", 7)
    assert "malformed" in answer.message


@pytest.mark.parametrize(("begun", "code"), [(True, 7), (False, 5)])
@pytest.mark.parametrize("wire", WIRES)
def test_an_error_event_is_incomplete_only_after_text(server, wire, begun, code):
    text = next(row.sent for row in EVENTS[wire] if row.gives == (TEXT,))
    error = json.dumps(ERRORS[wire][0]).replace("Overloaded", f"Overloaded {CANARY}")
    server.reply([framed(wire, *(text if begun else ()), error)])
    answer = ask(server.url, wire=wire)
    assert answer.text == ("Hi" if begun else "")
    assert answer.exit_code == code
    assert "Overloaded [key]" in answer.message
    assert CANARY not in answer.message


def test_a_line_without_end_is_given_up(chat, server):
    server.reply([b"data: "] + [b"x" * (1 << 20)] * 400)
    done, peak = chat.measured("chat", "hi")
    assert done.returncode == 7
    assert b"more than 16777216 bytes" in done.stderr
    assert peak < 200 << 20


def test_an_endless_stream_ends_at_the_total_limit(chat, server):
    event = sse(openai_chunk({"content": "x" * 1000}), done=False)[0]
    over = threading.Event()
    # Slowly enough that no machine is at the limit of characters before the time is over.
    server.reply([(lambda: b"" if over.wait(0.0005) else event) for _ in range(400_000)])
    done, peak = chat.measured("chat", "--timeout", "3", "hi")
    over.set()
    assert done.returncode == 7
    assert b"longer than --timeout allows" in done.stderr
    assert peak < 300 << 20


def test_a_hundred_thousand_small_events(server):
    event = sse(openai_chunk({"content": "x"}), done=False)[0]
    server.reply([event * 1000] * 100 + openai_sse("", usage=None))
    answer = ask(server.url)
    assert len(answer.text) == 100_000
    assert answer.exit_code == 0


def test_an_empty_reply(server):
    server.reply(openai_sse(""))
    answer = ask(server.url)
    assert (answer.text, answer.exit_code) == ("", 0)
    assert answer.finish.reason == "stop"


def test_a_reply_of_reasoning_only(server):
    server.reply(openai_sse("", reasoning="hm"))
    answer = ask(server.url)
    assert (answer.text, answer.reasoning, answer.exit_code) == ("", "hm", 0)


def test_a_reply_of_a_tool_call_only(server):
    call = {"index": 0, "function": {"name": "f", "arguments": "{}"}}
    chunks = sse(openai_chunk({"tool_calls": [call]}), openai_chunk(finish="tool_calls"))
    server.reply(chunks)
    answer = ask(server.url)
    assert answer.events[0] == ToolCall("f", "{}", "call00001", 0)
    assert answer.finish.reason == "tool_calls"


@pytest.mark.parametrize("finish", ["length", "content_filter"])
def test_an_early_end_keeps_its_reason(server, finish):
    server.reply(openai_sse("hello", finish=finish))
    assert ask(server.url).finish.reason == finish


def test_a_web_page_instead_of_a_reply(server):
    page = "<html><head><title>Sign in</title><style>x{}</style></head><body>…</body></html>"
    server.reply(page, headers={"Content-Type": "text/html; charset=utf-8"})
    answer = ask(server.url)
    assert isinstance(answer.error, ProviderError)
    assert "web page instead of a reply" in answer.message
    assert answer.message.endswith("reply: Sign in — check base_url")


def test_a_whole_json_reply_is_read(server):
    choice = {"message": {"content": "hello"}, "finish_reason": "stop"}
    server.reply({"choices": [choice]})
    answer = ask(server.url)
    assert (answer.text, answer.exit_code) == ("hello", 0)


@pytest.mark.parametrize("body", ["{}", "[]", "nonsense", '{"choices": []}'])
def test_json_that_is_not_a_reply_is_refused(server, body):
    server.reply(body, headers={"Content-Type": "application/json"})
    assert ask(server.url).exit_code == 5


def test_a_stall_ends_at_the_idle_limit(server):
    server.reply([*openai_sse(["a", "b", "c"], finish=None, done=False), STALL])
    answer = ask(server.url, limits=quick(idle=2))
    assert (answer.text, answer.exit_code) == ("abc", 7)
    assert "the reply stalled: vendor sent nothing for 2 s" in answer.message
    assert answer.message.endswith("allow more with --idle-timeout")
    assert server.client_left.wait()


def test_a_trickle_is_not_cut_by_the_idle_limit(server):
    slow = [step for event in openai_sse("hello") for step in (Pause(0.5), b": ping\n\n", event)]
    server.reply(slow)
    answer = ask(server.url, limits=quick(idle=2))
    assert (answer.text, answer.exit_code) == ("hello", 0)


def test_the_total_limit_cuts_a_trickle(server):
    server.reply([Pause(0.2) if i % 2 else b": ping\n\n" for i in range(100)])
    assert ask(server.url, limits=quick(total=3)).exit_code == 7


def test_a_compressed_reply(server):
    body = gzip.compress(b"".join(openai_sse("hello")))
    halves = [body[:20], body[20:]]
    server.reply(halves, headers={"Content-Encoding": "gzip"})
    assert ask(server.url).text == "hello"


@pytest.mark.parametrize("label", ["text/event-stream", "application/json"])
def test_a_gzip_bomb_is_not_unpacked(chat, server, label):
    server.reply(openai_sse("a reply like others"))
    done, usual = chat.measured("chat", "hi")
    assert done.returncode == 0
    # 1 GB of one letter: as it is, and as text that a client would keep.
    bomb = gzip.compress(b"data: " + b"x" * (1 << 30), 9)
    assert len(bomb) < 2 << 20
    server.reply([bomb], headers={"Content-Encoding": "gzip", "Content-Type": label})
    done, peak = chat.measured("chat", "hi")
    assert done.returncode in {5, 7}, done.stderr
    assert b"inflates" in done.stderr
    # What is let through, and once more while it is put together. Each of the two bounds alone
    # would let twice that pass, and without them it would be 2 GB.
    assert peak - usual < 3 * MAX_INFLATED_BYTES


def test_a_compressed_reply_of_two_members(server):
    first, second = b"".join(openai_sse("hel", finish=None, done=False)), openai_sse("lo")
    body = gzip.compress(first) + gzip.compress(b"".join(second))
    for at in (len(body), len(gzip.compress(first)), 20):
        server.reply([body[:at], Pause(0.05), body[at:]], headers={"Content-Encoding": "gzip"})
        answer = ask(server.url)
        assert (answer.text, answer.exit_code) == ("hello", 0)


def test_an_encoding_that_was_not_asked_for(server):
    server.reply([b"\x0b\x02\x80abc\x03"], headers={"Content-Encoding": "br"})
    assert ask(server.url).exit_code == 5


def test_a_slow_reader_stops_the_network_not_the_memory(server):
    event = sse(openai_chunk({"content": "x" * 10_000}), done=False)[0]
    sent = []
    server.reply([lambda: sent.append(1) or event for _ in range(2000)] + openai_sse("end"))

    provider = provider_at(server.url)
    stream = provider.stream(ASK)
    next(stream)
    threading.Event().wait(0.3)
    assert len(sent) < 2000
    text = "".join(e.text for batch in stream for e in batch if isinstance(e, Delta))
    assert text.endswith("end")
    provider.close()


def test_leaving_a_stream_closes_the_connection(server):
    server.reply([*openai_sse(["a"], finish=None, usage=None, done=False), STALL])

    provider = provider_at(server.url)
    stream = provider.stream(ASK)
    assert next(stream) == [Delta("a")]
    del stream  # a generator that nobody holds is closed
    assert server.client_left.wait()
    provider.close()


def test_text_is_handed_on_before_the_reply_ends(server):
    gate = threading.Event()
    first, *rest = openai_sse(["a", "b"])[1:]
    server.reply([first, Await(gate), *rest])

    provider = provider_at(server.url)
    stream = provider.stream(ASK)
    assert next(stream) == [Delta("a")]
    gate.set()
    assert [e for batch in stream for e in batch if isinstance(e, Delta | Reasoning)] == [
        Delta("b")
    ]
    provider.close()


def test_the_body_is_the_json_that_the_format_wants(server):
    server.reply(openai_sse("x"))
    ask(server.url)
    request = server.requests[0]
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.header("authorization") == f"Bearer {CANARY}"
    assert request.header("content-type") == "application/json"
    assert json.loads(request.body) == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
