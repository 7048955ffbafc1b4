"""The tenth storey: datagrams. Each is sent and received whole, or not at all.

Read datagram_transport.py first. Next: pipe_ends.py.
"""

import socket
from collections.abc import Callable
from typing import Any

from course_lib.eventloop.aio.datagram_transport import DatagramTransport
from course_lib.eventloop.aio.listeners import remove_dead
from course_lib.eventloop.aio.unix_sockets import UnixSockets


class Datagrams(UnixSockets):
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
        """Bind to ``local_addr``, connect to ``remote_addr``, or take ``sock``; return both."""
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
            remove_dead(local)
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
