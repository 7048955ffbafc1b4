"""Exercise 11.2: count the rounds of asyncio's loop."""

import asyncio
import gc
import socket
import warnings
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.exercises.explaining import expect_untouched, patched
from course_lib.coach.run import Run, brief

# --- the task

STUB = '''
import asyncio


def iterations(main):
    """Run the coroutine `main()` on a new loop of asyncio's; return how many rounds the loop has made for it.

    All rounds count until `run_until_complete` returns, and none of those that clean up after it.
    """
'''

HINTS = (
    "One round is one call of `loop._run_once()`, and in each there is one call of `select`. So there are two"
    " places to count at, and both can be reached by a class that derives from asyncio's.",
    "A class of `asyncio.SelectorEventLoop` with a `_run_once` of its own counts, and then calls"
    " `super()._run_once()`. Or: `asyncio.SelectorEventLoop(selector)` takes a selector of yours, whose"
    " `select` counts.",
    "`loop.run_until_complete(main())` runs for `main` alone. Look at the count as soon as it returns, and"
    " close the loop in a `finally`. (To try it in a cell: `await asyncio.to_thread(iterations, main)`, since"
    " in the notebook's own thread a loop runs already.)",
)

# --- right answers

SOLUTION = '''
import asyncio


class CountingLoop(asyncio.SelectorEventLoop):
    rounds = 0

    def _run_once(self):
        self.rounds += 1
        super()._run_once()


def iterations(main):
    """Run the coroutine `main()` on a new loop of asyncio's; return how many rounds it has made for it."""
    loop = CountingLoop()
    try:
        loop.run_until_complete(main())
        return loop.rounds
    finally:
        loop.close()
'''

OTHER = """
import asyncio
import selectors


class CountingSelector(selectors.DefaultSelector):
    def __init__(self):
        super().__init__()
        self.count = 0

    def select(self, timeout=None):
        self.count += 1
        return super().select(timeout)


def iterations(main):
    selector = CountingSelector()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        runner.run(main())
        return int(selector.count)
"""

# --- wrong answers


def changed(old: str, new: str, code: str = SOLUTION) -> str:
    """Return the solution with one change."""
    assert old in code
    return code.replace(old, new)


CLEANS_UP_TOO = changed(
    "        runner.run(main())\n        return int(selector.count)\n",
    "        runner.run(main())\n    return selector.count\n",
    OTHER,
)

INSIDE = changed(
    "        loop.run_until_complete(main())\n        return loop.rounds\n",
    "        return loop.run_until_complete(count(loop, main))\n",
)
INSIDE += """

async def count(loop, main):
    await main()
    return loop.rounds
"""

ONLY_WHERE_READY = changed(
    "        self.count += 1\n        return super().select(timeout)\n",
    "        ready = super().select(timeout)\n        if ready:\n            self.count += 1\n"
    "        return ready\n",
    OTHER,
)

CALLBACKS = changed(
    "    def _run_once(self):\n        self.rounds += 1\n        super()._run_once()\n",
    "    def call_soon(self, *args, **options):\n        self.rounds += 1\n"
    "        return super().call_soon(*args, **options)\n",
)

TICKER = """
import asyncio


def iterations(main):
    loop = asyncio.new_event_loop()
    count = 0

    def tick():
        nonlocal count
        count += 1
        loop.call_soon(tick)

    loop.call_soon(tick)
    try:
        loop.run_until_complete(main())
        return count
    finally:
        loop.close()
"""

BY_THE_CLOCK = changed("loop.call_soon(tick)", "loop.call_later(0.05, tick)", TICKER)

FOR_ALL = changed("        self.rounds += 1", "        CountingLoop.rounds += 1")

NOT_CLOSED = """
import asyncio


class CountingLoop(asyncio.SelectorEventLoop):
    rounds = 0

    def _run_once(self):
        self.rounds += 1
        super()._run_once()


def iterations(main):
    loop = CountingLoop()
    loop.run_until_complete(main())
    return loop.rounds
"""

CLOSED_WHERE_WELL = changed("    return loop.rounds", "    loop.close()\n    return loop.rounds", NOT_CLOSED)

ITS_RESULT = changed(
    "        loop.run_until_complete(main())\n        return loop.rounds\n",
    "        return loop.run_until_complete(main())\n",
)

STEPS = """
import asyncio


def iterations(main):
    count = 0

    class Counted:
        def __await__(self):
            nonlocal count
            steps = main().__await__()
            while True:
                try:
                    trap = next(steps)
                except StopIteration:
                    return
                count += 1
                yield trap

    async def counted():
        await Counted()

    asyncio.run(counted())
    return count + 2
"""

STAYS_PATCHED = """
import asyncio


def iterations(main):
    count = 0
    run_once = asyncio.BaseEventLoop._run_once

    def counted(loop):
        nonlocal count
        count += 1
        run_once(loop)

    asyncio.BaseEventLoop._run_once = counted
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(main())
        return count
    finally:
        loop.close()
"""

ANOTHER_LOOP = changed("loop.run_until_complete(main())", "asyncio.run(main())")

# --- words and numbers of the judge

A_NUMBER = "`iterations` returns a number: that of the rounds. What `main` returns is of no interest."
EACH = (
    "Each round counts, also one in which `select` has nothing to tell: what stands in the queue is called in"
    " it."
)
NONE = f"No round was counted of the loop that runs `main`. (`asyncio.run` makes a loop of its own.) {EACH}"
LAST = (
    "`main` has ended, and the loop goes round once more: that a task is done is told by a callback, and such"
    " a callback goes through `call_soon`. This one stops the loop."
)
CLEANING = (
    "At its end a Runner, and so `asyncio.run`, runs the loop a few times more, to clean up. Look at the"
    " count before that."
)
ANEW = "Each call runs a new loop, and its count begins at 0."
CALLS = (
    "One round calls all that stood in the queue when it began; so do not count callbacks, nor the steps of"
    " one task, but rounds."
)
AWAKE = (
    "A loop that sleeps in `select` does not go round. Yours is kept awake by the counting: count from"
    " outside, with nothing in its queue or among its timers."
)
CLOSE = "The loop has not been closed. It holds a selector and two sockets: close it, whatever `main` does."
ERROR = "What `main` raises comes out of `iterations`."


# --- programs: their rounds are the same in each run

Main = Callable[[], Coroutine[Any, Any, Any]]


def program(name: str, count: int, tasks: int) -> Main:
    """Return a coroutine function."""

    async def nothing() -> str:
        return "a result"

    async def rounds() -> None:
        for _ in range(count):
            await asyncio.sleep(0)

    async def together() -> None:
        await asyncio.gather(*[rounds() for _ in range(tasks)])

    async def sleeps() -> None:
        for _ in range(3):
            await asyncio.sleep(0.15)

    async def hears() -> None:
        loop = asyncio.get_running_loop()
        left, right = socket.socketpair()
        with left, right:
            right.setblocking(False)
            loop.call_later(0.1, left.send, b"byte")
            await loop.sock_recv(right, 100)

    async def fails() -> None:
        await rounds()
        raise ValueError("a failure of main's")

    return {each.__name__: each for each in (nothing, rounds, together, sleeps, hears, fails)}[name]


class Counter(asyncio.SelectorEventLoop):
    """The judge's own instrument."""

    rounds = 0

    def _run_once(self) -> None:
        self.rounds += 1
        super()._run_once()  # type: ignore[misc]


def rounds_of(main: Main) -> int:
    loop = Counter()
    try:
        loop.run_until_complete(main())
        return loop.rounds
    finally:
        loop.close()


# --- in the learner's process


def drive(iterations: Any, programs: list[tuple[str, int, int]]) -> Iterator[Any]:
    """Yield for each program what came back, how many loops were left open, and what was left changed."""
    for each in programs:
        main = program(*each)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                result = iterations(main)
            except ValueError as error:
                if "main's" not in str(error):
                    raise
                result = "ValueError"
            gc.collect()
        left = sum("unclosed event loop" in str(each.message) for each in warned)
        yield [result, left, patched()]


# --- the judge


def judge(exam: Exam) -> None:
    count, tasks = exam.random.randrange(5, 40), exam.random.randrange(3, 9)
    again = exam.random.randrange(5, 40)
    run = exam.run(
        drive,
        [
            ("nothing", 0, 0),
            ("rounds", count, 0),
            ("together", count, tasks),
            ("sleeps", 0, 0),
            ("hears", 0, 0),
            ("rounds", again, 0),
            ("fails", count, 0),
        ],
    )
    counted(run, "a main that returns at once", program("nothing", 0, 0), LAST, CLEANING)
    sleep = "times `await asyncio.sleep(0)`"
    rounds = program("rounds", count, 0)
    counted(run, f"{count} {sleep}", rounds, EACH, ANEW)
    together = program("together", count, tasks)
    counted(run, f"a gather of {tasks} tasks, each with {count} {sleep}", together, CALLS, CALLS)
    counted(run, "three times asyncio.sleep(0.15)", program("sleeps", 0, 0), EACH, AWAKE)
    heard = "sock_recv, and a byte that comes after 0.1 s"
    counted(run, heard, program("hears", 0, 0), EACH, AWAKE)
    counted(run, f"{again} {sleep}", program("rounds", again, 0), ANEW, ANEW)
    run.sent = "a main that raises ValueError"
    result, left, others = run.next(5.0, idea=ERROR)
    run.expect_equal(result, "ValueError", ERROR)
    nothing_left(run, left, others)
    run.result()


def counted(run: Run, what: str, main: Main, fewer: str, more: str) -> None:
    """Expect as many rounds as the judge's own loop makes for it; else say why they are fewer, or more."""
    expected = rounds_of(main)
    run.sent = what
    got, left, others = run.next(8.0, idea="`main()` ends; so the loop must end, too.")
    if type(got) is not int:
        raise Failed(what, f"{expected}", brief(got), A_NUMBER)
    if got != expected:
        idea = more if got > expected else fewer
        raise Failed(what, f"{expected} rounds", f"{got}", idea if got else NONE)
    nothing_left(run, left, others)


def nothing_left(run: Run, left: int, others: list[str]) -> None:
    """Expect that the loop is closed, and the classes that all loops share are as they were."""
    if left:
        raise Failed(run.sent, "a loop that is closed at the end", f"{left} that is not", CLOSE)
    expect_untouched(run, others)


EXERCISE = Exercise(
    id="11.2",
    title="Count the rounds",
    name="iterations",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(CLEANS_UP_TOO, "to clean up"),
        Wrong(INSIDE, "goes round once more"),
        Wrong(ONLY_WHERE_READY, "Each round counts"),
        Wrong(CALLBACKS, "do not count callbacks"),
        Wrong(TICKER, "kept awake by the counting"),
        Wrong(BY_THE_CLOCK, "Each round counts"),
        Wrong(FOR_ALL, "its count begins at 0"),
        Wrong(NOT_CLOSED, "has not been closed"),
        Wrong(CLOSED_WHERE_WELL, "whatever `main` does"),
        Wrong(ITS_RESULT, "returns a number"),
        Wrong(STEPS, "nor the steps of one task"),
        Wrong(STAYS_PATCHED, "give back what was there"),
        Wrong(ANOTHER_LOOP, "the loop that runs `main`"),
    ),
)
