"""A daily budget, from outside."""

import pytest

from tests.scripted_server import openai_sse


@pytest.fixture
def priced(hfs, server):
    """`hfs` with a model that costs 1 a turn (a million output tokens at 1)."""
    server.always(openai_sse("ok", usage=(0, 1_000_000)))

    def configure(budget: str):
        hfs.configure(
            f'model = "test/m"\n[providers.test]\ntype = "openai"\nbase_url = "{server.url}"\n'
            f'[models."test/m"]\noutput_price = 1\n[budget]\ndaily = {budget}\n'
        )
        return hfs

    return configure


def test_a_spent_budget_refuses_before_the_request(priced, server):
    hfs = priced("1.0")
    hfs.ok("chat", "hi")
    refused = hfs("chat", "again")
    assert refused.returncode == 3
    assert b"today's turns cost 1.00 of a daily budget of 1.00" in refused.stderr
    assert len(server.requests) == 1
    assert hfs("sessions", "retry").returncode == 3
    hfs.ok("chat", "--over-budget", "again")
    assert hfs.ok("sessions", "list", "--ids") == "2\n1\n"


def test_most_of_a_budget_spent_is_a_warning(priced):
    hfs = priced("1.25")
    hfs.ok("chat", "hi")
    warned = hfs("chat", "again")
    assert warned.returncode == 0
    assert warned.stderr.count(b"hfs: warning: today's turns cost 1.00") == 1


@pytest.mark.parametrize("budget", ['"much"', "-1", "true", "nan"])
def test_a_budget_is_a_number(priced, budget):
    assert priced(budget)("chat", "hi").returncode == 3
