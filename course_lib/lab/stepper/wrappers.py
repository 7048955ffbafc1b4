"""The wrappers in which an observed reactor's parts stand: its callbacks, its poller, its timers, its clock.

Each does what is inside it does, and tells the reactor of it.

Read rounds.py first. Next: observed.py.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from course_lib.eventloop import Timer
from course_lib.eventloop.poller import Poller
from course_lib.eventloop.timers import Timers
from course_lib.lab.stepper.rounds import Ran

if TYPE_CHECKING:
    from course_lib.lab.stepper.observed import ObservedReactor


class StandingClock:
    """Seconds that pass only between ``go`` and ``stand``."""

    def __init__(self) -> None:
        self._passed = 0.0
        self._since: float | None = None

    def __call__(self) -> float:
        since = self._since  # once: another thread may look while the clock is stopped
        return self._passed + (0.0 if since is None else time.monotonic() - since)

    def go(self) -> None:
        self._since = time.monotonic()

    def stand(self) -> None:
        self._passed, self._since = self(), None


class Observed:
    """A callback in its wrapper."""

    __slots__ = ("observed", "reactor", "source", "subject")

    def __init__(
        self, reactor: "ObservedReactor", callback: Any, source: str = "", subject: str = ""
    ) -> None:
        self.reactor, self.observed, self.source, self.subject = reactor, callback, source, subject

    def __call__(self, *args: Any) -> None:
        subject = self.subject or self.reactor.names.whose(self.observed, args)
        self.reactor.call(
            self.observed, args, Ran(self.reactor.names.of_callback(self.observed), subject, self.source)
        )


class ObservedPoller:
    """The reactor's own poller; it tells when it falls asleep and with what it wakes."""

    def __init__(self, reactor: "ObservedReactor", poller: Poller) -> None:
        self._reactor, self._poller = reactor, poller
        self.meaning = poller.meaning
        self.register, self.modify, self.unregister = poller.register, poller.modify, poller.unregister
        self.close = poller.close

    def poll(self, timeout: float | None) -> list[tuple[int, int]]:
        self._reactor.falls_asleep(timeout)
        ready = self._poller.poll(timeout)
        self._reactor.wakes(ready)
        return ready


class ObservedTimers(Timers):
    """The heap; it tells which timers are set, are cancelled, and are due."""

    def __init__(self, reactor: "ObservedReactor") -> None:
        super().__init__()
        self._reactor = reactor

    def add(self, when: float, callback: Callable[..., object], args: tuple[Any, ...]) -> Timer:
        return super().add(when, Observed(self._reactor, callback, "its timer"), args)

    def forget(self, timer: Timer) -> None:
        super().forget(timer)
        self._reactor.did(f"cancels the timer {self._reactor.names.of_timer(timer)}")

    def take_due(self, now: float) -> list[Timer]:
        due = super().take_due(now)
        self._reactor.round.due += [self._reactor.names.of_timer(timer) for timer in due]
        return due
