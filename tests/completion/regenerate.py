"""Write the generated files anew: ``python -m tests.completion.regenerate``."""

from __future__ import annotations

from pathlib import Path

from hfs_cli.cli import hfs
from hfs_cli.completion.man import pages
from hfs_cli.completion.scripts import FILES, script
from hfs_cli.completion.tree import read_tree

DIRECTORY = Path(__file__).parents[2] / "completions"


def generated() -> dict[str, str]:
    """Every generated file's text, by its path below ``completions/``."""
    scripts = {FILES[shell]: script(shell, hfs) for shell in FILES}
    return scripts | {f"man/{name}": text for name, text in pages(read_tree(hfs)).items()}


def main() -> None:
    """Write what changed and remove what is of no command any more."""
    wanted = generated()
    for path in DIRECTORY.rglob("*"):
        if path.is_file() and str(path.relative_to(DIRECTORY)) not in wanted:
            path.unlink()
    for name, text in wanted.items():
        path = DIRECTORY / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
