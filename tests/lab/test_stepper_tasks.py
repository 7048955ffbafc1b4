"""The stepper on a loop: what is told of tasks, where each stands and what it waits for, how they all end."""

import gc
import socket
import threading
import time

import pytest

from course_lib.eventloop import CancelledError, Future, Task
from course_lib.lab import stepper as package
from course_lib.lab.stepper import stepper
from course_lib.lab.stepper.state import SHOWN
from course_lib.listening import listen
from tests.helpers import nothing_left, wait_until


@pytest.fixture(autouse=True)
def tidy():
    with nothing_left():
        yield
        package._steppers.end_all()
        gc.collect()  # a coroutine that was never awaited is told when it goes


def echo_server(loop):
    listener = listen(("127.0.0.1", 0), 100)
    listener.setblocking(False)

    async def echo(sock):
        with sock:
            while data := await loop.sock_recv(sock, 1000):
                await loop.sock_sendall(sock, data)

    async def welcome():
        while True:
            sock, _ = await loop.sock_accept(listener)
            loop.spawn(echo(sock))

    async def beat():
        while True:
            await loop.sleep(5)

    loop.spawn(welcome())
    loop.spawn(beat())
    return listener.getsockname()


def spawning(*functions):
    """Return a ``build`` that runs each of the functions of the loop as a task."""

    def build(loop):
        for function in functions:
            loop.spawn(function(loop))

    return build


def lines_of(told):
    return repr(told).splitlines()


def waits(s):
    return [f"{task.name}: {task.waits}" for task in s.state.tasks]


# --- what is told -----------------------------------------------------------------------------


def test_an_echo_server_from_start_to_end():
    s = stepper(echo_server)
    assert lines_of(s.state)[1:] == [
        "ready queue: task welcome, task beat",
        "timers:      none",
        "tasks:       welcome: is in the ready queue, at async def welcome():",
        "             beat: is in the ready queue, at async def beat():",
    ]
    assert lines_of(s.step())[2:] == [
        "task welcome ran, from the ready queue",
        "    registers listener for READ",
        "    waits for listener to be readable",
        "task beat ran, from the ready queue",
        "    sets the timer settle of task beat, due in 5 s",
        "    waits for its timer",
    ]
    client = s.open()
    assert lines_of(s.step()) == [
        "round 2: may sleep until the timer settle of task beat is due, or something comes",
        "select returned: listener for READ",
        "listener: Directions._on_ready ran",
        "    puts task welcome into the ready queue",
        "task welcome ran, from the ready queue",
        "    unregisters listener",
        "    accept gave client 1",
        "    puts task echo of client 1 into the ready queue",
        "    registers listener for READ",
        "    waits for listener to be readable",
    ]
    s.step()
    assert repr(s.state) == (
        "registered:  waker for READ, listener for READ, client 1 for READ\n"
        "ready queue: none\n"
        "timers:      settle of task beat\n"
        "tasks:       welcome: waits for listener to be readable,"
        " at sock, _ = await loop.sock_accept(listener)\n"
        "             beat: waits for its timer, at await loop.sleep(5)\n"
        "             echo of client 1: waits for client 1 to be readable,"
        " at while data := await loop.sock_recv(sock, 1000):"
    )
    client.say("hello")
    assert lines_of(s.step())[2:] == [
        "client 1: Directions._on_ready ran",
        "    puts task echo of client 1 into the ready queue",
        "task echo of client 1 ran, from the ready queue",
        "    unregisters client 1",
        "    client 1: recv gave b'hello\\n'",
        "    client 1: send took b'hello\\n'",
        "    registers client 1 for READ",
        "    waits for client 1 to be readable",
    ]
    assert client.heard == "hello\n"
    client.close()
    assert lines_of(s.step())[4:] == [
        "task echo of client 1 ran, from the ready queue",
        "    unregisters client 1",
        "    client 1: recv gave b'': it has said its last byte",
        "    client 1: close",
        "    puts set.discard into the ready queue",
        "    returned None",
    ]
    assert s.state.ready == ["set.discard of task echo of client 1"]
    assert [task.name for task in s.state.tasks] == ["welcome", "beat"]


def test_a_timer_wakes_its_task():
    async def nap(loop):
        await loop.sleep(0.02)
        return "well"

    s = stepper(spawning(nap))
    s.step()
    assert lines_of(s.step())[2:] == [
        "the timer settle of task nap is due: it goes into the ready queue",
        "task nap: settle ran, from its timer",
        "    puts task nap into the ready queue",
    ]
    assert waits(s) == ["nap: is in the ready queue"]
    assert lines_of(s.step())[-2:] == ["    puts set.discard into the ready queue", "    returned 'well'"]
    assert s.state.tasks == []


def test_what_tasks_wait_for():
    go_on = threading.Event()

    async def child(loop, seconds):
        await loop.sleep(seconds)

    async def gathers(loop):
        await loop.gather(child(loop, 9), child(loop, 0))

    async def joins(loop):
        await loop.spawn(child(loop, 8))

    async def thread(loop):
        await loop.run_in_thread(go_on.wait)

    async def future(loop):
        await Future(loop)

    async def writes(loop):
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with ours, theirs:
            await loop.sock_sendall(ours, bytes(10_000_000))

    s = stepper(spawning(gathers, joins, thread, future, writes))
    s.step()
    first = waits(s)
    assert first[0] == "gathers: waits for task child and task child 2"
    assert first[1:5] == [
        "joins: waits for task child 3",
        "thread: waits for a thread",
        "future: waits for a future",
        "writes: waits for socket pair to be writable",
    ]
    s.step()
    assert waits(s)[5:] == [
        "child: waits for its timer", "child 2: is in the ready queue", "child 3: waits for its timer",
    ]  # fmt: skip
    s.step()  # child 2 ends
    assert s.step().summary() == "round 4: task child 2: set.discard, task gathers: Gathering._one_is_done"
    assert waits(s)[0] == "gathers: waits for task child"
    assert s.state.tasks[-1].seconds == pytest.approx(8, abs=1)
    go_on.set()
    wait_until(lambda: s.reactor._ready)


def test_where_a_task_stands_is_the_innermost_line_of_the_learner():
    async def outer(loop):
        await inner(loop)

    async def inner(loop):
        await loop.sleep(9)

    s = stepper(spawning(outer))
    s.step()
    assert lines_of(s.state)[3] == "tasks:       outer: waits for its timer, in {} at {}".format(
        "inner", "await loop.sleep(9)"
    )


def test_how_steps_end():
    async def fails(loop):
        raise ValueError("on <purpose>")

    async def cancels(loop):
        task = loop.spawn(sleeps(loop))
        await loop.sleep(0)
        task.cancel()

    async def sleeps(loop):
        await loop.sleep(9)

    s = stepper(spawning(fails, cancels))
    done = s.step()
    assert lines_of(done)[3:5] == [
        "    puts set.discard into the ready queue", "    raised ValueError: on <purpose>",
    ]  # fmt: skip
    assert 'raise ValueError("on <purpose>")' in done.ran[0].traceback
    s.step()
    lines = lines_of(s.step())
    assert lines[lines.index("task sleeps ran, from the ready queue") + 1 :][:3] == [
        "    cancels the timer settle of task sleeps",
        "    puts set.discard into the ready queue",
        "    has been cancelled",
    ]


def test_a_timeout_is_told():
    async def limited(loop):
        async with loop.timeout(0.01):
            await Future(loop)

    s = stepper(spawning(limited))
    assert "sets the timer Timeout._expire of task limited, due in 0.01 s" in repr(s.step())
    assert "task limited: Timeout._expire ran, from its timer" in repr(s.step())
    assert "raised TimeoutError: it took longer than 0.01 s" in repr(s.step())


def test_tasks_of_one_name_are_numbered_and_many_are_counted():
    async def same(loop):
        await loop.sleep(9)

    s = stepper(spawning(*[same] * 30))
    assert [task.name for task in s.state.tasks][:3] == ["same", "same 2", "same 3"]
    assert lines_of(s.state)[-1] == f"             and {30 - SHOWN} more"


def test_state_can_be_read_while_it_runs():
    async def busy(loop):
        while True:
            await loop.sleep(0)
            loop.spawn(short(loop))

    async def short(loop):
        await loop.gather(loop.sleep(0), loop.sleep(0.001))

    s = stepper(spawning(busy, busy))
    s.session.set_speed("as fast as it can")
    s.run()
    seen = set()
    end = time.monotonic() + 1
    while time.monotonic() < end:
        seen |= {task.waits for task in s.state.tasks}
    assert "is in the ready queue" in seen
    s.pause()
    s.end()


# --- how it begins and ends -------------------------------------------------------------------


def test_build_must_not_run_the_loop():
    async def main(): ...

    s = stepper(lambda loop: loop.run(main()))
    assert s.session.drive.error == (
        "RuntimeError: the stepper runs this loop: only spawn what it is to run, loop.spawn(main())"
    )


def test_build_may_be_a_coroutine_function():
    async def main(loop):
        return 6

    s = stepper(main)
    assert waits(s) == ["main: is in the ready queue"]
    assert "    returned 6" in repr(s.step())


def test_tasks_clean_up_when_it_is_reset():
    ended = []

    async def tidies(loop):
        try:
            await loop.sleep(9)
        except CancelledError:
            ended.append("cancelled")
            await loop.sleep(0)
            ended.append("tidy")
            raise

    async def refuses(loop):
        while True:
            try:
                await loop.sleep(0)
            except CancelledError:
                ended.append("refused")

    async def fails(loop):
        try:
            await loop.sleep(9)
        finally:
            raise SystemExit

    async def alone(loop):
        loop.call_soon(lambda: ended.append("a callback"))
        keep.append(Task(loop.sleep(9), loop))

    keep: list = []
    s = stepper(spawning(tidies, refuses, fails, alone))
    s.step()
    s.reset()
    assert sorted(ended) == ["cancelled", "refused", "tidy"]
    assert s.step().number == 1
    told = repr(s.history)
    s.end()
    assert repr(s.history) == told
    assert s.state.tasks == []


def test_what_has_not_begun_is_closed_without_a_warning():
    s = stepper(echo_server)
    s.reset()
    s.end()
    stepper(lambda loop: loop.spawn(loop.sleep(1)) and int("x"))


def test_an_exception_that_nobody_asks_for_is_silent_at_the_end():
    async def fails(loop):
        raise ValueError

    s = stepper(spawning(fails))
    s.step()
    s.reset()
    gc.collect()


def test_a_listener_that_only_a_task_knows_is_closed():
    async def main(loop):
        listener = listen(("127.0.0.1", 0), 5)
        listener.setblocking(False)
        await loop.sock_accept(listener)

    stepper(main).step()


# --- the board --------------------------------------------------------------------------------


def test_the_board_has_a_table_of_tasks():
    board = stepper(echo_server).board
    part = board.parts["tasks"]
    assert part.layout.display is None
    assert "<b>welcome</b>" in part.value
    board.step_button.click()
    wait_until(lambda: "waits for its timer, due in 5.0 s" in part.value)
    assert "<code>await loop.sleep(5)</code>" in part.value


def test_no_tasks_no_table():
    part = stepper().board.parts["tasks"]
    assert (part.value, part.layout.display) == ("", "none")


def test_long_lists_of_tasks_are_cut():
    async def same(loop):
        await loop.sleep(9)

    part = stepper(spawning(*[same] * 30)).board.parts["tasks"]
    assert "and 18 more" in part.value
