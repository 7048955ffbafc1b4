"""Exercise 4.2: what the events of poll mean for a reader."""

import os
import random
import select
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Broke, Exercise, Failed, Wrong
from course_lib.coach.run import brief

# --- the task

STUB = '''
import select


def classify(events):
    """Say what `events`, a mask that `poll` has reported, means for a reader: "data", "end" or "error"."""
    ...
'''

HINTS = (
    "A mask is a number in which each event is one bit: `events & select.POLLIN` is not zero if POLLIN is"
    " among them. Three questions of this kind are enough; what matters is their order.",
    "POLLHUP says that the other side has hung up. It does not say that you have read everything: as long as"
    " POLLIN is there too, call `recv`, which gives you the last bytes before it gives you b''.",
    "Ask for POLLERR first, then for POLLIN, and for POLLHUP last.",
)

# --- right answers

SOLUTION = '''
import select


def classify(events):
    """Say what `events`, a mask that `poll` has reported, means for a reader: "data", "end" or "error"."""
    if events & select.POLLERR:
        return "error"
    if events & select.POLLIN:
        return "data"
    if events & select.POLLHUP:
        return "end"
'''

OTHER = """
from select import POLLERR, POLLHUP, POLLIN, POLLNVAL


def classify(events):
    meanings = {POLLERR: "error", POLLNVAL: "error", POLLIN: "data", POLLHUP: "end"}
    return next((meaning for bit, meaning in meanings.items() if events & bit), None)
"""

# --- wrong answers

HANGUP_FIRST = """
import select


def classify(events):
    if events & select.POLLERR:
        return "error"
    if events & select.POLLHUP:
        return "end"
    if events & select.POLLIN:
        return "data"
"""

EQUALITY = """
import select


def classify(events):
    if events == select.POLLIN:
        return "data"
    if events == select.POLLHUP:
        return "end"
    return "error"
"""

DATA_FIRST = """
import select


def classify(events):
    if events & select.POLLIN:
        return "data"
    if events & select.POLLHUP:
        return "end"
    if events & select.POLLERR:
        return "error"
"""

HANGUP_IS_AN_ERROR = """
import select


def classify(events):
    if events & select.POLLIN:
        return "data" if not events & select.POLLERR else "error"
    return "error"
"""

NO_ERROR = """
import select


def classify(events):
    return "data" if events & select.POLLIN else "end"
"""

# --- words and numbers of the judge

LAST_BYTES = (
    "This mask holds two events. POLLHUP says that the other side has hung up, and not that you have read"
    " everything. What it sent before still waits, and POLLIN says so."
)
BITS = "A mask may hold several events at once. Look at one bit at a time, with `&`."
BROKEN = (
    "POLLERR says that the connection is broken, whatever else the mask holds. It often comes with POLLIN or"
    " POLLOUT, because a call would not block: it would raise."
)
GOODBYE = (
    "POLLHUP alone is an ordinary goodbye: the other side has closed, and everything it sent has been read."
)
PLAIN = "POLLIN says that there is something to take."
WORDS = "The answer is one of the three words, as a str."


Made = tuple[Any, int]
"""What is watched, and for which events."""


def waiting(stack: ExitStack, data: bytes) -> Made:
    left, right = map(stack.enter_context, socket.socketpair())
    left.sendall(data)
    return right, select.POLLIN


def waiting_and_writable(stack: ExitStack, data: bytes) -> Made:
    right, events = waiting(stack, data)
    return right, events | select.POLLOUT


def last_bytes_of_a_socket(stack: ExitStack, data: bytes) -> Made:
    left, right = map(stack.enter_context, socket.socketpair())
    left.sendall(data)
    left.close()
    right.shutdown(socket.SHUT_WR)
    return right, select.POLLIN


def last_bytes_of_a_pipe(stack: ExitStack, data: bytes) -> Made:
    reader, writer = pipe(stack)
    writer.write(data)
    writer.close()
    return reader, select.POLLIN


def empty_pipe(stack: ExitStack, data: bytes) -> Made:
    reader, writer = pipe(stack)
    writer.close()
    return reader, select.POLLIN


def reset(stack: ExitStack, data: bytes) -> Made:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sock = stack.enter_context(socket.create_connection(listener.getsockname()))
        with listener.accept()[0] as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return sock, select.POLLIN | select.POLLOUT


def pipe_without_reader(stack: ExitStack, data: bytes) -> Made:
    reader, writer = pipe(stack)
    reader.close()
    return writer, select.POLLOUT


def pipe(stack: ExitStack) -> tuple[Any, Any]:
    reader, writer = os.pipe()
    return tuple(
        stack.enter_context(open(end, mode, buffering=0)) for end, mode in ((reader, "rb"), (writer, "wb"))
    )


Situation = Callable[[ExitStack, bytes], Made]

SITUATIONS: dict[str, tuple[Situation, str]] = {
    "a socket with {size} bytes to read": (waiting, PLAIN),
    "a socket with {size} bytes to read, watched for writing too": (waiting_and_writable, BITS),
    "a socket with {size} bytes to read, whose other side has closed": (last_bytes_of_a_socket, LAST_BYTES),
    "a pipe with {size} bytes to read, whose writer has closed": (last_bytes_of_a_pipe, LAST_BYTES),
    "an empty pipe whose writer has closed": (empty_pipe, GOODBYE),
    "a socket whose other side has reset the connection": (reset, BROKEN),
    "the writing end of a pipe whose reader has closed": (pipe_without_reader, BROKEN),
}
"""How each mask comes about, and what a learner has not thought of who gets it wrong."""


# --- in the learner's process


def drive(classify: Callable[[int], str], titles: list[str], data: bytes) -> Iterator[Any]:
    """For each of the situations, yield the mask that poll reports and what ``classify`` says of it."""
    for title in titles:
        with ExitStack() as stack:
            watched, asked = SITUATIONS[title][0](stack, data)
            poller = select.poll()
            poller.register(watched, asked)
            reported = poller.poll(2000)
            events = reported[0][1] if reported else 0
        yield events
        yield classify(events)


# --- the judge


def judge(exam: Exam) -> None:
    if not hasattr(select, "poll"):
        raise Broke("this system has no poll")
    data = exam.bytes(exam.random.randrange(3, 9))
    titles = list(SITUATIONS)
    random.Random(exam.random.random()).shuffle(titles)
    plain = (waiting, waiting_and_writable)  # these first
    titles.sort(key=lambda title: [*plain, SITUATIONS[title][0]].index(SITUATIONS[title][0]))
    run = exam.run(drive, titles, data)
    for title in titles:
        run.sent = f"the events of {title.format(size=len(data))}"
        events = run.next()
        run.sent = f"{names(events)}: {title.format(size=len(data))}"
        answer = run.next()
        if answer != meaning(events):
            raise Failed(run.sent, repr(meaning(events)), brief(answer), missing(answer, events, title))
    run.result()


def missing(answer: Any, events: int, title: str) -> str:
    """What a learner has not thought of who gave this answer."""
    if answer is None and events.bit_count() > 1:
        return BITS
    return SITUATIONS[title][1] if answer in ("data", "end", "error", None) else WORDS


def meaning(events: int) -> str:
    """The right answer. It follows the mask, since systems report the same thing in different masks."""
    return "error" if events & select.POLLERR else "data" if events & select.POLLIN else "end"


def names(events: int) -> str:
    known = ("POLLIN", "POLLOUT", "POLLERR", "POLLHUP")
    return " | ".join(name for name in known if events & getattr(select, name)) or str(events)


EXERCISE = Exercise(
    id="4.2",
    title="What the events mean",
    name="classify",
    core=False,
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(HANGUP_FIRST, "still waits"),
        Wrong(EQUALITY, "one bit at a time"),
        Wrong(DATA_FIRST, "the connection is broken"),
        Wrong(HANGUP_IS_AN_ERROR, "an ordinary goodbye"),
        Wrong(NO_ERROR, "the connection is broken"),
    ),
)
