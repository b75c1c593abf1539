"""Conversations of other programs that have grown since they were imported."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from hfs_cli.conversations import Conversation, Unread
from hfs_cli.exchange.sources.foreign import ForeignMessage, Metadata, from_tree


class Program:
    """One that keeps a tree of messages, and where in it the conversation stands."""

    def __init__(self) -> None:
        self.after: dict[str, str | None] = {}
        self.current: str | None = None

    def say(self, *keys: str, after: str | None = "") -> None:
        before = self.current if after == "" else after
        for key in keys:
            self.after[key] = before
            before = self.current = key

    def way(self, key: str | None) -> list[str]:
        way = []
        while key is not None:
            way.append(key)
            key = self.after[key]
        return way[::-1]

    def ways(self) -> set[tuple[str, ...]]:
        leaves = self.after.keys() - {*self.after.values()}
        return {tuple(self.way(leaf)) for leaf in leaves}

    def conversations(self) -> tuple[Conversation, ...]:
        said = [
            ForeignMessage(
                "user" if key.startswith("q") else "assistant",
                key,
                datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number),
                key=key,
                after=before,
            )
            for number, (key, before) in enumerate(self.after.items())
        ]
        return from_tree(Metadata("program", "c", "Talk", None), said, self.current)


def bring_in(store, program):
    tried = store.put([Unread(None, program.conversations)], dry_run=True)
    done = store.put([Unread(None, program.conversations)])
    assert tried == done
    assert store.check() == []
    kept = {
        tuple(message.content for message in store.transcript(branch.session.id))
        for branch in store.family(1)
    }
    # All of it, in its shape; nothing twice, and no branch without anything in it.
    assert program.ways() <= kept
    exported = list(store.conversations())
    assert sum(len(one.messages) for one in exported) == len(program.after)
    assert all(one.messages for one in exported)
    return done


def test_a_session_goes_on_and_then_goes_another_way(store):
    program = Program()
    program.say("q1", "a2", "q3", "a4")
    assert bring_in(store, program).messages == 4
    program.say("q5", "a6")
    done = bring_in(store, program)
    assert (done.extended, done.messages, done.sessions) == (1, 2, 0)
    program.say("q7", "a8", after="a2")
    done = bring_in(store, program)
    assert (done.parted, done.messages, done.sessions, done.present) == (1, 2, 0, 1)
    program.say("q9", "a10")
    done = bring_in(store, program)
    assert (done.extended, done.messages, done.sessions, done.present) == (1, 2, 0, 1)
    program.say("q11", "a12", after="a8")
    done = bring_in(store, program)
    assert (done.parted, done.messages, done.sessions, done.present) == (1, 2, 0, 2)
    program.current = "a6"
    done = bring_in(store, program)
    assert (done.messages, done.sessions, done.present) == (0, 0, 3)


@pytest.mark.parametrize("seed", range(15))
def test_whatever_way_it_grows_all_of_it_is_there_once(store, seed):
    rolling = random.Random(seed)
    program = Program()
    for step in range(10):
        replies = [key for key in program.after if key.startswith("a")]
        after = rolling.choice([program.current, program.current, *replies, None])
        program.say(f"q{step}", f"a{step}", after=after)
        if rolling.random() < 0.2:
            program.current = rolling.choice([*program.after])
        if rolling.random() < 0.7:
            bring_in(store, program)
    bring_in(store, program)
    assert bring_in(store, program).messages == 0
