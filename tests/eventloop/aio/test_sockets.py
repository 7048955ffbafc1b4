"""The fifth storey: the calls on sockets, as coroutines."""

import asyncio
import socket

import pytest

from tests.eventloop.aio.conftest import Run
from tests.eventloop.aio.recorder import Recorder, line, pattern, read_all, rounds, tcp_pair, until
from tests.helpers import nobody_listens


def test_back_and_forth(run: Run) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        one, other = tcp_pair()
        with one, other:
            waiting = asyncio.create_task(loop.sock_recv(one, 100))
            await rounds()
            await loop.sock_sendall(other, bytearray(b"hello"))
            assert await waiting == b"hello"
            await loop.sock_sendall(other, memoryview(b"again"))
            buffer = bytearray(100)
            assert await loop.sock_recv_into(one, buffer) == 5 and buffer[:5] == b"again"
            other.shutdown(socket.SHUT_WR)
            assert await loop.sock_recv(one, 100) == b""

    run(main())


def test_both_ways_at_once_and_more_than_the_kernel_holds(run: Run) -> None:
    async def main() -> None:
        loop, data = asyncio.get_running_loop(), pattern(8 * 1024 * 1024)
        one, other = tcp_pair()

        async def says(sock: socket.socket) -> None:
            await loop.sock_sendall(sock, data)
            sock.shutdown(socket.SHUT_WR)

        with one, other:
            _, _, first, second = await asyncio.gather(says(one), says(other), read_all(one), read_all(other))
        assert first == data and second == data

    run(main())


def test_cancelled_while_it_waits(run: Run) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        one, other = tcp_pair()
        with one, other:
            waiting = asyncio.create_task(loop.sock_recv(one, 100))
            await rounds()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await loop.sock_sendall(other, b"kept")
            assert await loop.sock_recv(one, 100) == b"kept"
            assert not loop.remove_reader(one)

    run(main())


def test_accept_and_connect(run: Run) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as client:
            listener.setblocking(False)
            client.setblocking(False)
            accepting = asyncio.create_task(loop.sock_accept(listener))
            await loop.sock_connect(client, listener.getsockname())
            connection, address = await accepting
            with connection:
                assert address == client.getsockname() and connection.gettimeout() == 0
        with nobody_listens() as address, socket.socket() as client:
            client.setblocking(False)
            with pytest.raises(ConnectionRefusedError):
                await loop.sock_connect(client, address)

    run(main())


def test_datagrams(run: Run) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        one, other = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        with one, other:
            for sock in (one, other):
                sock.setblocking(False)
                sock.bind(("127.0.0.1", 0))
            waiting = asyncio.create_task(loop.sock_recvfrom(one, 100))
            await rounds()
            assert await loop.sock_sendto(other, b"hello", one.getsockname()) == 5
            assert await waiting == (b"hello", other.getsockname())
            await loop.sock_sendto(other, b"", one.getsockname())
            buffer = bytearray(10)
            assert await loop.sock_recvfrom_into(one, buffer) == (0, other.getsockname())

    run(main())


def test_debug_asks_for_non_blocking_sockets(run: Run) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        one, other = socket.socketpair()
        with one, other:
            for coroutine in (loop.sock_recv(one, 1), loop.sock_sendall(one, b"!"), loop.sock_accept(one)):
                with pytest.raises(ValueError, match="must be non-blocking"):
                    await coroutine

    run(main(), debug=True)


def test_a_socket_that_belongs_to_a_transport(run: Run) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with line(Recorder()) as (transport, _):
            fd = transport.get_extra_info("socket").fileno()
            sock = socket.socket(fileno=fd)
            sock.setblocking(False)
            try:
                with pytest.raises(RuntimeError, match="is used by transport"):
                    await loop.sock_recv(sock, 1)
            finally:
                sock.detach()

    run(main())


def test_a_server_of_coroutines(run: Run) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()

        async def echo(connection: socket.socket) -> None:
            with connection:
                while data := await loop.sock_recv(connection, 1000):
                    await loop.sock_sendall(connection, data)

        async def client(address: tuple[str, int], number: int) -> bytes:
            with socket.socket() as sock:
                sock.setblocking(False)
                await loop.sock_connect(sock, address)
                await loop.sock_sendall(sock, b"%d" % number)
                sock.shutdown(socket.SHUT_WR)
                return await read_all(sock)

        with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
            listener.setblocking(False)
            clients = [asyncio.create_task(client(listener.getsockname(), each)) for each in range(50)]
            echoes = []
            for _ in clients:
                connection, _ = await loop.sock_accept(listener)
                echoes.append(asyncio.create_task(echo(connection)))
            assert await asyncio.gather(*clients) == [b"%d" % each for each in range(50)]
            await until(lambda: all(task.done() for task in echoes))

    run(main())
