"""The ninth storey: sockets in the file system. Whoever may open the path may connect.

Read serving.py first. Next: datagram_transport.py.
"""

import os
import socket
from collections.abc import Callable
from typing import Any

from course_lib.eventloop.aio.listeners import bound_to_path, inode_of
from course_lib.eventloop.aio.server import Server
from course_lib.eventloop.aio.serving import Serving, check_server
from course_lib.eventloop.aio.tls import check_tls


class UnixSockets(Serving):
    """``create_unix_connection`` and ``create_unix_server``"""

    def __init__(self) -> None:
        super().__init__()
        self._paths: dict[socket.socket, int | None] = {}
        """Those to be removed, each with its inode: under the same name there may be somebody else's now."""

    async def create_unix_connection(
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
        timeouts: dict[str, Any] = {
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
        if cleanup_socket:
            self._paths[sock] = inode_of(sock.getsockname())
        return await self._serve([sock], protocol_factory, backlog, ssl, timeouts, start_serving)

    def _stop_serving(self, sock: socket.socket) -> None:
        inode = self._paths.pop(sock, None)
        path = sock.getsockname() if inode else ""
        super()._stop_serving(sock)
        if inode and inode_of(path) == inode:
            os.unlink(path)
