"""The tenth storey: datagrams."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.eventloop.aio.conftest import Run
from tests.eventloop.aio.recorder import Action, rounds, until


class Datagrams(asyncio.DatagramProtocol):
    """Writes down what it is told; ``on`` says what it does then."""

    def __init__(self, **on: Action | Any) -> None:
        self.told: list[Any] = []
        self.on = on

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.tell("datagram_received", (data, addr))

    def error_received(self, exc: Exception) -> None:
        self.tell("error_received", type(exc))

    def pause_writing(self) -> None:
        self.tell("pause_writing", "pause")

    def resume_writing(self) -> None:
        self.tell("resume_writing", "resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.tell("connection_lost", ("lost", type(exc)))

    def tell(self, name: str, what: Any) -> None:
        self.told.append(what)
        if name in self.on:
            self.on[name](self)


async def endpoint(protocol: Datagrams, **options: Any) -> Any:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: protocol, **options)
    return transport


LOCAL = ("127.0.0.1", 0)


def test_back_and_forth(run: Run) -> None:
    async def main() -> None:
        hears, says = Datagrams(), Datagrams()
        server = await endpoint(hears, local_addr=LOCAL)
        address = server.get_extra_info("sockname")
        client = await endpoint(says, remote_addr=address)
        mine = client.get_extra_info("sockname")
        assert client.get_extra_info("peername") == address
        for data in (b"one", bytearray(b"two"), memoryview(b"three")):
            client.sendto(data)
        client.sendto(b"four", address)
        await until(lambda: len(hears.told) == 4)
        assert hears.told == [(data, mine) for data in (b"one", b"two", b"three", b"four")]
        server.sendto(b"answer", mine)
        await until(lambda: says.told)
        assert says.told == [(b"answer", address)]
        for wrong in ("text", 3):
            with pytest.raises(TypeError):
                client.sendto(wrong)
        with pytest.raises(ValueError):
            client.sendto(b"!", ("127.0.0.1", 1))
        for transport in (client, server):
            transport.close()
            transport.abort()
            assert transport.is_closing()
        await rounds()
        assert says.told[-1] == hears.told[-1] == ("lost", type(None))
        client.sendto(b"too late")

    run(main())


def test_too_late(ours: Run) -> None:
    """asyncio's own fails where there is no address."""

    async def main() -> None:
        transport = await endpoint(Datagrams(), local_addr=LOCAL)
        transport.close()
        await rounds()
        transport.sendto(b"too late", LOCAL)

    ours(main())


def test_nobody_there(run: Run) -> None:
    async def main() -> None:
        protocol = Datagrams()
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.bind(LOCAL)
            transport = await endpoint(protocol, remote_addr=sock.getsockname())
            sock.connect(sock.getsockname())  # it is deaf to all but itself, and nobody else can be there
            transport.sendto(b"hello")
            await until(lambda: protocol.told == [ConnectionRefusedError])
        assert not transport.is_closing(), "a datagram that is lost ends nothing"
        transport.close()
        await rounds()

    run(main())


@pytest.mark.parametrize("kind", [KeyError, asyncio.CancelledError])
@pytest.mark.parametrize("callback", ["datagram_received", "error_received"])
def test_a_protocol_that_fails_is_told_of_the_next(
    run: Run, callback: str, kind: type[BaseException]
) -> None:
    async def main() -> None:
        def fail(self: Datagrams) -> None:
            if len(self.told) == 1:
                raise kind("mine")

        protocol = Datagrams(**{callback: fail})
        with socket.socket(type=socket.SOCK_DGRAM) as peer:
            peer.bind(LOCAL)
            address = peer.getsockname()
            transport = await endpoint(protocol, remote_addr=address)
            mine = transport.get_extra_info("sockname")
            if callback == "datagram_received":
                peer.sendto(b"one", mine)
        if callback == "error_received":
            transport.sendto(b"nobody is there")
        await until(lambda: len(run.told) == 1)
        with socket.socket(type=socket.SOCK_DGRAM) as peer:
            peer.bind(address)
            peer.sendto(b"two", mine)
            await until(lambda: (b"two", address) in protocol.told)
        assert not transport.is_closing()
        transport.close()
        await rounds()

    run(main())
    (context,) = run.take()
    assert type(context["exception"]) is kind


async def full_pair(tmp_path: Path, protocol: Datagrams) -> tuple[Any, socket.socket, int]:
    """Return a transport whose peer has no room, the peer, and how many it has to read."""
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    peer.bind(str(tmp_path / "peer"))
    peer.setblocking(False)
    transport = await endpoint(protocol, family=socket.AF_UNIX, remote_addr=str(tmp_path / "peer"))
    count = 0
    while not transport.get_write_buffer_size():
        transport.sendto(b"%d" % count)
        count += 1
    return transport, peer, count


def test_no_room(ours: Run, tmp_path: Path) -> None:
    async def main() -> None:
        protocol = Datagrams()
        transport, peer, count = await full_pair(tmp_path, protocol)
        transport.set_write_buffer_limits(high=1000)
        for _ in range(3):
            transport.sendto(bytes(500))
        assert protocol.told == ["pause"]
        with peer:
            for number in range(count):
                assert await asyncio.get_running_loop().sock_recv(peer, 100) == b"%d" % number
            await until(lambda: protocol.told[-1] == "resume")
            assert transport.get_write_buffer_size() == 0
            transport.close()
            await rounds()
        assert protocol.told == ["pause", "resume", ("lost", type(None))]

    ours(main())


@pytest.mark.parametrize("ends", [True, False])
def test_a_peer_who_leaves_while_something_waits(ours: Run, tmp_path: Path, ends: bool) -> None:
    async def main() -> None:
        protocol = Datagrams()
        if ends:
            protocol.on["error_received"] = lambda self: self.transport.abort()
        transport, peer, _ = await full_pair(tmp_path, protocol)
        transport.sendto(b"another one")
        peer.close()
        await until(lambda: ConnectionRefusedError in protocol.told or ConnectionResetError in protocol.told)
        if not ends:
            await until(lambda: transport.get_write_buffer_size() == 0)
            transport.close()
        await until(lambda: protocol.told[-1] == ("lost", type(None)))
        assert protocol.told.count(("lost", type(None))) == 1

    ours(main())


def test_a_socket_of_ones_own(run: Run) -> None:
    async def main() -> None:
        protocol = Datagrams()
        sock = socket.socket(type=socket.SOCK_DGRAM)
        sock.bind(LOCAL)
        transport = await endpoint(protocol, sock=sock)
        with socket.socket(type=socket.SOCK_DGRAM) as peer:
            peer.sendto(b"", sock.getsockname())
            peer.sendto(b"hello", sock.getsockname())
            await until(lambda: len(protocol.told) == 2)
        assert [each[0] for each in protocol.told] == [b"", b"hello"]
        transport.close()
        await rounds()
        with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as again:
            for options in ({"sock": stream}, {"sock": again, "local_addr": LOCAL}, {}):
                with pytest.raises(ValueError):
                    await endpoint(protocol, **options)

    run(main())
