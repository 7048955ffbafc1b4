"""What the reactor rung can and those below it cannot: speak first, and end gracefully."""

import socket
import threading
from collections.abc import Iterator

import pytest

from course_lib.chat import Chat, Room
from course_lib.conversation import Conversation, Echo
from course_lib.servers.reactor_loop import ReactorServer
from tests.helpers import (
    connect,
    fill,
    nothing_left,
    receive_all,
    receive_exactly,
    reset,
    round_trip,
    serving,
    wait_until,
)

MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    with nothing_left():
        yield


def expect(sock: socket.socket, text: str) -> None:
    assert receive_exactly(sock, len(text.encode())).decode() == text


def enter(address: tuple[str, int], name: str, others: str, receive_buffer: int = 0) -> socket.socket:
    sock = connect(address, receive_buffer=receive_buffer)
    expect(sock, "What is your name? ")
    sock.sendall(f"{name}\n".encode())
    expect(sock, f"* hello, {name}; here: {others}\n")
    return sock


# --- speaking first


def test_a_chat_room() -> None:
    room = Room()
    with serving(ReactorServer(conversation=lambda: Chat(room))) as running:
        with enter(running.address, "ann", "nobody else yet") as ann:
            with enter(running.address, "bob", "ann") as bob:
                expect(ann, "* bob has joined\n")
                ann.sendall(b"hello\n")
                expect(bob, "ann: hello\n")
            expect(ann, "* bob has left\n")
            with enter(running.address, "cho", "ann") as cho:
                expect(ann, "* cho has joined\n")
                reset(cho)
            expect(ann, "* cho has left\n")
    assert room.members == {}  # also when the server stops: nobody is left in the room


def test_a_slow_member_delays_nobody_and_is_dropped_at_a_limit() -> None:
    room = Room()
    line = "x" * 900
    with serving(ReactorServer(conversation=lambda: Chat(room), drop_above=256 * 1024)) as running:
        ann = enter(running.address, "ann", "nobody else yet")
        slow = enter(running.address, "slow", "ann", receive_buffer=4096)
        expect(ann, "* slow has joined\n")
        bob = enter(running.address, "bob", "ann, slow")
        expect(ann, "* bob has joined\n")
        pending, heard, left = [], bob.makefile("rb"), b"* slow has left\n"
        for _ in range(100_000):
            ann.sendall(f"{line}\n".encode())
            if (words := heard.readline()) == left:
                break
            assert words == f"ann: {line}\n".encode()  # at once, each time
            pending.append(max((t.pending for t in list(running.server.transports)), default=0))
        assert heard.readline() == f"ann: {line}\n".encode()
        heard.close()
        expect(ann, left.decode())
        assert max(pending) <= 256 * 1024
        with pytest.raises(AssertionError, match="closed after"):
            receive_exactly(slow, 64 * MIB)
        for sock in (ann, bob, slow):
            sock.close()


class Counting(Echo):
    ends = 0

    def ended(self) -> None:
        type(self).ends += 1


def test_each_conversation_is_told_of_its_end_once() -> None:
    Counting.ends = 0
    with serving(ReactorServer(conversation=Counting)) as running:
        for leave in (socket.socket.close, reset):
            sock = connect(running.address)
            round_trip(sock)
            leave(sock)
        wait_until(lambda: Counting.ends == 2)
        stays = connect(running.address)
        round_trip(stays)
    assert Counting.ends == 3
    stays.close()


class Unwilling(Conversation):
    def __init__(self) -> None:
        raise ValueError("planted")


def test_a_conversation_that_cannot_be_made_costs_its_client_the_connection() -> None:
    with serving(ReactorServer(conversation=Unwilling)) as running:
        with connect(running.address) as sock:
            assert receive_all(sock) == b""
        wait_until(lambda: running.errors)
        assert [str(error) for error in running.errors] == ["planted"]
        running.errors.clear()


# --- ending gracefully


class Answer(Conversation):
    """Answers with more than the kernel takes."""

    def receive(self, data: bytes) -> bytes:
        return bytes(8 * MIB)


def test_drain_sends_all_that_waits() -> None:
    server = ReactorServer(conversation=Answer)
    with serving(server) as running:
        with connect(running.address) as late, connect(running.address) as idle:
            late.sendall(b"?")
            wait_until(lambda: any(transport.pending for transport in list(server.transports)))
            late.sendall(b"and this stays unread" * 1000)  # which would make a close a reset
            server.drain(seconds=30)
            assert receive_all(idle) == b""
            idle.close()
            assert len(receive_all(late)) == 8 * MIB
        running.join(5)  # as soon as all have left, and not after 30 s


def test_drain_lets_nobody_in() -> None:
    server = ReactorServer()
    with serving(server) as running, connect(running.address) as stays:
        round_trip(stays)
        server.drain(seconds=30)
        assert receive_all(stays) == b""  # so it is draining
        with connect(running.address) as late:  # into the kernel's backlog
            stays.close()
            running.join(5)
            with pytest.raises((AssertionError, ConnectionError)):
                round_trip(late)


def test_drain_has_an_end() -> None:
    server = ReactorServer()
    with serving(server) as running, connect(running.address, receive_buffer=4096) as deaf:
        fill(deaf)
        server.drain(seconds=0.2)
        running.join(5)


def test_drain_from_many_threads_and_after_the_end() -> None:
    server = ReactorServer()
    with serving(server) as running:
        threads = [threading.Thread(target=server.drain) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        running.join(5)
    server.drain()


def test_stop_while_it_drains() -> None:
    server = ReactorServer()
    with serving(server) as running, connect(running.address) as stays:
        round_trip(stays)
        server.drain(seconds=30)
        assert receive_all(stays) == b""
        server.stop()
        running.join(1)
