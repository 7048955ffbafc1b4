"""Exercise 3.1: a receive that never waits has three answers."""

import select
import socket
from typing import Any

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.run import Run, brief

# --- the task

STUB = '''
def try_recv(sock):
    """Ask the non-blocking `sock` once; return what has come, at most 1024 bytes.

    Return None when nothing has come yet, and b"" when the stream has ended.
    """
    ...
'''

HINTS = (
    "Call `sock.recv(1024)` once. Two of the three answers are what it returns; the third is an exception.",
    "`recv` of a non-blocking socket raises BlockingIOError when nothing is there. Catch it, and no other.",
    "try: return sock.recv(1024), and in `except BlockingIOError:` return None.",
)

# --- right answers

SOLUTION = '''
def try_recv(sock):
    """Ask the non-blocking `sock` once; return what has come, at most 1024 bytes.

    Return None when nothing has come yet, and b"" when the stream has ended.
    """
    try:
        return sock.recv(1024)
    except BlockingIOError:
        return None
'''

OTHER = """
import select

def try_recv(sock):
    readable, _, _ = select.select([sock], [], [], 0)
    return sock.recv(1024) if readable else None
"""

# --- wrong answers

NOT_CAUGHT = """
def try_recv(sock):
    return sock.recv(1024)
"""

END_FOR_NOTHING = """
def try_recv(sock):
    try:
        return sock.recv(1024)
    except BlockingIOError:
        return b""
"""

NOTHING_FOR_END = """
def try_recv(sock):
    try:
        return sock.recv(1024) or None
    except BlockingIOError:
        return None
"""

ALL_ERRORS = """
def try_recv(sock):
    try:
        return sock.recv(1024)
    except OSError:
        return None
"""

ASKS_UNTIL_IT_COMES = """
def try_recv(sock):
    while True:
        try:
            return sock.recv(1024)
        except BlockingIOError:
            pass
"""

WAITS_A_LITTLE = """
def try_recv(sock):
    sock.settimeout(0.1)
    try:
        return sock.recv(1024)
    except TimeoutError:
        return None
"""

WAITS = """
def try_recv(sock):
    sock.setblocking(True)
    return sock.recv(1024)
"""


# --- in the learner's process


def drive(try_recv, address):
    with socket.create_connection(address) as sock:
        sock.setblocking(False)
        yield asked_often(try_recv, sock)  # the judge sends when it has heard this
        for _ in "data", "end":
            select.select([sock], [], [], 5)
            yield try_recv(sock)
            yield asked_often(try_recv, sock)


def asked_often(try_recv, sock):
    """Ask 100 times, which takes long where each call waits a little; return the first answer but None."""
    answers = [try_recv(sock) for _ in range(100)]
    return next((answer for answer in answers if answer is not None), None)


def drive_reset(try_recv, address):
    with socket.create_connection(address) as sock:
        sock.setblocking(False)
        select.select([sock], [], [], 5)
        return try_recv(sock)


# --- the judge


def judge(exam: Exam) -> None:
    message = exam.bytes(exam.random.randrange(8, 20))
    three_answers(exam, message)
    broken(exam)


def three_answers(exam: Exam, message: bytes) -> None:
    """Nothing yet, the message, nothing more; then the end, for good."""
    listener = exam.listen()
    run = exam.run(drive, listener.address)
    peer = listener.accept()
    run.sent = "nothing yet; it is asked up to 100 times"
    nothing(run)
    peer.send(message)
    run.sent = peer.sent
    idea = "These bytes had come, and the caller must get all of them as they are."
    run.expect_equal(answer(run, message, idea), message, idea)
    run.sent = f"{peer.sent}, which has been returned, and nothing more; it is asked up to 100 times"
    nothing(run)
    peer.end()
    run.sent = peer.sent
    idea = (
        "The stream has ended, and nothing will ever come again. Who takes that for 'nothing yet' asks for"
        " ever."
    )
    for _ in "once", "and again":
        run.expect_equal(answer(run, b"", idea), b"", idea)


def nothing(run: Run) -> None:
    """Expect that ``try_recv`` says "nothing yet"."""
    waits = "Nothing has come, and the call waits for something. So long, the program does nothing else."
    got = answer(run, None, waits)
    ended = "b'' says that the stream has ended. This one has not: nothing has come *yet*."
    unclear = "Nothing has come yet, and the caller must be able to tell."
    run.expect_equal(got, None, ended if got == b"" else unclear)


def answer(run: Run, expected: bytes | None, waits: str) -> Any:
    """Return what ``try_recv`` returns next; ``waits`` is the idea where it does not return."""
    try:
        return run.next(ideas=IDEAS, idea=waits)
    except Failed as failure:
        raise Failed(failure.sent, brief(expected), failure.got, failure.idea) from None


IDEAS = {
    "BlockingIOError": "BlockingIOError is how a non-blocking socket says 'not now'. "
    "That is one of the three answers, and the caller wants it as a value.",
    "EOFError": "Here the end of the stream is an answer like the others: it is returned.",
}


def broken(exam: Exam) -> None:
    """The peer breaks the connection off."""
    listener = exam.listen()
    run = exam.run(drive_reset, listener.address)
    peer = listener.accept()
    peer.reset()
    run.sent = peer.sent
    idea = (
        "The connection is broken, which is none of the three answers: the exception that says so must reach"
        " the caller."
    )
    run.expect_error("ConnectionResetError", idea)


EXERCISE = Exercise(
    id="3.1",
    title="Three answers of one call",
    name="try_recv",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(NOT_CAUGHT, "says 'not now'"),
        Wrong(END_FOR_NOTHING, "has not: nothing has come"),
        Wrong(NOTHING_FOR_END, "asks for ever"),
        Wrong(ALL_ERRORS, "none of the three answers"),
        Wrong(ASKS_UNTIL_IT_COMES, "waits for something"),
        Wrong(WAITS, "waits for something"),
        Wrong(WAITS_A_LITTLE, "waits for something"),
    ),
)
