"""A loop that runs tasks and has nothing else of lesson 09: the rest is what the exercises add to it.

Read ../eventloop/task.py first.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from course_lib.eventloop import Reactor, Task
from course_lib.eventloop.poller import OnReady, best_poller

ROUNDS = 5000
"""After so many rounds a loop that has nothing more to do is asleep, or never will be."""


class NotingPoller:
    """The system's best, which notes whether it has slept."""

    def __init__(self, poller: Any = None) -> None:
        self._poller = poller or best_poller()
        self.meaning = self._poller.meaning
        self.register, self.modify = self._poller.register, self._poller.modify
        self.unregister, self.close = self._poller.unregister, self._poller.close
        self.slept = False
        """Its last poll was allowed to wait, and nothing came."""

    def poll(self, timeout: float | None) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = self._poller.poll(timeout)
        self.slept = not found and timeout != 0
        return found


class BareLoop(Reactor):
    """``errors`` are those that its callbacks have raised."""

    current_task: Any = None

    def __init__(self, poller: Any = None, **kwargs: Any) -> None:
        self.noting = NotingPoller(poller)
        super().__init__(self.noting, **kwargs)
        self.errors: list[Exception] = []
        self.on_error = self.errors.append
        self.tasks: list[Task[Any]] = []

    def register(self, fileobj: Any, events: int, callback: OnReady) -> None:
        """As ever; but the callback goes through the queue, behind what is there, as in many loops."""
        super().register(fileobj, events, lambda ready: self.call_soon(callback, ready))

    def modify(self, fileobj: Any, events: int, callback: OnReady) -> None:
        super().modify(fileobj, events, lambda ready: self.call_soon(callback, ready))

    def spawn(self, coro: Coroutine[Any, Any, Any]) -> Task[Any]:
        self.tasks.append(Task(coro, self))
        return self.tasks[-1]

    def run_until(self, condition: Callable[[], object], rounds: int = ROUNDS, patience: float = 1.0) -> bool:
        """Run until ``condition()``, so many rounds at most; tell whether it holds."""
        for _ in range(rounds):
            if condition() or self.errors:
                break
            self.run_once(patience)
        return bool(condition())

    def falls_asleep(self) -> bool:
        """Run until it has nothing to do; tell whether that comes, and no timer is set to end it."""
        self.noting.slept = False
        self.run_until(lambda: self.noting.slept or self._timers, patience=0.01)
        return self.noting.slept and not self._timers
