"""Which descriptors are ready? The system's own answer, behind four methods and a table.

There are two of them, alike in all but the call that they make. The first is epoll and nothing else: the
events come as the kernel numbers them, and the reactor looks each number up in ``meaning``. The second is the
``selectors`` module, which runs on every system, and makes an object for each event on the way.

Read ../servers/selectors_loop.py first. Next: timers.py.
"""

import select
import selectors
from collections.abc import Callable
from typing import NamedTuple, Protocol

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE


class HasFileno(Protocol):
    def fileno(self) -> int: ...


FileLike = int | HasFileno

OnReady = Callable[[int], object]
"""Called with what a descriptor is ready for: READ, WRITE or both. A hint: recv may still find nothing."""


class Registration(NamedTuple):
    """Who is called when a descriptor is ready, and for what."""

    callback: OnReady
    fileobj: FileLike
    events: int


class Poller(Protocol):
    """What a reactor needs of the system. Descriptors are numbers; events are READ, WRITE or both."""

    meaning: tuple[int, ...]
    """What each number that ``poll`` says means, as READ, WRITE or both."""

    def register(self, fd: int, events: int) -> None: ...
    def modify(self, fd: int, events: int) -> None: ...
    def unregister(self, fd: int) -> object: ...
    def poll(self, timeout: float | None) -> list[tuple[int, int]]: ...
    def close(self) -> None: ...


class EpollPoller:
    """Linux. A connection that is broken or hung up is ready for everything: recv and send tell why."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self.unregister = self._epoll.unregister
        self.poll = self._epoll.poll  # seconds; None waits without a limit
        self.close = self._epoll.close
        broken = select.EPOLLERR | select.EPOLLHUP
        self.meaning = tuple(
            (READ if number & (select.EPOLLIN | select.EPOLLPRI | broken) else 0)
            | (WRITE if number & (select.EPOLLOUT | broken) else 0)
            for number in range(32)
        )

    def register(self, fd: int, events: int) -> None:
        self._epoll.register(fd, self._number(checked(events)))

    def modify(self, fd: int, events: int) -> None:
        self._epoll.modify(fd, self._number(checked(events)))

    def _number(self, events: int) -> int:
        return (select.EPOLLIN if events & READ else 0) | (select.EPOLLOUT if events & WRITE else 0)


class SelectorPoller:
    """Every system: what the ``selectors`` module finds best there, or the selector that it is given."""

    meaning: tuple[int, ...] = (0, READ, WRITE, READ | WRITE)

    def __init__(self, selector: selectors.BaseSelector | None = None) -> None:
        self._selector = selector or selectors.DefaultSelector()
        self.close = self._selector.close

    def register(self, fd: int, events: int) -> None:
        self._selector.register(fd, checked(events))

    def modify(self, fd: int, events: int) -> None:
        self._selector.modify(fd, checked(events))

    def unregister(self, fd: int) -> None:
        self._selector.unregister(fd)

    def poll(self, timeout: float | None) -> list[tuple[int, int]]:
        return [(key.fd, events) for key, events in self._selector.select(timeout)]


def best_poller() -> Poller:
    """Return the fastest poller of this system."""
    if hasattr(select, "epoll"):
        return EpollPoller()
    return SelectorPoller()


def descriptor(fileobj: FileLike) -> int:
    """Return the number of an open descriptor, given itself or something with ``fileno()``."""
    fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
    if fd < 0:
        raise ValueError(f"{fileobj!r} is closed: unregister before you close")
    return fd


def checked(events: int) -> int:
    """Return ``events``. Raises ValueError where they are not READ, WRITE or both."""
    if events not in (READ, WRITE, READ | WRITE):
        raise ValueError(f"watch for READ, WRITE or READ | WRITE, not {events!r}")
    return events
