import pytest

from hfs_cli.config import ModelConfig
from hfs_cli.conversations import Tally
from hfs_cli.known_models import known_model
from hfs_cli.messages import Usage
from hfs_cli.prices import cost, prices_of, spent, totals

PRICES = {"a/x": ModelConfig(input_price=3.0, output_price=15.0, cached_price=0.3)}


def tally(model="a/x", turns=1, tokens=(1_000_000, 100_000, 400_000), first=1.0):
    read, written, cached = tokens
    return Tally("k", model, turns, read, written, cached, first)


def test_cached_tokens_have_a_price_of_their_own():
    assert cost(tally(), PRICES["a/x"]) == pytest.approx(0.6 * 3 + 0.4 * 0.3 + 0.1 * 15)
    assert cost(tally(), ModelConfig(input_price=3.0)) == pytest.approx(3.0)


def test_one_turn_costs_what_it_costs_among_others():
    usage = Usage(1_000_000, 100_000, 400_000)
    assert cost(usage, PRICES["a/x"]) == cost(tally(), PRICES["a/x"])


def test_more_cached_tokens_than_input_are_not_paid_back():
    assert cost(Usage(10, 0, 1_000_000), PRICES["a/x"]) == pytest.approx(10 * 0.3 / 1e6)


def test_without_a_price_there_is_no_cost_and_not_zero():
    assert cost(tally(), None) is None
    assert cost(tally(), ModelConfig()) is None
    assert cost(Usage(), PRICES["a/x"]) is None
    assert spent([tally("b/y"), tally()], PRICES) == cost(tally(), PRICES["a/x"])


def test_the_vendors_prices_stand_in_for_what_the_user_gave_none():
    known = known_model("openai/gpt-6-luna")
    assert known
    assert spent([tally("openai/gpt-6-luna", tokens=(1_000_000, 0, 0))], {}) == known.input_price
    own = {"openai/gpt-6-luna": ModelConfig(input_price=7.0, output_price=8.0)}
    assert prices_of("openai/gpt-6-luna", own) == own["openai/gpt-6-luna"]
    options_alone = {"openai/gpt-6-luna": ModelConfig(options={"top_p": 1})}
    assert prices_of("openai/gpt-6-luna", options_alone).input_price == known.input_price
    assert prices_of(None, {}) is None


def test_totals_add_up_and_tell_what_has_no_price():
    (total,) = totals([tally(turns=3, first=1.0), tally("b/y", turns=1, first=5.0)], PRICES)
    assert (total.turns, total.input_tokens, total.unpriced) == (4, 2_000_000, 1)
    assert total.first_token_s == pytest.approx(2.0)
    assert total.cached_tokens == 800_000
    assert total.cost == cost(tally(), PRICES["a/x"])
    (unknown,) = totals([tally(first=None)], {})
    assert (unknown.first_token_s, unknown.cost) == (None, None)
