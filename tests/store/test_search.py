import sqlite3
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hfs_cli.conversations import SearchFilter
from hfs_cli.errors import UsageError
from hfs_cli.store import words
from hfs_cli.store.snippets import snippet, terms
from hfs_cli.store.sqlite import search as searching
from tests.store.places import Files, of_sqlites_index
from tests.store.talking import Talk


def found(store, text, asked=SearchFilter(), **more):  # noqa: B008  frozen
    return [(hit.session_id, hit.position) for hit in store.search(text, asked, **more)]


def marked(hit):
    return [hit.snippet[a:b] for a, b in hit.spans]


def test_all_words_have_to_be_there(store, talk):
    talk.turn("why does my wal grow", "a checkpoint copies the WAL back", name="one")
    talk.turn("how do I checkpoint the wal?", "like this", name="two")
    assert found(store, "wal checkpoint") == [(2, 1), (1, 2)] or found(store, "wal checkpoint") == [
        (1, 2),
        (2, 1),
    ]
    assert found(store, '"checkpoint the wal"') == [(2, 1)]
    assert found(store, "absent") == []


def test_a_hit_says_where_it_is_and_marks_the_words(store, talk):
    session = talk.turn("hi", "The WAL is copied back at a checkpoint.", name="notes")
    (hit,) = store.search("wal CHECKPOINT")
    assert (hit.session_id, hit.session_name, hit.position, hit.role) == (
        session.id,
        "notes",
        2,
        "assistant",
    )
    assert marked(hit) == ["WAL", "checkpoint"]


def test_names_are_found_too(store, talk):
    talk.turn("hi", "hello", name="release notes")
    (hit,) = store.search("release")
    assert (hit.position, hit.message_id, hit.snippet) == (None, None, "release notes")
    store.rename(hit.session_id, "something else")
    assert store.search("release") == []
    assert len(store.search("something")) == 1


def test_partial_replies_are_found_and_so_is_what_they_become(store, talk):
    opened = talk.ask("hi")
    talk.answer(opened, "the quick brown", status="partial")
    (hit,) = store.search("quick")
    assert (hit.position, hit.status) == (2, "partial")
    talk.answer(opened, "the quick brown fox")
    (hit,) = store.search("quick fox")
    assert hit.status == "complete"
    assert store.check() == []


def test_what_is_deleted_is_not_found(store, talk):
    session = talk.turn("a needle", "another needle", name="needle")
    assert len(store.search("needle")) == 3
    store.delete([session.id])
    assert store.search("needle") == []
    assert store.check() == []


@pytest.mark.parametrize(
    ("text", "query", "shown"),
    [
        ("un café naïf", "cafe NAIF", ["café", "naïf"]),
        ("Crème brûlée", "brulee", ["brûlée"]),
        ("cafe", "café", ["cafe"]),
        ("数据库的检查点很重要", "检查点", ["检", "查", "点"]),
        ("データベースを検索する", "検索", ["検", "索"]),
        ("데이터베이스 검색", "검색", ["검", "색"]),
        ("Ελληνικά ΚΕΙΜΕΝΟ", "κείμενο", ["ΚΕΙΜΕΝΟ"]),
        ("ΠРИВЕТ мир", "МИР", ["мир"]),
        ("before\0after", "after", ["after"]),
    ],
)
def test_scripts_accents_and_case(store, talk, text, query, shown):
    talk.turn("x", text, name="n")
    (hit,) = store.search(query)
    assert "".join(marked(hit)) == "".join(shown)


def test_part_of_a_chinese_word_in_another_order_is_not_a_hit(store, talk):
    talk.turn("x", "点检查", name="n")
    assert store.search("检查点") == []


NAUGHTY = """AND|-x|(|a"|*|^|col:x|""| |"|NEAR(a b)|a OR|{x}|\ud800|'; DROP TABLE message; --
a\0b|%|\\|+|content:hello"""


@pytest.mark.parametrize("query", NAUGHTY.replace("\n", "|").split("|"))
def test_whatever_is_typed_is_words_or_refused(store, talk, query):
    talk.turn("hello", "and the col x", name="n")
    for raw in (False, True):
        try:
            store.search(query, raw=raw)
        except UsageError as error:
            assert "\n" not in error.message


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=30))
def test_no_text_brings_the_search_down(store, talk, query):
    if store.count() == 0:
        talk.turn("hello", "and the col x", name="n")
        talk.answer(talk.ask("open"), "half", status="partial")
    for raw in (False, True):
        with suppress(UsageError):
            store.search(query, raw=raw)


def test_raw_syntax_is_there_for_who_asks(store, talk):
    talk.turn("alpha beta", "gamma", name="n")
    assert found(store, "alp* NOT gamma", raw=True) == [(1, 1)]
    with pytest.raises(UsageError, match="not an FTS5 query"):
        store.search("alpha AND", raw=True)


@pytest.mark.parametrize(
    ("query", "positions"),
    [
        ("alpha AND beta", [1]),
        ("beta alpha", [1]),
        ('"alpha beta"', [1]),
        ('"beta alpha"', []),
        ("alph*", [1]),
        ("alpha OR gamma", [1, 2]),
        ("gamma NOT delta", []),
        ("NEAR(alpha beta)", [1]),
        ("alpha AND gamma", []),
    ],
)
def test_each_operator_of_the_raw_syntax_is_heeded(store, talk, query, positions):
    session = talk.turn("alpha beta", "gamma delta", name="n")
    assert sorted(found(store, query, raw=True)) == [(session.id, p) for p in positions]


def test_raw_syntax_is_refused_where_nothing_could_be_found_too(store, talk):
    for name in ("one", "two"):  # where there is nothing, and where nothing has the words
        for query in ("alpha AND", "(alpha", '"alpha'):
            with pytest.raises(UsageError, match="not an FTS5 query"):
                store.search(query, raw=True)
        talk.turn("something", "else", name=name)


def test_filters(store, talk):
    one = talk.turn("word", "word", name="one")
    talk.turn("word", "word", name="two")
    now = datetime.now(UTC)
    assert len(found(store, "word", SearchFilter(role="user"))) == 2
    assert found(store, "word", SearchFilter(session_id=one.id, role="assistant")) == [(1, 2)]
    assert len(found(store, "word", SearchFilter(model="gpt"))) == 2
    assert len(found(store, "word", SearchFilter(model="openai/gpt"))) == 2
    assert found(store, "word", SearchFilter(model="pt")) == []
    assert found(store, "word", SearchFilter(since=now)) == []
    assert len(found(store, "word", SearchFilter(until=now + timedelta(1)))) == 4
    assert len(found(store, "word", limit=3)) == 3


@of_sqlites_index
def test_words_that_are_everywhere_do_not_weigh_but_have_to_be_there(store, talk, monkeypatch):
    monkeypatch.setattr(searching, "_COMMON", 4)
    for number in range(6):
        talk.turn(f"the {'rare' if number == 2 else 'usual'} thing", "ok", name=f"n{number}")
    talk.turn("rare alone", "ok", name="other")
    assert found(store, "the rare") == [(3, 1)]
    assert found(store, "the", limit=2) == [(6, 1), (5, 1)]
    assert found(store, "the usual", limit=2) == [(6, 1), (5, 1)]
    assert found(store, "the", SearchFilter(role="assistant")) == []


@of_sqlites_index
def test_the_index_is_not_touched_while_a_reply_streams(store, talk, path):
    opened = talk.ask("hi")
    talk.answer(opened, "some words", status="partial")
    raw = sqlite3.connect(path)
    size = "SELECT count(*), sum(length(block)) FROM message_words_data"
    before = raw.execute(size).fetchone()
    for number in range(20):
        talk.answer(opened, "some words " * number, status="partial")
    assert raw.execute(size).fetchone() == before
    raw.close()


@given(st.text(), st.text(max_size=20))
def test_snippets_are_one_line_and_spans_lie_within(text, query):
    part, spans = snippet(text, terms(query))
    assert "\n" not in part
    assert len(part) <= 163
    assert all(0 <= a < b <= len(part) for a, b in spans)


def test_a_snippet_shows_where_the_words_are_together():
    text = "wal " + "filler " * 100 + "the wal at a checkpoint " + "more " * 100
    part, spans = snippet(text, ["wal", "checkpoint"], 60)
    assert [part[a:b] for a, b in spans] == ["wal", "checkpoint"]
    assert part.startswith("… ")
    assert part.endswith("…")


def test_words_that_just_fit_are_shown_together():
    text = "wal " + "filler " * 20 + "wal and a checkpoint " + "filler " * 20
    # A quarter of the width is for what stands before: 20 of 26 characters are left, of 25 are 19.
    for width, shown in ((26, ["wal", "checkpoint"]), (25, ["wal"])):
        part, spans = snippet(text, ["wal", "checkpoint"], width)
        assert [part[a:b] for a, b in spans] == shown


@pytest.mark.parametrize("asked", [SearchFilter(), SearchFilter(role="user")])
@pytest.mark.parametrize("best", [1, 3, 5])
def test_the_best_hit_is_first_and_the_one_that_a_limit_leaves(store, talk, asked, best):
    for number in range(1, 6):
        text = "needle needle" if number == best else f"a needle {'in some hay ' * number}"
        talk.turn(text, "ok", name=f"n{number}")
    hits = store.search("needle", asked)
    assert [hit.session_id for hit in hits[:1]] == [best]
    # The longer a text, the less one word in it says.
    assert [h.session_id for h in hits[1:]] == [n for n in range(1, 6) if n != best]
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores)
    assert len(set(scores)) == 5
    assert found(store, "needle", asked, limit=1) == [(best, 1)]
    assert found(store, "needle", asked, limit=2) == [(best, 1), (1 + (best == 1), 1)]


def test_the_best_of_replies_that_broke_off_is_first_too(store, talk):
    for number, text in enumerate(("a needle in much hay", "needle needle", "one needle of all")):
        talk.answer(talk.ask("hi", name=f"n{number}"), text, status="partial")
    assert found(store, "needle")[0] == (2, 2)
    assert found(store, "needle", limit=1) == [(2, 2)]


def test_of_equals_the_newest_is_first(store, talk):
    for number in range(4):
        talk.turn("the same words", "ok", name=f"n{number}")
    assert found(store, "same words") == [(4, 1), (3, 1), (2, 1), (1, 1)]


@given(
    st.text(
        st.sampled_from(
            "aé e\u0301\u0323\u1112\u1161\u11ab\ud55c\u3066\u3099検\u0e01\u0e33\u0cc6\u0cc2\u0cd5😀"
        ),
        max_size=40,
    )
)
@example("\u1112\u1161\u11ab")
@example("\u0cc6\u0cc2\u0cd5")
def test_a_long_text_is_indexed_in_pieces_as_it_is_as_a_whole(text):
    whole = words.words(text)
    for size in (1, 2, 3, 7):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(words, "_PIECE", size)
            assert words.words(text) == whole


WORDS = st.text(st.sampled_from("abAB éÉ-_.'@1２検索\0#ßøŒ\u0301\ufdd0"), min_size=1, max_size=12)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WORDS, min_size=1, max_size=4), st.lists(WORDS, min_size=1, max_size=8))
@example(["a-b.c@d", "a b", "A\u0301 b"], ["a-b", '"a b"', "á", "a* NOT b", "a OR b", "NEAR(a b)"])
@example(["word " * 20_000 + "last one"], ['"last one"', '"word last"', '"word one"'])
@example(["x" * 5000, "x" * 199 + "y"], ["x" * 5000, "x" * 4999, "x" * 199 + "y"])
def test_every_engine_finds_the_same(postgres_databases, tmp_path_factory, texts, queries):
    """Whatever is searched for, and however: the set is the same, if not the order."""
    files = Files(tmp_path_factory.mktemp("sqlite"))
    found = []
    for databases in (files, postgres_databases):
        with databases.new() as database, database.open() as store:
            talk = Talk(store)
            for number, text in enumerate(texts):
                talk.answer(talk.ask(text, name=f"n{number}"), text, status="partial")
                talk.turn("q", text)
            found.append([whatever_is_found(store, query) for query in queries])
            assert store.check() == []
    assert found[0] == found[1]


def whatever_is_found(store, query):
    told: list[object] = []
    for raw in (False, True):
        try:
            told.append(sorted(map(str, found(store, query, limit=1000, raw=raw))))
        except UsageError as error:
            told.append(error.message)
    return told
