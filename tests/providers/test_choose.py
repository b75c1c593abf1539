"""Which model is used, and what is said when none fits."""

import re
from pathlib import Path

import pytest
from genai_prices import data

from hfs_cli.config import Config
from hfs_cli.config.settings import ModelConfig, ProviderConfig
from hfs_cli.errors import ConfigError, NotFoundError, UsageError
from hfs_cli.providers.choose import choose_model, named_model, provider_settings
from hfs_cli.providers.formats import load_format
from hfs_cli.providers.presets import PRESETS
from hfs_cli.topics import TOPICS
from tests.providers.asking import WIRES


@pytest.fixture
def config(tmp_path):
    def config(**values) -> Config:
        return Config(file=tmp_path / "config.toml", data_dir=tmp_path, **values)

    return config


HOME = ProviderConfig("home", type="openai", base_url="http://127.0.0.1:9/v1", model="big")


def test_the_order_of_places(config):
    settings = config(model="groq/b")
    env = {"OPENAI_API_KEY": "k"}
    assert choose_model(settings, env, "xai/e", "mistral/s").full_name == "xai/e"
    assert choose_model(settings, env, None, "mistral/s").full_name == "mistral/s"
    assert choose_model(settings, env).full_name == "groq/b"
    assert choose_model(config(), env).full_name == "openai/gpt-6-luna"


def test_the_first_provider_with_a_key_is_chosen(config):
    env = {"GROQ_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}
    assert choose_model(config(), env).provider.name == "anthropic"


def test_tokens_that_are_there_for_other_work_choose_nothing(config):
    env = {"AWS_BEARER_TOKEN_BEDROCK": "k", "HF_TOKEN": "k", "GROQ_API_KEY": "k"}
    assert choose_model(config(), env).provider.name == "groq"


def test_a_provider_of_the_configuration_can_be_the_first(config):
    own = ProviderConfig("work", "openai", "https://x.example/v1", api_key_env="WORK", model="m")
    choice = choose_model(config(providers={"work": own}), {"WORK": "k"})
    assert choice.full_name == "work/m"


def test_an_alias(config):
    settings = config(aliases={"fast": "groq/llama"})
    assert named_model(settings, "fast").full_name == "groq/llama"


def test_ids_may_hold_slashes(config):
    choice = named_model(config(), "openrouter/meta/llama-3:free")
    assert (choice.provider.name, choice.model) == ("openrouter", "meta/llama-3:free")


def test_a_provider_alone_means_its_default_model(config):
    assert named_model(config(), "anthropic").model == PRESETS["anthropic"].model
    assert named_model(config(providers={"home": HOME}), "home").model == "big"


def test_a_preset_that_left_says_why(config):
    with pytest.raises(NotFoundError, match='no provider "github": GitHub Models was retired'):
        named_model(config(), "github/openai/gpt-4.1-mini")


def test_a_preset_pointed_at_a_gateway_speaks_what_gateways_speak(config):
    assert named_model(config(), "openai").provider.type == "responses"
    elsewhere = ProviderConfig("openai", base_url="https://gateway.example/v1")
    assert provider_settings(config(providers={"openai": elsewhere}), "openai").type == "openai"
    told = ProviderConfig("openai", type="responses", base_url="https://gateway.example/v1")
    assert provider_settings(config(providers={"openai": told}), "openai").type == "responses"


def test_the_topic_on_models_names_every_preset():
    named = set(re.findall(r"[a-z-]+", TOPICS["models"].text))
    (formats,) = re.findall(r"format that it speaks \((.*?)\)", TOPICS["models"].text)
    assert formats.split(", ") == list(WIRES)
    assert set(PRESETS) <= named


@pytest.mark.parametrize("wire", WIRES)
def test_the_readme_names_every_format_and_where_its_address_ends(wire):
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    assert readme.count(f"`{wire}`") >= 2


# The presets that the data set of prices knows too, some by another name there.
VENDORS = {
    name: vendor
    for vendor in data.providers
    for name, other in {**{n: n for n in PRESETS}, "gemini": "google", "xai": "x-ai"}.items()
    if vendor.id == other and name not in {"openrouter", "azure"}  # no model of their own
}


@pytest.mark.parametrize("name", sorted(VENDORS))
def test_no_default_is_a_model_that_has_ended(name):
    wanted = PRESETS[name].model
    assert wanted
    model = VENDORS[name].find_model(wanted)
    assert model, f"{name} has no {PRESETS[name].model}"
    assert not model.deprecated


def test_options_of_a_model(config):
    models = {"local/smollm2": ModelConfig(options={"temperature": 1, "seed": 7})}
    options = named_model(config(models=models), "local").options
    assert (options["temperature"], options["seed"]) == (1, 7)
    assert (options["top_p"], options["repeat_penalty"]) == (0.9, 1.1)
    assert options["max_tokens"] == 1024
    assert "max_tokens" not in named_model(config(), "local:mine.gguf").options


@pytest.mark.parametrize("name", ["local:small.gguf", "local/small.gguf"])
def test_a_file_of_weights_is_known_by_its_whole_path(config, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    choice = named_model(config(), name)
    assert choice.model == str(tmp_path / "small.gguf")
    assert named_model(config(), choice.full_name).model == choice.model


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("opnai/gpt", "did you mean openai"),
        ("xyzzy", "PROVIDER/MODEL"),
        ("smollm", "did you mean local/smollm2"),
        ("sonnet", "did you mean anthropic/claude-sonnet-5-5, anthropic/claude-sonnet-5 or"),
        ("gpt6-luna", "did you mean openai/gpt-6-luna"),
        ("qwen9:8b", "did you mean ollama/qwen9:8b"),
        ("openai:gpt-4", r"did you mean openai/gpt-4\?"),
        ("OpenAI/gpt-5", "did you mean openai"),
        ("gpt-oss-120b", "write openai/gpt-oss-120b, .* or cerebras/gpt-oss-120b"),
        ("fats", "did you mean fast"),
        ("ollama", "has no default model"),
        ("zzz/m", "hfs help models"),
    ],
)
def test_unknown_names_are_told_with_those_that_are_near(config, name, told):
    with pytest.raises(NotFoundError, match=told) as error:
        named_model(config(aliases={"fast": "groq/x"}), name)
    assert len(error.value.message) < 200


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("gpt-6-luna", "openai/gpt-6-luna"),
        ("GPT-5", "openai/gpt-5"),
        ("claude-sonnet-4-5-20250929", "anthropic/claude-sonnet-4-5-20250929"),
        ("meta-llama/llama-3.3-70b-instruct", "openrouter/meta-llama/llama-3.3-70b-instruct"),
        ("smollm2", "local/smollm2"),
        ("mine", "groq/mine"),
    ],
)
def test_an_id_alone_is_taken_where_one_provider_has_it(config, name, full):
    settings = config(models={"groq/mine": ModelConfig()})
    assert named_model(settings, name).full_name == full


def test_those_that_the_user_has_a_key_for_come_first(config, monkeypatch):
    monkeypatch.setenv("OPENROUTER_API_KEY", "k")
    with pytest.raises(NotFoundError, match=r"did you mean openrouter/.*sonnet"):
        named_model(config(), "sonnet")


def test_an_alias_may_lead_to_another(config):
    settings = config(aliases={"a": "b", "b": "groq/llama", "x": "y", "y": "x"})
    assert named_model(settings, "a").full_name == "groq/llama"
    with pytest.raises(NotFoundError):
        named_model(settings, "x")


def test_what_an_alias_leads_to_is_told_with_the_alias(config):
    settings = config(aliases={"w": "work/m"})
    with pytest.raises(NotFoundError, match=r'no provider "work" \(the alias w\)'):
        named_model(settings, "w")
    with pytest.raises(NotFoundError, match=r"\(from HFS_MODEL, an alias\)"):
        named_model(settings, "w", "from HFS_MODEL")


@pytest.mark.parametrize(
    ("origin", "session", "told"),
    [
        ("HFS_MODEL", None, 'no model "xyzzy" (from HFS_MODEL)'),
        ("config.toml", None, 'no model "xyzzy" (from the configuration)'),
        ("profile work", None, 'no model "xyzzy" (from profile work)'),
        ("HFS_MODEL", "nosuch/m", 'no provider "nosuch" (the session\'s own)'),
    ],
)
def test_where_an_unknown_name_comes_from_is_told(config, tmp_path, origin, session, told):
    origin = str(tmp_path / origin) if origin == "config.toml" else origin
    settings = config(model="xyzzy", origins={"model": origin})
    with pytest.raises(NotFoundError) as error:
        choose_model(settings, {}, None, session)
    assert error.value.message.startswith(told)


@pytest.mark.parametrize(
    ("own", "told"),
    [
        (ProviderConfig("x", base_url="https://x/v1"), "type must be one of"),
        (ProviderConfig("x", type="opnai", base_url="https://x/v1"), "type must be one of"),
        (ProviderConfig("x", type="openai"), "base_url is missing"),
        (ProviderConfig("x", type="openai", base_url="ftp://x"), "base_url must be"),
        (ProviderConfig("azure"), "base_url is missing"),
        (ProviderConfig("x", type="openai", base_url="https://u:p@x/v1"), "no password"),
    ],
)
def test_settings_that_cannot_be_used(config, own, told):
    with pytest.raises(ConfigError, match=told):
        provider_settings(config(providers={own.name: own}), own.name)


def test_a_preset_is_overridden_piece_by_piece(config):
    own = ProviderConfig("openai", base_url="https://gateway.example/v1/", headers={"x-team": "a"})
    settings = provider_settings(config(providers={"openai": own}), "openai")
    assert settings.base_url == "https://gateway.example/v1"
    assert settings.headers == {"x-team": "a"}
    assert settings.key.env_var == "OPENAI_API_KEY"
    assert not settings.key.required


@pytest.mark.parametrize("name", PRESETS)
def test_each_preset_can_be_used(config, name):
    base_url = "https://azure.example" if name == "azure" else None
    own = ProviderConfig(name, base_url=base_url)
    settings = provider_settings(config(providers={name: own}), name)
    assert settings.type == "local" or load_format(settings.type).name == settings.type
    assert settings.docs or name == "local"
    assert settings.key.env_var or not settings.key.required
    assert settings.key.required or not settings.base_url.startswith("https") or base_url


@pytest.mark.parametrize(
    "model",
    ["x/../../v2/evil", "..", "a/./b", "a\r\nX-Evil: 1", "a\0b", "a\x1b[2J", "a\u202eb", "x" * 301],
)
def test_what_cannot_be_a_model_is_refused_before_anything_is_built(config, model):
    with pytest.raises(UsageError, match="cannot be a model") as caught:
        choose_model(config(providers={"home": HOME}), {}, f"home/{model}", None)
    assert "\x1b" not in caught.value.message


@pytest.mark.parametrize(
    "model",
    ["ft:gpt-4o:org::id", "meta-llama/Llama-3.3", "hf.co/a/b:Q4_K_M", "@cf/x/y", "a b", "é"],
)
def test_ids_that_vendors_have_are_taken(config, model):
    choice = choose_model(config(providers={"home": HOME}), {}, f"home/{model}", None)
    assert choice.model == model


@pytest.mark.parametrize(
    "base_url",
    [
        "http://[",
        "http://[::1",
        "http://x\0/v1",
        "http://x y/v1",
        "http://x/v1\n",
        "http://",
        "http://:8000/v1",
        "http://x:99999999/v1",
        "http://x:port/v1",
        "http://a..b/v1",
        f"http://{'a' * 64}.example/v1",
        f"http://{'a.' * 200}example/v1",
        "http://ex%41mple/v1",
        "http://-\u202e/v1",
        "http://a/\x1b[2J",
    ],
)
def test_an_address_that_nobody_has_is_a_fault_of_the_configuration(config, base_url):
    own = ProviderConfig("x", type="openai", base_url=base_url)
    with pytest.raises(ConfigError, match=r"\[providers.x\] of .*: base_url"):
        provider_settings(config(providers={"x": own}), "x")


@pytest.mark.parametrize(
    "base_url",
    ["http://[::1]:8000/v1", "http://bücher.example/v1", "http://a_b/v1", "https://x./v1"],
)
def test_an_unusual_address_is_one(config, base_url):
    own = ProviderConfig("x", type="openai", base_url=base_url)
    assert provider_settings(config(providers={"x": own}), "x").base_url == base_url


@pytest.mark.parametrize(
    "headers", [{"X-Team": "ü"}, {"X-Team": "a\r\nb"}, {"X Team": "a"}, {"": "a"}, {"X": "a\0"}]
)
def test_headers_that_cannot_be_sent_are_a_fault_of_the_configuration(config, headers):
    own = ProviderConfig("x", type="openai", base_url="http://x/v1", headers=headers)
    with pytest.raises(ConfigError, match="headers"):
        provider_settings(config(providers={"x": own}), "x")


def test_thoughts_in_tags_are_looked_for_on_this_machine_or_where_it_is_said(config):
    def tags(base_url, think_tags=None):
        own = ProviderConfig("x", type="openai", base_url=base_url, think_tags=think_tags)
        return provider_settings(config(providers={"x": own}), "x").quirks.think_tags

    assert tags("http://127.0.0.1:8000/v1")
    assert not tags("http://127.0.0.1:8000/v1", think_tags=False)
    assert not tags("https://llm.example/v1")
    assert tags("https://llm.example/v1", think_tags=True)


def test_googles_other_variable_is_geminis_key_and_no_reason_to_choose_it(config):
    from hfs_cli.config.keys import find_key

    env = {"GOOGLE_API_KEY": "k", "GROQ_API_KEY": "k"}
    assert choose_model(config(), env).provider.name == "groq"
    source = provider_settings(config(), "gemini").key
    found = find_key(source, env, config().file, print)
    assert found is not None
    assert (found.value, found.origin) == ("k", "environment (GOOGLE_API_KEY)")
    both = find_key(source, {**env, "GEMINI_API_KEY": "own"}, config().file, print)
    assert both is not None
    assert both.value == "own"
