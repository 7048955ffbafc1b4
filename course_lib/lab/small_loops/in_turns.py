"""Nobody is asked: a task waits for a future, and the future's end puts it into the queue.

Futures and tasks are those of lesson 08. What they need of a loop is ``call_soon``.

Read asking.py first. Next: with_time.py.
"""

import traceback
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from course_lib.eventloop import Task


class Loop:
    def __init__(self) -> None:
        self.ready: deque[Any] = deque()
        self.on_error = traceback.print_exception

    def call_soon(self, callback: Callable[..., object], *args: Any) -> None:
        self.ready.append((callback, args))

    def spawn(self, coro: Coroutine[Any, Any, Any]) -> Task[Any]:
        return Task(coro, self)

    def run(self) -> None:
        while self.ready:
            self.run_once()

    def run_once(self) -> None:
        for _ in range(len(self.ready)):
            callback, args = self.ready.popleft()
            callback(*args)
