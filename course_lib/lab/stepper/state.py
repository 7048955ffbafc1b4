"""What a reactor holds between two rounds: registered descriptors, the ready queue, the heap of timers.

Read observed.py first. Next: session.py.
"""

from typing import NamedTuple

from course_lib.lab.kernel_counts import is_listening, unaccepted, unread
from course_lib.lab.stepper.names import events_in_words, name_of, unwrapped
from course_lib.lab.stepper.observed import ObservedReactor

SHOWN = 12
"""So many lines of each list are shown, and the others counted."""


class Watched(NamedTuple):
    """One registration."""

    name: str
    descriptor: int
    events: str
    callback: str
    unsent: int
    """Bytes that wait in the buffer of its transport."""

    in_kernel: int | None
    """Bytes that wait for recv, or clients that wait for accept; None where the system does not tell."""

    listens: bool


class Due(NamedTuple):
    """One timer."""

    callback: str
    seconds: float
    """From now on, by the reactor's clock."""


class State(NamedTuple):
    watched: list[Watched]
    ready: list[str]
    timers: list[Due]

    def __repr__(self) -> str:
        watched = [f"{each.name} for {each.events}" for each in self.watched]
        timers = [each.callback for each in self.timers]
        return "\n".join(
            f"{title:13}{_listed(each)}"
            for title, each in (("registered:", watched), ("ready queue:", self.ready), ("timers:", timers))
        )


def _listed(words: list[str]) -> str:
    more = f", and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return (", ".join(words[:SHOWN]) or "none") + more


def state_of(reactor: ObservedReactor) -> State:
    """Read it from any thread. What changes meanwhile is seen the next time."""
    watched = [_watched(reactor, fd) for fd in list(reactor._registered)]
    ready = [_queued(reactor, callback, args) for callback, args in _copy(reactor)]
    now = reactor.time()
    timers = [Due(name_of(timer), timer.when - now) for timer in reactor._timers.pending()]
    return State([each for each in watched if each is not None], ready, timers)


def _watched(reactor: ObservedReactor, fd: int) -> Watched | None:
    registration = reactor._registered.get(fd)
    if registration is None:
        return None
    fileobj = registration.fileobj
    transport = getattr(unwrapped(registration.callback)[0], "__self__", None)
    pending = getattr(transport, "pending", 0)
    listens = in_kernel = None
    if hasattr(fileobj, "getsockopt"):
        listens = is_listening(fileobj)
        in_kernel = unaccepted(fileobj) if listens else unread(fileobj)
    return Watched(
        reactor.labels.get(fd, ""),
        fd,
        events_in_words(registration.events),
        name_of(registration.callback),
        pending if isinstance(pending, int) else 0,
        in_kernel,
        bool(listens),
    )


def _copy(reactor: ObservedReactor) -> list[tuple[object, tuple[object, ...]]]:
    while True:
        try:
            return list(reactor._ready)
        except RuntimeError:  # it has grown meanwhile
            pass


def _queued(reactor: ObservedReactor, callback: object, args: tuple[object, ...]) -> str:
    name, subject = name_of(callback), reactor.names.whose(callback, args)
    return f"{name} of {subject}" if subject else name
