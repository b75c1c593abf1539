"""The one error boundary: what is a bug, and how it is said."""

import pytest

from hfs_cli import cli, signals


@pytest.fixture
def broken(monkeypatch):
    """The command line with a defect in it."""

    def fail(*_, **__):
        raise RuntimeError("a defect\nwith \x1b[2J in it")

    monkeypatch.setattr(cli.hfs, "main", fail)
    monkeypatch.setattr(signals, "install", lambda: None)
    monkeypatch.setattr(signals, "ignore", lambda: None)


def test_a_bug_is_one_line_that_says_how_to_see_more(broken, capfd, monkeypatch):
    monkeypatch.delenv("HFS_DEBUG", raising=False)
    assert cli.run() == 1
    out, error = capfd.readouterr()
    assert out == ""
    assert error.startswith("hfs: error: this is a bug in hfs: RuntimeError: a defect")
    assert "HFS_DEBUG=1" in error
    assert error.count("\n") == 1
    assert "\x1b" not in error


def test_the_traceback_is_shown_when_it_is_asked_for(broken, capfd, monkeypatch):
    monkeypatch.setenv("HFS_DEBUG", "1")
    assert cli.run() == 1
    error = capfd.readouterr().err
    assert "Traceback" in error
    assert "in fail" in error
    assert "\x1b" not in error
