"""Exercise 9.1: sleep. A future, a timer that settles it, and an await."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from course_lib.coach.bare_loop import BareLoop
from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Broke, Exercise, Failed, Wrong
from course_lib.coach.run import Run
from course_lib.eventloop.fake_time import FakeTime

# --- the task

STUB = '''
from course_lib import Future


async def sleep(loop, seconds):
    """Wait so long, and let all other tasks run meanwhile; with 0 they have their turn.

    `loop.call_later(seconds, callback, *args)` is all that you need of the loop.
    """
    ...
'''

HINTS = (
    "Three steps: make a future of this loop, see to it that somebody settles it in time, and await it. The"
    " task is suspended by the `await`, and by nothing else.",
    "`Future(loop)` makes it. `future.set_result(None)` settles it, and must be *called later*: hand"
    " `call_later` the method itself, without parentheses, and after it the argument.",
    "`loop.call_later(seconds, future.set_result, None)`, and then `await future`. With 0 seconds the same"
    " two lines do what they should.",
)

# --- right answers

SOLUTION = '''
from course_lib import Future


async def sleep(loop, seconds):
    """Wait so long, and let all other tasks run meanwhile; with 0 they have their turn."""
    future = Future(loop)
    loop.call_later(seconds, future.set_result, None)
    await future
'''

OTHER = """
import types

from course_lib import Future


@types.coroutine
def sleep(loop, seconds):
    future = Future(loop)
    loop.call_later(max(0, seconds), lambda: future.set_result(None))
    yield from future.__await__()
"""

# --- wrong answers


def body(lines: str, imports: str = "") -> str:
    """Return an answer with these lines in it."""
    head = f"{imports}\nfrom course_lib import Future\n\n\nasync def sleep(loop, seconds):\n    "
    return head + lines.strip().replace("\n", "\n    ") + "\n"


BLOCKS = body("time.sleep(seconds)", "import time")

SPINS = body(
    """
end = loop.time() + seconds
while loop.time() < end:
    pass
"""
)

ASKS = body(
    """
end = loop.time() + seconds
while loop.time() < end:
    future = Future(loop)
    loop.call_soon(future.set_result, None)
    await future
"""
)

SHORT_NAPS = body(
    """
end = loop.time() + seconds
while loop.time() < end:
    future = Future(loop)
    loop.call_later(0.05, future.set_result, None)
    await future
"""
)

ASYNCIO = body("await asyncio.sleep(seconds)", "import asyncio")

NO_AWAIT = body(
    """
future = Future(loop)
loop.call_later(seconds, future.set_result, None)
"""
)

CALLED_AT_ONCE = body(
    """
future = Future(loop)
loop.call_later(seconds, future.set_result(None))
await future
"""
)

AWAITS_TIMER = body("await loop.call_later(seconds, print)")

NOBODY_SETTLES = body(
    """
future = Future(loop)
loop.call_later(seconds, future.done)
await future
"""
)

THREAD = body(
    """
future = Future(loop)
timer = threading.Timer(seconds, future.set_result, (None,))
timer.daemon = True
timer.start()
await future
""",
    "import threading",
)

A_MOMENT = body(
    """
future = Future(loop)
loop.call_later(loop.time() + seconds, future.set_result, None)
await future
"""
)

NO_TURN = body(
    """
if seconds <= 0:
    return
future = Future(loop)
loop.call_later(seconds, future.set_result, None)
await future
"""
)

NO_COROUTINE = SOLUTION.replace("async def", "def").replace(
    "    await future\n", "    return future.done()\n"
)

LOOPS_OWN = body("await loop.sleep(seconds)")

NO_ARGUMENT = body(
    """
future = Future(loop)
loop.call_later(seconds, future.set_result)
await future
"""
)

ONE_FOR_ALL = body(
    """
if not hasattr(loop, "alarm"):
    loop.alarm = Future(loop)
loop.call_later(seconds, lambda: loop.alarm.done() or loop.alarm.set_result(None))
await loop.alarm
"""
)

RUNS_THE_LOOP = body(
    """
future = Future(loop)
loop.call_later(seconds, future.set_result, None)
while not future.done():
    loop.run_once()
"""
)

# --- words and numbers of the judge

ALL_WAIT = (
    "The loop stands still: what waits or counts in its thread keeps all tasks waiting. Only an `await` of"
    " something that is not done yet gives the thread back."
)
BUSY = (
    "The loop is woken again and again to look at the clock. It has a better one: `call_later` wakes it once,"
    " when the time has come."
)
FOREIGN = (
    "What is awaited belongs to another loop, or to none: asyncio's sleep asks asyncio's loop, and none is"
    " running here. What sleeps on our loop needs a timer of our loop."
)
AT_ONCE = (
    "It has returned before the time was over. What waits is the `await` of a future that is not done yet;"
    " and a function that `call_later` is to call is handed over, not called: no parentheses after it."
)
NOT_AWAITABLE = (
    "What can be awaited is a coroutine or a future. `sleep` is to be a coroutine function, and the thing in"
    " it that is settled later is a future: a timer calls a function, and cannot be waited for."
)
FOR_EVER = (
    "The task waits for a future, and the loop sleeps with nothing set that would settle it: no timer of its"
    " own. A timer calls an ordinary function. Another thread is no timer: each sleeper costs one, and to"
    " settle a future from there does not wake it."
)
ERROR_IN_CALL = (
    "The timer has called what you gave it, and that has raised an exception: the loop reports it, and the"
    " future is never settled. What stands after the function in `call_later` is what it is called with."
)
LONGER = "It sleeps longer than it was asked to: one timer of so many seconds, and one `await`."
NESTED = (
    "A task calls `sleep`, in the middle of a round of the loop. Who waits does not run the loop: an `await`"
    " of a future that is not done returns to it."
)
MOMENT = "`call_later` wants to know for how long, in seconds from now; not the moment at which."
TURN = (
    "Two tasks call `sleep(loop, 0)` in turn, and one of them never came to it before the other had ended. A"
    " sleep of 0 seconds is the polite way to say: now you. It must suspend once."
)
TOGETHER = (
    "Several tasks sleep at the same time, each for as long as it asked: each has a future and a timer of its"
    " own."
)
YOURS = "The loop of this exercise has no `sleep`: it is what you write."
MOST_ROUNDS = 20
SAYS_SO = {NOT_AWAITABLE: "await", YOURS: "'sleep'"}
"""What stands in the exception, when it is of this mistake and no other one."""

LATE = 1_000_000.0
"""Seconds: nobody has asked for such a night."""

EXPECTED_ERRORS = {
    "TypeError": NOT_AWAITABLE,
    "RuntimeError": FOREIGN,
    "AttributeError": YOURS,
    "IndexError": NESTED,
}


# --- in the learner's process

Sleep = Callable[[Any, float], Awaitable[Any]]


class Night:
    """A loop whose time passes only while it sleeps, and what its tasks note."""

    def __init__(self, sleep: Sleep, start: float) -> None:
        self.sleep, self.start = sleep, start
        self.time = FakeTime()
        self.time.now = start
        self.loop = BareLoop(self.time, clock=self.time.clock)
        self.notes: list[list[Any]] = []
        self.rounds = 0

    async def nap(self, seconds: float, times: int = 1) -> None:
        for _ in range(times):
            await self.sleep(self.loop, seconds)
            self.notes.append([seconds, self.time.now - self.start])

    def run(self, *naps: tuple[float, int]) -> str:
        """Let one task for each nap sleep so often; return how it ended, in a word."""
        tasks = [self.loop.spawn(self.nap(*nap)) for nap in naps]
        try:
            while not all(task.done() for task in tasks):
                if self.time.now - self.start > LATE:
                    return "late"
                if self.rounds > MOST_ROUNDS * len(naps):
                    return "busy"
                self.rounds += 1
                self.loop.run_once()
        except RuntimeError:  # of FakeTime: nothing is set that would wake it
            return ", ".join(map(repr, self.loop.errors)) or "for ever"
        finally:
            self.loop.close()
        for task in tasks:
            task.result()
        return "done"


def drive(sleep: Sleep, start: float, lengths: list[float]) -> Iterator[Any]:
    """Each step yields how it ended, and for each sleep how long it was to be and how long it was."""
    for naps in ([(lengths[0], 1)], [(length, 1) for length in lengths], [(0.0, 2), (0.0, 2)]):
        night = Night(sleep, start)
        yield [night.run(*naps), night.notes]
    night = Night(sleep, start)
    yield [turns(night), night.notes]


def turns(night: Night) -> str:
    """Two tasks sleep for 0 seconds, three times each; return the order in which they come to it."""
    order = ""

    async def polite(name: str) -> None:
        nonlocal order
        for _ in range(3):
            order += name
            await night.sleep(night.loop, 0)

    tasks = [night.loop.spawn(polite(name)) for name in "ab"]
    night.loop.run_until(lambda: all(task.done() for task in tasks))
    night.loop.close()
    return order


# --- the judge


def judge(exam: Exam) -> None:
    start = float(exam.random.randrange(10_000, 90_000))
    lengths = [float(each) for each in exam.random.sample(range(20, 90), 4)]
    run = exam.run(drive, start, lengths)
    slept(run, start, f"sleep(loop, {lengths[0]:g})", [lengths[0]])
    several = ", ".join(f"{length:g}" for length in lengths)
    slept(run, start, f"four tasks at once, which sleep for {several} seconds", lengths)
    slept(run, start, "two tasks, each sleep(loop, 0) twice", [0.0] * 4)
    run.sent = "two tasks a and b, each sleep(loop, 0) three times; the order in which they come to it"
    order, _ = run.next(idea=ALL_WAIT)
    if order != "ababab":
        raise Failed(run.sent, "ababab", order, TURN)
    run.result()


def slept(run: Run, start: float, sent: str, lengths: list[float]) -> None:
    """Expect that sleeps of these lengths have ended in time, the shortest first."""
    expected = (
        f"an end after {', '.join(f'{each:g}' for each in sorted(lengths))} seconds of the loop's clock"
    )
    run.sent = sent
    try:
        ended, notes = run.next(ideas=EXPECTED_ERRORS, idea=ALL_WAIT)
    except Failed as failure:
        if SAYS_SO.get(failure.idea, "") not in failure.got.partition(" (")[0]:
            raise Broke(f"your code raised {failure.got}") from None
        raise Failed(sent, expected, failure.got, failure.idea) from None
    if ended != "done":
        got, idea = without_end(ended)
        raise Failed(sent, expected, got, idea)
    for wanted, took in notes:
        if took != wanted:
            idea = why(took, wanted, start, lengths)
            raise Failed(sent, expected, f"an end after {took:g} seconds", idea)
    if [wanted for wanted, _ in notes] != sorted(lengths):
        raise Failed(sent, expected, ", ".join(f"{took:g}" for _, took in notes) or "none", TOGETHER)


def without_end(how: str) -> tuple[str, str]:
    """Return in words what came instead of an end, and why."""
    match how:
        case "busy":
            return f"none, in {MOST_ROUNDS} rounds of the loop for each task", BUSY
        case "late":
            return f"none, in {LATE:,.0f} seconds", LONGER
        case "for ever":
            return "none: the loop sleeps for ever", FOR_EVER
    return f"none: a callback has raised {how}", ERROR_IN_CALL


def why(took: float, wanted: float, start: float, lengths: list[float]) -> str:
    """Return what has not been thought of by who sleeps for ``took`` seconds."""
    if took == start + wanted:
        return MOMENT
    if took in lengths:
        return TOGETHER  # it was another one's time
    if took < wanted:
        return AT_ONCE
    return LONGER if len(set(lengths)) == 1 else TOGETHER


EXERCISE = Exercise(
    id="9.1",
    title="Sleep",
    name="sleep",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(BLOCKS, "The loop stands still"),
        Wrong(SPINS, "The loop stands still"),
        Wrong(ASKS, "look at the clock"),
        Wrong(SHORT_NAPS, "look at the clock"),
        Wrong(ASYNCIO, "asyncio's loop"),
        Wrong(NO_AWAIT, "before the time was over"),
        Wrong(CALLED_AT_ONCE, "no parentheses"),
        Wrong(AWAITS_TIMER, "cannot be waited for"),
        Wrong(NOBODY_SETTLES, "nothing set that would settle"),
        Wrong(THREAD, "does not wake it"),
        Wrong(A_MOMENT, "not the moment"),
        Wrong(NO_TURN, "must suspend once"),
        Wrong(NO_COROUTINE, "to be a coroutine function"),
        Wrong(LOOPS_OWN, "it is what you write"),
        Wrong(NO_ARGUMENT, "the future is never settled"),
        Wrong(ONE_FOR_ALL, "a timer of its own"),
        Wrong(RUNS_THE_LOOP, "does not run the loop"),
    ),
)
