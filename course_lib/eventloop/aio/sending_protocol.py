"""Who takes a protocol's place while a file is sent over its transport.

Read subprocesses.py first. Next: sendfile.py.
"""

import asyncio
from typing import Any


class SendingProtocol(asyncio.Protocol):
    """Stands in for a transport's protocol while a file is sent, and is told to pause and to go on."""

    def __init__(self, loop: Any, transport: Any) -> None:
        self._loop, self._transport = loop, transport
        self._protocol = transport.get_protocol()
        self._reads = transport.is_reading()
        self._was_paused = bool(getattr(transport, "_protocol_paused", False))
        transport.pause_reading()
        transport.set_protocol(self)
        self._room: asyncio.Future[None] | None = loop.create_future() if self._was_paused else None

    async def drained(self) -> None:
        """Wait until there is room. Raises ConnectionError where the connection is gone."""
        if self._transport.is_closing():
            raise ConnectionError("Connection closed by peer")
        if self._room is not None:
            await self._room

    def pause_writing(self) -> None:
        if self._room is None:
            self._room = self._loop.create_future()

    def resume_writing(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    def data_received(self, data: bytes) -> None:
        raise RuntimeError("Invalid state: reading should be paused")

    def eof_received(self) -> None:
        raise RuntimeError("Invalid state: reading should be paused")

    def connection_lost(self, error: BaseException | None) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_exception(error or ConnectionError("Connection is closed by peer"))
        self._protocol.connection_lost(error)

    async def restore(self) -> None:
        """Put the old protocol back, as if nothing had been."""
        self._transport.set_protocol(self._protocol)
        if self._reads:
            self._transport.resume_reading()
        is_paused = self._room is not None
        if self._room is not None:
            self._room.cancel()
        if self._was_paused and not is_paused:
            self._protocol.resume_writing()
        elif is_paused and not self._was_paused and not self._transport.is_closing():
            self._protocol.pause_writing()  # resume_writing will follow
