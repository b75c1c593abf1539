"""Write the generated files anew: ``python -m tests.completion.regenerate``.

They are the completion scripts, the manual pages and the tables of docs/settings.md.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from hfs_cli.cli import hfs
from hfs_cli.completion.man import pages, toml
from hfs_cli.completion.tree import read_tree, script
from hfs_cli.config.origins import all_settings
from hfs_cli.config.settings import SETTINGS, TERMINAL_VARIABLES, VARIABLES

ROOT = Path(__file__).parents[2]
DIRECTORY = ROOT / "completions"
PAGE = ROOT / "docs" / "settings.md"


def generated() -> dict[str, str]:
    """Every generated file's text, by its path below ``completions/``."""
    files = {"bash": "hfs.bash", "zsh": "_hfs", "fish": "hfs.fish"}
    scripts = {file: script(shell, hfs) for shell, file in files.items()}
    return scripts | {f"man/{name}": text for name, text in pages(read_tree(hfs)).items()}


def _put(table: str, markers: re.Match[str]) -> str:
    return markers[1] + table + markers[2]


def settings_page(text: str) -> str:
    """The page of settings with what stands between its markers written anew."""
    for name, table in {"settings": settings_table(), "variables": variables_table()}.items():
        between = f"(<!-- {name}: generated -->\n).*?(<!-- /{name} -->)"
        text, found = re.subn(between, partial(_put, table), text, flags=re.DOTALL)
        assert found == 1, f"docs/settings.md has no markers for {name}"
    return text


def settings_table() -> str:
    """Each key of the file."""
    rows = ["| key | default | what it is |", "|---|---|---|"]
    for setting in all_settings():
        default = "" if setting.default is None else f"`{toml(setting.default)}`"
        rows.append(f"| `{setting.key}` | {default} | {setting.help} |")
    return "\n".join([*rows, ""])


def variables_table() -> str:
    """Each variable that is not a setting, and those that are."""
    rows = ["| variable | what it is |", "|---|---|"]
    rows += [f"| `{name}` | {meaning} |" for name, meaning in VARIABLES.items()]
    names = ", ".join(f"`{setting.variable}`" for setting in SETTINGS.values())
    rows.append(f"| {names} | The setting of that name. |")
    rows += [f"| `{name}` | {meaning} |" for name, meaning in TERMINAL_VARIABLES.items()]
    return "\n".join([*rows, ""])


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
    PAGE.write_text(settings_page(PAGE.read_text("utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
