"""Exercise 4.3: take everything, as an edge demands."""

import array
import select
import socket
from collections.abc import Callable, Iterator
from typing import Any

from course_lib.coach.exam import Exam, Listener
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.peer import Peer
from course_lib.coach.run import Run

# --- the task

STUB = '''
def drain(sock):
    """Return the bytes that wait in the non-blocking `sock`, and True if the stream has ended."""
    ...
'''

HINTS = (
    "One `recv` may leave bytes behind, so it takes a loop. `recv` itself says when nothing is left: on a"
    " non-blocking socket it then raises BlockingIOError, and that is no fault here, but the way out.",
    "There is a second way out: `recv` returns b''. Then the stream has ended, and asking again gives b''"
    " again.",
    "Collect in a `bytearray` before a `while True:`; `try` the `recv`, `return data, False` where it raises"
    " BlockingIOError, `return data, True` where it returns b'', and add the piece otherwise.",
)

# --- right answers

SOLUTION = '''
def drain(sock):
    """Return the bytes that wait in the non-blocking `sock`, and True if the stream has ended."""
    data = bytearray()
    while True:
        try:
            piece = sock.recv(65536)
        except BlockingIOError:
            return bytes(data), False
        if not piece:
            return bytes(data), True
        data += piece
'''

OTHER = """
def drain(sock):
    pieces = []
    try:
        while piece := sock.recv(4096):
            pieces.append(piece)
    except BlockingIOError:
        ended = False
    else:
        ended = True
    return b"".join(pieces), ended
"""

# --- wrong answers

ONE_RECV = """
def drain(sock):
    try:
        data = sock.recv(4096)
    except BlockingIOError:
        return b"", False
    return data, data == b""
"""

UNTIL_SHORT = """
def drain(sock):
    data = b""
    while True:
        try:
            piece = sock.recv(4096)
        except BlockingIOError:
            return data, False
        data += piece
        if len(piece) < 4096:
            return data, piece == b""
"""

UNTIL_THE_END = """
def drain(sock):
    data = b""
    while piece := sock.recv(4096):
        data += piece
    return data, True
"""

NO_END = """
def drain(sock):
    data = b""
    while True:
        try:
            data += sock.recv(4096)
        except BlockingIOError:
            return data, False
"""

ALL_LOST_AT_THE_END = """
def drain(sock):
    data = b""
    while True:
        try:
            piece = sock.recv(4096)
        except BlockingIOError:
            return data, False
        if not piece:
            return b"", True
        data += piece
"""

WAITS = """
import select


def drain(sock):
    data = b""
    while select.select([sock], [], [])[0]:
        piece = sock.recv(4096)
        if not piece:
            return data, True
        data += piece
    return data, False
"""

# --- words and numbers of the judge

BEHIND = (
    "The kernel has told of these bytes, and tells of them no more: an edge comes once. Whatever you leave"
    " behind waits until something else arrives, perhaps for ever."
)
EMPTY = (
    "BlockingIOError means that nothing is left, which here is how every drain ends. Readiness can be a false"
    " alarm, too: then nothing was there in the first place."
)
END_BEHIND = (
    "The bytes and the end of the stream came together, and made one edge. A piece that is shorter than what"
    " you asked for was the last of the bytes, and the end may wait behind it: only `recv` can tell."
)
END = "When `recv` returns b'', the stream has ended, and will give you b'' for ever. That too is a way out."
EARLY_END = "The stream has not ended: `recv` has not returned b''. Nothing is left *now*, and more may come."
DATA_AT_THE_END = "What came before the end is still data, and belongs to whoever asked."
TWO = "Two values are expected: the bytes, and True or False."
STILL = "`drain` takes what is there, and does not wait for more. `epoll` waits, for all sockets together."


EDGE, FALSE_ALARM = b"e", b"f"
"""What the judge orders: to wait for an edge and drain, or to drain without one."""


# --- in the learner's process


def drive(drain: Callable[[Any], Any], address: Any, orders: Any) -> Iterator[Any]:
    """Connect to ``address``, and drain at each order that comes from ``orders``."""
    with (
        socket.create_connection(orders) as boss,
        socket.create_connection(address) as sock,
        select.epoll() as poller,
    ):
        sock.setblocking(False)
        poller.register(sock, select.EPOLLIN | select.EPOLLET)
        yield "ready"
        while order := boss.recv(1):
            if order == EDGE:
                poller.poll(5.0)
            answer = drain(sock)
            yield plain(answer), unread(sock)


def plain(answer: Any) -> Any:
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        return answer
    data, ended = answer
    return (bytes(data) if isinstance(data, bytearray | memoryview) else data), bool(ended)


def unread(sock: socket.socket) -> int:
    """Return how many bytes wait in the kernel."""
    import fcntl
    import termios

    waiting = array.array("i", [0])
    fcntl.ioctl(sock, termios.FIONREAD, waiting)
    return waiting[0]


class Bench:
    """One connection that the learner's code drains when it is told to."""

    def __init__(self, exam: Exam) -> None:
        doors: list[Listener] = [exam.listen(), exam.listen()]
        self.run: Run = exam.run(drive, doors[1].address, doors[0].address)
        self.boss, self.peer = doors[0].accept(), doors[1].accept()
        self.run.next()

    def drain(self, data: bytes, ended: bool, ideas: tuple[str, str], order: bytes = EDGE) -> None:
        """Expect these. ``ideas``: what it means if the bytes are wrong, and if only ``ended`` is."""
        self.boss.send(order)
        self.run.sent = sent = self.peer.sent
        self.peer.said.clear()
        expected = f"{len(data):,} bytes, and {ended}"
        try:
            answer, left = self.run.next(ideas={"BlockingIOError": EMPTY}, idea=END if ended else STILL)
        except Failed as failure:
            raise Failed(sent, expected, failure.got, failure.idea) from None
        if not isinstance(answer, tuple) or not isinstance(answer[0], bytes):
            raise Failed(sent, expected, repr(answer), TWO)
        got = f"{len(answer[0]):,} bytes, and {answer[1]}"
        if answer[0] != data:
            if left:
                got += f"; {left:,} more wait in the kernel, which will not tell of them again"
            elif len(answer[0]) == len(data):
                got += ", and the bytes are others"
            raise Failed(sent, expected, got, ideas[0])
        if answer[1] != ended:
            raise Failed(sent, expected, got, ideas[1])


# --- the judge


def judge(exam: Exam) -> None:
    bench = Bench(exam)
    peer: Peer = bench.peer
    short, long = exam.bytes(10), exam.random.randbytes(exam.random.randrange(30_000, 40_000))
    peer.send(short)
    bench.drain(short, False, (BEHIND, EARLY_END))
    peer.send(long)
    wait_for_arrival(peer)
    bench.drain(long, False, (BEHIND, EARLY_END))
    peer.said.append("nothing: a false alarm")
    bench.drain(b"", False, (EMPTY, EARLY_END), FALSE_ALARM)
    peer.send(short)
    peer.end()
    bench.drain(short, True, (DATA_AT_THE_END, END_BEHIND))
    bench.boss.end()
    bench.run.result()
    only_the_end(exam)


def only_the_end(exam: Exam) -> None:
    """The end of the stream comes alone."""
    bench = Bench(exam)
    bench.peer.end()
    bench.drain(b"", True, (END, END))
    bench.boss.end()
    bench.run.result()


def wait_for_arrival(peer: Peer) -> None:
    """Wait until the other side's kernel has all that was sent: it comes in several segments."""
    import fcntl
    import termios

    waiting = array.array("i", [1])
    while waiting[0]:
        fcntl.ioctl(peer.sock, termios.TIOCOUTQ, waiting)


EXERCISE = Exercise(
    id="4.3",
    title="Everything that waits",
    name="drain",
    unavailable="" if hasattr(select, "epoll") else "this exercise needs epoll, which is part of Linux",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(ONE_RECV, "an edge comes once"),
        Wrong(UNTIL_SHORT, "only `recv` can tell"),
        Wrong(UNTIL_THE_END, "how every drain ends"),
        Wrong(NO_END, "too is a way out"),
        Wrong(ALL_LOST_AT_THE_END, "is still data"),
        Wrong(WAITS, "does not wait for more"),
    ),
)
