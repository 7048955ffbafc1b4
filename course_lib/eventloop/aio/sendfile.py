"""The last storey: sending a file, without taking its bytes into our hands where the system can do that.

Read sending_protocol.py first. Next: loop.py.
"""

import asyncio
import io
import os
import socket
from asyncio import constants, exceptions
from typing import Any

from course_lib.eventloop.aio.sending_protocol import SendingProtocol
from course_lib.eventloop.aio.subprocesses import Subprocesses
from course_lib.eventloop.poller import WRITE

BLOCK = 256 * 1024
"""Bytes that are read at once where the system cannot send the file itself."""


class SendFile(Subprocesses):
    """``sock_sendfile``, for a socket, and ``sendfile``, for a transport."""

    async def sock_sendfile(  # type: ignore[override]
        self,
        sock: socket.socket,
        file: Any,
        offset: int = 0,
        count: int | None = None,
        *,
        fallback: bool = True,
    ) -> int:
        """Send ``file`` from ``offset``, ``count`` bytes or all; return how many went."""
        check_file(sock, file, offset, count)
        self._check_socket(sock)
        try:
            return await self._sock_sendfile_native(sock, file, offset, count)
        except exceptions.SendfileNotAvailableError:
            if not fallback:
                raise
        return await self._copy(file, offset, count, lambda data: self.sock_sendall(sock, data))

    async def _sock_sendfile_native(self, sock: Any, file: Any, offset: int, count: int | None) -> int:
        try:
            fd = file.fileno()
            size = os.fstat(fd).st_size
        except (AttributeError, OSError, io.UnsupportedOperation):
            raise exceptions.SendfileNotAvailableError("not a regular file") from None
        left = size - offset if count is None else count
        total = 0

        def send() -> int:
            return os.sendfile(sock.fileno(), fd, offset + total, left - total)  # it may be closed by now

        try:
            while total < left:
                sent = await self._when_ready(sock, WRITE, send)
                if not sent:
                    break  # the end of the file
                total += sent
                await asyncio.sleep(0)  # the others have their turn
        except OSError as error:
            if total or isinstance(error, ConnectionError):
                raise
            raise exceptions.SendfileNotAvailableError("os.sendfile call failed") from error
        finally:
            if total:
                os.lseek(fd, offset + total, os.SEEK_SET)
        return total

    async def sendfile(
        self, transport: Any, file: Any, offset: int = 0, count: int | None = None, *, fallback: bool = True
    ) -> int:
        """Send ``file`` over a transport, after what waits there; return how many bytes went."""
        if transport.is_closing():
            raise RuntimeError("Transport is closing")
        modes = constants._SendfileMode
        mode = getattr(transport, "_sendfile_compatible", modes.UNSUPPORTED)
        if mode is modes.UNSUPPORTED:
            raise RuntimeError(f"sendfile is not supported for transport {transport!r}")
        if mode is modes.TRY_NATIVE:
            try:
                return await self._sendfile_native(transport, file, offset, count)
            except exceptions.SendfileNotAvailableError:
                if not fallback:
                    raise
        if not fallback:
            raise RuntimeError(f"fallback is disabled and native sendfile is not supported for {transport!r}")
        return await self._sendfile_by_protocol(transport, file, offset, count)

    async def _sendfile_native(self, transport: Any, file: Any, offset: int, count: int | None) -> int:
        reads = transport.is_reading()
        transport.pause_reading()
        try:
            async with transport._emptied_for_file():
                return await self.sock_sendfile(transport._file, file, offset, count, fallback=False)
        except OSError:
            if transport.is_closing():
                raise ConnectionError("the connection was closed while a file was sent") from None
            raise
        finally:
            if reads:
                transport.resume_reading()

    async def _sendfile_by_protocol(self, transport: Any, file: Any, offset: int, count: int | None) -> int:
        protocol = SendingProtocol(self, transport)

        async def write(data: memoryview) -> None:
            await protocol.drained()
            transport.write(bytes(data))

        try:
            return await self._copy(file, offset, count, write)
        finally:
            await protocol.restore()

    async def _copy(self, file: Any, offset: int, count: int | None, write: Any) -> int:
        """Read the file in a thread, block by block."""
        if hasattr(file, "seek"):
            file.seek(offset)
        total, block = 0, bytearray(min(count or BLOCK, BLOCK))
        try:
            while count is None or total < count:
                room = memoryview(block)[: BLOCK if count is None else count - total]
                size = await self.run_in_executor(None, file.readinto, room)
                if not size:
                    break
                await write(room[:size])
                total += size
        finally:
            if total and hasattr(file, "seek"):
                file.seek(offset + total)
        return total


def check_file(sock: socket.socket, file: Any, offset: int, count: int | None) -> None:
    """Raise TypeError or ValueError for what cannot be sent."""
    if "b" not in getattr(file, "mode", "b"):
        raise ValueError("file should be opened in binary mode")
    if sock.type != socket.SOCK_STREAM:
        raise ValueError("only SOCK_STREAM type sockets are supported")
    if count is not None and not isinstance(count, int):
        raise TypeError(f"count must be a positive integer (got {count!r})")
    if count is not None and count <= 0:
        raise ValueError(f"count must be a positive integer (got {count!r})")
    if not isinstance(offset, int):
        raise TypeError(f"offset must be a non-negative integer (got {offset!r})")
    if offset < 0:
        raise ValueError(f"offset must be a non-negative integer (got {offset!r})")
