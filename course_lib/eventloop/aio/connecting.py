"""The seventh storey: connections that we open.

A name may have several addresses: they are tried in their order, or, as RFC 8305 has it ("happy eyeballs"),
each a little later than the one before, and the first one that answers wins.

Read tls.py first. Next: serving.py.
"""

import functools
import socket
from asyncio import staggered
from collections.abc import Callable, Sequence
from typing import Any

from course_lib.eventloop.aio.addresses import bind_to_one, interleaved, summary
from course_lib.eventloop.aio.tasks import AddressInfo
from course_lib.eventloop.aio.tls import Secure, check_stream, check_tls


class Connecting(Secure):
    """``create_connection``, and connections that somebody else has accepted."""

    async def create_connection(
        self,
        protocol_factory: Callable[[], Any],
        host: Any = None,
        port: Any = None,
        *,
        ssl: Any = None,
        family: int = 0,
        proto: int = 0,
        flags: int = 0,
        sock: socket.socket | None = None,
        local_addr: Any = None,
        server_hostname: str | None = None,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
        happy_eyeballs_delay: float | None = None,
        interleave: int | None = None,
        all_errors: bool = False,
    ) -> tuple[Any, Any]:
        """Connect to ``host`` and ``port``, or take ``sock``; return transport and protocol."""
        timeouts: dict[str, Any] = {
            "ssl_handshake_timeout": ssl_handshake_timeout,
            "ssl_shutdown_timeout": ssl_shutdown_timeout,
        }
        check_tls(ssl, server_hostname, **timeouts)
        if ssl and server_hostname is None:
            if not host:
                raise ValueError("You must set server_hostname when using ssl without a host")
            server_hostname = host
        if sock is not None:
            if host is not None or port is not None:
                raise ValueError("host/port and sock can not be specified at the same time")
            check_stream(sock)
        elif host is None and port is None:
            raise ValueError("host and port was not specified and no sock specified")
        else:
            look_up = functools.partial(
                self.resolve, family=family, type=socket.SOCK_STREAM, proto=proto, flags=flags
            )
            infos = await look_up((host, port))
            local = None if local_addr is None else await look_up(local_addr)
            if interleave or (interleave is None and happy_eyeballs_delay is not None):
                infos = interleaved(infos, interleave or 1)
            sock = await self._connect_to_first(infos, local, happy_eyeballs_delay, all_errors)
        return await self._connected(sock, protocol_factory, ssl, server_hostname=server_hostname, **timeouts)

    async def _connect_to_first(
        self,
        infos: Sequence[AddressInfo],
        local: Sequence[AddressInfo] | None,
        delay: float | None,
        all_errors: bool,
    ) -> socket.socket:
        errors: list[OSError] = []
        attempts = [functools.partial(self._connect_to, info, local, errors) for info in infos]
        sock: Any = None
        if delay is not None:
            sock, _, _ = await staggered.staggered_race(attempts, delay, loop=self)
        else:
            for attempt in attempts:
                try:
                    sock = await attempt()
                    break
                except OSError:
                    continue
        if sock is None:
            raise summary(errors, all_errors)
        return sock  # type: ignore[no-any-return]

    async def _connect_to(
        self, info: AddressInfo, local: Sequence[AddressInfo] | None, errors: list[OSError]
    ) -> socket.socket:
        family, kind, proto, _, address = info
        sock = None
        try:
            sock = socket.socket(family, kind, proto)
            sock.setblocking(False)
            if local is not None:
                bind_to_one(sock, [each[4] for each in local if each[0] == family])
            await self.sock_connect(sock, address)
            return sock
        except BaseException as error:
            if sock is not None:
                sock.close()
            if isinstance(error, OSError):
                errors.append(error)
            raise

    async def connect_accepted_socket(
        self,
        protocol_factory: Callable[[], Any],
        sock: socket.socket,
        *,
        ssl: Any = None,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
    ) -> tuple[Any, Any]:
        """Take a connection that was accepted elsewhere; return transport and protocol."""
        timeouts: dict[str, Any] = {
            "ssl_handshake_timeout": ssl_handshake_timeout,
            "ssl_shutdown_timeout": ssl_shutdown_timeout,
        }
        check_tls(ssl, **timeouts)
        check_stream(sock)
        return await self._connected(
            sock, protocol_factory, ssl, server_side=True, server_hostname="", **timeouts
        )
