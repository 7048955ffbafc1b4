"""What only a server with one thread for each client can get wrong."""

import threading
from collections.abc import Iterator

import pytest

from course_lib.servers.threaded import ThreadedServer
from tests.helpers import connect, is_closed, nothing_left, round_trip, serving, wait_until


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    with nothing_left():
        yield


def test_threads_of_clients_that_left_are_forgotten() -> None:
    server = ThreadedServer()
    with serving(server) as running:
        for _ in range(10):
            with connect(running.address) as sock:
                round_trip(sock)
        wait_until(lambda: not server.threads)


def test_no_room_for_one_more_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    server = ThreadedServer()
    with serving(server) as running, connect(running.address) as first:
        round_trip(first)

        def start(thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        with monkeypatch.context() as full:
            full.setattr(threading.Thread, "start", start)
            with connect(running.address) as second:
                assert is_closed(second)
        round_trip(first)
        with connect(running.address) as third:
            round_trip(third)
        (error,) = running.errors
        assert str(error) == "can't start new thread"
        running.errors.clear()
        assert len(server.threads) <= 2
