import pytest

from hfs_cli.wording import did_you_mean, plural


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 sessions"), (1, "1 session"), (2, "2 sessions")]
)
def test_one_is_the_only_singular(count, words):
    assert plural(count, "session") == words


def test_the_nearest_names_are_offered_and_no_more_than_asked_for():
    known = ["chat", "chart", "list"]
    assert did_you_mean("chta", known, 1) == ": did you mean chat?"
    assert did_you_mean("chat!", known) == ": did you mean chat or chart?"


def test_without_a_near_name_the_error_goes_on_otherwise():
    assert did_you_mean("xyz", ["chat"]) == ""
    assert did_you_mean("xyz", ["chat"], otherwise=" (known: chat)") == " (known: chat)"
