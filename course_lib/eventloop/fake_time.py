"""Time without waiting, for tests: where the reactor would sleep, the clock jumps instead.

    time = FakeTime()
    reactor = Reactor(poller=time, clock=time.clock)

A test of an hour takes no time, and the same test takes the same course each time.

Read reactor.py first.
"""

from course_lib.eventloop.poller import best_poller


class FakeTime:
    """A clock, and a poller that moves it. Descriptors are real, and asked without waiting."""

    def __init__(self) -> None:
        self.now = 0.0
        """Seconds."""
        self._poller = best_poller()
        self.meaning = self._poller.meaning
        self.register = self._poller.register
        self.modify = self._poller.modify
        self.unregister = self._poller.unregister
        self.close = self._poller.close

    def clock(self) -> float:
        """Return the time in seconds; the first is 0."""
        return self.now

    def poll(self, timeout: float | None) -> list[tuple[int, int]]:
        """Return what is ready; if nothing is, let ``timeout`` seconds pass.

        Raises RuntimeError where the reactor would sleep for ever.
        """
        ready = self._poller.poll(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("nothing is ready and no timer is set: this would sleep for ever")
            self.now += timeout
        return ready
