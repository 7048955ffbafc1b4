"""The server under judgment, as a scenario sees it: an address, a process, and a deadline.

All that a scenario does ends at the target's deadline, so a server that never answers costs a known
time. What a scenario finds wrong it raises as ``Failed``; what it cannot see it notes.

Read ../../servers/base.py first. Next: wire.py.
"""

import errno
import random
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path

import psutil

from course_lib.lab.gauntlet.child import Child, Facts

Address = tuple[str, int]

SPIN = 0.2
"""The share of one processor above which a server that has nothing to do is spinning. One that
waits for the kernel uses about 0.00, one that spins takes all it can get."""


class Failed(Exception):
    """The server did not do what it should: what was sent, what should have come, what came."""

    def __init__(self, sent: str, expected: str, got: str) -> None:
        super().__init__(f"sent {sent}; expected {expected}; got {got}")
        self.sent, self.expected, self.got = sent, expected, got


class Target:
    """``limit`` in seconds. ``process`` and ``child`` are None where the server is not ours.

    ``random`` gives the same bytes in every run, so that two reports of one fault read alike.
    """

    def __init__(
        self, address: Address, limit: float, process: psutil.Process | None, child: Child | None = None
    ) -> None:
        self.address = address
        self.limit = limit
        self.deadline = time.monotonic() + limit
        self.random = random.Random(2718)
        self.process = process
        self.child = child
        self.notes: list[str] = []
        self._sockets = ExitStack()

    def left(self) -> float:
        """Seconds to the deadline; raises TimeoutError when it has passed."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def open(self) -> socket.socket:
        """Return a socket that is not connected yet; the end of the scenario closes it."""
        sock = self._sockets.enter_context(socket.socket())
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # each send is a segment of its own
        return sock

    def connect(self, receive_buffer: int | None = None) -> socket.socket:
        """Return a connected socket; the end of the scenario closes it.

        ``receive_buffer`` in bytes makes the kernels hold little for us, so that a server notices
        soon when we do not read.
        """
        sock = self.open()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            # The server's kernel takes as much as some segments hold: megabytes on the loopback,
            # unless we ask for small ones. Where we cannot, a server is judged less sharply.
            with suppress(OSError, AttributeError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 512)
        try:
            sock.settimeout(self.left())
            sock.connect(self.address)
        except OSError as error:
            raise Failed("a connection request", "a connection", describe(error)) from None
        return sock

    def message(self, size: int) -> bytes:
        """Return ``size`` random letters."""
        return bytes(self.random.choices(b"abcdefghijklmnopqrstuvwxyz", k=size))

    def close(self) -> None:
        """Close all that ``connect`` has opened."""
        self._sockets.close()

    # What the process tells. Each of these notes what it could not judge and goes on.

    def expect_idle(self, sent: str, seconds: float = 0.2) -> None:
        """Expect that the server sleeps, for two times ``seconds`` out of four."""
        if self.process is None:
            return self.note("its use of the CPU")
        # What has just come may still be at work; and where the whole machine stands still for a while, as
        # virtual ones do, even a server that spins seems to sleep.
        looks = (self.busy_share(self.process, seconds) <= SPIN for _ in range(4))
        if sum(islice(filter(None, looks), 2)) < 2:
            raise Failed(sent, "a server that sleeps until something happens", "one that keeps the CPU busy")

    def busy_share(self, process: psutil.Process, seconds: float) -> float:
        """Return the share of one processor that ``process`` uses, or wants, in the next ``seconds``."""
        used, wanted = cpu_seconds(process), wanted_seconds(process)
        start = time.monotonic()
        time.sleep(seconds)
        used, wanted = cpu_seconds(process) - used, wanted_seconds(process) - wanted
        return max(used, wanted) / (time.monotonic() - start)

    def settle(self, limit: float = 0.2, still: float = 0.02) -> None:
        """Wait until the server has neither run nor wanted to for ``still`` seconds; at most ``limit``."""
        end = time.monotonic() + limit
        before = -1.0
        while self.process is not None and time.monotonic() < end:
            now = wanted_seconds(self.process) or cpu_seconds(self.process)
            if now == before:
                return
            before = now
            time.sleep(still)
        if self.process is None:
            time.sleep(5 * still)

    def descriptors(self) -> int:
        """Return how many descriptors the process has open; 0 where that cannot be seen."""
        if self.process is None:
            self.note("its descriptors")
            return 0
        return Facts.of(self.process).descriptors

    def expect_descriptors(self, most: int, sent: str) -> None:
        """Expect that the process comes down to ``most`` descriptors."""
        if self.process is not None and not self.wait(lambda: self.descriptors() <= most):
            extra = self.descriptors() - most
            raise Failed(sent, "every socket closed again", f"{extra} descriptors more than before")

    def expect_threads(self, most: int, sent: str) -> None:
        """Expect that the process comes down to ``most`` threads."""
        if self.process is not None and not self.wait(lambda: Facts.of(self.process).threads <= most):
            extra = Facts.of(self.process).threads - most
            raise Failed(sent, "every thread ended", f"{extra} threads more than before")

    def memory(self) -> int:
        """Return the resident memory of the process in bytes; 0 where that cannot be seen."""
        if self.process is None:
            self.note("its memory")
            return 0
        return int(self.process.memory_info().rss)

    def wait(self, condition: Callable[[], bool]) -> bool:
        """Wait until ``condition`` holds; False when the deadline comes first."""
        while not condition():
            if time.monotonic() > self.deadline:
                return False
            time.sleep(0.01)
        return True

    def note(self, what: str) -> None:
        if what not in self.notes:
            self.notes.append(what)


def cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU time of ``process`` and its living children, in seconds."""
    total = 0.0
    for each in [process, *process.children(recursive=True)]:
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue  # it has ended meanwhile
        total += times.user + times.system
    return total


def wanted_seconds(process: psutil.Process) -> float:
    """Return how long the living threads of ``process`` have run, or stood in the queue to run, in seconds.

    On a busy machine a server that spins may get little CPU time; it queues for more. Linux counts
    both, in nanoseconds (/proc/PID/task/TID/schedstat); elsewhere this is 0.
    """
    total = 0
    for file in Path(f"/proc/{process.pid}/task").glob("*/schedstat"):
        with suppress(OSError, ValueError):  # the thread has ended meanwhile
            run, queued, _ = file.read_text().split()
            total += int(run) + int(queued)
    return total / 1e9


def describe(error: OSError) -> str:
    """Return what ``error`` means for a client."""
    match error:
        case TimeoutError():
            return "nothing more in the time allowed"
        case ConnectionRefusedError():
            return "connection refused: nobody listens"
        case ConnectionAbortedError():
            return "the end of the stream"
        case ConnectionError() | OSError(errno=errno.ENOTCONN):
            return "the server reset the connection"
        case _:
            return error.strerror or str(error)
