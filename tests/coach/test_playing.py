"""A coroutine on a loop of fake time: each way to end, and each way not to."""

import pytest

from course_lib.coach.exercise import Broke
from course_lib.coach.playing import ASLEEP, BUSY, ESCAPED, FakeLoop, expect_no_slip, in_words
from course_lib.eventloop import CancelledError, Future
from tests.helpers import nothing_left


async def returns(loop):
    await loop.sleep(3600)
    return "done"


async def raises(loop):
    await loop.sleep(2)
    raise ValueError("no")


async def cancels_itself(loop):
    loop.current_task.cancel()
    await loop.sleep(1)


async def waits(loop):
    await Future(loop)


async def asks(loop):
    while True:
        await loop.sleep(0)


async def raises_in_a_callback(loop):
    def callback():
        raise CancelledError

    loop.call_soon(callback)
    await loop.sleep(1)


@pytest.mark.parametrize(
    ("coroutine", "played", "words"),
    [
        (returns, ("returned", "done", 3600.0), "'done', after 3600 s"),
        (raises, ("ValueError", "no", 2.0), "ValueError('no'), after 2 s"),
        (cancels_itself, ("CancelledError", "", 0.0), "CancelledError, after 0 s"),
        (waits, (ASLEEP, "", 0.0), "a loop that sleeps for ever (0 s)"),
        (asks, (BUSY, "", 0.0), "a loop that goes round and round (0 s)"),
        (
            raises_in_a_callback,
            (ESCAPED, "CancelledError", 0.0),
            "CancelledError, which has ended the loop (0 s)",
        ),
    ],
)
def test_how_it_ends(coroutine, played, words):
    with nothing_left(), FakeLoop() as loop:
        assert loop.play(coroutine(loop)) == played
        assert in_words(played) == words


def test_errors_are_kept():
    with FakeLoop() as loop:
        loop.call_soon(lambda: 1 / 0)
        loop.play(loop.sleep(1))
        assert loop.errors == ["ZeroDivisionError: division by zero"]


def test_a_slip_is_no_answer():
    expect_no_slip(("returned", 1, 0.0))
    expect_no_slip(("ValueError", "no", 0.0))
    with pytest.raises(Broke, match="raised TypeError"):
        expect_no_slip(("TypeError", "no", 0.0))


@pytest.mark.parametrize("name", ["gather", "timeout"])
def test_what_is_to_be_written_is_not_there_already(name):
    with FakeLoop() as loop, pytest.raises(NotImplementedError, match=f"loop.{name} is not for"):
        getattr(loop, name)(1)
