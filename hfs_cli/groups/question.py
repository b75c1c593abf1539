"""Ask a person for yes or no."""

import click

from hfs_cli import notices, signals


def answered_yes(question: str, *, default: bool = False) -> bool:
    """Ask on standard error; Ctrl-D is a no. Ctrl-C is a signal, which ends more than a question.

    Args:
        question: What to ask, without the choice that follows it.
        default: What Enter alone means.
    """
    try:
        with signals.noticed():
            return click.confirm(question, default=default, err=True)
    except click.Abort:
        notices.say("")
        return False
