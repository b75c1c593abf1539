"""The embedded model: llama.cpp's server in this process, reached on loopback."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hfs_cli.config.keys import Key, KeySource
from hfs_cli.errors import ConfigError, NotFoundError, UsageError
from hfs_cli.messages import Request
from hfs_cli.providers.choose import ModelChoice
from hfs_cli.providers.embedded import weights
from hfs_cli.providers.presets import ProviderSettings

CONTEXT_TOKENS = 8192
_LEAST_CONTEXT = 64
# Every server that was made, from the moment it was. To destroy one waits for its loop to
# end, with the interpreter's lock held, and for ever if the loop has not started; the end of the
# process needs no such wait.
_RUNNING: list[Any] = []


def weights_of(choice: ModelChoice) -> Path:
    """The file that holds the chosen model.

    Raises:
        NotFoundError: No embedded model has that name.
        ConfigError: The file or the extra is missing; the message is the command that helps.
    """
    command = weights.how_to_install()
    if choice.model.endswith(".gguf"):
        file = Path(choice.model)
        if not file.is_file():
            raise ConfigError(f"no file {file}: name a GGUF file, local:PATH.gguf")
    elif choice.model == weights.SMOLLM2.name:
        found = weights.find()
        if command or found is None:
            raise ConfigError(f"the embedded model is not installed, run: {command}")
        return found
    else:
        if not weights.is_name(choice.model) or not weights.pulled(choice.model).is_file():
            raise _not_there(choice.model)
        file = weights.pulled(choice.model)
    if command and "hfs-cli" in command:
        raise ConfigError(f"the embedded model is not installed, run: {command}")
    return file


def _not_there(name: str) -> NotFoundError:
    if name in weights.DOWNLOADS:
        return NotFoundError(f"local/{name} is not here yet: hfs models pull {name}")
    from hfs_cli.wording import did_you_mean

    there = f": there are {', '.join(weights.names())}, or local:PATH.gguf"
    return NotFoundError(
        f'no embedded model "{name}"{did_you_mean(name, weights.names(), otherwise=there)}'
    )


def take_context_option(request: Request) -> tuple[int, Request]:
    """Take the option ``n_ctx`` (tokens) out of a request: the server starts with it.

    Returns:
        The context's size and the request without the option.

    Raises:
        UsageError: It is not a whole number of tokens.
    """
    options = dict(request.options)
    n_ctx = options.pop("n_ctx", CONTEXT_TOKENS)
    if isinstance(n_ctx, bool) or not isinstance(n_ctx, int) or n_ctx < _LEAST_CONTEXT:
        raise UsageError(f"n_ctx must be a whole number of tokens, {_LEAST_CONTEXT} or more")
    return n_ctx, request._replace(options=options)


def _threads() -> int:
    """Half of the processors.

    Its threads wait for each other by spinning. On a machine that has other work too, one of
    them is always descheduled, and as many threads as processors are many times slower than
    half of them (measured on 2 busy processors: 2 to 8 tokens a second against 37 to 57).
    """
    # Containers are often given fewer processors than the machine has; only Linux says so.
    allowed = getattr(os, "sched_getaffinity", None)
    processors = len(allowed(0)) if allowed else os.cpu_count() or 1
    return max(1, processors // 2)


class EmbeddedServer:
    """llama.cpp's server with one model; it ends with the process or with `close`.

    Args:
        file: The weights.
        alias: The model's name in requests.
        n_ctx: Tokens of prompt and reply together.
        verbose: Let its logs through to standard error.

    Raises:
        ConfigError: The file cannot be loaded.
    """

    def __init__(self, file: Path, alias: str, n_ctx: int, *, verbose: bool = False) -> None:
        import xllamacpp

        self._key = secrets.token_urlsafe(24)
        params = xllamacpp.CommonParams()
        params.model.path = str(file)
        params.model_alias = {alias}
        params.api_keys = [self._key]
        params.hostnames = ["127.0.0.1"]
        params.port = 0
        params.n_ctx = n_ctx
        params.n_parallel = 1
        params.warmup = False
        for threads in (params.cpuparams, params.cpuparams_batch):
            threads.n_threads = _threads()
            threads.poll = 0
        params.verbosity = 1 if verbose else -1
        try:
            self._server: Any = _start(lambda: xllamacpp.Server(params))
        except RuntimeError as error:
            raise ConfigError(f"llama.cpp cannot load {file}: {error}") from error

    @property
    def settings(self) -> ProviderSettings:
        """How it is reached."""
        return server_settings(self._server.listening_address)

    @property
    def key(self) -> Key:
        """The key of this run alone, which keeps others on this machine out."""
        return Key(self._key, "this run")

    def close(self) -> None:
        """Stop serving and release the weights; only for a server that has answered."""
        _RUNNING.remove(self._server)
        self._server = None


def server_settings(address: str) -> ProviderSettings:
    """How a server of the embedded model is reached at its address."""
    return ProviderSettings(
        name="local",
        type="openai",
        base_url=f"{address}/v1",
        key=KeySource("local", required=False),
    )


def _start(server: Callable[[], Any]) -> Any:  # noqa: ANN401  (xllamacpp has no types)
    """Make the server in a thread, so that a signal need not wait until it is loaded.

    Raises:
        RuntimeError: llama.cpp cannot load the model.
    """
    failed: list[RuntimeError] = []

    def make() -> None:
        try:
            _RUNNING.append(server())
        except RuntimeError as error:
            failed.append(error)

    thread = threading.Thread(target=make, name="hfs-llama", daemon=True)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return _RUNNING[-1]
