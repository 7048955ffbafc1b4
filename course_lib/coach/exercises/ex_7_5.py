"""Exercise 7.5: when no descriptor is left."""

import errno
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from course_lib.coach.exam import Address, Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.peer import Peer
from course_lib.coach.run import Run
from course_lib.eventloop import Protocol, Reactor, Transport
from course_lib.eventloop.poller import FileLike, OnReady

# --- the task

STUB = '''
from course_lib import READ


def let_in(reactor, listener, on_client):
    """Call on_client(sock) for each new connection, from now on; also after no descriptor was left."""

    def ready(events):
        try:
            sock, address = listener.accept()
        except BlockingIOError:
            return
        on_client(sock)

    listener.setblocking(False)
    reactor.register(listener, READ, ready)
'''

HINTS = (
    "`accept` raises an OSError whose `errno` is `errno.EMFILE`. The client stays in the backlog, so the"
    " listener stays readable: as long as it is registered, the reactor wakes without end.",
    "So `reactor.unregister(listener)` when that happens. Somebody must register it again later; and"
    " `accept` in vain costs little, if it is tried ten times a second only.",
    "`reactor.call_later(0.1, function)` calls a function later, and waits for nothing. Other errors are not"
    " yours: `raise` them again.",
)

# --- right answers

SOLUTION = '''
import errno

from course_lib import READ


def let_in(reactor, listener, on_client):
    """Call on_client(sock) for each new connection, from now on; also after no descriptor was left."""

    def ready(events):
        try:
            sock, address = listener.accept()
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.EMFILE:
                raise
            reactor.unregister(listener)
            reactor.call_later(0.1, watch)
            return
        on_client(sock)

    def watch():
        reactor.register(listener, READ, ready)

    listener.setblocking(False)
    watch()
'''

OTHER = """
import errno

from course_lib import READ


def let_in(reactor, listener, on_client):
    listener.setblocking(False)
    watched = True
    reactor.register(listener, READ, lambda events: accept_all())

    def accept_all():
        nonlocal watched
        crowded = False
        try:
            while True:
                on_client(listener.accept()[0])
        except BlockingIOError:
            pass
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            crowded = True
        if crowded and watched:
            reactor.unregister(listener)
        if not crowded and not watched:
            reactor.register(listener, READ, lambda events: accept_all())
        watched = not crowded
        if crowded:
            reactor.call_later(0.05, accept_all)
"""

# --- wrong answers

ACCEPT = """
import errno
import time

from course_lib import READ


def let_in(reactor, listener, on_client):
    def ready(events):
        try:
            sock, address = listener.accept()
        except BlockingIOError:
            return
        except OSError as error:
            {crowded}
            return
        on_client(sock)

    def watch():
        reactor.register(listener, READ, ready)

    listener.setblocking(False)
    watch()
"""


def accept(crowded: str) -> str:
    """Return an answer that does ``crowded`` when accept has failed."""
    return ACCEPT.replace("{crowded}", crowded.strip().replace("\n", "\n            "))


NOT_CAUGHT = accept("raise")

IGNORES = accept("pass")

SLEEPS = accept("time.sleep(0.1)")

NAPS = accept("""
if error.errno != errno.EMFILE:
    raise
time.sleep(0.01)
""")

OTHER_THREAD = "import threading\n" + accept("""
if error.errno != errno.EMFILE:
    raise
reactor.unregister(listener)
threading.Timer(0.1, watch).start()
""")

LATER_TOO = accept("reactor.call_later(0.1, watch)")

GIVES_UP = accept("reactor.unregister(listener)")

CLOSES = accept("""
reactor.unregister(listener)
listener.close()
""")

SOON = accept("""
reactor.unregister(listener)
reactor.call_soon(watch)
""")

ALL_ERRORS = accept("""
reactor.unregister(listener)
reactor.call_later(0.1, watch)
""")

SENDS_AWAY = """
import errno
import os

from course_lib import READ


def let_in(reactor, listener, on_client):
    spare = [os.open(os.devnull, os.O_RDONLY)]

    def ready(events):
        try:
            sock, address = listener.accept()
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.EMFILE:
                raise
            os.close(spare.pop())
            listener.accept()[0].close()
            spare.append(os.open(os.devnull, os.O_RDONLY))
            return
        on_client(sock)

    listener.setblocking(False)
    reactor.register(listener, READ, ready)
"""

# --- words and numbers of the judge

ROOM = 48
"""The process may have so many descriptors."""

CROWD = 60
"""So many clients come."""

CAUGHT = (
    "No descriptor is left, so `accept` raises an OSError. It says nothing of those who are in already, and"
    " it will pass: it is none to die of, nor to report again and again."
)
SPINS = (
    "The clients for whom there is no room wait in the backlog, so the listener stays readable, and the loop"
    " comes back to it at once, over and over. Nobody should look at the listener for a while."
)
BLOCKS = (
    "While there is no room for new clients, those who are in wait for their answers much longer than"
    " before. Waiting in a callback is waiting for all of them."
)
COMES_BACK = (
    "Clients have left, there is room, and those who have waited are not let in. Whoever stops looking at the"
    " listener must see to it that somebody looks again."
)
WAITED = (
    "Who comes when there is no room is to wait in the backlog, which costs us nothing, until there is. This"
    " one was sent away, or its connection was lost."
)
SERVED = "A client that is let in is handed to `on_client`, at once."
TWICE = (
    "The listener was registered where it was already, or unregistered where it was not. To look away and to"
    " look again later are two steps, in turns: `unregister` now, `register` then."
)
THREAD = (
    "Another thread has registered the listener, while the reactor's own may be in the middle of anything. A"
    " reactor belongs to one thread, and has timers of its own."
)
OTHER_ERRORS = (
    "This was not EMFILE: `accept` says that the listener itself is broken, and it will say so for ever. An"
    " error that you have no plan for goes on to whoever has one: raise it."
)


# --- in the learner's process


class Echo(Protocol):
    def connection_made(self, transport: Transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class OtherThread(Exception):
    """Somebody else's thread has used the reactor."""


class OneThread(Reactor):
    """Notes in ``errors`` when another thread registers something."""

    def __init__(self, errors: list[Exception]) -> None:
        self.thread, self.errors = threading.get_ident(), errors
        super().__init__()
        self.on_error = errors.append

    def register(self, fileobj: FileLike, events: int, callback: OnReady) -> None:
        if threading.get_ident() != self.thread:
            self.errors.append(OtherThread("register was called in another thread"))
        super().register(fileobj, events, callback)


def drive(let_in: Any) -> Iterator[Any]:
    """Echo to all who are let in, for ever; raise what is raised in a callback."""
    errors: list[Exception] = []
    reactor = OneThread(errors)
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        let_in(reactor, listener, lambda sock: Transport(reactor, sock, Echo()))
        yield listener.getsockname()
        while not errors:
            reactor.run_once()
    raise errors[0]


class Broken(socket.socket):
    """A listener that is broken."""

    def accept(self) -> Any:
        raise OSError(errno.EINVAL, "Invalid argument: the listener is broken")


def drive_broken(let_in: Any) -> Any:
    """Let a client come to a listener whose accept fails; return whether an error came out."""
    reactor, errors = Reactor(), []
    reactor.on_error = errors.append
    with Broken() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        let_in(reactor, listener, lambda sock: sock.close())
        with socket.create_connection(listener.getsockname(), timeout=2):
            end = time.monotonic() + 0.5
            while not errors and time.monotonic() < end:
                reactor.run_once(0.1)
    reactor.close()
    return [type(error).__name__ for error in errors[:1]]


# --- the judge


def judge(exam: Exam) -> None:
    run = exam.run(drive, nofile=ROOM)
    address: Address = tuple(run.next())
    first = exam.connect(address)
    with run.talking({"OSError": CAUGHT, "KeyError": TWICE, "OtherThread": THREAD}):
        exam.echo(first, SERVED)
        quick = patience(exam, first)
        crowd = [exam.connect(address, idea=WAITED) for _ in range(CROWD)]
        run.settle()
        story = f"{CROWD + 1} clients come where the process may have {ROOM} descriptors"
        run.sent = story
        run.expect_idle(SPINS)
        say(exam, first, f"{story}; one of the first speaks", BLOCKS)
        expect_asleep_in_the_reactor(run)
        slow = patience(exam, first)
        if slow > quick + 0.04:
            got = f"{slow * 1000:.0f} ms (without the crowd: {quick * 1000:.1f} ms)"
            raise Failed(f"{story}; one of the first speaks", "an answer as soon as before", got, BLOCKS)
        come_and_go(exam, crowd, story)
        for client in crowd:
            client.close()
        say(
            exam,
            exam.connect(address, idea=COMES_BACK),
            f"{story}; all of them leave, and a new one speaks",
            COMES_BACK,
        )
        run.sent = "nothing: nearly all clients have left"
        run.expect_idle(SPINS)
    broken(exam)


def expect_asleep_in_the_reactor(run: Run) -> None:
    """Expect that the code, looked at several times, does not mostly stand in a callback.

    Time would tell less: a nap of a few milliseconds is not longer than what a busy machine takes.
    """
    lines = []
    for _ in range(9):
        lines += [line for line in [run.where()] if line.startswith("your cell, ")]
        time.sleep(0.013)
    if len(lines) > 4:
        raise Failed(run.sent, "a thread that sleeps in the reactor", f"it stands at {lines[0]}", BLOCKS)


def say(exam: Exam, peer: Peer, story: str, idea: str) -> None:
    """Let ``peer`` send a word and expect it back; a report tells ``story`` before."""
    word = exam.bytes(9)
    peer.said = []
    peer.name = f"{story}: "
    peer.send(word, idea=idea)
    peer.expect(word, idea)


def patience(exam: Exam, peer: Peer) -> float:
    """Return how long ``peer`` waits for an answer, in seconds: the median of several."""
    times = []
    for _ in range(9):
        start = time.monotonic()
        exam.echo(peer, BLOCKS)
        times.append(time.monotonic() - start)
        time.sleep(0.005)
    peer.said.clear()
    return sorted(times)[len(times) // 2]


def come_and_go(exam: Exam, crowd: list[Peer], story: str) -> None:
    """The first half leaves; all the others are let in, and served."""
    for client in crowd[: CROWD // 2]:
        client.close()
    del crowd[: CROWD // 2]
    words = f"{story}; {CROWD // 2} of them leave, and one that has waited speaks"
    for client in crowd:
        word = exam.bytes(9)
        client.said = [f"{words}: {word!r}"]
        try:
            client.sock.sendall(word)
            client.expect(word, COMES_BACK)
        except Failed as failure:
            idea = COMES_BACK if "time allowed" in failure.got else WAITED
            raise Failed(failure.sent, failure.expected, failure.got, idea) from None
        except OSError:
            raise Failed(words, "an answer", "its connection is over", WAITED) from None


def broken(exam: Exam) -> None:
    run: Run = exam.run(drive_broken)
    run.sent = "a listener whose accept() raises EINVAL: it is broken"
    run.expect_equal(run.result(clean=False), ["OSError"], OTHER_ERRORS)


EXERCISE = Exercise(
    id="7.5",
    title="When no descriptor is left",
    name="let_in",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(NOT_CAUGHT, "none to die of"),
        Wrong(IGNORES, "over and over"),
        Wrong(SOON, "over and over"),
        Wrong(SLEEPS, "waiting for all of them"),
        Wrong(NAPS, "waiting for all of them"),
        Wrong(OTHER_THREAD, "belongs to one thread"),
        Wrong(LATER_TOO, "are two steps"),
        Wrong(GIVES_UP, "looks again"),
        Wrong(CLOSES, "was sent away"),
        Wrong(SENDS_AWAY, "was sent away"),
        Wrong(ALL_ERRORS, "for ever"),
    ),
    core=False,
    limit=25.0,
    unavailable="Windows has no limit of descriptors that could be lowered"
    if sys.platform == "win32"
    else "",
)
