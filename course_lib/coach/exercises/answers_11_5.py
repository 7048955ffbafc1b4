"""Answers to exercise 11.5, beside the solution that is shown: another right one, and wrong ones.

Read ex_11_5.py first.
"""

from course_lib.coach.exercise import Wrong

Changes = tuple[tuple[str, str], ...]
"""What to replace in the solution, and by what."""

OTHER = """
import asyncio

from course_lib import READ, WRITE, Reactor
from course_lib.eventloop.directions import Directions


class Call(asyncio.Handle):
    def __call__(self):
        self.cancelled() or self._run()


class MyAsyncioLoop(asyncio.AbstractEventLoop):
    def __init__(self):
        self.reactor = Reactor()
        self.time, self.close = self.reactor.time, self.reactor.close
        self.directions = Directions(self.reactor)

    def call_soon(self, callback, *args, context=None):
        call = Call(callback, args, self, context)
        self.reactor.call_soon(call)
        return call

    def call_at(self, when, callback, *args, context=None):
        call = Call(callback, args, self, context)
        self.reactor.call_at(when, call)
        return call

    def call_later(self, delay, callback, *args, **options):
        return self.call_at(self.time() + delay, callback, *args, **options)

    def run_forever(self):
        asyncio._set_running_loop(self)
        try:
            self.reactor.run_forever()
        finally:
            asyncio._set_running_loop(None)

    def run_until_complete(self, future):
        task = asyncio.ensure_future(future, loop=self)
        task.add_done_callback(lambda task: self.reactor.stop())
        self.run_forever()
        return task.result()

    async def attempt(self, sock, event, call, *args):
        while True:
            try:
                return call(*args)
            except BlockingIOError:
                future = self.create_future()
                fd = self.directions.watch(sock, event, lambda: self.call_soon(self.wake, future))
                try:
                    await future
                finally:
                    self.directions.leave(fd, event)

    def wake(self, future):
        future.done() or future.set_result(None)

    async def sock_recv(self, sock, n):
        return await self.attempt(sock, READ, sock.recv, n)

    async def sock_sendall(self, sock, data):
        while data:
            data = data[await self.attempt(sock, WRITE, sock.send, data) :]

    def create_future(self):
        return asyncio.Future(loop=self)

    def create_task(self, coro, **options):
        return asyncio.Task(coro, loop=self, **options)

    def call_exception_handler(self, context):
        print(context)

    def get_debug(self): ...

    async def shutdown_asyncgens(self): ...

    async def shutdown_default_executor(self, timeout=None): ...
"""

# --- wrong answers: the solution with a fault

READY = """        future = self.create_future()
        self.loop.register(sock, events, lambda events: future.done() or future.set_result(None))
        try:
            await future
        finally:
            self.loop.unregister(sock)
"""

ROUNDS = """        try:
            while not future.done():
                self.loop.run_once()
        finally:
            asyncio._set_running_loop(None)
"""

NO_CONTEXT = (
    (", *args, context=None", ", *args"),
    (", self, context)", ", self)"),
    (", *args, context=context", ", *args"),
)

DROPS_CONTEXT = (("args, self, context)", "args, self)"),)

NOT_RETURNED = (("        return handle\n", ""),)

CANCELLED_ALL_THE_SAME = (
    ("        if not handle.cancelled():\n            handle._run", "        handle._run"),
)

TIMERS_ALL_THE_SAME = (("call_later(delay, self.run, handle)", "call_later(delay, handle._run)"),)

OWN_TIMER = (
    (
        "        self.loop.call_later(delay, self.run, handle)\n        return handle\n",
        "        return self.loop.call_later(delay, self.run, handle)\n",
    ),
)

AT_ONCE = (("self.loop.call_soon(self.run, handle)", "self.run(handle)"),)

BARE_CALLBACK = (("self.loop.call_soon(self.run, handle)", "self.loop.call_soon(callback, *args)"),)

WHEN_IS_A_DELAY = (("self.call_later(when - self.time(), ", "self.call_later(when, "),)

NEVER_RUNNING = (("        asyncio._set_running_loop(self)\n", ""),)

STAYS_RUNNING = ((ROUNDS, "        while not future.done():\n            self.loop.run_once()\n"),)

RESET_ON_SUCCESS = (
    (
        ROUNDS,
        "        while not future.done():\n            self.loop.run_once()\n"
        "        asyncio._set_running_loop(None)\n",
    ),
)

NO_RESULT = (("        return future.result()\n", ""),)

COROUTINES_ONLY = (("asyncio.ensure_future(future, loop=self)", "self.create_task(future)"),)

OWN_TASK = (
    (
        "asyncio.ensure_future(future, loop=self)",
        "self.loop.spawn(future) if asyncio.iscoroutine(future) else future",
    ),
)

RUNS_FOREVER = (
    (
        "            while not future.done():\n                self.loop.run_once()\n",
        "            self.loop.run_forever()\n",
    ),
)

ITS_OWN_FUTURE = (
    (
        """        while True:
            try:
                return sock.recv(n)
            except BlockingIOError:
                await self.ready(sock, READ)
""",
        "        return await self.loop.sock_recv(sock, n)\n",
    ),
)

OWN_FUTURES = (
    ('MyLoop = answer("9.7")\n', 'MyLoop, Future = answer("9.7"), answer("8.2")\n'),
    ("return asyncio.Future(loop=self)", "return Future(self)"),
)

NEVER_UNREGISTERED = (
    (
        "        try:\n            await future\n        finally:\n            self.loop.unregister(sock)\n",
        "        await future\n",
    ),
)

STALE = (
    (
        "        try:\n            await future\n        finally:\n            self.loop.unregister(sock)\n",
        "        await future\n        self.loop.unregister(sock)\n",
    ),
)

ON_READY = """        future = self.create_future()

        def on_ready(events):
            self.loop.unregister(sock)
            future.set_result(None)

        self.loop.register(sock, events, on_ready)
"""

IN_CALLBACK = ((READY, f"{ON_READY}        await future\n"),)

IN_BOTH = (
    (
        READY,
        f"{ON_READY}        try:\n            await future\n"
        "        finally:\n            self.loop.unregister(sock)\n",
    ),
)

NOT_LOOKED = (("future.done() or future.set_result", "future.set_result"),)

NOT_TO_BE_CANCELLED = (
    (
        "            await future\n        finally:\n",
        "            await future\n        except asyncio.CancelledError:\n            pass\n"
        "        finally:\n",
    ),
)

ASKS_AGAIN = ((READY, "        await asyncio.sleep(0)\n"),)

POLLS = ((READY, "        await asyncio.sleep(0.0005)\n"),)

TOO_LONG = (
    (
        "    def close(self):\n",
        "".join(
            f"""    def is_{word}(self):
        if self.loop is None:
            return False
        return True

"""
            for word in ("running", "closed")
        )
        + "    def close(self):\n",
    ),
)

IN_A_BASE = (
    *TOO_LONG,
    ("class MyAsyncioLoop(asyncio.AbstractEventLoop):", "class Most(asyncio.AbstractEventLoop):"),
    (
        "        self.loop.close()\n",
        "        self.loop.close()\n\n\nclass MyAsyncioLoop(Most):\n    pass\n",
    ),
)

FAULTS: tuple[tuple[Changes, str], ...] = (
    (NO_CONTEXT, "take the context"),
    (DROPS_CONTEXT, "in the context that was given"),
    (NOT_RETURNED, "return a handle"),
    (CANCELLED_ALL_THE_SAME, "only marks it"),
    (BARE_CALLBACK, "only marks it"),
    (TIMERS_ALL_THE_SAME, "only marks it"),
    (OWN_TIMER, "return a handle"),
    (AT_ONCE, "calls nothing itself"),
    (WHEN_IS_A_DELAY, "a moment of the loop's own clock"),
    (NEVER_RUNNING, "which loop runs"),
    (STAYS_RUNNING, "still takes this loop for running"),
    (RESET_ON_SUCCESS, "such as SystemExit"),
    (NO_RESULT, "what the future's"),
    (COROUTINES_ONLY, "only of a coroutine"),
    (OWN_TASK, "makes another kind"),
    (RUNS_FOREVER, "until the future is done"),
    (ITS_OWN_FUTURE, "asyncio's futures only"),
    (OWN_FUTURES, "asyncio's futures only"),
    (NEVER_UNREGISTERED, "must be unregistered"),
    (STALE, "must be unregistered"),
    (IN_CALLBACK, "must be unregistered"),
    (IN_BOTH, "unregistered twice"),
    (NOT_LOOKED, "must look"),
    (NOT_TO_BE_CANCELLED, "may keep back"),
    (ASKS_AGAIN, "Let the selector tell"),
    (POLLS, "Let the selector tell"),
    (TOO_LONG, "longer than it need be"),
    (IN_A_BASE, "longer than it need be"),
)
"""Each with a piece of the message that it must get."""

# --- wrong answers of another shape

DERIVED = """
import asyncio


class MyAsyncioLoop(asyncio.SelectorEventLoop):
    pass
"""

DELEGATES = """
import asyncio


class MyAsyncioLoop(asyncio.AbstractEventLoop):
    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.run_until_complete, self.close = self.loop.run_until_complete, self.loop.close
        self.create_task, self.call_soon = self.loop.create_task, self.loop.call_soon
"""


def wrong(solution: str) -> tuple[Wrong, ...]:
    """Return all wrong answers; ``solution`` is what most of them are made of."""
    return (
        *(Wrong(changed(solution, changes), message) for changes, message in FAULTS),
        Wrong(DERIVED, "another one does its work"),
        Wrong(DELEGATES, "another one does its work"),
    )


def changed(solution: str, changes: Changes) -> str:
    for old, new in changes:
        assert old in solution, old
        solution = solution.replace(old, new)
    return solution
