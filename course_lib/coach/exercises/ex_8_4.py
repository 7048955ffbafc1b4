"""Exercise 8.4: an awaitable of one's own, for any number of tasks."""

from collections.abc import Iterator
from typing import Any

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.run import Run
from course_lib.eventloop import Loop, Task

# --- the task

STUB = '''
from course_lib import Future


class Event:
    """`await event` waits until it is set. Any number of tasks may wait, and any of them may give up."""

    def __init__(self, loop):
        self.loop = loop

    def set(self):
        """Let all go on that wait now, and let nobody wait from now on. Any number of times."""

    def clear(self):
        """From now on whoever awaits it waits again."""

    def __await__(self): ...
'''

HINTS = (
    "Two things are to be kept: whether it is set, and for each task that waits a future of its own."
    " `Future(self.loop)` is pending; `set` gives each a result, and whoever waits for it goes on.",
    "`__await__` returns an iterator, and a future has one: `return future.__await__()`. Or write a generator"
    " with `yield from future.__await__()`. If the event is set already, there is nothing to wait for.",
    "A task that is cancelled has its future cancelled, which is done then: `set_result` would raise. Ask"
    " `future.done()` first.",
)

# --- right answers

SOLUTION = '''
from course_lib import Future


class Event:
    """`await event` waits until it is set. Any number of tasks may wait, and any of them may give up."""

    def __init__(self, loop):
        self.loop = loop
        self.is_set = False
        self.waiters = []

    def set(self):
        """Let all go on that wait now, and let nobody wait from now on. Any number of times."""
        self.is_set = True
        for future in self.waiters:
            if not future.done():
                future.set_result(None)
        self.waiters.clear()

    def clear(self):
        """From now on whoever awaits it waits again."""
        self.is_set = False

    def __await__(self):
        if not self.is_set:
            future = Future(self.loop)
            self.waiters.append(future)
            yield from future.__await__()
'''

OTHER = """
from course_lib.eventloop.future import Future, settle


class Event:
    def __init__(self, loop):
        self.loop = loop
        self.waiting, self.done = set(), Future(loop)

    def set(self):
        settle(self.done, None)
        while self.waiting:
            settle(self.waiting.pop(), None)

    def clear(self):
        self.done = Future(self.loop)

    def __await__(self):
        return self.wait().__await__()

    async def wait(self):
        if self.done.done():
            return
        future = Future(self.loop)
        self.waiting.add(future)
        try:
            await future
        finally:
            self.waiting.discard(future)
"""

# --- wrong answers


def changed(old: str, new: str) -> str:
    return SOLUTION.replace(old, new)


AWAIT = """        if not self.is_set:
            future = Future(self.loop)
            self.waiters.append(future)
            yield from future.__await__()
"""

SPINS = changed(AWAIT, "        while not self.is_set:\n            yield\n")

BLOCKS = changed(AWAIT, "        while not self.is_set:\n            pass\n        yield from ()\n")

ASYNC = changed("    def __await__", "    async def __await__").replace(
    "yield from future.__await__()", "await future"
)

NO_ITERATOR = changed("yield from future.__await__()", "return future")

YIELDS_ITSELF = changed(AWAIT, "        if not self.is_set:\n            yield self\n")

ONE_ONLY = changed(
    """        for future in self.waiters:
            if not future.done():
                future.set_result(None)
        self.waiters.clear()
""",
    """        if self.waiters:
            future = self.waiters.pop(0)
            if not future.done():
                future.set_result(None)
""",
)

LAST_ONLY = changed("self.waiters.append(future)", "self.waiters = [future]")

NOT_KEPT = changed("        if not self.is_set:\n", "        if True:\n")

LOOKS_AGAIN = changed(
    "        if not self.is_set:\n            future", "        while not self.is_set:\n            future"
)

KEEPS_WAITERS = changed(
    "            if not future.done():\n                future.set", "            future.set"
).replace("        self.waiters.clear()\n", "")

CANCELLED_TOO = changed(
    "            if not future.done():\n                future.set", "            future.set"
)

SHARED = """
from course_lib import Future


class Event:
    def __init__(self, loop):
        self.loop, self.future = loop, Future(loop)

    def set(self):
        if not self.future.done():
            self.future.set_result(None)

    def clear(self):
        if self.future.done():
            self.future = Future(self.loop)

    def __await__(self):
        return self.future.__await__()
"""

NEVER_CLEAR = changed(
    "        self.is_set = False\n\n    def __await__", "        self.waiters.clear()\n\n    def __await__"
)

CLEARS_WAITERS = changed(
    "        self.is_set = False\n\n    def __await__",
    "        self.is_set = False\n        self.waiters.clear()\n\n    def __await__",
)

ONE_FOR_ALL = changed("        self.waiters = []\n", "").replace(
    "    def __init__", "    waiters = []\n\n    def __init__"
)

BARE_YIELD = changed("yield from future.__await__()", "yield future")

HIDES_SET = SOLUTION.replace("self.is_set", "self.set")

POLLS = changed(
    AWAIT, "        while not self.is_set:\n            yield from self.loop.sleep(0.01).__await__()\n"
)

# --- words and numbers of the judge

ITERATOR = (
    "`await` calls `__await__` and wants an iterator: a generator, or what another `__await__` returns."
)
TRAP = "A task understands two things that are yielded: None, and a future of its loop. Yield a future."
WAITS = "The event is not set: `await` has to wait."
SLEEPS = (
    "Tasks wait, and nothing happens; yet they are resumed again and again, to find that they still wait."
    " Who yields a future is left in peace until that is done."
)
NO_LOOP = "While one task keeps the thread, nobody can call `set`. Waiting is a `yield`."
ALL = "Any number of tasks may wait, and `set` lets all of them go on."
LATER = "The event is set. Who comes now does not wait."
TWICE = "To set it twice is no mistake: the second time there is nobody left who waits."
CLEARED = "The event has been cleared: who comes now waits for the next `set`."
PULSE = (
    "Somebody waited when `set` was called, and so goes on, even if it is cleared before that task has its"
    " turn. A task that looks again when it is resumed may find it cleared, and misses the event."
)
GIVES_UP = (
    "One task has given up, and another one, which waits for the same event, has ended with it. To cancel a"
    " task cancels the future that it waits for: so each needs one of its own."
)
STAYS = (
    "A task was cancelled, and goes on as if nothing had happened. Its future is cancelled: when that is"
    " asked for its result it raises CancelledError. `future.__await__()` asks, after its `yield`; let nobody"
    " catch what is raised."
)
HIDDEN = (
    "An attribute of the object has the name of a method, and hides the method. Keep what you keep under"
    " another name."
)
GONE = (
    "A task that waited was cancelled before `set`. Its future is done, and nothing can be set there; the"
    " others still want to be woken."
)
OWN = "Two events, and one has let the tasks of the other go on."


# --- in the learner's process


class Counting(Loop):
    """Counts what is put into its queue, now or by a timer."""

    calls = 0

    def call_soon(self, callback: Any, *args: Any) -> None:
        self.calls += 1
        super().call_soon(callback, *args)

    def planned(self) -> int:
        return self.calls + len(self._timers)


class Talk:
    """Tasks that await an event, and the names of those that have gone on."""

    def __init__(self, Event: Any) -> None:
        self.loop = Counting()
        self.event, self.other = Event(self.loop), Event(self.loop)
        self.went_on: list[str] = []
        self.tasks: dict[str, Task[Any]] = {}

    def waiting(self, *names: str) -> None:
        for name in names:
            self.tasks[name] = self.loop.spawn(self.wait(name))
        self.rounds()

    async def wait(self, name: str) -> None:
        await self.event
        self.went_on.append(name)

    def rounds(self) -> list[str]:
        """Run some rounds; return who has gone on. What a task has failed of is raised here."""
        for _ in range(5):
            self.loop.run_once(0)
        for task in self.tasks.values():
            if task.done() and not task.cancelled() and (error := task.exception()):
                raise error
        return sorted(self.went_on)

    def end(self) -> None:
        for task in self.loop.tasks:
            task.cancel()
        self.loop.run_once(0)
        self.loop.run_once(0)
        self.loop.close()


def drive(Event: Any, names: list[str]) -> Iterator[Any]:
    """Each step yields who has gone on by then, or what else the judge compares."""
    talk = Talk(Event)
    talk.waiting(*names[:3])
    yield talk.rounds()
    before = talk.loop.calls
    talk.rounds()
    yield talk.loop.planned() - before
    talk.other.set()
    yield talk.rounds()
    talk.event.set()
    yield talk.rounds()
    talk.waiting(names[3])
    yield talk.rounds()
    talk.event.set()
    yield talk.rounds()
    talk.event.clear()
    talk.waiting(names[4])
    yield talk.rounds()
    talk.event.set()
    yield talk.rounds()
    talk.end()
    yield from pulse(Event, names)
    yield from cancelled(Event, names)


def pulse(Event: Any, names: list[str]) -> Iterator[Any]:
    talk = Talk(Event)
    talk.waiting(*names[:2])
    talk.event.set()
    talk.event.clear()
    yield talk.rounds()
    talk.waiting(names[2])
    talk.event.clear()
    talk.event.set()
    yield talk.rounds()
    talk.end()


def cancelled(Event: Any, names: list[str]) -> Iterator[Any]:
    for is_awaited in (True, False):
        talk = Talk(Event)
        talk.waiting(*names[:3])
        talk.tasks[names[0]].cancel()
        if is_awaited:
            talk.rounds()
        yield sorted(name for name in names[:3] if talk.tasks[name].cancelled())
        talk.event.set()
        yield talk.rounds()
        talk.end()


# --- the judge


def judge(exam: Exam) -> None:
    names = exam.random.sample(["ann", "bob", "cy", "dan", "eve", "fay"], 5)
    a, b, c, d, e = names
    run = exam.run(drive, names)
    three = f"{a}, {b} and {c} await an Event"
    went_on(run, three, [], WAITS)
    run.sent = f"{three}; five rounds of the loop"
    calls = run.next()
    if calls:
        raise Failed(run.sent, "nothing in the queue", f"{calls} calls", SLEEPS)
    went_on(run, f"{three}; set() of another one", [], OWN)
    went_on(run, f"{three}; set()", [a, b, c], ALL)
    went_on(run, f"set(); then {d} awaits it", [a, b, c, d], LATER)
    went_on(run, "set(); set()", [a, b, c, d], TWICE)
    went_on(run, f"set(); clear(); then {e} awaits it", [a, b, c, d], CLEARED)
    went_on(run, f"set(); clear(); {e} awaits it; set()", names, ALL)
    went_on(run, f"{a} and {b} await an Event; set(); clear()", [a, b], PULSE)
    went_on(run, f"set(); clear(); {c} awaits it; clear(); set()", [a, b, c], "`clear` sends nobody away.")
    given_up = f"{a}, {b} and {c} await an Event; {a} is cancelled"
    gave_up(run, given_up, a)
    went_on(run, f"{given_up}; set()", [b, c], GONE)
    run.sent = f"{given_up}; set() at once"
    run.next()
    went_on(run, run.sent, [b, c], GONE)
    run.result()


def gave_up(run: Run, sent: str, name: str) -> None:
    """Expect that this one has ended, and nobody else."""
    run.sent = sent
    got = run.next(idea=NO_LOOP)
    if got != [name]:
        ended = f"{' and '.join(got)} ended" if got else "nobody ended"
        raise Failed(sent, f"{name} ended", ended, GIVES_UP if name in got else STAYS)


def went_on(run: Run, sent: str, expected: list[str], idea: str) -> None:
    """Expect that these have gone on by now, and nobody else."""
    run.sent = sent
    wanted = f"{' and '.join(sorted(expected)) or 'nobody'} gone on"
    ideas = {
        "TypeError": ITERATOR,
        "InvalidStateError": GONE if "cancelled" in sent else TWICE,
        "RuntimeError": TRAP,
        "CancelledError": GIVES_UP,
    }
    try:
        got = run.next(ideas=ideas, idea=NO_LOOP)
    except Failed as failure:
        idea = HIDDEN if "not callable" in failure.got else failure.idea
        raise Failed(sent, wanted, failure.got, idea) from None
    if got != sorted(expected):
        raise Failed(sent, wanted, f"{' and '.join(got) or 'nobody'} gone on", idea)


EXERCISE = Exercise(
    id="8.4",
    title="An awaitable of your own",
    name="Event",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(SPINS, "left in peace"),
        Wrong(BLOCKS, "keeps the thread"),
        Wrong(ASYNC, "wants an iterator"),
        Wrong(NO_ITERATOR, "wants an iterator|has to wait"),
        Wrong(YIELDS_ITSELF, "understands two things"),
        Wrong(ONE_ONLY, "all of them go on"),
        Wrong(LAST_ONLY, "all of them go on"),
        Wrong(NOT_KEPT, "does not wait"),
        Wrong(LOOKS_AGAIN, "misses the event"),
        Wrong(KEEPS_WAITERS, "nobody left who waits"),
        Wrong(CANCELLED_TOO, "cancelled before"),
        Wrong(SHARED, "one of its own"),
        Wrong(NEVER_CLEAR, "has been cleared"),
        Wrong(CLEARS_WAITERS, "sends nobody away"),
        Wrong(ONE_FOR_ALL, "of the other"),
        Wrong(BARE_YIELD, "as if nothing had happened"),
        Wrong(HIDES_SET, "hides the method"),
        Wrong(POLLS, "left in peace"),
    ),
    core=False,
)
