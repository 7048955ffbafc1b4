"""Exercise 2.4: a race, made visible and then repaired."""

import threading
import time
from contextlib import suppress

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.run import Run

# --- the task

STUB = '''
import threading


class Race:
    """`visits` is a `Visits`, and you may set its `between` to another function."""

    def __init__(self, visits):
        self.visits = visits

    def lose_one(self):
        """Call `visits.add` once in each of two threads, so that one visit is lost every time."""
        ...

    def add(self):
        """Call `visits.add` so that no visit is ever lost, however many threads call this method."""
        ...
'''

HINTS = (
    "A visit is lost when both threads have read the same count before either of them writes. So the first"
    " one must not go on from `between` before the second one has got there, too.",
    "A `threading.Barrier(2)` is a place where two threads meet: its method `wait` returns when two threads"
    " have called it. Where do they have to meet?",
    "For `add`: a `threading.Lock` lets one thread at a time into a `with lock:` block. It must be the same"
    " lock for all threads, so it is made once, where the object is made.",
)

# --- right answers

SOLUTION = '''
import threading


class Race:
    """`visits` is a `Visits`, and you may set its `between` to another function."""

    def __init__(self, visits):
        self.visits = visits
        self.lock = threading.Lock()

    def lose_one(self):
        """Call `visits.add` once in each of two threads, so that one visit is lost every time."""
        self.visits.between = threading.Barrier(2).wait
        threads = [threading.Thread(target=self.visits.add) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def add(self):
        """Call `visits.add` so that no visit is ever lost, however many threads call this method."""
        with self.lock:
            self.visits.add()
'''

OTHER = """
import threading


class Race:
    def __init__(self, visits):
        self.visits = visits
        self.one_at_a_time = threading.Semaphore(1)

    def lose_one(self):
        other = threading.Thread(target=self.visits.add)

        def between():
            self.visits.between = lambda: None
            other.start()
            other.join()

        self.visits.between = between
        mine = threading.Thread(target=self.visits.add)
        mine.start()
        mine.join()

    def add(self):
        self.one_at_a_time.acquire()
        try:
            self.visits.add()
        finally:
            self.one_at_a_time.release()
"""

# --- wrong answers

LUCK = SOLUTION.replace("self.visits.between = threading.Barrier(2).wait\n", "pass\n")

AT_THE_DOOR = """
import threading


class Race:
    def __init__(self, visits):
        self.visits = visits
        self.lock = threading.Lock()

    def lose_one(self):
        barrier = threading.Barrier(2)

        def visit():
            barrier.wait()
            self.visits.add()

        threads = [threading.Thread(target=visit) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def add(self):
        with self.lock:
            self.visits.add()
"""

ALONE = SOLUTION.replace("for _ in range(2)]", "for _ in range(1)]")

NOT_JOINED = SOLUTION.replace("thread.join()", "pass").replace(
    "threading.Barrier(2).wait", "lambda: __import__('time').sleep(0.2)"
)

NO_LOCK = SOLUTION.replace("with self.lock:", "if True:")

LOCK_EACH = SOLUTION.replace("with self.lock:", "with threading.Lock():")

NOT_RELEASED = SOLUTION.replace(
    "with self.lock:\n            self.visits.add()",
    "self.lock.acquire()\n        self.visits.add()\n        self.lock.release()",
)

# --- words and numbers of the judge

ROUNDS, THREADS, EACH = 4, 8, 5


class Trouble(Exception):
    """What goes wrong between reading and writing."""


class Visits:
    """As in the lesson."""

    def __init__(self):
        self.count = 0

    def between(self):
        pass

    def add(self):
        count = self.count
        self.between()
        self.count = count + 1


class Watched(Visits):
    """Notes the threads that call ``add``, and how many of them have come back."""

    def __init__(self):
        super().__init__()
        self.callers = []
        self.returned = 0

    def add(self):
        self.callers.append(threading.current_thread())
        super().add()
        self.returned += 1


class Crowded(Visits):
    """Notes how many threads are between reading and writing at the same time."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()
        self.inside = self.most = 0

    def between(self):
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        time.sleep(0.001)
        with self.lock:
            self.inside -= 1


# --- in the learner's process


def drive(Race):
    for _ in range(ROUNDS):
        visits = Watched()
        Race(visits).lose_one()
        yield len(visits.callers), len(set(visits.callers)), visits.count, visits.returned
    crowded = Crowded()
    add_from_threads(Race(crowded))
    yield crowded.count, crowded.most
    visits = Visits()
    visits.between = fail
    race = Race(visits)
    with suppress(Trouble):
        race.add()
    visits.between = lambda: None
    race.add()
    return visits.count


def add_from_threads(race):
    errors = []

    def work():
        try:
            for _ in range(EACH):
                race.add()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def fail():
    raise Trouble


# --- the judge


def judge(exam: Exam) -> None:
    run = exam.run(drive)
    for _ in range(ROUNDS):
        run.sent = "lose_one() with a new Visits"
        calls, threads, count, returned = lost_one(run)
        if (calls, threads) != (2, 2):
            got = f"{calls} in {threads} thread{'s' * (threads != 1)}"
            raise Failed(
                run.sent, "two calls of add, in two threads", got, "Two threads, each calls `add` once."
            )
        if returned < 2:
            idea = "`lose_one` has returned while a thread was still at work, so the count is not final."
            raise Failed(run.sent, "both calls of add ended", f"{returned} ended", idea)
        if count != 1:
            idea = (
                "One thread had written before the other one read: short pieces of work are hardly ever cut"
                " in two. To start them together is not enough. They have to wait for each other after"
                " reading, before writing."
            )
            raise Failed(run.sent, "a count of 1", f"a count of {count}", idea)
    run.sent = f"add() from {THREADS} threads, {EACH} times from each, while `between` sleeps"
    shared = (
        "Two threads were between reading and writing at the same time. A lock keeps out only those who ask"
        " for the very same lock."
    )
    count, most = run.next(limit=4.0, idea="No thread gets on: who holds the lock?")
    once = "Each call of this method calls `visits.add` once."
    run.expect_equal(count, THREADS * EACH, shared if most > 1 else once)
    run.sent = "add(), while `between` raises an exception, then add() once more"
    run.expect(
        1,
        "The first call was left by an exception, and the lock is still held, by nobody: it must be released"
        " on every way out.",
    )


def lost_one(run: Run) -> tuple[int, int, int, int]:
    try:
        return run.next(
            idea="A thread that waits for another needs that other one: does it come to the same place?"
        )
    except Failed as failure:
        failure.expected = "lose_one() returns"
        raise


EXERCISE = Exercise(
    id="2.4",
    title="A race, visible and repaired",
    name="Race",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(LUCK, "wait for each other after reading"),
        Wrong(AT_THE_DOOR, "start them together is not enough"),
        Wrong(ALONE, "does it come to the same place"),
        Wrong(NOT_JOINED, "was still at work"),
        Wrong(NO_LOCK, "at the same time"),
        Wrong(LOCK_EACH, "the very same lock"),
        Wrong(NOT_RELEASED, "released on every way out"),
    ),
    core=False,
)
