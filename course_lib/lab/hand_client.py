"""A client in a person's hand: each call is made when it is asked for, and returns at once.

Nobody listens in the background. What a server says lies in the kernel until somebody looks, which a board
does ten times a second. So there is no thread here, and ``close`` and ``reset`` do what they say at once.

Read ../clients.py first. Next: hand_clients.py.
"""

import socket
import struct
import threading

from course_lib.lab.explain import explain
from course_lib.lab.waiting import wait_until
from course_lib.servers.base import Address

CONNECT_SECONDS = 2.0

KEPT = 4096
"""Of what a client has heard, so many bytes are kept, the last ones."""

GULP = 64 * 1024
GULPS = 16
"""Bytes taken in one recv, and how often at most in one look: whoever is flooded must come to an end."""


class HandClient:
    """One connection. Any thread may call any method, and none of them raises for a broken connection."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = "open"
        """In words: open, half-closed, closed, and so on."""
        self.sent = self.received = 0
        """Bytes that the kernel has taken and given so far."""
        self._heard = b""
        self._answered = 0
        """So many of the received bytes have been returned by ``answer``."""
        self._lock = threading.RLock()
        self.sock = socket.socket()
        # Before connect, so that its port, by which a server knows it, is known before the server is.
        self.sock.bind(("", 0))
        self.port: int = self.sock.getsockname()[1]

    def connect(self, address: Address) -> None:
        """Raises ValueError, with one line that explains it, where that is impossible."""
        try:
            self.sock.settimeout(CONNECT_SECONDS)
            self.sock.connect(address)
            self.sock.setblocking(False)
        except OSError as error:
            self.sock.close()
            raise ValueError(explain(error, address)) from error

    @property
    def is_open(self) -> bool:
        """True while it has a socket."""
        return self.sock.fileno() >= 0

    @property
    def heard(self) -> str:
        """All that it has heard so far; of very much, the end."""
        self.listen()
        return self._heard.decode(errors="replace")

    def say(self, line: str) -> None:
        """Send one line of text, with its line end."""
        self.send(f"{line}\n")

    def send(self, data: str | bytes) -> None:
        """Send it, as far as the kernel has room for it."""
        if isinstance(data, str):
            data = data.encode()
        with self._lock:
            if not self.is_open:
                return
            try:
                taken = self.sock.send(data)
            except BlockingIOError:
                taken = 0
            except OSError as error:
                self.state = f"broken: {type(error).__name__}"
                return
            self.sent += taken
            if self.state.startswith("the kernel"):
                self.state = "open"
            if taken < len(data):
                self.state = f"the kernel has taken {taken} of {len(data)} bytes: it has no more room"

    def listen(self) -> bool:
        """Take what has come; return whether anything is new."""
        with self._lock:
            before = (self.received, self.state)
            try:
                for _ in range(GULPS):
                    if not self.expects:
                        break
                    data = self.sock.recv(GULP)
                    self.received += len(data)
                    self._heard = (self._heard + data)[-KEPT:]
                    if not data:
                        self.state = "the server has closed the connection"
            except BlockingIOError:
                pass
            except OSError as error:
                self._broken(error)
            return before != (self.received, self.state)

    def _broken(self, error: OSError) -> None:
        reset = isinstance(error, ConnectionResetError)
        self.state = (
            "the server has reset the connection (RST)" if reset else f"broken: {type(error).__name__}"
        )
        self.sock.close()

    def answer(self, limit: float = 5.0) -> str:
        """Return what is new since the last ``answer``, as soon as there is something, or the end.

        Raises TimeoutError after ``limit`` seconds without a word.
        """
        wait_until(self._has_news, limit, f"an answer to {self.name}")
        with self._lock:
            new, self._answered = self.received - self._answered, self.received
            return self._heard[-new:].decode(errors="replace") if new else ""

    def _has_news(self) -> bool:
        return self.listen() or self.received > self._answered or not self.expects

    @property
    def expects(self) -> bool:
        """True while something may still come."""
        return self.is_open and not self.state.startswith("the server")

    def half_close(self) -> None:
        """Say that nothing more will come, and go on listening."""
        with self._lock:
            if self.is_open:
                try:
                    self.sock.shutdown(socket.SHUT_WR)
                    self.state = "half-closed: it says no more, and listens"
                except OSError as error:
                    self.state = f"broken: {type(error).__name__}"

    def close(self) -> None:
        """Close in order: with a FIN. Any number of times."""
        self._end("closed")

    def reset(self) -> None:
        """Break the connection off: with a RST, as the system does for a program that has crashed."""
        self._end("reset (RST)", struct.pack("ii", 1, 0))

    def _end(self, state: str, linger: bytes = b"") -> None:
        with self._lock:
            self.listen()  # what lies unread when a socket is closed would make its kernel send a RST
            if self.is_open:
                if linger:
                    self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.sock.close()
                self.state = state

    def __repr__(self) -> str:
        return f"<{self.name}, {self.state}, has heard {self.heard!r}>"
