"""What is declared of each setting is true."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import hfs_cli
from hfs_cli.config.origins import all_settings
from hfs_cli.config.settings import (
    PROFILE_SETTINGS,
    TABLES,
    Config,
    ModelConfig,
    ProviderConfig,
    declared,
)

DECLARED = {setting.key: setting for setting in all_settings()}


@pytest.mark.parametrize("key", DECLARED)
def test_the_example_is_read_and_the_help_is_a_sentence(key):
    setting = DECLARED[key]
    ((name, value),) = tomllib.loads(setting.example).items()
    assert key.endswith(f".{name}") or key in {name, "aliases.NAME"}
    assert setting.parse(value) is not None
    assert setting.help[0].isupper() or setting.help[:1] == "["
    assert setting.help.endswith(".")


@pytest.mark.parametrize("key", DECLARED)
def test_a_default_is_a_value_that_may_be_set(key):
    setting = DECLARED[key]
    if setting.default is not None:
        assert setting.parse(setting.default) == setting.default


@pytest.mark.parametrize("owner", [Config, ProviderConfig, ModelConfig])
def test_each_setting_is_asked_for_somewhere(owner):
    package = Path(hfs_cli.__file__).parent
    declares = package / "config" / "settings.py"
    read = {
        name
        for file in package.rglob("*.py")
        if file != declares
        for name in re.findall(r"\.(\w+)", file.read_text("utf-8"))
    }
    # What the settings' own module makes of one is asked for by a name of its own.
    read |= set(re.findall(r"self\.(\w+)", declares.read_text("utf-8")))
    assert set(declared(owner)) <= read


def test_what_is_in_a_table_has_no_variable():
    for key, setting in DECLARED.items():
        assert (setting.variable is None) == ("." in key)


def test_every_table_is_declared():
    assert {key.partition(".")[0] for key in DECLARED if "." in key} | {"profiles"} == set(TABLES)


def test_profiles_are_listed_read_and_completed(hfs):
    hfs.ok("config", "set", "profiles.work.render", "plain")
    assert hfs.ok("config", "get", "profiles.work.render") == "plain\n"
    assert "profiles.work.render\tplain\t" in hfs.ok("config", "list")
    assert "profiles.work.timeout" in hfs.ok("__complete", "settings", "profiles.")
    assert hfs.ok("config", "get", "render", env={"HFS_PROFILE": "work"}) == "plain\n"


@pytest.mark.parametrize(
    ("name", "given", "read"),
    [
        ("timeout", "2.5", 2.5),
        ("timeout", 1_000_000, 1_000_000.0),
        ("retries", "0", 0),
        ("stream", "No", False),
        ("stream", "on", True),
        ("tool", "look", ("look",)),
        ("tool", ["look", "files:read"], ("look", "files:read")),
        ("tool", [], ()),
        ("database", "postgres://host/db", "postgresql://host/db"),
    ],
)
def test_a_value_is_read_as_what_it_is(name, given, read):
    assert PROFILE_SETTINGS[name].parse(given) == read


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("timeout", bad) for bad in (0, -5, "-5", 1_000_001, "inf", "nan", True, "soon", [1])),
        *(("retries", bad) for bad in (-1, "-1", 1.0, True, "1.5", "\u0663", 10**30)),
        *(("stream", bad) for bad in ("maybe", 1, 0, "", None)),
        *(("tool", bad) for bad in ([1], [""], ["look", ""], "", 7, {"look": 1})),
        *(("render", bad) for bad in ("Plain", "", 1)),
        *(("max_cost", bad) for bad in (0, -1, 1e12, "nan", False)),
        *(("database", bad) for bad in ("hfs.db", "mysql://host/db", 7, "~nobody-here/x")),
    ],
)
def test_what_is_not_a_value_is_refused_with_what_was_expected(name, value):
    setting = PROFILE_SETTINGS[name]
    with pytest.raises(ValueError, match="^" + re.escape(setting.kind.expects) + "$"):
        setting.parse(value)
