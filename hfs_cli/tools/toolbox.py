"""The tools of one turn: decide which calls may run, and run them in parallel."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from queue import SimpleQueue
from typing import Any

from hfs_cli.errors import UsageError
from hfs_cli.json_schema import check_schema, fault, json_fault, read_json
from hfs_cli.messages import Call, ToolSpec
from hfs_cli.tools.confirm import Confirmation
from hfs_cli.tools.servers import Server
from hfs_cli.tools.tool import Result, Tool

# OpenAI's limit for a request, the lowest of the vendors':
# https://platform.openai.com/docs/assistants/tools/function-calling (2026-11-29).
MAX_TOOLS = 128
_AT_ONCE = 4
_CLOSE_S = 2.0
_MAX_ARGUMENT_CHARS = 1_000_000


class Toolbox:
    """The tools that a model may call in one turn; it can call nothing else.

    Args:
        tools: The tools, each once.
        servers: The servers of these tools, which end with the turn.
        confirmation: Asks the user before a call; None if no call needs that.
        seconds: How long each call may take; None for each tool's own limit.

    Raises:
        UsageError: They are too many for a request.
    """

    def __init__(
        self,
        tools: Sequence[Tool],
        servers: Sequence[Server],
        confirmation: Confirmation | None,
        seconds: float | None,
    ) -> None:
        if len(tools) > MAX_TOOLS:
            raise UsageError(
                f"{len(tools):,} tools are too many for a request (at most {MAX_TOOLS}): name"
                " those that you need, --tool SERVER:TOOL (hfs tools list)"
            )
        self._tools = dict(zip(_wire_names(tool.label for tool in tools), tools, strict=True))
        self._servers = servers
        self._confirmation = confirmation
        self._seconds = seconds
        # The tools whose schema has been checked.
        self._usable: set[str] = set()
        self._stopped = threading.Event()
        self._running = 0
        self._idle = threading.Condition()
        self.specs = tuple(
            ToolSpec(name, tool.description, tool.parameters) for name, tool in self._tools.items()
        )

    def refusals(self, calls: Sequence[Call]) -> Sequence[str | None]:
        """See `hfs_cli.turn.protocols.Toolbox`; where the user can be asked, in the main thread."""
        return [self._refusal(call) for call in calls]

    def _refusal(self, call: Call) -> str | None:
        tool = self._tools.get(call.name)
        if tool is None:
            allowed = ", ".join(each.label for each in self._tools.values())
            return f"{call.label} is not allowed in this turn, which has: {allowed}"
        try:
            if tool.label not in self._usable:
                check_schema(dict(tool.parameters))
                self._usable.add(tool.label)
        except ValueError as error:  # of a server, which may send anything
            return f"the schema of {tool.label} cannot be used: {error}"
        try:
            arguments = _arguments(call)
            wrong = fault(tool.parameters, arguments)
        except ValueError as error:
            return f"the arguments of {tool.label} {error}"
        if wrong is not None:
            return f"the arguments of {tool.label} do not fit its schema at {wrong}"
        if self._confirmation and not self._confirmation.allows(tool, arguments):
            return "the user did not allow this call"
        return None

    def run(
        self,
        calls: Sequence[Call],
        started: Callable[[int], None],
        ended: Callable[[int, str, bool], None],
    ) -> None:
        """Run allowed calls, four at once; see `hfs_cli.turn.protocols.Toolbox`.

        One whose tool must not run beside others waits for those before it, and those after it
        wait for it.
        """
        results: SimpleQueue[tuple[int, Result]] = SimpleQueue()
        running, alone = 0, False

        def collect() -> None:
            nonlocal running
            place, result = results.get()
            running -= 1
            if not self._stopped.is_set():
                ended(place, result.text, result.failed)

        try:
            for place, call in enumerate(calls):
                tool = self._tools[call.name]
                while running and (running >= _AT_ONCE or alone or not tool.parallel):
                    collect()
                if self._stopped.is_set():
                    break
                started(place)
                running, alone = running + 1, not tool.parallel
                self._begin(place, tool, _arguments(call), results)
            while running:
                collect()
        except BaseException:
            self._stopped.set()
            raise

    def _begin(
        self,
        place: int,
        tool: Tool,
        arguments: Mapping[str, Any],
        results: SimpleQueue[tuple[int, Result]],
    ) -> None:
        def work() -> None:
            try:
                result = tool.call(arguments, self._seconds, self._stopped.is_set)
            except BaseException as error:  # noqa: BLE001  else the turn would wait for ever
                text = f"{tool.label} failed: {type(error).__name__}: {error}"
                result = Result(text, failed=True)
            with self._idle:
                self._running -= 1
                self._idle.notify_all()
            results.put((place, result))

        with self._idle:
            self._running += 1
        threading.Thread(target=work, name=f"hfs-tool-{place}", daemon=True).start()

    def close(self) -> None:
        """See `hfs_cli.turn.protocols.Toolbox`."""
        self._stopped.set()
        closing = [threading.Thread(target=server.close, daemon=True) for server in self._servers]
        for thread in closing:
            thread.start()
        with self._idle:
            self._idle.wait_for(lambda: not self._running, _CLOSE_S)
        for thread in closing:
            thread.join(_CLOSE_S)


def _arguments(call: Call) -> dict[str, Any]:
    """Read the arguments of a call; the message of a ValueError continues "the arguments …"."""
    if len(call.arguments) > _MAX_ARGUMENT_CHARS:
        raise ValueError(f"are over {_MAX_ARGUMENT_CHARS:,} characters")
    try:
        found = read_json(call.arguments or "{}")
    except (ValueError, RecursionError) as error:
        raise ValueError(f"are not JSON: {json_fault(error)}") from error
    if not isinstance(found, dict):
        raise ValueError("are not a JSON object")  # noqa: TRY004  as the others
    return found


def _wire_names(labels: Iterable[str]) -> list[str]:
    """A name for each tool that every vendor accepts: ``SERVER__TOOL``.

    What they do not take (a dot, over 64 characters) is replaced; two that would be one then, and
    what had to be cut, end with a few digits of their own.
    """
    names: list[str] = []
    for label in labels:
        name = re.sub(r"[^A-Za-z0-9_-]", "_", label.replace(":", "__", 1))
        if len(name) > 64 or name in names:
            name = f"{name[:55]}_{sha256(label.encode()).hexdigest()[:8]}"
        names.append(name)
    return names
