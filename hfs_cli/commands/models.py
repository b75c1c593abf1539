"""`hfs models`: which models there are, and which one is used."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hfs_cli import notices
from hfs_cli.config import Config, load_config
from hfs_cli.errors import HfsError
from hfs_cli.groups import Group

if TYPE_CHECKING:
    from hfs_cli.providers.formats.listings import Listed


@click.group(name="models", cls=Group)
def models() -> None:
    """See, fetch and choose models."""


@models.command(name="list")
@click.argument("words", metavar="[WORD]...", nargs=-1)
@click.option("--refresh", is_flag=True, help="Ask the providers, even if asked today.")
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
def list_models(*, words: tuple[str, ...], refresh: bool, as_json: bool) -> None:
    """List the models of every provider that has a key or needs none.

    Only those whose names hold every WORD are shown; a WORD that names a provider asks
    that one alone. On a terminal each comes with its context, the prices of a million tokens,
    what it takes beside text (images, PDF, audio, tools, schemas, reasoning), and the day on
    which its vendor ends it, where they are known; ● is the default.
    """
    from hfs_cli.providers.choose import choose_model, provider_names
    from hfs_cli.providers.models import offered_models
    from hfs_cli.render.progress import waiting

    config = load_config()
    named = set(words) & set(provider_names(config))
    told: list[str] = []
    with waiting(f"asking {', '.join(sorted(named)) or 'the providers'} for their models"):
        found = offered_models(config, os.environ, named, refresh=refresh, warn=told.append)
    for warning in told:  # now that nothing is drawn there
        notices.warn(warning)
    shown = [model for model in found if all(w.lower() in model.id.lower() for w in words)]
    aliases = {full: alias for alias, full in config.aliases.items()}
    try:
        default = choose_model(config, os.environ, None, None).full_name
    except HfsError:
        default = None  # nothing is chosen: what is on offer is worth seeing all the same
    rows = [_row(model, config, aliases.get(model.id), default) for model in shown]
    if as_json:
        from hfs_cli.render.json_shapes import print_json

        print_json(rows)
        return
    from hfs_cli.render.lists.models import show_models

    show_models(rows, words)


def _row(
    model: Listed, config: Config, alias: str | None, default: str | None
) -> dict[str, object]:
    """A model as its provider lists it, with what is known of it otherwise."""
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
        click.echo(choose_model(config, os.environ, None, None).full_name)
        return
    from hfs_cli.config.editing import set_value

    choice = named_model(config, model)
    # An alias stays an alias: it follows when the user points it elsewhere.
    set_value(config.file, "model", model if model in config.aliases else choice.full_name)
    notices.notice(f"{choice.full_name} is the default now")


@models.command(name="pull")
@click.argument("what", metavar="[NAME|URL|FILE]", default="smollm2")
@click.option("--sha256", metavar="HEX", help="The digest that the file must have.")
@click.option("--name", metavar="NAME", help="What to call it; by default as its file.")
def pull_model(*, what: str, sha256: str | None, name: str | None) -> None:
    """Bring the weights of a model to this machine; it is local/NAME then.

    NAME is smollm2 (98 MB), qwen2.5-0.5b (491 MB), qwen3-0.6b (639 MB), qwen3-1.7b (1.8 GB) or
    qwen3-4b (2.5 GB); these are under the licence Apache 2.0. URL and FILE are any weights in
    the format GGUF; a URL needs the digest that its page states. Prints where they are kept.

    \b
      hfs models pull qwen3-0.6b
      hfs models pull https://host/x.gguf --sha256 9465e6… --name mine
      hfs chat -m local/mine "…"
    """
    from hfs_cli.providers.embedded.pull import pull_gguf, pull_smollm2
    from hfs_cli.providers.embedded.weights import SMOLLM2
    from hfs_cli.render.output import print_made
    from hfs_cli.render.progress import progress

    if what == SMOLLM2.name and not (sha256 or name):
        with progress(what, SMOLLM2.size) as advance:
            kept, path = what, pull_smollm2(advance)
    else:
        kept, path = pull_gguf(what, sha256, name, progress)
    print_made(str(path), f'{path} is here: hfs chat -m local/{kept} "…"')


@models.command(name="update")
@click.argument("file", required=False, type=click.Path(path_type=Path))
def update_known(*, file: Path | None) -> None:
    """Take newer prices and sizes of models from the package genai-prices, or from FILE.

    hfs comes with those of its release; `pip install -U 'hfs-cli[prices]'` brings newer ones.
    Nothing is fetched from the network, and never during a turn.
    """
    from hfs_cli.known_models import update

    notices.notice(update(file))
