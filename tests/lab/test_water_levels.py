"""Server and client in one thread: how much waits, and how often the server is paused."""

import pytest

from course_lib.lab.water_levels import PIECE, ROUNDS, SLOW, measure, water_levels
from tests.helpers import nothing_left

MARKS = (256 * 1024, 64 * 1024)


def test_without_a_limit_all_is_kept_and_nobody_is_paused():
    with nothing_left():
        run = measure()
    assert run.pauses == 0
    assert run.most > 1024 * 1024
    assert len(run.levels) == ROUNDS


def test_with_watermarks_no_more_than_the_high_one_and_a_piece_is_kept():
    run = measure(*MARKS)
    assert run.pauses >= 1
    assert run.most <= MARKS[0] + PIECE
    assert run.levels[-1].kept == 0  # the client has read all of it


def test_one_mark_flutters():
    one, two = measure(MARKS[0], MARKS[0], SLOW), measure(*MARKS, SLOW)
    assert one.pauses > two.pauses > 1


def test_no_byte_is_counted_twice():
    run = measure(*MARKS, SLOW)
    assert all(level.kept >= 0 and level.kernels >= 0 for level in run.levels)


def test_the_picture_says_what_it_shows():
    words = repr(water_levels((None, None), MARKS))
    assert words.splitlines()[0] == "no limit: the server keeps all that is not read"
    assert "at most that and a piece" in words
    with pytest.raises(TypeError, match="pair of marks"):
        water_levels()
