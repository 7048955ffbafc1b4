"""The second source: a profile hook, for the calls that belong to no Python class.

Python tells a profile hook of every call of a C function, before and after. Of interest are the few that
wait: of locks, of poll and epoll objects, ``sleep`` and ``select`` that somebody has imported by name. The
hook is told neither arguments nor results. ``with lock:`` calls nothing that it would be told of.

A hook belongs to one thread. From 3.12 on it can be set in all; on 3.11 only in the calling thread and in
those that start later. So it takes itself off, in each thread where it finds that the watching is over.

Read lanes.py and naming.py first. Next: standing.py.
"""

import _thread
import queue
import select
import sys
import threading
import time
from types import FrameType
from typing import Any

from course_lib.lab.stacks import outwards
from course_lib.lab.xray.lanes import IGNORED, Lane, current, new_lane
from course_lib.lab.xray.naming import own_call

clock = time.perf_counter

WAITING = frozenset({"acquire", "poll", "control", "get", "join", "sleep", "select"})
"""The names of C functions that wait."""

TYPES = {_thread.LockType, threading._RLock, queue.SimpleQueue}  # type: ignore[attr-defined]
TYPES.add(type(threading.RLock()))
for _name in ("poll", "epoll", "kqueue", "devpoll"):
    if hasattr(select, _name):
        _made = getattr(select, _name)()
        TYPES.add(type(_made))
        getattr(_made, "close", bool)()
if hasattr(_thread, "_ThreadHandle"):  # 3.13
    TYPES.add(_thread._ThreadHandle)

on = False
"""False once nobody watches any more."""


def hook(frame: FrameType, event: str, function: Any) -> None:
    """Note the begin or the end of a call that may wait."""
    if event == "c_call":
        lane = current.lane
        if lane is None or lane.before is not None or not on:
            lane = _look_again(frame)
        owner = function.__self__
        if (
            (type(owner) in TYPES or owner is time or owner is select)
            and lane.open is None
            and function.__name__ in WAITING
            and (call := own_call(frame, function.__name__))
        ):
            # The end of a C function is told where it was called, that of a method where it was.
            lane.frame, lane.until = (call.shell, "return") if call.shell else (frame, "c_")
            lane.open = (call.name, -1, None, clock(), True)
    elif event != "call":
        lane = current.lane
        if lane is not None and lane.frame is frame and event.startswith(lane.until):
            end = clock()
            name, fd, wire, start, _ = lane.open  # type: ignore[misc]
            lane.open = lane.frame = None
            error = "error" if event == "c_exception" else ""
            lane.idle = 0
            lane.log += ((name, fd, wire, start, end, None, error, True),)


def _first(frame: FrameType, event: str, function: Any) -> None:
    """Give a new thread its lane at once, so that lanes are in the order in which threads were started."""
    new_lane()
    sys.setprofile(hook)


def _look_again(frame: FrameType) -> Lane:
    """Return the lane of the calling thread, after what is seldom to be done."""
    lane = current.lane or new_lane()
    if lane.shell is not None and lane.open is None and any(each is lane.shell for each in outwards(frame)):
        # It has been awake for a moment, but not left the method yet: that is one wait.
        lane.open, lane.frame, lane.until = lane.before, lane.shell, "return"
        lane.before = lane.shell = None
    if lane.before is not None:
        lane.end_before(clock())
    if not on or lane.open is IGNORED:
        sys.setprofile(_previous.pop(threading.get_ident(), None))
    return lane


_previous: dict[int, Any] = {}
"""The hooks that were there before ours, by thread."""

_for_new_threads: list[Any] = []
"""What was there before ours for threads that start."""


def put_on() -> None:
    """Set the hook, in all threads where Python can. From each thread that begins to watch."""
    global on
    if sys.getprofile() is not hook:
        _previous[threading.get_ident()] = sys.getprofile()
    if not on:
        on = True
        _for_new_threads.append(threading.getprofile())
        if hasattr(threading, "setprofile_all_threads"):
            threading.setprofile_all_threads(hook)
        threading.setprofile(_first)
    sys.setprofile(hook)


def take_off() -> None:
    """Take the hook off. Any number of times."""
    global on
    previous = _previous.get(threading.get_ident())
    on = False
    if _for_new_threads:
        if hasattr(threading, "setprofile_all_threads"):
            threading.setprofile_all_threads(None)
        threading.setprofile(_for_new_threads[0])
        _for_new_threads.clear()
    if sys.getprofile() in (hook, None):
        sys.setprofile(previous)
    _previous.pop(threading.get_ident(), None)
