"""A heartbeat on a loop of coroutines: does it come in time, also while a coroutine has something to do?

    coroutine_heartbeat(nothing, blocks, in_a_thread)

As in heartbeat.py; but the heart is a coroutine, and each piece of work is one, too: ``await work(loop)``.

Read heartbeat.py and ../eventloop/loop.py first.
"""

from collections.abc import Awaitable, Callable

from course_lib.eventloop import Loop
from course_lib.lab.heartbeat import (
    BEGINS,
    EVERY,
    LASTS,
    Beating,
    Clocked,
    Heartbeat,
    measured,
)

Work = Callable[[Loop], Awaitable[object]]


class ClockedLoop(Clocked, Loop):
    """A loop that notes when its callbacks have run: the steps of tasks."""


def on_a_loop(work: Work) -> Beating:
    """Let a heart beat on a new loop, and ``work`` be awaited in its middle."""
    loop, beats = ClockedLoop(), []

    async def beat() -> None:
        while True:
            await loop.sleep(EVERY)
            beats.append(loop.since())

    async def main() -> None:
        loop.spawn(beat())
        await loop.sleep(BEGINS)
        await work(loop)
        await loop.sleep(LASTS - loop.since())

    try:
        loop.run(main())
    finally:  # also after an interrupt
        loop.close()
    return Beating(work.__name__, beats, [each for each in loop.callbacks if each[0] < LASTS])


def coroutine_heartbeat(*works: Work) -> Heartbeat:
    """Measure the heartbeat beside each of ``works``, two thirds of a second each; return the picture."""
    if not works:
        raise TypeError("coroutine_heartbeat needs something to do beside it, or several")
    return Heartbeat([measured(on_a_loop, work) for work in works])
