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
    from hfs_cli.config import Config
    from hfs_cli.messages import Attachment, ChatMessage

# Larger than any model's context (10 million tokens are about 40 MB of text); a limit, so
# that a wrong pipe cannot take all memory.
MAX_INPUT_BYTES = 40_000_000
PATIENCE_S = 2.0
_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


def read_message(asked: Asked, config: Config, *, patient: bool = True) -> ChatMessage | None:
    """The user message, or None when there is none or it is only white space.

    It is the words, then standard input, then the text files, with an empty line between
    each and the next; images, PDFs and sounds are attached.

    Args:
        asked: The words, the files, and where else to read.
        config: Whether standard input is read, and how long it may stay silent.
        patient: Whether to wait for a pipe that stays silent; without, it counts as empty
            after two seconds, unless the configuration says that it is always read.

    Raises:
        UsageError: Something is not UTF-8, too long, or cannot be read.
    """
    from hfs_cli.messages import ChatMessage

    texts: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    if asked.files:
        from hfs_cli.compose.attachments import read_files

        texts, attachments = read_files(asked.files)
    prompt = _read_prompt(asked, config, patient=patient)
    if prompt is None and not texts:
        if attachments:
            raise UsageError("say what to do with the files: give a prompt too")
        return None
    given = texts if prompt is None else (prompt, *texts)
    return ChatMessage("user", "\n\n".join(given), attachments)


def _read_prompt(asked: Asked, config: Config, *, patient: bool) -> str | None:
    forced = "-" in asked.words
    text = " ".join(utf8_word(word) for word in asked.words if word != "-")
    piped = ""
    if forced or config.stdin != "never":
        patient = patient or bool(text.strip()) or config.stdin == "always"
        data = _read_stdin(config, forced=forced, patient=patient)
        piped = decode_text(data, "standard input").removesuffix("\n")
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


def _read_stdin(config: Config, *, forced: bool, patient: bool) -> bytes:
    if sys.stdin is None:  # closed by the caller: <&-
        return b""
    try:
        descriptor = sys.stdin.fileno()
        mode = os.fstat(descriptor).st_mode
    except (OSError, ValueError, io.UnsupportedOperation):
        return b""
    if not forced and os.isatty(descriptor):
        return b""
    # Only what can stay silent is waited for: a file or /dev/null answers at once.
    pipe = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
    if pipe and not _begins(descriptor, config, patient=patient):
        return b""
    return _read_all(descriptor, config.stdin_timeout if pipe else None)


def _begins(descriptor: int, config: Config, *, patient: bool) -> bool:
    """Wait for a pipe to say something, or to end; whether it did."""
    limit = config.stdin_timeout
    first = PATIENCE_S if limit is None else min(PATIENCE_S, limit)
    if readable_within(descriptor, first):
        return True
    if not patient or limit == first:
        return False
    if config.stdin == "auto":
        notices.say(
            "hfs: waiting for standard input to end (--no-stdin leaves it alone, and so does"
            ' stdin = "never" in the configuration, or HFS_STDIN=never)'
        )
    return limit is None or readable_within(descriptor, limit - first)


def _read_all(descriptor: int, silence_s: float | None) -> bytes:
    """Read to the end; a pipe that stops in the middle is not taken for one that has ended."""
    data = bytearray()
    try:
        while True:
            if silence_s is not None and not readable_within(descriptor, silence_s):
                raise UsageError(
                    f"standard input fell silent after {len(data)} bytes and did not end"
                    f" within {silence_s:g} s: raise --stdin-timeout"
                )
            piece = os.read(descriptor, 1 << 20)
            if not piece:
                return bytes(data)
            data += piece
            if len(data) > MAX_INPUT_BYTES:
                raise UsageError(
                    f"standard input is over {MAX_INPUT_BYTES // 1_000_000} MB: send less"
                )
    except OSError as error:
        raise UsageError(f"cannot read standard input: {error.strerror}") from error


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
