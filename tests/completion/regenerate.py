"""Write the generated files anew: ``python -m tests.completion.regenerate``."""

from __future__ import annotations

from pathlib import Path

from hfs_cli.cli import hfs
from hfs_cli.completion.scripts import FILES, script

DIRECTORY = Path(__file__).parents[2] / "completions"


def generated() -> dict[str, str]:
    """Every generated file's text, by its path below ``completions/``."""
    return {FILES[shell]: script(shell, hfs) for shell in FILES}


if __name__ == "__main__":
    for name, text in generated().items():
        path = DIRECTORY / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
