"""Export and import from outside."""

import json
import os
import shutil

import pytest

from tests.store.sqlite.test_database import UNPRIVILEGED


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
    assert told == (
        f"would come in from {file} (hfs):\n"
        "  sessions: 2\n  of them branches: 0\n  messages: 4\n  attachments: 0\n  tool calls: 0\n"
    )
    assert kept.ok("sessions", "list", "--ids", env=elsewhere) == ""
    kept.ok("sessions", "import", str(file), env=elsewhere)
    assert kept.ok("sessions", "export", "--all", "--format", "json", env=elsewhere) == whole
    again = kept.ok("sessions", "import", str(file), env=elsewhere)
    assert again == (
        f"imported from {file} (hfs):\n"
        "  sessions: 0\n  of them branches: 0\n  messages: 0\n  attachments: 0\n  tool calls: 0\n"
        "  sessions already here: 2\n"
    )


def test_an_import_does_not_change_what_is_continued(kept, tmp_path):
    file = tmp_path / "one.json"
    file.write_text(kept.ok("sessions", "export", "one", "--format", "json"))
    elsewhere = {"HFS_DATA_DIR": str(tmp_path / "elsewhere")}
    kept.ok("delete", "one", "--yes")
    assert "deleted here, and kept so: 1 (--restore" in kept.ok("sessions", "import", str(file))
    kept.ok("sessions", "import", str(file), "--restore")
    assert kept.ok("sessions", "show", "@last", "--format", "json").count('"two"') == 1
    kept.ok("sessions", "import", str(file), env=elsewhere)
    assert "# one\n" in kept.ok("sessions", "export", "@last", env=elsewhere)


def test_what_is_new_goes_to_another_machine(kept, tmp_path):
    file = tmp_path / "new.jsonl"
    elsewhere = {"HFS_DATA_DIR": str(tmp_path / "elsewhere")}

    def sent(*options: str) -> list[str]:
        file.write_text(kept.ok("sessions", "export", "--all", "--format", "jsonl", *options))
        return kept.ok("sessions", "import", str(file), env=elsewhere).splitlines()[1:]

    sent()
    kept("chat", "-S", "one", "more")
    assert "  sessions extended: 1" in sent("--since", "1h")
    kept("chat", "-S", "one", "and here")
    kept("chat", "-S", "one", "and there", env=elsewhere)
    assert "  new branches of sessions that parted: 1" in sent("--since", "1h")
    assert "one (imported)" in kept.ok("sessions", "list", "--json", env=elsewhere)
    # Nothing to send is nothing wrong.
    assert sent("--since", "2099-01-01")[0] == "  sessions: 0"
    assert kept("sessions", "export", "one", "--since", "1h").returncode == 2


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


@pytest.mark.parametrize("form", ["json", "jsonl"])
@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_a_pipe_is_read(kept, tmp_path, form, name):
    whole = kept.ok("sessions", "export", "--all", "--format", form)
    elsewhere = {"HFS_DATA_DIR": str(tmp_path / "elsewhere")}
    told = kept.ok("sessions", "import", name, stdin=whole.encode(), env=elsewhere)
    assert "  sessions: 2\n" in told
    assert "  messages: 4\n" in told
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
        ("n.ndjson", '{"format": "hfs"'),
        ("n.md", "# "),
        ("n.txt", "# "),
        ("notes.v2", "# "),
        ("notes", "# "),
    ],
)
def test_an_export_has_the_format_that_its_file_is_named_for(kept, tmp_path, file, begins):
    kept.ok("sessions", "export", "-O", str(tmp_path / file))
    assert (tmp_path / file).read_text().startswith(begins)
    kept.ok("sessions", "export", "--format", "markdown", "--force", "-O", str(tmp_path / file))
    assert (tmp_path / file).read_text().startswith("# ")


@pytest.mark.parametrize("file", ["n.docx", "n.PDF", "n.jsonl.gz", "n.csv"])
def test_a_file_that_is_named_for_another_format_is_not_written(kept, tmp_path, file):
    target = tmp_path / file
    done = kept("sessions", "export", "-O", str(target))
    assert done.returncode == 2
    assert done.stderr.decode() == (
        f"hfs: error: hfs does not write {target.suffix.lower()}: end FILE in .md, .html, .json or"
        " .jsonl, or add --format\n"
    )
    assert not target.exists()
    kept.ok("sessions", "export", "--format", "markdown", "-O", str(target))
    assert target.read_text().startswith("# ")


def test_a_damaged_conversation_keeps_the_file_out_or_is_passed_over(kept, tmp_path):
    head, one, two = kept.ok("sessions", "export", "--all", "--format", "jsonl").splitlines()
    file = tmp_path / "broken.jsonl"
    file.write_text("\n".join((head, one[:-10], two)))
    elsewhere = {"HFS_DATA_DIR": str(tmp_path / "elsewhere")}
    refused = kept("sessions", "import", str(file), env=elsewhere)
    assert refused.returncode == 2
    assert b"line 2 is not valid JSON" in refused.stderr
    assert kept.ok("sessions", "list", "--ids", env=elsewhere) == ""
    done = kept("sessions", "import", "--skip-broken", str(file), env=elsewhere)
    assert done.returncode == 7
    assert done.stderr.startswith(b"hfs: warning: ")
    assert b"line 2 is not valid JSON" in done.stderr
    assert b"  broken, passed over: 1\n" in done.stdout
    assert b"two" in kept("sessions", "list", env=elsewhere).stdout
    kept.ok("db", "check", env=elsewhere)


def test_a_branch_without_its_session_is_passed_over_with_its_own_branches(kept, tmp_path):
    kept.ok("sessions", "fork", "one")
    kept.ok("sessions", "fork", "one (fork)")
    lines = kept.ok("sessions", "export", "--all", "--format", "jsonl").splitlines(keepends=True)
    file = tmp_path / "lines.jsonl"
    file.write_text("".join(line for line in lines if '"name": "one"' not in line))
    elsewhere = {"HFS_DATA_DIR": str(tmp_path / "elsewhere")}
    assert kept("sessions", "import", str(file), env=elsewhere).returncode == 2
    assert kept.ok("sessions", "list", "--ids", env=elsewhere) == ""
    for options in (["--dry-run"], []):
        done = kept("sessions", "import", "--skip-broken", *options, str(file), env=elsewhere)
        assert done.returncode == 7
        assert done.stderr.count(b"is a branch of a session that is not there") == 2
        assert b"  sessions: 1\n" in done.stdout
    assert kept.ok("sessions", "list", "--ids", env=elsewhere).count("\n") == 1
    kept.ok("db", "check", env=elsewhere)


def test_what_was_left_out_is_said_and_how_often(kept, tmp_path):
    nodes = {
        "a": {"parent": None, "message": None},
        "b": {"parent": "a", "message": _said("user", ["look", {"asset_pointer": "x"}])},
        "c": {"parent": "b", "message": _said("tool", ["found"])},
        "d": {"parent": "c", "message": _said("assistant", ["a reply"])},
        "e": {"parent": "c", "message": _said("assistant", ["an earlier reply"])},
    }
    chats = [
        {"id": "1", "title": "t", "create_time": 1.7e9, "current_node": "d", "mapping": nodes},
        {"id": "2", "title": "nothing", "mapping": {}},
    ]
    file = tmp_path / "conversations.json"
    file.write_text(json.dumps(chats))
    assert kept.ok("sessions", "import", str(file)) == (
        f"imported from {file} (ChatGPT):\n"
        "  sessions: 2\n  of them branches: 1\n  messages: 4\n  attachments: 0\n  tool calls: 0\n"
        "  left out: 1 × file that is not in the export\n"
        "  left out: 1 × conversation in which nothing was said\n"
    )


def _said(role, parts):
    return {"author": {"role": role}, "content": {"content_type": "text", "parts": parts}}


def test_a_history_of_nothing_is_said(kept, tmp_path):
    file = tmp_path / "conversations.json"
    file.write_text(json.dumps([{"id": "2", "title": "nothing", "mapping": {}}]))
    done = kept("sessions", "import", str(file))
    assert done.returncode == 4
    assert b"1 \xc3\x97 conversation in which nothing was said" in done.stderr
    empty = tmp_path / "empty.json"
    empty.write_text('{"format": "hfs", "schema_version": 1, "sessions": []}')
    # As it is between two machines that exchange what is new.
    assert kept("sessions", "import", str(empty)).returncode == 0


def test_a_directory_is_walked(kept, tmp_path):
    folder = tmp_path / "in" / "deep"
    folder.mkdir(parents=True)
    (folder / "all.jsonl").write_text(kept.ok("sessions", "export", "one", "--format", "jsonl"))
    two = kept.ok("sessions", "export", "two", "--format", "json")
    (folder.parent / "two.json").write_text(two)
    (folder / "notes.txt").write_text("not a history")
    elsewhere = {"HFS_DATA_DIR": str(tmp_path / "elsewhere")}
    told = kept.ok("sessions", "import", str(folder.parent), env=elsewhere)
    assert told.count("imported from") == 2
    assert told.endswith("left out: 1 file in no format that can be imported\n")
    assert kept.ok("sessions", "list", "--ids", env=elsewhere).count("\n") == 2
    (folder / "all.jsonl").unlink()
    (folder.parent / "two.json").unlink()
    assert kept("sessions", "import", str(folder.parent), env=elsewhere).returncode == 4


def test_where_an_output_cannot_be_written_is_said_with_the_reason(kept, tmp_path):
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may write anywhere, and there is no setpriv")
        kept.argv = (*UNPRIVILEGED, *kept.argv)
    (tmp_path / "locked").mkdir(mode=0o500)
    done = kept.start("chat", "-O", "out.md", "hi", cwd=tmp_path / "locked")
    _, said = done.communicate()
    (tmp_path / "locked").chmod(0o700)
    assert done.returncode == 2
    reason = f"cannot write in {tmp_path}/locked (permission denied): choose another"
    assert reason in said.decode()


def test_what_cannot_be_read_in_a_directory_is_named(kept, tmp_path):
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may read everything, and there is no setpriv")
        kept.argv = (*UNPRIVILEGED, *kept.argv)
    folder = tmp_path / "in"
    for name in ("a", "locked"):
        (folder / name).mkdir(parents=True)
    for name in ("a/1.jsonl", "a/2.jsonl", "locked/3.jsonl"):
        (folder / name).write_text(kept.ok("sessions", "export", "one", "--format", "jsonl"))
    (folder / "a" / "1.jsonl").chmod(0)
    (folder / "locked").chmod(0)
    elsewhere = {"HFS_DATA_DIR": str(tmp_path / "elsewhere")}
    done = kept("sessions", "import", str(folder), env=elsewhere)
    (folder / "locked").chmod(0o700)
    assert done.returncode == 7
    assert done.stdout.count(b"imported from") == 1
    assert done.stderr.decode().splitlines() == [
        f"hfs: warning: cannot read {folder}/a/1.jsonl: Permission denied",
        f"hfs: warning: cannot read {folder}/locked: Permission denied",
        "hfs: error: 2 of the files and directories could not be read",
    ]


def test_a_damaged_file_in_a_directory_keeps_only_itself_out(kept, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in "amz":
        lines = [{"session": f"{name}1", "role": r, "content": name} for r in ("user", "assistant")]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with (folder / "m.jsonl").open("a") as file:
        file.write('{"session":"m2","role":"us')
    elsewhere = {"HFS_DATA_DIR": str(tmp_path / "elsewhere")}
    done = kept("sessions", "import", str(folder), env=elsewhere)
    assert done.returncode == 7
    assert b"in all from " in done.stdout
    assert b"(2 files):\n  sessions: 2\n" in done.stdout
    warning, error = done.stderr.decode().splitlines()
    assert warning.startswith(f"hfs: warning: {folder}/m.jsonl, line 3 is not valid JSON")
    assert error == (
        "hfs: error: nothing came in from 1 damaged file — --skip-broken takes what is whole"
    )
    done = kept("sessions", "import", "--skip-broken", str(folder), env=elsewhere)
    assert done.returncode == 7
    assert b"m.jsonl, line 3 is not valid JSON" in done.stderr
    assert done.stderr.endswith(b"hfs: error: 1 conversation could not be imported\n")
    assert kept.ok("sessions", "list", "--ids", env=elsewhere).count("\n") == 3


def test_whose_history_it_is_can_be_said(kept, tmp_path):
    pytest.importorskip("yaml", reason="the extra yaml is not installed")
    file = tmp_path / "session"
    file.write_text("messages:\n- {role: user, content: hi}\n")
    assert kept("sessions", "import", str(file)).returncode == 2
    assert "(aichat)" in kept.ok("sessions", "import", "--from", "aichat", str(file))
    done = kept("sessions", "import", "--from", "chatgpt", str(file))
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
