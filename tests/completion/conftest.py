"""A home with sessions of every sort of name, and shells to press Tab in."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hfs_cli.messages import ChatMessage, Place, Reply, Turn
from hfs_cli.store.store import SessionStore
from tests.completion.shells import SHELLS, Shell, open_shell

# Each begins with letters that no other begins with; the rest must be quoted by the shell.
EVIL = (
    "qa two  spaces",
    'qb it\'s "both" quotes',
    "qc $HOME ${x} $(touch pwned) `touch pwned`",
    "qd back\\slash \\n \\",
    "qe hey! !! !$ !-1",
    "qf 🙂 👩\u200d👩\u200d👧 naïve",
    "qg שלום עולם مرحبا",
    "qh *?[a-z]{1,2} ~root #no",
    "qi a;b&c|d>e<f (g)",
    "qj key=value:port@host, 50% ^x",
    "qk --help -rf",
    "ql <b>[bold] {brace",
    "qm 'open",
    'qn "open',
    "qo ends in $",
    "qp :starts =odd @mid",
)


def add_sessions(path: Path, *names: str) -> None:
    """Keep a session of each name, the last one used last."""
    with SessionStore(path) as store:
        for name in names:
            place = Place(name=name)
            opened = store.begin(Turn(ChatMessage("user", "?"), "openai/gpt-6-luna", place=place))
            store.save_reply(opened, Reply("!", "openai/gpt-6-luna", "complete"))


def rename_in_place(path: Path, session_id: int, name: str) -> None:
    """Give a session a name that hfs refuses, as an older or another program might."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE session SET name = ? WHERE id = ?", (name, session_id))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with evil names, and `release notes` used last."""
    data = tmp_path_factory.mktemp("data")
    add_sessions(data / "hfs.db", *EVIL, "$dollar first", "'quote first", "~tilde", "draft")
    add_sessions(data / "hfs.db", "release notes")
    # Tab shows both as "hi", and zsh sorted every list in which two words are described alike.
    add_sessions(data / "hfs.db", "hi - 2026-11-29_18-15", "hi - 2026-11-29_18-15 (2)")
    return data


@pytest.fixture(scope="module", params=SHELLS)
def shell(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, data: Path
) -> Iterator[Shell]:
    """One shell for all tests of a module."""
    home = tmp_path_factory.mktemp("home")
    with open_shell(request.param, home, data=data) as shell:
        shell.kind = request.param.partition(" ")[0]
        yield shell
