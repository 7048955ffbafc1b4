"""What all rungs share, without a rung: errors of accept, reports, states."""

import errno
import socket
import threading
from collections.abc import Iterator

import pytest

from course_lib.servers.base import Server, print_error
from tests.helpers import nothing_left


class Listener:
    """Stands for a listening socket: each accept has the next outcome."""

    def __init__(self, *outcomes: BaseException | socket.socket) -> None:
        self.outcomes = list(outcomes)

    def accept(self) -> tuple[socket.socket, None]:
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome, None


class Noting(Server):
    """A rung that only notes what it is told to do."""

    def set_up(self) -> None:
        self.notes: list[str] = []
        self.on_error = lambda error: self.notes.append(f"report {error}")

    def run(self) -> None:
        self.notes.append("run")

    def wake(self) -> None:
        self.notes.append("wake")

    def close_all(self) -> None:
        self.notes.append("close")
        super().close_all()

    def pause_accepting(self) -> None:
        self.notes.append("pause")

    def resume_accepting(self) -> None:
        self.notes.append("resume")

    def accept_from(self, *outcomes: BaseException | socket.socket) -> list[socket.socket | None]:
        real, self.listener = self.listener, Listener(*outcomes)  # type: ignore[assignment]
        try:
            return [self.next_client() for _ in outcomes]
        finally:
            self.listener = real


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    with nothing_left():
        yield


@pytest.fixture
def server() -> Iterator[Noting]:
    server = Noting()
    yield server
    server.stop()


@pytest.fixture
def client() -> Iterator[socket.socket]:
    with socket.socket() as sock:
        yield sock


FULL = [OSError(number, "full") for number in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)]


def test_nobody_there(server: Noting, client: socket.socket) -> None:
    assert server.accept_from(BlockingIOError(), ConnectionAbortedError(), client) == [None, None, client]
    assert server.notes == []


@pytest.mark.parametrize("full", FULL, ids=lambda error: errno.errorcode[error.errno])
def test_no_room_is_reported_once_until_there_is_room(
    server: Noting, client: socket.socket, full: OSError
) -> None:
    assert server.accept_from(full, full, full) == [None] * 3
    assert server.crowded
    assert server.notes == ["pause", f"report {full}"]
    assert server.accept_from(client, client, full) == [client, client, None]
    assert server.notes == ["pause", f"report {full}", "resume", "pause", f"report {full}"]


def test_it_watches_again_when_those_who_waited_have_left(server: Noting) -> None:
    server.accept_from(FULL[0], BlockingIOError())
    assert not server.crowded
    assert server.notes[-1] == "resume"


def test_other_errors_of_accept_are_the_servers_own(server: Noting) -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        server.accept_from(OSError(errno.EBADF, "Bad file descriptor"))


def test_a_listener_that_was_shut_down_is_no_error(server: Noting) -> None:
    server.stopping = True
    assert server.accept_from(OSError(errno.EINVAL, "Invalid argument")) == [None]


def test_serve_forever_ends_with_wake_and_close(server: Noting) -> None:
    server.serve_forever()
    assert server.notes == ["run", "wake", "close"]
    assert server.stopping


def test_serve_forever_ends_so_after_an_error_too() -> None:
    class Failing(Noting):
        def run(self) -> None:
            raise KeyboardInterrupt

    server = Failing()
    with pytest.raises(KeyboardInterrupt):
        server.serve_forever()
    assert server.notes == ["wake", "close"]
    assert server.listener.fileno() == -1
    assert repr(server).endswith("stopped>")


def test_after_stop_it_does_not_run(server: Noting) -> None:
    server.stop()
    assert server.notes == ["close"]
    server.serve_forever()
    assert "run" not in server.notes


def test_stop_holds_no_lock_while_it_wakes() -> None:
    """A rung has locks of its own, and a thread that holds one may be about to stop the server too."""
    woken = threading.Event()

    class Waking(Noting):
        def run(self) -> None:
            self.stop()

        def wake(self) -> None:
            if not woken.is_set():
                woken.set()
                other = threading.Thread(target=self.stop, daemon=True)
                other.start()
                other.join(1)
                self.notes.append("stuck" if other.is_alive() else "free")

    server = Waking()
    server.serve_forever()
    assert server.notes == ["free", "close"]


def test_a_failing_set_up_leaves_no_listener() -> None:
    class Failing(Noting):
        def set_up(self) -> None:
            raise OSError("no room for a selector")

    with pytest.raises(OSError, match="no room for a selector"):
        Failing()


def test_repr_shows_the_state(server: Noting) -> None:
    host, port = server.address
    states = []

    class Looking(Noting):
        def run(self) -> None:
            states.append(repr(self))

    looking = Looking()
    assert repr(server) == f"<Noting {host}:{port} listening>"
    looking.serve_forever()
    assert states == [f"<Looking {host}:{looking.address[1]} serving>"]
    server.stop()
    assert repr(server) == f"<Noting {host}:{port} stopped>"


def test_errors_are_printed_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    server = Server.__new__(Server)
    server.on_error = print_error
    server.report(KeyError("name"))
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "KeyError: 'name'\n")


def test_print_error_is_what_a_server_begins_with() -> None:
    class Plain(Server):
        pass

    server = Plain()
    assert server.on_error is print_error
    server.stop()
