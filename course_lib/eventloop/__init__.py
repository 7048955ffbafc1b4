"""An event loop of our own: a reactor, which calls functions back; what moves bytes on it; and coroutines.

``AsyncioLoop`` and ``new_event_loop`` are loaded when they are used, since they load asyncio.
"""

from typing import Any

from course_lib.eventloop.acceptor import Acceptor
from course_lib.eventloop.future import CancelledError, Future, InvalidStateError
from course_lib.eventloop.loop import Loop
from course_lib.eventloop.poller import READ, WRITE, Registration
from course_lib.eventloop.protocol import Protocol
from course_lib.eventloop.reactor import Reactor
from course_lib.eventloop.task import Task
from course_lib.eventloop.timers import Timer
from course_lib.eventloop.transport import Transport

__all__ = [
    "READ",
    "WRITE",
    "Acceptor",
    "AsyncioLoop",
    "CancelledError",
    "Future",
    "InvalidStateError",
    "Loop",
    "Protocol",
    "Reactor",
    "Registration",
    "Task",
    "Timer",
    "Transport",
    "new_event_loop",
]


def __getattr__(name: str) -> Any:
    if name in ("AsyncioLoop", "new_event_loop"):
        from course_lib.eventloop import aio

        return getattr(aio, name)
    raise AttributeError(f"course_lib.eventloop has no {name!r}")
