"""The end of a loop: what is left open is warned of, and nothing else is left."""

import asyncio
import gc
import socket
import threading
import warnings
import weakref
from typing import Any

import pytest

from course_lib.eventloop.aio import new_event_loop
from tests.eventloop.aio.conftest import NewLoop
from tests.eventloop.aio.recorder import Recorder, tcp_pair
from tests.helpers import nothing_left


class Something:
    """It can be seen to go."""


async def leave_all_open(loop: asyncio.AbstractEventLoop, peers: list[socket.socket]) -> None:
    server = await loop.create_server(Recorder, "127.0.0.1", 0)
    peers.append(socket.create_connection(server.sockets[0].getsockname()))
    sock, peer = tcp_pair()
    peers.append(peer)
    await loop.create_connection(Recorder, sock=sock)
    await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
    loop.add_reader(peer, print)
    loop.call_later(100, print)
    await loop.run_in_executor(None, threading.get_ident)


def test_all_is_left_open(new_loop: NewLoop) -> None:
    peers: list[socket.socket] = []
    loop = new_loop()
    with nothing_left():
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            loop.run_until_complete(leave_all_open(loop, peers))
            loop.close()
            for peer in peers:
                peer.close()
            del loop, peer
            gc.collect()
        texts = sorted(str(each.message).split("<")[0] for each in warned)
        assert all(each.category is ResourceWarning for each in warned)
        assert set(texts) == {"unclosed ", "unclosed transport "}


@pytest.mark.parametrize("waiting", ["nothing", "callback", "timer", "reader", "task"])
def test_nothing_keeps_a_closed_loop(new_loop: NewLoop, waiting: str) -> None:
    gc.collect()
    gc.disable()
    try:
        loop, thing = new_loop(), Something()
        sock, peer = socket.socketpair()
        if waiting == "callback":
            loop.call_soon(print, thing)
        elif waiting == "timer":
            loop.call_later(100, print, thing)
        elif waiting == "reader":
            loop.add_reader(sock, print, thing)
        elif waiting == "task":
            loop.run_until_complete(asyncio.sleep(0))
        gone = weakref.ref(loop), weakref.ref(thing)
        loop.close()
        del thing
        assert gone[1]() is None, "a closed loop keeps what it will never call"
        del loop
        assert gone[0]() is None
        sock.close()
        peer.close()
    finally:
        gc.enable()


def test_a_finished_program_leaves_no_cycles() -> None:
    async def echo(reader: Any, writer: Any) -> None:
        writer.write(await reader.read(100))
        writer.close()

    async def main() -> None:
        async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"hello")
            assert await reader.read(100) == b"hello"
            writer.close()
            await writer.wait_closed()
        gone.append(weakref.ref(asyncio.get_running_loop()))

    gone: list[Any] = []
    with nothing_left():
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(main())
        del runner
        gc.collect()
        assert gone[0]() is None
