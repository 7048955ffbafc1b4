"""Exercise 1.4: text as it comes, and no half characters."""

import socket
from contextlib import suppress

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Failed, Wrong
from course_lib.coach.run import Run

# --- the task

STUB = '''
def texts(sock):
    """Yield the text that comes from `sock`, UTF-8, as soon as it comes, until the stream ends.

    Each piece is a str that is not empty. Raise UnicodeDecodeError where the bytes are not UTF-8, and
    where the stream ends in the middle of a character.
    """
    yield ...
'''

HINTS = (
    "A generator: a loop with one `recv` and one `yield`. It may hand on only the characters that are whole,"
    " and has to keep the bytes of the one that is not.",
    "`codecs.getincrementaldecoder('utf-8')()` makes an object that does the keeping. Make it once, before"
    " the loop. What its `decode` returns may be empty: then there is nothing to yield yet.",
    "When `recv` has returned b'', tell the decoder that this was all: `decode(b'', final=True)` raises if"
    " half a character is left.",
)

# --- right answers

SOLUTION = '''
import codecs


def texts(sock):
    """Yield the text that comes from `sock`, UTF-8, as soon as it comes, until the stream ends."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    while data := sock.recv(1024):
        if text := decoder.decode(data):
            yield text
    decoder.decode(b"", final=True)
'''

OTHER = """
def texts(sock):
    kept = b""
    while data := sock.recv(1024):
        kept += data
        try:
            text, kept = kept.decode(), b""
        except UnicodeDecodeError as error:
            if error.reason != "unexpected end of data":
                raise
            text, kept = kept[: error.start].decode(), kept[error.start :]
        if text:
            yield text
    kept.decode()
"""

# --- wrong answers

ONE_RECV = """
def texts(sock):
    yield sock.recv(1024).decode(errors="ignore")
"""

CHUNK_BY_CHUNK = """
def texts(sock):
    while data := sock.recv(1024):
        yield data.decode()
"""

REPLACES = """
def texts(sock):
    while data := sock.recv(1024):
        yield data.decode(errors="replace")
"""

IGNORES = """
def texts(sock):
    while data := sock.recv(1024):
        if text := data.decode(errors="ignore"):
            yield text
"""

NEW_DECODER = """
import codecs


def texts(sock):
    while data := sock.recv(1024):
        decoder = codecs.getincrementaldecoder("utf-8")()
        if text := decoder.decode(data):
            yield text
"""

ALL_AT_ONCE = """
def texts(sock):
    data = b""
    while piece := sock.recv(1024):
        data += piece
    yield data.decode()
"""

EMPTY = """
import codecs


def texts(sock):
    decoder = codecs.getincrementaldecoder("utf-8")()
    while data := sock.recv(1024):
        yield decoder.decode(data)
    decoder.decode(b"", final=True)
"""

NOT_FINAL = """
import codecs


def texts(sock):
    decoder = codecs.getincrementaldecoder("utf-8")()
    while data := sock.recv(1024):
        if text := decoder.decode(data):
            yield text
"""

FORGIVING = """
import codecs


def texts(sock):
    decoder = codecs.getincrementaldecoder("utf-8")(errors="ignore")
    while data := sock.recv(1024):
        if text := decoder.decode(data):
            yield text
    decoder.decode(b"", final=True)
"""

LEAVES_OUT = """
def texts(sock):
    kept = b""
    while data := sock.recv(1):
        kept += data
        try:
            yield kept.decode()
            kept = b""
        except UnicodeDecodeError as error:
            if error.reason != "unexpected end of data":
                kept = b""
    kept.decode()
"""

NO_END = """
import codecs


def texts(sock):
    decoder = codecs.getincrementaldecoder("utf-8")()
    while True:
        if text := decoder.decode(sock.recv(1024)):
            yield text
"""

# --- words and numbers of the judge

SOON = "These characters are whole. They are wanted now, not when more has come or the stream has ended."
HALF = "A character had come in part, and its other bytes were on the way. Keep the part until they come."
OVER = "The stream has not ended, so the generator must not either: go round, and `recv` again."
ENDED = "`recv` has returned b'': the stream has ended. Then the generator ends, too."
BROKEN = "The stream has ended in the middle of a character. Nobody will complete it: the text is damaged."
NO_TEXT = "0xFF stands nowhere in UTF-8. Who leaves it out, or puts something in its place, hides the damage."


# --- in the learner's process


def drive(texts, address):
    with socket.create_connection(address) as sock:
        yield from texts(sock)


# --- the judge


def judge(exam: Exam) -> None:
    talk(exam)
    word, part = exam.word(5), exam.random.choice("字語水🙂").encode()[:2]
    expect_error(exam, word.encode() + part, BROKEN)
    expect_error(exam, word.encode() + b"\xff" + word.encode(), NO_TEXT)


def talk(exam: Exam) -> None:
    """Characters of one to four bytes; the long ones come byte by byte."""
    listener = exam.listen()
    run = exam.run(drive, listener.address)
    peer = listener.accept()
    for letters in ("abcdefg", "éñøß", "字語水", "🙂🐍🎈"):
        word, character = exam.word(4), exam.random.choice(letters)
        data = character.encode()
        first = word.encode() + data[:1]
        with suppress(Failed):
            peer.send(first)
        run.sent = repr(first)
        expect_text(run, word if len(data) > 1 else word + character, SOON)
        for index in range(1, len(data)):
            run.settle()
            with suppress(Failed):  # nobody takes it where the code has died: the next step tells of what
                peer.send(data[index : index + 1])
            run.sent += f", then {data[index : index + 1]!r}"
        if len(data) > 1:
            expect_text(run, character, HALF)
    with suppress(Failed):
        peer.end()
    run.sent += ", then the end of the stream"
    run.result(idea=ENDED)


def expect_text(run: Run, wanted: str, idea: str) -> None:
    """Expect that the next pieces make ``wanted``."""
    got = ""
    while len(got) < len(wanted):
        try:
            piece = run.next(idea=idea, ideas={"UnicodeDecodeError": HALF})
        except Failed as failure:
            idea = OVER if failure.got == "an early end" else failure.idea
            raise Failed(failure.sent, repr(wanted), failure.got, idea) from None
        if not isinstance(piece, str):
            raise Failed(run.sent, repr(wanted), repr(piece), "The pieces are text: yield what was decoded.")
        if not piece:
            idea = "A part of a character is no text yet. Wait for the rest, and yield nothing until then."
            raise Failed(run.sent, repr(wanted), "the empty piece ''", idea)
        got += piece
    if got != wanted:
        raise Failed(run.sent, repr(wanted), repr(got), HALF)


def expect_error(exam: Exam, data: bytes, idea: str) -> None:
    """Send ``data``, then the end of the stream; expect that the text is called damaged."""
    listener = exam.listen()
    run = exam.run(drive, listener.address)
    peer = listener.accept()
    with suppress(Failed):
        peer.send(data)
        peer.end()
    run.sent = f"{data!r}, then the end of the stream"
    run.expect_error("UnicodeDecodeError", idea)


EXERCISE = Exercise(
    id="1.4",
    title="Text as it comes",
    name="texts",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(ONE_RECV, "`recv` again"),
        Wrong(CHUNK_BY_CHUNK, "Keep the part"),
        Wrong(REPLACES, "Keep the part"),
        Wrong(IGNORES, "Keep the part"),
        Wrong(NEW_DECODER, "Keep the part"),
        Wrong(ALL_AT_ONCE, "wanted now"),
        Wrong(EMPTY, "yield nothing until then"),
        Wrong(NOT_FINAL, "Nobody will complete it"),
        Wrong(FORGIVING, "Nobody will complete it"),
        Wrong(NO_END, "Then the generator ends"),
        Wrong(LEAVES_OUT, "hides the damage"),
    ),
    core=False,
)
