"""Run command lines in a home of their own, and judge how they end."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import hypothesis

from hfs_cli.messages import Attachment, Call, ChatMessage, KeptState, Place, Reply, Turn
from hfs_cli.providers.formats import load_format
from hfs_cli.store.store import SessionStore
from tests.conftest import KEY, Hfs
from tests.scripted_server import ScriptedServer

ROOT = Path(__file__).parents[2]
PATIENCE_S = 45
KNOWN_CODES = {0, 2, 3, 4, 5, 6, 7, 8, 130, 141, 143}


class Ended(BaseException):
    """The time is over."""


class Fuzzer:
    """Runs examples until the time is over, and counts what was found."""

    def __init__(self, root: Path, server: ScriptedServer, seconds: float) -> None:
        self._root = root
        self.server = server
        self._ends = time.monotonic() + seconds
        self.runs: Counter[str] = Counter()
        self.codes: Counter[int] = Counter()
        self.findings: dict[str, str] = {}
        self._template = root / "template"
        self._template.mkdir()
        template = self._hfs(self._template)
        template.keep("one", "hi", "ok", "and more", "```sh\nls\n```")
        template.keep("two", "hi", "ok")
        _keep_all_kinds(template.database)
        self.own = json.loads(template.ok("sessions", "export", "--all", "--format", "json"))

    def _hfs(self, home: Path, wire: str = "openai") -> Hfs:
        hfs = Hfs(home)
        base = self.server.url if load_format(wire).version else self.server.origin
        hfs.configure(
            f'model = "test/m"\nretries = 0\nidle_timeout = 5\n[providers.test]\ntype = "{wire}"\n'
            f'base_url = "{base}"\napi_key_env = "TEST_KEY"\n'
            '[tools.echo]\ncommand = ["cat"]\ndescription = "Echo."\n'
        )
        hfs.env |= {"TEST_KEY": KEY, "EDITOR": "true", "PYTHONPATH": str(ROOT)}
        return hfs

    def check_time(self) -> None:
        """Go on only while there is time.

        Raises:
            Ended: The time is over.
        """
        if time.monotonic() > self._ends:
            raise Ended

    def home(self, wire: str = "openai") -> Hfs:
        """A fresh home with some sessions in it."""
        self.check_time()
        path = self._root / "home"
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(self._template, path)
        (path / "file.txt").write_text("some words\n")
        (path / "rows.csv").write_text("prompt,other\nhi,1\nho,2\n")
        (path / "image.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        os.mkfifo(path / "fifo")
        return self._hfs(path, wire)

    def run(self, kind: str, hfs: Hfs, argv: Sequence[str], given: bytes | None = None) -> None:
        """Run one command line and judge how it ended.

        Args:
            given: What stands on standard input; None for nothing.
        """
        try:
            words = [word.encode("utf-8", "surrogatepass") for word in argv]
            process = subprocess.Popen(
                [*hfs.argv, *words],
                env=hfs.environment(),
                cwd=hfs.home,
                stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError):
            return  # no system takes these arguments
        self.runs[kind] += 1
        try:
            _, error = process.communicate(given, timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            self.judge(kind, argv, "hangs", "")
            return
        self.codes[process.returncode] += 1
        said = error.decode("utf-8", "replace")
        if process.returncode not in KNOWN_CODES:
            self.judge(kind, argv, f"exit {process.returncode}", said)
        elif "Traceback" in said:
            self.judge(kind, argv, "traceback", said)
        elif re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", said):
            self.judge(kind, argv, "control characters", said)
        elif KEY in said:
            self.judge(kind, argv, "the key is shown", said)

    def judge(self, kind: str, argv: Sequence[str], what: str, said: str) -> bool:
        """Note a finding, and print it when it is a new one.

        Returns:
            Whether it is.
        """
        # One defect shows in many ways: the text less what differs from run to run.
        last = said.strip().splitlines()[-1] if said.strip() else ""
        signature = re.sub(r"'[^']*'|\"[^\"]*\"|[\d/][^\s]*", "…", f"{kind}: {what}: {last[:160]}")
        if what == "hangs":
            signature = f"{kind}: hangs: {' '.join(argv[:2])}"
        is_new = signature not in self.findings
        if is_new:
            self.findings[signature] = (
                f"{what}: hfs {' '.join(map(ascii, argv))[:300]}\n    {last[:300]}"
            )
            print(f"FOUND {kind}: {self.findings[signature]}", flush=True)
        return is_new

    def showing(self, given: object, search: Callable[[], object]) -> None:
        """Run a part of an example; print what it was given when something new is found."""
        known = len(self.findings)
        search()
        if len(self.findings) > known:
            print(f"    with {given!r}"[:4000], flush=True)

    @staticmethod
    def examples(search: Callable[[], None]) -> Callable[[], None]:
        """Try some examples."""
        return hypothesis.settings(
            max_examples=25,
            deadline=None,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
            phases=[hypothesis.Phase.generate],
        )(search)


def _keep_all_kinds(database: Path) -> None:
    """A session that has a row in every table."""
    with SessionStore(database) as store:
        note = Attachment("a.txt", "text/plain", b"noted")
        opened = store.begin(Turn(ChatMessage("user", "count", (note,)), "test/m"))
        call = Call("c1", "count", "{}", "seven", extra={"a": 1})
        state = KeptState("test", ({"b": 2},))
        store.save_reply(
            opened, Reply("", "test/m", "complete", tool_calls=(call,), state=state, step=0)
        )
        store.save_reply(opened, Reply("Seven.", "test/m", "complete", step=1))
        number = opened.session.id
        store.fork(number, at=2)
        again = store.begin(Turn(ChatMessage("user", "and?"), "test/m", place=Place(number)))
        store.save_piece(again, Reply("half", "test/m"))
