"""Tell what a file is by its first bytes, never by its name."""

from __future__ import annotations

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
    """The media type of an image, a PDF or a sound, or None when it is something else.

    Args:
        data: The file's bytes, or at least the first 1,024.
    """
    for magic, media_type in _MAGIC:
        if data.startswith(magic):
            return media_type
    if data.startswith(b"RIFF"):
        return _RIFF.get(data[8:12])
    # Readers accept a PDF whose header stands anywhere in the first kilobyte.
    if b"%PDF-" in data[:1024]:
        return "application/pdf"
    return "audio/mpeg" if _is_mp3_frame(data) else None


def _is_mp3_frame(data: bytes) -> bool:
    """An MPEG audio frame: eleven set bits, then a layer and a bit rate that exist."""
    if len(data) < 3 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return False
    version, layer, rate = data[1] >> 3 & 3, data[1] >> 1 & 3, data[2] >> 4
    return version != 1 and layer == 1 and 0 < rate < 15
