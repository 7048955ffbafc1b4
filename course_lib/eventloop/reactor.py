"""The reactor: the loop of the selectors rung, made into an object of its own.

It knows nothing of servers, clients or bytes. It knows *when* something may be done, and calls who asked:

- a descriptor is ready: ``register``, ``modify``, ``unregister``;
- as soon as possible: ``call_soon``, and ``call_soon_threadsafe`` for other threads;
- a moment has come: ``call_later``, ``call_at``.

One thread runs all callbacks, one after the other: they need no locks, and must be short and never block.

Read poller.py and timers.py first. Next: buffers.py.
"""

import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any

from course_lib.eventloop.poller import READ, FileLike, OnReady, Poller, Registration, best_poller, descriptor
from course_lib.eventloop.timers import DAY, Timer, Timers
from course_lib.waker import Waker


class Reactor:
    """``poller`` and ``clock`` (seconds) may be replaced; ``on_error`` is told of what a callback raises."""

    def __init__(self, poller: Poller | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.time = clock
        self.on_error: Callable[[Exception], object] = traceback.print_exception
        self._poller = poller or best_poller()
        self._registered: dict[int, Registration] = {}
        self._fresh: set[int] = set()  # registered in this round: nothing is known of them yet
        self._ready: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._timers = Timers()
        self._stopping = self._running = False
        self._waker = Waker()
        self.register(self._waker, READ, lambda events: self._waker.clear())

    def register(self, fileobj: FileLike, events: int, callback: OnReady) -> None:
        """Call ``callback(events)`` whenever ``fileobj`` is ready for READ, WRITE or both.

        Raises KeyError for what is registered already, OSError for what cannot be watched.
        """
        fd = descriptor(fileobj)
        if fd in self._registered:
            raise KeyError(f"{fileobj!r} is already registered")
        self._poller.register(fd, events)
        self._registered[fd] = Registration(callback, fileobj, events)
        self._fresh.add(fd)

    def modify(self, fileobj: FileLike, events: int, callback: OnReady) -> None:
        """Replace events and callback. Raises KeyError where it is not registered."""
        fd = descriptor(fileobj)
        if fd not in self._registered:
            raise KeyError(f"{fileobj!r} is not registered")
        self._poller.modify(fd, events)
        self._registered[fd] = Registration(callback, fileobj, events)

    def unregister(self, fileobj: FileLike) -> None:
        """Watch it no more; before it is closed. Raises KeyError where it is not registered."""
        fd = descriptor(fileobj)
        if self._registered.pop(fd, None) is None:
            raise KeyError(f"{fileobj!r} is not registered")
        self._poller.unregister(fd)

    def call_soon(self, callback: Callable[..., object], *args: Any) -> None:
        """Call ``callback(*args)`` in the next round. Only for the thread that runs the reactor."""
        self._ready.append((callback, args))

    def call_soon_threadsafe(self, callback: Callable[..., object], *args: Any) -> None:
        """The same for any thread: it wakes the reactor, which may be asleep."""
        self._ready.append((callback, args))  # in this order: who wakes finds it
        self._waker.wake()

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any) -> Timer:
        """Call ``callback(*args)`` in ``delay`` seconds; the timer can be cancelled."""
        return self.call_at(self.time() + delay, callback, *args)

    def call_at(self, when: float, callback: Callable[..., object], *args: Any) -> Timer:
        """Call ``callback(*args)`` when ``time()`` is ``when``; the timer can be cancelled."""
        return self._timers.add(when, callback, args)

    def run_once(self, timeout: float | None = None) -> None:
        """Sleep until something is due, at most ``timeout`` seconds; then do all that is."""
        self.attend(timeout)
        self.run_ready()

    def attend(self, timeout: float | None = None) -> None:
        """The first half: sleep, call for descriptors, and put timers that are due into the queue."""
        registered, meaning, fresh = self._registered, self._poller.meaning, self._fresh
        events = self._poller.poll(self._patience(timeout))
        fresh.clear()
        for fd, number in events:
            registration = registered.get(fd)  # a callback may have ended it: its number may be a new one's
            if registration is not None and fd not in fresh:
                try:
                    registration.callback(meaning[number])
                except Exception as error:
                    self.on_error(error)
        if self._timers:
            self._ready.extend((timer, ()) for timer in self._timers.take_due(self.time()))

    def run_ready(self) -> None:
        """The second half: call those that are in the queue now, and no more."""
        # What they add waits for the next round: so nobody keeps the others out for ever.
        for _ in range(len(self._ready)):
            callback, args = self._ready.popleft()
            try:
                callback(*args)
            except Exception as error:
                self.on_error(error)
            del callback, args  # who keeps an error keeps this frame

    def _patience(self, limit: float | None) -> float | None:
        """Return how long the poller may sleep; None is until something comes."""
        if self._ready or self._stopping:
            return 0
        due = self._timers.next_due()
        if due is None:
            return limit
        wait = min(max(0, due - self.time()), DAY)
        return wait if limit is None else min(wait, limit)

    def run_forever(self) -> None:
        """Run until ``stop()``."""
        self._running = True
        try:
            while not self._stopping:
                self.run_once()
        finally:
            self._running = self._stopping = False

    def stop(self) -> None:
        """Make ``run_forever`` return after the round that it is in. Any thread."""
        self._stopping = True
        self._waker.wake()

    def close(self) -> None:
        """Give back the reactor's own descriptors; those of others stay open. Any number of times."""
        self._registered.clear()
        self._poller.close()
        self._waker.close()

    def __repr__(self) -> str:
        state = "running" if self._running else "resting"
        others, timers = max(0, len(self._registered) - 1), len(self._timers)  # less its own waker
        name, plural = type(self).__name__, "" if timers == 1 else "s"
        return f"<{name} {others} registered, {len(self._ready)} ready, {timers} timer{plural}, {state}>"
