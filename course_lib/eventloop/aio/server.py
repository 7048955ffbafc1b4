"""What ``create_server`` returns: listening sockets, and the connections that came through them.

Read connecting.py first. Next: listeners.py.
"""

import asyncio
import weakref
from asyncio import trsock
from collections.abc import Callable
from typing import Any


class Server(asyncio.AbstractServer):
    """``how`` says what a connection is made with: its TLS context and time limits."""

    def __init__(
        self,
        loop: Any,
        sockets: list[Any],
        protocol_factory: Callable[[], Any],
        backlog: int,
        how: dict[str, Any],
    ) -> None:
        self._loop, self._sockets = loop, sockets
        self._protocol_factory, self._backlog, self._how = protocol_factory, backlog, how
        self._clients: weakref.WeakSet[Any] = weakref.WeakSet()
        self._count = 0
        """So many connections are open. (CPython's tests of 3.12 count some without saying which.)"""
        self._waiters: list[asyncio.Future[Any]] | None = []
        """Who waits until it is closed and all have left; None when that has come."""
        self._serving = False
        self._forever: asyncio.Future[Any] | None = None

    @property
    def sockets(self) -> tuple[trsock.TransportSocket, ...]:
        return tuple(trsock.TransportSocket(sock) for sock in self._sockets or ())

    def get_loop(self) -> Any:
        return self._loop

    def is_serving(self) -> bool:
        return self._serving

    def _start_serving(self) -> None:
        if not self._serving:
            self._serving = True
            for sock in self._sockets:
                sock.listen(self._backlog)
                self._loop._start_serving(sock, self)

    async def start_serving(self) -> None:
        """Accept from now on. Any number of times."""
        self._start_serving()
        await asyncio.sleep(0)

    async def serve_forever(self) -> None:
        """Accept until the task is cancelled; then close, and wait until all have left."""
        if self._forever is not None:
            raise RuntimeError(f"server {self!r} is already being awaited on serve_forever()")
        if self._sockets is None:
            raise RuntimeError(f"server {self!r} is closed")
        self._start_serving()
        self._forever = self._loop.create_future()
        try:
            await self._forever
        except asyncio.CancelledError:
            try:
                self.close()
                await self.wait_closed()
            finally:
                raise
        finally:
            self._forever = None

    def close(self) -> None:
        """Accept no more. The connections live on."""
        sockets, self._sockets = self._sockets, None  # type: ignore[assignment]
        if sockets is None:
            return
        for sock in sockets:
            self._loop._stop_serving(sock)
        self._serving = False
        if self._forever is not None and not self._forever.done():
            self._forever.cancel()
        self._wake_if_over()

    def close_clients(self) -> None:
        """Close all connections, each when it has sent what waits."""
        for transport in list(self._clients):
            transport.close()

    def abort_clients(self) -> None:
        """Close all connections at once."""
        for transport in list(self._clients):
            transport.abort()

    async def wait_closed(self) -> None:
        """Wait until it is closed and the last connection has ended."""
        if self._waiters is not None:
            waiter = self._loop.create_future()
            self._waiters.append(waiter)
            await waiter

    def _attach(self, transport: Any = None) -> None:
        self._count += 1
        if transport is not None:
            self._clients.add(transport)

    def _detach(self, transport: Any = None) -> None:
        self._count -= 1
        if transport is not None:
            self._clients.discard(transport)
        self._wake_if_over()

    def _wake_if_over(self) -> None:
        if self._sockets is None and not self._count and self._waiters is not None:
            waiters, self._waiters = self._waiters, None
            for waiter in waiters:
                self._loop._wake(waiter)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} sockets={self.sockets!r}>"
