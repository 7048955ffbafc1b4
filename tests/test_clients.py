"""The client side of the dialogue, against servers that are scripted byte by byte."""

import functools
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from course_lib.clients import Address, converse, dialogue, pair
from course_lib.conversation import ArticleBlocking, ArticleSelectors
from course_lib.servers.blocking import BlockingServer
from tests.helpers import nobody_listens, nothing_left, receive_all, receive_exactly, serving, wait_until


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    with nothing_left():
        yield


@contextmanager
def scripted(script: Callable[[socket.socket], None]) -> Iterator[Address]:
    """Serve one client with ``script``, which is given its socket; raise what the script raised."""
    failures: list[BaseException] = []

    def serve() -> None:
        try:
            sock, _ = listener.accept()
            with sock:
                sock.settimeout(5)
                script(sock)
        except BaseException as error:
            failures.append(error)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[:2]
        thread.join(5)
        assert not thread.is_alive()
    if failures:
        raise failures[0]


# dialogue


def test_the_first_dialogue() -> None:
    conversation = functools.partial(ArticleBlocking, welcome="请进", reply="听到:")
    with serving(BlockingServer(conversation=conversation)) as running:
        heard = dialogue(running.address, ["一", "two", "close"], welcome=True)
    assert heard == ["请进", "听到:一", "听到:two", "听到:close"]


def test_the_second_dialogue() -> None:
    with serving(BlockingServer(conversation=ArticleSelectors)) as running:
        heard = dialogue(running.address, ["one", "two", "close"], welcome=False)
    assert heard == ["The server received: one", "The server received: two", ""]  # silence, and the end


def test_each_line_waits_for_its_answer() -> None:
    def script(sock: socket.socket) -> None:
        assert receive_exactly(sock, 3) == b"one"
        sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            sock.recv(1)
        sock.settimeout(5)
        sock.sendall(b"1")
        assert receive_exactly(sock, 3) == b"two"
        sock.sendall(b"2")
        assert receive_all(sock) == b""

    with scripted(script) as address:
        assert dialogue(address, ["one", "two"], welcome=False) == ["1", "2"]


def test_no_answer() -> None:
    leave = threading.Event()
    with scripted(lambda sock: leave.wait(5) and None) as address:
        with pytest.raises(TimeoutError):
            dialogue(address, ["?"], welcome=False, timeout=0.05)
        leave.set()


def test_an_empty_line_sends_nothing_and_so_has_no_answer() -> None:
    with serving(BlockingServer()) as running, pytest.raises(TimeoutError):
        dialogue(running.address, [""], welcome=False, timeout=0.05)


def test_nobody_listens() -> None:
    with nobody_listens() as address:
        with pytest.raises(ConnectionRefusedError):
            dialogue(address, [], welcome=False)
        with pytest.raises(ConnectionRefusedError):
            converse(address, stdin=0, write=print)


# pair


def test_a_pair_is_connected_and_impatient() -> None:
    with nothing_left():
        with pair(timeout=0.05) as (client, connection):
            assert client.getpeername() == connection.getsockname()
            for one, other in ((client, connection), (connection, client)):
                assert one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                one.sendall(b"?")
                assert other.recv(2) == b"?"
                with pytest.raises(TimeoutError):
                    other.recv(1)
        with pytest.raises(ZeroDivisionError), pair():
            raise ZeroDivisionError


# converse


class Keyboard:
    """Types into the descriptor that converse reads."""

    def __init__(self) -> None:
        self.stdin, self._end = os.pipe()

    def type(self, text: str) -> None:
        os.write(self._end, text.encode())

    def end(self) -> None:
        """Type Ctrl-D."""
        if self._end != -1:
            os.close(self._end)
            self._end = -1

    def close(self) -> None:
        """Let the reading thread end, and only then take its descriptor away."""
        self.end()
        wait_until(lambda: not any("_send_lines" in thread.name for thread in threading.enumerate()))
        os.close(self.stdin)


@pytest.fixture
def keyboard() -> Iterator[Keyboard]:
    keyboard = Keyboard()
    yield keyboard
    keyboard.close()


def test_converse_sends_lines_and_writes_answers(keyboard: Keyboard) -> None:
    screen: list[str] = []

    def script(sock: socket.socket) -> None:
        sock.sendall("欢迎".encode())
        wait_until(lambda: "".join(screen) == "欢迎")  # before a line is typed
        keyboard.type("早上好\n")
        assert receive_exactly(sock, 10).decode() == "早上好\n"
        sock.sendall(b"1")
        wait_until(lambda: "".join(screen) == "欢迎1")
        keyboard.type("two\nthree\n")
        assert receive_exactly(sock, 10) == b"two\nthree\n"
        keyboard.end()
        assert receive_all(sock) == b""
        sock.sendall(b"last answer")  # after the client's last word

    with scripted(script) as address:
        converse(address, keyboard.stdin, screen.append)
    assert "".join(screen) == "欢迎1last answer"


@pytest.mark.parametrize("word", ["end\n", "end\r\n", " end \n", "end"])
def test_end_leaves(keyboard: Keyboard, word: str) -> None:
    with scripted(lambda sock: heard.append(receive_all(sock))) as address:
        heard: list[bytes] = []
        keyboard.type(f"the end\n{word}")
        if not word.endswith("\n"):
            keyboard.end()
        converse(address, keyboard.stdin, print)
    assert heard == [b"the end\n"]


def test_nothing_behind_end_is_sent(keyboard: Keyboard) -> None:
    with scripted(lambda sock: heard.append(receive_all(sock))) as address:
        heard: list[bytes] = []
        keyboard.type("one\nend\ntwo\n")
        converse(address, keyboard.stdin, print)
    assert heard == [b"one\n"]


def test_a_line_may_come_in_pieces(keyboard: Keyboard) -> None:
    def script(sock: socket.socket) -> None:
        keyboard.type("e")
        keyboard.type("n")
        wait_until(lambda: not unread(keyboard.stdin))  # read, and not sent
        keyboard.type("d of line\nlast")
        assert receive_exactly(sock, 12) == b"end of line\n"
        keyboard.end()
        assert receive_all(sock) == b"last"  # without a line end, as it was typed

    with scripted(script) as address:
        converse(address, keyboard.stdin, print)


def unread(descriptor: int) -> int:
    """Return how many bytes wait in a pipe."""
    fcntl = pytest.importorskip("fcntl")
    termios = pytest.importorskip("termios")
    return int.from_bytes(fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)), "little")


def test_converse_returns_when_the_server_closes(keyboard: Keyboard) -> None:
    screen: list[str] = []
    with scripted(lambda sock: sock.sendall(b"bye")) as address:
        converse(address, keyboard.stdin, screen.append)
    assert screen == ["bye"]
    keyboard.type("too late\n")  # finds a closed socket, quietly


def test_a_character_may_be_cut_in_two(keyboard: Keyboard) -> None:
    screen: list[str] = []
    first, second = "中".encode()[:2], "中".encode()[2:]

    def script(sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(first)
        wait_until(lambda: screen == [""])
        sock.sendall(second)

    with scripted(script) as address:
        converse(address, keyboard.stdin, screen.append)
    assert screen == ["", "中"]


def test_a_reset_is_raised(keyboard: Keyboard) -> None:
    def script(sock: socket.socket) -> None:
        keyboard.type("unread\n")
        wait_until(lambda: len(sock.recv(1, socket.MSG_PEEK)) == 1)
        # closed with bytes unread: the peer hears of a reset

    with scripted(script) as address, pytest.raises(ConnectionResetError):
        converse(address, keyboard.stdin, print)
