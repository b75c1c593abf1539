"""What a model is told of the past is legal and of one piece, whatever was done to a session."""

import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise, takewhile
from typing import Any, Self

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hfs_cli.errors import HfsError
from hfs_cli.messages import (
    Call,
    ChatMessage,
    KeptState,
    Opened,
    Place,
    Reply,
    Request,
    ToolSpec,
    Turn,
)
from hfs_cli.providers.formats import load_format
from hfs_cli.providers.formats.wire import Quirks
from hfs_cli.store.store import SessionStore
from tests.store.places import EmptyDatabase

NOW = datetime(2026, 11, 29, tzinfo=UTC)


@dataclass
class Running:
    """A turn that has not ended, in a process of its own; its run and step stand in its words."""

    store: SessionStore
    opened: Opened
    question: str
    run: int
    step: int = 0

    @property
    def tag(self) -> str:
        return f"{self.question} run {self.run} step {self.step}"


class World:
    """A database on which turns with tools, retries, forks, rewinds and deletions happen."""

    def __init__(self, database: EmptyDatabase, seed: int) -> None:
        self.database = database
        self.store = database.open()
        self.chance = random.Random(seed)
        self.running: list[Running] = []
        self.runs = 0

    def live(self, count: int) -> None:
        events = [self.ask, self.ask, self.retry, self.branch, *[self.go_on] * 6]
        for _ in range(count):
            with suppress(HfsError):
                self.chance.choice(events)()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for turn in self.running:
            turn.store.close()
        self.store.close()

    def session(self) -> int | None:
        listed = self.store.list_recent(limit=None, unanswered=True)
        found = [session.id for session in listed if session.messages]
        return self.chance.choice(found) if found else None

    def ask(self) -> None:
        question = f"question {self.runs}"
        into = self.session() if self.chance.random() < 0.8 else None
        self.begin(question, Place(into))

    def retry(self) -> None:
        if (number := self.session()) is not None:
            questions = [m for m in self.store.transcript(number) if m.role == "user"]
            if questions:
                last = self.chance.choice(questions[-2:])
                self.begin(last.content, Place(number, answers=last.id))

    def begin(self, question: str, place: Place) -> None:
        self.runs += 1
        turn = Turn(ChatMessage("user", question), "fake/m", place=place)
        store = self.database.open()
        self.running.append(Running(store, store.begin(turn), question, self.runs))

    def go_on(self) -> None:
        """The next step of a turn: tools, or its end; a turn may also end at any moment."""
        if not self.running:
            return
        turn = self.chance.choice(self.running)
        try:
            if self.step(turn):
                return
        except HfsError:  # its session was deleted
            pass
        self.running.remove(turn)
        turn.store.close()

    def step(self, turn: Running) -> bool:
        """Whether the turn goes on."""
        text = turn.tag if self.chance.random() < 0.5 else ""
        reply = Reply(text, "fake/m", "complete", step=turn.step)
        match self.chance.choice(["tools", "tools", "answer", "killed", "refused"]):
            case "killed":
                turn.store.save_piece(turn.opened, reply._replace(status="partial"))
            case "refused":
                turn.store.save_reply(turn.opened, reply._replace(finish_reason="content_filter"))
            case "answer":
                turn.store.save_reply(turn.opened, reply._replace(text=turn.tag))
            case _:
                return self.use_tools(turn, reply)
        return False

    def use_tools(self, turn: Running, reply: Reply) -> bool:
        state = KeptState("fake", ({"tag": turn.tag},))
        names = [f"{turn.tag} call {n}" for n in range(self.chance.randrange(1, 4))]
        calls = tuple(Call(name, "do") for name in names)
        saved = turn.store.save_reply(turn.opened, reply._replace(tool_calls=calls, state=state))
        for place, call in enumerate(calls, 1):
            began = call._replace(started_at=NOW)
            turn.store.save_call(saved, place, began)
            if self.chance.random() < 0.1:  # killed before the result
                return False
            ended = began._replace(result=f"result of {call.id}", ended_at=NOW)
            turn.store.save_call(saved, place, ended)
        turn.step += 1
        return True

    def branch(self) -> None:
        number = self.session()
        if number is None:
            return
        count = self.store.get(number).messages
        match self.chance.randrange(4):
            case 0:
                self.store.fork(number, at=self.chance.randint(1, count))
            case 1:
                self.store.rewind(number, str(self.chance.randint(0, count)))
            case 2:
                self.store.undo(number)
            case 3 if self.chance.random() < 0.3:
                self.store.delete([number])


def check_context(context: Sequence[ChatMessage]) -> int:
    """Each question is followed by the steps of one run of its own; how many had calls."""
    *past, prompt = context
    assert prompt.role == "user"
    asked, run, step, called = "", "", -1, 0
    for place, message in enumerate(past):
        if message.role == "user":
            assert place == 0 or past[place - 1].role == "assistant"
            asked, run, step = message.content, "", -1
            continue
        assert place > 0
        assert message.content or message.calls
        step += 1
        for text in filter(None, (message.content, *(call.id for call in message.calls))):
            question, rest = text.split(" run ")
            own_run, own_step = rest.split(" call ")[0].split(" step ")
            assert question == asked
            assert own_run == (run or own_run)
            # None is left out: without what a tool said the model would ask for it again.
            assert int(own_step) == step
            run = own_run
        for call in message.calls:
            assert call.interrupted or call.result == f"result of {call.id}"
        assert message.state is None or len(message.calls) > 0
        called += bool(message.calls)
    assert not past or past[-1].role == "assistant"
    return called


def check_requests(context: tuple[ChatMessage, ...]) -> None:
    """No vendor is sent a call without its result right after it, or a result without its call."""
    tools = (ToolSpec("do", "Does it.", {"type": "object", "properties": {}}),)
    request = Request("m", context, tools=tools, provider="fake")
    sent = load_format("openai").payload(request, Quirks())["messages"]
    for message, *after in (sent[n:] for n in range(len(sent))):
        asked = [call["id"] for call in message.get("tool_calls", ())]
        answered = list(takewhile(lambda m: m["role"] == "tool", after))
        if message["role"] == "assistant":
            assert [m["tool_call_id"] for m in answered] == asked
        assert message["role"] != "user" or not answered
    sent = load_format("anthropic").payload(request, Quirks())["messages"]
    assert [m["role"] for m in sent] == ["user", "assistant"] * (len(sent) // 2) + ["user"]
    for message, after in pairwise(sent):
        asked = ids(message, "tool_use", "id")
        assert ids(after, "tool_result", "tool_use_id") == asked if asked else True
    assert [i for m in sent for i in ids(m, "tool_use", "id")] == [
        i for m in sent for i in ids(m, "tool_result", "tool_use_id")
    ]


def ids(message: dict[str, Any], kind: str, name: str) -> list[str]:
    content = message["content"]
    blocks = content if isinstance(content, list) else []
    return [block[name] for block in blocks if block["type"] == kind]


@pytest.mark.no_cover  # a third of its time; each line has a test of its own
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.integers(0, 2**32))
def test_contexts_are_legal_and_of_one_run_whatever_happens(databases, seed):
    with databases.new() as database, World(database, seed) as world:
        world.live(60)
        store = world.store
        for session in [
            branch.session
            for listed in store.list_recent(limit=None, unanswered=True)
            for branch in store.family(listed.id)
        ]:
            turn = Turn(ChatMessage("user", "next"), "fake/m", place=Place(session.id))
            context = store.peek(session.id, turn)[1].messages
            check_context(context)
            check_requests(context)
            questions = [m for m in store.transcript(session.id) if m.role == "user"]
            for question in questions:
                again = Turn(turn.prompt, "fake/m", place=Place(session.id, answers=question.id))
                check_context(store.peek(session.id, again)[1].messages)
        assert store.check() == []


def test_such_a_world_has_turns_with_tools_in_its_contexts(database):
    """What the test above looks at is there."""
    with World(database, 20261129) as world:
        world.live(200)
        store = world.store
        turn = Turn(ChatMessage("user", "next"), "fake/m")
        found = [
            check_context(store.peek(s.id, turn._replace(place=Place(s.id)))[1].messages)
            for s in store.list_recent(limit=None)
        ]
        assert sum(found) > 10
        assert len({m.step for s in store.list_recent() for m in store.transcript(s.id)}) > 2
