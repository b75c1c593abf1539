"""The commands on a terminal."""

import pytest

from tests.render.terminals import Seen, spawn


@pytest.fixture
def on_terminal(chat):
    """Run the command with a terminal for all three streams, to its end."""

    def run(
        *args: str, columns: int = 80, env: dict[str, str] | None = None, typed: bytes = b""
    ) -> Seen:
        environment = chat.environment({"PAGER": "cat"} | (env or {}))
        return spawn([*chat.argv, *args], environment, columns=columns, typed=typed)

    return run
