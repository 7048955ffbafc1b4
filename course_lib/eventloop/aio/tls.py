"""The sixth storey: transports for sockets, plain or encrypted.

TLS is a layer between two others. To the socket's transport it is a protocol, to the program's protocol a
transport: asyncio's ``SSLProtocol`` is both, and needs nothing of the loop but timers and its queue.

Read socket_transport.py first. Next: connecting.py.
"""

import socket
import ssl as ssl_module
from asyncio import sslproto
from typing import Any

from course_lib.eventloop.aio.socket_transport import SocketTransport
from course_lib.eventloop.aio.sockets import SocketCalls


class Secure(SocketCalls):
    """Makes transports."""

    def _transport(
        self, sock: Any, protocol: Any, waiter: Any, ssl: Any, extra: Any = None, **how: Any
    ) -> Any:
        """Return a transport for ``sock``; it wakes ``waiter``. TLS where ``ssl`` is a context, or True."""
        server = how.pop("server", None)
        if not ssl:
            return SocketTransport(self, sock, protocol, waiter, extra, server)
        self._check_is_free(sock)
        context = None if isinstance(ssl, bool) else ssl
        secured = sslproto.SSLProtocol(
            self,
            protocol,
            context,  # type: ignore[arg-type]  # None: a default one
            waiter,
            how.get("server_side", False),
            how.get("server_hostname"),
            ssl_handshake_timeout=how.get("ssl_handshake_timeout"),
            ssl_shutdown_timeout=how.get("ssl_shutdown_timeout"),
        )
        SocketTransport(self, sock, secured, None, extra, server)
        return secured._app_transport

    async def _connected(self, sock: Any, protocol_factory: Any, ssl: Any, **how: Any) -> tuple[Any, Any]:
        """Return transport and protocol of a socket that is connected, when the protocol knows of it."""
        sock.setblocking(False)
        protocol, waiter = protocol_factory(), self.create_future()
        transport = self._transport(sock, protocol, waiter, ssl, **how)
        try:
            await waiter
        except BaseException:
            transport.close()
            raise
        return transport, protocol

    async def start_tls(
        self,
        transport: Any,
        protocol: Any,
        sslcontext: Any,
        *,
        server_side: bool = False,
        server_hostname: str | None = None,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
    ) -> Any:
        """Put TLS between ``transport`` and ``protocol``, which are connected; return the new transport."""
        if not isinstance(sslcontext, ssl_module.SSLContext):
            raise TypeError(f"sslcontext is expected to be an instance of ssl.SSLContext, got {sslcontext!r}")
        if not getattr(transport, "_start_tls_compatible", False):
            raise TypeError(f"transport {transport!r} is not supported by start_tls()")
        waiter = self.create_future()
        timeouts: Any = {
            "ssl_handshake_timeout": ssl_handshake_timeout,
            "ssl_shutdown_timeout": ssl_shutdown_timeout,
        }
        secured = sslproto.SSLProtocol(
            self,
            protocol,
            sslcontext,
            waiter,
            server_side,
            server_hostname,
            call_connection_made=False,
            **timeouts,
        )
        transport.pause_reading()  # until the layer is in its place
        transport.set_protocol(secured)
        calls = self.call_soon(secured.connection_made, transport), self.call_soon(transport.resume_reading)
        try:
            await waiter
        except BaseException:
            transport.close()
            for call in calls:
                call.cancel()
            raise
        return secured._app_transport


def check_tls(ssl: Any, server_hostname: str | None = None, **timeouts: Any) -> None:
    """Raise ValueError for what has a meaning with TLS only."""
    if not ssl:
        for name, value in {"server_hostname": server_hostname, **timeouts}.items():
            if value is not None:
                raise ValueError(f"{name} is only meaningful with ssl")


def check_stream(sock: Any) -> None:
    """Raise TypeError for a socket that does TLS itself, ValueError for one that is no stream."""
    if isinstance(sock, ssl_module.SSLSocket):
        raise TypeError("Socket cannot be of type SSLSocket")
    if sock.type != socket.SOCK_STREAM:
        raise ValueError(f"A Stream Socket was expected, got {sock!r}")
