"""The arrows of a timeline: from the call that sent the bytes to the one that received them.

Read timeline.py and timeline_labels.py first.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch
from matplotlib.patheffects import withStroke

from course_lib.lab.elastic import ElasticAxis
from course_lib.lab.picture import INK
from course_lib.lab.timeline_labels import Labels, width_of
from course_lib.lab.xray.messages import Message

HALF_BAR = 0.18
"""In lanes."""

NEAR, MANY = 4, 80
"""Arrows between two lanes that are fewer dots apart are drawn as one; or farther, when there are so many."""

CLOSE = 45
"""An arrow that is followed by another after so few dots has its label before it, not behind."""

Arrow = tuple[int, int, float, float]
"""The two lanes, and where it begins and ends, in dots."""


def touched(lanes: Mapping[str, int], passed: Sequence[Message]) -> dict[int, int]:
    """Return for each lane on which side there is room for labels: 1 above, -1 below."""
    pull = dict.fromkeys(lanes.values(), 0)
    for message in passed:
        pair = (lanes[message.sent.thread], lanes[message.received.thread])
        pull[max(pair)] += 1  # it touches the upper one from below
        pull[min(pair)] -= 1
    return {lane: 1 if count >= 0 else -1 for lane, count in pull.items()}


def draw_messages(
    axes: Axes, lanes: Mapping[str, int], passed: Sequence[Message], clock: ElasticAxis, labels: Labels
) -> None:
    near = NEAR if len(passed) <= MANY else max(NEAR, clock.places[-1] / MANY)
    arrows: dict[Arrow, int] = {}
    last: dict[tuple[int, int], Arrow] = {}
    for message in passed:
        pair = (lanes[message.sent.thread], lanes[message.received.thread])
        arrow = (*pair, clock(message.sent.start), clock(message.received.end))
        other = last.get(pair)
        if other and abs(other[2] - arrow[2]) < near and abs(other[3] - arrow[3]) < near:
            arrow = other
        last[pair] = arrow
        arrows[arrow] = arrows.get(arrow, 0) + message.bytes
    starts = sorted(arrow[2] for arrow in arrows)
    for arrow, count in arrows.items():
        if arrow[0] != arrow[1]:  # a thread that talks to itself has no second lane
            _draw(axes, arrow)
            _label(arrow, _size(count), labels, -1 if _is_followed(arrow[2], starts) else 1)


def _is_followed(start: float, starts: list[float]) -> bool:
    later = bisect_right(starts, start)
    return later < len(starts) and starts[later] - start < CLOSE


def _size(count: int) -> str:
    if count < 10_000:
        return f"{count:,} B"
    return f"{count / 1e3:.0f} kB" if count < 1e7 else f"{count / 1e6:.0f} MB"


def _draw(axes: Axes, arrow: Arrow) -> None:
    start, end, left, right = arrow
    side = HALF_BAR if end > start else -HALF_BAR
    axes.add_patch(
        FancyArrowPatch(
            (left, start + side),
            (right, end - side),
            arrowstyle="-|>",
            mutation_scale=11,
            shrinkA=0,
            shrinkB=0,
            linewidth=1.4,
            color=INK,
            zorder=4,
            path_effects=[withStroke(linewidth=3.5, foreground="white")],
        )
    )


def _label(arrow: Arrow, text: str, labels: Labels, side: int) -> None:
    """Write ``text`` beside the arrow, on ``side`` if there is room (1 is behind it), or on the other."""
    start, end, left, right = arrow
    crossed = abs(end - start)
    lean = abs(right - left) / crossed / labels.lane_height
    away = side * (5 + width_of(text) / 2 + 7 * lean)
    for part in (0.5 / crossed, 1 - 0.5 / crossed):  # between the first two lanes, or the last two
        x, lane = left + (right - left) * part, start + (end - start) * part
        for place in (x + away, x - away):
            if labels.note(place, lane, text):
                labels.at(place, lane, text)
                return
