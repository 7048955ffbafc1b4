"""Exercise 5.6: waking a selector that sleeps."""

import selectors
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.run import Run

# --- the task

STUB = '''
import selectors
import socket


class WakeableSelector(selectors.DefaultSelector):
    """A selector whose `select` another thread can end. Any number of calls of `wake` are one wake-up."""

    def __init__(self):
        super().__init__()
        ...

    def wake(self):
        """Any thread: a `select` that sleeps returns at once; if none does, the next one will."""
        ...

    def select(self, timeout=None):
        """As ever, but no pair in the list is your own; it may be empty when it was woken."""
        return super().select(timeout)

    def close(self):
        super().close()
'''

HINTS = (
    "`select` wakes for sockets only, so give it one more: `socket.socketpair()` makes two that are"
    " connected. One end is registered, and `wake` sends a byte into the other.",
    "After waking, the byte must be read, or every further `select` returns at once. Both ends are"
    " non-blocking: then `wake` never waits (a full buffer means that it will wake anyway), and you may read"
    " until BlockingIOError.",
    "`ready = super().select(timeout)`; then go through it: read your own end empty, and return the other"
    " pairs.",
)

# --- right answers

SOLUTION = '''
import selectors
import socket


class WakeableSelector(selectors.DefaultSelector):
    """A selector whose `select` another thread can end. Any number of calls of `wake` are one wake-up."""

    def __init__(self):
        super().__init__()
        self.inner, self.outer = socket.socketpair()
        self.inner.setblocking(False)
        self.outer.setblocking(False)
        self.register(self.inner, selectors.EVENT_READ)

    def wake(self):
        """Any thread: a `select` that sleeps returns at once; if none does, the next one will."""
        try:
            self.outer.send(b"!")
        except BlockingIOError:
            pass  # full of earlier ones

    def select(self, timeout=None):
        """As ever, but no pair in the list is your own; it may be empty when it was woken."""
        pairs = []
        for key, mask in super().select(timeout):
            if key.fileobj is not self.inner:
                pairs.append((key, mask))
                continue
            try:
                while self.inner.recv(4096):
                    pass
            except BlockingIOError:
                pass
        return pairs

    def close(self):
        super().close()
        self.inner.close()
        self.outer.close()
'''

OTHER = """
import os
import selectors
import threading


class WakeableSelector(selectors.DefaultSelector):
    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()
        self.rung = False
        self.ends = os.pipe()
        self.register(self.ends[0], selectors.EVENT_READ)

    def wake(self):
        with self.lock:
            if not self.rung:
                self.rung = True
                os.write(self.ends[1], b"x")

    def select(self, timeout=None):
        ready = super().select(timeout)
        if any(key.fd == self.ends[0] for key, _ in ready):
            with self.lock:
                self.rung = False
                os.read(self.ends[0], 1)
        return [pair for pair in ready if pair[0].fd != self.ends[0]]

    def close(self):
        super().close()
        for end in self.ends:
            os.close(end)
"""

# --- wrong answers

FLAG = """
import selectors
import socket


class WakeableSelector(selectors.DefaultSelector):
    def __init__(self):
        super().__init__()
        self.woken = False

    def wake(self):
        self.woken = True

    def select(self, timeout=None):
        if self.woken:
            self.woken = False
            return []
        return super().select(timeout)
"""

NOT_READ = SOLUTION.replace(
    """            try:
                while self.inner.recv(4096):
                    pass
            except BlockingIOError:
                pass
""",
    "",
)

BLOCKING = SOLUTION.replace("        self.outer.setblocking(False)\n", "")

ONE_BYTE = SOLUTION.replace(
    """            try:
                while self.inner.recv(4096):
                    pass
            except BlockingIOError:
                pass
""",
    "            self.inner.recv(1)\n",
)

ITS_OWN = """
import selectors
import socket


class WakeableSelector(selectors.DefaultSelector):
    def __init__(self):
        super().__init__()
        self.inner, self.outer = socket.socketpair()
        self.inner.setblocking(False)
        self.outer.setblocking(False)
        self.register(self.inner, selectors.EVENT_READ)

    def wake(self):
        try:
            self.outer.send(b"!")
        except BlockingIOError:
            pass

    def select(self, timeout=None):
        ready = super().select(timeout)
        try:
            while self.inner.recv(4096):
                pass
        except BlockingIOError:
            pass
        return ready

    def close(self):
        super().close()
        self.inner.close()
        self.outer.close()
"""

POLLS = """
import selectors
import socket
import time


class WakeableSelector(selectors.DefaultSelector):
    def __init__(self):
        super().__init__()
        self.woken = False

    def wake(self):
        self.woken = True

    def select(self, timeout=None):
        end = time.monotonic() + (1e9 if timeout is None else timeout)
        while True:
            ready = super().select(0)
            if ready or self.woken or time.monotonic() >= end:
                self.woken = False
                return ready
"""

LEAVES = SOLUTION.replace(
    """
        self.inner.close()
        self.outer.close()
""",
    "\n",
).replace("        self.inner, self.outer", "        ends.append(self)\n        self.inner, self.outer")
LEAVES = LEAVES.replace("import socket\n", "import socket\n\nends = []\n", 1)

# --- words and numbers of the judge

SLEEPS_ON = (
    "The thread sleeps in the kernel and sees no variable of yours. What wakes it is a descriptor that it"
    " watches."
)
READ_IT = (
    "After it has been woken once, `select` must sleep again. Whatever has woken it makes it return at once"
    " each time, until that is taken away: all of it, however often `wake` was called."
)
NEVER_WAITS = (
    "`wake` was called many times while nobody was in `select`, and has waited itself: a buffer was full. Who"
    " wakes must never wait."
)
NOT_YOURS = (
    "The pair in the list is your own. Whoever uses the selector has not registered it, and cannot know it."
)
BUSY = "A selector that is asleep uses no processor."
AS_EVER = "All else is as with any selector: what is registered and ready comes back, woken or not."
TIMEOUT = "The timeout is to work as ever: after it, `select` returns an empty list."
MANY = 200_000


# --- in the learner's process


def drive(kind: Any) -> Iterator[Any]:
    """Yield, step by step: what came back, and how long it took."""
    selector = kind()
    yield timed(selector, 0.2)
    waker = threading.Timer(0.3, selector.wake)
    waker.start()
    yield "asleep"
    yield timed(selector, 5.0)
    waker.join()
    yield timed(selector, 0.2)
    selector.wake()
    yield timed(selector, 5.0)
    yield "many"
    for _ in range(MANY):
        selector.wake()
    yield "woken"
    yield timed(selector, 5.0)
    yield timed(selector, 0.2)
    left, right = socket.socketpair()
    with left, right:
        selector.register(right, selectors.EVENT_READ, "data")
        left.send(b"x")
        selector.wake()
        yield timed(selector, 5.0)
        selector.unregister(right)
    selector.close()


def timed(selector: Any, timeout: float) -> tuple[Any, float]:
    start = time.monotonic()
    ready = selector.select(timeout)
    return [key.data for key, _ in ready], time.monotonic() - start


# --- the judge


def judge(exam: Exam) -> None:
    run = exam.run(drive)
    run.sent = "select(0.2), with nothing registered"
    expect(run, [], True, TIMEOUT)
    run.next()
    run.sent = "select(5), and after 0.3 s wake() in another thread"
    run.expect_idle(BUSY)
    expect(run, [], False, SLEEPS_ON)
    run.sent = "wake(), select(5), and then select(0.2)"
    expect(run, [], True, READ_IT)
    run.sent = "wake(), and then select(5)"
    expect(run, [], False, "A wake-up that comes while nobody sleeps counts for the next `select`.")
    run.sent = f"{MANY:,} calls of wake(), nobody being in select"
    run.next()
    run.next(4.0, idea=NEVER_WAITS)
    run.sent += ", then select(5)"
    expect(run, [], False, "All these wake-ups are one, and the next `select` returns at once.")
    run.sent += ", then select(0.2)"
    expect(run, [], True, READ_IT)
    run.sent = "a byte for a socket that is registered with the data 'data', and wake(); then select(5)"
    expect(run, ["data"], False, AS_EVER)
    run.sent = "close()"
    run.result()


def expect(run: Run, ready: list[str], sleeps: bool, idea: str) -> None:
    """Expect that ``select`` returns pairs with this data, and whether it has slept until its timeout."""
    words = f"{pairs(ready)}, {'after its timeout' if sleeps else 'at once'}"
    try:
        data, seconds = run.next(3.0, idea=idea)
    except Failed as failure:
        raise Failed(run.sent, words, failure.got, idea) from None
    if data != ready:
        own = len(data) > len(ready)
        raise Failed(run.sent, pairs(ready), pairs(data), NOT_YOURS if own else idea)
    slept = seconds > 0.15 if sleeps else seconds > 2.0
    if sleeps != slept:
        raise Failed(run.sent, words, f"{pairs(data)}, {'after its timeout' if slept else 'at once'}", idea)


def pairs(data: list[Any]) -> str:
    return f"a list of {len(data)} pairs" if len(data) != 1 else "a list of 1 pair"


EXERCISE = Exercise(
    id="5.6",
    title="Waking a selector that sleeps",
    name="WakeableSelector",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(FLAG, "sees no variable"),
        Wrong(NOT_READ, "must sleep again"),
        Wrong(ONE_BYTE, "however often"),
        Wrong(BLOCKING, "must never wait"),
        Wrong(ITS_OWN, "is your own"),
        Wrong(POLLS, "uses no processor"),
        Wrong(LEAVES, "must also end or close"),
    ),
    core=False,
)
