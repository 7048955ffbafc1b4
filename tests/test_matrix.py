"""The matrix rung × scenario: what each rung declares is what is measured, in both directions."""

import pytest

from course_lib.lab.gauntlet import gauntlet
from course_lib.lab.gauntlet.scenarios import SCENARIOS
from course_lib.lab.matrix import matrix
from course_lib.servers import LADDER

NAMES = [scenario.name for scenario in SCENARIOS]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("rung", LADDER, ids=lambda rung: rung.name)
def test_what_is_declared_is_what_is_measured(rung):
    if rung.unavailable:
        pytest.skip(rung.unavailable)
    report = gauntlet(rung, progress=False)
    assert [result.scenario for result in report.results] == NAMES
    assert report.skipped == []
    assert report.surprises == [], str(report)


@pytest.mark.parametrize("rung", LADDER, ids=lambda rung: rung.name)
def test_declared_failures_are_scenarios_with_a_reason(rung):
    assert set(rung.known_failures) <= set(NAMES)
    assert all(rung.known_failures.values())


def test_from_select_up_everything_is_passed():
    names = [rung.name for rung in LADDER]
    assert all(not rung.known_failures for rung in LADDER[names.index("select") :])


def test_the_picture_says_in_words_what_it_shows():
    lines = repr(matrix()).splitlines()
    assert len(lines) == 1 + len(LADDER)
    assert "blocking fails idle_neighbour, never_reads" in lines
    assert "selectors passes all" in lines
