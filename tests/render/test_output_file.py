"""An output is whole or not there, and never put over what a user did not name."""

from __future__ import annotations

import itertools

import pytest

from hfs_cli.errors import UsageError
from hfs_cli.render.output_file import OutputFile


def test_an_output_is_not_put_over_a_file_a_link_or_a_device(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with pytest.raises(UsageError, match="--force to replace it"):
        OutputFile(tmp_path / "file", force=False)
    # What --force does not help with is not told to use it.
    for force, name in itertools.product((False, True), ("link", "/dev/null", "")):
        with pytest.raises(UsageError, match="is not a regular file: choose another name"):
            OutputFile(tmp_path / name, force=force)
    assert (tmp_path / "file").read_text() == "mine"


def test_an_output_in_a_directory_that_is_not_there_is_told_so_before_anything_is_made(tmp_path):
    with pytest.raises(UsageError, match=r"there is no directory .*/missing: make it"):
        OutputFile(tmp_path / "missing/f", force=False)
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_did_not_end_well_leaves_no_trace(tmp_path):
    with pytest.raises(ZeroDivisionError), OutputFile(tmp_path / "f", force=False) as out:
        out.write("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_an_output_whose_name_was_taken_meanwhile_is_refused(tmp_path):
    with pytest.raises(UsageError, match="exists"), OutputFile(tmp_path / "f", force=False) as out:
        out.write("mine")
        (tmp_path / "f").write_text("theirs")
    assert [p.read_text() for p in tmp_path.iterdir()] == ["theirs"]
