"""`hfs models`: list, choose and install models."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hfs_cli import notices
from hfs_cli.config import Config, load_config
from hfs_cli.errors import HfsError, UsageError
from hfs_cli.groups import Group

if TYPE_CHECKING:
    from hfs_cli.providers.formats.listings import Listed


@click.group(name="models", cls=Group)
def models() -> None:
    """See, fetch and choose models."""


@models.command(name="list")
@click.argument("words", metavar="[WORD]...", nargs=-1)
@click.option("--refresh", is_flag=True, help="Ask the providers even if they were asked today.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def list_models(*, words: tuple[str, ...], refresh: bool, as_json: bool) -> None:
    """List the models of every provider that has a key or needs none.

    Shows only models whose names contain every WORD; a WORD that names a provider asks that
    one alone. On a terminal each has its context, its prices per million tokens, what it takes
    besides text (images, PDF, audio, tools, schemas, reasoning) and the day its vendor retires
    it, where they are known; ● is the default.
    """
    from hfs_cli.providers.choose import choose_model, provider_names
    from hfs_cli.providers.models import offered_models
    from hfs_cli.render.json_shapes import print_json
    from hfs_cli.render.lists.models import show_models
    from hfs_cli.render.progress import waiting

    config = load_config()
    named = set(words) & set(provider_names(config))
    told: list[str] = []
    with waiting(f"asking {', '.join(sorted(named)) or 'the providers'} for their models"):
        found = offered_models(config, os.environ, named, refresh=refresh, warn=told.append)
    for warning in told:  # now that the spinner is gone
        notices.warn(warning)
    shown = [model for model in found if all(w.lower() in model.id.lower() for w in words)]
    aliases = {full: alias for alias, full in config.aliases.items()}
    try:
        default = choose_model(config, os.environ).full_name
    except HfsError:
        default = None  # none is set up; the list is of use all the same
    rows = [_row(model, config, aliases.get(model.id), default) for model in shown]
    if as_json:
        print_json(rows)
    else:
        show_models(rows, words)


def _row(
    model: Listed, config: Config, alias: str | None, default: str | None
) -> dict[str, object]:
    """A model as its provider lists it, completed by what hfs knows about it."""
    from hfs_cli.known_models import TAKES, known_model
    from hfs_cli.prices import prices_of

    known, prices = known_model(model.id), prices_of(model.id, config.models)
    takes = known.takes if known and model.takes is None else model.takes
    return {
        "model": model.id,
        "provider": model.id.partition("/")[0],
        "alias": alias,
        "default": model.id == default,
        "context": model.context or (known.context if known else None),
        "most_output": known.most_output if known else None,
        "input_price": prices.input_price if prices else model.input_price,
        "output_price": prices.output_price if prices else model.output_price,
        "takes": None if takes is None else [TAKES[letter] for letter in TAKES if letter in takes],
        "ends": model.ends,
    }


@models.command(name="default")
@click.argument("model", required=False)
def default_model(*, model: str | None) -> None:
    """Print the model that `hfs chat` uses, or make MODEL that one."""
    from hfs_cli.providers.choose import choose_model, named_model

    config = load_config()
    if model is None:
        click.echo(choose_model(config, os.environ).full_name)
        return
    from hfs_cli.config.editing import set_value

    choice = named_model(config, model)
    # An alias is kept as such, so that the default follows when the alias changes.
    set_value(config.file, "model", model if model in config.aliases else choice.full_name)
    notices.notice(f"{choice.full_name} is the default now")


@models.command(name="pull")
@click.argument("what", metavar="[NAME|URL|FILE]", default="smollm2")
@click.option("--sha256", metavar="HEX", help="The digest that the file must have.")
@click.option("--name", metavar="NAME", help="Name of the model; by default that of its file.")
def pull_model(*, what: str, sha256: str | None, name: str | None) -> None:
    """Install the weights of a model on this machine, as local/NAME.

    NAME is smollm2 (98 MB), qwen2.5-0.5b (491 MB), qwen3-0.6b (639 MB), qwen3-1.7b (1.8 GB) or
    qwen3-4b (2.5 GB), all under the licence Apache 2.0. URL and FILE are any weights in the
    format GGUF; a URL needs the digest that its page states. Prints where they are kept.

    \b
      hfs models pull qwen3-0.6b
      hfs models pull https://host/x.gguf --sha256 9465e6… --name mine
      hfs chat -m local/mine "…"
    """
    from hfs_cli.providers.embedded.pull import pull_gguf, pull_smollm2
    from hfs_cli.providers.embedded.weights import SMOLLM2
    from hfs_cli.render.output import print_made
    from hfs_cli.render.progress import progress

    if what == SMOLLM2.name:
        if sha256 or name:
            raise UsageError(f"{what} has its own name and digest: leave out --sha256 and --name")
        with progress(what, SMOLLM2.size) as advance:
            kept, path = what, pull_smollm2(advance)
    else:
        kept, path = pull_gguf(what, sha256, name, progress)
    print_made(str(path), f'{path} is here: hfs chat -m local/{kept} "…"')


@models.command(name="update")
@click.argument("file", required=False, type=click.Path(path_type=Path))
def update_known(*, file: Path | None) -> None:
    """Update prices and sizes of models from the package genai-prices, or from FILE.

    hfs comes with those of its release; a newer genai-prices (the extra `prices`) has newer ones.
    Nothing is fetched from the network.
    """
    from hfs_cli.known_models import update

    notices.notice(update(file))
