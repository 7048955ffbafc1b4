"""Charges about event loops.

Read sockets.py first. Next: serving.py.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from course_lib.clients import pair
from course_lib.lab.loop_thread import LoopThread, run_on
from course_lib.lab.small_loops import asking
from course_lib.lab.trial.charge import Charge, Seen

LASTS = 0.1
"""Seconds that a coroutine waits, or computes."""

OFTEN = 1000
"""A loop that looks at one task so often has not slept."""


def sketch_spins() -> Seen:
    loop = asking.Loop()
    loop.spawn(loop.sleep(LASTS))
    loop.run()
    often = loop.asked > OFTEN
    return f"one task, one nap: the loop has looked {'thousands of times' if often else 'seldom'}", often


def concurrent_or_parallel() -> Seen:
    wait = run_on(None, lambda: at_the_same_time(asyncio.sleep))
    computed = run_on(None, lambda: at_the_same_time(compute))
    words = {True: "at the same time", False: "one after the other"}
    seen = f"two that wait: {words[wait]}; two that compute: {words[computed]}"
    return seen, wait and not computed


async def at_the_same_time(work: Callable[[float], Awaitable[None]]) -> bool:
    """Run two coroutines that do ``work``; tell whether the second has begun before the first has ended."""
    spans: list[tuple[float, float]] = []

    async def one() -> None:
        began = time.perf_counter()
        await work(LASTS)
        spans.append((began, time.perf_counter()))

    await asyncio.gather(one(), one())
    (_, first_ended), (second_began, _) = sorted(spans)
    return second_began < first_ended


async def compute(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def returns_tasks() -> Seen:
    """A task waits for bytes. What does the selector's key hold?"""

    async def waits(sock: object) -> list[object]:
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(loop.sock_recv(sock, 100))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        data = loop._selector.get_key(sock).data  # type: ignore[attr-defined]
        task.cancel()
        return [each for each in data if each is not None]

    with pair() as (_, sock), LoopThread(asyncio.SelectorEventLoop) as thread:
        sock.setblocking(False)
        held = thread.run(waits(sock))
    kinds = {type(each) for each in held}
    seen = f"the key's data holds: {', '.join(sorted(kind.__name__ for kind in kinds))}"
    return seen, kinds == {asyncio.Handle}


CHARGES = (
    Charge(
        "An event loop goes round and asks all tasks which of them can run.",
        "That loop, as it is sketched, with one task that sleeps for a tenth of a second.",
        sketch_spins,
        "A sketch that keeps the processor busy. A loop is told, and sleeps in select until then.",
        "09",
    ),
    Charge(
        "In a loop, the selector's part is to return the tasks that are ready.",
        "A task waits for bytes on asyncio's loop; look into the key of its socket.",
        returns_tasks,
        "False. It returns keys with handles. A handle settles a future; that orders the task's next step.",
        "11",
    ),
    Charge(
        "asyncio supports concurrent and parallel execution.",
        "Two coroutines that wait for a tenth of a second, then two that compute for as long.",
        concurrent_or_parallel,
        "Concurrent, yes. Parallel, no: one thread runs one coroutine at a time.",
        "10",
    ),
)
