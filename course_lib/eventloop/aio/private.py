"""Private names of asyncio that CPython's own tests touch. This is the one place for them.

``test.test_asyncio`` was written for the loops that live beside it, and looks inside them. What it finds here
is either true (the clock's resolution) or a place where it puts a double (the maker of sockets).

Read calls.py first.
"""

import socket
import time
from asyncio import base_events
from typing import Any


def new_socket(family: int, kind: int, proto: int) -> socket.socket:
    """Return a new socket. The tests put their own class in the place where this one looks."""
    sock: socket.socket = base_events.socket.socket(family, kind, proto)  # type: ignore[attr-defined]
    return sock


class PrivateNames:
    """``_run_once``, ``_stop_serving`` and ``_default_executor`` are touched too: they are the loop's own."""

    _clock_resolution = time.get_clock_info("monotonic").resolution
    _selector: Any = None
    """Shown where a test fails."""
