"""Drawing what heartbeat.py has measured.

Read heartbeat.py first.
"""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from course_lib.lab.heartbeat import EVERY, LASTS, Beating
from course_lib.lab.picture import (
    ANSWERED,
    GRID,
    INK,
    LARGE,
    NORMAL,
    RUNNING,
    SMALL,
    draw_bar,
    draw_marks,
    legend_mark,
    new_figure,
)


def draw(beatings: list[Beating]) -> Figure:
    """Return a figure with one lane for each measurement."""
    height = 100 + 58 * len(beatings)
    figure = new_figure(960, height)
    figure.subplots_adjust(left=0.15, right=0.86, top=1 - 40 / height, bottom=52 / height)
    axes = figure.subplots()
    for lane, beating in enumerate(beatings):
        draw_lane(axes, lane, beating)
    axes.set_yticks(range(len(beatings)), [each.name for each in beatings], fontsize=LARGE, color=INK)
    axes.set_ylim(len(beatings) - 0.5, -0.5)
    axes.set_xlim(0, LASTS)
    axes.set_xlabel("seconds", fontsize=NORMAL, color=INK)
    axes.tick_params(axis="x", labelsize=SMALL, labelcolor=INK)
    axes.tick_params(length=0)
    axes.grid(axis="x", color=GRID)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    runs = Patch(facecolor=RUNNING.face, edgecolor=RUNNING.edge, label="a callback runs")
    handles = [legend_mark(ANSWERED, f"a beat, {EVERY * 1000:.0f} ms after the one before"), runs]
    figure.legend(handles=handles, loc="upper center", ncols=2, fontsize=NORMAL, frameon=False)
    return figure


def draw_lane(axes: Axes, lane: int, beating: Beating) -> None:
    for start, end in beating.callbacks:
        draw_bar(axes, lane, start, end, RUNNING)
    draw_marks(axes, lane, [beat for beat in beating.beats if beat < LASTS], ANSWERED)
    words = f"latest beat:\n{beating.latest * 1000:.1f} ms late"
    axes.annotate(
        words, (LASTS, lane), (12, 0), textcoords="offset points", va="center", size=NORMAL, color=INK,
        annotation_clip=False,
    )  # fmt: skip
