"""Read standard input, and tell text, images, PDFs and sounds by their bytes."""

from __future__ import annotations

import io
import os
import stat
import sys
from pathlib import Path

from hfs_cli import notices
from hfs_cli.errors import UsageError
from hfs_cli.files import read_file, refusing

PATIENCE_S = 2.0
# Larger than any model's context (10 million tokens are about 40 MB of text); the limit keeps
# a wrong pipe from taking all memory.
MAX_INPUT_BYTES = 40_000_000
_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
# Control characters, except white space, backspace and ESC, which begins a colour.
_NOT_IN_TEXT = frozenset(range(32)) - set(b"\t\n\v\f\r\b\x1b")
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}


def media_type_of(data: bytes) -> str | None:
    """The media type of an image, a PDF or a sound; None for text and for anything else.

    Args:
        data: All of it: a text may hold anything far from its beginning.
    """
    if is_text(data):
        return None
    for magic, media_type in _MAGIC:
        if data.startswith(magic):
            return media_type
    if data.startswith(b"RIFF"):
        return _RIFF.get(data[8:12])
    # Readers accept a PDF whose header is anywhere in its first kilobyte.
    if b"%PDF-" in data[:1024]:
        return "application/pdf"
    if len(data) < 3 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return None
    # A frame of MPEG audio: eleven bits set, then an existing layer and bit rate.
    version, layer, rate = data[1] >> 3 & 3, data[1] >> 1 & 3, data[2] >> 4
    return "audio/mpeg" if version != 1 and layer == 1 and 0 < rate < 15 else None


def is_text(data: bytes) -> bool:
    """Whether it is text, even if it begins like a sound: ``ID3 is a tag …``."""
    if data.startswith(b"%PDF-") or not _NOT_IN_TEXT.isdisjoint(data[:1024]):
        return False
    try:
        return b"\0" not in data and bool(data.decode())
    except UnicodeDecodeError:
        return False


def utf8_word(word: str) -> str:
    """The text of an argument, in which Python shows invalid UTF-8 as lone surrogates.

    Raises:
        UsageError: It is not UTF-8.
    """
    try:
        return os.fsencode(word).decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"an argument is not UTF-8 (byte {error.start} of it)") from error
    except UnicodeEncodeError as error:
        raise UsageError("an argument holds a lone surrogate, which no encoding has") from error


def read_text(path: Path, encoding: str | None) -> str:
    """The text of a file that a user named, or of a pipe such as ``<(command)``.

    Args:
        encoding: As for `decode_text`.

    Raises:
        UsageError: It cannot be read, is too large, or cannot be decoded.
    """
    return decode_text(read_file(path, MAX_INPUT_BYTES, pipes=True), str(path), encoding)


def without_last_newline(text: str) -> str:
    """Less the newline that ends a text file, be it one of Windows (CRLF); no other is touched."""
    return text.removesuffix("\r\n" if text.endswith("\r\n") else "\n")


def decode_text(data: bytes, source: str, encoding: str | None = None) -> str:
    """Decode text, and drop a byte order mark.

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
        if encoding is None and b"\0" in data and not data.startswith(_UTF16_BOMS):
            raise UsageError(
                f"{source} is neither text nor an image, a PDF or a sound that can be sent:"
                " send its text (strings, pdftotext, base64)"
            ) from error
        byte = f"byte 0x{data[offset]:02x} at offset {offset}"
        likely = _likely_encoding(data)
        hint = f"it seems to be {likely}, so add --encoding {likely}, or" if likely else "add"
        raise UsageError(
            f"{source} is not {encoding or 'UTF-8'} ({byte}): {hint} --encoding replace"
        ) from error
    except (UnicodeError, LookupError) as error:
        raise UsageError(f"{source} cannot be read as {encoding}: {error}") from error


def _likely_encoding(data: bytes) -> str | None:
    """The encoding that bytes seem to have, judging by the first of them."""
    start = data[:4096]
    if start.startswith(_UTF16_BOMS):
        return "utf-16"
    if b"\0" in start:
        return None
    high = {byte for byte in start if byte >= 0x80}
    # Latin-1 has no characters from 0x80 to 0x9f; Windows-1252 has, except for five.
    if not any(byte < 0xA0 for byte in high):
        return "latin-1"
    return None if high & {0x81, 0x8D, 0x8F, 0x90, 0x9D} else "cp1252"


def read_stdin(*, forced: bool, patient: bool, says: bool, silence_s: float | None) -> bytes:
    """All of standard input; nothing where that is a terminal, or a pipe that stays silent.

    Args:
        forced: Whether it was asked for, so that a terminal is read too.
        patient: Whether to wait for a pipe that stays silent; see `read_message`.
        says: Whether to say that it is waited for.
        silence_s: Seconds that it may stay silent, or None for no limit.

    Raises:
        UsageError: It cannot be read, falls silent before its end, or is too long.
    """
    if sys.stdin is None:  # closed by the caller: <&-
        return b""
    try:
        descriptor = sys.stdin.fileno()
        mode = os.fstat(descriptor).st_mode
    except (OSError, ValueError, io.UnsupportedOperation):
        return b""
    if not forced and os.isatty(descriptor):
        return b""
    # Only a pipe can stay silent: a file or /dev/null answers at once.
    pipe = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
    if pipe and not _begins(descriptor, silence_s, patient=patient, says=says):
        return b""
    return _read_all(descriptor, silence_s if pipe else None)


def _begins(descriptor: int, limit: float | None, *, patient: bool, says: bool) -> bool:
    """Wait until a pipe gives data or ends; return whether it did."""
    from hfs_cli.posix import readable_within

    first = PATIENCE_S if limit is None else min(PATIENCE_S, limit)
    if readable_within(descriptor, first):
        return True
    if not patient or limit == first:
        return False
    if says:
        notices.say(
            "hfs: waiting for standard input to end (--no-stdin leaves it alone, and so does"
            ' stdin = "never" in the configuration, or HFS_STDIN=never)'
        )
    return limit is None or readable_within(descriptor, limit - first)


def _read_all(descriptor: int, silence_s: float | None) -> bytes:
    """Read to the end; a pipe that falls silent before its end is an error."""
    if silence_s is not None:
        from hfs_cli.posix import readable_within
    data = bytearray()
    with refusing(UsageError, "cannot read standard input"):
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
