"""A daily budget, from outside."""

from pathlib import Path

import pytest

from hfs_cli.compose.budget import is_free
from hfs_cli.config import Config, ModelConfig
from hfs_cli.providers.choose import named_model
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


@pytest.mark.parametrize(
    ("name", "prices", "free"),
    [
        ("local/smollm2", {}, True),
        ("local/smollm2", {"local/smollm2": ModelConfig(input_price=1, output_price=1)}, False),
        ("ollama/llama3", {}, False),
        ("openai/gpt-6-luna", {}, False),
    ],
)
def test_an_embedded_model_without_a_price_is_free(name, prices, free):
    config = Config(file=Path("config.toml"), data_dir=Path(), models=prices)
    assert is_free(named_model(config, name), config.models) is free


def test_a_spent_budget_lets_an_embedded_model_answer(priced, tmp_path):
    hfs = priced("1.0")
    hfs.ok("chat", "hi")
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("hi\n")
    assert b"daily budget" in hfs("batch", prompts, "-m", "test/m").stderr
    # The file holds no weights, so it fails for that, and not for what the day has cost.
    weights = tmp_path / "no.gguf"
    weights.write_bytes(b"no weights")
    for words in (["chat", "hi"], ["batch", prompts]):
        refused = hfs(*words, "-m", f"local:{weights}")
        assert refused.returncode != 0
        assert b"daily budget" not in refused.stderr
