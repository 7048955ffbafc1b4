"""Drawing the rounds of a program: a row for each, with how long it slept and how long it called.

Read rounds.py first. Next: four_steps.py.
"""

from course_lib.lab.inside.watched import Round
from course_lib.lab.picture import BLOCKED, INK, RUNNING, SMALL, Picture, draw_bar, new_figure

ROW = 26
"""The height of a row, in dots on the page."""

SHORT = 0.004
"""No bar is narrower than this share of the whole: one could not see it."""

BESIDE = 0.4
"""The share of the width that is kept for the words beside the bars."""


def draw(rounds: list[Round]) -> Picture:
    figure = new_figure(960, 70 + ROW * len(rounds))
    figure.set_layout_engine("constrained")
    axes = figure.subplots()
    start = rounds[0].began
    whole = rounds[-1].ended - start
    for row, each in enumerate(rounds):
        began, woke, ended = each.began - start, each.woke - start, each.ended - start
        draw_bar(axes, row, began, max(woke, began + SHORT * whole), BLOCKED)
        if each.snapshot:
            draw_bar(axes, row, woke, max(ended, woke + SHORT * whole), RUNNING)
        beside = max(ended, began + SHORT * whole) + 2 * SHORT * whole
        axes.text(beside, row, words(each), va="center", size=SMALL, color=INK)
    axes.set_ylim(len(rounds) - 0.4, -0.6)
    axes.set_xlim(0, whole / (1 - BESIDE))
    axes.set_yticks(range(len(rounds)), [f"round {row + 1}" for row in range(len(rounds))], color=INK)
    axes.set_xticks([tick for tick in axes.get_xticks() if tick <= whole * 1.01])
    axes.set_xlabel("seconds; yellow: in select, blue: callbacks", size=SMALL, color=INK, loc="left")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return Picture(figure, story(rounds))


def words(this: Round) -> str:
    timeout = "None" if this.timeout is None else f"{this.timeout:.4f}" if this.timeout else "0"
    slept = f" after {this.woke - this.began:.4f} s" if this.timeout != 0 else ""
    found = ", ".join(this.ready) or "nothing"
    return f"select({timeout}): {found}{slept}; {len(this.snapshot)} to call"


def story(rounds: list[Round]) -> str:
    """Say what is the same in every run."""
    return "\n".join(
        f"round {number}: {'does not sleep' if each.timeout == 0 else 'may sleep'}, "
        f"{len(each.snapshot)} to call"
        for number, each in enumerate(rounds, 1)
    )
