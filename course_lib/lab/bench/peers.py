"""The peers: the same echo server on other people's loops, each as its own manual would have it.

One function each. It is given a socket that listens, and serves until its process is killed. What a library
does by itself (backlog, TCP_NODELAY, sizes of reads) is left as it is, and nothing is tuned. An import
stands in its function, because most of these packages are guests: they may be missing.

Next: entrants.py.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any, NamedTuple

CHUNK = 64 * 1024
"""The most bytes of one read, where the reader has to name a number."""


class EchoProtocol(asyncio.Protocol):
    """The barest echo, on any loop that has asyncio's transports."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


async def echo_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass  # the client is gone
    finally:
        writer.close()


async def serve_protocol(listener: socket.socket) -> None:
    server = await asyncio.get_running_loop().create_server(EchoProtocol, sock=listener)
    await server.serve_forever()


async def serve_streams(listener: socket.socket) -> None:
    server = await asyncio.start_server(echo_stream, sock=listener)
    await server.serve_forever()


def asyncio_protocol(listener: socket.socket) -> None:
    asyncio.run(serve_protocol(listener))


def asyncio_streams(listener: socket.socket) -> None:
    asyncio.run(serve_streams(listener))


def own_protocol(listener: socket.socket) -> None:
    run_on_our_loop(serve_protocol(listener))


def own_streams(listener: socket.socket) -> None:
    run_on_our_loop(serve_streams(listener))


def run_on_our_loop(main: Any) -> None:
    from course_lib.eventloop import new_event_loop

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(main)


def uvloop_protocol(listener: socket.socket) -> None:
    run_on_uvloop(serve_protocol(listener))


def uvloop_streams(listener: socket.socket) -> None:
    run_on_uvloop(serve_streams(listener))


def run_on_uvloop(main: Any) -> None:
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


def trio_streams(listener: socket.socket) -> None:
    import trio

    async def echo(stream: trio.SocketStream) -> None:
        try:
            async for data in stream:
                await stream.send_all(data)
        except trio.BrokenResourceError:
            pass  # the client is gone

    async def serve() -> None:
        listener.setblocking(False)
        await trio.serve_listeners(echo, [trio.SocketListener(trio.socket.from_stdlib_socket(listener))])

    trio.run(serve)


def tornado_tcp(listener: socket.socket) -> None:
    from tornado.iostream import IOStream, StreamClosedError
    from tornado.tcpserver import TCPServer

    class Echo(TCPServer):
        async def handle_stream(self, stream: IOStream, address: Any) -> None:
            try:
                while True:
                    await stream.write(await stream.read_bytes(CHUNK, partial=True))
            except StreamClosedError:
                pass  # the client is gone

    async def serve() -> None:
        listener.setblocking(False)
        Echo().add_sockets([listener])
        await asyncio.Event().wait()

    asyncio.run(serve())


def gevent_greenlets(listener: socket.socket) -> None:
    from gevent.server import StreamServer
    from gevent.socket import socket as GreenSocket

    def echo(sock: Any, address: Any) -> None:
        try:
            while data := sock.recv(CHUNK):
                sock.sendall(data)
        except ConnectionError:
            pass  # the client is gone

    StreamServer(GreenSocket(fileno=listener.detach()), echo).serve_forever()


def twisted_protocol(listener: socket.socket) -> None:
    from twisted.internet import reactor
    from twisted.internet.protocol import Factory, Protocol

    class Echo(Protocol):
        def dataReceived(self, data: bytes) -> None:
            self.transport.write(data)

    listener.setblocking(False)
    reactor.adoptStreamPort(listener.fileno(), listener.family, Factory.forProtocol(Echo))
    reactor.run(installSignalHandlers=False)


def reactor_protocol(listener: socket.socket) -> None:
    from course_lib.eventloop import Acceptor, Protocol, Reactor, Transport

    class Echo(Protocol):
        def connection_made(self, transport: Transport) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            self.transport.write(data)

    reactor = Reactor()
    acceptor = Acceptor(reactor, listener, lambda sock: Transport(reactor, sock, Echo()), print)
    reactor.run_forever()
    acceptor.close()


class Peer(NamedTuple):
    """``package`` is what must be installed for it; empty for what Python itself has."""

    name: str
    serve: Callable[[socket.socket], None]
    package: str = ""


PEERS = (
    Peer("protocol/reactor", reactor_protocol),
    Peer("protocol/asyncio", asyncio_protocol),
    Peer("streams/asyncio", asyncio_streams),
    Peer("protocol/own", own_protocol),
    Peer("streams/own", own_streams),
    Peer("protocol/uvloop", uvloop_protocol, "uvloop"),
    Peer("streams/uvloop", uvloop_streams, "uvloop"),
    Peer("trio", trio_streams, "trio"),
    Peer("tornado", tornado_tcp, "tornado"),
    Peer("gevent", gevent_greenlets, "gevent"),
    Peer("twisted", twisted_protocol, "twisted"),
)
"""All peers, by the names they have on the command line."""
