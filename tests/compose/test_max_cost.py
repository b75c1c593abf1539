"""What one turn may cost, from outside."""

from __future__ import annotations

import pytest

from tests.scripted_server import STALL, openai_chunk, openai_sse, sse

PRICES = '[models."test/m"]\ninput_price = 1000\noutput_price = 4000\n'


@pytest.fixture
def priced(chat):
    """A model whose tokens cost 0.001 in and 0.004 out."""
    chat.configure(chat.config.read_text() + PRICES)
    return chat


def test_a_prompt_that_costs_too_much_is_refused_before_anything_happens(priced, server):
    done = priced("chat", "--max-cost", "0.05", "word " * 100)
    assert done.returncode == 3
    assert b"the prompt alone costs about 0.125, and the turn may cost 0.05" in done.stderr
    assert (server.requests, priced.ok("sessions", "list", "--all")) == ([], "")


def test_small_amounts_are_said_as_they_are(priced):
    done = priced("chat", "--max-cost", "0.00000001", "hi")
    assert b"and the turn may cost 0.00000001 (max_cost)" in done.stderr


def test_what_the_model_is_told_of_tools_counts_too(priced, server):
    tool = f'[tools.long]\ncommand = ["cat"]\ndescription = "{"word " * 100}"\n'
    priced.configure(priced.config.read_text() + tool)
    done = priced("chat", "--tool", "long", "--max-cost", "0.05", "hi")
    assert done.returncode == 3
    assert b"the prompt alone costs about 0.1" in done.stderr
    assert (server.requests, priced.ok("sessions", "list", "--all")) == ([], "")


def test_the_history_counts_too(priced, server):
    server.reply(openai_sse("long " * 200))
    priced.ok("chat", "hi")
    assert priced("chat", "-c", "--max-cost", "0.05", "hi").returncode == 3
    assert len(server.requests) == 1


def test_a_reply_is_ended_when_it_costs_too_much_and_kept_so_far(priced, server):
    pieces = sse(*(openai_chunk({"content": "word "}) for _ in range(40)), done=False)
    server.reply([*pieces, STALL])
    done = priced("chat", "--max-cost", "0.05", "hi")
    assert done.returncode == 7
    assert b"the reply was ended at a cost of about" in done.stderr
    kept = priced("sessions", "show", "-r").stdout
    assert kept.startswith(b"word word") and kept == done.stdout
    assert b"saved as partial" in done.stderr


def test_what_stays_below_is_left_alone(priced, server):
    server.reply(openai_sse("short", usage=(2, 1)))
    assert priced.ok("chat", "--max-cost", "0.05", "hi") == "short\n"


def test_the_vendors_counts_take_the_place_of_the_estimate(priced, server):
    """Reasoning that is counted and not shown costs too."""
    server.reply([*openai_sse("short", usage=(2, 100))])
    done = priced("chat", "--max-cost", "0.05", "hi")
    assert (done.returncode, done.stdout) == (7, b"short\n")


def test_a_model_without_a_price_cannot_be_held(chat, server):
    done = chat("chat", "--max-cost", "1", "hi")
    assert (done.returncode, b"has no price" in done.stderr, server.requests) == (3, True, [])


def test_the_setting_is_the_same(priced, server):
    assert priced("chat", "word " * 100, env={"HFS_MAX_COST": "0.05"}).returncode == 3
    assert priced("chat", "--max-cost", "0", "hi").returncode == 2
