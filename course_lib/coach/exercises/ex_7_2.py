"""Exercise 7.2: two watermarks."""

import selectors
import socket
from collections.abc import Iterator
from typing import Any

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.run import Run, brief

# --- the task

STUB = '''
from course_lib import Outbox


class MarkedOutbox(Outbox):
    """An outbox that says when it is too full, and when it has drained. Marks in bytes."""

    def __init__(self, high, low, pause, resume):
        super().__init__()
        ...

    def write(self, data):
        """Add `data`. If more than `high` bytes wait then, and it is not paused, call pause()."""
        super().write(data)
        ...

    def flush(self, sock):
        """Send what goes now. If it is paused and no more than `low` bytes wait then, call resume()."""
        super().flush(sock)
        ...
'''

HINTS = (
    "`self.pending` says how many bytes wait. But it does not say whether `pause` has been called: between"
    " the marks both may be true. So keep that, in an attribute such as `self.paused`.",
    "At the end of `write`: if more than `high` bytes wait *and* it is not paused, it becomes paused, and"
    " `pause()` is called. At the end of `flush`: if no more than `low` wait *and* it is paused, the other"
    " way round.",
    "What you call may call you: `resume()` will often `write` at once. Set `self.paused` first, and call"
    " then.",
)

# --- right answers

SOLUTION = '''
from course_lib import Outbox


class MarkedOutbox(Outbox):
    """An outbox that says when it is too full, and when it has drained. Marks in bytes."""

    def __init__(self, high, low, pause, resume):
        super().__init__()
        self.high, self.low, self.pause, self.resume = high, low, pause, resume
        self.paused = False

    def write(self, data):
        """Add `data`. If more than `high` bytes wait then, and it is not paused, call pause()."""
        super().write(data)
        if self.pending > self.high and not self.paused:
            self.paused = True
            self.pause()

    def flush(self, sock):
        """Send what goes now. If it is paused and no more than `low` bytes wait then, call resume()."""
        super().flush(sock)
        if self.pending <= self.low and self.paused:
            self.paused = False
            self.resume()
'''

OTHER = """
class MarkedOutbox:
    def __init__(self, high, low, pause, resume):
        self.data = bytearray()
        self.marks = self.alternate(high, low, pause, resume)
        self.call = None
        next(self.marks)

    def alternate(self, high, low, pause, resume):
        while True:
            while self.pending <= high:
                yield
            self.call = pause
            yield
            while self.pending > low:
                yield
            self.call = resume
            yield

    def look(self):
        next(self.marks)
        call, self.call = self.call, None
        if call:
            call()

    @property
    def pending(self):
        return len(self.data)

    def write(self, data):
        self.data += data
        self.look()

    def flush(self, sock):
        try:
            del self.data[: sock.send(self.data)]
        except BlockingIOError:
            pass
        self.look()
"""

# --- wrong answers

MARKED = """
from course_lib import Outbox


class MarkedOutbox(Outbox):
    def __init__(self, high, low, pause, resume):
        super().__init__()
        self.high, self.low, self.pause, self.resume = high, low, pause, resume
        self.paused = False

    def write(self, data):
        {write}

    def flush(self, sock):
        {flush}
"""

WRITE = """
super().write(data)
if self.pending > self.high and not self.paused:
    self.paused = True
    self.pause()
"""

FLUSH = """
super().flush(sock)
if self.pending <= self.low and self.paused:
    self.paused = False
    self.resume()
"""


def marked(write: str = WRITE, flush: str = FLUSH) -> str:
    """Return an answer that is wrong in one of its methods."""
    indented = (code.strip().replace("\n", "\n        ") for code in (write, flush))
    return MARKED.replace("{write}", next(indented)).replace("{flush}", next(indented))


AGAIN_AND_AGAIN = marked(
    write="""
super().write(data)
if self.pending > self.high:
    self.paused = True
    self.pause()
"""
)

ONE_MARK = marked(flush=FLUSH.replace("self.low", "self.high"))

WITHOUT_A_PAUSE = marked(
    flush="""
super().flush(sock)
if self.pending <= self.low:
    self.paused = False
    self.resume()
"""
)

ONLY_WHEN_EMPTY = marked(flush=FLUSH.replace("self.pending <= self.low", "not self.pending"))

BELOW = marked(flush=FLUSH.replace("<=", "<"))

REACHED = marked(write=WRITE.replace(">", ">="))

DROPS = marked(
    write="""
if self.pending + len(data) > self.high:
    if not self.paused:
        self.paused = True
        self.pause()
    return
super().write(data)
"""
)

REFUSES = marked(
    write="""
super().write(data)
if self.pending > self.high:
    self.pause()
    raise BufferError("full")
"""
)

WAITS = marked(
    flush="""
while self.pending > self.low:
    super().flush(sock)
if self.paused:
    self.paused = False
    self.resume()
"""
)

NOTES_TOO_LATE = marked(
    flush="""
super().flush(sock)
if self.pending <= self.low and self.paused:
    self.resume()
    self.paused = False
"""
)

CALLS_ITSELF = marked(write=WRITE.replace("super().write", "self.write"))

SWAPPED = marked(
    write=WRITE.replace("self.pause()", "self.resume()"), flush=FLUSH.replace("self.resume()", "self.pause()")
)

BEFORE_THE_WRITE = marked(
    write="""
if self.pending > self.high and not self.paused:
    self.paused = True
    self.pause()
super().write(data)
"""
)

BEFORE_THE_FLUSH = marked(
    flush="""
if self.pending <= self.low and self.paused:
    self.paused = False
    self.resume()
super().flush(sock)
"""
)

# --- words and numbers of the judge

KEEPS = (
    "`pause` is a request to those who write. What they have written is kept all the same, every byte:"
    " nobody can take it back."
)
ITSELF = (
    "This method calls itself, and that one itself again. What the outbox itself does is behind `super()`."
)
TURNED = "`pause` is for those who write when too much waits, and `resume` when there is room again."
REFUSALS = ("BufferError", "MemoryError", "RuntimeError", "ValueError")
TOO_EARLY = "`pause` is called when *more* than `high` bytes wait. Exactly `high` is still allowed."
TOO_LATE = (
    "There are more than `high` bytes now, after this `write`. Whoever is told only at the next one writes"
    " that, too."
)
REPEATED = (
    "It had been paused already. Who hears the same request again and again cannot count on `pause` and"
    " `resume` taking turns. Keep a note of what was said last."
)
FLUTTERS = (
    "Between the marks nothing happens. A resume just below `high` would be followed by a pause after the"
    " next write, and so on without end; that is why there is a second mark."
)
DRAINED = (
    "No more than `low` bytes wait now, after this `flush`. Who is paused waits for `resume` and does"
    " nothing else: if it comes late the line stands idle, and if it never comes, for ever."
)
NOT_PAUSED = "Nobody was paused, so there is nobody to resume."
INSIDE = (
    "`resume` is a function that writes: it calls `write` before it returns, and that may have to pause"
    " anew. So the note of what was said last must be right before you call."
)
NO_WAITING = (
    "`write` sends nothing, and returns; `flush` sends what there is room for now, and returns. The peer may"
    " not read for hours, and others wait meanwhile."
)
AS_BEFORE = (
    "The bytes themselves go out as from any outbox: as many as there is room for, each once and in order,"
    " and the others stay."
)


# --- in the learner's process


class Narrow(socket.socket):
    """Takes ``room`` bytes, and then no more, as if its peer had stopped reading."""

    room = 0

    def send(self, data: Any, flags: int = 0) -> int:
        if not self.room:
            raise BlockingIOError("no room")
        sent = super().send(bytes(data)[: self.room], flags)
        self.room -= sent
        return sent


def drive(MarkedOutbox: Any, address: Any, high: int, low: int, steps: list[Any]) -> Iterator[Any]:
    """Write, or flush where there is some room; yield after each step what was called, and what is pending.

    A step is (what to write, room, what ``resume`` writes).
    """
    said: list[str] = []
    answers: list[bytes] = []

    def resume() -> None:
        said.append("resume")
        if answers:
            outbox.write(answers.pop())

    with Narrow() as sock:
        sock.connect(address)
        outbox = MarkedOutbox(high, low, lambda: said.append("pause"), resume)
        for data, room, answer in steps:
            if answer:
                answers.append(answer)
            sock.room = room
            if data:
                outbox.write(data)
            else:
                outbox.flush(sock)
            answers.clear()
            yield list(said), outbox.pending
            said.clear()


def serve_echo(MarkedOutbox: Any, high: int, low: int) -> Iterator[Any]:
    """Echo to one client, not read from while paused; return what was called, and the most bytes kept."""
    most, said = 0, []
    with socket.create_server(("127.0.0.1", 0)) as listener, selectors.DefaultSelector() as sel:
        yield listener.getsockname()
        with listener.accept()[0] as conn:
            conn.setblocking(False)
            outbox = MarkedOutbox(high, low, lambda: said.append("pause"), lambda: said.append("resume"))
            ended = False
            sel.register(conn, selectors.EVENT_READ)
            while True:
                listening = not ended and said[-1:] != ["pause"]
                events = selectors.EVENT_READ * listening | selectors.EVENT_WRITE * bool(outbox.pending)
                if not events:
                    break
                sel.modify(conn, events)
                for _, mask in sel.select(5):
                    if mask & selectors.EVENT_READ:
                        data = conn.recv(16 * 1024)
                        ended = not data
                        outbox.write(data)
                    outbox.flush(conn)
                    most = max(most, outbox.pending)
    return said, most


# --- the judge


def judge(exam: Exam) -> None:
    accounts(exam)
    writes_inside(exam)
    deaf_client(exam)


def accounts(exam: Exam) -> None:
    """Each way over and between the marks, once by hand and then at random."""
    low = exam.random.randrange(200, 300)
    high = low + exam.random.randrange(300, 400)
    by_hand: list[tuple[int, int]] = [  # bytes to write, or else room for bytes
        (high, 0), (1, 0), (70, 0), (0, 0), (0, 100), (40, 0), (0, high - low + 10), (0, 1), (0, 5),
        (high, 0), (0, 10), (0, high), (0, low), (3 * high, 0), (0, 3 * high), (9, 0), (0, 9), (0, 0),
    ]  # fmt: skip
    walk(exam, high, low, by_hand)
    at_random = [
        (exam.random.randrange(1, high), 0)
        if exam.random.random() < 0.5
        else (0, exam.random.randrange(high))
        for _ in range(60)
    ]
    walk(exam, high, low, [*at_random, (0, 60 * high)])


def walk(exam: Exam, high: int, low: int, steps: list[tuple[int, int]]) -> None:
    """Take the steps, and expect after each what should have been called; then all bytes, at the peer."""
    listener = exam.listen()
    stream, start = exam.bytes(sum(size for size, _ in steps)), 0
    arguments = []
    for size, room in steps:
        arguments.append((stream[start : start + size], room, b""))
        start += size
    run = exam.run(drive, listener.address, high, low, arguments)
    peer = listener.accept()
    pending, paused, taken = 0, False, 0
    for size, room in steps:
        before = pending
        sent = 0 if size else min(room, pending)
        pending += size - sent
        taken += sent
        wanted = ["pause"] if pending > high and not paused and size else []
        wanted = ["resume"] if paused and pending <= low and not size else wanted
        what = f"write({size:,} byte{'s' * (size > 1)})" if size else f"flush(sock), which takes {sent:,}"
        run.sent = (
            f"MarkedOutbox(high={high}, low={low}), {paused_word(paused)}, {before:,} bytes wait; {what}"
        )
        said, number = returned(run)
        if number != pending:
            lost = size and isinstance(number, int) and number < pending
            idea = KEEPS if lost else AS_BEFORE
            raise Failed(run.sent, f"pending: {pending:,}", f"pending: {brief(number)}", idea)
        if said != wanted:
            idea = why(said, wanted, bool(size), paused, pending > low)
            raise Failed(run.sent, called(wanted), called(said), idea)
        paused = {"pause": True, "resume": False}.get((wanted or [""])[0], paused)
    run.result()
    peer.said = [f"{len(steps)} times write or flush"]
    peer.expect(stream[:taken], AS_BEFORE)


def returned(run: Run) -> Any:
    """Return what the driver yields next."""
    try:
        return run.next(ideas={"RecursionError": ITSELF, **dict.fromkeys(REFUSALS, KEEPS)}, idea=NO_WAITING)
    except Failed as failure:
        raise Failed(failure.sent, "that this call returns", failure.got, failure.idea) from None


def paused_word(paused: bool) -> str:
    return "paused" if paused else "not paused"


def called(names: list[str]) -> str:
    """Return the calls in words."""
    return ", ".join(f"{name}()" for name in names) or "no call"


def why(said: list[str], wanted: list[str], wrote: bool, paused: bool, above_low: bool) -> str:
    """Return the idea that is missing where ``said`` was called instead of ``wanted``."""
    if wanted and said and not set(wanted) & set(said):
        return TURNED
    if wanted == ["pause"]:
        return TOO_LATE
    if wanted == ["resume"]:
        return DRAINED
    if "pause" in said:
        return REPEATED if paused else TOO_EARLY
    return (FLUTTERS if above_low else REPEATED) if paused else NOT_PAUSED


def writes_inside(exam: Exam) -> None:
    """``resume`` writes so much that it must be paused again; and that pause must end, too."""
    listener = exam.listen()
    high, low = 500, 100
    run = exam.run(
        drive,
        listener.address,
        high,
        low,
        [(exam.bytes(600), 0, b""), (b"", 600, exam.bytes(700)), (exam.bytes(10), 0, b""), (b"", 710, b"")],
    )
    listener.accept()
    start = f"MarkedOutbox(high={high}, low={low}): write(600 bytes)"
    steps = (
        (start, ["pause"]),
        (f"{start}, flush(sock), and in resume() write(700 bytes)", ["resume", "pause"]),
        ("after that, write(10 bytes)", []),
        ("after that, flush(sock), which takes all 710", ["resume"]),
    )
    for words, wanted in steps:
        run.sent = words
        said, _ = returned(run)
        if said != wanted:
            raise Failed(words, called(wanted), called(said), INSIDE)


def deaf_client(exam: Exam) -> None:
    """An echo server with such an outbox, and a client that reads nothing until it is full everywhere."""
    high, low = 256 * 1024, 64 * 1024
    run = exam.run(serve_echo, high, low)
    peer = exam.connect(tuple(run.next()), receive_buffer=16 * 1024)
    data = exam.random.randbytes(24 * 1024 * 1024)
    with run.talking():
        taken = peer.fill(run, data)
        if taken == len(data):
            raise Failed(peer.sent, "that it stops taking them", f"all {taken:,} were taken", TOO_LATE)
        read = 0
        while read < taken:
            size = min(taken - read, 512 * 1024)
            peer.expect(data[read : read + size], AS_BEFORE, limit=4.0)
            read += size
    peer.close()
    said, most = run.result(clean=False)
    if most > high + 16 * 1024:
        raise Failed(
            peer.sent, f"at most {high:,} bytes kept, and one recv", f"{most:,} bytes kept", TOO_LATE
        )
    if said[::2] != ["pause"] * len(said[::2]) or said[1::2] != ["resume"] * len(said[1::2]):
        raise Failed(peer.sent, "pause and resume in turns", called(said[:6]), REPEATED)


EXERCISE = Exercise(
    id="7.2",
    title="Two watermarks",
    name="MarkedOutbox",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(AGAIN_AND_AGAIN, "had been paused already"),
        Wrong(ONE_MARK, "Between the marks"),
        Wrong(WITHOUT_A_PAUSE, "nobody to resume"),
        Wrong(ONLY_WHEN_EMPTY, "No more than `low`"),
        Wrong(BELOW, "No more than `low`"),
        Wrong(REACHED, "Exactly `high`"),
        Wrong(DROPS, "kept all the same"),
        Wrong(REFUSES, "kept all the same"),
        Wrong(WAITS, "and returns"),
        Wrong(NOTES_TOO_LATE, "before it returns"),
        Wrong(CALLS_ITSELF, "behind `super"),
        Wrong(SWAPPED, "when too much waits"),
        Wrong(BEFORE_THE_WRITE, "at the next one"),
        Wrong(BEFORE_THE_FLUSH, "after this `flush`"),
    ),
    limit=20.0,
)
