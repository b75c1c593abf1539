import unicodedata
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfs_cli.errors import UsageError
from hfs_cli.naming import automatic_name, check_name, first_words

NOW = datetime(2026, 11, 22, 18, 5)  # noqa: DTZ001  local time, as the name shows it


def test_a_short_prompt_is_the_name_whole():
    assert automatic_name("Hello there", NOW) == "Hello there - 2026-11-22_18-05"


def test_a_long_prompt_is_cut_at_thirty_characters():
    name = automatic_name("Explain the write-ahead log in SQLite to me", NOW)
    assert name == "Explain the write-ahead log in... - 2026-11-22_18-05"


def test_white_space_and_control_characters_collapse():
    assert automatic_name("  a\n\n\tb\x1b\x00c\u202ed ", NOW).startswith("a b c d - ")


@pytest.mark.parametrize("prompt", ["", "   ", "\x00", "@-@", "\n\n\n" * 2000])
def test_a_prompt_with_nothing_to_show_still_gets_a_name(prompt):
    assert automatic_name(prompt, NOW) == "Untitled - 2026-11-22_18-05"


def test_text_after_much_white_space_is_found():
    assert automatic_name(" " * 5000 + "late", NOW).startswith("late - ")


def test_the_cut_never_parts_a_character_from_its_marks():
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    name = automatic_name("x" * 28 + family + "tail", NOW)
    assert name.startswith("x" * 28 + "... - ")


@given(st.text())
def test_every_automatic_name_is_a_valid_name(prompt):
    name = automatic_name(prompt, NOW)
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", " ", "123", "٣٤", "@last", "-x", "\ud800", "x" * 256])
def test_names_that_could_be_taken_for_something_else_are_refused(name):
    with pytest.raises(UsageError):
        check_name(name)


@pytest.mark.parametrize("hidden", ["\n", "\t", "\0", "\x1b[2J", "\x85", "\u202e", "\u2028"])
def test_names_with_control_characters_are_refused(hidden):
    with pytest.raises(UsageError, match="control"):
        check_name(f"a{hidden}b")


@pytest.mark.parametrize(
    "name",
    ["x" * 255, "[/foo]", "'; DROP TABLE session; --", "%", "_", "/", "..", "日本語", "👩‍🚀"],
)
def test_any_other_name_is_kept_as_it_is(name):
    assert check_name(name) == name


@pytest.mark.parametrize("around", [" ", "  ", "\u00a0", "\u3000"])
def test_white_space_around_a_name_is_not_part_of_it(around):
    assert check_name(f"{around}a  b{around}") == "a  b"
    for name in ("@last", "-x", "123", ""):
        with pytest.raises(UsageError):
            check_name(around + name)


def test_two_spellings_of_one_name_are_one_name():
    assert check_name(unicodedata.normalize("NFD", "café")) == "café"


@pytest.mark.parametrize(
    ("name", "words", "date"),
    [
        ("What is it?... - 2026-11-22_18-05", "What is it?...", " - 2026-11-22_18-05"),
        ("a - b - 2026-11-22_18-05 (2)", "a - b", " - 2026-11-22_18-05 (2)"),
        ("a - 2026-11-22_18-05 (fork)", "a (fork)", ""),
        ("release notes - 2026", "release notes - 2026", ""),
        ("2026-11-22_18-05", "2026-11-22_18-05", ""),
        ("", "", ""),
    ],
)
def test_the_words_of_an_automatic_name_stand_apart_from_its_date(name, words, date):
    assert first_words(name) == (words, date)
