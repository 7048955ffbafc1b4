"""The eighth storey: connections that others open to us.

Accepting is the reactor's ``Acceptor`` (../acceptor.py): some clients a round, and no look at a listener for
which there is no room.

Read listeners.py first. Next: unix_sockets.py.
"""

import asyncio
import itertools
import socket
from collections.abc import Callable, Iterable
from typing import Any

from course_lib.eventloop.acceptor import Acceptor
from course_lib.eventloop.aio.connecting import Connecting
from course_lib.eventloop.aio.listeners import listeners
from course_lib.eventloop.aio.server import Server
from course_lib.eventloop.aio.tls import check_stream, check_tls


class Serving(Connecting):
    """``create_server``"""

    def __init__(self) -> None:
        super().__init__()
        self._acceptors: dict[socket.socket, Acceptor] = {}

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
            try:
                protocol = server._protocol_factory()
                self._transport(connection, protocol, None, server_side=True, server=server, **server._how)
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as error:
                connection.close()
                message = "Error on transport creation for incoming connection"
                self.call_exception_handler({"message": message, "exception": error})

        def crowded(error: OSError) -> None:
            message = "socket.accept() out of system resource"
            self.call_exception_handler({"message": message, "exception": error, "socket": sock})

        self._acceptors[sock] = Acceptor(self._reactor, sock, accept, crowded)

    def _stop_serving(self, sock: socket.socket) -> None:
        acceptor = self._acceptors.pop(sock, None)
        if acceptor is not None and not self._closed:
            acceptor.close()
        sock.close()

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
