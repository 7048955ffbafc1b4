"""Exercise 0.1: how an exercise works."""

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Exercise, Wrong

# --- the task

STUB = '''
def shout(data):
    """Return the bytes `data` with all letters as capitals."""
    ...
'''

HINTS = (
    "The stub returns nothing, which is `None`. Replace the three dots by a `return` statement.",
    "bytes have many of the methods that strings have; `dir(b'')` lists them.",
    "b'hello'.upper() is b'HELLO'.",
)

# --- right answers

SOLUTION = '''
def shout(data):
    """Return the bytes `data` with all letters as capitals."""
    return data.upper()
'''

OTHER = """
def shout(data):
    return bytes(byte - 32 if 97 <= byte <= 122 else byte for byte in data)
"""

# --- wrong answers

NOTHING = """
def shout(data):
    data.upper()
"""

TEXT = """
def shout(data):
    return data.decode().upper()
"""

BY_HEART = """
def shout(data):
    return b"HELLO"
"""


# --- in the learner's process


def drive(shout, words):
    return [shout(word) for word in words]


# --- the judge


def judge(exam: Exam) -> None:
    words = [exam.bytes(6), exam.bytes(9) + b" 1", b""]
    run = exam.run(drive, words)
    run.sent = f"shout({words[0]!r}), then with {words[1]!r} and {words[2]!r}"
    answers = run.result()
    if answers[0] is None:
        idea = "A function without `return` returns None."
    elif isinstance(answers[0], str):
        idea = "Bytes went in, and text came out. What travels through a socket is bytes."
    else:
        idea = "The words are new in each check, so the answer must be made from `data`."
    run.expect_equal(answers, [word.upper() for word in words], idea)


EXERCISE = Exercise(
    id="0.1",
    title="How an exercise works",
    name="shout",
    stub=STUB,
    judge=judge,
    hints=HINTS,
    solution=SOLUTION,
    other=OTHER,
    wrong=(
        Wrong(NOTHING, "without `return` returns None"),
        Wrong(TEXT, "is bytes"),
        Wrong(BY_HEART, "are new in each check"),
    ),
)
