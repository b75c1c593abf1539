"""Text that comes in pieces gives the blocks of the whole text."""

import html
import re

import pytest
from hypothesis import given, settings

from hfs_cli.markdown.blocks import Splitter
from hfs_cli.markdown.fences import SEGMENT_LINES
from hfs_cli.markdown.parser import parser
from tests.render.markdown.texts import (
    PLAIN,
    commonmark_examples,
    documents,
    documents_in_pieces,
    plain,
    shown,
)


def test_the_examples_of_commonmark_come_out_the_same_in_any_pieces():
    for number, (text, _) in enumerate(commonmark_examples(), 1):
        whole = shown(text)
        half = len(text) // 2
        for pieces in (list(text), text.splitlines(keepends=True), [text[:half], text[half:]]):
            assert shown(*pieces, peek=True) == whole, number


def test_no_word_of_the_examples_of_commonmark_is_lost():
    for number, (text, markup) in enumerate(commonmark_examples(), 1):
        words = re.findall(r"\w+", html.unescape(re.sub(r"<[^>]*>", " ", markup)))
        seen = " ".join(plain(text))
        assert [word for word in words if word not in seen] == [], number


@settings(max_examples=300)
@given(documents_in_pieces())
def test_any_text_comes_out_the_same_in_any_pieces(case):
    text, pieces = case
    assert shown(*pieces, peek=True) == shown(text)


@settings(max_examples=200)
@given(documents)
def test_line_by_line_is_the_same_as_at_once(text):
    assert shown(*text.splitlines(keepends=True)) == shown(text)


@settings(max_examples=200)
@given(documents)
def test_no_word_is_lost(text):
    tokens = parser().parse(text)
    contents = [t.content for token in tokens for t in (token, *(token.children or []))]
    words = {w for c in contents if c for w in re.findall(r"\w+", html.unescape(c))}
    seen = re.sub(r"\s+", "", "".join(plain(text, width=200, look=PLAIN))).replace("☑", "x")
    assert [w for w in words if w not in seen] == []


def finished(text):
    splitter = Splitter()
    splitter.feed(text)
    return len(splitter.finished())


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("one\n\ntwo", 0),
        ("one\n\ntwo\n", 1),
        ("- a\n- b\n- c\n", 2),
        ("> a\n\nb\n", 1),
        ("| a |\n|---|\n| b |\n", 0),
        ("| a |\n|---|\n| b |\n\nc\n", 1),
        ("[a]: /u\ntext\n", 0),
        ("[a]: /u\n\ntext\n", 1),
        ("text\n\n```\ncode\n", 2),
        ("```\n" + "x\n" * SEGMENT_LINES, 2),
        ("```\nx\n```\n", 3),
    ],
)
def test_a_block_is_final_when_the_next_one_begins(text, blocks):
    assert finished(text) == blocks


def test_a_definition_serves_the_text_below_it_only():
    assert plain("[a]\n\n[a]: /u\n\n[a]") == ["[a]", "", "[a]: /u", "", "a (/u)"]


def test_a_title_may_still_come_for_a_definition():
    text = '[a]: /u\n"ti\ntle"\n\n[a]'
    assert plain(*text.splitlines(keepends=True))[-1] == "a (/u “ti tle”)"


def test_deep_nesting_is_shown_as_written():
    text = ">" * 3000 + " deep"
    assert plain(text) == [text]
