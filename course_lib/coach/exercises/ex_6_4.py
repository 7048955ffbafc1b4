"""Exercise 6.4: one bad callback kills nobody."""

import selectors
import socket
from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import Any

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.run import Run

# --- the task

STUB = '''
import selectors


class SturdyLoop(selectors.DefaultSelector):
    """A callback that raises costs no other callback anything; `report(error)` tells of it."""

    def __init__(self, report):
        super().__init__()
        self.report = report
        self.ready = []

    def call_soon(self, callback, *args):
        self.ready.append((callback, args))

    def run_once(self):
        for key, mask in self.select(0 if self.ready else None):
            key.data(mask)
        calls, self.ready = self.ready, []
        for callback, args in calls:
            callback(*args)
'''

HINTS = (
    "Callbacks are called in two places: those of sockets with a mask, those of the queue with their"
    " arguments. Both may raise.",
    "What stands inside the `try` is lost when something raises: that should be one callback, and not the"
    " loop that calls them all.",
    "`except Exception as error:` catches what goes wrong in a program. KeyboardInterrupt and SystemExit are"
    " no Exception: they ask the program to end, and pass.",
)

# --- right answers

SOLUTION = STUB.partition("    def run_once(self):")[0] + (
    """    def run_once(self):
        for key, mask in self.select(0 if self.ready else None):
            self.call(key.data, mask)
        calls, self.ready = self.ready, []
        for callback, args in calls:
            self.call(callback, *args)

    def call(self, callback, *args):
        try:
            callback(*args)
        except Exception as error:
            self.report(error)
"""
)

OTHER = """
import contextlib
import selectors
from collections import deque


class SturdyLoop:
    def __init__(self, report):
        self.report = report
        self.selector = selectors.DefaultSelector()
        self.register, self.unregister = self.selector.register, self.selector.unregister
        self.close = self.selector.close
        self.calls = deque()

    def call_soon(self, callback, *args):
        self.calls.append(lambda: callback(*args))

    @contextlib.contextmanager
    def reporting(self):
        try:
            yield
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            self.report(error)

    def run_once(self):
        for key, mask in self.selector.select(0 if self.calls else None):
            with self.reporting():
                key.data(mask)
        for _ in range(len(self.calls)):
            with self.reporting():
                self.calls.popleft()()
"""

# --- wrong answers


def run_once(body: str) -> str:
    """Return an answer with this ``run_once``."""
    head = STUB.partition("    def run_once(self):")[0]
    return f"{head}    def run_once(self):\n        " + body.strip().replace("\n", "\n        ") + "\n"


AROUND_THE_ROUND = run_once("""
try:
    for key, mask in self.select(0 if self.ready else None):
        key.data(mask)
    calls, self.ready = self.ready, []
    for callback, args in calls:
        callback(*args)
except Exception as error:
    self.report(error)
""")

AROUND_EACH_LOOP = run_once("""
try:
    for key, mask in self.select(0 if self.ready else None):
        key.data(mask)
except Exception as error:
    self.report(error)
try:
    while self.ready:
        callback, args = self.ready.pop(0)
        callback(*args)
except Exception as error:
    self.report(error)
""")

SOCKETS_AT_ONCE = run_once("""
try:
    for key, mask in self.select(0 if self.ready else None):
        key.data(mask)
except Exception as error:
    self.report(error)
calls, self.ready = self.ready, []
for callback, args in calls:
    try:
        callback(*args)
    except Exception as error:
        self.report(error)
""")

ONLY_THE_QUEUE = run_once("""
for key, mask in self.select(0 if self.ready else None):
    key.data(mask)
calls, self.ready = self.ready, []
for callback, args in calls:
    try:
        callback(*args)
    except Exception as error:
        self.report(error)
""")

ONLY_SOCKETS = run_once("""
for key, mask in self.select(0 if self.ready else None):
    try:
        key.data(mask)
    except Exception as error:
        self.report(error)
calls, self.ready = self.ready, []
for callback, args in calls:
    callback(*args)
""")

SILENT = SOLUTION.replace("self.report(error)", "pass")

EVERYTHING = SOLUTION.replace("except Exception as error", "except BaseException as error")

OSERRORS = SOLUTION.replace("except Exception as error", "except OSError as error")

TEXT = SOLUTION.replace("self.report(error)", "self.report(str(error))")

NO_ARGUMENTS = SOLUTION.replace("self.call(callback, *args)\n\n", "self.call(callback)\n\n")

TRIES_AGAIN = SOLUTION.replace(
    "self.report(error)", "self.report(error)\n            self.call_soon(callback, *args)"
)

QUEUE_TRIES_AGAIN = run_once("""
for key, mask in self.select(0 if self.ready else None):
    try:
        key.data(mask)
    except Exception as error:
        self.report(error)
calls, self.ready = self.ready, []
for callback, args in calls:
    try:
        callback(*args)
    except Exception as error:
        self.report(error)
        self.call_soon(callback, *args)
""")

EVERYTHING_OF_SOCKETS = run_once("""
for key, mask in self.select(0 if self.ready else None):
    try:
        key.data(mask)
    except BaseException as error:
        self.report(error)
calls, self.ready = self.ready, []
for callback, args in calls:
    try:
        callback(*args)
    except Exception as error:
        self.report(error)
""")

NO_MASK = SOLUTION.replace("self.call(key.data, mask)", "self.call(key.data)")

GIVES_UP = run_once("""
for key, mask in self.select(0 if self.ready else None):
    try:
        key.data(mask)
    except Exception as error:
        self.report(error)
        self.unregister(key.fileobj)
calls, self.ready = self.ready, []
for callback, args in calls:
    try:
        callback(*args)
    except Exception as error:
        self.report(error)
""")

# --- words and numbers of the judge

DIES = (
    "The callback's error has left `run_once`: it ends the loop, and with it every client. The loop must"
    " expect anything of a callback, and of every one: of the queue and of sockets."
)
REST = (
    "One callback has raised, and those behind it in the same round were not called. An error may cost the"
    " one callback in which it was raised, and no other."
)
SAME_ROUND = (
    "Two sockets were ready. The callback of one has raised, and that of the other was not called in this"
    " round. What stands inside the `try` is lost with it: how much stands there?"
)
TOLD = (
    "An error that nobody hears of is never mended: `report` is called with each, once, and with nothing"
    " else."
)
OBJECT = "`report` wants the error itself. Its type and its traceback say more than its text."
END = (
    "KeyboardInterrupt and SystemExit are no errors of a callback: somebody wants the program to end. Nobody"
    " who is asked to end answers with a report."
)
STILL_THERE = (
    "A callback has raised once, and its socket is not watched any more. A loop cannot know what the error"
    " means: who registered the socket decides whether it goes."
)
ONCE = (
    "A callback is called once a round, whether it raises or not. Who wants to try again can say so, by"
    " `call_soon`."
)
QUEUE_ONCE = (
    "What was in the queue has been called, and has left it, whether it raised or not. Who wants to try again"
    " can say so, by `call_soon`."
)
CLIENTS = "The word of one client made its callback raise. The other clients are served as before."
ARGUMENTS = "`call_soon(callback, *args)` calls `callback(*args)`, and a socket's callback gets the mask."


class Odd(Exception):
    """An error of which no loop has ever heard."""


KINDS = (ValueError, OSError, KeyError, ZeroDivisionError, RuntimeError, AssertionError, Odd)


# --- in the learner's process


class Watched:
    """A loop of the learner's; what was called, and what was reported."""

    def __init__(self, kind: Any) -> None:
        self.called: list[str] = []
        self.reported: list[str] = []
        self.raised: list[BaseException] = []
        self.loop = kind(self.report)

    def report(self, error: Any) -> None:
        if isinstance(error, BaseException):
            self.reported.append(f"{type(error).__name__}: {error.args[0]}")
        else:
            self.reported.append(f"a {type(error).__name__}")

    def good(self, name: str) -> None:
        self.called.append(name)

    def bad(self, kind: type[BaseException], word: str) -> None:
        self.raised.append(kind(word))
        raise self.raised[-1]

    def round(self) -> list[list[str]]:
        """Run one round; return who was called and what was reported."""
        self.called.clear()
        self.reported.clear()
        try:
            self.loop.run_once()
        except BaseException as error:
            if error not in self.raised:
                raise  # it is none of a callback's, but a slip in the loop itself
            self.called.append(f"run_once raised {type(error).__name__}")
        return [self.called, self.reported]


def drive(kind: Any, names: list[str], numbers: list[int]) -> Iterator[Any]:
    """Each step yields who was called in one round, and what was reported."""
    loops: list[Any] = []

    def watched() -> Watched:
        one = Watched(kind)
        loops.append(one.loop)
        return one

    for number in numbers:
        yield from queue(watched(), names, KINDS[number])
    yield from sockets(watched(), names, KINDS[numbers[0]])
    for ending in (KeyboardInterrupt, SystemExit):
        one = watched()
        one.loop.call_soon(one.bad, ending, "end")
        yield one.round()
        yield ends_in_a_socket(watched(), ending)
    for loop in loops:
        loop.close()


def queue(one: Watched, names: list[str], kind: type[Exception]) -> Iterator[Any]:
    one.loop.call_soon(one.good, names[0])
    one.loop.call_soon(one.bad, kind, "first")
    one.loop.call_soon(one.good, names[1])
    one.loop.call_soon(one.bad, kind, "second")
    one.loop.call_soon(one.good, names[2])
    yield one.round()
    one.loop.call_soon(one.good, names[0])
    yield one.round()


def ends_in_a_socket(one: Watched, ending: type[BaseException]) -> list[list[str]]:
    left, right = socket.socketpair()
    with left, right:
        one.loop.register(right, selectors.EVENT_READ, lambda mask: one.bad(ending, "end"))
        left.send(b"!")
        return one.round()


def sockets(one: Watched, names: list[str], kind: type[Exception]) -> Iterator[Any]:
    """Three sockets are ready; the callback that is called first raises, in the first round only."""
    pairs = [socket.socketpair() for _ in names]
    failed: list[str] = []

    def ready(name: str, sock: socket.socket, mask: int) -> None:
        if not failed:
            failed.append(name)
            one.bad(kind, "first")
        word = sock.recv(100).decode()
        one.called.append(word if mask == selectors.EVENT_READ else f"{word} with a mask of {mask}")

    try:
        for name, (left, right) in zip(names, pairs, strict=True):
            left.send(name.encode())
            one.loop.register(right, selectors.EVENT_READ, partial(ready, name, right))
        for _ in range(2):
            one.loop.call_soon(one.good, "queue")
            yield [*one.round(), failed]
    finally:
        for left, right in pairs:
            left.close()
            right.close()


def serve(kind: Any, bad: str, number: int) -> Iterator[Any]:
    """An echo server on the loop. A client that says ``bad`` makes its callback raise, and is sent away."""

    def accept(mask: int) -> None:
        conn, _ = listener.accept()
        loop.register(conn, selectors.EVENT_READ, lambda mask: read(conn))

    def read(conn: socket.socket) -> None:
        data = conn.recv(1024)
        if data and data != bad.encode():
            conn.sendall(data)
            return
        loop.unregister(conn)
        conn.close()
        if data:
            raise KINDS[number](bad)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        loop = kind(lambda error: None)
        loop.register(listener, selectors.EVENT_READ, accept)
        yield listener.getsockname()
        while True:
            loop.run_once()


# --- the judge


def judge(exam: Exam) -> None:
    names = [exam.word(4) for _ in range(3)]
    numbers = exam.random.sample(range(len(KINDS)), 3)
    run = exam.run(drive, names, numbers)
    for number in numbers:
        in_queue(run, names, KINDS[number].__name__)
    on_sockets(run, names, KINDS[numbers[0]].__name__)
    for ending, place in product(
        ("KeyboardInterrupt", "SystemExit"), ("call_soon", "a socket that is ready,")
    ):
        run.sent = f"{place} for a callback that raises {ending}; run_once()"
        called, reported = run.next()
        expected = f"run_once raised {ending}"
        if called != [expected] or reported:
            got = f"reported: {', '.join(reported)}" if reported else "nothing"
            raise Failed(run.sent, expected, got, END)
    run.result()
    to_clients(exam, numbers[1])


def in_queue(run: Run, names: list[str], kind: str) -> None:
    one, two, three = names
    bad = f"one that raises {kind}"
    run.sent = f"call_soon for {one}, {bad}, {two}, {bad}, {three}; run_once()"
    called, reported = run.next(idea=REST)
    expect_arguments(run, reported, names)
    expect_called(run, called, names)
    expect_reported(run, reported, [f"{kind}: first", f"{kind}: second"])
    run.sent += f"; then call_soon for {one}; run_once()"
    called, reported = run.next(idea=QUEUE_ONCE)
    if called != [one] or reported:
        raise Failed(run.sent, f"a call of {one}, no report", ", ".join(called + reported), QUEUE_ONCE)


def on_sockets(run: Run, names: list[str], kind: str) -> None:
    """The first socket's callback raises, once."""
    run.sent = f"three sockets that are ready, the callback of one raises {kind}; run_once()"
    called, reported, failed = run.next(idea=SAME_ROUND)
    expect_arguments(run, reported, names)
    others = [name for name in names if name not in failed]
    expect_called(run, sorted(called), sorted([*others, "queue"]), SAME_ROUND)
    expect_reported(run, reported, [f"{kind}: first"])
    run.sent += " again"
    called, reported, failed = run.next(idea=STILL_THERE)
    expect_called(run, sorted(called), sorted([*failed, "queue"]), STILL_THERE)
    expect_reported(run, reported, [])


def expect_arguments(run: Run, reported: list[str], names: list[str]) -> None:
    """Expect that no callback was called in vain, with arguments that it does not take."""
    if any(each.startswith("TypeError") for each in reported):
        raise Failed(run.sent, f"calls of {', '.join(names)}", ", ".join(reported), ARGUMENTS)


def expect_called(run: Run, called: list[str], expected: list[str], idea: str = REST) -> None:
    if called == expected:
        return
    if any("a mask of" in each for each in called):
        idea = ARGUMENTS
    elif any("run_once raised" in each for each in called):
        idea = DIES
    elif len(called) > len(expected):
        idea = ONCE
    raise Failed(run.sent, f"calls of {', '.join(expected)}", ", ".join(called) or "none", idea)


def expect_reported(run: Run, reported: list[str], expected: list[str]) -> None:
    if reported == expected:
        return
    idea = OBJECT if any(each.startswith("a ") for each in reported) else TOLD
    raise Failed(
        run.sent, f"reports of {', '.join(expected) or 'nothing'}", ", ".join(reported) or "none", idea
    )


def to_clients(exam: Exam, number: int) -> None:
    """A server on the loop, with real clients."""
    bad = exam.word(5)
    run = exam.run(serve, bad, number)
    address = tuple(run.next())
    with run.talking():
        neighbor, failing = exam.connect(address, "a neighbor"), exam.connect(address, "a client")
        exam.echo(neighbor, "The echo is missing.")
        failing.send(bad.encode())
        failing.expect_end(CLIENTS)
        exam.echo(neighbor, CLIENTS)
        exam.echo(exam.connect(address, "a new client"), CLIENTS)
        run.sent = "nothing more"
        run.expect_idle("Nothing is ready and the queue is empty: the loop sleeps.")


EXERCISE = Exercise(
    id="6.4",
    title="One bad callback kills nobody",
    name="SturdyLoop",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(AROUND_THE_ROUND, "no other"),
        Wrong(AROUND_EACH_LOOP, "no other"),
        Wrong(SOCKETS_AT_ONCE, "Two sockets were ready"),
        Wrong(ONLY_THE_QUEUE, "of the queue and of sockets"),
        Wrong(ONLY_SOCKETS, "has left `run_once`"),
        Wrong(SILENT, "nobody hears of"),
        Wrong(EVERYTHING, "wants the program to end"),
        Wrong(OSERRORS, "expect anything"),
        Wrong(TEXT, "the error itself"),
        Wrong(NO_ARGUMENTS, "gets the mask"),
        Wrong(TRIES_AGAIN, "try again"),
        Wrong(QUEUE_TRIES_AGAIN, "try again"),
        Wrong(EVERYTHING_OF_SOCKETS, "wants the program to end"),
        Wrong(NO_MASK, "gets the mask"),
        Wrong(GIVES_UP, "not watched any more"),
    ),
)
