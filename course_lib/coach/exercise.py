"""What an exercise is: a task, a judge, hints, and answers right and wrong.

Each exercise is one file in exercises/. From its top it holds the task, right answers and wrong ones, the
words that a failure is told in, what uses the answer in the learner's process, and ``judge(exam)``. The judge
runs the learner's code by way of its exam, and raises Failed at the first thing that is wrong. Who wants to
know what an exercise asks for reads from ``judge`` down; the answers above are there to be skipped.

Next: exam.py.
"""

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from course_lib.coach.exam import Exam


class Failed(Exception):
    """The code did not do what it should: what was sent, what should have come, what came, and why.

    ``idea`` is one or two sentences on what is missing. They teach, and do not give the answer.
    """

    def __init__(self, sent: str, expected: str, got: str, idea: str = "") -> None:
        super().__init__(f"sent {sent}; expected {expected}; got {got}")
        self.sent, self.expected, self.got, self.idea = sent, expected, got, idea


class Broke(Exception):
    """The code raised an exception that is no answer, or could not be run at all; says so in one line."""


class Wrong(NamedTuple):
    """A typical wrong answer, and a regular expression that is found in what the coach says to it."""

    code: str
    message: str


class Exercise(NamedTuple):
    """Its ``id`` is that of the syllabus, such as ``"5.2"``. All code is as it stands in a cell."""

    id: str
    title: str
    name: str
    """The function or class that the learner writes."""

    stub: str
    judge: "Callable[[Exam], None]"
    hints: tuple[str, ...]
    solution: str
    other: str
    """A second solution, of a different shape."""

    wrong: tuple[Wrong, ...]
    core: bool = True
    limit: float = 10.0
    """Seconds for all that the judge does."""

    unavailable: str = ""
    """Why this system cannot judge it; empty where it can."""


def definition(code: str, name: str) -> str:
    """Return what ``code`` defines as ``name``, without comments and layout; ``""`` where it does not."""
    try:
        found = [node for node in ast.parse(code).body if getattr(node, "name", None) == name]
    except SyntaxError:
        return ""
    return ast.dump(found[-1]) if found else ""
