"""Exercise 11.1: what an event loop of asyncio's holds of the system's."""

import asyncio
import os
import selectors
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.run import Run, brief

# --- the task

STUB = '''
def descriptors(loop):
    """Return {descriptor: what it is} of all that `loop` holds itself or watches at this moment.

    "selector"                the selector's own descriptor
    "self-pipe, read end"     what the loop watches, to be woken by other threads
    "self-pipe, write end"    where these write
    "listener"                any other one that it watches, if that is a socket which listens
    "connection"              all others that it watches
    """
'''

HINTS = (
    "`vars(loop)` shows what the loop keeps: its selector, and two sockets with underscores in their names."
    " All three have `fileno()`. Which end does `loop._write_to_self` use?",
    "`loop._selector.get_map()` is a mapping: descriptor to key. All that is watched is in it, one end of the"
    " self-pipe too; the selector's own descriptor is not.",
    "Is it a listener? The kernel knows: `sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)`. For a"
    " number, `with socket.socket(fileno=os.dup(fd)) as sock:` makes a socket that may be closed.",
)

# --- right answers

SOLUTION = '''
import os
import socket


def descriptors(loop):
    """Return {descriptor: what it is} of all that `loop` holds itself or watches at this moment."""
    found = {fd: kind_of(fd) for fd in loop._selector.get_map()}
    found[loop._selector.fileno()] = "selector"
    found[loop._ssock.fileno()] = "self-pipe, read end"
    found[loop._csock.fileno()] = "self-pipe, write end"
    return found


def kind_of(fd):
    with socket.socket(fileno=os.dup(fd)) as sock:
        listens = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    return "listener" if listens else "connection"
'''

OTHER = """
NAMES = {
    "_selector": "selector",
    "_ssock": "self-pipe, read end",
    "_csock": "self-pipe, write end",
}


def descriptors(loop):
    own = {vars(loop)[name].fileno(): what for name, what in NAMES.items()}
    watched = {}
    for key in loop._selector.get_map().values():
        callbacks = [handle._callback.__name__ for handle in key.data if handle]
        watched[key.fd] = "listener" if "_accept_connection" in callbacks else "connection"
    return watched | own
"""

# --- wrong answers


def changed(old: str, new: str) -> str:
    """Return the solution with one change."""
    assert old in SOLUTION
    return SOLUTION.replace(old, new)


NO_SELECTOR = changed('    found[loop._selector.fileno()] = "selector"\n', "")

NO_WRITE_END = changed('    found[loop._csock.fileno()] = "self-pipe, write end"\n', "")

SWAPPED = changed("loop._ssock", "loop.x").replace("loop._csock", "loop._ssock")
SWAPPED = SWAPPED.replace("loop.x", "loop._csock")

FRESH_ONLY = changed("{fd: kind_of(fd) for fd in loop._selector.get_map()}", "{}")

IN_A_ROW = changed("    found[loop._selector.fileno()]", "    fd = loop._selector.fileno()\n    found[fd]")
IN_A_ROW = IN_A_ROW.replace("loop._ssock.fileno()", "fd + 1").replace("loop._csock.fileno()", "fd + 2")

OF_THE_PROCESS = changed(
    "{fd: kind_of(fd) for fd in loop._selector.get_map()}",
    "{fd: kind_of(fd) for fd in range(3, 200) if is_open(fd)}",
)
OF_THE_PROCESS = OF_THE_PROCESS.replace("    with socket", "    try:\n      with socket").replace(
    '    return "listener" if', "    except OSError: return 'connection'\n    return \"listener\" if"
)
OF_THE_PROCESS = OF_THE_PROCESS.replace("        listens =", "          listens =")
OF_THE_PROCESS += """

def is_open(fd):
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
"""

FILE_OBJECTS = changed(
    "{fd: kind_of(fd) for fd in loop._selector.get_map()}",
    "{key.fileobj: kind_of(key.fd) for key in loop._selector.get_map().values()}",
)

ALL_CONNECTIONS = changed('"listener" if listens else "connection"', '"connection"')

NUMBERS_ALONE = changed("    return found\n", "    return sorted(found)\n")

OF_TRANSPORTS = changed("in loop._selector.get_map()}", "in loop._transports}")

READERS = """
def descriptors(loop):
    found = {}
    for fd, key in loop._selector.get_map().items():
        listens = key.data[0]._callback.__name__ == "_accept_connection"
        found[fd] = "listener" if listens else "connection"
    found[loop._selector.fileno()] = "selector"
    found[loop._ssock.fileno()] = "self-pipe, read end"
    found[loop._csock.fileno()] = "self-pipe, write end"
    return found
"""

KEPT = changed("def kind_of", "seen = {}\n\n\ndef kind_of").replace(
    "    return found\n", "    seen.update(found)\n    return dict(seen)\n"
)

CLOSES_IT = changed("socket.socket(fileno=os.dup(fd))", "socket.socket(fileno=fd)")

LETS_IT_BLOCK = changed("        listens =", "        sock.setblocking(True)\n        listens =")

OVERWRITTEN = """
import os
import socket


def descriptors(loop):
    found = {loop._selector.fileno(): "selector", loop._csock.fileno(): "self-pipe, write end"}
    found[loop._ssock.fileno()] = "self-pipe, read end"
    for fd in loop._selector.get_map():
        with socket.socket(fileno=os.dup(fd)) as sock:
            listens = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        found[fd] = "listener" if listens else "connection"
    return found
"""

A_COMMA_LESS = changed('"self-pipe, read end"', '"self-pipe read end"')

# --- words and numbers of the judge

SHAPE = "`descriptors` returns a dict: its keys are numbers, its values the words that the stub names."
SELECTOR = (
    "The selector has a descriptor of its own, which is not among those that it watches: on Linux it is what"
    " `epoll_create` has returned. A selector has `fileno()`."
)
PIPE = (
    "A loop that sleeps in `select` is woken by a byte in a socket: so it has a pair of sockets. It watches"
    " one of them, and keeps the other one for those who wake it."
)
ENDS = "Whoever wakes the loop sends a byte into one end; the loop reads at the other. Which one is watched?"
WATCHED = (
    "What the loop watches is what its selector has been asked to watch: all of that, and nobody knows it"
    " better than the selector itself."
)
LISTENS = (
    "Both are sockets; one listens, and others are connections. The kernel knows which is which, and the"
    " loop has other callbacks for them."
)
FOREIGN = (
    "This process has more descriptors than this loop: files, sockets, other loops. Their numbers tell"
    " nothing, since the kernel gives the lowest that is free. Ask the loop."
)
PAUSED = (
    "The connection is open, but its transport has paused reading: at this moment the loop does not watch it."
)
GONE = "What has been closed is watched no more."
WRITES = (
    "A descriptor may be watched for reading, for writing, or for both. Where only room to write is waited"
    " for, there is no reader."
)
HARMLESS = (
    "To look at a loop must not change it: here a descriptor of its own has been closed, or made to block."
    " A copy by `os.dup` may be closed, but whether it blocks it shares with what it was copied from."
)

OWN = ("selector", "self-pipe, read end", "self-pipe, write end")
KINDS = (*OWN, "listener", "connection")


# --- in the learner's process


class Town:
    """A loop with servers, and connections to them: what is open, by its descriptor."""

    def __init__(self, runner: asyncio.Runner, descriptors: Any) -> None:
        self.runner, self.descriptors = runner, descriptors
        self.loop: Any = runner.get_loop()
        self.listeners: list[asyncio.Server] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.accepted: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
        self.paused: set[int] = set()
        self.added: dict[int, str] = {}

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.accepted.put(writer)

    async def open(self, servers: int, clients: int) -> None:
        for _ in range(servers):
            self.listeners.append(await asyncio.start_server(self.accept, "127.0.0.1", 0))
        for number in range(clients):
            address = self.listeners[number % servers].sockets[0].getsockname()
            _, writer = await asyncio.open_connection(*address[:2])
            self.writers.append(writer)
            self.writers.append(await self.accepted.get())
        await self.rounds()

    async def rounds(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def pause(self, number: int) -> None:
        """Pause one connection: from now on it is not watched."""
        transport: Any = self.writers[number].transport
        transport.pause_reading()
        self.paused.add(fd_of(self.writers[number]))

    async def close_most(self) -> None:
        """Close a server, and all ends of connections but the paused one."""
        server = self.listeners.pop()
        server.close()
        for writer in list(self.writers):
            if fd_of(writer) not in self.paused:
                writer.close()
                await self.rounds()
        self.writers = [each for each in self.writers if not each.is_closing()]
        await asyncio.sleep(0.05)

    async def end(self) -> None:
        for server in self.listeners:
            server.close()
        for writer in self.writers:
            writer.transport.abort()
        await self.rounds()

    def look(self) -> Any:
        """Return what the learner sees, what there is, and what of this was harmed by looking."""

        async def inside() -> Any:
            return self.descriptors(self.loop)

        expected: dict[int, str] = {
            fd: "connection" for fd in map(fd_of, self.writers) if fd not in self.paused
        }
        expected |= {each.fileno(): "listener" for server in self.listeners for each in server.sockets}
        expected |= self.added | own(self.loop)
        return [self.runner.run(inside()), expected, harmed(expected)]


def fd_of(writer: asyncio.StreamWriter) -> int:
    number: int = writer.get_extra_info("socket").fileno()
    return number


def harmed(expected: dict[int, str]) -> list[int]:
    """Return those that are closed now, or would block."""
    bad = []
    for fd, kind in expected.items():
        try:
            if os.get_blocking(fd) and kind != "selector":
                bad.append(fd)
        except OSError:
            bad.append(fd)
    return bad


def nothing() -> None:
    """A callback like any other."""


def own(loop: Any) -> dict[int, str]:
    return dict(zip((each.fileno() for each in (loop._selector, loop._ssock, loop._csock)), OWN, strict=True))


def holes(stack: ExitStack, left: int) -> None:
    """Leave free numbers, no two of them neighbors: what is opened now has no numbers in a row."""
    numbers = [os.open(os.devnull, os.O_RDONLY) for _ in range(60)]
    for number in numbers[left::2]:
        os.close(number)
    for number in {*numbers} - {*numbers[left::2]}:
        stack.callback(os.close, number)


def drive(descriptors: Any, servers: int, clients: int, first: int) -> Iterator[Any]:
    """Each step yields what was seen, what there is, and what of this is not as it was."""
    with ExitStack() as stack:
        holes(stack, first)
        loop = asyncio.new_event_loop()
        yield [descriptors(loop), own(loop), harmed(own(loop))]
        with asyncio.Runner() as runner:
            town = Town(runner, descriptors)
            yield town.look()
            loop.close()
            yield from steps(town, servers, clients)


def steps(town: Town, servers: int, clients: int) -> Iterator[Any]:
    town.runner.run(town.open(servers, clients))
    yield town.look()
    yield town.look()
    town.loop.add_signal_handler(signal.SIGUSR1, print)
    yield town.look()
    town.runner.run(town.pause(0))
    yield town.look()
    left, right = socket.socketpair()
    with left, right:
        left.setblocking(False)
        right.setblocking(False)
        town.loop.add_reader(left, nothing)
        town.added = {left.fileno(): "connection"}
        yield town.look()
        town.loop.add_writer(right, nothing)
        town.added[right.fileno()] = "connection"
        yield town.look()
        town.loop.remove_reader(left)
        town.loop.remove_writer(right)
    town.added = {}
    town.runner.run(town.close_most())
    yield town.look()
    town.loop.remove_signal_handler(signal.SIGUSR1)
    town.runner.run(town.end())


# --- the judge


def judge(exam: Exam) -> None:
    servers, clients = exam.random.randrange(2, 5), exam.random.randrange(2, 6)
    run = exam.run(drive, servers, clients, exam.random.randrange(2, 9))
    look(run, "a new loop", FOREIGN)
    look(run, "another new loop beside it", FOREIGN)
    opened = f"{servers} servers and {clients} connections, both ends of them on this loop"
    look(run, opened, FOREIGN)
    look(run, f"{opened}; a second look", FOREIGN)
    look(run, f"{opened}; add_signal_handler", "A signal handler uses the self-pipe, and opens nothing.")
    look(run, f"{opened}; one transport has paused reading", PAUSED)
    look(run, "the same; a socket with add_reader", FOREIGN)
    look(run, "the same; another socket with add_writer", FOREIGN)
    look(run, "the same, after a server and most connections have been closed", GONE)
    run.result()


def look(run: Run, what: str, extra: str) -> None:
    """Expect that all is seen that is there; what is seen beyond that has the idea ``extra``."""
    run.sent = what
    ideas = {"AttributeError": WRITES, "TypeError": WRITES} if "add_writer" in what else {}
    got, expected, bad = run.next(5.0, ideas=ideas)
    if bad:
        raise Failed(what, "descriptors as they were", f"{bad[0]} is closed, or blocks", HARMLESS)
    numbers = type(got) is dict and all(type(fd) is int and type(kind) is str for fd, kind in got.items())
    if not numbers:
        raise Failed(what, "a dict such as {7: 'selector', …}", brief(got), SHAPE)
    for fd in sorted({*got} - {*expected}):
        raise Failed(what, f"no {fd}", f"{fd}: {got[fd]!r}", extra)
    for fd, kind in sorted(expected.items(), key=lambda each: (each[1] not in OWN, each[1])):
        if fd not in got:
            idea = SELECTOR if kind == "selector" else PIPE if kind in OWN else WATCHED
            raise Failed(what, f"{fd}: {kind!r}", f"no {fd} in {brief(got)}", idea)
        if got[fd] != kind:
            raise Failed(what, f"{fd}: {kind!r}", f"{fd}: {got[fd]!r}", confused(got[fd], kind))


def confused(got: str, kind: str) -> str:
    """Say what it means to take a descriptor of this kind for ``got``."""
    if got not in KINDS:
        return SHAPE
    if kind not in OWN:
        return LISTENS
    return SELECTOR if kind == "selector" else ENDS if got in OWN else PIPE


EXERCISE = Exercise(
    id="11.1",
    title="What a loop holds",
    name="descriptors",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(NO_SELECTOR, "descriptor of its own"),
        Wrong(NO_WRITE_END, "a pair of sockets"),
        Wrong(SWAPPED, "sends a byte into one end"),
        Wrong(FRESH_ONLY, "asked to watch"),
        Wrong(IN_A_ROW, "the lowest that is free"),
        Wrong(OF_THE_PROCESS, "more descriptors than this loop"),
        Wrong(FILE_OBJECTS, "its keys are numbers"),
        Wrong(ALL_CONNECTIONS, "one listens"),
        Wrong(NUMBERS_ALONE, "returns a dict"),
        Wrong(OF_TRANSPORTS, "asked to watch"),
        Wrong(READERS, "there is no reader"),
        Wrong(KEPT, "more descriptors than this loop"),
        Wrong(CLOSES_IT, "must not change it"),
        Wrong(LETS_IT_BLOCK, "must not change it"),
        Wrong(OVERWRITTEN, "It watches one of them"),
        Wrong(A_COMMA_LESS, "the words that the stub names"),
    ),
    core=False,
    unavailable=""
    if sys.platform != "win32" and hasattr(selectors.DefaultSelector, "fileno")
    else "no epoll or kqueue here",
)
