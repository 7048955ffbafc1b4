"""The heartbeat: what is measured, what is said of it, and what is drawn."""

import time

import pytest

from course_lib.lab.heartbeat import EVERY, FROZEN, LASTS, Beating, heartbeat, measured, verdict
from course_lib.lab.heartbeat_picture import draw
from tests.helpers import nothing_left


def nothing(reactor):
    pass


def long(reactor):
    time.sleep(2 * FROZEN)


def in_pieces(reactor, left=5):
    time.sleep(0.01)
    if left > 1:
        reactor.call_soon(in_pieces, reactor, left - 1)


def test_a_long_callback_freezes_the_heart_and_pieces_do_not():
    with nothing_left():
        picture = heartbeat(nothing, long, in_pieces)
    assert repr(picture) == (
        "nothing: the heart beats on\nlong: no beat while the callback runs\nin_pieces: the heart beats on"
    )
    idle, frozen, pieces = picture.beatings
    assert idle.latest >= 0  # never before its time
    assert len(idle.beats) > len(frozen.beats)
    assert [len(each.callbacks) for each in picture.beatings] == [1, 1, 5]
    [(start, end)] = frozen.callbacks
    assert end - start >= 2 * FROZEN
    assert not [beat for beat in frozen.beats if start < beat < end]


def test_a_pause_that_no_callback_explains_is_measured_again():
    stalled, fine = Beating("x", [0.05, 0.5], []), Beating("x", [0.05, 0.1], [])
    results = [stalled, fine]
    assert measured(lambda work: results.pop(0), nothing) is fine


def test_the_latest_beat():
    beating = Beating("x", [0.05, 0.12, 0.4], [(0.13, 0.39)])
    assert beating.latest == pytest.approx(0.28 - EVERY)
    assert beating.longest == pytest.approx(0.26)
    assert verdict(beating) == "no beat while the callback runs"


def test_what_is_drawn_is_what_was_measured():
    beats = [0.05, 0.1, 0.4]
    [axes] = draw([Beating("first", beats, []), Beating("second", beats, [(0.1, 0.4)])]).axes
    assert [list(line.get_xdata()) for line in axes.lines] == [beats, beats]
    assert [round(bar.get_width(), 3) for bar in axes.patches] == [0.3]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["first", "second"]
    assert axes.get_xlim() == (0, LASTS)
    assert axes.yaxis_inverted()


def test_nothing_to_do_is_an_error():
    with pytest.raises(TypeError, match="something to do"):
        heartbeat()
