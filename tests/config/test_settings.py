"""What is declared of each setting is true."""

from __future__ import annotations

import tomllib

import pytest

from hfs_cli.config.origins import all_settings
from hfs_cli.config.settings import TABLES

DECLARED = {setting.key: setting for setting in all_settings()}


@pytest.mark.parametrize("key", DECLARED)
def test_the_example_is_read_and_the_help_is_a_sentence(key):
    setting = DECLARED[key]
    ((name, value),) = tomllib.loads(setting.example).items()
    assert name == setting.name or key == "aliases.NAME"
    assert setting.parse(value) is not None
    assert setting.help[0].isupper() or setting.help[:1] == "["
    assert setting.help.endswith(".")


@pytest.mark.parametrize("key", DECLARED)
def test_a_default_is_a_value_that_may_be_set(key):
    setting = DECLARED[key]
    if setting.default is not None:
        assert setting.parse(setting.default) == setting.default


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
