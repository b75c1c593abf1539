"""What another program kept as a tree comes as a session and its branches."""

from datetime import UTC, datetime, timedelta

from hfs_cli.exchange.sources.foreign import ForeignMessage, Metadata, from_tree
from hfs_cli.messages import Role

STARTED = datetime(2025, 1, 2, tzinfo=UTC)


def tree(*said, current=None):
    """Of ``key<after`` words: a key in capitals is a question, another one a reply."""
    found = []
    for number, word in enumerate(said):
        key, _, after = word.partition("<")
        moment = STARTED + timedelta(seconds=number)
        role: Role = "user" if key.isupper() else "assistant"
        found.append(ForeignMessage(role, key, moment, key=key, after=after or None))
    return from_tree(Metadata("chatgpt", "c", "title", STARTED), found, current)


def ways(family):
    """What each session shares, and what it has of its own."""
    return [(c.fork_position, "".join(m.content for m in c.messages)) for c in family]


def test_the_session_leads_to_the_current_message_and_the_rest_are_branches():
    family = tree("A", "b<A", "c<A", "D<c", "e<D", "F<b", "g<F", current="g")
    assert ways(family) == [(None, "AbFg"), (1, "cDe")]
    assert [c.origin for c in family] == ["import", "retry"]
    assert [c.listed for c in family] == [True, False]
    assert family[1].parent_uid == family[0].uid
    assert family[1].name == "title (variant)"


def test_a_question_that_was_changed_is_what_a_rewind_sets_aside():
    family = tree("A", "b<A", "C<b", "d<C", "E<b", "f<E", current="f")
    assert ways(family) == [(None, "AbEf"), (2, "Cd")]
    assert (family[1].origin, family[1].name) == ("rewind", "title (rewound)")


def test_a_branch_of_a_branch_comes_after_it():
    family = tree("A", "b<A", "c<A", "D<c", "e<D", "f<D", "g<D", current="b")
    assert ways(family) == [(None, "Ab"), (1, "cDg"), (3, "e"), (3, "f")]
    assert [c.parent_uid for c in family[2:]] == [family[1].uid] * 2
    assert len({c.uid for c in family}) == 4


def test_a_current_message_that_is_missing_or_unknown_is_the_newest_leaf():
    for current in (None, "nowhere"):
        assert ways(tree("A", "b<A", "c<A", current=current)) == [(None, "Ac"), (1, "b")]


def test_a_current_message_in_the_middle_goes_on_to_its_last_leaf():
    assert ways(tree("A", "b<A", "C<b", "d<C", current="b")) == [(None, "AbCd")]


def test_several_beginnings_and_parents_that_are_not_there_lose_nothing():
    family = tree("A", "b<A", "C<gone", "d<C", "E", current="b")
    assert ways(family) == [(None, "Ab"), (0, "Cd"), (0, "E")]


def test_messages_that_follow_one_another_in_a_circle_lose_nothing():
    assert ways(tree("A<c", "b<A", "c<b")) == [(None, "Abc")]
    family = tree("A", "b<A", "C<d", "d<C", "E<E", current="b")
    assert sorted("".join(m.content for c in family for m in c.messages)) == sorted("AbCdE")


def test_a_reply_answers_the_question_that_its_branch_shares(store):
    family = tree("A", "b<A", "c<A", "d<c", current="b")
    assert [(m.reply_to, m.step) for m in family[1].messages] == [(1, 0), (2, 1)]
    assert store.put(family).branches == 1
    branch = store.find("title (variant)")
    a, c, d = store.transcript(branch.id)
    assert (c.reply_to, d.reply_to) == (a.id, c.id)
    assert store.check() == []


def test_ten_thousand_branches_take_no_time_that_grows_with_their_square():
    words = ["A", *(f"B{n}<{'A' if n == 0 else f'B{n - 1}'}" for n in range(10_000))]
    words += [f"x{n}<B{n}" for n in range(10_000)]
    family = tree(*words, current="x0")
    assert len(family) == 10_000
    assert sum(len(c.messages) for c in family) == 20_001
