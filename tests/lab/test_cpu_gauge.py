"""The gauge: three ways to wait, what each costs, and an end that leaves nothing."""

import threading
import time

import pytest

from course_lib.lab import cpu_gauge as module
from course_lib.lab.cpu_gauge import EXPECTED, PAUSES, WAYS, CpuGauge, Gauged, cpu_gauge, describe, measure
from tests.helpers import nothing_left


@pytest.fixture
def hurried(monkeypatch):
    monkeypatch.setattr(module, "PAUSES", PAUSES[:4])


def clear() -> list[Gauged]:
    return [
        Gauged("spin", 0.99, 0.00003, 200_000),
        Gauged("spin + sleep", 0.004, 0.0055, 46),
        Gauged("select", 0.001, 0.0001, 26),
    ]


def test_the_three_ways():
    with nothing_left():
        assert repr(cpu_gauge()) == EXPECTED


def test_questions_are_counted(hurried):
    questions = {way: measure(way).questions for way in WAYS}
    assert questions["select"] == 2 * 4  # told "not now", and then the message
    assert questions["spin"] > questions["spin + sleep"] > questions["select"]


def test_an_interrupt_leaves_nothing(monkeypatch):
    def interrupted(sock):
        raise KeyboardInterrupt

    monkeypatch.setitem(WAYS, "spin", interrupted)
    monkeypatch.setattr(module, "PAUSES", (5.0,))
    threads, start = threading.active_count(), time.monotonic()
    with nothing_left(), pytest.raises(KeyboardInterrupt):
        cpu_gauge()
    assert threading.active_count() == threads  # at once: the next cell may count them
    assert time.monotonic() - start < 2


def test_a_busy_machine_is_asked_again(monkeypatch):
    """A measurement that is not clear is made again, and believed in the end."""
    unclear = [each._replace(share=0.5) for each in clear()]
    runs = iter([*unclear, *clear()])
    monkeypatch.setattr(module, "measure", lambda way: next(runs))
    assert cpu_gauge().gauged == clear()
    monkeypatch.setattr(module, "measure", {each.way: each for each in unclear}.get)
    assert "select: keeps the processor busy" in cpu_gauge().text


def test_the_words():
    assert describe(clear()) == EXPECTED
    late = [each._replace(delay=0.005) for each in clear()]
    assert describe(late).count("late") == 3


def test_what_is_drawn_is_what_was_measured():
    left, right = CpuGauge(clear()).figure.axes
    assert [bar.get_width() for bar in left.patches] == [99.0, 0.4, 0.1]
    assert [round(bar.get_width(), 3) for bar in right.patches] == [0.03, 5.5, 0.1]
    assert [label.get_text() for label in left.get_yticklabels()] == list(WAYS)
    assert left.yaxis_inverted() and right.yaxis_inverted()
