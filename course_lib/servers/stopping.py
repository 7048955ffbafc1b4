"""How do you stop a thread that waits in accept, recv or sendall?

You cannot reach into a thread. A flag alone is of no use: the thread looks at it when the
call returns, and the call returns when some client does something. Closing the socket does
not help either: the kernel keeps it alive for the call that is using it, and the thread
waits on. Worse, the number of the descriptor is free for the next socket that is opened,
and the late thread may read from a stranger.

``shutdown(SHUT_RDWR)`` does wake it. It ends the *connection* and leaves the descriptor, so
every call that waits on that connection returns: recv with ``b""``, sendall with
BrokenPipeError. Linux does the same for a listening socket: accept fails with EINVAL. So we
shut down first, let the threads leave their loops, and close last.

macOS and Windows refuse to shut down a listener. There we knock on our own door: we connect
to it, accept returns, and its thread sees the flag.

Read base.py and blocking.py first. Next: threaded.py.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class BlockedSockets:
    """The sockets on which threads may be waiting.

    >>> with blocked.adopt(connection):   # woken by wake(), closed at the end of the block
    ...     connection.recv(1024)
    """

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self._connections: set[socket.socket] = set()
        self._woken = False
        # Under this lock a connection is either open and known, or closed: wake() never
        # shuts down a number that meanwhile belongs to somebody else. An RLock, since a
        # signal handler that stops the server runs in a thread which may hold it already.
        self._lock = threading.RLock()

    @contextmanager
    def adopt(self, connection: socket.socket) -> Iterator[None]:
        """Let ``wake`` end every wait on ``connection``; close it at the end of the block."""
        with self._lock:
            self._connections.add(connection)
            if self._woken:  # it was accepted while wake() was at work
                shut_down(connection)
        try:
            yield
        finally:
            with self._lock:
                self._connections.discard(connection)
                connection.close()

    def wake(self) -> None:
        """End every wait, those still to begin included. Any thread, any number of times."""
        with self._lock:
            if self._woken:
                return  # a second knock might be at the door of the port's next owner
            self._woken = True
            for connection in self._connections:
                shut_down(connection)
        if not shut_down(self.listener):
            knock(self.listener)


def shut_down(sock: socket.socket) -> bool:
    """End both directions of ``sock``; False where the system refuses."""
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return False
    return True


def knock(listener: socket.socket) -> None:
    """Connect to ``listener`` and leave at once."""
    try:
        socket.create_connection(listener.getsockname()[:2], timeout=0.5).close()
    except OSError:
        pass  # it is closed already, or so many clients wait that accept does not
