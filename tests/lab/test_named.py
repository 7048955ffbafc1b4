"""What is kept by its name, and what looks at it ten times a second."""

import threading

import pytest

from course_lib.lab.named import WIDGET_VIEW, ByName, Shown
from course_lib.lab.ticker import Ticker
from tests.helpers import nothing_left, wait_until


class Something(Shown):
    def __init__(self) -> None:
        super().__init__()
        self.made = self.ended = 0

    def make_board(self):
        import ipywidgets

        self.made += 1
        return type("Board", (), {"box": ipywidgets.HTML("x")})()

    def end(self) -> None:
        self.ended += 1

    def __repr__(self) -> str:
        return "in words"


def test_the_next_one_ends_its_predecessor_and_no_other():
    kept: ByName[Something] = ByName()
    first, other = kept.start("a", Something), kept.start("b", Something)
    second = kept.start("a", Something)
    assert (first.ended, other.ended, second.ended) == (1, 0, 0)
    assert kept.kept == {"a": second, "b": other}
    kept.end_all()
    assert (second.ended, other.ended, kept.kept) == (1, 1, {})


def test_one_that_cannot_be_made_leaves_nothing():
    kept: ByName[Something] = ByName()
    first = kept.start("a", Something)
    with pytest.raises(ZeroDivisionError):
        kept.start("a", lambda: 1 / 0)
    assert first.ended == 1
    assert kept.kept == {}


def test_the_board_is_made_once_and_when_it_is_shown():
    each = Something()
    assert each.made == 0
    bundle = each._repr_mimebundle_()
    assert bundle["text/plain"] == "in words"
    assert bundle[WIDGET_VIEW]["model_id"] == each.board.box.model_id
    assert each.made == 1


def test_a_ticker_ticks_until_it_is_ended_and_can_begin_again():
    looks = []
    with nothing_left():
        ticker = Ticker(lambda: looks.append(threading.current_thread()), 0.001)
        for _ in range(2):
            looks.clear()
            ticker.start()
            ticker.start()
            wait_until(lambda: len(looks) > 2)
            ticker.end()
            ticker.end()
            assert len(set(looks)) == 1


def test_a_ticker_can_be_ended_from_within():
    with nothing_left():
        ticker = Ticker(lambda: ticker.end(), 0.001)
        ticker.start()
        wait_until(lambda: ticker._thread is None)
