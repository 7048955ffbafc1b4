"""Exercise 4.4: a greedy client, kept in its place."""

import threading
import time
from contextlib import ExitStack
from types import TracebackType

from course_lib.coach.exam import Address, Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.peer import Peer
from course_lib.coach.run import Run

# --- the task

STUB = '''
import select


def fair_echo(listener):
    """Echo for many clients in one thread. However much one sends, all are served, in bounded memory."""
    ...
'''

HINTS = (
    "Begin with your `select_echo` or with solution('4.1'). What does it do with the bytes of a client that"
    " sends and sends and never reads? And does each client that is readable get one `recv` in a round, or as"
    " many as it likes?",
    "One `recv` of at most 65,536 bytes for each readable client, then the next client: with `select` nothing"
    " is lost, since a client with bytes left is in the list again.",
    "A client for which 65,536 bytes or more wait to be sent must not be among the sockets that you want to"
    " read from, until it has taken some. Its own bytes then pile up in the kernel, and at last its `send`"
    " waits.",
)

# --- right answers

SOLUTION = '''
import select

LIMIT = 65536


def fair_echo(listener):
    """Echo for many clients in one thread. However much one sends, all are served, in bounded memory."""
    unsent = {}  # each client's socket, and the bytes that it has not taken yet
    while True:
        readers = [sock for sock in unsent if len(unsent[sock]) < LIMIT]
        writers = [sock for sock in unsent if unsent[sock]]
        readable, writable, _ = select.select([listener, *readers], writers, [])
        for sock in readable:
            if sock is listener:
                client, address = listener.accept()
                client.setblocking(False)
                unsent[client] = b""
                continue
            try:
                data = sock.recv(LIMIT)
            except ConnectionError:
                data = b""
            unsent[sock] += data
            if not data:
                del unsent[sock]
                sock.close()
        for sock in set(writable) & set(unsent):
            try:
                sent = sock.send(unsent[sock])
                unsent[sock] = unsent[sock][sent:]
            except ConnectionError:
                del unsent[sock]
                sock.close()
'''

OTHER = """
import selectors
from collections import deque


def fair_echo(listener):
    listener.setblocking(False)
    sel = selectors.DefaultSelector()
    sel.register(listener, selectors.EVENT_READ)

    def turn(sock, out):
        # Up to eight small pieces in each direction, then it is the next one's turn.
        for _ in range(8):
            if sum(map(len, out)) < 100_000:
                try:
                    piece = sock.recv(4096)
                except BlockingIOError:
                    piece = None
                if piece == b"":
                    raise EOFError
                if piece:
                    out.append(piece)
            if out:
                try:
                    sent = sock.send(out[0])
                except BlockingIOError:
                    break
                if sent < len(out[0]):
                    out[0] = out[0][sent:]
                else:
                    out.popleft()
        reading = selectors.EVENT_READ if sum(map(len, out)) < 100_000 else 0
        sel.modify(sock, reading | (selectors.EVENT_WRITE if out else 0), out)

    while True:
        for key, _ in sel.select():
            if key.fileobj is listener:
                sock, _ = listener.accept()
                sock.setblocking(False)
                sel.register(sock, selectors.EVENT_READ, deque())
                continue
            try:
                turn(key.fileobj, key.data)
            except (EOFError, OSError):
                sel.unregister(key.fileobj)
                key.fileobj.close()
"""

# --- wrong answers

UNBOUNDED = SOLUTION.replace("[sock for sock in unsent if len(unsent[sock]) < LIMIT]", "list(unsent)")

DRAINS = """
import select


def fair_echo(listener):
    unsent = {}
    while True:
        readers = [sock for sock in unsent if not unsent[sock]]
        writers = [sock for sock in unsent if unsent[sock]]
        readable, writable, _ = select.select([listener, *readers], writers, [])
        for sock in readable:
            if sock is listener:
                client, address = listener.accept()
                client.setblocking(False)
                unsent[client] = b""
        for sock in set(readable + writable) & set(unsent):
            try:
                while True:
                    if not unsent[sock]:
                        unsent[sock] = sock.recv(1024)
                        if not unsent[sock]:
                            raise ConnectionError
                    sent = sock.send(unsent[sock])
                    unsent[sock] = unsent[sock][sent:]
            except BlockingIOError:
                pass
            except ConnectionError:
                del unsent[sock]
                sock.close()
"""

IGNORES = SOLUTION.replace("[sock for sock in unsent if len(unsent[sock]) < LIMIT]", "list(unsent)").replace(
    "            try:\n                data = sock.recv(LIMIT)",
    "            if len(unsent[sock]) >= LIMIT:\n                continue\n"
    "            try:\n                data = sock.recv(LIMIT)",
)

THROWS_AWAY = SOLUTION.replace(
    "[sock for sock in unsent if len(unsent[sock]) < LIMIT]", "list(unsent)"
).replace(
    "            unsent[sock] += data\n",
    "            if len(unsent[sock]) < LIMIT:\n                unsent[sock] += data\n",
)

SENDS_AWAY = SOLUTION.replace(
    "[sock for sock in unsent if len(unsent[sock]) < LIMIT]", "list(unsent)"
).replace("            if not data:", "            if not data or len(unsent[sock]) > LIMIT:")

WAITS = """
import select


def fair_echo(listener):
    clients = []
    while True:
        readable, _, _ = select.select([listener, *clients], [], [])
        for sock in readable:
            if sock is listener:
                clients.append(listener.accept()[0])
                continue
            try:
                data = sock.recv(65536)
                sock.sendall(data)
            except ConnectionError:
                data = b""
            if not data:
                clients.remove(sock)
                sock.close()
"""

# --- words and numbers of the judge

ECHO = "An echo: what a client sends comes back to it."
TURNS = (
    "The server is busy with one client alone. A loop that ends when nothing is left never ends while that"
    " client sends faster than the server takes: take one piece, then look at the others."
)
DIED = "Whatever the greedy client does, the server must live on."
MEMORY = (
    "The server goes on taking what a client sends that reads nothing. It can only keep that, without a"
    " bound, or lose it. While much waits to be sent to a client, nothing more should be read from it: its"
    " bytes then stay in the kernel, which makes it wait."
)
OTHERS = "One client that does not read keeps the others waiting: no `send` and no `sendall` may block."
BUSY = (
    "The greedy client is readable all the time, since its bytes stay in the kernel. Who still watches it for"
    " reading is woken at once, again and again, to do nothing."
)
NOTHING_LOST = (
    "This client reads late and slowly, and it may: whatever was taken from it has to come back, and its"
    " connection has to stay. It is enough to take nothing more from it for a while."
)

GREEDY, QUESTIONS, PAUSE = 4, 20, 0.015
"""Greedy clients, questions of the polite one, and seconds between two of those."""

PATIENCE = 0.8
"""Seconds of waiting for all answers together. A fair server takes a millisecond or two for each; one that
drains takes 50 or 500, since the kernel fills up with the bytes of the others while it is with one."""

GREED = 24 * 1024 * 1024
"""So many bytes are taken by no server with a bound, whatever the kernels keep."""

UNREAD = 16 * 1024 * 1024
"""So many bytes at most each of them is ahead of its answers: this too must fit into memory."""


# --- the judge


def judge(exam: Exam) -> None:
    run, address = exam.serve()
    polite = exam.connect(address, "a polite client")
    with run.talking():
        exam.echo(polite, ECHO)
    flooded(exam, run, address, polite)
    never_reads(exam, run, address, polite)
    exam.scenario("slow_reader", NOTHING_LOST, limit=4.0)


def flooded(exam: Exam, run: Run, address: Address, polite: Peer) -> None:
    """Some clients send without a pause and read all answers; meanwhile another one asks."""
    with ExitStack() as stack:
        floods = [stack.enter_context(Flood(exam.connect(address))) for _ in range(GREEDY)]
        stack.enter_context(run.talking({"OSError": DIED}))
        for flood in floods:
            flood.flows.wait(0.5)
        left = PATIENCE
        for number in range(QUESTIONS):
            time.sleep(PAUSE)  # a burst might slip through one gap
            polite.said.clear()
            polite.name = (
                f"four clients send and read without a pause; another one's question {number + 1} is "
            )
            start = time.monotonic()
            exam.echo(polite, TURNS, max(0.001, left))
            left -= time.monotonic() - start


class Flood:
    """A client that sends as fast as it can, and reads as fast as it can, in two threads."""

    def __init__(self, peer: Peer) -> None:
        self.sock = peer.sock
        self.sock.settimeout(None)
        self.flows = threading.Event()
        self.room = threading.Semaphore(0)
        self.threads = [threading.Thread(target=each, daemon=True) for each in (self.send, self.read)]

    def send(self) -> None:
        piece = bytes(1024 * 1024)
        self.room.release(UNREAD // len(piece))
        sent = 0
        try:
            while self.room.acquire():
                self.sock.sendall(piece)
                sent += 1
                if sent == 8:
                    self.flows.set()
        except OSError:
            self.flows.set()  # the block has ended, or the server

    def read(self) -> None:
        space, heard = bytearray(1024 * 1024), 0
        try:
            while count := self.sock.recv_into(space):
                heard += count
                self.room.release(heard // len(space)) if heard >= len(space) else None
                heard %= len(space)
        except OSError:
            pass  # the server

    def __enter__(self) -> "Flood":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.sock.shutdown(2)
        except OSError:
            pass  # the server has closed it
        self.room.release()
        for thread in self.threads:
            thread.join(2.0)


def never_reads(exam: Exam, run: Run, address: Address, polite: Peer) -> None:
    """One client sends and reads nothing, until nothing more is taken; then it reads."""
    deaf = exam.connect(address, receive_buffer=16 * 1024)
    data = exam.random.randbytes(1024 * 1024)
    with run.talking({"OSError": DIED}):
        taken = deaf.fill(run, data, GREED, NOTHING_LOST)
        if taken == GREED:
            raise Failed(deaf.sent, "a server that stops reading", "it goes on taking", MEMORY)
        polite.said.clear()
        polite.name = f"a client sends {taken:,} bytes and reads nothing; another one sends "
        exam.echo(polite, OTHERS)
    run.sent = f"{taken:,} bytes, more than the server takes, by a client that reads nothing"
    run.expect_idle(BUSY)
    with run.talking({"OSError": DIED}):
        deaf.expect((data * (taken // len(data) + 1))[:taken], NOTHING_LOST, limit=4.0)
    deaf.close()


EXERCISE = Exercise(
    id="4.4",
    title="A greedy client",
    name="fair_echo",
    core=False,
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(DRAINS, "then look at the others"),
        Wrong(UNBOUNDED, "keep that, without a bound, or lose it"),
        Wrong(WAITS, "may block"),
        Wrong(IGNORES, "again and again, to do nothing"),
        Wrong(THROWS_AWAY, "keep that, without a bound, or lose it"),
        Wrong(SENDS_AWAY, "connection has to stay"),
    ),
)
