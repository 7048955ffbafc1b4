"""Some futures are settled by a clock: the loop sleeps until the first of them is due.

Read in_turns.py first. Next: with_sockets.py.
"""

import heapq
import itertools
import time
import traceback
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from course_lib.eventloop import Future, Task


class Loop:
    def __init__(self) -> None:
        self.ready: deque[Any] = deque()
        self.timers: list[Any] = []
        self.numbers = itertools.count()  # which of two timers was first
        self.on_error = traceback.print_exception

    def call_soon(self, callback: Callable[..., object], *args: Any) -> None:
        self.ready.append((callback, args))

    def spawn(self, coro: Coroutine[Any, Any, Any]) -> Task[Any]:
        return Task(coro, self)

    async def sleep(self, seconds: float) -> None:
        future = Future(self)
        when = time.monotonic() + seconds
        heapq.heappush(self.timers, (when, next(self.numbers), future))
        await future

    def run(self) -> None:
        while self.ready or self.timers:
            self.run_once()

    def run_once(self) -> None:
        time.sleep(self.patience())
        while self.timers and self.timers[0][0] <= time.monotonic():
            heapq.heappop(self.timers)[2].set_result(None)
        for _ in range(len(self.ready)):
            callback, args = self.ready.popleft()
            callback(*args)

    def patience(self) -> float:
        """Return for how many seconds there is nothing to do."""
        return 0 if self.ready else max(0, self.timers[0][0] - time.monotonic())
