"""The way in: `hfs` and `python -m hfs_cli`."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # signal itself takes 2 ms to import
import atexit
import gc
import os
import sys

TYPE_CHECKING = False  # importing typing takes 5 ms
if TYPE_CHECKING:
    from typing import NoReturn

# Until `hfs_cli.signals` installs its handlers, Ctrl-C ends the process without a traceback. Before
# this line, while Python itself starts (site and its .pth files), it is a KeyboardInterrupt.
if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)

_GARBAGE_AT = 10_000


def main() -> NoReturn:
    """Run the command line and end the process with its exit code (see `hfs_cli.errors`)."""
    _leave(_run())


def _run() -> int:
    # Answered before anything else is imported: scripts ask for it in loops.
    if sys.argv[1:] == ["--version"]:
        from hfs_cli import __version__

        try:
            os.write(1, f"hfs {__version__}\n".encode())
        except OSError:
            pass  # The long way tries again and says what is wrong.
        else:
            return 0
    # Arguments, variables and file names are UTF-8 whatever the locale says. Python has decoded
    # them before it runs any code, so if it chose another encoding it is started again in its UTF-8
    # mode (PEP 540), with the same bytes.
    if sys.getfilesystemencoding() != "utf-8" and sys.executable:
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606
    # Each press of Tab on a name waits for this.
    if sys.argv[1:2] == ["__complete"]:
        from hfs_cli.completion.words import answer

        answer(sys.argv[2:])
        return 0
    # Collecting garbage while modules load takes a twentieth of the start, and finds none.
    gc.set_threshold(_GARBAGE_AT)
    from hfs_cli.cli import run

    return run()


def _leave(code: int) -> NoReturn:
    """End the process without finalising the interpreter, which takes as long as a command.

    Functions registered with atexit are run, and both streams are flushed.
    """
    if code >= 128:
        # A signal interrupted an error line that nobody reads. It is still in Python's buffer:
        # another flush, such as the one of logging at exit, would block for ever.
        sys.stderr = None
    atexit._run_exitfuncs()  # noqa: SLF001  (there is no public name for it)
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            code = code or 8
    if code == 128 + _signal.SIGINT:
        from hfs_cli.signals import die_of_interrupt

        die_of_interrupt()
    os._exit(code)


if __name__ == "__main__":
    main()
