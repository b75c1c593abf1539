"""Read the files that go with a message: text joins the prompt, the rest is attached."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hfs_cli.compose.media_types import media_type_of
from hfs_cli.compose.prompt import MAX_INPUT_BYTES, decode_text
from hfs_cli.errors import UsageError

if TYPE_CHECKING:
    from hfs_cli.messages import Attachment


@dataclass(frozen=True, slots=True)
class Files:
    """What was given with ``-f``.

    Args:
        texts: Each text file under its name as a heading.
        attachments: Images, PDFs and sounds.
    """

    texts: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()

    def joined(self, prompt: str | None) -> str | None:
        """The prompt with the text files after it, or None when there is neither.

        Raises:
            UsageError: There are attachments, but no word about them.
        """
        if prompt is None and not self.texts and self.attachments:
            raise UsageError("say what to do with the files: give a prompt too")
        parts = [prompt] if prompt is not None else []
        return "\n\n".join([*parts, *self.texts]) or None


def read_files(paths: tuple[str, ...]) -> Files:
    """Read files and note addresses.

    Args:
        paths: Files, or http(s) URLs that the provider itself fetches.

    Raises:
        UsageError: One cannot be read, is too large, or is of no kind that can be sent.
    """
    from hfs_cli.messages import Attachment

    texts: list[str] = []
    attachments: list[Attachment] = []
    for path in paths:
        if path.startswith(("http://", "https://")):
            attachments.append(_address(path))
            continue
        data = _read(Path(path))
        # A name may be any bytes; what is sent and kept is text.
        name = os.fsencode(Path(path).name).decode("utf-8", "replace")
        if media_type := media_type_of(data):
            attachments.append(Attachment(name, media_type, data))
        else:
            texts.append(f"## {name}\n\n{_text(data, path)}")
    return Files(tuple(texts), tuple(attachments))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_INPUT_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > MAX_INPUT_BYTES:
        raise UsageError(f"{path} is over {MAX_INPUT_BYTES // 1_000_000} MB: send less")
    return data


def _text(data: bytes, path: str) -> str:
    if not data.strip():
        raise UsageError(f"{path} is empty: there is nothing to send")
    if b"\0" in data:
        raise UsageError(f"{path} is neither text nor an image, a PDF or a sound that can be sent")
    return decode_text(data, path).removesuffix("\n")


def _address(url: str) -> Attachment:
    import mimetypes
    from urllib.parse import unquote, urlsplit

    from hfs_cli.messages import Attachment

    path = urlsplit(url).path
    media_type, _ = mimetypes.guess_type(path)
    if media_type is None:
        raise UsageError(f"cannot tell what {url} is: download it and give the file")
    return Attachment(unquote(path.rpartition("/")[2]) or url, media_type, url=url)
