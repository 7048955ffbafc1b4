"""The fourth storey: a reader and a writer for each descriptor."""

import asyncio
import contextvars
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.eventloop.aio.conftest import Run
from tests.eventloop.aio.recorder import Recorder, line, rounds

Loop = asyncio.AbstractEventLoop
number: contextvars.ContextVar[int] = contextvars.ContextVar("number", default=0)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def turn(loop: Loop, count: int = 2) -> None:
    for _ in range(count):
        loop.call_soon(loop.stop)
        loop.run_forever()


def test_a_reader_and_a_writer_of_one_socket(loop: Loop, pair: Any) -> None:
    sock, peer = pair
    told: list[str] = []
    loop.add_reader(sock, told.append, "read")
    loop.add_writer(sock.fileno(), told.append, "write")
    turn(loop)
    assert set(told) == {"write"}
    peer.send(b"!")
    told.clear()
    turn(loop)
    assert set(told) == {"read", "write"}
    assert loop.remove_writer(sock)
    told.clear()
    turn(loop)
    assert set(told) == {"read"}
    assert loop.remove_reader(sock)
    assert not loop.remove_reader(sock) and not loop.remove_writer(sock)
    told.clear()
    turn(loop)
    assert told == []


def test_a_reader_takes_the_place_of_the_one_before(loop: Loop, pair: Any) -> None:
    sock, peer = pair
    told: list[str] = []
    peer.send(b"!")
    loop.add_reader(sock, told.append, "old")
    loop.add_reader(sock, told.append, "new")
    turn(loop)
    assert set(told) == {"new"}
    loop.remove_reader(sock)


def test_a_reader_that_removes_the_writer(loop: Loop, pair: Any) -> None:
    sock, peer = pair
    told: list[str] = []
    peer.send(b"!")
    loop.add_writer(sock, told.append, "write")
    loop.add_reader(sock, lambda: (told.append("read"), loop.remove_writer(sock), loop.remove_reader(sock)))
    loop.call_later(0.02, loop.stop)
    loop.run_forever()
    assert told.count("read") == 1 and told[-1:] == ["read"]


def test_a_callback_that_raises_is_called_again(loop: Loop, pair: Any) -> None:
    sock, peer = pair
    told: list[Any] = []
    loop.set_exception_handler(lambda loop, context: told.append(context))

    def fails() -> None:
        sock.recv(1)
        raise asyncio.CancelledError if len(told) else KeyError

    peer.send(b"!!")
    loop.add_reader(sock, fails)
    turn(loop, 4)
    assert [type(context["exception"]) for context in told] == [KeyError, asyncio.CancelledError]
    assert all("handle" in context and "Exception in callback" in context["message"] for context in told)
    loop.remove_reader(sock)


def test_the_context_of_a_reader_is_that_of_who_added_it(loop: Loop, pair: Any) -> None:
    sock, peer = pair
    told: list[int] = []

    def tell() -> None:
        sock.recv(1)
        told.append(number.get())
        number.set(number.get() + 1)

    contextvars.copy_context().run(lambda: (number.set(7), loop.add_reader(sock, tell)))
    peer.send(b"!!")
    turn(loop, 4)
    assert told == [7, 8] and number.get() == 0
    loop.remove_reader(sock)


def test_a_descriptor_that_was_closed_too_early(loop: Loop) -> None:
    told: list[str] = []
    reader, writer = os.pipe()
    loop.add_reader(reader, told.append, "old")
    os.close(reader)
    os.close(writer)
    again, writer = os.pipe()
    assert again == reader, "the system gives the lowest number that is free"
    loop.remove_reader(again)
    loop.add_reader(again, told.append, "new")
    os.write(writer, b"!")
    turn(loop)
    assert set(told) == {"new"}
    loop.remove_reader(again)
    os.close(again)
    os.close(writer)


def test_a_closed_socket_can_still_be_removed(loop: Loop) -> None:
    sock, peer = socket.socketpair()
    loop.add_reader(sock, print)
    number = sock.fileno()
    sock.close()
    assert loop.remove_reader(sock)
    peer.close()
    assert not loop.remove_reader(number)


def test_what_cannot_be_watched(loop: Loop, tmp_path: Any) -> None:
    for wrong in ("no descriptor", None, object()):
        with pytest.raises(ValueError):
            loop.add_reader(wrong, print)  # type: ignore[arg-type]
    with open(tmp_path / "file", "wb") as file, pytest.raises(PermissionError):
        loop.add_reader(file, print)
    with pytest.raises(ValueError):
        loop.add_reader(-1, print)


def test_the_descriptor_of_a_transport_is_taken(run: Run) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with line(Recorder()) as (transport, _):
            fd = transport.get_extra_info("socket").fileno()
            for method in (loop.add_reader, loop.add_writer):
                with pytest.raises(RuntimeError, match="is used by transport"):
                    method(fd, print)
            for method in (loop.remove_reader, loop.remove_writer):
                with pytest.raises(RuntimeError, match="is used by transport"):
                    method(fd)
            sock = socket.fromfd(fd, socket.AF_INET, socket.SOCK_STREAM)
            sock.close()

    run(main())


def test_a_socket_has_but_one_transport(ours: Run) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        sock, peer = socket.socketpair()
        with peer:
            transport, _ = await loop.create_connection(Recorder, sock=sock)
            with pytest.raises(RuntimeError, match="is used by transport"):
                await loop.create_connection(Recorder, sock=sock)
            transport.abort()
            await rounds()

    ours(main())


def test_removing_from_a_closed_loop(loop: Loop, pair: Any) -> None:
    loop.add_reader(pair[0], print)
    loop.close()
    assert loop.remove_reader(pair[0]) is False
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        loop.add_reader(pair[0], print)


def test_a_number_that_comes_back_within_the_round(loop: Loop) -> None:
    """One callback closes the other's socket, whose number a new socket gets, for which nothing has come."""
    told: list[str] = []
    fresh: list[socket.socket] = []

    def swap(mine: socket.socket, others: socket.socket) -> None:
        if fresh:
            return
        mine.recv(1)
        number = others.fileno()
        loop.remove_reader(others)
        others.close()
        fresh.extend(socket.socketpair())
        assert fresh[0].fileno() == number
        loop.add_reader(fresh[0], told.append, "nothing has come")

    (first, one), (second, other) = socket.socketpair(), socket.socketpair()
    with first, one, second, other:
        loop.add_reader(first, swap, first, second)
        loop.add_reader(second, swap, second, first)
        one.send(b"!")
        other.send(b"!")
        turn(loop, 3)
        with fresh[0], fresh[1]:
            for sock in (each for each in (first, second, fresh[0]) if each.fileno() >= 0):
                loop.remove_reader(sock)
    assert told == []
