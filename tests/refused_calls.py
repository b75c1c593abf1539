"""The command on a machine whose disk refuses a call."""

from __future__ import annotations

import sys

_PROGRAM = """if True:
    import os
    from hfs_cli.__main__ import main
    call = os.{call}
    def refused(first, *others):
        if str(first).endswith({ending!r}):
            raise OSError({number}, os.strerror({number}))
        return call(first, *others)
    os.{call} = refused
    main()
"""


def refusing(call: str, number: int, ending: str = "") -> tuple[str, ...]:
    """The words to run hfs with, in place of the command's own.

    Args:
        call: The name of a function of `os`.
        number: The error that it raises.
        ending: Only for a path that ends in this.
    """
    return sys.executable, "-c", _PROGRAM.format(call=call, number=number, ending=ending)
