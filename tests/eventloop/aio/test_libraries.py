"""Libraries that know nothing of our loop: they work on it as they do on asyncio's."""

import asyncio
import contextlib
import io
import json
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import fakeredis
import pytest
import redis.asyncio
import uvicorn
from aiohttp import web

from tests.eventloop.aio.conftest import Run
from tests.eventloop.aio.recorder import pattern, until

Contexts = tuple[ssl.SSLContext, ssl.SSLContext]


# aiohttp


async def answer(request: web.Request) -> web.Response:
    return web.json_response({"method": request.method, "name": request.query.get("name")})


async def reverse(request: web.Request) -> web.Response:
    return web.Response(body=(await request.read())[::-1])


async def count(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for number in range(100):
        await response.write(b"%d\n" % number)
    await response.write_eof()
    return response


async def shout(request: web.Request) -> web.WebSocketResponse:
    line = web.WebSocketResponse()
    await line.prepare(request)
    async for message in line:
        await line.send_str(message.data.upper())
    return line


@contextlib.asynccontextmanager
async def served(context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    application = web.Application(client_max_size=16 * 1024 * 1024)
    application.add_routes(
        [
            web.get("/", answer),
            web.post("/reverse", reverse),
            web.get("/count", count),
            web.get("/shout", shout),
        ]
    )
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        port = runner.addresses[0][1]
        yield f"https://localhost:{port}" if context else f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "tls"])
def test_aiohttp(run: Run, tls: Contexts, encrypted: bool) -> None:
    async def main() -> None:
        server, client = tls if encrypted else (None, True)
        connector = aiohttp.TCPConnector(ssl=client, limit=4)  # type: ignore[arg-type]
        async with served(server) as url, aiohttp.ClientSession(url, connector=connector) as session:
            await converse(session)

    run(main())


async def converse(session: aiohttp.ClientSession) -> None:
    async with session.get("/", params={"name": "you"}) as response:
        assert response.status == 200
        assert await response.json() == {"method": "GET", "name": "you"}
    body = pattern(3 * 1024 * 1024)
    async with session.post("/reverse", data=io.BytesIO(body)) as response:
        assert await response.read() == body[::-1]
    async with session.get("/count") as response:
        lines = [line async for line in response.content]
        assert lines == [b"%d\n" % number for number in range(100)]
    async with session.get("/nowhere") as response:
        assert response.status == 404
    async with session.ws_connect("/shout") as socket:
        for word in ("one", "two"):
            await socket.send_str(word)
            assert await socket.receive_str() == word.upper()

    async def one(number: int) -> str:
        async with session.get("/", params={"name": str(number)}) as response:
            return (await response.json())["name"]  # type: ignore[no-any-return]

    names = await asyncio.gather(*[one(number) for number in range(50)])
    assert names == [str(number) for number in range(50)]


def test_aiohttp_keeps_its_connections(run: Run) -> None:
    async def main() -> None:
        opened: list[str] = []
        tracing = aiohttp.TraceConfig()

        async def note(*arguments: Any) -> None:
            opened.append("opened")

        tracing.on_connection_create_end.append(note)
        async with served() as url, aiohttp.ClientSession(url, trace_configs=[tracing]) as session:
            for _ in range(5):
                async with session.get("/") as response:
                    await response.read()
        assert opened == ["opened"]

    run(main())


# uvicorn


async def application(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI application: it tells what it was asked, and echoes the body in parts."""
    assert scope["type"] == "http"
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    about = json.dumps({"method": scope["method"], "path": scope["path"], "bytes": len(body)})
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-about", about.encode())]})
    for start in range(0, len(body), 100_000):
        await send({"type": "http.response.body", "body": body[start:][:100_000], "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def test_uvicorn(run: Run) -> None:
    async def main() -> None:
        config = uvicorn.Config(
            application, port=0, lifespan="off", ws="none", log_config=None, http="h11", loop="none"
        )
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server._serve([listener]))  # serve() takes the signals, for a process
        await until(lambda: server.started)
        url = "http://{}:{}".format(*listener.getsockname())
        body = pattern(1024 * 1024)
        async with aiohttp.ClientSession(url) as session:
            for number in range(3):
                async with session.post(f"/{number}", data=body) as response:
                    assert await response.read() == body
                    about = json.loads(response.headers["x-about"])
                    assert about == {"method": "POST", "path": f"/{number}", "bytes": len(body)}
        server.should_exit = True
        await serving
        listener.close()

    run(main())


# redis: its client, and fakeredis as the server, in a thread


@contextlib.asynccontextmanager
async def redis_server() -> AsyncIterator[tuple[str, int]]:
    server = fakeredis.TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[:2]  # type: ignore[misc]
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()
        thread.join()


def test_redis(run: Run) -> None:
    async def main() -> None:
        async with redis_server() as (host, port):
            async with redis.asyncio.Redis(host=host, port=port, protocol=2, decode_responses=True) as client:
                assert await client.ping()
                await client.set("name", "value" * 10_000)
                assert await client.get("name") == "value" * 10_000
                assert await client.get("nobody") is None
                async with client.pipeline() as pipeline:
                    for _ in range(10):
                        pipeline.incr("count")
                    assert await pipeline.execute() == list(range(1, 11))
                counts = await asyncio.gather(*[client.incr("count") for _ in range(20)])
                assert sorted(counts) == list(range(11, 31))
                with pytest.raises(redis.asyncio.RedisError):
                    await client.lpush("name", "not a list")

    run(main())
