"""A transport over a real pair of sockets, on a reactor that the test turns by hand."""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from course_lib.eventloop import READ, WRITE, Protocol, Reactor, Transport
from tests.helpers import nothing_left, pattern, reset

MIB = 1024 * 1024


class Recorder(Protocol):
    """Writes down what it is told. ``keeps_open`` is its answer to the end of the stream."""

    def __init__(self, keeps_open: bool = False) -> None:
        self.told: list[object] = []
        self.keeps_open = keeps_open

    def connection_made(self, transport: Transport) -> None:
        self.told.append("made")

    def data_received(self, data: bytes) -> None:
        self.told.append(data)

    def eof_received(self) -> bool:
        self.told.append("eof")
        return self.keeps_open

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")

    def connection_lost(self, error: Exception | None) -> None:
        self.told.append(("lost", type(error)))


class Line:
    """A transport, its protocol, and the peer's socket."""

    def __init__(self, protocol: Protocol, **watermarks: int) -> None:
        self.reactor = Reactor()
        self.errors: list[BaseException] = []
        self.reactor.on_error = self.errors.append
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.peer = socket.create_connection(listener.getsockname(), timeout=5)
            self.sock, _ = listener.accept()
        self.protocol = protocol
        self.transport = Transport(self.reactor, self.sock, protocol, **watermarks)

    def turn_until(self, condition: Callable[[], object]) -> None:
        deadline = self.reactor.time() + 5
        while not condition():
            assert self.reactor.time() < deadline, f"not within 5 s; told {self.protocol.told!r}"
            self.reactor.run_once(0.01)

    def settle(self) -> None:
        """Turn until nothing is to be done at once, three times in a row."""
        for _ in range(3):
            self.reactor.run_once(0.005)

    @property
    def watched(self) -> int:
        registration = self.reactor._registered.get(self.sock.fileno())
        return registration.events if registration else 0

    def close(self) -> None:
        self.transport.abort()
        self.reactor.run_once(0)
        self.reactor.close()
        self.peer.close()


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    with nothing_left():
        yield


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line(Recorder())
    yield line
    line.close()
    assert line.errors == []


def test_bytes_go_both_ways(line: Line) -> None:
    line.transport.write(b"to the peer")
    assert line.peer.recv(100) == b"to the peer"
    line.peer.send(b"from the peer")
    line.turn_until(lambda: len(line.protocol.told) > 1)
    assert line.protocol.told == ["made", b"from the peer"]
    assert line.watched == READ  # never for writing: there was always room


def fill(line: Line) -> int:
    """Write until bytes wait, and return how many were written in all."""
    written = 0
    while not line.transport.pending:
        line.transport.write(pattern(MIB))
        written += MIB
    return written


def test_what_has_no_room_waits_and_write_is_watched_only_so_long(line: Line) -> None:
    written = fill(line)
    assert line.watched == READ | WRITE
    assert line.transport.pending < written
    got = bytearray()
    while len(got) < written:
        got += line.peer.recv(65536)
        line.reactor.run_once(0)
    line.settle()
    assert got == pattern(MIB) * (written // MIB)
    assert line.watched == READ
    assert line.protocol.told == ["made", "pause", "resume"]


def test_new_bytes_stay_behind_those_that_wait(line: Line) -> None:
    written = fill(line)
    got = bytearray()
    while len(got) < written - line.transport.pending:
        got += line.peer.recv(65536)  # so there is room in the kernel, and the reactor does not know it yet
    line.transport.write(b"the tail")
    while len(got) < written + 8:
        line.reactor.run_once(0)
        got += line.peer.recv(65536)
    assert got[:written] == pattern(MIB) * (written // MIB)
    assert got[written:] == b"the tail"


def test_readiness_is_a_hint(line: Line) -> None:
    line.transport.on_ready(READ | WRITE)  # as when somebody else has taken the bytes
    line.settle()
    assert line.protocol.told == ["made"]


def test_the_watermarks_are_told_once_each() -> None:
    line = Line(Recorder(), high=1000, low=10)
    fill(line)
    for _ in range(5):
        line.transport.write(b"more")
    assert line.protocol.told == ["made", "pause"]
    while line.transport.pending > 10:
        line.peer.recv(65536)
        line.reactor.run_once(0)
    assert line.protocol.told == ["made", "pause", "resume"]
    line.close()


def test_paused_it_reads_nothing(line: Line) -> None:
    line.transport.pause_reading()
    line.peer.send(b"x")
    line.settle()
    assert line.protocol.told == ["made"]
    assert line.watched == 0
    line.transport.resume_reading()
    line.turn_until(lambda: b"x" in line.protocol.told)


def test_close_sends_what_waits_first(line: Line) -> None:
    written = fill(line)
    line.transport.close()
    line.transport.write(b"too late")
    assert ("lost", type(None)) not in line.protocol.told
    got = bytearray()
    while chunk := line.peer.recv(65536):
        got += chunk
        line.reactor.run_once(0)
    assert len(got) == written
    line.settle()
    assert line.protocol.told[-1] == ("lost", type(None))


def test_abort_loses_what_waits(line: Line) -> None:
    written = fill(line)
    line.transport.abort()
    line.transport.abort()
    assert line.transport.pending == 0
    assert len(line.reactor._registered) == 1  # its own: the number of a closed socket is soon another's
    line.reactor.run_once(0)
    assert line.protocol.told == ["made", "pause", ("lost", type(None))]
    got = bytearray()
    while chunk := line.peer.recv(65536):
        got += chunk
    assert len(got) < written


def test_the_protocol_hears_of_the_loss_when_it_is_in_the_middle_of_nothing(line: Line) -> None:
    line.transport.close()
    assert line.protocol.told == ["made"]
    line.reactor.run_once(0)
    assert line.protocol.told == ["made", ("lost", type(None))]


def test_the_peers_end_closes(line: Line) -> None:
    line.peer.shutdown(socket.SHUT_WR)
    line.turn_until(lambda: ("lost", type(None)) in line.protocol.told)
    assert line.protocol.told == ["made", "eof", ("lost", type(None))]
    assert line.peer.recv(1) == b""


def test_a_half_closed_connection_can_still_be_written_to() -> None:
    line = Line(Recorder(keeps_open=True))
    line.peer.shutdown(socket.SHUT_WR)
    line.turn_until(lambda: "eof" in line.protocol.told)
    line.settle()
    assert line.watched == 0  # at the end of a stream it would be readable for ever
    line.transport.resume_reading()
    assert line.watched == 0
    line.transport.write(b"still here")
    assert line.peer.recv(100) == b"still here"
    line.close()


def test_write_eof_half_closes_after_the_last_byte(line: Line) -> None:
    written = fill(line)
    line.transport.write_eof()
    line.transport.write(b"too late")
    got = bytearray()
    while chunk := line.peer.recv(65536):
        got += chunk
        line.reactor.run_once(0)
    assert len(got) == written
    line.peer.send(b"heard")
    line.turn_until(lambda: b"heard" in line.protocol.told)
    assert line.watched == READ


def test_a_reset_is_told(line: Line) -> None:
    reset(line.peer)
    line.turn_until(lambda: len(line.protocol.told) > 1)
    assert line.protocol.told == ["made", ("lost", ConnectionResetError)]
    line.transport.write(b"nobody hears it")
    line.transport.write_eof()
    line.transport.close()
    line.transport.pause_reading()
    line.transport.resume_reading()
    line.settle()
    assert len(line.protocol.told) == 2  # once


def test_a_reset_is_told_while_bytes_wait_and_reading_is_paused() -> None:
    line = Line(Recorder())
    fill(line)
    line.transport.pause_reading()
    reset(line.peer)
    line.turn_until(lambda: isinstance(line.protocol.told[-1], tuple))
    assert line.protocol.told[-1][1] in (ConnectionResetError, BrokenPipeError)
    line.close()
    assert line.errors == []


def fail(*_: object) -> None:
    raise ValueError("planted")


@pytest.mark.parametrize("where", ["data_received", "eof_received", "resume_writing"])
def test_a_protocol_that_raises_loses_its_connection(where: str) -> None:
    protocol = type("Failing", (Recorder,), {where: fail})()
    line = Line(protocol, high=1000)
    if where == "resume_writing":
        fill(line)
    line.peer.send(b"x")
    line.peer.shutdown(socket.SHUT_WR)
    line.peer.setblocking(False)

    def lost() -> bool:
        with suppress(BlockingIOError, ConnectionError):
            line.peer.recv(65536)
        return ("lost", type(None)) in protocol.told

    line.turn_until(lost)
    assert [str(error) for error in line.errors] == ["planted"]
    line.close()


def test_a_protocol_that_raises_at_once_loses_its_connection() -> None:
    reactor = Reactor()
    ours, theirs = socket.socketpair()
    with theirs:
        with pytest.raises(ValueError, match="planted"):
            Transport(reactor, ours, type("Failing", (Recorder,), {"connection_made": fail})())
        assert theirs.recv(1) == b""
    reactor.close()


def test_a_greedy_peer_gets_one_read_a_round(line: Line) -> None:
    line.peer.settimeout(0.2)
    try:
        while True:
            line.peer.send(bytes(256 * 1024))
    except TimeoutError:
        pass  # its and our kernel are full
    line.reactor.run_once(1)
    assert len(line.protocol.told) == 2
    line.reactor.run_once(1)
    assert len(line.protocol.told) == 3


def test_the_repr(line: Line) -> None:
    assert repr(line.transport) == f"<Transport {line.sock.fileno()} open>"
    line.transport.close()
    assert repr(line.transport) == "<Transport -1 lost>"
