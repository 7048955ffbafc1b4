"""A protocol that writes down what it is told, and a connection whose other end the test holds."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

Action = Callable[["Recorder"], object]


class Recorder(asyncio.Protocol):
    """``told`` is what it was told. ``on`` says what it does then: ``data_received=lambda self: …``."""

    def __init__(self, keeps_open: bool = False, **on: Action) -> None:
        self.told: list[Any] = []
        self.keeps_open, self.on = keeps_open, on
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.tell("connection_made", "made")

    def data_received(self, data: bytes) -> None:
        self.tell("data_received", data)

    def eof_received(self) -> bool:
        self.tell("eof_received", "eof")
        return self.keeps_open

    def pause_writing(self) -> None:
        self.tell("pause_writing", "pause")

    def resume_writing(self) -> None:
        self.tell("resume_writing", "resume")

    def connection_lost(self, error: Exception | None) -> None:
        self.tell("connection_lost", ("lost", type(error)))

    def tell(self, name: str, what: object) -> None:
        self.told.append(what)
        if name in self.on:
            self.on[name](self)

    @property
    def heard(self) -> bytes:
        return b"".join(each for each in self.told if isinstance(each, bytes))

    @property
    def is_lost(self) -> bool:
        return any(isinstance(each, tuple) and each[0] == "lost" for each in self.told)


def pattern(count: int) -> bytes:
    """Return ``count`` bytes in which a lost, doubled or swapped part shows; quickly."""
    return (bytes(range(251)) * (count // 251 + 1))[:count]


async def until(condition: Callable[[], object], limit: float = 10.0) -> None:
    """Return as soon as ``condition()`` holds; AssertionError when it does not within ``limit`` seconds."""
    end = asyncio.get_running_loop().time() + limit
    while not condition():
        assert asyncio.get_running_loop().time() < end, f"not within {limit} s"
        await asyncio.sleep(0.001)


async def rounds(count: int = 5) -> None:
    """Give everybody some turns."""
    for _ in range(count):
        await asyncio.sleep(0)


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    """Return the two ends of a TCP connection, non-blocking."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = socket.create_connection(listener.getsockname(), timeout=5)
        other, _ = listener.accept()
    for sock in (one, other):
        sock.setblocking(False)
    return one, other


@contextlib.asynccontextmanager
async def line(protocol: Any, **buffers: int) -> AsyncIterator[tuple[Any, socket.socket]]:
    """Yield a transport for ``protocol``, and the socket at its other end. Both end with the block."""
    ours, peer = tcp_pair()
    with peer:
        transport, _ = await asyncio.get_running_loop().create_connection(lambda: protocol, sock=ours)
        try:
            yield transport, peer
        finally:
            abort(transport)
            await rounds()


def abort(transport: Any) -> None:
    """End it at once. asyncio's own, when its last byte went out a moment ago, has let go of its loop."""
    with contextlib.suppress(AttributeError) if "course_lib" not in type(transport).__module__ else SURE:
        transport.abort()


SURE = contextlib.nullcontext()


async def read_all(peer: socket.socket) -> bytes:
    """Return what comes until the end of the stream."""
    loop, data = asyncio.get_running_loop(), bytearray()
    while chunk := await loop.sock_recv(peer, 256 * 1024):
        data += chunk
    return bytes(data)
