"""The x-ray: what it sees, what it costs, and that it is gone when its block is over."""

import _socket
import asyncio
import select
import selectors
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from course_lib import xray
from course_lib.conversation import ArticleBlocking
from course_lib.lab.background import serve
from course_lib.lab.xray import collecting, watching, wrappers
from course_lib.lab.xray.calls import Call
from course_lib.lab.xray.lanes import Lane
from course_lib.lab.xray.messages import messages
from course_lib.lab.xray.wires import Wire
from tests.helpers import (
    ROOT,
    child,
    connect,
    nothing_left,
    read_line,
    receive_exactly,
    round_trip,
    wait_until,
    wait_until_asleep,
)
from tests.lab.cells import run_cell

PAUSE = 0.15
"""Long enough to be told as a wait."""

PLACES = [(socket.socket, name) for name in wrappers.METHODS]
PLACES += [(kind, "select") for kind in wrappers.SELECTORS] + [(select, "select"), (time, "sleep")]

ORIGINALS = [vars(owner).get(name) for owner, name in PLACES]


def is_off() -> bool:
    in_place = [vars(owner).get(name) for owner, name in PLACES] == ORIGINALS
    return in_place and threading.getprofile() is None


@pytest.fixture(autouse=True)
def off_before_and_after():
    outer = sys.getprofile()
    assert is_off()
    yield
    assert is_off()
    assert sys.getprofile() is outer


@pytest.fixture
def started():
    with ExitStack() as stack:
        yield lambda *args, **kwargs: stack.enter_context(serve(*args, **kwargs))


@pytest.fixture
def pair():
    first, second = socket.socketpair()
    with first, second:
        yield first, second


def lines(trace) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in repr(trace).splitlines())


def in_thread(function, name: str = "other") -> threading.Thread:
    thread = threading.Thread(target=function, name=name, daemon=True)
    thread.start()
    return thread


ARTICLE_SERVER = """
    def article_server(listener):
        client, address = listener.accept()
        client.sendall(b"Welcome")
        while True:
            data = client.recv(1024)
            if not data:
                break
            client.sendall(data)
        client.close()
    """


def visit(address, rounds: int = 2, welcome: int = 0) -> None:
    with connect(address) as client:
        receive_exactly(client, welcome)
        for _ in range(rounds):
            time.sleep(PAUSE)
            round_trip(client)
        time.sleep(PAUSE)


def test_the_articles_server_from_a_cell(started):
    server = started(run_cell(ARTICLE_SERVER)["article_server"])
    with xray() as trace:
        visit(server.address, welcome=7)
    assert repr(trace) == (
        "you: connect → recv → (sleep → sendall → recv) × 2 → sleep → close\n"
        "article_server: accept (blocked) → sendall → (recv (blocked) → sendall) × 2 → recv (blocked, end)"
        " → close\n"
        "article_server to you: 15 bytes, back: 8 bytes"
    )


def test_the_blocked_intervals_are_the_pauses(started):
    server = started("blocking", ArticleBlocking)
    with xray() as trace, connect(server.address) as client:
        client.recv(1024)
        time.sleep(PAUSE)
        client.sendall(b"hello")
        client.recv(1024)
    theirs = [call for call in trace.calls if call.thread == "blocking"]
    mine = {call.name: call for call in trace.calls if call.thread == "you"}
    assert [call.name for call in theirs][:4] == ["accept", "sendall", "recv", "sendall"]
    accept, _, recv, answer = theirs[:4]
    assert accept.before and accept.start == 0 and accept.blocked
    assert recv.blocked and recv.bytes == 5 and recv.result == "5 bytes"
    assert PAUSE * 0.9 < recv.seconds < PAUSE + 0.5
    assert recv.start < mine["sleep"].end <= mine["sendall"].start <= recv.end <= answer.start
    assert not answer.blocked
    assert accept.fd != recv.fd == answer.fd


@pytest.mark.parametrize("rung", ["selectors", "asyncio_streams", "asyncio_protocol"])
def test_where_a_selector_waits(started, rung):
    server = started(rung)
    with xray() as trace:
        visit(server.address)
    assert lines(trace)[rung] == (
        "select (blocked) → accept → (select (blocked) → recv → send) × 2 → "
        "select (blocked) → recv (end) → close → select (blocked)"
    )


def test_a_rung_with_threads(started):
    server = started("threaded")
    with xray() as trace:
        for _ in range(2):
            visit(server.address, rounds=1)
    assert lines(trace)["threaded"] == "accept (blocked) × 3"
    assert lines(trace)["serve (2 threads)"] == "recv (blocked) → sendall → recv (blocked, end) → close"
    assert lines(trace)["you to serve"] == "8 bytes, back: 8 bytes"
    assert list(trace.threads) == ["you", "threaded", "serve 1", "serve 2"]


def test_the_same_words_twice(started):
    server = started("thread_pool")  # which thread of the pool has which client is chance
    texts = set()
    for _ in range(3):
        with xray() as trace:
            visit(server.address, rounds=1)
        texts.add(repr(trace))
    (text,) = texts
    assert "work (15 of 16 threads): get (blocked since before)" in text
    assert str(server.port) not in text


def test_a_spinning_server_is_told_as_one_and_forgets_nothing(started):
    server = started("nonblocking")
    with xray() as trace:
        time.sleep(1)
        visit(server.address, rounds=1)
        used = time.process_time()
        wait_until(lambda: time.process_time() > used + 0.1, what="the server goes on asking")
    words = lines(trace)["nonblocking"]
    assert words.startswith("asks again and again → accept → asks again and again → recv → send → ")
    assert words.endswith(" → close → asks again and again")
    assert len(trace.calls) < 1000


def test_locks_events_queues_and_joins_of_new_threads():
    lock, go = threading.Lock(), threading.Event()

    def worker():
        go.wait()
        lock.acquire()
        time.sleep(PAUSE)
        lock.release()

    with xray() as trace:
        thread = threading.Thread(target=worker)
        lock.acquire()
        thread.start()
        time.sleep(PAUSE)
        go.set()
        time.sleep(PAUSE)
        lock.release()
        thread.join()
    assert lines(trace) == {
        "you": "acquire → sleep × 2 → join (blocked)",
        "worker": "wait (blocked) → acquire (blocked) → sleep",
    }


def test_a_pool_and_its_results():
    with xray() as trace, ThreadPoolExecutor(2) as pool:
        pool.submit(time.sleep, PAUSE).result()
    assert lines(trace)["you"].startswith("result (blocked)")


def test_asyncio_in_the_calling_thread():
    async def main():
        await asyncio.sleep(PAUSE)

    with xray() as trace:
        asyncio.run(main())
    assert "select (blocked)" in lines(trace)["you"]


def test_it_nests(pair):
    first, second = pair
    with xray() as outer:
        first.send(b"a")
        with xray() as inner:
            first.send(b"bc")
        assert not is_off()
        second.recv(9)
    assert [(call.name, call.bytes) for call in inner.calls] == [("send", 2)]
    assert [(call.name, call.bytes) for call in outer.calls] == [("send", 1), ("send", 2), ("recv", 3)]


def test_two_threads_may_watch_at_once(pair):
    first, second = pair
    ready, go, traces = threading.Event(), threading.Event(), []

    def other():
        with xray() as trace:
            traces.append(trace)
            ready.set()
            go.wait(5)

    thread = threading.Thread(target=other, name="watcher")
    with xray() as mine:
        thread.start()
        ready.wait(5)
        first.send(b"x")
    go.set()
    thread.join()
    assert not [call for call in mine.calls if call.name == "send" and call.bytes != 1]
    assert ("you", "send") in [(call.thread, call.name) for call in traces[0].calls]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_it_survives_errors_and_is_off_afterwards(pair, error):
    with pytest.raises(error), xray() as trace:
        pair[0].send(b"x")
        raise error
    assert is_off()
    assert [call.name for call in trace.calls] == ["send"]


def test_an_error_of_a_call_passes_through_and_is_told(pair):
    pair[1].settimeout(PAUSE)
    with xray() as trace:
        with pytest.raises(TimeoutError):
            pair[1].recv(1)
        pair[1].setblocking(False)
        with pytest.raises(BlockingIOError):
            pair[1].recv(1)
    assert lines(trace) == {"you": "recv (blocked, TimeoutError)"}
    assert [call.error for call in trace.calls] == ["TimeoutError", "BlockingIOError"]


def test_a_socket_that_never_waits_is_known_even_if_it_took_long(pair, monkeypatch):
    monkeypatch.setattr(watching, "SLOW", -1)
    with xray() as trace:
        pair[0].send(b"x")
        pair[1].setblocking(False)
        pair[1].recv(1)
    assert [call.waits for call in trace.calls] == [True, False]


@pytest.mark.parametrize(("timeout", "told"), [(None, ["recv"]), (0, [])])
def test_a_starved_call_that_never_waits_is_not_told_as_a_wait(pair, monkeypatch, timeout, told):
    """A thread that spins may happen to get no processor for long: here it is in one call throughout."""
    pair[1].settimeout(timeout)
    lane = Lane(threading.Thread(name="spinner"))
    lane.open = ("recv", pair[1].fileno(), None, 0.5, pair[1])
    monkeypatch.setattr(collecting, "lanes", [lane])
    assert [call.name for call in collecting.collect(0.0, 1.0).calls] == told


def test_an_interrupt_while_it_is_turned_on(monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr("course_lib.lab.xray.hook.put_on", interrupt)
    with pytest.raises(KeyboardInterrupt), xray():
        pass
    assert is_off()


def test_an_interrupt_while_it_is_turned_off(monkeypatch):
    from course_lib.lab.xray import hook

    take_off, times = hook.take_off, []

    def interrupted():
        times.append(1)
        if len(times) == 1:
            raise KeyboardInterrupt
        take_off()

    monkeypatch.setattr(hook, "take_off", interrupted)
    with pytest.raises(KeyboardInterrupt), xray():
        pass
    assert is_off()


def test_a_profile_hook_that_was_there_is_there_again():
    def mine(frame, event, function):
        pass

    before = sys.getprofile()
    sys.setprofile(mine)
    try:
        with xray():
            pass
        assert sys.getprofile() is mine
    finally:
        sys.setprofile(before)


def test_a_thread_that_outlives_the_block_loses_its_hook():
    go, seen = threading.Event(), []

    def work():
        go.wait(5)
        time.monotonic()
        seen.append(sys.getprofile())

    with xray():
        thread = in_thread(work)
    go.set()
    thread.join()
    assert seen == [None]


def test_a_wait_that_outlasts_the_block_does_not_blind_the_next_one(pair):
    go, again = threading.Event(), threading.Event()

    def work():
        go.wait(5)
        pair[0].send(b"x")
        again.wait(5)

    with xray():
        thread = in_thread(work)
        wait_until_asleep(thread.native_id)
    go.set()
    with xray() as trace:
        pair[1].recv(1)
    assert lines(trace)["other"].endswith("wait (blocked since before)")
    with xray() as last:
        again.set()
        thread.join()
    assert lines(last)["other"] == "wait (blocked)"


def test_a_call_that_outlasts_the_block_is_told_and_ends_in_peace(pair):
    first, second = pair
    with xray() as trace:
        thread = in_thread(lambda: second.recv(1))
        wait_until_asleep(thread.native_id)
    assert lines(trace) == {"other": "recv (blocked)"}
    with xray() as again:
        pass
    assert lines(again) == {"other": "recv (blocked since before)"}
    (call,) = again.calls
    assert (call.before, call.open, call.fd) == (True, True, second.fileno())
    first.send(b"x")
    thread.join(5)
    with xray() as last:
        pass
    assert repr(last) == "nothing was called"


WAITS = {
    "recv": lambda second, done: second.recv(1),
    "select": lambda second, done: select.select([second], [], []),
    "poll": lambda second, done: poll(second),
    "wait": lambda second, done: done.wait(),
}


def poll(sock):
    poller = select.poll()
    poller.register(sock, select.POLLIN)
    poller.poll()


@pytest.mark.parametrize("name", WAITS)
def test_blocked_since_before_from_the_stack(pair, name):
    first, second = pair
    done = threading.Event()
    thread = in_thread(lambda: WAITS[name](second, done))
    wait_until_asleep(thread.native_id)
    with xray() as trace:
        pass
    first.send(b"x")
    done.set()
    thread.join(5)
    assert lines(trace) == {"other": f"{name} (blocked since before)"}


def test_select_in_a_thread_that_ran_before(pair):
    """On 3.11 the hook cannot come there: the wrappers can."""
    first, second = pair

    def loop():
        with selectors.DefaultSelector() as selector:
            selector.register(second, selectors.EVENT_READ)
            for _ in range(2):
                selector.select()
                second.recv(1)
            select.select([second], [], [])
            time.sleep(PAUSE)

    thread = in_thread(loop)
    wait_until_asleep(thread.native_id)
    with xray() as trace:
        for _ in range(3):
            time.sleep(PAUSE)
            first.send(b"x")
        thread.join()
    assert lines(trace)["other"] == "(select (blocked) → recv) × 2 → select (blocked) → sleep"


def test_the_kernels_threads_and_calls_are_left_out(pair):
    class Foreign(threading.Thread):
        __module__ = "ipykernel.iostream"

    def talk():
        pair[0].send(b"x")
        pair[1].recv(1)
        threading.Event().wait(0.01)

    with xray() as trace:
        for make in (Foreign, threading.Thread):
            thread = make(target=talk, name=make.__module__)
            thread.start()
            thread.join()
    assert {call.thread for call in trace.calls} == {"you", "threading"}


def test_the_courses_own_stopping_is_left_out(started):
    with xray() as trace:
        server = serve(run_cell(ARTICLE_SERVER)["article_server"], name="mine")
        wait_until_asleep(server._thread.native_id)
        server.stop()
    assert set(trace.threads) <= {"mine", "you"}
    assert "close" not in lines(trace)["mine"]


def test_a_closed_socket_is_not_kept_alive():
    import gc
    import weakref

    with xray() as trace:
        first, second = socket.socketpair()
        first.send(b"x")
        second.recv(1)
        watch = weakref.ref(first)
        first.close()
        second.close()
        del first, second
        gc.collect()
        assert watch() is None
    assert [call.name for call in trace.calls] == ["send", "recv", "close", "close"]


def test_it_leaves_nothing_behind(started):
    server = started("blocking")
    visit(server.address, rounds=0)
    with nothing_left(), xray():
        visit(server.address, rounds=1)


def test_beside_coverage(tmp_path):
    pytest.importorskip("coverage")
    script = tmp_path / "watched.py"
    script.write_text(
        "import socket\nfrom course_lib import xray\n"
        "def talk(a, b):\n    a.send(b'x')\n    return b.recv(1)\n"
        "with xray() as trace:\n    a, b = socket.socketpair()\n    talk(a, b)\n"
        "a.close()\nb.close()\nprint(trace)\n"
    )
    run = [sys.executable, "-m", "coverage", "run", "--data-file", str(tmp_path / "data"), str(script)]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)})
    assert (done.stdout, done.stderr) == ("you: send → recv\n", "")
    report = [
        sys.executable,
        "-m",
        "coverage",
        "report",
        "--data-file",
        str(tmp_path / "data"),
        "--fail-under=100",
    ]
    done = subprocess.run([*report, f"--include={script}"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_off_there_is_nothing_left_to_pay_for():
    with xray():
        assert "recv" in vars(socket.socket)
    assert socket.socket.recv is _socket.socket.recv
    assert time.sleep is ORIGINALS[-1]


def test_the_cost_of_a_call(capsys):
    from course_lib.lab.xray.cost import exchange, lock, seconds_per_call

    for work in (exchange, lock):
        before = seconds_per_call(work, calls=500)
        with xray():
            inside = seconds_per_call(work, calls=500)
        assert inside - before < 6e-6  # 3 µs on a machine that has nothing else to do


HERE, THERE = ("127.0.0.1", 1), ("127.0.0.1", 2)


def call(name: str, start: float, size: int | None, wire: Wire | None, end: float | None = None) -> Call:
    thread = "a" if wire == Wire(HERE, THERE) else "b"
    return Call(thread, name, 3, size, "", start, start + 0.1 if end is None else end, False, wire=wire)


OUT, IN = Wire(HERE, THERE), Wire(THERE, HERE)


def sizes(*calls: Call) -> list[tuple[float, float, int]]:
    return [(m.sent.start, m.received.start, m.bytes) for m in messages(sorted(calls, key=lambda c: c.start))]


def test_bytes_meet_in_the_order_in_which_they_were_sent():
    assert sizes(
        call("send", 1, 3, OUT), call("send", 2, 4, OUT), call("recv", 3, 5, IN), call("recv", 4, 2, IN)
    ) == [
        (1, 3, 3),
        (2, 3, 2),
        (2, 4, 2),
    ]


def test_bytes_of_another_connection_or_direction_do_not_meet():
    assert sizes(call("send", 1, 3, OUT), call("recv", 2, 3, OUT)) == []
    assert sizes(call("send", 1, 3, OUT), call("recv", 2, 3, Wire(THERE, ("127.0.0.1", 9)))) == []
    assert sizes(call("send", 1, 3, None), call("recv", 2, 3, None)) == []


def test_bytes_are_not_received_before_they_are_sent():
    assert sizes(call("recv", 1, 3, IN), call("send", 2, 3, OUT)) == []


def test_a_receiver_that_began_before_takes_what_was_there():
    assert sizes(call("recv", 0, None, IN, end=2), call("send", 1, 3, OUT)) == [(1, 0, 3)]


@pytest.mark.parametrize(("sent", "blocked"), [(0.001, False), (0.1, True)])
def test_a_late_awakening_is_no_wait_for_the_other(monkeypatch, sent, blocked):
    """The receiver has waited from 0 to 0.2, though its bytes were sent at ``sent``."""
    receiver, sender = (Lane(threading.Thread(name=name)) for name in "ab")
    receiver.log.append(("recv", 3, IN, 0.0, 0.2, 5, "", True))
    for start in (sent, 0.15):  # the first of them has ended the wait
        sender.log.append(("send", 4, OUT, start, start + 0.00001, 2, "", True))
    monkeypatch.setattr(collecting, "lanes", [receiver, sender])
    calls = collecting.collect(0.0, 1.0).calls
    assert [call.blocked for call in calls] == [blocked, False, False]


INTERRUPTED = """
import os, signal, socket, sys, threading, time
from course_lib import xray
first, second = socket.socketpair()
threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    with xray() as trace:
        second.recv(1)
except KeyboardInterrupt:
    pass
first.close(), second.close()
print(trace, "recv" in vars(socket.socket), sys.getprofile(), threading.getprofile())
"""


def test_a_real_interrupt():
    with child(INTERRUPTED) as process:
        assert read_line(process) == "you: recv (blocked, KeyboardInterrupt) False None None"


@pytest.mark.parametrize("after", range(2, 60, 3))
def test_an_interrupt_at_any_step_of_the_end(after, pair):
    """A trace function that raises after so many lines of the instrument's own code, once."""
    seen = 0

    def tracer(frame, event, arg):
        nonlocal seen
        if "/xray/" not in frame.f_code.co_filename or frame.f_code.co_name in (
            "collect",
            "rests",
            "watched",
        ):
            return None
        seen += event == "line"
        if seen == after:
            seen += 1
            raise KeyboardInterrupt
        return tracer

    outer = sys.gettrace()
    try:
        with xray():
            pair[0].send(b"x")
            sys.settrace(tracer)
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(outer)
    assert is_off()


def test_objects_that_do_not_like_to_be_compared():
    import numpy

    with xray() as trace:
        numpy.zeros(3).sum()
        numpy.zeros(3).tolist()
    assert repr(trace) == "nothing was called"


def test_a_thread_is_not_named_after_a_wrapper(pair):
    with xray() as trace:
        thread = threading.Thread(target=pair[0].sendall, args=(b"x",))
        thread.start()
        thread.join()
    assert lines(trace)["sendall"] == "sendall"
