"""The seventh storey: connections that we open.

A name may have several addresses: they are tried in their order, or, as RFC 8305 has it ("happy eyeballs"),
each a little later than the one before, and the first one that answers wins.

Read tls.py first. Next: serving.py.
"""

import functools
import itertools
import socket
from asyncio import staggered
from collections.abc import Callable, Sequence
from typing import Any

from course_lib.eventloop.aio.tasks import AddressInfo
from course_lib.eventloop.aio.tls import Secure, check_stream, check_tls


class Connecting(Secure):
    """``create_connection``, and connections that somebody else has accepted."""

    async def create_connection(  # type: ignore[override]
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
        timeouts = {
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
        sock = None
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
        return sock

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

    async def connect_accepted_socket(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], Any],
        sock: socket.socket,
        *,
        ssl: Any = None,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
    ) -> tuple[Any, Any]:
        """Take a connection that was accepted elsewhere; return transport and protocol."""
        timeouts = {
            "ssl_handshake_timeout": ssl_handshake_timeout,
            "ssl_shutdown_timeout": ssl_shutdown_timeout,
        }
        check_tls(ssl, **timeouts)
        check_stream(sock)
        return await self._connected(
            sock, protocol_factory, ssl, server_side=True, server_hostname="", **timeouts
        )

    async def create_unix_connection(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], Any],
        path: Any = None,
        *,
        ssl: Any = None,
        sock: socket.socket | None = None,
        server_hostname: str | None = None,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
    ) -> tuple[Any, Any]:
        """Connect to a socket in the file system, or take ``sock``; return transport and protocol."""
        timeouts = {
            "ssl_handshake_timeout": ssl_handshake_timeout,
            "ssl_shutdown_timeout": ssl_shutdown_timeout,
        }
        check_tls(ssl, server_hostname, **timeouts)
        if ssl and server_hostname is None:
            raise ValueError("you have to pass server_hostname when using ssl")
        if path is not None:
            if sock is not None:
                raise ValueError("path and sock can not be specified at the same time")
            sock = await self._connect_to((socket.AF_UNIX, socket.SOCK_STREAM, 0, "", path), None, [])
        elif sock is None:
            raise ValueError("no path and sock were specified")
        elif sock.family != socket.AF_UNIX or sock.type != socket.SOCK_STREAM:
            raise ValueError(f"A UNIX Domain Stream Socket was expected, got {sock!r}")
        return await self._connected(sock, protocol_factory, ssl, server_hostname=server_hostname, **timeouts)


def bind_to_one(sock: socket.socket, addresses: Sequence[Any]) -> None:
    """Bind ``sock`` to the first address that is free. Raises OSError where none is."""
    error = OSError("no matching local address found")
    for address in addresses:
        try:
            return sock.bind(address)
        except OSError as why:
            text = f"error while attempting to bind on address {address!r}: {str(why).lower()}"
            error = OSError(why.errno, text)
    raise error


def interleaved(infos: Sequence[AddressInfo], first: int) -> list[AddressInfo]:
    """Return the addresses with their families in turn, after ``first`` ones of the first family."""
    families: dict[int, list[AddressInfo]] = {}
    for info in infos:
        families.setdefault(info[0], []).append(info)
    groups = list(families.values())
    ahead, groups[0] = groups[0][: first - 1], groups[0][first - 1 :]
    in_turn = itertools.chain.from_iterable(itertools.zip_longest(*groups))
    return ahead + [info for info in in_turn if info is not None]


def summary(errors: Sequence[OSError], all_errors: bool) -> Exception:
    """Return one exception for the failures of all addresses."""
    if all_errors:
        return ExceptionGroup("create_connection failed", list(errors))
    texts = {str(error) for error in errors}
    if len(texts) == 1:
        return errors[0]
    return OSError(f"Multiple exceptions: {', '.join(str(error) for error in errors)}")
