"""Changing the file keeps what the user wrote."""

import tomllib

import pytest

from hfs_cli.config.editing import set_value, unset_value
from hfs_cli.errors import ConfigError, NotFoundError, UsageError


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("HFS_DATA_DIR", str(tmp_path))
    return tmp_path / "sub" / "config.toml"


def test_the_file_is_made_owner_only(file):
    set_value(file, "model", "openai/gpt-5")
    assert file.read_text() == 'model = "openai/gpt-5"\n'
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_comments_and_order_survive(file):
    file.parent.mkdir()
    file.write_text("# mine\nretries = 1  # few\n\n[aliases]\n# short names\nfast = 'a/b'\n")
    set_value(file, "retries", "2")
    set_value(file, "aliases.slow", "c/d")
    assert file.read_text() == (
        "# mine\nretries = 2  # few\n\n[aliases]\n# short names\nfast = 'a/b'\nslow = \"c/d\"\n"
    )


def test_a_file_of_comments_only_keeps_them(file):
    file.parent.mkdir()
    file.write_text("# nothing yet\n")
    set_value(file, "model", "a/b")
    assert "# nothing yet" in file.read_text()


def test_nested_tables_and_quoted_keys(file):
    set_value(file, "providers.work.base_url", "http://127.0.0.1/v1")
    set_value(file, "providers.work.type", "openai")
    set_value(file, 'models."work/m.1".input_price', "0.5")
    text = file.read_text()
    assert '[providers.work]\nbase_url = "http://127.0.0.1/v1"\ntype = "openai"\n' in text
    assert '[models."work/m.1"]\ninput_price = 0.5\n' in text


def test_a_value_that_would_break_the_file_changes_nothing(file):
    set_value(file, "retries", "1")
    before = file.read_bytes()
    for key, value in [("retries", "many"), ("nonsense", "1"), ("stream", "3")]:
        with pytest.raises(ConfigError, match="not set"):
            set_value(file, key, value)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("key", ["", "a b", "a..b", "a = 1\nb", "="])
def test_a_malformed_key_is_refused(file, key):
    with pytest.raises(UsageError, match="is not a key"):
        set_value(file, key, "1")


def test_a_value_is_not_taken_for_a_table(file):
    set_value(file, "model", "x")
    with pytest.raises(UsageError, match="is a value, not a table"):
        set_value(file, "model.x", "1")


def test_a_symlinked_file_stays_a_symlink(file, tmp_path):
    target = tmp_path / "dotfiles.toml"
    target.write_text("retries = 1\n")
    file.parent.mkdir()
    file.symlink_to(target)
    set_value(file, "retries", "2")
    assert file.is_symlink()
    assert target.read_text() == "retries = 2\n"


@pytest.mark.parametrize("words", ["42", "true", "2026-01-01", "[a]", "it's"])
def test_a_setting_that_is_a_string_takes_the_words_as_they_are(file, words):
    set_value(file, "system", words)
    set_value(file, "aliases.x", words)
    document = tomllib.loads(file.read_text())
    assert (document["system"], document["aliases"]["x"]) == (words, words)


def test_a_setting_is_removed_and_the_rest_stays(file):
    file.parent.mkdir()
    file.write_text("# mine\nretries = 1\nsave = true  # yes\n\n[aliases]\n# short\na = 'b/c'\n")
    unset_value(file, "retries")
    unset_value(file, "aliases.a")
    assert file.read_text() == "# mine\nsave = true  # yes\n\n[aliases]\n# short\n"


@pytest.mark.parametrize("key", ["retries", "aliases.x", "model.x", "providers.a.type"])
def test_what_is_not_set_cannot_be_removed(file, key):
    with pytest.raises(NotFoundError, match="is not set in"):
        unset_value(file, key)
    set_value(file, "model", "x")
    with pytest.raises(NotFoundError, match="is not set in"):
        unset_value(file, key)
    assert file.read_text() == 'model = "x"\n'


def test_an_alias_that_leads_back_to_itself_is_refused(file):
    set_value(file, "aliases.a", "b")
    for name, target in [("b", "a"), ("c", "c")]:
        with pytest.raises(UsageError, match="back to itself"):
            set_value(file, f"aliases.{name}", target)
    assert file.read_text() == '[aliases]\na = "b"\n'


def test_a_new_table_stands_apart_and_an_empty_one_goes(file):
    set_value(file, "retries", "1")
    set_value(file, "providers.work.base_url", "http://127.0.0.1/v1")
    set_value(file, "providers.home.base_url", "http://127.0.0.1/v1")
    set_value(file, "profiles.p.model", "42")
    assert file.read_text() == (
        'retries = 1\n\n[providers.work]\nbase_url = "http://127.0.0.1/v1"\n\n'
        '[providers.home]\nbase_url = "http://127.0.0.1/v1"\n\n[profiles.p]\nmodel = "42"\n'
    )
    unset_value(file, "providers.work.base_url")
    unset_value(file, "profiles.p.model")
    unset_value(file, "providers.home")
    assert file.read_text().strip() == "retries = 1"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("retries", "99"),
        ("retries", "9" * 5000),
        ("timeout", "1e300"),
        ("checkpoint_retention", "9223372036854775808"),
        ("profiles.p.retries", "99"),
        ("profiles.p.nonsense", "1"),
        ("profiles.p.timeout", "-5"),
        ("profiles.p", "5"),
    ],
)
def test_a_value_out_of_range_is_refused_also_in_a_profile(file, key, value):
    with pytest.raises(ConfigError, match="not set"):
        set_value(file, key, value)
    assert not file.exists()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("stream = false\n", ""),
        ("stream = false\ntimeout = 5", "timeout = 5"),
        ("timeout = 5\n\n# why\nstream = false\n", "timeout = 5\n\n# why\n"),
    ],
)
def test_removing_a_setting_adds_nothing_to_the_file(file, before, after):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(before)
    unset_value(file, "stream")
    assert file.read_text() == after
