import errno
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import Mock

import pytest

from hfs_cli.errors import NotFoundError, UsageError
from hfs_cli.messages import Attachment, Call, ChatMessage, Citation, Place, Reply, Turn, Usage
from hfs_cli.naming import automatic_name
from hfs_cli.store import turns
from hfs_cli.store.unsaved import Unsaved
from tests.store.places import on_a_file
from tests.store.talking import Talk


def said(opened):
    return [(message.role, message.content) for message in opened.messages]


def test_a_first_turn_makes_a_session_with_two_messages(store, talk):
    session = talk.turn("hi", "hello")
    assert (session.messages, session.last_status, session.model) == (2, "complete", "openai/gpt")
    question, reply = store.transcript(session.id)
    assert (question.position, question.role, question.content) == (1, "user", "hi")
    assert (reply.position, reply.role, reply.content) == (2, "assistant", "hello")
    assert reply.reply_to == question.id


def test_a_reply_is_one_row_that_grows_until_it_is_complete(store, talk):
    opened = talk.ask("hi")
    first = talk.answer(opened, "he", status="partial")
    assert store.get(opened.session.id).last_status == "partial"
    usage = Usage(3, 4, 1, 2)
    last = talk.answer(
        opened, "hello", reasoning="hm", usage=usage, finish_reason="stop", first_token_s=0.1
    )
    assert first == last
    reply = store.transcript(opened.session.id)[-1]
    assert (reply.status, reply.content, reply.reasoning, reply.usage, reply.finish_reason) == (
        "complete",
        "hello",
        "hm",
        usage,
        "stop",
    )


def test_a_continued_session_sends_what_was_said(store, talk):
    session = talk.turn("one", "first")
    assert said(talk.ask("two", session)) == [
        ("user", "one"),
        ("assistant", "first"),
        ("user", "two"),
    ]


def test_a_partial_reply_is_part_of_the_context_and_an_unanswered_question_is_not(store, talk):
    session = talk.ask("lost").session
    half = talk.ask("two", session)
    talk.answer(half, "half", status="partial", error="cut")
    empty = talk.ask("three", session)
    talk.answer(empty, "", status="partial")
    assert said(talk.ask("four", session)) == [
        ("user", "two"),
        ("assistant", "half"),
        ("user", "four"),
    ]
    assert talk.contents(session) == ["lost", "two", "half", "three", "", "four"]


def test_turns_that_overlap_do_not_mix(store, talk):
    session = talk.turn("zero", "nought")
    a, b = talk.ask("A", session), talk.ask("B", session)
    talk.answer(b, "to B")
    talk.answer(a, "to A")
    assert [m.content for m in talk.ask("next", session).messages] == [
        "zero",
        "nought",
        "A",
        "to A",
        "B",
        "to B",
        "next",
    ]
    assert [m.position for m in store.transcript(session.id)] == list(range(1, 8))


def test_the_system_prompt_is_kept_and_stays_in_force(store, talk):
    session = talk.turn("hi", "ahoy", system="a pirate")
    assert [m.role for m in store.transcript(session.id)] == ["system", "user", "assistant"]
    assert talk.ask("again", session).system == "a pirate"
    assert talk.ask("same", session, system="a pirate").session.messages == 5
    assert talk.ask("other", session, system="a poet").session.messages == 7
    assert talk.ask("and", session).system == "a poet"


def test_no_system_leaves_it_out_once(store, talk):
    session = talk.turn("hi", "ahoy", system="a pirate")
    assert talk.ask("plain", session, no_system=True).system is None
    assert talk.ask("again", session).system == "a pirate"


def test_an_empty_system_prompt_switches_it_off(store, talk):
    session = talk.turn("hi", "ahoy", system="a pirate")
    assert talk.ask("plain", session, system="").system is None
    assert talk.ask("again", session).system is None


def test_attachments_are_kept_once_and_sent_again(store, talk):
    picture = Attachment("a.png", "image/png", b"\x89PNG" * 1000)
    link = Attachment("b.png", "image/png", url="https://example.org/b.png")
    session = talk.turn("look", "nice", attachments=(picture, link))
    talk.turn("again", "yes", session, attachments=(picture._replace(name="copy.png"),))
    sent = talk.ask("and now?", session).messages
    assert sent[0].attachments == (picture, link)
    assert sent[2].attachments == (picture._replace(name="copy.png"),)
    with store._engine.reading() as db:
        assert db.execute_sql("SELECT count(*) FROM attachment").fetchone() == (1,)
    store.delete([session.id])
    with store._engine.reading() as db:
        assert db.execute_sql("SELECT count(*) FROM attachment").fetchone() == (0,)


@pytest.mark.parametrize(
    "text",
    ["a\0b\0", "\r\n", "'; DROP TABLE message; --", "👩‍🚀\u202e", "\ufeffx", "\ufdd00 \ufdd01"],
)
def test_text_comes_back_as_it_went_in(store, talk, text):
    session = talk.turn(text, text)
    assert talk.contents(session) == [text, text]


def test_a_lone_surrogate_from_a_model_does_not_cost_the_reply(store, talk):
    session = talk.turn("hi", "ok \ud800 \ud83d\ude00")
    assert talk.contents(session)[1] == "ok \ufffd 😀"


def test_a_name_is_made_from_the_prompt_and_twins_get_a_number(store, talk, monkeypatch):
    # A minute that ends meanwhile would make other names.
    now = datetime.now(UTC)
    monkeypatch.setattr(turns, "automatic_name", lambda text, _: automatic_name(text, now))
    names = [talk.turn("hi there", "x").name for _ in range(3)]
    assert names[0].startswith("hi there - ")
    assert [n.removeprefix(names[0]) for n in names] == ["", " (2)", " (3)"]
    store.delete([store.resolve(names[1]).id])
    assert talk.turn("hi there", "x").name in {f"{names[0]} (2)", f"{names[0]} (4)"}


def test_a_chosen_name_that_is_taken_is_refused_unless_it_may_exist(store, talk):
    session = talk.turn("hi", "x", name="mine")
    with pytest.raises(UsageError, match="taken"):
        talk.ask("again", name="mine")
    assert talk.ask("again", name="mine", or_existing=True).session.id == session.id
    assert store.count() == 1


def test_a_turn_of_a_session_that_is_gone_keeps_nothing(store, talk):
    session = talk.turn("hi", "x")
    store.delete([session.id])
    with pytest.raises(NotFoundError):
        talk.ask("again", session)


def test_a_session_that_is_deleted_while_its_reply_comes_leaves_no_orphans(store, talk):
    opened = talk.ask("hi")
    talk.answer(opened, "h", status="partial")
    store.delete([opened.session.id])
    with pytest.raises(NotFoundError, match="deleted"):
        talk.answer(opened, "hello")
    early = talk.ask("hi")
    store.delete([early.session.id])
    with pytest.raises(NotFoundError, match="deleted"):
        talk.answer(early, "hello")
    assert store.check() == []
    assert talk.ask("new").session.id > early.session.id


@on_a_file
def test_an_unsaved_turn_reads_the_history_and_writes_nothing(store, talk, path):
    fresh = Unsaved(store).begin(Turn(ChatMessage("user", "hi"), "m/x", system="s"))
    assert (said(fresh), fresh.system, fresh.session) == ([("user", "hi")], "s", None)
    assert not path.parent.exists()
    session = talk.turn("hi", "hello", system="old")
    again = Turn(ChatMessage("user", "b"), "m/x", place=Place(session.id))
    opened = Unsaved(store).begin(again)
    assert said(opened) == [("user", "hi"), ("assistant", "hello"), ("user", "b")]
    assert opened.system == "old"
    assert Unsaved(store).save_reply(opened, Reply("x", "m/x")) is None
    assert store.get(session.id) == session


def piece(text: str, reasoning: str = "") -> Reply:
    return Reply(text, "m/x", reasoning=reasoning, usage=Usage(3, 1))


def test_the_pieces_of_a_reply_that_comes_are_read_as_its_text(store, talk):
    opened = talk.ask("hi")
    for text, thought in (("The ", "hm"), ("quick ", ""), ("fox", "!")):
        store.save_piece(opened, piece(text, thought))
    last = store.transcript(opened.session.id)[-1]
    assert (last.content, last.reasoning, last.status) == ("The quick fox", "hm!", "partial")
    assert last.usage == Usage(3, 1)
    assert [hit.message_id for hit in store.search("quick fox")] == [last.id]
    [kept] = store.conversations([opened.session.id])
    assert kept.messages[-1].content == "The quick fox"
    assert store.check() == []


def test_the_last_write_puts_the_text_in_place_of_its_pieces(store, talk):
    opened = talk.ask("hi")
    store.save_piece(opened, piece("The quick "))
    talk.answer(opened, "The quick fox")
    assert talk.contents(opened.session) == ["hi", "The quick fox"]
    assert [hit.role for hit in store.search("quick")] == ["assistant"]
    with store._engine.reading() as db:
        assert db.execute_sql("SELECT count(*) FROM piece").fetchone() == (0,)


def test_what_a_killed_turn_left_is_continued_forked_and_deleted(store, talk, database):
    opened = talk.ask("hi")
    store.save_piece(opened, piece("half "))
    store.save_piece(opened, piece("a reply"))
    with database.open() as later:
        again = Talk(later).ask("go on", opened.session)
        assert [m.content for m in again.messages] == ["hi", "half a reply", "go on"]
        later.delete([opened.session.id])
        with later._engine.reading() as db:
            assert db.execute_sql("SELECT count(*) FROM piece").fetchone() == (0,)
    with pytest.raises(NotFoundError, match="deleted"):
        store.save_piece(opened, piece("more"))


@on_a_file
def test_a_long_reply_is_not_written_again_with_each_piece(store, talk, path):
    opened = talk.ask("hi")
    for _ in range(40):
        store.save_piece(opened, piece("x" * 100_000))
    log = path.with_name("hfs.db-wal")
    assert log.stat().st_size < 2 * 40 * 100_000


def test_a_reply_that_cannot_be_kept_is_spilled_to_a_private_file(store, talk):
    opened = talk.ask("hi")
    file = Path(store.spill(opened, Reply("the words", "m/x")))
    assert file.read_text() == "the words"
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_reply_is_spilled_where_no_temporary_directory_can_be_used(store, talk, monkeypatch):
    opened = talk.ask("hi")
    full = FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")
    monkeypatch.setattr(tempfile, "gettempdir", Mock(side_effect=full))
    assert Path(store.spill(opened, Reply("the words", "m/x"))).read_text() == "the words"
    assert store.kept_keys(opened.session.id) == []


def test_a_model_becomes_the_sessions_by_replying(store, talk):
    session = talk.turn("one", "two")
    opened = talk.ask("three", session, model="openai/typo")
    assert store.get(session.id).model == "openai/gpt"
    talk.answer(opened, "four", model="openai/typo")
    assert store.get(session.id).model == "openai/typo"
    assert talk.ask("first", model="openai/first").session.model == "openai/first"


@pytest.mark.parametrize("count", [2**63, -1, 10**400, [3], {"n": 3}, float("inf"), "many", True])
def test_a_count_that_no_database_holds_does_not_cost_the_reply(talk, count):
    opened = talk.ask("hi")
    talk.answer(opened, "hello", usage=Usage(count, 2), total_s=float("inf"), first_token_s=count)
    reply = talk.store.transcript(opened.session.id)[-1]
    assert reply.content == "hello"
    assert reply.usage.output_tokens == 2
    assert reply.usage.input_tokens in {None, True}
    assert reply.total_s is None


def test_words_that_no_database_holds_do_not_cost_the_reply(talk):
    opened = talk.ask("hi")
    odd = "\ud800"
    talk.answer(
        opened,
        "hello",
        finish_reason=odd,
        finish_raw=odd,
        tool_calls=(Call("", odd),),
        error=odd,
        citations=(Citation(odd, start=2**70),),
    )
    reply = talk.store.transcript(opened.session.id)[-1]
    kept = (reply.content, reply.finish_raw, reply.tool_calls[0].name, reply.error)
    assert kept == ("hello", "\ufffd", "\ufffd", "\ufffd")
    assert len(reply.citations) == 1


def test_a_retention_beyond_all_counting_keeps_every_checkpoint(database):
    with database.open(checkpoint_retention=2**63) as store:
        talk = Talk(store)
        session = talk.turn("hi", "hello")
        assert len(store.checkpoints_of(session.id)) == 1


def test_counts_at_their_end_are_added_up(talk):
    session = None
    for _ in range(3):
        opened = talk.ask("hi", session)
        talk.answer(opened, "hello", usage=Usage(2**63 - 1, 1))
        session = opened.session
    (tally,) = talk.store.tallies("model")
    assert tally.input_tokens == pytest.approx(3 * 2**63)
    assert tally.output_tokens == 3


def test_a_refused_turn_is_left_out_of_what_follows(talk):
    session = talk.turn("q1", "a1")
    refused = talk.ask("forbidden", session)
    talk.answer(refused, "I cannot", finish_reason="content_filter", finish_raw="refusal")
    assert said(talk.ask("q2", session)) == [("user", "q1"), ("assistant", "a1"), ("user", "q2")]
    assert talk.contents(session) == ["q1", "a1", "forbidden", "I cannot", "q2"]
