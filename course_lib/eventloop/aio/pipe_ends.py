"""The eleventh storey: pipes, and terminals: one to read from, one to write to.

Read datagrams.py first. Next: subprocesses.py.
"""

import asyncio
import os
import stat
from collections.abc import Callable
from typing import Any

from course_lib.eventloop.aio.datagrams import Datagrams
from course_lib.eventloop.aio.flow import Flow
from course_lib.eventloop.aio.hearing import CHUNK
from course_lib.eventloop.poller import READ, WRITE


class PipeTransport(Flow):
    """``pipe`` is a file object, which it makes non-blocking and will close."""

    def __init__(self, loop: Any, pipe: Any, protocol: Any, waiter: asyncio.Future[Any]) -> None:
        self._mode = os.fstat(pipe.fileno()).st_mode
        if not (stat.S_ISFIFO(self._mode) or stat.S_ISSOCK(self._mode) or stat.S_ISCHR(self._mode)):
            self._file = None
            raise ValueError("Pipe transport is for pipes, sockets and character devices only.")
        super().__init__(loop, pipe, protocol, {"pipe": pipe})
        os.set_blocking(self._fd, False)
        self._begin(waiter)

    @property
    def _pipe(self) -> Any:
        return self._file

    @_pipe.setter
    def _pipe(self, pipe: Any) -> None:
        self._file = pipe


class ReadPipe(PipeTransport, asyncio.ReadTransport):
    """Tells the protocol what comes out of the pipe."""

    def _watched(self) -> int:
        return READ if self.is_reading() else 0

    def _on_ready(self, events: int) -> None:
        if not self.is_reading():
            return
        try:
            data = os.read(self._fd, CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:  # a terminal says EIO when its other end is closed
            return self._fatal(error, "Fatal read error on pipe transport")
        if data:
            return self._tell("data_received", data)
        self._closing = True
        self._loop.call_soon(self._protocol.eof_received)
        self._lose(None)


class WritePipe(PipeTransport, asyncio.WriteTransport):
    """Writes to the pipe. It is told that nobody reads any more by being ready to be read."""

    def _watched(self) -> int:
        tells = not stat.S_ISCHR(self._mode) and not self._lost_writes
        return (READ if tells else 0) | (WRITE if self._buffer else 0)

    def _on_ready(self, events: int) -> None:
        if events & READ and not stat.S_ISCHR(self._mode):
            self._force_close(BrokenPipeError() if self._buffer else None)
        elif events & WRITE and self._buffer:
            self._flush()

    def write(self, data: Any) -> None:
        """Write ``data``, now or when there is room."""
        if self._closing:
            self._is_too_late()
            return
        data = memoryview(data).cast("B")
        if not self._buffer and data:
            try:
                data = data[os.write(self._fd, data) :]
            except (BlockingIOError, InterruptedError):
                pass
            except OSError as error:
                return self._fatal(error, "Fatal write error on pipe transport")
        if data:
            is_too_much = self._buffer.append(data)
            self._watch()
            if is_too_much:
                self._tell("pause_writing")

    def _flush(self) -> None:
        try:
            has_room = self._buffer.flush(lambda data: os.write(self._fd, data))
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            return self._fatal(error, "Fatal write error on pipe transport")
        self._watch()
        if has_room:
            self._tell("resume_writing")
        if not self._buffer and self._closing and not self._lost_writes:
            self._lose(None)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """The end of what a pipe says is its end."""
        self.close()


class Pipes(Datagrams):
    """``connect_read_pipe`` and ``connect_write_pipe``"""

    async def connect_read_pipe(self, protocol_factory: Callable[[], Any], pipe: Any) -> Any:
        """Read from ``pipe``; return transport and protocol."""
        return await self._connect_pipe(ReadPipe, protocol_factory, pipe)

    async def connect_write_pipe(self, protocol_factory: Callable[[], Any], pipe: Any) -> Any:
        """Write to ``pipe``; return transport and protocol."""
        return await self._connect_pipe(WritePipe, protocol_factory, pipe)

    async def _connect_pipe(self, kind: Any, protocol_factory: Callable[[], Any], pipe: Any) -> Any:
        protocol, waiter = protocol_factory(), self.create_future()
        transport = kind(self, pipe, protocol, waiter)
        try:
            await waiter
        except BaseException:
            transport.close()
            raise
        return transport, protocol
