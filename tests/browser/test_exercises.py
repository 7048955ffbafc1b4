"""An exercise as a learner does it: wrong, with hints, with a look at the solution, then right."""

import json
import shutil

import pytest

from course_lib.coach.exercises import find

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(autouse=True)
def _no_progress(chromium, server) -> None:
    shutil.rmtree(server.progress, ignore_errors=True)


def test_typed_by_hand(opened, server, expect) -> None:
    with opened("00_start_here.ipynb") as lab:
        verdict, board = lab.output("exercise-0-1-check"), lab.output("progress")
        hint = verdict.get_by_role("button", name="Hint")

        lab.run("exercise-0-1-stub", "def shout(data):\nreturn data.decode().upper()")
        lab.run("exercise-0-1-check")
        expect(verdict).to_contain_text("How an exercise works: FAIL")
        expect(verdict).to_contain_text("What travels through a socket is bytes.")

        hint.click()
        expect(verdict).to_contain_text("Hint 1 of 3. The stub returns nothing")
        hint.click()
        expect(verdict).to_contain_text("Hint 2 of 3.")
        verdict.get_by_role("button", name="Solution").click()
        expect(verdict).to_contain_text("return data.upper()")

        lab.run("progress")
        expect(board.get_by_role("row", name="How an exercise works")).to_contain_text("FAIL")

        lab.run("exercise-0-1-stub", "def shout(data):\nreturn data.upper()")
        lab.run("exercise-0-1-check")
        expect(verdict).to_contain_text("How an exercise works: PASS")
        expect(hint).to_have_count(0)

        lab.run("progress")
        expect(board).to_contain_text("1 of ")
        expect(board.get_by_role("row", name="How an exercise works")).to_contain_text("PASS")
    kept = json.loads((server.progress / "progress.json").read_text(encoding="utf-8"))["exercises"]
    assert [(number, entry["outcome"], entry["hints"]) for number, entry in kept.items()] == [
        ("0.1", "PASS", 2)
    ]


def test_an_answer_that_talks_to_the_judge_over_a_socket(opened, expect) -> None:
    exercise = find("1.1")
    with opened("01_blocking_sockets.ipynb") as lab:
        [stub] = [cell.id for cell in lab.cells() if "exercise:1.1" in cell.tags]
        [check] = [cell.id for cell in lab.cells() if 'check("1.1"' in cell.source]
        lab.set_source(stub, exercise.wrong[0].code.strip())
        lab.run(stub)
        lab.run(check)
        expect(lab.output(check)).to_contain_text(f"{exercise.title}: FAIL")
        expect(lab.output(check)).to_contain_text(exercise.wrong[0].message)
        lab.set_source(stub, exercise.solution.strip())
        lab.run(stub)
        lab.run(check)
        expect(lab.output(check)).to_contain_text(f"{exercise.title}: PASS")
