"""llama.cpp's server in this process, reached over loopback."""

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
# All servers, which keeps them from being destroyed. Destroying one waits for its loop to end, with
# the interpreter's lock held, and for ever if the loop has not started. The end of the process does
# not wait for it.
_RUNNING: list[Any] = []


def weights_of(choice: ModelChoice) -> Path:
    """The file with the weights of the chosen model.

    Raises:
        NotFoundError: There is no embedded model of that name.
        ConfigError: The file or llama.cpp is missing; the message has the command that helps.
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
            raise _unknown_model(choice.model)
        file = weights.pulled(choice.model)
    if command and "hfs-cli" in command:
        raise ConfigError(f"the embedded model is not installed, run: {command}")
    return file


def _unknown_model(name: str) -> NotFoundError:
    if name in weights.DOWNLOADS:
        return NotFoundError(f"local/{name} is not installed yet, run: hfs models pull {name}")
    from hfs_cli.wording import did_you_mean

    otherwise = f": there are {', '.join(weights.names())}, or local:PATH.gguf"
    return NotFoundError(
        f'no embedded model "{name}"{did_you_mean(name, weights.names(), otherwise=otherwise)}'
    )


def take_context_option(request: Request) -> tuple[int, Request]:
    """Take the option ``n_ctx`` out of a request, because the server is started with it.

    Returns:
        The size of the context in tokens, and the request without the option.

    Raises:
        UsageError: It is not a whole number of tokens, or too small.
    """
    options = dict(request.options)
    n_ctx = options.pop("n_ctx", CONTEXT_TOKENS)
    if isinstance(n_ctx, bool) or not isinstance(n_ctx, int) or n_ctx < _LEAST_CONTEXT:
        raise UsageError(f"n_ctx must be a whole number of tokens, {_LEAST_CONTEXT} or more")
    return n_ctx, request._replace(options=options)


def _threads() -> int:
    """How many threads to use: half as many as there are processors.

    The threads wait for each other by spinning. On a busy machine one of them is always
    descheduled, so one thread for each processor is many times slower than half as many (on 2 busy
    processors, 2 to 8 tokens a second were measured against 37 to 57).
    """
    # Containers may have fewer processors than the machine, which only Linux tells.
    allowed = getattr(os, "sched_getaffinity", None)
    processors = len(allowed(0)) if allowed else os.cpu_count() or 1
    return max(1, processors // 2)


class EmbeddedServer:
    """llama.cpp's server with one model; it ends with the process or with `close`.

    Args:
        file: The weights.
        alias: The model's name in requests.
        n_ctx: The size of the context in tokens, for prompt and reply together.
        verbose: Whether it may log to standard error.

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
        """The settings of a provider that reaches it."""
        return server_settings(self._server.listening_address)

    @property
    def key(self) -> Key:
        """A key made for this run, which keeps other users of this machine out."""
        return Key(self._key, "this run")

    def close(self) -> None:
        """Stop the server and release the weights; it must have answered a request before."""
        _RUNNING.remove(self._server)
        self._server = None


def server_settings(address: str) -> ProviderSettings:
    """The settings of a provider that reaches the embedded server at an address."""
    return ProviderSettings(
        name="local",
        type="openai",
        base_url=f"{address}/v1",
        key=KeySource("local", required=False),
    )


def _start(server: Callable[[], Any]) -> Any:  # noqa: ANN401  (xllamacpp has no types)
    """Make the server in a thread, so that signals are handled while the weights load.

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
