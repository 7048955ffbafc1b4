"""A connection of which each end may be ended, closed or reset: what is done, and what the call says.

    with Wire() as wire:
        wire.do("they: close()")
        wire.do("we: recv(10)")          # "b''"

Read ../clients.py and call_table.py first. Next: endings.py.
"""

import errno
import select
import socket
import struct
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Self

from course_lib.clients import pair
from course_lib.lab.call_table import wait_readable

ARRIVAL = 0.02
"""Seconds in which what a kernel sends by itself, such as a reset, has arrived on the loopback."""

WE_END, THEY_END = "we: shutdown", "they: shutdown"
THEY_CLOSE, THEY_RESET = "they: close()", "they: reset"


class Wire:
    """A new connection: our end, which is non-blocking, and theirs. A context manager."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.they, self.we = self._stack.enter_context(pair())
        self.we.setblocking(False)

    def do(self, action: str) -> str:
        """Do one of ACTIONS; return what the call said, in words."""
        try:
            return ACTIONS[action](self)
        except OSError as error:
            return errno.errorcode.get(error.errno, type(error).__name__) if error.errno else "a time-out"

    def ready(self) -> str:
        """Return what select says of our end."""
        readable, writable, _ = select.select([self.we], [self.we], [], 0)
        return " and ".join(["readable"] * bool(readable) + ["writable"] * bool(writable)) or "not ready"

    @property
    def they_are_gone(self) -> bool:
        """Their end is closed: they can do nothing more."""
        return self.they.fileno() < 0

    def recv(self) -> str:
        return repr(self.we.recv(10))

    def send(self) -> str:
        sent = self.we.send(b"four")
        time.sleep(ARRIVAL)
        return f"{sent} bytes"

    def end(self) -> str:
        self.we.shutdown(socket.SHUT_WR)
        time.sleep(ARRIVAL)
        return "done"

    def they_send(self) -> str:
        self.they.sendall(b"four")
        wait_readable(self.we)
        return "done"

    def they_end(self) -> str:
        self.they.shutdown(socket.SHUT_WR)
        wait_readable(self.we)
        return "done"

    def they_close(self) -> str:
        self.they.setblocking(False)
        try:
            while self.they.recv(1024):  # what is unread would make a reset of it
                pass
        except BlockingIOError:
            pass
        self.they.close()
        wait_readable(self.we)
        time.sleep(ARRIVAL)
        return "done"

    def they_reset(self) -> str:
        self.they.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.they.close()
        wait_readable(self.we)
        time.sleep(ARRIVAL)
        return "done"

    def close(self) -> None:
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()


ACTIONS: dict[str, Callable[[Wire], str]] = {
    "we: recv(10)": Wire.recv,
    "we: send(4 bytes)": Wire.send,
    WE_END: Wire.end,
    "they: send(4 bytes)": Wire.they_send,
    THEY_END: Wire.they_end,
    THEY_CLOSE: Wire.they_close,
    THEY_RESET: Wire.they_reset,
}
