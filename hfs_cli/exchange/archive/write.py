"""Write an archive, or bring one up to date.

    index.html            charts, models, the newest sessions, the search
    page.css archive.js   the style and the search
    blocks.js             the list of blocks
    sessions/NNNN/ID.html a page for each session
    index/NNNN.js         a block's sessions in short, and the revisions of their pages
    words/NNNN-X.js       a block's words, by the kind X of their first letter, and their sessions

A page that was opened from a disk may load scripts beside it, but may not read files, so the
search's data are scripts. They consist of numbers and JSON, in ASCII and without "<": no text of a
session can become markup or code.

Only one block is in memory at a time. Its file in ``index`` is written last, so that a run that was
killed is continued by the next one. That file holds the revision of each page, and a page of the
same revision is not written again.
"""

from __future__ import annotations

import heapq
import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any, TypedDict

from hfs_cli import __version__
from hfs_cli.conversations import Kept
from hfs_cli.errors import OutputError, UsageError
from hfs_cli.exchange.archive.overview import overview
from hfs_cli.exchange.archive.page import page
from hfs_cli.exchange.archive.values import (
    BLOCK,
    Entry,
    Numbers,
    Source,
    Written,
    address,
    pages_of,
)
from hfs_cli.exchange.html import stylesheet
from hfs_cli.files import changing, make_directory, remove_abandoned, write_file
from hfs_cli.moments import local
from hfs_cli.sanitize import sanitize_line

_MARKER = "hfs-archive.json"
_VERSION = 1
# The unfinished file that a killed process has left behind.
_LEFT_BEHIND = re.compile(r"\.hfs-[0-9a-f]{16}\.part")
# The name of a page, but for its suffix.
_NUMBER = re.compile(r"[1-9][0-9]{0,18}")
# Files for the words of a block.
_SHARDS = 16
# Of one session: the most words, letters of a word, and letters of the preview.
_MOST_WORDS, _LONGEST_WORD, _PREVIEW = 10_000, 40, 160
_NEWEST = 50


class _Use(TypedDict):
    used: str
    at: int


@dataclass(slots=True)
class _Block:
    """The content of a block's file."""

    entries: dict[int, Entry] = field(default_factory=dict)
    words: list[int] = field(default_factory=list)


def write_archive(
    directory: Path, source: Source, numbers: Numbers, *, anew: bool = False
) -> Written:
    """Write an archive, or bring one up to date.

    Args:
        directory: Created if necessary; one that holds anything else is refused.
        anew: Write every page again.

    Raises:
        UsageError: The directory holds something else, or is not a directory.
        OutputError: It cannot be written.
    """
    _check(directory)
    with changing(directory / _MARKER, OutputError):
        _check(directory)
        try:
            return _write(directory, source, numbers, anew=anew)
        except OSError as error:
            where = error.filename or directory
            raise OutputError(f"cannot write {where}: {error.strerror}") from error


def _check(directory: Path) -> None:
    """Check that a directory is an archive, or may become one.

    Raises:
        UsageError: It may not.
    """
    try:
        names = {path.name for path in directory.iterdir()}
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise UsageError(
            f"{directory} is a file: name a directory, or end the name in .html for one page"
        ) from None
    except OSError as error:
        raise UsageError(f"cannot read {directory}: {error.strerror}") from error
    if all(map(_LEFT_BEHIND.fullmatch, names)):
        return
    marker = _json(directory / _MARKER) if _MARKER in names else None
    version = marker.get("version") if isinstance(marker, dict) else None
    if not isinstance(version, int):
        raise UsageError(f"{directory} holds something other than an archive: name another one")
    if version > _VERSION:
        raise UsageError(f"{directory} is an archive of a newer hfs: upgrade hfs, or name another")


def _write(directory: Path, source: Source, numbers: Numbers, *, anew: bool) -> Written:
    done = Written()
    marker = json.dumps({"format": "hfs-archive", "version": _VERSION}) + "\n"
    _update(directory / _MARKER, marker, durable=True)
    _update(directory / "page.css", stylesheet())
    script = files("hfs_cli.exchange.archive").joinpath("archive.js").read_text("utf-8")
    _update(directory / "archive.js", script)
    newest: list[tuple[int, int, Entry]] = []
    blocks: list[tuple[int, int, str, str]] = []
    for number, ids in groupby(source.ids, lambda session_id: session_id // BLOCK):
        block = _write_block(directory, number, source, list(ids), done, anew=anew)
        if not block.entries:
            continue
        days = [day for entry in block.entries.values() for day in entry.days]
        blocks.append((number, len(block.entries), min(days, default=""), max(days, default="")))
        done.sessions += len(block.entries)
        done.messages += sum(entry.messages for entry in block.entries.values())
        newest += ((entry.at, entry.id, entry) for entry in block.entries.values())
        newest = heapq.nlargest(_NEWEST, newest)
    current = {number for number, *_ in blocks}
    for path in sorted((directory / "index").glob("*.js")):
        if re.fullmatch(r"\d{4,}", path.stem) and int(path.stem) not in current:
            _remove_block(directory, int(path.stem), done)
    _update(directory / "blocks.js", f"hfs.blocks({_data(blocks)});\n")
    first = overview([entry for *_, entry in newest], numbers, done)
    _update(directory / "index.html", "".join(first))
    return done


# --- a block --------------------------------------------------------------------------


def _write_block(
    directory: Path, number: int, source: Source, ids: Sequence[int], done: Written, *, anew: bool
) -> _Block:
    """Bring a block up to date; returns its content."""
    old = _read_block(directory, number)
    revisions = source.revisions(ids)
    for folder in ("index", "words", pages_of(number)):
        make_directory(directory / folder)
        remove_abandoned(directory / folder)
    stale = {
        session_id
        for session_id, (revision, _) in revisions.items()
        if anew or not _is_current(directory, old.entries.get(session_id), revision)
    }
    gone = _with_pages(directory, number, old) - revisions.keys()
    words_there = [_size(directory / _words(number, kind)) for kind in range(_SHARDS)]
    if stale or gone or words_there != old.words:
        block = _made_block(directory, number, source, revisions, old, stale)
        done.pages += len(stale)
    else:
        block = _Block(
            {
                session_id: entry._replace(**_use(revisions[session_id][1]))
                for session_id, entry in old.entries.items()
            },
            old.words,
        )
    shape = {"words": block.words, "sessions": [list(e) for e in block.entries.values()]}
    text = f"hfs.sessions({number},\n{_data(shape)}\n);\n"
    _update(directory / _about(number), text, durable=True)
    for session_id in gone:
        (directory / address(session_id)).unlink(missing_ok=True)
    done.removed += len(gone)
    return block


def _made_block(
    directory: Path,
    number: int,
    source: Source,
    revisions: Mapping[int, tuple[str, datetime]],
    old: _Block,
    stale: set[int],
) -> _Block:
    """Write the stale pages of a block that has changed, and all of its words."""
    block = _Block()
    holders: list[defaultdict[str, list[int]]] = [defaultdict(list) for _ in range(_SHARDS)]
    for session_id, (revision, used) in revisions.items():
        kept = source.kept(session_id)
        if kept is None:
            continue
        size = old.entries[session_id].size if session_id not in stale else 0
        if session_id in stale:
            shown = "".join(page(kept)).encode("utf-8", "backslashreplace")
            path = directory / address(session_id)
            write_file(path, shown, replace=True, durable=False)
            size = len(shown)
        block.entries[session_id] = _entry(kept, used, _made_from(revision), size)
        for word in _words_of(kept):
            holders[ord(word[0]) % _SHARDS][word].append(session_id % BLOCK)
    for kind, words in enumerate(holders):
        text = f"hfs.words({number}, {kind},\n{_data(sorted(words.items()))}\n);\n"
        _update(directory / _words(number, kind), text)
        block.words.append(len(text))
    return block


def _is_current(directory: Path, entry: Entry | None, revision: str) -> bool:
    """Whether a page is complete, and of this revision."""
    if entry is None or entry.revision != _made_from(revision):
        return False
    return _size(directory / address(entry.id)) == entry.size


def _made_from(revision: str) -> str:
    """A page's revision: it also depends on the release that wrote it."""
    return f"{revision} {__version__} {_VERSION}"


def _entry(kept: Kept, used: datetime, revision: str, size: int) -> Entry:
    conversation = kept.conversation
    shown = [*conversation.messages, *(m for _, tail in kept.tails for m in tail.messages)]
    asked = next((m.content for m in conversation.messages if m.role == "user"), "")
    begin = " ".join(asked[: 4 * _PREVIEW].split())
    return Entry(
        id=kept.session.id,
        name=sanitize_line(conversation.name),
        models=sorted({sanitize_line(m.model) for m in shown if m.model}),
        days=sorted({f"{local(m.created_at):%Y-%m-%d}" for m in shown}),
        **_use(used),
        messages=len(conversation.messages),
        preview=sanitize_line(begin if len(begin) <= _PREVIEW else f"{begin[: _PREVIEW - 1]}…"),
        revision=revision,
        size=size,
    )


def _read_block(directory: Path, number: int) -> _Block:
    """A block as it was written before; empty if its file is missing or was changed."""
    shape = _json(directory / _about(number), f"hfs.sessions({number},\n", "\n);\n")
    try:
        entries = [Entry(*values) for values in shape["sessions"]]
        entries = [entry for entry in entries if entry.id // BLOCK == number]
        return _Block({entry.id: entry for entry in entries}, list(shape["words"]))
    except (TypeError, KeyError):
        return _Block()


def _with_pages(directory: Path, number: int, block: _Block) -> set[int]:
    """The sessions of a block, and those of which there is a page that its file does not name.

    The file may be damaged, or of an earlier hfs, which wrote down less of a session.
    """
    pages = (directory / pages_of(number)).glob("*.html")
    ids = {int(page.stem) for page in pages if _NUMBER.fullmatch(page.stem)}
    return block.entries.keys() | {each for each in ids if each // BLOCK == number}


def _remove_block(directory: Path, number: int, done: Written) -> None:
    """Remove a block whose sessions are all gone."""
    pages = directory / pages_of(number)
    for session_id in _with_pages(directory, number, _read_block(directory, number)):
        (pages / f"{session_id}.html").unlink(missing_ok=True)
        done.removed += 1
    for kind in range(_SHARDS):
        (directory / _words(number, kind)).unlink(missing_ok=True)
    with suppress(OSError):  # other files stay
        pages.rmdir()
    (directory / _about(number)).unlink(missing_ok=True)


# --- files ----------------------------------------------------------------------------


def _about(number: int) -> str:
    return f"index/{number:04d}.js"


def _words(number: int, kind: int) -> str:
    return f"words/{number:04d}-{kind:x}.js"


def _update(path: Path, text: str, *, durable: bool = False) -> None:
    """Write a file, unless it has this content already."""
    data = text.encode("utf-8", "backslashreplace")
    with suppress(OSError):
        if path.stat().st_size == len(data) and path.read_bytes() == data:
            return
    write_file(path, data, replace=True, durable=durable)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _data(value: object) -> str:
    """JSON for a script: in ASCII, and without markup."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def _json(path: Path, begin: str = "", end: str = "") -> Any:  # noqa: ANN401  (JSON)
    """The JSON between two texts in a file; None if there is none."""
    try:
        text = path.read_text("ascii")
        if not (text.startswith(begin) and text.endswith(end)):
            return None
        return json.loads(text[len(begin) : len(text) - len(end)])
    except (OSError, ValueError, RecursionError):
        return None


# --- words ----------------------------------------------------------------------------

# Scripts without spaces between words: each letter counts as a word, for a search would only find
# the beginning of a sentence otherwise.
_CLOSE = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(f"[{_CLOSE}]|[^\\W_{_CLOSE}]+")


def folded(text: str) -> str:
    """Text in lower case and without accents, as `archive.js` compares it."""
    if not text.isascii():
        apart = unicodedata.normalize("NFKD", text)
        apart = "".join(c for c in apart if not unicodedata.category(c).startswith("M"))
        text = unicodedata.normalize("NFC", apart)
    return text.lower()


def _words_of(kept: Kept) -> set[str]:
    """The words of a session, for the search."""
    found: set[str] = set()
    for text in _texts(kept):
        for word in _WORD.finditer(folded(text)):
            found.add(word[0][:_LONGEST_WORD])
            if len(found) >= _MOST_WORDS:
                return found
    return found


def _texts(kept: Kept) -> Iterator[str]:
    for conversation in (kept.conversation, *(tail for _, tail in kept.tails)):
        yield conversation.name
        for message in conversation.messages:
            yield message.content
            for attachment in message.attachments:
                yield attachment.name
            for call in message.tool_calls:
                yield from (call.label, call.arguments, call.result or "")


def _use(moment: datetime) -> _Use:
    shown = f"{local(moment):%Y-%m-%d %H:%M}"
    return {"used": shown, "at": round(moment.timestamp() * 1e6)}
