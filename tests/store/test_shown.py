"""What an import is still bringing, and what is another owner's, is found in no way at all.

Each public method of the store has a row here. What finds sessions gives the same as if the hidden
ones were not there, and once they are shown something else, so that no row is empty.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from hfs_cli.conversations import SearchFilter
from hfs_cli.errors import HfsError, NotFoundError
from hfs_cli.messages import Call, Reply
from hfs_cli.store.store import SessionStore
from hfs_cli.store.tables import ImportRow, SessionRow
from tests.redact.keys import Keys
from tests.store.places import open_place
from tests.store.talking import Talk

KEY = Keys().checked("ghp_")
EARLY = datetime(2000, 1, 1, tzinfo=UTC)
Look = Callable[[SessionStore], object]

# How each method may find the hidden sessions, whose numbers are 2 and above: 2 is "walrus", 3 what
# was undone of it, 4 a session that never had a reply.
LOOKS: dict[str, tuple[Look, ...]] = {
    "list_recent": (
        lambda store: store.list_recent(limit=None),
        lambda store: store.list_recent(unanswered=True)[1:],
        lambda store: store.list_recent(query="walrus"),
        lambda store: store.list_recent(model="sea/m"),
    ),
    "count": (lambda store: store.count(), lambda store: store.count(since=EARLY)),
    "count_kept": (lambda store: store.count_kept(),),
    "resolve": tuple(
        partial(SessionStore.resolve, ref=ref)
        for ref in ("walrus", "wal", "walrus (u", "2", "@last", "@last~1", "walrsu")
    ),
    "find": (lambda store: store.find("walrus"), lambda store: store.find("3")),
    "get": (lambda store: store.get(2), lambda store: store.get(4)),
    "last_used": (lambda store: store.last_used(),),
    "in_order_of_use": (lambda store: store.in_order_of_use(9),),
    "last_asked": (lambda store: store.last_asked(),),
    "older_than": (
        lambda store: store.older_than(datetime.now(UTC) + timedelta(days=1)),
        lambda store: store.older_than(datetime.now(UTC) + timedelta(days=1), keep=1),
    ),
    "search": (
        lambda store: store.search("flippers"),
        lambda store: store.search("flippers", raw=True),
        lambda store: store.search("tusks"),
        lambda store: store.search("moustache"),
        lambda store: store.search("walrus"),
        lambda store: store.search("flippers", SearchFilter(role="assistant")),
    ),
    "tallies": (
        lambda store: store.tallies("day"),
        lambda store: store.tallies("model"),
        lambda store: store.tallies("session"),
    ),
    "archived": (
        lambda store: store.archived().ids,
        lambda store: store.archived().kept(2),
    ),
    "conversations": (
        lambda store: list(store.conversations()),
        lambda store: list(store.conversations(tails=False)),
        lambda store: list(store.conversations([2])),
        lambda store: list(store.conversations(since=EARLY)),
    ),
    "family": (lambda store: store.family(2),),
}
# No import brings requests; and keys are looked for in what one that was killed has left, too.
OF_OWNERS: dict[str, tuple[Look, ...]] = {
    "find_reply": (lambda store: store.find_reply("digest", EARLY),),
    "kept_keys": (lambda store: store.kept_keys(),),
}
CHANGES: dict[str, Look] = {
    "touch": lambda store: store.touch(2),
    "rename": lambda store: store.rename(2, "seal"),
    "fork": lambda store: store.fork(2),
    "create_checkpoint": lambda store: store.create_checkpoint(2, "here"),
    "delete_checkpoint": lambda store: store.delete_checkpoint(2, "seen"),
    "begin": lambda store: Talk(store).ask("more", store.get(2)),
    "add_summary": lambda store: store.add_summary(2, Reply("s", "m/x", status="complete"), 1),
    "undo": lambda store: store.undo(2),
    "rewind": lambda store: store.rewind(2, "2"),
}
# Those that go by a number which one of the others gave, and those that find no session.
OTHERS = {
    *("transcript", "peek", "checkpoints_of", "going_with", "save_reply", "save_piece"),
    *("save_call", "note_refusal", "note_request", "spill", "delete", "redact", "put"),
    *("exists", "owners", "check", "exposed", "vacuum", "back_up", "close"),
}


def test_every_method_of_the_store_is_tried_or_needs_no_try():
    public = inspect.getmembers(SessionStore, inspect.isfunction)
    tried = {*LOOKS, *OF_OWNERS, *CHANGES}
    names = {name for name, _ in public if not name.startswith("_")}
    assert names == tried | OTHERS, "a method that finds sessions belongs into LOOKS"
    assert not tried & OTHERS


def make_walrus(store: SessionStore) -> None:
    """Sessions with something for every method to find."""
    talk = Talk(store)
    first = talk.turn("flippers?", f"no flippers, but {KEY}", name="walrus", model="sea/m")
    opened = talk.ask("again", first)
    call = Call("c1", "look", "{}", "tusks", started_at=EARLY, ended_at=EARLY)
    number = talk.answer(opened, "flippers", model="sea/m", tool_calls=(call,))
    assert number is not None
    store.note_request(number, "digest")
    store.create_checkpoint(first.id, "seen")
    talk.turn("later", "undone", first)
    store.undo(first.id)
    talk.answer(talk.ask("whiskers?", first), "a moustache", model="sea/m", status="partial")
    talk.ask("nobody answers", name="mute walrus")


def outcome(look: Look, store: SessionStore) -> object:
    """What a look gives, or which error."""
    try:
        return repr(look(store))
    except HfsError as error:
        return type(error), error.message


def given(store: SessionStore, *tables: dict[str, tuple[Look, ...]]) -> dict[str, object]:
    return {
        f"{name} {place}": outcome(look, store)
        for table in tables
        for name, looks in table.items()
        for place, look in enumerate(looks)
    }


def bring_from(store: SessionStore, first: int) -> None:
    """Have the sessions from one number on come with an import that goes on."""
    with store._engine.writing() as db:
        number = ImportRow.insert(started_at=0).execute(db)
        SessionRow.update(import_id=number).where(SessionRow.id >= first).execute(db)


def test_where_all_is_still_coming_there_is_nothing_yet(store):
    make_walrus(store)
    bring_from(store, 1)
    with pytest.raises(NotFoundError, match="there is none yet"):
        store.resolve("x")


def test_nothing_that_an_import_is_bringing_is_found_before_it_ends(store):
    Talk(store).turn("q", "a", name="mine")
    before = given(store, LOOKS)
    make_walrus(store)
    bring_from(store, 2)
    assert given(store, LOOKS) == before
    for change in CHANGES.values():
        with pytest.raises(NotFoundError):
            change(store)
    assert store.delete([2]) == 0
    assert given(store, LOOKS) == before

    with store._engine.writing() as db:
        ImportRow.update(ended_at=1).execute(db)
    after = given(store, LOOKS)
    assert [name for name, found in after.items() if found == before[name]] == []
    for change in CHANGES.values():
        change(store)


@pytest.mark.parametrize("databases", ["postgres"], indirect=True)
def test_nothing_of_another_owners_is_found(database):
    with (
        open_place(database.where, owner="ann") as ann,
        open_place(database.where, owner="bob") as bob,
    ):
        Talk(ann).turn("q", "a", name="mine")
        before = given(ann, LOOKS, OF_OWNERS)
        make_walrus(bob)
        after = given(ann, LOOKS, OF_OWNERS)
        # Who names another's session is told whose it is.
        told = {name for name, found in after.items() if found != before[name]}
        assert told == {"resolve 0", "resolve 3"}
        assert all("bob" in str(after[name]) for name in told)
        for change in CHANGES.values():
            with pytest.raises(NotFoundError):
                change(ann)
        assert ann.delete([2]) == 0
        assert [branch.session.id for branch in bob.family(2)] == [2, 3]
        assert all(find != before[name] for name, find in given(bob, OF_OWNERS).items())
