"""Callbacks again, without coroutines: asyncio's loop calls a protocol when something has happened.

The transport does the reading, the writing and the buffer; the protocol is told of the results.
This is the layer below asyncio's streams, and the faster one.

Read asyncio_streams.py first. Next: own_asyncio.py.
"""

import asyncio
import functools
from typing import cast

from course_lib.servers.asyncio_base import ACCEPTED_AT_ONCE, AsyncioServer


class AsyncioProtocolServer(AsyncioServer):
    name = "asyncio_protocol"

    async def start(self) -> asyncio.AbstractServer:
        loop = asyncio.get_running_loop()
        protocol = functools.partial(ServerProtocol, self)
        return await loop.create_server(protocol, sock=self.listener, backlog=ACCEPTED_AT_ONCE)


class ServerProtocol(asyncio.Protocol):
    """One client, told by the loop what happens to it."""

    def __init__(self, server: AsyncioProtocolServer) -> None:
        self.server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.server.transports.add(self.transport)
        self.transport.set_write_buffer_limits(self.server.high_water)
        try:
            self.conversation = self.server.conversation()
            self.say(self.conversation.greet())
        except Exception as error:
            self.give_up(error)

    def data_received(self, data: bytes) -> None:
        try:
            self.say(self.conversation.receive(data))
        except Exception as error:
            self.give_up(error)

    def say(self, data: bytes) -> None:
        self.transport.write(data)
        if self.conversation.closing:
            self.transport.close()  # after the last byte has gone out

    def eof_received(self) -> bool:
        return False  # close, after the last byte has gone out

    def pause_writing(self) -> None:
        self.transport.pause_reading()  # the buffer is full: hear no more until it drains

    def resume_writing(self) -> None:
        self.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self.server.transports.discard(self.transport)

    def give_up(self, error: Exception) -> None:
        self.transport.abort()
        self.server.report(error)
