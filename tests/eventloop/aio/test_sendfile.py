"""The last storey: sending files, by the system, and by reading them where it cannot."""

import asyncio
import io
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.eventloop.aio.conftest import Run
from tests.eventloop.aio.recorder import Recorder, line, pattern, read_all, rounds, tcp_pair, until

MIB = 1024 * 1024
DATA = pattern(6 * MIB)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Any]:
    (tmp_path / "file").write_bytes(DATA)
    with open(tmp_path / "file", "rb") as file:
        yield file


KINDS: dict[str, Callable[[Any], Any]] = {"native": lambda file: file, "fallback": lambda _: io.BytesIO(DATA)}


@pytest.mark.parametrize("kind", KINDS)
def test_over_a_socket(run: Run, file: Any, kind: str) -> None:
    async def main() -> None:
        loop, given = asyncio.get_running_loop(), KINDS[kind](file)
        one, other = tcp_pair()
        with one, other:
            reading = asyncio.create_task(read_all(other))
            assert await loop.sock_sendfile(one, given) == len(DATA)
            assert given.tell() == len(DATA)
            assert await loop.sock_sendfile(one, given, 1000, 10) == 10
            assert given.tell() == 1010
            assert await loop.sock_sendfile(one, given, len(DATA) - 5, 100) == 5
            one.shutdown(socket.SHUT_WR)
            assert await reading == DATA + DATA[1000:1010] + DATA[-5:]

    run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_over_a_transport(run: Run, file: Any, kind: str) -> None:
    protocol = Recorder()

    async def main() -> None:
        loop, given = asyncio.get_running_loop(), KINDS[kind](file)
        async with line(protocol) as (transport, peer):
            transport.write(DATA)
            reading = asyncio.create_task(read_all(peer))
            assert await loop.sendfile(transport, given) == len(DATA)
            assert await loop.sendfile(transport, given, 5, 10) == 10
            transport.write(b"the end")
            peer.send(b"thanks")
            await until(lambda: protocol.heard == b"thanks")
            transport.close()
            assert await reading == DATA + DATA + DATA[5:15] + b"the end"

    run(main())


def test_over_tls(run: Run, file: Any, tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    async def main() -> None:
        loop, sent = asyncio.get_running_loop(), []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with pytest.raises(RuntimeError, match="fallback is disabled"):
                await loop.sendfile(writer.transport, file, fallback=False)
            sent.append(await loop.sendfile(writer.transport, file))
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls[0]) as server:
            reader, writer = await asyncio.open_connection(
                *server.sockets[0].getsockname(), ssl=tls[1], server_hostname="localhost"
            )
            assert await reader.read() == DATA
            writer.close()
            await writer.wait_closed()
        assert sent == [len(DATA)]

    run(main())


def test_the_protocol_is_told_to_pause_and_to_go_on(ours: Run) -> None:
    """asyncio's own tells a protocol to go on that has never been told to pause."""
    protocol = Recorder()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with line(protocol) as (transport, peer):
            transport.set_write_buffer_limits(high=1000)
            sending = asyncio.create_task(loop.sendfile(transport, io.BytesIO(DATA)))
            received = 0
            while not sending.done():
                await asyncio.sleep(0)
                if received < len(DATA) - 1:
                    try:
                        received += len(peer.recv(min(MIB, len(DATA) - 1 - received)))
                    except BlockingIOError:
                        pass
            await sending
            transport.close()
            await read_all(peer)
            await until(lambda: protocol.is_lost)

    ours(main())
    flow = [each for each in protocol.told if each in ("pause", "resume")]
    assert flow in ([], ["pause", "resume"])


def test_nobody_writes_in_between(run: Run, file: Any) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with line(Recorder()) as (transport, peer):
            sending = asyncio.create_task(loop.sendfile(transport, file))
            await rounds(5)
            assert not sending.done()
            with pytest.raises(RuntimeError, match="sendfile is in progress"):
                transport.write(b"in between")
            reading = asyncio.create_task(read_all(peer))
            assert await sending == len(DATA)
            transport.close()
            assert await reading == DATA

    run(main())


def test_one_at_a_time(ours: Run, file: Any) -> None:
    """asyncio's own loses track of the first one."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with line(Recorder()) as (transport, peer):
            sending = asyncio.create_task(loop.sendfile(transport, file))
            await rounds(5)
            with pytest.raises(RuntimeError, match="being sent already"):
                await loop.sendfile(transport, file)
            reading = asyncio.create_task(read_all(peer))
            assert await sending == len(DATA)
            transport.close()
            assert await reading == DATA

    ours(main())


@pytest.mark.parametrize("method", ["abort", "close"])
@pytest.mark.parametrize("kind", KINDS)
def test_ended_in_the_middle(ours: Run, file: Any, method: str, kind: str) -> None:
    """asyncio's own never comes back from the native one."""
    protocol = Recorder()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with line(protocol) as (transport, peer):
            sending = asyncio.create_task(loop.sendfile(transport, KINDS[kind](file)))
            await asyncio.sleep(0.02)
            assert not sending.done()
            getattr(transport, method)()
            reading = asyncio.create_task(read_all(peer))
            with pytest.raises(ConnectionError):
                await asyncio.wait_for(sending, 10)
            await until(lambda: protocol.is_lost)
            assert len(await reading) < len(DATA)
        again = Recorder()
        async with line(again) as (transport, peer):  # it gets the same number
            peer.send(b"hello")
            await until(lambda: again.heard)

    ours(main())
    assert protocol.told.count(("lost", type(None))) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_peer_who_leaves(run: Run, file: Any, kind: str) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with line(Recorder()) as (transport, peer):
            sending = asyncio.create_task(loop.sendfile(transport, KINDS[kind](file)))
            await rounds(5)
            peer.close()
            with pytest.raises(ConnectionError):
                await sending

    run(main())


@pytest.mark.parametrize(
    ("arguments", "error"),
    [((-1,), ValueError), ((0, 0), ValueError), (("x",), TypeError), ((0, "x"), TypeError)],
)
def test_wrong_arguments(run: Run, file: Any, arguments: Any, error: type[Exception]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        one, other = tcp_pair()
        with one, other:
            with pytest.raises(error):
                await loop.sock_sendfile(one, file, *arguments)
            with pytest.raises(asyncio.SendfileNotAvailableError):
                await loop.sock_sendfile(one, io.BytesIO(b"x"), fallback=False)
            with open(file.name) as text, pytest.raises(ValueError):  # noqa: ASYNC230
                await loop.sock_sendfile(one, text)
        async with line(Recorder()) as (transport, _):
            transport.close()
            with pytest.raises(RuntimeError, match="closing"):
                await loop.sendfile(transport, file)

    run(main())
