"""What is known of models beforehand, and how it is brought up to date."""

import json
from datetime import date

import pytest

from hfs_cli import known_models
from hfs_cli.errors import UsageError
from hfs_cli.known_models import (
    PACKAGED,
    KnownModel,
    checked,
    from_genai_prices,
    known_model,
    update,
)
from hfs_cli.providers.presets import PRESETS


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    known_models._models.cache_clear()
    yield
    known_models._models.cache_clear()


def document(day, **models):
    return {"date": day, "models": models}


def test_the_packaged_file_has_the_shape_that_is_asked_of_any():
    data = json.loads(PACKAGED.read_bytes())
    assert checked(data)["models"] == data["models"]


def test_the_packaged_file_is_read_by_lines():
    """One provider's line is found and parsed alone; all lines together are the whole file."""
    models = json.loads(PACKAGED.read_bytes())["models"]
    assert {name: known_models._models(name) for name in models} == models
    assert known_models._models("nobody") == known_models._models('a"b\n') == {}


@pytest.mark.parametrize("name", sorted(json.loads(PACKAGED.read_bytes())["models"]))
def test_the_default_of_a_preset_is_known_with_its_prices(name):
    if name == "openrouter":
        assert known_model("openrouter/openai/gpt-6-luna")
        return
    known = known_model(f"{name}/{PRESETS[name].model}")
    assert known
    assert known.input_price is not None
    assert known.output_price is not None


def test_a_dated_version_is_its_model():
    plain = known_model("anthropic/claude-haiku-4-5")
    assert plain
    assert known_model("anthropic/claude-haiku-4-5-20991231") == plain
    assert known_model("anthropic/claude-haiku-4-5-99") is None
    assert known_model("nobody/claude-haiku-4-5") is None
    assert known_model("") is None


def test_a_newer_file_takes_the_place_of_the_packaged_one(tmp_path):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(document("2999-01-01", x={"m": [1000, 1, None, 2.5]})))
    assert update(file) == "1 models as of 2999-01-01"
    assert known_model("x/m") == KnownModel(1000, 1, None, 2.5)
    assert known_model("openai/gpt-6-luna") is None


def test_an_older_file_does_not(tmp_path):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(document("2020-01-01", x={"m": [1000, 1, None, 2.5]})))
    update(file)
    assert known_model("x/m") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "[" * 100_000,
        '{"date": "soon", "models": {}}',
        '{"date": "2026-01-01"}',
        '{"date": "2026-01-01", "models": {"x": 1}}',
        '{"date": "2026-01-01", "models": {"x": {"m": [1, 2, 3]}}}',
        '{"date": "2026-01-01", "models": {"x": {"m": [-1, 0, 0, 0]}}}',
        '{"date": "2026-01-01", "models": {"x": {"m": [null, 1e999, 0, 0]}}}',
        '{"date": "2026-01-01", "models": {"x": {"m": [null, "1", 0, 0]}}}',
        '{"date": "2026-01-01", "models": {"x": {"m": [1, 1, 1, 1, "t", 0]}}}',
        '{"date": "2026-01-01", "models": {"x": {"m": [1, 1, 1, 1, "t", 1, 1]}}}',
    ],
)
def test_a_file_of_another_shape_is_refused_and_read_past(tmp_path, text):
    file = tmp_path / "mine.json"
    file.write_text(text)
    with pytest.raises(UsageError, match=r"mine\.json"):
        update(file)
    kept = tmp_path / "cache" / "hfs" / "models.json"
    kept.parent.mkdir(parents=True)
    kept.write_text(text)
    assert known_model("openai/gpt-6-luna")


def test_the_data_set_is_taken_as_of_a_day():
    taken = from_genai_prices(date(2026, 11, 25))
    assert taken["date"] == "2026-11-25"
    assert checked(json.loads(json.dumps(taken)))
    models = taken["models"]
    assert isinstance(models, dict)
    assert models["gemini"]["gemini-2.5-flash"][0] > 1_000_000
    # The vendor's price in its busy hours, which are dearer than the quiet ones.
    assert models["deepseek"]["deepseek-flash"][1] >= 0.15


def test_the_command(hfs):
    done = hfs("models", "update")
    assert done.returncode == 0, done.stderr
    assert hfs("models", "update", "/dev/null").returncode == 2


def test_what_models_take_is_known_and_stays_when_prices_are_newer():
    known = known_model("anthropic/claude-sonnet-5-5")
    assert known
    assert (known.takes, known.most_output) == ("iptsr", 128_000)
    rows = from_genai_prices(date.today())["models"]["anthropic"]  # noqa: DTZ011
    assert rows["claude-sonnet-5-5"][4:] == ["iptsr", 128_000]
    with pytest.raises(UsageError):
        checked({"date": "2026-11-29", "models": {"x": {"m": [1, 1, 1, 1, "z"]}}})
