"""The `hfs` group and the one error boundary: a failure becomes one line and an exit code."""

from __future__ import annotations

import os
import sys

import click

from hfs_cli import __version__, notices, signals
from hfs_cli.commands.groups import LazyGroup
from hfs_cli.errors import HfsError, Interrupted, OutputError, ReaderLeft, SignalReceived

# The command modules import click and the standard library only; what is heavy loads
# inside the command that needs it.
_COMMANDS = {
    "chat": "chat",
    "resume": "resume",
    "rename": "rename",
    "delete": "delete",
    "sessions": "sessions",
    "checkpoints": "checkpoints",
    "models": "models",
    "keys": "keys",
    "config": "config",
    "completion": "completion",
    "doctor": "doctor",
    "db": "db",
    "help": "help",
}


@click.command(
    cls=LazyGroup, places=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, message="hfs %(version)s")
def hfs() -> None:
    """A language model in your shell: one turn a call, every turn kept.

    Start with: hfs chat "What is a write-ahead log?"
    """


def run() -> int:
    """Run the command line inside the error boundary.

    Returns:
        The exit code.
    """
    code = _run_guarded()
    signals.ignore()
    return code


def _run_guarded() -> int:
    try:
        try:
            signals.install()
            _use_utf8()
            code = hfs.main(prog_name="hfs", standalone_mode=False)
            _flush()
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


def _use_utf8() -> None:
    """Write UTF-8 whatever the locale says; what cannot be encoded is shown escaped."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]


def _flush() -> None:
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise ReaderLeft from None
    except OSError as error:
        raise OutputError(f"cannot write standard output: {error.strerror}") from error


def _report(error: HfsError) -> int:
    if not isinstance(error, ReaderLeft):
        notices.error(error.message)
    if os.environ.get("HFS_DEBUG"):
        _traceback(error)
    _abandon_stdout()
    return error.exit_code


def _report_usage(error: click.ClickException) -> int:
    hint = ""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        hint = f" (see {error.ctx.command_path} --help)"
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return error.exit_code
    message = " ".join(error.format_message().split()).rstrip(".")
    notices.error(f"{message}{hint}")
    _abandon_stdout()
    return 2


def _report_bug(error: Exception) -> int:
    notices.error(
        f"this is a bug in hfs: {type(error).__name__}: {error} — HFS_DEBUG=1 shows where"
    )
    if os.environ.get("HFS_DEBUG"):
        _traceback(error)
    _abandon_stdout()
    return 1


def _traceback(error: BaseException) -> None:
    import traceback

    traceback.print_exception(error)


def _abandon_stdout() -> None:
    """Drop what could not be written, so that the interpreter does not fail on it at exit."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
