import os
import socket
from collections.abc import Iterator

import pytest

from course_lib.eventloop import READ, WRITE, Reactor
from course_lib.eventloop.directions import Directions
from course_lib.eventloop.fake_time import FakeTime
from tests.helpers import nothing_left

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    with nothing_left():
        time = FakeTime()
        reactor = Reactor(time, time.clock)
        errors: list[BaseException] = []
        reactor.on_error = errors.append
        yield reactor
        reactor.close()
    assert errors == []


@pytest.fixture
def directions(reactor: Reactor) -> Directions:
    return Directions(reactor)


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        yield ours, theirs


def watched(reactor: Reactor, fd: int) -> int:
    """The events for which the reactor watches it; 0 where it does not."""
    registration = reactor._registered.get(fd)
    return registration.events if registration else 0


def test_each_direction_has_its_own_callback(reactor: Reactor, directions: Directions, pair: Pair) -> None:
    ours, theirs = pair
    called: list[str] = []
    fd = directions.watch(ours, READ, lambda: called.append("read"))
    assert fd == ours.fileno()
    reactor.run_once(0)
    assert called == []
    assert directions.watch(ours, WRITE, lambda: called.append("write")) == fd
    assert watched(reactor, fd) == READ | WRITE
    reactor.run_once(0)
    assert called == ["write"]
    theirs.send(b"x")
    reactor.run_once(0)
    assert sorted(called) == ["read", "write", "write"]


@pytest.mark.parametrize("first, second", [(READ, WRITE), (WRITE, READ)])
def test_who_leaves_takes_only_his_own_direction(
    reactor: Reactor, directions: Directions, pair: Pair, first: int, second: int
) -> None:
    ours, theirs = pair
    theirs.send(b"x")
    called: list[int] = []
    for event in (first, second):
        directions.watch(ours, event, lambda event=event: called.append(event))
    directions.leave(ours.fileno(), first)
    assert watched(reactor, ours.fileno()) == second
    reactor.run_once(0)
    assert called == [second]
    directions.leave(ours.fileno(), second)
    assert watched(reactor, ours.fileno()) == 0
    reactor.run_once(0)
    assert called == [second]
    assert directions._callbacks == {}  # nothing is kept of a socket that nobody watches
    directions.watch(ours, first, lambda: called.append(first))  # and from the beginning again
    reactor.run_once(0)
    assert called == [second, first]


@pytest.mark.parametrize("event", [READ, WRITE])
def test_one_direction_is_not_for_two(directions: Directions, pair: Pair, event: int) -> None:
    ours, _ = pair
    directions.watch(ours, event, print)
    with pytest.raises(RuntimeError, match="somebody waits already"):
        directions.watch(ours, event, print)
    directions.leave(ours.fileno(), event)
    directions.watch(ours, event, print)


def test_leaving_what_is_not_watched_is_nothing(directions: Directions, pair: Pair) -> None:
    ours, _ = pair
    directions.leave(ours.fileno(), READ)
    directions.watch(ours, WRITE, print)
    directions.leave(ours.fileno(), READ)
    directions.leave(ours.fileno(), WRITE)
    directions.leave(ours.fileno(), WRITE)


def test_a_callback_may_end_the_other_direction(reactor: Reactor, directions: Directions, pair: Pair) -> None:
    ours, theirs = pair
    theirs.send(b"x")
    called: list[str] = []

    def read() -> None:
        called.append("read")
        directions.leave(ours.fileno(), READ)
        directions.leave(ours.fileno(), WRITE)

    directions.watch(ours, READ, read)
    directions.watch(ours, WRITE, lambda: called.append("write"))
    reactor.run_once(0)
    reactor.run_once(0)
    assert called.count("read") == 1
    assert called.count("write") <= 1  # it was ready in the same instant, and may have heard of it


def test_what_cannot_be_watched_is_not_kept(directions: Directions, pair: Pair) -> None:
    ours, _ = pair
    ours.close()
    with pytest.raises(ValueError, match="closed"):
        directions.watch(ours, READ, print)
    out, into = os.pipe()
    os.close(into)
    os.close(out)
    for _ in range(2):  # had it been kept, the second would be a RuntimeError
        with pytest.raises(OSError, match="Bad file descriptor"):
            directions.watch(out, READ, print)


def test_closed_while_it_was_watched(reactor: Reactor, directions: Directions, pair: Pair) -> None:
    ours, _ = pair
    fd = ours.fileno()
    directions.watch(ours, READ, print)
    directions.watch(ours, WRITE, print)
    ours.close()
    directions.leave(fd, READ)
    directions.leave(fd, WRITE)
    assert watched(reactor, fd) == 0
    for sock in (again := socket.socketpair()):  # one of them has the number now
        directions.watch(sock, READ, print)
        directions.leave(sock.fileno(), READ)
        assert watched(reactor, sock.fileno()) == 0
    for sock in again:
        sock.close()


def test_leaving_after_the_reactor_is_closed_is_nothing(pair: Pair) -> None:
    ours, _ = pair
    reactor = Reactor()
    directions = Directions(reactor)
    directions.watch(ours, READ, print)
    directions.watch(ours, WRITE, print)
    reactor.close()
    directions.leave(ours.fileno(), READ)
    directions.leave(ours.fileno(), WRITE)
