"""Percentiles, medians and ratios, on numbers that can be worked out by hand, and on any others."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.lab.bench.stats import Spread, percentile, ratio

TIMES = st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=300).map(sorted)


@pytest.mark.parametrize(
    ("percent", "value"),
    [(1, 1), (50, 50), (50.5, 51), (7, 7), (29, 29), (57, 57), (99, 99), (99.1, 100), (100, 100)],
)
def test_percentiles_of_the_numbers_from_1_to_100(percent, value):
    assert percentile(range(1, 101), percent) == value


def test_a_percentile_is_not_moved_by_rounding():
    """8.8 % of 375 values are 33; in floating point they are a little more."""
    assert 8.8 * 375 / 100 > 33
    assert percentile(range(1, 376), 8.8) == 33


def test_a_percentile_is_a_value_and_no_mean_of_two():
    assert percentile([1.0, 9.0], 50) == 1.0
    assert percentile([1.0, 9.0], 51) == 9.0
    assert percentile([3.0], 99) == 3.0


@given(TIMES, st.integers(1, 100))
def test_so_many_values_do_not_exceed_it_and_fewer_do_not_exceed_any_smaller_one(values, percent):
    found = percentile(values, percent)
    assert 100 * sum(value <= found for value in values) >= percent * len(values)
    assert 100 * sum(value < found for value in values) < percent * len(values)


@pytest.mark.parametrize("percent", [0, -1, 101])
def test_no_such_percentile(percent):
    with pytest.raises(ValueError, match="percentile"):
        percentile([1.0], percent)


def test_nothing_has_no_percentile_and_no_median():
    with pytest.raises(ValueError):
        percentile([], 50)
    with pytest.raises(ValueError):
        Spread.of([])


def test_a_spread():
    assert Spread.of([5.0, 1.0, 2.0]) == Spread(2.0, 1.0, 5.0)
    assert Spread.of([1.0, 2.0]).median == 1.5


def test_ratios_are_taken_round_by_round():
    """In the second round the machine was ten times slower, for both alike."""
    assert ratio([20.0, 200.0, 22.0], [10.0, 100.0, 10.0]) == Spread(2.0, 2.0, 2.2)


@given(TIMES, st.floats(0.1, 10))
def test_what_disturbs_both_alike_changes_no_ratio(values, times):
    found = ratio([times * value for value in values], values)
    assert all(math.isclose(each, times) for each in found)


def test_a_round_without_its_partner_has_no_ratio():
    with pytest.raises(ValueError):
        ratio([1.0, 2.0], [1.0])
