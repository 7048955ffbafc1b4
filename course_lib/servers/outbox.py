"""What is still to be sent to one client: the bytes for which the kernel had no room yet.

``send`` on a non-blocking socket takes a part of the bytes, or none, and the rest is ours to keep. This is
exercise 3.3 of the course, and what the exercises of lesson 05 build on.

Read nonblocking.py first. Next: connection.py, which does the same for the rungs.
"""

import socket


class Outbox:
    """Bytes that wait to be sent over one non-blocking socket, in their order."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    @property
    def pending(self) -> int:
        """How many bytes wait."""
        return len(self._waiting)

    def write(self, data: bytes) -> None:
        """Put ``data`` behind what waits already. Sends nothing."""
        self._waiting += data

    def flush(self, sock: socket.socket) -> None:
        """Send what the kernel has room for, keep the rest. Raises OSError where the connection is broken."""
        try:
            sent = sock.send(self._waiting)
        except BlockingIOError:
            return
        del self._waiting[:sent]
