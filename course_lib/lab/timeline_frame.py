"""What is around the lanes of a timeline: the time axis and the legend; and the inks, which it explains.

Read elastic.py and xray/story.py first. Next: timeline.py.
"""

from collections.abc import Collection

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from course_lib.lab.elastic import ElasticAxis
from course_lib.lab.picture import (
    BLOCKED,
    FAILED,
    GRID,
    IDLE,
    INK,
    LARGE,
    NORMAL,
    RUNNING,
    SMALL,
    Ink,
    legend_mark,
)
from course_lib.lab.xray.calls import BLOCKED_SECONDS, Call
from course_lib.lab.xray.story import POLLING, Span

ASKING = Ink("#F3DCE9", "#CC79A7", "....")

WAITED = 0.0001
"""Seconds from which a call is drawn as one that has waited. One that does not takes a few millionths."""


def ink_of(span: Span, waited: Collection[Call]) -> Ink:
    """Return how the span is drawn. ``waited`` are calls that began before their bytes were sent."""
    call, long = span.call, span.end - span.start >= BLOCKED_SECONDS
    if call.name == "sleep" and len(span.calls) == 1:
        return IDLE
    if span.polls:
        return ASKING if long else RUNNING
    if call.blocked or call in waited:
        return BLOCKED
    seen = call.waits and call.seconds >= WAITED and not call.name.startswith(("send", "close"))
    return BLOCKED if seen else RUNNING


def draw_frame(axes: Axes, names: list[str], clock: ElasticAxis, seconds: float) -> None:
    """Draw the time axis below, and the names on the left."""
    axes.set_xlim(0, clock.places[-1])
    axes.set_ylim(-max(1, len(names)) + 0.5, 0.5)
    axes.set_yticks([-n for n in range(len(names))], names, fontsize=LARGE, fontweight="bold", color=INK)
    unit, factor = ("seconds", 1) if seconds >= 1 else ("milliseconds", 1000)
    values = MaxNLocator(8, steps=[1, 2, 5, 10]).tick_values(0, seconds * factor)
    ticks: dict[float, str] = {}
    for value in values:
        place = clock(value / factor)
        if 0 <= value <= seconds * factor and (not ticks or place - max(ticks) > 36):
            ticks[place] = f"{value:g}"
    axes.set_xticks(list(ticks), list(ticks.values()), fontsize=SMALL, color=INK)
    axes.set_xlabel(f"{unit} (short moments are drawn wider than they are)", fontsize=NORMAL, color=INK)
    axes.tick_params(axis="y", length=0, pad=16)
    axes.tick_params(axis="x", length=4, color=GRID)
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(GRID)


def legend(used: set[Ink], with_messages: bool, with_failures: bool) -> list[Artist]:
    """Return the entries for what is to be seen."""
    words = {RUNNING: "running", BLOCKED: "blocked", IDLE: "asleep", ASKING: POLLING}
    entries: list[Artist] = [
        Patch(facecolor=ink.face, edgecolor=ink.edge, hatch=ink.hatch, label=word)
        for ink, word in words.items()
        if ink in used or ink is RUNNING
    ]
    if with_messages:
        entries.append(Line2D([], [], color=INK, marker=">", markevery=[1], linewidth=1.4, label="bytes"))
    if with_failures:
        entries.append(legend_mark(FAILED, "error"))
    return entries
