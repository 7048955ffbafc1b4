"""Exercise 6.3: a callback that adds itself must starve nobody."""

import selectors
import socket
import threading
from collections.abc import Iterable, Iterator
from selectors import EVENT_READ
from typing import Any

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.run import Run

# --- the task

STUB = '''
import selectors
from collections import deque


class FairLoop(selectors.DefaultSelector):
    """A selector with a queue. Whatever callbacks add to it: the selector has its turn in each round."""

    def __init__(self):
        super().__init__()
        self.ready = deque()

    def call_soon(self, callback):
        self.ready.append(callback)

    def run_once(self):
        """Ask the selector once; then call all that is in the queue by then, and nothing else."""
        for key, _ in self.select(0 if self.ready else None):
            self.ready.append(key.data)
        while self.ready:
            callback = self.ready.popleft()
            callback()
'''

HINTS = (
    "The loop above goes on until the queue is empty. When a callback adds itself, that is never. What this"
    " round has to do is decided once, when the selector has answered.",
    "How many callbacks are in the queue at that moment? That many are called; what they add stands behind"
    " them, and stays there for the next round.",
)

# --- right answers

SOLUTION = STUB.replace("        while self.ready:\n", "        for _ in range(len(self.ready)):\n")

OTHER = """
import selectors


class FairLoop:
    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.register, self.close = self.selector.register, self.selector.close
        self.next_round = []

    def call_soon(self, callback):
        self.next_round.append(callback)

    def run_once(self):
        events = self.selector.select(0 if self.next_round else None)
        this_round, self.next_round = self.next_round, []
        for callback in [*(key.data for key, mask in events), *this_round]:
            callback()
"""

# --- wrong answers


def rounds(body: str) -> str:
    """Return an answer with this in place of the last three lines."""
    head = STUB.partition("        while self.ready:")[0]
    return head + "        " + body.strip().replace("\n", "\n        ") + "\n"


UNCHANGED = rounds("""
while len(self.ready) > 0:
    self.ready.popleft()()
""")

ONE_A_ROUND = rounds("""
if self.ready:
    self.ready.popleft()()
""")

CLEARED = rounds("""
for callback in list(self.ready):
    callback()
self.ready.clear()
""")

NOT_REMOVED = rounds("""
for callback in list(self.ready):
    callback()
""")

BACKWARDS = rounds("""
for _ in range(len(self.ready)):
    self.ready.pop()()
""")

CHANGES_IT = rounds("""
for callback in self.ready:
    callback()
self.ready.clear()
""")

A_HUNDRED = rounds("""
for _ in range(100):
    if self.ready:
        self.ready.popleft()()
""")

NEVER_ASKS = SOLUTION.replace(
    """        for key, _ in self.select(0 if self.ready else None):
            self.ready.append(key.data)
""",
    """        if not self.ready:
            for key, _ in self.select():
                self.ready.append(key.data)
""",
)

COUNTED_BEFORE = SOLUTION.replace(
    "        for key, _ in", "        count = len(self.ready)\n        for key, _ in"
).replace("len(self.ready)):", "count):")

SLEEPS_A_BIT = SOLUTION.replace("0 if self.ready else None", "0.1")

ASKS_IN_BETWEEN = rounds("""
while self.ready:
    self.ready.popleft()()
    for key, _ in self.select(0):
        self.ready.append(key.data)
""")

NEVER_SLEEPS = SOLUTION.replace("0 if self.ready else None", "0")

ALWAYS_SLEEPS = SOLUTION.replace("self.select(0 if self.ready else None)", "self.select()")

# --- words and numbers of the judge

STARVED = (
    "A callback that adds itself was called again and again in one round, which has no end. What is added"
    " during a round belongs to the next one, and the selector has its turn between them."
)
ALL_OF_THEM = (
    "A round calls all that is in the queue when it begins. One select for each callback would cost a system"
    " call for each."
)
IN_ORDER = "First come, first served: callbacks are called in the order in which they were added."
LOST = "A callback that was added while others were running has been lost. It belongs to the next round."
AGAIN = "A callback that was called must leave the queue: it was added once, and is called once."
LATER = (
    "What is added during a round belongs to the next one: the selector has its turn between them. What was"
    " in the queue at the beginning is called, all of it."
)
NOT_HEARD = (
    "A byte waits in a socket, and a callback that adds itself keeps the queue from ever being empty. Ask the"
    " selector in each round, also when the queue has something in it; just do not sleep there."
)
THIS_ROUND = (
    "A socket was ready, and its callback was not called in the round that has learned of it. The next round"
    " learns of it again, and calls it twice. What belongs to a round is decided when the selector has"
    " answered."
)
NO_SLEEP = "Callbacks wait in the queue when the round begins, and the loop sleeps in `select` all the same."
WHILE_CALLING = (
    "The queue was changed while a `for` went through it: callbacks add to it. Decide before you begin what"
    " belongs to this round."
)
BUSY = "Nothing is in the queue and nothing comes: `select` may sleep for as long as it takes."
TOO_OFTEN = 3
ROUNDS = 20


# --- in the learner's process


class Starved(BaseException):
    """A callback was called too often in one round. No ``except Exception`` of the learner's catches it."""


class Talk:
    """A loop with callbacks that note when they are called."""

    def __init__(self, loop: Any) -> None:
        self.loop = loop
        self.called: list[str] = []

    def soon(self, name: str, adds: str = "") -> None:
        def callback() -> None:
            self.called.append(name)
            for each in adds:
                self.soon(each)

        self.loop.call_soon(callback)

    def for_ever(self) -> None:
        """A callback that adds itself."""

        def again() -> None:
            self.called.append("again")
            if self.called.count("again") > TOO_OFTEN:
                raise Starved
            self.loop.call_soon(again)

        self.loop.call_soon(again)

    def round(self) -> list[str]:
        """Run one round; return the names of those that were called."""
        self.called = []
        try:
            self.loop.run_once()
        except Starved:
            self.called = ["again"] * TOO_OFTEN + ["…"]
        return self.called


def drive(kind: Any, names: str) -> Iterator[Any]:
    """Each step yields the names of those that were called in one round."""
    loops: list[Any] = []

    def talk() -> Talk:
        loops.append(kind())
        return Talk(loops[-1])

    timeouts = noted_timeouts()
    several = talk()
    for name in names:
        several.soon(name)
    yield several.round()
    yield timeouts
    alone = talk()
    alone.for_ever()
    yield alone.round()
    adding = talk()
    adding.soon(names[0], adds=names[1:3])
    adding.soon(names[3])
    yield adding.round()
    yield adding.round()
    left, right = socket.socketpair()
    with left, right:
        yield hears_at_once(talk(), left, right)
        yield hears(talk(), left, right)
        timeouts.clear()
        yield from sleeps(talk(), left, right)
        yield timeouts
    for loop in loops:
        loop.close()


def noted_timeouts() -> list[Any]:
    """Return a list in which from now on each call of ``select`` notes for how long it may sleep."""
    timeouts, select = [], selectors.DefaultSelector.select

    def noting(self: Any, timeout: float | None = None) -> Any:
        timeouts.append(timeout)
        return select(self, timeout)

    selectors.DefaultSelector.select = noting  # type: ignore[method-assign]
    return timeouts


def hears_at_once(talk: Talk, left: socket.socket, right: socket.socket) -> list[str]:
    """Run one round in which a byte waits in a socket."""
    talk.loop.register(right, EVENT_READ, lambda: talk.called.append(right.recv(100).decode()))
    left.send(b"byte")
    return talk.round()


def hears(talk: Talk, left: socket.socket, right: socket.socket) -> bool:
    """Tell whether a byte is heard beside a callback that adds itself."""
    talk.loop.register(right, EVENT_READ, lambda: talk.called.append(right.recv(100).decode()))
    talk.for_ever()
    talk.round()
    left.send(b"byte")
    return any("byte" in talk.round() for _ in range(ROUNDS))


def sleeps(talk: Talk, left: socket.socket, right: socket.socket) -> Iterator[Any]:
    talk.loop.register(right, EVENT_READ, lambda: talk.called.append(right.recv(100).decode()))
    later = threading.Timer(1.2, left.send, (b"byte",))
    later.start()
    yield "idle"
    while "byte" not in talk.round():
        pass
    later.join()


# --- the judge


def judge(exam: Exam) -> None:
    names = "".join(exam.random.sample("abcdefghijklmnopqrstuvwxyz", 8))
    run = exam.run(drive, names)
    called(run, f"call_soon for {commas(names)}; run_once()", list(names), NO_SLEEP)
    asked_once(run)
    called(run, "call_soon for a callback that adds itself; run_once()", ["again"], STARVED)
    adding = f"call_soon for {names[0]}, which adds {names[1]} and {names[2]}, and for {names[3]}; run_once()"
    called(run, adding, [names[0], names[3]], LATER)
    called(run, f"{adding}; run_once() again", [names[1], names[2]], LOST)
    called(run, "a byte in a socket, an empty queue; run_once()", ["byte"], THIS_ROUND)
    run.sent = "a callback that adds itself, and a byte in a socket; run_once() 20 times"
    if not run.next(idea=NOT_HEARD):
        raise Failed(run.sent, "the byte's callback called", "a round without it, 20 times", NOT_HEARD)
    run.next()
    run.sent = "a socket on which nothing comes, an empty queue; run_once() in a loop"
    run.expect_idle(BUSY)
    run.sent += "; then a byte comes"
    timeouts = run.next(4.0, idea=NOT_HEARD)
    if timeouts and None not in timeouts:
        raise Failed(run.sent, "select(None)", f"{len(timeouts)} times select({timeouts[0]!r})", BUSY)
    run.result()


def asked_once(run: Run) -> None:
    """Expect that this round has asked the selector once, and has not let it sleep."""
    timeouts = run.next()
    if len(timeouts) > 1:
        raise Failed(run.sent, "one call of select", f"{len(timeouts)} calls", ALL_OF_THEM)
    if any(timeout is None or timeout > 0 for timeout in timeouts):
        raise Failed(run.sent, "select(0)", f"select({timeouts[0]!r})", NO_SLEEP)


def called(run: Run, sent: str, expected: list[str], idea: str) -> None:
    """Expect that one round has called those of ``expected``."""
    run.sent = sent
    try:
        got = run.next(ideas={"RuntimeError": WHILE_CALLING}, idea=idea)
    except Failed as failure:
        raise Failed(sent, f"calls of {commas(expected)}", failure.got, failure.idea) from None
    if got == expected:
        return
    if idea == NO_SLEEP:
        idea = IN_ORDER if sorted(got) == sorted(expected) else ALL_OF_THEM
    elif idea == LOST and set(got) > set(expected):
        idea = AGAIN
    raise Failed(sent, f"calls of {commas(expected)}", f"calls of {commas(got) or 'none'}", idea)


def commas(names: Iterable[str]) -> str:
    return ", ".join(names)


EXERCISE = Exercise(
    id="6.3",
    title="Starve nobody",
    name="FairLoop",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(UNCHANGED, "belongs to the next one"),
        Wrong(ONE_A_ROUND, "a system call for each"),
        Wrong(CLEARED, "has been lost"),
        Wrong(NOT_REMOVED, "must leave the queue"),
        Wrong(BACKWARDS, "First come, first served"),
        Wrong(CHANGES_IT, "while a `for` went through it"),
        Wrong(A_HUNDRED, "belongs to the next one"),
        Wrong(NEVER_ASKS, "in each round"),
        Wrong(NEVER_SLEEPS, "may sleep"),
        Wrong(ALWAYS_SLEEPS, "wait in the queue"),
        Wrong(COUNTED_BEFORE, "when the selector has answered"),
        Wrong(SLEEPS_A_BIT, "sleeps in `select` all the same"),
        Wrong(ASKS_IN_BETWEEN, "a system call for each"),
    ),
    core=False,
)
