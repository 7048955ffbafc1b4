"""Exercise 11.4: which task has blocked the loop?"""

import asyncio
import concurrent.futures
import logging
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.exercises.explaining import expect_untouched, patched
from course_lib.coach.run import Run, brief

# --- the task

STUB = '''
import asyncio


def find_blocker(main, limit):
    """Run the coroutine `main()` on a loop of asyncio's; return the name of the task that has blocked it.

    A task blocks the loop while one of its steps lasts, from one `await` that waits to the next. The longest
    step counts. Where none has taken more than `limit` seconds, return None.
    """
'''

HINTS = (
    "asyncio measures every callback itself, in debug mode: `asyncio.Runner(debug=True)`. What took longer"
    ' than `loop.slow_callback_duration` seconds goes to the logger called "asyncio".',
    "A class that derives from `logging.Handler` has `emit(self, record)`. For a slow callback `record.msg`"
    " is 'Executing %s took %.3f seconds', and `record.args` holds the two: a text with name='…' in it, and"
    " the seconds. `logger.addHandler(…)`, and in a `finally` `logger.removeHandler(…)`.",
    "Or measure yourself: each step of a task comes through `loop.call_soon(callback, *args, context=…)`, and"
    " `callback.__self__` is the task. A loop that derives from `asyncio.SelectorEventLoop` can put a"
    " function into the queue instead that looks at the clock before and after. (To try it in a cell:"
    " `await asyncio.to_thread(find_blocker, main, 0.1)`, since in the notebook's own thread a loop runs"
    " already.)",
)

# --- right answers

SOLUTION = '''
import asyncio
import logging
import re


class Slowest(logging.Handler):
    task, seconds = None, 0

    def emit(self, record):
        if record.msg.startswith("Executing"):
            text, seconds = record.args
            task = re.search("name='(.*?)'", text)
            if task and seconds > self.seconds:
                self.task, self.seconds = task[1], seconds


def find_blocker(main, limit):
    """Return the name of the task whose step has blocked the loop longest; None where none took too long."""
    logger, slowest = logging.getLogger("asyncio"), Slowest()
    logger.addHandler(slowest)
    try:
        with asyncio.Runner(debug=True) as runner:
            runner.get_loop().slow_callback_duration = limit
            runner.run(main())
    finally:
        logger.removeHandler(slowest)
    return slowest.task
'''

OTHER = """
import asyncio
import time


class TimedLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        super().__init__()
        self.steps = []

    def call_soon(self, callback, *args, context=None):
        task = getattr(callback, "__self__", None)
        if not isinstance(task, asyncio.Task):
            return super().call_soon(callback, *args, context=context)

        def step(*args):
            start = time.monotonic()
            callback(*args)
            self.steps.append((time.monotonic() - start, task.get_name()))

        return super().call_soon(step, *args, context=context)


def find_blocker(main, limit):
    with asyncio.Runner(loop_factory=TimedLoop) as runner:
        runner.run(main())
        seconds, name = max(runner.get_loop().steps)
    return name if seconds > limit else None
"""

# --- wrong answers


def changed(code: str, *changes: tuple[str, str]) -> str:
    """Return ``code`` with changes, each (old, new)."""
    for old, new in changes:
        assert old in code
        code = code.replace(old, new)
    return code


NO_DEBUG = changed(SOLUTION, ("asyncio.Runner(debug=True)", "asyncio.Runner()"))

ITS_OWN_LIMIT = changed(SOLUTION, ("            runner.get_loop().slow_callback_duration = limit\n", ""))

FIRST = changed(SOLUTION, ("if task and seconds > self.seconds", "if task and not self.task"))

LAST = changed(SOLUTION, ("if task and seconds > self.seconds", "if task"))

STAYS = changed(
    SOLUTION,
    ("        logger.removeHandler(slowest)\n", "        pass\n"),
)

WHOLE_TEXT = changed(SOLUTION, ("= task[1], seconds", "= text, seconds"))

COROUTINE = changed(SOLUTION, ("\"name='(.*?)'\"", '"coro=<(.*?)[(]"'))

NEVER_NONE = changed(OTHER, ("name if seconds > limit else None", "name"))

PROCESSOR = changed(OTHER, ("time.monotonic()", "time.process_time()"))

SUM = changed(
    OTHER,
    (
        "        seconds, name = max(runner.get_loop().steps)\n",
        "        sums = {}\n        for seconds, name in runner.get_loop().steps:\n"
        "            sums[name] = sums.get(name, 0) + seconds\n"
        "        seconds, name = max((sums[name], name) for name in sums)\n",
    ),
)

LIFETIME = """
import asyncio
import time


def find_blocker(main, limit):
    lives = []

    def factory(loop, coro, **options):
        async def timed():
            start = time.monotonic()
            try:
                return await coro
            finally:
                lives.append((time.monotonic() - start, asyncio.current_task().get_name()))

        return asyncio.Task(timed(), loop=loop, **options)

    async def watched():
        asyncio.get_running_loop().set_task_factory(factory)
        await main()

    asyncio.run(watched())
    seconds, name = max(lives)
    return name if seconds > limit else None
"""

TICKER = """
import asyncio
import time


def find_blocker(main, limit):
    longest, guilty = 0, None

    async def tick():
        nonlocal longest, guilty
        while True:
            start = time.monotonic()
            await asyncio.sleep(0.01)
            late = time.monotonic() - start - 0.01
            if late > max(limit, longest):
                longest, guilty = late, asyncio.current_task().get_name()

    async def watched():
        ticking = asyncio.create_task(tick())
        await main()
        ticking.cancel()

    asyncio.run(watched())
    return guilty
"""

SELECT_TOO = """
import asyncio
import collections
import time


class TimedQueue(collections.deque):
    task, since, longest = None, 0, (0, None)

    def popleft(self):
        now = time.monotonic()
        if self.task:
            self.longest = max(self.longest, (now - self.since, self.task.get_name()))
        handle = super().popleft()
        task = getattr(handle._callback, "__self__", None)
        self.task, self.since = (task, now) if isinstance(task, asyncio.Task) else (None, now)
        return handle


class TimedLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        super().__init__()
        self._ready = TimedQueue()


def find_blocker(main, limit):
    with asyncio.Runner(loop_factory=TimedLoop) as runner:
        runner.run(main())
        seconds, name = runner.get_loop()._ready.longest
    return name if seconds > limit else None
"""

STAYS_AFTER_A_FAILURE = changed(
    SOLUTION,
    ("    try:\n        with", "    if True:\n        with"),
    ("    finally:\n        logger", "        logger"),
)

STAYS_PATCHED = """
import asyncio
import time


def find_blocker(main, limit):
    longest, guilty = limit, None
    run = asyncio.Handle._run

    def timed(handle):
        nonlocal longest, guilty
        task = getattr(handle._callback, "__self__", None)
        start = time.monotonic()
        run(handle)
        if isinstance(task, asyncio.Task) and time.monotonic() - start > longest:
            longest, guilty = time.monotonic() - start, task.get_name()

    asyncio.Handle._run = timed
    asyncio.run(main())
    return guilty
"""

# --- words and numbers of the judge

WAITS = (
    "This task has waited long, in an `await`, and meanwhile the loop did other things, or slept in `select`."
    " To block the loop is to keep it from that: it is the time of one step that counts, not the life of a"
    " task."
)
SHORT_STEPS = (
    "This task has worked long, in many short steps: between two of them all others had their turn. It is the"
    " longest step that counts, not their sum; and no whole round, in which many have a step."
)
THREAD = "This task has waited for a thread, which was the one to sleep. The loop went on."
LONGEST = "This task has blocked the loop, too, but not as long as another one: the longest step counts."
NOBODY = (
    "The loop stood still, and nobody was found. A call that sleeps uses no processor, so look at a clock;"
    " and asyncio tells of slow callbacks in debug mode only."
)
NAME = (
    "A name is wanted: that of the task, as its `get_name()` says it. Not its coroutine's, nor that of who"
    " has found it out: when another task notices, the guilty one has already ended its step."
)
LIMIT = "No step took more than `limit` seconds, whatever asyncio's own limit is: then nobody is guilty."
LEFT = (
    'A handler, or a filter, has stayed with the logger "asyncio": it would go on listening to every other'
    " program. It must go on every way out, also when `main` raises."
)
FAILS = "What `main` raises comes out of `find_blocker`."
END = "`main()` ends, and then `find_blocker` must end."
BIG, SMALL, SHORT = 0.7, 0.2, 0.02
"""Seconds: of the step that is looked for, of others that block, and of those that nobody minds."""

# --- programs with a blocker in them


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def compute(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(1000))


def hear(seconds: float) -> None:
    """Wait for bytes on a blocking socket."""
    left, right = socket.socketpair()
    with left, right:
        right.settimeout(seconds)
        try:
            right.recv(100)
        except TimeoutError:
            pass


async def by_and_by(block: Callable[[float], None], seconds: float) -> None:
    await asyncio.sleep(0.3)
    await asyncio.sleep(0)
    block(seconds)
    await asyncio.sleep(0)


async def deep(block: Callable[[float], None], seconds: float) -> None:
    async def deeper() -> None:
        await by_and_by(block, seconds)

    await deeper()


async def in_the_end(block: Callable[[float], None], seconds: float) -> None:
    """Block when it is cancelled."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().call_later(0.3, lambda: task.cancel())
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        task.uncancel()
    finally:
        block(seconds)


async def after(seconds: float, block: Callable[[float], None], long: float) -> None:
    await asyncio.sleep(seconds)
    block(long)


async def short_steps(count: int) -> None:
    for _ in range(count):
        time.sleep(SHORT)  # noqa: ASYNC251 - so short that nobody minds
        await asyncio.sleep(0)


PLACES = {each.__name__: each for each in (by_and_by, deep, in_the_end)}
BLOCKS = {each.__name__: each for each in (sleep, compute, hear)}


async def wait(done: asyncio.Event, rest: float) -> None:
    await done.wait()
    await asyncio.sleep(rest)  # nobody else has anything to do then


async def fails() -> None:
    await asyncio.sleep(0)
    raise ValueError("a failure of main's")


def program(
    names: list[str], place: str, block: str, steps: int, rest: float
) -> Callable[[], Coroutine[Any, Any, None]]:
    """Return a main with five tasks beside the guilty one, which is the first of ``names``."""
    guilty, waiting, busy, threaded, before, later = names

    async def main() -> None:
        done = asyncio.Event()
        tasks = [asyncio.create_task(wait(done, rest), name=waiting)]
        async with asyncio.TaskGroup() as group:
            group.create_task(PLACES[place](BLOCKS[block], BIG), name=guilty)
            group.create_task(after(0.1, sleep, SMALL), name=before)
            group.create_task(after(0.6, sleep, SMALL), name=later)
            group.create_task(asyncio.to_thread(time.sleep, BIG + SMALL), name=threaded)
            group.create_task(short_steps(steps), name=busy)
        done.set()
        await asyncio.gather(*tasks)

    return main


# --- in the learner's process


def drive(find_blocker: Any, cases: list[tuple[Any, ...]]) -> Iterator[Any]:
    """Yield for each case what was found, how many listen to the log still, and which classes are changed."""
    concurrent.futures.ThreadPoolExecutor().shutdown()  # what it imports now costs no step of a task later
    before = listeners()
    for *case, limit in cases:
        found = find_blocker(program(*case), limit)
        yield [found, listeners() - before, patched()]
    try:
        raised = f"no exception, and {find_blocker(fails, 1.0)!r}"
    except ValueError as error:
        raised = str(error)
    yield [raised, listeners() - before, patched()]


def listeners() -> int:
    """Return how many listen to what asyncio logs."""
    logger = logging.getLogger("asyncio")
    return len(logger.handlers) + len(logger.filters)


# --- the judge


def judge(exam: Exam) -> None:
    places = exam.random.sample(sorted(PLACES), 3)
    words = ["ann", "bob", "cy", "dan", "eve", "fay", "gus", "hal", "ian", "joy"]
    cases = [
        (
            exam.random.sample(words, 6),
            places[0],
            exam.random.choice(["sleep", "hear"]),
            45,
            BIG + SMALL,
            0.1,
        ),
        (exam.random.sample(words, 6), places[1], "compute", 45, 0.0, 0.1),
        (exam.random.sample(words, 6), places[2], "sleep", 5, 0.0, 3.0),
    ]
    run = exam.run(drive, cases)
    for names, _, block, _, _, limit in cases:
        one_case(run, names, block, limit)
    run.sent = "a main that raises ValueError"
    raised, left, others = run.next(5.0, idea=END)
    run.expect_equal(raised, "a failure of main's", FAILS)
    nothing_left(run, left, others)
    run.result()


def one_case(run: Run, names: list[str], block: str, limit: float) -> None:
    guilty, waiting, busy, threaded, before, later = names
    how = {"sleep": "time.sleep", "hear": "recv of a blocking socket", "compute": "a long computation"}[block]
    run.sent = f"six tasks, one of which blocks the loop for {BIG} s ({how}); limit={limit}"
    found, left, others = run.next(15.0, idea=END)
    expected = guilty if BIG > limit else None
    if found != expected:
        ideas = {waiting: WAITS, busy: SHORT_STEPS, threaded: THREAD, before: LONGEST, later: LONGEST}
        idea = LIMIT if expected is None else NOBODY if found is None else ideas.get(str(found), NAME)
        raise Failed(run.sent, repr(expected), brief(found), idea)
    nothing_left(run, left, others)


def nothing_left(run: Run, left: int, others: list[str]) -> None:
    """Expect that nobody listens to asyncio any more, and asyncio's classes are as they were."""
    if left:
        raise Failed(run.sent, "as many handlers as before", f"{left} more", LEFT)
    expect_untouched(run, others)


EXERCISE = Exercise(
    id="11.4",
    title="Find the blocker",
    name="find_blocker",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(NO_DEBUG, "in debug mode only"),
        Wrong(ITS_OWN_LIMIT, "whatever asyncio's own limit is"),
        Wrong(FIRST, "not as long as another one"),
        Wrong(LAST, "not as long as another one"),
        Wrong(STAYS, "has stayed with the logger"),
        Wrong(WHOLE_TEXT, "A name is wanted"),
        Wrong(COROUTINE, "Not its coroutine's"),
        Wrong(NEVER_NONE, "nobody is guilty"),
        Wrong(PROCESSOR, "uses no processor"),
        Wrong(SUM, "not their sum"),
        Wrong(LIFETIME, "not the life of a task"),
        Wrong(TICKER, "nor that of who has found it out"),
        Wrong(SELECT_TOO, "or slept in `select`"),
        Wrong(STAYS_AFTER_A_FAILURE, "on every way out"),
        Wrong(STAYS_PATCHED, "give back what was there"),
    ),
    core=False,
    limit=40.0,
)
