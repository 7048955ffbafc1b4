"""Exercise 8.2: a future. The loop of exercise 9.7 can be made with it."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.run import Ideas, Run, brief

# --- the task

STUB = '''
class Future:
    """A result that is not there yet."""

    def __init__(self, loop):
        self.loop = loop

    def done(self):
        """Tell whether it has a result or an exception."""

    def result(self):
        """Return the result or raise the exception; raise RuntimeError while there is neither."""

    def set_result(self, result):
        """Be done, with this result. Raise RuntimeError if it is done already."""

    def set_exception(self, exception):
        """Be done, with this exception. Raise RuntimeError if it is done already."""

    def add_done_callback(self, callback):
        """Have the loop call `callback(self)` when it is done: loop.call_soon(callback, self)."""

    def __await__(self):
        """A generator: yields the future itself if it is not done; then returns what result() does."""
'''

HINTS = (
    "Four things are to be kept: whether it is done, the result, the exception, and a list of callbacks. Do"
    " not guess the first from the second: None is a result like any other.",
    "`set_result` and `set_exception` do the same, but for what they keep. When they have kept it, each"
    " callback of the list goes to `self.loop.call_soon(callback, self)`. `add_done_callback` does that, too,"
    " if it is done already; otherwise it appends to the list.",
    "`__await__` has three lines: `if not self.done():`, `yield self`, and `return self.result()`. The"
    " `yield` makes it a generator, and what it returns is what `await` gives.",
)

# --- right answers

SOLUTION = '''
class Future:
    """A result that is not there yet."""

    def __init__(self, loop):
        self.loop = loop
        self.is_done = False
        self.value = self.error = None
        self.callbacks = []

    def done(self):
        """Tell whether it has a result or an exception."""
        return self.is_done

    def result(self):
        """Return the result or raise the exception; raise RuntimeError while there is neither."""
        if not self.is_done:
            raise RuntimeError("there is no result yet")
        if self.error is not None:
            raise self.error
        return self.value

    def set_result(self, result):
        """Be done, with this result. Raise RuntimeError if it is done already."""
        self.settle(result, None)

    def set_exception(self, exception):
        """Be done, with this exception. Raise RuntimeError if it is done already."""
        self.settle(None, exception)

    def settle(self, value, error):
        if self.is_done:
            raise RuntimeError("it is done already")
        self.is_done, self.value, self.error = True, value, error
        for callback in self.callbacks:
            self.loop.call_soon(callback, self)

    def add_done_callback(self, callback):
        """Have the loop call `callback(self)` when it is done: loop.call_soon(callback, self)."""
        if self.is_done:
            self.loop.call_soon(callback, self)
        else:
            self.callbacks.append(callback)

    def __await__(self):
        """A generator: yields the future itself if it is not done; then returns what result() does."""
        if not self.is_done:
            yield self
        return self.result()
'''

OTHER = """
class Future:
    def __init__(self, loop):
        self.loop, self.waiting = loop, []
        self.outcome = self.pending

    def pending(self):
        raise RuntimeError("there is no result yet")

    def done(self):
        return self.outcome != self.pending

    def result(self):
        return self.outcome()

    def set_result(self, result):
        self.settle(lambda: result)

    def set_exception(self, exception):
        def fail():
            raise exception

        self.settle(fail)

    def settle(self, outcome):
        if self.done():
            raise RuntimeError("settled twice")
        self.outcome = outcome
        while self.waiting:
            self.add_done_callback(self.waiting.pop(0))

    def add_done_callback(self, callback):
        self.loop.call_soon(callback, self) if self.done() else self.waiting.append(callback)

    def __await__(self):
        while not self.done():
            yield self
        return self.outcome()
"""

# --- wrong answers


def changed(old: str, new: str) -> str:
    assert old in SOLUTION, old
    return SOLUTION.replace(old, new)


AT_ONCE = changed(
    "        for callback in self.callbacks:\n            self.loop.call_soon(callback, self)",
    "        for callback in self.callbacks:\n            callback(self)",
)

CALLED_FOR_THE_QUEUE = SOLUTION.replace("call_soon(callback, self)", "call_soon(callback(self))")

LATE_AT_ONCE = changed(
    "        if self.is_done:\n            self.loop.call_soon(callback, self)",
    "        if self.is_done:\n            callback(self)",
)

LATE_NEVER = changed(
    """        if self.is_done:
            self.loop.call_soon(callback, self)
        else:
            self.callbacks.append(callback)""",
    "        self.callbacks.append(callback)",
)

WITHOUT_ITSELF = SOLUTION.replace("call_soon(callback, self)", "call_soon(callback)")

THE_LAST_ONLY = changed("self.callbacks.append(callback)", "self.callbacks = [callback]")

ONE_FOR_ALL = SOLUTION.replace("        self.callbacks = []\n", "").replace(
    "    def __init__", "    callbacks = []\n\n    def __init__"
)

NONE_IS_PENDING = changed(
    "return self.is_done", "return self.value is not None or self.error is not None"
).replace("if not self.is_done", "if not self.done()")

OVERWRITES = changed(
    """        if self.is_done:
            raise RuntimeError("it is done already")
        self""",
    "        self",
)

NONE_YET = changed('            raise RuntimeError("there is no result yet")', "            return None")

WAITS_INSIDE = changed(
    """        if not self.is_done:
            raise RuntimeError("there is no result yet")""",
    """        while not self.is_done:
            pass""",
)

SAME_NAME = changed(
    "self.value, self.error = True, value, error", "self.result, self.error = True, value, error"
)

RETURNS_THE_ERROR = changed("            raise self.error", "            return self.error")

TELLS_NOBODY_OF_ERRORS = changed(
    "        self.settle(None, exception)",
    """        if self.is_done:
            raise RuntimeError("it is done already")
        self.is_done, self.error = True, exception""",
)

GIVES_NOTHING = changed("        return self.result()\n", "        self.result()\n")

GIVES_WHAT_IS_SENT = changed(
    "            yield self\n        return self.result()",
    "            return (yield self)\n        return self.result()",
)

BARE_YIELD = changed("            yield self", "            yield")

ALWAYS_YIELDS = changed("        if not self.is_done:\n            yield self\n", "        yield self\n")

NO_YIELD = changed(
    "        if not self.is_done:\n            yield self\n        return self.result()",
    "        return self.result()",
)

ASYNC = changed("    def __await__(self):", "    async def __await__(self):").replace(
    "            yield self\n", "            return await self\n"
)

DONE_IS_A_FLAG = SOLUTION.replace("self.is_done", "self.done")

VALUE_AT_ONCE = changed(
    "            yield self\n        return self.result()",
    "            yield self\n            return self.result()\n        return self.value",
)

FAILS_UNGUARDED = changed(
    """        self.settle(None, exception)

    def settle(self, value, error):
        if self.is_done:
            raise""",
    """        self.settle(None, exception)

    def settle(self, value, error):
        if self.is_done and self.error is None:
            raise""",
)

SPINS = changed(
    "        if not self.is_done:\n            yield self\n",
    "        while not self.is_done:\n            pass\n        yield from ()\n",
)

# --- words and numbers of the judge

PENDING = "There is no result yet, and None would look like one: who asks too early must notice."
NOT_HERE = "`result` waits for nothing: nobody could set the result meanwhile, there is one thread."
DONE = "It is done when it has been settled, whatever the result is: None and 0 are results like any other."
HIDDEN = (
    "An attribute of the object has the name of a method, and hides the method. Keep what you keep under"
    " another name."
)
ONCE = (
    "Whoever waits has acted upon the first result, perhaps. A future is settled once; to do it again is a"
    " mistake, and raises RuntimeError."
)
RAISES = "An exception is kept so that it can be raised where somebody asks for the result, each time anew."
DIRECTLY = (
    "The callback was called from within. It goes into the queue of the loop, so that it runs when nobody is"
    " in the middle of something: `call_soon` gets the function and its argument."
)
GETS_IT = "One function may wait for many futures: the callback is told which one is done."
ALL = "Any number may wait for one future: each of them is called, in the order in which they have asked."
OWN = "Two objects of the class, and one has the callbacks of the other."
LATE = "It is done already: nobody will settle it again, so this callback has to be put into the queue now."
FAILS_TOO = "A future that has failed is done as well. Who waits for it is told, or else waits for ever."
ITERATOR = (
    "`__await__` is an ordinary method that returns an iterator, and the simplest way to write one is a"
    " `yield` in it. It hands over before it asks for the result."
)
HANDS_OVER = (
    "What is yielded comes out where the coroutine was resumed, and tells whoever has done that what it waits"
    " for: this future."
)
NO_WAITING = "`__await__` waits for nothing by itself: it yields, and is resumed when the future is done."
GIVES = (
    "`await` gives what the generator returns. Who resumes it sends None; the result is to be had of the"
    " future itself."
)
NOT_SUSPENDED = (
    "It is done already, so there is nothing to wait for: no `yield`, and the result is returned at once."
)
IN_THE_COROUTINE = (
    "The exception of a future is raised in the coroutine that awaits it, where it can be caught."
)


# --- in the learner's process


class Queue:
    """A loop that is nothing but a queue."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, tuple[Any, ...]]] = []
        self.on_error = print

    def call_soon(self, callback: Any, *args: Any) -> None:
        self.calls.append((callback, args))

    def round(self) -> None:
        calls, self.calls = self.calls, []
        for callback, args in calls:
            callback(*args)


def told(call: Callable[[], Any]) -> str:
    """Return in words what a call returns or raises."""
    try:
        value = call()
    except RuntimeError:
        return "RuntimeError"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return f"returned {value!r}"


def is_done(future: Any) -> bool | str:
    """Return what ``done()`` says, or in words that it cannot be called."""
    if not callable(future.done):
        return f"TypeError: {type(future.done).__name__!r} object is not callable"
    return bool(future.done())


def drive(Future: Any, word: str) -> Iterator[Any]:
    """Each step yields what the judge compares."""
    future = Future(Queue())
    yield is_done(future)
    yield told(future.result)
    for result in (word, None, 0):
        future = Future(Queue())
        future.set_result(result)
        yield is_done(future)
        yield told(future.result)
    yield [
        told(lambda: future.set_result(1)),
        told(lambda: future.set_exception(OSError())),
        told(future.result),
    ]
    future = Future(Queue())
    future.set_exception(ValueError(word))
    yield [is_done(future), told(future.result), told(future.result)]
    yield [told(lambda: future.set_exception(OSError())), told(lambda: future.set_result(1)), is_done(future)]
    yield from calling(Future)
    yield from awaiting(Future, word)


def calling(Future: Any) -> Iterator[Any]:
    queue, called = Queue(), []

    def noting(name: str) -> Callable[[Any], None]:
        return lambda got: called.append(
            [name, "the future" if got is future else repr(got), bool(future.done())]
        )

    for method, value in (("set_result", 1), ("set_exception", ValueError())):
        future, other = Future(queue), Future(queue)
        for name in "abc":
            future.add_done_callback(noting(name))
        queue.round()
        yield list(called)
        other.set_result(2)
        queue.round()
        yield list(called)
        getattr(future, method)(value)
        yield list(called)
        queue.round()
        queue.round()
        yield list(called)
        called.clear()
        future.add_done_callback(noting("late"))
        yield list(called)
        queue.round()
        yield list(called)
        called.clear()
        told(future.result)  # so that nobody complains of an exception that was not looked at


async def waiting(future: Any) -> Any:
    return await future


async def catching(future: Any) -> Any:
    try:
        await future
    except ValueError as error:
        return f"caught {error}"


def resumed(coro: Coroutine[Any, Any, Any], future: Any) -> str:
    """Resume ``coro`` as a task does; return in words what came of it."""
    try:
        trap = coro.send(None)
    except StopIteration as stop:
        return f"returned {stop.value!r}"
    return "yielded the future" if trap is future else f"yielded {type(trap).__name__}"


def awaiting(Future: Any, word: str) -> Iterator[Any]:
    future = Future(Queue())
    first, second, third = waiting(future), waiting(future), waiting(future)
    yield resumed(first, future)
    yield resumed(second, future)
    future.set_result(word)
    yield resumed(first, future)
    yield resumed(second, future)
    yield resumed(third, future)
    future = Future(Queue())
    coro = catching(future)
    yield resumed(coro, future)
    future.set_exception(ValueError(word))
    yield resumed(coro, future)
    yield resumed(catching(future), future)


# --- the judge


def judge(exam: Exam) -> None:
    word = exam.word()
    run = exam.run(drive, word)
    step(run, "a new Future: done()", False, "It is new, and nobody has settled it.")
    step(run, "a new Future: result()", "RuntimeError", PENDING, NOT_HERE)
    for result in (word, None, 0):
        step(run, f"set_result({result!r}); done()", True, DONE)
        step(run, f"set_result({result!r}); result()", f"returned {result!r}", DONE)
    step(
        run,
        "set_result(0); set_result(1); set_exception(OSError()); result()",
        ["RuntimeError", "RuntimeError", "returned 0"],
        ONCE,
    )
    fails = f"ValueError: {word}"
    sent = f'set_exception(ValueError("{word}"))'
    raising = {"ValueError": RAISES}
    step(run, f"{sent}; done(), result(), result()", [True, fails, fails], RAISES, ideas=raising)
    again = f"{sent}; set_exception(OSError()); set_result(1); done()"
    step(run, again, ["RuntimeError", "RuntimeError", True], ONCE)
    callbacks_are_right(run)
    awaiting_is_right(run, word)
    run.result()


def step(run: Run, sent: str, expected: Any, idea: str, slow: str = "", ideas: Ideas | None = None) -> None:
    """Expect ``expected`` next. ``slow`` is the idea for a call that does not return."""
    run.sent = sent
    try:
        got = run.next(ideas=ideas, idea=slow or idea)
    except Failed as failure:
        raise Failed(sent, words(expected), failure.got, failure.idea) from None
    if got != expected or type(got) is not type(expected):
        raise Failed(sent, words(expected), words(got), HIDDEN if "not callable" in words(got) else idea)


def words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(words, value))
    return value if isinstance(value, str) else brief(value)


def callbacks_are_right(run: Run) -> None:
    for settle, idea in (("set_result(1)", ALL), ("set_exception(ValueError())", FAILS_TOO)):
        added = "add_done_callback for a, b, c"
        calls(run, added, [], DIRECTLY)
        calls(run, f"{added}; another Future is settled", [], OWN)
        calls(run, f"{added}; {settle}", [], DIRECTLY)
        calls(run, f"{added}; {settle}; two rounds of the loop", ["a", "b", "c"], idea)
        calls(run, f"{settle}; add_done_callback for a callback", [], DIRECTLY)
        calls(run, f"{settle}; add_done_callback for a callback; a round of the loop", ["late"], LATE)


def calls(run: Run, sent: str, names: list[str], idea: str) -> None:
    """Expect that these have been called by now, each with the future."""
    run.sent = sent
    expected = f"calls of {', '.join(names)}" if names else "no call"
    try:
        got = run.next(ideas={"TypeError": GETS_IT}, idea=idea)
    except Failed as failure:
        raise Failed(sent, expected, failure.got, failure.idea) from None
    if [name for name, _, _ in got] != names:
        called = f"calls of {', '.join(name for name, _, _ in got)}" if got else "no call"
        raise Failed(sent, expected, called, idea)
    for name, given, is_done in got:
        if given != "the future":
            raise Failed(sent, f"{name}(the future)", f"{name}({given})", GETS_IT)
        if not is_done:
            raise Failed(sent, "a future that is done", "one that is not", DONE)


def awaiting_is_right(run: Run, word: str) -> None:
    bad = {"TypeError": ITERATOR, "RuntimeError": ITERATOR, "RecursionError": ITERATOR}
    pending = "a coroutine that awaits the future is resumed"
    for _ in range(2):
        step(run, pending, "yielded the future", HANDS_OVER, NO_WAITING, bad)
    for _ in range(2):
        sent = f"the same after set_result({word!r})"
        step(run, sent, f"returned {word!r}", GIVES, NO_WAITING, bad)
    sent = "a coroutine that awaits a future which is done is resumed"
    step(run, sent, f"returned {word!r}", NOT_SUSPENDED, NO_WAITING, bad)
    step(run, pending, "yielded the future", HANDS_OVER, NO_WAITING, bad)
    sent = f'the same after set_exception(ValueError("{word}")); it has an `except` around the await'
    caught = f"returned {f'caught {word}'!r}"
    step(run, sent, caught, IN_THE_COROUTINE, NO_WAITING, bad)
    sent = "a coroutine that awaits a future which has failed is resumed; it has an `except` around the await"
    step(run, sent, caught, IN_THE_COROUTINE, NO_WAITING, bad)


EXERCISE = Exercise(
    id="8.2",
    title="A result that is not there yet",
    name="Future",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(AT_ONCE, "called from within"),
        Wrong(CALLED_FOR_THE_QUEUE, "called from within"),
        Wrong(LATE_AT_ONCE, "called from within"),
        Wrong(LATE_NEVER, "nobody will settle it again"),
        Wrong(WITHOUT_ITSELF, "told which one"),
        Wrong(THE_LAST_ONLY, "each of them is called"),
        Wrong(ONE_FOR_ALL, "of the other"),
        Wrong(NONE_IS_PENDING, "whatever the result is"),
        Wrong(OVERWRITES, "settled once"),
        Wrong(NONE_YET, "would look like one"),
        Wrong(WAITS_INSIDE, "there is one thread"),
        Wrong(SAME_NAME, "hides the method"),
        Wrong(RETURNS_THE_ERROR, "can be raised"),
        Wrong(TELLS_NOBODY_OF_ERRORS, "has failed is done as well"),
        Wrong(GIVES_NOTHING, "what the generator returns"),
        Wrong(GIVES_WHAT_IS_SENT, "what the generator returns"),
        Wrong(BARE_YIELD, "what it waits for"),
        Wrong(ALWAYS_YIELDS, "nothing to wait for"),
        Wrong(NO_YIELD, "returns an iterator"),
        Wrong(ASYNC, "returns an iterator"),
        Wrong(SPINS, "is resumed when"),
        Wrong(DONE_IS_A_FLAG, "hides the method"),
        Wrong(FAILS_UNGUARDED, "settled once"),
        Wrong(VALUE_AT_ONCE, "that awaits it"),
    ),
)
