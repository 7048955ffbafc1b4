"""Drawing the result: what a request costs, and how long it takes, for each server.

Read result.py and ../picture.py first.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from course_lib.lab.bench.load import Measurement
from course_lib.lab.bench.result import Result, some
from course_lib.lab.bench.stats import Spread
from course_lib.lab.picture import (
    ANSWERED,
    BLOCKED,
    FAILED,
    GRID,
    INK,
    LARGE,
    NORMAL,
    RUNNING,
    SMALL,
    Picture,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLES = (
    (RUNNING.edge, "o"),
    (BLOCKED.edge, "s"),
    (ANSWERED.color, "^"),
    (FAILED.color, "D"),
    (INK, "v"),
)
"""How each number of connections is drawn, by color and by shape."""

LANE = 34
"""Dots of height for a server."""


def picture(result: Result) -> Picture:
    """Return two panels: the server's CPU time for a request, and the latency that 99 % stay below."""
    servers = list(dict.fromkeys(row.server for row in result.rows))
    figure = new_figure(960, 130 + LANE * len(servers))
    figure.set_layout_engine("constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    draw(left, result, servers, lambda measured: measured.cpu_per_request)
    draw(right, result, servers, lambda measured: measured.p99)
    finish(left, "server CPU for one request, in µs")
    finish(right, "99 of 100 answers come within so many µs")
    left.set_xlim(left=0)  # lengths can be compared
    if any(row.measured for row in result.rows):  # a logarithm of nothing there is not
        right.set_xscale("log")
    right.xaxis.set_major_formatter(lambda value, position: f"{value:,.10g}")
    right.xaxis.set_minor_formatter(lambda value, position: "")
    left.set_yticks(range(len(servers)), servers)
    left.set_ylim(len(servers) - 0.5, -0.5)
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, fontsize=NORMAL, frameon=False)
    return Picture(figure, result.words())


def draw(axes: "Axes", result: Result, servers: list[str], value: Callable[[Measurement], float]) -> None:
    """Draw the median of each row, with a line from the lowest to the highest round."""
    counts = result.settings.connections
    for place, count in enumerate(counts):
        color, shape = STYLES[place % len(STYLES)]
        offset = 0.5 * ((place + 0.5) / len(counts) - 0.5)
        rows = [row for row in result.at(count) if row.measured]
        lanes = [servers.index(row.server) + offset for row in rows]
        spreads = [Spread.of([value(m) * 1e6 for m in row.rounds]) for row in rows]
        axes.hlines(lanes, [s.low for s in spreads], [s.high for s in spreads], color=color, linewidth=2)
        axes.plot(
            [s.median for s in spreads],
            lanes,
            linestyle="",
            marker=shape,
            markersize=8,
            color=color,
            markeredgecolor="white",
            label=some(count, "connection"),
            zorder=3,
        )


def finish(axes: "Axes", title: str) -> None:
    axes.set_title(title, loc="left", fontsize=LARGE, fontweight="bold", color=INK)
    axes.tick_params(labelsize=NORMAL, labelcolor=INK, length=0, which="both")
    axes.tick_params(axis="x", labelsize=SMALL)
    axes.grid(axis="x", color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
