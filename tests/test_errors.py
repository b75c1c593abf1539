"""What an error says, and what of it can be left out."""

from __future__ import annotations

from hfs_cli.errors import HfsError, Interrupted, NetworkError, NotFoundError
from hfs_cli.topics import EXIT_CODES


def test_advice_is_part_of_the_message_and_can_be_left_out() -> None:
    error = NetworkError("box cannot be reached", "does it run?")
    assert error.message == "box cannot be reached — does it run?" == str(error)
    assert (error.what, error.advice) == ("box cannot be reached", "does it run?")


def test_a_dash_in_the_words_of_others_is_not_advice() -> None:
    error = NotFoundError('box has no model "m": gone — ask support')
    assert error.what == error.message == 'box has no model "m": gone — ask support'
    assert error.advice == ""


def every_error(parent: type[HfsError] = HfsError) -> set[type[HfsError]]:
    return {parent}.union(*map(every_error, parent.__subclasses__()))


def test_every_exit_code_is_explained() -> None:
    codes = {error.exit_code for error in every_error() - {Interrupted}}
    signals = {128 + number for number in (1, 2, 15)}
    assert set(EXIT_CODES) == {0, *codes, *signals}
