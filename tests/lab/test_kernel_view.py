"""What the kernel is asked, and the words and the picture for its answers."""

import socket
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from course_lib.clients import pair
from course_lib.lab import kernel_counts, kernel_threads
from course_lib.lab.background import serve
from course_lib.lab.kernel_counts import is_listening, unaccepted, unacknowledged, unread
from course_lib.lab.kernel_readings import Connection, Listener, Threads
from course_lib.lab.kernel_tanks import draw
from course_lib.lab.kernel_threads import Rest, rest_of
from course_lib.lab.kernel_view import kernel_view
from tests.helpers import fill, nothing_left, wait_until, wait_until_asleep

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux is asked all of it")


@pytest.fixture(autouse=True)
def tidy():
    with nothing_left():
        yield


@pytest.fixture
def ends():
    with pair() as sockets:
        yield sockets


# --- the plain questions ------------------------------------------------------------------------


@linux
def test_recv_copies_out_of_the_kernel_what_waits_there(ends):
    client, server = ends
    client.sendall(bytes(1000))
    wait_until(lambda: unread(server) == 1000)
    server.recv(400)
    assert (unread(server), unread(client)) == (600, 0)
    server.recv(1000)
    assert unread(server) == 0


@linux
def test_a_sender_that_is_full_holds_megabytes(ends):
    client, server = ends
    taken = fill(client)
    wait_until(lambda: unread(server) + unacknowledged(client) == taken, what="every byte is in one tank")
    assert unacknowledged(client) > 1024 * 1024
    assert unacknowledged(server) == 0


@linux
def test_clients_wait_in_the_queue_of_a_listener():
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as stack:
        assert is_listening(listener)
        assert unaccepted(listener) == 0
        for _ in range(3):
            stack.enter_context(socket.create_connection(listener.getsockname()))
        wait_until(lambda: unaccepted(listener) == 3)
        listener.accept()[0].close()
        assert unaccepted(listener) == 2
        assert (unread(listener), unacknowledged(listener)) == (None, None)


def test_a_closed_socket_and_a_file_answer_none(tmp_path):
    with socket.socket() as closed:
        pass
    assert (unread(closed), unacknowledged(closed), unaccepted(closed)) == (None, None, None)
    assert not is_listening(closed)
    with (tmp_path / "file").open("wb") as file:
        assert (unacknowledged(file), unaccepted(file), is_listening(file)) == (None, None, False)


@linux
def test_a_thread_in_accept_sleeps_there():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept():
            listener.accept()[0].close()

        thread = threading.Thread(target=accept)
        thread.start()
        wait_until_asleep(thread.native_id)
        first, second = rest_of(thread.native_id), rest_of(thread.native_id)
        assert first == second
        assert first.asleep
        assert first.place in ("inet_csk_accept", "")  # "" where we may not know
        socket.create_connection(listener.getsockname()).close()
        thread.join()
        wait_until(lambda: rest_of(thread.native_id) is None)


@linux
def test_a_thread_that_runs_does_not_sleep():
    rest = rest_of(threading.get_native_id())
    assert not rest.asleep
    assert rest.place == ""


# --- the view -----------------------------------------------------------------------------------


@linux
def test_a_thousand_bytes_then_six_hundred(ends):
    client, server = ends
    client.sendall(bytes(1000))
    assert repr(kernel_view(client=client, server=server)) == (
        "client: both tanks are empty\nserver: 1,000 bytes wait to be read"
    )
    server.recv(400)
    assert repr(kernel_view(server=server)) == "server: 600 bytes wait to be read"


@linux
def test_large_numbers_are_words(ends):
    client, server = ends
    fill(client)
    view = kernel_view(client=client, server=server)
    assert repr(view) == (
        "client: more than 1 MiB not yet acknowledged\nserver: more than 16 KiB wait to be read"
    )
    assert view.readings[0].unacknowledged > 1024 * 1024


@linux
def test_the_thread_of_a_server():
    with serve("blocking", name="mine") as server:
        view = kernel_view(server)
        assert repr(view) == "mine: its thread sleeps in the kernel"
        assert view.readings[0].rests[0].place in ("inet_csk_accept", "")
        assert repr(kernel_view(other=server)) == "other: its thread sleeps in the kernel"
    assert repr(kernel_view(server)) == "mine: it has ended"


@linux
def test_the_threads_that_a_server_has_started():
    with serve("threaded") as server, socket.create_connection(server.address) as client:
        client.sendall(b"x")
        client.recv(1)
        view = kernel_view(server)
        assert repr(view) == "threaded: all its threads sleep in the kernel"
        assert len(view.readings[0].rests) == 2


@linux
def test_a_thread_that_wakes_again_and_again_is_not_asleep():
    ended = threading.Event()

    class Restless:
        address = ("127.0.0.1", 1)

        def __init__(self, address, conversation):
            pass

        def serve_forever(self):
            while not ended.wait(0.002):
                pass

        def stop(self):
            ended.set()

    with serve(Restless) as server, serve("blocking") as quiet:
        assert repr(kernel_view(server, quiet)) == (
            "Restless: its thread runs\nblocking: its thread sleeps in the kernel"
        )


@linux
def test_a_listener_and_a_closed_socket():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert repr(kernel_view(listener)) == "socket 1: no clients wait to be accepted"
        with socket.create_connection(listener.getsockname()) as client:
            assert repr(kernel_view(door=listener)) == "door: 1 client waits to be accepted"
    assert repr(kernel_view(client, listener)) == "socket 1: closed\nsocket 2: closed"


@linux
def test_bytes_that_are_on_their_way_are_waited_for(ends, monkeypatch):
    """The text must not depend on the moment at which the kernel was asked."""
    monkeypatch.setattr("course_lib.lab.kernel_view.SETTLE_SECONDS", 0.5)
    client, server = ends
    timer = threading.Timer(0.03, client.sendall, [b"late"])
    timer.start()
    assert repr(kernel_view(server=server)) == "server: 4 bytes wait to be read"
    timer.join()


def test_a_system_that_does_not_tell(ends, monkeypatch):
    monkeypatch.setattr(kernel_counts, "termios", None)
    monkeypatch.setattr(kernel_threads, "Path", lambda path: Path("/no/such") / path.lstrip("/"))
    client, _ = ends
    with serve("blocking") as server:
        view = kernel_view(server, client=client)
        assert repr(view) == "blocking: this system does not tell\nclient: this system does not tell"
        assert "not told" in letters(view.figure)


def test_what_has_no_descriptor():
    with pytest.raises(TypeError, match="^kernel_view takes sockets and servers, and no str$"):
        kernel_view(client="x")
    with pytest.raises(TypeError, match="^kernel_view needs a socket or a server, or several$"):
        kernel_view()


# --- words and drawing --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((0, 0), "both tanks are empty"),
        ((0, None), "nothing waits to be read"),
        ((1, 0), "1 byte waits to be read"),
        ((16384, 1), "16,384 bytes wait to be read, 1 byte not yet acknowledged"),
        ((16385, 0), "more than 16 KiB wait to be read"),
        ((0, 1048577), "more than 1 MiB not yet acknowledged"),
        ((None, None), "this system does not tell"),
    ],
)
def test_words_for_a_connection(counts, words):
    assert Connection("x", *counts).words() == words


def test_words_for_threads():
    asleep, awake = Rest(True, "inet_csk_accept", "1"), Rest(False, "", "2")
    assert Threads("x", (asleep, awake)).words() == "some of its threads sleep in the kernel, others run"
    assert Threads("x", (awake, awake)).words() == "its threads run"
    assert Threads("x", (asleep, None)).words() == "this system does not tell"


def letters(figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(lambda each: hasattr(each, "get_text"))]


def levels(figure) -> list[float]:
    return [round(patch.get_height(), 3) for axes in figure.axes for patch in axes.patches]


def test_all_tanks_have_one_scale_and_show_their_number():
    figure = draw([Connection("one", 512, 0), Connection("two", 1000, 256)])
    assert levels(figure) == [0.5, 0.977, 0.25]
    assert {"one", "two", "512", "1,000", "256", "0", "1 KiB"} <= set(letters(figure))
    assert [axes.get_title("left") for axes in figure.axes] == ["one", "two"]


def test_the_tanks_grow_with_what_they_hold():
    assert levels(draw([Connection("x", 5, 0)])) == [round(5 / 16, 3)]
    assert levels(draw([Connection("x", 3 * 1024**2, 0)])) == [0.75]
    assert levels(draw([Connection("x", 2**30, 0)])) == [1]


def test_the_picture_names_the_place_which_the_text_does_not():
    resting = [Rest(True, "inet_csk_accept", "1"), Rest(True, "wait_woken", "2"), Rest(False, "", "3")]
    words = letters(draw([Threads("server", (*resting, resting[1]))]))
    assert "1 thread, asleep in inet_csk_accept: waits for a client" in words
    assert "2 threads, asleep in wait_woken" in words
    assert "1 thread, running" in words
    assert "has ended" in letters(draw([Threads("server", ())]))
    assert "1 thread, asleep; where, this system does not tell" in letters(
        draw([Threads("server", (Rest(True, "", "1"),))])
    )


def test_it_is_readable_at_1280_dots():
    figure = draw([Connection(str(number), 1, 1) for number in range(6)] + [Listener("x", 2)])
    sizes = [text.get_fontsize() for text in figure.findobj(lambda each: hasattr(each, "get_fontsize"))]
    assert figure.get_figwidth() * 100 <= 1000
    assert min(sizes) >= 9
