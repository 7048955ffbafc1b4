"""Some futures are settled by the kernel: the loop sleeps in a selector, until the first timer is due.

This is a whole loop, in a page. The loop of the course has no other parts; it does more with them.

Read with_time.py first. Next: ../../eventloop/loop.py.
"""

import heapq
import itertools
import selectors
import socket
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
        self.selector = selectors.DefaultSelector()
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

    async def readable(self, sock: socket.socket) -> None:
        future = Future(self)
        self.selector.register(sock, selectors.EVENT_READ, future)
        await future

    def run(self) -> None:
        with self.selector:  # which closes it at the end
            while self.ready or self.timers or self.selector.get_map():
                self.run_once()

    def run_once(self) -> None:
        for key, _ in self.selector.select(self.patience()):
            self.selector.unregister(key.fileobj)
            key.data.set_result(None)
        while self.timers and self.timers[0][0] <= time.monotonic():
            heapq.heappop(self.timers)[2].set_result(None)
        for _ in range(len(self.ready)):
            callback, args = self.ready.popleft()
            callback(*args)

    def patience(self) -> float | None:
        """Return for how many seconds there is nothing to do; None has no end."""
        if not self.timers and not self.ready:
            return None
        return 0 if self.ready else max(0, self.timers[0][0] - time.monotonic())
