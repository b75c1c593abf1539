"""Templates are files of TOML; what stands in them is read, found and filled in."""

from pathlib import Path

import pytest

from hfs_cli.config.templates import (
    directory_of,
    find_template,
    own_file,
    placeholders,
    read_template,
    substituted,
    template_files,
)
from hfs_cli.errors import ConfigError, NotFoundError, UsageError


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "templates").mkdir()
    return directory_of(tmp_path / "config.toml")


def test_all_that_a_file_may_hold_is_read(directory):
    (directory / "mine.toml").write_text(
        'description = "Says it."\nprompt = """\n\nSay $what.\n"""\nsystem = "in $tongue"\n'
        'temperature = 0.5\n[defaults]\nwhat = "it"\ntimes = 2\nloud = true\n'
    )
    found = find_template("mine", directory)
    assert (found.name, found.description, found.built_in) == ("mine", "Says it.", False)
    assert (found.prompt, found.system) == ("Say $what.", "in $tongue")
    assert found.defaults == {"what": "it", "times": "2", "loud": "true"}
    assert found.options == {"temperature": 0.5}


def test_a_file_may_hold_little(directory):
    (directory / "bare.toml").write_text('system = "x"\n')
    found = read_template(directory / "bare.toml")
    assert (found.description, found.prompt, found.defaults, found.options) == ("", None, {}, {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prompt = 1\n", "prompt in .* must be a string"),
        ("description = ['x']\n", "description in .* must be a string"),
        ("defaults = 'x'\n", "defaults in .* must be a table of strings or numbers"),
        ("[defaults]\na = [1]\n", "defaults in .* must be a table of strings or numbers"),
        ("prompt = \n", "bad.toml"),
    ],
)
def test_what_is_not_a_template_is_refused(directory, text, said):
    (directory / "bad.toml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        find_template("bad", directory)


def test_a_template_of_ones_own_hides_the_one_that_comes_with_hfs(directory):
    built_in = [name for name, _ in template_files(None)]
    assert built_in == sorted(built_in)
    name = built_in[0]
    assert find_template(name, directory).built_in
    (directory / f"{name}.toml").write_text('prompt = "mine"\n')
    (directory / "-x.toml").write_text('prompt = "no name"\n')
    (directory / "aaa.toml").write_text('prompt = "first"\n')
    assert find_template(name, directory).prompt == "mine"
    assert find_template(name, directory, built_in=True).built_in
    listed = dict(template_files(directory))
    assert list(listed) == sorted([*built_in, "aaa"])
    assert listed[name] == own_file(name, directory)


def test_a_path_names_a_file_and_a_name_never_does(directory, monkeypatch):
    (directory / "mine.toml").write_text('prompt = "x"\n')
    monkeypatch.chdir(directory)
    assert find_template("mine.toml", Path("elsewhere")).prompt == "x"
    assert find_template("./mine.toml", Path("elsewhere")).prompt == "x"
    with pytest.raises(NotFoundError, match="the file is not there"):
        find_template("./absent.toml", directory)
    with pytest.raises(ConfigError, match=r"cannot read .*: File name too long"):
        find_template(f"{'long' * 100}.toml", directory)
    with pytest.raises(NotFoundError, match=r'no template "mien".*mine'):
        find_template("mien", directory)
    with pytest.raises(NotFoundError, match="hfs templates list shows all"):
        find_template("quite another", directory)


@pytest.mark.parametrize("name", ["", "-x", ".x", "a b", "ü", "x" * 101, "a:b", "a\n"])
def test_a_name_that_no_template_can_have_is_refused(directory, name):
    with pytest.raises(UsageError, match="letters, digits, - _ and"):
        own_file(name, directory)


def test_a_name_may_have_each_of_its_signs(directory):
    for name in ("a", "a-b_c.d", "9", "x" * 100):
        assert own_file(name, directory) == directory / f"{name}.toml"


def test_placeholders_are_told_once_in_order():
    text = "$b ${a} $b $$c $ 5 $9 ${} ${not one} $_d_1. costs $5"
    assert placeholders(text) == ["b", "a", "_d_1"]


def test_values_stand_in_their_places_as_they_are():
    values = {"a": "$b", "b": "\\1 ü", "input": "piped"}
    assert substituted("${a}x $b $$a $5 $input", values, "t") == "$bx \\1 ü $a $5 piped"


@pytest.mark.parametrize(
    ("text", "record", "said"),
    [
        ("$a", False, "the template t needs a value for a: pass -p a VALUE"),
        ("$input", False, "the template t needs an input: pipe it in, or give a prompt"),
        (
            "$a",
            True,
            "the template t needs a value for a: give the record a field of that name, or",
        ),
    ],
)
def test_a_value_that_is_missing_is_told_with_how_to_give_it(text, record, said):
    with pytest.raises(UsageError) as failed:
        substituted(text, {"b": "x"}, "t", record=record)
    assert failed.value.message.startswith(said)
