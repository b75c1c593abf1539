"""`hfs sessions compact`: replace what was said so far by a summary, in what models are sent."""

from __future__ import annotations

import os
from contextlib import closing
from functools import partial

import click

from hfs_cli import notices
from hfs_cli.compose.session import meant_session
from hfs_cli.config import load_config
from hfs_cli.errors import UsageError
from hfs_cli.groups import owner_options


@click.command(name="compact")
@click.argument("ref", required=False)
@click.option("-m", "--model", metavar="MODEL", help="Ask this model instead of the session's own.")
@click.option("--profile", metavar="PROFILE", help="Use the settings of [profiles.PROFILE].")
@click.option("--over-budget", is_flag=True, help="Continue even if the daily budget is spent.")
@owner_options()
def compact_session(
    *, ref: str | None, model: str | None, profile: str | None, over_budget: bool
) -> None:
    """Have the model summarise session REF (the last used one by default).

    The summary becomes the last message; from then on a model is sent it instead of the
    messages before it. These stay in the transcript, and a rewind to before the summary
    brings them back. With --context compact, hfs does this by itself.

    \b
      hfs sessions compact
      hfs sessions compact "release notes" -m openai/gpt-6-luna
    """
    from hfs_cli.compose.ask import check_day, open_target, provider_of, targets_of
    from hfs_cli.compose.asked import Asked
    from hfs_cli.compose.budget import CostLimit, Spending
    from hfs_cli.compose.compact import Past, Summariser
    from hfs_cli.compose.context import measure
    from hfs_cli.providers.choose import choose_model
    from hfs_cli.render.reply.choose import View
    from hfs_cli.store.store import open_store
    from hfs_cli.wording import plural

    if model == "":
        raise UsageError("-m needs a model: PROVIDER/MODEL or an alias")
    config = load_config(flags={"profile": profile})
    models = (model,) if model else ()
    asked = Asked(config, View(), models=models, over_budget=over_budget)
    with open_store(config) as store:
        session = meant_session(store, ref, config.session)
        choice = choose_model(config, os.environ, model, session.model)
        targets = targets_of(asked, choice)
        name, options = choice.full_name, targets[choice.full_name].options
        history = store.transcript(session.id)
        within = measure(choice, options, config.models, history)
        with closing(provider_of(targets, partial(open_target, config))) as provider:
            check_day(asked, store, targets)
            limited = provider
            if config.max_cost is not None:
                limited = CostLimit(provider, name, Spending(config.max_cost, config.models))
            summariser = Summariser(limited, name, options, within)
            done = Past(store, session.id, history).compact(summariser, keep=0)
    if not done:
        raise UsageError(f"session {session.id} has nothing to summarise")
    notices.notice(f"{plural(done, 'turn')} summarised: hfs sessions show {session.id}")
