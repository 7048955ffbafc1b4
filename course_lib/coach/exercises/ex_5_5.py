"""Exercise 5.5: clients that have been silent for too long."""

import time

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.peer import Peer

# --- the task

STUB = '''
import selectors
import time


def patient_server(listener, seconds):
    """Echo. A client that has said nothing for `seconds` is sent away: its connection is closed."""
    sel = selectors.DefaultSelector()
    sel.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in sel.select():
            if key.fileobj is listener:
                conn, address = listener.accept()
                sel.register(conn, selectors.EVENT_READ)
            elif data := key.fileobj.recv(1024):
                key.fileobj.sendall(data)
            else:
                sel.unregister(key.fileobj)
                key.fileobj.close()
'''

HINTS = (
    "Note for each connection when it has spoken last: `last = {}`, `last[conn] = time.monotonic()`, when it"
    " comes and whenever it speaks. (time.time() may jump when somebody sets the clock.)",
    "`select(timeout)` must return when the first of them is due: that is `min(last.values()) + seconds -"
    " time.monotonic()`, and None when nobody is connected. A timeout below 0 counts as 0.",
    "After each `select`, whether it has returned anything or not, go through `list(last)` and send away all"
    " whose time is over. Do not forget to take out of `last` whoever leaves.",
)

# --- right answers

SOLUTION = '''
import selectors
import time


def patient_server(listener, seconds):
    """Echo. A client that has said nothing for `seconds` is sent away: its connection is closed."""
    sel = selectors.DefaultSelector()
    sel.register(listener, selectors.EVENT_READ)
    last = {}

    def close(conn):
        del last[conn]
        sel.unregister(conn)
        conn.close()

    while True:
        timeout = min(last.values()) + seconds - time.monotonic() if last else None
        for key, mask in sel.select(timeout):
            if key.fileobj is listener:
                conn, address = listener.accept()
                sel.register(conn, selectors.EVENT_READ)
                last[conn] = time.monotonic()
            elif data := key.fileobj.recv(1024):
                key.fileobj.sendall(data)
                last[key.fileobj] = time.monotonic()
            else:
                close(key.fileobj)
        for conn, spoke in list(last.items()):
            if time.monotonic() - spoke >= seconds:
                close(conn)
'''

OTHER = """
import heapq
import selectors
import time
from types import SimpleNamespace


def patient_server(listener, seconds):
    sel = selectors.DefaultSelector()
    sel.register(listener, selectors.EVENT_READ)
    due, count = [], 0

    def drop(client):
        if not client.gone:
            client.gone = True
            sel.unregister(client.conn)
            client.conn.close()

    def alarm(client):
        nonlocal count
        count += 1
        client.at = time.monotonic() + seconds
        heapq.heappush(due, (client.at, count, client))

    while True:
        now = time.monotonic()
        while due and (due[0][0] <= now or due[0][2].gone or due[0][0] < due[0][2].at):
            at, _, client = heapq.heappop(due)
            if at >= client.at:
                drop(client)
        for key, _ in sel.select(due[0][0] - now if due else None):
            if key.data is None:
                conn, _ = listener.accept()
                client = SimpleNamespace(conn=conn, gone=False, at=0)
                sel.register(conn, selectors.EVENT_READ, client)
                alarm(client)
            else:
                data = key.fileobj.recv(65536)
                if data:
                    key.fileobj.sendall(data)
                    alarm(key.data)
                else:
                    drop(key.data)
"""

# --- wrong answers

ONLY_WHEN_QUIET = """
import selectors
import time


def patient_server(listener, seconds):
    sel = selectors.DefaultSelector()
    sel.register(listener, selectors.EVENT_READ)
    last = {}
    while True:
        ready = sel.select(seconds / 2)
        if not ready:
            for conn in list(last):
                if time.monotonic() - last[conn] >= seconds:
                    del last[conn]
                    sel.unregister(conn)
                    conn.close()
        for key, mask in ready:
            if key.fileobj is listener:
                conn, address = listener.accept()
                sel.register(conn, selectors.EVENT_READ)
                last[conn] = time.monotonic()
            elif data := key.fileobj.recv(1024):
                key.fileobj.sendall(data)
                last[key.fileobj] = time.monotonic()
            else:
                del last[key.fileobj]
                sel.unregister(key.fileobj)
                key.fileobj.close()
"""

ONLY_AT_EVENTS = SOLUTION.replace("sel.select(timeout)", "sel.select()").replace(
    "        timeout = min(last.values()) + seconds - time.monotonic() if last else None\n", ""
)

SINCE_IT_CAME = SOLUTION.replace("                last[key.fileobj] = time.monotonic()\n", "")

POLLS = SOLUTION.replace("sel.select(timeout)", "sel.select(0)")

FORGETS_TO_FORGET = SOLUTION.replace(
    """            else:
                close(key.fileobj)
""",
    """            else:
                sel.unregister(key.fileobj)
                key.fileobj.close()
""",
)

FULL_TIME = SOLUTION.replace("sel.select(timeout)", "sel.select(seconds)").replace(
    "        timeout = min(last.values()) + seconds - time.monotonic() if last else None\n", ""
)

SETTIMEOUT = """
import selectors
import time


def patient_server(listener, seconds):
    sel = selectors.DefaultSelector()
    sel.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in sel.select():
            if key.fileobj is listener:
                conn, address = listener.accept()
                conn.settimeout(seconds)
                sel.register(conn, selectors.EVENT_READ)
                continue
            try:
                data = key.fileobj.recv(1024)
            except TimeoutError:
                data = b""
            if data:
                key.fileobj.sendall(data)
            else:
                sel.unregister(key.fileobj)
                key.fileobj.close()
"""

# --- words and numbers of the judge

NOBODY_LOOKS = (
    "Nothing happens on any connection, so nothing wakes `select`, unless it has a timeout: the time until"
    " the first client is due."
)
OTHERS_TALK = (
    "One client talks all the time, and the silent one beside it has used up its time: that is its own,"
    " whatever others do. Look for clients that are due after each `select`, also when it has returned"
    " something."
)
LATE = (
    "It was sent away, but late: another client came shortly before, and `select` began to wait its full time"
    " once more. The timeout is what is left until the first client is due."
)
SPOKE = "The time runs from the last word of a client, not from the moment at which it came."
TOO_EARLY = "Each client has its own time. This one has not used it up."
SLEEPS = "Between two events `select` can sleep, for as long as it takes until the first client is due."
LEFT = (
    "A client that has left by itself must be forgotten with its time, or the server sends it away a second"
    " time."
)

SECONDS = 0.8
STEP = 0.1


# --- the judge


def judge(exam: Exam) -> None:
    run, address = exam.serve(SECONDS)
    with run.talking({"KeyError": LEFT, "ValueError": LEFT, "OSError": LEFT}):
        gone = exam.connect(address, "a client")
        exam.echo(gone, "The echo is missing.")
        gone.end()
        gone.expect_end("The end of the stream is answered by closing, as before.")
        alone = exam.connect(address, "a silent client, and no other")
        came = time.monotonic()
        run.settle(0.2)
        run.sent = "nothing: one client is connected, and not yet due"
        run.expect_idle(SLEEPS)
        time.sleep(max(0.0, came + SECONDS - 0.1 - time.monotonic()))
        exam.connect(address)  # its time begins when that of the other one is nearly over
        alone.said.append(f"nothing for more than {SECONDS:g} s")
        alone.expect_end(NOBODY_LOOKS)
        if time.monotonic() > came + 1.6 * SECONDS:
            raise Failed(alone.sent, "the end of the stream then", "it, after nearly twice that time", LATE)
        in_company(exam, address)


def in_company(exam: Exam, address: tuple[str, int]) -> None:
    """One client talks all the time, one is silent."""
    talks = exam.connect(address, "a client that says something every 0.1 s")
    start = time.monotonic()
    silent = exam.connect(address, "a silent client, beside one that talks")
    silent.said.append(f"nothing for more than {SECONDS:g} s")
    silent.sock.setblocking(False)
    left = 0.0
    while time.monotonic() - start < 3 * SECONDS and not (left and time.monotonic() - start > 1.4 * SECONDS):
        exam.echo(talks, SPOKE)
        talks.said[:] = ["words every 0.1 s"]
        if not left and has_ended(silent):
            left = time.monotonic() - start
            if left < 0.9 * SECONDS:
                raise Failed("nothing, for less than its time", "an open connection", "its end", TOO_EARLY)
        time.sleep(STEP)
    if not left:
        raise Failed(silent.sent, "the end of the stream", "nothing", OTHERS_TALK)


def has_ended(peer: Peer) -> bool:
    try:
        return peer.sock.recv(1024) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


EXERCISE = Exercise(
    id="5.5",
    title="Clients that are silent for too long",
    name="patient_server",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(ONLY_WHEN_QUIET, "One client talks all the time"),
        Wrong(ONLY_AT_EVENTS, "so nothing wakes `select`"),
        Wrong(SINCE_IT_CAME, "from the last word"),
        Wrong(POLLS, "can sleep"),
        Wrong(FORGETS_TO_FORGET, "must be forgotten"),
        Wrong(FULL_TIME, "what is left until"),
        Wrong(SETTIMEOUT, "so nothing wakes `select`"),
    ),
    core=False,
)
