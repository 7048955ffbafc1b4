"""Random clients against a model: whatever they do, each hears its own bytes again, in order, and no others.

The server is turned by hand, between the deeds of its clients, and the buffers on the way are small: so it
meets short writes, full buffers, half-closes and resets in every order.
"""

import select
import socket
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_lib.servers.reactor_loop import ReactorServer
from tests.helpers import nothing_left, pattern, reset

SMALL = 4096
"""Bytes asked of the kernel for each buffer; it takes no fewer than its own minimum."""

DATA = pattern(8 * 1024 * 1024)


class Client:
    """What it has sent, and how much of that it has heard again."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.sock = socket.socket()
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            self.sock.setsockopt(socket.SOL_SOCKET, option, SMALL)
        self.sock.connect(address)
        self.sock.setblocking(False)
        self.sent = self.heard = 0
        self.half_closed = self.gone = self.ended = False

    @property
    def talks(self) -> bool:
        return not (self.half_closed or self.gone)

    def send(self, size: int) -> None:
        if self.talks:
            with suppress(BlockingIOError):
                self.sent += self.sock.send(DATA[self.sent : self.sent + size])

    def has_room(self) -> bool:
        """Whether it can still send, now or in an instant."""
        return self.talks and bool(select.select([], [self.sock], [], 0.002)[1])

    def read(self, size: int) -> None:
        if self.gone or self.ended:
            return
        with suppress(BlockingIOError):
            data = self.sock.recv(size)
            assert data == DATA[self.heard : self.heard + len(data)]
            self.heard += len(data)
            assert self.heard <= self.sent
            if not data:
                self.ended = True
                assert self.half_closed and self.heard == self.sent, "the server closed too soon"

    def half_close(self, _: int) -> None:
        if self.talks:
            self.half_closed = True
            self.sock.shutdown(socket.SHUT_WR)

    def reset(self, _: int) -> None:
        if not self.gone:
            self.gone = True
            reset(self.sock)

    def leave(self, _: int) -> None:
        if not self.gone:
            self.gone = True
            self.sock.close()


class World:
    def __init__(self, high_water: int) -> None:
        self.server = ReactorServer(high_water=high_water)
        self.errors: list[BaseException] = []
        self.server.on_error = self.errors.append
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):  # connections inherit it
            self.server.listener.setsockopt(socket.SOL_SOCKET, option, SMALL)
        self.clients: list[Client] = []

    def turn(self) -> None:
        self.server.reactor.run_once(0)
        for transport in self.server.transports:
            assert transport.pending <= self.server.high_water + 64 * 1024

    def do(self, deed: str, who: int, size: int) -> None:
        if deed == "connect":
            self.clients.append(Client(self.server.address))
        elif deed == "turn":
            self.turn()
        elif deed == "rest":
            self.rest()
        elif there := [client for client in self.clients if not client.gone]:
            client = there[who % len(there)]
            if deed == "pour":
                self.pour(client, size)
            else:
                getattr(client, deed)(size)

    def pour(self, client: Client, size: int) -> None:
        """Let ``client`` send ``size`` bytes and read none, or as many as all buffers on the way take."""
        end = client.sent + size
        while client.sent < end and client.has_room():
            client.send(end - client.sent)
            self.turn()

    def rest(self) -> None:
        """While no client does anything, the server soon has nothing to do. If it has, it spins."""
        for _ in range(100):
            if not self.server.reactor._poller.poll(0):
                return
            self.turn()
        raise AssertionError(f"the server spins: {self.server.reactor._registered}")

    def finish(self) -> None:
        """Let all who are still there hear all, and leave; then the server must be as it was new."""
        there = [client for client in self.clients if not client.gone]
        for client in there:
            self.turn_until(lambda client=client: client.heard == client.sent, client)
            client.half_close(0)
        for client in there:
            self.turn_until(lambda client=client: client.ended, client)
        self.turn_until(self.is_as_new)
        assert self.errors == []

    def is_as_new(self) -> bool:
        reactor = self.server.reactor  # which watches the listener, and its own waker
        # And nothing is ready: what is left ready keeps a loop awake for ever.
        return not self.server.transports and len(reactor._registered) == 2 and not reactor._poller.poll(0)

    def turn_until(self, condition, reader: Client | None = None) -> None:
        deadline = self.server.reactor.time() + 5
        while not condition():
            assert self.server.reactor.time() < deadline, (self.clients, self.server.transports)
            self.turn()
            if reader is not None:
                reader.read(65536)

    def close(self) -> None:
        for client in self.clients:
            client.sock.close()
        self.server.stop()


DEEDS = (
    ["connect"] * 2
    + ["send", "read"] * 2
    + ["pour"] * 3
    + ["turn", "rest"] * 2
    + ["half_close"] * 2
    + ["reset", "leave"]
)
sizes = st.one_of(st.integers(1, 10), st.sampled_from([1_000, 20_000, 80_000, 300_000]))
deeds = st.tuples(st.sampled_from(DEEDS), st.integers(0, 3), sizes)


def play(doings: list[tuple[str, int, int]], high_water: int) -> None:
    with nothing_left():
        world = World(high_water)
        try:
            for doing in [("connect", 0, 0), *doings]:
                world.do(*doing)
            world.finish()
        finally:
            world.close()


cases = given(st.lists(deeds, min_size=10, max_size=60), st.sampled_from([1, 1000, 100_000, 1_000_000]))
quiet = [HealthCheck.too_slow]


@settings(max_examples=400, deadline=None, suppress_health_check=quiet)
@cases
def test_each_client_hears_what_it_said(doings: list[tuple[str, int, int]], high_water: int) -> None:
    play(doings, high_water)


@pytest.mark.slow
@pytest.mark.timeout(400)
@settings(max_examples=2000, deadline=None, suppress_health_check=quiet)
@cases
def test_each_client_hears_what_it_said_two_thousand_times(
    doings: list[tuple[str, int, int]], high_water: int
) -> None:
    play(doings, high_water)
