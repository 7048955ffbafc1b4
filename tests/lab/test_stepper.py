"""The stepper without its widgets: what is told of each round, in which thread it runs, how it all ends."""

import functools
import itertools
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from course_lib.eventloop import READ, WRITE, Acceptor, Protocol, Transport
from course_lib.lab import stepper as package
from course_lib.lab.named import WIDGET_VIEW
from course_lib.lab.stepper import observed, stepper
from course_lib.lab.stepper.names import data_in_words, name_of, size_in_words
from course_lib.lab.stepper.rounds import CALLS, DEEDS
from course_lib.listening import listen
from tests.helpers import ROOT, nothing_left, wait_until


@pytest.fixture(autouse=True)
def tidy():
    with nothing_left():
        yield
        package._steppers.end_all()


def quiet(reactor):
    """Nothing is due, ever."""


# --- the rounds in words ----------------------------------------------------------------------


def test_the_example_from_start_to_end():
    s = stepper()
    assert repr(s.history) == (
        "[echo_and_heartbeat ran\n    registers listener for READ\n    puts heartbeat into the ready queue]"
    )
    assert repr(s.state) == (
        "registered:  waker for READ, listener for READ\nready queue: heartbeat\ntimers:      none"
    )
    assert repr(s.step()) == (
        "round 1: does not sleep: 1 callback is ready\n"
        "select returned: nothing\n"
        "heartbeat ran, from the ready queue\n"
        "    sets the timer heartbeat, due in 5 s"
    )
    patience = "may sleep until the timer heartbeat is due, or something comes"
    one, two = s.open(), s.open()
    first = repr(s.step()).splitlines()
    assert first[:3] == [
        f"round 2: {patience}", "select returned: listener for READ", f"listener: {acceptor()} ran",
    ]  # fmt: skip
    assert first[3:] == [
        "    accept gave client 1",
        "    registers client 1 for READ",
        "    accept gave client 2",
        "    registers client 2 for READ",
        "    accept: nobody else waits",
    ]
    assert s.state.timers[0].callback == "heartbeat"
    two.say("hello")
    assert repr(s.step()).splitlines()[1:] == [
        "select returned: client 2 for READ",
        f"client 2: {transport()} ran",
        "    recv gave b'hello\\n'",
        "    send took b'hello\\n'",
    ]
    assert (one.heard, two.heard) == ("", "hello\n")
    one.close()
    assert repr(s.step()).splitlines()[1:] == [
        "select returned: client 1 for READ",
        f"client 1: {transport()} ran",
        "    recv gave b'': it has said its last byte",
        "    unregisters client 1",
        "    close",
        "    puts EchoProtocol.connection_lost into the ready queue",
        "client 1: EchoProtocol.connection_lost ran, from the ready queue",
    ]
    assert (
        repr(s.state).splitlines()[0] == "registered:  waker for READ, listener for READ, client 2 for READ"
    )


def acceptor() -> str:
    return "Acceptor.on_ready" if hasattr(Acceptor, "on_ready") else "Acceptor._on_ready"


def transport() -> str:
    return "Transport.on_ready" if hasattr(Transport, "on_ready") else "Transport._on_ready"


def test_a_timer_that_is_due_goes_through_the_ready_queue():
    def build(reactor):
        def late(): ...

        reactor.call_later(0.02, late)
        reactor.call_later(60, late).cancel()

    s = stepper(build)
    assert s.history[0].ran[0].deeds == [
        "sets the timer late, due in 0.02 s",
        "sets the timer late, due in 60 s",
        "cancels the timer late",
    ]
    assert repr(s.step()) == (
        "round 1: may sleep until the timer late is due, or something comes\n"
        "select returned: nothing\n"
        "the timer late is due: it goes into the ready queue\n"
        "late ran, from its timer"
    )


def test_the_clock_stands_while_the_reactor_rests():
    s = stepper(lambda reactor: reactor.call_later(60, print))
    before = s.state.timers[0].seconds
    time.sleep(0.05)
    assert s.state.timers[0].seconds == before == 60


def test_a_callback_that_adds_itself_waits_for_the_next_round():
    def build(reactor):
        def again():
            reactor.call_soon(again)

        reactor.call_soon(again)

    s = stepper(build)
    for number in (1, 2, 3):
        assert s.step().summary() == f"round {number}: again"
    assert s.state.ready == ["again"]


def test_plain_callbacks_on_plain_sockets_are_told_too():
    def build(reactor):
        listener = listen(("127.0.0.1", 0), 10)

        def accept(events):
            sock, _ = listener.accept()
            reactor.register(sock, READ, functools.partial(serve, sock))

        def serve(sock, events):
            if data := sock.recv(100):
                sock.sendall(data.upper())
                reactor.modify(sock, READ | WRITE, functools.partial(serve_again, sock))
            else:
                reactor.unregister(sock)
                sock.close()

        def serve_again(sock, events):
            reactor.modify(sock, READ, functools.partial(serve, sock))

        reactor.register(listener, READ, accept)
        return listener.getsockname()

    s = stepper(build)
    client = s.open()
    s.step()
    client.send("abc")
    assert repr(s.step()).splitlines()[1:] == [
        "select returned: client 1 for READ",
        "client 1: serve ran",
        "    recv gave b'abc'",
        "    sendall sent b'ABC'",
        "    watches client 1 for READ|WRITE",
    ]
    assert client.heard == "ABC"
    assert s.step().returned == [("client 1", "WRITE")]


def test_a_stranger_is_a_connection():
    s = stepper()
    s.step()
    with socket.create_connection(s.address), socket.create_connection(s.address):
        assert s.step().ran[0].deeds[::2] == [
            "accept gave connection", "accept gave connection 2", "accept: nobody else waits",
        ]  # fmt: skip


def test_an_error_is_in_the_round_and_the_next_callback_runs():
    def build(reactor):
        reactor.call_soon(int, "x")

        def bad():
            raise ValueError("on <purpose>")

        def good(): ...

        reactor.call_soon(bad)
        reactor.call_soon(good)

    s = stepper(build)
    done = s.step()
    assert repr(done).splitlines()[2:] == [
        "int ran, from the ready queue",
        "    raised ValueError: invalid literal for int() with base 10: 'x'",
        "bad ran, from the ready queue",
        "    raised ValueError: on <purpose>",
        "good ran, from the ready queue",
    ]
    assert done.ran[0].traceback == ""
    assert 'raise ValueError("on <purpose>")' in done.ran[1].traceback
    assert "observed.py" not in done.ran[1].traceback
    assert s.step(limit=0).ran == []


def test_much_is_counted_and_not_told():
    def build(reactor):
        def one():
            for _ in range(DEEDS + 5):
                reactor.call_soon(print_nothing)

        for _ in range(CALLS + 3):
            reactor.call_soon(one)

    def print_nothing(): ...

    s = stepper(build)
    lines = repr(s.step()).splitlines()
    assert lines.count("    and 5 more") == CALLS
    assert lines[-1] == "and 3 more callbacks ran"
    assert "and " in repr(s.state)
    assert len(repr(s.state)) < 500


def test_bytes_that_the_kernel_does_not_take():
    def build(reactor):
        ours, theirs = socket.socketpair()
        reactor.adopt(ours)
        keep.append(theirs)

        class Talks(Protocol):
            def connection_made(self, transport):
                self.transport = transport

        protocol = Talks()
        Transport(reactor, ours, protocol)
        reactor.call_soon(protocol_write, protocol)

    def protocol_write(protocol):
        protocol.transport.write(bytes(10_000_000))

    keep: list[socket.socket] = []
    s = stepper(build)
    deeds = s.step().ran[0].deeds
    assert deeds == ["send took more than 16 KiB of more than 16 KiB", "watches socket pair for READ|WRITE"]
    assert s.state.watched[-1].unsent > 1_000_000
    keep[0].close()


def in_a_function():
    return lambda: None


@pytest.mark.parametrize(
    ("callback", "name"),
    [
        (print, "print"),
        (quiet, "quiet"),
        (lambda: None, "lambda"),
        (in_a_function(), "lambda in in_a_function"),
        (functools.partial(quiet, None), "quiet"),
        ([].append, "list.append"),
        (dict.fromkeys, "dict.fromkeys"),
        (Protocol().data_received, "Protocol.data_received"),
        (type("Callable", (), {"__call__": quiet})(), "Callable"),
    ],
)
def test_names_of_callbacks(callback, name):
    assert name_of(callback) == name


def test_sizes_in_words():
    assert data_in_words(b"a" * 41) == "41 bytes"
    assert [size_in_words(n) for n in (0, 1, 16384, 16385)] == [
        "0 bytes", "1 byte", "16,384 bytes", "more than 16 KiB",
    ]  # fmt: skip


# --- the thread -------------------------------------------------------------------------------


def test_each_callback_runs_in_the_steppers_own_thread():
    seen = []
    s = stepper(lambda reactor: reactor.call_soon(lambda: seen.append(threading.current_thread().name)))
    s.step()
    assert seen == ["stepper"]


def test_asleep_until_a_client_says_something():
    s = stepper(lambda reactor: build_echo(reactor))
    client = s.open()
    s.step()
    asleep = s.step(limit=0.05)
    assert repr(asleep) == "round 2: may sleep until something comes\nasleep in select"
    assert s.reactor.doing.what == "sleep"
    client.say("wake up")
    assert s.step() is asleep
    assert asleep.returned == [("client 1", "READ")]
    assert client.heard == "wake up\n"


def build_echo(reactor):
    class Says(Protocol):
        def connection_made(self, transport):
            self.transport = transport

        def data_received(self, data):
            self.transport.write(data)

    listener = listen(("127.0.0.1", 0), 10)
    Acceptor(reactor, listener, lambda sock: Transport(reactor, sock, Says()), print)
    return listener.getsockname()


def test_call_soon_threadsafe_wakes_it():
    s = stepper(quiet)
    assert s.step(limit=0.02).asleep
    s.reactor.call_soon_threadsafe(quiet, None)
    assert repr(s.step()).splitlines()[1:] == [
        "select returned: waker for READ",
        "waker: lambda in Reactor.__init__ ran",
        "quiet ran, from the ready queue, by call_soon_threadsafe",
    ]


def test_run_and_pause():
    s = stepper(build_counting)
    s.session.set_speed("as fast as it can")
    s.run()
    wait_until(lambda: s.reactor.round.number > 100)
    s.pause()
    wait_until(lambda: not s.session.drive.busy)
    number = s.reactor.round.number
    time.sleep(0.02)
    assert s.reactor.round.number == number
    assert s.step().number == number + 1
    assert len(s.history) == observed.HISTORY
    with pytest.raises(KeyError):
        s.session.set_speed("sideways")


def build_counting(reactor):
    numbers = itertools.count()

    def count():
        next(numbers)
        reactor.call_soon(count)

    reactor.call_soon(count)


def test_speed_is_a_pause_between_rounds(monkeypatch):
    monkeypatch.setitem(package.session.SPEEDS, "slow", 60.0)
    s = stepper(build_counting)
    s.session.set_speed("slow")
    s.run()
    wait_until(lambda: s.reactor.round.number == 1)
    s.session.set_speed("as fast as it can")
    wait_until(lambda: s.reactor.round.number > 10)


def test_reset_builds_all_anew_whatever_it_does():
    s = stepper()
    s.step()
    client = s.open()
    assert s.step().number == 2
    assert s.step(limit=0).number == 3  # asleep
    before, address = s.reactor, s.address
    s.reset()
    assert not client.is_open
    assert s.reactor is not before
    assert s.history[-1].number == 0
    with pytest.raises(OSError):
        socket.create_connection(address)
    assert s.step().number == 1
    assert s.open().name == "client 1"


def test_reset_gives_up_a_callback_that_blocks_in_a_socket():
    def build(reactor):
        address = build_echo(reactor)
        blocking = socket.create_connection(address)
        reactor.register(blocking, READ, print)
        reactor.call_soon(blocking.recv, 1)
        return address

    s = stepper(build)
    assert not s.step(limit=0.1).over
    s.reset()
    assert s.reactor.round.number == 0


def test_reset_leaves_a_callback_behind_that_never_returns():
    go_on = threading.Event()
    s = stepper(lambda reactor: reactor.call_soon(go_on.wait))
    assert not s.step(limit=0.05).over
    start = time.monotonic()
    s.reset()
    assert time.monotonic() - start < 5
    go_on.set()
    assert s.step().over


def test_the_next_stepper_ends_its_predecessor():
    first, other = stepper(), stepper(name="other")
    first.step()
    client = first.open()
    stepper()
    assert not client.is_open
    with pytest.raises(RuntimeError, match="has been ended: run the cell that made it again"):
        first.step()
    with pytest.raises(ValueError, match="no address"):
        first.open()
    assert other.step().number == 1
    first.end()
    first.run()
    first.pause()
    first.reset()  # it is no ghost: it can be revived, and ended again
    assert first.step().number == 1
    first.end()


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signals to threads on this system")
def test_an_interrupt_while_step_waits_leaves_it_usable():
    s = stepper(build_echo)
    client = s.open()
    s.step()
    main = threading.main_thread().ident
    timer = threading.Timer(0.1, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        s.step(limit=30)
    timer.join()
    client.say("x")
    client.answer()  # so the round is over before somebody asks for it again
    assert s.step().returned == [("client 1", "READ")]


def test_what_ends_the_thread_is_told():
    s = stepper(lambda reactor: reactor.call_soon(sys.exit, "bye"))
    s.step()
    wait_until(lambda: s.session.drive.over)
    with pytest.raises(RuntimeError, match="the reactor has been ended by SystemExit: bye"):
        s.step()


# --- what is given ----------------------------------------------------------------------------


def test_what_build_raises_is_kept_and_nothing_is_left():
    def build(reactor):
        reactor.register(listen(("127.0.0.1", 0), 10), READ, print)
        raise ValueError("no <idea>")

    s = stepper(build)
    assert repr(s) == "A reactor under buttons. Nothing can be stepped: build raised ValueError: no <idea>"
    with pytest.raises(RuntimeError, match="there is nothing to step: build raised ValueError"):
        s.step()
    s.run()
    s.reset()


def test_build_must_be_a_function_and_must_not_run_the_reactor():
    with pytest.raises(TypeError, match="build is a function of one reactor, and no int"):
        stepper(3)
    s = stepper(lambda reactor: reactor.run_forever())
    assert "only set up what it is to do" in s.session.drive.error
    s = stepper(lambda: None)
    assert "takes 0 positional arguments" in s.session.drive.error


def test_build_may_return_something_with_an_address_and_an_end():
    class Server:
        def __init__(self, reactor):
            self.address = build_echo(reactor)
            self.closed = 0

        def close(self):
            self.closed += 1

    s = stepper(Server)
    server = s.session.drive.built
    assert s.address == server.address
    s.end()
    s.end()
    assert server.closed == 1


def test_without_an_address_no_client_can_be_opened():
    with pytest.raises(ValueError, match="build has returned no address"):
        stepper(quiet).open()


# --- what is shown ----------------------------------------------------------------------------


def test_the_text_is_the_same_every_time():
    texts = []
    for _ in range(2):
        s = stepper()
        fresh = repr(s)
        s.step()
        s.open()
        s.step()
        texts.append((fresh, repr(s), s._repr_mimebundle_()["text/plain"]))
    assert texts[0] == texts[1]
    assert texts[0][1] == texts[0][2]
    assert "No round has run yet." in texts[0][0]
    assert "accept gave client 1" in texts[0][1]
    assert s._repr_mimebundle_().keys() == {"text/plain", WIDGET_VIEW}


def test_the_logic_needs_no_widgets():
    code = (
        "import sys; from course_lib import stepper; s = stepper(); s.step(); s.end();"
        "print('ipywidgets' in sys.modules, 'matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False False\n", "")
