"""Ask many prompts at once: threads ask, and the main one hands out work and keeps what comes.

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
    admits: Callable[[Task], bool],
) -> None:
    """Work through all tasks, a fixed number at once.

    Args:
        tasks: Read in this thread, each when a thread is free to ask it.
        ask: Called in threads.
        keep: Called in this thread with each answer; no signal interrupts it. False means
            that nothing more is to be asked: what is under way still comes.
        width: How many at once.
        admits: Whether a task may start, beside those under way. One that may not waits until
            something has come; if nothing is under way, it ends the work.

    Raises:
        SignalReceived: Once what had come was kept; what is under way is left to itself.
        Exception: What one of the three raised.
    """
    # What is loaded by now stays and need not be collected. Each of the many turns may leave
    # reference cycles, so they are collected as often as Python does by default.
    gc.freeze()
    gc.set_threshold(700, 10, 10)
    _Crew(ask, width, admits).run(tasks, keep)


class _Crew(Generic[Task, Answer]):
    def __init__(
        self, ask: Callable[[Task], Answer], width: int, admits: Callable[[Task], bool]
    ) -> None:
        self._ask = ask
        self._width = width
        self._admits = admits
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
        task: Task | None = None
        while going or running:
            while going and running < self._width:
                if task is None:
                    with signals.let_through():
                        task = next(tasks, None)
                if task is None:
                    going = False
                elif self._admits(task):
                    self._hand_out(task, running)
                    running += 1
                    task = None
                else:
                    going = running > 0
                    break
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
