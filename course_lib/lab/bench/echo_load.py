"""The load: connections that each have one message on its way, and send it again once it has come back.

This is a closed loop: a server that is slow is asked less often. So the latencies are those of a crowd
that waits for its answers, and no crowd that keeps coming.

The loop in ``Talk.run`` is as cheap as Python allows, because it competes with what it measures. One
clock reading and two system calls for each request, no objects made but the number that is noted; all
methods are looked up before it starts.

Read cpu_clock.py and ../../eventloop/poller.py first. Next: load_main.py.
"""

import os
import socket
import time
from array import array

from course_lib.eventloop.poller import READ, best_poller

Address = tuple[str, int]

PATIENCE = 2.0
"""Seconds without an answer after which a server is said to have stalled."""

LINGER = 0.02
"""Seconds after the last answer in which nothing more may come."""

LARGEST = 64 * 1024
"""Bytes of a message: so many the kernel always takes at once, from a client whose last one has come back."""


class Failed(Exception):
    """The server did not do what it should; says what in one line."""


def come(address: Address, size: int) -> socket.socket:
    """Return a connection on which two different messages have come back as they were sent."""
    sock = socket.create_connection(address, timeout=PATIENCE)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(2):  # what comes twice shows as a wrong second answer
            round_trip(sock, os.urandom(size))
    except BaseException:
        sock.close()
        raise
    return sock


def round_trip(sock: socket.socket, message: bytes) -> None:
    sock.sendall(message)
    answer = b""
    while len(answer) < len(message):
        data = sock.recv(len(message) - len(answer))
        if not data:
            raise Failed("it closed the connection")
        answer += data
        if not message.startswith(answer):
            raise Failed("it answered other bytes than were sent")


class Talk:
    """``sockets``, each with one ``message`` on its way from now on."""

    def __init__(self, sockets: list[socket.socket], message: bytes) -> None:
        self.message = message
        self.buffer = bytearray(len(message))
        self.receive = {sock.fileno(): sock.recv_into for sock in sockets}
        self.send = {sock.fileno(): sock.send for sock in sockets}
        self.parts: dict[int, bytes] = {}
        """The beginning of an answer that comes in several pieces."""
        self.sent: dict[int, float] = {}
        """When the message that is now on its way was sent (time.perf_counter)."""
        self.poller = best_poller()
        for sock in sockets:
            sock.setblocking(False)
            self.poller.register(sock.fileno(), READ)
        for fd, send in self.send.items():
            self.sent[fd] = time.perf_counter()
            self.check_sent(send(message))

    def run(self, seconds: float) -> "tuple[array[float], float]":
        """Talk for so long; return the latencies in seconds, and how long it really was. Raises Failed."""
        poll, receive, send, sent = self.poller.poll, self.receive, self.send, self.sent
        message, buffer, size, clock = self.message, self.buffer, len(self.message), time.perf_counter
        latencies: array[float] = array("d")
        note = latencies.append
        start = now = clock()
        end = start + seconds
        while now < end:
            events = poll(PATIENCE)
            if not events:
                raise Failed(f"nothing came back for {PATIENCE:g} s")
            for fd, _ in events:
                got = receive[fd](buffer)
                now = clock()
                if (got != size or buffer != message) and not self.is_whole(fd, got):
                    continue
                note(now - sent[fd])
                sent[fd] = now
                if send[fd](message) != size:
                    self.check_sent(0)
        return latencies, now - start

    def finish(self) -> "array[float]":
        """Wait for the messages that are still on their way; return their latencies. Raises Failed."""
        latencies: array[float] = array("d")
        waiting = set(self.sent)
        while waiting and (events := self.poller.poll(PATIENCE)):
            for fd, _ in events:
                got = self.receive[fd](self.buffer)
                if (got != len(self.message) or self.buffer != self.message) and not self.is_whole(fd, got):
                    continue
                if fd not in waiting:
                    raise Failed("it answered more bytes than were sent")
                waiting.remove(fd)
                latencies.append(time.perf_counter() - self.sent[fd])
        if waiting:
            raise Failed(
                f"{len(waiting)} of {len(self.sent)} connections got no answer for {PATIENCE:g} s or more"
            )
        if self.poller.poll(LINGER):
            raise Failed("it answered more bytes than were sent")
        return latencies

    def is_whole(self, fd: int, got: int) -> bool:
        """Tell whether the ``got`` bytes in the buffer complete an answer; keep them where they do not."""
        if not got:
            raise Failed("it closed the connection")
        answer = self.parts.pop(fd, b"") + self.buffer[:got]
        if not self.message.startswith(answer):
            raise Failed("it answered other bytes than were sent")
        if len(answer) < len(self.message):
            self.parts[fd] = answer
            return False
        return True

    def check_sent(self, count: int) -> None:
        if count != len(self.message):
            raise Failed(f"the system does not take {len(self.message)} bytes at once: use a smaller size")

    def close(self) -> None:
        self.poller.close()
