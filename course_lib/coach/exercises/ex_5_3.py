"""Exercise 5.3: EVENT_WRITE only while there is something to write."""

import re

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Broke, Exercise, Failed, Wrong

# --- the task

STUB = '''
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector

from course_lib import Outbox


def outbox_server(listener):
    """Echo. Whatever a client sends or does not read: no byte is lost, and nobody waits for it."""
    sel = DefaultSelector()
    sel.register(listener, EVENT_READ)
    while True:
        for key, _ in sel.select():
            if key.fileobj is listener:
                conn, address = listener.accept()
                conn.setblocking(False)
                sel.register(conn, EVENT_READ, Outbox())
                continue
            conn = key.fileobj
            try:
                data = conn.recv(65536)
                conn.sendall(data)
            except ConnectionError:
                data = b""
            if not data:
                sel.unregister(conn)
                conn.close()
'''

HEAD = '''
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector

from course_lib import Outbox


def outbox_server(listener):
    """Echo. Whatever a client sends or does not read: no byte is lost, and nobody waits for it."""
    sel = DefaultSelector()
    sel.register(listener, EVENT_READ)
    while True:
        for key, mask in sel.select():
            if key.fileobj is listener:
                conn, address = listener.accept()
                conn.setblocking(False)
                sel.register(conn, EVENT_READ, Outbox())
                continue
            conn, outbox = key.fileobj, key.data'''

HINTS = (
    "Put what `recv` returns into the outbox, and flush: `outbox.write(data)`, `outbox.flush(conn)`. What the"
    " kernel does not take stays in the outbox.",
    "Now the socket may be ready for two reasons. `if mask & EVENT_READ:` receive and write to the outbox; in"
    " both cases flush. To call `recv` when only EVENT_WRITE is set would raise BlockingIOError.",
    "At the end, decide what to wait for next: `sel.modify(conn, EVENT_WRITE, outbox)` while"
    " `outbox.pending`, EVENT_READ otherwise. Never both: so the outbox holds at most what one `recv` has"
    " brought.",
)

# --- right answers

SOLUTION = f"""{HEAD}
            left = False
            try:
                if mask & EVENT_READ:
                    data = conn.recv(65536)
                    outbox.write(data)
                    left = not data
                outbox.flush(conn)
            except ConnectionError:
                left = True
            if left:
                sel.unregister(conn)
                conn.close()
            else:
                sel.modify(conn, EVENT_WRITE if outbox.pending else EVENT_READ, outbox)
"""

OTHER = """
import selectors
from selectors import EVENT_READ, EVENT_WRITE


class Client:
    def __init__(self, sel, conn):
        conn.setblocking(False)
        self.sel, self.conn, self.out, self.ended = sel, conn, bytearray(), False
        sel.register(conn, EVENT_READ, self.ready)

    def ready(self, mask):
        try:
            if mask & EVENT_READ and not self.read():
                self.ended = True
            if self.out:
                del self.out[: self.conn.send(self.out)]
        except BlockingIOError:
            pass
        except OSError:
            self.ended, self.out = True, b""
        reading = 0 if self.ended or len(self.out) > 100_000 else EVENT_READ
        events = reading | (EVENT_WRITE if self.out else 0)
        if events:
            self.sel.modify(self.conn, events, self.ready)
        else:
            self.sel.unregister(self.conn)
            self.conn.close()

    def read(self):
        data = self.conn.recv(30_000)
        self.out += data
        return data


def outbox_server(listener):
    with selectors.DefaultSelector() as sel:
        sel.register(listener, EVENT_READ, lambda mask: Client(sel, listener.accept()[0]))
        while True:
            for key, mask in sel.select():
                key.data(mask)
"""

# --- wrong answers

SENDALL_LATER = f"""{HEAD}
            left = False
            try:
                if mask & EVENT_READ:
                    data = conn.recv(65536)
                    left = not data
                    conn.sendall(data)
            except ConnectionError:
                left = True
            if left:
                sel.unregister(conn)
                conn.close()
"""

LOSES_THE_TAIL = f"""{HEAD}
            try:
                data = conn.recv(65536)
                conn.send(data)
            except BlockingIOError:
                pass
            except ConnectionError:
                data = b""
            if not data:
                sel.unregister(conn)
                conn.close()
"""

NEVER_WATCHED = f"""{HEAD}
            try:
                data = conn.recv(65536)
                outbox.write(data)
                outbox.flush(conn)
            except ConnectionError:
                data = b""
            if not data:
                sel.unregister(conn)
                conn.close()
"""

ALWAYS = f"""{HEAD.replace("conn, EVENT_READ, Outbox()", "conn, EVENT_READ | EVENT_WRITE, Outbox()")}
            left = False
            try:
                if mask & EVENT_READ and not outbox.pending:
                    data = conn.recv(65536)
                    outbox.write(data)
                    left = not data
                outbox.flush(conn)
            except ConnectionError:
                left = True
            if left:
                sel.unregister(conn)
                conn.close()
"""

UNBOUNDED = f"""{HEAD}
            left = False
            try:
                if mask & EVENT_READ:
                    data = conn.recv(65536)
                    outbox.write(data)
                    left = not data
                outbox.flush(conn)
            except ConnectionError:
                left = True
            if left and not outbox.pending:
                sel.unregister(conn)
                conn.close()
            elif left:
                sel.modify(conn, EVENT_WRITE, outbox)
            else:
                sel.modify(conn, EVENT_READ | (EVENT_WRITE if outbox.pending else 0), outbox)
"""

CLOSES_EARLY = f"""{HEAD}
            left = False
            try:
                if mask & EVENT_READ:
                    data = conn.recv(65536)
                    outbox.write(data)
                    left = not data
                outbox.flush(conn)
            except ConnectionError:
                left = True
            if left:
                sel.unregister(conn)
                conn.close()
            else:
                reading = EVENT_READ if outbox.pending < 300_000 else 0
                sel.modify(conn, reading | (EVENT_WRITE if outbox.pending else 0), outbox)
"""

WAITS_FOR_ROOM = f"""{HEAD}
            try:
                data = conn.recv(65536)
                outbox.write(data)
                while outbox.pending:
                    outbox.flush(conn)
            except ConnectionError:
                data = b""
            if not data:
                sel.unregister(conn)
                conn.close()
"""

LOOKS_AWAY = f"""{HEAD}
            left = False
            try:
                if mask & EVENT_READ and not outbox.pending:
                    data = conn.recv(65536)
                    outbox.write(data)
                    left = not data
                outbox.flush(conn)
            except ConnectionError:
                left = True
            if left:
                sel.unregister(conn)
                conn.close()
            else:
                sel.modify(conn, EVENT_READ | (EVENT_WRITE if outbox.pending else 0), outbox)
"""

SHARED = SOLUTION.replace(
    "    sel.register(listener", "    shared = Outbox()\n    sel.register(listener"
).replace("EVENT_READ, Outbox())", "EVENT_READ, shared)")

# --- words and numbers of the judge

FULL = (
    "When the kernel has no more room, `send` takes a part, and `sendall` on a non-blocking socket raises"
    " BlockingIOError after an unknown part. What was not taken must wait in the outbox."
)
NOT_READY = (
    "BlockingIOError means that the call would have had to wait. `recv` is for a mask with EVENT_READ in it,"
    " and what the kernel has no room for waits in the outbox."
)
TAIL = (
    "The client reads on, and the rest does not come. What the kernel did not take must be kept, and sent"
    " when the socket is writable: somebody has to wait for EVENT_WRITE."
)
ALWAYS_WRITABLE = (
    "There is nothing to do, and `select` does not sleep. A socket is nearly always writable: watch for"
    " EVENT_WRITE only while the outbox holds bytes."
)
LEAVING = "A client that has left is unregistered and closed, as in 5.2, when its outbox is empty."
MEMORY = (
    "A client that sends and never reads fills the outbox without end. While it holds bytes, do not watch"
    " this client for EVENT_READ: its own kernel will then make it wait."
)
OTHERS_WAIT = (
    "One client does not read, and another one waits for its answer. Do not stay with one client until it has"
    " taken everything: wait in `select`, for all of them."
)
UNREAD = (
    "A socket with unread bytes is reported by every `select`, at once. If you do not want to read now, do"
    " not watch for EVENT_READ either."
)
OWN = "Another client's bytes have come. Each client needs an outbox of its own."
EARLY = (
    "The client has ended its side, and still reads. The end of the stream is not the end of the answers:"
    " close when the outbox is empty."
)
OTHERS_LIVE = "A reset ends one connection, and may come out of `recv` as well as out of `flush`."

SCENARIOS = (
    ("big_message", (("different from", OWN), (".", TAIL))),
    (
        "never_reads",
        (
            ("more than that|all 64 MiB", MEMORY),
            ("busy", UNREAD),
            (r"^b['\"]|starting b", OWN),
            (".", OTHERS_WAIT),
        ),
    ),
    ("half_close", ((".", EARLY),)),
    ("reset_mid_message", ((".", OTHERS_LIVE),)),
)
"""Each with what its failure means, by what came back."""


# --- the judge


def judge(exam: Exam) -> None:
    run, address = exam.serve()
    with run.talking({"BlockingIOError": NOT_READY}):
        client = exam.connect(address)
        for _ in range(2):
            message = exam.bytes(9)
            client.send(message)
            client.expect(message, "The echo is missing.")
        run.sent = f"{client.sent}, and then nothing"
        run.expect_idle(ALWAYS_WRITABLE)
        client.end()
        client.expect_end(LEAVING)
        exam.connect(address).reset()
        run.sent = "nothing: both clients have left"
        run.expect_idle(LEAVING)
    for name, meanings in SCENARIOS:
        try:
            exam.scenario(name, limit=3.0)
        except Failed as failure:
            raise explained(failure, meanings) from None


def explained(failure: Failed, meanings: tuple[tuple[str, str], ...]) -> Exception:
    """Return the failure with what it means here."""
    died = re.search(r"died of (\w+)", failure.got)
    if died and died[1] == "BlockingIOError":
        idea = FULL
    elif died and died[1] not in ("ConnectionResetError", "BrokenPipeError"):
        return Broke(f"your code raised {failure.got[died.start(1) :]}")
    else:
        idea = next(idea for pattern, idea in meanings if re.search(pattern, failure.got))
    return Failed(failure.sent, failure.expected, failure.got, idea)


EXERCISE = Exercise(
    id="5.3",
    title="EVENT_WRITE only while there is something to write",
    name="outbox_server",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(SENDALL_LATER, "an unknown part"),
        Wrong(LOSES_THE_TAIL, "must be kept"),
        Wrong(NEVER_WATCHED, "wait for EVENT_WRITE"),
        Wrong(ALWAYS, "nearly always writable"),
        Wrong(UNBOUNDED, "fills the outbox without end"),
        Wrong(CLOSES_EARLY, "not the end of the answers"),
        Wrong(WAITS_FOR_ROOM, "Do not stay with one client"),
        Wrong(LOOKS_AWAY, "with unread bytes"),
        Wrong(SHARED, "an outbox of its own"),
    ),
    limit=20.0,
)
