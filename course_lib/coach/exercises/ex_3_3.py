"""Exercise 3.3: bytes that wait for room. Lessons 05 and 07 go on with it."""

import select
import socket
import time
from typing import Any

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.peer import Peer
from course_lib.coach.plain import Foreign
from course_lib.coach.run import Run, brief

# --- the task

STUB = '''
class Outbox:
    """Bytes that wait for room in a socket. No call here waits."""

    def write(self, data):
        """Add the bytes `data` to what is to be sent. Send nothing."""
        ...

    def flush(self, sock):
        """Send what the non-blocking `sock` takes now, in order, and keep the rest.

        No room is no error. Any other exception of `sock` reaches the caller.
        """
        ...

    @property
    def pending(self):
        """The number of bytes that were written and are not sent yet."""
        ...
'''

HINTS = (
    "Keep the bytes in a `bytearray` of the object's own, made in `__init__`; `write` adds to it with `+=`.",
    "`sock.send(self.data)` returns how many bytes it has taken. Only those may go: `del self.data[:sent]`.",
    "When there is no room at all, `send` raises BlockingIOError: return, and keep what you have. Do not try"
    " again: the next `flush` will.",
)

# --- right answers

SOLUTION = '''
class Outbox:
    """Bytes that wait for room in a socket. No call here waits."""

    def __init__(self):
        self.data = bytearray()

    def write(self, data):
        """Add the bytes `data` to what is to be sent. Send nothing."""
        self.data += data

    def flush(self, sock):
        """Send what the non-blocking `sock` takes now, in order, and keep the rest.

        No room is no error. Any other exception of `sock` reaches the caller.
        """
        try:
            sent = sock.send(self.data)
        except BlockingIOError:
            return
        del self.data[:sent]

    @property
    def pending(self):
        """The number of bytes that were written and are not sent yet."""
        return len(self.data)
'''

OTHER = """
from collections import deque

class Outbox:
    def __init__(self):
        self.pieces = deque()
        self.pending = 0

    def write(self, data):
        if data:
            self.pieces.append(memoryview(data))
            self.pending += len(data)

    def flush(self, sock):
        while self.pieces:
            try:
                sent = sock.send(self.pieces[0])
            except BlockingIOError:
                break
            self.pending -= sent
            if sent == len(self.pieces[0]):
                self.pieces.popleft()
            else:
                self.pieces[0] = self.pieces[0][sent:]
"""

# --- wrong answers

OUTBOX = """
class Outbox:
    def __init__(self):
        self.data = b""

    def write(self, data):
        self.data += data

    def flush(self, sock):
        {flush}

    @property
    def pending(self):
        return len(self.data)
"""


def outbox(flush: str) -> str:
    """Return an answer that is wrong in ``flush`` only."""
    return OUTBOX.replace("{flush}", flush.strip().replace("\n", "\n        "))


SENDALL = outbox("""
sock.sendall(self.data)
self.data = b""
""")

SENDALL_AGAIN = outbox("""
try:
    sock.sendall(self.data)
    self.data = b""
except BlockingIOError:
    pass
""")

LOST_TAIL = outbox("""
try:
    sock.send(self.data)
except BlockingIOError:
    return
self.data = b""
""")

NOT_CAUGHT = outbox("""
sent = sock.send(self.data)
self.data = self.data[sent:]
""")

TRIES_FOR_EVER = outbox("""
while self.data:
    try:
        self.data = self.data[sock.send(self.data):]
    except BlockingIOError:
        pass
""")

ALL_ERRORS = outbox("""
try:
    self.data = self.data[sock.send(self.data):]
except OSError:
    pass
""")

ONE_FOR_ALL = """
class Outbox:
    data = bytearray()

    def write(self, data):
        self.data.extend(data)

    def flush(self, sock):
        try:
            del self.data[:sock.send(self.data)]
        except BlockingIOError:
            pass

    @property
    def pending(self):
        return len(self.data)
"""

FORGETS = """
class Outbox:
    def __init__(self):
        self.data = b""

    def write(self, data):
        self.data = data

    def flush(self, sock):
        try:
            self.data = self.data[sock.send(self.data):]
        except BlockingIOError:
            pass

    @property
    def pending(self):
        return len(self.data)
"""

# --- words and numbers of the judge

BUFFER = 64 * 1024
"""Bytes of room that either side asks the kernel for, so that little fills it."""

BIG = 1_500_000


# --- in the learner's process


def drive(Outbox, address, first, second, big, tail):
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        sock.connect(address)
        sock.setblocking(False)
        outbox, other = Outbox(), Outbox()
        outbox.write(first)
        outbox.write(second)
        yield [outbox.pending, other.pending]
        other.flush(sock)  # nothing to send is nothing to do
        outbox.flush(sock)
        yield outbox.pending
        outbox.write(big)
        outbox.flush(sock)
        yield outbox.pending
        fill_up(outbox, sock)
        outbox.write(tail)
        yield outbox.pending
        while outbox.pending:  # the judge reads from now on
            select.select([], [sock], [], 5)
            outbox.flush(sock)
        sock.shutdown(socket.SHUT_WR)
        yield outbox.pending


def fill_up(outbox, sock):
    """Flush until there is no room: a peer's kernel makes some for a while, though nobody reads."""
    for _ in range(1000):
        before = outbox.pending
        outbox.flush(sock)
        if outbox.pending == before:
            return


def drive_reset(Outbox, address):
    with socket.create_connection(address) as sock:
        sock.setblocking(False)
        outbox = Outbox()
        outbox.write(b"hello")
        select.select([sock], [], [], 5)
        outbox.flush(sock)


# --- the judge


def judge(exam: Exam) -> None:
    first, second = exam.bytes(exam.random.randrange(4, 9)), exam.bytes(exam.random.randrange(4, 9))
    big, tail = exam.random.randbytes(BIG), exam.bytes(1000)
    listener = exam.listen()
    listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    run = exam.run(drive, listener.address, first, second, big, tail)
    peer = listener.accept()
    small(run, peer, first, second)
    crowded(run)
    read_on(run, peer, big + tail)
    broken(exam)


def small(run: Run, peer: Peer, first: bytes, second: bytes) -> None:
    """Two messages for which there is room."""
    written = f"write({first!r}), write({second!r})"
    run.sent = f"{written}; then `pending` of this Outbox and of another one"
    number, other = returned(run, "`write` and `pending` only keep account: there is nothing to wait for.")
    expect_pending(run, number, len(first) + len(second), "What was written is to be sent, all of it.")
    own = "In the other Outbox nothing was written. Each needs bytes of its own."
    expect_pending(run, other, 0, own)
    run.sent = f"{written}, flush(sock)"
    number = returned(run, "There was room for all of it, and then there is nothing more to wait for.")
    peer.said = [run.sent]
    peer.expect(first + second, "What was written comes out whole, in order, and once.")
    expect_pending(run, number, 0, "All of it has gone, so nothing is pending.")


def crowded(run: Run) -> None:
    """A megabyte and more, and a peer that does not read."""
    run.sent = f"write({BIG:,} bytes), flush(sock), to a peer that does not read"
    waits = "The peer does not read, perhaps never. `flush` sends what there is room for now, and returns."
    number = returned(run, waits)
    part = "The socket took a part only. What it did not take is still to be sent."
    if type(number) is not int or not 0 < number <= BIG:
        raise Failed(run.sent, "pending: what was not sent, as a number", f"pending: {brief(number)}", part)
    run.sent = f"{run.sent}; flush(sock) again and again, then write(1,000 bytes)"
    again = returned(run, waits)
    if type(again) is not int or not 1000 < again <= number + 1000:
        expected = f"pending: 1,000 more than before, at most {number + 1000:,}"
        raise Failed(run.sent, expected, f"pending: {brief(again)}", part)


def read_on(run: Run, peer: Peer, expected: bytes) -> None:
    """The peer reads now, and all must come."""
    sent = f"{run.sent}; the peer reads, and flush(sock) again while anything is pending"
    run.sent = sent
    got, ended = received(peer, len(expected))
    if got == expected and not ended:
        idea = "All of it has gone, so nothing is pending."
        raise Failed(sent, "pending: 0", "pending: not 0, though all bytes have come", idea)
    if ended:
        returned(run, "")  # or it has raised something, which says more than what came
    if got != expected:
        raise Failed(sent, brief_of(expected), brief_of(got, expected), idea_of(got, expected, ended))
    run.result()


def returned(run: Run, waits: str) -> Any:
    """Return what the driver tells next; ``waits`` is the idea where `flush` does not return."""
    full = (
        "BlockingIOError says that there is no room now. That is no error: what has not gone is kept until"
        " the next `flush`."
    )
    try:
        return run.next(ideas={"BlockingIOError": full}, idea=waits)
    except Failed as failure:
        raise Failed(failure.sent, "that each of these calls returns", failure.got, failure.idea) from None


def received(peer: Peer, size: int, limit: float = 3.0) -> tuple[bytes, bool]:
    """Return what comes, up to the end of the stream or one byte more than ``size``; and whether it ended."""
    got, deadline = bytearray(), time.monotonic() + limit
    while len(got) <= size:
        try:
            # While bytes come it has time; when all should have come, the end is not far.
            peer.sock.settimeout(max(0.001, min(1.0, deadline - time.monotonic())))
            data = peer.sock.recv(BUFFER)
        except OSError:
            return bytes(got), False
        if not data:
            return bytes(got), True
        got += data
    return bytes(got), False


def same(got: bytes, expected: bytes) -> int:
    """Return the number of bytes that agree at the beginning."""
    low, high = 0, min(len(got), len(expected))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if got[:middle] == expected[:middle] else (low, middle - 1)
    return low


def brief_of(data: bytes, expected: bytes | None = None) -> str:
    if expected is None:
        return f"{len(data):,} bytes"
    agree = same(data, expected)
    many = f"more than {len(expected):,}" if len(data) > len(expected) else f"{len(data):,}"
    return f"{many} bytes, the first {agree:,} of them right"


def idea_of(got: bytes, expected: bytes, ended: bool) -> str:
    if len(got) > len(expected):
        return "Bytes have come twice. What has gone must leave the Outbox, all of it and nothing else."
    if len(got) < len(expected) and not ended and expected.startswith(got):
        return "Bytes are still pending, there is room for them, and they are not sent."
    if len(got) < len(expected):
        return (
            "Bytes have never come. Only what has gone may leave the Outbox: `send` says how much that was."
        )
    return "Bytes come out in the order in which they were written, each of them once."


def broken(exam: Exam) -> None:
    """The peer breaks the connection off."""
    listener = exam.listen()
    run = exam.run(drive_reset, listener.address)
    peer = listener.accept()
    peer.reset()
    run.sent = f"{peer.sent}; then write(b'hello'), flush(sock)"
    idea = "These bytes will never go: the connection is broken. Only 'no room' is no error."
    run.expect_error("ConnectionError", idea)


def expect_pending(run: Run, number: Any, expected: int, idea: str) -> None:
    if type(number) is not int:
        idea = "`pending` is the number of bytes that are still to be sent."
    if isinstance(number, Foreign):
        idea = "`pending` is asked for without parentheses, `outbox.pending`, and is a number."
    if type(number) is not int or number != expected:
        raise Failed(run.sent, f"pending: {expected}", f"pending: {brief(number)}", idea)


EXERCISE = Exercise(
    id="3.3",
    title="Bytes that wait for room",
    name="Outbox",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(SENDALL, "says that there is no room now"),
        Wrong(SENDALL_AGAIN, "have come twice"),
        Wrong(LOST_TAIL, "took a part only"),
        Wrong(NOT_CAUGHT, "says that there is no room now"),
        Wrong(TRIES_FOR_EVER, "does not read, perhaps never"),
        Wrong(ALL_ERRORS, "will never go"),
        Wrong(ONE_FOR_ALL, "bytes of its own"),
        Wrong(FORGETS, "all of it"),
    ),
)
