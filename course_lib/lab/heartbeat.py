"""A heartbeat on a reactor: does it come in time, also while a callback has something to do?

    heartbeat(nothing, a_long_callback)

A timer beats every 50 ms. Beside it each piece of work, ``work(reactor)``, is called once by the same
reactor; it may call ``reactor.call_soon`` for more of itself.

Read ../eventloop/reactor.py first. Next: heartbeat_picture.py.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from course_lib.eventloop import Reactor
from course_lib.lab.picture import Picture

EVERY = 0.05
"""Seconds from one beat to the next."""

BEGINS, LASTS = 0.17, 0.65
"""Seconds after which the work is called, and after which all is over."""

FROZEN = 0.15
"""Seconds without a beat from which on we say so."""

ATTEMPTS = 3
"""Measurements before a busy machine is believed."""

Work = Callable[[Reactor], object]


class Beating(NamedTuple):
    """What was measured, in seconds since the beginning: the beats, and from when to when callbacks ran."""

    name: str
    beats: list[float]
    callbacks: list[tuple[float, float]]

    @property
    def latest(self) -> float:
        """How many seconds later than it should the latest beat came."""
        return (
            max(after - before for before, after in zip([0.0, *self.beats], self.beats, strict=False)) - EVERY
        )

    @property
    def longest(self) -> float:
        """The seconds that the longest callback took."""
        return max((end - start for start, end in self.callbacks), default=0.0)


class Clocked(Reactor):
    """A reactor that notes when what was given to ``call_soon`` has run."""

    def __init__(self) -> None:
        super().__init__()
        self.start = self.time()
        self.callbacks: list[tuple[float, float]] = []

    def call_soon(self, callback: Callable[..., object], *args: Any) -> None:
        super().call_soon(self.noted, callback, *args)

    def noted(self, callback: Callable[..., object], *args: Any) -> None:
        began = self.since()
        callback(*args)
        self.callbacks.append((began, self.since()))

    def since(self) -> float:
        return self.time() - self.start


def measured(once: Callable[[Any], Beating], work: Any) -> Beating:
    """Return what ``once(work)`` has measured; a pause that no callback explains was the machine's."""
    for _ in range(ATTEMPTS):
        beating = once(work)
        if beating.latest < FROZEN or beating.longest > FROZEN:
            break
    return beating


def on_a_reactor(work: Work) -> Beating:
    """Let a heart beat on a new reactor, and ``work`` be called in its middle."""
    reactor, beats = Clocked(), []

    def beat() -> None:
        beats.append(reactor.since())
        reactor.call_later(EVERY, beat)

    try:
        reactor.call_later(EVERY, beat)
        reactor.call_later(BEGINS, reactor.call_soon, work, reactor)
        reactor.call_later(LASTS, reactor.stop)
        reactor.run_forever()
    finally:  # also after an interrupt
        reactor.close()
    return Beating(work.__name__, beats, reactor.callbacks)


def heartbeat(*works: Work) -> "Heartbeat":
    """Measure the heartbeat beside each of ``works``, two thirds of a second each; return the picture."""
    if not works:
        raise TypeError("heartbeat needs something to do beside it, or several")
    return Heartbeat([measured(on_a_reactor, work) for work in works])


class Heartbeat(Picture):
    """The picture; ``beatings`` holds the measurement behind it."""

    def __init__(self, beatings: list[Beating]) -> None:
        from course_lib.lab.heartbeat_picture import draw

        self.beatings = beatings
        super().__init__(draw(beatings), "\n".join(f"{each.name}: {verdict(each)}" for each in beatings))


def verdict(beating: Beating) -> str:
    """Say what is the same in every run."""
    return "no beat while the callback runs" if beating.latest >= FROZEN else "the heart beats on"
