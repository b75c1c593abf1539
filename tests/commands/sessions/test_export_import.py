"""Export and import from outside."""

import json

import pytest


@pytest.fixture
def kept(chat):
    for name in ("one", "two"):
        chat.keep(name, "hi", "ok")
    return chat


def test_export_and_import_move_everything(kept, tmp_path):
    whole = kept.ok("sessions", "export", "--all", "--format", "json")
    file = tmp_path / "all.json"
    file.write_text(whole)
    elsewhere = {"HFS_DATA_DIR": str(tmp_path / "elsewhere")}
    told = kept.ok("sessions", "import", str(file), "--dry-run", env=elsewhere)
    assert told == "2 sessions, 4 messages would come in\n"
    kept.ok("sessions", "import", str(file), env=elsewhere)
    assert kept.ok("sessions", "export", "--all", "--format", "json", env=elsewhere) == whole
    again = kept.ok("sessions", "import", str(file), env=elsewhere)
    assert again == "0 sessions, 0 messages imported, 2 there already\n"


def test_an_import_does_not_change_what_is_continued(kept, tmp_path):
    file = tmp_path / "one.json"
    file.write_text(kept.ok("sessions", "export", "one", "--format", "json"))
    elsewhere = {"HFS_DATA_DIR": str(tmp_path / "elsewhere")}
    kept.ok("delete", "one", "--yes")
    kept.ok("sessions", "import", str(file))
    assert kept.ok("sessions", "show", "@last", "--format", "json").count('"two"') == 1
    kept.ok("sessions", "import", str(file), env=elsewhere)
    assert "# one\n" in kept.ok("sessions", "export", "@last", env=elsewhere)


def test_the_last_used_session_is_exported_as_markdown(kept):
    assert kept.ok("sessions", "export").startswith("# two\n")
    assert kept.ok("sessions", "export", "one", "two").count("\n# ") == 1
    assert kept("sessions", "export", "--all", "one").returncode == 2
    assert kept("sessions", "export", "nothere").returncode == 4


@pytest.mark.parametrize("kind", ["file", "link", "dangling", "directory"])
def test_an_export_replaces_nothing_unasked(kept, tmp_path, kind):
    target = tmp_path / "out.md"
    if kind == "file":
        target.write_text("mine")
    elif kind == "directory":
        target.mkdir()
    else:
        (tmp_path / "real").write_text("mine") if kind == "link" else None
        target.symlink_to(tmp_path / "real")
    assert kept("sessions", "export", "-O", str(target)).returncode == 2
    forced = kept("sessions", "export", "-O", str(target), "--force")
    assert forced.returncode == (0 if kind == "file" else 2)
    if kind == "link":
        assert (tmp_path / "real").read_text() == "mine"
    assert not list(tmp_path.glob(".out*"))


def test_an_export_is_private(kept, tmp_path):
    target = tmp_path / "new.html"
    kept.ok("sessions", "export", "-O", str(target), "--format", "html")
    assert target.stat().st_mode & 0o777 == 0o600
    assert kept("sessions", "export", "-O", "/nonexistent/x").returncode == 2
    assert kept("sessions", "export", "-O", "/dev/stdout").returncode == 2


def test_a_file_that_cannot_be_imported_says_why(kept, tmp_path):
    file = tmp_path / "x.json"
    for content in (
        b"",
        b"{}",
        b"\xff",
        json.dumps({"format": "hfs", "schema_version": 9}).encode(),
    ):
        file.write_bytes(content)
        done = kept("sessions", "import", str(file))
        assert done.returncode == 2, content
        assert done.stderr.count(b"\n") == 1
    assert kept("sessions", "import", str(tmp_path / "none")).returncode == 2
    assert kept("sessions", "import", str(tmp_path)).returncode == 2


@pytest.mark.parametrize("form", ["json", "jsonl"])
@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_a_pipe_is_read(kept, tmp_path, form, name):
    whole = kept.ok("sessions", "export", "--all", "--format", form)
    elsewhere = {"HFS_DATA_DIR": str(tmp_path / "elsewhere")}
    told = kept.ok("sessions", "import", name, stdin=whole.encode(), env=elsewhere)
    assert told == "2 sessions, 4 messages imported\n"
    assert kept.ok("sessions", "export", "--all", "--format", form, env=elsewhere) == whole


@pytest.mark.parametrize("what", ["database", "chat", "nothing"])
def test_what_a_pipe_cannot_bring_is_said(kept, what):
    data = {
        "database": kept.database.read_bytes(),
        "chat": b'[{"role": "user", "content": "hi"}]',
        "nothing": b"",
    }[what]
    done = kept("sessions", "import", "-", stdin=data)
    assert done.returncode == 2
    assert done.stderr.startswith(b"hfs: error: standard input is ")
    assert done.stderr.count(b"\n") == 1
    assert what == "nothing" or b"save it to a file" in done.stderr


@pytest.mark.parametrize(
    ("file", "begins"),
    [
        ("n.html", "<!DOCTYPE html>"),
        ("n.HTM", "<!DOCTYPE html>"),
        ("n.json", '{"format": "hfs"'),
        ("n.jsonl", '{"format": "hfs"'),
        ("n.md", "# "),
        ("notes", "# "),
    ],
)
def test_an_export_has_the_format_that_its_file_is_named_for(kept, tmp_path, file, begins):
    kept.ok("sessions", "export", "-O", str(tmp_path / file))
    assert (tmp_path / file).read_text().startswith(begins)
    kept.ok("sessions", "export", "--format", "markdown", "--force", "-O", str(tmp_path / file))
    assert (tmp_path / file).read_text().startswith("# ")
