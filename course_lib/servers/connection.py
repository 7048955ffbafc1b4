"""One client, as a server on non-blocking sockets sees it.

A blocking server keeps its place in the code: it waits *here*, for *this*. A server that never
waits for one client must write down where it is with each: what is still to be sent, and
whether the client has finished. That note is this class. No call in it waits.

Read ../conversation.py first. Next: nonblocking.py.
"""

import socket
from collections.abc import Callable

from course_lib.conversation import Conversation
from course_lib.servers.base import CHUNK


class Connection:
    """A non-blocking socket, its conversation, and the bytes that the client has not taken yet.

    ``high_water`` in bytes; ``report`` is told of errors in the conversation.
    """

    def __init__(
        self,
        sock: socket.socket,
        conversation: Callable[[], Conversation],
        high_water: int,
        report: Callable[[BaseException], None],
    ) -> None:
        sock.setblocking(False)  # an accepted socket is blocking, whatever its listener is
        self.sock = sock
        self.high_water = high_water
        self.report = report
        self.events = 0
        """What its server watches it for, in the terms of that server."""
        self.out = bytearray()
        self.ended = False
        """The client has sent its last byte; it may still be reading."""
        self.lost = False
        """Nothing more can be sent or received."""
        try:
            self.conversation = conversation()
            self.out += self.conversation.greet()
        except Exception as error:
            self._give_up(error)

    def fileno(self) -> int:
        return self.sock.fileno()

    @property
    def wants_read(self) -> bool:
        # A client that sends and never reads fills our memory, unless we stop listening to it.
        return not (self.ended or self.lost or self.conversation.closing) and len(self.out) < self.high_water

    @property
    def wants_write(self) -> bool:
        # A socket is nearly always writable: asked for without need, this wakes us without end.
        return bool(self.out) and not self.lost

    @property
    def done(self) -> bool:
        # The end of the stream is not the end of the answers: half-close.
        return self.lost or (not self.out and (self.ended or self.conversation.closing))

    def receive(self) -> None:
        """Take one chunk, if there is one, and add the answer to what is to be sent."""
        try:
            data = self.sock.recv(CHUNK)
        except BlockingIOError:
            return  # readiness is a hint: somebody else may have taken it
        except OSError:  # reset, timed out, unreachable: the client is gone
            self.lost = True
            return
        if not data:
            self.ended = True
            return
        try:
            self.out += self.conversation.receive(data)
        except Exception as error:
            self._give_up(error)

    def flush(self) -> None:
        """Send what the kernel has room for, and keep the rest."""
        if not self.wants_write:
            return
        try:
            sent = self.sock.send(self.out)
        except BlockingIOError:
            return
        except OSError:
            self.lost = True
            return
        del self.out[:sent]

    def _give_up(self, error: Exception) -> None:
        self.lost = True
        self.report(error)

    def __repr__(self) -> str:
        state = "done" if self.done else "ended" if self.ended else "open"
        return f"<Connection {self.sock.fileno()} {state}, {len(self.out)} bytes to send>"
