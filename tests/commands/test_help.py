"""`hfs help` and what a mistyped command is told."""

import pytest


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
