"""`hfs templates`: prompts with placeholders, and the options that go with them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from hfs_cli import notices
from hfs_cli.errors import ConfigError, HfsError, NotFoundError, UsageError
from hfs_cli.groups import Group
from hfs_cli.places import config_file

_NEW = 'description = ""\nprompt = """\n$input\n"""\n'


def _directory() -> Path:
    from hfs_cli.config.templates import directory_of

    return directory_of(Path(config_file(os.environ)))


@click.group(name="templates", cls=Group)
def templates() -> None:
    """List and edit templates: prompts with placeholders, for hfs chat -t.

    $input is standard input, which the words of the command line follow; where nothing is piped
    in, it is the words. Any other placeholder has its value from -p NAME VALUE or the template.
    """


@templates.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def list_templates(*, as_json: bool) -> None:
    """List the templates: your own, and those that come with hfs."""
    from hfs_cli.config.templates import read_template, template_files
    from hfs_cli.render.json_shapes import print_json
    from hfs_cli.render.lists.table import show_table

    found = []
    for name, file in template_files(_directory()):
        try:
            found.append(read_template(file))
        except HfsError as error:  # list the others all the same
            notices.warn(f"{name}: {error.message}")
    if as_json:
        print_json(
            [{"name": t.name, "description": t.description, "built_in": t.built_in} for t in found]
        )
    else:
        rows = [(t.name, t.description, "built in" if t.built_in else "yours") for t in found]
        show_table(("NAME", "DESCRIPTION", "FROM"), rows)


@templates.command(name="show")
@click.argument("template", required=False)
@click.option(
    "--builtin",
    "built_in",
    is_flag=True,
    help="Print the one that comes with hfs; without TEMPLATE, list those that do.",
)
def show_template(*, template: str | None, built_in: bool) -> None:
    """Print the file of TEMPLATE."""
    from hfs_cli.config.templates import find_template, read_template, template_files
    from hfs_cli.render.lists.table import show_table

    if template is None:
        if not built_in:
            raise UsageError("which template? hfs templates list names them")
        found = [read_template(file) for _, file in template_files(None)]
        show_table(("NAME", "DESCRIPTION"), [(t.name, t.description) for t in found])
        return
    file = find_template(template, _directory(), built_in=built_in).file
    sys.stdout.write(file.read_text("utf-8"))


@templates.command(name="edit")
@click.argument("template")
def edit_template(*, template: str) -> None:
    """Open TEMPLATE in $EDITOR, made if it does not exist, and check it afterwards.

    A template that comes with hfs is copied first, and the copy counts from then on.
    """
    from hfs_cli.compose.editor import check_terminal, edit_file
    from hfs_cli.config.templates import find_template, own_file, read_template
    from hfs_cli.files import refusing, write_file

    check_terminal()
    file = own_file(template, _directory())
    if not file.exists():
        try:
            content = find_template(template, file.parent, built_in=True).file.read_text("utf-8")
        except NotFoundError:
            content = _NEW
        with refusing(ConfigError, f"cannot write {file}"):
            write_file(file, content.encode(), replace=False)
    edit_file(file, lambda: read_template(file))


@templates.command(name="remove")
@click.argument("template")
def remove_template(*, template: str) -> None:
    """Delete one of your own templates."""
    from hfs_cli.config.templates import find_template, own_file

    file = own_file(template, _directory())
    try:
        file.unlink()
    except FileNotFoundError:
        found = find_template(template, file.parent)
        raise UsageError(f"{found.name} comes with hfs and cannot be removed") from None
    except OSError as error:
        raise ConfigError(f"cannot remove {file}: {error.strerror}") from error


@templates.command(name="path")
def print_directory() -> None:
    """Print where your own templates are (the directory need not exist)."""
    click.echo(_directory())
