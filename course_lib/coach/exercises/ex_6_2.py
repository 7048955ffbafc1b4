"""Exercise 6.2: how long may the selector sleep?"""

import selectors
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.run import Run

# --- the task

STUB = '''
import time

from course_lib.eventloop.timers import Timers


class PatientLoop:
    def __init__(self, selector, clock=time.monotonic):
        self.selector, self.clock = selector, clock
        self.ready, self.timers = [], Timers()

    def call_later(self, delay, callback):
        return self.timers.add(self.clock() + delay, callback, ())

    def timeout(self):
        """Return how many seconds `select` may sleep, 0 or more; None is as long as it takes."""
        return 0

    def run_once(self):
        for key, _ in self.selector.select(self.timeout()):
            self.ready.append(key.data)
        self.ready += self.timers.take_due(self.clock())
        callbacks, self.ready = self.ready, []
        for callback in callbacks:
            callback()
'''

HINTS = (
    "Three cases. Something is in `self.ready`: no sleep at all. There is a timer: until then. Neither: only"
    " a socket can bring work, so as long as it takes.",
    "`self.timers.next_due()` is a moment of `self.clock()`, or None. What `select` wants is how long it is"
    " until then.",
    "The moment may be over already. Then the difference is negative, and the answer is 0.",
)

# --- right answers

SOLUTION = STUB.replace(
    '''        """Return how many seconds `select` may sleep, 0 or more; None is as long as it takes."""
        return 0
''',
    '''        """Return how many seconds `select` may sleep, 0 or more; None is as long as it takes."""
        if self.ready:
            return 0
        due = self.timers.next_due()
        if due is None:
            return None
        return max(0, due - self.clock())
''',
)

OTHER = """
import math
import time
from collections import deque

from course_lib.eventloop.timers import Timers


class PatientLoop:
    def __init__(self, selector, clock=time.monotonic):
        self.selector, self.clock = selector, clock
        self.ready, self.timers = deque(), Timers()

    def call_later(self, delay, callback):
        return self.timers.add(self.clock() + delay, callback, ())

    def run_once(self):
        due = self.timers.next_due()
        wait = min(0 if self.ready else math.inf, math.inf if due is None else due - self.clock())
        events = self.selector.select(None if wait == math.inf else max(wait, 0))
        self.ready.extend(key.data for key, mask in events)
        self.ready.extend(self.timers.take_due(self.clock()))
        for _ in range(len(self.ready)):
            self.ready.popleft()()
"""

# --- wrong answers


def timeout(body: str) -> str:
    """Return an answer whose ``timeout`` is this."""
    return STUB.replace("        return 0\n", "        " + body.strip().replace("\n", "\n        ") + "\n")


ALWAYS = timeout("return None")

A_BIT = timeout("return 0 if self.ready else 0.01")

A_SECOND = timeout("""
if self.ready:
    return 0
due = self.timers.next_due()
return 1.0 if due is None else min(1.0, max(0, due - self.clock()))
""")

FORGETS_READY = timeout("""
due = self.timers.next_due()
return None if due is None else max(0, due - self.clock())
""")

ZERO_IS_NONE = timeout("""
if self.ready:
    return 0
due = self.timers.next_due()
return max(0, due - self.clock()) if due else None
""")

THE_MOMENT = timeout("""
if self.ready:
    return 0
return self.timers.next_due()
""")

NEGATIVE = timeout("""
if self.ready:
    return 0
due = self.timers.next_due()
return None if due is None else due - self.clock()
""")

MILLISECONDS = SOLUTION.replace("due - self.clock())", "1000 * (due - self.clock()))")

ROUNDED = "import math\n" + SOLUTION.replace("due - self.clock())", "math.ceil(due - self.clock()))")

OWN_CLOCK = SOLUTION.replace("due - self.clock())", "due - time.monotonic())")

SLEEPS_DEAF = timeout("""
if self.ready:
    return 0
due = self.timers.next_due()
if due is None:
    return None
time.sleep(max(0, due - self.clock()))
return 0
""")

ONLY_TIMERS = timeout("""
if self.ready:
    return 0
due = self.timers.next_due()
return 0 if due is None else max(0, due - self.clock())
""")

# --- words and numbers of the judge

NOTHING_AT_ALL = (
    "Nothing is in the queue and no timer is set, so only a socket can bring something to do: the loop may"
    " sleep for as long as that takes."
)
WAKES_FOR_NOTHING = "The loop wakes, and finds nothing to do. How long is it until something is due?"
UNTIL_DUE = "Nothing is in the queue, and the next timer is due later: the loop sleeps until then."
NOT_A_MOMENT = (
    "`next_due` says when, by the loop's clock. `select` wants to know how long: that is the time from now"
    " until then."
)
SECONDS = "The selectors of this module count seconds. Only `select.poll` counts milliseconds."
CLOCK = "The loop has a clock of its own, `self.clock`. Times of two clocks cannot be subtracted."
ZERO = "0.0 is a moment like any other; None says that there is no timer."
WORK_WAITS = "Something is in the queue, and waits while the loop sleeps."
OVERDUE = (
    "The timer should have been called already: there is no time to sleep. A negative number means something"
    " else to each call below: select.select refuses it, and epoll sleeps for ever."
)
SLEEPS_TOO_LONG = "A timer is due, and the loop sleeps on."
DEAF = (
    "Bytes have come while the loop slept, and it slept on. In `select` it would have woken: the loop may"
    " sleep there, and nowhere else."
)
BUSY = "There is nothing to do now. 0 or less asks and does not sleep, so the loop goes round and round."
FAR = 3600.0


# --- in the learner's process


class Asked(selectors.DefaultSelector):
    """Notes for how long it may sleep, and does not. ``clock`` is far from the true time."""

    def __init__(self, now: float) -> None:
        super().__init__()
        self.now, self.start = now, now
        self.timeouts: list[Any] = []

    def clock(self) -> float:
        return self.now

    def select(self, timeout: float | None = None) -> Any:
        self.timeouts.append(timeout)
        return super().select(0)


def drive(kind: Any, now: float, delays: list[float]) -> Iterator[Any]:
    """First a real socket; then questions: what does ``select`` get? Last, a timer by the true clock."""
    yield from real(kind)
    for case in (
        nothing,
        one_timer,
        several,
        cancelled,
        at_zero,
        ready_and_timer,
        overdue,
        overdue_and_ready,
    ):
        asked = Asked(now)
        try:
            loop = kind(asked, asked.clock)
            case(loop, asked, delays)
            asked.timeouts.clear()
            loop.run_once()
            yield asked.timeouts
        finally:
            asked.close()
    yield in_time(kind)


def nothing(loop: Any, asked: Asked, delays: list[float]) -> None:
    pass


def one_timer(loop: Any, asked: Asked, delays: list[float]) -> None:
    asked.now -= delays[0]
    loop.call_later(delays[0] + delays[1], print)
    asked.now += delays[0]


def several(loop: Any, asked: Asked, delays: list[float]) -> None:
    for delay in delays:
        loop.call_later(delay, print)


def cancelled(loop: Any, asked: Asked, delays: list[float]) -> None:
    timers = [loop.call_later(delay, print) for delay in sorted(delays)]
    timers[0].cancel()


def at_zero(loop: Any, asked: Asked, delays: list[float]) -> None:
    asked.now = -delays[0]
    loop.call_later(delays[0], print)


def ready_and_timer(loop: Any, asked: Asked, delays: list[float]) -> None:
    loop.ready.append(lambda: None)
    loop.call_later(delays[0], print)


def overdue(loop: Any, asked: Asked, delays: list[float]) -> None:
    loop.call_later(delays[0], lambda: None)
    asked.now += delays[0] + delays[1]


def overdue_and_ready(loop: Any, asked: Asked, delays: list[float]) -> None:
    overdue(loop, asked, delays)
    loop.ready.append(lambda: None)


def real(kind: Any) -> Iterator[Any]:
    """A socket on which something comes after a while, and a timer that is due in an hour."""
    left, right = socket.socketpair()
    selector = selectors.DefaultSelector()
    with left, right, selector:
        loop = kind(selector)
        heard: list[str] = []
        selector.register(right, selectors.EVENT_READ, lambda: heard.append(right.recv(100).decode()))
        loop.call_later(FAR, print)
        later = threading.Timer(1.2, left.send, (b"byte",))
        later.start()
        yield "idle"
        run_until(loop, heard)
        later.join()
        yield heard


def in_time(kind: Any) -> bool:
    """A timer by the true clock; whether it came, and not before its time."""
    with selectors.DefaultSelector() as selector:
        loop = kind(selector)
        called: list[float] = []
        loop.call_later(0.3, lambda: called.append(time.monotonic()))
        start = time.monotonic()
        run_until(loop, called)
        return called[0] - start >= 0.29


def run_until(loop: Any, done: list[Any]) -> None:
    while not done:
        loop.run_once()


# --- the judge


def judge(exam: Exam) -> None:
    delays = [exam.random.randrange(21, 401, 2) / 8 for _ in range(4)]  # none of them whole
    now = exam.random.randrange(10_000_000, 90_000_000) / 8
    run = exam.run(drive, now, delays)
    real_sockets(run)
    shortest, second = sorted(delays)[:2]
    asks = partial(ask, run, now)
    asks("no timer, nothing in the queue", None, NOTHING_AT_ALL)
    asks(f"one timer, due in {delays[1]:g} s", delays[1], UNTIL_DUE)
    asks(f"timers, due in {', '.join(f'{each:g}' for each in delays)} s", shortest, UNTIL_DUE)
    asks(f"the same; the earliest, in {shortest:g} s, is cancelled", second, UNTIL_DUE)
    asks(f"a timer that is due in {delays[0]:g} s, when the clock will say 0.0", delays[0], ZERO)
    asks(f"ready.append(callback), and a timer that is due in {delays[0]:g} s", 0, WORK_WAITS)
    asks(f"a timer that was due {delays[1]:g} s ago", 0, OVERDUE)
    asks(f"a timer that was due {delays[1]:g} s ago, and ready.append(callback)", 0, OVERDUE)
    run.sent = "call_later(0.3, callback), and run_once() in a loop, by the true clock"
    if not run.next(4.0, idea=SLEEPS_TOO_LONG):
        raise Failed(run.sent, "a call after 0.3 s", "one before", "A timer never comes before its time.")
    run.result()


def real_sockets(run: Run) -> None:
    run.next()
    run.sent = "a socket on which nothing comes, a timer that is due in an hour; run_once() in a loop"
    run.expect_idle(BUSY)
    run.sent = "the same; then a byte comes on the socket"
    try:
        run.next(4.0, ideas={"OverflowError": SECONDS}, idea=DEAF)
    except Failed as failure:
        raise Failed(run.sent, "a call of its callback", failure.got, failure.idea) from None


def ask(run: Run, now: float, what: str, seconds: float | None, idea: str) -> None:
    """Expect that one run_once asks ``select`` to sleep for ``seconds``, and asks once."""
    run.sent = f"{what}; run_once()"
    timeouts = run.next(idea="Nothing here waits: `select` has returned.")
    if len(timeouts) != 1:
        raise Failed(run.sent, "one call of select", f"{len(timeouts)}", "One round asks once.")
    got = timeouts[0]
    if same(got, seconds):
        return
    raise Failed(
        run.sent, f"select({words(seconds)})", f"select({words(got)})", meaning(got, seconds, now, idea)
    )


def same(got: Any, expected: float | None) -> bool:
    if got is None or expected is None:
        return got is expected
    return isinstance(got, (int, float)) and abs(got - expected) < 0.001 and got >= 0


def meaning(got: Any, expected: float | None, now: float, idea: str) -> str:
    """Return what the wrong number tells of its maker."""
    if got is None:
        return idea if idea in (WORK_WAITS, ZERO) else SLEEPS_TOO_LONG
    if not isinstance(got, (int, float)) or not expected:
        return WAKES_FOR_NOTHING if expected is None and isinstance(got, float) and got < FAR else idea
    if abs(got - now - expected) < 0.001:
        return NOT_A_MOMENT
    if abs(got - 1000 * expected) < 1:
        return SECONDS
    if got < 0 or abs(got - expected) > 1000:
        return CLOCK
    return WAKES_FOR_NOTHING if got < expected else SLEEPS_TOO_LONG


def words(seconds: Any) -> str:
    return f"{seconds:.10g}" if isinstance(seconds, (int, float)) else repr(seconds)


EXERCISE = Exercise(
    id="6.2",
    title="How long may the selector sleep?",
    name="PatientLoop",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(ALWAYS, "the loop sleeps on"),
        Wrong(A_BIT, "finds nothing to do"),
        Wrong(A_SECOND, "finds nothing to do"),
        Wrong(FORGETS_READY, "in the queue, and waits"),
        Wrong(ZERO_IS_NONE, "a moment like any other"),
        Wrong(THE_MOMENT, "how long"),
        Wrong(NEGATIVE, "epoll sleeps for ever"),
        Wrong(MILLISECONDS, "count seconds"),
        Wrong(ROUNDED, "the loop sleeps on"),
        Wrong(OWN_CLOCK, "two clocks"),
        Wrong(SLEEPS_DEAF, "nowhere else"),
        Wrong(ONLY_TIMERS, "only a socket"),
    ),
    core=False,
    limit=20.0,
)
