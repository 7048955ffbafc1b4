"""Exercise 1.2: one line at a time, with a limit and an end."""

import socket
from contextlib import suppress

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.peer import Peer
from course_lib.coach.run import Run

# --- the task

STUB = r'''
class LineReader:
    """Reads lines from `sock`; none is longer than `limit` bytes, its end b"\n" included."""

    def __init__(self, sock, limit):
        self.sock = sock
        self.limit = limit

    def recv_line(self):
        """Return the next line with its b"\n", or b"" where the stream has ended after a line.

        Raise ValueError when the line is longer than the limit, as soon as that is clear, and
        EOFError when the stream ends in the middle of a line.
        """
        ...
'''

HINTS = (
    "One `recv` may bring half a line, or three lines. What comes after the first must wait somewhere for the"
    " next call: in an attribute, such as `self.rest = b''`.",
    "Look into `self.rest` first: the next line may be there already. If it is not, `recv` until there is a"
    " line end. `line, end, rest = data.partition(b'\\n')` cuts at the first one.",
    "Three things end the waiting: the line end has come; more than `limit` bytes have come without one; or"
    " `recv` has returned b''. In the last case it matters whether `self.rest` is empty.",
    "A long line may also come whole, with its end, in one `recv`. So check the length of the line once more"
    " when you have cut it off.",
)

# --- right answers

SOLUTION = r'''
class LineReader:
    """Reads lines from `sock`; none is longer than `limit` bytes, its end b"\n" included."""

    def __init__(self, sock, limit):
        self.sock, self.limit, self.rest = sock, limit, b""

    def recv_line(self):
        while b"\n" not in self.rest and len(self.rest) <= self.limit:
            piece = self.sock.recv(1024)
            if not piece:
                if self.rest:
                    raise EOFError(f"the stream ended inside a line, after {self.rest!r}")
                return b""
            self.rest += piece
        line, end, rest = self.rest.partition(b"\n")
        if len(line + end) > self.limit:
            raise ValueError(f"a line is longer than {self.limit} bytes")
        self.rest = rest
        return line + end
'''

OTHER = r"""
class LineReader:
    def __init__(self, sock, limit):
        self.file, self.limit = sock.makefile("rb"), limit

    def recv_line(self):
        line = self.file.readline(self.limit + 1)
        if len(line) > self.limit:
            raise ValueError("too long")
        if line and not line.endswith(b"\n"):
            raise EOFError
        return line
"""

# --- wrong answers

ONE_RECV = """
class LineReader:
    def __init__(self, sock, limit):
        self.sock, self.limit = sock, limit

    def recv_line(self):
        return self.sock.recv(self.limit)
"""

LOSES_THE_REST = r"""
class LineReader:
    def __init__(self, sock, limit):
        self.sock, self.limit = sock, limit

    def recv_line(self):
        data = b""
        while b"\n" not in data:
            piece = self.sock.recv(1024)
            if not piece:
                return data
            data += piece
        return data.split(b"\n")[0] + b"\n"
"""

FORGETS_TO_LOOK = r"""
class LineReader:
    def __init__(self, sock, limit):
        self.sock, self.limit, self.rest = sock, limit, b""

    def recv_line(self):
        while True:
            piece = self.sock.recv(1024)
            if not piece:
                return b""
            self.rest += piece
            if b"\n" in self.rest:
                line, _, self.rest = self.rest.partition(b"\n")
                return line + b"\n"
"""

NO_END = r"""
class LineReader:
    def __init__(self, sock, limit):
        self.sock, self.limit, self.rest = sock, limit, b""

    def recv_line(self):
        while b"\n" not in self.rest:
            self.rest += self.sock.recv(1024)
            if b"\n" not in self.rest and len(self.rest) > self.limit:
                raise ValueError("too long")
        line, _, self.rest = self.rest.partition(b"\n")
        return line + b"\n"
"""

LIMITS_THE_BUFFER = r"""
class LineReader:
    def __init__(self, sock, limit):
        self.sock, self.limit, self.rest = sock, limit, b""

    def recv_line(self):
        while b"\n" not in self.rest:
            piece = self.sock.recv(1024)
            if not piece:
                if self.rest:
                    raise EOFError
                return b""
            self.rest += piece
            if len(self.rest) > self.limit:
                raise ValueError("too long")
        line, _, self.rest = self.rest.partition(b"\n")
        return line + b"\n"
"""

LIMIT_AT_THE_END = r"""
class LineReader:
    def __init__(self, sock, limit):
        self.sock, self.limit, self.rest = sock, limit, b""

    def recv_line(self):
        while b"\n" not in self.rest:
            piece = self.sock.recv(1024)
            if not piece:
                if self.rest:
                    raise EOFError
                return b""
            self.rest += piece
        line, _, self.rest = self.rest.partition(b"\n")
        if len(line) + 1 > self.limit:
            raise ValueError("too long")
        return line + b"\n"
"""

LIMIT_OF_OPEN_LINES = r"""
class LineReader:
    def __init__(self, sock, limit):
        self.sock, self.limit, self.rest = sock, limit, b""

    def recv_line(self):
        while b"\n" not in self.rest:
            if len(self.rest) > self.limit:
                raise ValueError("too long")
            piece = self.sock.recv(1024)
            if not piece:
                if self.rest:
                    raise EOFError
                return b""
            self.rest += piece
        line, _, self.rest = self.rest.partition(b"\n")
        return line + b"\n"
"""

HALF_A_LINE = r"""
class LineReader:
    def __init__(self, sock, limit):
        self.sock, self.limit, self.rest = sock, limit, b""

    def recv_line(self):
        while b"\n" not in self.rest and len(self.rest) <= self.limit:
            piece = self.sock.recv(1024)
            if not piece:
                line, self.rest = self.rest, b""
                return line
            self.rest += piece
        line, _, self.rest = self.rest.partition(b"\n")
        if len(line) + 1 > self.limit:
            raise ValueError("too long")
        return line + b"\n"
"""

# --- words and numbers of the judge

PART = "One `recv` may bring a part of a line: its end is still on the way. TCP knows no lines."
SEVERAL = "One `recv` may bring several lines. What comes after the first is the start of the next call's."
KEPT = "This line had arrived together with the one before, and must be kept from call to call."
ENDED = (
    "`recv` has returned b'': the stream has ended, and no byte will come any more, however often you ask."
)
EARLY_END = {"EOFError": "The stream has not ended: more bytes were on their way."}
EACH = {
    "ValueError": "The limit is one for each line. What has come together may hold several, and be longer."
}


# --- in the learner's process


def drive(LineReader, address, limit, count):
    """Yield ``count`` lines of a new connection."""
    with socket.create_connection(address) as sock:
        reader = LineReader(sock, limit)
        for _ in range(count):
            yield reader.recv_line()


# --- the judge


def judge(exam: Exam) -> None:
    limit = exam.random.randrange(24, 33)
    talk(exam, limit)
    too_long(exam, limit)
    half(exam, limit)


def talk(exam: Exam, limit: int) -> None:
    """Lines in two segments, lines in one segment, and a goodbye."""
    listener = exam.listen()
    lines = [line(exam, size) for size in (8, limit, limit - 5, 1, limit - 8, 5)]
    run = exam.run(drive, listener.address, limit, len(lines) + 2)
    peer = listener.accept()
    for wanted in lines[:2]:  # the second is as long as it may be
        send(peer, wanted[:3])
        run.settle()
        send(peer, wanted[3:])
        run.sent = f"{wanted[:3]!r}, then {wanted[3:]!r} (the limit is {limit})"
        size = f"This line has {len(wanted)} bytes. That is not longer than the limit of {limit}."
        expect_line(run, wanted, PART, ideas={"ValueError": size, **EARLY_END})
    crowd = lines[2:]  # each within the limit, all together not
    send(peer, b"".join(crowd))
    for number, wanted in enumerate(crowd, 1):
        run.sent = f"{b''.join(crowd)!r} in one segment (the limit is {limit}); call {number}"
        expect_line(run, wanted, KEPT if number > 1 else SEVERAL, ideas={**EACH, **EARLY_END})
    send(peer, b"")
    for which in ("the next call", "one more call"):
        run.sent = f"the end of the stream, after a whole line; {which}"
        whole = {
            "EOFError": "No line was cut short: the stream has ended after one. That is answered with b''."
        }
        expect_line(run, b"", ENDED, ideas=whole)
    run.result()


def send(peer: Peer, data: bytes) -> None:
    """Send ``data``, or for ``b""`` the end. Where the code has died, nobody takes it: that is told next."""
    with suppress(Failed):
        if data:
            peer.send(data)
        else:
            peer.end()


def line(exam: Exam, size: int) -> bytes:
    return exam.bytes(size - 1) + b"\n"


def expect_line(run: Run, wanted: bytes, idea: str, ideas: dict[str, str]) -> None:
    """Expect that the next call returns ``wanted``."""
    try:
        got = run.next(ideas=ideas, idea=idea)
    except Failed as failure:
        raise Failed(failure.sent, repr(wanted), failure.got, failure.idea) from None
    run.expect_equal(got, wanted, why(got, wanted, idea))


def why(got: object, wanted: bytes, idea: str) -> str:
    """Return the idea that is missing where ``got`` came instead of ``wanted``."""
    if got is None:
        return "A function without `return` returns None."
    if not isinstance(got, bytes):
        return "Bytes came in, so bytes must go out."
    if wanted and got == wanted.rstrip(b"\n"):
        return (
            "The line end is part of what is returned: b'' means the end of the stream, b'\\n' an empty line."
        )
    if not wanted or wanted.startswith(got):
        return idea
    if got.startswith(wanted):
        return SEVERAL
    return "These are not the bytes that come next. Each is returned once, in the order in which they came."


def too_long(exam: Exam, limit: int) -> None:
    """Lines longer than the limit. The end of the first never comes; the second comes whole."""
    never = "The limit is broken already. Who goes on waiting for the line end may wait, and store, for ever."
    whole = (
        "The line has come whole, so nobody had to wait for its end. It is too long all the same, by one"
        " byte: its end counts, too."
    )
    expect_error(exam, limit, [exam.bytes(limit + 8)], " and no line end", "ValueError", never)
    expect_error(exam, limit, [line(exam, limit + 1)], f", {limit + 1} bytes", "ValueError", whole)


def half(exam: Exam, limit: int) -> None:
    """The stream ends inside a line."""
    idea = (
        "The stream has ended before the line has. What was received is no line, and must not pass for one."
    )
    expect_error(exam, limit, [exam.bytes(7), b""], "", "EOFError", idea)


def expect_error(exam: Exam, limit: int, segments: list[bytes], words: str, name: str, idea: str) -> None:
    """Send the segments, of which ``b""`` is the end of the stream; expect an error instead of a line."""
    listener = exam.listen()
    run = exam.run(drive, listener.address, limit, 1)
    peer = listener.accept()
    for segment in segments:
        send(peer, segment)
    run.sent = f"{peer.sent}{words} (the limit is {limit})"
    try:
        got = run.next(ideas={name: name}, idea=idea)
    except Failed as failure:
        if failure.idea == name:
            return
        raise Failed(failure.sent, name, failure.got, idea) from None
    raise Failed(run.sent, name, f"{got!r}, and no exception", idea)


EXERCISE = Exercise(
    id="1.2",
    title="One line at a time",
    name="LineReader",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(ONE_RECV, "a part of a line"),
        Wrong(LOSES_THE_REST, "must be kept from call to call"),
        Wrong(FORGETS_TO_LOOK, "must be kept from call to call"),
        Wrong(LIMITS_THE_BUFFER, "may hold several"),
        Wrong(NO_END, "has ended, and no byte will come"),
        Wrong(LIMIT_AT_THE_END, "may wait, and store, for ever"),
        Wrong(LIMIT_OF_OPEN_LINES, "too long all the same"),
        Wrong(HALF_A_LINE, "must not pass for one"),
    ),
)
