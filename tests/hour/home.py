"""A stranger's home: `hfs` on the PATH, two sessions, and a server that answers."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.conftest import Hfs
from tests.hour.lines import CONFIG
from tests.render.terminals import ROOT
from tests.scripted_server import Received, ScriptedServer, make_reply, openai_sse


class Home:
    """Makes the home.

    Args:
        directory: Where.
        server: What answers there.
    """

    def __init__(self, directory: Path, server: ScriptedServer) -> None:
        server.always(_answer)
        hfs = Hfs(directory)
        hfs.configure(CONFIG.format(url=server.url))
        hfs.keep("notes", "What is a log?", "A **file** that grows.", "Why?", "To lose nothing.")
        hfs.keep("notes of May", "What is new?", "A pipe.")
        hfs.keep("pipes", "What is a pipe?", "Two ends of a buffer.")
        work, programs = directory / "work", directory / "bin"
        for made in (work / "empty", programs):
            made.mkdir(parents=True)
        for name, text in {
            "question.txt": "What is a socket?\n",
            "empty.txt": "",
            "taken.txt": "x",
            "broken.toml": "model = ",
        }.items():
            (work / name).write_text(text)
        program = programs / "hfs"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m hfs_cli "$@"\n')
        program.chmod(0o755)
        self.env = hfs.environment(
            {
                "PATH": f"{programs}:{os.environ['PATH']}",
                "PYTHONPATH": str(ROOT),
                "PAGER": "cat",
                "TEST_KEY": "sk-canary-0123456789",
            }
        )
        self.work = work


def _answer(request: Received):
    if request.path.endswith("/models"):
        return {"data": [{"id": "m", "context_length": 128_000}, {"id": "n"}]}
    if request.json["model"] == "unknown":
        error = {"message": "The model unknown does not exist", "code": "model_not_found"}
        return make_reply({"error": error}, status=404)
    return openai_sse("A **short** answer.")
