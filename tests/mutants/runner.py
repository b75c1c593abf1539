"""Runs tests again and again: ``python -m tests.mutants.runner``, in the tree under test.

Each line of standard input is a JSON list of arguments for pytest; each is answered with its exit
code. What every run would load anew (pytest, its plugins, the libraries) is loaded once; the
package itself and its tests are loaded by each run, which is a fork.
"""

import importlib
import json
import os
import sys

import pytest

# Not the package: it changes from run to run.
_LIBRARIES = (
    *("hypothesis", "httpx", "jsonschema", "markdown_it", "peewee", "platformdirs", "pexpect"),
    *("playhouse.migrations", "playhouse.sqlite_ext", "pygments", "rich.console", "rich.markdown"),
    *("tomlkit", "trustme", "yaml", "click"),
)

# That a plugin is loaded before pytest could look into its asserts does no harm here.
_QUIET = ("-W", "ignore::pytest.PytestAssertRewriteWarning")


def _run(arguments: list[str]) -> int:
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)  # what the tests start can be ended with them
        null = os.open(os.devnull, os.O_RDONLY)
        said = os.open("said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(null, 0)
        os.dup2(said, 1)
        os.dup2(said, 2)
        code = int(pytest.main([*arguments, *_QUIET]))
        sys.stdout.flush()
        os._exit(code)
    print(child, flush=True)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    """Answer until standard input ends."""
    for name in _LIBRARIES:
        try:
            importlib.import_module(name)
        except ImportError:
            print(f"{name} is not here; each run would load it", file=sys.stderr)
    loaded = [name for name in sys.modules if name.partition(".")[0] == "hfs_cli"]
    assert not loaded, f"the package is loaded once for all runs: {loaded}"
    for line in sys.stdin:
        print(_run(json.loads(line)), flush=True)


if __name__ == "__main__":
    main()
