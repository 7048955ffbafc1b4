"""Exercise 2.3: stop a server that waits in a call."""

import socket
import threading

from course_lib.coach.exam import Address, Exam
from course_lib.coach.exercise import Broke, Exercise, Failed, Wrong
from course_lib.coach.peer import Peer
from course_lib.coach.run import Run
from course_lib.lab.explain import one_line

# --- the task

STUB = '''
import socket


class Stoppable:
    """An echo server, one client at a time."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()

    def serve_forever(self):
        """Serve until `stop` is called; then close what is open, and return."""
        while True:
            client, address = self.listener.accept()
            with client:
                while data := client.recv(1024):
                    client.sendall(data)

    def stop(self):
        """Make `serve_forever` return within a second, wherever it waits. It may be called again."""
        ...
'''

HINTS = (
    "Three things are needed: a flag, so that the loops know that they shall end; something that wakes the"
    " thread from the call in which it waits; and an end in which the sockets are closed.",
    "The thread waits on the listener, or on the client that it serves now. So `stop` must be able to find"
    " that client: keep it in `self`. Then `shutdown(socket.SHUT_RDWR)` on both wakes every call.",
    "A call that was woken raises OSError, or returns b''. `serve_forever` expects that, looks at the flag,"
    " and leaves. And `shutdown` itself raises OSError on a socket that is closed or was shut down before:"
    " `contextlib.suppress(OSError)` around each.",
)

# --- right answers

SOLUTION = '''
import contextlib
import socket


class Stoppable:
    """An echo server, one client at a time."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.client = None
        self.stopping = False

    def serve_forever(self):
        """Serve until `stop` is called; then close what is open, and return."""
        with self.listener:
            while not self.stopping:
                with contextlib.suppress(OSError):  # the client has gone, or stop has woken us
                    self.client, address = self.listener.accept()
                    with self.client:
                        while not self.stopping and (data := self.client.recv(1024)):
                            self.client.sendall(data)

    def stop(self):
        """Make `serve_forever` return within a second, wherever it waits. It may be called again."""
        self.stopping = True
        for sock in (self.client, self.listener):
            with contextlib.suppress(OSError, AttributeError):  # closed already; no client yet
                sock.shutdown(socket.SHUT_RDWR)
'''

OTHER = """
import socket


class Stoppable:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(0.1)
        self.address = self.listener.getsockname()
        self.stopping = False

    def serve_forever(self):
        try:
            while not self.stopping:
                try:
                    client, _ = self.listener.accept()
                except TimeoutError:
                    continue
                with client:
                    client.settimeout(0.1)
                    self.serve(client)
        finally:
            self.listener.close()

    def serve(self, client):
        while not self.stopping:
            try:
                data = client.recv(1024)
                if not data:
                    return
                view = memoryview(data)
                while view and not self.stopping:
                    try:
                        view = view[client.send(view) :]
                    except TimeoutError:
                        pass
            except TimeoutError:
                pass
            except OSError:
                return

    def stop(self):
        self.stopping = True
"""

# --- wrong answers

FLAG = """
import socket


class Stoppable:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.stopping = False

    def serve_forever(self):
        with self.listener:
            while not self.stopping:
                client, address = self.listener.accept()
                with client:
                    while not self.stopping and (data := client.recv(1024)):
                        client.sendall(data)

    def stop(self):
        self.stopping = True
"""

CLOSE = """
import socket


class Stoppable:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()

    def serve_forever(self):
        try:
            while True:
                client, address = self.listener.accept()
                with client:
                    while data := client.recv(1024):
                        client.sendall(data)
        except OSError:
            pass

    def stop(self):
        self.listener.close()
"""

LISTENER_ONLY = """
import socket


class Stoppable:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()

    def serve_forever(self):
        with self.listener:
            try:
                while True:
                    client, address = self.listener.accept()
                    with client:
                        while data := client.recv(1024):
                            client.sendall(data)
            except OSError:
                pass

    def stop(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
"""

ESCAPES = """
import socket


class Stoppable:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.client = None
        self.stopping = False

    def serve_forever(self):
        with self.listener:
            while not self.stopping:
                self.client, address = self.listener.accept()
                with self.client:
                    while data := self.client.recv(1024):
                        self.client.sendall(data)

    def stop(self):
        self.stopping = True
        self.listener.shutdown(socket.SHUT_RDWR)
        if self.client:
            self.client.shutdown(socket.SHUT_RDWR)
"""

LEFT_OPEN = SOLUTION.replace("with self.listener:", "if True:")

ONLY_READING = SOLUTION.replace("sock.shutdown(socket.SHUT_RDWR)", "sock.shutdown(socket.SHUT_RD)")

ONCE = SOLUTION.replace("with contextlib.suppress(OSError, AttributeError):", "if sock is not None:")

# --- words and numbers of the judge

WAITS = (
    "An order was given to stop, and the thread waits on. Neither a flag nor `close` ends a call that is"
    " under way: the flag is looked at when the call returns, and the kernel keeps a closed socket alive for"
    " the call that uses it."
)

ENDLESS = 1 << 40
"""More bytes than any kernel keeps."""

KEPT = []
"""The servers live on: only what they close is closed."""


# --- in the learner's process


def drive(Stoppable, line_address):
    server = Stoppable()
    KEPT.append(server)
    with socket.create_connection(line_address) as line:
        obedient = threading.Thread(target=obey, args=(line, server), daemon=True)
        obedient.start()
        yield server.address
        try:
            server.serve_forever()
            yield "has returned"
            obedient.join()
        finally:
            line.shutdown(socket.SHUT_RDWR)
            obedient.join(1.0)


def obey(line, server):
    """Call ``stop`` for each byte that comes; answer with how that went. Ends with the line."""
    while (order := line.recv(1)) and order != b"q":
        try:
            server.stop()
            line.sendall(b"stopped\n")
        except Exception as error:
            line.sendall(one_line(error).encode() + b"\n")


# --- the judge


def judge(exam: Exam) -> None:
    in_accept(exam)
    in_recv(exam)
    in_sendall(exam)


def begin(exam: Exam) -> tuple[Run, Peer, Address]:
    """Return a run in which the server serves, the line by which ``stop`` is ordered, and its address."""
    listener = exam.listen()
    run = exam.run(drive, listener.address)
    line = listener.accept()
    return run, line, tuple(run.next())


def in_accept(exam: Exam) -> None:
    """Nobody has come. ``stop`` is called, and then once more."""
    run, line, _ = begin(exam)
    run.settle()
    run.sent = "stop(), while no client is there"
    order_stop(line, run)
    expect_return(run, WAITS)
    run.sent = "stop(), and when the server had ended, stop() again"
    order_stop(
        line,
        run,
        "The second call has nothing left to do. The sockets are closed by now, and most calls on them"
        " raise.",
    )
    line.send(b"q")
    run.result(idea="`serve_forever` has returned, and then nothing more.")


def in_recv(exam: Exam) -> None:
    """A client is served, and silent now."""
    run, line, address = begin(exam)
    client, word = exam.connect(address), exam.bytes(8)
    client.send(word)
    client.expect(word, "Before it is stopped, it is an echo server.")
    run.settle()
    run.sent = f"a client says {word!r} and is silent then; stop()"
    order_stop(line, run)
    expect_return(
        run,
        "It waits on another socket here: not for a client to come, but for the one that is there. `stop` has"
        " to reach that connection too, and end the call that waits on it.",
    )
    line.send(b"q")
    run.result(idea="`serve_forever` has returned, and then nothing more.")


def in_sendall(exam: Exam) -> None:
    """A client sends without end and reads nothing."""
    run, line, address = begin(exam)
    exam.connect(address, receive_buffer=16 * 1024).fill(run, bytes(256 * 1024), ENDLESS)
    run.settle()
    run.sent = "a client sends and reads nothing, until the server waits in sendall; stop()"
    order_stop(line, run)
    expect_return(
        run,
        "It can neither send nor go on. To end the reading side is not enough: a connection has two"
        " directions, and this call waits on the other one.",
    )
    line.send(b"q")
    run.result(idea="`serve_forever` has returned, and then nothing more.")


def order_stop(line: Peer, run: Run, idea: str = "") -> None:
    """Have ``stop`` called; it must return, and raise nothing."""
    line.send(b"s")
    said = b""
    try:
        while not said.endswith(b"\n"):
            said += line.receive(1)
    except Failed:
        expect_return(run, WAITS)
        raise Failed(
            run.sent, "stop() returns", "no end of it in time", "What does `stop` wait for?"
        ) from None
    if said != b"stopped\n":
        error = said.decode().strip()
        raise (
            Failed(run.sent, "stop() returns", error, idea) if idea else Broke(f"your stop() raised {error}")
        )


def expect_return(run: Run, idea: str) -> None:
    """Expect that ``serve_forever`` returns."""
    woken = (
        "So the thread was woken: a call that is woken raises this. But `serve_forever` is asked to return,"
        " and whoever has called it cannot tell this from an accident."
    )
    try:
        run.next(limit=1.5, idea=idea, ideas={"OSError": woken})
    except Failed as failure:
        failure.expected = "serve_forever returns"
        raise


EXERCISE = Exercise(
    id="2.3",
    title="Stop a server that waits",
    name="Stoppable",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(FLAG, "looked at when the call returns"),
        Wrong(CLOSE, "the kernel keeps a closed socket alive"),
        Wrong(LISTENER_ONLY, "reach that connection too"),
        Wrong(ESCAPES, "cannot tell this from an accident"),
        Wrong(LEFT_OPEN, "also end or close"),
        Wrong(ONLY_READING, "a connection has two directions"),
        Wrong(ONCE, "nothing left to do"),
    ),
    limit=15.0,
)
