"""The course in one picture: which rung of the ladder fails which scenario of the gauntlet.

What is drawn is what each rung declares in ``known_failures``; tests/test_matrix.py holds the
declarations to what is measured, in both directions.

Read gauntlet/scenarios.py and picture.py first.
"""

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from course_lib.lab.gauntlet.scenarios import SCENARIOS
from course_lib.lab.picture import ANSWERED, FAILED, INK, LARGE, NORMAL, Picture, new_figure
from course_lib.servers import LADDER


def matrix() -> Picture:
    """Return the picture: rungs from the lowest downwards, scenarios from left to right."""
    names = [scenario.name for scenario in SCENARIOS]
    figure = new_figure(1000, 470)
    figure.set_layout_engine("constrained")
    axes = figure.subplots()
    for row, rung in enumerate(LADDER):
        for column, name in enumerate(names):
            draw_cell(axes, column, row, failed=name in rung.known_failures)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(len(LADDER) - 0.5, -0.5)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="left", rotation_mode="anchor", size=NORMAL)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(LADDER)), [rung.name for rung in LADDER], size=LARGE)
    axes.tick_params(length=0, colors=INK)
    axes.spines[:].set_visible(False)
    return Picture(figure, describe())


def draw_cell(axes: Axes, column: int, row: int, failed: bool) -> None:
    """Tell failed and passed apart by color, by mark and by fill."""
    color = FAILED.color if failed else ANSWERED.color
    face = color if failed else "white"
    axes.add_patch(Rectangle((column - 0.45, row - 0.42), 0.9, 0.84, facecolor=face, edgecolor=color))
    mark, ink = ("✗", "white") if failed else ("✓", color)
    axes.text(column, row, mark, ha="center", va="center", size=LARGE, color=ink, weight="bold")


def describe() -> str:
    """Say in words what the picture shows."""
    lines = [f"{len(LADDER)} servers under {len(SCENARIOS)} scenarios"]
    for rung in LADDER:
        failures = ", ".join(rung.known_failures)
        lines.append(f"{rung.name} " + (f"fails {failures}" if failures else "passes all"))
    return "\n".join(lines)
