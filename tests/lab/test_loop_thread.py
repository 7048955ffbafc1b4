"""A loop in a thread of its own: what it returns and raises, and that nothing of it is left."""

import asyncio
import threading

import pytest

from course_lib.eventloop.aio import AsyncioLoop, new_event_loop
from course_lib.lab.loop_thread import LoopThread, run_on
from tests.helpers import nothing_left, wait_until


async def kind_of_loop() -> str:
    return type(asyncio.get_running_loop()).__name__


@pytest.mark.parametrize("factory", [None, new_event_loop])
def test_it_runs_coroutines_and_leaves_nothing(factory):
    with nothing_left(), LoopThread(factory) as thread:
        assert thread.run(asyncio.sleep(0, "slept")) == "slept"
        assert thread.run(kind_of_loop()) == type(thread.loop).__name__
    assert thread.loop.is_closed()


def test_its_exceptions_are_those_of_the_coroutine():
    async def fails():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        run_on(None, fails)


def test_the_loop_is_the_one_that_was_asked_for():
    assert run_on(new_event_loop, kind_of_loop) == AsyncioLoop.__name__


def test_what_is_left_is_cancelled():
    told = []

    async def waits():
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            told.append("cancelled")
            raise

    with LoopThread() as thread:
        task = asyncio.run_coroutine_threadsafe(waits(), thread.loop)
        wait_until(lambda: thread.run(number_of_tasks()) > 1)
    assert told == ["cancelled"]
    assert task.cancelled()


async def number_of_tasks() -> int:
    return len(asyncio.all_tasks())


def test_a_factory_that_fails_says_so():
    def factory():
        raise OSError("no loop today")

    before = threading.active_count()
    with pytest.raises(OSError, match="no loop today"), LoopThread(factory):
        pass
    wait_until(lambda: threading.active_count() == before)


def test_debug_mode_is_passed_on():
    with LoopThread(debug=True) as thread:
        assert thread.loop.get_debug()
