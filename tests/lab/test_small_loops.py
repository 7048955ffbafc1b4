"""The small loops: the same program on each, and what it costs them to wait."""

import threading
import time

import pytest

from course_lib.clients import pair
from course_lib.lab.small_loops import asking, in_turns, with_sockets, with_time
from tests.helpers import nothing_left

TIMED = pytest.mark.parametrize("module", [asking, with_time, with_sockets], ids=lambda each: each.__name__)
READING = pytest.mark.parametrize("module", [asking, with_sockets], ids=lambda each: each.__name__)


@TIMED
def test_sleepers_wake_in_time_and_the_loop_ends_with_the_last(module):
    loop, woke = module.Loop(), []
    start = time.monotonic()

    async def sleeper(seconds):
        await loop.sleep(seconds)
        woke.append(seconds)
        assert time.monotonic() - start >= seconds

    for seconds in (0.06, 0.02, 0.04):
        loop.spawn(sleeper(seconds))
    loop.run()
    assert woke == [0.02, 0.04, 0.06]


@READING
def test_a_socket_is_waited_for_beside_a_timer(module):
    with nothing_left(), pair() as (client, sock):
        assert hear(module.Loop(), client, sock) == ["says it", b"hello"]


def hear(loop, client, sock):
    log = []

    async def reader():
        await loop.readable(sock)
        log.append(sock.recv(100))

    async def speaker():
        await loop.sleep(0.02)
        log.append("says it")
        client.sendall(b"hello")

    loop.spawn(reader())
    loop.spawn(speaker())
    loop.run()
    return log


def test_the_last_one_sleeps_without_a_timer_too():
    with pair() as (client, sock):
        loop = with_sockets.Loop()
        later = threading.Timer(0.02, client.sendall, (b"hello",))

        async def reader() -> None:
            await loop.readable(sock)

        task = loop.spawn(reader())
        later.start()
        loop.run()
        later.join()
        assert task.done()


@pytest.mark.parametrize("module", [in_turns, with_time, with_sockets], ids=lambda each: each.__name__)
def test_tasks_take_turns_and_wait_for_each_other(module):
    loop, log = module.Loop(), []

    async def one():
        log.append("one begins")
        log.append(await second)

    async def two():
        log.append("two ends")
        return "the result of two"

    loop.spawn(one())
    second = loop.spawn(two())
    loop.run()
    assert log == ["one begins", "two ends", "the result of two"]


def test_who_asks_is_never_done_asking():
    loops = asking.Loop(), with_sockets.Loop()
    used = []
    for loop in loops:
        loop.spawn(loop.sleep(0.05))
        before = time.thread_time()
        loop.run()
        used.append(time.thread_time() - before)
    assert loops[0].asked > 100  # for one wake-up
    assert used[0] > 3 * used[1]
