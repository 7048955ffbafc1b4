"""What is a thread calling right now? Read off its stack, for calls that began before anybody watched.

The innermost frame knows the instruction at which it stands, and the compiler has noted to which piece of
the source each instruction belongs (PEP 657). If that piece is a call such as ``client.recv(1024)``, and the
thread rests, then it waits in there.

Read lanes.py and naming.py first.
"""

import ast
import itertools
import linecache
import socket
import threading
import time
from collections import defaultdict
from types import FrameType
from typing import Any

from course_lib.lab.stacks import frame_of
from course_lib.lab.where import busy_seconds
from course_lib.lab.xray.lanes import bystanders
from course_lib.lab.xray.naming import SHELLS, own_call
from course_lib.lab.xray.wires import find_wire

WAITING = frozenset(
    {"accept", "connect", "recv", "recv_into", "send", "sendall"}
    | {"acquire", "poll", "control", "get", "join", "sleep", "select"}
)
ALIASES = {"_accept": "accept", "_select": "select"}

REST = 0.02
"""A thread that has stood at one instruction for so many seconds, without work, is at rest."""

LIMIT = 0.25
"""Seconds for which we wait for the threads to come to rest; some never do."""

BUSY_SHARE = 0.25


def call_of(thread: threading.Thread) -> tuple[Any, ...] | None:
    """Return the call in which a resting thread waits; None if it is in none.

    That is its name, descriptor and wire, and the frame of the library's method that it is in, or None.
    """
    frame = frame_of(thread)
    if frame is None:
        return None
    function = _function_at(frame)
    leaf = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    leaf = ALIASES.get(leaf, leaf)
    sock = _owner(function, frame)
    if isinstance(sock, socket.socket) and leaf in WAITING:
        if sock.fileno() < 0 or sock.gettimeout() == 0:
            return None
        return leaf, sock.fileno(), find_wire(sock, sock.fileno()), None
    if leaf not in WAITING and frame.f_code.co_filename not in SHELLS:
        return None
    found = own_call(frame, leaf)
    return (found.name, -1, None, found.shell) if found and (found.shell or leaf in WAITING) else None


def _function_at(frame: FrameType) -> ast.expr | None:
    """Return the expression of the function that is called where ``frame`` stands."""
    code = frame.f_code
    position = next(itertools.islice(code.co_positions(), max(frame.f_lasti, 0) // 2, None), (None,) * 4)
    first, last, start, end = position
    if first is None or last is None or start is None or end is None:
        return None
    lines = [linecache.getline(code.co_filename, number).encode() for number in range(first, last + 1)]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    try:
        tree = ast.parse(b"(" + b"".join(lines) + b")", mode="eval").body
    except (SyntaxError, ValueError):
        return None
    return tree.func if isinstance(tree, ast.Call) else None


def _owner(function: ast.expr | None, frame: FrameType) -> Any:
    """Return the object whose method is called, where a name or a chain of attributes leads to it."""
    value = _value(function.value, frame) if isinstance(function, ast.Attribute) else None
    return frame.f_locals.get("self") if value is None else value


def _value(expression: ast.expr, frame: FrameType) -> Any:
    if isinstance(expression, ast.Name):
        return frame.f_locals.get(expression.id, frame.f_globals.get(expression.id))
    if isinstance(expression, ast.Attribute):
        return getattr(_value(expression.value, frame), "__dict__", {}).get(expression.attr)
    return None


class _Watch:
    """One thread, looked at again and again."""

    def __init__(self) -> None:
        self.spot: object = None
        self.since = self.busy = 0.0

    def rests(self, thread: threading.Thread) -> bool:
        """Tell whether it has stood at one instruction, idle, for REST seconds."""
        frame = frame_of(thread)
        spot = None if frame is None else (id(frame), frame.f_lasti)
        now, busy = time.monotonic(), busy_seconds(thread)
        if spot != self.spot or busy - self.busy > BUSY_SHARE * REST:
            self.spot, self.since, self.busy = spot, now, busy
        return now - self.since >= REST


def let_rest() -> list[threading.Thread]:
    """Wait until every bystander rests, and return those that do.

    So the last steps towards a wait belong to what was before, and the last ones after a wait to what
    has caused them. A thread that spins never rests: it is waited for no longer than LIMIT.
    """
    deadline = time.monotonic() + LIMIT
    watches: defaultdict[threading.Thread, _Watch] = defaultdict(_Watch)
    while True:
        others = bystanders()
        resting = [thread for thread in others if watches[thread].rests(thread)]
        if len(resting) == len(others) or time.monotonic() > deadline:
            return resting
        time.sleep(REST / 4)
