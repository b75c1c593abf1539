"""Tab, pressed in bash (with and without bash-completion), zsh and fish."""

from __future__ import annotations

import pytest

from hfs_cli.cli import hfs
from hfs_cli.completion.tree import read_tree
from tests.completion.conftest import EVIL
from tests.completion.shells import SHELLS, open_shell
from tests.store.places import open_place
from tests.store.talking import Talk


@pytest.mark.parametrize(
    ("typed", "arguments"),
    [
        ("hfs cha", ["chat"]),
        ("hfs sessions sh", ["sessions", "show"]),
        ("hfs chat --conti", ["chat", "--continue"]),
        ("hfs chat --format jsonl", ["chat", "--format", "jsonl"]),
        ("hfs chat --render=m", ["chat", "--render=markdown"]),
        ("hfs chat --no-save hello --dr", ["chat", "--no-save", "hello", "--dry-run"]),
        ("hfs chat -o top_p 0.9 --no-sav", ["chat", "-o", "top_p", "0.9", "--no-save"]),
        ("hfs completion fi", ["completion", "fish"]),
        ("hfs help exi", ["help", "exit-codes"]),
        ("hfs help compl", ["help", "completion"]),
        ("hfs help sessions exit", ["help", "sessions", "exit"]),
        # Given once, an option that cannot repeat is not offered again.
        ("hfs chat --no-save --no-sa", ["chat", "--no-save", "--no-sa"]),
        # After -- there are no options.
        ("hfs chat -- --no-sa", ["chat", "--", "--no-sa"]),
    ],
)
def test_what_is_fixed_is_completed_without_starting_python(shell, typed, arguments):
    before = shell.starts
    assert shell.completed(typed) == arguments
    assert shell.starts == before


@pytest.mark.parametrize("name", EVIL, ids=[name[:2] for name in EVIL])
def test_a_name_arrives_as_it_is(shell, name):
    assert shell.completed(f"hfs resume {name[:2]}") == ["resume", name]


@pytest.mark.parametrize("name", EVIL, ids=[name[:2] for name in EVIL])
@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_name_arrives_as_it_is_within_an_open_quote(shell, name, quote):
    assert shell.completed(f"hfs resume {quote}{name[:2]}") == ["resume", name]


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("\\$dol", "$dollar first"),
        ("'$dol", "$dollar first"),
        ("\\'quo", "'quote first"),
        ("\\~til", "~tilde"),
        ("release\\ no", "release notes"),
        ("'release no", "release notes"),
        ('"release no', "release notes"),
        ("qj\\ key=val", EVIL[9]),
        ("qj\\ key=value:po", EVIL[9]),
        ("qj\\ key=value:port@ho", EVIL[9]),
        ("qp\\ :starts", EVIL[15]),
    ],
)
def test_the_beginning_may_be_quoted_as_the_shell_allows(shell, typed, name):
    assert shell.completed(f"hfs resume {typed}") == ["resume", name]


@pytest.mark.parametrize(
    ("typed", "arguments"),
    [
        ("hfs chat -S rel", ["chat", "-S", "release notes"]),
        ("hfs chat --session rel", ["chat", "--session", "release notes"]),
        ("hfs chat --session=rel", ["chat", "--session=release notes"]),
        ("hfs chat -q -S rel", ["chat", "-q", "-S", "release notes"]),
        ("hfs rename rel", ["rename", "release notes"]),
        ("hfs rename 3 rel", ["rename", "3", "rel"]),
        ("hfs delete 3 rel", ["delete", "3", "release notes"]),
        ("hfs sessions show rel", ["sessions", "show", "release notes"]),
        ("hfs resume @last~1", ["resume", "@last~1"]),
        ("hfs resume 21", ["resume", "21"]),
        ("hfs chat -m openai/", ["chat", "-m", "openai/gpt-6-luna"]),
        ("hfs config get checkp", ["config", "get", "checkpoint_retention"]),
        ("hfs config set render m", ["config", "set", "render", "markdown"]),
        (
            "hfs config set providers.box.type an",
            ["config", "set", "providers.box.type", "anthropic"],
        ),
        ("hfs config set model openai/", ["config", "set", "model", "openai/gpt-6-luna"]),
        ("hfs models pull qwen3-1", ["models", "pull", "qwen3-1.7b"]),
        ("hfs chat -t translate -p t", ["chat", "-t", "translate", "-p", "to"]),
        ("hfs batch -t translate --param t", ["batch", "-t", "translate", "--param", "to"]),
        ("hfs config set retries a", ["config", "set", "retries", "a"]),
        # A placeholder of a template and an option of a model are not settings.
        ("hfs chat -p render m", ["chat", "-p", "render", "m"]),
        ("hfs chat -o render m", ["chat", "-o", "render", "m"]),
        ("hfs chat nothing", ["chat", "nothing"]),
    ],
)
def test_each_place_completes_what_it_takes(shell, typed, arguments):
    assert shell.completed(typed) == arguments


@pytest.mark.parametrize(
    "line",
    ["hfs chat -S rel --at ", "hfs chat --session=rel -q --at=", "hfs sessions fork 21 --at "],
)
def test_the_messages_of_a_session_are_shown_by_their_numbers(shell, line):
    assert "assistant: !" in shell.shows(line, "user: ?")


def test_profiles_are_those_of_the_configuration(shell):
    config = shell.home / ".config/hfs/config.toml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text("[profiles.work]\nretries = 1\n")
    try:
        assert shell.completed("hfs chat --profile wo") == ["chat", "--profile", "work"]
    finally:
        config.unlink()


def test_bash_need_not_divide_words_at_other_signs(shell):
    if shell.kind != "bash":
        pytest.skip("a matter of bash")
    shell.ran("breaks=$COMP_WORDBREAKS; COMP_WORDBREAKS=${COMP_WORDBREAKS//[=:@]/}; hfs")
    try:
        assert shell.completed("hfs chat --render=m") == ["chat", "--render=markdown"]
        assert shell.completed("hfs chat --session=rel") == ["chat", "--session=release notes"]
        assert shell.completed("hfs resume qj\\ key=value:po") == ["resume", EVIL[9]]
        assert shell.completed("hfs resume @last~1") == ["resume", "@last~1"]
    finally:
        shell.ran("COMP_WORDBREAKS=$breaks; hfs")


OPTIONS = [
    name
    for command in read_tree(hfs).walk()
    if command.name == "chat"
    for option in command.options
    for name in option.names
]


def test_tab_behind_any_option_says_nothing(shell):
    for name in OPTIONS:
        shell.ran(f"hfs chat {name} \t\x15hfs")


@pytest.mark.parametrize(
    ("typed", "arguments"),
    [
        ("hfs chat --render p", ["chat", "--render", "plain"]),
        ("hfs completion ba", ["completion", "bash"]),
        ("hfs chat -S rel", ["chat", "-S", "release notes"]),
        ("hfs chat -n rel", ["chat", "-n", "rel"]),
    ],
)
def test_a_file_is_not_offered_where_none_is_taken(shell, typed, arguments):
    for name in ("pxx", "bax", "relx"):
        (shell.home / name).touch()
    assert shell.completed(typed) == arguments


def test_a_file_is_completed_where_one_is_taken(shell):
    assert shell.completed("hfs chat --system-file sta") == ["chat", "--system-file", "start"]


def test_a_list_shows_ids_with_names_and_ages_the_last_used_first(shell):
    seen = shell.shows("hfs resume 2", "draft")
    assert "21" in seen
    assert seen.index("release notes") < seen.index("draft")


def test_options_are_shown_with_what_they_do(shell):
    if shell.kind == "bash":
        pytest.skip("bash shows no descriptions of fixed words")
    shell.shows("hfs chat --no-", "Keep nothing of this turn")


@pytest.mark.parametrize("kind", SHELLS)
def test_whoever_is_named_has_his_sessions_offered(postgres_databases, tmp_path, kind):
    with postgres_databases.new() as database:
        for owner in ("ann", "bob"):
            with open_place(database.where, owner=owner) as store:
                Talk(store).turn("q", "a", name=f"plan of {owner}")
        with open_shell(kind, tmp_path, database=f"{database.where}") as shell:
            assert shell.completed("hfs rename pla") == ["rename", "pla"]  # nobody's of that user
            named = ["rename", "--owner", "ann", "plan of ann"]
            assert shell.completed("hfs rename --owner ann pla") == named
            assert shell.completed("hfs chat --owner=bob -S pla")[1:] == [
                *("--owner=bob", "-S", "plan of bob"),
            ]
            assert shell.completed("hfs rename --owner an") == ["rename", "--owner", "ann"]
            of_all = ["sessions", "show", "--all-owners", "plan of bob"]
            assert shell.completed("hfs sessions show --all-owners plan\\ of\\ b") == of_all
