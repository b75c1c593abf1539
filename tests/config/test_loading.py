"""Where settings come from, and what is refused."""

import pytest

from hfs_cli.config import load_config
from hfs_cli.errors import ConfigError, UsageError


@pytest.fixture
def load(tmp_path):
    def load(text="", *, env=None, flags=None):
        file = tmp_path / "config.toml"
        file.write_text(text)
        return load_config(
            {"HFS_CONFIG": str(file), "HFS_DATA_DIR": str(tmp_path), **(env or {})}, flags
        )

    return load


def test_without_a_file_each_setting_has_its_default(load):
    config = load()
    assert (config.idle_timeout, config.retries, config.timeout) == (120, 2, None)
    assert (config.stream, config.save, config.render) == (True, True, "auto")
    assert config.checkpoint_retention == 10


def test_flag_beats_environment_beats_profile_beats_file(load):
    text = 'model = "file"\n[profiles.p]\nmodel = "profile"\n'
    layers = [
        ({}, None, "file"),
        ({"HFS_PROFILE": "p"}, None, "profile"),
        ({"HFS_PROFILE": "p", "HFS_MODEL": "env"}, None, "env"),
        ({"HFS_PROFILE": "p", "HFS_MODEL": "env"}, {"model": "flag"}, "flag"),
    ]
    for env, flags, expected in layers:
        assert load(text, env=env, flags=flags).model == expected


def test_each_value_says_where_it_came_from(load):
    config = load("retries = 1\n", env={"HFS_MODEL": "a/b"}, flags={"timeout": 3})
    assert config.origins["model"] == "HFS_MODEL"
    assert config.origins["timeout"] == "--timeout"
    assert config.origins["retries"].endswith("config.toml")
    assert "render" not in config.origins


def test_providers_aliases_and_models_are_read(load):
    config = load(
        """
        [providers.work]
        type = "openai"
        base_url = "http://127.0.0.1:1/v1"
        api_key_cmd = ["pass", "show", "work"]
        headers = { "x-team" = "a" }
        [aliases]
        fast = "work/small"
        [models."work/small"]
        input_price = 0.5
        options = { temperature = 0.1 }
        """
    )
    assert config.providers["work"].api_key_cmd == ("pass", "show", "work")
    assert config.providers["work"].headers == {"x-team": "a"}
    assert config.aliases == {"fast": "work/small"}
    assert config.models["work/small"].options == {"temperature": 0.1}


def test_a_flag_that_cannot_be_used_is_a_usage_error(load):
    with pytest.raises(UsageError, match="--retries"):
        load(flags={"retries": 99})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("modle = 'x'", "did you mean model?"),
        ("[providers.x]\nbase_ulr = 'x'", "did you mean base_url?"),
        ("[aliases]\ngpt-4.1 = 'x/y'", r'quoted, aliases\."gpt-4\.1"'),
        ("[aliases]\nfast = {}", "alias fast .* must be a string"),
        ("temperature = 0.5", r'profiles\.NAME\.temperature, or models\."PROVIDER/MODEL"\.opt'),
        ("max_tokens = 5", r"profiles\.NAME\.max-tokens, or .*options\.max_tokens"),
        ("quiet = true", r"option of a turn: set profiles\.NAME\.quiet$"),
        ("model = 3", "model .* must be a string"),
        ('[providers.x]\ntype = "openia"', "type .* must be one of openai, responses, anthropic"),
        ("timeout = 0", "above 0"),
        ("timeout = inf", "above 0"),
        ("timeout = true", "above 0"),
        ("retries = -1", "from 0 to 10"),
        ("stream = 3", "true or false"),
        ("render = 'fancy'", "one of auto, markdown, plain"),
        ("providers = 3", "must be a table"),
        ("[providers.x]\nheaders = 3", "table of strings"),
        ("model = ", "not valid TOML"),
        ("a" * 1_000_001, "over 1 MB"),
        ("x = " + "[" * 5000, "not valid TOML"),
        ("x = " + "9" * 5000, "not valid TOML"),
        (".".join("a" * 20_000) + " = 1", "key of over 50 parts"),
        ("x = {" + " . ".join(["'a'"] * 20_000) + " = 1}", "key of over 50 parts"),
        ("retries = 11", "from 0 to 10"),
        ("timeout = 1e300", "above 0 and up to"),
        ("[profiles.p]\nretries = -1", "from 0 to 10"),
    ],
)
def test_a_bad_file_is_refused_with_a_hint(load, text, says):
    with pytest.raises(ConfigError, match=says):
        load(text)


def test_an_unknown_profile_lists_those_there_are(load):
    with pytest.raises(ConfigError, match=r"no profile 'x'.*it has p"):
        load("[profiles.p]\n", env={"HFS_PROFILE": "x"})


def test_the_profile_of_the_command_line_beats_that_of_the_variable(load):
    text = "[profiles.a]\nretries = 1\n[profiles.b]\nretries = 3\n"
    config = load(text, env={"HFS_PROFILE": "a"}, flags={"profile": "b", "timeout": None})
    assert (config.retries, config.profile) == (3, "b")
    with pytest.raises(ConfigError, match="no profile 'x'"):
        load(text, flags={"profile": "x"})


def test_a_bad_variable_is_named(load):
    with pytest.raises(ConfigError, match="HFS_TIMEOUT"):
        load(env={"HFS_TIMEOUT": "soon"})
    with pytest.raises(ConfigError, match="HFS_RETRIES"):
        load(env={"HFS_RETRIES": "9" * 5000})


def test_an_unreadable_file_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="is a directory"):
        load_config({"HFS_CONFIG": str(tmp_path), "HFS_DATA_DIR": str(tmp_path)})


def test_headers_that_others_can_read_are_warned_about(tmp_path, capsys):
    file = tmp_path / "config.toml"
    env = {"HFS_CONFIG": str(file), "HFS_DATA_DIR": str(tmp_path)}
    file.write_text("[providers.x.headers]\nx-secret = 'canary'\n")
    file.chmod(0o600)
    load_config(env)
    assert capsys.readouterr().err == ""
    file.chmod(0o644)
    load_config(env)
    warning = capsys.readouterr().err
    assert "chmod 600" in warning
    assert "canary" not in warning
    file.write_text("model = 'x'\n")
    load_config(env)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("box", "http://box:11434"),
        (" box:1234/ ", "http://box:1234"),
        (":1234", "http://127.0.0.1:1234"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:1234", "http://127.0.0.1:1234"),
        ("http://box", "http://box"),
        ("https://box/ollama", "https://box/ollama"),
        ("[::1]", "http://[::1]:11434"),
        ("[::1]:1234", "http://[::1]:1234"),
    ],
)
def test_ollama_is_where_its_own_variable_says(load, host, url):
    assert load(env={"OLLAMA_HOST": host}).providers["ollama"].base_url == url


def test_the_file_beats_ollamas_own_variable(load):
    text = '[providers.ollama]\nbase_url = "http://mine:1"\n'
    assert load(text, env={"OLLAMA_HOST": "box"}).providers["ollama"].base_url == "http://mine:1"
    kept = load('[providers.ollama]\nmodel = "m"\n', env={"OLLAMA_HOST": "box"}).providers["ollama"]
    assert (kept.model, kept.base_url) == ("m", "http://box:11434")
    assert load(env={"OLLAMA_HOST": " "}).providers == {}


@pytest.mark.parametrize(
    ("words", "value"),
    [("true yes on 1 TRUE", True), ("false no off 0 False", False)],
)
def test_a_yes_and_a_no_have_several_words(load, words, value):
    for word in words.split():
        assert load(env={"HFS_SAVE": word}).save is value


@pytest.mark.parametrize("daily", ["-1", "1e12", "nan", "'much'", "'2'"])
def test_a_budget_is_an_amount(load, daily):
    with pytest.raises(ConfigError, match="daily"):
        load(f"[budget]\ndaily = {daily}\n")
