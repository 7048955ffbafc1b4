"""Exercise 9.7: your own event loop, made of your own parts."""

import base64
import linecache
import pickle
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.run import Cargo, Ideas, Run
from course_lib.conversation import Conversation
from course_lib.eventloop import READ, WRITE
from course_lib.lab.gauntlet import judge_scenario
from course_lib.lab.loop_server import server_on
from course_lib.servers.base import Address
from course_lib.waker import Waker

# --- the task

STUB = '''
import selectors
import time
from collections import deque

from course_lib import READ, answer
from course_lib.waker import Waker

Timers, Future = answer("6.1"), answer("8.2")
Task, sleep = answer("8.3", Future=Future), answer("9.1", Future=Future)
SocketCalls = answer("9.2", Future=Future)


class MyLoop:
    """An event loop of your own."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.timers = Timers()
        self.ready = deque()
        self.stopping = False
        self.waker = Waker()
        self.register(self.waker, READ, lambda events: self.waker.clear())
        calls = SocketCalls(self)
        self.sock_recv, self.sock_sendall = calls.sock_recv, calls.sock_sendall

    def register(self, sock, events, callback):
        """Have `callback(events)` called in each round in which `sock` is ready."""
        self.selector.register(sock, events, callback)

    def unregister(self, sock):
        self.selector.unregister(sock)

    def call_soon(self, callback, *args):
        """Have `callback(*args)` called in the next round."""

    def call_later(self, seconds, callback, *args):
        """Have `callback(*args)` called in so many seconds. Return the timer."""

    def spawn(self, coro):
        """Return a new task that runs `coro`."""

    async def sleep(self, seconds):
        await sleep(self, seconds)

    def run_once(self):
        """Sleep until something is due; then call all that is due, of sockets, timers and the queue."""

    def run_forever(self):
        while not self.stopping:
            self.run_once()

    def stop(self):
        """Any thread: have `run_forever` return, also when it sleeps. `self.waker.wake()` wakes it."""

    def close(self):
        self.selector.close()
        self.waker.close()
'''

HINTS = (
    "Begin with what is one line: `call_soon` appends `(callback, args)` to the queue, `spawn` returns"
    " `Task(coro, self)`. A timer's callback takes no arguments: `functools.partial(callback, *args)` is one"
    " that has them.",
    "`run_once` has four parts. How long may it sleep? Not at all while something is in the queue; until the"
    " next timer is due; or without a limit. Then: select; the timers that are due; the queue.",
    "Let `select` and the timers only fill the queue: `self.call_soon(key.data, events)` for each socket,"
    " `self.call_soon(timer)` for each timer. Then call as many as there are in it now, and no more.",
    "`due = self.timers.next_due()`. The time to sleep is 0 if `self.ready`, None if `due is None`, and"
    " `max(0, due - time.monotonic())` otherwise. `stop` sets the mark first, and then wakes.",
)

# --- right answers

SOLUTION = '''
import functools
import selectors
import time
from collections import deque

from course_lib import READ, answer
from course_lib.waker import Waker

Timers, Future = answer("6.1"), answer("8.2")
Task, sleep = answer("8.3", Future=Future), answer("9.1", Future=Future)
SocketCalls = answer("9.2", Future=Future)


class MyLoop:
    """An event loop of your own."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.timers = Timers()
        self.ready = deque()
        self.stopping = False
        self.waker = Waker()
        self.register(self.waker, READ, lambda events: self.waker.clear())
        calls = SocketCalls(self)
        self.sock_recv, self.sock_sendall = calls.sock_recv, calls.sock_sendall

    def register(self, sock, events, callback):
        """Have `callback(events)` called in each round in which `sock` is ready."""
        self.selector.register(sock, events, callback)

    def unregister(self, sock):
        self.selector.unregister(sock)

    def call_soon(self, callback, *args):
        """Have `callback(*args)` called in the next round."""
        self.ready.append((callback, args))

    def call_later(self, seconds, callback, *args):
        """Have `callback(*args)` called in so many seconds. Return the timer."""
        return self.timers.add(time.monotonic() + seconds, functools.partial(callback, *args))

    def spawn(self, coro):
        """Return a new task that runs `coro`."""
        return Task(coro, self)

    async def sleep(self, seconds):
        await sleep(self, seconds)

    def patience(self):
        """Return how long `select` may sleep; None is without a limit."""
        if self.ready:
            return 0
        due = self.timers.next_due()
        return None if due is None else max(0, due - time.monotonic())

    def run_once(self):
        """Sleep until something is due; then call all that is due, of sockets, timers and the queue."""
        for key, events in self.selector.select(self.patience()):
            self.call_soon(key.data, events)
        for timer in self.timers.take_due(time.monotonic()):
            self.call_soon(timer)
        for _ in range(len(self.ready)):
            callback, args = self.ready.popleft()
            callback(*args)

    def run_forever(self):
        while not self.stopping:
            self.run_once()

    def stop(self):
        """Any thread: have `run_forever` return, also when it sleeps."""
        self.stopping = True
        self.waker.wake()

    def close(self):
        self.selector.close()
        self.waker.close()
'''

OTHER = """
import selectors
import time

from course_lib import READ, answer
from course_lib.waker import Waker

Timers, Future = answer("6.1"), answer("8.2")
Task, nap = answer("8.3", Future=Future), answer("9.1", Future=Future)
SocketCalls = answer("9.2", Future=Future)


class MyLoop:
    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.timers, self.queue = Timers(), []
        self.stopping = False
        self.waker = Waker()
        self.register(self.waker, READ, lambda events: self.waker.clear())
        self.calls = SocketCalls(self)

    def sock_recv(self, sock, limit):
        return self.calls.sock_recv(sock, limit)

    def sock_sendall(self, sock, data):
        return self.calls.sock_sendall(sock, data)

    def register(self, sock, events, callback):
        self.selector.register(sock, events, callback)

    def unregister(self, sock):
        self.selector.unregister(sock)

    def call_soon(self, callback, *args):
        self.queue.append(lambda: callback(*args))

    def call_later(self, seconds, callback, *args):
        return self.timers.add(time.monotonic() + seconds, lambda: callback(*args))

    def spawn(self, coro):
        return Task(coro, loop=self)

    async def sleep(self, seconds):
        return await nap(self, seconds)

    def run_once(self):
        if self.queue:
            events = self.selector.select(0)
        elif (due := self.timers.next_due()) is not None:
            events = self.selector.select(due - time.monotonic())
        else:
            events = self.selector.select()
        queue, self.queue = self.queue, []
        for key, mask in events:
            key.data(mask)
        for callback in [*self.timers.take_due(time.monotonic()), *queue]:
            callback()

    def run_forever(self):
        while not self.stopping:
            self.run_once()

    def stop(self):
        self.stopping = True
        self.waker.wake()

    def close(self):
        self.waker.close()
        self.selector.close()
"""

# --- wrong answers


def changed(old: str, new: str) -> str:
    """Return the solution with one change."""
    assert old in SOLUTION
    return SOLUTION.replace(old, new)


STARVES = changed("for _ in range(len(self.ready)):", "while self.ready:")

NEVER_SLEEPS = changed("self.selector.select(self.patience())", "self.selector.select(0)")

SLEEPS_ON = changed("self.selector.select(self.patience())", "self.selector.select()")

SLEEPS_BESIDE_QUEUE = changed("        if self.ready:\n            return 0\n", "")

SLEEPS_BESIDE_TIMERS = changed(
    "return None if due is None else max(0, due - time.monotonic())", "return None"
)

TICKS = changed("return None if due is None else max(0, due - time.monotonic())", "return 0.001")

NO_TIMERS = changed(
    """        for timer in self.timers.take_due(time.monotonic()):
            self.call_soon(timer)
""",
    "",
)

ZERO_TIMERS = changed("self.timers.take_due(time.monotonic())", "self.timers.take_due(0)")

A_DURATION = changed("time.monotonic() + seconds", "seconds")

DROPS_ARGUMENTS = changed("functools.partial(callback, *args)", "callback")

CALLED_AT_ONCE = changed("functools.partial(callback, *args)", "callback(*args)")

DROPS_EVENTS = changed("self.call_soon(key.data, events)", "self.call_soon(key.data)")

NO_SOCKETS = changed(
    """        for key, events in self.selector.select(self.patience()):
            self.call_soon(key.data, events)
""",
    "        self.selector.select(self.patience())\n",
)

BACKWARDS = changed("self.ready.popleft()", "self.ready.pop()")

ONE_A_ROUND = changed("for _ in range(len(self.ready)):", "if self.ready:")

NO_WAKE = changed("        self.waker.wake()\n", "")

NO_TASK = changed("return Task(coro, self)", "Task(coro, self)")

RUNS_IT = changed(
    "return Task(coro, self)",
    "task = Task(coro, self)\n        while not task.done(): self.run_once()\n        return task",
)

TIMER_LOST = changed("return self.timers.add(", "self.timers.add(")

LOOKS_NOW_AND_THEN = changed("return None if due is None", "return 0.1 if due is None")

WAKES_FIRST = changed(
    """        self.stopping = True
        self.waker.wake()
""",
    """        self.waker.wake()
        self.stopping = True
""",
)

TIMERS_WHEN_QUIET = changed(
    """        for timer in self.timers.take_due(time.monotonic()):
            self.call_soon(timer)
""",
    """        if not self.ready:
            for timer in self.timers.take_due(time.monotonic()):
                self.call_soon(timer)
""",
)

# --- words and numbers of the judge

NO_SLEEP = (
    "Something is in the queue when the round begins: `select` may look what is ready, and must not sleep in"
    " this round."
)
IN_ORDER = (
    "`call_soon(callback, *args)`: the next round calls `callback(*args)`, all that are in the queue by then,"
    " in the order in which they came."
)
STARVED = (
    "What is added during a round belongs to the next one. A callback that adds itself must not keep the"
    " selector and the timers from their turn."
)
FORGOTTEN = (
    "The callback has added itself during the round, and is not called in the next one. What is added during"
    " a round must still be in the queue when that ends."
)
TIMERS = (
    "When nothing is in the queue, the loop sleeps until the next timer is due, and no longer; then it calls"
    " those that are due. `take_due` wants to know what time it is."
)
TIMER_ARGUMENTS = (
    "`call_later(seconds, callback, *args)` calls `callback(*args)`, when the time has come, and not before."
    " A timer calls its callback without arguments: hand it one that has them with it."
)
NOT_TAKEN = (
    "The moment has come, and the timer was not called; the loop has nothing to wait for and never sleeps."
    " `take_due(now)` takes out what is due, given what time it is."
)
EARLY = (
    "A timer wants to know when it is due: a moment of the clock, which is now and so many seconds. Both"
    " moments must be read off one clock."
)
OFTEN = (
    "The loop was awake far too often while it waited for a timer. How long `select` may sleep is known:"
    " until the next one is due."
)
CROWD = (
    "In each round all three have their turn: sockets, timers and the queue. None of them waits until another"
    " one has nothing to do."
)
CANCEL = "Who has called `call_later` may want to take it back: it returns the timer, which has `cancel`."
EVENTS = (
    "`callback(events)`: a socket's callback is called when the socket is ready, and told for what. `select`"
    " returns both, key and events; the callback is `key.data`."
)
SPAWNED = (
    "`spawn` makes a task of the coroutine and returns it at once: it runs in the rounds that follow, beside"
    " all others."
)
STEPPED_TWICE = (
    "A task has its first step ordered when it is made, and each further one by what it waits for. One step"
    " more resumes a coroutine that waits for something which is not there yet."
)
TOGETHER = "Two tasks sleep at the same time: the shorter sleep ends first."
TALKS = "The task waits in `sock_recv`, and bytes have come: its callback must be called, with the events."
WAKES = (
    "`stop` was called by another thread, while the loop sleeps in `select`. The loop sees no variable there:"
    " set the mark first, and then wake it."
)
RESTS = "Nothing is due and nothing comes: the loop sleeps in `select` for as long as it takes."
SCENARIOS = {
    "polite": "One client, served on your loop, in the simplest of all cases.",
    "big_message": "More than there is room for: `sock_sendall` waits until it has gone.",
    "idle_neighbour": "Many silent clients are many tasks that wait; each new one is spawned and served.",
    "reset_mid_message": "A client that leaves without a goodbye ends its own task, and no other.",
    "never_reads": "One client does not read its answers: its task waits for room, and nobody else does.",
    "idle_cpu": RESTS,
    "stop_under_load": WAKES,
}
SHORT, LONG, QUIET, VERY_LONG = 0.05, 0.3, 0.7, 60.0
TOO_OFTEN = 3
MOST_ROUNDS = 20
ERRORS: Ideas = {"TypeError": TIMER_ARGUMENTS, "OverflowError": EARLY}


# --- in the learner's process


class Starved(BaseException):
    """A callback was called too often in one round."""


class Notes:
    """A loop of the learner's, and what its callbacks note."""

    def __init__(self, kind: Any) -> None:
        self.loop = kind()
        self.notes: list[Any] = []

    def __enter__(self) -> "Notes":
        return self

    def __exit__(self, *unused: object) -> None:
        self.loop.close()

    def note(self, *words: Any) -> None:
        self.notes.append(list(words))

    def words(self) -> list[str]:
        return [" ".join(words) for words in self.notes]

    def rounds(self, enough: Callable[[], object]) -> int:
        """Run until it is ``enough``; return how many rounds that took."""
        for count in range(MOST_ROUNDS):
            if enough():
                return count
            self.loop.run_once()
        return MOST_ROUNDS


def drive(kind: Any, names: list[str]) -> Iterator[Any]:
    """Each step yields what has been noted."""
    with Notes(kind) as here:
        for number, name in enumerate(names):
            here.loop.call_soon(here.note, name, number)
        yield list(here.notes)
        here.loop.run_once()
        yield here.notes
    with Notes(kind) as here:
        yield from adds_itself(here)
    with Notes(kind) as here:
        yield from timers(here, names)
    with Notes(kind) as here:
        here.loop.call_later(VERY_LONG, here.note, names[0])
        here.loop.call_soon(here.note, names[1])
        here.loop.run_once()
        yield here.words()
    left, right = socket.socketpair()
    with left, right:
        yield from sockets(kind, left, right, names[0])
    with Notes(kind) as here:
        yield from tasks(here, names)
    with Notes(kind) as here:
        Waker.wake = slowly(Waker.wake)  # type: ignore[assignment]
        threading.Timer(1.0, here.loop.stop).start()
        yield "runs"
        here.loop.run_forever()
        yield "stopped"


def slowly(wake: Callable[[Waker], None]) -> Callable[[Waker], None]:
    """Whoever has woken the loop comes to his next line when that has had its round."""

    def wake_and_rest(waker: Waker) -> None:
        wake(waker)
        time.sleep(LONG)

    return wake_and_rest


def adds_itself(here: Notes) -> Iterator[int]:
    """Yield how often a callback was called in one round that adds itself, and after one more round."""

    def again() -> None:
        here.note("again")
        if len(here.notes) > TOO_OFTEN:
            raise Starved
        here.loop.call_soon(again)

    here.loop.call_soon(again)
    try:
        here.loop.run_once()
    except Starved:
        pass
    yield len(here.notes)
    here.loop.run_once()
    yield len(here.notes)


def sockets(kind: Any, left: socket.socket, right: socket.socket, name: str) -> Iterator[Any]:
    """Yield what callbacks were told; how long a quiet round takes; who has a turn where all is busy."""
    with Notes(kind) as here:
        left.send(name.encode())
        here.loop.register(right, READ, lambda *events: here.note(*events, right.recv(100).decode()))
        here.loop.call_soon(here.note, "queue")
        here.rounds(lambda: len(here.notes) == 2)
        yield sorted(here.notes, key=str)
    with Notes(kind) as here:
        here.loop.register(right, READ | WRITE, here.note)
        here.rounds(lambda: here.notes)
        yield here.notes[:1]
    with Notes(kind) as here:
        here.loop.register(right, READ, here.note)
        start = time.monotonic()
        threading.Timer(QUIET, left.send, [b"!"]).start()
        here.loop.run_once()
        yield time.monotonic() - start
    with Notes(kind) as here:

        def again() -> None:
            here.note("queue")
            here.loop.call_soon(again)

        here.loop.register(right, READ, lambda events: here.note("socket"))
        here.loop.call_soon(again)
        here.loop.call_later(SHORT, here.note, "timer")
        time.sleep(SHORT)
        for _ in range(3):
            here.loop.run_once()
        yield sorted(set(here.words()))


def timers(here: Notes, names: list[str]) -> Iterator[Any]:
    """Yield whether a timer can be cancelled, and who came too early; then who came, when, and the rounds."""
    start = time.monotonic()
    here.loop.call_later(LONG, here.note, names[0])
    here.loop.call_later(SHORT, here.note, names[1])
    here.loop.call_later(SHORT, here.note, names[2])
    timer = here.loop.call_later(SHORT, here.note, "cancelled")
    yield [callable(getattr(timer, "cancel", None)), here.words()]
    timer.cancel()
    time.sleep(SHORT)  # two are due at the same time
    rounds = here.rounds(lambda: len(here.notes) == 3)
    yield [here.words(), time.monotonic() - start, rounds]


def tasks(here: Notes, names: list[str]) -> Iterator[Any]:
    """Yield what spawn has returned; then in which order two sleep; then what one hears and says."""

    async def naps(name: str, seconds: float) -> str:
        await here.loop.sleep(seconds)
        here.note(name)
        return name

    async def echo() -> None:
        await here.loop.sock_sendall(right, await here.loop.sock_recv(right, 100))

    spawned = [here.loop.spawn(naps(names[0], LONG)), here.loop.spawn(naps(names[1], SHORT))]
    yield [callable(getattr(task, "done", None)) and not task.done() for task in spawned]
    here.rounds(lambda: all(task.done() for task in spawned))
    yield [here.words(), [task.result() for task in spawned if task.done()]]
    left, right = socket.socketpair()
    with left, right:
        right.setblocking(False)
        task = here.loop.spawn(echo())
        here.loop.run_once()
        left.send(names[2].encode())
        here.rounds(task.done)
        if task.done():
            task.result()
        left.setblocking(False)
        try:
            yield left.recv(100).decode()
        except BlockingIOError:
            yield ""


def unpack_server(cargo: Cargo, address: Address, conversation: Callable[[], Conversation]) -> Any:
    """Return a server on the learner's loop, for the gauntlet."""
    for filename, source in cargo.cells.items():
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    loop_class = pickle.loads(base64.b64decode(cargo.pickled))
    return server_on(loop_class)(address, conversation)


# --- the judge


def judge(exam: Exam) -> None:
    names = [exam.word(4) for _ in range(3)]
    run = exam.run(drive, names)
    one, two, three = names
    called = f"call_soon for {', '.join(names)}"
    step(run, f"{called}, and no round yet", [], IN_ORDER)
    step(run, f"{called}, one round", [[one, 0], [two, 1], [three, 2]], IN_ORDER, NO_SLEEP)
    adds = "call_soon for a callback that adds itself"
    step(run, f"{adds}, one round: so many calls", 1, STARVED)
    step(run, f"{adds}, two rounds: so many calls", 2, FORGOTTEN)
    on_time(run, one, two, three)
    both = f"call_later of {VERY_LONG:g} s for {one}, and call_soon for {two}; one round"
    step(run, both, [two], NO_SLEEP)
    on_sockets(run, one)
    step(run, "spawn of two coroutines: are these tasks, and not done?", [True, True], SPAWNED)
    naps = f"loop.sleep of {one}, {LONG} s, and of {two}, {SHORT} s: who comes first, and the results"
    step(run, naps, [[two, one], [one, two]], TOGETHER)
    step(run, f"a task that echoes, and {three!r}", three, TALKS)
    run.sent = "run_forever(), and after a second stop() in another thread"
    run.next()
    run.expect_idle(RESTS)
    run.next(4.0, idea=WAKES)
    run.result()
    for name, idea in SCENARIOS.items():
        scenario(exam, name, idea)


RAISED: dict[str, Ideas] = {
    IN_ORDER: {"TypeError": IN_ORDER},
    EVENTS: {"TypeError": EVENTS},
    STARVED: {"RuntimeError": STARVED},
    TOGETHER: {"RuntimeError": STEPPED_TWICE},
}


def step(run: Run, sent: str, expected: Any, idea: str, stuck: str = "") -> None:
    run.sent = sent
    run.expect_equal(run.next(3.0, ideas=RAISED.get(idea), idea=stuck or idea), expected, idea)


def on_sockets(run: Run, one: str) -> None:
    ready = "a socket that is ready and a callback in the queue: what they are told"
    step(run, ready, sorted([[READ, one], ["queue"]], key=str), EVENTS)
    step(
        run,
        "a socket registered for READ and WRITE, with nothing to be read: what it is told",
        [[WRITE]],
        EVENTS,
    )
    run.sent = f"a socket that is ready after {QUIET} s, and nothing else: one round"
    seconds = run.next(3.0, idea=RESTS)
    if seconds < QUIET - 0.05:
        raise Failed(run.sent, f"a round of {QUIET} s", f"a round of {seconds:.2f} s", RESTS)
    busy = "a socket that stays ready, a callback that adds itself, and a timer that is due; three rounds"
    step(run, busy, ["queue", "socket", "timer"], CROWD)


def on_time(run: Run, one: str, two: str, three: str) -> None:
    run.sent = f"call_later of {LONG} s for {one}, of {SHORT} s for {two}, {three} and one that is cancelled"
    cancels, early = run.next(3.0, ideas=ERRORS, idea=TIMER_ARGUMENTS)
    if early:
        got = f"calls of {', '.join(early)} while call_later ran"
        raise Failed(run.sent, "no call before the loop runs", got, TIMER_ARGUMENTS)
    if not cancels:
        raise Failed(run.sent, "a timer with a method cancel", "none", CANCEL)
    order, seconds, rounds = run.next(3.0, ideas=ERRORS, idea=TIMERS)
    expected = f"calls of {two}, {three}, {one}, after {LONG} s"
    if rounds >= MOST_ROUNDS:
        got = f"calls of {', '.join(order) or 'nobody'} in {rounds} rounds"
        raise Failed(run.sent, expected, got, OFTEN if order else NOT_TAKEN)
    if "" in order:
        raise Failed(run.sent, expected, "calls without arguments", TIMER_ARGUMENTS)
    if order != [two, three, one] or seconds < LONG - 0.01:
        raise Failed(run.sent, expected, f"calls of {', '.join(order)}, after {seconds:.2f} s", EARLY)


def scenario(exam: Exam, name: str, idea: str) -> None:
    """Put the echo server on the learner's loop through one scenario of the gauntlet."""
    result = judge_scenario(partial(unpack_server, exam.cargo), name, 4.0)
    if result.outcome == "FAIL":
        exam.printed = result.printed
        raise Failed(f"gauntlet, {name}: {result.sent}", result.expected, result.got, idea)


EXERCISE = Exercise(
    id="9.7",
    title="Your own event loop",
    name="MyLoop",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(STARVES, "belongs to the next one"),
        Wrong(NEVER_SLEEPS, "awake far too often"),
        Wrong(SLEEPS_ON, "must not sleep"),
        Wrong(SLEEPS_BESIDE_QUEUE, "must not sleep"),
        Wrong(SLEEPS_BESIDE_TIMERS, "until the next timer is due"),
        Wrong(TICKS, "awake far too often"),
        Wrong(NO_TIMERS, "the timer was not called"),
        Wrong(ZERO_TIMERS, "given what time it is"),
        Wrong(A_DURATION, "a moment of the clock"),
        Wrong(DROPS_ARGUMENTS, "one that has them with it"),
        Wrong(CALLED_AT_ONCE, "and not before"),
        Wrong(DROPS_EVENTS, "told for what"),
        Wrong(NO_SOCKETS, "the callback is `key.data`"),
        Wrong(BACKWARDS, "in the order in which they came"),
        Wrong(ONE_A_ROUND, "all that are in the queue"),
        Wrong(NO_WAKE, "sees no variable"),
        Wrong(NO_TASK, "returns it at once"),
        Wrong(RUNS_IT, "returns it at once"),
        Wrong(TIMER_LOST, "it returns the timer"),
        Wrong(LOOKS_NOW_AND_THEN, "for as long as it takes"),
        Wrong(WAKES_FIRST, "and then wake it"),
        Wrong(TIMERS_WHEN_QUIET, "have their turn"),
    ),
    limit=25.0,
)
