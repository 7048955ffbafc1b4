"""Exercise 4.1: an echo server on select, which waits for nobody."""

from course_lib.coach.exam import Address, Exam
from course_lib.coach.exercise import Exercise, Wrong
from course_lib.coach.peer import Peer
from course_lib.coach.run import Run

# --- the task

STUB = '''
import select


def select_echo(listener):
    """Send each client's bytes back to it, for ever: many clients, one thread, one `select`."""
    ...
'''

HINTS = (
    "Keep a dict from each client's socket to the bytes that it has not taken yet. Its keys, with the"
    " listener, are what you want to read from; those with bytes left are what you want to write to.",
    "A readable listener: `accept`, `setblocking(False)`, and a new entry with no bytes. A readable client:"
    " `recv`, and add what came to its bytes. Do not send here: the client will be in the writable list of"
    " the next round.",
    "A writable client: `sent = sock.send(...)` says how many bytes the kernel took. Keep the bytes"
    " after those.",
    "When `recv` returns b'' or raises ConnectionError, delete the entry and close the socket. The same"
    " socket may be in the writable list of this round: look whether its entry is still there. `send` may"
    " raise ConnectionError too.",
)

# --- right answers

SOLUTION = '''
import select


def select_echo(listener):
    """Send each client's bytes back to it, for ever: many clients, one thread, one `select`."""
    unsent = {}  # each client's socket, and the bytes that it has not taken yet
    while True:
        writers = [sock for sock in unsent if unsent[sock]]
        readable, writable, _ = select.select([listener, *unsent], writers, [])
        for sock in readable:
            if sock is listener:
                client, address = listener.accept()
                client.setblocking(False)
                unsent[client] = b""
                continue
            try:
                data = sock.recv(65536)
            except ConnectionError:
                data = b""
            unsent[sock] += data
            if not data:
                del unsent[sock]
                sock.close()
        for sock in set(writable) & set(unsent):
            try:
                sent = sock.send(unsent[sock])
                unsent[sock] = unsent[sock][sent:]
            except ConnectionError:
                pass  # recv says so too, and soon
'''

OTHER = """
import select


class Client:
    def __init__(self, sock):
        self.sock, self.out, self.open = sock, bytearray(), True
        sock.setblocking(False)

    def fileno(self):
        return self.sock.fileno()

    def read(self):
        data = self.sock.recv(4096)
        self.out += data
        self.open = bool(data)

    def write(self):
        del self.out[: self.sock.send(self.out)]


def attempt(client, call):
    try:
        call()
    except BlockingIOError:
        pass
    except OSError:
        client.open = False


def select_echo(listener):
    clients = []
    listener.setblocking(False)
    while True:
        readable, writable, _ = select.select(
            [listener] + [client for client in clients if len(client.out) < 100_000],
            [client for client in clients if client.out],
            [],
        )
        for client in readable:
            if client is listener:
                clients.append(Client(listener.accept()[0]))
            else:
                attempt(client, client.read)
                attempt(client, client.write)
        for client in writable:
            attempt(client, client.write)
        for client in clients:
            if not client.open:
                client.sock.close()
        clients = [client for client in clients if client.open]
"""

# --- wrong answers

HEAD = """
import select


def select_echo(listener):
    unsent = {}
    while True:
        readable, writable, _ = select.select([listener, *unsent], [s for s in unsent if unsent[s]], [])
        for sock in readable:
            if sock is listener:
                client, address = listener.accept()
                client.setblocking(False)
                unsent[client] = b""
                continue
"""

WAITS_FOR_THE_FIRST_WORD = """
import select


def select_echo(listener):
    clients = []
    while True:
        readable, _, _ = select.select([listener, *clients], [], [])
        for sock in readable:
            if sock is listener:
                sock, address = listener.accept()
                clients.append(sock)
            data = sock.recv(65536)
            if data:
                sock.sendall(data)
            else:
                clients.remove(sock)
                sock.close()
"""

BLOCKING_SENDALL = """
import select


def select_echo(listener):
    clients = []
    while True:
        readable, _, _ = select.select([listener, *clients], [], [])
        for sock in readable:
            if sock is listener:
                clients.append(listener.accept()[0])
                continue
            try:
                data = sock.recv(65536)
                sock.sendall(data)
            except ConnectionError:
                data = b""
            if not data:
                clients.remove(sock)
                sock.close()
"""

NONBLOCKING_SENDALL = BLOCKING_SENDALL.replace(
    "clients.append(listener.accept()[0])",
    "client, address = listener.accept()\n                client.setblocking(False)\n"
    "                clients.append(client)",
)

SENDS_BLINDLY = NONBLOCKING_SENDALL.replace("sock.sendall(data)", "sock.send(data)").replace(
    "            except ConnectionError:",
    "            except BlockingIOError:\n                pass\n            except ConnectionError:",
)

LOSES_THE_TAIL = (
    HEAD
    + """
            data = sock.recv(65536)
            if not data:
                del unsent[sock]
                sock.close()
            else:
                unsent[sock] += data
        for sock in writable:
            if sock in unsent:
                sock.send(unsent[sock])
                unsent[sock] = b""
"""
)

NO_END = (
    HEAD
    + """
            try:
                unsent[sock] += sock.recv(65536)
            except ConnectionError:
                del unsent[sock]
                sock.close()
        for sock in writable:
            if sock in unsent:
                sent = sock.send(unsent[sock])
                unsent[sock] = unsent[sock][sent:]
"""
)

NO_RESET = (
    HEAD
    + """
            data = sock.recv(65536)
            unsent[sock] += data
            if not data:
                del unsent[sock]
                sock.close()
        for sock in writable:
            if sock in unsent:
                sent = sock.send(unsent[sock])
                unsent[sock] = unsent[sock][sent:]
"""
)

BLOCKING_SEND = SOLUTION.replace("                client.setblocking(False)\n", "")

NOT_CLOSED = (
    SOLUTION.replace("del unsent[sock]\n                sock.close()", "gone.append(sock)")
    .replace("    while True:", "    gone = []\n    while True:")
    .replace("if unsent[sock]]", "if unsent[sock] and sock not in gone]")
    .replace("[listener, *unsent]", "[listener, *(sock for sock in unsent if sock not in gone)]")
)

CLOSED_IS_WRITTEN_TO = SOLUTION.replace("set(writable) & set(unsent)", "writable")

CLOSED_STAYS = SOLUTION.replace("                del unsent[sock]\n", "")

ALWAYS_WRITERS = SOLUTION.replace("[sock for sock in unsent if unsent[sock]]", "list(unsent)")

NEVER_SLEEPS = SOLUTION.replace("writers, [])", "writers, [], 0)")

# --- words and numbers of the judge

ONE_WAITS = (
    "Three clients are connected, and one of them speaks. Only `select` may wait: it waits for all of them."
)
ONE_DEAF = (
    "This client sends much and does not read yet, so the kernel takes no more bytes for it. Who waits until"
    " it does, as `send` and `sendall` do on a blocking socket, lets all others wait with it."
)
NO_ROOM = (
    "On a non-blocking socket `sendall` and `send` raise BlockingIOError where the kernel has no room. What"
    " is left of the bytes must be kept until the client is writable."
)
LOST = (
    "`send` takes as many bytes as there is room for, and returns that number. The others are still to be"
    " sent, in order, when `select` says that the client is writable."
)
LEFT = (
    "A client that has left is readable: `recv` returns b'', at once and every time. Its socket must be"
    " closed, and be in none of the lists any more."
)
RESET = (
    "A client may break its connection at any moment; `recv` or `send` then raises a ConnectionError. That is"
    " the end of this client, and not of the server."
)
STALE = (
    "A client that had been given up has turned up again. One round of `select` may return the same socket in"
    " two lists, and lists of your own may still hold it."
)
BUSY = (
    "Nobody speaks, so `select` should sleep. It returns at once when its timeout is 0, when a client that"
    " has left is still watched, and when a client is watched for writing without need: there is nearly"
    " always room."
)

STALE_ERRORS = {"OSError": STALE, "ValueError": STALE, "KeyError": STALE}

DEAF_BYTES = 2 * 1024 * 1024 + 512 * 1024
"""More than the kernels keep between the two: at least a megabyte of answers waits in the server."""


# --- the judge


def judge(exam: Exam) -> None:
    run, address = exam.serve()
    clients = [exam.connect(address, f"{name} client") for name in ("first", "second", "third")]
    take_turns(exam, run, clients)
    deaf_client(exam, run, address, clients[0])
    leavers(exam, run, address, clients)
    run.sent = "nothing: two clients are connected and silent, the others have left"
    run.expect_idle(BUSY)
    exam.scenario("idle_neighbour", "That many clients are no reason to wait for one of them.")


def take_turns(exam: Exam, run: Run, clients: list[Peer]) -> None:
    """The one that came last speaks first."""
    run.settle()
    with run.talking():
        for client in (*reversed(clients), *clients):
            exam.echo(client, ONE_WAITS)


def deaf_client(exam: Exam, run: Run, address: Address, other: Peer) -> None:
    """One client sends and does not read; another one is served; then the first gets every byte."""
    deaf = exam.connect(address, receive_buffer=16 * 1024)
    data = exam.random.randbytes(DEAF_BYTES)
    with run.talking({"BlockingIOError": NO_ROOM}):
        taken = deaf.fill(run, data, idea=ONE_DEAF)
        run.settle()
        say_after(
            exam, other, f"a client sends {taken:,} bytes and does not read yet", ONE_DEAF, "another one"
        )
        read = taken // 6
        deaf.expect(data[:read], LOST, limit=3.0)  # now there is room for a part
        run.settle()
        what = f"a client sends {taken:,} bytes, reads {read:,} and pauses"
        say_after(exam, other, what, ONE_DEAF, "another one")
    with run.talking():
        deaf.expect(data[read:taken], LOST, limit=3.0)
    deaf.close()


def leavers(exam: Exam, run: Run, address: Address, clients: list[Peer]) -> None:
    """Clients leave in three ways; those who stay are served."""
    stays, ends, resets = clients
    with run.talking({"ConnectionError": RESET, **STALE_ERRORS}):
        ends.said.clear()
        ends.end()
        ends.expect_end(LEFT)
        ends.close()
        for _ in range(2):
            say_after(exam, stays, "another client ends its side and leaves", LEFT)
        resets.reset()
        say_after(exam, stays, "another client resets its connection", RESET)
        hasty = exam.connect(address, receive_buffer=16 * 1024)
        taken = hasty.fill(run, exam.random.randbytes(DEAF_BYTES), idea=ONE_DEAF)
        run.settle()
        hasty.reset()  # while answers wait for it: it is readable and writable in the same round
        say_after(
            exam, stays, f"a client sends {taken:,} bytes, reads none, and resets its connection", RESET
        )
        exam.connect(address, idea=RESET)


def say_after(exam: Exam, client: Peer, what: str, idea: str, who: str = "one that stays") -> None:
    client.said.clear()
    client.name = f"{what}; then {who} sends "
    exam.echo(client, idea)


EXERCISE = Exercise(
    id="4.1",
    title="Echo on select",
    name="select_echo",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(WAITS_FOR_THE_FIRST_WORD, "Only `select` may wait"),
        Wrong(BLOCKING_SENDALL, "lets all others wait with it"),
        Wrong(BLOCKING_SEND, "lets all others wait with it"),
        Wrong(NONBLOCKING_SENDALL, "must be kept until"),
        Wrong(SENDS_BLINDLY, "still to be sent, in order"),
        Wrong(LOSES_THE_TAIL, "still to be sent, in order"),
        Wrong(NO_END, "socket must be closed"),
        Wrong(NOT_CLOSED, "socket must be closed"),
        Wrong(NO_RESET, "not of the server"),
        Wrong(CLOSED_IS_WRITTEN_TO, "turned up again"),
        Wrong(CLOSED_STAYS, "turned up again"),
        Wrong(ALWAYS_WRITERS, "nearly always room"),
        Wrong(NEVER_SLEEPS, "timeout is 0"),
    ),
)
