"""The five clients in the flesh: real sockets, each in a thread of its own, and what becomes of them.

Read visits.py first. Next: table.py.
"""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from course_lib.lab.game.visits import Arrivals, Piece, Visit
from course_lib.lab.waiting import wait_until
from course_lib.servers.base import Address
from course_lib.servers.stopping import shut_down


class Guest:
    """A real client, in a thread of its own, and what becomes of it. Times in seconds since the beginning."""

    def __init__(self, visit: Visit, address: Address, clock: Callable[[], float]) -> None:
        self.visit = visit
        self.address = address
        self.clock = clock
        self.came: float | None = None
        self.said: list[Piece] = []
        self.answered: float | None = None
        self.port = 0
        """Its own, by which the server's side knows who it is."""
        self._sock = socket.socket()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live, name=visit.name, daemon=True)

    @property
    def asked(self) -> float | None:
        """When the last piece of its question was sent."""
        return self.said[-1].at if len(self.said) == len(self.visit.pieces) else None

    def latency(self) -> float | None:
        """Return for how long it has waited for its answer; until now, while it still waits; None before."""
        if self.asked is None:
            return None
        return (self.clock() if self.answered is None else self.answered) - self.asked

    def recorded(self) -> Visit:
        """Return when it really came and spoke."""
        return Visit(self.visit.name, self.visit.comes if self.came is None else self.came, tuple(self.said))

    def start(self) -> None:
        self._thread.start()

    def leave(self) -> None:
        """Make it go at once, answered or not. Any thread, any number of times."""
        self._over.set()
        shut_down(self._sock)

    def join(self) -> None:
        if self._thread.ident is not None:
            self._thread.join()
        self._sock.close()

    def _live(self) -> None:
        with self._sock, suppress(OSError):  # sent away, or the server is gone: no answer tells of it
            if not self._is_until(self.visit.comes):
                return
            self._sock.bind(("127.0.0.1", 0))  # before connect, so that who accepts it knows who it is
            self.port = self._sock.getsockname()[1]
            self._sock.connect(self.address)
            self.came = self.clock()
            for piece in self.visit.pieces:
                if not self._is_until(piece.at):
                    return
                self._sock.sendall(piece.data)
                self.said.append(Piece(self.clock(), piece.data))
            self._await_answer(len(self.visit.question))

    def _is_until(self, moment: float) -> bool:
        """Wait until ``moment``; False when the guest is to leave."""
        return not self._over.wait(max(0.0, moment - self.clock()))

    def _await_answer(self, missing: int) -> None:
        while missing and (data := self._sock.recv(1024)):
            missing -= len(data)
        if not missing:
            self.answered = self.clock()


class Party:
    """All clients of one game; its time begins with ``start``. Leaving its ``with`` block sends them home."""

    def __init__(self, arrivals: Arrivals, address: Address) -> None:
        self._zero = time.perf_counter()
        self.guests = [Guest(visit, address, self.clock) for visit in arrivals]

    def clock(self) -> float:
        """Return the seconds since the beginning."""
        return time.perf_counter() - self._zero

    def start(self) -> None:
        """Let them come, each at its moment."""
        self._zero = time.perf_counter()
        for guest in self.guests:
            guest.start()

    def join(self, limit: float, given_up: Callable[[], bool] = lambda: False) -> None:
        """Wait until all have their answers, for ``limit`` seconds at most."""
        with suppress(TimeoutError):
            wait_until(lambda: self.over or given_up(), limit)

    def end(self) -> None:
        """Send all home. Any thread, any number of times."""
        for guest in self.guests:
            guest.leave()
        for guest in self.guests:
            guest.join()

    def __enter__(self) -> "Party":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def over(self) -> bool:
        """True when all have their answers."""
        return all(guest.answered is not None for guest in self.guests)

    @property
    def waiting(self) -> int:
        """How many clients wait for an answer now."""
        return sum(guest.asked is not None and guest.answered is None for guest in self.guests)

    def latencies(self) -> dict[str, float | None]:
        """Return for how long each client has waited; None for one that has not asked."""
        return {guest.visit.name: guest.latency() for guest in self.guests}

    def recorded(self) -> Arrivals:
        """Return when all really came and spoke."""
        return tuple(guest.recorded() for guest in self.guests)
