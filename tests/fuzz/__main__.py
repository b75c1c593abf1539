"""Structured fuzzing: ``python -m tests.fuzz --minutes N [argv|config|server|import ...]``.

Each example runs `hfs` as a process in a home of its own. An exit code of 1, a traceback, a
control character on standard error, or a run that does not end is a finding. Findings are made
small by hypothesis and kept in ``.hypothesis/fuzz``, so that the next run begins with them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import hypothesis
from hypothesis.database import DirectoryBasedExampleDatabase

from tests.conftest import Hfs
from tests.fuzz import inputs
from tests.scripted_server import ScriptedServer, openai_sse

ROOT = Path(__file__).parents[2]
PATIENCE_S = 45
KNOWN_CODES = {0, 2, 3, 4, 5, 6, 7, 8, 130, 141, 143}


class Found(AssertionError):
    """A run that was not as it should be."""


class Ended(BaseException):
    """The time is over."""


class Fuzzer:
    """Runs examples until the time is over, and counts what was found."""

    def __init__(self, root: Path, server: ScriptedServer, seconds: float) -> None:
        self._root = root
        self._server = server
        self._ends = time.monotonic() + seconds
        self.runs: Counter[str] = Counter()
        self.codes: Counter[int] = Counter()
        self.findings: dict[str, str] = {}
        self._template = root / "template"
        self._template.mkdir()
        template = self._hfs(self._template)
        template.keep("one", "hi", "ok", "and more", "```sh\nls\n```")
        template.keep("two", "hi", "ok")
        self.own = json.loads(template.ok("sessions", "export", "--all", "--format", "json"))

    def _hfs(self, home: Path, wire: str = "openai") -> Hfs:
        hfs = Hfs(home)
        base = self._server.url if wire != "ollama" else self._server.origin
        hfs.configure(
            f'model = "test/m"\nretries = 0\nidle_timeout = 5\n[providers.test]\ntype = "{wire}"\n'
            f'base_url = "{base}"\napi_key_env = "TEST_KEY"\n'
        )
        hfs.env |= {"TEST_KEY": "sk-fuzz-0123456789", "EDITOR": "true", "PYTHONPATH": str(ROOT)}
        return hfs

    def home(self, wire: str = "openai") -> Hfs:
        """A fresh home with two sessions in it."""
        if time.monotonic() > self._ends:
            raise Ended
        path = self._root / "home"
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(self._template, path)
        (path / "file.txt").write_text("some words\n")
        (path / "image.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        os.mkfifo(path / "fifo")
        return self._hfs(path, wire)

    def run(self, kind: str, hfs: Hfs, argv: list[str]) -> None:
        """Run one command line and judge how it ended."""
        try:
            words = [word.encode("utf-8", "surrogatepass") for word in argv]
            process = subprocess.Popen(
                [*hfs.argv, *words],
                env=hfs.environment(),
                cwd=hfs.home,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError):
            return  # no system takes these arguments
        self.runs[kind] += 1
        try:
            _, error = process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            self._judge(kind, argv, "hangs", "")
            return
        self.codes[process.returncode] += 1
        said = error.decode("utf-8", "replace")
        if process.returncode not in KNOWN_CODES:
            self._judge(kind, argv, f"exit {process.returncode}", said)
        elif "Traceback" in said:
            self._judge(kind, argv, "traceback", said)
        elif re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", said):
            self._judge(kind, argv, "control characters", said)

    def _judge(self, kind: str, argv: list[str], what: str, said: str) -> None:
        # One defect shows in many ways: the text less what differs from run to run.
        last = said.strip().splitlines()[-1] if said.strip() else ""
        signature = re.sub(r"'[^']*'|\"[^\"]*\"|[\d/][^\s]*", "…", f"{kind}: {what}: {last[:160]}")
        if what == "hangs":
            signature = f"{kind}: hangs: {' '.join(argv[:2])}"
        shown = f"{what}: hfs {' '.join(map(ascii, argv))[:300]}\n    {last[:300]}"
        new = signature not in self.findings
        self.findings.setdefault(signature, shown)
        if new:
            print(f"FOUND {kind}: {shown}", flush=True)
            raise Found(signature)

    def argv(self) -> None:
        """Command lines."""
        self._server.always(openai_sse("Some *text*"))

        @self._examples
        @hypothesis.given(inputs.command_lines())
        def search(argv: list[str]) -> None:
            self.run("argv", self.home(), argv)

        search()

    def config(self) -> None:
        """Configurations."""
        self._server.always(openai_sse("ok"))

        @self._examples
        @hypothesis.given(inputs.configurations())
        def search(text: str) -> None:
            hfs = self.home()
            good = hfs.config.read_text()
            hfs.config.write_bytes(text.encode("utf-8", "surrogatepass"))
            for argv in (["config", "list"], ["chat", "-m", "test/m", "hi"]):
                try:
                    self.run("config", hfs, argv)
                except Found as found:
                    print(f"    with {text!r}", flush=True)
                    raise found from None
            hfs.config.write_text(good)

        search()

    def server(self) -> None:
        """Replies."""

        @self._examples
        @hypothesis.given(inputs.replies())
        def search(reply: tuple[str, list[bytes]]) -> None:
            wire, pieces = reply
            self._server.always(lambda _: list(pieces))
            hfs = self.home(wire)
            try:
                self.run("server", hfs, ["chat", "--json", "hi"])
                self.run("server", hfs, ["sessions", "stats"])
            except Found as found:
                print(f"    {wire}: {b''.join(pieces)!r}", flush=True)
                raise found from None

        search()

    def import_(self) -> None:
        """Files to import."""

        @self._examples
        @hypothesis.given(inputs.imports(self.own))
        def search(data: bytes) -> None:
            hfs = self.home()
            (hfs.home / "in.json").write_bytes(data)
            try:
                for argv in (
                    ["sessions", "import", "in.json"],
                    ["sessions", "list"],
                    ["resume", "1"],
                ):
                    self.run("import", hfs, argv)
            except Found as found:
                print(f"    {data[:2000]!r}", flush=True)
                raise found from None

        search()

    @staticmethod
    def _examples(search: Callable[[], None]) -> Callable[[], None]:
        return hypothesis.settings(
            max_examples=40,
            deadline=None,
            database=DirectoryBasedExampleDatabase(ROOT / ".hypothesis/fuzz"),
            suppress_health_check=list(hypothesis.HealthCheck),
            # Of a finding one example is enough: to make it small costs hundreds of processes.
            phases=[hypothesis.Phase.reuse, hypothesis.Phase.generate],
            report_multiple_bugs=False,
        )(search)


def main() -> int:
    """Fuzz for some minutes.

    Returns:
        1 when something was found.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("kinds", nargs="*", default=["argv", "config", "server", "import"])
    parser.add_argument("--minutes", type=float, default=10)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hfs-fuzz-") as root, ScriptedServer() as server:
        fuzzer = Fuzzer(Path(root), server, asked.minutes * 60)
        try:
            while True:
                for kind in asked.kinds:
                    with contextlib.suppress(Found):  # printed, and counted
                        getattr(fuzzer, {"import": "import_"}.get(kind, kind))()
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
