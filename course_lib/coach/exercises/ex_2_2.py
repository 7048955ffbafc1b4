"""Exercise 2.2: a bounded pool of threads."""

import threading
import time

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.run import Run
from course_lib.lab.waiting import wait_until

# --- the task

STUB = '''
import threading


class Pool:
    """`size` threads that do the jobs which are handed in, the oldest first."""

    def __init__(self, size): ...

    def submit(self, function, *arguments):
        """Have `function(*arguments)` called by one of the threads; return at once."""
        ...

    def close(self):
        """Return when all jobs are done and all threads have ended."""
        ...
'''

HINTS = (
    "A `queue.SimpleQueue` has all that is needed between the threads: `put` returns at once, and `get` waits"
    " until there is something to get. `submit` puts a job; each thread goes round in a loop that gets one"
    " and does it.",
    "A job that raises an exception ends the loop of its thread, and the pool has one thread less. So catch"
    " it there.",
    "How do the threads learn that no more jobs will come? `close` can put something that is no job, such as"
    " None. One None is taken by one thread only. After that `join` each thread.",
)

# --- right answers

SOLUTION = '''
import queue
import threading
import traceback


class Pool:
    """`size` threads that do the jobs which are handed in, the oldest first."""

    def __init__(self, size):
        self.jobs = queue.SimpleQueue()
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(size)]
        for thread in self.threads:
            thread.start()

    def work(self):
        while (job := self.jobs.get()) is not None:
            function, arguments = job
            try:
                function(*arguments)
            except Exception:
                traceback.print_exc()

    def submit(self, function, *arguments):
        """Have `function(*arguments)` called by one of the threads; return at once."""
        self.jobs.put((function, arguments))

    def close(self):
        """Return when all jobs are done and all threads have ended."""
        for _ in self.threads:
            self.jobs.put(None)
        for thread in self.threads:
            thread.join()
'''

OTHER = """
import threading
from collections import deque


class Pool:
    def __init__(self, size):
        self.jobs = deque()
        self.closing = False
        self.changed = threading.Condition()
        self.threads = [threading.Thread(target=self.work) for _ in range(size)]
        for thread in self.threads:
            thread.start()

    def work(self):
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.jobs or self.closing)
                if not self.jobs:
                    return
                job = self.jobs.popleft()
            try:
                job()
            except Exception as error:
                print(error)

    def submit(self, function, *arguments):
        with self.changed:
            self.jobs.append(lambda: function(*arguments))
            self.changed.notify()

    def close(self):
        with self.changed:
            self.closing = True
            self.changed.notify_all()
        for thread in self.threads:
            thread.join()
"""

# --- wrong answers

ONE_AFTER_THE_OTHER = """
import queue
import threading


class Pool:
    def __init__(self, size):
        self.jobs = queue.Queue()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        while (job := self.jobs.get()) is not None:
            job[0](*job[1])

    def submit(self, function, *arguments):
        self.jobs.put((function, arguments))

    def close(self):
        self.jobs.put(None)
        self.thread.join()
"""

THREAD_A_JOB = """
import threading


class Pool:
    def __init__(self, size):
        self.slots = threading.Semaphore(size)
        self.threads = []

    def work(self, function, arguments):
        with self.slots:
            function(*arguments)

    def submit(self, function, *arguments):
        self.threads.append(threading.Thread(target=self.work, args=(function, arguments)))
        self.threads[-1].start()

    def close(self):
        for thread in self.threads:
            thread.join()
"""

NO_LIMIT = """
import threading


class Pool:
    def __init__(self, size):
        self.threads = []

    def submit(self, function, *arguments):
        self.threads.append(threading.Thread(target=function, args=arguments))
        self.threads[-1].start()

    def close(self):
        for thread in self.threads:
            thread.join()
"""

SUBMIT_WAITS = SOLUTION.replace("queue.SimpleQueue()", "queue.Queue(size)")

DIES = """
import queue
import threading


class Pool:
    def __init__(self, size):
        self.jobs = queue.SimpleQueue()
        self.threads = [threading.Thread(target=self.work) for _ in range(size)]
        for thread in self.threads:
            thread.start()

    def work(self):
        while (job := self.jobs.get()) is not None:
            function, arguments = job
            function(*arguments)

    def submit(self, function, *arguments):
        self.jobs.put((function, arguments))

    def close(self):
        for _ in self.threads:
            self.jobs.put(None)
        for thread in self.threads:
            thread.join()
"""

NEWEST_FIRST = SOLUTION.replace("SimpleQueue", "LifoQueue")

ONE_GOODBYE = SOLUTION.replace(
    "for _ in self.threads:\n            self.jobs.put", "if True:\n            self.jobs.put"
)

DOES_NOT_WAIT = SOLUTION.replace("for thread in self.threads:\n            thread.join()", "return")

# --- words and numbers of the judge

EXTRA = 15
"""Jobs beyond the size of the pool: more than a queue holds whose limit is that size."""


class Trouble(Exception):
    """What a job raises here."""


# --- in the learner's process


def drive(Pool, size):
    threading.excepthook = quiet(threading.excepthook)
    before = threading.active_count()
    pool = Pool(size)
    yield meet(pool, size)
    release, running = threading.Event(), []
    for number in range(size + EXTRA):
        pool.submit(hold, release, running, number)
    yield "submitted"
    wait_until(lambda: len(running) >= size, 2.0, "as many jobs as there are threads")
    time.sleep(0.05)  # one more than there should be would have begun by now
    yield len(running), threading.active_count() - before
    release.set()
    wait_until(lambda: len(running) == size + EXTRA, 2.0, "the other jobs")
    for _ in range(size):
        pool.submit(fail)
    done = threading.Event()
    pool.submit(done.set)
    yield done.wait(1.5)
    yield from order(Pool)
    finished: list[int] = []
    for number in range(2 * size):
        pool.submit(nap, finished, number)
    pool.close()
    return len(finished)


def meet(pool, size):
    """Return how many of ``size`` jobs have met all the others at one time."""
    barrier, met = threading.Barrier(size), []

    def job():
        try:
            barrier.wait(1.0)
            met.append(1)
        except threading.BrokenBarrierError:
            met.append(0)

    for _ in range(size):
        pool.submit(job)
    try:
        wait_until(lambda: len(met) == size, 1.5)
    except TimeoutError:
        pass
    return sum(met)


def order(Pool):
    """Tell in which order a pool of one thread does its jobs."""
    pool, release, numbers = Pool(1), threading.Event(), []
    pool.submit(release.wait, 2.0)
    for number in range(5):
        pool.submit(numbers.append, number)
    release.set()
    try:
        wait_until(lambda: len(numbers) == 5, 1.5)
    except TimeoutError:
        pass
    yield numbers
    pool.close()
    yield "closed"


def hold(release, running, number):
    running.append(number)
    release.wait(3.0)


def nap(finished, number):
    time.sleep(0.02)
    finished.append(number)


def fail():
    raise Trouble("on purpose")


def quiet(hook):
    """Return a hook for errors of threads that does not show the one which is meant to be."""
    return lambda arguments: None if arguments.exc_type is Trouble else hook(arguments)


# --- the judge


def judge(exam: Exam) -> None:
    size = exam.random.randrange(3, 6)
    run = exam.run(drive, size)
    run.sent = f"{size} jobs to Pool({size}), each of which waits for the others"
    together = run.next(limit=4.0)
    expect(
        run.sent,
        together == size,
        f"{size} jobs at the same time",
        "jobs that waited in vain for the others",
        f"There should be {size} threads, each with a job of its own. The jobs are not all done at the same"
        " time, or some were not done at all.",
    )
    run.sent = f"{size + EXTRA} jobs to Pool({size}), none of which ends for now"
    step(
        run,
        "submit() returns at once",
        "`submit` waits for a thread that is free. It should return at once: jobs that nobody can do yet wait"
        " in a queue, and the queue has no limit.",
    )
    undone = {"TimeoutError": "Some of the jobs were never begun, though there were threads for them."}
    running, threads = run.next(limit=4.0, ideas=undone)
    many = f"{running} at the same time" if running > size else f"{threads} threads"
    expect(
        run.sent,
        running == size and threads <= size + 1,  # a thread that only hands out the jobs is no fault
        f"{size} threads, and {size} jobs at the same time",
        many,
        "The threads are what costs, so their number must not grow with the number of jobs. A job that has to"
        " wait needs a place in a queue, and no thread.",
    )
    run.sent = f"{size} jobs that raise an exception to Pool({size}), then one more"
    expect(
        run.sent,
        run.next(limit=6.0, ideas=undone),
        "the last job done",
        "a pool that does nothing more",
        "An exception that leaves a job ends the thread that does it. After as many exceptions as there are"
        " threads, no thread is left.",
    )
    run.sent = "5 jobs to Pool(1), whose thread is busy when they come"
    run.expect_equal(
        run.next(limit=4.0),
        [0, 1, 2, 3, 4],
        "The job that has waited longest comes first: first in, first out.",
    )
    run.sent = "close() to Pool(1), when all jobs are done"
    goodbye = (
        "`close` does not return: some thread waits for a job that will never come. Each of them must be"
        " told."
    )
    step(run, "close() returns", goodbye)
    run.sent = f"{2 * size} jobs to Pool({size}), then close()"
    finished = run.result(idea=goodbye, clean=False)
    expect(
        run.sent,
        finished == 2 * size,
        f"{2 * size} jobs done when it returns",
        f"{finished} done",
        "`close` has returned before the jobs were done. Whoever closes a pool relies on its work.",
    )
    run.expect_clean()


def step(run: Run, expected: str, idea: str) -> None:
    """Expect that the driver comes to its next step."""
    try:
        run.next(idea=idea)
    except Failed as failure:
        failure.expected = expected
        raise


def expect(sent: str, holds: bool, expected: str, got: str, idea: str) -> None:
    if not holds:
        raise Failed(sent, expected, got, idea)


EXERCISE = Exercise(
    id="2.2",
    title="A pool of threads",
    name="Pool",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(ONE_AFTER_THE_OTHER, "not all done at the same time"),
        Wrong(THREAD_A_JOB, "and no thread"),
        Wrong(NO_LIMIT, "and no thread"),
        Wrong(SUBMIT_WAITS, "the queue has no limit"),
        Wrong(DIES, "no thread is left"),
        Wrong(NEWEST_FIRST, "first in, first out"),
        Wrong(ONE_GOODBYE, "Each of them must be told"),
        Wrong(DOES_NOT_WAIT, "relies on its work"),
    ),
    core=False,
    limit=20.0,
)
