"""`hfs help` and what a mistyped command is told."""

import click
import pytest

from hfs_cli.cli import hfs as program
from hfs_cli.groups import Context
from hfs_cli.topics import TOPICS


def every_command(group, words=()):
    """The words of each command below a group."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*words, name)
        if isinstance(command, click.Group):
            yield from every_command(command, (*words, name))


def context_of(words) -> click.Context:
    """What a command's help is made in."""
    context: click.Context = Context(program, info_name="hfs")
    for word in words:
        assert isinstance(context.command, click.Group)
        command = context.command.get_command(context, word)
        assert command is not None
        context = command.context_class(command, context, word)
    return context


@pytest.mark.parametrize("words", list(every_command(program)), ids=" ".join)
def test_every_command_has_help(words):
    shown = context_of(words).get_help()
    assert shown.startswith(f"Usage: hfs {' '.join(words)} ")
    assert "--help" in shown


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("words", [(), *every_command(program)], ids=" ".join)
def test_every_help_page_fits_its_window(monkeypatch, words, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = context_of(words)
    # Examples stay whole: they are there to be copied.
    lines = [line for line in shown.get_help().splitlines() if not line.startswith("    ")]
    widest = max(lines, key=len)
    assert len(widest) <= min(columns, 80), widest


@pytest.mark.parametrize("words", [("chat",), ("resume",), ("sessions", "retry")])
def test_no_option_of_a_turn_is_left_out_of_the_help(words):
    shown = context_of(words)
    for param in shown.command.get_params(shown):
        if isinstance(param, click.Option):
            assert shown.get_help().count(f"{param.opts[-1]} ") >= 1, param.opts


@pytest.mark.parametrize("words", [(), ("chat",), ("sessions",), ("sessions", "export")])
def test_help_shows_what_a_command_does(hfs, words):
    assert hfs.ok("help", *words) == hfs.ok(*words, "--help")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("chta",), b"did you mean chat? (see hfs --help)"),
        (("sessions", "exprt"), b"did you mean export? (see hfs sessions --help)"),
        (("chat", "now"), b"No such command 'now' (see hfs chat --help)"),
    ],
)
def test_help_on_nothing_is_a_usage_error(hfs, words, told):
    done = hfs("help", *words)
    assert (done.returncode, done.stdout) == (2, b"")
    assert told in done.stderr


@pytest.mark.parametrize("words", [(), ("chat",), ("sessions",), ("sessions", "export"), ("db",)])
def test_help_is_the_same_without_docstrings(hfs, words):
    assert hfs.ok(*words, "--help", env={"PYTHONOPTIMIZE": "2"}) == hfs.ok(*words, "--help")


def test_the_options_of_a_turn_stand_under_headings(hfs):
    shown = hfs.ok("chat", "--help")
    heads = [line for line in shown.splitlines() if line.endswith(":") and line[0] != " "]
    assert heads == ["Session:", "Input:", "Model:", "Tools:", "Output:", "Limits:"], shown
    for part in ("RANGE", "Options:"):
        assert part not in shown
    assert shown.index("Session:") < shown.index("--continue") < shown.index("Input:")
    assert shown.count("--no-stream") == 1


@pytest.mark.parametrize("group", [(), ("sessions",), ("config",), ("models",)])
def test_no_summary_of_a_command_is_cut(hfs, group):
    assert "..." not in hfs.ok(*group, "--help").split("Commands:")[1]


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_a_topic_is_told(hfs, topic):
    for columns in ("40", "80", "200"):
        told = hfs.ok("help", topic, env={"COLUMNS": columns})
        assert "".join(TOPICS[topic].text.split()) in "".join(told.split())
        prose = [line for line in told.splitlines() if not line.startswith("  ")]
        assert all(len(line) <= min(int(columns), 80) for line in prose), told


def test_a_topic_that_does_not_exist_is_told_with_those_that_do(hfs):
    done = hfs("help", "foo")
    assert done.returncode == 2
    assert f"the topics are {', '.join(TOPICS)}".encode() in done.stderr


def test_a_topic_that_is_a_command_too_is_told_after_its_help(hfs):
    assert hfs.ok("help", "config").startswith("Usage: hfs config")


@pytest.mark.parametrize(
    "args", [("list", "--limit"), ("search", "x", "--limit"), ("undo", "-n"), ("fork", "--at")]
)
def test_a_number_that_no_database_counts_to_is_refused(hfs, args):
    assert hfs("sessions", *args, str(2**70)).returncode == 2


def test_the_first_page_names_the_topics():
    shown = " ".join(context_of(()).get_help().split())
    assert all(f" {topic}" in shown.partition("hfs help refs")[2] for topic in [*TOPICS][1:])


def test_commands_stand_in_the_order_of_their_use():
    shown = context_of(("config",)).get_help()
    rows = shown.partition("Commands:")[2].splitlines()
    names = [row.split()[0] for row in rows if row.startswith("  ") and row[2] != " "]
    assert names == ["list", "get", "set", "unset", "edit", "path"]


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize(
    "words", [("chat", "--help"), ("help", "sessions"), ("help", "exit-codes")]
)
def test_help_has_the_look_of_the_lists_on_a_terminal_alone(on_terminal, chat, words, columns):
    seen = on_terminal(*words, columns=columns)
    plain = on_terminal(*words, columns=columns, env={"NO_COLOR": "1"})
    assert b"\x1b[36m" in seen.raw
    assert b"\x1b" not in plain.raw
    assert seen.lines == plain.lines
    assert max(map(len, seen.lines)) <= columns
    assert b"\x1b" not in chat(*words).stdout
