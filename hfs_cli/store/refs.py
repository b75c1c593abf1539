"""Find the one session that a reference names: never by guess."""

import re
from typing import Any

from peewee import SqliteDatabase

from hfs_cli.errors import AmbiguousError, NotFoundError
from hfs_cli.naming import normalise
from hfs_cli.sanitize import sanitize_line
from hfs_cli.store.rows import storable
from hfs_cli.store.transcripts import fetch
from hfs_cli.wording import near_names

_LAST = re.compile(r"@last(?:~(\d{1,9}))?", re.ASCII)
_SHOWN = 5
# Near names are looked for among this many of the latest; a million would take too long.
_NEAR_AMONG = 2000


def resolve(db: SqliteDatabase, ref: str) -> dict[str, Any]:
    """The row that `ref` names.

    In this order: an id, an exact name, a prefix that fits one name, ``@last``, ``@last~N``.
    Only digits are only ever an id, so a stale id never turns into somebody's prefix. Tails
    that were set aside are looked at when no listed session's name begins with the prefix.

    Raises:
        NotFoundError: It names nothing; the message has the near names.
        AmbiguousError: It is the beginning of several names; the message lists them.
    """
    if row := exact(db, ref):
        return row
    ref = normalise(ref)
    if match := _LAST.fullmatch(ref):
        found = _last(db, int(match[1] or 0))
    else:
        found = [] if _is_id(ref) else _beginning(db, ref)
    if not found:
        raise NotFoundError(_nothing(db, ref))
    if len(found) > 1:
        raise AmbiguousError(
            f'"{sanitize_line(ref)}" begins several names: {_candidates(found)}; '
            "use the id or the whole name"
        )
    return found[0]


def exact(db: SqliteDatabase, ref: str) -> dict[str, Any] | None:
    """The row whose id or whole name `ref` is, or None."""
    ref = normalise(ref)
    if _is_id(ref):
        # SQLite counts to 2**63: a longer number is nobody's id.
        found = fetch(db, "SELECT * FROM session WHERE id = ?", (int(ref[:18]),))
    else:
        found = fetch(db, "SELECT * FROM session WHERE name = ?", (storable(ref),))
    return found[0] if found else None


def _is_id(ref: str) -> bool:
    return ref.isascii() and ref.isdigit()


def _last(db: SqliteDatabase, back: int) -> list[dict[str, Any]]:
    return fetch(
        db,
        "SELECT * FROM session WHERE use_seq IS NOT NULL ORDER BY use_seq DESC LIMIT 1 OFFSET ?",
        (back,),
    )


def _beginning(db: SqliteDatabase, ref: str) -> list[dict[str, Any]]:
    if not ref:
        return []
    # The end of the range is the prefix with the highest code point after it; BINARY
    # collation orders names by their UTF-8 bytes, so the index serves this.
    bounds = (storable(ref), storable(ref) + "\U0010ffff")
    for listed in ("IS NOT NULL", "IS NULL"):
        found = fetch(
            db,
            f"SELECT * FROM session WHERE name >= ? AND name < ? AND use_seq {listed} "
            f"LIMIT {_SHOWN + 1}",
            bounds,
        )
        if found:
            return found
    return []


def _nothing(db: SqliteDatabase, ref: str) -> str:
    shown = sanitize_line(ref)
    recent = fetch(
        db,
        "SELECT id, name FROM session WHERE use_seq IS NOT NULL "
        f"ORDER BY use_seq DESC LIMIT {_NEAR_AMONG}",
    )
    if not recent:
        return f'no session "{shown}": there is none yet; hfs chat "..." starts one'
    by_name = {row["name"]: row for row in recent}
    near = near_names(ref, by_name, 3)
    near += [n for n in by_name if ref.lower() in n.lower() and n not in near][: 3 - len(near)]
    if not near:
        return f'no session "{shown}": hfs sessions list shows them'
    return f'no session "{shown}": did you mean {_candidates([by_name[n] for n in near])}?'


def _candidates(found: list[dict[str, Any]]) -> str:
    shown = ", ".join(f'"{sanitize_line(r["name"])}" ({r["id"]})' for r in found[:_SHOWN])
    return shown + (", ..." if len(found) > _SHOWN else "")
