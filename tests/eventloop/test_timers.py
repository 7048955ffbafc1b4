"""The heap of timers against the plainest model there is: a list that is sorted each time."""

import heapq
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.eventloop.timers import FEW, Timer, Timers


def nothing() -> None:
    pass


def names(timers: list[Timer]) -> list[object]:
    return [timer.args[0] for timer in timers]


def test_the_earliest_comes_first() -> None:
    timers = Timers()
    for when in (3.0, 1.0, 2.0):
        timers.add(when, nothing, (when,))
    assert timers.next_due() == 1.0
    assert names(timers.pending()) == [1.0, 2.0, 3.0]
    assert names(timers.take_due(2.0)) == [1.0, 2.0]
    assert timers.next_due() == 3.0
    assert len(timers) == 1


def test_at_the_same_moment_the_first_one_added_comes_first() -> None:
    timers = Timers()
    for name in "abcdefgh":
        timers.add(1.0, nothing, (name,))  # and functions cannot be compared
    assert names(timers.take_due(1.0)) == list("abcdefgh")


def test_an_empty_heap() -> None:
    timers = Timers()
    assert timers.next_due() is None
    assert timers.take_due(1e9) == []
    assert not timers


def test_a_cancelled_timer_does_not_come() -> None:
    timers = Timers()
    first, second = timers.add(1.0, nothing, ("first",)), timers.add(2.0, nothing, ("second",))
    first.cancel()
    first.cancel()
    assert len(timers) == 1
    assert timers.next_due() == 2.0  # nobody is woken for a cancelled one
    assert names(timers.take_due(5.0)) == ["second"]
    second.cancel()  # too late, and no harm
    assert len(timers) == 0


def test_one_that_is_cancelled_when_it_is_due_already_is_not_called() -> None:
    called: list[str] = []
    timers = Timers()
    timers.add(1.0, lambda: second.cancel(), ())
    second = timers.add(1.0, called.append, ("second",))
    for timer in timers.take_due(1.0):
        timer()
    assert called == []
    assert len(timers) == 0


@pytest.mark.parametrize("order", [list, lambda timers: timers[::-1]], ids=["first to last", "last to first"])
def test_cancelled_timers_do_not_pile_up(order: Callable[[list[Timer]], list[Timer]]) -> None:
    """As with a time-out for each of a million requests, all of them answered in time."""
    timers = Timers()
    stays = timers.add(0.5, nothing, ("stays",))
    most = 0
    for _ in range(50):
        for timer in order([timers.add(1000.0, nothing, ()) for _ in range(100)]):
            timer.cancel()
        most = max(most, len(timers._heap))
    assert most <= 100 + FEW + 1
    assert names(timers.pending()) == ["stays"]
    assert not stays.cancelled


def test_the_repr_names_the_callback() -> None:
    timer = Timers().add(1.5, nothing, ())
    assert repr(timer) == "<Timer nothing at 1.500>"
    timer.cancel()
    assert repr(timer) == "<Timer nothing at 1.500 cancelled>"


moments = st.integers(0, 20).map(float)
deeds = st.one_of(
    st.tuples(st.just("add"), moments),
    st.tuples(st.just("cancel"), st.integers(0, 1000)),
    st.tuples(st.just("take"), moments),
)


@given(st.lists(deeds, max_size=200))
def test_it_is_a_sorted_list(doings: list[tuple[str, float]]) -> None:
    timers, model, all_timers = Timers(), list[tuple[float, int]](), list[Timer]()
    for deed, value in doings:
        if deed == "add":
            all_timers.append(timers.add(value, nothing, (len(all_timers),)))
            model.append((value, len(all_timers) - 1))
        elif deed == "cancel" and all_timers:
            number = int(value) % len(all_timers)
            all_timers[number].cancel()
            model = [entry for entry in model if entry[1] != number]
        elif deed == "take":
            assert names(timers.take_due(value)) == [
                number for when, number in sorted(model) if when <= value
            ]
            model = [entry for entry in model if entry[0] > value]
        assert len(timers) == len(model)
        assert names(timers.pending()) == [number for _, number in sorted(model)]
        assert timers.next_due() == (min(model)[0] if model else None)
        assert timers._cancelled == sum(entry[2].cancelled for entry in timers._heap)
        assert timers._heap == sorted(timers._heap) or heapq.nsmallest(1, timers._heap)[0] == timers._heap[0]
