"""One end of a connection that belongs to the judge; the learner's code has the other.

Every method ends in time, and says what went wrong in the words of the wire.

Next: exam.py.
"""

import socket
import struct
import time

from course_lib.coach.exercise import Failed
from course_lib.coach.run import Run, brief
from course_lib.lab.gauntlet.target import describe
from course_lib.lab.gauntlet.wire import first_difference

LIMIT = 2.0
"""Seconds that an answer may take."""

STILL = 0.3
"""Seconds in which nothing is taken, when the kernels on the way are full."""


class Peer:
    """``said`` collects in words what was sent; it is quoted where an answer is wrong."""

    def __init__(self, sock: socket.socket, name: str = "") -> None:
        sock.settimeout(LIMIT)
        if sock.family != getattr(socket, "AF_UNIX", None):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # each send is a segment of its own
        self.sock = sock
        self.name = f"{name}: " if name else ""
        self.said: list[str] = []

    @property
    def sent(self) -> str:
        """What was sent so far, in words."""
        return self.name + (", then ".join(self.said) or "nothing yet")

    def send(self, data: bytes, words: str = "", idea: str = "") -> None:
        """Send all of ``data``. ``words`` stand for it in a report."""
        self.said.append(words or brief(data))
        try:
            self.sock.sendall(data)
        except OSError as error:
            raise Failed(self.sent, "somebody who takes it", describe(error), idea) from None

    def fill(self, run: Run, data: bytes, most: int | None = None, idea: str = "") -> int:
        """Send ``data`` over and over and read nothing, until ``most`` bytes, or all of ``data``, are taken.

        Ends as well when none is taken any more: all on the way is full. Returns how many bytes were taken.
        """
        most = len(data) if most is None else most
        taken, before = 0, -1
        while before < taken < most:
            before, taken = taken, self._push(data, taken, most, idea)
            run.settle()  # on a busy machine it may only have been slow
        self.said.append(f"{taken:,} bytes, none of the answers read")
        return taken

    def _push(self, data: bytes, taken: int, most: int, idea: str) -> int:
        """Send on after ``taken`` bytes, until none is taken for a while; return how many are taken then."""
        self.sock.settimeout(STILL)
        try:
            while taken < most:
                start = taken % len(data)
                taken += self.sock.send(data[start : start + min(64 * 1024, most - taken)])
        except TimeoutError:
            pass
        except OSError as error:
            sent = f"{self.name}{taken:,} bytes, none of the answers read"
            raise Failed(sent, "a server that takes them, or makes us wait", describe(error), idea) from None
        return taken

    def end(self) -> None:
        """Send no more: the other side sees the end of the stream, and may still send."""
        self.said.append("the end of the stream")
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise Failed(self.sent, "a connection that is still open", describe(error)) from None

    def receive(self, size: int, idea: str = "", limit: float = LIMIT) -> bytes:
        """Return the next ``size`` bytes. Raises Failed where they do not come."""
        got, deadline = bytearray(), time.monotonic() + limit
        while len(got) < size:
            try:
                self.sock.settimeout(max(0.001, deadline - time.monotonic()))
                data = self.sock.recv(min(size - len(got), 64 * 1024))
            except OSError as error:
                after = f"{brief(bytes(got))}, then " if got else ""
                raise Failed(self.sent, f"{size:,} bytes", after + describe(error), idea) from None
            if not data:
                after = f"{brief(bytes(got))}, then " if got else ""
                raise Failed(self.sent, f"{size:,} bytes", f"{after}the end of the stream", idea)
            got += data
        return bytes(got)

    def expect(self, answer: bytes, idea: str = "", limit: float = LIMIT) -> None:
        """Expect exactly ``answer`` next."""
        try:
            got = self.receive(len(answer), idea, limit)
        except Failed as failure:
            raise Failed(failure.sent, brief(answer), failure.got, idea) from None
        if got != answer:
            raise Failed(self.sent, brief(answer), brief(got) + first_difference(got, answer), idea)

    def expect_end(self, idea: str = "", limit: float = LIMIT) -> None:
        """Expect the end of the stream next, and no byte before it."""
        try:
            self.sock.settimeout(limit)
            data = self.sock.recv(1024)
        except OSError as error:
            raise Failed(self.sent, "the end of the stream", describe(error), idea) from None
        if data:
            raise Failed(self.sent, "the end of the stream", brief(data), idea)

    def expect_nothing(self, idea: str = "", seconds: float = 0.1) -> None:
        """Expect that for ``seconds`` no byte comes, and no end."""
        try:
            self.sock.settimeout(seconds)
            data = self.sock.recv(1024)
        except TimeoutError:
            return
        except OSError as error:
            raise Failed(self.sent, "silence", describe(error), idea) from None
        raise Failed(self.sent, "silence", brief(data) if data else "the end of the stream", idea)

    def reset(self) -> None:
        """Leave without a goodbye: RST instead of FIN."""
        self.said.append("a reset")
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self) -> None:
        """Leave politely."""
        self.said.append("goodbye")
        self.sock.close()
