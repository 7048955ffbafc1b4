"""Protocols that end the connection, or fail, inside of a callback: it ends once, and nothing is left."""

import asyncio
import contextlib
import gc
import socket
from collections.abc import Callable
from typing import Any

import pytest

from tests.eventloop.aio.conftest import Run
from tests.eventloop.aio.recorder import Recorder, abort, line, rounds, tcp_pair, until

MIB = 1024 * 1024
CALLBACKS = ("connection_made", "data_received", "eof_received", "pause_writing", "resume_writing")

WAYS: dict[str, Callable[[Recorder], object]] = {
    "abort": lambda self: self.transport.abort(),
    "close": lambda self: self.transport.close(),
    "both": lambda self: (self.transport.close(), self.transport.abort()),
    "write_and_close": lambda self: (self.transport.write(b"last words"), self.transport.close()),
    "write_eof_and_close": lambda self: (self.transport.write_eof(), self.transport.close()),
    "write_and_abort": lambda self: (self.transport.write(b"last words"), self.transport.abort()),
}


async def provoke(protocol: Recorder) -> None:
    """Have all callbacks of ``protocol`` called, as long as it lives."""
    loop = asyncio.get_running_loop()
    ours, peer = tcp_pair()
    with peer:
        transport, _ = await loop.create_connection(lambda: protocol, sock=ours)
        with contextlib.suppress(OSError):  # the connection may be over at any time
            peer.send(b"hello")
            await rounds(10)
            with contextlib.suppress(RuntimeError):  # after write_eof
                transport.write(bytes(8 * MIB))
            reading = asyncio.create_task(read_quietly(peer))
            await until(lambda: reading.done() or not transport.get_write_buffer_size())
            peer.shutdown(socket.SHUT_WR)
        await until(lambda: protocol.is_lost)
        await reading
        abort(transport)
        transport.close()
        await rounds(10)


async def read_quietly(peer: socket.socket) -> None:
    with contextlib.suppress(ConnectionError):
        while await asyncio.get_running_loop().sock_recv(peer, MIB):
            pass


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("callback", CALLBACKS)
def test_an_end_inside_of_a_callback(ours: Run, callback: str, way: str) -> None:
    protocol = Recorder(**{callback: WAYS[way]})
    ours(provoke(protocol))
    lost = [each for each in protocol.told if isinstance(each, tuple)]
    assert len(lost) == 1 and protocol.told[-1] == lost[0], "connection_lost comes once, and last"
    assert protocol.told[0] == "made"
    if callback != "resume_writing":
        assert lost == [("lost", type(None))]
    if callback == "connection_made" and way != "write_eof_and_close":
        assert protocol.heard == b""


MESSAGES = {
    "connection_made": "Exception in callback",
    "data_received": "Fatal error: protocol.data_received() call failed.",
    "eof_received": "Fatal error: protocol.eof_received() call failed.",
    "pause_writing": "protocol.pause_writing() failed",
    "resume_writing": "protocol.resume_writing() failed",
    "connection_lost": "Exception in callback",
}


@pytest.mark.parametrize("kind", [KeyError, asyncio.CancelledError])
@pytest.mark.parametrize("callback", MESSAGES)
def test_a_callback_that_fails(run: Run, callback: str, kind: type[BaseException]) -> None:
    def fail(self: Recorder) -> None:
        raise kind("mine")

    protocol = Recorder(**{callback: fail})
    run(provoke(protocol))
    (context,) = run.take()
    assert type(context["exception"]) is kind
    assert context["message"].startswith(MESSAGES[callback])
    if callback in ("connection_made", "connection_lost"):
        assert "handle" in context
    else:
        assert context["protocol"] is protocol and context["transport"] is protocol.transport
    ends = callback in ("data_received", "eof_received")
    assert protocol.told[-1] == ("lost", kind if ends else type(None))


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_loop_comes_through_a_callback(run: Run, kind: type[BaseException]) -> None:
    def fail(self: Recorder) -> None:
        raise kind

    async def main() -> None:
        async with line(Recorder(data_received=fail)) as (_, peer):
            peer.send(b"!")
            await asyncio.sleep(10)

    with pytest.raises(kind):
        run(main())
    run.take()


def test_more_is_written_while_it_is_told_to_go_on(run: Run) -> None:
    told: list[str] = []

    def more(self: Recorder) -> None:
        told.append("more")
        if len(told) <= 3:
            self.transport.write(bytes(16 * MIB))
        if len(told) == 3:
            self.transport.close()

    protocol = Recorder(resume_writing=more)

    async def main() -> None:
        async with line(protocol) as (transport, peer):
            transport.write(bytes(16 * MIB))
            count = 0
            while data := await asyncio.get_running_loop().sock_recv(peer, MIB):
                count += len(data)
            assert count == 64 * MIB

    run(main())
    assert told == ["more"] * 4


def test_a_loop_that_is_closed_before_its_transport(new_loop: Any) -> None:
    loop = new_loop()
    told: list[str] = []
    ours, peer = tcp_pair()
    protocol = Recorder()
    with peer:
        transport, _ = loop.run_until_complete(loop.create_connection(lambda: protocol, sock=ours))
        transport.write(bytes(8 * MIB))
        loop.close()
        for action in (transport.pause_reading, transport.resume_reading, transport.close, transport.abort):
            try:
                action()
            except RuntimeError as error:
                told.append(str(error))
        assert set(told) == {"Event loop is closed"}
        protocol.transport = None
        with pytest.warns(ResourceWarning, match="unclosed transport"):
            del transport, action, _
            gc.collect()
        ours.close()
