"""Put the user message together from arguments, standard input, files and the editor."""

from __future__ import annotations

import io
import os
import stat
import sys
from typing import TYPE_CHECKING

import click

from hfs_cli import notices
from hfs_cli.errors import UsageError
from hfs_cli.files import read_file
from hfs_cli.posix import readable_within

if TYPE_CHECKING:
    from pathlib import Path

    from hfs_cli.compose.options import Asked
    from hfs_cli.messages import Attachment, ChatMessage

# Larger than any model's context (10 million tokens are about 40 MB of text); a limit, so
# that a wrong pipe cannot take all memory.
MAX_INPUT_BYTES = 40_000_000
PATIENCE_S = 2.0
_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


def read_message(asked: Asked, *, patient: bool = True) -> ChatMessage | None:
    """The user message, or None when there is none or it is only white space.

    It is the words, then standard input, then the text files, with an empty line between
    each and the next; images, PDFs and sounds are attached.

    Args:
        asked: The words, the files, and where else to read.
        patient: Whether to wait for a pipe that stays silent; without, it counts as empty
            after two seconds.

    Raises:
        UsageError: Something is not UTF-8, too long, or cannot be read.
    """
    from hfs_cli.messages import ChatMessage

    texts: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    if asked.files:
        from hfs_cli.compose.attachments import read_files

        texts, attachments = read_files(asked.files)
    prompt = _read_prompt(asked, patient=patient)
    if prompt is None and not texts:
        if attachments:
            raise UsageError("say what to do with the files: give a prompt too")
        return None
    given = texts if prompt is None else (prompt, *texts)
    return ChatMessage("user", "\n\n".join(given), attachments)


def _read_prompt(asked: Asked, *, patient: bool) -> str | None:
    forced = "-" in asked.words
    if forced and asked.no_stdin:
        raise UsageError("- asks for standard input and --no-stdin forbids it: drop one")
    text = " ".join(utf8_word(word) for word in asked.words if word != "-")
    piped = None
    if not asked.no_stdin:
        piped = _read_stdin(forced=forced, patient=patient or bool(text.strip()))
    prompt = "\n\n".join(part for part in (text, piped) if part)
    if asked.edit:
        prompt = (click.edit(prompt, extension=".md", require_save=False) or "").removesuffix("\n")
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
    if may_wait and not readable_within(descriptor, PATIENCE_S):
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


def read_text(path: Path, limit: int = MAX_INPUT_BYTES) -> str:
    """The text of a file that a user named, or of a pipe such as ``<(command)``.

    Args:
        limit: The most bytes to accept.

    Raises:
        UsageError: It cannot be read, is too large, or is not UTF-8.
    """
    return decode_text(read_file(path, limit, pipes=True), str(path))


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
