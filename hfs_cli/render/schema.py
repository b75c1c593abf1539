"""The JSON Schemas of what is printed as JSON, as they are shipped."""

from __future__ import annotations

from importlib.resources import files


def schema_text(name: str) -> str:
    """One of the schemas as JSON text (https://json-schema.org/draft/2020-12).

    Args:
        name: ``json`` or ``jsonl`` of ``chat --format``, ``sessions`` of ``sessions list
            --json``, or ``transcript`` of ``sessions show --format json``.
    """
    return files("hfs_cli.render").joinpath("schemas", f"{name}.json").read_text("utf-8")
