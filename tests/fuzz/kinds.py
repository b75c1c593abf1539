"""What is fuzzed: each kind tries some examples, with one or several commands each."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Mapping

import hypothesis
from hypothesis import strategies as st

from tests.batch.conftest import MODELS, made_vendor
from tests.batch.vendors import LAUNCHER
from tests.conftest import Hfs
from tests.fuzz import inputs, others
from tests.fuzz.fuzzer import Fuzzer
from tests.scripted_server import Received, openai_sse

_HISTORY = (["sessions", "list"], ["resume", "1"])


def _argv(fuzzer: Fuzzer) -> None:
    """Command lines."""
    fuzzer.server.always(openai_sse("Some *text*"))

    @fuzzer.examples
    @hypothesis.given(inputs.command_lines())
    def search(argv: list[str]) -> None:
        fuzzer.run("argv", fuzzer.home(), argv)

    search()


def _config(fuzzer: Fuzzer) -> None:
    """Configurations."""
    fuzzer.server.always(openai_sse("ok"))

    @fuzzer.examples
    @hypothesis.given(inputs.configurations())
    def search(text: str) -> None:
        hfs = fuzzer.home()
        hfs.config.write_bytes(text.encode("utf-8", "surrogatepass"))
        commands = (["config", "list"], ["chat", "-m", "test/m", "hi"])
        fuzzer.showing(text, lambda: [fuzzer.run("config", hfs, argv) for argv in commands])

    search()


def _server(fuzzer: Fuzzer) -> None:
    """Replies."""

    @fuzzer.examples
    @hypothesis.given(inputs.replies())
    def search(reply: tuple[str, list[bytes]]) -> None:
        wire, pieces = reply
        fuzzer.server.always(lambda _: list(pieces))
        hfs = fuzzer.home(wire)
        commands = (["chat", "--json", "hi"], ["sessions", "stats"])
        fuzzer.showing(reply, lambda: [fuzzer.run("server", hfs, argv) for argv in commands])

    search()


def _import(fuzzer: Fuzzer) -> None:
    """Files to import that are one JSON document."""

    @fuzzer.examples
    @hypothesis.given(inputs.imports(fuzzer.own))
    def search(data: bytes) -> None:
        hfs = fuzzer.home()
        (hfs.home / "in.json").write_bytes(data)
        commands = (["sessions", "import", "in.json"], *_HISTORY)
        fuzzer.showing(data, lambda: [fuzzer.run("import", hfs, argv) for argv in commands])

    search()


def _lines(fuzzer: Fuzzer) -> None:
    """Histories in lines, in gobs, in logs, and other programs' databases."""

    @fuzzer.examples
    @hypothesis.given(others.histories())
    def search(history: others.History) -> None:
        hfs = fuzzer.home()
        others.write_history(history, hfs.home)
        commands = (["sessions", "import", *history.argv], *_HISTORY, ["db", "check"])
        fuzzer.showing(history, lambda: [fuzzer.run("lines", hfs, argv) for argv in commands])

    search()


def _batch(fuzzer: Fuzzer) -> None:
    """Inputs of a batch, answers, and an output that was damaged."""

    @fuzzer.examples
    @hypothesis.given(others.batches(), inputs.replies("openai"), others.damages())
    def search(
        batch: others.Batch, reply: tuple[str, list[bytes]], damage: others.Damage | None
    ) -> None:
        hfs = fuzzer.home()
        fuzzer.server.always(lambda _: list(reply[1]))
        (hfs.home / batch.file).write_bytes(batch.data)
        others.write_template(hfs, batch.template)

        def run() -> None:
            words = ["batch", batch.file, *batch.argv, "-O", "out.jsonl"]
            fuzzer.run("batch", hfs, words)
            others.do_damage(damage, hfs.home, ("out.jsonl", "out.jsonl.batch"))
            fuzzer.run("batch", hfs, [*words, "--resume", "--retry-failed"])

        fuzzer.showing((batch, reply, damage), run)

    search()


def _vendor(fuzzer: Fuzzer) -> None:
    """Answers of a vendor's batch endpoints, and what is kept beside the output."""

    @fuzzer.examples
    @hypothesis.given(
        st.sampled_from(["openai", "responses", "anthropic"]),
        st.integers(0, 8),
        st.integers(),
        others.damages(),
    )
    def search(name: str, odd: int, seed: int, damage: others.Damage | None) -> None:
        hfs = _at_vendor(fuzzer, name)
        vendor = made_vendor(name)
        asked = 0

        def answer(request: Received) -> object:
            nonlocal asked
            asked += 1
            said = vendor(request)
            if asked != odd:
                return said
            return others.spoilt(random.Random(seed), said)

        fuzzer.server.always(answer)
        (hfs.home / "in.txt").write_text("one\ntwo\nthree\n")
        words = ["batch", "in.txt", "-O", "out.jsonl", "--vendor-batch"]

        def run() -> None:
            fuzzer.run("vendor", hfs, [*words, "--no-wait"])
            others.do_damage(damage, hfs.home, ("out.jsonl.vendor", "out.jsonl.batch"))
            for argv in (
                ["batch", "--status", "out.jsonl", "--json"],
                [*words, "--resume"],
                ["batch", "--cancel", "out.jsonl"],
            ):
                fuzzer.run("vendor", hfs, argv)

        fuzzer.showing((name, odd, seed, damage), run)

    search()


def _at_vendor(fuzzer: Fuzzer, name: str) -> Hfs:
    model = MODELS[name]
    provider = model.partition("/")[0]
    hfs = fuzzer.home()
    hfs.configure(
        f'model = "{model}"\nretries = 0\n[providers.{provider}]\ntype = "{name}"\n'
        f'base_url = "{fuzzer.server.url}"\napi_key_env = "TEST_KEY"\n'
    )
    hfs.argv = (sys.executable, "-c", LAUNCHER)
    return hfs


def _tools(fuzzer: Fuzzer) -> None:
    """Tables of tools, calls of them, and what a program or an MCP server says."""

    @fuzzer.examples
    @hypothesis.given(others.toolings())
    def search(tooling: others.Tooling) -> None:
        hfs = fuzzer.home()
        others.write_tools(tooling, hfs)
        answers = [list(tooling.asking), openai_sse("done")]
        fuzzer.server.always(lambda _: answers.pop(0) if answers else openai_sse("done"))
        chat = ["chat", "--max-steps", "3", "--tool", "count", "--tool", "away", "go"]
        commands = (["tools", "list", "--json"], chat, ["sessions", "show"])
        fuzzer.showing(tooling, lambda: [fuzzer.run("tools", hfs, argv) for argv in commands])

    search()


def _templates(fuzzer: Fuzzer) -> None:
    """Templates, and what is filled into them."""
    fuzzer.server.always(openai_sse('{"a": 1}'))

    @fuzzer.examples
    @hypothesis.given(others.templates(), others.fillings(), st.binary(max_size=20))
    def search(template: str, filling: list[str], given: bytes) -> None:
        hfs = fuzzer.home()
        others.write_template(hfs, template)

        def run() -> None:
            fuzzer.run("templates", hfs, ["templates", "list", "--json"])
            fuzzer.run("templates", hfs, ["chat", "-t", "t", *filling], given)
            fuzzer.run("templates", hfs, ["batch", "rows.csv", "-t", "t", *filling])

        fuzzer.showing((template, filling, given), run)

    search()


def _database(fuzzer: Fuzzer) -> None:
    """Addresses of databases, and copies from one to another."""
    fuzzer.server.always(openai_sse("ok"))

    @fuzzer.examples
    @hypothesis.given(others.places(), others.places(), st.booleans())
    def search(source: str, target: str, by_variable: bool) -> None:
        hfs = fuzzer.home()
        if by_variable:
            hfs.env["HFS_DATABASE"] = source
        else:
            hfs.configure(f"database = {inputs.toml(source)}\n{hfs.config.read_text()}")
        commands = (
            ["db", "path"],
            ["chat", "hi"],
            ["sessions", "list"],
            ["db", "copy", source, target],
            ["db", "copy", str(hfs.database), target],
        )
        fuzzer.showing(
            (source, target), lambda: [fuzzer.run("database", hfs, argv) for argv in commands]
        )

    search()


def _edited(fuzzer: Fuzzer) -> None:
    """Databases that others have edited."""
    fuzzer.server.always(openai_sse("ok"))

    @fuzzer.examples
    @hypothesis.given(
        others.edits(), st.lists(st.sampled_from(others.USES), min_size=2, max_size=4)
    )
    def search(edits: list[others.Edit], uses: list[list[str]]) -> None:
        hfs = fuzzer.home()
        others.edit(hfs.database, edits)
        fuzzer.showing(edits, lambda: [fuzzer.run("edited", hfs, argv) for argv in uses])

    search()


def _redact(fuzzer: Fuzzer) -> None:
    """Texts with keys in them, which are masked, told of, or found and taken out."""

    @fuzzer.examples
    @hypothesis.given(others.secrets(), st.sampled_from(["off", "warn", "mask"]))
    def search(secrets: others.Secrets, mode: str) -> None:
        hfs = fuzzer.home()
        fuzzer.server.always(lambda _: openai_sse(secrets.pieces))
        (hfs.home / "notes.txt").write_text(secrets.prompt)
        words = ["--", secrets.prompt]

        def run() -> None:
            env = hfs.env
            hfs.env = {**env, "HFS_REDACT": mode}
            fuzzer.run("redact", hfs, ["chat", "-f", "notes.txt", *words])
            if mode == "mask":
                _hold(fuzzer, hfs, secrets)
            hfs.env = env
            fuzzer.run("redact", hfs, ["sessions", "redact", "--json"])
            fuzzer.run("redact", hfs, ["sessions", "redact", "--yes"])
            _hold(fuzzer, hfs, secrets)

        fuzzer.showing((mode, secrets), run)

    search()


def _hold(fuzzer: Fuzzer, hfs: Hfs, secrets: others.Secrets) -> None:
    """See that no file of the database has a key."""
    for file in hfs.data.iterdir():
        kept = file.read_bytes()
        for key in secrets.keys:
            if key.encode() in kept:
                fuzzer.judge("redact", [key], f"a key is kept in {file.name}", "")


KINDS: Mapping[str, Callable[[Fuzzer], None]] = {
    "argv": _argv,
    "config": _config,
    "server": _server,
    "import": _import,
    "lines": _lines,
    "batch": _batch,
    "vendor": _vendor,
    "tools": _tools,
    "templates": _templates,
    "database": _database,
    "edited": _edited,
    "redact": _redact,
}
