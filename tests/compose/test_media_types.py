"""What a file is, by its bytes."""

import pytest

from hfs_cli.compose.media_types import media_type_of


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"RIFF\0\0\0\0AVI ", None),
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xfb\x90\x00", "audio/mpeg"),
        (b"\xff\xf3\x40\xc0", "audio/mpeg"),
        (b"\xff\xfe\x41\x00", None),
        (b"%PDF-1.7", "application/pdf"),
        (b"\n\n junk %PDF-1.4", "application/pdf"),
        (b"fLaC", "audio/flac"),
        (b"OggS", "audio/ogg"),
        (b"plain text", None),
        (b"", None),
        (b"\xff", None),
    ],
)
def test_known_by_its_bytes(data, media_type):
    assert media_type_of(data) == media_type
