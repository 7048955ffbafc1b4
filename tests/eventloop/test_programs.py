"""The same programs on our loop and on asyncio: whatever can be seen of them is equal.

asyncio has had ten years of bug reports, and so it is a good judge. Who starts, who goes on, with which
exception, in which order, at which moment: all of it is noted in both worlds, and compared.
"""

import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.eventloop.programs import Body, Player, programs
from tests.eventloop.worlds import Ours, Theirs, World
from tests.helpers import nobody_listens, nothing_left, pattern, reset


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    with nothing_left():
        yield


# --- programs as data


def check_equal(program: Body) -> None:
    ours, theirs = Player(Ours()).play(program), Player(Theirs()).play(program)
    assert ours == theirs


quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


@settings(max_examples=200, deadline=None, suppress_health_check=quiet)
@given(programs)
def test_random_programs(program: Body) -> None:
    check_equal(program)


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(max_examples=1000, deadline=None, suppress_health_check=quiet)
@given(programs)
def test_a_thousand_random_programs(program: Body) -> None:
    check_equal(program)


SLEEP = [("sleep", 1)]
TIDY = [("finally", [("sleep", 3)], [("sleep", 1)])]
REFUSING = [("try", [("sleep", 3)], "CancelledError", [("sleep", 1)])]

REMARKABLE: dict[str, Body] = {
    "in turn": [("spawn", [("sleep", 0)]), ("spawn", [("sleep", 0)]), ("await", 0), ("await", 1)],
    "what is spawned last still begins": [("spawn", SLEEP)],
    "what is left cleans up": [("spawn", TIDY), ("sleep", 1)],
    "cancelled before it begins": [("spawn", SLEEP), ("cancel", 1), ("await", 0)],
    "cancelled while another waits for it": [("spawn", SLEEP), ("cancel_later", 0, 1), ("await", 0)],
    "cancelling who waits for another": [("spawn", TIDY), ("cancel_later", 1, 0), ("await", 0)],
    "refused": [("spawn", REFUSING), ("sleep", 0), ("cancel", 1), ("await", 0)],
    "cancelling itself in its last step": [("cancel", 0)],
    "taken back": [("cancel", 0), ("uncancel",), ("sleep", 1)],
    "taken back by a limit": [("timeout", 1, [*REFUSING, ("uncancel",), ("cancel", 0)]), ("sleep", 1)],
    "no time at all": [("timeout", 0, [("sleep", 0)])],
    "two limits at once": [("timeout", 1, [("timeout", 1, [("sleep", 3)])])],
    "limit and sleep at once": [("timeout", 1, [("sleep", 1)]), ("sleep", 1)],
    "limit and cancellation at once": [("cancel_later", 1, 0), ("timeout", 1, [("sleep", 3)])],
    "gather": [("gather", [SLEEP, [("return", 2)], []], [])],
    "gather fails": [("gather", [SLEEP, [("raise", "ValueError")]], []), ("sleep", 3)],
    "gather is cancelled": [("cancel_later", 1, 0), ("gather", [TIDY, [("sleep", 3)]], [])],
    "gather is refused": [("cancel_later", 1, 0), ("gather", [REFUSING, REFUSING], [])],
    "gather is cancelled twice": [
        ("spawn", [("gather", [[("cancel", 0)]], [])]),
        ("gather", [[("raise", "ValueError")], [("cancel", 0)]], []),
    ],
    "who awaits itself can catch it": [("try", [("await_itself",)], "Exception", SLEEP)],
    "who awaits nonsense can clean up": [("finally", [("await_nonsense",)], SLEEP)],
}


@pytest.mark.parametrize("program", REMARKABLE.values(), ids=REMARKABLE)
def test_remarkable_programs(program: Body) -> None:
    check_equal(program)


def test_the_judge_sees_a_difference() -> None:
    """Were the trace blind, all of the above would mean nothing."""
    one, other = [("spawn", SLEEP), ("sleep", 0), ("await", 0)], [("spawn", SLEEP), ("await", 0)]
    assert Player(Ours()).play(one) != Player(Ours()).play(other)
    assert len(Player(Theirs()).play(one)) > 8


# --- real sockets, real time

Program = Callable[[World], Awaitable[Any]]


def on_both(program: Program) -> Any:
    """Return what it comes to, the same on both."""
    ours, theirs = (world.run(program(world)) for world in (Ours(real=True), Theirs(real=True)))
    assert ours == theirs
    return ours


def new_socket() -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)
    return sock


def new_listener() -> socket.socket:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    return listener


def new_pair() -> tuple[socket.socket, socket.socket]:
    pair = socket.socketpair()
    for sock in pair:
        sock.setblocking(False)
    return pair


async def echo(world: World, sock: socket.socket) -> None:
    with sock:
        while data := await world.recv(sock, 1000):
            await world.sendall(sock, data)


async def serve(world: World, listener: socket.socket, clients: int) -> None:
    handlers = []
    for _ in range(clients):
        sock, _address = await world.accept(listener)
        handlers.append(world.spawn(echo(world, sock)))
    await world.gather(*handlers)


async def dialogue(world: World, address: tuple[str, int], name: bytes) -> list[bytes]:
    heard = []
    with new_socket() as sock:
        await world.connect(sock, address)
        for number in range(3):
            await world.sendall(sock, b"%b says %d" % (name, number))
            heard.append(await world.recv(sock, 1000))
        sock.shutdown(socket.SHUT_WR)
        heard.append(await world.recv(sock, 1000))
    return heard


def test_an_echo_server_and_its_clients() -> None:
    async def program(world: World) -> list[list[bytes]]:
        with new_listener() as listener:
            serving = world.spawn(serve(world, listener, 3))
            talks = (dialogue(world, listener.getsockname(), name) for name in (b"one", b"two", b"three"))
            heard = await world.gather(*talks)
            await serving
        return heard

    assert on_both(program)[2] == [b"three says 0", b"three says 1", b"three says 2", b""]


def test_megabytes_in_both_directions_at_once() -> None:
    data = pattern(3_000_000)

    async def read(world: World, sock: socket.socket) -> bool:
        heard = bytearray()
        while len(heard) < len(data):
            heard += await world.recv(sock, 65536)
        return heard == data

    async def program(world: World) -> list[Any]:
        one, other = new_pair()
        with one, other:
            return await world.gather(
                *(world.sendall(sock, data) for sock in (one, other)),
                *(read(world, sock) for sock in (one, other)),
            )

    assert on_both(program) == [None, None, True, True]


def test_a_limit_and_a_cancellation_lose_no_bytes() -> None:
    async def program(world: World) -> list[Any]:
        one, other = new_pair()
        events: list[Any] = []
        with one, other:
            try:
                async with world.timeout(0.01):
                    await world.recv(one, 10)
            except TimeoutError:
                events.append("too late")
            waiting = world.spawn(world.recv(one, 10))
            await world.sleep(0)
            waiting.cancel()
            try:
                await waiting
            except world.CancelledError:
                events.append("cancelled")
            await world.sendall(other, b"hello")
            events.append(await world.recv(one, 10))
        return events

    assert on_both(program) == ["too late", "cancelled", b"hello"]


def test_connections_that_fail() -> None:
    async def program(world: World) -> list[str]:
        events = []
        with new_listener() as listener, new_socket() as client:
            await world.connect(client, listener.getsockname())
            sock, _ = await world.accept(listener)
            world.call_later(0.01, reset, sock)
            try:
                await world.recv(client, 10)
            except OSError as error:
                events.append(type(error).__name__)
        with nobody_listens() as address, new_socket() as client:
            try:
                await world.connect(client, address)
            except OSError as error:
                events.append(type(error).__name__)
        return events

    assert on_both(program) == ["ConnectionResetError", "ConnectionRefusedError"]
