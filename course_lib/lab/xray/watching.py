"""What a wrapper does: it calls the original, and notes when, by whom, with what outcome.

Where a profile hook is at work (hook.py) it is told of each C function that a wrapper calls, which would
cost more than all the rest; but not of the ``__call__`` of one. Hence the names below.

Read lanes.py and wires.py first. Next: wrappers.py.
"""

import _socket
import selectors
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from course_lib.lab.stacks import PACKAGE, is_own, outwards
from course_lib.lab.xray.lanes import NOTHING_READY, SHORT, current, new_lane
from course_lib.lab.xray.wires import find_wire, wires

clock = time.perf_counter.__call__
fileno = _socket.socket.fileno.__call__
caller = sys._getframe.__call__

SLOW = 0.0001
"""Seconds after which it is worth asking whether the socket is one that never waits."""

INCOMING, COUNTED, OUTGOING, NONE, ENDING = range(5)
"""How many bytes it was: the result's length, the result, the argument's length, none; none, and it ends."""

Function = Callable[..., Any]


def on_socket(name: str, original: Function, how: int) -> Function:
    call = original.__call__

    def watched(self: socket.socket, *args: Any, **kwargs: Any) -> Any:
        lane = current.lane or new_lane()
        if lane.open is not None:
            return call(self, *args, **kwargs)
        if lane.before is not None:
            lane.end_before(clock())
        fd = fileno(self)
        if how == ENDING and (fd < 0 or is_housekeeping(caller(1))):
            return call(self, *args, **kwargs)
        try:
            sock, wire = wires[fd]
            if sock() is not self:
                wire = find_wire(self, fd)
        except KeyError:
            wire = find_wire(self, fd)
        size, error, waits = None, "", True
        start = clock()
        lane.open = (name, fd, wire, start, self)
        try:
            result = call(self, *args, **kwargs)
            end = clock()
            if how == INCOMING:
                size = result.__len__()
            elif how == COUNTED:
                size = result
            elif how == OUTGOING:
                size = memoryview(args[0]).nbytes
            return result
        except BaseException as problem:
            end = clock()
            error = type(problem).__name__
            raise
        finally:
            lane.open = None
            if end - start > SLOW:
                waits = self.gettimeout() != 0
            if error:
                lane.note((name, fd, wire, start, end, size, error, waits), error in NOTHING_READY)
            else:  # the same as lane.note, but quicker
                lane.idle = 0
                lane.log += ((name, fd, wire, start, end, size, error, waits),)

    return _named(watched, original)


def on_selector(original: Function) -> Function:
    def watched(self: selectors.BaseSelector, timeout: float | None = None) -> Any:
        return _watch("select", original, (self, timeout), {}, timeout is None or timeout > 0)

    return _named(watched, original)


def on_function(name: str, original: Function) -> Function:
    def watched(*args: Any, **kwargs: Any) -> Any:
        if not is_own(caller(1).f_code.co_filename):
            return original(*args, **kwargs)
        return _watch(name, original, args, kwargs, True)

    return _named(watched, original)


def _named(wrapper: Function, original: Function) -> Function:
    """Give the wrapper the name of what it stands for: a thread that is to run it takes its own from that."""
    wrapper.__name__, wrapper.__qualname__ = original.__name__, original.__qualname__
    return wrapper


def _watch(name: str, original: Function, args: Any, kwargs: Any, waits: bool) -> Any:
    lane = current.lane or new_lane()
    if lane.open is not None:
        return original(*args, **kwargs)
    if lane.before is not None:
        lane.end_before(clock())
    size, error = None, ""
    start = clock()
    lane.open = (name, -1, None, start, waits)
    try:
        result = original(*args, **kwargs)
        if name == "select":
            size = _count(result)
        return result
    except BaseException as problem:
        error = type(problem).__name__
        raise
    finally:
        end = clock()
        lane.open = None
        lane.note(
            (name, -1, None, start, end, size, error, waits), not (size or error) and end - start < SHORT
        )


def _count(ready: Any) -> int:
    """Return how many are ready: select.select gives three lists, a selector one."""
    if type(ready) is tuple:
        return sum(len(each) for each in ready)
    return len(ready)


def is_housekeeping(frame: FrameType) -> bool:
    """Tell whether it is the course that ends a socket, on behalf of a function that has left it open."""
    for each in outwards(frame):
        path = Path(each.f_code.co_filename)
        if path.name not in ("socket.py", "stopping.py"):
            return path.is_relative_to(PACKAGE) and not is_own(str(path))
    return False
