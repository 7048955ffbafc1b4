"""What a reactor holds between two rounds: registered descriptors, the ready queue, the heap of timers.

Read observed_loop.py and tasks.py first. Next: session.py.
"""

from typing import NamedTuple

from course_lib.lab.kernel_counts import is_listening, unaccepted, unread
from course_lib.lab.stepper.names import events_in_words, name_of, unwrapped
from course_lib.lab.stepper.observed_loop import ObservedLoop
from course_lib.lab.stepper.tasks import TaskState, tasks_of

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
    tasks: list[TaskState]

    def __repr__(self) -> str:
        watched = [f"{each.name} for {each.events}" for each in self.watched]
        timers = [each.callback for each in self.timers]
        lists = (("registered:", watched), ("ready queue:", self.ready), ("timers:", timers))
        lines = [f"{title:13}{_listed(each)}" for title, each in lists]
        more = [f"and {len(self.tasks) - SHOWN} more"] if len(self.tasks) > SHOWN else []
        for number, words in enumerate([*map(repr, self.tasks[:SHOWN]), *more]):
            lines.append(f"{'' if number else 'tasks:':13}{words}")
        return "\n".join(lines)


def _listed(words: list[str]) -> str:
    more = f", and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return (", ".join(words[:SHOWN]) or "none") + more


def state_of(reactor: ObservedLoop) -> State:
    """Read it from any thread. What changes meanwhile is seen the next time."""
    watched = [_watched(reactor, fd) for fd in list(reactor._registered)]
    ready = [_queued(reactor, callback, args) for callback, args in _copy(reactor)]
    now = reactor.time()
    timers = [Due(reactor.names.of_timer(timer), timer.when - now) for timer in reactor._timers.pending()]
    return State([each for each in watched if each is not None], ready, timers, tasks_of(reactor))


def _watched(reactor: ObservedLoop, fd: int) -> Watched | None:
    registration = reactor._registered.get(fd)
    if registration is None:
        return None
    fileobj = registration.fileobj
    if isinstance(fileobj, int):  # a number leads to the socket, if it is one of those that are known
        fileobj = next((sock for sock in list(reactor.sockets) if sock.fileno() == fd), fileobj)
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


def _copy(reactor: ObservedLoop) -> list[tuple[object, tuple[object, ...]]]:
    while True:
        try:
            return list(reactor._ready)
        except RuntimeError:  # it has grown meanwhile
            pass


def _queued(reactor: ObservedLoop, callback: object, args: tuple[object, ...]) -> str:
    name, subject = reactor.names.of_callback(callback), reactor.names.whose(callback, args)
    return f"{name} of {subject}" if subject else name
