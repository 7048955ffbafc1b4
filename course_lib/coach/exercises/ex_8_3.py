"""Exercise 8.3: the step of a task. The loop of exercise 9.7 can be made with it."""

import re
import types
from collections.abc import Awaitable, Callable, Generator, Iterator
from typing import Any

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.run import Ideas, Run, brief

# --- the task

STUB = '''
from course_lib import Future


class Task(Future):
    """Runs `coro` on `loop`, step by step. It is a future of what the coroutine returns."""

    def __init__(self, coro, loop):
        super().__init__(loop)
        self.coro = coro
        loop.call_soon(self.step)

    def step(self, done=None):
        """Resume the coroutine once. Where it yields a future, that calls `step` when it is done.

        `done` is the future that it has waited for. Where it yields None: again in the next round.
        """
'''

HINTS = (
    "One step is one `self.coro.send(None)`. It ends in one of three ways: the coroutine yields something,"
    " it returns, or it raises.",
    "It has returned: StopIteration, with the result in it, for `set_result`. It has raised anything else:"
    " for `set_exception`. It has yielded: a future, whose `add_done_callback` gets `self.step`, or None, and"
    " then the loop gets it.",
    "What to send, when the future has failed? None, as ever: the coroutine stands in the `__await__` of"
    " that future, which will ask it for its result, and raise what is there to be raised.",
)

# --- right answers

SOLUTION = '''
from course_lib import Future


class Task(Future):
    """Runs `coro` on `loop`, step by step. It is a future of what the coroutine returns."""

    def __init__(self, coro, loop):
        super().__init__(loop)
        self.coro = coro
        loop.call_soon(self.step)

    def step(self, done=None):
        """Resume the coroutine once. Where it yields a future, that calls `step` when it is done."""
        try:
            trap = self.coro.send(None)
        except StopIteration as stop:
            self.set_result(stop.value)
        except Exception as error:
            self.set_exception(error)
        else:
            if trap is None:
                self.loop.call_soon(self.step)
            else:
                trap.add_done_callback(self.step)
'''

OTHER = """
from course_lib import Future


class Task(Future):
    def __init__(self, coro, loop):
        super().__init__(loop)
        self.steps = self.noting(coro).__await__()
        self.loop.call_soon(self.step)

    async def noting(self, coro):
        try:
            result = await coro
        except Exception as error:
            self.set_exception(error)
        else:
            self.set_result(result)

    def step(self, done=None):
        for trap in self.steps:
            again = trap.add_done_callback if trap else self.loop.call_soon
            return again(self.step)
"""

# --- wrong answers


def stepping(body: str, head: str = "    def step(self, done=None):") -> str:
    """Return an answer with this in place of ``step``."""
    before = STUB.partition("    def step")[0]
    return before + head + "\n        " + body.strip().replace("\n", "\n        ") + "\n"


def changed(old: str, new: str) -> str:
    return SOLUTION.replace(old, new)


NEXT = changed("self.coro.send(None)", "next(self.coro)")

RUNS_ON = stepping("""
try:
    while True:
        self.coro.send(None)
except StopIteration as stop:
    self.set_result(stop.value)
except Exception as error:
    self.set_exception(error)
""")

POLLS = changed(
    """            if trap is None:
                self.loop.call_soon(self.step)
            else:
                trap.add_done_callback(self.step)
""",
    "            self.loop.call_soon(self.step)\n",
)

BLOCKS = changed(
    "                trap.add_done_callback(self.step)",
    """                while not trap.done():
                    pass
                self.step()""",
)

FUTURES_ONLY = changed(
    """            if trap is None:
                self.loop.call_soon(self.step)
            else:
                trap.add_done_callback(self.step)
""",
    "            trap.add_done_callback(self.step)\n",
)

NONE_IS_NOTHING = changed(
    """            if trap is None:
                self.loop.call_soon(self.step)
            else:
                trap""",
    """            if trap is not None:
                trap""",
)

STEPS_AT_ONCE = changed("self.loop.call_soon(self.step)", "self.step()")

NO_TRY = stepping("""
trap = self.coro.send(None)
if trap is None:
    self.loop.call_soon(self.step)
else:
    trap.add_done_callback(self.step)
""")

NO_FUTURE = SOLUTION.replace("class Task(Future)", "class Task").replace(
    "        super().__init__(loop)\n", ""
)

NO_RESULT = changed("            self.set_result(stop.value)", "            pass")

THE_EXCEPTION = changed("stop.value", "stop")

NONE_RETURNED = changed("stop.value", "None")

END_IS_A_FAILURE = changed(
    """        except StopIteration as stop:
            self.set_result(stop.value)
        except Exception as error:
            self.set_exception(error)
""",
    """        except Exception as error:
            self.set_exception(error)
""",
)

NOT_CAUGHT = changed(
    """        except Exception as error:
            self.set_exception(error)
""",
    "",
)

SWALLOWED = changed("            self.set_exception(error)", "            self.set_result(None)")

SENDS_THE_RESULT = changed(
    "            trap = self.coro.send(None)",
    "            trap = self.coro.send(done.result() if done else None)",
)

NO_PARAMETER = changed("def step(self, done=None)", "def step(self)")

CALLED_AT_ONCE = changed("add_done_callback(self.step)", "add_done_callback(self.step())")

NOT_RESUMED = changed(
    "                trap.add_done_callback(self.step)", "                self.waits_for = trap"
)

THROWS_NOTHING = changed(
    "trap = self.coro.send(None)",
    "trap = self.coro.throw(done.exception()) if done else self.coro.send(None)",
)

ONE_KIND_ONLY = changed("except Exception as error", "except ValueError as error")

NO_TASKS = SOLUTION.replace("if trap is None", "if type(trap) is not Future")

# --- words and numbers of the judge

IS_FUTURE = "A task is a future of what its coroutine returns: derive the class from Future."
NEXT_ROUND = (
    "Who makes a task is in the middle of something. The first step comes in the next round of the loop."
)
BEGINS = (
    "A round has passed, and nobody has resumed the coroutine. `step` is an ordinary function: the loop calls"
    " it, and then and there it does `coro.send(None)`."
)
RESUMES = (
    "A coroutine is resumed by `send`, as a generator is; but it is no iterator, and `next` and `for` do not"
    " take it. What is sent to one that has not begun must be None."
)
ENDS = (
    "When the coroutine returns, `send` raises StopIteration, with what it returned inside. That is the"
    " result."
)
NO_FAILURE = (
    "StopIteration is how a coroutine returns: no failure. It is an Exception all the same, so it must be"
    " looked for first."
)
WAITS = (
    "The coroutine has yielded a future that is not done. It has nothing to do until that calls it back: no"
    " step, no call in the queue, no loop that waits; the thread belongs to others."
)
RESUMED = "The future that it waits for is done. It had to be asked to call `step`, or else nobody ever does."
AS_EVER = (
    "The future that it waits for is done, and the task was told; but that is not the end of the coroutine."
    " Resume it as ever, by `send(None)`: its `await` asks the future for the result."
)
ONCE_EACH = "There is one step for each future that the coroutine waits for, and none after its end."
CALLED_BACK = (
    "A future calls `callback(future)`: `step` is given to it as it is, uncalled, and takes one argument."
)
HOLDS = (
    "The coroutine has raised an exception, which left `step` and ended in the loop. There nobody can do"
    " anything with it. It is the outcome of the task: whoever awaits the task gets it."
)
FAILS = "The coroutine has raised an exception, and so the task has failed: that is its outcome."
INSIDE = (
    "The future has failed, and this coroutine has an `except` around its `await`. So the exception has to be"
    " raised inside of it: resume it as ever, and its `await` asks the future for the result."
)
BARE = (
    "A bare `yield` gives None, no future: the coroutine wants to go on, after the others have had their"
    " turn."
)
TURNS = (
    "Two tasks yield None after each of their steps. One has had all of its steps in a row: `step` was called"
    " again from within, and not by way of the queue."
)
CHAIN = "A task is a future, so that another task can await it."


# --- in the learner's process


class Uncaught(Exception):
    """StopIteration has left a step. (It cannot leave the driver, which is a generator itself.)"""


class Queue:
    """A loop that is nothing but a queue."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, tuple[Any, ...]]] = []
        self.on_error = print

    def call_soon(self, callback: Any, *args: Any) -> None:
        self.calls.append((callback, args))

    def rounds(self, count: int = 1) -> None:
        for _ in range(count):
            calls, self.calls = self.calls, []
            for callback, args in calls:
                try:
                    callback(*args)
                except StopIteration:
                    raise Uncaught("StopIteration has left step") from None


@types.coroutine
def pause() -> Generator[None, Any, None]:
    yield


async def returning(value: Any) -> Any:
    return value


async def noting(log: list[str], awaitable: Awaitable[Any]) -> Any:
    log.append("begun")
    value = await awaitable
    log.append("resumed")
    return value


async def failing(word: str) -> None:
    raise LookupError(word)


async def catching(awaitable: Awaitable[Any]) -> Any:
    try:
        await awaitable
    except ValueError as error:
        return f"caught {error}"


async def pausing(log: list[str], name: str, count: int) -> None:
    for number in range(count):
        log.append(f"{name}{number + 1}")
        await pause()


def future_of(Task: Any) -> Any:
    """Return the class of futures that Task is derived from, by whatever way; None where there is none."""
    parts = ("add_done_callback", "set_result", "__await__")
    return next((each for each in reversed(Task.__mro__) if all(hasattr(each, name) for name in parts)), None)


def outcome(task: Any) -> str:
    """Return in words how a task has ended."""
    if not task.done():
        return "not done"
    return told(task.result)


def told(call: Callable[[], Any]) -> str:
    try:
        value = call()
    except BaseException as error:
        return f"{type(error).__name__} {error}".strip()
    return value if isinstance(value, str) else repr(value)


def drive(Task: Any, word: str) -> Iterator[Any]:
    """Each step yields what the judge compares. The futures are of the kind that Task is derived from."""
    Future, queue = future_of(Task), Queue()
    yield Future is not None
    log: list[str] = []
    future = Future(queue)
    task = Task(noting(log, future), queue)
    yield list(log)
    queue.rounds()
    yield [list(log), outcome(task)]
    queue.rounds(3)
    yield [list(log), outcome(task), len(queue.calls)]
    future.set_result(word)
    queue.rounds(3)
    yield [list(log), outcome(task)]
    yield from endings(Task, Future, word)
    yield from taking_turns(Task)
    queue = Queue()
    future = Future(queue)
    last = Task(noting([], Task(noting([], Task(noting([], future), queue)), queue)), queue)
    queue.rounds(3)
    future.set_result(word)
    queue.rounds(9)
    yield outcome(last)


def endings(Task: Any, Future: Any, word: str) -> Iterator[Any]:
    for coro in (returning(word), returning(None)):
        queue = Queue()
        task = Task(coro, queue)
        queue.rounds(3)
        yield outcome(task)
    task = Task(failing(word), queue)
    yield told(lambda: queue.rounds(3))
    yield outcome(task)
    future = Future(queue)
    task = Task(catching(future), queue)
    queue.rounds()
    future.set_exception(ValueError(word))
    queue.rounds(3)
    yield outcome(task)
    told(future.result)  # so that nobody complains of an exception that was not looked at


def taking_turns(Task: Any) -> Iterator[Any]:
    queue = Queue()
    log: list[str] = []
    tasks = [Task(pausing(log, name, 3), queue) for name in "ab"]
    queue.rounds()
    yield [list(log), *map(outcome, tasks)]
    queue.rounds(5)
    yield [list(log), *map(outcome, tasks)]


# --- the judge


def judge(exam: Exam) -> None:
    word = exam.word()
    run = exam.run(drive, word)
    if not run.next():
        raise Failed("the class", "one that is derived from Future", "one that is not", IS_FUTURE)
    awaits = "Task(coro, loop); coro awaits a future that is pending"
    step(run, awaits, [], NEXT_ROUND)
    begins(run, f"{awaits}; one round")
    waits_for_it(run, f"{awaits}; four rounds")
    awaits = f"{awaits}; four rounds; set_result({word!r}), three rounds"
    goes_on(run, awaits, word)
    for value in (word, None):
        run.sent = f"Task(coro, loop); coro awaits nothing, and returns {value!r}; three rounds"
        ended_with(run.sent, run.next(), value if value else "None")
    raises = f'Task(coro, loop); coro raises LookupError("{word}"); three rounds'
    step(run, raises, "None", HOLDS)
    step(run, f"{raises}; result()", f"LookupError {word}", FAILS)
    failed = f'coro awaits a future in a `try`; set_exception(ValueError("{word}")); three rounds; result()'
    step(run, failed, f"caught {word}", INSIDE, {"ValueError": INSIDE})
    turns_are_taken(run)
    chain = (
        "a task that awaits a task that awaits a task that awaits a future; three rounds;"
        f" set_result({word!r}); nine rounds; result() of the first"
    )
    step(run, chain, word, CHAIN)
    run.result()


def step(run: Run, sent: str, expected: Any, idea: str, ideas: Ideas | None = None) -> None:
    got = told_of(run, sent, words(expected), idea, ideas)
    if got != expected or type(got) is not type(expected):
        raise Failed(sent, words(expected), words(got), idea)


def told_of(run: Run, sent: str, expected: str, idea: str, ideas: Ideas | None = None) -> Any:
    """Return what the driver yields next; ``expected`` and ``idea`` are for the case that it does not."""
    run.sent = sent
    try:
        return run.next(ideas={"Uncaught": ENDS, **(ideas or {})}, idea=idea)
    except Failed as failure:
        raise Failed(sent, expected, failure.got, failure.idea) from None


def words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value) if value else "nothing has run"
    if value == "None":
        return "no exception"
    return value if isinstance(value, str) else brief(value)


def begins(run: Run, sent: str) -> None:
    ideas = {"TypeError": RESUMES, "RuntimeError": WAITS}
    log, ended = told_of(run, sent, "a coroutine that has begun", WAITS, ideas)
    if log != ["begun"]:
        if ended == "not done":
            raise Failed(sent, "a coroutine that has begun", "it has not begun", BEGINS)
        raise Failed(sent, "a coroutine that has begun", f"the task has ended: {ended}", RESUMES)


def waits_for_it(run: Run, sent: str) -> None:
    expected = "a coroutine that waits, a task that is not done, an empty queue"
    ideas = {"TypeError": CALLED_BACK, "RuntimeError": WAITS, "InvalidStateError": WAITS}
    log, ended, calls = told_of(run, sent, expected, WAITS, ideas)
    if log != ["begun"] or ended != "not done":
        raise Failed(sent, expected, f"the task has ended: {ended}", WAITS)
    if calls:
        raise Failed(sent, expected, f"{calls} call{'s' * (calls > 1)} in the queue", WAITS)


def goes_on(run: Run, sent: str, value: str) -> None:
    expected = "a coroutine that goes on"
    ideas = {"TypeError": CALLED_BACK, "RuntimeError": ONCE_EACH}
    log, ended = told_of(run, sent, expected, RESUMED, ideas)
    if log != ["begun", "resumed"]:
        if ended == "not done":
            raise Failed(sent, expected, "it has not been resumed", RESUMED)
        raise Failed(sent, expected, f"it has not been resumed, and the task has ended: {ended}", AS_EVER)
    ended_with(sent, ended, value)


def ended_with(sent: str, ended: str, value: str) -> None:
    if ended != value:
        idea = NO_FAILURE if re.match(r"StopIteration\b(?!\()", ended) else ENDS
        raise Failed(sent, f"a task that has ended with {value}", ended, idea)


def turns_are_taken(run: Run) -> None:
    run.sent = "tasks a and b, each of which pauses three times with a bare `yield`; one round"
    expected, ideas = "a1, b1", {"AttributeError": BARE, "RecursionError": TURNS}
    log, *ended = told_of(run, run.sent, expected, BARE, ideas)
    if log != ["a1", "b1"]:
        idea = TURNS if log[:2] == ["a1", "a2"] else BARE
        raise Failed(run.sent, expected, ", ".join(log), idea)
    if any(each != "not done" for each in ended):
        raise Failed(run.sent, "two tasks that want to go on", ", ".join(ended), BARE)
    run.sent = run.sent.replace("one round", "six rounds")
    log, *ended = run.next(idea=BARE)
    if log != ["a1", "b1", "a2", "b2", "a3", "b3"] or ended != ["None", "None"]:
        raise Failed(run.sent, "a1, b1, a2, b2, a3, b3", ", ".join(log), BARE)


EXERCISE = Exercise(
    id="8.3",
    title="The step of a task",
    name="Task",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(NEXT, "is no iterator"),
        Wrong(RUNS_ON, "nothing to do until"),
        Wrong(POLLS, "nothing to do until"),
        Wrong(BLOCKS, "nothing to do until"),
        Wrong(FUTURES_ONLY, "gives None"),
        Wrong(NONE_IS_NOTHING, "gives None"),
        Wrong(STEPS_AT_ONCE, "in a row"),
        Wrong(NO_TRY, "with what it returned inside"),
        Wrong(NO_FUTURE, "derive the class"),
        Wrong(NO_RESULT, "with what it returned inside"),
        Wrong(THE_EXCEPTION, "with what it returned inside"),
        Wrong(NONE_RETURNED, "with what it returned inside"),
        Wrong(END_IS_A_FAILURE, "no failure"),
        Wrong(NOT_CAUGHT, "outcome of the task"),
        Wrong(SWALLOWED, "the task has failed"),
        Wrong(SENDS_THE_RESULT, "raised inside of it"),
        Wrong(NO_PARAMETER, "uncalled"),
        Wrong(CALLED_AT_ONCE, "nothing to do until|uncalled"),
        Wrong(NOT_RESUMED, "had to be asked"),
        Wrong(THROWS_NOTHING, "as ever"),
        Wrong(ONE_KIND_ONLY, "outcome of the task"),
        Wrong(NO_TASKS, "another task can await it"),
    ),
)
