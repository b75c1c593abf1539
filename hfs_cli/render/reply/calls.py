"""Show the calls of tools to a person: in one line each, or with all input and output."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hfs_cli import notices
from hfs_cli.sanitize import sanitize, sanitize_line
from hfs_cli.wording import data_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hfs_cli.messages import Call
    from hfs_cli.render.terminal import Terminal

MARK = "⚙"
_DIM, _RED, _PLAIN = "\x1b[2m", "\x1b[31m", "\x1b[0m"
# Arguments only have to tell one call from another.
_LONGEST_VALUE = 60
_LEAST_ARGUMENTS = 10
_LONGEST_ERROR = 200


def call_line(call: Call, width: int) -> str:
    """A call and its outcome in one line that is safe to show.

    ``⚙ files:read_file path=README.md  1.2 kB  80 ms``

    Args:
        width: The most columns; the arguments are cut first.
    """
    tool, outcome = f"{MARK} {sanitize_line(call.label)}", outcome_of(call)
    room = max(width - len(tool) - len(outcome) - 3, _LEAST_ARGUMENTS)
    called = f"{tool} {_cut(_arguments(call.arguments), room)}".rstrip()
    return _cut(f"{called}  {outcome}", width)


def names_of(calls: Sequence[Call], width: int) -> str:
    """The tools of calls that run, each once: ``⚙ files:read_file, lines``.

    Args:
        width: The most columns.
    """
    names = dict.fromkeys(sanitize_line(call.label) for call in calls)
    return _cut(f"{MARK} {', '.join(names)}", width)


def asked_in_full(call: Call) -> str:
    """A tool and its arguments as the model wrote them, in one line that is safe to show."""
    return f"{MARK} {sanitize_line(f'{call.label} {call.arguments}'.rstrip())}"


def outcome_of(call: Call) -> str:
    """The outcome of a call in a few words: the size or the error, and the duration."""
    if call.result is None:
        what = "no result: it broke off" if call.interrupted else "not run"
    elif call.failed:
        what = f"failed: {_short(call.result, _LONGEST_ERROR)}"
    else:
        what = data_size(len(call.result.encode("utf-8", "replace")))
    if call.started_at is None or call.ended_at is None:
        return what
    return f"{what}  {_time((call.ended_at - call.started_at).total_seconds())}"


def _time(seconds: float) -> str:
    seconds = max(0.0, seconds)  # the clock may have been set back
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _arguments(text: str) -> str:
    """Arguments as they would be typed: ``path=README.md lines=20``."""
    try:
        given = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        return _short(text, _LONGEST_VALUE)
    named = (f"{name}={_value(value)}" for name, value in given.items())
    return " ".join(_short(argument, 2 * _LONGEST_VALUE) for argument in named)


def _value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _short(text, _LONGEST_VALUE)


def _short(text: str, most: int) -> str:
    return _cut(sanitize_line(" ".join(text.split())), most)


def _cut(line: str, most: int) -> str:
    return line if len(line) <= most else line[: most - 1] + "…"


def show_call(call: Call, look: Terminal, *, verbose: bool) -> None:
    """Show a call that has ended on standard error.

    Args:
        look: What standard error can show; with colours the line is dim, or red for an error.
        verbose: Show its whole input and output.
    """
    style = _RED if call.failed else _DIM
    lines = [call_line(call, look.width)]
    if verbose:
        lines.append(sanitize(call.arguments))
    if verbose and call.result is not None:
        lines.append(sanitize(call.result))
    text = "\n".join(line.rstrip("\n") for line in lines)
    notices.say(f"{style}{text}{_PLAIN}" if look.color else text)
