"""How to install what an extra of this package needs, in the way in which hfs was installed."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

_PACKAGE = "hfs-cli"


def how_to_add(extra: str) -> str:
    """The command, from where hfs itself came (PEP 610): files, a repository or an index.

    Args:
        extra: Its name in pyproject.toml.
    """
    source = ""
    with suppress(PackageNotFoundError, ValueError):
        if origin := json.loads(distribution(_PACKAGE).read_text("direct_url.json") or "{}"):
            url = origin["url"]
            if vcs := origin.get("vcs_info"):
                url = f"{vcs['vcs']}+{url}@{vcs['commit_id']}"
            source = f" @ {url}"
    extras = {extra}
    receipt = Path(sys.prefix, "uv-receipt.toml")
    if receipt.is_file():
        command = "uv tool install --reinstall"
        # uv installs the tool anew, with these extras alone.
        had = re.search(rf'"{_PACKAGE}", extras = \[(.*?)\]', receipt.read_text("utf-8"))
        extras.update(re.findall(r'"([\w-]+)"', had[1]) if had else ())
    elif Path(sys.prefix, "pipx_metadata.json").is_file():
        command = "pipx install --force"
    else:
        command = "pip install" if importlib.util.find_spec("pip") else "uv pip install"
    return f"{command} '{_PACKAGE}[{','.join(sorted(extras))}]{source}'"
