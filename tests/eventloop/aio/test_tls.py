"""The sixth storey: TLS, in both roles, and put upon a connection later."""

import asyncio
import ssl
from typing import Any

import pytest

from tests.eventloop.aio.conftest import Run
from tests.eventloop.aio.recorder import Recorder, line, pattern, rounds, until

Contexts = tuple[ssl.SSLContext, ssl.SSLContext]
MIB = 1024 * 1024


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(64 * 1024):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes) -> bytes:
    async def says() -> None:
        writer.write(data)
        await writer.drain()

    saying = asyncio.create_task(says())
    answer = await reader.readexactly(len(data))
    await saying
    writer.close()
    await writer.wait_closed()
    return answer


def test_both_ways(run: Run, tls: Contexts) -> None:
    async def main() -> None:
        data = pattern(3 * MIB)
        async with await asyncio.start_server(echo, "127.0.0.1", 0, ssl=tls[0]) as server:
            address = server.sockets[0].getsockname()
            streams = [
                await asyncio.open_connection(*address, ssl=tls[1], server_hostname="localhost")
                for _ in range(3)
            ]
            writer = streams[0][1]
            assert writer.get_extra_info("peername") == address
            assert writer.get_extra_info("ssl_object").version().startswith("TLS")
            assert writer.get_extra_info("peercert")["subjectAltName"][0] == ("DNS", "localhost")
            answers = await asyncio.gather(*[talk(*each, data) for each in streams])
            assert answers == [data] * 3

    run(main())


def test_put_upon_a_connection(run: Run, tls: Contexts) -> None:
    async def main() -> None:
        loop, data = asyncio.get_running_loop(), pattern(MIB)
        secured: asyncio.Future[Any] = loop.create_future()
        kept: list[asyncio.StreamWriter] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            assert await reader.readline() == b"STARTTLS\n"
            writer.write(b"go\n")
            await writer.drain()
            transport = await loop.start_tls(
                writer.transport, protocol := Recorder(), tls[0], server_side=True
            )
            protocol.transport = transport
            kept.append(writer)  # who would end the connection with its end
            secured.set_result(protocol)

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            address = server.sockets[0].getsockname()
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"STARTTLS\n")
            assert await reader.readline() == b"go\n"
            with pytest.raises(TypeError):
                await loop.start_tls(writer.transport, Recorder(), "no context")  # type: ignore[arg-type]
            client = Recorder()
            transport = await loop.start_tls(writer.transport, client, tls[1], server_hostname="localhost")
            protocol = await secured
            assert transport and protocol.told == client.told == [], "they were connected before"
            transport.write(data)
            protocol.transport.write(data[::-1])
            await until(lambda: protocol.heard == data and client.heard == data[::-1])
            transport.close()
            await until(lambda: client.is_lost and protocol.is_lost)
        for each in (writer, *kept):
            each.close()
        await rounds()

    run(main())


def test_a_client_who_does_not_trust_us(run: Run, tls: Contexts) -> None:
    async def main() -> None:
        protocol = Recorder()
        server = await asyncio.get_running_loop().create_server(lambda: protocol, "127.0.0.1", 0, ssl=tls[0])
        address = server.sockets[0].getsockname()
        stranger = ssl.create_default_context()
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection(*address, ssl=stranger, server_hostname="localhost")
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection(*address, ssl=tls[1], server_hostname="elsewhere")
        # One who speaks no TLS at all is shown the door.
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        await reader.read()
        writer.close()
        server.close()
        await server.wait_closed()
        assert protocol.told == []

    run(main())
    told = [context["message"] for context in run.take()]  # by asyncio's own in debug mode
    assert set(told) <= {"Error on transport creation for incoming connection"}


def test_a_handshake_that_never_ends(run: Run, tls: Contexts) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with line(Recorder()) as (transport, _):
            with pytest.raises(ConnectionAbortedError, match="SSL handshake is taking longer"):
                await loop.start_tls(
                    transport, Recorder(), tls[1], server_hostname="localhost", ssl_handshake_timeout=0.05
                )
            assert transport.is_closing()

    run(main())


def test_cancelled_in_the_handshake(run: Run, tls: Contexts) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Recorder, "127.0.0.1", 0)
        connecting = asyncio.create_task(
            loop.create_connection(
                Recorder, *server.sockets[0].getsockname(), ssl=tls[1], server_hostname="localhost"
            )
        )
        await rounds(30)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        server.close()
        await rounds(10)

    run(main())


@pytest.mark.parametrize(
    "options",
    [
        {"ssl_handshake_timeout": 1},
        {"ssl_shutdown_timeout": 1},
        {"server_hostname": "localhost"},
        {"ssl": True, "host": None, "port": None},
    ],
)
def test_wrong_options(run: Run, options: dict[str, Any]) -> None:
    async def main() -> None:
        arguments = {"host": "127.0.0.1", "port": 1} | options
        with pytest.raises(ValueError):
            await asyncio.get_running_loop().create_connection(Recorder, **arguments)

    run(main())
