"""Where a server's threads stand, in the words that a learner reads."""

import socket
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from course_lib.conversation import Conversation
from course_lib.lab.background import serve
from course_lib.lab.waiting import wait_until
from course_lib.lab.where import busy_seconds, where
from course_lib.servers.blocking import BlockingServer
from tests.lab.cells import run_cell

SETTLE = 0.05

ARTICLE_SERVER = """
    def article_server(listener):
        client, address = listener.accept()
        while True:
            data = client.recv(1024)
            if not data:
                break
            client.sendall(data)
        client.close()
    """


@pytest.fixture
def started():
    """Start servers that are stopped at the end of the test."""
    with ExitStack() as stack:
        yield lambda *args, **kwargs: stack.enter_context(serve(*args, **kwargs))


@pytest.fixture
def connected():
    """Connect clients that are closed at the end of the test."""
    with ExitStack() as stack:
        yield lambda server: stack.enter_context(socket.create_connection(server.address, timeout=5))


def see(server) -> str:
    return repr(where(server, SETTLE))


def test_a_function_from_a_cell_waits_in_accept_then_in_recv_and_ends(started, connected):
    server = started(run_cell(ARTICLE_SERVER)["article_server"])
    assert see(server) == "article_server waits at line 2:\n    client, address = listener.accept()"
    client = connected(server)
    client.sendall(b"x")
    client.recv(1)
    assert see(server) == "article_server waits at line 4:\n    data = client.recv(1024)"
    client.close()
    server.wait()
    assert see(server) == "article_server has ended"


def test_a_call_inside_the_function_is_named(started):
    cell = run_cell(
        """
        def wait(listener):
            listener.accept()

        def server(listener):
            wait(listener)
        """
    )
    assert see(started(cell["server"])) == "server waits at line 2, in wait:\n    listener.accept()"


def test_a_name_of_its_own_does_not_hide_the_function(started):
    server = started(run_cell(ARTICLE_SERVER)["article_server"], name="mine")
    assert see(server).startswith("mine waits at line 2, in article_server:\n")


def test_a_rung_is_shown_with_its_file(started, connected):
    server = started("blocking")
    connected(server).sendall(b"x")
    found = where(server, SETTLE)
    (place,) = found.threads
    assert (place.file, place.function) == ("course_lib/servers/blocking.py", "serve")
    assert "sock.recv(CHUNK)" in place.source
    assert repr(found) == (
        f"blocking waits at course_lib/servers/blocking.py, line {place.line}, in serve:\n    {place.source}"
    )


@pytest.mark.parametrize(
    ("rung", "call"),
    [
        ("select", "select.select("),
        ("selectors", "self.selector.select("),
        ("asyncio_streams", "asyncio.run("),
    ],
)
def test_a_wait_inside_the_standard_library_is_shown_at_the_call_into_it(started, rung, call):
    assert call in where(started(rung), SETTLE).threads[0].source


def test_the_threads_that_a_rung_has_started(started, connected):
    server = started("threaded")
    clients = [connected(server) for _ in range(3)]
    for client in clients:
        client.sendall(b"x")
        client.recv(1)
    first, second, more, recv = see(server).split("\n")
    assert first.startswith("threaded waits at course_lib/servers/")
    assert "accept()" in second
    assert more.startswith("3 more threads wait at course_lib/servers/threaded.py, line ")
    assert "sock.recv(CHUNK)" in recv
    clients.pop().close()
    clients.pop().close()
    wait_until(lambda: len(where(server, SETTLE).threads) == 2, what="the end of two threads")
    assert "\n1 more thread waits at course_lib/servers/threaded.py" in see(server)


def test_the_threads_of_a_pool_in_the_order_of_their_lines(started, connected):
    server = started("thread_pool")
    for _ in range(3):
        client = connected(server)
        client.sendall(b"x")
        client.recv(1)
    text = see(server)
    assert text.index("13 more threads wait") < text.index("3 more threads wait at course_lib")


def test_the_threads_that_a_function_has_started(started, connected):
    cell = run_cell(
        """
        def echo(client):
            while data := client.recv(1024):
                client.sendall(data)
            client.close()

        def server(listener):
            while True:
                client, address = listener.accept()
                threading.Thread(target=echo, args=(client,)).start()
        """,
        threading=threading,
    )
    server = started(cell["server"])
    client = connected(server)
    client.sendall(b"x")
    client.recv(1)
    assert see(server) == (
        "server waits at line 8:\n    client, address = listener.accept()\n"
        "1 more thread waits at line 2, in echo:\n    while data := client.recv(1024):"
    )


def test_threads_of_others_are_left_out(started):
    server, other = started("threaded"), started("blocking")
    assert len(where(server, SETTLE).threads) == len(where(other, SETTLE).threads) == 1


SPINS = """
    def several_lines(listener):
        while not over:
            count = 1
            count += 1
            listener.fileno()

    def one_call(listener):
        client, address = listener.accept()
        while True:
            client.recv(1024)

    def one_line(listener):
        while not over:
            pass
    """


@pytest.mark.parametrize("name", ["several_lines", "one_call", "one_line"])
def test_a_loop_that_never_rests_is_running(started, name):
    over = []
    server = started(run_cell(SPINS, over=over)[name])
    socket.create_connection(server.address, timeout=5).close()
    found = where(server, SETTLE, limit=0.3)
    over.append(True)
    assert repr(found) == f"{name} is running"


def test_a_loop_that_comes_to_rest_waits(started):
    class Busy(Conversation):
        def receive(self, data):
            while busy:
                pass
            return data

    busy = [True]
    server = started("blocking", Busy)
    with socket.create_connection(server.address, timeout=5) as client:
        client.sendall(b"x")
        found = where(server, SETTLE, limit=0.2)
        busy.clear()
        assert found.threads == [None]
        client.recv(1)
        assert "sock.recv(CHUNK)" in see(server)


def test_a_dead_server_is_said_to_have_died_and_has_told_it():
    def dying(listener):
        raise ValueError("bad day")

    server = serve(dying)
    server.wait()
    assert see(server) == "dying has died: ValueError: bad day"
    server.stop()


def test_a_stopped_server():
    server = serve("selectors")
    server.stop()
    assert see(server) == "selectors has ended"


def test_without_proc_psutil_tells_who_is_busy(monkeypatch):
    def refuse(path):
        raise FileNotFoundError

    def deny(process):
        raise psutil.AccessDenied

    monkeypatch.setattr(Path, "read_text", refuse)
    start = time.process_time()
    while time.process_time() - start < 0.1:
        pass
    assert busy_seconds(threading.current_thread()) >= 0.05
    monkeypatch.setattr(psutil.Process, "threads", deny)
    assert busy_seconds(threading.current_thread()) == 0


def test_who_asks_from_inside_a_method_of_the_server_is_no_thread_of_it():
    class Curious(BlockingServer):
        def look(self, background):
            return where(background, SETTLE)

    with serve(Curious) as background:
        assert len(background.server.look(background).threads) == 1


def test_the_same_text_twice(started):
    server = started("selectors")
    assert see(server) == see(server)
    assert str(server.port) not in see(server)


def test_wait_until_returns_what_came():
    assert wait_until(lambda: "value") == "value"


def test_wait_until_gives_up_and_says_on_what():
    with pytest.raises(TimeoutError, match="^waited 0.01 s for rain$"):
        wait_until(lambda: False, limit=0.01, what="rain")


def test_wait_until_looks_once_more_at_the_end():
    looks = iter([False, True])
    assert wait_until(lambda: next(looks), limit=0.001)
