"""The three pieces of statistics that the benchmark needs: percentiles, medians with their spread, ratios.

Nothing here is measured, so all of it can be tested with numbers that one can work out by hand.

Next: cpu_clock.py.
"""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Spread(NamedTuple):
    """What several rounds gave: the one in the middle, the lowest and the highest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Raises ValueError where there is no value."""
        if not values:
            raise ValueError("there is no median of nothing")
        return cls(statistics.median(values), min(values), max(values))


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the smallest value that ``percent`` % of all values do not exceed (the nearest rank).

    It is always a value that was measured, never one in between. ``ordered`` goes from low to high.
    """
    if not ordered:
        raise ValueError("there is no percentile of nothing")
    if not 0 < percent <= 100:
        raise ValueError(f"a percentile lies above 0 and up to 100, not at {percent:g}")
    # Rounded, because 8.8 * 375 / 100 is a little more than 33, and ceil would take the next one.
    return ordered[math.ceil(round(percent * len(ordered) / 100, 9)) - 1]


def ratio(values: Sequence[float], reference: Sequence[float]) -> Spread:
    """Return how many times the reference each value is, round by round.

    What slows a whole machine down for a second slows both sides of one round. So the ratios of the
    rounds differ less than the rounds do, and their median says more than a ratio of medians.
    """
    return Spread.of([value / base for value, base in zip(values, reference, strict=True)])
