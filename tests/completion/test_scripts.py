"""The generated files are those of the commands as they are."""

from __future__ import annotations

import pytest

from tests.completion.regenerate import DIRECTORY, generated

GENERATED = generated()


@pytest.mark.parametrize("name", GENERATED)
def test_no_generated_file_is_stale(name):
    assert (DIRECTORY / name).read_text() == GENERATED[name], (
        "run: python -m tests.completion.regenerate"
    )


def test_no_generated_file_is_left_over():
    there = {str(path.relative_to(DIRECTORY)) for path in DIRECTORY.rglob("*") if path.is_file()}
    assert there == set(GENERATED)


@pytest.mark.parametrize(
    ("shell", "file"), [("bash", "hfs.bash"), ("zsh", "_hfs"), ("fish", "hfs.fish")]
)
def test_the_command_prints_the_file_and_how_to_install_it(hfs, shell, file):
    printed = hfs.ok("completion", shell)
    assert printed == (DIRECTORY / file).read_text()
    assert "# To install: hfs completion" in printed
