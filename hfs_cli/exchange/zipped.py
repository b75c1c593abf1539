"""Read a downloaded export: a ZIP of histories and of the files that they name."""

from __future__ import annotations

import mimetypes
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from hfs_cli.errors import UsageError
from hfs_cli.exchange.json_stream import MAX_VALUE, parse_json
from hfs_cli.messages import Attachment

MAGIC = b"PK\x03\x04"
# The conversations of an export: one file, or several with numbers.
_HISTORY = re.compile(r"(.*/)?conversations(-\d+)?\.json")
# The users' names of files that are stored under their ids.
_NAMES = re.compile(r"(.*/)?conversation_asset_file_names\.json")
# ChatGPT's id of a file, with which its name in the ZIP begins.
_ID = re.compile(r"file[-_][0-9A-Za-z]+")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FAILURES = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError)


class Zipped:
    """An export's ZIP file.

    Args:
        stream: The file; it must stay open.
        where: How errors name it.
        advance: Called with the number of bytes read since the last call.

    Raises:
        UsageError: It is damaged, or is not a ZIP file.
    """

    def __init__(self, stream: BinaryIO, where: str, advance: Callable[[int], None]) -> None:
        self._where = where
        self._advance = advance
        with self._refusing():
            self._zip = zipfile.ZipFile(stream)
        self._by_key: dict[str, zipfile.ZipInfo] | None = None
        self._titles: Mapping[str, object] = {}

    def histories(self) -> list[str]:
        """The names of the files that hold conversations, in order."""
        names = [name for name in self._zip.namelist() if _HISTORY.fullmatch(name)]
        return sorted(names, key=lambda name: (len(name), name))

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Open one of its files.

        Raises:
            UsageError: The file is damaged, encrypted, or compressed in a way that Python cannot
                read. This may only turn out in the block that reads it.
        """
        with self._refusing(), self._zip.open(name) as member:
            self._advance(self._zip.getinfo(name).compress_size)
            yield cast("BinaryIO", member)

    def file(self, key: str, name: str = "", media_type: str = "") -> Attachment | None:
        """Find a file by its key; None if it is not in the ZIP, or is over 64 MB.

        Args:
            key: A text with ``file-ID``, ``file_ID`` or a UUID in it.
            name: The user's name of the file; by default its name in the ZIP.
            media_type: Its type; by default guessed from its name.

        Raises:
            UsageError: It is damaged.
        """
        if self._by_key is None:
            self._by_key = dict(self._keyed())
        found = _key(key)
        info = self._by_key.get(found or "")
        if info is None or info.file_size > MAX_VALUE:
            return None
        stored = PurePosixPath(info.filename).name
        title = self._titles.get(info.filename) or self._titles.get(stored)
        name = name or (title if isinstance(title, str) else "") or stored
        with self.open(info.filename) as stream:
            # The size in the header may be wrong.
            data = stream.read(MAX_VALUE + 1)
        if len(data) > MAX_VALUE:
            return None
        guessed = media_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Attachment(PurePosixPath(name).name or "attachment", guessed, data)

    def _keyed(self) -> Iterator[tuple[str, zipfile.ZipInfo]]:
        for info in self._zip.infolist():
            path = PurePosixPath(info.filename)
            if _NAMES.fullmatch(info.filename) and info.file_size <= MAX_VALUE:
                with self.open(info.filename) as stream:
                    names = parse_json(stream.read(MAX_VALUE), f"{self._where}, {path.name}")
                if isinstance(names, dict):
                    self._titles = names
            # The key is the file's own name, or that of its folder.
            elif (key := _key(path.name) or _key(path.parent.name)) and not info.is_dir():
                yield key, info

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except _FAILURES as error:
            message = f"{self._where} is not a ZIP file that can be read: {error}"
            raise UsageError(message) from error


def _key(text: str) -> str | None:
    match = _ID.search(text) or _UUID.search(text)
    return match and match[0]
