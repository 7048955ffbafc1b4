"""A socket on a reactor and who is told of it: watched for what can be done, and given up once.

Read protocol.py first. Next: transport.py.
"""

import socket
from collections.abc import Callable
from typing import Any

from course_lib.eventloop.protocol import Protocol
from course_lib.eventloop.reactor import Reactor


class Endpoint:
    """Owns ``sock``, which it makes non-blocking and will close. Derive from it, and define ``on_ready``."""

    __slots__ = ("events", "lost", "protocol", "reactor", "sock")

    def __init__(self, reactor: Reactor, sock: socket.socket, protocol: Protocol) -> None:
        sock.setblocking(False)
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            # Do not hold back a short write until the one before it has been acknowledged.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reactor, self.sock, self.protocol = reactor, sock, protocol
        self.events = 0
        """What it is watched for: READ, WRITE, both, or 0 for nothing."""
        self.lost = False
        """The socket is closed."""

    def on_ready(self, events: int) -> None:
        """Called by the reactor with those of ``events`` that have come."""
        raise NotImplementedError

    def watch(self, events: int) -> None:
        """Be woken for ``events`` from now on, and for nothing else."""
        if self.lost or events == self.events:
            return
        if not self.events:
            self.reactor.register(self.sock, events, self.on_ready)
        elif events:
            self.reactor.modify(self.sock, events, self.on_ready)
        else:
            self.reactor.unregister(self.sock)
        self.events = events

    def tell(self, method: Callable[..., Any], *arguments: Any) -> Any:
        """Call a method of the protocol; end the connection if it raises. The reactor reports the error."""
        try:
            return method(*arguments)
        except BaseException:
            self.lose(None)
            raise

    def lose(self, error: Exception | None) -> None:
        """End it. The protocol hears of it in the next round, when it is in the middle of nothing."""
        if not self.lost:
            self.watch(0)  # before the close, which makes its number somebody else's
            self.lost = True
            self.sock.close()
            self.reactor.call_soon(self.protocol.connection_lost, error)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.sock.fileno()} {'lost' if self.lost else 'open'}>"
