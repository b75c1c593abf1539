"""The generated files are those of the commands as they are."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.completion.regenerate import DIRECTORY, PAGE, generated, settings_page

GENERATED = generated()


@pytest.mark.parametrize("name", GENERATED)
def test_no_generated_file_is_stale(name):
    assert (DIRECTORY / name).read_text() == GENERATED[name], (
        "run: python -m tests.completion.regenerate"
    )


def test_the_tables_of_the_page_are_those_of_the_settings():
    text = PAGE.read_text("utf-8")
    assert settings_page(text) == text, "run: python -m tests.completion.regenerate"


def test_no_generated_file_is_left_over():
    there = {str(path.relative_to(DIRECTORY)) for path in DIRECTORY.rglob("*") if path.is_file()}
    assert there == set(GENERATED)


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="no mandoc here")
def test_the_manual_pages_are_well_formed():
    pages = sorted((DIRECTORY / "man").rglob("*.[1-9]"))
    done = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", *pages],
        capture_output=True,
        text=True,
        check=False,
    )
    # That a page has no date is meant: it changes when what it says does.
    complaints = [line for line in done.stdout.splitlines() if "missing date" not in line]
    assert complaints == []


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="no mandoc here")
def test_a_manual_page_says_what_help_says():
    page = DIRECTORY / "man/man1/hfs-chat.1"
    shown = subprocess.run(
        ["mandoc", "-T", "utf8", page], capture_output=True, text=True, check=True
    ).stdout.replace("\b", "")
    assert "hfs-chat - " in shown
    assert "git diff --staged | hfs chat" in shown
    assert "One of text, json, jsonl." in shown


@pytest.mark.parametrize(
    ("shell", "file"), [("bash", "hfs.bash"), ("zsh", "_hfs"), ("fish", "hfs.fish")]
)
def test_the_command_prints_the_file_and_how_to_install_it(hfs, shell, file):
    printed = hfs.ok("completion", shell)
    assert printed == (DIRECTORY / file).read_text()
    assert f"# To install: hfs completion {shell} --install" in printed
