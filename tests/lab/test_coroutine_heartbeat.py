"""The heartbeat of coroutines: who freezes it, and who does not."""

import time

import pytest

from course_lib.lab.coroutine_heartbeat import coroutine_heartbeat
from course_lib.lab.heartbeat import FROZEN
from tests.helpers import nothing_left


async def waits(loop):
    await loop.sleep(2 * FROZEN)


async def blocks(loop):
    time.sleep(2 * FROZEN)  # noqa: ASYNC251  # what is to be shown


async def in_a_thread(loop):
    await loop.run_in_thread(time.sleep, 2 * FROZEN)


def test_who_blocks_freezes_the_heart():
    with nothing_left():
        picture = coroutine_heartbeat(waits, blocks, in_a_thread)
    assert repr(picture) == (
        "waits: the heart beats on\nblocks: no beat while the callback runs\nin_a_thread: the heart beats on"
    )
    waited, blocked, threaded = picture.beatings
    assert len(waited.beats) > len(blocked.beats)
    assert blocked.longest >= 2 * FROZEN


def test_nothing_to_do_is_an_error():
    with pytest.raises(TypeError, match="something to do"):
        coroutine_heartbeat()
