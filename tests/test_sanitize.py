"""The one sanitiser: nothing that it lets through can drive a terminal."""

import json
import re
import unicodedata

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfs_cli.sanitize import StreamSanitizer, sanitize, sanitize_json, sanitize_line

# One of each kind that a terminal may act on.
PAYLOADS = {
    "clipboard (OSC 52)": "\x1b]52;c;cm0gLXJm\x07",
    "title (OSC 0)": "\x1b]0;owned\x07",
    "title (OSC 2, ST)": "\x1b]2;owned\x1b\\",
    "link (OSC 8)": "\x1b]8;;http://evil\x1b\\text\x1b]8;;\x1b\\",
    "palette (OSC 4)": "\x1b]4;1;rgb:ff/ff/ff\x07",
    "directory (OSC 7)": "\x1b]7;file://h/p\x07",
    "notification (OSC 9)": "\x1b]9;hello\x07",
    "file (OSC 1337)": "\x1b]1337;File=:AAAA\x07",
    "clear (CSI 2J)": "\x1b[2J",
    "scrollback (CSI 3J)": "\x1b[3J",
    "home (CSI H)": "\x1b[H",
    "up (CSI A)": "\x1b[5A",
    "colour (CSI m)": "\x1b[31;8m",
    "alternate screen": "\x1b[?1049h",
    "mouse": "\x1b[?1000h",
    "cursor report (CSI 6n)": "\x1b[6n",
    "device report (CSI c)": "\x1b[c",
    "title report (CSI 21t)": "\x1b[21t",
    "reset (RIS)": "\x1bc",
    "charset (SO)": "\x0e",
    "string (DCS)": "\x1bP+q544e\x1b\\",
    "privacy message (PM)": "\x1b^x\x1b\\",
    "command (APC)": "\x1b_Gx\x1b\\",
    "C1 CSI (U+009B)": "\x9b2J",
    "C1 OSC (U+009D)": "\x9d0;owned\x9c",
    "overwrite (CR)": "safe\rrm -rf",
    "erase (BS)": "safe\b\b\b\bevil",
    "bell": "\x07",
    "form feed": "\x0c",
    "delete (DEL)": "\x7f",
    "bidi override": "\u202egnp.exe",
    "bidi isolate": "\u2066x\u2069",
}
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
any_text = st.text(
    st.characters(codec=None) | st.sampled_from("\x1b\x9b\r\n\t\u202e\ud83d\ude00[]")
)


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_payloads_are_shown_not_obeyed(payload):
    for text in (sanitize(payload), "".join(map(sanitize, payload)), sanitize_line(payload)):
        assert not _UNSAFE.search(text)
        screen = pyte.Screen(100, 3)
        pyte.Stream(screen).feed(text)
        assert screen.display[0].rstrip() == text


@given(any_text)
def test_nothing_unsafe_is_left(text):
    assert not _UNSAFE.search(sanitize(text))
    assert not re.search("[\n\t]", sanitize_line(text))
    sanitize(text).encode()


@given(any_text)
def test_safe_text_is_not_touched(text):
    safe = _UNSAFE.sub("", text)
    assert sanitize(safe) == safe


@given(st.lists(any_text, max_size=6))
def test_a_stream_is_the_same_however_it_is_cut(pieces):
    whole, cut = StreamSanitizer(), StreamSanitizer()
    text = "".join(pieces)
    assert "".join(map(cut.feed, pieces)) + cut.flush() == whole.feed(text) + whole.flush()


def test_a_stream_reads_cr_lf_as_a_newline_and_joins_halves():
    stream = StreamSanitizer()
    assert [stream.feed(piece) for piece in ("a\r", "\nb\rc\ud83d", "\ude00", "\r")] == [
        "a", "\nb\\x0dc", "😀", "",
    ]  # fmt: skip
    assert stream.flush() == r"\x0d"


@given(st.recursive(any_text, lambda inner: st.lists(inner) | st.dictionaries(any_text, inner)))
def test_json_means_the_same_and_is_safe(value):
    document = sanitize_json(json.dumps(value, ensure_ascii=False))
    assert not _UNSAFE.search(document)
    assert json.loads(document) == value


def test_exactly_what_unicode_calls_a_control_is_escaped():
    marks = {0x061C, 0x200E, 0x200F}
    ways = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
    for code in range(0x30000):
        character = chr(code)
        unsafe = (
            unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
            or unicodedata.bidirectional(character) in ways
            or code in marks
        )
        escape = f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
        shown = {"\t": "\t", "\n": "\n"}.get(character, escape) if unsafe else character
        line = {"\t": "\\t", "\n": "\\n"}.get(character, shown)
        assert (sanitize(character), sanitize_line(character)) == (shown, line), hex(code)
        if unsafe and character not in "\t\n":
            assert sanitize_json(f'"é{character}"') == f'"é\\u{code:04x}"'


def test_the_first_and_the_last_halves_of_characters_wait_for_the_other():
    for first, second, whole in (("\ud800", "\udc00", "\U00010000"), ("\udbff", "\udfff", None)):
        stream = StreamSanitizer()
        assert stream.feed(f"a{first}") == "a"
        expected = whole or sanitize("\U0010ffff")
        assert stream.feed(f"{second}b") == f"{expected}b"
        assert StreamSanitizer().feed(f"{first}{second}") == expected
        stream.feed(first)
        assert stream.flush() == f"\\u{ord(first):04x}"
