"""Exercise 9.6: a call that blocks, in a thread; its result comes back to the loop."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import psutil

from course_lib.coach.bare_loop import BareLoop
from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.run import Ideas, Run, brief
from course_lib.eventloop import CancelledError, Loop
from course_lib.lab.waiting import wait_until

# --- the task

STUB = '''
import threading

from course_lib import Future


async def run_in_thread(loop, function, *args):
    """Call `function(*args)` in a thread of its own; wait for what it returns or raises.

    Other threads must leave the loop and its futures alone, but for one method, which also wakes it:
    `loop.call_soon_threadsafe(callback, *args)`.
    """
'''

HINTS = (
    "Two threads have a part each. The new one calls `function`, and hands over what came of it. The loop's"
    " own one settles the future that the task awaits.",
    "`def work():` runs in the thread: it calls `function(*args)` within a `try`, and then"
    " `loop.call_soon_threadsafe(future.set_result, result)`, or the same with `set_exception`.",
    "The task may have been cancelled while the thread was at work; then the future is done, and to settle it"
    " is an error. So hand over a small function of yours, which looks at `future.done()` first.",
)

# --- right answers

SOLUTION = '''
import threading

from course_lib import Future


async def run_in_thread(loop, function, *args):
    """Call `function(*args)` in a thread of its own; wait for what it returns or raises."""
    future = Future(loop)

    def settle(method, value):
        if not future.done():  # whoever waited may have been cancelled
            method(value)

    def work():
        try:
            result = function(*args)
        except BaseException as error:
            loop.call_soon_threadsafe(settle, future.set_exception, error)
        else:
            loop.call_soon_threadsafe(settle, future.set_result, result)

    threading.Thread(target=work, daemon=True).start()
    return await future
'''

OTHER = """
import concurrent.futures

from course_lib import Future


async def run_in_thread(loop, function, *args):
    ended = Future(loop)
    pool = concurrent.futures.ThreadPoolExecutor(1)
    work = pool.submit(function, *args)
    pool.shutdown(wait=False)
    work.add_done_callback(
        lambda work: loop.call_soon_threadsafe(lambda: ended.done() or ended.set_result(None))
    )
    await ended
    return work.result()
"""

# --- wrong answers


def changed(old: str, new: str) -> str:
    """Return the solution with one change."""
    assert old in SOLUTION
    return SOLUTION.replace(old, new)


BLOCKS = """
async def run_in_thread(loop, function, *args):
    return function(*args)
"""

SOON = """
from course_lib import Future


async def run_in_thread(loop, function, *args):
    future = Future(loop)
    loop.call_soon(lambda: future.set_result(function(*args)))
    return await future
"""

JOINS = """
import threading


async def run_in_thread(loop, function, *args):
    results = []
    thread = threading.Thread(target=lambda: results.append(function(*args)))
    thread.start()
    thread.join()
    return results[0]
"""

LOOKS_AGAIN = """
import threading

from course_lib import Future


async def run_in_thread(loop, function, *args):
    results = []
    thread = threading.Thread(target=lambda: results.append(function(*args)))
    thread.start()
    while thread.is_alive():
        future = Future(loop)
        loop.call_later(0.01, future.set_result, None)
        await future
    return results[0]
"""

CALL_SOON = SOLUTION.replace("call_soon_threadsafe", "call_soon")

SETTLES_THERE = SOLUTION.replace("loop.call_soon_threadsafe(settle, ", "settle(")

SETTLES_AND_WAKES = SETTLES_THERE.replace(
    "            settle(future.set_result, result)",
    "            settle(future.set_result, result)\n            loop.call_soon_threadsafe(print)",
)

ERROR_LOST = SOLUTION.replace(
    """        try:
            result = function(*args)
        except BaseException as error:
            loop.call_soon_threadsafe(settle, future.set_exception, error)
        else:
            loop.call_soon_threadsafe(settle, future.set_result, result)
""",
    "        loop.call_soon_threadsafe(settle, future.set_result, function(*args))\n",
)

ERROR_RETURNED = SOLUTION.replace("settle, future.set_exception, error", "settle, future.set_result, error")

CALLED_FIRST = SOLUTION.replace("target=work,", "target=work(),")

NO_ARGUMENTS = SOLUTION.replace("function(*args)\n        except", "function()\n        except")

ONE_FOR_ALL = """
import threading

from course_lib import Future

ONE_AT_A_TIME = []


async def run_in_thread(loop, function, *args):
    future = Future(loop)
    before = ONE_AT_A_TIME[-1] if ONE_AT_A_TIME else None
    ONE_AT_A_TIME.append(future)

    def work():
        try:
            result = function(*args)
        except BaseException as error:
            loop.call_soon_threadsafe(settle, future.set_exception, error)
        else:
            loop.call_soon_threadsafe(settle, future.set_result, result)

    def settle(method, value):
        if not future.done():
            method(value)

    if before is not None and not before.done():
        await before
    threading.Thread(target=work, daemon=True).start()
    return await future
"""

TOO_LATE = changed("        if not future.done():  # whoever waited may have been cancelled\n    ", "")

ASYNCIO = """
import asyncio


async def run_in_thread(loop, function, *args):
    return await asyncio.to_thread(function, *args)
"""

NO_RESULT = changed("    return await future", "    await future")

ERROR_GONE = changed(
    "loop.call_soon_threadsafe(settle, future.set_exception, error)",
    "loop.call_soon_threadsafe(lambda: settle(future.set_exception, error))",
)

LOOKS_TOO_EARLY = TOO_LATE.replace(
    "            loop.call_soon_threadsafe(settle, future.set_result, result)",
    "            if not future.done():\n"
    "                loop.call_soon_threadsafe(settle, future.set_result, result)",
)

POOL_WAITS = """
import concurrent.futures

from course_lib import Future


async def run_in_thread(loop, function, *args):
    ended = Future(loop)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        work = pool.submit(function, *args)
        work.add_done_callback(
            lambda work: loop.call_soon_threadsafe(lambda: ended.done() or ended.set_result(None))
        )
        await ended
    return work.result()
"""

POOL_KEPT = OTHER.replace("    pool.shutdown(wait=False)\n", "    KEPT.append(pool)\n").replace(
    "from course_lib import Future\n", "from course_lib import Future\n\nKEPT = []\n"
)

# --- words and numbers of the judge

STOPS = (
    "The heart has stopped: the function blocks the thread that runs the loop. It must be called in another"
    " thread, and nobody may wait for that one but by an `await`."
)
WAITS = (
    "The loop is woken again and again to see whether the thread has ended. The thread can tell: it hands"
    " over the result, and that wakes the loop."
)
NOT_WOKEN = (
    "The function has returned, and the loop sleeps on in `select`: of what another thread puts into its"
    " queue it sees nothing. `call_soon_threadsafe` puts it there, too, and wakes the loop."
)
OTHER_THREAD = (
    "The future was settled in the other thread, which so reaches into the loop while that may be at work"
    " with the same things. Hand over what is to be called: the loop's own thread calls it."
)
RAISES = (
    "The function has raised an exception. Who awaits the result gets that instead: the thread catches it,"
    " and hands it over for `set_exception`."
)
GONE = (
    "`except … as error:` deletes the name `error` at the end of its block. What is handed over is called"
    " later, in the loop's thread: give it the exception as an argument, not the name."
)
HANDED_OVER = (
    "The loop has called what the thread has handed over, and that raised. It is called with the arguments"
    " that come after it, and settles the future once: with a result or with an exception."
)
ARGUMENTS = "`function` is called once, with all of `args`; what it returns is what the `await` gives."
AT_ONCE = "Two calls at the same time do not wait for each other: each has a thread of its own."
LATE = (
    "The task was cancelled while the thread was at work; that cancels the future which it awaits. The thread"
    " ends later, and has nobody to tell: a future that is done is settled no more."
)
TOO_EARLY = (
    "The thread has handed over, then the task was cancelled, then the loop has called what was handed over."
    " Whether the future is done may change in between: look when it is settled, in the loop's own thread."
)
STAYS = (
    "The task was cancelled while the thread was at work, and now the loop's thread waits for that one to"
    " end. Nothing ends a thread; let it go, also when the `await` raises."
)
SWALLOWED = "The task was cancelled: CancelledError is raised at your `await`, and goes on from there."
AWAITED = (
    "What can be awaited is a future of this loop, and no thread, or future of a pool, is one. Make one, see"
    " to it that the loop settles it, and await that."
)
FOREIGN = "asyncio's threads report to asyncio's loop, and none is running here. Make a thread of your own."
BEATS = 5
REPORTS = "the loop reports"
ERRORS: Ideas = {"RuntimeError": FOREIGN, "TypeError": ARGUMENTS}


# --- in the learner's process


class GuardedLoop(BareLoop):
    """Notes what another thread does with it that only its own may."""

    sleep = Loop.sleep  # for those who look again and again

    def __init__(self) -> None:
        super().__init__()
        self.thread = threading.get_ident()
        self.meddled = False

    def call_soon(self, callback: Callable[..., object], *args: Any) -> None:
        self.meddled |= threading.get_ident() != self.thread
        super().call_soon(callback, *args)


class Place:
    """A loop, and a function that blocks, as a look-up of a name does whose server does not answer."""

    def __init__(self, run_in_thread: Any) -> None:
        self.loop = GuardedLoop()
        self.run_in_thread = run_in_thread
        self.answered = threading.Event()
        self.barrier = threading.Barrier(2)
        self.beats = 0

    def __enter__(self) -> "Place":
        return self

    def __exit__(self, *unused: object) -> None:
        self.loop.close()

    def look_up(self, name: str, *numbers: int) -> list[Any]:
        self.answered.wait()
        return [name, *numbers, threading.get_ident() != self.loop.thread]

    def meet(self, name: str) -> str:
        """Return when somebody else has come here, too."""
        try:
            self.barrier.wait(2.0)
        except threading.BrokenBarrierError:
            return "nobody"
        return name

    def fail(self, word: str) -> None:
        raise LookupError(word)

    def beat(self) -> None:
        self.beats += 1
        if self.beats == BEATS:
            self.answered.set()
        else:
            self.loop.call_later(0.01, self.beat)

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Return a task that waits for a call in a thread."""

        async def task() -> Any:
            return await self.run_in_thread(self.loop, function, *args)

        return self.loop.spawn(task())

    def call_alone(self, threads: int, function: Callable[..., Any], *args: Any) -> Any:
        """The same for a function that does not wait: its thread has ended, and the loop has not gone on.

        ``threads`` are so many as run when none of the learner's does.
        """
        task = self.call(function, *args)
        self.loop.run_once(0)
        with suppress(TimeoutError):  # not each thread ends by itself
            wait_until(lambda: psutil.Process().num_threads() <= threads, 1.0)
        return task

    def no_end(self) -> str:
        """Say in words that a task is not done."""
        errors = "".join(f"; {REPORTS} {type(error).__name__}: {error}" for error in self.loop.errors[:1])
        return f"no end{errors}"

    def end(self, *tasks: Any) -> Any:
        """Run until the tasks are done; return their results, or that some are not."""
        if self.loop.run_until(lambda: all(task.done() for task in tasks), rounds=20, patience=0.2):
            return [task.result() for task in tasks]
        return self.no_end()


def drive(run_in_thread: Any, words: list[str], number: int) -> Iterator[Any]:
    """Each step yields what came of it."""
    threads = psutil.Process().num_threads()
    with Place(run_in_thread) as here:
        task = here.call(here.look_up, words[0], number)
        yield here.loop.falls_asleep()
        here.beat()
        here.loop.run_until(task.done, rounds=100)
        yield [here.beats, task.result() if task.done() else here.no_end()]
    with Place(run_in_thread) as here:
        task = here.call(here.look_up, words[1])
        here.loop.falls_asleep()
        threading.Timer(0.2, here.answered.set).start()
        here.loop.run_once(2.0)  # the rest of its life, but for a wake-up
        yield [here.loop.noting.slept, here.loop.meddled]
        here.end(task)
    with Place(run_in_thread) as here:
        task = here.call_alone(threads, here.fail, words[2])
        here.loop.run_until(task.done, rounds=10, patience=0.2)
        yield outcome(task) if task.done() else here.no_end()
    with Place(run_in_thread) as here:
        yield here.end(here.call(here.meet, words[0]), here.call(here.meet, words[1]))
    with Place(run_in_thread) as here:
        arguments = ("localhost", number, 0, socket.SOCK_STREAM)
        yield here.end(here.call(socket.getaddrinfo, *arguments)) == [socket.getaddrinfo(*arguments)]
    with Place(run_in_thread) as here:
        yield cancelled(here)
    with Place(run_in_thread) as here:
        here.answered.set()
        task = here.call_alone(threads, here.look_up, "nobody")
        task.cancel()
        yield ends(here, task)


def outcome(task: Any) -> str:
    error = task.exception()
    return f"{type(error).__name__}: {error}" if error else f"{brief(task.result())}, and no exception"


def cancelled(here: Place) -> list[str]:
    """Cancel the task while the thread is at work; return what the task and the loop say of it."""
    task = here.call(here.look_up, "nobody")
    here.loop.falls_asleep()
    task.cancel()
    here.loop.run_until(task.done, rounds=10, patience=0.1)
    here.loop.falls_asleep()
    here.answered.set()
    here.loop.run_once(3.0)  # it is woken when the thread has something to tell
    return ends(here, task)


def ends(here: Place, task: Any) -> list[str]:
    """Run some rounds more; return how ``task`` has ended, and what the loop reports."""
    for _ in range(3):
        here.loop.run_once(0)
    try:
        task.result()
        end = "a result"
    except CancelledError:
        end = "cancelled"
    return [end, *(type(error).__name__ for error in here.loop.errors)]


# --- the judge


def judge(exam: Exam) -> None:
    words = [exam.word(5) for _ in range(3)]
    number = exam.random.randrange(1, 60_000)
    run = exam.run(drive, words, number)
    run.sent = "a function that blocks, as a look-up of a name does, and nothing else to do"
    if not run.next(3.0, ideas=ERRORS, idea=STOPS):
        raise Failed(run.sent, "a loop that sleeps", "a loop that is busy", WAITS)
    run.sent = "a function that blocks until the heart of the loop has beaten five times"
    step(run, [BEATS, [words[0], number, True]], ARGUMENTS)
    run.sent = "a function that returns while the loop sleeps in select"
    slept, meddled = run.next(4.0, idea=STOPS)
    if slept:
        raise Failed(run.sent, "a loop that wakes up", "a loop that sleeps on", NOT_WOKEN)
    if meddled:
        raise Failed(
            run.sent, "call_soon_threadsafe", "the loop's call_soon, in another thread", OTHER_THREAD
        )
    run.sent = f"a function that raises LookupError({words[2]!r})"
    step(run, f"LookupError: {words[2]}", RAISES)
    run.sent = "two functions, each of which returns when the other one has been called"
    step(run, words[:2], AT_ONCE)
    run.sent = "socket.getaddrinfo('localhost', …): is the result as without a thread?"
    step(run, True, ARGUMENTS)
    run.sent = "a function that returns after its task has been cancelled"
    step(run, ["cancelled"], LATE, stuck=STAYS)
    run.sent = "a function that returns, and then its task is cancelled, before the next round of the loop"
    step(run, ["cancelled"], TOO_EARLY)
    run.result()


def step(run: Run, expected: Any, idea: str, stuck: str = "") -> None:
    try:
        value = run.next(6.0, ideas=ERRORS, idea=stuck or idea)
    except Failed as failure:
        if "'await' expression" in failure.got:
            raise Failed(run.sent, brief(expected), failure.got, AWAITED) from None
        raise
    if REPORTS in str(value):
        idea = GONE if "free variable" in str(value) else HANDED_OVER
    elif value == ["a result"]:
        idea = SWALLOWED
    run.expect_equal(value, expected, idea)


EXERCISE = Exercise(
    id="9.6",
    title="A call that blocks, in a thread",
    name="run_in_thread",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(BLOCKS, "The heart has stopped"),
        Wrong(SOON, "The heart has stopped"),
        Wrong(JOINS, "The heart has stopped"),
        Wrong(CALLED_FIRST, "The heart has stopped"),
        Wrong(LOOKS_AGAIN, "to see whether the thread has ended"),
        Wrong(CALL_SOON, "wakes the loop"),
        Wrong(SETTLES_THERE, "wakes the loop"),
        Wrong(SETTLES_AND_WAKES, "the loop's own thread calls it"),
        Wrong(ERROR_LOST, "for `set_exception`"),
        Wrong(ERROR_RETURNED, "for `set_exception`"),
        Wrong(NO_ARGUMENTS, "with all of `args`"),
        Wrong(NO_RESULT, "what the `await` gives"),
        Wrong(ONE_FOR_ALL, "do not wait for each other"),
        Wrong(TOO_LATE, "settled no more"),
        Wrong(ASYNCIO, "asyncio's loop"),
        Wrong(ERROR_GONE, "deletes the name"),
        Wrong(LOOKS_TOO_EARLY, "may change in between"),
        Wrong(POOL_WAITS, "let it go"),
        Wrong(POOL_KEPT, "must also end or close"),
    ),
    core=False,
    limit=20.0,
)
