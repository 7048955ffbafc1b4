"""The fifth storey: the calls on sockets, as coroutines.

All are made alike: try the call; while it would block, wait until the socket is ready, and try again. It is
what ``Loop.sock_recv`` does (../loop.py).

Read descriptors.py first. Next: addresses.py.
"""

import functools
import socket
import ssl
from collections.abc import Callable
from typing import Any, TypeVar

from course_lib.eventloop.aio.descriptors import Descriptors
from course_lib.eventloop.poller import READ, WRITE

T = TypeVar("T")


class SocketCalls(Descriptors):
    """``sock_*``: a socket is given, and stays its owner's. It must be non-blocking."""

    async def sock_recv(self, sock: socket.socket, n: int) -> bytes:
        return await self._when_ready(sock, READ, lambda: sock.recv(n))

    async def sock_recv_into(self, sock: socket.socket, buf: Any) -> int:
        return await self._when_ready(sock, READ, lambda: sock.recv_into(buf))

    async def sock_recvfrom(self, sock: socket.socket, bufsize: int) -> tuple[bytes, Any]:
        return await self._when_ready(sock, READ, lambda: sock.recvfrom(bufsize))

    async def sock_recvfrom_into(self, sock: socket.socket, buf: Any, nbytes: int = 0) -> tuple[int, Any]:
        return await self._when_ready(sock, READ, lambda: sock.recvfrom_into(buf, nbytes or len(buf)))

    async def sock_sendto(self, sock: socket.socket, data: Any, address: Any) -> int:
        return await self._when_ready(sock, WRITE, lambda: sock.sendto(data, address))

    async def sock_sendall(self, sock: socket.socket, data: Any) -> None:
        self._check_socket(sock)
        rest = memoryview(data).cast("B")
        while rest:
            sent = await self._when_ready(sock, WRITE, functools.partial(sock.send, rest))
            rest = rest[sent:]

    async def sock_accept(self, sock: socket.socket) -> tuple[socket.socket, Any]:
        connection, address = await self._when_ready(sock, READ, lambda: sock.accept())
        connection.setblocking(False)
        return connection, address

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        self._check_socket(sock)
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            infos = await self.resolve(address, family=sock.family, type=sock.type, proto=sock.proto)
            address = infos[0][4]
        try:
            return sock.connect(address)
        except (BlockingIOError, InterruptedError):
            await self._ready(sock, WRITE)  # also when it has failed
        number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            raise OSError(number, f"Connect call failed {address}")

    async def _when_ready(self, sock: socket.socket, event: int, call: Callable[[], T]) -> T:
        self._check_socket(sock)
        while True:
            try:
                return call()
            except (BlockingIOError, InterruptedError):
                await self._ready(sock, event)

    async def _ready(self, sock: socket.socket, event: int) -> None:
        self._check_is_free(sock)
        future, fd = self.create_future(), sock.fileno()
        handle = self._watch(fd, event, self._wake, future)
        try:
            await future
        finally:
            if not handle.cancelled():  # else somebody else waits there now
                self._unwatch(fd, event)

    def _give_up(self, fd: int) -> None:
        """Wake whoever waits until ``fd`` can be written: it is about to be closed."""
        handle, _ = self._handles.get((fd, WRITE), (None, None))
        if handle is not None:
            handle._run()
            self._unwatch(fd, WRITE)

    def _wake(self, future: Any) -> None:
        if not future.done():
            future.set_result(None)

    def _check_socket(self, sock: socket.socket) -> None:
        if isinstance(sock, ssl.SSLSocket):
            raise TypeError("Socket cannot be of type SSLSocket")
        if self._debug and sock.gettimeout() != 0:
            raise ValueError("the socket must be non-blocking")
