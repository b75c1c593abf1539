"""What arrives again: what is new in it comes in, once, and what is there stays as it is."""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hfs_cli.conversations import Conversation
from hfs_cli.errors import UsageError
from hfs_cli.exchange.native import json_lines
from hfs_cli.exchange.sources.foreign import ForeignMessage, Metadata, from_sequence
from hfs_cli.messages import Role, Session
from tests.exchange.reading import bring_in
from tests.store.places import EmptyDatabase
from tests.store.talking import Talk


class Machine:
    """A database that is sent to others and gets theirs."""

    def __init__(self, folder: Path, database: EmptyDatabase) -> None:
        self.folder = folder
        self.store = database.open()
        self.talk = Talk(self.store)
        self.file = folder / "out.jsonl"

    def sends(self, other: "Machine", **how):
        self.folder.mkdir(exist_ok=True)
        text = "".join(json_lines(self.store.conversations()))
        self.file.write_text(text, encoding="utf-8", newline="")
        done = bring_in(other.store, self.file, **how)
        assert other.store.check() == []
        return done

    def named(self, name: str):
        return self.store.resolve(name)

    def says(self, name: str) -> list[str]:
        return self.talk.contents(self.named(name))

    def everything(self) -> list[list[str]]:
        """Every transcript, whatever was set aside included."""
        return texts(self.whole())

    def whole(self) -> list[Conversation]:
        rows = [s.id for s in self.sessions()]
        return list(self.store.conversations(rows, tails=False))

    def sessions(self) -> list[Session]:
        by_id: dict[int, Session] = {}
        for session in self.store.list_recent(limit=None, unanswered=True):
            if session.id not in by_id:  # it came with its family
                for branch in self.store.family(session.id):
                    by_id[branch.session.id] = branch.session
        return list(by_id.values())


def texts(conversations: list[Conversation]) -> list[list[str]]:
    return [[message.content for message in c.messages] for c in conversations]


def names(conversations: list[Conversation]) -> dict[str, str | None]:
    return {c.uid: c.name for c in conversations}


def sends_all(here: Machine, there: Machine) -> None:
    """Send everything; each transcript of it is there, or the beginning of one."""
    before = here.everything()
    here.sends(there)
    for transcript in before:
        assert begins(transcript, there.everything())


@pytest.fixture
def here(tmp_path, databases):
    with databases.new() as database:
        machine = Machine(tmp_path / "here", database)
        yield machine
        machine.store.close()


@pytest.fixture
def there(tmp_path, databases):
    with databases.new() as database:
        machine = Machine(tmp_path / "there", database)
        yield machine
        machine.store.close()


def news(done) -> tuple[int, int, int, int]:
    return done.sessions, done.extended, done.parted, done.messages


def test_a_session_goes_on_with_what_followed(here, there):
    session = here.talk.turn("q1", "a1", name="trip")
    here.sends(there)
    there.store.rename(there.named("trip").id, "journey")
    here.talk.turn("q2", "a2", session)
    done = here.sends(there)
    assert news(done) == (0, 1, 0, 2)
    assert there.says("journey") == ["q1", "a1", "q2", "a2"]
    assert [hit.session_name for hit in there.store.search("a2")] == ["journey"]
    assert there.store.list_recent()[0].updated_at == here.named("trip").updated_at
    assert news(here.sends(there)) == (0, 0, 0, 0)
    assert len(there.sessions()) == 1


def test_what_parted_becomes_a_branch_once(here, there):
    mine = here.talk.turn("q1", "a1", name="trip")
    here.sends(there)
    here.talk.turn("here", "a2", mine)
    there.talk.turn("there", "b2", there.named("trip"))
    assert news(here.sends(there)) == (0, 0, 1, 2)
    assert there.says("trip") == ["q1", "a1", "there", "b2"]
    assert there.says("trip (imported)") == ["q1", "a1", "here", "a2"]
    # What comes back is known for what it is.
    assert news(there.sends(here)) == (0, 0, 1, 2)
    assert here.says("trip (imported)") == ["q1", "a1", "there", "b2"]
    here.talk.turn("more", "a3", mine)
    assert news(here.sends(there)) == (0, 1, 0, 2)
    assert there.says("trip (imported)") == ["q1", "a1", "here", "a2", "more", "a3"]
    assert [news(a.sends(b)) for a, b in ((here, there), (there, here))] == [(0, 0, 0, 0)] * 2


def test_what_was_rewound_here_stays_so(here, there):
    session = here.talk.turn("q1", "a1", name="trip")
    here.talk.turn("q2", "a2", session)
    here.sends(there)
    here.store.rewind(session.id, "2")
    assert news(there.sends(here)) == (0, 0, 0, 0)
    assert here.says("trip") == ["q1", "a1"]
    here.talk.turn("q3", "a3", here.named("trip"))
    # The branch that was set aside shares all it holds with what is there.
    assert news(here.sends(there)) == (1, 0, 1, 2)
    assert there.says("trip") == ["q1", "a1", "q2", "a2"]
    assert ["q1", "a1", "q3", "a3"] in there.everything()


def test_what_was_deleted_stays_so_until_it_is_asked_for(here, there):
    session = here.talk.turn("q1", "a1", name="trip")
    here.talk.turn("x", "y", name="other")
    here.sends(there)
    fork = here.store.fork(session.id, name="fork")
    here.talk.turn("q2", "a2", fork)
    there.store.delete([there.named("trip").id])
    done = here.sends(there)
    assert (done.deleted, done.sessions, done.present) == (1, 0, 1)
    # A branch of it cannot come without what it shares.
    assert list(done.left_out) == ["branch of a session that was deleted here"]
    assert [s.name for s in there.sessions()] == ["other"]
    assert here.sends(there, dry_run=True, restore=True).sessions == 2
    done = here.sends(there, restore=True)
    assert (done.deleted, done.sessions) == (0, 2)
    assert there.says("fork") == ["q1", "a1", "q2", "a2"]
    assert here.sends(there).present == 3


def test_all_that_is_deleted_at_once_stays_so(here, there):
    for name in "abc":
        here.talk.turn("q", "a", name=name)
    here.sends(there)
    there.store.delete([s.id for s in there.sessions()])
    assert here.sends(there).deleted == 3
    assert there.sessions() == []


def test_named_checkpoints_come_with_what_is_there_and_deleted_ones_do_not(here, there):
    session = here.talk.turn("q", "a", name="trip")
    here.sends(there)
    here.store.create_checkpoint(session.id, "before")
    here.sends(there)
    mine = there.named("trip").id
    assert [c.label for c in there.store.checkpoints_of(mine) if c.label] == ["before"]
    there.store.delete_checkpoint(mine, "before")
    here.sends(there)
    assert [c.label for c in there.store.checkpoints_of(mine) if c.label] == []


def test_a_partial_reply_is_replaced_by_the_whole_one(here, there):
    opened = here.talk.ask("q", name="trip")
    here.talk.answer(opened, "half of", status="partial")
    here.sends(there)
    half = list(here.store.conversations())
    here.talk.answer(opened, "half of the reply")
    assert there.says("trip") == ["q", "half of"]
    here.sends(there)
    assert there.says("trip") == ["q", "half of the reply"]
    assert there.store.search("reply") != []
    # And what is older brings nothing back.
    assert news(there.store.put(half)) == (0, 0, 0, 0)


def test_a_session_that_goes_on_while_more_of_it_comes_gets_a_branch(here, there):
    session = here.talk.turn("q1", "a1", name="trip")
    here.sends(there)
    here.talk.turn("q2", "a2", session)

    def conversations():
        yield from here.store.conversations()
        there.talk.turn("meanwhile", "b2", there.named("trip"))

    done = there.store.put(conversations())
    assert news(done) == (0, 0, 1, 2)
    assert there.says("trip") == ["q1", "a1", "meanwhile", "b2"]
    assert there.says("trip (imported)") == ["q1", "a1", "q2", "a2"]
    assert there.store.check() == []


def test_a_branch_that_adds_nothing_is_there_already_the_second_time(here, there):
    session = here.talk.turn("q1", "a1", name="trip")
    here.talk.turn("q2", "a2", session)
    here.store.fork(session.id, at=2, name="fork")
    there.store.put(list(here.store.conversations()))
    assert news(there.store.put(list(here.store.conversations()))) == (0, 0, 0, 0)
    there.store.rewind(there.named("trip").id, "0")
    assert news(there.store.put(list(here.store.conversations()))) == (0, 0, 0, 0)
    assert there.says("fork") == ["q1", "a1"]
    assert there.store.check() == []


def test_what_parted_in_a_branchs_shared_part_hangs_on_what_has_it(here, there):
    session = here.talk.turn("q1", "a1", name="trip")
    here.talk.turn("q2", "a2", session)
    fork = here.store.fork(session.id, name="fork")
    here.sends(there)
    # There the branch is rewound into what it shares, and goes on from there.
    there.store.rewind(there.named("fork").id, "2")
    there.talk.turn("there", "b2", there.named("fork"))
    here.talk.turn("here", "a3", fork)
    here.sends(there)
    there.sends(here)
    for machine in (here, there):
        told = machine.everything()
        assert begins(["q1", "a1", "q2", "a2", "here", "a3"], told)
        assert begins(["q1", "a1", "there", "b2"], told)
        assert machine.store.check() == []
    assert [news(a.sends(b)) for a, b in ((here, there), (there, here))] == [(0, 0, 0, 0)] * 2


def test_a_tail_of_a_tail_of_what_is_there_comes_with_it(here, there):
    session = here.talk.turn("q1", "a1", name="trip")
    here.sends(there)
    here.store.rewind(session.id, "0")
    (tail,) = [s for s in here.sessions() if s.id != session.id]
    here.store.rewind(tail.id, "1")
    sends_all(here, there)


def test_a_branch_of_what_parted_meanwhile_comes_with_it(here, there):
    session = here.talk.turn("q1", "a1", name="trip")
    here.sends(there)
    here.store.rewind(session.id, "1")
    (tail,) = [s for s in here.sessions() if s.id != session.id]
    here.talk.turn("q2", "a2", tail)
    here.talk.turn("q3", "a3", here.named("trip"))
    sends_all(here, there)


def test_a_branch_comes_back_to_where_it_was_rewound_beside_what_its_parent_gained(here, there):
    session = here.talk.turn("q1", "a1", name="trip")
    here.store.rewind(session.id, "1")
    here.sends(there)
    (tail,) = [s for s in here.sessions() if s.id != session.id]
    here.store.rewind(tail.id, "0")
    there.talk.turn("more", "b", there.named("trip"))
    there.sends(here)
    assert here.says("trip") == ["q1", "more", "b"]
    assert begins(["q1", "a1"], here.everything())


def test_a_rewound_fork_that_comes_before_its_parent_waits_for_it(here, there):
    session = here.talk.turn("q1", "a1", name="trip")
    fork = here.store.fork(session.id, at=1, name="fork")
    here.talk.turn("q2", "a2", fork)
    here.sends(there)
    there.store.rewind(there.named("fork").id, "0")
    here.store.rewind(fork.id, "1")
    here.talk.turn("q3", "a3", here.named("trip"))
    assert [c.name for c in here.store.conversations(tails=False)] == ["fork", "trip"]
    sends_all(here, there)


def test_more_labels_come_with_a_history_that_is_sent_whole(here, there):
    session = here.talk.turn("q1", "a1", name="trip")
    here.store.create_checkpoint(session.id, "one")
    here.sends(there)
    here.store.create_checkpoint(session.id, "two")
    assert news(here.sends(there)) == (0, 0, 0, 0)
    mine = there.named("trip").id
    assert sorted(c.label for c in there.store.checkpoints_of(mine) if c.label) == ["one", "two"]


def test_nothing_of_a_growth_is_shown_when_the_import_breaks_off(here, there):
    session = here.talk.turn("q1", "a1", name="trip")
    here.sends(there)
    here.talk.turn("q2", "a2", session)
    before = there.everything()

    def conversations():
        yield from here.store.conversations()
        raise UsageError("damaged")

    with pytest.raises(UsageError, match="damaged"):
        there.store.put(conversations())
    assert there.everything() == before
    assert there.store.search("a2") == []
    assert there.store.check() == []


def foreign(said: list[str], when: datetime | None):
    started = datetime(2026, 1, 1, tzinfo=UTC)
    roles: tuple[Role, Role] = ("user", "assistant")
    whole = [
        ForeignMessage(roles[n % 2], text, None if when is None else when + timedelta(minutes=n))
        for n, text in enumerate(said)
    ]
    about = Metadata("chatgpt", "key", "trip", started if when else datetime.now(UTC))
    (found,) = from_sequence(about, whole)
    return found


@pytest.mark.parametrize("when", [datetime(2026, 1, 1, tzinfo=UTC), None])
def test_another_programs_history_grows_and_parts(here, when):
    # None: the program keeps no times, and those of its file change with it.
    here.store.put([foreign(["q", "a"], when)])
    assert news(here.store.put([foreign(["q", "a", "q2", "a2"], when)])) == (0, 1, 0, 2)
    here.talk.turn("mine", "my reply", here.named("trip"))
    assert news(here.store.put([foreign(["q", "a", "q2", "a2"], when)])) == (0, 0, 0, 0)
    # The other program's user edited the second question.
    assert news(here.store.put([foreign(["q", "a", "edited", "b2"], when)])) == (0, 0, 1, 2)
    assert here.says("trip") == ["q", "a", "q2", "a2", "mine", "my reply"]
    assert here.says("trip (imported)") == ["q", "a", "edited", "b2"]
    assert here.store.check() == []


def test_one_that_comes_twice_and_differs_is_refused(here):
    when = datetime(2026, 1, 1, tzinfo=UTC)
    here.store.put([foreign(["q", "a"], when)])
    twice = [foreign(["q", "a", more], when) for more in ("one", "two")]
    with pytest.raises(UsageError, match="comes twice"):
        here.store.put(twice)
    assert here.says("trip") == ["q", "a"]


def test_a_branch_before_its_parent_goes_where_the_parent_goes(here, there):
    parent = here.talk.turn("q1", "a1", name="trip")
    here.sends(there)
    there.talk.turn("there", "b2", there.named("trip"))
    here.talk.turn("here", "a2", parent)
    fork = here.store.fork(parent.id, name="fork")
    here.talk.turn("f", "fa", fork)
    sent = sorted(here.store.conversations(), key=lambda c: c.name != "fork")
    there.store.put(sent)
    assert there.says("fork") == ["q1", "a1", "here", "a2", "f", "fa"]
    assert there.store.check() == []


def test_only_what_was_used_since_goes_out_with_what_it_is_a_branch_of(here, there):
    old = here.talk.turn("q1", "a1", name="old")
    here.talk.turn("x", "y", name="older")
    moment = datetime.now(UTC)
    fork = here.store.fork(old.id, name="fork")
    here.talk.turn("q2", "a2", fork)
    assert [c.name for c in here.store.conversations(since=moment)] == ["old", "fork"]
    assert [c.name for c in here.store.conversations(since=moment, tails=False)] == ["fork"]


STEPS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 7), st.integers(0, 9)), max_size=9)


def act(machine: Machine, there: list[Session], what: int, number: int, text: str) -> None:
    """Something that a user does, who has these sessions."""
    if not there or what == 0:
        machine.talk.turn(f"q{text}", f"a{text}")
        return
    session = there[number % len(there)]
    match what:
        case 1 | 2 | 3:
            machine.talk.turn(f"q{text}", f"a{text}", session)
        case 4 if session.messages:
            machine.store.fork(session.id, at=1 + number % session.messages)
        case 5 if session.messages > 1:
            machine.store.rewind(session.id, str(number % session.messages))
        case 6:
            machine.store.rename(session.id, f"renamed {text}")
        case 7:
            machine.talk.ask(f"unanswered {text}", session)


def begins(transcript: list[str], among: list[list[str]]) -> bool:
    return any(other[: len(transcript)] == transcript for other in among)


@pytest.mark.timeout(600)  # twenty examples on two servers, where a machine is busy
@pytest.mark.no_cover  # a third of its time; each line has a test of its own
@settings(
    deadline=None,
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(STEPS, STEPS)
def test_two_machines_that_exchange_all_hold_all(databases, first, second):
    with TemporaryDirectory() as folder, ExitStack() as opened:
        machines = [
            Machine(Path(folder) / name, opened.enter_context(databases.new())) for name in "ab"
        ]
        for machine in machines:
            opened.callback(machine.store.close)
        count = 0
        for steps in (first, second):
            for which, what, number in steps:
                count += 1
                there = machines[which].sessions()
                if there or what < 7:
                    act(machines[which], there, what, number, str(count))
            before = [machine.whole() for machine in machines]
            a, b = machines
            a.sends(b)
            b.sends(a)
            for machine, had in zip(machines, before, strict=True):
                whole = machine.whole()
                now = texts(whole)
                for transcript in texts([*before[0], *before[1]]):
                    assert begins(transcript, now), (transcript, now)
                assert names(had).items() <= names(whole).items()
            # Nothing is new a second time, and nothing is there twice.
            assert [news(x.sends(y)) for x, y in ((a, b), (b, a))] == [(0, 0, 0, 0)] * 2
