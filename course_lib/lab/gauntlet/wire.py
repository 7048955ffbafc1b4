"""What the hostile clients share: sending, expecting, and words for what went wrong.

Read target.py first. Next: talking.py.
"""

import selectors
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager

from course_lib.lab.gauntlet.target import Failed, Target, describe


def send(target: Target, sock: socket.socket, data: bytes) -> None:
    """Send all of ``data``."""
    with failing(show(data), "a server that takes it"):
        sock.settimeout(target.left())
        sock.sendall(data)


def say(target: Target, sock: socket.socket, after: str = "") -> None:
    """Send a short message and expect it back. ``after``: what went before, for the report."""
    message = target.message(12)
    send(target, sock, message)
    expect(target, sock, message, sent=f"{after}, then {show(message)}" if after else show(message))


def expect(target: Target, sock: socket.socket, answer: bytes, sent: str) -> None:
    """Expect exactly ``answer`` next."""
    got = bytearray()
    while len(got) < len(answer):
        with failing(sent, show(answer), got):
            sock.settimeout(target.left())
            data = sock.recv(len(answer) - len(got))
        if not data:
            raise Failed(sent, show(answer), f"{show(got)}, then " * bool(got) + "the end of the stream")
        got += data
    if got != answer:
        raise Failed(sent, show(answer), show(got) + first_difference(got, answer))


def expect_end(target: Target, sock: socket.socket, sent: str) -> None:
    """Expect the end of the stream next, and no byte before it."""
    with failing(sent, "the end of the stream"):
        sock.settimeout(target.left())
        data = sock.recv(1024)
    if data:
        raise Failed(sent, "the end of the stream", show(data))


def exchange(
    target: Target,
    sock: socket.socket,
    data: bytes,
    *,
    late: bool = False,
    pause: float = 0.0,
    half_close: bool = False,
) -> None:
    """Send ``data`` and expect it back, reading and writing as the socket allows.

    ``late``: read nothing until all is sent, or until the server takes no more. ``pause``: seconds
    to wait before each read of 64 KiB. ``half_close``: end our side after the last byte, and
    expect the end of the stream after the last answer.
    """
    sent, got = 0, bytearray()
    sock.setblocking(False)
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_WRITE)
        while len(got) < len(data):
            writing = selectors.EVENT_WRITE if sent < len(data) else 0
            selector.modify(sock, writing | (0 if late else selectors.EVENT_READ))
            with failing(show(data), "the same bytes back", got, len(data)):
                ready = selector.select(min(target.left(), 0.1))
                if not ready:
                    target.settle()
                    late = late and bool(selector.select(0))  # it takes no more until we read: it is right
                    continue
                if ready[0][1] & selectors.EVENT_WRITE:
                    sent += sock.send(data[sent : sent + 256 * 1024])
                    if sent == len(data):
                        late = False
                        if half_close:
                            sock.shutdown(socket.SHUT_WR)
                            target.settle()  # so it sees the end while it has much to say
                if ready[0][1] & selectors.EVENT_READ:
                    time.sleep(pause)
                    if not (piece := sock.recv(64 * 1024)):
                        raise ConnectionAbortedError
                    got += piece
    if got != data:
        raise Failed(show(data), "the same bytes back", f"{len(got):,} bytes" + first_difference(got, data))
    if half_close:
        expect_end(target, sock, sent=show(data) + ", then the end of the stream")


def reset(sock: socket.socket) -> None:
    """Leave without a goodbye: RST instead of FIN, unsent bytes thrown away."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@contextmanager
def failing(sent: str, expected: str, got: bytes | bytearray = b"", whole: int = 0) -> Iterator[None]:
    """Turn what a socket raises into Failed. ``whole``: how many bytes should have come."""
    try:
        yield
    except OSError as error:  # all that is done within concerns this one connection
        what = describe(error)
        if whole:
            what = f"{len(got):,} of {whole:,} bytes, then {what}"
        elif got:
            what = f"{show(got)}, then {what}"
        raise Failed(sent, expected, what) from None


def show(data: bytes | bytearray) -> str:
    """Return ``data`` as a person wants to read it."""
    if len(data) <= 40:
        return repr(bytes(data))
    return f"{len(data):,} bytes starting {bytes(data[:12])!r}"


def first_difference(got: bytes | bytearray, expected: bytes) -> str:
    for at, (a, b) in enumerate(zip(got, expected, strict=False)):
        if a != b:
            return f", different from byte {at:,} on"
    return ""
