"""One session: found by a reference and never by guess, made, named, and put in order of use."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from peewee import ColumnBase, Query, Select, fn

from hfs_cli.errors import AmbiguousError, NotFoundError, UsageError
from hfs_cli.messages import Session
from hfs_cli.naming import MAX_NAME, normalise
from hfs_cli.sanitize import sanitize_line
from hfs_cli.store import rows
from hfs_cli.store.engine import ByOwners, Connection, own, statement
from hfs_cli.store.tables import ImportRow, MessageRow, SessionRow

if TYPE_CHECKING:
    from hfs_cli.messages import Origin

_LAST = re.compile(r"@last(?:~(\d{1,9}))?", re.ASCII)
_SHOWN = 5
# Near names are looked for among this many of the last used: a million would take too long.
_NEAR_AMONG = 2000


# What was imported is used before all that was used here: its `use_seq` is the time of its last
# use, in microseconds, less this.
BEFORE_ALL_USE = 2**60
# The order of use, which `-c` and `@last` go by: what was imported comes before all that was used
# here. Each owner has numbers of their own: among everybody's sessions, time decides.
USE = ByOwners(SessionRow.use_seq, every=SessionRow.updated_at)

# --- found ----------------------------------------------------------------------------


def is_shown() -> ByOwners:
    """Whether the user sees a session: it is their own, and no import is still bringing it.

    Every query that finds sessions for a user asks this. What keeps the tables in order (which
    names are free, which branches take over messages) sees all of the owner's (`own`).
    """
    return own(is_whole(SessionRow), SessionRow)


def is_whole(session: Any) -> ByOwners:  # noqa: ANN401  (the table or its alias)
    """Whether the import that brings a session, if any does, has ended."""
    # In a file by the id, which is in every index, so that a count does not read the table. A
    # server guesses how many ids that might be, and made room for as many as there are sessions:
    # with 100,000 of them that took 15 ms in each query.
    by_import = session.import_id.is_null() | session.import_id.not_in(_unfinished())
    return ByOwners(session.id.not_in(hidden()), one=by_import, every=by_import)


def is_of_shown(session_id: ColumnBase) -> ByOwners:
    """Whether what belongs to a session is there for a user."""
    shown = SessionRow.select(SessionRow.id).where(is_shown())
    return ByOwners(session_id.not_in(hidden()), one=session_id.in_(shown))


def hidden() -> Select:
    """The ids of the sessions that are not shown: none, but while an import goes on."""
    return SessionRow.select(SessionRow.id).where(SessionRow.import_id.in_(_unfinished()))


def _unfinished() -> Select:
    return ImportRow.select(ImportRow.id).where(ImportRow.ended_at.is_null())


def get(db: Connection, session_id: int) -> Session:
    """A session by its id.

    Raises:
        NotFoundError: There is none.
    """
    if session := of_id(db, session_id):
        return session
    raise NotFoundError(f"session {session_id} does not exist any more: it was deleted")


def of_id(db: Connection, session_id: int) -> Session | None:
    """A session by its id, or None."""
    row = _of_id(db, session_id).fetchone()
    return None if row is None else rows.session(row)


def resolve(db: Connection, ref: str) -> Session:
    """The session that `ref` names.

    In this order: an id, an exact name, a prefix that fits one name, ``@last``, ``@last~N``.
    Only digits are only ever an id, so a stale id never turns into somebody's prefix. Tails
    that were set aside are looked at when no listed session's name begins with the prefix.

    Raises:
        NotFoundError: It names nothing; the message has the near names.
        AmbiguousError: It is the beginning of several names; the message lists them.
    """
    if session := find(db, ref):
        return session
    ref = normalise(ref)
    if match := _LAST.fullmatch(ref):
        found = newest(db, 1, int(match[1] or 0))
    else:
        found = [] if not ref or _is_id(ref) else _beginning(db, rows.storable(ref))
    if not found:
        raise NotFoundError(_nothing(db, ref))
    if len(found) > 1:
        raise AmbiguousError(
            f'"{sanitize_line(ref)}" begins several names: {_candidates(found)}; '
            "use the id or the whole name"
        )
    return found[0]


def find(db: Connection, ref: str) -> Session | None:
    """The session whose id or whole name `ref` is, or None.

    Raises:
        AmbiguousError: It is the name of several, each another owner's.
    """
    ref = normalise(ref)
    if _is_id(ref):
        # No engine counts further than to 2**63: a longer number is nobody's id.
        return of_id(db, int(ref[:18]))
    named = list(_of_name(db, rows.storable(ref)))
    if len(named) > 1:  # everybody's are looked at
        raise AmbiguousError(
            f'"{sanitize_line(ref)}" is the name of several: '
            f"{_candidates([rows.session(row) for row in named])}; use the id, or --owner NAME"
        )
    # By its id, which tells what is shown: a name is taken by what is not shown too.
    return of_id(db, rows.session(named[0]).id) if named else None


def newest(db: Connection, limit: int, skipped: int = 0) -> list[Session]:
    """The last used sessions, the latest first, but for some that are skipped."""
    return [rows.session(row) for row in _newest(db, limit, skipped)]


def _is_id(ref: str) -> bool:
    return ref.isascii() and ref.isdigit()


def last_asked(db: Connection) -> Session:
    """The session of the newest question, if it has no reply and nothing was used since.

    Otherwise the last used session.

    Raises:
        NotFoundError: There is none at all.
    """
    last = next(iter(newest(db, 1)), None)
    asked = MessageRow.select(MessageRow.id, MessageRow.session_id, MessageRow.created_at)
    asked = asked.where(MessageRow.role == "user", is_of_shown(MessageRow.session_id))
    asked = asked.order_by(MessageRow.id.desc()).limit(1)
    if (question := db.execute(asked).fetchone()) is not None:
        number, session_id, created_at = rows.numbers(question)
        replies = MessageRow.select().where(MessageRow.reply_to == number)
        if (last is None or rows.to_microseconds(last.updated_at) <= created_at) and not (
            replies.exists(db)
        ):
            return get(db, session_id)
    return last or resolve(db, "@last")


@statement
def _of_id(session_id: int) -> Select:
    return SessionRow.select(rows.SESSION).where(SessionRow.id == session_id, is_shown())


@statement
def _of_name(name: str) -> Select:
    return SessionRow.select(rows.SESSION).where(own(SessionRow.name == name, SessionRow))


@statement
def _newest(limit: int, skipped: int) -> Select:
    listed = SessionRow.select(rows.SESSION).where(SessionRow.use_seq.is_null(False), is_shown())
    return listed.order_by(USE.desc()).limit(limit).offset(skipped)


def _beginning(db: Connection, ref: str) -> list[Session]:
    # The end of the range is the prefix with the highest code point after it; names are
    # ordered by their code points, so the index serves this.
    name = SessionRow.name
    named = SessionRow.select(rows.SESSION).where(
        name >= ref, name < ref + "\U0010ffff", is_shown()
    )
    for tail in (False, True):
        query = named.where(SessionRow.use_seq.is_null(tail)).order_by(name).limit(_SHOWN + 1)
        if found := [rows.session(row) for row in db.execute(query)]:
            return found
    return []


def _nothing(db: Connection, ref: str) -> str:
    from hfs_cli.wording import near_names

    shown = sanitize_line(ref)
    if others := _of_others(db, ref):
        return others
    by_name = {session.name: session for session in newest(db, _NEAR_AMONG)}
    if not by_name and db.execute(SessionRow.select(SessionRow.id).where(is_shown())).fetchone():
        return f'no session "{shown}": none has had a reply yet; hfs sessions list --all shows them'
    if not by_name:
        return f'no session "{shown}": there is none yet; hfs chat "..." starts one'
    near = near_names(ref, by_name, 3)
    near += [n for n in by_name if ref.lower() in n.lower() and n not in near][: 3 - len(near)]
    if not near:
        return f'no session "{shown}": hfs sessions list shows them'
    return f'no session "{shown}": did you mean {_candidates([by_name[n] for n in near])}?'


def _of_others(db: Connection, ref: str) -> str:
    """Whose session an id or a name is, where it is not one's own; empty where nobody's is.

    What the server does not show to whoever asks is not told of.
    """
    if db.owners != "one":
        return ""
    name = rows.storable(ref)
    meant = SessionRow.id == int(ref[:18]) if _is_id(ref) else SessionRow.name == name
    found = SessionRow.select(rows.SESSION).where(meant, is_whole(SessionRow))
    there = [rows.session(row) for row in db.execute(found.order_by(SessionRow.id).limit(_SHOWN))]
    if not there:
        return ""
    owners = [sanitize_line(session.owner) for session in there]
    if _is_id(ref):
        said = f"session {there[0].id} is {owners[0]}'s"
    else:
        theirs = zip(owners, there, strict=True)
        whose = ", ".join(f"{owner} has one ({session.id})" for owner, session in theirs)
        said = f'you have no session "{sanitize_line(ref)}", {whose}'
    from shlex import quote

    named = quote(owners[0]) if len(there) == 1 else "NAME"
    return f"{said}: add --owner {named} if that is meant"


def _candidates(found: list[Session]) -> str:
    several = len({session.owner for session in found}) > 1
    shown = ", ".join(
        f'"{sanitize_line(s.name)}" ({s.id}{f" of {sanitize_line(s.owner)}" if several else ""})'
        for s in found[:_SHOWN]
    )
    return shown + (", ..." if len(found) > _SHOWN else "")


# --- made and changed -----------------------------------------------------------------


def add(db: Connection, name: str, origin: Origin, **columns: object) -> int:
    """Insert a session without messages; its id.

    Args:
        columns: What is already known of it besides.
    """
    now = rows.to_microseconds(datetime.now(UTC))
    known = {"message_count": 0, "created_at": now, "updated_at": now, "uid": uuid.uuid4().hex}
    row = SessionRow.insert(name=name, origin=origin, **known | columns)
    session_id = int(row.execute(db))
    db.index_name(session_id, name)
    return session_id


def change(db: Connection, session_id: int, **columns: object) -> None:
    """Set columns of a session."""
    SessionRow.update(**columns).where(SessionRow.id == session_id).execute(db)


def next_use() -> Query:
    """The number that makes a session the last used one."""
    # Where a, b and c have the numbers 1, 2 and 3, using a again makes it 4: the order of use is
    # b, c, a, whatever the clock says. Imported sessions have numbers below 0.
    # An alias: inside UPDATE the bare table would be the row that is being updated.
    latest = SessionRow.alias("latest")
    here = latest.select(fn.COALESCE(fn.MAX(latest.use_seq), 0) + 1)
    return here.where(own(latest.use_seq > 0, latest))


def touch(db: Connection, session_id: int) -> Session:
    """Make a session the last used one.

    Raises:
        NotFoundError: There is none.
    """
    _touch(db, session_id, rows.to_microseconds(datetime.now(UTC)))
    return get(db, session_id)


@statement
def _touch(session_id: int, now: int) -> Query:
    used = SessionRow.update(use_seq=next_use(), updated_at=now)
    return used.where(SessionRow.id == session_id)


def rename(db: Connection, session_id: int, name: str) -> Session:
    """Give a session another name.

    Raises:
        NotFoundError: There is no such session.
        UsageError: Another session has the name.
    """
    session = get(db, session_id)
    if name != session.name:
        refuse_taken(db, name)
        db.unindex_name(session_id, session.name)
        _rename(db, session_id, name)
        db.index_name(session_id, name)
    return session._replace(name=name)


@statement
def _rename(session_id: int, name: str) -> Query:
    return SessionRow.update(name=name).where(SessionRow.id == session_id)


def refuse_taken(db: Connection, name: str) -> None:
    """Refuse a name that a session has.

    Raises:
        UsageError: One has it.
    """
    if row := _of_name(db, name).fetchone():
        if of_id(db, row[0]) is None:
            raise UsageError(f'the name "{name}" comes in with an import just now: choose another')
        raise UsageError(f'the name "{name}" is taken by session {row[0]}: choose another')


def free_name(db: Connection, name: str) -> str:
    """`name`, or the first of ``name (2)``, ``name (3)`` ... that is not taken."""
    name = normalise(name)
    # Room for the number; a cut must not end in white space.
    short = name[: MAX_NAME - 12].rstrip()
    if len(name) > MAX_NAME:
        name = short
    if _of_name(db, name).fetchone() is None:
        return name
    # How many there are says where to begin, for one by one takes long where there are thousands:
    # with "tea", "tea (2)" and "tea (3)" kept, two begin with "tea (", so "tea (4)" is tried first.
    # Only where some were deleted or renamed is that number taken, and the next one tried.
    # ")" comes after "(" and before whatever else may stand there.
    numbered = (SessionRow.name >= f"{short} (") & (SessionRow.name < f"{short} )")
    number = SessionRow.select().where(own(numbered, SessionRow)).count(db) + 2
    while _of_name(db, f"{short} ({number})").fetchone():
        number += 1
    return f"{short} ({number})"
