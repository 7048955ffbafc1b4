import errno
import resource
import socket
from collections.abc import Iterator

import pytest

from course_lib.eventloop import Acceptor, Reactor
from course_lib.eventloop.acceptor import BATCH, PAUSE
from course_lib.eventloop.fake_time import FakeTime
from tests.helpers import connect, nothing_left


class Door:
    """An acceptor that is turned by hand, and what it has told."""

    def __init__(self) -> None:
        self.time = FakeTime()
        self.reactor = Reactor(self.time, self.time.clock)
        self.errors: list[BaseException] = []
        self.reactor.on_error = self.errors.append
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.address = self.listener.getsockname()
        self.clients: list[socket.socket] = []
        self.crowded: list[OSError] = []
        self.acceptor = Acceptor(self.reactor, self.listener, self.clients.append, self.crowded.append)

    def turn(self) -> None:
        self.reactor.run_once(0)

    def close(self) -> None:
        self.acceptor.close()
        self.acceptor.close()
        for sock in self.clients:
            sock.close()
        self.reactor.close()
        self.listener.close()


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    with nothing_left():
        yield


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.close()


def test_clients_are_let_in_by_the_batch(door: Door) -> None:
    guests = [connect(door.address) for _ in range(BATCH + 3)]
    door.turn()
    assert len(door.clients) == BATCH
    door.turn()
    assert len(door.clients) == BATCH + 3
    for guest in guests:
        guest.close()


def test_one_that_raises_is_closed_and_the_next_is_let_in(door: Door) -> None:
    def fail(sock: socket.socket) -> None:
        raise OSError(errno.EMFILE, "planted: it is the client's error, not that of accept")

    door.acceptor._on_client = fail
    with connect(door.address) as first:
        door.turn()
        assert first.recv(1) == b""
    assert len(door.errors) == 1
    assert door.crowded == []
    door.acceptor._on_client = door.clients.append
    with connect(door.address):
        door.turn()
    assert len(door.clients) == 1


def test_without_room_it_waits_and_tells_it_once(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    guests = [connect(door.address) for _ in range(3)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        for _ in range(3):  # each pause ends, and there is still no room
            before = door.time.now
            door.turn()
            assert door.listener.fileno() not in door.reactor._registered  # it would be ready all the time
            door.reactor.run_once()
            assert door.time.now - before >= PAUSE
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert [error.errno for error in door.crowded] == [errno.EMFILE]
    door.turn()
    assert len(door.clients) == 3
    assert door.errors == []
    for guest in guests:
        guest.close()


def test_closed_while_it_pauses(door: Door) -> None:
    door.acceptor._pause()
    door.acceptor.close()
    assert len(door.reactor._timers) == 0


def test_closed_it_lets_nobody_in(door: Door) -> None:
    door.acceptor.close()
    with connect(door.address):  # the kernel does, as long as the listener is open
        door.turn()
    assert door.clients == []
