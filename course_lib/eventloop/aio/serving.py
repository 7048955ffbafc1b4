"""The eighth storey: connections that others open to us.

Accepting is the reactor's ``Acceptor`` (../acceptor.py): some clients a round, and no look at a listener for
which there is no room.

Read server.py first. Next: datagrams.py.
"""

import asyncio
import errno
import itertools
import os
import socket
import stat
from collections.abc import Callable, Iterable
from typing import Any

from course_lib.eventloop.acceptor import Acceptor
from course_lib.eventloop.aio.connecting import Connecting
from course_lib.eventloop.aio.private import new_socket
from course_lib.eventloop.aio.server import Server
from course_lib.eventloop.aio.tls import check_stream, check_tls


class Serving(Connecting):
    """``create_server``, for TCP and for sockets in the file system."""

    def __init__(self) -> None:
        super().__init__()
        self._acceptors: dict[socket.socket, Acceptor] = {}
        self._paths: dict[socket.socket, int] = {}
        """The sockets in the file system, each with the inode that it had: it may be somebody else's now."""

    async def create_server(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], Any],
        host: Any = None,
        port: Any = None,
        *,
        family: int = socket.AF_UNSPEC,
        flags: int = socket.AI_PASSIVE,
        sock: Any = None,
        backlog: int = 100,
        ssl: Any = None,
        reuse_address: bool | None = True,
        reuse_port: bool | None = None,
        keep_alive: bool | None = None,
        start_serving: bool = True,
        **timeouts: Any,
    ) -> Server:
        """Listen on ``host`` and ``port``, or on ``sock``; a list of hosts is a list of listeners."""
        check_server(ssl, timeouts)
        if host is not None or port is not None:
            if sock is not None:
                raise ValueError("host/port and sock can not be specified at the same time")
            options = {
                socket.SO_REUSEADDR: reuse_address is None or reuse_address,
                getattr(socket, "SO_REUSEPORT", -1): reuse_port,
                socket.SO_KEEPALIVE: keep_alive,
            }
            wanted = [option for option, is_wanted in options.items() if is_wanted]
            sockets = listeners(await self._addresses_of(host, port, family, flags), wanted)
        elif sock is None:
            raise ValueError("Neither host/port nor sock were specified")
        else:
            check_stream(sock)
            sockets = [sock]
        return await self._serve(sockets, protocol_factory, backlog, ssl, timeouts, start_serving)

    async def _addresses_of(self, host: Any, port: Any, family: int, flags: int) -> list[Any]:
        several = isinstance(host, Iterable) and not isinstance(host, (str, bytes))
        hosts = host if several else [host or None]
        found = await asyncio.gather(
            *[
                self.resolve((each, port), family=family, type=socket.SOCK_STREAM, flags=flags)
                for each in hosts
            ]
        )
        return list(dict.fromkeys(itertools.chain.from_iterable(found)))  # each once

    async def create_unix_server(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], Any],
        path: Any = None,
        *,
        sock: Any = None,
        backlog: int = 100,
        ssl: Any = None,
        start_serving: bool = True,
        cleanup_socket: bool = True,
        **timeouts: Any,
    ) -> Server:
        """Listen on a socket in the file system, which is removed when the server is closed."""
        check_server(ssl, timeouts)
        if path is not None:
            if sock is not None:
                raise ValueError("path and sock can not be specified at the same time")
            sock = bound_to_path(os.fspath(path))
        elif sock is None:
            raise ValueError("path was not specified, and no sock specified")
        elif sock.family != socket.AF_UNIX or sock.type != socket.SOCK_STREAM:
            raise ValueError(f"A UNIX Domain Stream Socket was expected, got {sock!r}")
        if cleanup_socket and is_file(name := sock.getsockname()) and os.path.exists(name):
            self._paths[sock] = os.stat(name).st_ino
        return await self._serve([sock], protocol_factory, backlog, ssl, timeouts, start_serving)

    async def _serve(
        self, sockets: list[Any], factory: Any, backlog: int, ssl: Any, timeouts: dict[str, Any], start: bool
    ) -> Server:
        for sock in sockets:
            sock.setblocking(False)
        server = Server(self, sockets, factory, backlog, {"ssl": ssl, **timeouts})
        if start:
            await server.start_serving()
        return server

    def _start_serving(self, sock: socket.socket, server: Server) -> None:
        def accept(connection: socket.socket) -> None:
            connection.setblocking(False)
            protocol = server._protocol_factory()
            self._transport(connection, protocol, None, server_side=True, server=server, **server._how)

        def crowded(error: OSError) -> None:
            message = "socket.accept() out of system resource"
            self.call_exception_handler({"message": message, "exception": error, "socket": sock})

        self._acceptors[sock] = Acceptor(self._reactor, sock, accept, crowded)

    def _stop_serving(self, sock: socket.socket) -> None:
        acceptor = self._acceptors.pop(sock, None)
        if acceptor is not None and not self._closed:
            acceptor.close()
        name, inode = sock.getsockname(), self._paths.pop(sock, None)
        sock.close()
        if inode is not None and os.path.exists(name) and os.stat(name).st_ino == inode:
            os.unlink(name)

    def close(self) -> None:
        super().close()
        self._acceptors.clear()


def check_server(ssl: Any, timeouts: dict[str, Any]) -> None:
    if isinstance(ssl, bool):
        raise TypeError("ssl argument must be an SSLContext or None")
    unknown = set(timeouts) - {"ssl_handshake_timeout", "ssl_shutdown_timeout"}
    if unknown:
        raise TypeError(f"unexpected keyword arguments: {', '.join(sorted(unknown))}")
    check_tls(ssl, **timeouts)


def listeners(infos: list[Any], options: list[int]) -> list[Any]:
    """Return a socket for each address. Raises OSError where one is taken, or none can be had."""
    sockets: list[Any] = []
    try:
        for family, kind, proto, _, address in infos:
            try:
                sock = new_socket(family, kind, proto)
            except OSError:
                continue  # a family that this system does not have
            sockets.append(sock)
            for option in options:
                sock.setsockopt(socket.SOL_SOCKET, option, 1)
            if family == socket.AF_INET6:  # one socket, one family
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                sock.bind(address)
            except OSError as error:
                if error.errno == errno.EADDRNOTAVAIL:
                    sockets.pop().close()
                    continue
                text = f"error while attempting to bind on address {address!r}: {str(error).lower()}"
                raise OSError(error.errno, text) from None
        if not sockets:
            raise OSError(f"could not bind on any address out of {[info[4] for info in infos]!r}")
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def bound_to_path(path: Any) -> socket.socket:
    """Return a socket that is bound to ``path``; one that a dead server left there is removed."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if is_file(path) and os.path.exists(path) and stat.S_ISSOCK(os.stat(path).st_mode):
            os.remove(path)
        sock.bind(path)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise OSError(errno.EADDRINUSE, f"Address {path!r} is already in use") from None
        raise
    return sock


def is_file(path: Any) -> bool:
    """Return whether it is a name in the file system; on Linux, one that begins with NUL is not."""
    return bool(path) and path[0] not in (0, "\0")
