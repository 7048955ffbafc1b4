"""Exercise 11.5: the learner's own loop runs asyncio programs.

Its other answers are in answers_11_5.py. What is expected is in calls_11_5.py, programs_11_5.py and
sockets_11_5.py, one part of the judge in each.
"""

import ast
import io
import tokenize
from typing import Any

from course_lib.coach.answers import MARK
from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed
from course_lib.coach.exercises.answers_11_5 import OTHER, wrong
from course_lib.coach.exercises.calls_11_5 import judge_calls
from course_lib.coach.exercises.programs_11_5 import judge_programs
from course_lib.coach.exercises.sockets_11_5 import judge_sockets
from course_lib.lab.source import source_of

# --- the task

STUB = '''
import asyncio
import time

from course_lib import READ, WRITE, answer

MyLoop = answer("9.7")


class MyAsyncioLoop(asyncio.AbstractEventLoop):
    """Your loop, for asyncio programs: what they need of it, in at most 60 lines of code."""

    def __init__(self):
        self.loop = MyLoop()

    def call_soon(self, callback, *args, context=None):
        """Have `callback(*args)` called in the next round. Return an `asyncio.Handle`, as all three do."""

    def call_later(self, delay, callback, *args, context=None):
        """Have `callback(*args)` called in `delay` seconds."""

    def call_at(self, when, callback, *args, context=None):
        """Have `callback(*args)` called when `self.time()` is `when`."""

    def run_until_complete(self, future):
        """Run until `future` is done; return its result. For a coroutine: make a task of it first.

        While it runs, and no longer, asyncio must know: `asyncio._set_running_loop(self)`.
        """

    async def ready(self, sock, events):
        """Wait until `sock` is ready for READ or WRITE. However the wait ends, nothing stays registered."""

    async def sock_recv(self, sock, n):
        while True:
            try:
                return sock.recv(n)
            except BlockingIOError:
                await self.ready(sock, READ)

    async def sock_sendall(self, sock, data):
        while data:
            try:
                data = data[sock.send(data) :]
            except BlockingIOError:
                await self.ready(sock, WRITE)

    def time(self):
        return time.monotonic()

    def create_future(self):
        return asyncio.Future(loop=self)

    def create_task(self, coro, **options):
        return asyncio.Task(coro, loop=self, **options)

    def call_exception_handler(self, context):
        asyncio.log.logger.error(context["message"], exc_info=context.get("exception"))

    def get_debug(self): ...

    async def shutdown_asyncgens(self): ...

    async def shutdown_default_executor(self, timeout=None): ...

    def close(self):
        self.loop.close()
'''

HINTS = (
    "`handle = asyncio.Handle(callback, args, self, context)` keeps all that belongs to a call, and"
    " `handle._run()` makes it, in its context; an exception goes to `call_exception_handler`. So put into"
    " your own loop's queue something that runs the handle, and return the handle.",
    "`_run()` does not ask whether the handle was cancelled: `handle.cancelled()` does. A method"
    " `run(self, handle)` that looks there first serves `call_soon` and `call_later` alike; `call_at` is a"
    " `call_later` with `when - self.time()`.",
    "`asyncio.ensure_future(future, loop=self)` makes a task of a coroutine, and leaves tasks and futures as"
    " they are. While it is not `done()`, `self.loop.run_once()`; then return `result()`, which also raises."
    " (To try it in a cell: `await asyncio.to_thread(lambda: MyAsyncioLoop().run_until_complete(main()))`. In"
    " the notebook's own thread a loop runs already, and `asyncio._set_running_loop(None)` takes that from"
    " it.)",
    "`ready`: a future of `self.create_future()`, and `self.loop.register(sock, events, callback)` with a"
    " callback that gives it a result unless it is done. Await it in a `try`; in its `finally` unregister.",
)

# --- a right answer

SOLUTION = '''
import asyncio
import time

from course_lib import READ, WRITE, answer

MyLoop = answer("9.7")


class MyAsyncioLoop(asyncio.AbstractEventLoop):
    """Your loop, for asyncio programs: what they need of it, in at most 60 lines of code."""

    def __init__(self):
        self.loop = MyLoop()

    def call_soon(self, callback, *args, context=None):
        """Have `callback(*args)` called in the next round."""
        handle = asyncio.Handle(callback, args, self, context)
        self.loop.call_soon(self.run, handle)
        return handle

    def call_later(self, delay, callback, *args, context=None):
        """Have `callback(*args)` called in `delay` seconds."""
        handle = asyncio.Handle(callback, args, self, context)
        self.loop.call_later(delay, self.run, handle)
        return handle

    def call_at(self, when, callback, *args, context=None):
        """Have `callback(*args)` called when `self.time()` is `when`."""
        return self.call_later(when - self.time(), callback, *args, context=context)

    def run(self, handle):
        if not handle.cancelled():
            handle._run()

    def run_until_complete(self, future):
        """Run until `future` is done; return its result."""
        future = asyncio.ensure_future(future, loop=self)
        asyncio._set_running_loop(self)
        try:
            while not future.done():
                self.loop.run_once()
        finally:
            asyncio._set_running_loop(None)
        return future.result()

    async def ready(self, sock, events):
        """Wait until `sock` is ready for READ or WRITE."""
        future = self.create_future()
        self.loop.register(sock, events, lambda events: future.done() or future.set_result(None))
        try:
            await future
        finally:
            self.loop.unregister(sock)

    async def sock_recv(self, sock, n):
        while True:
            try:
                return sock.recv(n)
            except BlockingIOError:
                await self.ready(sock, READ)

    async def sock_sendall(self, sock, data):
        while data:
            try:
                data = data[sock.send(data) :]
            except BlockingIOError:
                await self.ready(sock, WRITE)

    def time(self):
        return time.monotonic()

    def create_future(self):
        return asyncio.Future(loop=self)

    def create_task(self, coro, **options):
        return asyncio.Task(coro, loop=self, **options)

    def call_exception_handler(self, context):
        asyncio.log.logger.error(context["message"], exc_info=context.get("exception"))

    def get_debug(self): ...

    async def shutdown_asyncgens(self): ...

    async def shutdown_default_executor(self, timeout=None): ...

    def close(self):
        self.loop.close()
'''

# --- its length

MOST_LINES = 60

LINES = (
    "It works, and is longer than it need be. What two methods share is a third one; `call_at` is a"
    " `call_later`; what asyncio has not asked for can go. Comments and docstrings do not count."
)


def sources(kind: Any) -> list[str]:
    """Driver: the source of each class that was written for this exercise."""
    earlier = {base for each in kind.__mro__ if MARK in vars(each) for base in each.__mro__}
    own = [each for each in kind.__mro__ if each.__module__ == "__main__" and each not in earlier]
    return [source_of(each).text for each in own]


def lines_of_code(source: str) -> int:
    """Return how many lines hold code: blank lines, comments and docstrings do not."""
    numbers: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE:
            numbers.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and ast.get_docstring(
            node
        ):
            text = node.body[0]
            numbers.difference_update(range(text.lineno, (text.end_lineno or text.lineno) + 1))
    return len(numbers)


NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


# --- the judge


def judge(exam: Exam) -> None:
    names = exam.random.sample(["ann", "bob", "cy", "dan", "eve", "fay", "gus"], 4)
    judge_calls(exam, names)
    judge_programs(exam, names)
    judge_sockets(exam)
    run = exam.run(sources)
    run.sent = "the lines of its class, without blank ones, comments and docstrings"
    lines = sum(map(lines_of_code, run.result(idea=LINES)))
    if lines > MOST_LINES:
        raise Failed(run.sent, f"at most {MOST_LINES}", f"{lines}", LINES)


EXERCISE = Exercise(
    id="11.5",
    title="asyncio programs on your own loop",
    name="MyAsyncioLoop",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=wrong(SOLUTION),
    limit=30.0,
)
