"""A datagram socket and its protocol.

Read unix_sockets.py first. Next: datagrams.py.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from typing import Any

from course_lib.eventloop.aio.addresses import addresses
from course_lib.eventloop.aio.flow import Flow
from course_lib.eventloop.aio.watermarks import HIGH
from course_lib.eventloop.poller import READ, WRITE

LARGEST = 256 * 1024
"""Bytes: more than any datagram has."""

HEADER = 8
"""Bytes that the network needs for each: so that empty ones do not wait without a limit."""


class WaitingDatagrams:
    """What waits to be sent; the same manners as a SendBuffer (../buffers.py)."""

    def __init__(self) -> None:
        self.queue: deque[tuple[bytes, Any]] = deque()
        self.size, self.high, self.low = 0, HIGH, HIGH // 4
        self.full = False

    def append(self, data: bytes, address: Any = None) -> bool:
        """Keep ``data``, where there is any; return True if this makes the queue full."""
        if data or address is not None:
            self.queue.append((data, address))
            self.size += len(data) + HEADER
        if self.full or self.size <= self.high:
            return False
        self.full = True
        return True

    def flush(self, send: Callable[[bytes, Any], object]) -> bool:
        """Send until ``send`` raises, or none is left; return True if the queue is full no more."""
        while self.queue:
            send(*self.queue[0])
            if self.queue:  # else it has been cleared by what send has told
                self.size -= len(self.queue.popleft()[0]) + HEADER
        was_full, self.full = self.full, False
        return was_full

    def clear(self) -> None:
        self.queue.clear()
        self.size = 0

    def __len__(self) -> int:
        return self.size


class DatagramTransport(Flow, asyncio.DatagramTransport):
    """``address``: where all datagrams go, if there is but one."""

    def __init__(self, loop: Any, sock: socket.socket, protocol: Any, address: Any, waiter: Any) -> None:
        loop._check_is_free(sock)
        super().__init__(loop, sock, protocol, None)
        self._extra.update(addresses(sock))
        self._address, self._buffer = address, WaitingDatagrams()
        loop._transports[self._fd] = self
        self._begin(waiter)

    def _watched(self) -> int:
        return (READ if self.is_reading() else 0) | (WRITE if self._buffer else 0)

    def _on_ready(self, events: int) -> None:
        if events & WRITE and self._buffer:
            self._flush()
        if events & READ and self.is_reading():
            self._receive()

    def _receive(self) -> None:
        try:
            data, address = self._file.recvfrom(LARGEST)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            return self._tell("error_received", error)  # the socket lives on
        self._tell("datagram_received", data, address)

    def sendto(self, data: Any, addr: Any = None) -> None:
        """Send ``data`` to ``addr``, now or when there is room."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"data argument must be a bytes-like object, not {type(data).__name__!r}")
        if self._address:
            if addr not in (None, self._address):
                raise ValueError(f"Invalid address: must be None or {self._address}")
            addr = self._address
        if self._is_too_late():
            return
        if not self._buffer:
            try:
                return self._send_now(data, addr)
            except (BlockingIOError, InterruptedError):
                pass
            except OSError as error:
                return self._protocol.error_received(error)  # type: ignore[no-any-return]
        if self._buffer.append(bytes(data), addr):
            self._tell("pause_writing")
        self._watch()

    def _send_now(self, data: Any, address: Any) -> None:
        if self._extra["peername"]:
            self._file.send(data)
        else:
            self._file.sendto(data, address)

    def _send_or_tell(self, data: Any, address: Any) -> None:
        try:
            self._send_now(data, address)
        except (BlockingIOError, InterruptedError):
            raise
        except OSError as error:  # this one will never go; the next one may
            self._tell("error_received", error)

    def _flush(self) -> None:
        try:
            has_room = self._buffer.flush(self._send_or_tell)
        except (BlockingIOError, InterruptedError):
            return
        self._watch()
        if has_room:
            self._tell("resume_writing")
        if self._closing and not self._lost_writes:
            self._lose(None)
