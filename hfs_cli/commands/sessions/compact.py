"""`hfs sessions compact`: a summary that stands for what was said so far."""

from __future__ import annotations

import os
from contextlib import closing

import click

from hfs_cli import notices
from hfs_cli.compose.session import meant_session
from hfs_cli.config import load_config
from hfs_cli.errors import UsageError
from hfs_cli.groups import owner_options


@click.command(name="compact")
@click.argument("ref", required=False)
@click.option("-m", "--model", metavar="MODEL", help="The model to ask, and not the session's own.")
@click.option("--profile", metavar="PROFILE", help="Use the settings of [profiles.PROFILE].")
@click.option("--over-budget", is_flag=True, help="Go on when the daily budget is spent.")
@owner_options()
def compact_session(
    *, ref: str | None, model: str | None, profile: str | None, over_budget: bool
) -> None:
    """Have the model summarise session REF (the last used one by default).

    The summary becomes its last message, and stands for all before it in what a model is given
    from then on. What it stands for stays in the transcript, and a rewind to before the summary
    brings it back. The same happens by itself with --context compact.

    \b
      hfs sessions compact
      hfs sessions compact "release notes" -m openai/gpt-6-luna
    """
    from hfs_cli.compose.ask import chosen_models, provider_of, turn_of, within_cost
    from hfs_cli.compose.compact import Asking, Past
    from hfs_cli.compose.context import measure
    from hfs_cli.compose.options import Asked
    from hfs_cli.messages import ChatMessage
    from hfs_cli.providers.choose import choose_model
    from hfs_cli.store.store import open_store
    from hfs_cli.wording import plural

    config = load_config(flags={"profile": profile})
    asked = Asked(models=(model,) if model else (), over_budget=over_budget)
    with open_store(config) as store:
        session = meant_session(store, config, ref)
        choice = choose_model(config, os.environ, model, session.model)
        turn = turn_of(asked, config, choice, ChatMessage("user", ""), session, None)
        history = store.transcript(session.id)
        within = measure(choice, turn.options, config.models, history)
        with closing(provider_of(asked, config, chosen_models(asked, config, choice))) as provider:
            limited = within_cost(provider, turn, asked, config, store)
            asking = Asking(limited, turn.model, turn.options, within)
            done = Past(store, session.id, history).compact(asking, keep=0)
    if not done:
        raise UsageError(f"session {session.id} has nothing to summarise")
    notices.notice(f"{plural(done, 'turn')} summarised: hfs sessions show {session.id}")
