"""Exercise 5.2: end of stream and reset."""

import time

from course_lib.coach.exam import Address, Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.peer import Peer
from course_lib.coach.run import Run
from course_lib.lab.child_process import Facts

# --- the task

STUB = '''
import selectors


def mended_server(listener):
    """The article's server, mended: a client that leaves costs nobody else anything."""
    sel = selectors.DefaultSelector()

    def accept(listener):
        conn, address = listener.accept()
        conn.setblocking(False)
        sel.register(conn, selectors.EVENT_READ, read)

    def read(conn):
        data = conn.recv(1024).decode()
        if data == "close":
            sel.unregister(conn)
            conn.close()
        else:
            conn.sendall(f"The server received: {data}".encode())

    listener.setblocking(False)
    sel.register(listener, selectors.EVENT_READ, accept)
    while True:
        for key, _ in sel.select():
            key.data(key.fileobj)
'''

HINTS = (
    "`recv` returns b'' at the end of the stream. What the server does at `close` is right for that case,"
    " too.",
    "After a reset, `recv` raises ConnectionResetError; if the answer is still to be sent, `sendall` raises"
    " it, or BrokenPipeError. All of them are kinds of ConnectionError. One `try` around both calls will do.",
    "Whichever way a client leaves, the same two lines follow: `sel.unregister(conn)`, then `conn.close()`.",
)

HEAD = '''
import selectors


def mended_server(listener):
    """The article's server, mended: a client that leaves costs nobody else anything."""
    sel = selectors.DefaultSelector()

    def accept(listener):
        conn, address = listener.accept()
        conn.setblocking(False)
        sel.register(conn, selectors.EVENT_READ, read)
'''

LOOP = """
    listener.setblocking(False)
    sel.register(listener, selectors.EVENT_READ, accept)
    while True:
        for key, _ in sel.select():
            key.data(key.fileobj)
"""

# --- right answers

SOLUTION = f"""{HEAD}
    def read(conn):
        try:
            data = conn.recv(1024).decode()
            if data not in ("", "close"):
                conn.sendall(f"The server received: {{data}}".encode())
                return
        except ConnectionError:
            pass  # a reset, or a broken pipe: the client is gone
        sel.unregister(conn)
        conn.close()
{LOOP}"""

OTHER = """
import selectors
import socket
from contextlib import suppress


def mended_server(listener):
    def answers(conn):
        with conn, suppress(OSError):
            while True:
                yield
                data = conn.recv(1024)
                if data in (b"", b"close"):
                    return
                conn.sendall(b"The server received: " + data)

    with selectors.DefaultSelector() as sel:
        sel.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in sel.select():
                if key.fileobj is listener:
                    conn, _ = listener.accept()
                    conn.setblocking(False)
                    client = answers(conn)
                    next(client)
                    sel.register(conn, selectors.EVENT_READ, client)
                elif next(key.data, "left") == "left":
                    sel.unregister(key.fileobj)
"""

# --- wrong answers

NO_RESET = f"""{HEAD}
    def read(conn):
        data = conn.recv(1024).decode()
        if data in ("", "close"):
            sel.unregister(conn)
            conn.close()
        else:
            conn.sendall(f"The server received: {{data}}".encode())
{LOOP}"""

ONLY_RECV = f"""{HEAD}
    def read(conn):
        try:
            data = conn.recv(1024).decode()
        except ConnectionResetError:
            data = ""
        if data in ("", "close"):
            sel.unregister(conn)
            conn.close()
        else:
            conn.sendall(f"The server received: {{data}}".encode())
{LOOP}"""

IGNORES_THE_END = f"""{HEAD}
    def read(conn):
        try:
            data = conn.recv(1024).decode()
            if not data:
                return
            if data == "close":
                sel.unregister(conn)
                conn.close()
            else:
                conn.sendall(f"The server received: {{data}}".encode())
        except ConnectionError:
            sel.unregister(conn)
            conn.close()
{LOOP}"""

ANSWERS_THE_END = f"""{HEAD}
    def read(conn):
        try:
            data = conn.recv(1024).decode()
            if data == "close":
                sel.unregister(conn)
                conn.close()
            else:
                conn.sendall(f"The server received: {{data}}".encode())
        except OSError:
            sel.unregister(conn)
            conn.close()
{LOOP}"""

NOT_CLOSED = f"""{HEAD.replace("    def accept", "    clients = []" + chr(10) * 2 + "    def accept")}
        clients.append(conn)

    def read(conn):
        try:
            data = conn.recv(1024).decode()
            if data and data != "close":
                conn.sendall(f"The server received: {{data}}".encode())
                return
        except ConnectionError:
            pass
        sel.unregister(conn)
{LOOP}"""

NOT_UNREGISTERED = f"""{HEAD}
    def read(conn):
        try:
            data = conn.recv(1024).decode()
            if data and data != "close":
                conn.sendall(f"The server received: {{data}}".encode())
                return
        except ConnectionError:
            pass
        conn.close()
{LOOP}"""

# --- words and numbers of the judge

END = "b'' is no empty message. It is the end of the stream: this client will say nothing more."
SPINS = (
    "A socket whose stream has ended stays readable for ever: `select` reports it again at once, each time,"
    " until you unregister it."
)
HANGS_UP = "To unregister a socket ends the watching only. The client waits until the connection is closed."
NUMBER = (
    "The number of a closed socket is given to the next one, and the selector still has it under the old one."
    " Unregister first, then close."
)
RESET = (
    "A reset is news of one client: `recv` and `sendall` on that connection raise a kind of ConnectionError."
    " It need not be the end of anything else."
)
LEAK = "Every connection that has ended must be closed, also one that has ended with an error."
AGAIN = "All other clients are served as before."
CLOSE = "After `close` the server closes the connection without a word, as it did before."
DEATHS = {
    "ConnectionError": RESET,
    "KeyError": NUMBER,
    "BlockingIOError": END,
}


def say(exam: Exam, peer: Peer, idea: str = AGAIN) -> None:
    word = exam.bytes(6)
    peer.send(word, idea=idea)
    peer.expect(b"The server received: " + word, idea)


# --- the judge


def judge(exam: Exam) -> None:
    run, address = exam.serve()
    with run.talking(DEATHS):
        leaves, stays = exam.connect(address, "first client"), exam.connect(address, "second client")
        say(exam, leaves)
        say(exam, stays)
        open_now = Facts.of(run.process).descriptors
        leaves.end()
        run.settle(0.2)
        end_of_stream(run, leaves)
        say(exam, stays)
        exam.connect(address).close()
        comes = exam.connect(address, "a client that comes after another has left")
        say(exam, comes)
        comes.close()
        resets(exam, run, address, stays)
        closes = exam.connect(address, "a client that comes after two resets")
        say(exam, closes)
        closes.send(b"close")
        closes.expect_end(CLOSE)
        run.sent = "nothing: one client is silent, and all others have left"
        expect_closed(run, open_now - 1)
        run.expect_idle(SPINS)


def end_of_stream(run: Run, peer: Peer) -> None:
    """The client has ended its side, and still listens."""
    run.sent = peer.sent
    peer.sock.settimeout(0.1)
    try:
        got = peer.sock.recv(1024)
    except TimeoutError:
        run.expect_idle(SPINS)
        raise Failed(peer.sent, "the end of the stream", "nothing", HANGS_UP) from None
    except OSError:
        got = b""  # it closed with bytes of ours unread, which is rude, and no matter here
    if got:
        raise Failed(peer.sent, "the end of the stream", repr(got[:60]), END)


def resets(exam: Exam, run: Run, address: Address, stays: Peer) -> None:
    """One client resets in silence, another so that its message is still unanswered."""
    silent, speaks = exam.connect(address), exam.connect(address)
    run.settle(0.2)
    silent.reset()
    stays.said.append("silence, while another client resets its connection")
    say(exam, stays, RESET)
    run.process.suspend()  # so that message and reset are both there when it looks
    try:
        speaks.send(exam.bytes(6))
        speaks.reset()
    finally:
        run.process.resume()
    stays.said[1:] = ["silence, while another client sends a message and then resets its connection"]
    say(exam, stays, RESET)


def expect_closed(run: Run, descriptors: int) -> None:
    """Expect that no more than so many descriptors are open."""
    deadline = time.monotonic() + 1.0
    while (extra := Facts.of(run.process).descriptors - descriptors) > 0:
        if time.monotonic() > deadline:
            raise Failed(run.sent, "every connection closed but one", f"{extra} more", LEAK)
        time.sleep(0.01)


EXERCISE = Exercise(
    id="5.2",
    title="End of stream and reset",
    name="mended_server",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(NO_RESET, "news of one client"),
        Wrong(ONLY_RECV, "`recv` and `sendall`"),
        Wrong(IGNORES_THE_END, "stays readable for ever"),
        Wrong(ANSWERS_THE_END, "no empty message"),
        Wrong(NOT_CLOSED, "ends the watching only"),
        Wrong(NOT_UNREGISTERED, "Unregister first, then close"),
    ),
)
