"""The event stream rules of the WHATWG, case by case."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfs_cli.errors import IncompleteReplyError
from hfs_cli.providers.formats.sse import SseDecoder

CASES = {
    "one event": (b"data: a\n\n", ["a"]),
    "two events": (b"data: a\n\ndata: b\n\n", ["a", "b"]),
    "carriage returns and line feeds": (b"data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]),
    "carriage returns alone": (b"data: a\r\rdata: b\r\r", ["a", "b"]),
    "line ends of all kinds": (b"data: a\ndata: b\r\ndata: c\r\r\ndata: d\n\n", ["a\nb\nc", "d"]),
    "no space after the colon": (b"data:a\n\n", ["a"]),
    "one space only is taken away": (b"data:  a\n\n", [" a"]),
    "lines of data are joined": (b"data: a\ndata: b\n\n", ["a\nb"]),
    "data without a colon is an empty line": (b"data\n\n", [""]),
    "two empty lines of data": (b"data\ndata\n\n", ["\n"]),
    "a block without data is not an event": (b"event: ping\nid: 1\n\n", []),
    "comments are left out": (b": keep-alive\n\n:\ndata: a\n: b\n\n", ["a"]),
    "unknown fields, names, ids and retry times": (
        b"event: x\nid: 7\nretry: 10\nfoo: bar\ndatum: no\ndata: a\n\n",
        ["a"],
    ),
    "blank lines between events": (b"\n\n\ndata: a\n\n\n\n\ndata: b\n\n", ["a", "b"]),
    "a byte order mark at the start": (b"\xef\xbb\xbfdata: a\n\n", ["a"]),
    "a byte order mark later is text": (b"data: \xef\xbb\xbfa\n\n", ["\ufeffa"]),
    "an unfinished event is dropped": (b"data: a\n\ndata: b\n", ["a"]),
    "what does not end a line": (
        "data: a\u2028b\u2029c\u0085d\x0be\x0cf\n\n".encode(),
        ["a\u2028b\u2029c\u0085d\x0be\x0cf"],
    ),
    "several bytes a character": ("data: héllo 你好 🎉\n\n".encode(), ["héllo 你好 🎉"]),
    "bytes that are not UTF-8": (b"data: a\xffb\n\n", ["a\ufffdb"]),
    "a colon in the data": (b"data: a:b: c\n\n", ["a:b: c"]),
}


def decoded(*chunks: bytes) -> list[str]:
    decoder = SseDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


@pytest.mark.parametrize(("body", "events"), CASES.values(), ids=CASES)
def test_follows_the_rules(body, events):
    assert decoded(body) == events


@pytest.mark.parametrize(("body", "events"), CASES.values(), ids=CASES)
def test_does_not_care_where_the_body_is_cut(body, events):
    for at in range(len(body) + 1):
        assert decoded(body[:at], body[at:]) == events, at
    assert decoded(*(bytes([byte]) for byte in body)) == events


@given(
    st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"data: a", b"data", b":", b"x: y", b""])),
    st.data(),
)
def test_any_cut_of_any_stream_gives_the_same_events(pieces, data):
    body = b"".join(pieces)
    at = data.draw(st.integers(0, len(body)))
    assert decoded(body[:at], body[at:]) == decoded(body)


def test_an_event_is_handed_on_as_soon_as_its_blank_line_has_come():
    decoder = SseDecoder()
    assert decoder.feed(b"data: a\r\n\r") == ["a"]
    assert decoder.feed(b"\n") == []


def test_an_endless_event_is_given_up_at_the_limit():
    decoder = SseDecoder(limit=1000)
    decoder.feed(b"data: " + b"x" * 900)
    decoder.feed(b"x" * 100)
    with pytest.raises(IncompleteReplyError, match="more than 1000 bytes"):
        decoder.feed(b"x")


def test_what_came_whole_with_the_beginning_of_an_endless_event_is_handed_on():
    decoder = SseDecoder(limit=1000)
    assert decoder.feed(b"data: a\n\ndata: " + b"x" * 2000) == ["a"]


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (b"data: a\n\ndata: b", ["b"]),
        (b"data: b\n", ["b"]),
        (b"data: a\ndata: b\r\n", ["a\nb"]),
        (b"event: x\n", []),
        (b"data: b\n\n", []),
        (b"\xef\xbb", []),
        (b"", []),
    ],
)
def test_what_lacks_its_blank_line_at_the_end_is_handed_on_last(body, left):
    decoder = SseDecoder()
    decoder.feed(body)
    assert decoder.end() == left
