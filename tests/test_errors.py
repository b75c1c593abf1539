"""What an error says, and what of it can be left out."""

from __future__ import annotations

from hfs_cli.errors import NetworkError, NotFoundError


def test_advice_is_part_of_the_message_and_can_be_left_out() -> None:
    error = NetworkError("box cannot be reached", "does it run?")
    assert error.message == "box cannot be reached — does it run?" == str(error)
    assert (error.what, error.advice) == ("box cannot be reached", "does it run?")


def test_a_dash_in_the_words_of_others_is_not_advice() -> None:
    error = NotFoundError('box has no model "m": gone — ask support')
    assert error.what == error.message == 'box has no model "m": gone — ask support'
    assert error.advice == ""
