"""An event loop of our own: a reactor, which calls functions back; what moves bytes on it; and coroutines."""

from course_lib.eventloop.acceptor import Acceptor
from course_lib.eventloop.future import CancelledError, Future, InvalidStateError
from course_lib.eventloop.loop import Loop
from course_lib.eventloop.poller import READ, WRITE
from course_lib.eventloop.protocol import Protocol
from course_lib.eventloop.reactor import Reactor, Registration
from course_lib.eventloop.task import Task
from course_lib.eventloop.timers import Timer
from course_lib.eventloop.transport import Transport

__all__ = [
    "READ",
    "WRITE",
    "Acceptor",
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
]
