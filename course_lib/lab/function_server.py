"""A function of one listener, made into a server of the ladder's shape.

The article's servers are scripts: they accept, they loop, and nothing but Ctrl-C ends them. As a
function ``def article_server(listener)`` such a script runs unchanged in a thread. To end it from
another thread we need its sockets, so its listener notes every connection that it accepts, and
``stop`` shuts them all down, as ../servers/stopping.py explains.

That wakes the function. Many a function then leaves by itself, because recv has returned ``b""``;
one that takes no notice would go round for ever. So once ``stop`` has been called, its further
calls raise SystemExit, which no ``except Exception`` catches and for which no thread prints a
traceback.

Read ../servers/stopping.py first. Next: servable.py.
"""

import socket
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from course_lib.servers.base import Address, Server
from course_lib.servers.stopping import knock, shut_down

ServerFunction = Callable[[socket.socket], object]
"""Accepts on the listener that it is given, and serves."""


T = TypeVar("T")


class FunctionServer(Server):
    """Runs ``function(listener)`` once, in ``serve_forever``; what it then leaves open is closed."""

    name = "function"

    def __init__(
        self, function: ServerFunction, address: Address = ("127.0.0.1", 0), *, backlog: int = 1024
    ) -> None:
        self.function = function
        # Weak, so that a connection which the function forgets is closed as it is without us.
        self.connections: weakref.WeakSet[WatchedSocket] = weakref.WeakSet()
        super().__init__(address, backlog=backlog)

    def set_up(self) -> None:
        self.listener = WatchedSocket.take_over(self.listener, self)

    def run(self) -> None:
        try:
            self.function(self.listener)
        except BaseException:
            if not self.stopping:
                raise  # otherwise we made it: it has woken in a call that had to fail

    def adopt(self, connection: "WatchedSocket") -> None:
        """Note a connection that has just been accepted."""
        with self._lock:
            self.connections.add(connection)
            if self.stopping:  # it was accepted while wake() was at work
                shut_down(connection)

    def wake(self) -> None:
        with self._lock:
            for connection in self.connections:
                shut_down(connection)
        if not shut_down(self.listener):
            knock(self.listener)

    def close_all(self) -> None:
        with self._lock:
            for connection in self.connections:
                connection.close()
        self.listener.close()


class WatchedSocket(socket.socket):
    """A socket of a FunctionServer's function: accepted connections are noted, and ``stop`` ends its use."""

    server: FunctionServer | None = None
    end_was_said = False

    @classmethod
    def take_over(cls, sock: socket.socket, server: FunctionServer) -> "WatchedSocket":
        """Return a watched socket with the descriptor of ``sock``, which is closed without it."""
        watched = cls(sock.family, sock.type, sock.proto, fileno=sock.detach())
        watched.server = server
        return watched

    def accept(self) -> tuple[socket.socket, Any]:
        with self.in_use():
            sock, address = super().accept()
            if self.server is None:
                return sock, address
            connection = self.take_over(sock, self.server)
            self.server.adopt(connection)
            return connection, address

    def recv(self, *args: Any) -> bytes:
        return self.receive(lambda: super(WatchedSocket, self).recv(*args), b"")

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        return self.receive(lambda: super(WatchedSocket, self).recv_into(*args, **kwargs), 0)

    def send(self, *args: Any) -> int:
        with self.in_use():
            return super().send(*args)

    def sendall(self, *args: Any) -> None:
        with self.in_use():
            super().sendall(*args)

    @property
    def is_over(self) -> bool:
        """True once the server is to stop."""
        return self.server is not None and self.server.stopping

    def receive(self, call: Callable[[], T], end: T) -> T:
        """Return what ``call`` returns, or once the server is to stop, first ``end``, which most obey."""
        try:
            if not self.is_over:
                return call()
        except OSError:
            if not self.is_over:
                raise
        if self.end_was_said:
            raise SystemExit
        self.end_was_said = True
        return end

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Let no call begin once the server is to stop, and none fail because of that."""
        if self.is_over:
            raise SystemExit
        try:
            yield
        except OSError:
            if self.is_over:
                raise SystemExit from None
            raise

    def __del__(self) -> None:
        self.close()  # scripts forget it: without this line Python might warn of that, in a thread
