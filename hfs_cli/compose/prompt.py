"""Put the user message together from arguments, standard input, files and the editor."""

from __future__ import annotations

import io
import os
import stat
import sys
from typing import TYPE_CHECKING

from hfs_cli import notices
from hfs_cli.errors import UsageError
from hfs_cli.files import read_file

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
# Control characters, but for white space, backspace and what begins a colour.
_NOT_IN_TEXT = frozenset(range(32)) - set(b"\t\n\v\f\r\b\x1b")
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


def read_message(asked: Asked, config: Config, *, patient: bool = True) -> ChatMessage | None:
    """The user message, or None when nothing was given but white space.

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
    from hfs_cli.messages import Attachment, ChatMessage

    texts: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    # -f - is what - is: standard input, whatever the setting says of it.
    forced = "-" in (*asked.words, *asked.files)
    if files := tuple(name for name in asked.files if name != "-"):
        from hfs_cli.compose.attachments import read_files

        texts, attachments = read_files(files, asked.encoding)
    text = " ".join(utf8_word(word) for word in asked.words if word != "-")
    piped = ""
    if forced or config.stdin != "never":
        patient = patient or bool(text.strip()) or config.stdin == "always"
        data = _read_stdin(config, forced=forced, patient=patient)
        if media_type := _media_type(data):
            attachments = (Attachment("standard input", media_type, data), *attachments)
        else:
            piped = decode_text(data, "standard input", asked.encoding).removesuffix("\n")
    prompt = "\n\n".join(part for part in (text, piped) if part)
    if asked.edit:
        from hfs_cli.compose.editor import edited

        prompt = edited(prompt).removesuffix("\n")
    if not prompt.strip() and not texts:
        if attachments:
            raise UsageError("say what to do with the files: give a prompt too")
        return None
    given = (prompt, *texts) if prompt.strip() else texts
    return ChatMessage("user", "\n\n".join(given), attachments)


def _media_type(data: bytes) -> str | None:
    """What standard input is, if it is an image, a PDF or a sound and does not read as text."""
    if not data or is_text(data):
        return None
    from hfs_cli.compose.media_types import media_type_of

    return media_type_of(data)


def is_text(data: bytes) -> bool:
    """Whether it reads as text, although it may begin as a sound does: ``ID3 is a tag …``."""
    if data.startswith(b"%PDF-") or not _NOT_IN_TEXT.isdisjoint(data[:1024]):
        return False
    try:
        return b"\0" not in data and bool(data.decode())
    except UnicodeDecodeError:
        return False


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
    from hfs_cli.posix import readable_within

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
    if silence_s is not None:
        from hfs_cli.posix import readable_within
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


def read_text(path: Path, limit: int = MAX_INPUT_BYTES, encoding: str | None = None) -> str:
    """The text of a file that a user named, or of a pipe such as ``<(command)``.

    Args:
        limit: The most bytes to accept.
        encoding: As for `decode_text`.

    Raises:
        UsageError: It cannot be read, is too large, or cannot be decoded.
    """
    return decode_text(read_file(path, limit, pipes=True), str(path), encoding)


def decode_text(data: bytes, source: str, encoding: str | None = None) -> str:
    """Decode text, less a byte order mark.

    Args:
        data: The bytes.
        source: What they are, for the error.
        encoding: What they are written in; UTF-8 if None. ``replace`` is UTF-8 with U+FFFD
            for what is not.

    Raises:
        UsageError: They are not that; the offset is named, and what they may be.
    """
    try:
        if encoding == "replace":
            return data.removeprefix(_BOM).decode("utf-8", "replace")
        if encoding is not None:
            text = data.decode(encoding).removeprefix("\ufeff")
            text.encode()  # some codecs make lone surrogates, which nothing can send
            return text
        return data.removeprefix(_BOM).decode()
    except UnicodeDecodeError as error:
        offset = error.start + (len(_BOM) if encoding is None and data.startswith(_BOM) else 0)
        byte = f"byte 0x{data[offset]:02x} at offset {offset}"
        likely = _likely_encoding(data)
        hint = f"it seems to be {likely}, so add --encoding {likely}, or" if likely else "add"
        raise UsageError(
            f"{source} is not {encoding or 'UTF-8'} ({byte}): {hint} --encoding replace"
        ) from error
    except (UnicodeError, LookupError) as error:
        raise UsageError(f"{source} cannot be read as {encoding}: {error}") from error


def _likely_encoding(data: bytes) -> str | None:
    """The encoding that bytes seem to be in, by what stands in the first of them."""
    start = data[:4096]
    if start.startswith(_UTF16_BOMS):
        return "utf-16"
    if b"\0" in start:
        return None
    high = {byte for byte in start if byte >= 0x80}
    # Latin-1 has no letters from 0x80 to 0x9f; Windows-1252 has, but for five.
    if not any(byte < 0xA0 for byte in high):
        return "latin-1"
    return None if high & {0x81, 0x8D, 0x8F, 0x90, 0x9D} else "cp1252"
