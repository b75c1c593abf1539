"""Find the session that is meant: the named one, HFS_SESSION's, or the last used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hfs_cli.config import load_config
from hfs_cli.errors import AmbiguousError, NotFoundError, UsageError
from hfs_cli.naming import check_name

if TYPE_CHECKING:
    from hfs_cli.messages import Place, Session
    from hfs_cli.store.store import SessionStore


@contextmanager
def opened_session(ref: str | None) -> Iterator[tuple[SessionStore, Session]]:
    """The store, open while the block runs, with the session that `meant_session` finds in it.

    Raises:
        NotFoundError, AmbiguousError: Nothing fits, or more than one does.
    """
    from hfs_cli.store.store import open_store

    config = load_config()
    with open_store(config) as store:
        yield store, meant_session(store, ref, config.session)


def meant_session(store: SessionStore, ref: str | None, pinned: str | None) -> Session:
    """The session that a command with an optional REF means.

    Args:
        ref: REF, or None.
        pinned: What HFS_SESSION says, or None.

    Raises:
        NotFoundError, AmbiguousError: Nothing fits, or more than one does.
    """
    if ref is not None or pinned is None:
        return store.resolve("@last" if ref is None else ref)
    session = _pinned(store, pinned)
    if session is None:
        raise NotFoundError(f'no session "{pinned}" (HFS_SESSION) yet: hfs chat starts it')
    return session


def chosen_place(
    store: SessionStore,
    name: str | None,
    ref: str | None,
    pinned: str | None,
    *,
    go_on: bool,
    create: bool,
) -> tuple[Session | None, Place]:
    """The session that a turn continues, or None, and the turn's place.

    Args:
        name: What ``-n`` says.
        ref: What ``-S`` says.
        pinned: What HFS_SESSION says.
        go_on: Whether ``-c`` was given.
        create: Whether an absent session is made.

    Raises:
        NotFoundError, AmbiguousError: Nothing fits, or more than one does.
        UsageError: No session can have the name.
    """
    from hfs_cli.messages import Place

    if name is not None:
        return None, Place(name=check_name(name))
    if go_on:
        session = store.last_used()
        if session is None and not create:
            raise NotFoundError("no session to continue yet: start one with hfs chat, or --create")
    elif ref is not None:
        # With --create the name must match exactly: "note" must not continue "notes from May".
        session = store.find(ref) if create else _resolved(store, ref)
        if session is None:
            return None, Place(name=check_name(ref), or_existing=True)
    elif pinned is not None:
        session = _pinned(store, pinned)
        if session is None:
            if pinned.isdigit():
                raise NotFoundError(f"no session {pinned}, which HFS_SESSION names")
            try:
                return None, Place(name=check_name(pinned), or_existing=True)
            except UsageError as error:
                raise UsageError(f"HFS_SESSION: {error.message}") from error
    else:
        return None, Place()
    return session, Place(session.id if session else None)


def _resolved(store: SessionStore, ref: str) -> Session:
    """The session that ``-S`` names; where it could be a new one's name, the error says so."""
    try:
        return store.resolve(ref)
    except NotFoundError as error:
        if isinstance(error, AmbiguousError) or ref.isdigit() or ref.startswith("@"):
            raise
        raise NotFoundError(f"{error.message} (a new one: --create)") from error


def _pinned(store: SessionStore, name: str) -> Session | None:
    """The session of that id or exact name; a prefix of a name does not count."""
    if not name.startswith("@"):
        return store.find(name)
    try:
        return store.resolve(name)
    except NotFoundError as error:
        raise NotFoundError(f"HFS_SESSION: {error.message}") from error
