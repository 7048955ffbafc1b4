"""Exercise 2.1: a thread for each client."""

import socket
import threading

from course_lib.coach.exam import Address, Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.peer import Peer
from course_lib.coach.run import Run

# --- the task

STUB = '''
import threading


def serve_each(listener, handle):
    """Accept clients for ever, and let `handle(client)` run for each in a thread of its own."""
    ...
'''

HINTS = (
    "Two things go on at once. The thread that accepts does nothing but accept and start threads, for ever."
    " Everything that may wait for a client belongs into that client's thread.",
    "`threading.Thread(target=function, args=(client,), daemon=True).start()` returns at once, while"
    " `function(client)` runs. `target=handle(client)` would call it at once, before there is a thread.",
    "Who closes the socket? Only the client's thread knows when `handle` has returned or raised. So let the"
    " thread run a small function of yours: `with client:`, and in that block `handle(client)`.",
)

# --- right answers

SOLUTION = '''
import threading


def serve_each(listener, handle):
    """Accept clients for ever, and let `handle(client)` run for each in a thread of its own."""

    def run(client):
        with client:
            handle(client)

    while True:
        client, address = listener.accept()
        threading.Thread(target=run, args=(client,), daemon=True).start()
'''

OTHER = """
from threading import Thread


class ClientThread(Thread):
    def __init__(self, client, handle):
        super().__init__(daemon=True)
        self.client = client
        self.handle = handle

    def run(self):
        try:
            self.handle(self.client)
        finally:
            self.client.close()


def serve_each(listener, handle):
    while True:
        ClientThread(listener.accept()[0], handle).start()
"""

# --- wrong answers

CALLED_FIRST = """
import threading


def serve_each(listener, handle):
    while True:
        client, address = listener.accept()
        with client:
            threading.Thread(target=handle(client)).start()
"""

JOINED = """
import threading


def serve_each(listener, handle):
    while True:
        client, address = listener.accept()
        with client:
            thread = threading.Thread(target=handle, args=(client,))
            thread.start()
            thread.join()
"""

CLOSED_EARLY = """
import threading


def serve_each(listener, handle):
    while True:
        client, address = listener.accept()
        with client:
            threading.Thread(target=handle, args=(client,)).start()
"""

ONCE = """
import threading


def serve_each(listener, handle):
    client, address = listener.accept()
    threading.Thread(target=handle, args=(client,)).start()
"""

NOT_STARTED = """
import threading


def serve_each(listener, handle):
    while True:
        client, address = listener.accept()
        threading.Thread(target=handle, args=(client,))
"""

POOL = """
from concurrent.futures import ThreadPoolExecutor


def serve_each(listener, handle):
    def run(client):
        with client:
            handle(client)

    with ThreadPoolExecutor(16) as pool:
        while True:
            pool.submit(run, listener.accept()[0])
"""

NOT_CLOSED = """
import threading


def serve_each(listener, handle):
    while True:
        client, address = listener.accept()
        threading.Thread(target=handle, args=(client,)).start()
"""

NOT_AFTER_AN_ERROR = """
import threading


def serve_each(listener, handle):
    def run(client):
        handle(client)
        client.close()

    while True:
        client, address = listener.accept()
        threading.Thread(target=run, args=(client,)).start()
"""

# --- words and numbers of the judge

TROUBLE = b"trouble"
CROWD = 40


class Trouble(Exception):
    """What ``echo`` raises when it is asked to."""


# --- in the learner's process


def drive(serve_each, backlog):
    threading.excepthook = quiet(threading.excepthook)
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as listener:
        yield listener.getsockname()
        serve_each(listener, echo)


def echo(client):
    while data := client.recv(1024):
        if data == TROUBLE:
            raise Trouble
        client.sendall(data)


def quiet(hook):
    """Return a hook for errors of threads that does not show the one which is meant to be."""
    return lambda arguments: None if arguments.exc_type is Trouble else hook(arguments)


# --- the judge


def judge(exam: Exam) -> None:
    run = exam.run(drive, 2 * CROWD)
    address: Address = tuple(run.next())
    try:
        all_at_once(exam, run, address)
        endings(exam, address)
    except Failed as failure:
        look_for_the_end(run, failure)
        raise


def all_at_once(exam: Exam, run: Run, address: Address) -> None:
    """One client, one more beside it, and one beside a crowd of silent ones."""
    first = exam.connect(address, "a client")
    run.settle()  # so that whoever closes too early has done so
    talk(
        exam,
        first,
        "`handle` was not called with the client's socket: is there a thread for it, and was it started?",
        "The socket was closed while `handle` still needed it. `start` returns at once, so after it you"
        " cannot know that the thread has finished; only the thread itself knows.",
    )
    waits = (
        "The first client is still there and silent, and the second is not served: the thread that accepts"
        " waits for the first one. It must be back in `accept` at once."
    )
    talk(exam, exam.connect(address, "a second client, while the first is silent", waits), waits)
    crowd = [exam.connect(address) for _ in range(CROWD)]
    bounded = (
        "Some neighbors may be silent, and many may not: the number of threads has a limit. Each client needs"
        " a thread of its own, however many there are."
    )
    talk(exam, exam.connect(address, f"a client, while {len(crowd)} others are silent", bounded), bounded)


def endings(exam: Exam, address: Address) -> None:
    """A client ends its side; for another ``handle`` raises."""
    leaver = exam.connect(address, "a client")
    talk(exam, leaver, "Clients that come later must be served like the first.")
    leaver.end()
    leaver.expect_end(
        "`handle` has returned, and nobody has closed the socket. The client still waits for the end of the"
        " stream, and the server keeps a descriptor for nobody."
    )
    unlucky = exam.connect(address, "a client for which `handle` raises an exception")
    unlucky.send(TROUBLE)
    unlucky.expect_end(
        "`handle` has raised an exception, and the socket is still open. It must be closed on every way out."
    )
    talk(exam, exam.connect(address, "the next client"), "After an error of one client the others go on.")


def talk(exam: Exam, peer: Peer, silence: str, cut_off: str = "") -> None:
    """Say a word and expect it back; the idea depends on what comes instead."""
    word = exam.bytes(8)
    try:
        peer.send(word)
        peer.expect(word)
    except Failed as failure:
        failure.idea = silence if "nothing more" in failure.got else cut_off or silence
        raise


def look_for_the_end(run: Run, failure: Failed) -> None:
    """Raise what has ended the learner's function, where it has ended."""
    try:
        run.result(limit=0.2, clean=False)
    except Failed:
        return  # it runs
    raise Failed(
        failure.sent,
        "a function that goes on accepting",
        "its end: it has returned",
        "One `accept` is one client. The next one needs another call, and there is always a next one.",
    )


EXERCISE = Exercise(
    id="2.1",
    title="A thread for each client",
    name="serve_each",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(CALLED_FIRST, "back in `accept` at once"),
        Wrong(JOINED, "back in `accept` at once"),
        Wrong(CLOSED_EARLY, "closed while `handle` still needed it"),
        Wrong(ONCE, "needs another call"),
        Wrong(NOT_STARTED, "was it started"),
        Wrong(POOL, "the number of threads has a limit"),
        Wrong(NOT_CLOSED, "keeps a descriptor for nobody"),
        Wrong(NOT_AFTER_AN_ERROR, "on every way out"),
    ),
)
