"""An event loop of our own: first the reactor, which calls functions back, and what stands on it."""

from course_lib.eventloop.acceptor import Acceptor
from course_lib.eventloop.poller import READ, WRITE
from course_lib.eventloop.protocol import Protocol
from course_lib.eventloop.reactor import Reactor, Registration
from course_lib.eventloop.timers import Timer
from course_lib.eventloop.transport import Transport

__all__ = ["READ", "WRITE", "Acceptor", "Protocol", "Reactor", "Registration", "Timer", "Transport"]
