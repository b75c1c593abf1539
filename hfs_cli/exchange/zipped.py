"""Read an export as it was downloaded: a ZIP of histories, and of the files they name."""

from __future__ import annotations

import mimetypes
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import IO, BinaryIO, Self, cast

from hfs_cli.errors import UsageError
from hfs_cli.exchange.json_stream import MAX_VALUE, parse_json
from hfs_cli.messages import Attachment

BEGINS = b"PK\x03\x04"
# The conversations of an export: one file, or several with numbers.
_HISTORY = re.compile(r"(.*/)?conversations(-\d+)?\.json")
# The users' names of files that are stored under their ids.
_NAMES = re.compile(r"(.*/)?conversation_asset_file_names\.json")
# ChatGPT's id of a file, with which its name in the ZIP begins.
_ID = re.compile(r"file[-_][0-9A-Za-z]+")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FAILURES = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError)


class Zipped:
    """A ZIP file of somebody else's.

    Args:
        stream: The file, which stays open as long as this is used.
        where: How errors name it.
        advance: Called with how many of its bytes were read since it was last called.

    Raises:
        UsageError: It is not a whole ZIP file.
    """

    def __init__(self, stream: BinaryIO, where: str, advance: Callable[[int], None]) -> None:
        self._where = where
        self._advance = advance
        try:
            self._zip = zipfile.ZipFile(stream)
        except _FAILURES as error:
            raise self.wrong(error) from error
        self._by_key: dict[str, zipfile.ZipInfo] | None = None
        self._titles: Mapping[str, object] = {}

    def histories(self) -> list[str]:
        """The names of the files that hold conversations, in order."""
        names = [name for name in self._zip.namelist() if _HISTORY.fullmatch(name)]
        return sorted(names, key=lambda name: (len(name), name))

    def open(self, name: str) -> BinaryIO:
        """One of its files, to be read from its beginning.

        Raises:
            UsageError: It is damaged, encrypted, or compressed in a way that Python cannot read;
                so does reading it.
        """
        try:
            member = self._zip.open(name)
            self._advance(self._zip.getinfo(name).compress_size)
            return cast("BinaryIO", _Member(member, self))
        except _FAILURES as error:
            raise self.wrong(error) from error

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

    def wrong(self, error: BaseException) -> UsageError:
        """What a failure of reading it is called."""
        return UsageError(f"{self._where} is not a ZIP file that can be read: {error}")


class _Member:
    """A file of a ZIP, whose errors say which one it is."""

    def __init__(self, stream: IO[bytes], whole: Zipped) -> None:
        self._stream = stream
        self._whole = whole

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def read(self, size: int) -> bytes:
        try:
            return self._stream.read(size)
        except _FAILURES as error:
            raise self._whole.wrong(error) from error

    def readline(self, size: int) -> bytes:
        try:
            return self._stream.readline(size)
        except _FAILURES as error:
            raise self._whole.wrong(error) from error


def _key(text: str) -> str | None:
    match = _ID.search(text) or _UUID.search(text)
    return match and match[0]
