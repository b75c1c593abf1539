"""What is kept of the vendors' lists, and the default that they decide."""

import json
import time

import pytest

from hfs_cli.config import Config
from hfs_cli.places import cache_directory
from hfs_cli.providers.choose import named_model, provider_settings
from hfs_cli.providers.formats.listings import Listed
from hfs_cli.providers.listed import keep_listed, last_listed, listed, successor
from hfs_cli.providers.presets import PRESETS
from tests.scripted_server import openai_sse

GPT = PRESETS["openai"].model


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def config(tmp_path):
    return Config(file=tmp_path / "config.toml", data_dir=tmp_path)


@pytest.mark.parametrize(
    ("gone", "offered", "found"),
    [
        ("gpt-6-luna", ["gpt-7-luna", "gpt-6.1-luna", "gpt-7-sol", "gpt-4o"], "gpt-7-luna"),
        (
            "claude-haiku-5-5",
            ["claude-haiku-6", "claude-haiku-4-5", "claude-opus-9"],
            "claude-haiku-6",
        ),
        ("grok-4.3", ["grok-4.7", "grok-4.10", "grok-4.7-mini"], "grok-4.10"),
        ("openai/gpt-oss-120b", ["openai/gpt-oss-20b", "qwen/qwen3.8-27b"], "openai/gpt-oss-20b"),
        ("deepseek-flash", ["deepseek-flash-2", "deepseek-pro"], "deepseek-flash-2"),
        ("gpt-6-luna", ["something", "else"], None),
        ("gpt-6-luna", [], None),
    ],
)
def test_the_newest_of_the_same_line_follows(gone, offered, found):
    assert successor(gone, offered) == found


def test_a_list_is_kept_with_what_it_says(config):
    settings = provider_settings(config, "openai")
    models = [Listed("a"), Listed("b", 1000, "2027-01-01", 0.1, 0.5)]
    keep_listed(settings, models)
    assert listed(settings) == models
    assert last_listed(settings) == ["a", "b"]
    assert listed(settings, max_age_s=0) is None


def test_a_default_that_the_list_of_today_does_not_have_gives_way(config):
    settings = provider_settings(config, "openai")
    assert named_model(config, "openai").model == GPT
    keep_listed(settings, [Listed("gpt-7-luna"), Listed("gpt-9-sol")])
    assert named_model(config, "openai").model == "gpt-7-luna"
    keep_listed(settings, [Listed(GPT, ends="2020-01-01"), Listed("gpt-7-luna")])
    assert named_model(config, "openai").model == "gpt-7-luna"
    keep_listed(settings, [Listed(GPT, ends="2999-01-01"), Listed("gpt-7-luna")])
    assert named_model(config, "openai").model == GPT


def test_an_old_list_decides_nothing(config, tmp_path):
    settings = provider_settings(config, "openai")
    keep_listed(settings, [Listed("gpt-7-luna")])
    file = tmp_path / "cache" / "hfs" / "models-openai.json"
    kept = json.loads(file.read_text())
    file.write_text(json.dumps(kept | {"fetched_at": time.time() - 90_000}))
    assert named_model(config, "openai").model == GPT


@pytest.mark.parametrize(
    "text",
    ["", "[]", "1", '{"fetched_at": "x"}', "[" * 100_000, '{"fetched_at": 9e99, "models": 1}'],
)
def test_a_list_that_cannot_be_read_decides_nothing(config, tmp_path, text):
    file = tmp_path / "cache" / "hfs" / "models-openai.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert str(file.parent) == cache_directory()
    assert named_model(config, "openai").model == GPT
    assert last_listed(provider_settings(config, "openai")) == []


def gone(server):
    error = {"error": {"code": "model_not_found", "message": "The model does not exist."}}
    server.reply(status=404, body=json.dumps(error).encode())


def test_a_default_that_its_vendor_refuses_names_what_follows_it(hfs, server):
    hfs.configure(
        f'model = "groq"\n[providers.groq]\nbase_url = "{server.url}"\nmodel = "gpt-oss-1b"\n'
    )
    gone(server)
    offered = {"data": [{"id": "gpt-oss-2b"}, {"id": "gpt-oss-3b"}]}
    server.reply(body=json.dumps(offered).encode(), headers={"Content-Type": "application/json"})
    done = hfs("chat", "hi")
    assert done.returncode == 4
    told = done.stderr.decode()
    assert "gpt-oss-3b follows it: hfs config set providers.groq.model gpt-oss-3b" in told
    assert told.count("\n") == 1
    hfs("config", "set", "providers.groq.model", "gpt-oss-3b")
    server.reply(openai_sse("Hi"))
    assert hfs("chat", "hi").stdout == b"Hi\n"
    assert server.requests[-1].json["model"] == "gpt-oss-3b"


def test_a_list_that_cannot_be_had_leaves_the_refusal_as_it_is(hfs, server):
    hfs.configure(f'[providers.groq]\nbase_url = "{server.url}"\nmodel = "m"\n')
    gone(server)
    server.reply(status=500, body=b"")
    done = hfs("chat", "-m", "groq", "hi")
    assert done.returncode == 4
    assert b"The model does not exist" in done.stderr


def test_the_list_shows_what_is_known(hfs, server):
    hfs.configure(
        f'model = "x/b"\n[aliases]\nbee = "x/b"\n'
        f'[providers.x]\ntype = "openai"\nbase_url = "{server.url}"\n'
        '[models."x/b"]\ninput_price = 7\noutput_price = 8\n'
    )
    offered = {
        "data": [{"id": "b", "context_length": 131072, "shutdown_date": "2027-01-14"}, {"id": "a"}]
    }
    server.always(lambda _: [json.dumps(offered).encode()])
    assert hfs("models", "list", "x").stdout == b"x/a\t\nx/b\tbee\n"
    (a, b) = json.loads(hfs("models", "list", "x", "--json").stdout)
    assert a == {
        "model": "x/a",
        "provider": "x",
        "alias": None,
        "default": False,
        "context": None,
        "most_output": None,
        "input_price": None,
        "output_price": None,
        "takes": None,
        "ends": None,
    }
    assert (b["alias"], b["default"], b["context"], b["ends"]) == (
        "bee",
        True,
        131072,
        "2027-01-14",
    )
    assert (b["input_price"], b["output_price"]) == (7, 8)
    assert len(server.requests) == 1
