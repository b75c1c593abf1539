"""What an error says to install is what installs it, however hfs was installed."""

import sys
from importlib.metadata import distribution

import pytest

from hfs_cli.extras import how_to_add


def test_it_is_installed_anew_from_where_it_came():
    url = distribution("hfs-cli").read_text("direct_url.json")
    command = how_to_add("mcp")
    kind, _, source = command.partition(" @ ")
    assert kind in ("pip install 'hfs-cli[mcp]", "uv pip install 'hfs-cli[mcp]")
    assert source.startswith("file://")
    assert source.rstrip("'") in (url or "")


@pytest.mark.parametrize(
    ("file", "text", "command"),
    [
        ("pipx_metadata.json", "{}", "pipx install --force 'hfs-cli[yaml] @ file:"),
        (
            "uv-receipt.toml",
            'requirements = [{ name = "hfs-cli", extras = ["local", "mcp"] }, { name = "x" }]',
            "uv tool install --reinstall 'hfs-cli[local,mcp,yaml] @ file:",
        ),
        (
            "uv-receipt.toml",
            'requirements = [{ name = "hfs-cli" }]',
            "uv tool install --reinstall 'hfs-cli[yaml] @ file:",
        ),
    ],
)
def test_a_tool_of_uv_or_pipx_is_installed_by_it(tmp_path, monkeypatch, file, text, command):
    (tmp_path / file).write_text(text)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert how_to_add("yaml").startswith(command)


@pytest.mark.parametrize(
    ("origin", "named"),
    [
        (None, "hfs-cli[yaml]"),  # from an index
        (
            '{"url": "https://x.example/hfs.git", "vcs_info": {"vcs": "git", "commit_id": "0a1b"}}',
            "hfs-cli[yaml] @ git+https://x.example/hfs.git@0a1b",
        ),
    ],
)
def test_one_from_an_index_or_a_repository_comes_from_there(monkeypatch, origin, named):
    class Installed:
        def read_text(self, _name):
            return origin

    monkeypatch.setattr("hfs_cli.extras.distribution", lambda _name: Installed())
    assert how_to_add("yaml").endswith(f"install '{named}'")
