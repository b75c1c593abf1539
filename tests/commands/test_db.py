"""`hfs db` from outside."""

from __future__ import annotations

import resource
import shutil
import subprocess

import pytest

from tests.scripted_server import openai_sse


def test_of_backups_to_one_name_one_is_made(hfs, tmp_path):
    hfs.keep("notes", "q", "a")
    copies = [hfs.start("db", "backup", str(tmp_path / "same.db")) for _ in range(10)]
    codes = sorted(process.wait() for process in copies)
    assert codes == [0] + [2] * 9
    assert hfs.ok("sessions", "show", "notes", env={"HFS_DATA_DIR": str(hfs.data)})
    assert not list(tmp_path.glob("*.part*"))


def test_a_backup_to_a_full_disk_leaves_nothing(hfs, tmp_path):
    hfs.keep("notes", "q", "a" * 500_000)

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    (tmp_path / "there").mkdir()
    process = hfs.start("db", "backup", str(tmp_path / "there/copy.db"), preexec_fn=little_room)
    _, stderr = process.communicate()
    assert process.returncode == 8
    assert stderr.count(b"\n") == 1
    assert f"cannot write the backup {tmp_path}/there/copy.db: make room" in stderr.decode()
    assert list((tmp_path / "there").iterdir()) == []


def test_a_full_disk_of_a_backup_is_not_that_of_the_database(hfs, tmp_path):
    hfs.keep("notes", "q", "a" * 500_000)
    full = tmp_path / "full"
    full.mkdir()
    mount = ["unshare", "-rm", "sh", "-c", f'mount -t tmpfs -o size=100k no "{full}" && exec "$@"']
    if not shutil.which("unshare") or subprocess.run([*mount, "-", "true"], check=False).returncode:
        pytest.skip("only where one may mount a file system")
    argv = [*mount, "-", *hfs.argv, "db", "backup", f"{full}/copy.db"]
    done = subprocess.run(argv, env=hfs.environment(), capture_output=True, check=False, text=True)
    assert done.returncode == 8
    assert done.stderr.startswith(f"hfs: error: cannot write the backup {full}/copy.db: make room")


def test_a_database_of_hfs_is_copied_and_not_imported(chat, server, tmp_path):
    server.reply(openai_sse("hello"))
    chat.ok("chat", "hi")
    copy = tmp_path / "copy.db"
    chat.ok("db", "backup", str(copy))
    refused = chat("sessions", "import", str(copy))
    assert refused.returncode == 2
    assert refused.stderr.decode() == (
        f'hfs: error: {copy} is a database of hfs: hfs db copy "{copy}" "$(hfs db path)" brings in'
        " its sessions\n"
    )
    done = chat.ok("db", "copy", str(copy), chat.ok("db", "path").strip())
    assert "sessions: 0\n" in done


def test_a_directory_that_cannot_be_made_says_what_to_set(hfs, tmp_path):
    (tmp_path / "file").touch()
    refused = hfs("chat", "hi", env={"HFS_DATA_DIR": str(tmp_path / "file/below")})
    assert refused.returncode == 8
    assert refused.stderr.endswith(b"; set HFS_DATA_DIR to another directory\n")


def test_a_history_in_no_format_says_where_the_formats_are_named(hfs):
    refused = hfs("sessions", "import", "-", stdin=b'{"session": "1", "content": "x"}\n')
    assert refused.stderr == (
        b"hfs: error: standard input is in no format that can be imported"
        b" (hfs sessions import --help says what is read)\n"
    )
