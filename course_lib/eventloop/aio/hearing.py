"""The half of a socket's transport that hears.

A plain protocol is given the bytes. A ``BufferedProtocol`` gives a buffer, into which they are read, and is
told how many there are: so nothing is copied.

Read flow.py first. Next: socket_transport.py.
"""

import asyncio
from typing import Any

from course_lib.eventloop.aio.flow import Flow
from course_lib.eventloop.poller import READ, WRITE

CHUNK = 64 * 1024
"""The most bytes that one recv may return. Larger ones cost the allocator system calls."""


class Hearing(Flow):
    """Tells the protocol what the peer says."""

    _recv: Any
    _ended = False
    """The peer has said its last byte."""

    def set_protocol(self, protocol: Any) -> None:
        super().set_protocol(protocol)
        self._gives_buffers = isinstance(protocol, asyncio.BufferedProtocol)

    def _on_ready(self, events: int) -> None:
        if events & WRITE and self._buffer:
            self._flush()
        if not (events & READ and self._events & READ):
            return
        if self._gives_buffers:
            return self._read_into()
        try:
            data = self._recv(CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            return self._fatal(error, "Fatal read error on socket transport")
        if not data:
            return self._end()
        try:
            self._protocol.data_received(data)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            self._fatal(error, "Fatal error: protocol.data_received() call failed.")

    def _read_into(self) -> None:
        doing = "get_buffer()"
        try:
            buffer = self._protocol.get_buffer(-1)
            if not len(buffer):
                raise RuntimeError("get_buffer() returned an empty buffer")
            try:
                count = self._file.recv_into(buffer)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                return self._fatal(error, "Fatal read error on socket transport")
            if not count:
                return self._end()
            doing = "buffer_updated()"
            self._protocol.buffer_updated(count)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            self._fatal(error, f"Fatal error: protocol.{doing} call failed.")

    def _end(self) -> None:
        self._ended = True
        self._watch()
        try:
            keep_open = self._protocol.eof_received()
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            return self._fatal(error, "Fatal error: protocol.eof_received() call failed.")
        if not keep_open:
            self.close()

    def _flush(self) -> None:
        """Send what waits, as far as there is room."""
        raise NotImplementedError
