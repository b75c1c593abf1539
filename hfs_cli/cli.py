"""The `hfs` group and the one error boundary: a failure becomes one line and an exit code."""

from __future__ import annotations

import errno
import os
import sys

import click

from hfs_cli import __version__, notices, signals
from hfs_cli.errors import (
    HfsError,
    Interrupted,
    ReaderLeft,
    SignalReceived,
    StoreError,
    UsageError,
)
from hfs_cli.groups import LazyGroup, with_help
from hfs_cli.sanitize import sanitize

# The command modules import only click and the standard library; a command loads what is
# heavy when it runs.
_COMMANDS = {
    "chat": "chat:chat",
    "batch": "batch:run_batch",
    "resume": "resume:resume_session",
    "rename": "rename:rename_session",
    "delete": "delete:delete_sessions",
    "sessions": "sessions:sessions",
    "checkpoints": "checkpoints:checkpoints",
    "models": "models:models",
    "keys": "keys:keys",
    "tools": "tools:tools",
    "config": "config:config_group",
    "templates": "templates:templates",
    "completion": "completion:print_completion",
    "doctor": "doctor:run_doctor",
    "db": "db:db",
    "help": "help:show_help",
}


@click.command(
    cls=LazyGroup,
    places=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Topics: hfs help refs, config, models, scripting, exit-codes or json.",
)
@click.version_option(__version__, message="hfs %(version)s")
def hfs() -> None:
    """A language model in your shell: one turn a call, every turn kept.

    Start with: hfs chat "What is a write-ahead log?"
    """


def run() -> int:
    """Run the command line inside the error boundary, and return the exit code."""
    try:
        code = _run_guarded()
    except SignalReceived as signal:
        # It came while the error line was being written, which may block for ever.
        code = 128 + signal.signum
    signals.ignore()
    return code


def _run_guarded() -> int:
    try:
        try:
            signals.install()
            _own_streams()
            code = with_help(hfs).main(prog_name="hfs", standalone_mode=False)
        except SignalReceived as signal:
            raise Interrupted(signal.signum) from None
    except HfsError as error:
        return _report(error)
    except click.ClickException as error:
        return _report_usage(error)
    except click.Abort:
        return _report(Interrupted(2))
    except BrokenPipeError:
        return _report(ReaderLeft())
    except Exception as error:  # noqa: BLE001  (the boundary: a bug is one line, not a traceback)
        return _report_bug(error)
    return code if isinstance(code, int) else 0


def _own_streams() -> None:
    """Write UTF-8 whatever the locale says, and escape what cannot be encoded.

    From then on a failure to write standard output is an error of `hfs_cli.errors`.
    """
    from hfs_cli.render.output import StandardOutput

    sys.stdout = StandardOutput()
    if sys.stderr is not None:
        sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]


def _report(error: HfsError) -> int:
    if not isinstance(error, ReaderLeft):
        notices.error(error.message)
    if os.environ.get("HFS_DEBUG"):
        _traceback(error)
    return error.exit_code


def _report_usage(error: click.ClickException) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return error.exit_code
    from hfs_cli.groups.mistyped import usage_message

    hint = ""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        hint = f" (see {error.ctx.command_path} --help)"
    notices.error(usage_message(error) + hint)
    return 2


def _report_bug(error: Exception) -> int:
    if signum := signals.received():
        # The signal was raised where Python wraps exceptions, as in "RuntimeError: Error calling
        # __set_name__ …" while a module loads.
        return _report(Interrupted(signum))
    typed = [*sys.argv[1:], *(v for n, v in os.environ.items() if n.startswith("HFS_"))]
    # Bytes that are not UTF-8 reach Python as lone surrogates, b"\\xff" as "\\udcff".
    not_utf8 = any("\ud800" <= character <= "\udfff" for word in typed for character in word)
    if not_utf8 and isinstance(error, UnicodeEncodeError):
        return _report(UsageError("an argument or an HFS_ variable is not UTF-8"))
    # Any call may find no file descriptor or no memory left. The module loader raises an
    # ImportError, which says so in its message only.
    numbers = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}
    full = isinstance(error, OSError) and error.errno in numbers
    if full or (isinstance(error, ImportError) and os.strerror(errno.EMFILE) in str(error)):
        why = error.strerror if isinstance(error, OSError) else os.strerror(errno.EMFILE)
        return _report(StoreError(f"the system has run out of resources ({why}): see ulimit -a"))
    # What Python says when the limit of processes is reached, of which a thread is one (ulimit -u).
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        return _report(StoreError("the system allows no more threads: see ulimit -u"))
    notices.error(
        f"this is a bug in hfs: {type(error).__name__}: {error} — HFS_DEBUG=1 shows where"
    )
    if os.environ.get("HFS_DEBUG"):
        _traceback(error)
    return 1


def _traceback(error: BaseException) -> None:
    import traceback

    from hfs_cli.hide import hide

    notices.say(sanitize(hide("".join(traceback.format_exception(error)))))
