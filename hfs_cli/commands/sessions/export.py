"""`hfs sessions export`: export conversations."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hfs_cli import notices
from hfs_cli.compose.session import meant_session
from hfs_cli.config import load_config
from hfs_cli.errors import UsageError
from hfs_cli.groups import OutputPath, owner_options
from hfs_cli.moments import parse_since
from hfs_cli.wording import plural

if TYPE_CHECKING:
    from hfs_cli.conversations import Conversation

    Writer = Callable[[Iterable[Conversation]], Iterator[str]]

_BY_SUFFIX = {
    ".html": "html",
    ".htm": "html",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
# What names a format that is not written. Markdown in such a file could not be opened, or would be
# taken for something else; any other suffix, or none, may be part of a name (notes.v2).
_OTHER_FORMATS = {
    ".docx", ".doc", ".odt", ".rtf", ".pdf", ".epub", ".pptx", ".odp", ".xlsx", ".xls", ".ods",
    ".csv", ".tsv", ".tex", ".xml", ".yaml", ".yml", ".toml", ".db", ".sqlite", ".sqlite3", ".zip",
    ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".png", ".jpg", ".jpeg", ".svg",
}  # fmt: skip


@click.command(name="export")
@click.argument("refs", metavar="[REF]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Export every session.")
@click.option(
    "--since", metavar="WHEN", help="With --all: only those used in the last 30d, or since a date."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["markdown", "json", "jsonl", "html"]),
    help="Format to write; by default what FILE's suffix says, else markdown.",
)
@click.option(
    "-O",
    "--output",
    type=OutputPath(path_type=Path),
    metavar="FILE",
    help="Write to a new FILE instead of standard output; or the directory of an archive.",
)
@click.option("--force", is_flag=True, help="Replace FILE; write every page of an archive again.")
@owner_options(looks=True)
def export_sessions(
    *,
    refs: tuple[str, ...],
    everything: bool,
    since: str | None,
    form: str | None,
    output: Path | None,
    force: bool,
) -> None:
    """Write sessions (the last used one by default) as Markdown, JSON or HTML.

    json and jsonl hold everything, attachments, branches and checkpoints included, for
    `hfs sessions import`. html is one file without scripts or remote resources.

    --all --format html -O DIR makes an archive to open in a browser: DIR/index.html, with
    charts and a search, and a page for each session. Run again, it writes what has changed.

    \b
      hfs sessions export "release notes" > notes.md
      hfs sessions export --all -O backup.jsonl
      hfs sessions export --all --format html -O archive
      hfs sessions export --all --since 2d --format jsonl | ssh host hfs sessions import -
    """
    if refs and everything:
        raise UsageError("name sessions, or give --all: not both")
    if since and not everything:
        raise UsageError("--since goes with --all")
    if force and output is None:
        raise UsageError("--force goes with -O FILE")
    if form is None:
        form = _form_of(output)
    if everything and form == "html" and output and output.suffix.lower() not in _BY_SUFFIX:
        _write_archive(output, anew=force)
        return
    from hfs_cli.exchange import html, markdown, native
    from hfs_cli.store.store import open_store

    writers: dict[str, Writer] = {
        "markdown": markdown.markdown,
        "json": native.json_document,
        "jsonl": native.json_lines,
        "html": html.html,
    }
    config = load_config()
    with open_store(config) as store:
        found = None
        if not everything:
            found = [meant_session(store, ref, config.session).id for ref in refs or (None,)]
        # closing(): the database is being read until the last conversation has come.
        moment = parse_since(since)
        whole = form in {"json", "jsonl"}
        with closing(store.conversations(found, tails=whole, since=moment)) as chosen:
            pieces = writers[form](chosen)
            if output is None:
                sys.stdout.writelines(pieces)
                return
            from hfs_cli.render.output_file import OutputFile

            with OutputFile(output, force=force) as file:
                for piece in pieces:
                    file.write(piece)
    notices.notice(f"written: {output}")


def _form_of(output: Path | None) -> str:
    """The format that the suffix of a file says.

    Raises:
        UsageError: It says one that is not written.
    """
    suffix = output.suffix.lower() if output else ""
    if suffix in _OTHER_FORMATS:
        raise UsageError(
            f"hfs does not write {suffix}: end FILE in .md, .html, .json or .jsonl, or add --format"
        )
    return _BY_SUFFIX.get(suffix, "markdown")


def _write_archive(directory: Path, *, anew: bool) -> None:
    from hfs_cli.exchange.archive.values import Numbers
    from hfs_cli.exchange.archive.write import write_archive
    from hfs_cli.prices import totals
    from hfs_cli.render.progress import waiting
    from hfs_cli.store.store import open_store

    config = load_config()
    with open_store(config) as store, waiting(f"writing {directory}"):
        numbers = Numbers(
            days=totals(store.tallies("day"), config.models),
            models=sorted(
                totals(store.tallies("model"), config.models), key=lambda total: -total.turns
            ),
        )
        done = write_archive(directory, store.archived(), numbers, anew=anew)
    removed = f", {done.removed} removed" if done.removed else ""
    what = f"{plural(done.sessions, 'session')}: {plural(done.pages, 'page')} written{removed}"
    notices.notice(f"{directory / 'index.html'}: {what}")
