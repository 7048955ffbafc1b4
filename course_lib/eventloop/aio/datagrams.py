"""The ninth storey: datagrams. Each is sent and received whole, or not at all.

Read serving.py first. Next: pipes.py.
"""

import asyncio
import os
import socket
import stat
from collections import deque
from collections.abc import Callable
from typing import Any

from course_lib.eventloop.aio.flow import HIGH, Flow
from course_lib.eventloop.aio.serving import Serving, is_file
from course_lib.eventloop.aio.socket_transport import addresses
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
            return self._protocol.error_received(error)  # type: ignore[no-any-return]  # the socket lives on
        try:
            self._protocol.datagram_received(data, address)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            self._fatal(error, "Fatal error: protocol.datagram_received() call failed.")

    def sendto(self, data: Any, addr: Any = None) -> None:
        """Send ``data`` to ``addr``, now or when there is room."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"data argument must be a bytes-like object, not {type(data).__name__!r}")
        if self._address:
            if addr not in (None, self._address):
                raise ValueError(f"Invalid address: must be None or {self._address}")
            addr = self._address
        if self._address and self._is_too_late():
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

    def _flush(self) -> None:
        try:
            has_room = self._buffer.flush(self._send_now)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._buffer.queue.popleft()
            return self._protocol.error_received(error)  # type: ignore[no-any-return]
        self._watch()
        if has_room:
            self._tell("resume_writing")
        if self._closing and not self._lost_writes:
            self._lose(None)


class Datagrams(Serving):
    """``create_datagram_endpoint``"""

    async def create_datagram_endpoint(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], Any],
        local_addr: Any = None,
        remote_addr: Any = None,
        *,
        family: int = 0,
        proto: int = 0,
        flags: int = 0,
        reuse_port: bool | None = None,
        allow_broadcast: bool | None = None,
        sock: socket.socket | None = None,
    ) -> tuple[Any, Any]:
        """Bind to ``local_addr``, connect to ``remote_addr``, or take ``sock``; return transport and protocol."""
        given = {
            "local_addr": local_addr,
            "remote_addr": remote_addr,
            "family": family,
            "proto": proto,
            "flags": flags,
            "reuse_port": reuse_port,
            "allow_broadcast": allow_broadcast,
        }
        if sock is not None:
            if sock.type == socket.SOCK_STREAM:
                raise ValueError(f"A datagram socket was expected, got {sock!r}")
            if problems := ", ".join(f"{name}={value}" for name, value in given.items() if value):
                text = "socket modifier keyword arguments can not be used when sock is specified."
                raise ValueError(f"{text} ({problems})")
            address = None
        else:
            pairs = await self._address_pairs(local_addr, remote_addr, family, proto, flags)
            sock, address = await self._first_that_works(pairs, bool(reuse_port), bool(allow_broadcast))
        sock.setblocking(False)
        protocol, waiter = protocol_factory(), self.create_future()
        transport = DatagramTransport(self, sock, protocol, address, waiter)
        try:
            await waiter
        except BaseException:
            transport.close()
            raise
        return transport, protocol

    async def _address_pairs(self, local: Any, remote: Any, family: int, proto: int, flags: int) -> list[Any]:
        """Return family and protocol, our address and the peer's, in all ways in which that is possible."""
        if not (local or remote):
            if family == 0:
                raise ValueError("unexpected address family")
            return [(family, proto, None, None)]
        if family == socket.AF_UNIX:
            if not all(each is None or isinstance(each, str) for each in (local, remote)):
                raise TypeError("string is expected")
            if is_file(local) and os.path.exists(local) and stat.S_ISSOCK(os.stat(local).st_mode):
                os.remove(local)
            return [(family, proto, local, remote)]
        found: list[dict[Any, Any]] = []
        for address in (local, remote):
            if address is not None and not (isinstance(address, tuple) and len(address) == 2):
                raise TypeError("2-tuple is expected")
            infos: Any = (
                []
                if address is None
                else await self.resolve(
                    address, family=family, type=socket.SOCK_DGRAM, proto=proto, flags=flags
                )
            )
            found.append({info[0::2][:2]: info[4] for info in reversed(infos)})
        ours, theirs = found
        pairs = [
            (*key, ours.get(key), theirs.get(key))
            for key in reversed({**ours, **theirs})
            if (local is None or key in ours) and (remote is None or key in theirs)
        ]
        if not pairs:
            raise ValueError("can not get address information")
        return pairs

    async def _first_that_works(self, pairs: list[Any], reuse_port: bool, broadcast: bool) -> tuple[Any, Any]:
        errors = []
        for family, proto, local, remote in pairs:
            sock = None
            try:
                sock = socket.socket(family, socket.SOCK_DGRAM, proto)
                sock.setblocking(False)
                if reuse_port:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                if broadcast:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                if local:
                    sock.bind(local)
                if remote and not broadcast:
                    await self.sock_connect(sock, remote)
                return sock, remote
            except BaseException as error:
                if sock is not None:
                    sock.close()
                if not isinstance(error, OSError):
                    raise
                errors.append(error)
        raise errors[0]
