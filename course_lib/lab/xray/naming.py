"""What a learner calls a call: the name of the method that own code has called, not of what lies beneath.

A thread in ``event.wait()`` stands, three functions down, in the ``acquire`` of a lock; how many functions
and of what differs between versions of Python. The learner has written ``wait``.

Next: hook.py and standing.py.
"""

import concurrent.futures.thread
import queue
import selectors
import socket
import threading
from types import FrameType
from typing import NamedTuple

from course_lib.lab.stacks import is_own

SHELLS = {module.__file__ for module in (threading, queue, selectors, socket, concurrent.futures.thread)}
SHELLS.add(concurrent.futures._base.__file__)
"""The files in which a method of Python's own may be found around a call that waits."""

METHODS = {
    "Event.wait": "wait",
    "Condition.wait": "wait",
    "Condition.wait_for": "wait",
    "Barrier.wait": "wait",
    "Semaphore.acquire": "acquire",
    "BoundedSemaphore.acquire": "acquire",
    "Thread.join": "join",
    "Queue.get": "get",
    "Queue.put": "put",
    "Queue.join": "join",
    "Future.result": "result",
    "Future.exception": "result",
    "socket.accept": "accept",
    "SelectSelector.select": "select",
    "PollSelector.select": "select",
    "_PollLikeSelector.select": "select",
    "EpollSelector.select": "select",
    "DevpollSelector.select": "select",
    "KqueueSelector.select": "select",
}
"""The methods of the standard library that wait, and how they are told."""


class Found(NamedTuple):
    """A call that is to be told."""

    name: str
    shell: FrameType | None
    """The frame of the library's method that own code has called; None if it has called the C function."""


def own_call(frame: FrameType | None, leaf: str) -> Found | None:
    """Return the call in which the C function ``leaf`` was called by ``frame``; None for nobody's business.

    That is the outermost of the library's own methods around it, or ``leaf`` if own code has called that.
    """
    found, outermost = Found(leaf, None), ""
    while frame is not None and frame.f_code.co_filename in SHELLS:
        outermost = frame.f_code.co_qualname
        if outermost in METHODS:
            found = Found(METHODS[outermost], frame)
        elif outermost == "_worker":  # of a thread pool: it waits for work
            return found
        frame = frame.f_back
    if outermost.endswith("Selector.select"):
        return found  # whoever has called it: mostly an event loop
    if outermost and outermost not in METHODS:
        return None  # such as Thread.start, which waits for the first step of the new thread
    return found if frame is not None and is_own(frame.f_code.co_filename) else None
