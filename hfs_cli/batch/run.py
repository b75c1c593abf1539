"""Ask many at once: threads ask, and this one hands out, takes what comes and keeps it.

A thread gets its next task when what it brought has been kept. So no more than there are threads
is under way or unkept at any moment, however fast the answers come.
"""

from __future__ import annotations

import gc
import threading
from collections import deque
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Generic, TypeVar

from hfs_cli import signals
from hfs_cli.errors import SignalReceived

Task = TypeVar("Task")
Answer = TypeVar("Answer")


def ask_all(
    tasks: Iterator[Task],
    ask: Callable[[Task], Answer],
    keep: Callable[[Task, Answer], bool],
    width: int,
) -> None:
    """Ask all, so many at once, until there are no more.

    Args:
        tasks: Gone over in this thread, each when there is somebody to ask.
        ask: Called in threads.
        keep: Called in this thread with what each brought; no signal falls into it. False means
            that nothing more is to be asked: what is under way still comes.
        width: How many at once.

    Raises:
        SignalReceived: Once what had come was kept; what is under way is left to itself.
        Exception: What one of the three raised.
    """
    # What has loaded stays. What each turn leaves in circles does not: there are many turns, so
    # it is looked for as often as Python itself would, and not as seldom as for one.
    gc.freeze()
    gc.set_threshold(700, 10, 10)
    _Crew(ask, width).run(tasks, keep)


class _Crew(Generic[Task, Answer]):
    def __init__(self, ask: Callable[[Task], Answer], width: int) -> None:
        self._ask = ask
        self._width = width
        self._to_do: SimpleQueue[Task | None] = SimpleQueue()
        self._came: deque[tuple[Task, Answer | None, BaseException | None]] = deque()
        self._arrival = threading.Event()
        self._threads = 0

    def run(self, tasks: Iterator[Task], keep: Callable[[Task, Answer], bool]) -> None:
        try:
            with signals.held():
                try:
                    self._run(tasks, keep)
                except SignalReceived:
                    while self._came:
                        self._keep(keep)
                    raise
        finally:
            for _ in range(self._threads):
                self._to_do.put(None)

    def _run(self, tasks: Iterator[Task], keep: Callable[[Task, Answer], bool]) -> None:
        running, going = 0, True
        while going or running:
            while going and running < self._width:
                with signals.let_through():
                    task = next(tasks, None)
                if task is None:
                    going = False
                else:
                    self._hand_out(task, running)
                    running += 1
            if running:
                with signals.let_through():
                    self._arrival.wait()
                self._arrival.clear()
            while self._came:
                running -= 1
                going = self._keep(keep) and going

    def _hand_out(self, task: Task, running: int) -> None:
        if running >= self._threads:
            threading.Thread(target=self._work, name="hfs-batch", daemon=True).start()
            self._threads += 1
        self._to_do.put(task)

    def _keep(self, keep: Callable[[Task, Answer], bool]) -> bool:
        task, answer, bug = self._came.popleft()
        if bug is not None:
            raise bug
        assert answer is not None
        return keep(task, answer)

    def _work(self) -> None:
        while (task := self._to_do.get()) is not None:
            try:
                self._came.append((task, self._ask(task), None))
            except BaseException as bug:  # noqa: BLE001  raised in the thread that runs all
                self._came.append((task, None, bug))
            self._arrival.set()
