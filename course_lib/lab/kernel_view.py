"""What does the kernel hold right now? Two tanks for each connection, and where each thread sleeps.

    >>> client.sendall(bytes(1000))
    >>> kernel_view(server=connection)
    server: 1,000 bytes wait to be read

The kernel is asked, and nobody else: no wrapper, no tracer. So it shows independently of them that
bytes are *ready* before ``recv`` and that ``recv`` *copies* them out. To be acknowledged is not to be
read: it means that the other side's kernel has the bytes.

Where the system does not tell, the picture says so.

Read kernel_readings.py first. Next: kernel_tanks.py.
"""

import threading
import time

from course_lib.lab.handle import Background
from course_lib.lab.kernel_counts import (
    HasFileno,
    is_listening,
    unaccepted,
    unacknowledged,
    unread,
)
from course_lib.lab.kernel_readings import Connection, Listener, Reading, Threads
from course_lib.lab.kernel_threads import rest_of
from course_lib.lab.picture import Picture
from course_lib.lab.waiting import POLL_SECONDS
from course_lib.lab.where import _threads_of

SETTLE_SECONDS = 0.06
"""What has not changed for so long has settled."""

ACKNOWLEDGE_SECONDS = 0.25
"""A receiver may delay its acknowledgment for up to 0.2 s: what is still missing then is held up."""

LIMIT_SECONDS = 1.0
"""What has not settled by then is shown as it is."""


def kernel_view(*things: HasFileno | Background, **labeled: HasFileno | Background) -> "KernelView":
    """Ask the kernel about sockets, and about the threads of servers that ``serve`` has started.

    Keywords are the labels. Looks until nothing has changed for a moment, a second at most.
    Raises TypeError for what has no descriptor.
    """
    named = {_label(thing, index): thing for index, thing in enumerate(things)} | labeled
    if not named:
        raise TypeError("kernel_view needs a socket or a server, or several")
    for thing in named.values():
        if not isinstance(thing, Background) and not hasattr(thing, "fileno"):
            raise TypeError(f"kernel_view takes sockets and servers, and no {type(thing).__name__}")
    return KernelView(_settled(named))


class KernelView(Picture):
    """The picture; ``readings`` holds the numbers behind it."""

    def __init__(self, readings: list[Reading]) -> None:
        from course_lib.lab.kernel_tanks import draw

        self.readings = readings
        super().__init__(draw(readings), "\n".join(f"{each.label}: {each.words()}" for each in readings))


def _label(thing: HasFileno | Background, index: int) -> str:
    return thing.name if isinstance(thing, Background) else f"socket {index + 1}"


def _settled(named: dict[str, HasFileno | Background]) -> list[Reading]:
    deadline = time.monotonic() + LIMIT_SECONDS
    readings, since = _read(named), time.monotonic()
    while time.monotonic() < deadline:
        held_up = any(isinstance(each, Connection) and each.unacknowledged for each in readings)
        if time.monotonic() - since >= (ACKNOWLEDGE_SECONDS if held_up else SETTLE_SECONDS):
            return readings
        time.sleep(POLL_SECONDS)
        if (again := _read(named)) != readings:
            readings, since = again, time.monotonic()
    time.sleep(SETTLE_SECONDS)
    return [_compared(*pair) for pair in zip(readings, _read(named), strict=True)]


def _compared(before: Reading, after: Reading) -> Reading:
    """A thread that has run since ``before`` may happen to be asleep at the moment: it is said to run."""
    if not isinstance(before, Threads) or not isinstance(after, Threads):
        return after
    rests = [rest if rest in before.rests else rest and rest._replace(asleep=False) for rest in after.rests]
    return Threads(after.label, tuple(rests))


def _read(named: dict[str, HasFileno | Background]) -> list[Reading]:
    return [_reading(label, thing) for label, thing in named.items()]


def _reading(label: str, thing: HasFileno | Background) -> Reading:
    if isinstance(thing, Background):
        threads: list[threading.Thread] = _threads_of(thing) if thing.alive else []
        return Threads(label, tuple(rest_of(thread.native_id) for thread in threads))
    if is_listening(thing):
        return Listener(label, unaccepted(thing))
    return Connection(label, unread(thing), unacknowledged(thing), closed=thing.fileno() < 0)
