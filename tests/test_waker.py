"""The self-pipe trick."""

import select
import threading
from collections.abc import Iterator

import pytest

from course_lib.waker import Waker
from tests.helpers import nothing_left, wait_until_asleep


@pytest.fixture
def waker() -> Iterator[Waker]:
    with nothing_left():
        waker = Waker()
        yield waker
        waker.close()
        waker.close()


def is_ready(waker: Waker) -> bool:
    return bool(select.select([waker], [], [], 0)[0])


def test_it_is_quiet_until_woken(waker: Waker) -> None:
    assert not is_ready(waker)
    waker.clear()  # which does not wait
    waker.wake()
    assert is_ready(waker)
    assert is_ready(waker)  # until cleared
    waker.clear()
    assert not is_ready(waker)


def test_one_clear_takes_back_all_wake_ups(waker: Waker) -> None:
    for _ in range(100):
        waker.wake()
    # A system may keep more of them than one recv returns. This one merges no single bytes.
    waker._outer.send(bytes(10_000))
    waker.clear()
    assert not is_ready(waker)
    waker.wake()
    assert is_ready(waker)


def test_wake_never_waits(waker: Waker) -> None:
    woken = 0

    def wake() -> None:
        nonlocal woken
        for _ in range(100_000):  # more than a socket pair holds
            waker.wake()
            woken += 1

    thread = threading.Thread(target=wake, daemon=True)
    thread.start()
    thread.join(10)
    assert woken == 100_000


def test_it_wakes_another_thread(waker: Waker) -> None:
    thread = threading.Thread(target=select.select, args=([waker], [], []), daemon=True)
    thread.start()
    wait_until_asleep(thread.native_id)
    waker.wake()
    thread.join(1)
    assert not thread.is_alive()


def test_wake_after_close(waker: Waker) -> None:
    waker.close()
    waker.wake()
