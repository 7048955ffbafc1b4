"""A stream socket and its protocol: what is said, what is heard, watermarks, and the ways to end."""

import asyncio
import contextvars
import gc
import socket
import weakref
from typing import Any

import pytest

from tests.eventloop.aio.conftest import Run
from tests.eventloop.aio.recorder import Recorder, line, pattern, read_all, rounds, tcp_pair, until
from tests.helpers import reset

MIB = 1024 * 1024
number: contextvars.ContextVar[int] = contextvars.ContextVar("number", default=0)


def test_all_of_it_in_order(run: Run) -> None:
    protocol = Recorder()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with line(protocol) as (transport, peer):
            assert transport.get_protocol() is protocol and transport.is_reading()
            assert transport.get_extra_info("peername") == peer.getsockname()
            assert transport.get_extra_info("sockname") == peer.getpeername()
            assert transport.get_extra_info("socket").fileno() >= 0
            assert transport.get_extra_info("nonsense", 3) == 3
            await loop.sock_sendall(peer, b"hello")
            await until(lambda: protocol.heard)
            for data in (b"he", bytearray(b"ll"), memoryview(b"o"), b""):
                transport.write(data)
            transport.writelines([b" ", b"world"])
            peer.shutdown(socket.SHUT_WR)
            assert await read_all(peer) == b"hello world"
            await until(lambda: protocol.is_lost)

    run(main())
    assert protocol.told == ["made", b"hello", "eof", ("lost", type(None))]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_very_large_writes(ours: Run, kind: Any) -> None:
    data = pattern(20 * MIB)
    protocol = Recorder()

    async def main() -> None:
        async with line(protocol) as (transport, peer):
            part = kind(data[: 15 * MIB])
            transport.write(part)
            transport.writelines([data[15 * MIB :], b""])
            assert protocol.told == ["made", "pause"]
            if kind is bytearray:
                part[:] = bytes(len(part))  # it was copied: it is ours again
            transport.close()
            assert await read_all(peer) == data

    ours(main())
    assert protocol.told == ["made", "pause", "resume", ("lost", type(None))]


def test_watermarks(run: Run) -> None:
    protocol = Recorder()

    async def main() -> None:
        async with line(protocol) as (transport, peer):
            assert transport.get_write_buffer_limits() == (16 * 1024, 64 * 1024)
            transport.set_write_buffer_limits(low=1000)
            assert transport.get_write_buffer_limits() == (1000, 4000)
            transport.set_write_buffer_limits(high=2000)
            assert transport.get_write_buffer_limits() == (500, 2000)
            for wrong in ({"high": 1, "low": 2}, {"high": -1}):
                with pytest.raises(ValueError):
                    transport.set_write_buffer_limits(**wrong)
            while not transport.get_write_buffer_size():
                transport.write(bytes(1000))
            assert protocol.told == ["made"]
            assert transport.get_write_buffer_size() < 2000
            transport.set_write_buffer_limits(high=1)  # now there is too much
            assert protocol.told == ["made", "pause"]
            transport.write(bytes(2000))
            transport.set_write_buffer_limits(high=2000)
            transport.write(bytes(2000))
            assert protocol.told == ["made", "pause"]
            transport.set_write_buffer_limits(high=1)
            assert protocol.told == ["made", "pause"]
            reading = asyncio.create_task(read_all(peer))
            await until(lambda: protocol.told[-1] == "resume")
            assert transport.get_write_buffer_size() == 0
            transport.close()
            await reading

    run(main())
    assert protocol.told == ["made", "pause", "resume", ("lost", type(None))]


def test_pausing_reading(run: Run) -> None:
    protocol = Recorder(connection_made=lambda self: self.transport.pause_reading())

    async def main() -> None:
        loop = asyncio.get_running_loop()
        ours, peer = tcp_pair()
        peer.send(b"early")  # before there is a transport
        with peer:
            transport, _ = await loop.create_connection(lambda: protocol, sock=ours)
            assert not transport.is_reading()
            await rounds(20)
            assert protocol.told == ["made"]
            transport.pause_reading()
            transport.resume_reading()
            transport.resume_reading()
            await until(lambda: protocol.heard == b"early")
            transport.pause_reading()
            peer.send(b"later")
            peer.shutdown(socket.SHUT_WR)
            await rounds(20)
            assert protocol.heard == b"early"
            transport.resume_reading()
            await until(lambda: protocol.is_lost)
            transport.resume_reading()
            transport.pause_reading()

    run(main())
    assert protocol.told == ["made", b"early", b"later", "eof", ("lost", type(None))]


def test_half_close_by_the_peer(ours: Run) -> None:
    protocol = Recorder(keeps_open=True)

    async def main() -> None:
        async with line(protocol) as (transport, peer):
            peer.shutdown(socket.SHUT_WR)
            await until(lambda: "eof" in protocol.told)
            transport.pause_reading()
            transport.resume_reading()  # there is nothing more to be heard
            await rounds(20)
            transport.write(b"still ")
            await rounds()
            transport.write(b"here")
            transport.close()
            assert await read_all(peer) == b"still here"
            await until(lambda: protocol.is_lost)

    ours(main())
    assert protocol.told == ["made", "eof", ("lost", type(None))]


def test_half_close_by_us(run: Run) -> None:
    protocol, data = Recorder(), pattern(16 * MIB)

    async def main() -> None:
        async with line(protocol) as (transport, peer):
            assert transport.can_write_eof()
            transport.write(data)
            transport.write_eof()
            transport.write_eof()
            with pytest.raises(RuntimeError, match="write_eof"):
                transport.write(b"more")
            assert await read_all(peer) == data
            peer.send(b"understood")
            await until(lambda: protocol.heard)
            peer.shutdown(socket.SHUT_WR)
            await until(lambda: protocol.is_lost)

    run(main())
    assert protocol.told == ["made", "pause", "resume", b"understood", "eof", ("lost", type(None))]


def test_close_and_abort(run: Run) -> None:
    async def main() -> None:
        protocol = Recorder()
        async with line(protocol) as (transport, peer):
            transport.close()
            transport.close()
            assert transport.is_closing() and not transport.is_reading()
            assert not protocol.is_lost, "it is told in the next round"
            await rounds()
            assert protocol.told == ["made", ("lost", type(None))]
            transport.close()
            transport.abort()
            transport.write_eof()
            assert await read_all(peer) == b""
        protocol = Recorder()
        async with line(protocol) as (transport, peer):
            transport.write(bytes(16 * MIB))
            transport.abort()
            transport.abort()
            assert transport.get_write_buffer_size() == 0
            await rounds()
            assert protocol.told == ["made", "pause", ("lost", type(None))]
            assert len(await read_all(peer)) < 16 * MIB
        protocol = Recorder()
        async with line(protocol) as (transport, peer):
            transport.write(bytes(16 * MIB))
            transport.close()
            await rounds(20)
            assert not protocol.is_lost
            transport.abort()
            await rounds()
            assert protocol.told == ["made", "pause", ("lost", type(None))]

    run(main())


def test_writes_that_come_too_late(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with line(Recorder()) as (transport, _):
            transport.abort()
            for _ in range(4):
                transport.write(b"!")
            await rounds()
            assert not caplog.records
            transport.write(b"!")
            transport.write(b"!")
            await rounds()
            for wrong in ("text", 3, None):
                with pytest.raises(TypeError):
                    transport.write(wrong)

    run(main())
    assert caplog.records and all(record.levelname == "WARNING" for record in caplog.records)


def test_a_peer_that_crashes(run: Run) -> None:
    hears, says = Recorder(), Recorder()

    async def main() -> None:
        async with line(hears) as (_, peer):
            reset(peer)
            await until(lambda: hears.is_lost)
        async with line(says) as (transport, peer):
            transport.pause_reading()
            transport.write(bytes(16 * MIB))
            reset(peer)
            await until(lambda: says.is_lost)
            assert transport.is_closing() and transport.get_write_buffer_size() == 0

    run(main())
    assert hears.told == ["made", ("lost", ConnectionResetError)]
    assert says.told[:2] == ["made", "pause"] and issubclass(says.told[2][1], ConnectionError)


def test_another_protocol_in_the_middle(run: Run) -> None:
    second = Recorder()
    first = Recorder(data_received=lambda self: self.transport.set_protocol(second))

    async def main() -> None:
        async with line(first) as (transport, peer):
            peer.send(b"one")
            await until(lambda: first.heard)
            peer.send(b"two")
            await until(lambda: second.heard)
            assert transport.get_protocol() is second
            transport.write(bytes(16 * MIB))
            transport.set_protocol(into := Buffered())
            peer.send(b"three")
            await until(lambda: into.heard)

    run(main())
    assert first.told == ["made", b"one"] and second.told == [b"two", "pause"]


class Buffered(asyncio.BufferedProtocol):
    def __init__(self, size: int = 3) -> None:
        self.buffer, self.heard, self.ends = bytearray(size), bytearray(), 0

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.heard += self.buffer[:nbytes]

    def eof_received(self) -> None:
        self.ends += 1


def test_a_protocol_with_its_own_buffer(run: Run) -> None:
    protocol = Buffered()

    async def main() -> None:
        async with line(protocol) as (transport, peer):
            transport.write(b"ping")
            peer.send(b"hello")
            await until(lambda: protocol.heard == b"hello")
            peer.shutdown(socket.SHUT_WR)
            await until(transport.is_closing)
            assert await read_all(peer) == b"ping"

    run(main())
    assert protocol.ends == 1


@pytest.mark.parametrize("method", ["get_buffer", "buffer_updated", "eof_received"])
def test_a_protocol_with_its_own_buffer_that_fails(run: Run, method: str) -> None:
    class Fails(Buffered):
        def connection_lost(self, error: Exception | None) -> None:
            lost.append(type(error))

    def fail(*arguments: object) -> Any:
        raise KeyError(method)

    lost: list[type] = []
    setattr(Fails, method, fail)
    protocol = Fails()

    async def main() -> None:
        async with line(protocol) as (_, peer):
            peer.send(b"hello")
            peer.shutdown(socket.SHUT_WR)
            await until(lambda: lost)

    run(main())
    (context,) = run.take()
    assert lost == [KeyError] and method in context["message"]
    assert context["protocol"] is protocol and "transport" in context


def test_a_buffer_without_room(run: Run) -> None:
    protocol = Buffered(size=0)

    async def main() -> None:
        async with line(protocol) as (transport, peer):
            peer.send(b"hello")
            await until(transport.is_closing)

    run(main())
    (context,) = run.take()
    assert "get_buffer() returned an empty buffer" in str(context["exception"])


def test_contexts_are_kept_apart(run: Run) -> None:
    """What one connection sets in its callbacks no other one sees, and neither does who made it."""
    told: dict[str, list[int]] = {"one": [], "two": []}

    def protocol(name: str) -> Recorder:
        def count(self: Recorder) -> None:
            told[name].append(number.get())
            number.set(number.get() + 1)

        return Recorder(data_received=count)

    async def main() -> None:
        number.set(10)
        one, two = protocol("one"), protocol("two")
        async with line(one) as (_, first), line(two) as (_, second):
            for length in (1, 2):
                for peer, each in ((first, one), (second, two)):
                    peer.send(b"!")
                    await until(lambda each=each, length=length: len(each.heard) == length)
        assert number.get() == 10

    run(main())
    assert told == {"one": [10, 11], "two": [10, 11]}


@pytest.mark.parametrize("ending", ["close", "abort", "peer", "reset", "fails"])
def test_nothing_keeps_a_connection_that_has_ended(ours: Run, ending: str) -> None:
    async def main() -> list[Any]:
        protocol = Recorder()
        if ending == "fails":
            protocol.on["data_received"] = lambda self: 1 / 0
        gone: list[Any] = [weakref.ref(protocol)]
        sock, peer = tcp_pair()
        made = await asyncio.get_running_loop().create_connection(lambda: gone[0](), sock=sock)
        gone.append(weakref.ref(made[0]))
        peer.send(b"!")
        await until(lambda: gone[0]().heard)
        if ending in ("close", "abort"):
            getattr(made[0], ending)()
        elif ending == "reset":
            reset(peer)
        peer.close()
        await until(lambda: gone[0]().is_lost)
        ours.told.clear()  # it holds what has failed
        protocol.transport = None
        protocol.on.clear()
        del sock, made, protocol
        await rounds()
        return [each() for each in gone]

    gc.collect()
    gc.disable()
    try:
        assert ours(main()) == [None, None]
    finally:
        gc.enable()
