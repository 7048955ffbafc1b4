"""Exercise 8.1: a round-robin scheduler of generators."""

from collections.abc import Generator, Iterator
from typing import Any

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.run import Ideas, Run, brief

# --- the task

STUB = '''
from collections import deque


class Scheduler:
    """Runs generators in turn, each up to its next `yield`."""

    def __init__(self):
        self.ready = deque()

    def spawn(self, name, generator):
        """Add a generator, behind all others. One that is running may call this, too."""

    def run(self):
        """Run until all have ended; return a dictionary: for each name what its generator returned."""
'''

HINTS = (
    "The queue holds those that want to go on. A turn is: take the first one out, `next(generator)`, and"
    " put it back at the end.",
    "A generator that returns raises StopIteration out of `next`. Then it is not put back, and what it has"
    " returned is in the exception: `except StopIteration as stop`, `stop.value`.",
    "`while self.ready:` and in it one `popleft`, one `try` around `next(generator)` alone, `except"
    " StopIteration as stop:` for the result, and `else:` to put it back. So whatever is added meanwhile has"
    " its turn, too.",
)

# --- right answers

SOLUTION = '''
from collections import deque


class Scheduler:
    """Runs generators in turn, each up to its next `yield`."""

    def __init__(self):
        self.ready = deque()

    def spawn(self, name, generator):
        """Add a generator, behind all others. One that is running may call this, too."""
        self.ready.append((name, generator))

    def run(self):
        """Run until all have ended; return a dictionary: for each name what its generator returned."""
        results = {}
        while self.ready:
            name, generator = self.ready.popleft()
            try:
                next(generator)
            except StopIteration as stop:
                results[name] = stop.value
            else:
                self.ready.append((name, generator))
        return results
'''

OTHER = """
class Scheduler:
    def __init__(self):
        self.alive, self.results = {}, {}

    def spawn(self, name, generator):
        self.alive[name] = self.noting(name, generator)

    def noting(self, name, generator):
        self.results[name] = yield from generator

    def run(self):
        ended = object()
        while self.alive:
            for name, generator in list(self.alive.items()):
                if next(generator, ended) is ended:
                    del self.alive[name]
        return self.results
"""

# --- wrong answers


def running(body: str) -> str:
    """Return an answer with this in place of the body of ``run``."""
    head = SOLUTION.partition("        results = {}\n")[0]
    return head + "        " + body.strip().replace("\n", "\n        ") + "\n"


TO_THE_END = running("""
results = {}
while self.ready:
    name, generator = self.ready.popleft()
    while name not in results:
        try:
            next(generator)
        except StopIteration as stop:
            results[name] = stop.value
return results
""")

FOR_LOOPS = running("""
for name, generator in self.ready:
    for each in generator:
        pass
return {name: None for name, generator in self.ready}
""")

LAST_FIRST = SOLUTION.replace("popleft()", "pop()")

BACKWARDS = LAST_FIRST.replace(
    "            else:\n                self.ready.append(",
    "            else:\n                self.ready.appendleft(",
)

SKIPS = running("""
results, alive = {}, list(self.ready)
while alive:
    for each in alive:
        name, generator = each
        try:
            next(generator)
        except StopIteration as stop:
            results[name] = stop.value
            alive.remove(each)
return results
""")

CHANGES_IT = """
class Scheduler:
    def __init__(self):
        self.all = {}

    def spawn(self, name, generator):
        self.all[name] = generator

    def run(self):
        results = {}
        while self.all:
            for name, generator in self.all.items():
                try:
                    next(generator)
                except StopIteration as stop:
                    results[name] = stop.value
                    del self.all[name]
        return results
"""

ONE_TURN = running("""
results = {}
for name, generator in self.ready:
    results[name] = next(generator)
return results
""")

ENDS_ALL = running("""
results = {}
try:
    while self.ready:
        name, generator = self.ready.popleft()
        next(generator)
        self.ready.append((name, generator))
except StopIteration as stop:
    results[name] = stop.value
return results
""")

RESULT_LOST = SOLUTION.replace("stop.value", "None")

EXCEPTION_ITSELF = SOLUTION.replace("stop.value", "stop")

NOTHING_RETURNED = SOLUTION.replace("        return results\n", "")

A_LIST = SOLUTION.replace("        return results\n", "        return list(results.values())\n")

LAST_YIELDED = (
    SOLUTION.replace("results = {}", "results, last = {}, {}")
    .replace("next(generator)\n", "last[name] = next(generator)\n")
    .replace("StopIteration as stop", "StopIteration")
    .replace("stop.value", "last.get(name)")
)

FALSY = SOLUTION.replace(
    "                results[name] = stop.value\n",
    "                if stop.value:\n                    results[name] = stop.value\n",
)

NONE_IS_THE_END = running("""
results = {}
while self.ready:
    name, generator = self.ready.popleft()
    if next(generator, None) is None:
        results[name] = None
    else:
        self.ready.append((name, generator))
return results
""")

AT_ONCE = SOLUTION.replace(
    "        self.ready.append((name, generator))\n\n    def run",
    "        next(generator)\n        self.ready.append((name, generator))\n\n    def run",
)

PUT_BACK = SOLUTION.replace("            else:\n    ", "")

NOT_THE_NEW = running("""
results, alive = {}, list(self.ready)
while alive:
    for each in list(alive):
        name, generator = each
        try:
            next(generator)
        except StopIteration as stop:
            results[name] = stop.value
            alive.remove(each)
return results
""")

HIDES = SOLUTION.replace(
    "            else:\n", "            except Exception:\n                pass\n            else:\n"
)

ONE_FOR_ALL = SOLUTION.replace(
    "    def __init__(self):\n        self.ready = deque()\n", "    ready = deque()\n"
)

NOT_CAUGHT = running("""
results = {}
while self.ready:
    name, generator = self.ready.popleft()
    results[name] = next(generator)
    self.ready.append((name, generator))
return results
""")

BY_GENERATOR = SOLUTION.replace("results[name]", "results[generator]")

TWO_STEPS = SOLUTION.replace("                next(generator)\n", "                next(generator)\n" * 2)

# --- words and numbers of the judge

JUST_ADDED = "`spawn` only adds a generator. It has its first turn in `run`."
OWN = "Two schedulers, and one has the generators of the other."
OWN_RESULTS = "Two schedulers, and one has the results of the other."
NOBODY = "Nobody is there whom it could run, and so `run` is over at once."
TURNS = (
    "One of them has had all of its turns in a row, while the others stood by. In each turn a generator runs"
    " up to its next `yield`, and then the next one has its turn."
)
TOO_FAR = (
    "Somebody has had two turns at once. In each turn a generator runs up to its next `yield`, and no"
    " further: that is one `next`."
)
ORDER = "First come, first served: after its turn a generator stands behind all others."
ALL_STOP = (
    "When a generator returns, `next` raises StopIteration: this one has ended. The others have not, and want"
    " their turns."
)
UNCAUGHT = (
    "When a generator returns, `next` raises StopIteration. That is no failure, and must not leave `run`: it"
    " says that this one has ended."
)
SKIPPED = (
    "Somebody has been passed over: after one had ended, the next in line had no turn. A list from which"
    " something is removed while a `for` goes through it moves up under its feet."
)
CHANGED = (
    "What has ended was taken out while a `for` goes through it. Go through a copy, or take one at a time."
)
ONE_ROUND = "Each has had one turn, and none of them has ended. `run` goes on until all have ended."
BARE = (
    "A bare `yield` hands over None. It is a turn like any other: only StopIteration says that a generator"
    " has ended."
)
RETURNED = (
    "What a generator returns travels in the exception that ends it. What it has yielded before is something"
    " else."
)
SHAPE = "`run` returns a dictionary: names, and for each what the generator of that name has returned."
ZERO = "A generator may return 0, or None. It has ended all the same, and that is its result."
NO_END = (
    "It goes on for ever. What has ended is not put back: `next` would raise StopIteration each time anew,"
    " and the queue would never be empty."
)
WHILE_RUNNING = (
    "A generator has spawned another one while it was running. The newcomer has its turns like everybody:"
    " look into the queue again after each turn."
)
HIDDEN = (
    "A generator has raised an exception, and nobody learns of it. StopIteration is an end; everything else"
    " is a failure, and leaves `run`."
)
FAILURE = "a failure of this generator"
FEW = 1000


# --- in the learner's process


class TooMany(BaseException):
    """More turns than there can be. No ``except Exception`` of the learner's catches it."""


class Uncaught(Exception):
    """StopIteration has left ``run``. (It cannot leave the driver, which is a generator itself.)"""


class Turns(list[str]):
    """Who has had a turn, in order."""

    def add(self, name: str) -> None:
        self.append(name)
        if len(self) > FEW:
            raise TooMany


def worker(turns: Turns, name: str, count: int, result: Any, gives: Any) -> Generator[Any, None, Any]:
    """Have ``count`` turns: yield ``gives`` in all but the last, in which it returns."""
    for _ in range(count - 1):
        turns.add(name)
        yield gives
    turns.add(name)
    return result


def parent(turns: Turns, scheduler: Any, name: str, child: Any) -> Generator[Any, None, Any]:
    turns.add(name)
    scheduler.spawn("child", child)
    yield
    return (yield from worker(turns, name, 5, "parent", None))


def failing(turns: Turns) -> Generator[None, None, None]:
    turns.add("failing")
    yield
    raise ZeroDivisionError(FAILURE)


def ran(scheduler: Any) -> Any:
    """Return what ``run`` does. A dictionary of another kind is one, too."""
    try:
        returned = scheduler.run()
    except StopIteration:
        raise Uncaught("StopIteration has left run") from None
    return dict(returned) if isinstance(returned, dict) else returned


def drive(Scheduler: Any, names: str, counts: list[int], results: list[Any]) -> Iterator[Any]:
    """Each step yields what the judge compares."""
    for gives in ("a value", None):
        turns, scheduler = Turns(), Scheduler()
        for name, count, result in zip(names, counts, results, strict=True):
            scheduler.spawn(name, worker(turns, name, count, result, gives))
        if gives:
            yield list(turns)
            yield ran(Scheduler())
            yield list(turns)
        returned = ran(scheduler)
        yield list(turns)
    yield returned
    turns, scheduler = Turns(), Scheduler()
    scheduler.spawn("parent", parent(turns, scheduler, "parent", worker(turns, "child", 2, "child", None)))
    yield [ran(scheduler), list(turns)]
    turns, scheduler = Turns(), Scheduler()
    scheduler.spawn("failing", failing(turns))
    try:
        scheduler.run()
    except Exception as error:
        yield f"{type(error).__name__}: {error}"
    else:
        yield "no exception"


# --- the judge


def judge(exam: Exam) -> None:
    names = "".join(exam.random.sample("abcdefghijklmnopqrstuvwxyz", 3))
    # The last one never ends first: behind it there is nobody who could be passed over.
    counts = exam.random.choice([[2, 4, 3], [2, 3, 4], [3, 2, 4]])
    results = [exam.random.randrange(1, 1000), 0, None]
    exam.random.shuffle(results)
    run = exam.run(drive, names, counts, results)
    workers = ", ".join(f"{name} with {count}" for name, count in zip(names, counts, strict=True))
    takes_turns(run, f"spawn for {workers} turns", [], names, JUST_ADDED)
    run.sent = f"spawn for {workers} turns; run() of another Scheduler"
    others = told_of(run, "{}", NOBODY)
    takes_turns(run, run.sent, [], names, OWN)
    if others != {}:
        raise Failed(run.sent, "{}", brief(others), SHAPE)
    in_turn = order_of(names, counts)
    takes_turns(run, f"spawn for {workers} turns; run()", in_turn, names)
    takes_turns(run, f"spawn for {workers} turns, each ending in a bare `yield`; run()", in_turn, names, BARE)
    run.sent = f"spawn for {workers} turns, which return {', '.join(map(repr, results))}; run()"
    results_are_right(run, dict(zip(names, results, strict=True)))
    child_has_its_turns(run)
    run.sent = "a generator that raises ZeroDivisionError; run()"
    raised = run.next()
    if raised != f"ZeroDivisionError: {FAILURE}":
        raise Failed(run.sent, "ZeroDivisionError", raised, HIDDEN)
    run.result()


def results_are_right(run: Run, expected: dict[str, Any]) -> None:
    returned = run.next()
    if returned == expected:
        return
    idea = RETURNED if isinstance(returned, dict) and returned.keys() == expected.keys() else SHAPE
    if returned == {name: result for name, result in expected.items() if result}:
        idea = ZERO
    raise Failed(run.sent, brief(expected), brief(returned), idea)


def order_of(names: str, counts: list[int]) -> list[str]:
    return [
        name for turn in range(max(counts)) for name, count in zip(names, counts, strict=True) if turn < count
    ]


def told_of(run: Run, expected: str, idea: str, ideas: Ideas | None = None) -> Any:
    """Return what the driver yields next; ``expected`` and ``idea`` are for the case that it does not."""
    try:
        return run.next(ideas={"TooMany": NO_END, **(ideas or {})}, idea=idea)
    except Failed as failure:
        raise Failed(run.sent, expected, failure.got, failure.idea) from None


def takes_turns(run: Run, sent: str, expected: list[str], names: str, idea: str = "") -> None:
    run.sent = sent
    wanted = turns_of(expected)
    turns = told_of(run, wanted, NO_END, {"RuntimeError": CHANGED, "Uncaught": UNCAUGHT})
    if turns != expected:
        raise Failed(sent, wanted, turns_of(turns), idea or why(turns, expected, names))


def turns_of(names: list[str]) -> str:
    return f"the turns {' '.join(names)}" if names else "no turns"


def why(turns: list[str], expected: list[str], names: str) -> str:
    if turns == expected[: len(turns)]:
        return ONE_ROUND if len(turns) == len(names) else ALL_STOP
    if turns == sorted(expected, key=names.index) or turns == sorted(expected, key=names[::-1].index):
        return TURNS
    if turns[0] == turns[1]:
        return TOO_FAR
    return ORDER if turns[: len(names)] != list(names) else SKIPPED


def child_has_its_turns(run: Run) -> None:
    run.sent = "spawn for a parent with 6 turns, which spawns a child with 2 in its first; run()"
    expected = {"parent": "parent", "child": "child"}
    said = told_of(run, brief(expected), NO_END, {"RuntimeError": WHILE_RUNNING})
    if said[0] != expected:
        has_others = isinstance(said[0], dict) and said[0].keys() > expected.keys()
        raise Failed(run.sent, brief(expected), brief(said[0]), OWN_RESULTS if has_others else WHILE_RUNNING)
    turns = said[1]
    if turns[-1] != "parent":  # the newcomer had to wait for the end of those who were there
        raise Failed(run.sent, "turns of the child between those of the parent", ", ".join(turns), ORDER)


EXERCISE = Exercise(
    id="8.1",
    title="A scheduler of generators",
    name="Scheduler",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(TO_THE_END, "all of its turns in a row"),
        Wrong(FOR_LOOPS, "all of its turns in a row"),
        Wrong(LAST_FIRST, "all of its turns in a row"),
        Wrong(BACKWARDS, "stands behind all others"),
        Wrong(SKIPS, "passed over"),
        Wrong(CHANGES_IT, "while a `for` goes through it"),
        Wrong(ONE_TURN, "until all have ended"),
        Wrong(ENDS_ALL, "The others have not"),
        Wrong(RESULT_LOST, "travels in the exception"),
        Wrong(EXCEPTION_ITSELF, "travels in the exception"),
        Wrong(NOTHING_RETURNED, "returns a dictionary"),
        Wrong(A_LIST, "returns a dictionary"),
        Wrong(LAST_YIELDED, "travels in the exception"),
        Wrong(FALSY, "may return 0"),
        Wrong(NONE_IS_THE_END, "bare `yield`"),
        Wrong(AT_ONCE, "only adds"),
        Wrong(PUT_BACK, "never be empty"),
        Wrong(NOT_THE_NEW, "while it was running"),
        Wrong(HIDES, "leaves `run`"),
        Wrong(ONE_FOR_ALL, "of the other"),
        Wrong(NOT_CAUGHT, "must not leave `run`"),
        Wrong(BY_GENERATOR, "returns a dictionary"),
        Wrong(TWO_STEPS, "two turns at once"),
    ),
)
