"""Exercise 11.5: the learner's own loop runs asyncio programs."""

import ast
import asyncio
import contextvars
import io
import random
import socket
import time
import tokenize
from collections.abc import Coroutine, Iterator
from typing import Any

from course_lib.coach.answers import MARK
from course_lib.coach.exam import Exam, Listener
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.peer import Peer
from course_lib.coach.run import Ideas, Run, brief
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
    " they are. While it is not `done()`, `self.loop.run_once()`; then return `result()`, which also raises.",
    "`ready`: a future of `self.create_future()`, and `self.loop.register(sock, events, callback)` with a"
    " callback that gives it a result unless it is done. Await it in a `try`; in its `finally` unregister.",
)

# --- right answers

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

# --- wrong answers


def changed(old: str, new: str) -> str:
    """Return the solution with one change."""
    assert old in SOLUTION
    return SOLUTION.replace(old, new)


NO_CONTEXT = changed(", *args, context=None", ", *args").replace(", self, context)", ", self)")
NO_CONTEXT = NO_CONTEXT.replace(", *args, context=context", ", *args")

DROPS_CONTEXT = changed("args, self, context)", "args, self)")

NOT_RETURNED = changed("        return handle\n", "")

CANCELLED_ALL_THE_SAME = changed(
    "        if not handle.cancelled():\n            handle._run", "        handle._run"
)

AT_ONCE = changed("self.loop.call_soon(self.run, handle)", "self.run(handle)")

BARE_CALLBACK = changed("self.loop.call_soon(self.run, handle)", "self.loop.call_soon(callback, *args)")

WHEN_IS_A_DELAY = changed("self.call_later(when - self.time(), ", "self.call_later(when, ")

NEVER_RUNNING = changed("        asyncio._set_running_loop(self)\n", "")

STAYS_RUNNING = changed(
    "        try:\n            while not future.done():\n                self.loop.run_once()\n"
    "        finally:\n            asyncio._set_running_loop(None)\n",
    "        while not future.done():\n            self.loop.run_once()\n",
)

RESET_ON_SUCCESS = changed(
    "        try:\n            while not future.done():\n                self.loop.run_once()\n"
    "        finally:\n            asyncio._set_running_loop(None)\n",
    "        while not future.done():\n            self.loop.run_once()\n"
    "        asyncio._set_running_loop(None)\n",
)

NO_RESULT = changed("        return future.result()\n", "")

COROUTINES_ONLY = changed("asyncio.ensure_future(future, loop=self)", "self.create_task(future)")

RUNS_FOREVER = changed(
    "            while not future.done():\n                self.loop.run_once()\n",
    "            self.loop.run_forever()\n",
)

ITS_OWN_FUTURE = changed(
    """        while True:
            try:
                return sock.recv(n)
            except BlockingIOError:
                await self.ready(sock, READ)
""",
    "        return await self.loop.sock_recv(sock, n)\n",
)

NEVER_UNREGISTERED = changed(
    "        try:\n            await future\n        finally:\n            self.loop.unregister(sock)\n",
    "        await future\n",
)

STALE = changed(
    "        try:\n            await future\n        finally:\n            self.loop.unregister(sock)\n",
    "        await future\n        self.loop.unregister(sock)\n",
)

IN_CALLBACK = changed(
    """        self.loop.register(sock, events, lambda events: future.done() or future.set_result(None))
        try:
            await future
        finally:
            self.loop.unregister(sock)
""",
    """
        def on_ready(events):
            self.loop.unregister(sock)
            future.set_result(None)

        self.loop.register(sock, events, on_ready)
        await future
""",
)

ASKS_AGAIN = changed(
    SOLUTION[
        SOLUTION.index("        future = self.create_future()") : SOLUTION.index("    async def sock_recv")
    ],
    "        await asyncio.sleep(0)\n\n",
)

POLLS = changed(
    SOLUTION[
        SOLUTION.index("        future = self.create_future()") : SOLUTION.index("    async def sock_recv")
    ],
    "        await asyncio.sleep(0.0005)\n\n",
)

TOO_LONG = SOLUTION + "".join(
    f"""
    def is_{word}(self):
        if self.loop is None:
            return False
        return True
"""
    for word in ("running", "closed")
)

IN_A_BASE = TOO_LONG.replace(
    "class MyAsyncioLoop(asyncio.AbstractEventLoop):", "class Most(asyncio.AbstractEventLoop):"
)
IN_A_BASE += "\n\nclass MyAsyncioLoop(Most):\n    pass\n"

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

# --- words and numbers of the judge

MOST_LINES = 60

ABSTRACT = "It derives from `asyncio.AbstractEventLoop` alone: that names the methods, and has none of them."
OWN = "The loop is to be your own: here another one does its work."
MISSING = (
    "`AbstractEventLoop` raises NotImplementedError in each of its methods: asyncio has called one that you"
    " have not written."
)
CONTEXT_IS_GIVEN = (
    "asyncio calls `call_soon(callback, *args, context=…)`, and the other two likewise: take the context, and"
    " hand it to the handle."
)
CONTEXT = (
    "A callback runs in the context that was given with it, or else in a copy of its caller's: so a task sees"
    " its own values of a ContextVar, whoever wakes it. `asyncio.Handle` takes the context."
)
END = (
    "`run_until_complete` runs round after round, until the future is done, and then returns. What keeps it"
    " from ending?"
)
RESULT = "`run_until_complete` returns what the future's `result()` returns, and raises what that raises."
FUTURES = (
    "`run_until_complete` is given a task or a future, too, and waits for that very one: only of a coroutine"
    " a task is to be made."
)
RUNNING = (
    "`asyncio.get_running_loop()`, and with it nearly all of asyncio, wants to know which loop runs: tell it"
    " with `asyncio._set_running_loop`, before the first round."
)
RESET = (
    "`run_until_complete` has ended, and asyncio still takes this loop for running. It must be told, on every"
    " way out: also when an exception such as SystemExit ends the round."
)
ORDER = (
    "`call_soon` calls nothing itself: it puts the call into the queue, and the next round makes it. First"
    " come, first served."
)
HANDLE = (
    "`call_soon`, `call_later` and `call_at` return a handle, whose `cancel()` takes the call back:"
    " `asyncio.sleep` and `asyncio.timeout` do that all the time."
)
CANCELLED = (
    "A handle that was cancelled while it waited is not run. `cancel()` only marks it: who takes it out of"
    " the queue must look."
)
RAISES = (
    "A callback has raised an exception. It belongs to nobody who could catch it: the loop tells"
    " `call_exception_handler`, and goes on. `handle._run()` does it so."
)
TIMERS = (
    "`call_later` takes a number of seconds, `call_at` a moment of the loop's own clock, `time()`. Each call"
    " is made once, when its moment has come."
)
PROGRAMS = {
    "gather": "`asyncio.gather` and `asyncio.sleep`: all sleep at the same time, the shortest ends first.",
    "group": "A task of a TaskGroup fails: the others are cancelled, wherever they wait.",
    "timeout": "`asyncio.timeout` sets a timer with `call_at`, and takes it back when the block has ended.",
    "queue": "Producers and consumers wake each other through a Queue; each keeps its own context.",
    "leftover": "At its end the Runner cancels the tasks that are left, and waits until they are done.",
}
IDLE = (
    "Nothing is due, and the loop does not sleep. Let the selector tell when a socket is ready, and the"
    " timers for how long it may sleep."
)
HEARS = "`sock_recv` waits until the socket is ready, and returns what has come."
BAD_YIELD = (
    "asyncio's Task can wait for asyncio's futures only, and your own loop's `sock_recv` awaits one of your"
    " own. In `ready`, await one that `self.create_future()` has made."
)
STAYS = (
    "A wait for a socket ends in three ways: it is ready, the task is cancelled, an error comes. After each"
    " of them the socket must be unregistered: or the next wait finds it taken, and a stale callback wakes"
    " a future that is done."
)
TWO = "Two tasks wait, each for its own socket: whose bytes come first goes on first."
SENDS = "`sock_sendall` returns when all has gone; it waits for room, and other tasks run meanwhile."
RESETS = "The peer has reset the connection: the task that waits for it must see the exception."
LINES = (
    "It works, and is longer than it need be. What two methods share is a third one; `call_at` is a"
    " `call_later`; what asyncio has not asked for can go. Comments and docstrings do not count."
)
LONG, SHORT = 0.4, 0.1
MANY = 8
"""No wait for a socket takes so many callbacks; one or two will do."""
HEARD = b"heard"
COMMON: Ideas = {"NotImplementedError": MISSING, "RuntimeError": RUNNING}

# --- asyncio programs: they know nothing of the loop that runs them

Spec = dict[str, Any]


async def gather(spec: Spec) -> Any:
    ended = []

    async def nap(name: str, seconds: float) -> str:
        await asyncio.sleep(seconds)
        ended.append(name)
        return name.upper()

    naps = zip(spec["names"], spec["naps"], strict=True)
    return [await asyncio.gather(*[nap(*each) for each in naps]), ended]


async def group(spec: Spec) -> Any:
    ended = []

    async def wait(name: str) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(name)

    async def fail(name: str) -> None:
        await asyncio.sleep(0.05)
        raise ValueError(name)

    first, *others = spec["names"]
    try:
        async with asyncio.TaskGroup() as tasks:
            for name in others:
                tasks.create_task(wait(name))
            tasks.create_task(fail(first))
    except* ValueError as errors:
        ended.sort()  # a TaskGroup cancels them in no order
        ended += [str(error) for error in errors.exceptions]
    return ended


async def timeout(spec: Spec) -> Any:
    ended = []
    for name, seconds in zip(spec["names"], spec["naps"], strict=True):
        try:
            async with asyncio.timeout(0.05 if seconds > 0.15 else 60):
                await asyncio.sleep(5 if seconds > 0.15 else 0.01)
                ended.append(name)
        except TimeoutError:
            ended.append("too late")
    return ended


NAME: contextvars.ContextVar[str] = contextvars.ContextVar("name")


async def queue(spec: Spec) -> Any:
    taken = []
    through: asyncio.Queue[str] = asyncio.Queue(maxsize=2)

    async def produce(name: str) -> None:
        NAME.set(name)
        for number in range(4):
            await through.put(f"{name}{number}")
            await asyncio.sleep(0.01 * (number % 2))

    async def consume(name: str) -> None:
        NAME.set(name)
        while True:
            item = await through.get()
            taken.append([NAME.get() == name, item])
            through.task_done()

    consumers = [asyncio.create_task(consume(f"consumer {number}")) for number in range(2)]
    await asyncio.gather(*map(produce, spec["names"]))
    await through.join()
    for each in consumers:
        each.cancel()
    await asyncio.gather(*consumers, return_exceptions=True)
    return sorted(taken)


async def leftover(spec: Spec) -> Any:
    ended: list[str] = []

    async def wait(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            ended.append(name)

    spec["tasks"] = [asyncio.create_task(wait(name)) for name in spec["names"]]
    await asyncio.sleep(0)
    return ended  # the same list: it grows while the Runner ends


def run_program(kind: Any, name: str, spec: Spec) -> Any:
    """Run one of the programs above on a loop that ``kind`` makes; None is asyncio's own."""
    with asyncio.Runner(loop_factory=kind) as runner:
        result = runner.run(globals()[name](spec))
    return sorted(result) if name == "leftover" else result


# --- in the learner's process


def drive(kind: Any, names: list[str]) -> Iterator[Any]:
    """Each step yields what the judge compares."""
    yield [f"{each.__module__}.{each.__qualname__}" for each in kind.__mro__]
    loop = kind()
    yield [type(each).__name__ for each in vars(loop).values() if isinstance(each, asyncio.AbstractEventLoop)]
    yield loop.run_until_complete(returns(names[0]))
    yield loop.run_until_complete(loop.create_task(returns(names[1])))
    yield from in_order(loop, names)
    yield running(loop)
    yield loop.run_until_complete(the_running_loop()) is loop
    yield running(loop)
    yield exits(kind())
    yield running(loop)
    told: list[str] = []
    loop.call_exception_handler = lambda context: told.append(type(context.get("exception")).__name__)
    yield cancelled(loop, names, told)
    yield raises(loop, names, told)
    yield timers(loop, names)
    yield in_context(loop, names)
    yield "sleeps"
    loop.run_until_complete(asyncio.sleep(1.5))
    loop.close()
    yield "closed"


def running(loop: Any) -> bool:
    return asyncio._get_running_loop() is not None


async def returns(word: str) -> str:
    return word


async def the_running_loop() -> Any:
    return asyncio.get_running_loop()


def exits(loop: Any) -> str:
    async def main() -> None:
        raise SystemExit("at once")

    task = loop.create_task(main())
    try:
        loop.run_until_complete(task)
    except SystemExit as end:
        return str(end)
    finally:
        if task.done():
            task.exception()  # somebody has asked for it: so nobody is told of it at the end
        loop.close()
    return "no exception"


async def some_rounds() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def in_order(loop: Any, names: list[str]) -> Iterator[Any]:
    notes: list[Any] = []
    for number, name in enumerate(names):
        loop.call_soon(lambda *words: notes.append(list(words)), name, number)
    yield notes
    loop.run_until_complete(some_rounds())
    yield notes


def cancelled(loop: Any, names: list[str], told: list[str]) -> Any:
    notes: list[str] = []
    loop.call_soon(lambda: handles[2].cancel())
    handles = [loop.call_soon(notes.append, name) for name in names]
    handles[1].cancel()
    loop.call_soon(notes.append, "last")
    loop.run_until_complete(some_rounds())
    later = loop.call_soon(notes.append, "never")
    loop.call_soon(notes.append, "end")
    later.cancel()
    loop.run_until_complete(some_rounds())
    return [notes, told[:]]


def raises(loop: Any, names: list[str], told: list[str]) -> Any:
    notes: list[str] = []
    told.clear()
    loop.call_soon(notes.append, names[0])
    loop.call_soon(int, "no number")
    loop.call_soon(notes.append, names[1])
    loop.run_until_complete(some_rounds())
    return [notes, told[:]]


def in_context(loop: Any, names: list[str]) -> Any:
    """What callbacks see of a ContextVar: in a context that is given, and in a copy of the caller's."""
    notes: list[str] = []
    given = contextvars.copy_context()
    given.run(NAME.set, names[0])
    NAME.set(names[1])

    def note() -> None:
        notes.append(NAME.get())
        NAME.set("changed")

    loop.call_soon(note, context=given.copy())
    loop.call_soon(note)
    loop.call_later(0.05, note, context=given.copy())
    loop.call_at(loop.time() + 0.1, note, context=given.copy())
    loop.run_until_complete(asyncio.sleep(0.2))
    return [notes, NAME.get()]


def timers(loop: Any, names: list[str]) -> Any:
    """In which order they were called, and whether one of them came too early."""
    notes: list[str] = []
    early = []
    start = loop.time()

    def note(name: str, seconds: float) -> None:
        notes.append(name)
        if loop.time() < start + seconds - 0.01:
            early.append(name)

    loop.call_at(start + LONG, note, names[0], LONG)
    loop.call_later(SHORT, note, names[1], SHORT)
    loop.call_at(start + 2 * SHORT, note, names[2], 2 * SHORT)
    loop.call_later(SHORT, note, "cancelled", SHORT).cancel()
    loop.call_at(start + SHORT, note, "cancelled", SHORT).cancel()
    loop.run_until_complete(asyncio.sleep(LONG + SHORT))
    return [notes, early]


def drive_programs(kind: Any, spec: Spec) -> Iterator[Any]:
    for name in PROGRAMS:
        yield run_program(kind, name, dict(spec))


def drive_sockets(kind: Any, address: tuple[str, int], seed: int, size: int) -> Iterator[Any]:
    """Each step yields what came of it; the judge has the other ends of two connections."""
    data = random.Random(seed).randbytes(size)
    with (
        socket.create_connection(address) as one,
        socket.create_connection(address) as two,
        asyncio.Runner(loop_factory=kind) as runner,
    ):
        for sock in (one, two):
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32 * 1024)
        yield "waits"
        yield runner.run(counted(recv(one)))
        yield runner.run(impatient(one))
        yield "gave up"
        runner.run(asyncio.sleep(0.1))
        yield runner.run(recv(one))
        yield "leaves bytes"
        runner.run(asyncio.sleep(1.5))
        yield runner.run(recv(one))
        yield "two"
        yield runner.run(both(one, two))
        yield "sends"
        yield runner.run(sends(one, data, two))
        yield "reset"
        yield runner.run(error_of(recv(two)))


async def recv(sock: socket.socket) -> bytes:
    return await asyncio.get_running_loop().sock_recv(sock, 100)


async def counted(coro: Coroutine[Any, Any, Any]) -> Any:
    """Return what it returns, and how many callbacks the loop was given meanwhile."""
    loop, count = asyncio.get_running_loop(), 0

    def counting(call: Any) -> Any:
        def counted_call(*args: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            return call(*args, **options)

        return counted_call

    for name in ("call_soon", "call_later", "call_at"):
        setattr(loop, name, counting(getattr(loop, name)))
    return [await coro, count]


async def impatient(sock: socket.socket) -> str:
    try:
        async with asyncio.timeout(0.1):
            return f"{await recv(sock)!r}"
    except TimeoutError:
        return "TimeoutError"


async def both(one: socket.socket, two: socket.socket) -> Any:
    got: list[bytes] = []

    async def hear(sock: socket.socket) -> None:
        got.append(await recv(sock))
        sock.send(HEARD)

    await asyncio.gather(hear(one), hear(two))
    return got


async def sends(sock: socket.socket, data: bytes, other: socket.socket) -> str:
    """Send; meanwhile another task says that it runs, and only then will the peer read."""

    async def speak() -> None:
        await asyncio.sleep(0.02)
        other.send(HEARD)

    speaking = asyncio.create_task(speak())
    await asyncio.get_running_loop().sock_sendall(sock, data)
    await speaking
    return "all sent"


async def error_of(coro: Coroutine[Any, Any, Any]) -> str:
    try:
        return f"no exception, and {await coro!r}"
    except Exception as error:
        return type(error).__name__


def sources(kind: Any) -> list[str]:
    """Driver: the source of each class that was written for this exercise."""
    own = [each for each in kind.__mro__ if each.__module__ == "__main__" and MARK not in vars(each)]
    return [source_of(each).text for each in own]


# --- the judge


def judge(exam: Exam) -> None:
    names = exam.random.sample(["ann", "bob", "cy", "dan", "eve", "fay", "gus"], 4)
    judge_calls(exam.run(drive, names), names)
    naps = exam.random.sample([0.05, 0.1, 0.2, 0.3], 4)
    judge_programs(exam.run(drive_programs, {"names": names, "naps": naps}), {"names": names, "naps": naps})
    judge_sockets(exam)
    run = exam.run(sources)
    run.sent = "the lines of its class, without blank ones, comments and docstrings"
    lines = sum(map(lines_of_code, run.result(idea=LINES)))
    if lines > MOST_LINES:
        raise Failed(run.sent, f"at most {MOST_LINES}", f"{lines}", LINES)


def judge_calls(run: Run, names: list[str]) -> None:
    a, b, c, d = names
    run.sent = "the classes that it derives from"
    bases = run.next()
    if "asyncio.events.AbstractEventLoop" not in bases:
        raise Failed(run.sent, "asyncio.AbstractEventLoop", ", ".join(bases[1:]), ABSTRACT)
    others = [each for each in bases if is_a_loop(each)]
    if others:
        raise Failed(run.sent, "asyncio.AbstractEventLoop", ", ".join(others), OWN)
    step(run, "the loops that it has as attributes", [], OWN, OWN)
    ideas = {"TypeError": CONTEXT_IS_GIVEN}
    step(run, f"run_until_complete(main()), and main returns {a!r}", a, RESULT, END, ideas)
    step(run, f"run_until_complete(task), and it returns {b!r}", b, FUTURES, FUTURES, {"TypeError": FUTURES})
    step(run, "four times call_soon(callback, name, number), and no round yet", [], ORDER)
    calls: Any = [[a, 0], [b, 1], [c, 2], [d, 3]]
    step(run, "four times call_soon(callback, name, number), then five rounds", calls, ORDER)
    step(run, "does asyncio take the loop for running, after it?", False, RESET)
    step(run, "is it what asyncio.get_running_loop() returns, in main?", True, RUNNING)
    step(run, "does asyncio take the loop for running, after it?", False, RESET)
    step(run, "run_until_complete(main()), and main raises SystemExit('at once')", "at once", RESULT)
    step(run, "does asyncio take the loop for running, after SystemExit?", False, RESET)
    handle = {"AttributeError": HANDLE, "TypeError": CANCELLED}
    sent = "call_soon for four, of which two are cancelled; the names of those called, and what the loop told"
    step(run, sent, [[a, d, "last", "end"], []], CANCELLED, CANCELLED, handle)
    sent = "call_soon for three, of which the second one raises ValueError; who is called, and what is told"
    step(run, sent, [[a, b], ["ValueError"]], RAISES, RAISES, {"ValueError": RAISES})
    sent = "call_later and call_at, two of five cancelled; who is called in which order, and who too early"
    step(run, sent, [[b, c, a], []], TIMERS, TIMERS)
    sent = "call_soon, call_later and call_at with a context; what the callbacks see in it"
    step(run, sent, [[a, b, a, a], b], CONTEXT, CONTEXT, {"TypeError": CONTEXT_IS_GIVEN})
    run.sent = "asyncio.sleep(1.5)"
    run.next()
    run.expect_idle(IDLE)
    run.next(6.0, ideas=COMMON, idea=TIMERS)
    run.sent = "close()"
    run.result()


def is_a_loop(name: str) -> bool:
    """Tell whether it is the name of a class that is a loop, and no abstract one."""
    module = name.rpartition(".")[0]
    foreign = module.partition(".")[0] in ("asyncio", "uvloop") or module.startswith(
        "course_lib.eventloop.aio"
    )
    return foreign and not name.endswith(".AbstractEventLoop")


def step(
    run: Run,
    sent: str,
    expected: Any,
    idea: str,
    stuck: str = "",
    ideas: Ideas | None = None,
) -> None:
    run.sent = sent
    run.expect_equal(run.next(5.0, ideas={**COMMON, **(ideas or {})}, idea=stuck or idea), expected, idea)


def judge_programs(run: Run, spec: Spec) -> None:
    for name, idea in PROGRAMS.items():
        expected = run_program(None, name, dict(spec))
        step(run, f"a program of asyncio's, {name}, on your loop and on asyncio's", expected, idea)
    run.result()


def judge_sockets(exam: Exam) -> None:
    words = [exam.bytes(size) for size in (7, 8, 9, 10, 11)]
    seed, size = exam.random.randrange(2**32), exam.random.randrange(1_000_000, 1_100_000)
    listener = exam.listen()
    listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
    run = exam.run(drive_sockets, listener.address, seed, size)
    one, two = peers(listener)
    ideas = {**COMMON, "RuntimeError": BAD_YIELD, "KeyError": STAYS, "InvalidStateError": STAYS}

    def gets(sent: str, expected: Any, idea: str, limit: float = 5.0) -> None:
        run.sent = sent
        run.expect_equal(run.next(limit, ideas=ideas, idea=idea), expected, idea)

    run.sent = "sock_recv(sock, 100), and nothing comes"
    run.next(5.0, ideas=ideas)
    idle(run, ideas, IDLE)
    one.send(words[0])
    run.sent = f"sock_recv(sock, 100), then {brief(words[0])}"
    got, count = run.next(5.0, ideas=ideas, idea=HEARS)
    if count > MANY:
        raise Failed(run.sent, "a loop that sleeps meanwhile", f"{count} calls put into its queue", IDLE)
    run.expect_equal(got, words[0], HEARS)
    gets("sock_recv in an asyncio.timeout(0.1), and nothing comes", "TimeoutError", STAYS)
    gets("the same", "gave up", STAYS)
    one.send(words[1])
    again = f"sock_recv that is cancelled by a timeout, then {brief(words[1])}, then another sock_recv"
    gets(again, words[1], STAYS)
    one.send(words[2])
    gets("the bytes of a socket for which no task waits", "leaves bytes", STAYS)
    idle(run, ideas, STAYS)
    gets(f"{brief(words[2])}, and after a while sock_recv", words[2], HEARS)
    gets("two tasks, each with sock_recv on its own socket", "two", TWO)
    with run.talking(ideas):
        two.send(words[3])
        two.expect(HEARD, TWO, 5.0)
        one.send(words[4])
        one.expect(HEARD, TWO, 5.0)
    gets("two tasks, each with sock_recv on its own socket", [words[3], words[4]], TWO)
    gets("sock_sendall", "sends", SENDS)
    run.sent = f"sock_sendall(sock, {size:,} bytes) to a peer that does not read yet, and another task"
    one.said[:] = two.said[:] = [run.sent]
    with run.talking(ideas):
        two.expect(HEARD, SENDS, 5.0)
        one.expect(random.Random(seed).randbytes(size), SENDS, 8.0)
    gets(run.sent, "all sent", SENDS)
    gets("sock_recv, then a reset", "reset", RESETS)
    time.sleep(0.1)
    two.reset()
    gets("sock_recv, then a reset", "ConnectionResetError", RESETS)
    run.result()


def idle(run: Run, ideas: Ideas, idea: str) -> None:
    """Expect that it sleeps; where it has died, say so."""
    with run.talking({**ideas}):
        run.expect_idle(idea)


def peers(listener: Listener) -> tuple[Peer, Peer]:
    return listener.accept(), listener.accept()


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


EXERCISE = Exercise(
    id="11.5",
    title="asyncio programs on your own loop",
    name="MyAsyncioLoop",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(NO_CONTEXT, "take the context"),
        Wrong(DROPS_CONTEXT, "in the context that was given"),
        Wrong(NOT_RETURNED, "return a handle"),
        Wrong(CANCELLED_ALL_THE_SAME, "only marks it"),
        Wrong(AT_ONCE, "calls nothing itself"),
        Wrong(BARE_CALLBACK, "only marks it"),
        Wrong(WHEN_IS_A_DELAY, "a moment of the loop's own clock"),
        Wrong(NEVER_RUNNING, "which loop runs"),
        Wrong(STAYS_RUNNING, "still takes this loop for running"),
        Wrong(RESET_ON_SUCCESS, "such as SystemExit"),
        Wrong(NO_RESULT, "what the future's"),
        Wrong(COROUTINES_ONLY, "only of a coroutine"),
        Wrong(RUNS_FOREVER, "until the future is done"),
        Wrong(ITS_OWN_FUTURE, "asyncio's futures only"),
        Wrong(NEVER_UNREGISTERED, "must be unregistered"),
        Wrong(STALE, "must be unregistered"),
        Wrong(IN_CALLBACK, "must be unregistered"),
        Wrong(ASKS_AGAIN, "Let the selector tell"),
        Wrong(POLLS, "Let the selector tell"),
        Wrong(TOO_LONG, "longer than it need be"),
        Wrong(IN_A_BASE, "longer than it need be"),
        Wrong(DERIVED, "another one does its work"),
        Wrong(DELEGATES, "another one does its work"),
    ),
    limit=30.0,
)
