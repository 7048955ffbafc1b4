"""Our loop and asyncio's behind the same few names: what test_programs.py plays on.

Both have a clock that jumps, unless they are told to be ``real``. And both are made to take the same course
each time where the loops themselves need not: leftover tasks are
cancelled in the order in which they were made (both keep sets), and asyncio's timers of the same moment are
called in the order in which they were set (its heap swaps them; ours does not).
"""

import asyncio
import selectors
import sys
from collections.abc import Coroutine, Iterator
from typing import Any

from course_lib.eventloop import CancelledError, Future, Loop, Task
from course_lib.eventloop.fake_time import FakeTime


class InOrder:
    """As much of a set as the loop needs, in the order of insertion."""

    def __init__(self) -> None:
        self._items: dict[Any, None] = {}

    def add(self, item: Any) -> None:
        self._items[item] = None

    def discard(self, item: Any) -> None:
        self._items.pop(item, None)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)


class Ours:
    CancelledError = CancelledError

    def __init__(self, real: bool = False) -> None:
        self.loop = loop = Loop() if real else Loop(faketime := FakeTime(), faketime.clock)
        loop.tasks = InOrder()
        self.errors: list[BaseException] = []
        loop.on_error = self.errors.append
        self.time, self.call_soon, self.call_later = loop.time, loop.call_soon, loop.call_later
        self.spawn, self.sleep, self.gather, self.timeout = loop.spawn, loop.sleep, loop.gather, loop.timeout
        self.accept, self.connect = loop.sock_accept, loop.sock_connect
        self.recv, self.sendall = loop.sock_recv, loop.sock_sendall

    def future(self) -> Future[Any]:
        return Future(self.loop)

    def current_task(self) -> Task[Any] | None:
        return self.loop.current_task

    def run(self, coro: Coroutine[Any, Any, Any]) -> Any:
        try:
            return self.loop.run(coro)
        finally:
            self.loop.close()


class JumpingSelector(selectors.DefaultSelector):
    """Where it would sleep, the clock jumps."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("nothing is ready and no timer is set: this would sleep for ever")
        if not ready and timeout is not None:
            self.now = round(self.now + timeout, 6)
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.clock = JumpingSelector()
        self.timers = 0
        super().__init__(self.clock)

    def time(self) -> float:
        return self.clock.now

    def call_at(self, when: float, *args: Any, **kwargs: Any) -> asyncio.TimerHandle:
        # Less than the loop takes for the same moment, and enough to keep the order.
        self.timers += 1
        return super().call_at(when + self.timers * 1e-13, *args, **kwargs)


if sys.version_info >= (3, 13):
    AsyncioTask = asyncio.Task
else:

    class AsyncioTask(asyncio.tasks._PyTask):
        """asyncio's task with what 3.13 has repaired: a cancellation taken back in time is not delivered."""

        def uncancel(self) -> int:
            left: int = super().uncancel()
            if not left:
                self._must_cancel = False
            return left


class Theirs:
    CancelledError = asyncio.CancelledError

    def __init__(self, real: bool = False) -> None:
        self.loop = loop = asyncio.SelectorEventLoop() if real else JumpingLoop()
        self.tasks: list[asyncio.Task[Any]] = []
        self.errors: list[BaseException] = []
        loop.set_task_factory(self._made)
        loop.set_exception_handler(
            lambda loop, context: self.errors.append(context.get("exception", context))
        )
        self.time, self.call_soon, self.call_later = loop.time, loop.call_soon, loop.call_later
        self.spawn, self.sleep, self.timeout = loop.create_task, asyncio.sleep, asyncio.timeout
        self.gather, self.future, self.current_task = asyncio.gather, loop.create_future, asyncio.current_task
        self.accept, self.connect = loop.sock_accept, loop.sock_connect
        self.recv, self.sendall = loop.sock_recv, loop.sock_sendall

    def _made(self, loop: Any, coro: Any, **kwargs: Any) -> asyncio.Task[Any]:
        task = AsyncioTask(coro, loop=loop, **kwargs)
        self.tasks.append(task)
        return task

    def run(self, coro: Coroutine[Any, Any, Any]) -> Any:
        """What asyncio.Runner does, except for the order in which it cancels."""
        try:
            return self.loop.run_until_complete(coro)
        finally:
            left = [task for task in self.tasks if not task.done()]
            for task in left:
                task.cancel()
            if left:
                self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.close()


World = Ours | Theirs
