import unicodedata
from datetime import UTC, datetime, timedelta

import pytest

from hfs_cli.errors import AmbiguousError, NotFoundError, UsageError
from tests.store.places import on_a_file


@on_a_file
def test_reading_an_absent_database_sees_nothing_and_creates_nothing(store, path):
    assert store.list_recent() == []
    assert store.count() == 0
    assert store.last_used() is None
    assert store.check() == []
    with pytest.raises(NotFoundError, match="none yet"):
        store.resolve("x")
    assert not path.parent.exists()


def test_what_is_used_stands_first_in_the_list(store, talk):
    a, b = talk.turn("a", "x", name="a"), talk.turn("b", "x", name="b")
    assert [s.name for s in store.list_recent()] == ["b", "a"]
    talk.turn("more", "x", a)
    assert store.last_used().name == "a"
    store.touch(b.id)
    assert [s.name for s in store.list_recent(limit=1)] == ["b"]


def test_what_is_continued_does_not_depend_on_the_clock_and_lists_go_by_time(store, talk):
    for name in "abc":
        talk.turn(name, "x", name=name)
    with store._engine.writing() as db:
        db.execute_sql("UPDATE session SET updated_at = -id * 1000000000000, created_at = 0")
    assert [s.name for s in store.in_order_of_use(9)] == ["c", "b", "a"]
    assert store.last_used().name == "c"
    assert store.resolve("@last~2").name == "a"
    assert [s.name for s in store.list_recent()] == ["a", "b", "c"]
    assert store.list_recent()[0].updated_at < datetime(1970, 1, 1, tzinfo=UTC)
    # The first of the list are spared.
    spared = store.older_than(datetime.now(UTC), keep=1)
    assert [s.name for s in spared] == ["c", "b"]


def test_a_question_without_a_reply_counts_when_it_was_asked_last(store, talk):
    def names():
        return [s.name for s in store.list_recent(unanswered=True)]

    opened = talk.ask("q", name="refused")
    a, _ = talk.turn("a", "x", name="a"), talk.turn("b", "x", name="b")
    assert names() == ["b", "a", "refused"]
    question = store.transcript(opened.session.id)[0]
    talk.ask("q", opened.session, answers=question.id)
    assert names() == ["refused", "b", "a"]
    talk.turn("more", "x", a)
    talk.ask("another", opened.session)
    assert names() == ["refused", "a", "b"]
    # One that has had a reply stays where that put it: a refused request leaves all as it was.
    talk.ask("and then?", store.resolve("b"))
    assert names() == ["refused", "a", "b"]
    assert store.last_used().name == "a"


def test_filters_fit_list_and_count(store, talk):
    talk.turn("x", "y", name="100% sure", model="openai/gpt-5")
    talk.turn("x", "y", name="100 percent", model="anthropic/claude")
    talk.turn("x", "y", name="a_b", model="local/gpt-5")
    assert [s.name for s in store.list_recent(query="100%")] == ["100% sure"]
    assert [s.name for s in store.list_recent(query="_")] == ["a_b"]
    assert [s.name for s in store.list_recent(query="'; DROP TABLE session")] == []
    assert store.count(query="100") == 2
    assert [s.name for s in store.list_recent(model="gpt-5")] == ["a_b", "100% sure"]
    assert [s.name for s in store.list_recent(model="openai/gpt-5")] == ["100% sure"]
    soon = datetime.now(UTC) + timedelta(hours=1)
    assert store.count(since=soon) == 0
    assert len(store.older_than(soon)) == 3


def test_a_session_is_named_by_id_name_prefix_or_recency(store, talk):
    notes = talk.turn("x", "y", name="release notes")
    other = talk.turn("x", "y", name="reading list")
    for ref in (str(notes.id), "release notes", "rel", "@last~1"):
        assert store.resolve(ref).id == notes.id, ref
    assert store.resolve("@last").id == other.id
    assert store.find("rel") is None
    assert store.find("release notes").id == notes.id


def test_a_reference_that_fits_several_names_or_none_lists_the_candidates(store, talk):
    talk.turn("x", "y", name="release notes")
    talk.turn("x", "y", name="reading list")
    with pytest.raises(AmbiguousError, match=r'"reading list" \(2\), "release notes" \(1\)'):
        store.resolve("re")
    with pytest.raises(NotFoundError, match=r'no session "releas nots": did you mean "release'):
        store.resolve("releas nots")
    for ref in ("99", "9" * 5000, "@last~2", "@last~-1", "%", "", "\ud800"):
        with pytest.raises(NotFoundError):
            store.resolve(ref)


def test_an_id_never_turns_into_a_prefix(store, talk):
    talk.turn("x", "y", name="12 angry men")
    with pytest.raises(NotFoundError, match="12 angry men"):
        store.resolve("12")


def test_an_exact_name_beats_the_longer_ones(store, talk):
    short = talk.turn("x", "y", name="plan")
    talk.turn("x", "y", name="plan b")
    assert store.resolve("plan").id == short.id


def test_both_unicode_spellings_find_the_session(store, talk):
    session = talk.turn("x", "y", name=unicodedata.normalize("NFD", "café"))
    assert store.resolve("café").id == store.resolve("cafe\u0301").id == session.id
    with pytest.raises(UsageError, match="taken"):
        talk.ask("x", name="café")


def test_rename(store, talk):
    a, b = talk.turn("x", "y", name="a"), talk.turn("x", "y", name="b")
    assert store.rename(a.id, "c").name == "c"
    assert store.rename(a.id, "c").name == "c"
    for bad in ("b", "42", ""):
        with pytest.raises(UsageError):
            store.rename(a.id, bad)
    with pytest.raises(NotFoundError):
        store.rename(99, "d")
    assert [s.name for s in store.list_recent()] == [b.name, "c"]


def test_a_deleted_id_is_never_given_again(store, talk):
    first = talk.turn("x", "y")
    assert store.delete([first.id, first.id, 99]) == 1
    assert talk.turn("x", "y").id > first.id
    assert store.check() == []


@on_a_file
def test_deleting_nothing_makes_no_database(store, path):
    assert store.delete([]) == 0
    assert not path.exists()
