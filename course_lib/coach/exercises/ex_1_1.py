"""Exercise 1.1: a message of known length, whole."""

import socket
from contextlib import suppress

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong

# --- the task

STUB = '''
def recv_exactly(sock, size):
    """Return exactly `size` bytes of `sock`. Raise EOFError when the stream ends before."""
    ...
'''

HINTS = (
    "One `recv` returns what has arrived, which may be less than you asked for. So one call is not enough.",
    "Keep what you have, and ask for what is missing: `sock.recv(size - len(data))` never takes too much.",
    "`recv` returns `b''` at the end of the stream. None will come, however often you ask: raise EOFError.",
)

# --- right answers

SOLUTION = '''
def recv_exactly(sock, size):
    """Return exactly `size` bytes of `sock`. Raise EOFError when the stream ends before."""
    data = b""
    while len(data) < size:
        piece = sock.recv(size - len(data))
        if not piece:
            raise EOFError(f"the stream ended after {len(data)} of {size} bytes")
        data += piece
    return data
'''

OTHER = """
def recv_exactly(sock, size):
    buffer = bytearray(size)
    view = memoryview(buffer)
    while view:
        count = sock.recv_into(view)
        if count == 0:
            raise EOFError
        view = view[count:]
    return bytes(buffer)
"""

# --- wrong answers

ONE_RECV = """
def recv_exactly(sock, size):
    return sock.recv(size)
"""

TOO_MUCH = """
def recv_exactly(sock, size):
    data = b""
    while len(data) < size:
        piece = sock.recv(1024)
        if not piece:
            raise EOFError
        data += piece
    return data[:size]
"""

NO_END = """
def recv_exactly(sock, size):
    data = b""
    while len(data) < size:
        data += sock.recv(size - len(data))
    return data
"""

SHORT_AT_THE_END = """
def recv_exactly(sock, size):
    data = b""
    while len(data) < size:
        piece = sock.recv(size - len(data))
        if not piece:
            break
        data += piece
    return data
"""


# --- in the learner's process


def drive(recv_exactly, address, sizes):
    with socket.create_connection(address) as sock:
        return [recv_exactly(sock, size) for size in sizes]


# --- the judge


def judge(exam: Exam) -> None:
    first, second = exam.bytes(exam.random.randrange(8, 20)), exam.bytes(exam.random.randrange(4, 9))
    pieces(exam, first, second)
    early_end(exam, first)


def pieces(exam: Exam, first: bytes, second: bytes) -> None:
    """The first message comes in two segments, the second with the end of the first."""
    listener = exam.listen()
    run = exam.run(drive, listener.address, [len(first), len(second)])
    peer = listener.accept()
    peer.send(first[:3])
    run.settle()
    with suppress(Failed):  # nobody takes it where the code has died: the result tells of what
        peer.send(first[3:] + second)
    run.sent = f"{peer.sent}, to be read as {len(first)} bytes and {len(second)} bytes"
    greedy = "The first call has taken bytes that belong to the second."
    got = run.result(
        ideas={"EOFError": "The stream has not ended: more bytes were on their way."}, idea=greedy
    )
    short = "`recv(n)` returns as soon as any byte is there, with at most n bytes: TCP knows no messages."
    if got[0] is None:
        short = "A function without `return` returns None."
    elif not isinstance(got[0], bytes):
        short = "Bytes came in, so bytes must go out."
    run.expect_equal(got, [first, second], greedy if got[0] == first else short)


def early_end(exam: Exam, message: bytes) -> None:
    """The stream ends in the middle of a message."""
    listener = exam.listen()
    run = exam.run(drive, listener.address, [len(message) + 5])
    peer = listener.accept()
    peer.send(message)
    peer.end()
    run.sent = f"{peer.sent}, to be read as {len(message) + 5} bytes"
    idea = (
        "After the end of the stream `recv` returns b'' at once, again and again; the rest will never come."
    )
    run.expect_error("EOFError", idea)


EXERCISE = Exercise(
    id="1.1",
    title="A message of known length",
    name="recv_exactly",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(ONE_RECV, "TCP knows no messages"),
        Wrong(TOO_MUCH, "belong to the second"),
        Wrong(NO_END, "will never come"),
        Wrong(SHORT_AT_THE_END, "will never come"),
    ),
)
