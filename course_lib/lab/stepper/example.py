"""What is stepped when nothing else is given: an echo server, and a heartbeat beside it, on one reactor.

Read ../../eventloop/acceptor.py first.
"""

import socket

from course_lib.eventloop import Acceptor, Protocol, Reactor, Transport
from course_lib.listening import listen
from course_lib.servers.base import Address

HEARTBEAT_SECONDS = 5.0


class EchoProtocol(Protocol):
    """Says back what it hears."""

    def connection_made(self, transport: Transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


def echo_and_heartbeat(reactor: Reactor) -> Address:
    """Set both up; return the server's address."""
    listener = listen(("127.0.0.1", 0), backlog=128)

    def new_client(sock: socket.socket) -> None:
        Transport(reactor, sock, EchoProtocol())

    def too_many(error: OSError) -> None:
        raise error  # shown in the round; the listener is watched again in a moment

    def heartbeat() -> None:
        reactor.call_later(HEARTBEAT_SECONDS, heartbeat)

    Acceptor(reactor, listener, new_client, too_many)
    reactor.call_soon(heartbeat)
    address: Address = listener.getsockname()
    return address
