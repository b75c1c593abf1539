"""What a file or a pipe holds, by its bytes."""

import pytest

from hfs_cli.compose.input import media_type_of


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a\x01\0", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"RIFF\0\0\0\0AVI ", None),
        (b"ID3\x04\0", "audio/mpeg"),
        (b"\xff\xfb\x90\x00", "audio/mpeg"),
        (b"\xff\xf3\x40\xc0", "audio/mpeg"),
        (b"\xff\xfe\x41\x00", None),
        (b"%PDF-1.7", "application/pdf"),
        (b"\n\n junk %PDF-1.4\n%\xe2\xe3", "application/pdf"),
        (b"fLaC\0", "audio/flac"),
        (b"OggS\0", "audio/ogg"),
        (b"plain text", None),
        (b"GIF89a is a format", None),
        (b"ID3 is a tag", None),
        (b"a text that speaks of %PDF-1.4", None),
        (b"", None),
        (b"\xff", None),
    ],
)
def test_known_by_its_bytes(data, media_type):
    assert media_type_of(data) == media_type
