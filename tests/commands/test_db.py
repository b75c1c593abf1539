"""`hfs db` from outside."""

from __future__ import annotations

import resource


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
    assert list((tmp_path / "there").iterdir()) == []
