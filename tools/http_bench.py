"""What an HTTP request costs an aiohttp server on asyncio's loop, on ours and, where it is there, on uvloop.

    python tools/http_bench.py [--rounds 7] [--seconds 1] [--connections 50]

Each server runs in a process of its own, warmed up. They are measured in turns; what counts is the ratio of
CPU time per request to asyncio's, taken round by round.
"""

import argparse
import asyncio
import importlib.util
import socket
import statistics
import subprocess
import sys
import time
from typing import Any

import psutil

from course_lib.eventloop import Protocol, Reactor, Transport, new_event_loop

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def serve(name: str) -> None:
    """Serve until killed; print the port."""
    from aiohttp import web

    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="hello, world")

    async def main() -> None:
        app = web.Application()
        app.router.add_get("/", hello)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        print(site._server.sockets[0].getsockname()[1], flush=True)  # type: ignore[union-attr]
        await asyncio.Event().wait()

    factories: dict[str, Any] = {"asyncio": None, "own": new_event_loop}
    if name == "uvloop":
        import uvloop

        factories[name] = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factories[name]) as runner:
        runner.run(main())


class Client(Protocol):
    """Asks again as soon as it has been answered."""

    answered = 0

    def connection_made(self, transport: Transport) -> None:
        self.transport = transport
        transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        if not data.endswith(b"hello, world"):
            raise ValueError(f"an answer in pieces, or a wrong one: {data!r}")
        Client.answered += 1
        self.transport.write(REQUEST)


def load(port: int, connections: int, seconds: float) -> int:
    """Keep so many connections busy; return the number of answers."""
    reactor, Client.answered = Reactor(), 0
    transports = []
    for _ in range(connections):
        sock = socket.create_connection(("127.0.0.1", port))
        transports.append(Transport(reactor, sock, Client()))
    reactor.call_later(seconds, reactor.stop)
    reactor.run_forever()
    for transport in transports:
        transport.abort()
    reactor.run_once(0)
    reactor.close()
    return Client.answered


def measure(process: Any, port: int, connections: int, seconds: float) -> tuple[float, float]:
    """Return requests a second, and the server's CPU microseconds for each."""
    before = sum(process.cpu_times()[:2])
    begin = time.monotonic()
    answered = load(port, connections, seconds)
    took = time.monotonic() - begin
    return answered / took, (sum(process.cpu_times()[:2]) - before) / answered * 1e6


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--serve", choices=("asyncio", "own", "uvloop"))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--connections", type=int, default=50)
    options = parser.parse_args()
    if options.serve:
        return serve(options.serve)
    names = ["asyncio", "own"] + (["uvloop"] if importlib.util.find_spec("uvloop") else [])
    servers = {}
    for name in names:
        child = subprocess.Popen(
            [sys.executable, __file__, "--serve", name], stdout=subprocess.PIPE, text=True
        )
        servers[name] = child, int(child.stdout.readline())  # type: ignore[union-attr]
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    try:
        for _child, port in servers.values():
            load(port, options.connections, 0.3)
        for _ in range(options.rounds):
            for name, (child, port) in servers.items():
                found[name].append(
                    measure(psutil.Process(child.pid), port, options.connections, options.seconds)
                )
    finally:
        for child, _port in servers.values():
            child.kill()
            child.communicate()
    print("loop      requests/s  CPU us/request  times asyncio (round by round: low, median, high)")
    for name in names:
        ratios = sorted(
            mine[1] / theirs[1] for mine, theirs in zip(found[name], found["asyncio"], strict=True)
        )
        rate, cost = (statistics.median(each[index] for each in found[name]) for index in (0, 1))
        spread = f"{ratios[0]:.2f} {statistics.median(ratios):.2f} {ratios[-1]:.2f}"
        print(f"{name:9} {rate:10,.0f} {cost:15.1f}  {spread}")


if __name__ == "__main__":
    main()
