"""The judge's process: it knows the exercise and the packed code, and forms the verdict.

It is a process of its own so that nothing that was changed in the notebook, ``socket`` or ``time``
among them, changes the judge. The learner's code is never unpacked here, but in a child of this
process. The verdict carries the word that the notebook gave us in secret, so no other process can
hand in one of its own.

Read exam.py first. Next: desk.py.
"""

import json
import sys

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Broke, Exercise, Failed
from course_lib.coach.exercises import find
from course_lib.coach.run import Cargo
from course_lib.coach.verdict import ERROR, FAIL, PASS, Verdict
from course_lib.lab.child_process import last_words
from course_lib.lab.explain import one_line

PRINTED_LINES = 12


def main() -> None:
    task = json.load(sys.stdin)
    sys.path[:] = task["path"]
    verdict = judge(find(task["exercise"]), Cargo(task["pickled"], task["cells"]))
    print(json.dumps({"word": task["word"], "verdict": verdict._asdict()}), flush=True)  # noqa: T201


def judge(exercise: Exercise, cargo: Cargo) -> Verdict:
    """Return what ``exercise`` says of the packed code."""
    outcome, facts, idea = PASS, (), ""
    exam = Exam(cargo)
    try:
        with exam:
            hold(exercise, exam)
    except Failed as failure:
        outcome, idea = FAIL, failure.idea
        facts = (("sent", failure.sent), ("expected", failure.expected), ("came back", failure.got))
    except Broke as broke:
        outcome, facts = ERROR, (("error", str(broke)),)
    except Exception as error:  # a fault of ours: never the learner's traceback
        outcome, facts = ERROR, (("error", f"the judge itself failed: {one_line(error)}"),)
    printed = last_words(exam.printed, PRINTED_LINES) if outcome != PASS else ""
    return Verdict(exercise.id, exercise.title, outcome, facts, idea, printed)


def hold(exercise: Exercise, exam: Exam) -> None:
    """Let the exercise judge. A failure without an idea may come of an exception, which then says more."""
    try:
        exercise.judge(exam)
    except Failed as failure:
        if not failure.idea and (error := exam.raised()):
            raise Broke(f"your code raised {error}") from None
        raise


if __name__ == "__main__":
    main()
