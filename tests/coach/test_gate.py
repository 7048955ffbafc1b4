"""The gate: every exercise with its stub, its solutions and its wrong answers, and in its notebook."""

import json
import re
from pathlib import Path

import pytest

from course_lib.coach import answers, check, progress_file
from course_lib.coach.exercise import Exercise, Wrong
from course_lib.coach.exercises import exercises
from course_lib.coach.verdict import FAIL, NOT_TRIED, PASS
from tests.lab.cells import run_cell

NOTEBOOKS = Path(__file__).resolve().parent.parent.parent / "notebooks"
ALL = list(exercises())
BY_ID = pytest.mark.parametrize("exercise", ALL, ids=lambda exercise: exercise.id)


@pytest.fixture(autouse=True)
def no_progress(tmp_path, monkeypatch):
    """What an earlier test has passed is nothing that a later one builds on."""
    monkeypatch.setenv(progress_file.FOLDER, str(tmp_path))


def answer(exercise: Exercise, code: str):
    """What a learner would hand in who has run ``code`` in a cell."""
    if exercise.unavailable:
        pytest.skip(exercise.unavailable)
    return check(exercise.id, run_cell(code)[exercise.name])


@BY_ID
def test_a_stub_is_not_tried(exercise: Exercise):
    assert answer(exercise, exercise.stub).outcome == NOT_TRIED


@BY_ID
@pytest.mark.parametrize("which", ["solution", "other"])
def test_a_solution_passes(exercise: Exercise, which: str):
    said = answer(exercise, getattr(exercise, which))
    assert said.outcome == PASS, said


FEW = 2
"""So many wrong answers of each exercise are tried by `make test` too; `make test-all` tries them all."""

WRONG = [
    pytest.param(
        exercise, wrong, id=f"{exercise.id}-{number}", marks=[pytest.mark.slow] if number >= FEW else []
    )
    for exercise in ALL
    for number, wrong in enumerate(exercise.wrong)
]


@pytest.mark.parametrize(("exercise", "wrong"), WRONG)
def test_a_wrong_answer_gets_its_message(exercise: Exercise, wrong: Wrong):
    said = answer(exercise, wrong.code)
    assert said.outcome == FAIL, said
    assert re.search(wrong.message, said.verdict.idea), said


BUILDS = 'answer("'
"""What the stub of an exercise holds that uses the answers to earlier ones."""


@pytest.fixture
def other_answers():
    """Of every exercise another answer than the course's solution has passed."""
    for exercise in ALL:
        if not exercise.unavailable:
            answers.keep(exercise.id, run_cell(exercise.other)[exercise.name])


@pytest.mark.slow
@pytest.mark.parametrize("exercise", [each for each in ALL if BUILDS in each.stub], ids=lambda each: each.id)
@pytest.mark.usefixtures("other_answers")
def test_it_builds_on_other_answers_too(exercise: Exercise, capsys):
    assert answer(exercise, exercise.solution).outcome == PASS
    assert "cannot be used" not in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize(("exercise", "wrong"), [each for each in WRONG if BUILDS in each.values[0].stub])
@pytest.mark.usefixtures("other_answers")
def test_the_message_is_the_same_on_other_answers(exercise: Exercise, wrong: Wrong):
    test_a_wrong_answer_gets_its_message(exercise, wrong)


@BY_ID
def test_an_exercise_is_complete(exercise: Exercise):
    assert len(exercise.hints) >= 2
    assert len(exercise.wrong) >= 2
    assert exercise.solution.strip() != exercise.other.strip()
    assert len({wrong.message for wrong in exercise.wrong}) > 1 or len(exercise.wrong) == 1
    for text in (exercise.title, *exercise.hints):
        assert text.strip()


def test_the_notebooks_hold_every_stub_and_nothing_else():
    found: dict[str, set[str]] = {}  # the fast track has some that stand in a lesson, too
    for path in NOTEBOOKS.glob("*.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for tag in cell["metadata"].get("tags", []):
                if tag.startswith("exercise:"):
                    stubs = found.setdefault(tag.removeprefix("exercise:"), set())
                    stubs.add("".join(cell["source"]).strip())
    assert found == {exercise.id: {exercise.stub.strip()} for exercise in ALL}
