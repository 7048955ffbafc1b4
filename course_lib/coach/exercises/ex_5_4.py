"""Exercise 5.4: one failing client leaves the others alive."""

import socket
from collections.abc import Callable, Iterator

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Wrong
from course_lib.coach.peer import Peer
from course_lib.coach.run import Run

# --- the task

STUB = '''
import selectors


def sturdy_server(listener, answer, report):
    """Send answer(data) to each client. An error ends one connection, and report(error) tells of it."""
    sel = selectors.DefaultSelector()

    def accept(listener):
        conn, address = listener.accept()
        sel.register(conn, selectors.EVENT_READ, read)

    def read(conn):
        data = conn.recv(1024)
        conn.sendall(answer(data))
        if not data:
            close(conn)

    def close(conn):
        sel.unregister(conn)
        conn.close()

    sel.register(listener, selectors.EVENT_READ, accept)
    while True:
        for key, _ in sel.select():
            key.data(key.fileobj)
'''

BEFORE_THE_LOOP = '''
import selectors


def sturdy_server(listener, answer, report):
    """Send answer(data) to each client. An error ends one connection, and report(error) tells of it."""
    sel = selectors.DefaultSelector()

    def accept(listener):
        conn, address = listener.accept()
        sel.register(conn, selectors.EVENT_READ, read)

    def read(conn):
        data = conn.recv(1024)
        conn.sendall(answer(data))
        if not data:
            close(conn)

    def close(conn):
        sel.unregister(conn)
        conn.close()

    sel.register(listener, selectors.EVENT_READ, accept)
'''

HINTS = (
    "All callbacks are called in one place, in the loop. A `try` there protects the server from all of them.",
    "Catch Exception, call `report(error)`, and then `close(key.fileobj)`. But look whose callback it was: if"
    " `accept` has failed, `key.fileobj` is the listener, and to close it is to close the shop.",
    "KeyboardInterrupt, which is Ctrl-C, is a BaseException and no Exception: `except Exception` lets it"
    " pass, a bare `except:` does not.",
)

# --- right answers

SOLUTION = f"""{BEFORE_THE_LOOP}
    while True:
        for key, mask in sel.select():
            try:
                key.data(key.fileobj)
            except Exception as error:
                report(error)
                if key.fileobj is not listener:
                    close(key.fileobj)
"""

OTHER = """
import selectors


def sturdy_server(listener, answer, report):
    with selectors.DefaultSelector() as sel:
        sel.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in sel.select():
                try:
                    if key.fileobj is listener:
                        conn, _ = listener.accept()
                        sel.register(conn, selectors.EVENT_READ)
                        continue
                    if data := key.fileobj.recv(4096):
                        key.fileobj.sendall(answer(data))
                        continue
                except Exception as error:
                    report(error)
                    if key.fileobj is listener:
                        continue
                sel.unregister(key.fileobj).fileobj.close()
"""

# --- wrong answers

ONLY_OS_ERRORS = f"""{BEFORE_THE_LOOP}
    while True:
        for key, mask in sel.select():
            try:
                key.data(key.fileobj)
            except OSError as error:
                report(error)
                if key.fileobj is not listener:
                    close(key.fileobj)
"""

AROUND_THE_LOOP = f"""{BEFORE_THE_LOOP}
    try:
        while True:
            for key, mask in sel.select():
                key.data(key.fileobj)
    except Exception as error:
        report(error)
"""

NOT_CLOSED = f"""{BEFORE_THE_LOOP}
    while True:
        for key, mask in sel.select():
            try:
                key.data(key.fileobj)
            except Exception as error:
                report(error)
"""

CLOSES_THE_LISTENER = f"""{BEFORE_THE_LOOP}
    while True:
        for key, mask in sel.select():
            try:
                key.data(key.fileobj)
            except Exception as error:
                report(error)
                close(key.fileobj)
"""

EVERYTHING = f"""{BEFORE_THE_LOOP}
    while True:
        for key, mask in sel.select():
            try:
                key.data(key.fileobj)
            except BaseException as error:
                report(error)
                if key.fileobj is not listener:
                    close(key.fileobj)
"""

SILENT = f"""{BEFORE_THE_LOOP}
    while True:
        for key, mask in sel.select():
            try:
                key.data(key.fileobj)
            except Exception:
                if key.fileobj is not listener:
                    close(key.fileobj)
"""

# --- words and numbers of the judge

ANY = (
    "`answer` is somebody else's code and may raise anything. What it raises for one client must not reach"
    " the loop: catch Exception where the callback is called."
)
LEFT_OPEN = (
    "After an error nobody knows what this client was told and what not, so its connection is closed. Caught"
    " alone, it is left waiting."
)
LISTENER = (
    "Here it was `accept` that failed, for one client: it had left while it waited in the queue. The listener"
    " is well, and other clients wait."
)
TOLD = "An error that nobody hears of is never mended. Call `report(error)` once for each."
CTRL_C = (
    "KeyboardInterrupt is Ctrl-C, and no fault of a client. It is a BaseException and no Exception, so that"
    " `except Exception` lets it pass."
)


class Listener(socket.socket):
    """A listener whose next accept fails when it is told so: the client has left while it waited.

    Linux returns such a client like any other; the BSDs raise this (man 2 accept, ECONNABORTED).
    """

    fails = False

    def accept(self) -> tuple[socket.socket, object]:
        sock, address = super().accept()
        if self.fails:
            self.fails = False
            sock.close()
            raise ConnectionAbortedError("the client has left the queue")
        return sock, address


# --- in the learner's process


def drive(server: Callable[..., object]) -> Iterator[object]:
    """Let it serve; return the errors that it has reported, when Ctrl-C has ended it."""
    reported = []

    def answer(data: bytes) -> bytes:
        if data.startswith(b"type"):
            raise TypeError("a fault in answer()")
        if data.startswith(b"zero"):
            raise ZeroDivisionError("a fault in answer()")
        if data.startswith(b"abort"):
            listener.fails = True
        if data.startswith(b"ctrl-c"):
            raise KeyboardInterrupt
        return data.upper()

    with Listener() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()
        try:
            server(listener, answer, lambda error: reported.append(type(error).__name__))
        except KeyboardInterrupt:
            return reported
    return None


# --- the judge


def judge(exam: Exam) -> None:
    run = exam.run(drive)
    address = tuple(run.next())
    stays = exam.connect(address, "first client")
    with run.talking(
        {"TypeError": ANY, "ZeroDivisionError": ANY, "ConnectionAbortedError": LISTENER, "return": ANY}
    ):
        say(exam, stays)
        for word in exam.random.sample([b"type", b"zero"], 2):
            fails = exam.connect(address, "a client")
            fails.send(
                word, f"what makes answer() raise {'TypeError' if word == b'type' else 'ZeroDivisionError'}"
            )
            fails.expect_end(LEFT_OPEN)
            stays.said.append("silence, while answer() raises an error for another client")
            say(exam, stays, ANY)
        stays.send(
            b"abort", "silence, while another client leaves the queue, so that accept() raises an error"
        )
        stays.expect(b"ABORT", ANY)
        exam.connect(address)
        say(exam, stays, LISTENER)
        comes = exam.connect(address, "after accept() has raised an error once, a new client", LISTENER)
        say(exam, comes, LISTENER)
    interrupted(exam, run, stays)


def say(exam: Exam, peer: Peer, idea: str = "The answer is missing.") -> None:
    word = b"w" + exam.bytes(6)
    peer.send(word, idea=idea)
    peer.expect(word.upper(), idea)


def interrupted(exam: Exam, run: Run, stays: Peer) -> None:
    """Ctrl-C comes while answer() is at work."""
    stays.send(b"ctrl-c")
    run.sent = "a KeyboardInterrupt (Ctrl-C), raised in answer()"
    reported = run.result(2.0, idea=CTRL_C, clean=False)
    if reported is None:
        run.expect_equal("it has returned", "a KeyboardInterrupt that comes out of the server", CTRL_C)
    run.sent = "two clients for which answer() raised an error, and one for which accept() did"
    errors = {"TypeError": 1, "ZeroDivisionError": 1, "ConnectionAbortedError": 1}
    run.expect_equal({name: reported.count(name) for name in errors}, errors, TOLD)


EXERCISE = Exercise(
    id="5.4",
    title="One failing client leaves the others alive",
    name="sturdy_server",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(ONLY_OS_ERRORS, "may raise anything"),
        Wrong(AROUND_THE_LOOP, "must not reach the loop"),
        Wrong(NOT_CLOSED, "left waiting"),
        Wrong(CLOSES_THE_LISTENER, "The listener is well"),
        Wrong(EVERYTHING, "is Ctrl-C"),
        Wrong(SILENT, "nobody hears of"),
    ),
)
