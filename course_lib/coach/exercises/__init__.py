"""All exercises, one file each: ex_5_2.py holds exercise 5.2.

Read ../exercise.py first.
"""

import importlib
import pkgutil
from collections.abc import Iterator

from course_lib.coach.exercise import Exercise

PREFIX = "ex_"


class UnknownExercise(ValueError):
    """There is no exercise of that number; the message lists the numbers."""


def numbers() -> list[str]:
    """Return the numbers of all exercises, in the order of the course."""
    names = [each.name for each in pkgutil.iter_modules(__path__) if each.name.startswith(PREFIX)]
    found = [name.removeprefix(PREFIX).replace("_", ".") for name in names]
    return sorted(found, key=lambda number: [int(part) for part in number.split(".")])


def find(number: str) -> Exercise:
    """Return the exercise ``number``, such as ``"5.2"``. Raises UnknownExercise."""
    if number not in numbers():
        raise UnknownExercise(f"there is no exercise {number!r}; there are {', '.join(numbers())}")
    module = importlib.import_module(f"{__name__}.{PREFIX}{number.replace('.', '_')}")
    exercise: Exercise = module.EXERCISE
    return exercise


def exercises() -> Iterator[Exercise]:
    """Yield all exercises, in the order of the course."""
    return map(find, numbers())
