"""What the learner has done, and the board that shows it.

Read progress_file.py first.
"""

import html
import time

from course_lib.coach import progress_file
from course_lib.coach.exercise import Exercise
from course_lib.coach.exercises import exercises
from course_lib.coach.verdict import COLORS, NOT_TRIED, PASS, left


def record(number: str, outcome: str) -> None:
    """Note the outcome of a check. What is passed stays passed; a stub is no try."""
    if outcome == NOT_TRIED:
        return

    def change(entries: progress_file.Entries) -> None:
        entry = entries.setdefault(number, {})
        entry["tries"] = int(entry.get("tries", 0)) + 1
        if outcome == PASS:
            entry.setdefault("passed", time.strftime("%Y-%m-%d"))
        entry["outcome"] = PASS if "passed" in entry else outcome

    progress_file.change(change)


def hints_seen(number: str) -> int:
    """Return how many hints of the exercise the learner has seen."""
    return int(progress_file.read().get(number, {}).get("hints", 0))


def record_hint(number: str, seen: int) -> None:
    """Note that ``seen`` hints of the exercise have been shown."""
    progress_file.change(lambda entries: entries.setdefault(number, {}).update(hints=seen))


def forget(number: str | None = None) -> None:
    """Forget what was tried at one exercise, or at all; and the answers that have passed."""
    progress_file.drop(number)
    progress_file.change(lambda entries: entries.clear() if number is None else drop(entries, number))


def drop(entries: progress_file.Entries, number: str) -> None:
    entries.pop(number, None)


class Board:
    """All exercises by lesson, and how the learner fares with each."""

    def __init__(self, all_exercises: list[Exercise], entries: progress_file.Entries) -> None:
        self.rows = [
            (each, str(entries.get(each.id, {}).get("outcome", NOT_TRIED))) for each in all_exercises
        ]

    def __str__(self) -> str:
        lines = [self.summary()]
        width = max([len(each.title) for each, _ in self.rows], default=0)
        for each, outcome in self.rows:
            lines.append(f"  {each.id:<5} {each.title:<{width}}  {outcome}{'' if each.core else '  (extra)'}")
        return "\n".join(lines)

    __repr__ = __str__

    def summary(self) -> str:
        """Return in one line how much is done, and what is next."""
        passed = sum(outcome == PASS for _, outcome in self.rows)
        words = f"{passed} of {len(self.rows)} exercises passed"
        core = [(each, outcome) for each, outcome in self.rows if each.core and outcome != PASS]
        return f"{words}; next: {core[0][0].id} {core[0][0].title}" if core else words

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        rows = "".join(_row(each, outcome) for each, outcome in self.rows)
        head = "".join(f"<th>{left(words)}</th>" for words in ("", "exercise", "", "outcome"))
        table = f"<p>{html.escape(self.summary())}</p><table><tr>{head}</tr>{rows}</table>"
        return {"text/html": left(table), "text/plain": str(self)}


def _row(each: Exercise, outcome: str) -> str:
    color = COLORS.get(outcome, COLORS[NOT_TRIED])
    cells = [
        each.id,
        html.escape(each.title),
        "core" if each.core else "extra",
        f'<font color="{color}">{html.escape(outcome)}</font>',
    ]
    return "<tr>" + "".join(f"<td>{left(cell)}</td>" for cell in cells) + "</tr>"


def progress() -> Board:
    """Return the board of all exercises. It is kept on this machine only."""
    return Board(list(exercises()), progress_file.read())
