"""Put the prompt together from arguments, standard input and the editor."""

from __future__ import annotations

import io
import os
import select
import stat
import sys

import click

from hfs_cli import notices
from hfs_cli.errors import UsageError

# Larger than any model's context (10 million tokens are about 40 MB of text); a limit, so
# that a wrong pipe cannot take all memory.
MAX_INPUT_BYTES = 40_000_000
PATIENCE_S = 2.0
_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


def given_prompt(
    words: tuple[str, ...], *, no_stdin: bool, edit: bool = False, patient: bool = True
) -> str | None:
    """The prompt, or None when there is none or it is only white space.

    Args:
        words: The arguments; a word ``-`` asks for standard input, terminal or not.
        no_stdin: Leave standard input alone.
        edit: Let the user write or change the prompt in their editor.
        patient: Whether to wait for a pipe that stays silent; without, it counts as empty
            after two seconds.

    Raises:
        UsageError: The text is not UTF-8, or too long.
    """
    forced = "-" in words
    if forced and no_stdin:
        raise UsageError("- asks for standard input and --no-stdin forbids it: drop one")
    text = " ".join(utf8_word(word) for word in words if word != "-")
    piped = None if no_stdin else _read_stdin(forced=forced, patient=patient or bool(text.strip()))
    parts = [part for part in (text, piped) if part]
    prompt = "\n\n".join(parts)
    if edit:
        prompt = _edited(prompt)
    return prompt if prompt.strip() else None


def utf8_word(word: str) -> str:
    """An argument's text; bytes that are not UTF-8 reach Python as lone surrogates.

    Raises:
        UsageError: It is not UTF-8.
    """
    try:
        return os.fsencode(word).decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"an argument is not UTF-8 (byte {error.start} of it)") from error
    except UnicodeEncodeError as error:
        raise UsageError("an argument holds a lone surrogate, which no encoding has") from error


def _read_stdin(*, forced: bool, patient: bool) -> str | None:
    if sys.stdin is None:  # closed by the caller: <&-
        return None
    try:
        descriptor = sys.stdin.fileno()
        mode = os.fstat(descriptor).st_mode
    except (OSError, ValueError, io.UnsupportedOperation):
        return None
    if not forced and os.isatty(descriptor):
        return None
    # Only what can stay silent is waited for: a file or /dev/null answers at once.
    may_wait = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
    if may_wait and not select.select([descriptor], [], [], PATIENCE_S)[0]:
        if not patient:
            return None
        notices.say("hfs: waiting for standard input to end (--no-stdin leaves it alone)")
    return decode_text(_read_all(descriptor), "standard input").removesuffix("\n")


def _read_all(descriptor: int) -> bytes:
    data = bytearray()
    try:
        while piece := os.read(descriptor, 1 << 20):
            data += piece
            if len(data) > MAX_INPUT_BYTES:
                raise UsageError(
                    f"standard input is over {MAX_INPUT_BYTES // 1_000_000} MB: send less"
                )
    except OSError as error:
        raise UsageError(f"cannot read standard input: {error.strerror}") from error
    return bytes(data)


def decode_text(data: bytes, source: str) -> str:
    """Decode UTF-8, less a byte order mark.

    Args:
        data: The bytes.
        source: What they are, for the error.

    Raises:
        UsageError: They are not UTF-8; the offset is named.
    """
    if data.startswith(_UTF16_BOMS):
        raise UsageError(f"{source} is UTF-16: convert it first (iconv -f UTF-16 -t UTF-8)")
    try:
        return data.removeprefix(_BOM).decode()
    except UnicodeDecodeError as error:
        offset = error.start + (len(_BOM) if data.startswith(_BOM) else 0)
        raise UsageError(
            f"{source} is not UTF-8 (byte 0x{data[offset]:02x} at offset {offset})"
        ) from error


def _edited(prompt: str) -> str:
    text = click.edit(prompt, extension=".md", require_save=False)
    return (text or "").removesuffix("\n")
