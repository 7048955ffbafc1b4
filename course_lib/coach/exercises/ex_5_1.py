"""Exercise 5.1: a server of callbacks."""

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.peer import Peer

# --- the task

STUB = '''
import selectors


def callback_server(listener):
    """Send each client's bytes back to it, for ever: many clients, one thread, one selector."""
    sel = selectors.DefaultSelector()

    def accept(listener): ...

    def read(conn): ...

    sel.register(listener, selectors.EVENT_READ, accept)
    while True:
        ...
'''

HINTS = (
    "The loop never needs to know what is ready: `for key, mask in sel.select(): key.data(key.fileobj)`.",
    "`accept` takes the new connection, makes it non-blocking and registers it with `read` as its data. It"
    " must not call `recv`: that this client will be the next to speak is not certain.",
    "`read` is called when `conn` has something: one `recv`, and `sendall` of what it returned. The"
    " connection stays registered, so there is nothing else to do.",
)

# --- right answers

SOLUTION = '''
import selectors


def callback_server(listener):
    """Send each client's bytes back to it, for ever: many clients, one thread, one selector."""
    sel = selectors.DefaultSelector()

    def accept(listener):
        conn, address = listener.accept()
        conn.setblocking(False)
        sel.register(conn, selectors.EVENT_READ, read)

    def read(conn):
        conn.sendall(conn.recv(1024))

    sel.register(listener, selectors.EVENT_READ, accept)
    while True:
        for key, mask in sel.select():
            key.data(key.fileobj)
'''

OTHER = """
import selectors


class Client:
    def __init__(self, conn):
        self.conn = conn

    def ready(self):
        if data := self.conn.recv(65536):
            self.conn.send(data)


def callback_server(listener):
    with selectors.PollSelector() as sel:

        def accept():
            client = Client(listener.accept()[0])
            sel.register(client.conn, selectors.EVENT_READ, client.ready)

        sel.register(listener, selectors.EVENT_READ, accept)
        while ready := sel.select(60):
            for key, _ in ready:
                key.data()
"""

# --- wrong answers

WAITS_FOR_ONE = """
import selectors


def callback_server(listener):
    sel = selectors.DefaultSelector()

    def accept(listener):
        conn, address = listener.accept()
        conn.sendall(conn.recv(1024))
        sel.register(conn, selectors.EVENT_READ, read)

    def read(conn):
        conn.sendall(conn.recv(1024))

    sel.register(listener, selectors.EVENT_READ, accept)
    while True:
        for key, mask in sel.select():
            key.data(key.fileobj)
"""

LAST_CLIENT = """
import selectors


def callback_server(listener):
    sel = selectors.DefaultSelector()
    last = None

    def accept(_):
        nonlocal last
        last, address = listener.accept()
        sel.register(last, selectors.EVENT_READ, read)

    def read(conn):
        last.sendall(conn.recv(1024))

    sel.register(listener, selectors.EVENT_READ, accept)
    while True:
        for key, mask in sel.select():
            key.data(key.fileobj)
"""

ONCE = """
import selectors


def callback_server(listener):
    sel = selectors.DefaultSelector()

    def accept(listener):
        conn, address = listener.accept()
        conn.setblocking(False)
        sel.register(conn, selectors.EVENT_READ, read)

    def read(conn):
        conn.sendall(conn.recv(1024))
        sel.unregister(conn)

    sel.register(listener, selectors.EVENT_READ, accept)
    while True:
        for key, mask in sel.select():
            key.data(key.fileobj)
"""

SPINS = """
import selectors


def callback_server(listener):
    sel = selectors.DefaultSelector()

    def accept(listener):
        conn, address = listener.accept()
        conn.setblocking(False)
        sel.register(conn, selectors.EVENT_READ, read)

    def read(conn):
        conn.sendall(conn.recv(1024))

    sel.register(listener, selectors.EVENT_READ, accept)
    while True:
        for key, mask in sel.select(0):
            key.data(key.fileobj)
"""

A_TUPLE = """
import selectors


def callback_server(listener):
    sel = selectors.DefaultSelector()

    def accept(listener):
        conn, address = listener.accept()
        sel.register(conn, selectors.EVENT_READ, read)

    def read(conn):
        conn.sendall(conn.recv(1024))

    sel.register(listener, selectors.EVENT_READ, accept)
    while True:
        key, mask = sel.select()
        key.data(key.fileobj)
"""

# --- words and numbers of the judge

NOT_UNPACKED = (
    "`select` returns a list of (key, mask) pairs, often with one pair in it. Go through it with `for`."
)
STILL = (
    "Three clients are connected, and the last one speaks. Whatever waits for one client, in `recv` or"
    " elsewhere, lets all others wait: only `select` may wait."
)
WHOSE = (
    "The answer belongs to the client that spoke. The selector hands each callback the socket that is ready,"
    " as `key.fileobj`."
)
ECHO = "An echo is what the client has sent: all of it, and nothing else."
AGAIN = "A client may speak more than once, so its socket stays registered; and so does the listener."
RESTS = "`select()` without a timeout sleeps until something is ready. A timeout of 0 never sleeps."


# --- the judge


def judge(exam: Exam) -> None:
    run, address = exam.serve()
    with run.talking({"ValueError": NOT_UNPACKED, "TypeError": NOT_UNPACKED}):
        clients = [exam.connect(address, name) for name in ("first client", "second client", "third client")]
        run.settle()
        for client in reversed(clients):  # the one that came last speaks first
            message = exam.bytes(8)
            client.send(message)
            others = [each for each in clients if each is not client]
            expect_alone(client, others, message, STILL if client is clients[2] else WHOSE)
        for client in (clients[1], exam.connect(address, "fourth client"), clients[1]):
            message = exam.bytes(8)
            client.send(message)
            client.expect(message, AGAIN)
        run.sent = "nothing: four clients are connected and silent"
        run.expect_idle(RESTS)


def expect_alone(client: Peer, others: list[Peer], message: bytes, idea: str) -> None:
    """Expect the answer at this client; where another one gets it, say so."""
    try:
        client.expect(message, idea, limit=1.0)
    except Failed as failure:
        if failure.got.startswith("b"):
            raise Failed(failure.sent, failure.expected, failure.got, ECHO) from None
        for other in others:
            try:
                other.expect_nothing(seconds=0.01)
            except Failed:
                got = f"{failure.got}; but the {other.name.removesuffix(': ')} got something"
                raise Failed(failure.sent, failure.expected, got, WHOSE) from None
        raise


EXERCISE = Exercise(
    id="5.1",
    title="A server of callbacks",
    name="callback_server",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(WAITS_FOR_ONE, "only `select` may wait"),
        Wrong(LAST_CLIENT, "belongs to the client that spoke"),
        Wrong(ONCE, "speak more than once"),
        Wrong(SPINS, "never sleeps"),
        Wrong(A_TUPLE, r"list of \(key, mask\) pairs"),
    ),
)
