"""The seventh storey: connections that we open."""

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.eventloop.aio.conftest import Run
from tests.eventloop.aio.recorder import Recorder, rounds, tcp_pair, until
from tests.helpers import nobody_listens


def resolved(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    """Let every name have these addresses."""

    def getaddrinfo(host: Any, port: Any, *arguments: Any, **options: Any) -> list[Any]:
        if host != "several.example":
            return real(host, port, *arguments, **options)  # type: ignore[no-any-return]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]

    real: Callable[..., Any] = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_the_first_address_that_answers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Recorder, "127.0.0.1", 0)
        alive = server.sockets[0].getsockname()
        with nobody_listens() as refusing:
            resolved(monkeypatch, refusing, alive)
            transport, _ = await loop.create_connection(Recorder, "several.example", 1)
        assert transport.get_extra_info("peername") == alive
        transport.abort()
        server.close()
        await rounds()

    run(main())


def silent_address() -> tuple[socket.socket, list[socket.socket]]:
    """Return a listener that answers no more: its backlog is full."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    waiting = []
    for _ in range(4):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(listener.getsockname())
        waiting.append(sock)
    return listener, waiting


def test_happy_eyeballs_do_not_wait_for_a_dead_address(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Recorder, "127.0.0.1", 0)
        alive = server.sockets[0].getsockname()
        listener, waiting = silent_address()
        resolved(monkeypatch, listener.getsockname(), alive)
        begin = time.monotonic()
        transport, _ = await loop.create_connection(Recorder, "several.example", 1, happy_eyeballs_delay=0.05)
        assert transport.get_extra_info("peername") == alive
        assert time.monotonic() - begin > 0.04, "the first one has a start"
        transport.abort()
        server.close()
        for sock in (listener, *waiting):
            sock.close()
        await rounds()

    run(main())


@pytest.mark.parametrize("options", [{}, {"happy_eyeballs_delay": 0.05}])
def test_nobody_answers(run: Run, monkeypatch: pytest.MonkeyPatch, options: Any) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with nobody_listens() as address, nobody_listens() as another:
            with pytest.raises(ConnectionRefusedError, match="Connect call failed"):
                await loop.create_connection(Recorder, *address, **options)
            resolved(monkeypatch, address, another)
            with pytest.raises(OSError, match=r"Multiple exceptions: \[Errno .*, \[Errno"):
                await loop.create_connection(Recorder, "several.example", 1, **options)

    run(main())


def test_all_errors_of_all_addresses(ours: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """asyncio has this from 3.12 on; we have it always."""

    async def main() -> None:
        with nobody_listens() as address, nobody_listens() as another:
            resolved(monkeypatch, address, another)
            with pytest.raises(ExceptionGroup, match="create_connection failed") as caught:
                await asyncio.get_running_loop().create_connection(
                    Recorder,
                    "several.example",
                    1,
                    all_errors=True,  # type: ignore[call-overload]
                )
        assert [type(each) for each in caught.value.exceptions] == [ConnectionRefusedError] * 2

    ours(main())


def test_from_an_address_of_ones_own(run: Run) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Recorder, "127.0.0.1", 0)
        address = server.sockets[0].getsockname()
        with socket.create_server(("127.0.0.2", 0)) as before:
            own = before.getsockname()
        transport, _ = await loop.create_connection(Recorder, *address, local_addr=own)
        assert transport.get_extra_info("sockname") == own
        transport.abort()
        with pytest.raises(OSError, match="error while attempting to bind on address"):
            await loop.create_connection(Recorder, *address, local_addr=("192.0.2.1", 0))
        server.close()
        await rounds()

    run(main())


def test_a_connection_that_was_accepted_elsewhere(run: Run) -> None:
    async def main() -> None:
        protocol = Recorder()
        ours, peer = tcp_pair()
        with peer:
            transport, _ = await asyncio.get_running_loop().connect_accepted_socket(lambda: protocol, ours)
            peer.send(b"hello")
            await until(lambda: protocol.heard)
            transport.abort()
            await rounds()

    run(main())


def test_wrong_arguments(run: Run) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with socket.socket() as sock, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            for arguments in ({}, {"host": "x", "port": 1, "sock": sock}, {"sock": datagrams}):
                with pytest.raises(ValueError):
                    await loop.create_connection(Recorder, **arguments)
            with pytest.raises(ValueError):
                await loop.connect_accepted_socket(Recorder, datagrams)

    run(main())


def test_a_cancelled_attempt(run: Run) -> None:
    async def main() -> None:
        listener, waiting = silent_address()
        attempt = asyncio.create_task(
            asyncio.get_running_loop().create_connection(Recorder, *listener.getsockname())
        )
        await rounds(20)
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
        for sock in (listener, *waiting):
            sock.close()

    run(main())
