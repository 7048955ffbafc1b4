"""Drawing the score of the game.

Read scores.py first.
"""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_lib.lab.game.comparing import Latencies
from course_lib.lab.game.scores import NOTICEABLE, in_words
from course_lib.lab.picture import BLOCKED, GRID, INK, LARGE, NORMAL, SMALL, draw_bar, new_figure

WIDTH, HEIGHT, LEFT = 840, 240, 50
"""The size of the figure and its left margin, in dots on the page: the board is no wider."""


def draw(latencies: dict[str, Latencies]) -> Figure:
    """Return a figure with one panel a player and one bar a client, on one time axis."""
    figure = new_figure(WIDTH, HEIGHT)
    figure.subplots_adjust(left=LEFT / WIDTH, right=0.96, top=0.84, bottom=0.2, wspace=0.16)
    panels = figure.subplots(1, len(latencies), sharex=True, sharey=True, squeeze=False)[0]
    longest = max((seconds or 0 for found in latencies.values() for seconds in found.values()), default=0)
    for panel, (player, found) in zip(panels, latencies.items(), strict=True):
        _draw_panel(panel, player, found)
    panels[0].set_xlim(0, max(longest * 1.3, NOTICEABLE))
    panels[0].invert_yaxis()
    figure.supxlabel("seconds from the question to its answer", fontsize=NORMAL, color=INK)
    return figure


def _draw_panel(axes: Axes, player: str, latencies: Latencies) -> None:
    axes.set_title(player, loc="left", fontsize=LARGE, fontweight="bold", color=INK)
    axes.set_yticks(range(len(latencies)), list(latencies), fontsize=NORMAL, color=INK)
    axes.tick_params(length=0, labelsize=SMALL, labelcolor=INK)
    axes.tick_params(axis="y", labelsize=NORMAL)
    axes.grid(axis="x", color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    for lane, seconds in enumerate(latencies.values()):
        draw_bar(axes, lane, 0, seconds or 0, BLOCKED)
        words, place = in_words(seconds), (seconds or 0, lane)
        axes.annotate(
            words, place, (4, 0), textcoords="offset points", va="center", fontsize=SMALL, color=INK
        )
