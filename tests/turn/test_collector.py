"""A reply is put together from its events, once and in bounded memory."""

from types import SimpleNamespace

import pytest

from hfs_cli.errors import IncompleteReplyError
from hfs_cli.messages import Citation, Delta, Finish, Reasoning, State, ToolCall, Usage
from hfs_cli.turn import collector as module
from hfs_cli.turn.collector import Collector


def collected(*batches):
    collector = Collector("test/m")
    for batch in batches:
        collector.add(batch)
    return collector


def test_nothing_has_come_yet():
    collector = Collector("test/m")
    assert (collector.size, collector.untaken, collector.started) == (0, 0, False)
    reply = collector.reply()
    assert (reply.text, reply.reasoning, reply.model, reply.status) == ("", "", "test/m", "partial")
    assert (reply.finish_reason, reply.finish_raw, reply.note) == (None, None, "")
    assert (reply.usage, reply.first_token_s, reply.citations) == (None, None, ())
    assert (reply.step, reply.cached, reply.state) == (0, False, None)
    assert reply.total_s is not None


def test_text_and_reasoning_are_counted_and_kept_apart():
    collector = Collector("test/m")
    assert collector.add([Delta("ab"), Reasoning("c"), Delta("d")]) == ("abd", "c")
    assert (collector.size, collector.untaken, collector.started) == (4, 4, True)
    assert collector.add([Usage(1, 2)]) == ("", "")
    reply = collector.reply(complete=True)
    assert (reply.text, reply.reasoning, reply.status) == ("abd", "c", "complete")
    assert reply.error is None
    assert collector.reply("cut").error == "cut"
    assert collector.reply("cut").status == "partial"


def test_reasoning_alone_has_started_a_reply():
    assert collected([Reasoning("hm")]).started


def test_a_piece_is_what_came_since_the_last_one():
    collector = collected([Delta("one "), Reasoning("a")])
    first = collector.piece()
    assert (first.text, first.reasoning, first.status) == ("one ", "a", "partial")
    assert (collector.size, collector.untaken) == (5, 0)
    assert collector.piece().text == ""
    collector.add([Delta("two")])
    assert collector.untaken == 3
    assert (collector.piece().text, collector.piece().text) == ("two", "")
    collector.add([Delta(" three")])
    whole = collector.reply()
    assert (whole.text, whole.reasoning) == ("one two three", "a")
    # What was read as a whole has been taken.
    assert (collector.untaken, collector.piece().text) == (0, "")
    collector.add([Delta("!")])
    assert collector.piece().text == "!"
    assert collector.reply().text == "one two three!"


@pytest.mark.parametrize("take_at", [None, 3, 4, 5, 9])
def test_many_small_pieces_are_joined_on_the_way_and_none_is_lost(monkeypatch, take_at):
    monkeypatch.setattr(module, "_COMPACT_AT", 4)
    collector, taken = Collector("test/m"), ""
    for number in range(25):
        collector.add([Delta(f"{number} ")])
        if take_at and number % take_at == 0:
            taken += collector.piece().text
        # Joined whenever there are four: never more strings than that and one a joining.
        assert len(collector._text._pieces) <= 4 + 25 // 4
    expected = "".join(f"{number} " for number in range(25))
    if take_at:
        assert taken + collector.piece().text == expected
    assert collector.reply().text == expected
    assert collector._text._pieces == [expected]


def test_pieces_that_were_taken_are_joined_in_memory_too():
    collector = Collector("test/m")
    for _ in range(3):
        collector.add([Delta("x")])
        collector.add([Delta("y")])
        collector.piece()
    assert collector._text._pieces == ["xy", "xy", "xy"]


def test_a_reply_without_end_is_given_up(monkeypatch):
    monkeypatch.setattr(module, "MAX_REPLY_CHARS", 10)
    collector = collected([Delta("x" * 5)], [Reasoning("y" * 5)])
    collector.add([Delta("z")])
    with pytest.raises(IncompleteReplyError, match="the reply passed 10 characters"):
        collector.add([Delta("!")])
    assert collector.reply().text == "xxxxxz"
    monkeypatch.setattr(module, "MAX_REPLY_CHARS", 1000)
    with pytest.raises(IncompleteReplyError, match="the reply passed 1,000 characters"):
        collected([Delta("x" * 1001)], [])


@pytest.mark.parametrize(
    "event", [ToolCall("look", "x" * 4, "id"), State(({"a": "b"},)), ToolCall("l", "", "i" * 9)]
)
def test_calls_and_kept_state_count_too(monkeypatch, event):
    monkeypatch.setattr(module, "MAX_REPLY_CHARS", 9)
    collector = collected([event])
    with pytest.raises(IncompleteReplyError):
        collector.add([])


def test_calls_up_to_the_bound_are_a_reply(monkeypatch):
    monkeypatch.setattr(module, "MAX_REPLY_CHARS", 10)
    collector = collected([ToolCall("look", "x" * 4, "id")])
    assert collector.add([Delta("a")]) == ("a", "")


def test_the_pieces_of_calls_find_their_call():
    (call, other, third) = (
        collected(
            [ToolCall("look", '{"a"', "c1", 0), ToolCall("", ": 1}", "", 0)],
            # A vendor that names the call again with each piece, and one without numbers.
            [ToolCall("count", "[", "c2", 1), ToolCall("count", "1]", "c2", 1)],
            [ToolCall("", " ", "", 0), ToolCall("say", "", "c3"), ToolCall("", "hi", "")],
        )
        .reply()
        .tool_calls
    )
    assert (call.id, call.name, call.arguments) == ("c1", "look", '{"a": 1} ')
    assert (other.id, other.name, other.arguments) == ("c2", "count", "[1]")
    assert (third.id, third.name, third.arguments) == ("c3", "say", "hi")


def test_a_piece_without_its_call_is_dropped():
    assert collected([ToolCall("", "x", "", 3), ToolCall("", "y")]).reply().tool_calls == ()


def test_calls_are_not_without_end_many(monkeypatch):
    monkeypatch.setattr(module, "_MOST_CALLS", 3)
    calls = collected([ToolCall(f"t{n}", "", f"c{n}", n) for n in range(9)]).reply().tool_calls
    assert [call.name for call in calls] == ["t0", "t1", "t2"]


def test_a_paused_reply_goes_on_with_its_text_its_state_and_all_it_has_cost():
    collector = collected([Delta("half "), State(({"n": 1},)), Usage(3, 4)])
    assert not collector.paused
    collector.add([Finish("paused", "pause_turn")])
    assert collector.paused
    message = collector.go_on()
    assert (message.role, message.content) == ("assistant", "half ")
    assert message.state.items == ({"n": 1},)
    assert not collector.paused
    # What was not saved yet still is.
    assert collector.piece().text == "half "
    collector.add([Delta("whole"), Usage(10, 1), Finish("stop", "end_turn")])
    reply = collector.reply(complete=True)
    assert (reply.text, reply.finish_reason) == ("half whole", "stop")
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (13, 5)


def test_the_last_usage_and_the_last_finish_count():
    reply = collected(
        [Usage(1, 1), Finish("length", "max_tokens", "it was cut")],
        [Usage(3, 4), Finish("stop", "end_turn")],
    ).reply()
    assert reply.usage == Usage(3, 4)
    assert (reply.finish_reason, reply.finish_raw, reply.note) == ("stop", "end_turn", "")
    cut = collected([Finish("length", "max_tokens", "it was cut")]).piece()
    assert (cut.finish_reason, cut.finish_raw, cut.note) == ("length", "max_tokens", "it was cut")


def test_a_source_is_listed_once_and_there_are_not_without_end_many(monkeypatch):
    monkeypatch.setattr(module, "_MOST_SOURCES", 3)
    same = [Citation("https://a", "A"), Citation("https://a", "called otherwise")]
    titles = [Citation("", "page 1"), Citation("", "page 2"), Citation("", "page 1")]
    collector = collected([*same, *titles], [Citation("https://late", "late")])
    assert collector.reply().citations == (same[0], titles[0], titles[1])


def test_times_count_from_the_beginning_and_the_first_word(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    collector = Collector("test/m")
    now[0] = 101.0
    collector.add([Usage(1)])
    assert collector.piece().first_token_s is None
    now[0] = 102.5
    collector.add([Reasoning("hm")])
    now[0] = 104.0
    collector.add([Delta("x")])
    now[0] = 107.0
    reply = collector.reply()
    assert (reply.first_token_s, reply.total_s) == (2.5, 7.0)
