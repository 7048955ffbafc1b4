"""Exercise 1.3: repair the article's server."""

from contextlib import suppress

from course_lib.coach.exam import Address, Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.peer import Peer
from course_lib.coach.run import Run

# --- the task

STUB = """
def better_server(listener):
    client, address = listener.accept()
    client.sendall(b"Welcome to the server!")
    while True:
        data = client.recv(1024).decode()
        client.sendall(f"The server received: {data}".encode())
        if data == "close":
            client.close()
"""

HINTS = (
    "One client after the other means a loop around the loop: the outer one accepts, the inner one talks.",
    "The inner loop must end in two ways: after `close` has been answered, and when `recv` returns b''. Look"
    " for b'' before you answer it. After the inner loop, close the client's socket.",
    "Put `try:` around all that is done with one client, the welcome included, and after it `except"
    " ConnectionError: pass`. The exception then ends one client, and the outer loop goes on.",
    "`with client:` closes the socket on every way out of its block, an exception included.",
)

# --- right answers

SOLUTION = """
def better_server(listener):
    while True:
        client, address = listener.accept()
        with client:
            try:
                client.sendall(b"Welcome to the server!")
                while data := client.recv(1024).decode():
                    client.sendall(f"The server received: {data}".encode())
                    if data == "close":
                        break
            except ConnectionError:
                pass
"""

OTHER = """
def talk(client):
    client.sendall(b"Welcome to the server!")
    data = b""
    while data != b"close":
        data = client.recv(1024)
        if not data:
            return
        client.sendall(b"The server received: " + data)


def better_server(listener):
    while True:
        client, _ = listener.accept()
        try:
            talk(client)
        except OSError as error:
            print("a client is lost:", error)
        finally:
            client.close()
"""

# --- wrong answers

BREAK_ONLY = """
def better_server(listener):
    client, address = listener.accept()
    client.sendall(b"Welcome to the server!")
    while True:
        data = client.recv(1024).decode()
        client.sendall(f"The server received: {data}".encode())
        if data == "close":
            client.close()
            break
"""

NO_BREAK = """
def better_server(listener):
    while True:
        client, address = listener.accept()
        client.sendall(b"Welcome to the server!")
        while True:
            data = client.recv(1024).decode()
            if not data:
                client.close()
                break
            client.sendall(f"The server received: {data}".encode())
            if data == "close":
                client.close()
"""

CLOSE_UNANSWERED = """
def better_server(listener):
    while True:
        client, address = listener.accept()
        with client:
            try:
                client.sendall(b"Welcome to the server!")
                while (data := client.recv(1024).decode()) and data != "close":
                    client.sendall(f"The server received: {data}".encode())
            except ConnectionError:
                pass
"""

NO_END = """
def better_server(listener):
    while True:
        client, address = listener.accept()
        with client:
            try:
                client.sendall(b"Welcome to the server!")
                while True:
                    data = client.recv(1024).decode()
                    client.sendall(f"The server received: {data}".encode())
                    if data == "close":
                        break
            except ConnectionError:
                pass
"""

SKIPS_THE_END = """
def better_server(listener):
    while True:
        client, address = listener.accept()
        with client:
            try:
                client.sendall(b"Welcome to the server!")
                while True:
                    data = client.recv(1024).decode()
                    if not data:
                        continue
                    client.sendall(f"The server received: {data}".encode())
                    if data == "close":
                        break
            except ConnectionError:
                pass
"""

NOT_CLOSED = """
def better_server(listener):
    while True:
        client, address = listener.accept()
        try:
            client.sendall(b"Welcome to the server!")
            while True:
                data = client.recv(1024).decode()
                if not data:
                    break
                client.sendall(f"The server received: {data}".encode())
                if data == "close":
                    client.close()
                    break
        except ConnectionError:
            pass
"""

NO_RESET = """
def better_server(listener):
    while True:
        client, address = listener.accept()
        with client:
            client.sendall(b"Welcome to the server!")
            while data := client.recv(1024).decode():
                client.sendall(f"The server received: {data}".encode())
                if data == "close":
                    break
"""

RESET_ENDS_ALL = """
def better_server(listener):
    try:
        while True:
            client, address = listener.accept()
            with client:
                client.sendall(b"Welcome to the server!")
                while data := client.recv(1024).decode():
                    client.sendall(f"The server received: {data}".encode())
                    if data == "close":
                        break
    except ConnectionError:
        pass
"""

WELCOME_OUTSIDE = """
def better_server(listener):
    while True:
        client, address = listener.accept()
        with client:
            client.sendall(b"Welcome to the server!")
            try:
                while data := client.recv(1024).decode():
                    client.sendall(f"The server received: {data}".encode())
                    if data == "close":
                        break
            except ConnectionError:
                pass
"""

# --- words and numbers of the judge

WELCOME = b"Welcome to the server!"
ANSWER = b"The server received: "

NEXT = "When one client is done, the server has to come back to `accept` for the next one."
DEAF = (
    "`recv` has returned b'': the client has ended its side, and will say nothing more. That is no message,"
    " and who asks again gets b'' again. This client is done: close its socket, and accept the next one."
)
OPEN = "The server is with the next client, and this one's connection is still open: nobody has closed it."
CLOSED = "A socket that had been closed was used again. After `close` there is nothing more to do with it."
BROKEN = "A client may break its connection at any moment. That must end this one client, and not the server."
BROKEN_EARLY = (
    "A connection may be broken before the server has said a word; then the welcome itself raises. Which"
    " ConnectionError it is depends on the moment."
)


# --- the judge


def judge(exam: Exam) -> None:
    run, address = exam.serve()
    try:
        visits(exam, address)
    except Failed as failure:
        raise death(run, failure) from None


def visits(exam: Exam, address: Address) -> None:
    """Six clients, each of which leaves in another way."""
    first = welcomed(exam, address, "nothing yet", NEXT)
    talk(exam, first)
    say_close(first)
    second = welcomed(exam, address, "one client that has said 'close'", NEXT)
    talk(exam, second)
    end(exam, second, address)
    third = welcomed(exam, address, "one client that has ended its side", NEXT)
    talk(exam, third)
    third.reset()
    fourth = welcomed(exam, address, "one client that has reset its connection", BROKEN)
    talk(exam, fourth)
    impatient = exam.connect(address)  # its turn comes after the fourth, and it does not wait so long
    impatient.end()
    impatient.reset()
    say_close(fourth)
    sixth = welcomed(exam, address, "one client that has reset its connection before its turn", BROKEN_EARLY)
    talk(exam, sixth)


def welcomed(exam: Exam, address: Address, after: str, idea: str) -> Peer:
    """Connect, and expect the welcome."""
    try:
        client = exam.connect(address)
        client.expect(WELCOME)
    except Failed as failure:
        raise Failed(f"{after}, then a new connection", repr(WELCOME), failure.got, idea) from None
    return client


def talk(exam: Exam, client: Peer) -> None:
    for _ in range(2):
        word = exam.bytes(7)
        client.send(word)
        client.expect(ANSWER + word, "Each message is answered by 'The server received: ' and the message.")


def say_close(client: Peer) -> None:
    """Say close; expect the answer, and the end."""
    client.send(b"close")
    client.expect(ANSWER + b"close", "`close` is a message too: it is answered, and then the server closes.")
    client.expect_end("The answer to `close` has come. Now the server has to close the connection.")


def end(exam: Exam, client: Peer, address: Address) -> None:
    """End the client's side; the server must say nothing, and close."""
    client.end()
    try:
        client.expect_end(DEAF)
    except Failed as failure:
        if not failure.got.startswith("b") and is_served(exam, address):
            raise Failed(failure.sent, failure.expected, failure.got, OPEN) from None
        raise


def is_served(exam: Exam, address: Address) -> bool:
    with suppress(Failed):
        exam.connect(address).expect(WELCOME, limit=0.8)
        return True
    return False


def death(run: Run, failure: Failed) -> Failed:
    """Return ``failure`` with what the function has come to, if it no longer runs."""
    ideas = {"ConnectionError": failure.idea, "OSError": CLOSED}
    try:
        run.result(limit=0.5, ideas=ideas, clean=False)
    except Failed as ending:
        if not ending.idea:
            return failure  # it runs on
        how, idea = f"your function has died: {ending.got}", ending.idea
    else:
        how, idea = "your function has returned", failure.idea
    return Failed(failure.sent, failure.expected, f"{failure.got}; {how}", idea)


EXERCISE = Exercise(
    id="1.3",
    title="The article's server, repaired",
    name="better_server",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(BREAK_ONLY, "come back to `accept`"),
        Wrong(NO_BREAK, "closed was used again"),
        Wrong(CLOSE_UNANSWERED, "is a message too"),
        Wrong(NO_END, "has ended its side"),
        Wrong(SKIPS_THE_END, "has ended its side"),
        Wrong(NOT_CLOSED, "nobody has closed it"),
        Wrong(NO_RESET, "end this one client"),
        Wrong(RESET_ENDS_ALL, "end this one client"),
        Wrong(WELCOME_OUTSIDE, "welcome itself raises"),
    ),
)
