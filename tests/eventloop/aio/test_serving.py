"""The eighth storey: servers."""

import asyncio
import errno
import os
import resource
import socket
from typing import Any

import pytest

from tests.eventloop.aio.conftest import Run
from tests.eventloop.aio.recorder import Recorder, rounds, until


class Guests:
    """Makes a protocol for each connection, and keeps them."""

    def __init__(self, **on: Any) -> None:
        self.all: list[Recorder] = []
        self.on = on

    def __call__(self) -> Recorder:
        self.all.append(Recorder(**self.on))
        return self.all[-1]


async def client(server: asyncio.Server) -> asyncio.Transport:
    transport, _ = await asyncio.get_running_loop().create_connection(
        Recorder, *server.sockets[0].getsockname()[:2]
    )
    return transport


def test_several_hosts(run: Run) -> None:
    async def main() -> None:
        loop, guests = asyncio.get_running_loop(), Guests()
        server = await loop.create_server(guests, ["127.0.0.1", "127.0.0.2", "127.0.0.1"], 0)
        assert sorted(sock.getsockname()[0] for sock in server.sockets) == ["127.0.0.1", "127.0.0.2"]
        for sock in server.sockets:
            transport, _ = await loop.create_connection(Recorder, *sock.getsockname())
            transport.close()
        await until(lambda: len(guests.all) == 2 and all(guest.is_lost for guest in guests.all))
        server.close()
        assert server.sockets == () and not server.is_serving()

    run(main())


def test_one_that_begins_later(run: Run) -> None:
    async def main() -> None:
        loop, guests = asyncio.get_running_loop(), Guests()
        server = await loop.create_server(guests, "127.0.0.1", 0, start_serving=False)
        assert not server.is_serving() and server.get_loop() is loop
        with pytest.raises(ConnectionRefusedError):
            await client(server)
        await server.start_serving()
        await server.start_serving()
        assert server.is_serving()
        transport = await client(server)
        await until(lambda: guests.all)
        transport.abort()
        server.close()
        server.close()
        await rounds()

    run(main())


def test_one_that_never_begins(run: Run) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Guests(), "127.0.0.1", 0, start_serving=False)
        address = server.sockets[0].getsockname()
        server.close()
        await asyncio.wait_for(server.wait_closed(), 5)
        with pytest.raises(RuntimeError, match="is closed"):
            await server.serve_forever()
        again = await loop.create_server(Guests(), *address)
        again.close()

    run(main())


def test_serve_forever(run: Run) -> None:
    async def main() -> None:
        loop, guests = asyncio.get_running_loop(), Guests()
        server = await loop.create_server(guests, "127.0.0.1", 0, start_serving=False)
        forever = asyncio.create_task(server.serve_forever())
        await until(server.is_serving)
        with pytest.raises(RuntimeError, match="already being awaited"):
            await server.serve_forever()
        (await client(server)).abort()
        await until(lambda: guests.all and guests.all[0].is_lost)
        forever.cancel()
        with pytest.raises(asyncio.CancelledError):
            await forever
        assert server.sockets == ()

    run(main())


def test_closing_it_ends_serve_forever(run: Run) -> None:
    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(Guests(), "127.0.0.1", 0)
        forever = asyncio.create_task(server.serve_forever())
        await rounds()
        server.close()
        with pytest.raises(asyncio.CancelledError):
            await forever

    run(main())


@pytest.mark.parametrize("method", ["close_clients", "abort_clients"])
def test_closed_with_all_who_are_there(ours: Run, method: str) -> None:
    """asyncio has these methods from 3.13 on, and wait_closed waits from 3.12 on; ours always."""

    async def main() -> None:
        guests = Guests()
        server: Any = await asyncio.get_running_loop().create_server(guests, "127.0.0.1", 0)
        clients = [await client(server) for _ in range(3)]
        await until(lambda: len(guests.all) == 3 and all(each.transport for each in guests.all))
        guests.all[0].transport.pause_reading()
        guests.all[0].transport.write(bytes(16 * 1024 * 1024))
        server.close()
        closed = asyncio.create_task(server.wait_closed())
        await rounds(20)
        assert not closed.done() and not any(guest.is_lost for guest in guests.all)
        getattr(server, method)()
        await closed
        assert all(guest.is_lost for guest in guests.all)
        await server.wait_closed()
        for each in clients:
            each.abort()
        await rounds()

    ours(main())


def test_no_room_for_one_more(run: Run) -> None:
    async def main() -> None:
        loop, guests = asyncio.get_running_loop(), Guests()
        server = await loop.create_server(guests, "127.0.0.1", 0, backlog=4)
        with socket.socket() as first, socket.socket() as second:
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            lowest_free = os.dup(0)
            os.close(lowest_free)
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free + 1, hard))
            try:
                for sock in (first, second):
                    sock.connect(server.sockets[0].getsockname())
                await until(lambda: run.told)
                assert len(guests.all) == 1
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            await until(lambda: len(guests.all) == 2)
        contexts = run.take()
        assert all(context["exception"].errno == errno.EMFILE for context in contexts)
        assert contexts[0]["message"] == "socket.accept() out of system resource"
        assert contexts[0]["socket"].fileno() == server.sockets[0].fileno()
        await until(lambda: all(guest.is_lost for guest in guests.all))
        server.close()

    run(main())


@pytest.mark.parametrize("kind", [KeyError, asyncio.CancelledError])
def test_a_factory_that_fails(ours: Run, kind: type[BaseException]) -> None:
    """Its client is let go; the server lives on. (asyncio tells in debug mode only.)"""

    async def main() -> None:
        guests = Guests()

        def factory() -> Recorder:
            if not failed:
                failed.append(True)
                raise kind("mine")
            return guests()

        failed: list[bool] = []
        server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
        first = await client(server)
        await until(first.is_closing)
        second = await client(server)
        await until(lambda: guests.all)
        second.abort()
        server.close()
        await until(lambda: guests.all[0].is_lost)

    ours(main())
    (context,) = ours.take()
    assert type(context["exception"]) is kind
    assert context["message"] == "Error on transport creation for incoming connection"


def test_wrong_arguments(run: Run) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with socket.socket() as sock, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            for arguments in (
                {},
                {"host": "x", "port": 1, "sock": sock},
                {"sock": datagrams},
                {"port": 0, "ssl_handshake_timeout": 1},
            ):
                with pytest.raises(ValueError):
                    await loop.create_server(Guests(), **arguments)
            for arguments in ({"port": 0, "ssl": True}, {"port": 0, "nonsense": 1}):
                with pytest.raises(TypeError):
                    await loop.create_server(Guests(), **arguments)
            sock.bind(("127.0.0.1", 0))
            sock.listen()
            with pytest.raises(OSError, match="error while attempting to bind on address") as caught:
                await loop.create_server(Guests(), *sock.getsockname())
            assert caught.value.errno == errno.EADDRINUSE

    run(main())


def test_a_hundred_at_once(run: Run) -> None:
    async def main() -> None:
        guests = Guests(data_received=lambda self: self.transport.write(self.heard))
        server = await asyncio.get_running_loop().create_server(guests, "127.0.0.1", 0)

        async def talks(number: int) -> bytes:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"%3d" % number)
            answer = await reader.readexactly(3)
            writer.close()
            await writer.wait_closed()
            return answer

        answers = await asyncio.gather(*[talks(each) for each in range(100)])
        assert answers == [b"%3d" % each for each in range(100)]
        await until(lambda: all(guest.is_lost for guest in guests.all))
        server.close()

    run(main())
