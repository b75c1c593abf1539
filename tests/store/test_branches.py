import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hfs_cli.errors import HfsError, NotFoundError, UsageError
from hfs_cli.messages import Attachment, ChatMessage, Place, Reply, Turn
from hfs_cli.store.store import SessionStore
from tests.store.talking import Talk


@pytest.fixture
def session(talk):
    """Three turns: q1 a1 q2 a2 q3 a3."""
    kept = talk.turn("q1", "a1", name="notes")
    for n in (2, 3):
        talk.turn(f"q{n}", f"a{n}", kept)
    return talk.store.get(kept.id)


def last_question(store, session):
    return [m for m in store.transcript(session.id) if m.role == "user"][-1]


def again(store, session, **more):
    question = last_question(store, session)
    return store.begin(
        Turn(
            ChatMessage("user", question.content),
            "openai/other",
            place=Place(session.id, answers=question.id),
            **more,
        )
    )


# --- fork -----------------------------------------------------------------------------


def test_a_fork_shares_what_was_said_and_goes_its_own_way(store, talk, session):
    fork = store.fork(session.id, at=2)
    assert (fork.name, fork.messages, fork.parent_id, fork.fork_position) == (
        "notes (fork)",
        2,
        session.id,
        2,
    )
    talk.turn("other", "way", fork)
    assert talk.contents(fork) == ["q1", "a1", "other", "way"]
    assert talk.contents(session) == ["q1", "a1", "q2", "a2", "q3", "a3"]
    assert store.last_used().id == fork.id
    assert [m.content for m in talk.ask("and", fork).messages] == [
        "q1",
        "a1",
        "other",
        "way",
        "and",
    ]


def test_forking_copies_no_message(store, talk, session):
    with store._engine.reading() as db:
        before = db.execute_sql("SELECT count(*) FROM message").fetchone()
    store.fork(session.id, name="mine")
    with store._engine.reading() as db:
        assert db.execute_sql("SELECT count(*) FROM message").fetchone() == before


def test_a_fork_of_a_fork(store, talk, session):
    fork = store.fork(session.id, at=3)
    talk.turn("x", "y", fork)
    inner = store.fork(fork.id, at=2)
    talk.turn("z", "w", inner)
    assert talk.contents(inner) == ["q1", "a1", "z", "w"]
    outer = store.fork(fork.id, at=4)
    assert talk.contents(outer) == ["q1", "a1", "q2", "x"]


def test_a_point_that_is_not_there_and_a_name_that_is_taken_are_refused(store, session):
    for at in (0, 7, -1):
        with pytest.raises(NotFoundError):
            store.fork(session.id, at=at)
    with pytest.raises(UsageError):
        store.fork(session.id, name="notes")
    assert store.count() == 1


# --- rewind and undo ------------------------------------------------------------------


def test_rewinding_keeps_what_followed_as_a_branch(store, talk, session):
    branch = store.rewind(session.id, "2")
    assert talk.contents(session) == ["q1", "a1"]
    assert talk.contents(branch) == ["q1", "a1", "q2", "a2", "q3", "a3"]
    assert branch.name == "notes (rewound)"
    assert store.get(session.id).messages == 2
    assert store.check() == []


def test_a_branch_is_listed_once_it_is_used(store, talk, session):
    branch = store.rewind(session.id, "4")
    assert [s.id for s in store.list_recent()] == [session.id]
    assert store.resolve("notes (rew").id == branch.id
    talk.turn("on", "and on", branch)
    assert [s.id for s in store.list_recent()] == [branch.id, session.id]
    assert talk.contents(branch)[-2:] == ["on", "and on"]


def test_rewinding_to_the_end_or_beyond_is_refused(store, session):
    with pytest.raises(UsageError, match="already ends"):
        store.rewind(session.id, "6")
    with pytest.raises(NotFoundError, match="only 6"):
        store.rewind(session.id, "7")
    with pytest.raises(NotFoundError, match="no checkpoint"):
        store.rewind(session.id, "draft")


def test_a_fork_rewound_into_what_it_shares_keeps_both(store, talk, session):
    fork = store.fork(session.id, at=4)
    talk.turn("x", "y", fork)
    branch = store.rewind(fork.id, "1")
    assert talk.contents(fork) == ["q1"]
    assert talk.contents(branch) == ["q1", "a1", "q2", "a2", "x", "y"]
    assert talk.contents(session) == ["q1", "a1", "q2", "a2", "q3", "a3"]
    assert store.check() == []


def test_forks_stay_whole_when_their_parent_is_rewound(store, talk, session):
    late, early = store.fork(session.id, at=5), store.fork(session.id, at=1)
    store.rewind(session.id, "2")
    assert talk.contents(late) == ["q1", "a1", "q2", "a2", "q3"]
    assert talk.contents(early) == ["q1"]
    assert store.check() == []


def test_undo_takes_back_whole_turns_and_is_kept(store, talk, session):
    branch = store.undo(session.id)
    assert talk.contents(session) == ["q1", "a1", "q2", "a2"]
    assert talk.contents(branch)[4:] == ["q3", "a3"]
    store.undo(session.id, 2)
    assert talk.contents(session) == []
    assert store.get(session.id).last_status is None
    with pytest.raises(UsageError, match="no turn to take back"):
        store.undo(session.id)


def test_undo_takes_a_system_prompt_that_came_with_the_turn(store, talk):
    session = talk.turn("q1", "a1", system="first")
    talk.turn("q2", "a2", session, system="second")
    store.undo(session.id)
    assert talk.ask("next", session).system == "first"
    store.undo(session.id, 2)
    assert talk.contents(session) == ["first"]


def test_a_turn_can_continue_from_an_earlier_point(store, talk, session):
    opened = talk.ask("other", session, at=2)
    assert [m.content for m in opened.messages] == ["q1", "a1", "other"]
    talk.answer(opened, "reply")
    assert talk.contents(session) == ["q1", "a1", "other", "reply"]
    assert talk.contents(store.resolve("notes (rewound)"))[2:] == ["q2", "a2", "q3", "a3"]


def test_a_question_that_is_set_aside_takes_its_reply_along(store, talk, session):
    opened = talk.ask("q4", session)
    branch = store.rewind(session.id, "2")
    talk.answer(opened, "a4")
    assert talk.contents(session) == ["q1", "a1"]
    assert talk.contents(branch)[-2:] == ["q4", "a4"]
    assert store.check() == []


# --- retry ----------------------------------------------------------------------------


def test_a_retry_keeps_both_replies(store, talk, session):
    opened = again(store, session)
    assert [m.content for m in opened.messages] == ["q1", "a1", "q2", "a2", "q3"]
    assert talk.contents(session)[-1] == "a3"
    talk.answer(opened, "better", status="partial")
    talk.answer(opened, "better still")
    assert talk.contents(session)[-2:] == ["q3", "better still"]
    variant = store.resolve("notes (variant)")
    assert talk.contents(variant)[-2:] == ["q3", "a3"]
    assert store.check() == []
    assert [m.content for m in talk.ask("q4", session).messages][-3:] == [
        "q3",
        "better still",
        "q4",
    ]


def test_a_retry_that_gets_no_reply_changes_nothing(store, talk, session):
    again(store, session)
    assert talk.contents(session)[-1] == "a3"
    assert len(store.family(session.id)) == 1


def test_an_unanswered_question_is_answered_where_it_stands(store, talk, session):
    talk.ask("q4", session)
    talk.answer(again(store, session), "a4")
    assert talk.contents(session)[-2:] == ["q4", "a4"]
    assert len(store.family(session.id)) == 1


def test_a_retry_in_a_fork_leaves_the_parent_alone(store, talk, session):
    fork = store.fork(session.id, at=6)
    talk.answer(again(store, fork), "forked reply")
    assert talk.contents(fork)[-2:] == ["q3", "forked reply"]
    assert talk.contents(session)[-2:] == ["q3", "a3"]
    assert store.check() == []


def test_where_turns_overlapped_a_retry_comes_after_and_counts(store, talk, session):
    a, b = talk.ask("A", session), talk.ask("B", session)
    talk.answer(a, "to A")
    talk.answer(b, "to B")
    talk.answer(again(store, session), "to B again")
    assert [m.content for m in talk.ask("x", session).messages][-5:] == [
        "A",
        "to A",
        "B",
        "to B again",
        "x",
    ]


def test_a_turn_that_came_meanwhile_is_not_set_aside_by_a_retry(store, talk, session):
    opened = again(store, session)
    talk.turn("q4", "a4", session)
    talk.answer(opened, "late")
    assert talk.contents(session)[-4:] == ["a3", "q4", "a4", "late"]
    assert [m.content for m in talk.ask("x", session).messages][-5:] == [
        "q3",
        "late",
        "q4",
        "a4",
        "x",
    ]


def test_a_question_that_is_gone_cannot_be_answered_again(store, talk, session):
    turn = Turn(ChatMessage("user", "x"), "m/x", place=Place(session.id, answers=10**6))
    with pytest.raises(NotFoundError):
        store.begin(turn)


# --- checkpoints ----------------------------------------------------------------------


def test_each_completed_reply_is_marked_and_old_marks_go(database, talk, store):
    session = talk.turn("q", "a")
    store.create_checkpoint(session.id, "mine")
    for _ in range(12):
        talk.turn("q", "a", session)
    (branch,) = store.family(session.id)
    assert [c.position for c in branch.checkpoints if c.label is None] == list(range(8, 27, 2))
    assert [c.position for c in branch.checkpoints if c.label] == [2]
    with database.open(checkpoint_retention=0) as none:
        Talk(none).turn("q", "a", session)
        assert [c.label for c in none.family(session.id)[0].checkpoints] == ["mine"]


def test_a_partial_reply_is_not_marked(store, talk):
    opened = talk.ask("q")
    talk.answer(opened, "a", status="partial")
    assert store.family(opened.session.id)[0].checkpoints == ()


def test_a_checkpoint_is_a_place_to_rewind_to(store, talk, session):
    store.rewind(session.id, "2")
    assert store.create_checkpoint(session.id, "first draft").position == 2
    talk.turn("q2", "a2", session)
    store.rewind(session.id, "first draft")
    assert talk.contents(session) == ["q1", "a1"]
    fork = store.fork(session.id)
    talk.turn("x", "y", fork)
    store.rewind(fork.id, "first draft")
    assert talk.contents(fork) == ["q1", "a1"]


def test_a_checkpoint_that_was_set_aside_is_found_and_its_messages_come_back(store, talk, session):
    store.create_checkpoint(session.id, "end")
    branch = store.rewind(session.id, "4")
    store.create_checkpoint(session.id, "four")
    store.rewind(session.id, "2")
    talk.turn("new", "way", session)
    aside = store.rewind(session.id, "four")
    assert talk.contents(session) == ["q1", "a1", "q2", "a2"]
    assert talk.contents(aside) == ["q1", "a1", "new", "way"]
    store.rewind(session.id, "2")
    store.rewind(session.id, "end")
    assert talk.contents(session) == ["q1", "a1", "q2", "a2", "q3", "a3"]
    assert talk.contents(branch) == ["q1", "a1", "q2", "a2", "q3", "a3"]
    assert store.last_used().id == session.id
    assert store.check() == []


def test_a_checkpoint_of_another_branch_says_where_it_is(store, session):
    fork = store.fork(session.id, at=2)
    store.create_checkpoint(session.id, "end")
    with pytest.raises(NotFoundError, match=f"hfs sessions fork {session.id} --at 6"):
        store.rewind(fork.id, "end")


def test_checkpoints_get_numbers_of_their_own_and_can_be_deleted(store, talk, session):
    assert [store.create_checkpoint(session.id).label for _ in range(2)] == ["c1", "c2"]
    for bad in ("c1", "12", "", " ", "a\nb", "x" * 101):
        with pytest.raises(UsageError):
            store.create_checkpoint(session.id, bad)
    store.delete_checkpoint(session.id, "c1")
    with pytest.raises(NotFoundError, match='it has "c2"'):
        store.delete_checkpoint(session.id, "c1")


# --- family and deletion --------------------------------------------------------------


def test_the_family_is_told_from_any_member(store, talk, session):
    fork = store.fork(session.id, at=4)
    branch = store.rewind(session.id, "4")
    inner = store.fork(fork.id, at=2)
    expected = [(session.id, 0, "chat"), (fork.id, 1, "fork"), (inner.id, 2, "fork")]
    expected.append((branch.id, 1, "rewind"))
    for member in (session, fork, branch, inner):
        family = store.family(member.id)
        assert [(b.session.id, b.depth, b.origin) for b in family] == expected
    assert [b.listed for b in family] == [True, True, True, False]


def test_deleting_a_parent_leaves_its_forks_whole(store, talk, session):
    forks = [store.fork(session.id, at=n) for n in (1, 3, 5)]
    store.create_checkpoint(forks[0].id, "kept")
    for fork in forks:
        talk.turn("x", "y", fork)
    before = {fork.id: talk.contents(fork) for fork in forks}
    assert store.delete([session.id]) == 1
    assert {fork.id: talk.contents(fork) for fork in forks} == before
    assert store.check() == []
    assert [store.get(f.id).parent_id for f in forks] == [forks[2].id, forks[2].id, None]


def test_deleting_a_session_deletes_what_was_set_aside_from_it(store, talk, session):
    branch = store.rewind(session.id, "2")
    used = store.fork(branch.id, at=5)
    store.delete([session.id])
    with pytest.raises(NotFoundError):
        store.get(branch.id)
    assert talk.contents(used) == ["q1", "a1", "q2", "a2", "q3"]
    assert store.check() == []
    assert {hit.session_id for hit in store.search("q1")} == {used.id}


def test_deleting_every_session_leaves_nothing_at_all(store, talk, session):
    fork = store.fork(session.id, at=2)
    store.rewind(session.id, "2")
    picture = Attachment("a", "image/png", b"x")
    other = talk.turn("look", "nice", attachments=(picture,))
    ids = [session.id, fork.id, other.id]
    assert store.delete([*ids, 10**6]) == 3
    with store._engine.reading() as db:
        for table in ("session", "message", "attachment", "checkpoint", "message_attachment"):
            assert db.execute_sql(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
    assert store.check() == []
    assert store.search("q1") == []
    assert talk.turn("new", "one").id > max(ids)


class Model:
    """What the store should hold, kept the simplest way: whole lists."""

    def __init__(self, store: SessionStore) -> None:
        self.store = store
        self.talk = Talk(store)
        self.kept: dict[int, list[str]] = {}
        self.marks: dict[str, list[str]] = {}
        self.count = 0

    def pick(self, number: int):
        ids = sorted(self.kept)
        return self.store.get(ids[number % len(ids)]) if ids else None

    def text(self) -> str:
        self.count += 1
        return f"text{self.count}"

    def do(self, what: str, number: int, at: int) -> None:
        session = self.pick(number)
        if session is None or what == "new":
            question, reply = self.text(), self.text()
            self.kept[self.talk.turn(question, reply).id] = [question, reply]
            return
        texts = self.kept[session.id]
        at = at % (len(texts) + 1)
        match what:
            case "turn":
                question, reply = self.text(), self.text()
                self.talk.turn(question, reply, session)
                texts += [question, reply]
            case "ask":
                texts.append(self.text())
                self.talk.ask(texts[-1], session)
            case "fork" if at:
                self.kept[self.store.fork(session.id, at=at).id] = texts[:at]
            case "rewind" if at < len(texts):
                self.kept[self.store.rewind(session.id, str(at)).id] = list(texts)
                del texts[at:]
            case "mark" if texts:
                label = f"c{self.text()}"
                self.store.create_checkpoint(session.id, label)
                self.marks[label] = list(texts)
            case "back" if self.marks:
                self.back(session, texts, sorted(self.marks)[at % len(self.marks)])
            case "retry" if texts:
                self.retry(session, texts)
            case "delete":
                self.store.touch(session.id)
                self.delete(session.id)

    def retry(self, session, texts: list[str]) -> None:
        messages = self.store.transcript(session.id)
        users = [m for m in messages if m.role == "user"]
        if not users:
            return
        before = {b.session.id for b in self.store.family(session.id)}
        self.talk.answer(again(self.store, session), reply := self.text())
        for branch in self.store.family(session.id):
            if branch.session.id not in before:
                self.kept[branch.session.id] = list(texts)
        del texts[users[-1].position :]
        texts.append(reply)

    def back(self, session, texts: list[str], label: str) -> None:
        """Rewind to a checkpoint wherever it is, or be refused where it is in no branch of it."""
        try:
            branch = self.store.rewind(session.id, label)
        except HfsError:
            return
        self.kept.setdefault(branch.id, list(texts))
        texts[:] = self.marks[label]

    def delete(self, session_id: int) -> None:
        # Tails go with what they were set aside from, so use them all first.
        for member in self.store.family(session_id):
            self.store.touch(member.session.id)
        self.store.delete([session_id])
        del self.kept[session_id]

    def verify(self) -> None:
        assert self.store.check() == []
        for number, texts in self.kept.items():
            assert [m.content for m in self.store.transcript(number)] == texts
            positions = [m.position for m in self.store.transcript(number)]
            assert positions == list(range(1, len(texts) + 1))


STEPS = st.tuples(
    st.sampled_from(
        [
            "new",
            "turn",
            "ask",
            "fork",
            "fork",
            "rewind",
            "rewind",
            "retry",
            "delete",
            "mark",
            "mark",
            "back",
            "back",
            "back",
        ]
    ),
    st.integers(0, 50),
    st.integers(0, 50),
)


@pytest.mark.no_cover  # a third of its time; each line has a test of its own
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, max_size=14))
def test_no_order_of_operations_loses_or_mixes_a_message(databases, steps):
    with databases.new() as database, database.open() as store:
        model = Model(store)
        for what, number, at in steps:
            model.do(what, number, at)
        model.verify()


def test_an_unfinished_reply_is_complete_where_it_went(store, talk, session):
    opened = talk.ask("q4", session)
    talk.answer(opened, "a", status="partial")
    branch = store.rewind(session.id, "6")
    store.save_reply(opened, Reply("a4", "m/x", status="complete"))
    assert talk.contents(branch)[-1] == "a4"
    assert store.get(branch.id).last_status == "complete"
    with pytest.raises(HfsError):
        store.get(10**6)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        # (shared messages of each fork of the middle one) -> (parent, shared) once it is gone.
        # The middle one is a fork of the session at 4, and has 8 messages.
        ((6, 5, 4, 3), [("session", 4), (6, 5), ("session", 4), ("session", 3)]),
        ((5, 8, 8), [(8, 5), ("session", 4), (8, 8)]),
        ((3, 2), [("session", 3), ("session", 2)]),
        ((1,), [("session", 1)]),
    ],
)
def test_branches_of_a_deleted_fork_in_the_middle_keep_what_they_share(
    store, talk, session, points, expected
):
    middle = store.fork(session.id, at=4)
    for n in (1, 2):
        talk.turn(f"m{n}", f"r{n}", middle)
    forks = [store.fork(middle.id, at=point) for point in points]
    for number, fork in enumerate(forks):
        talk.turn(f"x{number}", "y", fork)
    before = {fork.id: talk.contents(fork) for fork in (*forks, session)}
    assert store.delete([middle.id]) == 1
    assert {fork.id: talk.contents(fork) for fork in (*forks, session)} == before
    assert store.check() == []
    heirs = {point: fork.id for point, fork in reversed([*zip(points, forks, strict=True)])}
    heirs |= {"session": session.id}
    now = [store.get(fork.id) for fork in forks]
    assert [(f.parent_id, f.fork_position) for f in now] == [
        (heirs[parent], shared) for parent, shared in expected
    ]


def test_where_a_session_ends_tells_whether_its_last_reply_is_whole(store, talk, session):
    talk.answer(talk.ask("q4", session), "a4 and no m", status="partial")
    assert store.get(session.id).last_status == "partial"
    assert store.fork(session.id, at=6).last_status == "complete"
    assert store.fork(session.id, at=8).last_status == "partial"
    store.create_checkpoint(session.id, "cut")
    branch = store.rewind(session.id, "6")
    assert store.get(session.id).last_status == "complete"
    assert branch.last_status == "partial"
    store.rewind(session.id, "cut")
    assert store.get(session.id).last_status == "partial"
    store.undo(session.id)
    assert store.get(session.id).last_status == "complete"


def test_the_turns_of_a_branch_end_before_its_next_question(store, talk, session):
    fork = store.fork(session.id, at=4)
    talk.turn("x", "y", fork)
    ends = {branch.session.id: branch.turns for branch in store.family(session.id)}
    assert ends == {session.id: (2, 4, 6), fork.id: (6,)}
