"""Read the files that go with a message: text joins the prompt, the rest is attached."""

from __future__ import annotations

import os
from pathlib import Path

from hfs_cli.compose.media_types import media_type_of
from hfs_cli.compose.prompt import MAX_INPUT_BYTES, decode_text
from hfs_cli.errors import UsageError
from hfs_cli.files import read_file
from hfs_cli.messages import Attachment


def read_files(paths: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[Attachment, ...]]:
    """Read files and note addresses.

    Args:
        paths: Files, or http(s) URLs that the provider itself fetches.

    Returns:
        Each text file under its name as a heading; and the images, PDFs and sounds.

    Raises:
        UsageError: One cannot be read, is too large, or is of no kind that can be sent.
    """
    texts: list[str] = []
    attachments: list[Attachment] = []
    size = 0
    for path in paths:
        if path.startswith(("http://", "https://")):
            attachments.append(_address(path))
            continue
        data = read_file(Path(path), MAX_INPUT_BYTES, pipes=True)
        size += len(data)
        if size > MAX_INPUT_BYTES:
            raise UsageError(f"the files are over {MAX_INPUT_BYTES // 1_000_000} MB together")
        # A name may be any bytes; what is sent and kept is text.
        name = os.fsencode(Path(path).name).decode("utf-8", "replace")
        if media_type := media_type_of(data):
            attachments.append(Attachment(name, media_type, data))
        else:
            texts.append(f"## {name}\n\n{_text(data, path)}")
    return tuple(texts), tuple(attachments)


def _text(data: bytes, path: str) -> str:
    if not data.strip():
        raise UsageError(f"{path} is empty: there is nothing to send")
    if b"\0" in data:
        raise UsageError(f"{path} is neither text nor an image, a PDF or a sound that can be sent")
    return decode_text(data, path).removesuffix("\n")


def _address(url: str) -> Attachment:
    import mimetypes
    from urllib.parse import unquote, urlsplit

    path = urlsplit(url).path
    media_type, _ = mimetypes.guess_type(path)
    if media_type is None:
        raise UsageError(f"cannot tell what {url} is: download it and give the file")
    return Attachment(unquote(path.rpartition("/")[2]) or url, media_type, url=url)
