"""Waking threads that wait in accept, recv and sendall."""

import socket
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from course_lib.listening import listen
from course_lib.servers import stopping
from course_lib.servers.base import Server
from course_lib.servers.blocking import BlockingServer
from course_lib.servers.stopping import BlockedSockets, knock, shut_down
from course_lib.servers.thread_pool import ThreadPoolServer
from course_lib.servers.threaded import ThreadedServer
from tests.helpers import connect, is_closed, nothing_left, round_trip, serving, wait_until, wait_until_asleep

ANYWHERE = ("127.0.0.1", 0)


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    with nothing_left():
        yield


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with listen(ANYWHERE, 5) as sock:
        yield sock


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> list[socket.socket]:
    """Behave as macOS and Windows: a listener cannot be shut down. Return those that were tried."""
    tried = []

    def shut_down_connections_only(sock: socket.socket) -> bool:
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            tried.append(sock)
            return False
        return shut_down(sock)

    monkeypatch.setattr(stopping, "shut_down", shut_down_connections_only)
    return tried


class Waiting:
    """A thread that waits in ``call``, and what came of it."""

    def __init__(self, call: Callable[[], object]) -> None:
        self.result: object = None
        self.call = call
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        wait_until_asleep(self.thread.native_id)

    def _run(self) -> None:
        try:
            self.result = self.call()
        except OSError as error:
            self.result = error

    def join(self) -> object:
        self.thread.join(1)
        assert not self.thread.is_alive(), "the thread still waits"
        return self.result


def test_recv_wakes_with_the_end_of_the_stream(listener: socket.socket) -> None:
    blocked = BlockedSockets(listener)
    ours, theirs = socket.socketpair()
    with theirs, blocked.adopt(ours):
        waiting = Waiting(lambda: ours.recv(1))
        blocked.wake()
        assert waiting.join() == b""
        assert ours.fileno() != -1  # it is the block's, to its end
    assert ours.fileno() == -1


def test_sendall_wakes_with_a_broken_pipe(listener: socket.socket) -> None:
    blocked = BlockedSockets(listener)
    ours, theirs = socket.socketpair()
    with theirs, blocked.adopt(ours):
        waiting = Waiting(lambda: ours.sendall(bytes(16 * 1024 * 1024)))
        blocked.wake()
        assert isinstance(waiting.join(), BrokenPipeError)


def test_accept_wakes(listener: socket.socket) -> None:
    waiting = Waiting(listener.accept)
    BlockedSockets(listener).wake()
    result = waiting.join()
    if isinstance(result, tuple):  # woken by a knock
        result[0].close()
    else:
        assert isinstance(result, OSError)


def test_accept_wakes_where_a_listener_cannot_be_shut_down(
    listener: socket.socket, refused: list[socket.socket]
) -> None:
    waiting = Waiting(listener.accept)
    BlockedSockets(listener).wake()
    assert refused == [listener]
    visitor, _ = waiting.join()  # type: ignore[misc]
    with visitor:
        assert is_closed(visitor)


def test_all_connections_wake(listener: socket.socket) -> None:
    blocked = BlockedSockets(listener)
    with ExitStack() as stack:
        waiting = []
        for _ in range(5):
            ours, theirs = socket.socketpair()
            stack.enter_context(theirs)
            stack.enter_context(blocked.adopt(ours))
            waiting.append(Waiting(lambda ours=ours: ours.recv(1)))  # type: ignore[misc]
        blocked.wake()
        assert [one.join() for one in waiting] == [b""] * 5


def test_a_connection_that_came_too_late_is_ended_at_once(listener: socket.socket) -> None:
    blocked = BlockedSockets(listener)
    blocked.wake()
    ours, theirs = socket.socketpair()
    with theirs, blocked.adopt(ours):
        assert ours.recv(1) == b""


def test_the_block_closes_whatever_happens(listener: socket.socket) -> None:
    blocked = BlockedSockets(listener)
    ours, theirs = socket.socketpair()
    with theirs:
        with pytest.raises(ZeroDivisionError), blocked.adopt(ours):
            raise ZeroDivisionError
        assert ours.fileno() == -1
        assert theirs.recv(1) == b""


def test_a_closed_connection_is_forgotten(listener: socket.socket) -> None:
    """Its number may belong to somebody else by now."""
    blocked = BlockedSockets(listener)
    ours, theirs = socket.socketpair()
    number, memory = ours.fileno(), weakref.ref(ours)
    with theirs, blocked.adopt(ours):
        pass
    del ours
    assert memory() is None
    stranger, peer = socket.socketpair()
    with stranger, peer:
        assert number in (stranger.fileno(), peer.fileno())
        blocked.wake()
        round_trip_pair(stranger, peer)


def round_trip_pair(one: socket.socket, other: socket.socket) -> None:
    one.sendall(b"?")
    assert other.recv(1) == b"?"
    other.sendall(b"!")
    assert one.recv(1) == b"!"


def test_wake_knocks_only_once(listener: socket.socket, refused: list[socket.socket]) -> None:
    blocked = BlockedSockets(listener)
    for _ in range(3):
        blocked.wake()
    assert refused == [listener]
    listener.setblocking(False)
    visitor, _ = listener.accept()
    visitor.close()
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_wake_within_wake(listener: socket.socket) -> None:
    """A signal handler may call it in a thread that is calling it already."""

    class Interrupted(socket.socket):
        def shutdown(self, how: int) -> None:
            blocked.wake()
            super().shutdown(how)

    blocked = BlockedSockets(listener)
    one, theirs = socket.socketpair()
    ours = Interrupted(fileno=one.detach())
    with theirs, blocked.adopt(ours):
        waking = threading.Thread(target=blocked.wake, daemon=True)
        waking.start()
        waking.join(1)
        assert not waking.is_alive()
        assert ours.recv(1) == b""


def test_wake_after_the_listener_is_closed(listener: socket.socket) -> None:
    listener.close()
    BlockedSockets(listener).wake()


def test_shut_down_tells_whether_it_did() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        assert shut_down(ours)
        assert theirs.recv(1) == b""
        ours.close()
        assert not shut_down(ours)


def test_knock(listener: socket.socket) -> None:
    knock(listener)
    visitor, _ = listener.accept()
    with visitor:
        assert is_closed(visitor)
    listener.close()
    knock(listener)


def test_a_knock_gives_up_when_the_queue_is_full() -> None:
    with listen(ANYWHERE, 0) as listener, ExitStack() as stack:
        for _ in range(4):  # those that find no room are retried by the kernel, in the background
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        waiting = threading.Thread(target=knock, args=(listener,), daemon=True)
        waiting.start()
        waiting.join(1)
        assert not waiting.is_alive()


@pytest.mark.parametrize("server_class", [BlockingServer, ThreadedServer, ThreadPoolServer])
@pytest.mark.parametrize("state", ["in accept", "in recv"])
def test_servers_stop_where_a_listener_cannot_be_shut_down(
    server_class: type[Server], state: str, refused: list[socket.socket]
) -> None:
    with socket.socket() as sock, nothing_left():
        server = server_class()
        with serving(server) as running:
            if state == "in recv":
                sock.connect(server.address)
                round_trip(sock)
            wait_until_asleep(running.thread.native_id)
        assert refused == [server.listener]


def test_clients_of_the_pool_that_still_wait_in_its_queue_are_closed() -> None:
    with ExitStack() as stack:
        with serving(ThreadPoolServer()) as running:
            served = [stack.enter_context(connect(running.address)) for _ in range(ThreadPoolServer.workers)]
            for sock in served:
                round_trip(sock)
            queued = [stack.enter_context(connect(running.address)) for _ in range(5)]
            pool = running.server
            assert isinstance(pool, ThreadPoolServer)
            wait_until(lambda: pool.clients.qsize() == len(queued))
        for sock in served + queued:
            assert is_closed(sock)
