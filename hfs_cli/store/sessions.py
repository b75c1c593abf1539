"""One session: found by a reference and never by a guess, made, named, and put in order of use."""

from __future__ import annotations

import re
import uuid
from typing import Any

from peewee import ColumnBase, Ordering, Query, Select, fn

from hfs_cli.errors import AmbiguousError, NotFoundError, UsageError
from hfs_cli.messages import Origin, Session
from hfs_cli.naming import MAX_NAME, check_name, normalise
from hfs_cli.sanitize import sanitize_line
from hfs_cli.store import rows
from hfs_cli.store.engine import ByOwners, Connection, Row, own, statement
from hfs_cli.store.tables import ImportRow, MessageRow, SessionRow

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


def by_activity(session: Any) -> tuple[Ordering, ...]:  # noqa: ANN401  (the table or its alias)
    """The order of every list of sessions: the newest activity first, wherever it was.

    That is the time of the last use, which a history that is imported brings with it; where no
    question had a reply, of the last question. What came later of the same time comes first. The
    same rule stands in SQL in `hfs_cli/completion/session_words.py`, which is in a hurry.
    """
    return session.updated_at.desc(), session.id.desc()


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
    """Whether the user sees the session of this id."""
    shown = SessionRow.select(SessionRow.id, of=is_shown())
    return ByOwners(session_id.not_in(hidden()), one=session_id.in_(shown))


def hidden() -> Select:
    """The ids of the sessions that are not shown, which an import is still bringing."""
    brought = SessionRow.select(SessionRow.id, of=None)
    return brought.where(SessionRow.import_id.in_(_unfinished()))


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
    """The one session that `ref` names: id, name, prefix of one name, ``@last~N``.

    They are tried in this order. Digits alone are always an id, so that a stale id never turns into
    the prefix of a name. Tails that were set aside are looked at only when no listed session's name
    begins with the prefix.

    Raises:
        NotFoundError: It names nothing; the message has the near names.
        AmbiguousError: It is the beginning of several names; the message lists them.
    """
    if session := find(db, ref):
        return session
    ref = normalise(ref)
    if match := _LAST.fullmatch(ref):
        found = in_order_of_use(db, 1, int(match[1] or 0))
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
    # By their ids, which tell what is shown: a name is taken by what an import is bringing, too.
    ids = [rows.session(row).id for row in _of_name(db, rows.storable(ref))]
    named = [session for number in ids if (session := of_id(db, number)) is not None]
    if len(named) > 1:  # everybody's are looked at
        raise AmbiguousError(
            f'"{sanitize_line(ref)}" is the name of several: '
            f"{_candidates(named)}; use the id, or --owner NAME"
        )
    return named[0] if named else None


def last_used(db: Connection) -> Session | None:
    """The session that ``-c`` continues, or None when there is none."""
    return next(iter(in_order_of_use(db, 1)), None)


def in_order_of_use(db: Connection, limit: int, skipped: int = 0) -> list[Session]:
    """The last used sessions, the latest first, without the first `skipped` of them."""
    return [rows.session(row) for row in _newest(db, limit, skipped)]


def _is_id(ref: str) -> bool:
    return ref.isascii() and ref.isdigit()


def last_asked(db: Connection) -> Session:
    """The session of the newest question, if it has no reply and nothing was used since.

    Otherwise the last used session.

    Raises:
        NotFoundError: There is none at all.
    """
    last = last_used(db)
    if (question := _newest_question(db, last)) is not None:
        number, session_id, created_at = rows.numbers(question)
        replies = MessageRow.select().where(MessageRow.reply_to == number)
        if (last is None or rows.to_microseconds(last.updated_at) <= created_at) and not (
            replies.exists(db)
        ):
            return get(db, session_id)
    return last or resolve(db, "@last")


def _newest_question(db: Connection, last: Session | None) -> Row | None:
    """The number, session and time of the newest question that may be without a reply.

    Args:
        last: The last used session. On a server, what was asked before its last message is not
            looked at.
    """
    asked = MessageRow.select(MessageRow.id, MessageRow.session_id, MessageRow.created_at)
    asked = asked.where(MessageRow.role == "user").order_by(MessageRow.id.desc())
    if db.owners == "one":
        # The newest message may be anybody's: to go back from it to one's own read all that others
        # have written since. One without a reply ends its session, which is found by its owner; and
        # it came after the last use, which spares whoever has 100,000 sessions to look at each.
        ends = MessageRow.position == SessionRow.message_count
        asked = asked.join(SessionRow, on=(MessageRow.session_id == SessionRow.id) & ends)
        if last is not None:
            used = MessageRow.select(fn.MAX(MessageRow.id)).where(MessageRow.session_id == last.id)
            # As a value: the server plans by how many messages have come since.
            asked = asked.where(MessageRow.id > ((db.execute(used).fetchone() or (0,))[0] or 0))
        return db.execute(asked.where(is_shown())).fetchone()
    return db.execute(asked.where(is_of_shown(MessageRow.session_id)).limit(1)).fetchone()


@statement
def _of_id(session_id: int) -> Select:
    return SessionRow.select(rows.SESSION, of=is_shown()).where(SessionRow.id == session_id)


@statement
def _of_name(name: str) -> Select:
    return SessionRow.select(rows.SESSION, of=own(SessionRow.name == name, SessionRow))


@statement
def _newest(limit: int, skipped: int) -> Select:
    listed = SessionRow.select(rows.SESSION, of=is_shown())
    listed = listed.where(SessionRow.use_seq.is_null(False))
    return listed.order_by(USE.desc()).limit(limit).offset(skipped)


def _beginning(db: Connection, ref: str) -> list[Session]:
    # The end of the range is the prefix with the highest code point after it. Names are ordered by
    # their code points, so the index finds them.
    name = SessionRow.name
    named = SessionRow.select(rows.SESSION, of=is_shown())
    named = named.where(name >= ref, name < ref + "\U0010ffff")
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
    by_name = {session.name: session for session in in_order_of_use(db, _NEAR_AMONG)}
    if not by_name and SessionRow.select(SessionRow.id, of=is_shown()).exists(db):
        return f'no session "{shown}": none has had a reply yet; hfs sessions list --all shows them'
    if not by_name:
        return f'no session "{shown}": there is none yet; hfs chat "..." starts one'
    near = near_names(ref, by_name, 3)
    near += [n for n in by_name if ref.lower() in n.lower() and n not in near][: 3 - len(near)]
    if not near:
        return f'no session "{shown}": hfs sessions list shows them'
    return f'no session "{shown}": did you mean {_candidates([by_name[n] for n in near])}?'


def _of_others(db: Connection, ref: str) -> str:
    """Whose session an id or a name is, as a message; empty where it is no other owner's.

    A session that the server does not show to this role counts as nobody's.
    """
    if db.owners != "one":
        return ""
    name = rows.storable(ref)
    meant = SessionRow.id == int(ref[:18]) if _is_id(ref) else SessionRow.name == name
    found = SessionRow.select(rows.SESSION, of=is_whole(SessionRow)).where(meant)
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
        columns: Other columns that are known already.
    """
    now = rows.now()
    known = {"message_count": 0, "created_at": now, "updated_at": now, "uid": uuid.uuid4().hex}
    row = SessionRow.insert(name=name, origin=origin, **known | columns)
    session_id = int(row.execute(db))
    db.index("session", session_id, name)
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
    """Make a session the last used one, which ``-c`` continues.

    Raises:
        NotFoundError: There is none.
    """
    _touch(db, session_id, rows.now())
    return get(db, session_id)


@statement
def _touch(session_id: int, now: int) -> Query:
    used = SessionRow.update(use_seq=next_use(), updated_at=now)
    return used.where(SessionRow.id == session_id)


@statement
def note_question(session_id: int, now: int) -> Query:
    """Count a question as the activity of a session that never had a reply.

    Any other session changes its place by replies alone: a refused request leaves all as it was.
    """
    unanswered = SessionRow.use_seq.is_null() & (SessionRow.origin == "chat")
    asked = SessionRow.update(updated_at=now)
    return asked.where(SessionRow.id == session_id, unanswered)


def rename(db: Connection, session_id: int, name: str) -> Session:
    """Give a session another name.

    Raises:
        NotFoundError: There is no such session.
        UsageError: The name cannot be used, or another session has it.
    """
    name = check_name(name)
    session = get(db, session_id)
    if name != session.name:
        refuse_taken(db, name)
        db.unindex("session", session_id, session.name)
        change(db, session_id, name=name)
        db.index("session", session_id, name)
    return session._replace(name=name)


def refuse_taken(db: Connection, name: str, advice: str = "choose another") -> None:
    """Refuse a name that a session has.

    Args:
        advice: What to do instead, as the error says it.

    Raises:
        UsageError: One has it.
    """
    if row := _of_name(db, name).fetchone():
        if of_id(db, row[0]) is None:
            raise UsageError(f'the name "{name}" comes in with an import just now: choose another')
        raise UsageError(f'the name "{name}" is taken by session {row[0]}: {advice}')


def free_name(db: Connection, name: str) -> str:
    """`name`, or the first of ``name (2)``, ``name (3)`` ... that is not taken."""
    name = normalise(name)
    # Leaves room for the number; a name must not end in white space.
    short = name[: MAX_NAME - 12].rstrip()
    if len(name) > MAX_NAME:
        name = short
    if _of_name(db, name).fetchone() is None:
        return name
    # How many there are says where to begin, since trying one by one takes long where there are
    # thousands: with "tea", "tea (2)" and "tea (3)" kept, two begin with "tea (", so "tea (4)" is
    # tried first. That number is taken only where some were deleted or renamed; then the next one
    # is tried. ")" comes right after "(", so that nothing but "tea (..." lies between the two.
    numbered = (SessionRow.name >= f"{short} (") & (SessionRow.name < f"{short} )")
    number = SessionRow.select(of=own(numbered, SessionRow)).count(db) + 2
    while _of_name(db, f"{short} ({number})").fetchone():
        number += 1
    return f"{short} ({number})"
