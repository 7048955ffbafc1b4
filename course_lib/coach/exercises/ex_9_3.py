"""Exercise 9.3: wait for several coroutines at once."""

from collections.abc import Iterator
from typing import Any

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.playing import ASLEEP, BUSY, ESCAPED, FakeLoop, Played, expect_no_slip, in_words
from course_lib.coach.run import Run
from course_lib.eventloop import CancelledError

# --- the task

STUB = '''
from course_lib import Future
from course_lib.eventloop import CancelledError


async def gather(loop, *coros):
    """Run all of `coros` at once, as tasks of `loop`; return the list of their results, in their order.

    When one raises, raise that, at once; the others go on. A task that is cancelled counts as one that
    raises CancelledError. When gather itself is cancelled while it waits, it cancels all of them.
    """
    return [await coro for coro in coros]
'''

HINTS = (
    "First spawn all of them: `loop.spawn(coro)` returns a task. To await one task after the other is too"
    " late for an exception of the last one. Make one `Future(loop)` to wait for instead, and give each task"
    " a callback that settles it when there is something to tell.",
    "The callback gets the task that is done. `task.cancelled()` is asked first: `task.exception()` of a"
    " cancelled task raises. Count how many are left. The future can be settled once; a second exception"
    " finds it done.",
    "`except CancelledError:` around the `await` of the future is the place to cancel all tasks; then"
    " `raise`. One of the tasks may have been cancelled, too, and then the others go on: if it was gather,"
    " the future itself is `cancelled()`. And who waits for nothing must not wait.",
)

# --- right answers

SOLUTION = '''
from course_lib import Future
from course_lib.eventloop import CancelledError


async def gather(loop, *coros):
    """Run all of `coros` at once, as tasks of `loop`; return the list of their results, in their order."""
    tasks = [loop.spawn(coro) for coro in coros]
    left, over = len(tasks), Future(loop)

    def one_is_done(task):
        nonlocal left
        left -= 1
        error = CancelledError() if task.cancelled() else task.exception()
        if over.done():
            return
        if error:
            over.set_exception(error)
        elif not left:
            over.set_result(None)

    for task in tasks:
        task.add_done_callback(one_is_done)
    try:
        if tasks:
            await over
    except CancelledError:
        if over.cancelled():  # it was gather, and not one of the tasks
            for task in tasks:
                task.cancel()
        raise
    return [task.result() for task in tasks]
'''

OTHER = """
from course_lib import Future


async def gather(loop, *coros):
    results, over = {}, Future(loop)

    async def watch(number, coro):
        try:
            results[number] = await coro
            if len(results) == len(coros) and not over.done():
                over.set_result(None)
        except BaseException as error:
            if not over.done():
                over.set_exception(error)

    watchers = [loop.spawn(watch(*each)) for each in enumerate(coros)]
    if watchers:
        try:
            await over
        finally:
            if over.cancelled():
                for each in watchers:
                    each.cancel()
    return [results[number] for number in range(len(coros))]
"""

# --- wrong answers


def gathers(body: str) -> str:
    """Return an answer with this body."""
    head = STUB.partition("    return ")[0]
    return head + "    " + body.strip().replace("\n", "\n    ") + "\n"


ONE_BY_ONE = gathers("""
results = []
for coro in coros:
    results.append(await coro)
return results
""")

EACH_IN_TURN = gathers("""
tasks = [loop.spawn(coro) for coro in coros]
return [await task for task in tasks]
""")

NOT_AWAITED = gathers("""
return [loop.spawn(coro) for coro in coros]
""")

AS_THEY_END = SOLUTION.replace(
    "    left, over = len(tasks), Future(loop)\n",
    "    left, over = len(tasks), Future(loop)\n    results = []\n",
).replace(
    "        elif not left:\n",
    "        results.append(task.result())\n        if not left:\n",
).replace("        if error:\n            over.set_exception(error)\n",
          "        if error:\n            over.set_exception(error)\n            return\n",
).replace("    return [task.result() for task in tasks]", "    return results")  # fmt: skip

NONE_IS_NOTHING = gathers("""
results, over = [None] * len(coros), Future(loop)

async def watch(number, coro):
    try:
        results[number] = await coro
        if all(result is not None for result in results) and not over.done():
            over.set_result(None)
    except BaseException as error:
        if not over.done():
            over.set_exception(error)

watchers = [loop.spawn(watch(*each)) for each in enumerate(coros)]
try:
    if watchers:
        await over
except CancelledError:
    for watcher in watchers:
        watcher.cancel()
    raise
return results
""")

NOTHING_TO_WAIT_FOR = SOLUTION.replace("        if tasks:\n            await over", "        await over")

IF_GATHER = "        if over.cancelled():  # it was gather, and not one of the tasks\n"

CANCELS_ON_PART = SOLUTION.replace(IF_GATHER, "        if True:\n")

CANCELS_THE_OTHERS = CANCELS_ON_PART.replace("except CancelledError:", "except BaseException:")

WAITS_FOR_ALL = SOLUTION.replace(
    """        if error:
            over.set_exception(error)
        elif not left:
            over.set_result(None)
""",
    """        if not left:
            over.set_result(None)
""",
)

AMONG_THE_RESULTS = gathers("""
async def safely(coro):
    try:
        return await coro
    except Exception as error:
        return error

tasks = [loop.spawn(safely(coro)) for coro in coros]
try:
    return [await task for task in tasks]
except CancelledError:
    for task in tasks:
        task.cancel()
    raise
""")

SETTLED_TWICE = SOLUTION.replace("        if over.done():\n            return\n", "")

LETS_THEM_RUN = SOLUTION.replace(
    IF_GATHER + "            for task in tasks:\n                task.cancel()\n", ""
)

SWALLOWS = SOLUTION.replace(
    "                task.cancel()\n        raise", "                task.cancel()\n        return None"
)

SPAWNS_ONLY = gathers("""
results = []

async def one(coro):
    results.append(await coro)

for coro in coros:
    loop.spawn(one(coro))
return results
""")

ASKS_OFTEN = gathers("""
tasks = [loop.spawn(coro) for coro in coros]
while not all(task.done() for task in tasks):
    await loop.sleep(0.01)
return [task.result() for task in tasks]
""")

ASKS_AGAIN = gathers("""
tasks = [loop.spawn(coro) for coro in coros]
while not all(task.done() for task in tasks):
    await loop.sleep(0)
return [task.result() for task in tasks]
""")

CANCELLED_UNSEEN = SOLUTION.replace(
    "CancelledError() if task.cancelled() else task.exception()", "task.exception()"
)

CANCELLED_AS_A_RESULT = SOLUTION.replace(
    "CancelledError() if task.cancelled() else task.exception()",
    "None if task.cancelled() else task.exception()",
).replace(
    "[task.result() for task in tasks]", "[None if task.cancelled() else task.result() for task in tasks]"
)

# --- words of the judge

EMPTY = (
    "There is nothing to wait for, so nobody will ever settle what you wait for: the answer is there at once."
)
SAME_TIME = (
    "All of them should run at the same time: then it takes as long as the longest of them. A coroutine that"
    " is awaited runs then and there; one that is spawned runs beside the others."
)
ORDER = "The results stand in the order of the arguments, whichever is ready first."
NOT_A_RESULT = "A task is not its result. Whoever wants that has to wait until the task is done."
A_LIST = "`gather` returns a list: the results, in the order of the arguments."
TOO_EARLY = (
    "They have not all ended yet. `spawn` waits for nobody: await something that is settled when the last of"
    " them has ended."
)
ASKED_LATE = (
    "You hear of it late: who asks now and then learns of an end at the next time of asking. Let the tasks"
    " tell you: `add_done_callback`."
)
BLOCKED = (
    "The loop stands still: what waits or counts in its thread keeps all tasks waiting. Only an `await` of"
    " something that is not done yet gives the thread back."
)
NEVER = "All of them have ended, and whoever waits is not told: nobody has settled what you wait for."
IN_CALLBACK = (
    "A callback has raised an exception. The loop reports it, and whoever waits is never told. The loop calls"
    " `callback(task)`, with the task that is done."
)
ANY_RESULT = (
    "A coroutine may return anything, also None, 0 or False. Whether it has ended is not to be told by its"
    " result."
)
LATE = (
    "One of them has raised, and whoever waits for all should hear of it at once, not when it is its turn: it"
    " may be the last, and the first may take for ever."
)
RAISES = "An exception is raised where gather is awaited; it is not one of the results."
GO_ON = "One has raised; the others know nothing of it, and go on to their ends."
ONCE = "Two of them raise, at different times. A future is settled once: the second one finds it done."
WANTED = "Nobody waits for them any more: when gather is cancelled, it cancels all that it has spawned."
PASS_ON = (
    "Who is cancelled ends by CancelledError, after it has tidied up. If it is swallowed here, nobody hears"
    " that it was cancelled."
)
ROUND_AND_ROUND = (
    "Asking again and again in each round keeps the processor busy, and no time passes. Let the tasks tell"
    " you: `add_done_callback`."
)
PART = (
    "One of the tasks was cancelled. That is an end like any other, and must be told to whoever waits: by"
    " CancelledError, which is raised at the `await`."
)
PART_ONLY = (
    "One of the tasks was cancelled, and gather was not. The others know nothing of it, and go on to their"
    " ends. Only when it is gather that is cancelled, the future that it awaits is cancelled."
)
NOT_CAUGHT = (
    "`exception()` of a cancelled task raises CancelledError. In a callback nobody catches it: it is"
    " no Exception, and ends the loop. Ask `cancelled()` first."
)


# --- in the learner's process


class Parts(FakeLoop):
    """Coroutines that wait, end, and note that they did."""

    def __init__(self) -> None:
        super().__init__()
        self.ended: list[str] = []

    def finish(self, task: Any) -> Played:
        """Where it sleeps for ever, tell also what callbacks have raised."""
        end, value, seconds = super().finish(task)
        return end, ", ".join(dict.fromkeys(self.errors)) if end == ASLEEP else value, seconds

    async def returns(self, seconds: float, result: Any) -> Any:
        try:
            if seconds:
                await self.sleep(seconds)
        except CancelledError:
            self.ended.append("cancelled")
            raise
        self.ended.append(f"after {seconds:g} s")
        return result

    async def fails(self, seconds: float, word: str) -> None:
        await self.sleep(seconds)
        raise ValueError(word)

    async def cancels_itself(self, seconds: float) -> None:
        await self.sleep(seconds)
        self.current_task.cancel()  # type: ignore[union-attr]  # there is one
        await self.sleep(100)

    async def gathered(self, gather: Any, *coros: Any) -> Any:
        return await gather(self, *coros)

    def a_while_later(self) -> list[str]:
        """Return what has ended by then."""
        self.play(self.sleep(20))
        return self.ended


def drive(gather: Any, delays: list[int], words: list[str]) -> Iterator[Any]:
    with Parts() as loop:
        yield loop.play(loop.gathered(gather))
    with Parts() as loop:
        timed = [loop.returns(*each) for each in zip(delays, words, strict=True)]
        yield loop.play(loop.gathered(gather, *timed))
    with Parts() as loop:
        results = loop.returns(2, None), loop.returns(0, 0), loop.returns(1, False)
        yield loop.play(loop.gathered(gather, *results))
    yield from failing(gather, words)
    yield from cancelling(gather, words)


def failing(gather: Any, words: list[str]) -> Iterator[Any]:
    with Parts() as loop:
        others = loop.returns(9, words[0]), loop.returns(5, words[2])
        yield loop.play(loop.gathered(gather, others[0], loop.fails(2, words[1]), others[1]))
        yield loop.a_while_later()
    with Parts() as loop:
        failures = loop.fails(2, words[1]), loop.fails(3, words[2])
        yield loop.play(loop.gathered(gather, loop.returns(9, words[0]), *failures))
        loop.a_while_later()
        yield [error for error in loop.errors if words[2] not in error]


def cancelling(gather: Any, words: list[str]) -> Iterator[Any]:
    with Parts() as loop:
        two = loop.returns(5, words[0]), loop.returns(9, words[1])
        waits = loop.spawn(loop.gathered(gather, *two))
        loop.call_later(2, waits.cancel)
        yield loop.finish(waits)
        yield loop.a_while_later()
    with Parts() as loop:
        yield loop.play(loop.gathered(gather, loop.returns(5, words[0]), loop.cancels_itself(2)))
        yield loop.a_while_later()


# --- the judge


def judge(exam: Exam) -> None:
    delays = exam.random.sample(range(2, 10), 4)
    while delays == sorted(delays):
        exam.random.shuffle(delays)
    words = [exam.word() for _ in delays]
    run = exam.run(drive, delays, words)
    expect(run, "gather(loop), with no coroutine", ("returned", [], 0.0), {"": EMPTY})
    each = ", ".join(f"{word} after {seconds} s" for word, seconds in zip(words, delays, strict=True))
    ideas = {"": ORDER, "time": SAME_TIME, BUSY: ROUND_AND_ROUND, ASLEEP: NEVER}
    expect(run, f"coroutines that return {each}", ("returned", words, float(max(delays))), ideas)
    three = "coroutines that return None after 2 s, 0 at once, and False after 1 s"
    expect(run, three, ("returned", [None, 0, False], 2.0), {"": ANY_RESULT})
    failing_is_right(run, words)
    cancelling_is_right(run, words)
    run.result()


def failing_is_right(run: Run, words: list[str]) -> None:
    sent = f"coroutines that return after 9 s, raise ValueError({words[1]!r}) after 2 s, return after 5 s"
    wanted = ("ValueError", words[1], 2.0)
    expect(run, sent, wanted, {"": LATE, "returned": RAISES})
    run.sent = f"{sent}; a while later"
    ended = run.next(idea=GO_ON)
    if ended != ["after 5 s", "after 9 s"]:
        expected = "one ended after 5 s, the other ended after 9 s"
        raise Failed(run.sent, expected, listed(ended), GO_ON)
    word, late = words[1:3]
    sent = f"one that returns after 9 s, two that raise ValueError: {word!r} after 2 s, {late!r} after 3 s"
    expect(run, sent, wanted, {"": ONCE})
    if errors := run.next(idea=ONCE):
        raise Failed(sent, "no other error", f"the loop reports {errors[0]}", ONCE)


def cancelling_is_right(run: Run, words: list[str]) -> None:
    sent = "two coroutines that take 5 and 9 s; after 2 s gather is cancelled"
    expect(run, sent, ("CancelledError", "", 2.0), {"": PASS_ON})
    run.sent = f"{sent}; a while later"
    ended = run.next(idea=WANTED)
    if ended != ["cancelled", "cancelled"]:
        raise Failed(run.sent, "that both were cancelled", listed(ended), WANTED)
    sent = "two coroutines: one takes 5 s, the other is cancelled after 2 s"
    expect(run, sent, ("CancelledError", "", 2.0), {"": PART, ESCAPED: NOT_CAUGHT})
    run.sent = f"{sent}; a while later"
    ended = run.next(idea=PART_ONLY)
    if ended != ["after 5 s"]:
        got = f"it {'was cancelled' if 'cancelled' in ended else 'has not ended'}"
        raise Failed(run.sent, "that the other one ended after 5 s", got, PART_ONLY)


def listed(ended: list[str]) -> str:
    told = [each if each == "cancelled" else f"ended {each}" for each in ended]
    told += ["neither ended nor cancelled"] * (2 - len(ended))
    return f"one {told[0]}, the other {told[1]}"


def expect(run: Run, sent: str, wanted: Played, ideas: dict[str, str]) -> None:
    """Expect ``wanted`` next; ``ideas`` by what came instead, and ``""`` is for anything else."""
    run.sent = sent
    try:
        got = tuple(run.next(idea=BLOCKED))
    except Failed as failure:
        raise Failed(sent, in_words(wanted), failure.got, failure.idea) from None
    if got == wanted and type(got[1]) is type(wanted[1]):
        return
    if idea := always_wrong(got, wanted):
        raise Failed(sent, in_words(wanted), said(got), idea)
    expect_no_slip(got)
    idea = ideas.get(got[0], ideas[""])
    if "time" in ideas and got[2] > wanted[2] and got[0] == "returned":
        idea = ideas["time"]
    raise Failed(sent, in_words(wanted), said(got), idea)


def always_wrong(got: Played, wanted: Played) -> str:
    """Return the idea that is missing whatever was asked for; ``""`` where there is none."""
    end, value, seconds = got
    if "<Task>" in str(value):
        return NOT_A_RESULT
    if end == "InvalidStateError" and "there is no result yet" in value:
        return TOO_EARLY
    if end == ASLEEP and value:
        return IN_CALLBACK
    if end != wanted[0]:
        return ""
    if 0 < seconds - wanted[2] <= 1:
        return ASKED_LATE
    if end == "returned" and seconds < wanted[2]:
        return TOO_EARLY
    return A_LIST if end == "returned" and type(value) is not list else ""


def said(got: Played) -> str:
    return in_words(got) + (f"; a callback has raised {got[1]}" if got[0] == ASLEEP and got[1] else "")


EXERCISE = Exercise(
    id="9.3",
    title="Wait for several at once",
    name="gather",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(ONE_BY_ONE, "as long as the longest"),
        Wrong(EACH_IN_TURN, "hear of it at once"),
        Wrong(NOT_AWAITED, "not its result"),
        Wrong(AS_THEY_END, "order of the arguments"),
        Wrong(NONE_IS_NOTHING, "also None, 0 or False"),
        Wrong(NOTHING_TO_WAIT_FOR, "nothing to wait for"),
        Wrong(CANCELS_THE_OTHERS, "go on to their ends"),
        Wrong(WAITS_FOR_ALL, "hear of it at once"),
        Wrong(AMONG_THE_RESULTS, "not one of the results"),
        Wrong(SETTLED_TWICE, "settled once"),
        Wrong(LETS_THEM_RUN, "cancels all that it has spawned"),
        Wrong(SWALLOWS, "nobody hears"),
        Wrong(ASKS_AGAIN, "Asking again and again"),
        Wrong(CANCELLED_UNSEEN, "Ask `cancelled\\(\\)` first"),
        Wrong(CANCELLED_AS_A_RESULT, "told to whoever waits"),
        Wrong(CANCELS_ON_PART, "and gather was not"),
        Wrong(SPAWNS_ONLY, "waits for nobody"),
        Wrong(ASKS_OFTEN, "hear of it late"),
    ),
    core=False,
)
