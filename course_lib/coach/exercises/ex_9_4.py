"""Exercise 9.4: cancel a task."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Broke, Exercise, Failed, Wrong
from course_lib.coach.run import Run
from course_lib.eventloop import CancelledError, Future, Reactor
from course_lib.eventloop.traps import next_round

# --- the task

STUB = '''
from course_lib import Future
from course_lib.eventloop import CancelledError


class CancellableTask(Future):
    """Runs `coro` step by step; and it can be cancelled, which is missing yet."""

    def __init__(self, coro, loop):
        super().__init__(loop)
        self.coro = coro
        loop.call_soon(self.step)

    def cancel(self):
        """Return False where it is done. Else return True, and have the next step raise CancelledError
        where the coroutine waits (it never begins if it has not). What it waits for is cancelled, too.

        How it ends is up to the coroutine. If by CancelledError, the task counts as cancelled.
        """
        return super().cancel()

    def step(self, done=None):
        """Run `coro` as far as it goes. `done` is the future that it has waited for."""
        try:
            trap = self.coro.send(None)
        except StopIteration as stop:
            self.set_result(stop.value)
        except Exception as error:
            self.set_exception(error)
        else:
            if trap is None:
                self.loop.call_soon(self.step)
            else:
                trap.add_done_callback(self.step)
'''

HINTS = (
    "`super().cancel()` marks the *future* as cancelled. That is the last thing to happen, when the"
    " coroutine has ended by CancelledError: `step` catches it (it is no Exception).",
    "Remember in `step` what it waits for. A future that is cancelled calls back like one that has a result,"
    " and then raises CancelledError at the `await` by itself: `self.waits_for.cancel()` is half of it. If"
    " that returns False there is nothing to cancel, or no more.",
    "For the other half keep a note, `self.must_cancel = True`. The next step looks at it, takes it back, and"
    " calls `self.coro.throw(CancelledError())` in place of `send`. Who cancels itself has made that note"
    " when its step ends at a future: cancel that one, then.",
)

# --- right answers

SOLUTION = '''
from course_lib import Future
from course_lib.eventloop import CancelledError


class CancellableTask(Future):
    """Runs `coro` step by step; and it can be cancelled."""

    def __init__(self, coro, loop):
        super().__init__(loop)
        self.coro = coro
        self.waits_for = None
        self.must_cancel = False
        loop.call_soon(self.step)

    def cancel(self):
        """Have the next step raise CancelledError where the coroutine waits."""
        if self.done():
            return False
        if self.waits_for is None or not self.waits_for.cancel():
            self.must_cancel = True
        return True

    def step(self, done=None):
        """Run `coro` as far as it goes. `done` is the future that it has waited for."""
        self.waits_for = None
        try:
            if self.must_cancel:
                self.must_cancel = False
                trap = self.coro.throw(CancelledError())
            else:
                trap = self.coro.send(None)
        except StopIteration as stop:
            self.set_result(stop.value)
        except CancelledError:
            super().cancel()
        except Exception as error:
            self.set_exception(error)
        else:
            if trap is None:
                self.loop.call_soon(self.step)
            else:
                self.waits_for = trap
                trap.add_done_callback(self.step)
                if self.must_cancel and trap.cancel():
                    self.must_cancel = False
'''

OTHER = '''
import functools

from course_lib import Future
from course_lib.eventloop import CancelledError


class CancellableTask(Future):
    """Each order of a step has a number, and only the last order counts."""

    def __init__(self, coro, loop):
        super().__init__(loop)
        self.coro, self.order, self.running = coro, 0, False
        self.error = self.trap = None
        self.wait_for(None)

    def wait_for(self, trap):
        self.order += 1
        self.trap = trap
        step = functools.partial(self.step, self.order)
        if trap is None:
            self.loop.call_soon(step)
        else:
            trap.add_done_callback(step)

    def cancel(self):
        if self.done():
            return False
        self.error = CancelledError()
        if self.trap is not None:
            self.trap.cancel()
        if not self.running:
            self.wait_for(None)
        return True

    def step(self, order, done=None):
        if order != self.order:
            return
        error, self.error, self.trap, self.running = self.error, None, None, True
        try:
            trap = self.coro.throw(error) if error else self.coro.send(None)
        except StopIteration as stop:
            self.set_result(stop.value)
        except BaseException as error:
            if isinstance(error, CancelledError):
                super().cancel()
            else:
                self.set_exception(error)
        else:
            if self.error and trap is not None:
                trap.cancel()
            self.wait_for(None if self.error else trap)
        finally:
            self.running = False
'''

# --- wrong answers

CANCEL = """        if self.done():
            return False
        if self.waits_for is None or not self.waits_for.cancel():
            self.must_cancel = True
        return True
"""


def cancels(body: str) -> str:
    """Return an answer with this ``cancel``."""
    return SOLUTION.replace(CANCEL, "        " + body.strip().replace("\n", "\n        ") + "\n")


ONLY_MARKED = cancels("""
if self.done():
    return False
super().cancel()
return True
""")

THROWN_AT_ONCE = cancels("""
if self.done():
    return False
try:
    self.coro.throw(CancelledError())
except CancelledError:
    super().cancel()
return True
""")

CLOSED = cancels("""
if self.done():
    return False
self.coro.close()
super().cancel()
return True
""")

ONLY_THE_FUTURE = cancels("""
if self.done():
    return False
if self.waits_for is not None:
    self.waits_for.cancel()
return True
""")

ONLY_A_NOTE = cancels("""
if self.done():
    return False
self.must_cancel = True
return True
""")

TWO_STEPS = cancels("""
if self.done():
    return False
self.must_cancel = True
if self.waits_for is not None:
    self.waits_for.cancel()
self.loop.call_soon(self.step)
return True
""")

NOT_PASSED_ON = OTHER.replace("        if self.trap is not None:\n            self.trap.cancel()\n", "")

SAYS_NOTHING = SOLUTION.replace(
    "            self.must_cancel = True\n        return True\n", "            self.must_cancel = True\n"
)

DONE_TOO = SOLUTION.replace("        if self.done():\n            return False\n", "")

ESCAPES = SOLUTION.replace("        except CancelledError:\n            super().cancel()\n", "")

AS_A_FAILURE = SOLUTION.replace("        except CancelledError:\n            super().cancel()\n", "").replace(
    "except Exception as error", "except BaseException as error"
)

ALWAYS_CANCELLED = (
    SOLUTION.replace(
        "self.must_cancel = False\n        loop", "self.must_cancel = self.asked = False\n        loop"
    )
    .replace(
        "        if self.waits_for is None or",
        "        self.asked = True\n        if self.waits_for is None or",
    )
    .replace(
        "            self.set_result(stop.value)",
        "            if self.asked:\n                super().cancel()\n            else:\n"
        "                self.set_result(stop.value)",
    )
)

AGAIN_AND_AGAIN = SOLUTION.replace(
    "                self.must_cancel = False\n                trap", "                trap"
)

NOT_ITSELF = SOLUTION.replace(
    """                if self.must_cancel and trap.cancel():
                    self.must_cancel = False
""",
    "",
)

MARKS_TOO = cancels("""
if self.done():
    return False
if self.waits_for is None or not self.waits_for.cancel():
    self.must_cancel = True
return super().cancel()
""")

ASKS_ONCE_MORE = SOLUTION.replace("            super().cancel()\n", "            self.cancel()\n")

LETS_IT_OUT = cancels("""
if self.done():
    return False
self.coro.throw(CancelledError())
return True
""")

# --- words of the judge

TRUE = "`cancel` tells whether there was something to end: True for a task that is not done."
FALSE = "It is done: there is nothing to cancel, `cancel` returns False, and its result stays as it is."
INSIDE = (
    "The coroutine has run within the call of `cancel`. Who calls that is in the middle of something else,"
    " and may be this very coroutine. So `cancel` asks, and the error comes in a step, by the loop's queue."
)
UNHEARD = (
    "The task says that it is cancelled, and its coroutine has heard nothing: it still waits, and never"
    " tidies up. CancelledError must be raised where it waits; what comes out of it then decides."
)
OTHER_ERROR = (
    "`close` ends a coroutine by GeneratorExit, which leaves it no way to wait once more or to refuse."
    " CancelledError is what it knows how to answer; `throw` raises it where it waits."
)
RAISED = (
    "`cancel` has raised CancelledError at whoever has called it. It is the coroutine that has to hear of it,"
    " where it waits, and in a step of its own."
)
EARLY = (
    "The task was done when `cancel` returned, and its coroutine still had to hear of it. `cancel` only asks;"
    " the task is done when its coroutine has ended, in the way in which that has ended."
)
LOST = (
    "The request is lost where the coroutine waits for nothing that could be cancelled: it has not begun, or"
    " it is ready, or its turn is just now. Keep a note of it for the next step, or for the end of this one."
)
BEGUN = (
    "It was cancelled before its first step, and has begun all the same. A coroutine that has not begun never"
    " does: look at the note before you resume it, not after."
)
STILL_WAITS = (
    "It waits for a future that may never be settled, so the step in which it would hear of its end never"
    " comes. Cancel what it waits for: a cancelled future calls back, too."
)
STALE = (
    "Two steps were on their way: the one that you have ordered, and the one that the future it waited for"
    " has ordered. The second resumes a coroutine that waits for something else by now, or has ended."
)
PASSED_ON = (
    "It waited for another task, which goes on, and nobody wants its result any more. What a cancelled task"
    " waits for is cancelled, too."
)
NO_EXCEPTION = (
    "CancelledError is no Exception, so that `except Exception` in a coroutine does not take it for a"
    " failure. For the same reason `step` has to catch it by its own name; else it ends the loop."
)
COUNTS = "A task that ends by CancelledError has been cancelled; that is no failure: `cancelled()` is True."
UNSETTLED = (
    "The coroutine has ended by CancelledError, and its task is not done: who waits for it waits for ever."
    " Nobody has settled the future that the task is; to ask once more does not settle it."
)
REFUSES = (
    "A coroutine may catch CancelledError and return a result, or fail in another way. So how it ends is"
    " known when it has ended, and not by what was asked."
)
ONCE = "It was asked once, so CancelledError is raised once. Then it tidies up, and may wait for that."
THROWN = (
    "`throw` resumes the coroutine, as `send` does, and returns what it waits for next: it may have something"
    " to tidy up first."
)
TOLD = "Whoever waits for a task is called back when it is cancelled, as for any other end, and once."


# --- in the learner's process


OUT = "CancelledError came out of cancel"


class Stage:
    """A loop, and a task of the learner's class on it; what is seen of them is noted."""

    def __init__(self, kind: Any, loop: Reactor) -> None:
        self.kind, self.loop = kind, loop
        self.log: list[str] = []
        self.within: list[str] = []
        """What has happened within a call of ``cancel``."""
        self.early = False
        """The task was done by the end of that call."""
        self.errors: list[str] = []
        loop.on_error = lambda error: self.errors.append(f"{type(error).__name__}: {error}")
        self.first: Future[str] = Future(loop)
        self.second: Future[str] = Future(loop)

    def start(self, coro: Any) -> None:
        self.task = self.kind(coro, self.loop)
        self.task.add_done_callback(lambda task: self.log.append("told"))

    def cancel(self, times: int = 1) -> None:
        before, was_done = len(self.log), self.task.done()
        try:
            for _ in range(times):
                self.returned = self.task.cancel()
        except CancelledError:
            self.returned = OUT
        self.within = self.log[before:]
        self.early = self.task.done() and not was_done

    def rounds(self, count: int = 5) -> None:
        for _ in range(count):
            self.loop.run_once(0)

    async def waits(self, tidies: bool = False, refuses: str = "", fails: str = "") -> str:
        try:
            return await self.first
        except GeneratorExit:  # closed, or thrown away: nothing to be tidied up
            self.log.append("GeneratorExit")
            tidies = False
            raise
        except BaseException as error:
            self.log.append(type(error).__name__)
            if fails:
                raise ValueError(fails) from None
            if refuses:
                return refuses
            raise
        finally:
            if tidies:
                self.log.append(await self.second)

    async def takes_turns(self) -> None:
        try:
            for _ in range(15):
                await next_round()
        except BaseException as error:
            self.log.append(type(error).__name__)
            raise

    async def cancels_itself(self) -> None:
        self.cancel()
        self.log.append("goes on")
        await self.waits()


def state(task: Any) -> str:
    if not task.done():
        return "not done"
    if task.cancelled():
        return "cancelled"
    try:
        return f"done, with the result {task.result()!r}"
    except BaseException as error:
        return f"done: it failed with {type(error).__name__}({error})"


def drive(kind: Any, word: str, other: str) -> Iterator[Any]:
    """Play one scene after the other; yield what is seen in the end."""
    for play in (done, waiting, by_its_future, twice, not_begun, ready, in_turns, itself, refusing, failing,
                 tidying, tidied, tidied_ready, another):  # fmt: skip
        loop = Reactor()
        stage = Stage(kind, loop)
        try:
            play(stage, word, other)
            stage.rounds()
            yield stage.returned, stage.within, stage.early, stage.log, state(stage.task), stage.errors
        finally:
            loop.close()


def done(stage: Stage, word: str, other: str) -> None:
    stage.start(stage.waits())
    stage.first.set_result(word)
    stage.rounds()
    stage.cancel()


def waiting(stage: Stage, word: str, other: str, times: int = 1, **how: Any) -> None:
    stage.start(stage.waits(**how))
    stage.rounds()
    stage.cancel(times)


def by_its_future(stage: Stage, word: str, other: str) -> None:
    stage.start(stage.waits())
    stage.rounds()
    stage.returned = stage.first.cancel()


def twice(stage: Stage, word: str, other: str) -> None:
    waiting(stage, word, other, times=2)


def not_begun(stage: Stage, word: str, other: str) -> None:
    stage.start(stage.waits())
    stage.cancel()


def ready(stage: Stage, word: str, other: str, **how: Any) -> None:
    stage.start(stage.waits(**how))
    stage.rounds()
    stage.first.set_result(word)
    stage.cancel()


def in_turns(stage: Stage, word: str, other: str) -> None:
    stage.start(stage.takes_turns())
    stage.rounds()
    stage.cancel()


def itself(stage: Stage, word: str, other: str) -> None:
    stage.start(stage.cancels_itself())


def refusing(stage: Stage, word: str, other: str) -> None:
    waiting(stage, word, other, refuses=word)


def failing(stage: Stage, word: str, other: str) -> None:
    waiting(stage, word, other, fails=word)


def tidying(stage: Stage, word: str, other: str) -> None:
    waiting(stage, word, other, tidies=True)
    stage.rounds()
    if not stage.first.done():
        stage.first.set_result(word)


def tidied(stage: Stage, word: str, other: str) -> None:
    waiting(stage, word, other, tidies=True)
    stage.rounds()
    stage.second.set_result(other)


def tidied_ready(stage: Stage, word: str, other: str) -> None:
    ready(stage, word, other, tidies=True)
    stage.rounds()
    if not stage.second.done():
        stage.second.set_result(other)


def another(stage: Stage, word: str, other: str) -> None:
    inner = stage.kind(stage.waits(), stage.loop)

    async def outer() -> Any:
        return await inner

    stage.start(outer())
    stage.rounds()
    stage.cancel()
    stage.rounds()
    stage.task = inner


# --- the judge


def judge(exam: Exam) -> None:
    word, other = exam.word(), exam.word()
    scenes = Scenes(exam.run(drive, word, other))
    heard = ["CancelledError", "told"]
    scenes.expect(
        "of a task that has returned", ["told"], f"done, with the result {word!r}", FALSE, returned=False
    )
    scenes.expect("of a task that waits for a future", heard, "cancelled", UNHEARD)
    scenes.expect("of the future that a task waits for", heard, "cancelled", COUNTS)
    scenes.expect("twice, of a task that waits for a future", heard, "cancelled", ONCE)
    scenes.expect("of a task before its first step", ["told"], "cancelled", LOST)
    scenes.expect("of a task whose future has its result already", heard, "cancelled", LOST)
    scenes.expect("of a task that lets the others have their turn, again and again", heard, "cancelled", LOST)
    scenes.expect("of a task, by itself; then it waits", ["goes on", *heard], "cancelled", LOST)
    refuses = f"of a task that catches CancelledError and returns {word!r}"
    scenes.expect(refuses, heard, f"done, with the result {word!r}", REFUSES)
    fails = f"of a task that catches CancelledError and raises ValueError({word!r})"
    scenes.expect(fails, heard, f"done: it failed with ValueError({word})", REFUSES)
    tidies = "of a task that has in its `finally` another future to wait for"
    scenes.expect(f"{tidies}; the first one is settled", ["CancelledError"], "not done", STALE)
    all_of_it = ["CancelledError", other, "told"]
    scenes.expect(f"{tidies}; that is settled to {other!r}", all_of_it, "cancelled", ONCE)
    scenes.expect(f"{tidies}; its first has its result already", all_of_it, "cancelled", THROWN)
    scenes.expect(
        "of a task that waits for another task: that one", ["CancelledError", "told"], "cancelled", PASSED_ON
    )
    scenes.run.result()


RESUMED_TWICE = ("InvalidStateError", "RuntimeError")


class Seen(NamedTuple):
    """What the driver yields of a scene."""

    returned: Any
    within: list[str]
    early: bool
    log: list[str]
    state: str
    errors: list[str]


class Scenes:
    """The driver's scenes, one after the other."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def expect(self, sent: str, log: list[str], state: str, idea: str, *, returned: bool = True) -> None:
        """Expect what is seen of the next scene; ``idea`` is for a log or a state that differs."""
        self.run.sent = f"cancel() {sent}"
        wanted = Seen(returned, [], False, log, state, [])
        in_words = words(wanted)
        try:
            seen = Seen(*self.run.next(ideas={"CancelledError": NO_EXCEPTION}, idea=idea))
        except Failed as failure:
            raise Failed(self.run.sent, in_words, failure.got, failure.idea) from None
        if seen._replace(early=False) == wanted:
            return
        got = words(seen)
        if seen.within:
            got = f"{got}; within the call: {', '.join(seen.within)}"
        elif seen.errors:
            if seen.errors[0].partition(":")[0] not in RESUMED_TWICE:
                raise Broke(f"your code raised {seen.errors[0]}, in a step")
            got = f"{got}; the loop reports {seen.errors[0]}"
        raise Failed(self.run.sent, in_words, got, better(idea, seen, wanted))


def better(idea: str, seen: Seen, wanted: Seen) -> str:
    """Return what is missing, as far as what is seen tells more than that ``idea`` does."""
    noted = heard(seen.log)
    if "GeneratorExit" in noted:
        return OTHER_ERROR
    if seen.within:
        return INSIDE
    if seen.returned == OUT:
        return RAISED
    if seen.early and noted:
        return EARLY
    if seen.returned is not wanted.returned:
        return TRUE if wanted.returned else FALSE
    if seen.errors:
        return STALE
    if seen.state == wanted.state and noted == heard(wanted.log):
        return TOLD
    if idea == UNHEARD and seen.state == "not done":
        return UNSETTLED if noted else STILL_WAITS
    if seen.state == "done: it failed with CancelledError()" or (idea == UNHEARD and noted):
        return COUNTS
    if idea == LOST and noted and not heard(wanted.log):
        return BEGUN
    if idea in (STALE, THROWN) and seen.state == "cancelled":
        return ONCE
    return idea


def heard(log: list[str]) -> list[str]:
    """Return what the coroutine itself has noted."""
    return [each for each in log if each != "told"]


def words(seen: Seen) -> str:
    said = seen.returned if seen.returned == OUT else f"{seen.returned!r} returned"
    noted = ", ".join(heard(seen.log)) or "nothing"
    return f"{said}; the coroutine notes {noted}; the task is {seen.state}"


EXERCISE = Exercise(
    id="9.4",
    title="Cancel a task",
    name="CancellableTask",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(ONLY_MARKED, "has heard nothing"),
        Wrong(THROWN_AT_ONCE, "within the call of `cancel`"),
        Wrong(CLOSED, "by GeneratorExit"),
        Wrong(ONLY_THE_FUTURE, "request is lost"),
        Wrong(ONLY_A_NOTE, "may never be settled"),
        Wrong(TWO_STEPS, "Two steps"),
        Wrong(NOT_PASSED_ON, "waited for another task"),
        Wrong(SAYS_NOTHING, "something to end"),
        Wrong(DONE_TOO, "It is done"),
        Wrong(ESCAPES, "ends the loop"),
        Wrong(AS_A_FAILURE, "no failure"),
        Wrong(ALWAYS_CANCELLED, "may catch CancelledError"),
        Wrong(AGAIN_AND_AGAIN, "raised once"),
        Wrong(NOT_ITSELF, "end of this one"),
        Wrong(MARKS_TOO, "still had to hear"),
        Wrong(ASKS_ONCE_MORE, "Nobody has settled"),
        Wrong(LETS_IT_OUT, "within the call of `cancel`"),
    ),
)
