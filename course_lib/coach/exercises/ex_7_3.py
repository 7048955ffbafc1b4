"""Exercise 7.3: half-close, in both directions at once."""

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, ClassVar

import psutil

from course_lib.coach.exam import Address, Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.peer import LIMIT, Peer
from course_lib.coach.run import Run
from course_lib.eventloop import READ, Reactor, Transport
from course_lib.lab.child_process import Facts

# --- the task

STUB = '''
from course_lib import Protocol


class Relay(Protocol):
    """One of two clients who talk through us: what comes from it goes to the other, its end too.

    `self.other` is the Relay of the other one; it has been set before connection_made is called.
    """

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.other.transport.write(data)
'''

HEAD = STUB

HINTS = (
    "`eof_received` is called when this client has said its last byte. For the other one that is"
    " `self.other.transport.write_eof()`, which comes after all bytes that still wait. Return True: this"
    " client may still be listening.",
    "When both have said their last byte there is nothing left to relay, and somebody must close. Note in"
    " `eof_received` that this one has ended, and return `not self.other.ended`: False closes.",
    "`connection_lost(error)` comes when this connection is over. Then the other one has nobody to talk to:"
    " `close()` its transport when there was no error, `abort()` when there was.",
    "`pause_writing` is called when this client does not take what we have for it. It comes from the other"
    " one: `self.other.transport.pause_reading()`, and `resume_writing` the other way round.",
)

# --- right answers

SOLUTION = f"""{HEAD.rstrip()}

    ended = False  # it has said its last byte

    def eof_received(self):
        self.ended = True
        self.other.transport.write_eof()
        return not self.other.ended  # False closes: both have said all

    def connection_lost(self, error):
        if error:
            self.other.transport.abort()
        else:
            self.other.transport.close()

    def pause_writing(self):
        self.other.transport.pause_reading()

    def resume_writing(self):
        self.other.transport.resume_reading()
"""

OTHER = """
from course_lib import Protocol


class Relay(Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.open = 2  # directions: to here, and from here

    def data_received(self, data):
        self.other.transport.write(data)

    def eof_received(self):
        self.other.transport.write_eof()
        self.one_less()
        self.other.one_less()
        return True

    def one_less(self):
        self.open -= 1
        if not self.open:
            self.transport.close()

    def connection_lost(self, error):
        if self.open:
            self.other.transport.abort()

    def pause_writing(self):
        self.other.transport.pause_reading()

    def resume_writing(self):
        self.other.transport.resume_reading()
"""

# --- wrong answers

WHOLE = """
from course_lib import Protocol


class Relay(Protocol):
    ended = False

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.other.transport.write(data)
"""

EOF = """
    def eof_received(self):
        self.ended = True
        self.other.transport.write_eof()
        return not self.other.ended
"""

LOST = """
    def connection_lost(self, error):
        if error:
            self.other.transport.abort()
        else:
            self.other.transport.close()
"""

PAUSE = """
    def pause_writing(self):
        self.other.transport.pause_reading()

    def resume_writing(self):
        self.other.transport.resume_reading()
"""

DEAF_TO_THE_END = f"""{WHOLE}
    def eof_received(self):
        return True
{LOST}{PAUSE}"""

CLOSES_BOTH = f"""{WHOLE}{LOST}{PAUSE}"""

CLOSES_THE_OTHER = f"""{WHOLE}
    def eof_received(self):
        self.other.transport.close()
        return True
{LOST}{PAUSE}"""

ABORTS = f"""{WHOLE}
    def eof_received(self):
        self.other.transport.write_eof()
        if self.other.ended:
            self.transport.abort()
            self.other.transport.abort()
        self.ended = True
        return True
{LOST}{PAUSE}"""

NEVER_CLOSED = f"""{WHOLE}
    def eof_received(self):
        self.other.transport.write_eof()
        return True
{LOST}{PAUSE}"""

ABORTS_THE_OTHER = f"""{WHOLE}{EOF}{PAUSE}
    def connection_lost(self, error):
        self.other.transport.abort()
"""

LOST_UNNOTICED = f"""{WHOLE}
    def eof_received(self):
        self.ended = True
        self.other.transport.write_eof()
        if self.other.ended:
            self.other.transport.close()
        return not self.other.ended
{PAUSE}"""

UNBOUNDED = f"""{WHOLE}{EOF}{LOST}"""

PAUSES_ITSELF = f"""{WHOLE}{EOF}{LOST}{PAUSE.replace("self.other.transport", "self.transport")}"""

NEVER_RESUMES = f"""{WHOLE}{EOF}{LOST}
    def pause_writing(self):
        self.other.transport.pause_reading()
"""

DROPS = """
from course_lib import Protocol


class Relay(Protocol):
    ended = full = False

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        if not self.other.full:
            self.other.transport.write(data)

    def pause_writing(self):
        self.full = True

    def resume_writing(self):
        self.full = False
""" + (EOF + LOST)

CUTS_OFF = f"""{WHOLE}{EOF}{LOST}
    def pause_writing(self):
        self.transport.abort()
"""

ONE_FOR_ALL = f"""{WHOLE}
    said_all = set()

    def eof_received(self):
        self.said_all.add(self)
        self.other.transport.write_eof()
        return len(self.said_all) < 2
{LOST}{PAUSE}"""

# --- words and numbers of the judge

THERE = "What one client says, the other one hears, in order and at once."
END = (
    "One client has said its last byte, and the other one waits to hear that. The end of a stream is a"
    " message, too: it must be passed on."
)
HALF = (
    "Only one of the two directions has ended. The client that has said its last byte still listens, and the"
    " other one still talks: who closes now cuts it off."
)
ALL = (
    "The end comes after the last byte, however many are still waiting on our side. Who throws them away, or"
    " closes the connection over them, loses the end of what was said."
)
BOTH = (
    "Both clients have said their last byte, and not both connections are closed here. A transport that has"
    " nothing to read and nothing to write does not close itself: somebody must."
)
GONE = (
    "This connection has broken off, or has been closed; `connection_lost` tells of it. The other client"
    " talks to nobody now, and waits for an answer that cannot come."
)
BOUND = (
    "One client sends, the other one does not read, and all of it is kept here. The one who does not read is"
    " told of by *its* `pause_writing`; the one to be kept waiting is at the other end."
)
LEFT_OUT = (
    "One client sends, the other one does not read, and what has come meanwhile was thrown away. A stream"
    " with a hole in it is worth nothing: who sends must be kept waiting, and then nothing more comes."
)
CUT_OFF = (
    "One client does not read for a while, and the connection was broken off. It may be slow: who sends to it"
    " is kept waiting, and nobody is sent away."
)
GOES_ON = "The client reads again, so there is room again. Who was kept waiting must hear of that, and go on."

DEAF_BYTES = 40 * 1024 * 1024
"""More than the kernels on the way hold."""


# --- in the learner's process


class Held(socket.socket):
    """Sends nothing before both clients have said their last byte, and to the first one nothing before a few
    rounds after the end of the second. So what was said last always waits on our side, and longer on one."""

    pair: ClassVar[list["Held"]] = []
    until = 0.0
    """When the waiting is given up, in seconds of time.monotonic()."""

    has_heard_all = has_said_all = False
    rounds = 3

    def recv(self, size: int, flags: int = 0) -> bytes:
        data = super().recv(size, flags)
        if not data and self is Held.pair[1] and not Held.pair[0].has_heard_all:
            raise BlockingIOError("the first one's end comes first")
        self.has_heard_all = self.has_heard_all or not data
        return data

    def send(self, data: Any, flags: int = 0) -> int:
        first, second = Held.pair
        ready = first.has_heard_all and second.has_heard_all
        if self is first and ready:
            self.rounds -= second.has_said_all or second.fileno() < 0
            ready = self.rounds < 0
        if not ready and time.monotonic() < Held.until:
            raise BlockingIOError("no room yet")
        return super().send(data, flags)

    def shutdown(self, how: int) -> None:
        super().shutdown(how)
        self.has_said_all = True


def drive(Relay: Any, kind: type[socket.socket] = socket.socket) -> Iterator[Any]:
    """Relay between the first client and the second, the third and the fourth, and so on, for ever."""
    reactor, errors = Reactor(), []
    reactor.on_error = errors.append
    waiting: list[socket.socket] = []

    def accept(events: int) -> None:
        waiting.append(kind(fileno=listener.accept()[0].detach()))
        if len(waiting) == 2:
            Held.pair = waiting.copy()
            one, two = Relay(), Relay()
            one.other, two.other = two, one
            for relay in (one, two):
                Transport(reactor, waiting.pop(0), relay)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        reactor.register(listener, READ, accept)
        yield listener.getsockname()
        while not errors:
            reactor.run_once()
        raise errors[0]


def drive_held(Relay: Any) -> Iterator[Any]:
    """The same, on sockets that send late."""
    Held.until = time.monotonic() + 2
    return drive(Relay, Held)


# --- the judge


def judge(exam: Exam) -> None:
    run = exam.run(drive)
    address: Address = tuple(run.next())
    run.settle()
    before = Facts.of(run.process).descriptors
    with run.talking():
        for _ in range(2):  # what one pair has said is nothing to another
            half(exam, run, address)
            expect_closed(run, before, "ann and bob have both said their last byte", BOTH)
        for goodbye in exam.random.sample(["reset", "close"], 2):
            broken(exam, run, address, goodbye)
        expect_closed(run, before, "ann has left or was cut off, then bob has left", GONE)
        deaf(exam, run, address)
        expect_closed(run, before, "ann and bob have left", GONE)
        run.sent = "nothing: all clients have left"
        run.expect_idle("Nobody is there any more, and the loop goes round.")
    late(exam)


def two(exam: Exam, address: Address) -> tuple[Peer, Peer]:
    """Return ann and bob, who talk through the relay, after a word each."""
    ann, bob = exam.connect(address), exam.connect(address)
    for name, source, target in (("ann", ann, bob), ("bob", bob, ann)):
        word = exam.bytes(9)
        source.send(word, idea=THERE)
        hears(target, f"{name}: {word!r}").expect(word, THERE)
    return ann, bob


def hears(peer: Peer, story: str) -> Peer:
    """Return ``peer``, whose next report tells ``story``."""
    peer.said = [story]
    return peer


def half(exam: Exam, run: Run, address: Address) -> None:
    """Ann says her last byte and listens on; bob answers, and says his."""
    ann, bob = two(exam, address)
    ann.end()
    hears(bob, "ann: the end of the stream").expect_end(END)
    run.settle()
    for _ in range(2):
        word = exam.bytes(9)
        bob.send(word, idea=HALF)
        hears(ann, f"ann: the end of the stream; bob: {word!r}").expect(word, HALF)
    bob.end()
    hears(ann, "ann: the end of the stream; bob: the end of the stream").expect_end(END)


def broken(exam: Exam, run: Run, address: Address, goodbye: str) -> None:
    """Ann's connection breaks off, or she closes it; bob talks on, and must hear of it."""
    ann, bob = two(exam, address)
    if goodbye == "reset":
        ann.reset()
        story = "ann: a reset"
    else:
        ann.close()
        hears(bob, "ann: close()").expect_end(END)
        with suppress(OSError):
            bob.sock.sendall(b"are you there?")  # the kernel answers with a reset: nobody is
        story = "ann: close(); bob: b'are you there?'"
    bob.sock.settimeout(LIMIT)
    try:
        if bob.sock.recv(1024):
            raise Failed(story, "an end of bob's connection", "bytes", GONE)
    except TimeoutError:
        raise Failed(story, "an end of bob's connection", "nothing in the time allowed", GONE) from None
    except ConnectionError:
        pass  # that is an end, too
    bob.close()


def deaf(exam: Exam, run: Run, address: Address) -> None:
    """Ann sends without end, and bob does not read; then he does."""
    ann = exam.connect(address)
    bob = exam.connect(address, receive_buffer=16 * 1024)
    data = exam.random.randbytes(1024 * 1024)
    used = memory(run)
    taken = ann.fill(run, data, DEAF_BYTES, idea=CUT_OFF)
    story = f"ann: {taken:,} bytes; bob reads none of them"
    if taken >= DEAF_BYTES:
        idea = BOUND if memory(run) - used > DEAF_BYTES // 4 else LEFT_OUT
        raise Failed(story, "that ann is made to wait", "all of them were taken", idea)
    word = exam.bytes(9)
    bob.send(word, idea=BOUND)
    hears(ann, f"{story}, and says {word!r}").expect(
        word, "Bob does not read, but what he says is still heard."
    )
    read = 0
    while read < taken:
        start = read % len(data)
        size = min(taken - read, len(data) - start)
        hears(bob, f"ann: {taken:,} bytes; bob reads now").expect(data[start : start + size], GOES_ON)
        read += size
    ann.send(word)
    hears(bob, f"ann: {taken:,} bytes, all read by bob, then {word!r}").expect(word, GOES_ON)
    ann.close()
    bob.close()


def memory(run: Run) -> int:
    """Return how many bytes of memory the code uses; 0 where its process has ended."""
    with suppress(psutil.Error):
        return int(run.process.memory_info().rss)
    return 0


def late(exam: Exam) -> None:
    """Both have said their last byte while all that they said still waits on our side."""
    run = exam.run(drive_held)
    address: Address = tuple(run.next())
    words = [exam.bytes(20_000), exam.bytes(30_000)]
    peers = []
    with run.talking():
        for word in words:  # ann has said all before bob comes
            peers.append(exam.connect(address))
            peers[-1].send(word)
            peers[-1].end()
        story = "ann: 20,000 bytes and the end; bob: 30,000 bytes and the end; all of it still waits here"
        for peer, word in zip(reversed(peers), words, strict=True):
            hears(peer, story).expect(word, ALL, limit=4.0)
            peer.expect_end(ALL)


def expect_closed(run: Run, before: int, story: str, idea: str) -> None:
    """Expect that the process comes down to ``before`` descriptors."""
    end = time.monotonic() + LIMIT
    while (now := Facts.of(run.process).descriptors) > before:
        if time.monotonic() > end:
            raise Failed(story, "both connections closed", f"{now - before} of them still open", idea)
        time.sleep(0.01)


EXERCISE = Exercise(
    id="7.3",
    title="Half-close, passed on",
    name="Relay",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(DEAF_TO_THE_END, "is a message, too"),
        Wrong(CLOSES_BOTH, "still listens"),
        Wrong(CLOSES_THE_OTHER, "still listens"),
        Wrong(ABORTS, "after the last byte"),
        Wrong(ABORTS_THE_OTHER, "after the last byte"),
        Wrong(NEVER_CLOSED, "does not close itself"),
        Wrong(LOST_UNNOTICED, "`connection_lost` tells"),
        Wrong(UNBOUNDED, "all of it is kept here"),
        Wrong(PAUSES_ITSELF, "all of it is kept here"),
        Wrong(NEVER_RESUMES, "room again"),
        Wrong(DROPS, "thrown away"),
        Wrong(CUTS_OFF, "nobody is sent away"),
        Wrong(ONE_FOR_ALL, "still listens"),
    ),
    core=False,
    limit=25.0,
)
