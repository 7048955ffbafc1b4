"""What is to be called later: a heap of timers.

A heap (``heapq``) keeps the smallest entry in front, and to add or take one costs little however many there
are. So the next timer that is due is always at hand, and nobody looks through the others.

A timer that is cancelled stays where it is, marked: to take it out of the middle would mean to look for it.
It goes when it comes to the front, or when more than half of the heap is marked.

Read poller.py first. Next: reactor.py.
"""

import heapq
from collections.abc import Callable
from typing import Any

FEW = 64
"""So many cancelled timers may lie in the heap without a thought."""

DAY = 24 * 3600.0
"""Seconds: nobody sleeps longer. The system counts milliseconds, and not beyond 25 days."""


class Timer:
    """``callback(*args)`` at ``when``, in the seconds of the reactor's clock."""

    __slots__ = ("_timers", "args", "callback", "cancelled", "when")

    def __init__(self, when: float, callback: Callable[..., object], args: tuple[Any, ...], timers: "Timers"):
        self.when, self.callback, self.args = when, callback, args
        self.cancelled = False
        self._timers: Timers | None = timers

    def cancel(self) -> None:
        """See to it that it is not called. Any number of times, also afterwards."""
        if not self.cancelled and self._timers is not None:
            self._timers.forget(self)
        self.cancelled = True

    def __call__(self) -> None:
        """Call it, unless it has been cancelled since it was due."""
        if not self.cancelled:
            self.callback(*self.args)

    def __repr__(self) -> str:
        name = getattr(self.callback, "__qualname__", repr(self.callback))
        return f"<Timer {name} at {self.when:.3f}{' cancelled' if self.cancelled else ''}>"


class Timers:
    """All timers that are still to come."""

    def __init__(self) -> None:
        # The number decides between timers of the same moment: first come, first served.
        self._heap: list[tuple[float, int, Timer]] = []
        self._count = 0
        self._cancelled = 0

    def add(self, when: float, callback: Callable[..., object], args: tuple[Any, ...]) -> Timer:
        timer = Timer(when, callback, args, self)
        self._count += 1
        heapq.heappush(self._heap, (when, self._count, timer))
        return timer

    def next_due(self) -> float | None:
        """Return when the next one is due; None when there is none."""
        while self._heap and self._heap[0][2].cancelled:
            heapq.heappop(self._heap)
            self._cancelled -= 1
        return self._heap[0][0] if self._heap else None

    def take_due(self, now: float) -> list[Timer]:
        """Take out those that are due, the earliest first, and return them."""
        due = []
        while self._heap and self._heap[0][0] <= now:
            timer = heapq.heappop(self._heap)[2]
            timer._timers = None
            if timer.cancelled:
                self._cancelled -= 1
            else:
                due.append(timer)
        return due

    def forget(self, timer: Timer) -> None:
        """Note that ``timer`` is being cancelled; rebuild the heap when too much of it is."""
        self._cancelled += 1
        if self._cancelled > FEW and self._cancelled > len(self._heap) // 2:
            self._heap = [entry for entry in self._heap if not (entry[2].cancelled or entry[2] is timer)]
            heapq.heapify(self._heap)
            self._cancelled = 0

    def pending(self) -> list[Timer]:
        """Return those that are still to come, the earliest first."""
        return [entry[2] for entry in sorted(self._heap) if not entry[2].cancelled]

    def __len__(self) -> int:
        return len(self._heap) - self._cancelled
