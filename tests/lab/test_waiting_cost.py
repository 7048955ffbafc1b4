"""What waiting costs: what is measured, and what is said of it."""

from course_lib.lab.waiting_cost import EXPECTED, LOOPS, TASKS, Cost, describe, measure, waiting_cost
from tests.helpers import nothing_left


def test_who_asks_looks_often_and_who_is_told_once():
    with nothing_left():
        picture = waiting_cost()
    assert repr(picture) == EXPECTED
    asks, told = picture.costs
    assert asks.looks > 1000
    assert told.looks == 1


def test_every_wake_up_is_counted():
    assert TASKS > 1
    assert [measure(name).name for name in LOOPS] == list(LOOPS)


def test_the_words_follow_the_numbers():
    assert describe([Cost("x", 0.9, 1), Cost("y", 0.1, 1e5)]) == (
        "x: keeps the processor busy, one look at a task for each wake-up\n"
        "y: rests, thousands of looks at a task for each wake-up"
    )
