"""Exercise 9.5: a time limit for a block of code."""

from collections.abc import Iterator
from typing import Any

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.playing import FakeLoop, Played, expect_no_slip, in_words
from course_lib.coach.run import Run
from course_lib.eventloop import CancelledError

# --- the task

STUB = '''
from course_lib.eventloop import CancelledError


class TimeLimit:
    """`async with TimeLimit(loop, 2):` raises TimeoutError if the block takes longer than 2 seconds."""

    def __init__(self, loop, seconds):
        self.loop, self.seconds = loop, seconds

    async def __aenter__(self):
        """The block begins now, in the task `self.loop.current_task`."""
        self.task = self.loop.current_task
        ...

    async def __aexit__(self, kind, error, traceback):
        """The block has ended: by raising `error`, whose class is `kind`; or both are None.

        Raise TimeoutError if it was ended by this limit, and by nobody else. Return None otherwise: then
        Python goes on with `error`.
        """
        ...
'''

HINTS = (
    "`timer = self.loop.call_later(seconds, callback)` sets a timer, `timer.cancel()` takes it back. The"
    " callback cannot raise into the block; what can is `self.task.cancel()`: CancelledError is raised where"
    " the task waits, which is in the block.",
    "In `__aexit__`: take back the timer, on every way out. CancelledError comes here as `error`, and others"
    " can cancel the task, too. So keep a note of whether the limit has passed; only then is it yours.",
    "The task counts: `self.task.cancelling` is how many have asked for its end. Whoever deals with the"
    " request that was his own takes it back by `self.task.uncancel()`, which returns how many are left. If"
    " there are more than at the beginning of the block, somebody else wants the task to end.",
)

# --- right answers

SOLUTION = '''
from course_lib.eventloop import CancelledError


class TimeLimit:
    """`async with TimeLimit(loop, 2):` raises TimeoutError if the block takes longer than 2 seconds."""

    def __init__(self, loop, seconds):
        self.loop, self.seconds = loop, seconds

    async def __aenter__(self):
        self.task = self.loop.current_task
        self.before = self.task.cancelling
        self.expired = False
        self.timer = self.loop.call_later(self.seconds, self.expire)

    def expire(self):
        self.expired = True
        self.task.cancel()

    async def __aexit__(self, kind, error, traceback):
        self.timer.cancel()
        if self.expired:
            others = self.task.uncancel() > self.before
            if kind is CancelledError and not others:
                raise TimeoutError(f"longer than {self.seconds} s") from error
'''

OTHER = """
from contextlib import asynccontextmanager

from course_lib.eventloop import CancelledError


@asynccontextmanager
async def TimeLimit(loop, seconds):
    task, passed = loop.current_task, []
    asked_before = task.cancelling

    def ask():
        passed.append(loop.time())
        task.cancel()

    timer = loop.call_later(seconds, ask)
    try:
        yield
    except CancelledError:
        if passed and task.cancelling == asked_before + 1:
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()
        for _ in passed:
            task.uncancel()
"""

# --- wrong answers

LOOKS_AFTERWARDS = """
class TimeLimit:
    def __init__(self, loop, seconds):
        self.loop, self.seconds = loop, seconds

    async def __aenter__(self):
        self.end = self.loop.time() + self.seconds

    async def __aexit__(self, kind, error, traceback):
        if kind is None and self.loop.time() > self.end:
            raise TimeoutError
"""

SLEEPS = """
class TimeLimit:
    def __init__(self, loop, seconds):
        self.loop, self.seconds = loop, seconds

    async def __aenter__(self):
        self.task = self.loop.current_task
        await self.loop.sleep(self.seconds)
        self.task.cancel()

    async def __aexit__(self, kind, error, traceback):
        if error:
            raise TimeoutError
"""

RAISES_IN_THE_TIMER = SOLUTION.replace("        self.task.cancel()\n", "        raise TimeoutError\n")

NOT_TURNED = """
class TimeLimit:
    def __init__(self, loop, seconds):
        self.loop, self.seconds = loop, seconds

    async def __aenter__(self):
        self.timer = self.loop.call_later(self.seconds, self.loop.current_task.cancel)

    async def __aexit__(self, kind, error, traceback):
        self.timer.cancel()
"""

STILL_SET = SOLUTION.replace("        self.timer.cancel()\n", "")

ONLY_IF_ALL_IS_WELL = SOLUTION.replace(
    "        self.timer.cancel()\n        if self.expired:\n",
    "        if kind is None:\n            self.timer.cancel()\n        if self.expired:\n",
)

CALLED_NOW = SOLUTION.replace("self.seconds, self.expire)", "self.seconds, self.expire())")

SWALLOWS = SOLUTION.replace(
    'raise TimeoutError(f"longer than {self.seconds} s") from error\n',
    'raise TimeoutError(f"longer than {self.seconds} s") from error\n        return True\n',
)

ALL_ARE_MINE = SOLUTION.replace(
    """        if self.expired:
            others = self.task.uncancel() > self.before
            if kind is CancelledError and not others:
                raise TimeoutError(f"longer than {self.seconds} s") from error
""",
    """        if self.expired:
            self.task.uncancel()
        if kind is CancelledError:
            raise TimeoutError
""",
)

WHATEVER_COMES = SOLUTION.replace("kind is CancelledError and not others", "not others")

NOT_TAKEN_BACK = SOLUTION.replace("            others = self.task.uncancel() > self.before\n", "").replace(
    " and not others", ""
)

FORGETS_THE_OTHERS = SOLUTION.replace(
    "others = self.task.uncancel() > self.before", "self.task.uncancel()"
).replace(" and not others", "")

COUNTS_FROM_ZERO = SOLUTION.replace("> self.before", "> 0")

FROM_THE_MAKING = SOLUTION.replace(
    """        self.loop, self.seconds = loop, seconds
""",
    """        self.loop, self.seconds = loop, seconds
        self.expired = False
        self.timer = loop.call_later(seconds, self.expire)
""",
).replace(
    """        self.expired = False
        self.timer = self.loop.call_later(self.seconds, self.expire)
""",
    "",
)

ALWAYS_TAKES_BACK = SOLUTION.replace(
    """        if self.expired:
            others = self.task.uncancel() > self.before
""",
    """        others = self.task.uncancel() > self.before
        if self.expired:
""",
)

TAKES_BACK_ONE_WAY = SOLUTION.replace(
    """            others = self.task.uncancel() > self.before
            if kind is CancelledError and not others:
""",
    """            if kind is CancelledError and self.task.uncancel() <= self.before:
""",
)

THE_CURRENT_ONE = SOLUTION.replace(
    "        self.task.cancel()\n", "        self.loop.current_task.cancel()\n"
)

# --- words of the judge

ENDED = (
    "The limit has passed and the block goes on. Nobody looks at the clock while it waits: that is what a"
    " timer of the loop is for, and what ends a block that waits is that its task is cancelled."
)
CALLED = (
    "The task was cancelled at once. `call_later` takes the function that is to be called; `function()` calls"
    " it now, and hands over what it returns."
)
NOT_A_NAP = "A limit is no wait: a block that is ready before it takes as long as it takes."
IN_A_CALLBACK = (
    "What a timer's callback raises goes to the loop, which reports it. Into the block only one thing can"
    " raise: `cancel()` of its task."
)
REPORTED = (
    "What the timer calls has raised an exception, and the loop reports that. It is called between two steps,"
    " when no task is the current one."
)
TURNED = "CancelledError is how the block was ended. What the outside is told is TimeoutError."
TIMER = (
    "The block has ended, and its timer has not been taken back: it cancels the task later, in the middle of"
    " something else. A block can also end by an exception."
)
PASSES = "What the block raises by itself goes on to whoever has written it: neither kept back nor renamed."
MINE = (
    "Somebody else has cancelled the task, and the limit has not passed. CancelledError is not yours then;"
    " who turns it into something else keeps the task alive that was to end."
)
AS_IT_WAS = (
    "The limit has cancelled the task and caught that itself. Such a request is taken back when it has been"
    " dealt with, `uncancel()`: else the task counts as cancelled for ever."
)
EVERY_WAY = (
    "The limit has cancelled the task, and the block has ended, be it by an error of its own. The limit's"
    " request is dealt with then, too: `uncancel()` on every way out."
)
NOT_MINE = (
    "The limit has not passed, so it has asked for nothing and has nothing to take back: the request that"
    " `uncancel()` has taken back was somebody else's."
)
BOTH = (
    "At the same moment somebody else has cancelled the task. It has to end, by CancelledError: a"
    " TimeoutError may be caught, and then it lives on. The task counts how many have asked: `cancelling`,"
    " `uncancel()`."
)
BEFORE = (
    "The task was cancelled long before, and is just tidying up; the limit is for that. It has been asked to"
    " end once before the block, and once by you."
)
SINCE = "The seconds count from where the block begins, not from where the limit is made."
AGAIN = "After a TimeoutError the task goes on: it may catch it, and do something else."


# --- in the learner's process


def drive(TimeLimit: Any, word: str) -> Iterator[Any]:
    """Play one scene after the other; yield how it ended, what is left to say, and what the loop reports."""
    for scene in (in_time, too_late, goes_on, raises, raises_then_waits, raises_late, raises_late_then_counts,
                  cancelled, cancelled_then_waits, inner, outer, both, both_at_once, tidying,
                  made_before):  # fmt: skip
        with FakeLoop() as loop:
            played = loop.play(scene(TimeLimit, loop, word))
            yield played, loop.errors


async def in_time(TimeLimit: Any, loop: FakeLoop, word: str) -> str:
    async with TimeLimit(loop, 3):
        await loop.sleep(1)
    await loop.sleep(9)
    return word


async def too_late(TimeLimit: Any, loop: FakeLoop, word: str) -> str:
    async with TimeLimit(loop, 2):
        await loop.sleep(5)
    return word


async def goes_on(TimeLimit: Any, loop: FakeLoop, word: str) -> Any:
    try:
        await too_late(TimeLimit, loop, word)
    except TimeoutError:
        await loop.sleep(3)
    return loop.current_task.cancelling  # type: ignore[union-attr]  # there is one


async def raises(TimeLimit: Any, loop: FakeLoop, word: str) -> None:
    async with TimeLimit(loop, 3):
        await loop.sleep(1)
        raise ValueError(word)


async def raises_then_waits(TimeLimit: Any, loop: FakeLoop, word: str) -> str:
    try:
        await raises(TimeLimit, loop, word)
    except ValueError:
        await loop.sleep(9)
    return word


async def raises_late(TimeLimit: Any, loop: FakeLoop, word: str) -> None:
    async with TimeLimit(loop, 2):
        try:
            await loop.sleep(5)
        except CancelledError:
            raise ValueError(word) from None


async def raises_late_then_counts(TimeLimit: Any, loop: FakeLoop, word: str) -> Any:
    try:
        await raises_late(TimeLimit, loop, word)
    except ValueError:
        return loop.current_task.cancelling  # type: ignore[union-attr]


async def cancelled(TimeLimit: Any, loop: FakeLoop, word: str) -> None:
    loop.call_later(1, loop.current_task.cancel)  # type: ignore[union-attr]
    async with TimeLimit(loop, 3):
        await loop.sleep(5)


async def cancelled_then_waits(TimeLimit: Any, loop: FakeLoop, word: str) -> Any:
    try:
        await cancelled(TimeLimit, loop, word)
    except CancelledError:
        await loop.sleep(9)
        return loop.current_task.cancelling  # type: ignore[union-attr]


async def inner(TimeLimit: Any, loop: FakeLoop, word: str) -> str:
    async with TimeLimit(loop, 4):
        try:
            async with TimeLimit(loop, 1):
                await loop.sleep(9)
        except TimeoutError:
            await loop.sleep(2)
    return word


async def outer(TimeLimit: Any, loop: FakeLoop, word: str) -> str:
    async with TimeLimit(loop, 1):
        try:
            async with TimeLimit(loop, 4):
                await loop.sleep(9)
        except TimeoutError:
            return word
    return ""


async def both(TimeLimit: Any, loop: FakeLoop, word: str) -> None:
    loop.call_later(2, loop.current_task.cancel)  # type: ignore[union-attr]
    await too_late(TimeLimit, loop, word)


async def both_at_once(TimeLimit: Any, loop: FakeLoop, word: str) -> None:
    task = loop.current_task
    async with TimeLimit(loop, 2):
        loop.call_later(2, task.cancel)  # type: ignore[union-attr]
        await loop.sleep(5)


async def tidying(TimeLimit: Any, loop: FakeLoop, word: str) -> str:
    loop.call_later(1, loop.current_task.cancel)  # type: ignore[union-attr]
    try:
        await loop.sleep(9)
    except CancelledError:
        try:
            await too_late(TimeLimit, loop, word)
        except TimeoutError:
            return word
    return ""


async def made_before(TimeLimit: Any, loop: FakeLoop, word: str) -> str:
    limit = TimeLimit(loop, 3)
    await loop.sleep(2)
    async with limit:
        await loop.sleep(2)
    return word


# --- the judge


def judge(exam: Exam) -> None:
    word = exam.word()
    run = exam.run(drive, word)
    limit, error = "a limit of 2 s, a block of 5 s", f"ValueError({word!r})"
    expect(run, "a limit of 3 s, a block of 1 s, and then 9 s more", ("returned", word, 10.0), TIMER)
    expect(run, limit, ("TimeoutError", None, 2.0), ENDED)
    expect(
        run, f"{limit}; TimeoutError is caught, and 3 s more; then `cancelling`", ("returned", 0, 5.0), AGAIN
    )
    sent = f"a limit of 3 s; after 1 s the block raises {error}"
    expect(run, sent, ("ValueError", word, 1.0), PASSES)
    expect(run, f"{sent}; that is caught, and 9 s more", ("returned", word, 10.0), TIMER)
    sent = f"{limit}; cancelled it raises {error}"
    expect(run, sent, ("ValueError", word, 2.0), PASSES)
    expect(run, f"{sent}; that is caught; then `cancelling`", ("returned", 0, 2.0), EVERY_WAY)
    sent = "a limit of 3 s, a block of 5 s; somebody else cancels the task after 1 s"
    expect(run, sent, ("CancelledError", "", 1.0), MINE)
    sent = f"{sent}; CancelledError is caught, and 9 s more; then `cancelling`"
    expect(run, sent, ("returned", 1, 10.0), NOT_MINE)
    sent = "a limit of 4 s, and in it one of 1 s, whose block takes 9 s; TimeoutError is caught, and 2 s more"
    expect(run, sent, ("returned", word, 3.0), AGAIN)
    sent = "a limit of 1 s, and in it one of 4 s, whose block takes 9 s; of that TimeoutError would be caught"
    expect(run, sent, ("TimeoutError", None, 1.0), MINE)
    sent = f"{limit}; somebody else cancels the task after 2 s, too"
    expect(run, f"{sent}, just before", ("CancelledError", "", 2.0), BOTH)
    expect(run, f"{sent}, just after", ("CancelledError", "", 2.0), BOTH)
    sent = f"a task that is cancelled after 1 s, and tidies up with {limit}; TimeoutError is caught"
    expect(run, sent, ("returned", word, 3.0), BEFORE)
    sent = "a limit of 3 s is made; 2 s later begins its block, of 2 s"
    expect(run, sent, ("returned", word, 4.0), SINCE)
    run.result()


def expect(run: Run, sent: str, wanted: Played, idea: str) -> None:
    """Expect ``wanted`` next; where an error's words do not matter they are None."""
    run.sent = sent
    try:
        got, errors = run.next(idea=idea)
    except Failed as failure:
        raise Failed(sent, in_words(wanted), failure.got, failure.idea) from None
    expect_no_slip(got)
    end, value, seconds = got = tuple(got)
    if (end, seconds) == wanted[::2] and wanted[1] in (None, value) and not errors:
        return
    if any("TimeoutError" in each for each in errors):
        idea = IN_A_CALLBACK
    elif errors:
        raise Failed(sent, in_words(wanted), f"{in_words(got)}; the loop reports {errors[0]}", REPORTED)
    elif end in ("CancelledError", "TimeoutError") and not seconds:
        idea = CALLED
    elif idea == TIMER and (end == "TimeoutError" or seconds > wanted[2]):
        idea = NOT_A_NAP
    elif idea == ENDED and (end == "CancelledError" or (end, seconds) == ("returned", 2.0)):
        idea = TURNED
    elif idea == NOT_MINE and end == "CancelledError":
        idea = TIMER
    elif idea == AGAIN and end == "returned" and value != wanted[1]:
        idea = AS_IT_WAS
    raise Failed(sent, in_words(wanted), in_words(got), idea)


EXERCISE = Exercise(
    id="9.5",
    title="A time limit",
    name="TimeLimit",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(LOOKS_AFTERWARDS, "Nobody looks at the clock"),
        Wrong(CALLED_NOW, "cancelled at once"),
        Wrong(SLEEPS, "no wait"),
        Wrong(RAISES_IN_THE_TIMER, "to the loop, which reports it"),
        Wrong(NOT_TURNED, "is told is TimeoutError"),
        Wrong(STILL_SET, "has not been taken back"),
        Wrong(ONLY_IF_ALL_IS_WELL, "also end by an exception"),
        Wrong(SWALLOWS, "neither kept back nor renamed"),
        Wrong(ALL_ARE_MINE, "is not yours"),
        Wrong(WHATEVER_COMES, "neither kept back nor renamed"),
        Wrong(NOT_TAKEN_BACK, "counts as cancelled for ever"),
        Wrong(FORGETS_THE_OTHERS, "At the same moment"),
        Wrong(COUNTS_FROM_ZERO, "once before the block"),
        Wrong(FROM_THE_MAKING, "not from where the limit is made"),
        Wrong(ALWAYS_TAKES_BACK, "was somebody else's"),
        Wrong(TAKES_BACK_ONE_WAY, "on every way out"),
        Wrong(THE_CURRENT_ONE, "no task is the current one"),
    ),
    core=False,
)
