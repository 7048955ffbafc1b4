"""Drawing what three_clients.py has measured.

Read three_clients.py first.
"""

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MultipleLocator

from course_lib.lab.picture import (
    ANSWERED,
    BLOCKED,
    FAILED,
    GRID,
    IDLE,
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
from course_lib.lab.three_clients import ServerRun, verdict
from course_lib.lab.visitors import ClientRun

WIDTH, LEFT, RIGHT = 960, 60, 20
"""The width of the figure, and of its margins, in dots on the page."""

LEGEND, ROW, TITLE, AXIS = 35, 150, 35, 50
"""The heights of the legend, of a server with its title, of the title, and of the time axis, in the same."""

LANES = {"silent": 2, "slow": 1, "quick": 0}
INKS = {"silent": IDLE, "talking": RUNNING, "waiting": BLOCKED}
LABELS = {"silent": "connected, says nothing", "talking": "sends", "waiting": "waits for an answer"}
USUAL_SPAN = 1.6
"""Seconds on the time axis, so that pictures of different lessons can be compared."""


def draw(runs: list[ServerRun]) -> Figure:
    """Return a figure with one row a server and one lane a client, on one time axis."""
    height = LEGEND + ROW * len(runs) + AXIS
    figure = new_figure(WIDTH, height)
    figure.subplots_adjust(
        left=LEFT / WIDTH,
        right=1 - RIGHT / WIDTH,
        top=1 - (LEGEND + TITLE) / height,
        bottom=AXIS / height,
        hspace=TITLE / (ROW - TITLE),
    )
    clients = [client for run in runs for client in run.clients]
    rows = figure.subplots(len(runs), 1, sharex=True, squeeze=False)[:, 0]
    for axes, run in zip(rows, runs, strict=True):
        _draw_row(axes, run)
    rows[-1].set_xlim(-0.02, max([USUAL_SPAN, *(client.left + 0.1 for client in clients)]))
    rows[-1].xaxis.set_major_locator(MultipleLocator(0.2))
    rows[-1].tick_params(axis="x", length=4, labelsize=SMALL, labelcolor=INK)
    rows[-1].set_xlabel("seconds since the first client came", fontsize=NORMAL, color=INK)
    legend = _legend(any(client.failed for client in clients))
    figure.legend(handles=legend, loc="upper center", ncols=5, fontsize=NORMAL, frameon=False)
    return figure


def _draw_row(axes: Axes, run: ServerRun) -> None:
    axes.set_title(run.name, loc="left", fontsize=LARGE, fontweight="bold", color=INK)
    axes.set_title(verdict(run), loc="right", fontsize=NORMAL, color=INK)
    axes.set_yticks(list(LANES.values()), list(LANES), fontsize=NORMAL, color=INK)
    axes.set_ylim(-0.6, 2.6)
    axes.tick_params(length=0)
    axes.grid(axis="x", color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(GRID)
    for client in run.clients:
        _draw_client(axes, client)
    if run.clients:
        axes.axvline(run.clients[0].left, color=INK, linewidth=1, linestyle=(0, (4, 3)))


def _draw_client(axes: Axes, client: ClientRun) -> None:
    lane = LANES[client.name]
    for segment in client.segments:
        draw_bar(axes, lane, segment.start, segment.end, INKS[segment.state])
    draw_marks(axes, lane, client.answers, ANSWERED)
    if client.failed:
        draw_marks(axes, lane, [client.left], FAILED)


def _legend(with_failures: bool) -> list[Artist]:
    entries: list[Artist] = [
        Patch(facecolor=ink.face, edgecolor=ink.edge, hatch=ink.hatch, label=LABELS[state])
        for state, ink in INKS.items()
    ]
    entries.append(legend_mark(ANSWERED, "answer"))
    if with_failures:
        entries.append(legend_mark(FAILED, "no answer"))
    return entries
