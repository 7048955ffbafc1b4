"""Exercise 7.1: messages with their length before them."""

import socket
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.run import brief

# --- the task

STUB = '''
import struct


class Framer:
    """Cuts a stream into messages of at most `limit` bytes. Each has a header before it: its length,
    in 4 bytes, unsigned, big-endian, as `struct.pack("!I", length)` makes it."""

    def __init__(self, limit):
        self.limit = limit

    def feed(self, data):
        """Return the list of the messages that `data` completes, without headers. Keep what is left.

        Raise ValueError as soon as a header announces more than `limit` bytes.
        """
        ...

    def end(self):
        """The stream has ended. Raise EOFError if that was in the middle of a message or a header."""
        ...
'''

HEAD = '''
import struct


class Framer:
    """Cuts a stream into messages of at most `limit` bytes. Each has a header before it: its length,
    in 4 bytes, unsigned, big-endian, as `struct.pack("!I", length)` makes it."""

    def __init__(self, limit):
        self.limit = limit
        self.rest = b""
'''

HINTS = (
    "What has come and is not a whole message yet is kept in an attribute, `self.rest`; `feed` adds to it"
    " first and then looks what is there. It may hold a part of a header, or several messages.",
    "As long as `self.rest` holds 4 bytes, there is a header: `(length,) = struct.unpack('!I',"
    " self.rest[:4])`. It is checked against the limit at once. Then the message is there if `len(self.rest)"
    " >= 4 + length`.",
    "Take the message out of `self.rest` together with its header, and go round again. Where less than a"
    " header, or less than the message, is there, leave the loop and keep what you have: also the header.",
)

# --- right answers

SOLUTION = f'''{HEAD}
    def feed(self, data):
        """Return the list of the messages that `data` completes, without headers. Keep what is left.

        Raise ValueError as soon as a header announces more than `limit` bytes.
        """
        self.rest += data
        messages = []
        while len(self.rest) >= 4:
            (length,) = struct.unpack("!I", self.rest[:4])
            if length > self.limit:
                raise ValueError(f"{{length}} bytes are announced; the limit is {{self.limit}}")
            if len(self.rest) < 4 + length:
                break
            messages.append(self.rest[4 : 4 + length])
            self.rest = self.rest[4 + length :]
        return messages

    def end(self):
        """The stream has ended. Raise EOFError if that was in the middle of a message or a header."""
        if self.rest:
            raise EOFError(f"{{len(self.rest)}} bytes of a message that never ended")
'''

OTHER = """
class Framer:
    def __init__(self, limit):
        self.limit = limit
        self.messages = []
        self.machine = self.run()
        self.inside = False
        next(self.machine)

    def feed(self, data):
        self.messages = []
        for byte in data:
            self.machine.send(byte)
        return self.messages

    def end(self):
        if self.inside:
            raise EOFError

    def run(self):
        while True:
            length = 0
            for place in range(4):
                length = length * 256 + (yield)
                self.inside = True
            if length > self.limit:
                raise ValueError("too much")
            message = bytearray()
            while len(message) < length:
                message.append((yield))
            self.messages.append(bytes(message))
            self.inside = False
"""

# --- wrong answers

END = """
    def end(self):
        if self.rest:
            raise EOFError
"""

ONE_A_FEED = f"""{HEAD}
    def feed(self, data):
        (length,) = struct.unpack("!I", data[:4])
        if length > self.limit:
            raise ValueError
        return [data[4 : 4 + length]]
{END}"""

FIRST_ONLY = f"""{HEAD}
    def feed(self, data):
        self.rest += data
        if len(self.rest) < 4:
            return []
        (length,) = struct.unpack("!I", self.rest[:4])
        if length > self.limit:
            raise ValueError
        if len(self.rest) < 4 + length:
            return []
        message, self.rest = self.rest[4 : 4 + length], self.rest[4 + length :]
        return [message]
{END}"""

LOSES_THE_HEADER = f"""{HEAD}
    def feed(self, data):
        self.rest += data
        messages = []
        while len(self.rest) >= 4:
            (length,) = struct.unpack("!I", self.rest[:4])
            if length > self.limit:
                raise ValueError
            self.rest = self.rest[4:]
            if len(self.rest) < length:
                break
            messages.append(self.rest[:length])
            self.rest = self.rest[length:]
        return messages
{END}"""

LITTLE = SOLUTION.replace("!I", "<I")

NATIVE = SOLUTION.replace("!I", "I")

NO_EMPTY_ONES = SOLUTION.replace("while len(self.rest) >= 4:", "while len(self.rest) > 4:")

LATE_LIMIT = f"""{HEAD}
    def feed(self, data):
        self.rest += data
        messages = []
        while len(self.rest) >= 4:
            (length,) = struct.unpack("!I", self.rest[:4])
            if len(self.rest) < 4 + length:
                break
            if length > self.limit:
                raise ValueError
            messages.append(self.rest[4 : 4 + length])
            self.rest = self.rest[4 + length :]
        return messages
{END}"""

OFF_BY_ONE = SOLUTION.replace("length > self.limit", "length >= self.limit")

LIMITS_THE_REST = SOLUTION.replace(
    "        messages = []",
    "        if len(self.rest) > self.limit:\n            raise ValueError\n        messages = []",
)

REVERSED = SOLUTION.replace("length > self.limit", "length < self.limit")

SIGNED = SOLUTION.replace("!I", "!i")

ACCUMULATES = (
    SOLUTION.replace("        messages = []\n", "")
    .replace("messages.append", "self.messages.append")
    .replace("return messages", "return self.messages")
    .replace('self.rest = b""', 'self.rest, self.messages = b"", []')
)

QUIET_END = SOLUTION.replace(
    "        if self.rest:\n            raise EOFError", "        if 0:\n            raise EOFError"
)

SHARED = (
    SOLUTION.replace('        self.rest = b""\n', "")
    .replace("    def __init__", "    rest = bytearray()\n\n    def __init__")
    .replace("self.rest = self.rest[4 + length :]", "del self.rest[: 4 + length]")
    .replace(
        "messages.append(self.rest[4 : 4 + length])", "messages.append(bytes(self.rest[4 : 4 + length]))"
    )
)

# --- words and numbers of the judge

HEADER = struct.Struct("!I")

ORDER = (
    "The length has four bytes and is big-endian, the greatest byte first: that is the order of the network,"
    " whatever the machine's own is. In the formats of `struct` it is the '!'."
)
SEVERAL = (
    "One `feed` may complete several messages. When one has been taken out, there may be another one behind"
    " it."
)
KEPT = (
    "A piece may end anywhere, also inside the header. What is not complete is kept, with its header, and"
    " the next piece comes behind it."
)
TWICE = "Each message is returned once, by the `feed` that completes it. Then it is gone from what is kept."
EMPTY = "A message may have no bytes. It is a header of length 0, and complete with it."
LISTED = "`feed` returns a list of messages, each of them bytes; where none is complete, an empty list."
AT_ONCE = (
    "The header is there, and announces too much. Who waits for the rest of such a message has to keep it:"
    " up to 4 GiB for whoever sends four bytes. The header alone is enough to refuse."
)
UNSIGNED = (
    "This length begins with a bit that is 1. It has no sign, so that bit belongs to the number, which is far"
    " above any limit; who takes it for a minus lets it pass."
)
SHORTER = (
    "A header announces no more than `limit` bytes, and is refused. ValueError is for what announces more,"
    " and for nothing else."
)
ENDLESS = (
    "This `feed` does not return. A complete message leaves what is kept, together with its header; and where"
    " something is missing there is nothing to wait for in here: it comes with a later piece."
)
MAY_BE_REACHED = (
    "The limit is one for each message, headers not counted: it may be reached, and what is kept may hold"
    " several messages."
)
MISREAD = (
    "No message is announced that is longer than the limit: something else was taken for a header. What is"
    " not complete is kept, with its header."
)
FOUR = "`struct` wants exactly 4 bytes. A piece may end inside the header: look how much is there first."
INSIDE = (
    "The stream has ended and bytes are left over. They are a part of something that will never be complete:"
    " who stays silent here takes a connection that broke for one that ended."
)
BETWEEN = {"EOFError": "The stream ended after a whole message. That is how a stream should end."}
OWN = "This framer has been given nothing else. Each needs bytes of its own: another one has had a part."
RIGHT = "The messages come out as they went in: every byte, in order, without their headers."


# --- in the learner's process


def drive(Framer: Any, limit: int, streams: list[list[bytes]]) -> Iterator[Any]:
    """Feed the pieces of each stream to a new framer, and yield what is returned for each."""
    for pieces in streams:
        framer = Framer(limit)
        for piece in pieces:
            yield framer.feed(piece)


def drive_once(Framer: Any, limit: int, piece: bytes) -> Any:
    """Feed one piece."""
    return Framer(limit).feed(piece)


def drive_to_the_end(Framer: Any, limit: int, piece: bytes) -> Any:
    """Feed one piece, and end."""
    framer = Framer(limit)
    framer.feed(piece)
    return framer.end()


def drive_two(Framer: Any, limit: int, first: bytes, second: bytes) -> Any:
    """Feed ``first`` to one framer and ``second`` to another."""
    one, two = Framer(limit), Framer(limit)
    one.feed(first)
    return two.feed(second)


def drive_socket(Framer: Any, address: tuple[str, int], limit: int, size: int) -> Any:
    """Return all messages that come over a connection, which is read in pieces of at most ``size``."""
    framer, messages = Framer(limit), []
    with socket.create_connection(address, timeout=5) as sock:
        while data := sock.recv(size):
            messages += framer.feed(data)
    framer.end()
    return messages


# --- the judge


Step = tuple[bytes, list[bytes]]
"""A piece, and the messages that it completes."""


class Stream(NamedTuple):
    """Steps for one framer; what is missing where it returns something else, or raises ValueError."""

    steps: list[Step]
    idea: str
    too_long: str


def judge(exam: Exam) -> None:
    limit = exam.random.randrange(300, 400)
    whole = framed(message(exam, 5))
    fed(exam, limit, streams(exam, limit))
    independent(exam, limit, whole)
    refused(exam, limit)
    ends(exam, limit, whole)
    over_a_socket(exam, limit)


def streams(exam: Exam, limit: int) -> list[Stream]:
    """Whole messages, several at once, cuts at all places, empty ones, and as long as allowed."""
    first, second = message(exam, 5), message(exam, 9)
    one, two, none = framed(first), framed(second), framed(b"")
    cut = 4 + exam.random.randrange(1, 5)
    byte_by_byte: list[Step] = [(two[i : i + 1], []) for i in range(len(two) - 1)]
    longest, crowd = exam.bytes(limit), [exam.bytes(limit // 3) for _ in range(5)]
    return [
        Stream([(none, [b""])], EMPTY, SHORTER),
        Stream([(one, [first]), (two, [second])], RIGHT, ORDER),
        Stream([(one + two, [first, second])], SEVERAL, MISREAD),
        Stream([(one + two[:cut], [first]), (two[cut:], [second])], KEPT, MISREAD),
        Stream([*byte_by_byte, (two[-1:], [second]), (one, [first])], KEPT, MISREAD),
        Stream([(none + one + none, [b"", first, b""]), (none, [b""])], EMPTY, MISREAD),
        Stream([(framed(longest), [longest])], MAY_BE_REACHED, MAY_BE_REACHED),
        Stream([(b"".join(map(framed, crowd)), crowd)], MAY_BE_REACHED, MAY_BE_REACHED),
    ]


def message(exam: Exam, size: int) -> bytes:
    """Return random bytes, of all values: also such as look like headers or line ends."""
    return exam.random.randbytes(size - 3) + b"\n\0\0"


def framed(data: bytes) -> bytes:
    return HEADER.pack(len(data)) + data


def words(pieces: list[bytes]) -> str:
    if len(pieces) > 3 and all(len(piece) == 1 for piece in pieces[:-1]):
        return f"feed() of {b''.join(pieces)!r}, byte by byte"
    return ", then ".join(f"feed({brief(piece)})" for piece in pieces)


def fed(exam: Exam, limit: int, streams: list[Stream]) -> None:
    """Feed all streams; expect the messages that go with each step."""
    run = exam.run(drive, limit, [[piece for piece, _ in stream.steps] for stream in streams])
    for stream in streams:
        done: list[bytes] = []
        before: list[bytes] = []
        for piece, wanted in stream.steps:
            done.append(piece)
            run.sent = f"{words(done)} (the limit is {limit})"
            try:
                got = run.next(ideas={"ValueError": stream.too_long, "error": FOUR}, idea=ENDLESS)
            except Failed as failure:
                raise Failed(failure.sent, listed(wanted), failure.got, failure.idea) from None
            if got != wanted:
                raise Failed(run.sent, listed(wanted), listed(got), why(got, wanted, before, stream.idea))
            before += wanted
    run.result()


def listed(messages: Any) -> str:
    """Return the messages as a person wants to read them."""
    if type(messages) is not list:
        return brief(messages)
    return f"[{', '.join(map(brief, messages))}]"


def why(got: Any, wanted: list[bytes], before: list[bytes], idea: str) -> str:
    """Return the idea that is missing where ``got`` came instead of ``wanted``."""
    if got is None:
        return "A function without `return` returns None."
    if type(got) is not list or not all(isinstance(each, bytes) for each in got):
        return LISTED
    if len(got) > len(wanted) and got[0] in before and got[len(got) - len(wanted) :] == wanted:
        return TWICE
    if any(HEADER.pack(len(each)) + each in got for each in wanted):
        return RIGHT
    return idea


def independent(exam: Exam, limit: int, whole: bytes) -> None:
    """What one framer has been given is no concern of another's."""
    run = exam.run(drive_two, limit, whole[:6], whole)
    run.sent = f"feed({whole[:6]!r}) to one Framer, then feed({whole!r}) to another"
    try:
        got = run.result(ideas={"ValueError": OWN}, idea=OWN)
    except Failed as failure:
        raise Failed(failure.sent, listed([whole[4:]]), failure.got, failure.idea) from None
    run.expect_equal(got, [whole[4:]], OWN)


def refused(exam: Exam, limit: int) -> None:
    """Headers of messages that are too long, by one byte and by nearly four gigabytes."""
    for size, idea in ((limit + 1, AT_ONCE), (0xFFFF_FFF0, UNSIGNED)):
        header = HEADER.pack(size)
        run = exam.run(drive_once, limit, header)
        run.sent = f"feed({header!r}), the header of a message of {size:,} bytes (the limit is {limit})"
        run.expect_error("ValueError", idea)


def ends(exam: Exam, limit: int, whole: bytes) -> None:
    """The stream ends after a message, inside a message, after a header and inside one."""
    run = exam.run(drive_to_the_end, limit, whole)
    run.sent = f"feed({whole!r}), a whole message; then end()"
    run.result(ideas=BETWEEN)
    parts = {"a message without its last byte": -1, "a header alone": 4, "half of a header": 2}
    for what, size in parts.items():
        run = exam.run(drive_to_the_end, limit, whole[:size])
        run.sent = f"feed({whole[:size]!r}), {what}; then end()"
        run.expect_error("EOFError", INSIDE)


def over_a_socket(exam: Exam, limit: int) -> None:
    """Two hundred messages over TCP, cut at random places by both sides."""
    listener = exam.listen()
    wanted = [exam.random.randbytes(exam.random.randrange(limit + 1)) for _ in range(200)]
    run = exam.run(drive_socket, listener.address, limit, exam.random.randrange(5, 50))
    peer = listener.accept()
    stream = b"".join(map(framed, wanted))
    while stream:
        size = exam.random.randrange(1, 2000)
        peer.send(stream[:size], words=f"{len(wanted)} messages, over TCP, cut at random places")
        stream = stream[size:]
    peer.end()
    run.sent = peer.said[0]
    got = run.result(
        5.0,
        ideas={"ValueError": MISREAD, "error": FOUR, **BETWEEN},
        idea="Each piece must be taken in at once.",
    )
    if got != wanted:
        right = next(
            (i for i, pair in enumerate(zip(got, wanted, strict=False)) if pair[0] != pair[1]), len(got)
        )
        raise Failed(
            run.sent, "the same messages", f"{len(got)} messages, the first {right} of them right", KEPT
        )


EXERCISE = Exercise(
    id="7.1",
    title="Messages with their length before them",
    name="Framer",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(ONE_A_FEED, "may complete several"),
        Wrong(FIRST_ONLY, "may complete several"),
        Wrong(LOSES_THE_HEADER, "is kept, with its header"),
        Wrong(LITTLE, "big-endian"),
        Wrong(NATIVE, "big-endian"),
        Wrong(NO_EMPTY_ONES, "may have no bytes"),
        Wrong(LATE_LIMIT, "header alone is enough"),
        Wrong(OFF_BY_ONE, "may be reached"),
        Wrong(LIMITS_THE_REST, "hold several messages"),
        Wrong(REVERSED, "announces more, and for nothing else"),
        Wrong(SIGNED, "who takes it for a minus"),
        Wrong(ACCUMULATES, "returned once"),
        Wrong(QUIET_END, "takes a connection that broke"),
        Wrong(SHARED, "bytes of its own"),
    ),
    limit=20.0,
)
