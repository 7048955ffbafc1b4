"""The contract of every rung: one suite, and a rung is one more parameter.

Each test talks to a real server over a real socket, and afterwards asks the system whether a
descriptor or a thread was left.
"""

import errno
import functools
import gc
import itertools
import os
import resource
import select
import signal
import socket
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import FrameType
from typing import Any

import psutil
import pytest

from course_lib.conversation import ArticleBlocking, ArticleSelectors, Conversation, Echo
from course_lib.servers import LADDER, UnknownRung, rung
from course_lib.servers.base import Server
from course_lib.servers.coroutines import CoroutinesServer
from course_lib.servers.threaded import ThreadedServer
from tests.helpers import (
    Serving,
    child,
    connect,
    cpu_share,
    fill,
    footprint,
    is_closed,
    listening,
    nothing_left,
    pattern,
    read_line,
    receive_all,
    receive_exactly,
    reset,
    round_trip,
    serving,
    wait_until,
    wait_until_asleep,
)

Rung = type[Server]

NAMES = [server.name for server in LADDER]


def rungs(chosen: tuple[Rung, ...]) -> Any:
    def mark(server: Rung) -> list[pytest.MarkDecorator]:
        return [pytest.mark.skip(reason=server.unavailable)] if server.unavailable else []

    return pytest.mark.parametrize(
        "server_class", [pytest.param(server, id=server.name, marks=mark(server)) for server in chosen]
    )


every_rung = rungs(LADDER)
SELECT = NAMES.index("select")
from_select_up = rungs(LADDER[SELECT:])
many_clients = rungs(tuple(server for server in LADDER if server.name != "blocking"))


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    with nothing_left():
        yield


class Raised(Exception):
    """The error of a conversation that fails."""


class Counting(Echo):
    """Counts the bytes that the server has taken."""

    received = 0

    def receive(self, data: bytes) -> bytes:
        type(self).received += len(data)
        return data


class Large(Conversation):
    """Answers anything with more than all kernel buffers hold, then goes on."""

    answer = pattern(24 * 1024 * 1024)

    def receive(self, data: bytes) -> bytes:
        return self.answer


# The ladder itself


def test_the_names_are_in_teaching_order() -> None:
    order = (
        "blocking threaded thread_pool nonblocking select poll epoll selectors reactor coroutines "
        "asyncio_streams asyncio_protocol own_asyncio"
    ).split()
    assert [name for name in order if name in NAMES] == NAMES


def test_a_rung_is_found_by_its_name() -> None:
    assert [rung(name) for name in NAMES] == list(LADDER)


def test_an_unknown_name_lists_the_names() -> None:
    with pytest.raises(UnknownRung) as raised:
        rung("forking")
    assert str(raised.value) == f"there is no server 'forking'; choose one of {', '.join(NAMES)}"


@pytest.mark.parametrize("server_class", LADDER, ids=NAMES)
def test_every_known_failure_has_its_reason(server_class: Rung) -> None:
    assert all(server_class.known_failures.values())


# Address


@every_rung
def test_the_address_is_filled_in(server_class: Rung) -> None:
    server = server_class()
    host, port = server.address
    assert host == "127.0.0.1"
    assert port > 0
    with serving(server), connect((host, port)) as sock:
        round_trip(sock)


@every_rung
def test_clients_can_connect_before_it_serves(server_class: Rung) -> None:
    server = server_class()
    with connect(server.address) as sock:
        sock.sendall(b"early")  # the kernel's backlog takes both
        with serving(server):
            assert receive_exactly(sock, 5) == b"early"


@every_rung
def test_a_port_in_use_is_refused(server_class: Rung) -> None:
    server = server_class()
    before = footprint()
    with pytest.raises(OSError) as raised:
        server_class(server.address)
    assert raised.value.errno == errno.EADDRINUSE
    assert footprint() == before
    server.stop()


@every_rung
def test_the_port_is_free_again_at_once(server_class: Rung) -> None:
    first = server_class()
    with connect(first.address) as old:
        with serving(first):
            round_trip(old)
        # The server closed first, so its side rests in TIME_WAIT or waits for the client's end.
        with serving(server_class(first.address)) as running, connect(running.address) as new:
            round_trip(new)


# What is said


@every_rung
def test_echo(server_class: Rung) -> None:
    with serving(server_class()) as running:
        with connect(running.address) as sock:
            for message in (b"a", b"", bytes(range(256)), "中文".encode(), b"x" * 10_000):
                round_trip(sock, message)
        with connect(running.address) as sock:
            round_trip(sock)


@many_clients
def test_clients_are_served_side_by_side(server_class: Rung) -> None:
    with serving(server_class()) as running:
        clients = [connect(running.address) for _ in range(10)]
        for sock in clients + clients[::-1]:
            round_trip(sock, str(sock.getsockname()).encode())
        for sock in clients:
            sock.close()


def first_client(address: tuple[str, int], typed: list[str]) -> list[str]:
    """The article's client of its blocking server; lists stand for the keyboard and the screen."""
    screen = []
    lines = iter(typed)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client_socket:
        client_socket.connect(address)
        data = client_socket.recv(1024).decode()
        screen.append(data)
        while True:
            message = next(lines)
            if message == "end":
                break
            client_socket.sendall(message.encode())
            screen.append(client_socket.recv(1024).decode())
    return screen


def second_client(address: tuple[str, int], typed: list[str]) -> list[str]:
    """The article's client of its selector server."""
    screen = []
    lines = iter(typed)
    with socket.socket(family=socket.AF_INET, type=socket.SOCK_STREAM) as client:
        client.connect(address)
        while True:
            data = next(lines).strip()
            client.send(data.encode())
            if data == "end" or data == "":
                client.close()
                break
            screen.append(client.recv(1024).decode("utf-8"))
    return screen


ENGLISH = ["hello", "two words", "close the door", "12345", "goodbye"]
CHINESE = ["早上好", "今天学习套接字", "一次只服务一个人", "再来一杯茶", "下次见"]
WORDS = pytest.mark.parametrize(
    ("welcome", "reply", "lines"),
    [("Welcome!", "heard: ", ENGLISH), ("门已经打开,请进。", "我听到了:", CHINESE)],
    ids=["english", "chinese"],
)


@every_rung
@WORDS
def test_the_first_dialogue(server_class: Rung, welcome: str, reply: str, lines: list[str]) -> None:
    conversation = functools.partial(ArticleBlocking, welcome=welcome, reply=reply)
    with serving(server_class(conversation=conversation)) as running:
        for _ in range(2):  # the first goodbye must not be the server's end
            heard = first_client(running.address, [*lines, "end"])
            assert heard == [welcome, *(reply + line for line in lines)]


@every_rung
@WORDS
@pytest.mark.parametrize("goodbye", ["end", "  "])
def test_the_second_dialogue(
    server_class: Rung, welcome: str, reply: str, lines: list[str], goodbye: str
) -> None:
    conversation = functools.partial(ArticleSelectors, reply=reply)
    with serving(server_class(conversation=conversation)) as running:
        for _ in range(2):
            heard = second_client(running.address, [*(f" {line} " for line in lines), goodbye])
            assert heard == [reply + line for line in lines]


@every_rung
@pytest.mark.parametrize("line_end", ["", "\n", "\r\n"], ids=["bare", "lf", "crlf"])
def test_close_is_answered_then_closed(server_class: Rung, line_end: str) -> None:
    conversation = functools.partial(ArticleBlocking, welcome="欢迎", reply="收到:")
    with serving(server_class(conversation=conversation)) as running, connect(running.address) as sock:
        assert receive_exactly(sock, 6).decode() == "欢迎"
        sock.sendall(f"close{line_end}".encode())
        assert receive_all(sock).decode() == f"收到:close{line_end}"
        with connect(running.address) as neighbor:
            assert neighbor.recv(1024).decode() == "欢迎"


@every_rung
@pytest.mark.parametrize("line_end", ["", "\n", "\r\n"], ids=["bare", "lf", "crlf"])
def test_close_is_closed_silently(server_class: Rung, line_end: str) -> None:
    with serving(server_class(conversation=ArticleSelectors)) as running, connect(running.address) as sock:
        sock.sendall(f"close{line_end}".encode())
        assert receive_all(sock) == b""
        with connect(running.address) as neighbor:
            neighbor.sendall(b"still there?")
            assert neighbor.recv(1024) == b"The server received: still there?"


@every_rung
def test_a_greeting_may_be_all(server_class: Rung) -> None:
    class Daytime(Conversation):
        """RFC 867: the server speaks, and closes."""

        def greet(self) -> bytes:
            self.closing = True
            return b"it is late"

    with serving(server_class(conversation=Daytime)) as running:
        for _ in range(2):
            with connect(running.address) as sock:
                assert receive_all(sock) == b"it is late"


# Stopping, in every state


def unserved(running: Serving, sock: socket.socket) -> None:
    """The thread has been started, and may not even have come to serve_forever."""


def in_accept(running: Serving, sock: socket.socket) -> None:
    settle(running)


def in_recv(running: Serving, sock: socket.socket) -> None:
    sock.connect(running.address)
    round_trip(sock)
    settle(running)


def after_a_client(running: Serving, sock: socket.socket) -> None:
    sock.connect(running.address)
    round_trip(sock)
    sock.shutdown(socket.SHUT_WR)
    assert is_closed(sock)
    settle(running)


def in_send(running: Serving, sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(running.address)
    fill(sock)
    settle(running)


def ended_in_send(running: Serving, sock: socket.socket) -> None:
    in_send(running, sock)
    sock.shutdown(socket.SHUT_WR)
    settle(running)


def settle(running: Serving) -> None:
    if "idle_cpu" not in running.server.known_failures:
        wait_until_asleep(running.thread.native_id)


def stop_once(server: Server) -> None:
    server.stop()


def stop_from_many_threads(server: Server) -> None:
    barrier = threading.Barrier(8)

    def stop() -> None:
        barrier.wait()
        server.stop()

    threads = [threading.Thread(target=stop, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@every_rung
@pytest.mark.parametrize("state", [unserved, in_accept, in_recv, after_a_client, in_send, ended_in_send])
@pytest.mark.parametrize("stop", [stop_once, stop_from_many_threads])
def test_stop(
    server_class: Rung, state: Callable[[Serving, socket.socket], None], stop: Callable[[Server], None]
) -> None:
    with socket.socket() as sock:
        sock.settimeout(5)
        with nothing_left() as before:  # the test's own socket was there already
            running = Serving(server_class())
            running.thread.start()
            assert running.address in listening()
            state(running, sock)
            stop(running.server)
            running.join(limit=1.0)
            assert footprint().descriptors == before.descriptors, "serve_forever left a descriptor"
        stop(running.server)  # once more
        running.server.serve_forever()  # after its end it returns at once
        assert running.errors == []
        assert running.address not in listening()


@every_rung
@pytest.mark.parametrize("stop", [stop_once, stop_from_many_threads])
def test_stop_before_serve_forever(server_class: Rung, stop: Callable[[Server], None]) -> None:
    with nothing_left() as before:
        server = server_class()
        with connect(server.address) as waiting:
            stop(server)
            assert is_closed(waiting)
        assert footprint().descriptors == before.descriptors
        start = time.monotonic()
        server.serve_forever()
        assert time.monotonic() - start < 1


@every_rung
def test_stop_touches_its_port_only_once(server_class: Rung) -> None:
    """Once the port is free it may be another server's: a late knock would be heard there."""
    server = server_class()
    with serving(server), connect(server.address) as sock:
        round_trip(sock)
        server.stop()
        wait_until(lambda: server.listener.fileno() == -1)
        with socket.socket() as next_owner:
            next_owner.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            next_owner.bind(server.address)
            next_owner.listen()
            next_owner.setblocking(False)
            server.stop()
            server.serve_forever()
            with pytest.raises(BlockingIOError):
                next_owner.accept()


@every_rung
@pytest.mark.parametrize("moment", ["constructor", "greet", "receive"])
def test_stop_from_within_the_conversation(server_class: Rung, moment: str) -> None:
    class Stopping(Echo):
        def __init__(self) -> None:
            self.at("constructor")

        def greet(self) -> bytes:
            self.at("greet")
            return b""

        def receive(self, data: bytes) -> bytes:
            self.at("receive")
            return data

        def at(self, here: str) -> None:
            if here == moment:
                server.stop()

    server = server_class(conversation=Stopping)
    running = Serving(server)
    with connect(server.address) as sock:
        sock.sendall(b"stop")
        running.thread.start()
        running.join(limit=2.0)  # the start is within this time too
        assert running.errors == []
        assert is_closed(sock) or receive_all(sock) in (b"top", b"")


@every_rung
def test_stop_at_every_line(server_class: Rung) -> None:
    """Stop in front of each line of ours that runs, in the very thread that runs it.

    A signal handler can do that, and another thread can come between any two lines. A client is
    waiting, so the lines that accept, greet, read and write are among them.
    """
    folder = os.path.dirname(sys.modules[server_class.__module__].__file__ or "")

    def serve(stop_at: int) -> int:
        """Return how many lines have run until the client had its answer."""
        lines = itertools.count(1)
        seen = 0

        def trace(frame: FrameType, event: str, argument: object) -> Any:
            nonlocal seen
            if not frame.f_code.co_filename.startswith(folder):
                return None
            if event == "line":
                line = next(lines)
                if line == stop_at:
                    server.stop()
                if not answered.is_set():
                    seen = line
            return trace

        def ask() -> None:
            with connect(server.address) as sock:
                sock.sendall(b"ping")
                connected.set()
                try:
                    sock.recv(4)
                except ConnectionError:
                    pass  # stopped before the answer
            answered.set()
            server.stop()  # for a stop_at that no line has

        server = server_class()
        connected, answered = threading.Event(), threading.Event()
        client = threading.Thread(target=ask, daemon=True)
        client.start()
        connected.wait()
        running = Serving(server)
        tracing = sys.gettrace()
        threading.settrace(trace)  # threads take it over when they start
        try:
            running.thread.start()
            running.join(limit=2.0)
        finally:
            threading.settrace(tracing)  # type: ignore[arg-type]
        client.join()
        assert running.errors == []
        return seen

    before = footprint()
    lines = serve(stop_at=0)
    for stop_at in range(1, min(lines, 100) + 1):
        serve(stop_at)
        wait_until(lambda: footprint() == before, 1, f"nothing is left after a stop at line {stop_at}")
    assert lines > 10


@every_rung
def test_stop_while_clients_keep_coming(server_class: Rung) -> None:
    for _ in range(5):
        running = Serving(server_class())
        enough = threading.Event()

        def come_and_go(address: tuple[str, int], enough: threading.Event) -> None:
            while not enough.is_set():
                try:
                    with connect(address) as sock:
                        round_trip(sock, b"x")
                except (OSError, AssertionError):
                    return  # the server has gone

        crowd = [
            threading.Thread(target=come_and_go, args=(running.address, enough), daemon=True)
            for _ in range(4)
        ]
        running.thread.start()
        for thread in crowd:
            thread.start()
        with connect(running.address) as sock:
            round_trip(sock)
        running.server.stop()
        running.join(limit=1.0)
        enough.set()
        for thread in crowd:
            thread.join()
        assert running.errors == []


SIGNALLED = """
import signal, socket, sys, threading
from course_lib.servers import rung
from tests.helpers import footprint, wait_until

# A shell that starts a job in the background has it ignore Ctrl-C, and so its children.
signal.signal(signal.SIGINT, signal.default_int_handler)
before = footprint()
server = rung(sys.argv[1])()
print(server.address[1], flush=True)
try:
    server.serve_forever()
except KeyboardInterrupt:
    wait_until(lambda: footprint() == before)
    print("interrupted", flush=True)

server = rung(sys.argv[1])()
signal.signal(signal.SIGTERM, lambda *_: server.stop())
print(server.address[1], flush=True)
server.serve_forever()
wait_until(lambda: footprint() == before)
print("stopped", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signal to one process")
@every_rung
def test_signals(server_class: Rung) -> None:
    """Ctrl-C ends serve_forever with KeyboardInterrupt; a handler may call stop()."""
    with child(SIGNALLED, server_class.name) as process:
        for number, word in ((signal.SIGINT, "interrupted"), (signal.SIGTERM, "stopped")):
            with connect(("127.0.0.1", int(read_line(process)))) as silent:
                round_trip(silent)
                # A signal that comes between Python's last look and the system call is noticed
                # only after the call. So is Ctrl-C in any program; nobody is that quick.
                if "idle_cpu" not in server_class.known_failures:
                    wait_until_asleep(process.pid, process.pid)
                start = time.monotonic()
                process.send_signal(number)
                assert read_line(process) == word
                assert time.monotonic() - start < 1
                assert is_closed(silent)
        _, stderr = process.communicate()
        assert (process.returncode, stderr) == (0, b"")


# Conversations that fail


@every_rung
@pytest.mark.parametrize("moment", ["constructor", "greet", "receive", "no bytes"])
def test_a_failing_conversation_costs_one_client(server_class: Rung, moment: str) -> None:
    class Failing(Echo):
        def __init__(self) -> None:
            if moment == "constructor":
                raise Raised

        def greet(self) -> bytes:
            if moment == "greet":
                raise Raised
            return b""

        def receive(self, data: bytes) -> bytes:
            if moment == "receive":
                raise Raised
            return "text" if moment == "no bytes" else data  # type: ignore[return-value]

    conversations = iter([Echo, Failing, Echo])
    with (
        serving(server_class(conversation=lambda: next(conversations)())) as running,
        connect(running.address) as first,
    ):
        round_trip(first)
        if server_class.name == "blocking":
            first.close()
        with connect(running.address) as second:
            second.sendall(b"?")
            assert is_closed(second)
        with connect(running.address) as third:
            round_trip(third)
        if server_class.name != "blocking":
            round_trip(first)
        (error,) = running.errors
        assert isinstance(error, TypeError if moment == "no bytes" else Raised)
        running.errors.clear()


# Clients that leave, halve, crash


@every_rung
def test_the_last_answer_comes_after_the_clients_last_word(server_class: Rung) -> None:
    """Half-close: the client has said all, and is still listening."""
    with serving(server_class(conversation=Large)) as running, connect(running.address) as sock:
        sock.sendall(b"?")
        sock.shutdown(socket.SHUT_WR)
        assert receive_all(sock) == Large.answer


@every_rung
def test_closing_comes_after_the_last_answer(server_class: Rung) -> None:
    class Last(Large):
        def receive(self, data: bytes) -> bytes:
            self.closing = True
            return self.answer

    with serving(server_class(conversation=Last)) as running, connect(running.address) as sock:
        sock.sendall(b"?")
        assert receive_all(sock) == Last.answer


@every_rung
@pytest.mark.parametrize(
    ("state", "end"),
    [
        pytest.param("silent", socket.socket.close, id="silent-close"),
        pytest.param("silent", reset, id="silent-reset"),
        pytest.param("unread", socket.socket.close, id="unread-close"),
        pytest.param("unread", reset, id="unread-reset"),
        pytest.param("half-closed", reset, id="half-closed-reset"),
    ],
)
def test_a_client_that_leaves_is_forgotten(
    server_class: Rung, state: str, end: Callable[[socket.socket], None]
) -> None:
    with serving(server_class()) as running:
        with connect(running.address) as sock:
            round_trip(sock)
            sock.shutdown(socket.SHUT_WR)
            assert is_closed(sock)
        settle(running)
        with nothing_left():
            sock = connect(running.address, receive_buffer=4096)
            if state == "silent":
                round_trip(sock)
            else:
                assert fill(sock)
            if state == "half-closed":
                sock.shutdown(socket.SHUT_WR)
            end(sock)
        with connect(running.address) as sock:
            round_trip(sock)


@from_select_up
def test_a_reset_while_both_directions_are_watched(server_class: Rung) -> None:
    """One round of the loop finds the socket readable and writable, and the read closes it."""
    # The watermark is so high that the server still listens, though the client takes no answer.
    with serving(server_class(conversation=Large, high_water=2 * len(Large.answer))) as running:
        sock = connect(running.address, receive_buffer=4096)
        sock.sendall(b"?")
        assert receive_exactly(sock, 4) == Large.answer[:4]
        settle(running)
        reset(sock)
        with connect(running.address) as sock:
            sock.sendall(b"?")
            sock.shutdown(socket.SHUT_WR)
            assert receive_all(sock) == Large.answer


@every_rung
def test_nothing_is_kept_of_clients_that_left(server_class: Rung) -> None:
    conversations: weakref.WeakSet[Conversation] = weakref.WeakSet()

    class Remembered(Echo):
        def __init__(self) -> None:
            conversations.add(self)

    with serving(server_class(conversation=Remembered)) as running:
        for end in (socket.socket.close, reset):
            for _ in range(5):
                sock = connect(running.address)
                round_trip(sock)
                end(sock)

        def forgotten() -> bool:
            gc.collect()  # asyncio's transports and protocols know each other
            return len(conversations) <= 1  # a local variable of a loop may hold the last

        wait_until(forgotten)


# Clients that are slow, or do not read


@every_rung
def test_a_slow_reader_gets_every_byte_in_order(server_class: Rung) -> None:
    data = pattern(2_000_000)
    with (
        serving(server_class(high_water=100_000)) as running,
        connect(running.address, receive_buffer=64 * 1024) as sock,
    ):
        sender = threading.Thread(target=sock.sendall, args=(data,), daemon=True)
        sender.start()
        heard = bytearray()
        while len(heard) < len(data):
            heard += receive_exactly(sock, min(20_000, len(data) - len(heard)))
        sender.join()
        assert heard == data


@from_select_up
@pytest.mark.parametrize("high_water", [64 * 1024, 4 * 1024 * 1024])
def test_a_client_that_never_reads_is_heard_to_the_watermark(server_class: Rung, high_water: int) -> None:
    class Counted(Counting):
        pass

    server = server_class(conversation=Counted, high_water=high_water)
    # What the kernel buffers on the way is not the server's doing: keep it small and known.
    server.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
    with serving(server) as running:
        with connect(running.address, receive_buffer=64 * 1024) as sock, connect(running.address) as neighbor:
            sent = fill(sock, limit=64 * 1024 * 1024)
            assert sent < 64 * 1024 * 1024, "the server takes everything"
            kernel = 1024 * 1024
            # A coroutine hears more only when its last answer is on its way: it keeps no buffer.
            kept = 0 if server_class is CoroutinesServer else high_water
            assert kept <= Counted.received <= kept + kernel
            round_trip(neighbor)
            # Once it reads, the server listens again, and no byte is missing.
            heard = receive_exactly(sock, sent)
            assert heard == bytes(sent)
            round_trip(sock)


@from_select_up
def test_it_sleeps_when_there_is_nothing_to_do(server_class: Rung) -> None:
    with (
        serving(server_class()) as running,
        connect(running.address) as silent,
        connect(running.address, receive_buffer=4096) as unread,
        connect(running.address, receive_buffer=4096) as ended,
    ):
        round_trip(silent)
        fill(unread)
        fill(ended)
        ended.shutdown(socket.SHUT_WR)
        assert cpu_share() < 0.5
        round_trip(silent)


# Descriptors


CROWDED = """
import os, resource, sys, threading
from course_lib.servers import rung

server = rung(sys.argv[1])()
server.on_error = lambda error: print("error", error.errno, flush=True)
others = [os.dup(0) for _ in range(8)]  # descriptors that are no clients
resource.setrlimit(resource.RLIMIT_NOFILE, (others[-1] + 13, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

def free_others():
    os.read(0, 1)
    for descriptor in others:
        os.close(descriptor)

threading.Thread(target=free_others, daemon=True).start()
print(server.address[1], flush=True)
server.serve_forever()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of descriptors to lower")
@rungs((ThreadedServer, *LADDER[SELECT:]))
def test_no_room_for_one_more_descriptor(server_class: Rung) -> None:
    with child(CROWDED, server_class.name) as process, ExitStack() as stack:
        assert process.stdin is not None and process.stdout is not None
        address = ("127.0.0.1", int(read_line(process)))
        clients = [stack.enter_context(connect(address)) for _ in range(16)]  # the backlog takes them all
        assert read_line(process) == f"error {errno.EMFILE}"
        for sock in clients[:8]:
            round_trip(sock)

        def busy() -> float:
            times = psutil.Process(process.pid).cpu_times()
            return times.user + times.system

        start = busy()
        time.sleep(0.3)  # the window of a measurement
        assert busy() - start < 0.08, "it spins"  # as far as others leave it the processor
        for sock in clients[:8]:
            round_trip(sock)
        assert select.select([process.stdout], [], [], 0)[0] == [], "the error was reported again"
        # Now there is room again, without an event that the server could see: it must look by itself.
        process.stdin.write(b"!")
        for sock in reversed(clients[8:]):
            round_trip(sock)
        for sock in clients[:8]:
            sock.close()
            with connect(address) as newcomer:
                round_trip(newcomer)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of descriptors to lower")
@many_clients
def test_stop_when_there_is_no_room(server_class: Rung) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.socket()) for _ in range(8)]
        with nothing_left():
            running = Serving(server_class())
            running.thread.start()
            clients[0].connect(running.address)
            round_trip(clients[0])  # now it has all the descriptors that it needs for itself
            lowest_free = os.dup(0)
            os.close(lowest_free)
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free + 2, hard))
            try:
                for sock in clients[1:]:
                    sock.connect(running.address)
                wait_until(lambda: running.errors)
                running.server.stop()
                running.join(limit=1.0)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        (error,) = running.errors
        assert isinstance(error, OSError) and error.errno == errno.EMFILE


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits how many sockets select takes, not which")
@from_select_up
def test_descriptors_above_the_limit_of_select(server_class: Rung) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1100:
        pytest.skip(f"this system allows {hard} descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1100), hard))
    fillers = []
    try:
        with serving(server_class()) as running, connect(running.address) as early:
            round_trip(early)
            while not fillers or fillers[-1] < 1023:
                fillers.append(os.dup(0))
            with connect(running.address) as late:
                if server_class.name == "select":
                    assert is_closed(late)
                    (error,) = running.errors
                    assert "select cannot watch descriptor 102" in str(error)
                    running.errors.clear()
                else:
                    round_trip(late)
            round_trip(early)
            while fillers:
                os.close(fillers.pop())
            with connect(running.address) as sock:
                round_trip(sock)
    finally:
        for descriptor in fillers:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
