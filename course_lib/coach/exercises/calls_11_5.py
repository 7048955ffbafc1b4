"""Exercise 11.5, its first part: what a loop does with callbacks, timers and the future that it runs until.

Read ex_11_5.py first. Next: programs_11_5.py.
"""

import asyncio
import contextvars
from collections.abc import Iterator
from typing import Any

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Failed
from course_lib.coach.exercises.explaining import explained
from course_lib.coach.run import Ideas, Run

# --- words and numbers of the judge

ABSTRACT = "It derives from `asyncio.AbstractEventLoop` alone: that names the methods, and has none of them."
OWN = "The loop is to be your own: here another one does its work."
MISSING = (
    "`AbstractEventLoop` raises NotImplementedError in each of its methods: asyncio has called one that you"
    " have not written."
)
CONTEXT_IS_GIVEN = (
    "asyncio calls `call_soon(callback, *args, context=…)`, and the other two likewise: take the context, and"
    " hand it to the handle."
)
CONTEXT = (
    "A callback runs in the context that was given with it, or else in a copy of its caller's: so a task sees"
    " its own values of a ContextVar, whoever wakes it. `asyncio.Handle` takes the context."
)
END = (
    "`run_until_complete` runs round after round, until the future is done, and then returns. What keeps it"
    " from ending? Is it this loop whose rounds run the task?"
)
TOO_SOON = (
    "`run_until_complete` has left its rounds, and the future is not done. A loop that was stopped once takes"
    " itself for stopped until it is told otherwise."
)
RESULT = "`run_until_complete` returns what the future's `result()` returns, and raises what that raises."
FUTURES = (
    "`run_until_complete` is given a task or a future, too, and waits for that very one: only of a coroutine"
    " a task is to be made."
)
TASK = (
    "asyncio's programs ask for their task: `asyncio.current_task()`. `asyncio.timeout` and TaskGroup need"
    " one of asyncio's, as `self.create_task` makes it; the `spawn` of your own loop makes another kind."
)
RUNNING = (
    "`asyncio.get_running_loop()`, and with it nearly all of asyncio, wants to know which loop runs: tell it"
    " with `asyncio._set_running_loop`, before the first round."
)
RESET = (
    "`run_until_complete` has ended, and asyncio still takes this loop for running. It must be told, on every"
    " way out: also when an exception such as SystemExit ends the round."
)
ORDER = (
    "`call_soon` calls nothing itself: it puts the call into the queue, and the next round makes it. First"
    " come, first served."
)
HANDLE = (
    "`call_soon`, `call_later` and `call_at` return a handle, whose `cancel()` takes the call back:"
    " `asyncio.sleep` and `asyncio.timeout` do that all the time."
)
CANCELLED = (
    "A handle that was cancelled while it waited is not run. `cancel()` only marks it: who takes it out of"
    " the queue must look."
)
RAISES = (
    "A callback has raised an exception. It belongs to nobody who could catch it: the loop tells"
    " `call_exception_handler`, and goes on. `handle._run()` does it so."
)
TIMERS = (
    "`call_later` takes a number of seconds, `call_at` a moment of the loop's own clock, `time()`. Each call"
    " is made once, when its moment has come."
)
IDLE = (
    "Nothing is due, and the loop does not sleep. Let the selector tell when a socket is ready, and the"
    " timers for how long it may sleep."
)
BAD_YIELD = (
    "asyncio's Task can wait for asyncio's futures only, and those of your own loop, for which its"
    " `sock_recv` and its `sleep` wait, are others. Await what `self.create_future()` makes: an"
    " `asyncio.Future`."
)
STAYS = (
    "A wait for a socket ends in three ways: it is ready, the task is cancelled, an error comes. After each"
    " of them the socket must be unregistered: or the next wait finds it taken, and the selector goes on"
    " telling of a socket for which nobody waits."
)
IN_BOTH = (
    "The socket has been unregistered twice, or was never registered. Once is enough: at the one place that"
    " every way out of the wait comes by."
)
DONE = (
    "A callback has given a result to a future that is done. A socket is ready until somebody reads, so the"
    " callback may come twice before the task has had its turn: it must look. And when the task has been"
    " cancelled, the socket must be unregistered: else the callback comes for a future that nobody awaits."
)
LONG, SHORT = 0.4, 0.1
COMMON: Ideas = {"NotImplementedError": MISSING}
WORDS = {
    **{
        f"{name}() got an unexpected keyword argument 'context'": CONTEXT_IS_GIVEN
        for name in ("call_soon", "call_later", "call_at")
    },
    "a coroutine was expected": FUTURES,
    "has no attribute 'send'": FUTURES,
    "no running event loop": RUNNING,
    "no current event loop": RUNNING,
    "should be used inside a task": TASK,
    "Task got bad yield": BAD_YIELD,
    "Result is not set": TOO_SOON,
    "'NoneType' object has no attribute 'cancel'": HANDLE,
    "is already registered": STAYS,
    "is not registered": IN_BOTH,
    "InvalidStateError": DONE,
}
"""What the words of an exception mean here."""

# --- in the learner's process

NAME: contextvars.ContextVar[str] = contextvars.ContextVar("name")


def drive(kind: Any, names: list[str]) -> Iterator[Any]:
    """Each step yields what the judge compares."""
    yield [f"{each.__module__}.{each.__qualname__}" for each in kind.__mro__]
    loop = kind()
    others = [each for each in vars(loop).values() if each is not loop]
    yield [type(each).__name__ for each in others if isinstance(each, asyncio.AbstractEventLoop)]
    yield loop.run_until_complete(returns(names[0]))
    yield loop.run_until_complete(loop.create_task(returns(names[1])))
    yield from in_order(loop, names)
    yield running(loop)
    yield loop.run_until_complete(the_running_loop()) is loop
    yield loop.run_until_complete(is_a_task())
    yield running(loop)
    yield exits(kind())
    yield running(loop)
    told: list[str] = []
    loop.call_exception_handler = lambda context: told.append(type(context.get("exception")).__name__)
    yield are_handles(loop)
    yield cancelled(loop, names, told)
    yield raises(loop, names, told)
    told.clear()
    yield timers(loop, names)
    yield told[:]
    yield in_context(loop, names)
    yield "sleeps"
    loop.run_until_complete(asyncio.sleep(1.5))
    loop.close()
    yield "closed"


def running(loop: Any) -> bool:
    return asyncio._get_running_loop() is not None


async def returns(word: str) -> str:
    return word


async def the_running_loop() -> Any:
    return asyncio.get_running_loop()


async def is_a_task() -> bool:
    return isinstance(asyncio.current_task(), asyncio.Task)


def exits(loop: Any) -> str:
    async def main() -> None:
        raise SystemExit("at once")

    task = loop.create_task(main())
    try:
        loop.run_until_complete(task)
    except SystemExit as end:
        return str(end)
    finally:
        if task.done():
            task.exception()  # somebody has asked for it: so nobody is told of it at the end
        loop.close()
    return "no exception"


async def some_rounds() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def in_order(loop: Any, names: list[str]) -> Iterator[Any]:
    notes: list[Any] = []
    for number, name in enumerate(names):
        loop.call_soon(lambda *words: notes.append(list(words)), name, number)
    yield notes
    loop.run_until_complete(some_rounds())
    yield notes


def are_handles(loop: Any) -> list[bool]:
    """Tell for each way to order a call whether it returns a handle."""
    later, at = loop.call_later(60, int), loop.call_at(loop.time() + 60, int)
    made = [loop.call_soon(int), later, at]
    for each in made:
        each.cancel()
    loop.run_until_complete(some_rounds())
    return [isinstance(each, asyncio.Handle) for each in made]


def cancelled(loop: Any, names: list[str], told: list[str]) -> Any:
    notes: list[str] = []
    handles: list[asyncio.Handle] = []
    loop.call_soon(lambda: handles[2].cancel())
    handles += [loop.call_soon(notes.append, name) for name in names]
    handles[1].cancel()
    loop.call_soon(notes.append, "last")
    loop.run_until_complete(some_rounds())
    later = loop.call_soon(notes.append, "never")
    loop.call_soon(notes.append, "end")
    later.cancel()
    loop.run_until_complete(some_rounds())
    return [notes, told[:]]


def raises(loop: Any, names: list[str], told: list[str]) -> Any:
    notes: list[str] = []
    told.clear()
    loop.call_soon(notes.append, names[0])
    loop.call_soon(int, "no number")
    loop.call_soon(notes.append, names[1])
    loop.run_until_complete(some_rounds())
    return [notes, told[:]]


def in_context(loop: Any, names: list[str]) -> Any:
    """What callbacks see of a ContextVar: in a context that is given, and in a copy of the caller's."""
    notes: list[str] = []
    given = contextvars.copy_context()
    given.run(NAME.set, names[0])
    NAME.set(names[1])

    def note() -> None:
        notes.append(NAME.get())
        NAME.set("changed")

    loop.call_soon(note, context=given.copy())
    loop.call_soon(note)
    loop.call_later(0.05, note, context=given.copy())
    loop.call_at(loop.time() + 0.1, note, context=given.copy())
    loop.run_until_complete(asyncio.sleep(0.2))
    return [notes, NAME.get()]


def timers(loop: Any, names: list[str]) -> Any:
    """In which order they were called, and whether one of them came too early."""
    notes: list[str] = []
    early = []
    start = loop.time()

    def note(name: str, seconds: float) -> None:
        notes.append(name)
        if loop.time() < start + seconds - 0.01:
            early.append(name)

    loop.call_at(start + LONG, note, names[0], LONG)
    loop.call_later(SHORT, note, names[1], SHORT)
    loop.call_at(start + 2 * SHORT, note, names[2], 2 * SHORT)
    loop.call_later(SHORT, note, "cancelled", SHORT).cancel()
    loop.call_at(start + SHORT, note, "cancelled", SHORT).cancel()
    loop.run_until_complete(asyncio.sleep(LONG + SHORT))
    return [notes, early]


# --- the judge


def judge_calls(exam: Exam, names: list[str]) -> None:
    run = exam.run(drive, names)
    judge_kind(run)
    judge_running(run, names)
    judge_handles(run, names)
    judge_sleep(run)


def judge_kind(run: Run) -> None:
    """Expect a class that derives from AbstractEventLoop and lets no other loop work for it."""
    run.sent = "the classes that it derives from"
    bases = run.next()
    if "asyncio.events.AbstractEventLoop" not in bases:
        raise Failed(run.sent, "asyncio.AbstractEventLoop", ", ".join(bases[1:]), ABSTRACT)
    others = [each for each in bases if is_a_loop(each)]
    if others:
        raise Failed(run.sent, "asyncio.AbstractEventLoop", ", ".join(others), OWN)
    step(run, "the loops that it has as attributes", [], OWN, OWN)


def judge_running(run: Run, names: list[str]) -> None:
    """Expect that it runs until a future is done, and that asyncio knows of it so long, and no longer."""
    a, b, c, d = names
    step(run, f"run_until_complete(main()), and main returns {a!r}", a, RESULT, END)
    step(run, f"run_until_complete(task), and it returns {b!r}", b, FUTURES, FUTURES)
    step(run, "four times call_soon(callback, name, number), and no round yet", [], ORDER)
    calls: Any = [[a, 0], [b, 1], [c, 2], [d, 3]]
    step(run, "four times call_soon(callback, name, number), then five rounds", calls, ORDER)
    step(run, "does asyncio take the loop for running, after it?", False, RESET)
    step(run, "is it what asyncio.get_running_loop() returns, in main?", True, RUNNING)
    step(run, "is there an asyncio.current_task(), in main?", True, TASK)
    step(run, "does asyncio take the loop for running, after it?", False, RESET)
    step(run, "run_until_complete(main()), and main raises SystemExit('at once')", "at once", RESULT)
    step(run, "does asyncio take the loop for running, after SystemExit?", False, RESET)


def judge_handles(run: Run, names: list[str]) -> None:
    """Expect that calls can be taken back, fail alone, come in time and in their context."""
    a, b, c, d = names
    step(run, "do call_soon, call_later, call_at return an asyncio.Handle?", [True] * 3, HANDLE)
    sent = "call_soon for four, of which two are cancelled; the names of those called, and what the loop told"
    step(run, sent, [[a, d, "last", "end"], []], CANCELLED, CANCELLED, {"TypeError": CANCELLED})
    sent = "call_soon for three, of which the second one raises ValueError; who is called, and what is told"
    step(run, sent, [[a, b], ["ValueError"]], RAISES, RAISES, {"ValueError": RAISES})
    sent = "call_later and call_at, two of five cancelled; who is called in which order, and who too early"
    step(run, sent, [[b, c, a], []], TIMERS, TIMERS)
    step(run, "the same; which exceptions the loop has told of", [], CANCELLED)
    sent = "call_soon, call_later and call_at with a context; what the callbacks see in it"
    step(run, sent, [[a, b, a, a], b], CONTEXT, CONTEXT)


def judge_sleep(run: Run) -> None:
    run.sent = "asyncio.sleep(1.5)"
    run.next()
    run.expect_idle(IDLE)
    with explained(run, WORDS):
        run.next(6.0, ideas=COMMON, idea=TIMERS)
    run.sent = "close()"
    run.result()


def is_a_loop(name: str) -> bool:
    """Tell whether it is the name of a class that is a loop, and no abstract one."""
    module = name.rpartition(".")[0]
    foreign = module.partition(".")[0] in ("asyncio", "uvloop") or module.startswith(
        "course_lib.eventloop.aio"
    )
    return foreign and not name.endswith(".AbstractEventLoop")


def step(
    run: Run,
    sent: str,
    expected: Any,
    idea: str,
    stuck: str = "",
    ideas: Ideas | None = None,
) -> None:
    """Expect that the driver yields this next; ``stuck`` is for a loop that does not come to its end."""
    run.sent = sent
    with explained(run, WORDS):
        got = run.next(5.0, ideas={**COMMON, **(ideas or {})}, idea=stuck or idea)
    run.expect_equal(got, expected, idea)
