"""The cost of one wake-up: what is measured, what is said of it, and that nothing is left open."""

import select

import pytest

from course_lib.lab import wakeup_cost as module
from course_lib.lab.wakeup_cost import Cost, WakeupCost, by_call, grows, measure, measure_all, verdict
from tests.helpers import nothing_left

FEW_AND_MANY = (10, 600)


@pytest.fixture(scope="module")
def costs():
    with nothing_left():
        return measure_all(FEW_AND_MANY)


def test_every_call_that_this_system_has_is_measured(costs):
    assert set(by_call(costs)) == {call for call in module.CALLS if hasattr(select, call)}


@pytest.mark.parametrize("call", ["select", "poll"])
def test_what_takes_the_list_with_every_call_grows(costs, call):
    if call not in by_call(costs):
        pytest.skip(f"this system has no {call}")
    assert grows(by_call(costs)[call])


@pytest.mark.parametrize("call", ["epoll", "kqueue"])
def test_what_keeps_the_list_in_the_kernel_does_not(costs, call):
    if call not in by_call(costs):
        pytest.skip(f"this system has no {call}")
    assert not grows(by_call(costs)[call])


def test_select_is_left_out_where_it_cannot_have_the_descriptor():
    assert measure("select", [1024]) is None


def test_the_words_hold_no_numbers():
    made = [
        Cost("poll", 10, 1e-6),
        Cost("poll", 1000, 9e-5),
        Cost("epoll", 10, 1e-6),
        Cost("epoll", 1000, 1e-6),
    ]
    text = verdict(made)
    assert "poll: the more descriptors are idle, the more one wake-up costs" in text
    assert "epoll: idle descriptors cost nothing" in text
    assert not any(character.isdigit() for character in text)


def test_with_one_number_nothing_is_said_of_growth():
    assert "not measured" in verdict([Cost("poll", 10, 1e-6)])


def test_the_numbers_end_where_there_is_no_room(monkeypatch):
    monkeypatch.setattr(module, "SPARE", 10**9)
    with nothing_left():
        assert measure_all(FEW_AND_MANY) == []


def test_the_picture_says_what_was_measured(costs):
    picture = WakeupCost(costs)
    assert repr(picture) == verdict(costs)
    assert picture.png().startswith(b"\x89PNG")


def test_a_line_where_select_ends():
    beyond = [
        Cost("select", 10, 1e-6),
        Cost("select", 900, 9e-5),
        Cost("poll", 10, 1e-6),
        Cost("poll", 2000, 2e-4),
    ]
    texts = [each.get_text() for each in WakeupCost(beyond).figure.axes[0].texts]
    assert any("1023" in text for text in texts)
    assert {"select", "poll"} <= set(texts)
