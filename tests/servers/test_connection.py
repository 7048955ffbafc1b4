"""One client of a non-blocking server, over a socket pair."""

import errno
import itertools
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from course_lib.conversation import ArticleSelectors, Conversation, Echo
from course_lib.servers.connection import Connection
from tests.helpers import nothing_left, pattern, receive_exactly


class Pair:
    """A connection, its client, and the errors it reported."""

    def __init__(self, conversation: Callable[[], Conversation] = Echo, high_water: int = 1000) -> None:
        self.ours, self.client = socket.socketpair()
        self.client.settimeout(5)
        self.errors: list[BaseException] = []
        self.connection = Connection(self.ours, conversation, high_water, self.errors.append)

    def state(self) -> tuple[bool, bool, bool]:
        return self.connection.wants_read, self.connection.wants_write, self.connection.done

    def close(self) -> None:
        self.ours.close()
        self.client.close()


READING = (True, False, False)
WRITING = (False, True, False)
BOTH = (True, True, False)
DONE = (False, False, True)


@pytest.fixture
def pair() -> Iterator[Callable[..., Pair]]:
    pairs = []

    def make(*args: Any, **kwargs: Any) -> Pair:
        pairs.append(Pair(*args, **kwargs))
        return pairs[-1]

    with nothing_left():
        yield make
        for one in pairs:
            one.close()


MakePair = Callable[..., Pair]


class Hello(Echo):
    def greet(self) -> bytes:
        return b"hello"


def test_it_makes_its_socket_non_blocking(pair: MakePair) -> None:
    one = pair()
    assert one.ours.gettimeout() == 0
    assert one.connection.fileno() == one.ours.fileno()
    one.connection.receive()  # nothing is there
    assert one.state() == READING


def test_an_answer_is_kept_until_it_is_flushed(pair: MakePair) -> None:
    one = pair()
    one.client.sendall(b"abc")
    one.connection.receive()
    assert one.state() == BOTH
    assert one.connection.out == b"abc"
    one.connection.flush()
    assert one.state() == READING
    assert one.client.recv(10) == b"abc"


def test_the_greeting_is_the_first_that_is_flushed(pair: MakePair) -> None:
    one = pair(Hello)
    assert one.state() == BOTH
    one.connection.flush()
    assert one.client.recv(10) == b"hello"
    assert one.state() == READING


def test_flush_with_nothing_to_send_sends_nothing(pair: MakePair) -> None:
    one = pair()
    one.client.close()  # a send would find the pipe broken
    one.connection.flush()
    assert one.state() == READING


def test_a_partial_send_keeps_the_tail(pair: MakePair) -> None:
    data = pattern(3_000_000)

    class Long(Conversation):
        def receive(self, question: bytes) -> bytes:
            return data

    one = pair(Long)
    one.client.sendall(b"?")
    one.connection.receive()
    one.connection.flush()
    assert 0 < len(one.connection.out) < len(data)
    assert one.state() == WRITING  # more than the high-water mark is waiting
    one.connection.flush()
    one.connection.flush()  # there is no room: neither a wait nor a loss
    heard = bytearray()
    while one.connection.out:
        heard += one.client.recv(64 * 1024)
        one.connection.flush()
    heard += receive_exactly(one.client, len(data) - len(heard))
    assert heard == data
    assert one.state() == READING


@pytest.mark.parametrize(("waiting", "state"), [(9, BOTH), (10, WRITING), (11, WRITING)])
def test_the_watermark(pair: MakePair, waiting: int, state: tuple[bool, bool, bool]) -> None:
    one = pair(high_water=10)
    one.client.sendall(bytes(waiting))
    one.connection.receive()
    assert one.state() == state
    one.connection.flush()
    assert one.state() == READING


def test_the_end_of_the_stream_is_not_the_end_of_the_answers(pair: MakePair) -> None:
    one = pair()
    one.client.sendall(b"last words")
    one.client.shutdown(socket.SHUT_WR)
    one.connection.receive()
    one.connection.receive()
    assert one.connection.ended
    assert one.state() == WRITING
    one.connection.flush()
    assert one.state() == DONE
    assert one.client.recv(100) == b"last words"


def test_end_with_nothing_to_say(pair: MakePair) -> None:
    one = pair()
    one.client.shutdown(socket.SHUT_WR)
    one.connection.receive()
    assert one.state() == DONE


def test_closing_sends_what_is_left(pair: MakePair) -> None:
    class Goodbye(Conversation):
        def receive(self, data: bytes) -> bytes:
            self.closing = True
            return b"goodbye"

    one = pair(Goodbye)
    one.client.sendall(b"?")
    one.connection.receive()
    assert one.state() == WRITING
    one.connection.flush()
    assert one.state() == DONE
    assert one.client.recv(100) == b"goodbye"


def test_closing_without_a_word(pair: MakePair) -> None:
    one = pair(ArticleSelectors)
    one.client.sendall(b"close")
    one.connection.receive()
    assert one.state() == DONE


def test_a_reset_loses_the_connection(pair: MakePair) -> None:
    one = pair(Hello)
    one.connection.flush()
    one.client.close()  # with bytes unread: the other side hears of a reset
    one.connection.receive()
    assert one.connection.lost
    assert one.state() == DONE
    assert one.errors == []  # an everyday event


def test_a_client_that_left_loses_the_connection_on_the_second_send(pair: MakePair) -> None:
    one = pair(Hello)
    one.client.close()
    one.connection.flush()
    assert one.connection.lost
    assert one.state() == DONE
    one.connection.flush()  # which is quiet now
    assert one.errors == []


class Unreachable(socket.socket):
    """A socket whose network is gone."""

    error = errno.EHOSTUNREACH

    def recv(self, *args: int) -> bytes:
        raise OSError(self.error, "No route to host")

    def send(self, *args: Any) -> int:
        raise OSError(self.error, "No route to host")


@pytest.mark.parametrize("number", [errno.EHOSTUNREACH, errno.ETIMEDOUT, errno.ECONNRESET, errno.EPIPE])
@pytest.mark.parametrize("call", [Connection.receive, Connection.flush])
def test_no_network_error_of_one_client_is_raised(
    pair: MakePair, call: Callable[[Connection], None], number: int
) -> None:
    one = pair(Hello)
    with Unreachable(fileno=one.ours.detach()) as unreachable:
        unreachable.error = number
        one.connection.sock = unreachable
        call(one.connection)
        assert one.connection.lost
        assert one.state() == DONE


@pytest.mark.parametrize("moment", ["constructor", "greet", "receive", "no bytes"])
def test_an_error_in_the_conversation_is_reported_once(pair: MakePair, moment: str) -> None:
    class Failing(Hello):
        def __init__(self) -> None:
            if moment == "constructor":
                raise KeyError(moment)

        def greet(self) -> bytes:
            if moment == "greet":
                raise KeyError(moment)
            return super().greet()

        def receive(self, data: bytes) -> bytes:
            if moment == "receive":
                raise KeyError(moment)
            return None  # type: ignore[return-value]

    one = pair(Failing)
    if moment in ("receive", "no bytes"):
        assert one.state() == BOTH
        one.client.sendall(b"?")
        one.connection.receive()
    assert one.state() == DONE
    one.connection.flush()
    (error,) = one.errors
    assert isinstance(error, TypeError if moment == "no bytes" else KeyError)


def test_every_state_waits_for_something_or_is_done(pair: MakePair) -> None:
    """One that waits for nothing and is not done would stay for ever; one that is done must not wait."""
    one = pair(high_water=10)
    for out, ended, lost, closing in itertools.product((0, 1, 10), *[(False, True)] * 3):
        one.connection.out = bytearray(out)
        one.connection.ended = ended
        one.connection.lost = lost
        one.connection.conversation.closing = closing
        wants_read, wants_write, done = one.state()
        assert done != (wants_read or wants_write)
        assert wants_write == (out > 0 and not lost)
        assert wants_read == (out < 10 and not (ended or lost or closing))


def test_repr_shows_the_state(pair: MakePair) -> None:
    one = pair(Hello)
    number = one.ours.fileno()
    assert repr(one.connection) == f"<Connection {number} open, 5 bytes to send>"
    one.client.shutdown(socket.SHUT_WR)
    one.connection.receive()
    assert repr(one.connection) == f"<Connection {number} ended, 5 bytes to send>"
    one.connection.flush()
    assert repr(one.connection) == f"<Connection {number} done, 0 bytes to send>"
