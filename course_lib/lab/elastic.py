"""A time axis on which no moment is too narrow to be seen.

What a program does takes millionths of a second, what it waits for takes tenths. To scale, all its work
would be a hair's breadth. On this axis order is kept, and long times are to scale, but the time from one
event to the next is never narrower than some dots.

Next: timeline.py.
"""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise

GAP = 11
"""The dots from one event to the next, at least; fewer once this would take half of the width."""


class ElasticAxis:
    """From seconds to dots: ``axis(0) == 0`` and ``axis(span) == width``."""

    def __init__(self, events: Iterable[float], span: float, width: float) -> None:
        self.times = sorted({0.0, span, *events})
        steps = [after - before for before, after in pairwise(self.times)]
        gap = min(GAP, width / 2 / len(steps))
        scale = _scale(steps, gap, width)
        self.places = [0.0]
        for step in steps:
            self.places.append(self.places[-1] + max(gap, step * scale))

    def __call__(self, time: float) -> float:
        index = min(max(bisect_right(self.times, time) - 1, 0), len(self.times) - 2)
        before, after = self.times[index : index + 2]
        left, right = self.places[index : index + 2]
        return left + (right - left) * (time - before) / (after - before)


def _scale(steps: list[float], gap: float, width: float) -> float:
    """Return the dots per second at which the steps fill ``width``, if none is narrower than ``gap``."""
    wide, room, total = sorted(steps, reverse=True), width, sum(steps)
    while wide[-1] * room / total < gap:  # too narrow: it gets its dots, and the others share what is left
        total -= wide.pop()
        room -= gap
    return room / total
