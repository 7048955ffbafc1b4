"""Exercise 7.4: a chat room in which one member reads slowly."""

import socket
import time
from collections.abc import Iterator
from typing import Any

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.peer import Peer
from course_lib.coach.run import Run
from course_lib.eventloop import READ, Reactor, Transport

# --- the task

STUB = '''
from course_lib import Protocol
from course_lib.framing import LineFramer


class Member(Protocol):
    """A member of a chat room: each line that it says is heard by all others, and not by itself."""

    def __init__(self, members, limit):
        self.members = members  # the set of all Members who are in the room: add yourself
        self.limit = limit  # bytes: for whom more of them wait is dropped, with abort()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        for member in self.members:
            member.transport.write(data)
'''

HINTS = (
    "A member is in the set from `connection_made` to `connection_lost`. `discard` takes it out, and does"
    " not mind when it is not in there.",
    "What comes is a piece of the stream, and may be half a line. With a `LineFramer` of its own for each"
    " member, `for line in self.lines.feed(data)` gives whole lines without their ends; `line + b'\\n'` goes"
    " to the others.",
    "After `member.transport.write(...)`, `member.transport.pending` says how many bytes wait for this"
    " member. Above the limit: `member.transport.abort()`. Not `close()`: that would wait until all has been"
    " sent.",
)

# --- right answers

SOLUTION = '''
from course_lib import Protocol
from course_lib.framing import LineFramer


class Member(Protocol):
    """A member of a chat room: each line that it says is heard by all others, and not by itself."""

    def __init__(self, members, limit):
        self.members = members  # the set of all Members who are in the room: add yourself
        self.limit = limit  # bytes: for whom more of them wait is dropped, with abort()
        self.lines = LineFramer()

    def connection_made(self, transport):
        self.transport = transport
        self.members.add(self)

    def data_received(self, data):
        for line in self.lines.feed(data):
            for member in self.members - {self}:
                member.hear(line + b"\\n")

    def hear(self, line):
        self.transport.write(line)
        if self.transport.pending > self.limit:
            self.transport.abort()

    def connection_lost(self, error):
        self.members.discard(self)
'''

OTHER = r"""
from course_lib import Protocol


class Member(Protocol):
    def __init__(self, members, limit):
        self.members, self.limit, self.rest = members, limit, b""

    def connection_made(self, transport):
        self.transport = transport
        self.members.add(self)

    def data_received(self, data):
        whole, end, self.rest = (self.rest + data).rpartition(b"\n")
        for member in self.members:
            if member is not self:
                member.transport.write(whole + end)
        for member in [each for each in self.members if each.transport.pending > self.limit]:
            member.transport.abort()
            self.members.remove(member)

    def connection_lost(self, error):
        if self in self.members:
            self.members.remove(self)
"""

# --- wrong answers

START = """
from course_lib import Protocol
from course_lib.framing import LineFramer


class Member(Protocol):
    def __init__(self, members, limit):
        self.members, self.limit, self.lines = members, limit, LineFramer()

    def connection_made(self, transport):
        self.transport = transport
        self.members.add(self)
"""

LOST = """
    def connection_lost(self, error):
        self.members.discard(self)
"""

HEARD = r"""
    def data_received(self, data):
        for line in self.lines.feed(data):
            for member in self.members - {self}:
                member.transport.write(line + b"\n")
                if member.transport.pending > self.limit:
                    member.transport.abort()
"""

PIECES = f"""{START}
    def data_received(self, data):
        for member in self.members - {{self}}:
            member.transport.write(data)
            if member.transport.pending > self.limit:
                member.transport.abort()
{LOST}"""

HEARS_ITSELF = f"{START}{HEARD.replace(' - {self}', '.copy()')}{LOST}"

ONE_FRAMER = SOLUTION.replace("        self.lines = LineFramer()\n", "").replace(
    "    def __init__", "    lines = LineFramer()\n\n    def __init__"
)

UNBOUNDED = f"""{START}
    def data_received(self, data):
        for line in self.lines.feed(data):
            for member in self.members - {{self}}:
                member.transport.write(line + b"\\n")
{LOST}"""

CLOSES = f"{START}{HEARD.replace('abort', 'close')}{LOST}"

CHANGES_THE_SET = f"""{START}
    def data_received(self, data):
        for line in self.lines.feed(data):
            for member in self.members:
                if member is not self:
                    member.transport.write(line + b"\\n")
                    if member.transport.pending > self.limit:
                        self.members.remove(member)
                        member.transport.abort()
{LOST}"""

WAITS_FOR_THE_SLOW = f"""{START}
    def data_received(self, data):
        for line in self.lines.feed(data):
            for member in self.members - {{self}}:
                member.transport.write(line + b"\\n")

    def pause_writing(self):
        for member in self.members:
            member.transport.pause_reading()

    def resume_writing(self):
        for member in self.members:
            member.transport.resume_reading()
{LOST}"""

SKIPS_LINES = f"""{START}
    def data_received(self, data):
        for line in self.lines.feed(data):
            for member in self.members - {{self}}:
                if member.transport.pending <= self.limit:
                    member.transport.write(line + b"\\n")
{LOST}"""

IMPATIENT = f"{START}{HEARD.replace('> self.limit', '> 0')}{LOST}"

STOPS_AT_THE_SLOW = f"{START}{HEARD}                    break\n{LOST}"

GHOSTS = f"{START}{HEARD}"

# --- words and numbers of the judge

LIMIT_BYTES = 256 * 1024
LINE = 1000
"""Bytes, its end included."""

FEW, MANY = 200, 12_000
"""So many lines are less than the limit; and more than the limit and what the kernels keep."""

ONE_BY_ONE = 8
"""So many are dropped, one at a time."""

OTHERS = "What one member says, all others hear, whole and in order."
ITSELF = "Who has said it knows it: a line goes to the others only."
WHOLE = (
    "A piece of the stream is no line. What two members have said in pieces has got mixed up: a line is"
    " passed on when it is whole, and what is not whole yet waits, for each member by itself."
)
UNTOUCHED = (
    "One member reads slowly, or not at all, and the others have to wait for it, or hear nothing more."
    " Nothing here may depend on how fast one of them reads."
)
KEPT = (
    "One member has read nothing of all this, and is still a member: all of it is kept for it. Above the"
    " limit it must go, and what waits for it, too: `abort()` throws it away, `close()` would first send it"
    " all."
)
MISSING = (
    "Who reads slowly hears every line, or is dropped. A line left out without a word makes a conversation"
    " that nobody has held."
)
BELOW = (
    "This member was slow, but never did more than the limit wait for it. The limit is there so that one may"
    " read a little later than the others."
)
DIED = {
    "RuntimeError": "A set must not change while a `for` goes through it: go through a copy.",
    "KeyError": "This member was not in the set any more: it had been taken out before.",
}
GHOST = "A member whose connection is over is still in the set. `connection_lost` comes when it has left."


# --- in the learner's process


class Slow(socket.socket):
    """While it is held no byte leaves it, as if its peer read nothing and the kernel were full."""

    held = False

    def send(self, data: Any, flags: int = 0) -> int:
        if self.held:
            raise BlockingIOError("no room")
        return super().send(data, flags)


def drive(Member: Any, limit: int) -> Iterator[Any]:
    """Let clients into one room, for ever; raise what a member raises. The judge has a door of its own."""
    reactor, errors = Reactor(), []
    reactor.on_error = errors.append
    members: set[Any] = set()
    transports: list[Transport] = []

    def accept(events: int) -> None:
        sock = Slow(fileno=listener.accept()[0].detach())
        transports.append(Transport(reactor, sock, Member(members, limit)))

    def obey(events: int) -> None:
        """Hold the last one's bytes back, or let them go; say how many members there are and bytes wait."""
        transports[-1].sock.held = judge.recv(1) == b"h"
        judge.send(f"{len(members)} {sum(each.pending for each in transports)}\n".encode())

    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_server(("127.0.0.1", 0)) as door:
        yield listener.getsockname(), door.getsockname()
        with door.accept()[0] as judge:
            reactor.register(listener, READ, accept)
            reactor.register(judge, READ, obey)
            while not errors:
                reactor.run_once()
    raise errors[0]


# --- the judge


class Room:
    """The room, as the judge sees it: three members who talk, and a door."""

    def __init__(self, exam: Exam, run: Run) -> None:
        self.exam, self.run = exam, run
        address, door = run.next()
        self.address, self.door = tuple(address), exam.connect(tuple(door))
        self.ann, self.bob, self.cleo = (self.come() for _ in range(3))
        self.expect_members(
            3,
            "ann, bob and cleo connect",
            "A member comes in when `connection_made` is called: into the one set that all were given.",
        )

    def come(self) -> Peer:
        return self.exam.connect(self.address, receive_buffer=16 * 1024)

    def ask(self, what: bytes = b"?") -> tuple[int, int]:
        """Return how many members there are, and how many bytes wait. ``b"h"`` holds the last one's bytes."""
        self.door.sock.sendall(what)
        answer = b""
        while not answer.endswith(b"\n"):
            answer += self.door.receive(1)
        members, waiting = answer.split()
        return int(members), int(waiting)

    def expect_members(self, wanted: int, story: str, idea: str) -> None:
        """Expect so many members, a second later at most."""
        for _ in range(100):
            if (now := self.ask()[0]) == wanted:
                return
            time.sleep(0.01)
        raise Failed(story, f"{wanted} member{'s' * (wanted > 1)} in the set", str(now), idea)

    def line(self, size: int = 10) -> bytes:
        return self.exam.bytes(size - 1) + b"\n"


def judge(exam: Exam) -> None:
    run = exam.run(drive, LIMIT_BYTES)
    with run.talking(DIED):
        room = Room(exam, run)
        talk(room)
        pieces(room)
        late_reader(room)
        deaf_readers(room)
        one_by_one(room)
        room.ann.close()
        room.bob.reset()
        room.expect_members(1, "ann leaves, bob resets his connection, cleo stays", GHOST)
        run.sent = "nothing: cleo is here and silent"
        run.expect_idle("Nobody speaks, and the loop goes round.")


def hears(peer: Peer, story: str) -> Peer:
    """Return ``peer``, whose next report tells ``story``."""
    peer.said = [story]
    return peer


def talk(room: Room) -> None:
    """One line each."""
    for name, speaker in (("ann", room.ann), ("cleo", room.cleo)):
        line = room.line()
        speaker.send(line)
        for other in {room.ann, room.bob, room.cleo} - {speaker}:
            hears(other, f"{name}: {line!r}; the others listen").expect(line, OTHERS)
        room.run.settle()
        hears(speaker, f"{name}: {line!r}; then {name} listens").expect_nothing(ITSELF)


def pieces(room: Room) -> None:
    """Two members say a line each, in pieces that alternate."""
    one, two = room.line(), room.line()
    story = f"ann: {one[:5]!r}; bob: {two[:4]!r}; ann: {one[5:]!r}"
    for speaker, piece in ((room.ann, one[:5]), (room.bob, two[:4]), (room.ann, one[5:])):
        speaker.send(piece)
        room.run.settle()
    hears(room.cleo, f"{story}; cleo listens").expect(one, WHOLE)
    hears(room.bob, f"{story}; bob listens").expect(one, WHOLE)
    room.bob.send(two[4:])
    hears(room.cleo, f"{story}; bob: {two[4:]!r}; cleo listens").expect(two, WHOLE)
    hears(room.ann, f"{story}; bob: {two[4:]!r}; ann listens").expect(two, WHOLE)


def chatter(room: Room, lines: list[bytes], story: str) -> None:
    """Let ann say the lines, and expect that bob and cleo hear them."""
    room.ann.send(b"".join(lines), idea=UNTOUCHED)
    for other in (room.bob, room.cleo):
        hears(other, f"{story}; bob and cleo listen").expect(b"".join(lines), UNTOUCHED)


def late_reader(room: Room) -> None:
    """A member takes nothing for a while, and less than the limit waits: then it hears all of it."""
    dora = room.come()
    room.expect_members(4, "a fourth client, dora, connects", OTHERS)
    room.ask(b"h")
    lines = [room.line(LINE) for _ in range(FEW)]
    story = f"ann: {FEW} lines of {LINE} bytes; dora reads nothing yet"
    for start in range(0, FEW, 10):  # a little at a time, which the kernel takes at once for the others
        chatter(room, lines[start : start + 10], story)
    room.expect_members(4, f"{story} (the limit is {LIMIT_BYTES:,})", BELOW)
    room.ask(b"o")
    hears(dora, f"{story}; dora reads now").expect(b"".join(lines), BELOW)
    dora.close()
    room.expect_members(3, "dora leaves", GHOST)


def deaf_readers(room: Room) -> None:
    """Four members never read, until so much waits for them that they must go; the others hear all."""
    deaf = [room.come() for _ in range(4)]
    room.expect_members(7, "four more clients connect", OTHERS)
    lines = [room.line(LINE) for _ in range(100)]
    story = (
        f"ann: {MANY:,} lines of {LINE} bytes; four others read none of them (the limit is {LIMIT_BYTES:,})"
    )
    for _ in range(MANY // len(lines)):
        chatter(room, lines, story)
    there, waiting = room.ask()
    if there > 3 or waiting > LIMIT_BYTES:
        got = f"{there - 3} of them are still there, and {waiting:,} bytes wait for them"
        dropped = waiting > 4 * LIMIT_BYTES + 5 * LINE or ends(deaf[0])
        raise Failed(story, "the four are dropped", got, KEPT if dropped else MISSING)
    word = room.line()
    room.ann.send(word)
    for other in (room.bob, room.cleo):
        hears(other, f"{story}; then ann: {word!r}").expect(word, UNTOUCHED)


def one_by_one(room: Room) -> None:
    """One after the other is dropped, and the others hear the line that was too much, too.

    A set has an order of its own: so it is tried several times, on both sides of the others.
    """
    for _ in range(ONE_BY_ONE):
        room.come()
        room.expect_members(4, "a client connects", OTHERS)
        room.ask(b"h")
        lines = [room.line(LINE) for _ in range(2 * FEW)]
        story = f"ann: {len(lines)} lines of {LINE} bytes; one other reads none of them"
        for start in range(0, len(lines), 25):
            chatter(room, lines[start : start + 25], story)
        room.expect_members(3, story, KEPT)


def ends(peer: Peer) -> bool:
    """Tell whether the stream of ``peer`` ends after what has been sent to it."""
    peer.sock.settimeout(1.0)
    try:
        while peer.sock.recv(64 * 1024):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


EXERCISE = Exercise(
    id="7.4",
    title="A chat room with a slow reader",
    name="Member",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(PIECES, "has got mixed up"),
        Wrong(ONE_FRAMER, "for each member by itself"),
        Wrong(HEARS_ITSELF, "to the others only"),
        Wrong(GHOSTS, "whose connection is over"),
        Wrong(IMPATIENT, "read a little later"),
        Wrong(STOPS_AT_THE_SLOW, "how fast one of them reads"),
        Wrong(UNBOUNDED, "all of it is kept"),
        Wrong(CLOSES, "would first send it all"),
        Wrong(CHANGES_THE_SET, "go through a copy"),
        Wrong(WAITS_FOR_THE_SLOW, "how fast one of them reads"),
        Wrong(SKIPS_LINES, "without a word"),
    ),
    core=False,
    limit=25.0,
)
