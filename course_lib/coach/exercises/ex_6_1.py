"""Exercise 6.1: a heap of timers. The loop of exercise 9.7 can be made with it."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.run import Ideas, Run, brief

# --- the task

STUB = '''
import heapq


class Timer:
    def __init__(self, when, callback):
        self.when, self.callback = when, callback

    def cancel(self): ...

    def __call__(self): ...


class Timers:
    def add(self, when, callback):
        """Return a new Timer(when, callback), which is kept until it is due."""

    def next_due(self):
        """Return when the earliest timer is due that is not cancelled; None where there is none."""

    def take_due(self, now):
        """Take out the timers with `when <= now`, and return them as a list, the earliest first."""
'''

HINTS = (
    "Keep entries in a list and use `heapq.heappush(self.heap, entry)` and `heapq.heappop(self.heap)`, which"
    " returns the smallest entry; `self.heap[0]` is the smallest one, still in its place.",
    "An entry is a tuple that begins with `when`. Of two tuples with the same `when` the next parts are"
    " compared, and timers cannot be: put a number between, from `itertools.count()`, so that the first one"
    " to come is the smaller.",
    "`cancel` sets a mark. `next_due` takes marked timers off the front before it looks there; `__call__`"
    " looks at the mark once more, for what was cancelled after it had been taken out.",
)

# --- right answers

SOLUTION = '''
import heapq
import itertools


class Timer:
    def __init__(self, when, callback):
        self.when, self.callback = when, callback
        self.cancelled = False

    def cancel(self):
        self.cancelled = True

    def __call__(self):
        if not self.cancelled:
            self.callback()


class Timers:
    def __init__(self):
        self.heap = []
        self.numbers = itertools.count()

    def add(self, when, callback):
        """Return a new Timer, which is kept until it is due."""
        timer = Timer(when, callback)
        heapq.heappush(self.heap, (when, next(self.numbers), timer))
        return timer

    def next_due(self):
        """Return when the earliest timer is due that is not cancelled; None where there is none."""
        while self.heap and self.heap[0][2].cancelled:
            heapq.heappop(self.heap)
        return self.heap[0][0] if self.heap else None

    def take_due(self, now):
        """Take out the timers with `when <= now`, and return them as a list, the earliest first."""
        due = []
        while self.heap and self.heap[0][0] <= now:
            due.append(heapq.heappop(self.heap)[2])
        return due
'''

OTHER = """
import bisect


class Timer:
    def __init__(self, when, callback, timers):
        self.when, self.callback, self.timers = when, callback, timers

    def cancel(self):
        self.callback = None
        at = bisect.bisect_left(self.timers.sorted, self.when, key=lambda timer: timer.when)
        for timer in self.timers.sorted[at:]:
            if timer is self:
                self.timers.sorted.remove(self)
            if timer.when != self.when:
                break

    def __call__(self):
        if self.callback:
            self.callback()


class Timers:
    def __init__(self):
        self.sorted = []

    def add(self, when, callback):
        timer = Timer(when, callback, self)
        bisect.insort(self.sorted, timer, key=lambda timer: timer.when)
        return timer

    def next_due(self):
        return self.sorted[0].when if self.sorted else None

    def take_due(self, now):
        count = bisect.bisect_right(self.sorted, now, key=lambda timer: timer.when)
        due, self.sorted = self.sorted[:count], self.sorted[count:]
        return due
"""

# --- wrong answers

NO_NUMBER = (
    SOLUTION.replace("(when, next(self.numbers), timer)", "(when, timer)")
    .replace("self.heap[0][2]", "self.heap[0][1]")
    .replace("heapq.heappop(self.heap)[2]", "heapq.heappop(self.heap)[1]")
)

UNSORTED = SOLUTION.replace(
    "heapq.heappush(self.heap, (when, next(self.numbers), timer))",
    "self.heap.append((when, next(self.numbers), timer))",
)

LAST_FIRST = SOLUTION.replace("next(self.numbers), timer)", "-next(self.numbers), timer)")

CANCELLED_IN_FRONT = SOLUTION.replace(
    """        while self.heap and self.heap[0][2].cancelled:
            heapq.heappop(self.heap)
""",
    "",
)

ONE_CANCELLED = SOLUTION.replace(
    "while self.heap and self.heap[0][2].cancelled:", "if self.heap and self.heap[0][2].cancelled:"
)

CALLED_ALL_THE_SAME = SOLUTION.replace(
    "        if not self.cancelled:\n            self.callback()", "        self.callback()"
).replace(
    "            due.append(heapq.heappop(self.heap)[2])",
    "            timer = heapq.heappop(self.heap)[2]\n            if not timer.cancelled:\n"
    "                due.append(timer)",
)

NOT_YET = SOLUTION.replace("self.heap[0][0] <= now", "self.heap[0][0] < now")

ONE_ONLY = SOLUTION.replace(
    "while self.heap and self.heap[0][0] <= now", "if self.heap and self.heap[0][0] <= now"
)

LEFT_IN = SOLUTION.replace(
    """        due = []
        while self.heap and self.heap[0][0] <= now:
            due.append(heapq.heappop(self.heap)[2])
        return due""",
    "        return [timer for when, number, timer in sorted(self.heap) if when <= now]",
)

ZERO_IS_NOTHING = SOLUTION.replace(
    "return self.heap[0][0] if self.heap else None", "return (self.heap[0][0] if self.heap else 0) or None"
)

LOOKS_THROUGH_ALL = """
class Timer:
    def __init__(self, when, callback):
        self.when, self.callback, self.cancelled = when, callback, False

    def cancel(self):
        self.cancelled = True

    def __call__(self):
        if not self.cancelled:
            self.callback()


class Timers:
    def __init__(self):
        self.all = []

    def add(self, when, callback):
        self.all.append(Timer(when, callback))
        return self.all[-1]

    def next_due(self):
        return min((timer.when for timer in self.all if not timer.cancelled), default=None)

    def take_due(self, now):
        due = sorted((timer for timer in self.all if timer.when <= now), key=lambda timer: timer.when)
        self.all = [timer for timer in self.all if timer.when > now]
        return due
"""

ONE_FOR_ALL = SOLUTION.replace(
    """    def __init__(self):
        self.heap = []
        self.numbers = itertools.count()
""",
    "    heap = []\n\n    def __init__(self):\n        self.numbers = itertools.count()\n",
)

FIRST_IN_THE_LIST = SOLUTION.replace(
    """        while self.heap and self.heap[0][2].cancelled:
            heapq.heappop(self.heap)
        return self.heap[0][0] if self.heap else None""",
    "        return next((when for when, number, timer in self.heap if not timer.cancelled), None)",
)

HELD_UP = SOLUTION.replace(
    "            due.append(heapq.heappop(self.heap)[2])",
    """            timer = heapq.heappop(self.heap)[2]
            if timer.cancelled:
                break
            due.append(timer)""",
)

POPS = SOLUTION.replace("return self.heap[0][0] if", "return heapq.heappop(self.heap)[0] if")

NO_CANCEL = SOLUTION.replace("self.cancelled = True", "...")

NOT_RETURNED = SOLUTION.replace("        return timer\n", "")

CALLBACKS = SOLUTION.replace("heapq.heappop(self.heap)[2])", "heapq.heappop(self.heap))")

# --- words and numbers of the judge

ORDER = (
    "What is due first comes first, in whatever order it was added: the smallest `when` must always be in"
    " front."
)
SAME = (
    "Timers that are due at the same moment come in the order in which they were added. Of two tuples that"
    " begin alike the next parts are compared: what stands there must be comparable, and smaller for the one"
    " that was added first."
)
MOMENT = "`next_due` returns a moment: the `when` of a timer, and nothing else of it."
LOOKS = "`next_due` only looks: the timer stays where it is until `take_due` takes it out."
CALLS = "A call of the timer, `timer()`, calls its callback, unless it was cancelled."
DUE = "A timer is due when its `when` has come, `when <= now`; the others stay for later."
TAKEN = "What has been taken out is gone: it comes once."
CANCELLED = "A timer that is cancelled is never called, and nobody wakes for it."
BEHIND = "A cancelled timer stands before others that are due. It is left out, and holds none of them up."
ONLY_ONE = "Several timers may be due at the same moment. Who cancels one of them cancels no other."
NEXT_IN_LINE = (
    "The earliest timer has been cancelled, and the loop would sleep too long: another one is due before"
    " that. Only the front of a heap is the smallest of all; what stands behind it is in no order that a"
    " `for` could go by, and stays a heap only where `heapq` moves it."
)
IN_FRONT = (
    "The earliest timer has been cancelled, and so have some behind it. The loop would wake for nothing: the"
    " answer is the earliest one that is still to be called."
)
TOO_LATE = (
    "The first callback has cancelled the second one, when both had been taken out already. So the mark must"
    " be looked at once more, at the last moment: when the timer is called."
)
HARMLESS = "To cancel a timer twice, or one that has been called, changes nothing."
ZERO = "0 is a time like any other; only None says that there is no timer."
RETURNS = "Who adds a timer may want to cancel it: `add` returns the timer."
OWN = "Two objects of the class, and one has the timers of the other."
MANY_TIMERS = (
    "The answer is right, but each call looks through all timers, and a server has one for each client. A"
    " heap keeps the smallest entry in front, and moves only a few others."
)
SHAPE = "`take_due` returns a list of timers, each of them as `add` has returned it: the loop will call them."
SEVERAL = "abcdefghijkl"
IN_NO_ORDER = "abdec"
"""Added so, they stand in the heap's list in this order: after a, b and d comes not the smallest one."""
MANY, COMPARISONS = 1000, 150_000
"""So many timers; a heap needs 22,000 comparisons for them, and looking through all needs a million."""


# --- in the learner's process


class Counted(float):
    """A time that counts how often it is compared."""

    count = 0


def counting(name: str) -> Callable[[Any, Any], Any]:
    compare = getattr(float, name)

    def method(self: Any, other: Any) -> Any:
        Counted.count += 1
        return compare(self, other)

    return method


for _name in ("__lt__", "__le__", "__gt__", "__ge__", "__eq__", "__ne__"):
    setattr(Counted, _name, counting(_name))
Counted.__hash__ = float.__hash__  # type: ignore[method-assign]


class Book:
    """A Timers of the learner's, and the names of those that have been called."""

    def __init__(self, Timers: Any) -> None:
        self.timers = Timers()
        self.called: list[str] = []
        self.taken = 0

    def add(self, when: float, name: str) -> Any:
        return self.timers.add(when, lambda: self.called.append(name))

    def run(self, now: float) -> list[str] | str:
        """Take out what is due and call it; return the names of those called."""
        due = self.timers.take_due(now)
        if not isinstance(due, list):
            return f"take_due({now:g}) returned {'None' if due is None else f'a {type(due).__name__}'}"
        self.called = []
        for timer in due:
            if not callable(timer):
                return f"take_due({now:g}) returned a list with a {type(timer).__name__} in it"
            timer()
        self.taken = len(due)
        return self.called


def drive(Timers: Any, start: float, whens: list[float]) -> Iterator[Any]:
    """Each step yields what the judge compares."""
    book, other = Book(Timers), Book(Timers)
    yield [book.timers.next_due(), book.run(start)]
    first = book.add(start + whens[0], f"{whens[0]:g}")
    cancel = "with" if callable(getattr(first, "cancel", None)) else "without"
    yield f"{type(first).__name__}, {cancel} cancel"
    for when in whens[1:]:
        book.add(start + when, f"{when:g}")
    yield [book.timers.next_due(), book.timers.next_due()]
    yield [other.timers.next_due(), other.run(start + 100)]
    called = book.run(start + 5)
    yield called if called or not book.taken else f"{book.taken} timers, and a call of each calls nothing"
    yield [book.run(start + 5), book.timers.next_due(), book.run(start + 100)]
    zero = Book(Timers)
    zero.add(0.0, "zero")
    yield zero.timers.next_due()
    yield from same_moment(Timers, start)
    yield from cancelling(Timers, start)
    yield count_comparisons(Timers, [start + when for when in whens])


def same_moment(Timers: Any, start: float) -> Iterator[Any]:
    book = Book(Timers)
    for name in SEVERAL:
        book.add(start + 1, name)
    yield book.run(start + 1)


def cancelling(Timers: Any, start: float) -> Iterator[Any]:
    book = Book(Timers)
    timers = {name: book.add(start + "_abcde".index(name), name) for name in IN_NO_ORDER}
    for name in ("a", "b", "d", "b"):
        timers[name].cancel()
    yield book.timers.next_due()
    yield book.run(start + 10)
    timers["c"].cancel()
    timers["a"].cancel()
    yield [book.timers.next_due(), book.run(start + 10)]
    book.add(start + 20, "x").cancel()
    yield book.timers.next_due()
    later: list[Any] = []
    book.timers.add(start + 30, lambda: later[0].cancel())
    later.append(book.add(start + 31, "second"))
    book.add(start + 32, "third")
    yield book.run(start + 40)
    timers = {name: book.add(start + 50, name) for name in "abcd"}
    timers["c"].cancel()
    yield book.run(start + 50)


def count_comparisons(Timers: Any, whens: list[float]) -> int:
    timers = Timers()
    Counted.count = 0
    for number in range(MANY):
        timers.add(Counted(whens[number % len(whens)] + number * 7 % 501), print)
        timers.next_due()
    while (due := timers.next_due()) is not None:
        if not timers.take_due(due):
            break
    return Counted.count


# --- the judge


def judge(exam: Exam) -> None:
    whens = [float(when) for when in exam.random.sample([2, 3, 4, 5, 6, 7, 8, 9], 8)]
    whens.insert(exam.random.randrange(1, 9), 1.0)  # not first: what is added first must not be due first
    start = float(exam.random.randrange(1000, 9000))
    early, late = [f"{each}" for each in range(1, 6)], [f"{each}" for each in range(6, 10)]
    run = exam.run(drive, start, whens)
    at = Steps(run, start)
    at.expect("a new Timers: next_due(), take_due(now)", [None, []], "As yet there is no timer.")
    run.sent = "add(when, callback)"
    made = run.next()
    if "without" in made:
        raise Failed(run.sent, "a timer, with a method cancel", made, RETURNS)
    added = f"add(…) for timers that are due in {', '.join(f'{when:g}' for when in whens)} seconds"
    at.expect(f"{added}; next_due() twice", [start + 1, start + 1], ORDER, wrong_moment)
    at.expect(f"{added}; next_due() and take_due(now) of another Timers", [None, []], OWN)
    calls = partial(wrong_calls, early)
    at.expect(f"{added}; take_due(now + 5), and a call of each", early, ORDER, calls)
    at.expect(
        f"{added}; take_due(now + 5) twice, next_due(), take_due(now + 100)", [[], start + 6, late], TAKEN
    )
    at.expect("add(0.0, callback), next_due()", 0.0, ZERO)
    at.expect(
        f"timers {', '.join(SEVERAL)} for the same moment, take_due(then), and a call of each",
        list(SEVERAL),
        SAME,
        ideas={"TypeError": SAME},
    )
    cancelling_is_right(at)
    run.sent = f"{MANY:,} times add(…) and next_due(), then take_due(…) until there is none"
    comparisons = run.next(8.0, idea=MANY_TIMERS)
    if comparisons > COMPARISONS:
        raise Failed(run.sent, "some 20,000 comparisons of times", f"{comparisons:,}", MANY_TIMERS)
    run.result()


def cancelling_is_right(at: "Steps") -> None:
    cancelled = "timers a, b, d, e, c, due in 1, 2, 4, 5, 3 seconds; a, b and d are cancelled, b twice"
    at.expect(
        f"{cancelled}; next_due()",
        at.start + 3,
        IN_FRONT,
        lambda got: NEXT_IN_LINE if got == at.start + 5 else IN_FRONT,
    )
    at.expect(
        f"{cancelled}; take_due(now + 10), and a call of each",
        ["c", "e"],
        BEHIND,
        lambda got: BEHIND if len(got) < 2 else CANCELLED,
    )
    at.expect(
        f"{cancelled}; c and e are called; c and a cancelled again; next_due(), take_due(…)",
        [None, []],
        HARMLESS,
    )
    at.expect("one timer, which is cancelled; next_due()", None, CANCELLED)
    at.expect(
        "three timers, all due; take_due(…), and a call of each; the first callback cancels the second timer",
        ["third"],
        TOO_LATE,
    )
    at.expect(
        "timers a, b, c, d for the same moment, c is cancelled; take_due(then), and a call of each",
        ["a", "b", "d"],
        ONLY_ONE,
    )


def wrong_moment(got: list[Any]) -> str:
    """Return the idea that is missing where next_due has returned these."""
    if not all(isinstance(each, float) for each in got):
        return MOMENT
    return ORDER if got[0] == got[1] else LOOKS


def wrong_calls(early: list[str], got: Any) -> str:
    """Return the idea that is missing where these have been called."""
    if isinstance(got, str):
        return CALLS
    return ORDER if sorted(got) == early else DUE


class Steps:
    """The driver's steps, one after the other."""

    def __init__(self, run: Run, start: float) -> None:
        self.run, self.start = run, start

    def expect(
        self,
        sent: str,
        expected: Any,
        idea: str,
        why: Callable[[Any], str] | None = None,
        ideas: Ideas | None = None,
    ) -> None:
        """Expect ``expected`` next. ``now`` is left out of the words: times are told relative to it."""
        self.run.sent = sent
        try:
            got = self.run.next(ideas=ideas, idea=idea)
        except Failed as failure:
            raise Failed(sent, self.words(expected), failure.got, failure.idea) from None
        if got == expected and type(got) is type(expected):
            return
        if "take_due(" in str(got):
            idea = SHAPE
        elif why:
            idea = why(got)
        raise Failed(sent, self.words(expected), self.words(got), idea)

    def words(self, value: Any) -> str:
        if isinstance(value, list) and not all(isinstance(each, str) for each in value):
            return ", ".join(map(self.words, value))
        if isinstance(value, float) and value >= self.start:
            return f"now + {value - self.start:g}"
        if isinstance(value, str):
            return value
        if isinstance(value, list):
            return f"calls of {', '.join(value)}" if value else "no calls"
        return brief(value)


EXERCISE = Exercise(
    id="6.1",
    title="A heap of timers",
    name="Timers",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(NO_NUMBER, "must be comparable"),
        Wrong(UNSORTED, "must always be in front"),
        Wrong(LAST_FIRST, "in the order in which they were added"),
        Wrong(CANCELLED_IN_FRONT, "has been cancelled"),
        Wrong(ONE_CANCELLED, "some behind it"),
        Wrong(FIRST_IN_THE_LIST, "Only the front of a heap"),
        Wrong(HELD_UP, "holds none of them up"),
        Wrong(POPS, "only looks"),
        Wrong(CALLED_ALL_THE_SAME, "at the last moment"),
        Wrong(NOT_YET, "when <= now"),
        Wrong(ONE_ONLY, "when <= now"),
        Wrong(LEFT_IN, "it comes once"),
        Wrong(ZERO_IS_NOTHING, "0 is a time"),
        Wrong(LOOKS_THROUGH_ALL, "looks through all timers"),
        Wrong(ONE_FOR_ALL, "the timers of the other"),
        Wrong(NO_CANCEL, "has been cancelled"),
        Wrong(NOT_RETURNED, "may want to cancel it"),
        Wrong(CALLBACKS, "the loop will call them"),
    ),
)
