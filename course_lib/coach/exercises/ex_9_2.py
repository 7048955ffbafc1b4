"""Exercise 9.2: recv and sendall that wait without blocking anybody else."""

import random
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from course_lib.coach.bare_loop import BareLoop
from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Broke, Exercise, Failed, Wrong
from course_lib.coach.run import Ideas, Run, brief

# --- the task

STUB = '''
from course_lib import READ, WRITE, Future


class SocketCalls:
    """Made once for each loop. `loop.register(sock, events, callback)` has `callback(events)` called in each
    round in which `sock` is ready, until `loop.unregister(sock)`. All sockets are non-blocking.
    """

    def __init__(self, loop):
        self.loop = loop

    async def sock_recv(self, sock, limit):
        """Wait for bytes; return up to `limit` of them, or b"" at the end of the stream."""

    async def sock_sendall(self, sock, data):
        """Send all of `data`; wait whenever there is no room."""
'''

HINTS = (
    "Both wait in the same way, so begin with a third method, `async def ready(self, sock, events)`: make a"
    " future, register the socket with a callback that settles it, await it.",
    "A socket that is ready stays so until somebody reads it, and its callback is called in each round. So"
    " the callback does two things: `self.loop.unregister(sock)`, then `future.set_result(None)`.",
    "Readiness is a hint. Call `sock.recv(limit)` in a loop: return what it returns, and on BlockingIOError"
    " wait until the socket is ready, and try again.",
    "`sock.send(data)` returns how many bytes it took. While some are left: send, and cut off what has gone;"
    " on BlockingIOError wait until the socket is ready for WRITE.",
)

# --- right answers

SOLUTION = '''
from course_lib import READ, WRITE, Future


class SocketCalls:
    """Made once for each loop."""

    def __init__(self, loop):
        self.loop = loop

    async def ready(self, sock, events):
        """Wait until `sock` is ready for READ or WRITE."""
        future = Future(self.loop)

        def on_ready(events):
            self.loop.unregister(sock)
            future.set_result(None)

        self.loop.register(sock, events, on_ready)
        await future

    async def sock_recv(self, sock, limit):
        """Wait for bytes; return up to `limit` of them, or b"" at the end of the stream."""
        while True:
            try:
                return sock.recv(limit)
            except BlockingIOError:
                await self.ready(sock, READ)

    async def sock_sendall(self, sock, data):
        """Send all of `data`; wait whenever there is no room."""
        while data:
            try:
                data = data[sock.send(data) :]
            except BlockingIOError:
                await self.ready(sock, WRITE)
'''

OTHER = """
from course_lib import READ, WRITE, Future


class SocketCalls:
    def __init__(self, loop):
        self.loop = loop

    def sock_recv(self, sock, limit):
        return self.attempt(sock, READ, lambda: sock.recv(limit))

    async def sock_sendall(self, sock, data):
        view, sent = memoryview(data), 0
        while sent < len(view):
            sent += await self.attempt(sock, WRITE, lambda: sock.send(view[sent:]))

    async def attempt(self, sock, events, call):
        future = Future(self.loop)

        def on_ready(events):
            try:
                result = call()
            except BlockingIOError:
                return
            except Exception as error:
                future.done() or future.set_exception(error)
            else:
                future.done() or future.set_result(result)
            self.loop.unregister(sock)

        self.loop.register(sock, events, on_ready)
        return await future
"""

# --- wrong answers

UNREGISTER = """        def on_ready(events):
            self.loop.unregister(sock)
            future.set_result(None)

        self.loop.register(sock, events, on_ready)
        await future
"""

NEVER_UNREGISTERED = SOLUTION.replace("            self.loop.unregister(sock)\n", "")

UNREGISTERED_LATE = SOLUTION.replace("            self.loop.unregister(sock)\n", "").replace(
    "        await future\n", "        await future\n        self.loop.unregister(sock)\n"
)

RECV_AT_ONCE = SOLUTION.replace(
    """        while True:
            try:
                return sock.recv(limit)
            except BlockingIOError:
                await self.ready(sock, READ)
""",
    "        return sock.recv(limit)\n",
)

RECV_BLOCKS = SOLUTION.replace(
    "                return sock.recv(limit)", "                return self.block(sock, limit)"
)
RECV_BLOCKS += """
    def block(self, sock, limit):
        sock.setblocking(True)
        return sock.recv(limit)
"""

ASKS_WITHOUT_END = SOLUTION.replace("await self.ready(sock, READ)", "continue")

NEXT_ROUND = SOLUTION.replace(
    UNREGISTER, "        self.loop.call_soon(future.set_result, None)\n        await future\n"
)

NAPS = SOLUTION.replace(
    UNREGISTER, "        self.loop.call_later(0.005, future.set_result, None)\n        await future\n"
)

FOR_WRITE = SOLUTION.replace("await self.ready(sock, READ)", "await self.ready(sock, WRITE)")

TRUSTS = SOLUTION.replace(
    """        while True:
            try:
                return sock.recv(limit)
            except BlockingIOError:
                await self.ready(sock, READ)
""",
    "        await self.ready(sock, READ)\n        return sock.recv(limit)\n",
)

IN_CALLBACK = SOLUTION.replace(
    """        while True:
            try:
                return sock.recv(limit)
            except BlockingIOError:
                await self.ready(sock, READ)
""",
    """        future = Future(self.loop)

        def on_ready(events):
            try:
                future.set_result(sock.recv(limit))
            except BlockingIOError:
                return
            self.loop.unregister(sock)

        self.loop.register(sock, READ, on_ready)
        return await future
""",
)

NO_LIMIT = SOLUTION.replace("sock.recv(limit)", "sock.recv(4096)")

END_IS_NOTHING = SOLUTION.replace(
    "                return sock.recv(limit)\n",
    "                if data := sock.recv(limit):\n                    return data\n",
)


def sendall(body: str) -> str:
    """Return an answer with this ``sock_sendall``."""
    head, _, rest = SOLUTION.partition("        while data:\n")
    return head + "        " + body.strip().replace("\n", "\n        ") + "\n"


SENDALL = sendall("sock.sendall(data)")

ONE_SEND = sendall("""
await self.ready(sock, WRITE)
sock.send(data)
""")

SPINS = sendall("""
while data:
    try:
        data = data[sock.send(data) :]
    except BlockingIOError:
        pass
""")

FROM_THE_START = sendall("""
while True:
    try:
        return sock.sendall(data)
    except BlockingIOError:
        await self.ready(sock, WRITE)
""")

DROPS_REST = sendall("""
while data:
    await self.ready(sock, WRITE)
    sock.send(data[:500_000])
    data = data[500_000:]
""")

FOR_READ = SOLUTION.replace("await self.ready(sock, WRITE)", "await self.ready(sock, READ)")

AWAITS_REGISTER = SOLUTION.replace(
    UNREGISTER, "        await self.loop.register(sock, events, lambda events: self.loop.unregister(sock))\n"
)

WAITS_FOR_MORE = SOLUTION.replace(
    """        while True:
            try:
                return sock.recv(limit)
            except BlockingIOError:
                await self.ready(sock, READ)
""",
    """        data = b""
        while len(data) < limit:
            try:
                part = sock.recv(limit - len(data))
                if not part:
                    break
                data += part
            except BlockingIOError:
                await self.ready(sock, READ)
        return data
""",
)

ONE_FUTURE = SOLUTION.replace("future", "self.future")

UNREGISTERED_TWICE = SOLUTION.replace(
    "        await future\n",
    "        try:\n            await future\n        finally:\n            self.loop.unregister(sock)\n",
)

# --- words and numbers of the judge

BLOCKED = (
    "The loop stands still: all that waits must do so in an `await`, of a future that the socket's callback"
    " settles."
)
NOTHING_THERE = (
    "The socket is non-blocking, and nothing is there as yet: `recv` says so with BlockingIOError. That is"
    " the moment to wait until the socket is ready."
)
NO_SLEEP = (
    "Nothing comes, and the loop does not sleep: it is woken again and again to try. Let the selector tell"
    " you when to: register the socket, for READ where bytes are to come and for WRITE where room is."
)
AGAIN = (
    "A socket that is ready stays so, and its callback is called in each round in which it is registered."
    " What you have registered, take back in the callback, before you settle the future: a future is settled"
    " once, and a socket registered once."
)
NOT_WAITED = (
    "Nothing has come, and the socket was registered once more: so it has not waited in between. To make a"
    " future, or to return one, suspends nobody: `await` the future."
)
NOT_REGISTERED = (
    "The socket was not registered any more, or not yet. `unregister` takes back what was registered, once;"
    " and `register` is handed the callback as it is, uncalled."
)
TAKES_EVENTS = "The loop calls `callback(events)`: the callback takes one argument, READ or WRITE."
ONE_EACH = (
    "Two tasks wait at the same time: each of them has a future of its own, kept where no other sees it."
)
NOT_TOLD = (
    "Bytes have come, and the task waits on. The callback settles the future that it awaits; and then `recv`"
    " takes what is there, which may be less than `limit`. More may never come."
)
HINT_ONLY = (
    "Two tasks wait for one connection, and both are told that bytes have come; one of them takes them all."
    " Readiness is a hint: when nothing is there, wait on."
)
RAISES = (
    "The peer has reset the connection. The task that waits must hear of it: an error that is raised in a"
    " callback goes to the loop, and the task waits for ever."
)
LIMIT = "`recv` returns up to `limit` bytes; the others wait in the kernel for the next one."
EMPTY = '`b""` is an answer too, the last one: the end of the stream. Nothing will come after it.'
WORDS = "`sock_recv` returns what has come, as `recv` does."
NO_ROOM = (
    "The kernel took a part, and then had no more room: BlockingIOError. `sendall` of a non-blocking socket"
    " does not say how much has gone. `send` does: keep the rest, wait for room, and go on with it."
)
ALL_OF_IT = (
    "`send` takes as much as there is room for, and returns how much that was. What is left is sent when"
    " there is room again: once, and in its order."
)
AWAITABLE = "`sock_recv` and `sock_sendall` are coroutine functions, and what they await is a future."
ROOM = 32 * 1024
PATIENCE = 0.5
"""Seconds in which the kernel, on a busy machine, has brought what was sent."""

ERRORS: Ideas = {"BlockingIOError": NOTHING_THERE, "KeyError": AGAIN, "TypeError": AWAITABLE}


# --- in the learner's process


def connection() -> tuple[socket.socket, socket.socket]:
    """Return the two ends of a connection, non-blocking, with little room in the kernel."""
    left = socket.socket()
    left.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        left.connect(listener.getsockname())
        right, _ = listener.accept()
    right.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)
    for sock in (left, right):
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return left, right


class Talk:
    """The learner's calls on a loop of the judge's, and a connection of which they have the right end."""

    def __init__(self, calls: Any) -> None:
        self.loop = BareLoop()
        self.calls = calls(self.loop)
        self.left, self.right = connection()

    def __enter__(self) -> "Talk":
        return self

    def __exit__(self, *unused: object) -> None:
        self.left.close()
        self.right.close()
        self.loop.close()

    def recv(self, limit: int, sock: socket.socket | None = None) -> Any:
        """Return a task that receives."""

        async def task() -> Any:
            return await self.calls.sock_recv(sock or self.right, limit)

        return self.loop.spawn(task())

    def sendall(self, data: bytes) -> Any:
        async def task() -> Any:
            return await self.calls.sock_sendall(self.right, data)

        return self.loop.spawn(task())

    def waits(self, *tasks: Any) -> Any:
        """Tell what the loop does when there is nothing to do; raise what a task raises."""
        asleep = self.loop.falls_asleep()
        for task in tasks:
            if task.done():
                return ["not waited", task.result()]
        return self.after("asleep" if asleep else "awake")

    def after(self, result: Any) -> Any:
        """Return ``result``, or what has gone wrong in a callback."""
        for error in self.loop.errors:
            return ["in a callback", f"{type(error).__name__}: {error}"]
        return result

    def go(self, condition: Callable[[], object]) -> bool:
        """Run until ``condition()``, or until nothing happens any more; tell whether it holds."""
        self.loop.noting.slept = False
        self.loop.run_until(lambda: condition() or self.loop.noting.slept, patience=PATIENCE)
        return bool(condition())

    def end(self, task: Any) -> Any:
        """Run until the task is done; return its result."""
        if not self.go(task.done):
            return self.after(["no end"])
        return self.after(task.result())


def drive(calls: Any, words: list[str], seed: int, size: int) -> Iterator[Any]:
    """Each step yields what came of it."""
    first, second = (word.encode() for word in words)
    with Talk(calls) as talk:
        task = talk.recv(100)
        yield talk.waits(task)
        talk.left.send(first)
        yield talk.end(task)
        task = talk.recv(3)
        yield talk.waits(task)
        talk.left.send(second)
        yield talk.end(task)
        yield talk.waits()
        yield talk.end(talk.recv(100))
        talk.left.shutdown(socket.SHUT_WR)
        yield talk.end(talk.recv(100))
    with Talk(calls) as talk:
        yield from two_tasks(talk, first, second)
    with Talk(calls) as talk:
        yield reset(talk)
    with Talk(calls) as talk:
        yield from big(talk, random.Random(seed).randbytes(size))


def two_tasks(talk: Talk, first: bytes, second: bytes) -> Iterator[Any]:
    """Two descriptors of one connection are ready for the same bytes."""
    with talk.right.dup() as twin:
        tasks = [talk.recv(100), talk.recv(100, twin)]
        yield talk.waits(*tasks)
        talk.left.send(first)
        talk.go(lambda: any(task.done() for task in tasks))
        talk.loop.falls_asleep()
        got = [task.result() for task in tasks if task.done()]
        yield talk.after(got)
        talk.left.send(second)
        talk.go(lambda: all(task.done() for task in tasks))
        yield talk.after(sorted(task.result() for task in tasks if task.done()))


def reset(talk: Talk) -> Any:
    task = talk.recv(100)
    talk.loop.falls_asleep()
    talk.left.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    talk.left.close()
    talk.go(task.done)
    if not task.done():
        return "no end"
    error = task.exception()
    return type(error).__name__ if error else "no exception"


def big(talk: Talk, data: bytes) -> Iterator[Any]:
    """Send more than there is room for to a peer that reads when we say so."""
    task = talk.sendall(data)
    yield talk.waits(task)
    got = bytearray()

    def more_than(before: int) -> bool:
        with suppress(BlockingIOError):
            got.extend(talk.left.recv(64 * 1024))
        return len(got) > before

    while len(got) < len(data) and not talk.loop.errors:
        if not talk.loop.run_until(partial(more_than, len(got)), rounds=10, patience=0.1):
            break
        talk.loop.run_once(0)
    same = bytes(got) == data
    yield talk.after([len(got), same])
    yield talk.end(task)
    yield talk.waits()


# --- the judge


def judge(exam: Exam) -> None:
    words = [exam.word(7), exam.word(8)]
    first, second = (word.encode() for word in words)
    size = exam.random.randrange(1_000_000, 1_100_000)
    run = exam.run(drive, words, exam.random.randrange(2**32), size)
    at = Steps(run)
    at.sleeps("sock_recv(sock, 100), and nothing comes", {**ERRORS, "KeyError": NOT_WAITED})
    at.gets(f"then {brief(first)}", first)
    at.sleeps("sock_recv(sock, 3), and nothing comes")
    at.gets(f"then {brief(second)}", second[:3], LIMIT)
    at.sleeps("the rest waits, and nobody asks for it")
    at.gets("then sock_recv(sock, 100)", second[3:], LIMIT)
    end = "then the end of the stream, and sock_recv(sock, 100)"
    at.gets(end, b"", EMPTY, {**ERRORS, "Exception": EMPTY}, EMPTY)
    at.begin()
    at.sleeps("two tasks with sock_recv(…, 100), on two descriptors of one connection")
    at.gets(f"then {brief(first)}", [first], HINT_ONLY, {**ERRORS, "BlockingIOError": HINT_ONLY})
    at.gets(f"then {brief(second)}", sorted([first, second]), HINT_ONLY)
    at.begin()
    at.gets("sock_recv(sock, 100), and a reset", "ConnectionResetError", RAISES)
    at.begin()
    no_room = {**ERRORS, "BlockingIOError": NO_ROOM}
    at.sleeps(f"sock_sendall of {size:,} bytes, and nobody reads", no_room, ALL_OF_IT)
    at.gets("then all is read", [size, True], ALL_OF_IT, no_room)
    at.gets("then nothing more", None, "`sock_sendall` ends when all has gone, and returns nothing.", no_room)
    at.sleeps("nothing more")
    run.result()


class Steps:
    """The driver's steps, one after the other."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.begin()

    def begin(self) -> None:
        """Begin with a new connection."""
        self.said: list[str] = []

    def sleeps(self, sent: str, errors: Ideas = ERRORS, at_once: str = NOTHING_THERE) -> None:
        """Expect that the task waits, and the loop sleeps."""
        got = self._next(sent, "a loop that sleeps until something comes", errors, BLOCKED)
        if isinstance(got, list):
            raise Failed(self.run.sent, "a task that waits", f"{brief(got[1])} at once", at_once)
        if got != "asleep":
            raise Failed(self.run.sent, "a loop that sleeps", "a loop that is busy", NO_SLEEP)

    def gets(
        self, sent: str, expected: Any, idea: str = WORDS, errors: Ideas = ERRORS, stuck: str = BLOCKED
    ) -> None:
        """Expect this of the task. ``stuck`` is the idea where nothing comes of it."""
        words = self.words(expected)
        got = self._next(sent, words, errors, stuck)
        if got == expected and type(got) is type(expected):
            return
        if got == ["no end"] and idea == WORDS:
            idea = NOT_TOLD
        raise Failed(self.run.sent, words, self.words(got), idea)

    def _next(self, sent: str, expected: str, errors: Ideas, idea: str) -> Any:
        self.said.append(sent)
        self.run.sent = ", ".join(self.said)
        try:
            got = self.run.next(3.0, ideas=errors, idea=idea)
        except Failed as failure:
            if failure.idea == AWAITABLE and "await" not in failure.got.partition(" (")[0]:
                raise Broke(f"your code raised {failure.got}") from None
            idea = NOT_REGISTERED if "is not registered" in failure.got else failure.idea
            raise Failed(self.run.sent, expected, failure.got, idea) from None
        if isinstance(got, list) and got[:1] == ["in a callback"]:
            raise Failed(
                self.run.sent, expected, f"{got[1]}, raised in a callback", self.in_callback(*got[1:])
            )
        return got

    def in_callback(self, error: str) -> str:
        """Return what has not been thought of by whom whose callback raises this."""
        match error.partition(":")[0]:
            case "BlockingIOError":
                return HINT_ONLY
            case "TypeError":
                return TAKES_EVENTS
            case "KeyError" if "is not registered" in error:
                return NOT_REGISTERED
            case "KeyError" | "RuntimeError" | "InvalidStateError":
                return ONE_EACH if self.said[0].startswith("two tasks") else AGAIN
            case name if name.startswith("Connection"):
                return RAISES
        raise Broke(f"your code raised, in a callback, {error}")

    def words(self, value: Any) -> str:
        match value:
            case [int(count), bool(same)]:
                return f"{count:,} bytes{'' if same else ', not those that were sent'}"
            case ["no end"]:
                return "no end, and nothing that would bring it"
            case list():
                return ", ".join(map(brief, value)) or "nothing"
            case str():
                return value
        return brief(value)


EXERCISE = Exercise(
    id="9.2",
    title="recv and sendall for a loop",
    name="SocketCalls",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(NEVER_UNREGISTERED, "registered once"),
        Wrong(UNREGISTERED_LATE, "before you settle the future"),
        Wrong(RECV_AT_ONCE, "the moment to wait"),
        Wrong(RECV_BLOCKS, "The loop stands still"),
        Wrong(ASKS_WITHOUT_END, "The loop stands still"),
        Wrong(NEXT_ROUND, "does not sleep"),
        Wrong(NAPS, "does not sleep"),
        Wrong(FOR_WRITE, "does not sleep"),
        Wrong(TRUSTS, "Readiness is a hint"),
        Wrong(IN_CALLBACK, "The task that waits must hear of it"),
        Wrong(NO_LIMIT, "up to `limit` bytes"),
        Wrong(END_IS_NOTHING, "the last one"),
        Wrong(SENDALL, "does not say how much"),
        Wrong(ONE_SEND, "What is left"),
        Wrong(SPINS, "The loop stands still"),
        Wrong(FROM_THE_START, "in its order"),
        Wrong(DROPS_REST, "in its order"),
        Wrong(FOR_READ, "What is left"),
        Wrong(AWAITS_REGISTER, "what they await is a future"),
        Wrong(WAITS_FOR_MORE, "less than `limit`"),
        Wrong(ONE_FUTURE, "a future of its own"),
        Wrong(UNREGISTERED_TWICE, "what was registered, once"),
    ),
)
