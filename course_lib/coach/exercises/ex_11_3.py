"""Exercise 11.3: a loop that keeps a log of all that it runs."""

import asyncio
import collections
import contextvars
import socket
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.exercises.explaining import explained
from course_lib.coach.run import Run, brief

# --- the task

STUB = '''
import asyncio


class LoggingLoop(asyncio.SelectorEventLoop):
    """A loop of asyncio's whose `log` holds the names of all that it has called, in the order of the calls.

    A step of a task: the task's name. Any other callback, asyncio's own too: its `__name__`.
    """

    def __init__(self):
        super().__init__()
        self.log = []
'''

HINTS = (
    "All that the loop calls goes through one place: `_run_once` takes a handle out of `self._ready`, with"
    " `popleft()`, and calls `handle._run()`, unless the handle was cancelled. Timers and sockets put theirs"
    " into the same queue.",
    "`self._ready` is a `collections.deque`, and you may put another one in its place: a class that derives"
    " from deque, with a `popleft` that looks at the handle before it returns it.",
    "`handle._callback` is what is called. The callback that makes a step of a task is a method of the task:"
    " `getattr(callback, '__self__', None)` is an `asyncio.Task` then, and has `get_name()`.",
)

# --- right answers

SOLUTION = '''
import asyncio
import collections


class LoggingLoop(asyncio.SelectorEventLoop):
    """A loop of asyncio's whose `log` holds the names of all that it has called, in their order."""

    def __init__(self):
        super().__init__()
        self.log = []
        self._ready = LoggingQueue(self.log)


class LoggingQueue(collections.deque):
    def __init__(self, log):
        super().__init__()
        self.log = log

    def popleft(self):
        handle = super().popleft()
        if not handle.cancelled():
            self.log.append(name_of(handle._callback))
        return handle


def name_of(callback):
    owner = getattr(callback, "__self__", None)
    return owner.get_name() if isinstance(owner, asyncio.Task) else callback.__name__
'''

OTHER = """
import asyncio


class LoggingLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        self.log = []
        super().__init__()

    def logged(self, callback):
        def call(*args):
            match getattr(callback, "__self__", None):
                case asyncio.Task() as task:
                    self.log.append(task.get_name())
                case _:
                    self.log.append(callback.__name__)
            return callback(*args)

        return call

    def _call_soon(self, callback, args, context):
        return super()._call_soon(self.logged(callback), args, context)

    def call_at(self, when, callback, *args, context=None):
        return super().call_at(when, self.logged(callback), *args, context=context)

    def _add_reader(self, fd, callback, *args):
        return super()._add_reader(fd, self.logged(callback), *args)

    def _add_writer(self, fd, callback, *args):
        return super()._add_writer(fd, self.logged(callback), *args)
"""

# --- wrong answers


def changed(code: str, *changes: tuple[str, str]) -> str:
    """Return ``code`` with changes, each (old, new)."""
    for old, new in changes:
        assert old in code
        code = code.replace(old, new)
    return code


NAME_OF = SOLUTION[SOLUTION.index("def name_of") :]

WHEN_PUT_IN = f"""
import asyncio


class LoggingLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        super().__init__()
        self.log = []

    def call_soon(self, callback, *args, context=None):
        self.log.append(name_of(callback))
        return super().call_soon(callback, *args, context=context)


{NAME_OF}"""

CALL_SOON_ONLY = f"""
import asyncio


class LoggingLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        super().__init__()
        self.log = []

    def call_soon(self, callback, *args, context=None):
        def call(*args):
            self.log.append(name_of(callback))
            callback(*args)

        return super().call_soon(call, *args, context=context)


{NAME_OF}"""

NO_CONTEXT = changed(
    CALL_SOON_ONLY, ("*args, context=None):", "*args):"), ("*args, context=context)", "*args)")
)

DROPS_CONTEXT = changed(OTHER, ("args, context)\n\n    def call_at", "args, None)\n\n    def call_at"))

DROPS_ARGUMENTS = changed(OTHER, ("return callback(*args)", "return callback()"))

NO_DESCRIPTORS = OTHER[: OTHER.index("    def _add_reader")]

BEFORE_THE_ROUND = f"""
import asyncio


class LoggingLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        super().__init__()
        self.log = []

    def _run_once(self):
        for handle in self._ready:
            if not handle.cancelled():
                self.log.append(name_of(handle._callback))
        super()._run_once()


{NAME_OF}"""

CANCELLED_TOO = changed(
    SOLUTION, ("        if not handle.cancelled():\n            self.log", "        self.log")
)
CANCELLED_TOO = changed(
    CANCELLED_TOO, ("callback.__name__\n", 'getattr(callback, "__name__", repr(callback))\n')
)

CALLBACKS_NAMES = changed(
    SOLUTION,
    (
        "if isinstance(owner, asyncio.Task) else callback.__name__",
        'if 0 else getattr(callback, "__name__", "step")',
    ),
)

COROUTINES_NAMES = changed(SOLUTION, ("owner.get_name()", "owner.get_coro().__name__"))

TASKS_ALONE = changed(
    SOLUTION,
    (
        "        if not handle.cancelled():\n",
        "        if name_of(handle._callback) and not handle.cancelled():\n",
    ),
    ("else callback.__name__", "else None"),
)

TASKS_BEGIN = """
import asyncio


class LoggingLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        super().__init__()
        self.log = []

    def create_task(self, coro, *, name=None, **options):
        async def logged():
            self.log.append(name)
            return await coro

        return super().create_task(logged(), name=name, **options)
"""

ONE_FOR_ALL = changed(
    SOLUTION,
    ("        self.log = []\n        self._ready", "        self._ready"),
    (
        "    def __init__(self):\n        super().__init__()\n        self._ready",
        "    log = []\n\n    def __init__(self):\n        super().__init__()\n        self._ready",
    ),
)

AFTER_THE_CALL = changed(
    OTHER,
    ("            match getattr", "            result = callback(*args)\n            match getattr"),
    ("            return callback(*args)\n", "            return result\n"),
)

TIMERS_WITHOUT_CONTEXT = changed(
    OTHER,
    (
        "call_at(when, self.logged(callback), *args, context=context)",
        "call_at(when, self.logged(callback), *args)",
    ),
)

READERS_WITHOUT_ARGUMENTS = changed(
    OTHER, ("_add_reader(fd, self.logged(callback), *args)", "_add_reader(fd, self.logged(callback))")
)

LATER_TWICE = (
    OTHER
    + """
    def call_later(self, delay, callback, *args, context=None):
        return super().call_later(delay, self.logged(callback), *args, context=context)
"""
)

QUALIFIED = changed(SOLUTION, ("else callback.__name__", "else callback.__qualname__"))

REPLACED_BY_ITS_BASE = changed(
    SOLUTION,
    (
        "        super().__init__()\n        self.log = []\n        self._ready = LoggingQueue(self.log)\n",
        "        self.log = []\n        self._ready = LoggingQueue(self.log)\n        super().__init__()\n",
    ),
)

# --- words and numbers of the judge

NOTHING = (
    "Nothing has been noted. `super().__init__()` makes the loop's own parts, so yours take their place after"
    " it; and only what `_run_once` goes through sees anything."
)
ONCE = (
    "All that was called has been noted, and more. Each call is noted once, at one place, under the name of"
    " what was asked for: `call_later`, for one, ends in `call_at`."
)
A_NAME = (
    "A name alone is wanted: of a task what `get_name()` returns, of any other callback its `__name__`. This"
    " is its `__qualname__`, or a longer text."
)
FAILS = (
    "A callback that raises has been called like the others: whoever notes a name afterwards must do it then,"
    " too."
)
RETURNS = (
    "`call_soon`, `call_at` and the rest return a handle, by which a call can be taken back: who takes their"
    " place returns what they return."
)

STEPS = (
    "Each step of a task is a callback like any other, and what is wanted of it is the task's own name,"
    " `get_name()`: not its coroutine's, and each time that the loop takes the task up again."
)
OTHERS = (
    "Not all that a loop calls is a step of a task: functions that were given to `call_soon`, and what"
    " asyncio itself has put into the queue, are called from the same line of `_run_once`."
)
TIMERS = (
    "What is due comes into the queue within the round, after `select`, and without `call_soon`: so it is"
    " seen neither there nor before the round."
)
DESCRIPTORS = (
    "Where a descriptor is ready, its handle goes into the queue as it is: it was made long before, by"
    " `add_reader`. The loop's own self-pipe is such a descriptor, too."
)
CANCELLED = (
    "This one was cancelled while it stood in the queue, and is never called. What is put into the queue is"
    " one thing, and what is run another."
)
ORDER = (
    "The log shows in which order things are called, which is not always that in which they were asked for."
)
CONTEXT = (
    "`call_soon` and `call_at` take a `context`, in which the callback is to run: whoever takes their place"
    " hands it on, with all arguments."
)
UNCHANGED = (
    "To be logged must change nothing: each callback is called once, with its arguments and in its context,"
    " and what it raises goes where it has always gone."
)
OWN = "Two loops, each with a log of its own."
LIST = "`loop.log` is a list of names."

# --- programs: what they make a loop call is the same in each run

Spec = dict[str, Any]
Program = Callable[[Any, Spec], Coroutine[Any, Any, Any]]
WORD: contextvars.ContextVar[str] = contextvars.ContextVar("word")


def named(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of this name that calls ``function``."""

    def call(*args: Any) -> Any:
        return function(*args)

    call.__name__ = name
    return call


async def tasks(loop: Any, spec: Spec) -> Any:
    async def rounds(count: int) -> int:
        for _ in range(count):
            await asyncio.sleep(0)
        return count

    made = [loop.create_task(rounds(count), name=name) for name, count in spec["tasks"]]
    return await asyncio.gather(*made)


async def callbacks(loop: Any, spec: Spec) -> Any:
    got: list[Any] = []
    for number, name in enumerate(spec["names"]):
        loop.call_soon(named(name, lambda *args: got.append(list(args))), number, name)
    await asyncio.sleep(0)
    return got


async def cancelled(loop: Any, spec: Spec) -> Any:
    got: list[Any] = []
    handles = [loop.call_soon(named(name, got.append), name) for name in spec["names"]]
    handles[1].cancel()
    await asyncio.sleep(0)
    return got


async def timers(loop: Any, spec: Spec) -> Any:
    got: list[Any] = []
    first, second, third, *_ = spec["names"]
    loop.call_later(0.2, named(first, got.append), 1)
    loop.call_later(0.1, named(second, got.append), 2)
    loop.call_later(0.15, named(third, got.append), 3).cancel()
    await asyncio.sleep(0.3)
    return got


async def descriptors(loop: Any, spec: Spec) -> Any:
    got: list[Any] = []
    first, second, third, *_ = spec["names"]
    heard = loop.create_future()

    def hear(*args: Any) -> None:
        loop.remove_reader(right)
        heard.set_result([*args, right.recv(100)])

    left, right = socket.socketpair()
    with left, right:
        loop.add_reader(right, named(first, hear), third)
        loop.call_later(0.05, named(second, left.send), b"byte")
        got.append(await heard)
        written = loop.create_future()
        loop.add_writer(left, named(third, lambda: (loop.remove_writer(left), written.set_result("room"))))
        got.append(await written)
    loop.call_soon_threadsafe(named(first, got.append), "woken")
    await asyncio.sleep(0.05)
    return got


async def contexts(loop: Any, spec: Spec) -> Any:
    got: list[Any] = []
    first, second, *_ = spec["names"]
    given = contextvars.copy_context()
    given.run(WORD.set, first)
    WORD.set(second)
    loop.call_soon(named(first, lambda: got.append(WORD.get())), context=given)
    loop.call_soon(named(second, lambda: got.append(WORD.get())))
    await asyncio.sleep(0)
    loop.call_later(0.05, named(first, lambda: got.append(WORD.get())), context=given)
    await asyncio.sleep(0.1)
    return got


async def errors(loop: Any, spec: Spec) -> Any:
    got: list[Any] = []
    first, second, *_ = spec["names"]
    loop.set_exception_handler(lambda loop, about: got.append(type(about["exception"]).__name__))
    loop.call_soon(named(first, int), "no number")
    loop.call_soon(named(second, got.append), second)
    await asyncio.sleep(0)
    return got


PROGRAMS: dict[str, Program] = {
    each.__name__: each for each in (tasks, callbacks, cancelled, timers, descriptors, contexts, errors)
}


class Logged(asyncio.SelectorEventLoop):
    """The judge's own instrument."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[str] = []
        self._ready = LoggedQueue(self.log)


class LoggedQueue(collections.deque[Any]):
    def __init__(self, log: list[str]) -> None:
        super().__init__()
        self.log = log

    def popleft(self) -> Any:
        handle = super().popleft()
        if not handle.cancelled():
            owner = getattr(handle._callback, "__self__", None)
            task = isinstance(owner, asyncio.Task)
            self.log.append(owner.get_name() if task else handle._callback.__name__)
        return handle


def run_on(loop: Any, name: str, spec: Spec) -> Any:
    """Run a program; return the log of the loop, and the program's result."""
    result = loop.run_until_complete(loop.create_task(PROGRAMS[name](loop, spec), name="main"))
    return [loop.log, result]


def expected_of(name: str, spec: Spec) -> Any:
    loop = Logged()
    try:
        return run_on(loop, name, spec)
    finally:
        loop.close()


# --- in the learner's process


def drive(kind: Any, spec: Spec) -> Iterator[Any]:
    """Each step yields the log and the result of a program."""
    for name in PROGRAMS:
        loop = kind()
        try:
            yield run_on(loop, name, spec)
        finally:
            loop.close()
    one, two = kind(), kind()
    run_on(one, "callbacks", spec)
    yield run_on(two, "tasks", spec)
    one.close()
    two.close()


# --- the judge

SAID = {
    "tasks": "tasks that `await asyncio.sleep(0)` some times, in a gather",
    "callbacks": "four times call_soon",
    "cancelled": "four times call_soon; the second handle is cancelled",
    "timers": "call_later of three functions, of which one is cancelled",
    "descriptors": "add_reader(sock, callback, word), add_writer, call_soon_threadsafe",
    "contexts": "call_soon and call_later with a context",
    "errors": "call_soon of two functions, of which one raises ValueError",
}
IDEAS = {
    "cancelled": CANCELLED,
    "timers": TIMERS,
    "descriptors": DESCRIPTORS,
    "contexts": CONTEXT,
    "errors": FAILS,
}
ERRORS = {
    "argument 'context'": CONTEXT,
    "'NoneType' object has no attribute '__name__'": CANCELLED,
    "'NoneType' object has no attribute 'cancel'": RETURNS,
    "'NoneType' object has no attribute '_source_traceback'": RETURNS,
}
"""What the words of an exception mean here."""


def judge(exam: Exam) -> None:
    words = exam.random.sample(["ann", "bob", "cy", "dan", "eve", "fay", "gus", "hal"], 7)
    counts = exam.random.sample([1, 2, 3, 4, 5], 3)
    spec = {"tasks": list(zip(words[:3], counts, strict=True)), "names": words[3:]}
    run = exam.run(drive, spec)
    for name, words in SAID.items():
        program(run, name, spec, words)
    run.sent = "two loops, each of which runs a program; the log of the second one"
    log, _ = run.next(5.0, idea=UNCHANGED)
    if log != expected_of("tasks", spec)[0]:
        raise Failed(run.sent, "the names of what this one has called", brief(log), OWN)
    run.result()


def program(run: Run, name: str, spec: Spec, words: str) -> None:
    """Expect the log, and then the result, that the judge's own loop has."""
    log, result = expected_of(name, spec)
    run.sent = words
    with explained(run, ERRORS):
        got, returned = run.next(5.0, idea=UNCHANGED)
    if type(got) is not list:
        raise Failed(words, "a list", brief(got), LIST)
    if name != "tasks" and len(got) > len(log) and got[-len(log) :] == log:
        raise Failed(words, f"in the log: {commas(log)}", f"before it, {commas(got[: -len(log)])}", OWN)
    if got != log:
        at = next((i for i, name in enumerate(log) if got[i : i + 1] != [name]), len(log))
        came = f"{at} as expected, then {commas(got[at:]) or 'no more'}" if at else commas(got) or "nothing"
        raise Failed(words, f"in the log: {commas(log)}", came, idea_of(name, log, got, at))
    run.expect_equal(returned, result, IDEAS["contexts"] if name == "contexts" else UNCHANGED)


def idea_of(name: str, log: list[str], got: list[Any], at: int) -> str:
    """Say what is wrong with the log ``got``, which should be ``log`` and differs at ``at``."""
    if not got:
        return NOTHING
    if log[at:] and got[at:] and log[at] != got[at] and log[at] in str(got[at]):
        return A_NAME
    if name != "cancelled" and len(got) > len(log) and not Counter(log) - Counter(map(str, got)):
        return ONCE
    if name in IDEAS:
        return IDEAS[name]
    if log[at:] and log[at] not in got and (log[at].startswith("_") or name != "tasks"):
        return OTHERS
    return ORDER if sorted(log) == sorted(map(str, got)) else STEPS


def commas(names: list[Any]) -> str:
    return ", ".join(map(str, names))


EXERCISE = Exercise(
    id="11.3",
    title="A loop that logs what it runs",
    name="LoggingLoop",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(WHEN_PUT_IN, "never called"),
        Wrong(CALL_SOON_ONLY, "without `call_soon`"),
        Wrong(NO_CONTEXT, "take a `context`"),
        Wrong(DROPS_CONTEXT, "take a `context`"),
        Wrong(DROPS_ARGUMENTS, "must change nothing"),
        Wrong(NO_DESCRIPTORS, "self-pipe"),
        Wrong(BEFORE_THE_ROUND, "nor before the round"),
        Wrong(CANCELLED_TOO, "never called"),
        Wrong(CALLBACKS_NAMES, "the task's own name"),
        Wrong(COROUTINES_NAMES, "not its coroutine's"),
        Wrong(TASKS_ALONE, "Not all that a loop calls"),
        Wrong(TASKS_BEGIN, "each time that the loop takes"),
        Wrong(ONE_FOR_ALL, "a log of its own"),
        Wrong(AFTER_THE_CALL, "A callback that raises has been called"),
        Wrong(TIMERS_WITHOUT_CONTEXT, "take a `context`"),
        Wrong(READERS_WITHOUT_ARGUMENTS, "must change nothing"),
        Wrong(LATER_TWICE, "Each call is noted once"),
        Wrong(QUALIFIED, "A name alone is wanted"),
        Wrong(REPLACED_BY_ITS_BASE, "Nothing has been noted"),
    ),
    core=False,
)
