"""Structured fuzzing: ``python -m tests.fuzz --minutes N [KIND ...]``; `kinds.KINDS` are all.

Each example runs `hfs` as a process in a home of its own. An exit code of 1, a traceback, a
control character on standard error, a key that is shown, or a run that does not end is a finding,
and so is a kind that cannot make its examples. Each is printed once, with what gave it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import traceback
from pathlib import Path

from tests.fuzz.fuzzer import Ended, Fuzzer
from tests.fuzz.kinds import KINDS
from tests.scripted_server import ScriptedServer


def main() -> int:
    """Fuzz for some minutes.

    Returns:
        1 when something was found.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--minutes", type=float, default=10)
    asked = parser.parse_args()
    if unknown := set(asked.kinds) - KINDS.keys():
        parser.error(f"there is no kind {', '.join(unknown)}: use {', '.join(KINDS)}")
    with tempfile.TemporaryDirectory(prefix="hfs-fuzz-") as root, ScriptedServer() as server:
        fuzzer = Fuzzer(Path(root), server, asked.minutes * 60)
        try:
            while True:
                for kind in asked.kinds or KINDS:
                    try:
                        KINDS[kind](fuzzer)
                    except Exception as error:  # noqa: BLE001  (its own: the other kinds go on)
                        if fuzzer.judge(kind, [], "the fuzzer itself fails", repr(error)):
                            traceback.print_exc()
                    fuzzer.check_time()
        except Ended:
            pass
    print(
        f"{fuzzer.runs.total()} runs {dict(fuzzer.runs)}, "
        f"exit codes {dict(sorted(fuzzer.codes.items()))}"
    )
    for signature, shown in fuzzer.findings.items():
        print(f"- {signature}\n    {shown}")
    return 1 if fuzzer.findings else 0


if __name__ == "__main__":
    sys.exit(main())
