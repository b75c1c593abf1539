"""Write the results of a batch: whole lines, in the input's order, and none twice.

A result that comes before its turn waits in a file beside the output, so that a kill loses
nothing that had come. With four prompts, of which the second is slow:

    answered   out.jsonl      out.jsonl.batch
    0          0              (header)
    2          0              2
    3          0              2 3
    1          0 1 2 3        2 3             and at the end the header alone

A run that resumes reads both. A line that a kill cut off has no newline and is removed: its prompt
is asked again. The header says which input and options the results belong to.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from hfs_cli.errors import OutputError, UsageError
from hfs_cli.files import NewFile, open_file, open_lock_file, refusing, take_lock, write_file

TO_DO, DONE, FAILED = 0, 1, 2
SUFFIX = ".batch"
_BLOCK = 1 << 16
_MOST_NAMED = 20


class Header(NamedTuple):
    """What a batch's results belong to.

    Args:
        input: The digest of the input.
        asked: A digest of the template and of the options that a reply depends on.
        models: The models that each prompt is sent to.
    """

    input: str
    asked: str
    models: tuple[str, ...]

    @property
    def line(self) -> bytes:
        """As it stands in the file."""
        return json.dumps({"hfs_batch": 1, **self._asdict()}, ensure_ascii=False).encode() + b"\n"


class Results:
    """The results so far, by the number of the item: prompt times models, plus the model's.

    Args:
        count: How many there are to be.
        write: Writes a result to the output.
        side: The descriptor of a file for results that wait.
        ordered: Whether results are written in the order of their numbers.

    Attributes:
        state: TO_DO, DONE or FAILED for each item.
    """

    def __init__(
        self, count: int, write: Callable[[bytes], None], side: int, *, ordered: bool
    ) -> None:
        self.state = bytearray(count)
        self._write = write
        self._side = side
        self._ordered = ordered
        self._written = bytearray(count)
        # Where each waiting result begins in the side file; few wait at a time.
        self._waits_at: dict[int, int] = {}
        self._next = 0

    def add(self, item: int, line: bytes, *, failed: bool) -> None:
        """Keep a result.

        Args:
            item: Its number.
            line: The result, with its newline.
            failed: Whether it is a failure.

        Raises:
            OutputError, ReaderLeft: It cannot be written.
        """
        if self._ordered and item != self._next:
            self._waits_at[item] = _append(self._side, line)
        else:
            self._write(line)
            self._written[item] = 1
        self.state[item] = FAILED if failed else DONE
        if self._ordered:
            self.write_waiting()

    def write_waiting(self, *, all_: bool = False) -> None:
        """Write the waiting results whose turn has come.

        Args:
            all_: Also those before which some are missing.
        """
        count = len(self.state)
        everything = all_ or not self._ordered
        place = 0 if everything else self._next
        while place < count and (everything or self._written[place] or place in self._waits_at):
            if place in self._waits_at:
                self._write(_line_at(self._side, self._waits_at[place]))
                del self._waits_at[place]
                self._written[place] = 1
            place += 1
            if not everything:
                self._next = place

    def to_do(self) -> Iterator[int]:
        """The items that have no result yet."""
        place = -1
        while (place := self.state.find(TO_DO, place + 1)) >= 0:
            yield place

    def failed(self) -> list[int]:
        """The items that failed."""
        return [item for item, state in enumerate(self.state) if state == FAILED]

    def forget(self) -> None:
        """Delete files that were made for this run, before anything has come."""

    def close(self) -> None:
        """Close the files."""
        os.close(self._side)


def stream_results(count: int, write: Callable[[bytes], None], *, ordered: bool) -> Results:
    """Results that go to a pipe or a terminal, where nothing can be read again."""
    with refusing(OutputError, "no temporary file can be made"), tempfile.TemporaryFile() as file:
        side = os.dup(file.fileno())
    return Results(count, write, side, ordered=ordered)


class FileResults(Results):
    """Results in a file, which a later run can resume.

    Args:
        path: The output.
        header: What the results belong to.
        count: How many there are to be.
        ordered: Whether they are written in the order of their numbers.
        resume: Go on with what is there.
        force: Replace what is there; with `resume`, go on whatever input it belongs to.
        retry_failed: With `resume`, ask again what failed.

    Raises:
        UsageError: The file exists, is of something else, or cannot be opened.
        OutputError: The disk is full or broken.
    """

    def __init__(
        self,
        path: Path,
        header: Header,
        count: int,
        *,
        ordered: bool,
        resume: bool,
        force: bool,
        retry_failed: bool,
    ) -> None:
        self._path = path
        self._beside = path.parent / f"{path.name}{SUFFIX}"
        self._header = header
        self._existed = existed = os.path.lexists(path)
        # A directory can be neither resumed nor replaced: opening it reports what it is.
        is_directory = os.path.isdir(path)  # noqa: PTH112  a Path raises where a link may not lead
        if existed and not (resume or force or is_directory):
            raise UsageError(f"{path} exists: --resume goes on with it, --force replaces it")
        with refusing(UsageError, f"cannot write {path}"):
            self._out = open_lock_file(path)
        if not take_lock(self._out, wait=False):
            os.close(self._out)
            raise UsageError(f"another hfs batch writes {path}: wait for it")
        # Waiting results belong to the output beside them: without it they mean nothing. Where both
        # hold nothing, a kill came between the making of the two.
        made_only = not (os.fstat(self._out).st_size or os.path.lexists(self._beside))
        begin = not (resume and existed) or made_only
        try:
            with refusing(OutputError, f"cannot write {path}"):
                if begin:
                    self._begin()
                else:
                    self._check_header(force=force)
            super().__init__(count, self._append, self._open_beside(), ordered=ordered)
        except (UsageError, OutputError):
            self.forget()
            raise
        with refusing(OutputError, f"cannot write {path}"):
            if not begin:
                broken_off = self._read()
                if broken_off or (retry_failed and FAILED in self.state):
                    self._drop_failed()
            self.write_waiting()

    def _begin(self) -> None:
        """Empty the output, and say beside it what it is to hold.

        The file beside it goes first: after a kill, --resume must take nothing that was there
        before for a result of this run. Without room for the new one everything stays.
        """
        with NewFile(self._beside) as new:
            new.write(self._header.line)
            self._beside.unlink(missing_ok=True)
            os.ftruncate(self._out, 0)
            new.take_name(replace=True)

    def forget(self) -> None:
        """Delete the files that this run has made, so that the same command can start again."""
        if not self._existed:
            self._path.unlink(missing_ok=True)
            self._beside.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the files; where all was written, nothing is left waiting."""
        with suppress(OSError):  # what is there is of no harm
            if all(self._written) and os.fstat(self._side).st_size > len(self._header.line):
                write_file(self._beside, self._header.line, replace=True)
        super().close()
        os.close(self._out)

    def _append(self, line: bytes) -> None:
        _append(self._out, line, self._path)

    def _open_beside(self) -> int:
        with refusing(OutputError, f"cannot write {self._beside}"):
            return open_lock_file(self._beside)

    def _check_header(self, *, force: bool) -> None:
        """Check that the results belong to this input and these options."""
        if not force:
            there = _header(self._beside)
            anyhow = "--force uses the results there anyway, by their index"
            if there is None:
                raise UsageError(
                    f"{self._beside}, which says what {self._path} holds, is missing; {anyhow}"
                )
            if there.input != self._header.input:
                raise UsageError(f"the input has changed since {self._path} was started; {anyhow}")
            if there.models != self._header.models:
                raise UsageError(
                    f"{self._path} was started with {' and '.join(there.models)}: name the same"
                    f" with -m; {anyhow}"
                )
            if there.asked != self._header.asked:
                raise UsageError(
                    f"{self._path} was started with another template or other options; {anyhow}"
                )
        elif _header(self._beside) != self._header:
            old = self._beside.read_bytes() if self._beside.exists() else b""
            write_file(self._beside, self._header.line + old.partition(b"\n")[2], replace=True)

    def _read(self) -> bool:
        """Read both files, and cut off a last line that a kill left unfinished.

        Returns:
            Whether `_drop_failed` was broken off: a failure has a better result beside it.
        """
        broken_off = False
        for _, item, failed, _ in self._lines(self._out, self._path):
            if item is not None:
                self.state[item] = FAILED if failed else DONE
                self._written[item] = 1
        for _, item, failed, at in self._lines(self._side, self._beside):
            if item is not None and not self._written[item]:
                self.state[item] = FAILED if failed else DONE
                self._waits_at[item] = at
            elif item is not None and self.state[item] == FAILED and not failed:
                broken_off = True
        return broken_off

    def _lines(self, descriptor: int, path: Path) -> Iterator[tuple[bytes, int | None, bool, int]]:
        """Yield each line of a file, its item or None, whether it failed, and where it begins."""
        at = 0
        with os.fdopen(os.dup(descriptor), "rb") as file:
            file.seek(0)
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    os.ftruncate(descriptor, at)
                    break
                if number > 1 or path == self._path:
                    yield line, *self._item(line, number, path), at
                at += len(line)

    def _item(self, line: bytes, number: int, path: Path) -> tuple[int | None, bool]:
        models = self._header.models
        try:
            found = json.loads(line)
            index, model, failed = found["index"], found["model"], found["error"] is not None
            # Where there is one model, a fallback may have answered in its place.
            place = 0 if len(models) == 1 else models.index(model) if model in models else None
            if not isinstance(index, int) or index < 0:
                raise ValueError(index)
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            raise UsageError(
                f"line {number} of {path} is not a result of hfs batch: take it out"
            ) from error
        item = None if place is None else index * len(models) + place
        return (item if item is None or item < len(self.state) else None), failed

    def _drop_failed(self) -> None:
        """Take failures out: what follows the first of them in the output waits beside it.

        First the new file beside it takes its name, which holds whatever is to be kept; then the
        output is cut. A kill between the two leaves the failures where they were.
        """
        keep: int | None = None
        kept = bytearray(len(self.state))
        with refusing(OutputError, f"cannot write {self._beside}"), NewFile(self._beside) as new:
            new.write(self._header.line)
            for line, item, failed, at in self._lines(self._out, self._path):
                if item is not None and failed:
                    keep = at if keep is None else keep
                    continue
                if keep is not None:
                    new.write(line)
                if item is not None:
                    kept[item] = 1
            for line, item, failed, _ in self._lines(self._side, self._beside):
                if item is not None and not failed and not kept[item]:
                    new.write(line)
                    kept[item] = 1
            new.take_name(replace=True)
        if keep is not None:
            os.ftruncate(self._out, keep)
        os.close(self._side)
        count = len(self.state)
        super().__init__(count, self._append, self._open_beside(), ordered=self._ordered)
        self._read()


def _header(path: Path) -> Header | None:
    """The header of the file beside an output, or None where there is none."""
    if not path.exists():
        return None
    with open_file(path) as file, suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(file.readline(1 << 20))
        return Header(found["input"], found["asked"], tuple(found["models"]))
    return None


def _append(descriptor: int, line: bytes, path: Path | None = None) -> int:
    """Append a line to a file, all of it or nothing, and return where it begins."""
    at = os.lseek(descriptor, 0, os.SEEK_END)
    rest = memoryview(line)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError as error:
        with suppress(OSError):
            os.ftruncate(descriptor, at)
        where = path or "a temporary file"
        raise OutputError(f"cannot write {where}: {error.strerror}") from error
    return at


def _line_at(descriptor: int, at: int) -> bytes:
    line = b""
    with refusing(OutputError, "cannot read a result that waited in a file"):
        os.lseek(descriptor, at, os.SEEK_SET)
        while not line.endswith(b"\n"):
            block = os.read(descriptor, _BLOCK)
            if not block:
                raise OutputError("a result that waited in a file is gone from it")
            end = block.find(b"\n")
            line += block if end < 0 else block[: end + 1]
    return line


def indices(items: Sequence[int], models: int) -> str:
    """The indices of items in the input, as an error lists them."""
    places = sorted({item // models for item in items})
    more = f" and {len(places) - _MOST_NAMED} more" if len(places) > _MOST_NAMED else ""
    return ", ".join(map(str, places[:_MOST_NAMED])) + more
