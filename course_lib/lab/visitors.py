"""The three clients that meet each server of the course, and the record of what they go through.

Read ../clients.py first. Next: three_clients.py.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from course_lib.servers.base import Address

SILENCE = 1.0
"""Seconds for which ``silent`` stays."""

BYTE_PAUSE = 0.1
"""Seconds between two bytes of ``slow``."""

QUESTION_PAUSE = 0.05
"""Seconds that ``quick`` takes to think of its next question."""

PATIENCE = 2.0
"""Seconds after which a client that still waits gives up."""

# Digits, because they can be found again in the answer of any server that sends back what it was sent.
SLOW_MESSAGE = b"1234"
QUICK_MESSAGES = (b"1111", b"2222", b"3333", b"4444", b"5555")


@dataclass(frozen=True)
class Segment:
    """What a client did from ``start`` to ``end``, in seconds: "silent", "talking" or "waiting"."""

    start: float
    end: float
    state: str


@dataclass
class ClientRun:
    """What one client went through; all times in seconds since the first of the three came."""

    name: str
    questions: int
    segments: list[Segment] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    left: float = 0.0
    """When it left, or was cut off."""

    @property
    def failed(self) -> bool:
        """True when a question was not answered."""
        return len(self.answers) < self.questions


class Client:
    """One client and the record of what it does."""

    def __init__(self, name: str, questions: int, clock: Callable[[], float]) -> None:
        self.run = ClientRun(name, questions)
        self.clock = clock
        self.patient_until = clock() + PATIENCE

    def connect(self, address: Address) -> bool:
        try:
            self.sock = socket.create_connection(address, PATIENCE)
        except OSError:  # the server has died of an earlier client
            self.run.left = self.clock()
            return False
        return True

    def live(self, script: Callable[["Client"], None]) -> None:
        """Play the script to its end; leave when the server cuts it off or patience ends."""
        try:
            script(self)
        except OSError:
            pass  # the answers that are missing tell of it
        finally:
            self.run.left = self.clock()  # before the close, of which the server may hear at once
            self.sock.close()

    @contextmanager
    def state(self, name: str) -> Iterator[None]:
        start = self.clock()
        try:
            yield
        finally:
            self.run.segments.append(Segment(start, self.clock(), name))

    def send(self, data: bytes, after: float) -> None:
        """Send ``data`` after a pause of so many seconds."""
        with self.state("talking"):
            time.sleep(after)
            self.sock.sendall(data)

    def await_answer(self, message: bytes) -> None:
        """Wait until the bytes of ``message`` have come back, among whatever else the server says."""
        heard = b""
        with self.state("waiting"):
            while not _is_within(message, heard):
                heard += self.receive(self.patient_until)
        self.run.answers.append(self.clock())

    def receive(self, until: float) -> bytes:
        """Return what comes next. Raises OSError when nothing comes any more, or not in time."""
        self.sock.settimeout(max(0.001, until - self.clock()))
        data = self.sock.recv(1024)
        if not data:
            raise ConnectionError("the server has closed the connection")
        return data


def _is_within(message: bytes, heard: bytes) -> bool:
    rest = iter(heard)
    return all(byte in rest for byte in message)


def _silent(client: Client) -> None:
    until = client.clock() + SILENCE
    with client.state("silent"):
        while True:  # until TimeoutError; it listens, since to leave with bytes unread would be a reset
            client.receive(until)


def _slow(client: Client) -> None:
    for index in range(len(SLOW_MESSAGE)):
        client.send(SLOW_MESSAGE[index : index + 1], after=BYTE_PAUSE if index else 0)
    client.await_answer(SLOW_MESSAGE)


def _quick(client: Client) -> None:
    for index, message in enumerate(QUICK_MESSAGES):
        client.send(message, after=QUESTION_PAUSE if index else 0)
        client.await_answer(message)


SCRIPTS = {"silent": (_silent, 0), "slow": (_slow, 1), "quick": (_quick, len(QUICK_MESSAGES))}
"""What each client does, and how many answers it wants."""


def visit(address: Address) -> list[ClientRun]:
    """Let the three clients come, one after the other, and return their records when all have left."""
    zero = time.perf_counter()
    clients, threads = [], []
    for name, (script, questions) in SCRIPTS.items():
        client = Client(name, questions, lambda: time.perf_counter() - zero)
        clients.append(client)
        if client.connect(address):  # so they stand in this order in the server's queue
            threads.append(threading.Thread(target=client.live, args=(script,), name=name, daemon=True))
            threads[-1].start()
    for thread in threads:
        thread.join()
    return [client.run for client in clients]
