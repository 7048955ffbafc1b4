"""Exercise 3.2: many attempts to connect at the same time."""

import socket

from course_lib.coach.exam import Address, Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong

# --- the task

STUB = '''
def who_answers(addresses, seconds):
    """Try to connect to all `addresses` at the same time, for at most `seconds` in all.

    Return the list of those that accepted, in the order of `addresses`. Leave no socket open.
    """
    ...
'''

HINTS = (
    "Begin all attempts before you wait for any: one non-blocking socket for each address, and `connect_ex`.",
    "The attempts go on by themselves. `select.select([], [sock], [], s)` waits at most s seconds until the"
    " one of `sock` is over, and returns it in its second list; let s be what is left of `seconds`.",
    "An attempt that is over may have failed: `sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)` is 0 only"
    " when it has not. One that is not over in time has not been answered.",
)

# --- right answers

SOLUTION = '''
import select
import socket
import time


def who_answers(addresses, seconds):
    """Try to connect to all `addresses` at the same time, for at most `seconds` in all.

    Return the list of those that accepted, in the order of `addresses`. Leave no socket open.
    """
    attempts = []
    for address in addresses:
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(address)
        attempts.append(sock)
    end, answered = time.monotonic() + seconds, []
    for address, sock in zip(addresses, attempts):
        _, over, _ = select.select([], [sock], [], max(0, end - time.monotonic()))
        if over and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
            answered.append(address)
        sock.close()
    return answered
'''

OTHER = """
import contextlib
import socket
import time

def who_answers(addresses, seconds):
    with contextlib.ExitStack() as stack:
        attempts = {}
        for address in addresses:
            sock = stack.enter_context(socket.socket())
            sock.settimeout(0)
            try:
                sock.connect(address)
            except BlockingIOError:
                pass
            attempts[address] = sock
        time.sleep(seconds * 0.9)
        return [address for address, sock in attempts.items() if connected(sock)]

def connected(sock):
    try:
        sock.getpeername()
        return True
    except OSError:
        return False
"""

# --- wrong answers

ONE_AFTER_THE_OTHER = """
import socket

def who_answers(addresses, seconds):
    answered = []
    for address in addresses:
        try:
            socket.create_connection(address, seconds).close()
            answered.append(address)
        except OSError:
            pass
    return answered
"""

WRITABLE_IS_CONNECTED = """
import select
import socket

def who_answers(addresses, seconds):
    attempts = []
    for address in addresses:
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(address)
        attempts.append(sock)
    answered = []
    for address, sock in zip(addresses, attempts):
        _, over, _ = select.select([], [sock], [], seconds / len(attempts))
        if over:
            answered.append(address)
        sock.close()
    return answered
"""

BEGUN_IS_CONNECTED = """
import errno
import socket

def who_answers(addresses, seconds):
    answered = []
    for address in addresses:
        with socket.socket() as sock:
            sock.setblocking(False)
            if sock.connect_ex(address) in (0, errno.EINPROGRESS):
                answered.append(address)
    return answered
"""

ASKED_TOO_EARLY = """
import socket

def who_answers(addresses, seconds):
    answered = []
    for address in addresses:
        with socket.socket() as sock:
            sock.setblocking(False)
            if sock.connect_ex(address) == 0:
                answered.append(address)
    return answered
"""

NOT_CAUGHT = """
import socket

def who_answers(addresses, seconds):
    attempts = [socket.socket() for _ in addresses]
    for address, sock in zip(addresses, attempts):
        sock.setblocking(False)
        sock.connect(address)
"""

LEFT_OPEN = """
import select
import socket
import time

kept = []

def who_answers(addresses, seconds):
    end = time.monotonic() + seconds
    for address in addresses:
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(address)
        kept.append((address, sock))
    answered = []
    for address, sock in kept:
        _, over, _ = select.select([], [sock], [], max(0, end - time.monotonic()))
        if over and not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            answered.append(address)
    return answered
"""

# --- words and numbers of the judge

SECONDS = 0.5
SILENT = 4
LIMIT = 1.5
"""Seconds for all: less than the silent ones would take one after the other."""


# --- in the learner's process


def drive(who_answers, addresses, seconds):
    return list(who_answers(addresses, seconds))


def silent_address(exam: Exam) -> Address:
    """Return an address whose queue is full: who connects there hears nothing, for many seconds."""
    listener = exam.listen(backlog=0)
    for _ in range(3):
        sock = listener.peers.enter_context(socket.socket())
        sock.setblocking(False)
        sock.connect_ex(listener.address)
    return listener.address


def refused_address(exam: Exam) -> Address:
    """Return an address that is taken, and where nobody listens."""
    sock = exam.listen().peers.enter_context(socket.socket())
    sock.bind(("127.0.0.1", 0))
    address: Address = sock.getsockname()
    return address


# --- the judge


def judge(exam: Exam) -> None:
    there = [exam.listen().address for _ in range(2)]
    refused, silent = refused_address(exam), [silent_address(exam) for _ in range(SILENT)]
    addresses = [*there, refused, *silent]
    exam.random.shuffle(addresses)
    run = exam.run(drive, addresses, SECONDS)
    run.sent = (
        f"the addresses of 2 servers that listen, of {SILENT} that never answer, and of one where nobody "
        f"listens, with {SECONDS} s for all of them"
    )
    expected = [address for address in addresses if address in there]
    wanted = f"the 2 that listen, within {SECONDS} s"
    try:
        answered = run.result(
            LIMIT, IDEAS, f"{SILENT} of them never answer, and the time is for all together."
        )
    except Failed as failure:
        late = failure.expected == "an end"
        raise Failed(run.sent, wanted if late else failure.expected, failure.got, failure.idea) from None
    if answered == expected:
        return
    raise Failed(run.sent, wanted, said(answered, there, refused, silent), idea_of(answered, refused, silent))


IDEAS = {
    "BlockingIOError": "BlockingIOError of `connect` says that the attempt has begun and goes on by itself. "
    "That is no failure.",
    "ConnectionRefusedError": "Nobody listens at one of the addresses. That is news of this one only, and "
    "the others are still to be asked.",
    "TimeoutError": "Some of the servers never answer. That is news of these only: others may have.",
}


def idea_of(answered: list[Address], refused: Address, silent: list[Address]) -> str:
    if any(address in silent for address in answered):
        return "An attempt that has begun is no connection. This one never gets an answer."
    if refused in answered:
        return "An attempt that is over may have failed: writable says only that it is over."
    if len(answered) < 2:
        return (
            "An attempt needs a moment. What it has come to is to be asked when it is over, and not before."
        )
    return "The list holds each of those that accepted once, in the order of `addresses`."


def said(answered: list[Address], there: list[Address], refused: Address, silent: list[Address]) -> str:
    """Say which addresses were returned; the numbers of their ports mean nothing to a reader."""
    words = []
    for address in answered:
        if address in there:
            words.append("one that listens")
        elif address == refused:
            words.append("the one where nobody listens")
        else:
            words.append("one that never answers" if address in silent else repr(address))
    return f"[{', '.join(words)}]"


EXERCISE = Exercise(
    id="3.2",
    title="Connect without waiting",
    name="who_answers",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(ONE_AFTER_THE_OTHER, "for all together"),
        Wrong(WRITABLE_IS_CONNECTED, "writable says only that it is over"),
        Wrong(BEGUN_IS_CONNECTED, "is no connection"),
        Wrong(ASKED_TOO_EARLY, "needs a moment"),
        Wrong(NOT_CAUGHT, "goes on by itself"),
        Wrong(LEFT_OPEN, "it must also end or close"),
    ),
    core=False,
)
