"""Words are indexed as their letters are, whatever form these have."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hfs_cli.store import words


def plainly(text):
    """The same without looking first whether anything is to be done."""
    apart = unicodedata.normalize("NFD", text.replace("\0", " "))
    kept = "".join(c for c in apart if not "\u0300" <= c <= "\u036f")
    return re.sub(f"({words._SPACELESS})", r" \1 ", unicodedata.normalize("NFC", kept))


@given(st.text(st.characters(codec="utf-8"), max_size=60))
@example("“quotes” – dashes … and “more”")
@example("か\u3099 and e\u0301, \u1112\u1161\u11ab, \u0958, \u2126")
def test_a_text_that_needs_nothing_is_left_as_it_is(text):
    if not text.isascii():
        assert words.words(text) == plainly(text)


@pytest.mark.parametrize("text", ["“quotes” – dashes …", "Привет, мир", "naïve"])
def test_only_accents_and_scripts_without_spaces_change_a_text(text):
    assert (words.words(text) == text) == (text != "naïve")
