"""The article's pseudo-code of an event loop, made to run, and in nothing made better.

A task says what it waits for by a question, such as ``lambda: time.monotonic() >= end``. The loop asks all of
them, in every round: it knows no other way to find out. ``asked`` counts that, and changes nothing.

Next: in_turns.py.
"""

import select
import socket
import time
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any

Question = Callable[[], object]


@types.coroutine
def until(question: Question) -> Generator[Question, None, None]:
    """Suspend the task until the answer to ``question()`` is true."""
    yield question


class Task:
    def __init__(self, coro: Coroutine[Any, Any, Any]) -> None:
        self.coro = coro
        self.can_go_on: Question = lambda: True
        self.done = False

    def step(self) -> None:
        try:
            self.can_go_on = self.coro.send(None)
        except StopIteration:
            self.done = True


class Loop:
    def __init__(self) -> None:
        self.tasks: list[Task] = []
        self.asked = 0

    def spawn(self, coro: Coroutine[Any, Any, Any]) -> None:
        self.tasks.append(Task(coro))

    async def sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        await until(lambda: time.monotonic() >= end)

    async def readable(self, sock: socket.socket) -> None:
        await until(lambda: select.select([sock], [], [], 0)[0])

    def run(self) -> None:
        while True:
            ready, done = self.check_all()
            for task in ready:
                task.step()
            for task in done:
                self.tasks.remove(task)
            if not self.tasks:
                break

    def check_all(self) -> tuple[list[Task], list[Task]]:
        """Return the tasks that can go on, and those that are done."""
        ready, done = [], []
        for task in self.tasks:
            self.asked += 1
            if task.done:
                done.append(task)
            elif task.can_go_on():
                ready.append(task)
        return ready, done
