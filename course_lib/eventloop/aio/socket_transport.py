"""A stream socket and its protocol: our transport (../transport.py) with asyncio's manners.

Read hearing.py first. Next: tls.py.
"""

import asyncio
import contextlib
import socket
from asyncio import constants
from collections.abc import AsyncIterator, Iterable
from typing import Any

from course_lib.eventloop.aio.addresses import addresses
from course_lib.eventloop.aio.hearing import Hearing
from course_lib.eventloop.poller import READ, WRITE


class SocketTransport(Hearing):
    """``server`` has accepted it and counts it, where there is one."""

    _start_tls_compatible = True
    _sendfile_compatible = constants._SendfileMode.TRY_NATIVE

    def __init__(
        self,
        loop: Any,
        sock: socket.socket,
        protocol: Any,
        waiter: asyncio.Future[Any] | None = None,
        extra: dict[str, Any] | None = None,
        server: Any = None,
    ) -> None:
        loop._check_is_free(sock)
        self._finished = False  # write_eof has been called
        self._emptied: asyncio.Future[Any] | None = None
        """While a file is sent: whoever waits until the buffer is empty."""
        self._recv, self._send = sock.recv, sock.send
        super().__init__(loop, sock, protocol, extra)
        self._extra.update(addresses(sock))
        if sock.family in (socket.AF_INET, socket.AF_INET6) and sock.type == socket.SOCK_STREAM:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._server = server
        if server is not None:
            server._attach(self)
        loop._transports[self._fd] = self
        self._begin(waiter)

    def _watched(self) -> int:
        hears = not (self._paused or self._closing or self._ended)
        return (READ if hears else 0) | (WRITE if self._buffer else 0)

    def write(self, data: Any) -> None:
        """Send ``data``, now or when there is room. It never waits."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"data argument must be a bytes-like object, not {type(data).__name__!r}")
        if self._finished:
            raise RuntimeError("Cannot call write() after write_eof()")
        if self._emptied is not None:
            raise RuntimeError("unable to write; sendfile is in progress")
        if self._lost_writes:
            self._is_too_late()
            return
        if not self._events & WRITE:  # nothing waits
            try:
                sent = self._send(data)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError as error:
                return self._fatal(error, "Fatal write error on socket transport")
            if sent == len(data):
                return
            data = memoryview(data).cast("B")[sent:]
        is_too_much = self._buffer.append(data)
        self._watch()
        if is_too_much:
            self._tell("pause_writing")

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        self.write(b"".join(list_of_data))

    def _flush(self) -> None:
        try:
            has_room = self._buffer.flush(self._send)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            return self._fatal(error, "Fatal write error on socket transport")
        self._watch()
        if has_room:
            self._tell("resume_writing")
        if not self._buffer:
            self._nothing_waits()

    def _nothing_waits(self) -> None:
        if self._emptied is not None and not self._emptied.done():
            self._emptied.set_result(None)
        if self._closing and not self._lost_writes:
            self._lose(None)
        elif self._finished:
            self._shut_down()

    @contextlib.asynccontextmanager
    async def _emptied_for_file(self) -> AsyncIterator[None]:
        """Wait until nothing waits, and let nobody write within: the socket belongs to who sends a file."""
        if self._emptied is not None:
            raise RuntimeError("a file is being sent already")
        del self._loop._transports[self._fd]
        self._emptied = self._loop.create_future()
        try:
            if not self._buffer:
                self._emptied.set_result(None)
            await self._emptied
            yield
        finally:
            self._emptied = None
            if not self._closing:  # else the number may be another one's by now
                self._loop._transports[self._fd] = self

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """Say that no more will come, after all that waits. Reading goes on: half-close."""
        if not (self._closing or self._finished):
            self._finished = True
            if not self._buffer:
                self._shut_down()

    def _shut_down(self) -> None:
        try:
            self._file.shutdown(socket.SHUT_WR)
        except OSError as error:
            self._fatal(error, "Fatal error: shutdown() failed on socket transport")

    def _call_connection_lost(self, error: BaseException | None) -> None:
        try:
            if self._emptied is not None:
                self._loop._give_up(self._fd)
            super()._call_connection_lost(error)
        finally:
            del self._recv, self._send  # bound methods: they would keep the socket
            if self._emptied is not None and not self._emptied.done():
                self._emptied.set_exception(ConnectionError("Connection is closed by peer"))
            if self._server is not None:
                self._server._detach(self)
                self._server = None
