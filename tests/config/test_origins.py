"""Every setting is shown with where it came from, and no credential with it."""

from pathlib import Path

import pytest

from hfs_cli.config import load_config
from hfs_cli.config.origins import rows, shown

FILE = """
model = "p/m"
[aliases]
fast = "p/small"
[profiles.work]
retries = 5
[budget]
daily = 2.5
[providers.p]
type = "openai"
base_url = "https://p.example/v1"
api_key_cmd = "printf sk-canary-0123456789 and more"
[providers.p.headers]
X-Team = "secret"
[providers.p.query]
api_key = "sk-canary-0123456789"
version = "1"
[models."p/m"]
input_price = 2.0
"""


@pytest.fixture
def told(tmp_path):
    def told(text="", **env):
        file = tmp_path / "config.toml"
        file.write_text(text)
        config = load_config({"HFS_CONFIG": str(file), "HFS_DATA_DIR": str(tmp_path), **env})
        return {row.key: (row.value, row.origin.replace(str(file), "FILE")) for row in rows(config)}

    return told


def test_settings_of_every_turn_are_there_whether_or_not_they_are_set(told, tmp_path):
    bare = told()
    assert bare["retries"] == (2, "default")
    assert bare["model"] == (None, "default")
    assert bare["data_dir"] == (tmp_path, "HFS_DATA_DIR")
    assert (bare["profile"][1], bare["session"][1]) == ("default", "default")
    assert not any("." in key for key in bare)
    given = told(FILE, HFS_SESSION="talk", HFS_PROFILE="work", HFS_RETRIES="3")
    assert given["session"] == ("talk", "HFS_SESSION")
    assert given["profile"][1] == "HFS_PROFILE"
    assert given["retries"] == (3, "HFS_RETRIES")
    assert told(FILE, HFS_PROFILE="work")["retries"] == (5, "profile work")


def test_the_tables_of_the_file_are_told_key_by_key_without_credentials(told):
    found = {key: row for key, row in told(FILE).items() if row[1] == "FILE"}
    assert found == {
        "model": ("p/m", "FILE"),
        "budget.daily": (2.5, "FILE"),
        "profiles.work.retries": (5, "FILE"),
        "aliases.fast": ("p/small", "FILE"),
        "providers.p.type": ("openai", "FILE"),
        "providers.p.base_url": ("https://p.example/v1", "FILE"),
        "providers.p.api_key_cmd": ("printf …", "FILE"),
        "providers.p.query": ({"api_key": "…", "version": "1"}, "FILE"),
        "providers.p.headers.X-Team": ("…", "FILE"),
        'models."p/m".input_price': (2.0, "FILE"),
    }


def test_programs_and_servers_are_told_too(told):
    text = '[tools.look]\ncommand = ["ls", "-l"]\n[mcp.files]\ncommand = "serve"\n'
    found = {key: value for key, (value, origin) in told(text).items() if origin == "FILE"}
    assert {key.rpartition(".")[0] for key in found} == {"tools.look", "mcp.files"}
    assert list(found["tools.look.command"]) == ["ls", "-l"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("as it is", "as it is"),
        (Path("/data"), "/data"),
        (True, "true"),
        (2.5, "2.5"),
        ({"ü": "x"}, '{"ü": "x"}'),
        (["a", 1], '["a", 1]'),
    ],
)
def test_a_value_is_printed_as_text_or_as_json(value, text):
    assert shown(value) == text


def test_how_a_database_is_logged_in_to_is_not_told(told):
    text = 'database = "postgresql://me@host/db"\ndatabase_cmd = "printf secret"\n'
    given = told(text, HFS_DATABASE="postgresql://me:secret@host/db")
    assert given["database"] == ("postgresql://me@host/db", "HFS_DATABASE")
    assert given["database_cmd"] == ("printf …", "FILE")


def test_which_tools_run_is_told_where_a_profile_says_so(told):
    assert "tool" not in told('[profiles.work]\ntool = ["look"]\n')
    given = told('[profiles.work]\ntool = ["look"]\n', HFS_PROFILE="work")
    assert given["tool"] == (("look",), "profile work")
