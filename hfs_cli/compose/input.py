"""Tell by its bytes what was given: text, which is decoded, an image, a PDF or a sound."""

from __future__ import annotations

import os
from pathlib import Path

from hfs_cli.errors import UsageError
from hfs_cli.files import read_file

# Larger than any model's context (10 million tokens are about 40 MB of text); a limit, so
# that a wrong pipe cannot take all memory.
MAX_INPUT_BYTES = 40_000_000
_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
# Control characters, but for white space, backspace and what begins a colour.
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
    # Readers accept a PDF whose header stands anywhere in the first kilobyte.
    if b"%PDF-" in data[:1024]:
        return "application/pdf"
    if len(data) < 3 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return None
    # A frame of MPEG audio: eleven set bits, then a layer and a bit rate that exist.
    version, layer, rate = data[1] >> 3 & 3, data[1] >> 1 & 3, data[2] >> 4
    return "audio/mpeg" if version != 1 and layer == 1 and 0 < rate < 15 else None


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
