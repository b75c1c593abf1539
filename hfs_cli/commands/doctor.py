"""`hfs doctor`: check what a turn depends on, and how to fix what is wrong."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from hfs_cli import notices
from hfs_cli.config import Config, load_config
from hfs_cli.errors import ConfigError, HfsError
from hfs_cli.hide import hide
from hfs_cli.places import config_file
from hfs_cli.wording import plural


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Args:
        check: What was checked.
        ok: Whether it can be used; None if that was not tried.
        detail: What was found, and what to do if it cannot be used.
    """

    check: str
    ok: bool | None
    detail: str


@click.command(name="doctor")
@click.option("--online", is_flag=True, help="Also ask the provider for its list of models.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def run_doctor(*, online: bool, as_json: bool) -> None:
    """Check configuration, database, model, key and tools.

    MCP servers are started or reached, and asked for their tools; providers are sent nothing
    unless --online is given. Exits 3 when something is wrong.
    """
    from hfs_cli.render.json_shapes import print_json
    from hfs_cli.render.lists.table import show_table

    findings = _findings(online=online)
    if as_json:
        print_json(
            [
                # `well` is the former name of `ok`.
                {"check": f.check, "ok": f.ok, "well": f.ok is not False, "detail": f.detail}
                for f in findings
            ]
        )
    else:
        show_table(("CHECK", "", "FOUND"), [(f.check, _MARKS[f.ok], f.detail) for f in findings])
    wrong = [finding.check for finding in findings if finding.ok is False]
    if wrong:
        raise ConfigError(f"problems with: {', '.join(wrong)}")


_MARKS = {True: "ok", False: "!!", None: "–"}


def _findings(*, online: bool) -> list[Finding]:
    file = Path(config_file(os.environ))
    try:
        config = load_config()
    except HfsError as error:
        return [Finding("configuration", False, error.message)]
    there = str(file) if file.exists() else f"{file} (not there: all defaults)"
    return [
        Finding("configuration", True, there),
        *_variables(config.file),
        _checked("database", lambda: _database(config)),
        _checked("model", lambda: _model(config)),
        _checked("key", lambda: _key(config)),
        *_server(config, online=online),
        _checked("embedded model", _embedded, needed=False),
        *(_tools(config) if config.programs or config.servers else ()),
    ]


def _variables(file: Path) -> list[Finding]:
    """The variables that nothing reads; one that is nearly the name of another is a mistake."""
    from hfs_cli.config.origins import unread_variables

    none = "hfs reads no variable of that name"
    return [
        Finding(f"variable {name}", False, f"{none}: did you mean {meant}?")
        if meant
        else Finding(f"variable {name}", None, none)
        for name, meant in unread_variables(file, os.environ)
    ]


def _checked(check: str, look: Callable[[], str], *, needed: bool = True) -> Finding:
    try:
        return Finding(check, True, hide(look()))
    except HfsError as error:
        return Finding(check, not needed, hide(error.message))


def _database(config: Config) -> str:
    from hfs_cli.store.store import open_store

    where = config.sessions_at
    if isinstance(where, Path) and not where.exists():
        return f"{where} (not there yet: made by the first turn)"
    with open_store(config) as store:
        problems = store.check()
        if problems:
            raise ConfigError("; ".join(problems))
        message = f"{config.shown_database}, {plural(store.count(), 'session')}"
        if not isinstance(where, Path):
            from hfs_cli.config.database import login_name

            message += f" of {config.user or login_name()}"
        return "; ".join([message, *store.exposed()])


def _model(config: Config) -> str:
    from hfs_cli.providers.choose import choose_model

    choice = choose_model(config, os.environ)
    return f"{choice.full_name} — another: hfs models default PROVIDER/MODEL"


def _key(config: Config) -> str:
    from hfs_cli.config.keys import find_key
    from hfs_cli.providers.choose import choose_model

    warnings: list[str] = []
    source = choose_model(config, os.environ).provider.key
    key = find_key(source, os.environ, config.key_file, warnings.append)
    if warnings:
        raise ConfigError(warnings[0])
    return f"{source.provider}: from the {key.origin}" if key else f"{source.provider}: none needed"


def _server(config: Config, *, online: bool) -> list[Finding]:
    """Whether the default model's provider answers; the embedded model has no server."""
    from hfs_cli.providers.choose import choose_model

    try:
        choice = choose_model(config, os.environ)
    except HfsError:
        return []  # the check of the model says so
    provider = choice.provider
    if provider.type == "local":
        here = f"{choice.full_name} runs in this process: there is none to ask"
        return [Finding("server", None, here)] if online else []
    if not online:
        asks = "hfs doctor --online asks it"
        return [Finding("server", None, f"{provider.base_url} was not asked: {asks}")]
    from hfs_cli.providers.models import offered_models

    def ask() -> str:
        found = offered_models(config, os.environ, [provider.name], refresh=True, warn=notices.warn)
        there = "is" if any(model.id == choice.full_name for model in found) else "is not"
        return (
            f"{provider.base_url} answered: {plural(len(found), 'model')}, and {choice.model}"
            f" {there} among them"
        )

    return [_checked("server", ask)]


def _embedded() -> str:
    from hfs_cli.providers.embedded import weights

    missing = weights.how_to_install()
    return f"not there — to have it: {missing}" if missing else f"ready ({weights.find()})"


def _tools(config: Config) -> list[Finding]:
    """Check the programs that are tools, and MCP servers with their tools."""
    from hfs_cli.compose.tools import provider_keys
    from hfs_cli.config.tools import configured_tools
    from hfs_cli.tools.overview import overview

    try:
        entries = overview(configured_tools(config), provider_keys(config), probe=True)
    except HfsError as error:
        return [Finding("tools", False, error.message)]
    findings = []
    for entry in entries:
        if entry.fault is not None:
            findings.append(Finding(f"tool {entry.name}", False, entry.fault.message))
        elif entry.kind == "mcp":
            offers = ", ".join(e.name for e in entries if e.name.startswith(f"{entry.name}:"))
            count = plural(entry.tools or 0, "tool")
            detail = f"{entry.description}, {count}: {offers}".removeprefix(", ")
            findings.append(Finding(f"tool {entry.name}", True, detail[:500]))
        elif entry.kind == "program":
            findings.append(Finding(f"tool {entry.name}", True, entry.runs))
    return findings
