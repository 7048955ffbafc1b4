"""The table of descriptors at which you sit: a listener, its connections, and four calls to press.

Each press makes the real call. ``accept`` and ``recv`` block until the kernel has something to
return, and meanwhile nobody serves anybody. A limit rescues you: after so many seconds the call is
given up. A server has no such limit.

There are no widgets here; board.py puts buttons on it.

Read guests.py and presses.py first. Next: playing.py.
"""

import selectors
import socket
import threading
import time
from collections.abc import Callable

from course_lib.lab.explain import one_line
from course_lib.lab.game.presses import LISTENER, Busy, Press, Seat
from course_lib.servers.stopping import knock, shut_down

RESCUE_SECONDS = 3.0
"""A call that has blocked for so long is given up."""

PROBE_SECONDS = 0.5
"""For so long ``wait`` waits for its one descriptor."""


class Table:
    """A real listener and its connections. One press at a time, from any thread; ``close`` ends all."""

    def __init__(
        self,
        name_of: Callable[[int], str],
        rescue: float = RESCUE_SECONDS,
        probe: float = PROBE_SECONDS,
    ) -> None:
        self.name_of = name_of
        """Tells which client has a port."""
        self.rescue = rescue
        self.probe = probe
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(rescue)
        self.seats: dict[str, Seat] = {}
        self.busy: Busy | None = None
        self.presses: list[Press] = []
        self._closed = False
        self._one = threading.Lock()
        self._lock = threading.Lock()

    def press(self, call: str, who: str = LISTENER) -> Press | None:
        """Make the call, and return what came of it; None when another one has not returned yet."""
        if not self._one.acquire(blocking=False):
            return None
        start = time.monotonic()
        try:
            self.busy = Busy(call, who, start)
            outcome = self._calls()[call](who)
            press = Press(call, who, outcome, time.monotonic() - start)
        except TimeoutError:
            press = Press(call, who, "nothing came; you were rescued", time.monotonic() - start, rescued=True)
        except OSError as error:
            outcome = "the game is over" if self._closed else one_line(error)
            press = Press(call, who, outcome, time.monotonic() - start)
        finally:
            self.busy = None
            self._one.release()
        self.presses.append(press)
        return press

    def _calls(self) -> dict[str, Callable[[str], str]]:
        return {"accept": self._accept, "recv": self._recv, "send": self._send, "wait": self._wait}

    def _accept(self, _: str) -> str:
        connection, (_host, port) = self.listener.accept()
        connection.settimeout(self.rescue)
        seat = Seat(self.name_of(port), connection, connection.fileno())
        with self._lock:
            self.seats[seat.who] = seat
            if self._closed:
                connection.close()
        return seat.who

    def _recv(self, who: str) -> str:
        seat = self.seats[who]
        data = seat.sock.recv(1024)
        seat.heard += data
        seat.unsent += data
        seat.left = not data
        return repr(data) if data else 'b"": the client has left'

    def _send(self, who: str) -> str:
        seat = self.seats[who]
        if not seat.unsent:
            return "nothing to send: you have not received anything new"
        data, seat.unsent = seat.unsent, b""
        seat.sock.sendall(data)
        return f"{len(data)} bytes"

    def _wait(self, who: str) -> str:
        return "ready" if _readable([self._socket(who)], self.probe) else "not ready"

    def _socket(self, who: str) -> socket.socket:
        return self.listener if who == LISTENER else self.seats[who].sock

    def ready(self) -> set[str]:
        """Return on whom accept or recv would not block now, as the kernel sees it."""
        with self._lock:
            if self._closed:
                return set()
            here = [who for who, seat in self.seats.items() if not seat.left]  # the end stays readable
            names = {self._socket(who): who for who in (LISTENER, *here)}
            return {names[sock] for sock in _readable(list(names), 0)}

    def writable(self) -> set[str]:
        """Return to whom send would not block now, of those to whom there is something to send.

        A server asks for no others: a connection is nearly always writable.
        """
        with self._lock:
            if self._closed:
                return set()
            names = {seat.sock: seat.who for seat in self.seats.values() if seat.unsent}
            return {names[sock] for sock in _ready(list(names), selectors.EVENT_WRITE, 0)}

    def close(self) -> None:
        """Wake whoever is blocked, and close everything. Any thread, any number of times."""
        with self._lock:
            self._closed = True
            sockets = [seat.sock for seat in self.seats.values()] + [self.listener]
            for sock in sockets:
                if not shut_down(sock) and sock is self.listener:
                    knock(sock)
        with self._one:  # until the call has returned: a socket must not be closed under it
            for sock in sockets:
                sock.close()


def _readable(sockets: list[socket.socket], timeout: float) -> list[socket.socket]:
    return _ready(sockets, selectors.EVENT_READ, timeout)


def _ready(sockets: list[socket.socket], events: int, timeout: float) -> list[socket.socket]:
    with selectors.DefaultSelector() as selector:
        for sock in sockets:
            selector.register(sock, events, sock)
        return [key.data for key, _ in selector.select(timeout)]
