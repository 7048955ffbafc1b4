"""What the board of the frame stepper says: its small HTML. No widgets.

Read life.py, listing.py and ../board_style.py first. Next: board.py.
"""

import html

from course_lib.lab.board_style import CALM, LINE, RED, SOFT, TROUBLE, WAITS, framed
from course_lib.lab.frames.chain import Standing
from course_lib.lab.frames.life import Life
from course_lib.lab.frames.listing import Listed, listing
from course_lib.lab.frames.steps import RUNNING, State, Step
from course_lib.lab.picture import BLOCKED, INK
from course_lib.lab.stacks import frame_of, own_place

EARLIER = 6
"""So many steps before the last one are listed."""

FEW = 3
"""Of more frames than that only some lines are shown."""

MANY_LINES, SOME_LINES = 24, 5


def text(words: object) -> str:
    return html.escape(str(words))


def status(life: Life, state: State) -> str:
    """Return how it stands, in one line."""
    if life.error:
        return framed(f"<b>Nothing can be stepped:</b> {text(life.error)}", TROUBLE)
    if state.words == RUNNING:
        thread = life.thread
        place = own_place(frame_of(thread)) if thread else None
        where = f": in {text(place.function)}, at <code>{text(place.source)}</code>" if place else ""
        return framed(f"<b>Running</b>{where}", WAITS)
    if state.words == "has not begun":
        return framed("<b>It has not begun.</b> Press Step.")
    if not state.frames:
        face = CALM if state.words.startswith("has returned") else TROUBLE
        return framed(f"<b>It {text(state.words)}.</b> Press Reset for a new one.", face)
    last = life.history[-1].words
    return framed(f"<b>Suspended:</b> it has {text(last)}, and waits to be resumed.", CALM)


def stack(frames: list[Standing]) -> str:
    """Return the frames side by side, the outermost first."""
    boxes = "".join(_frame(frame, len(frames) > FEW, frame is frames[-1]) for frame in frames)
    style = "display:flex; flex-wrap:wrap; gap:8px; margin-top:8px; align-items:flex-start"
    return f'<div style="{style}">{boxes}</div>'


def _frame(frame: Standing, small: bool, innermost: bool) -> str:
    edge = BLOCKED.edge if innermost else LINE
    style = f"border:1px solid {edge}; border-radius:4px; padding:4px 10px; line-height:1.35; max-width:100%"
    listed = listing(frame, SOME_LINES if small else MANY_LINES)
    lines = "".join(_line(line) for line in listed) or text(frame.source)
    code = f'<pre style="margin:4px 0; line-height:1.4; font-size:12px; overflow-x:auto">{lines}</pre>'
    variables = [
        f"<code>{text(name)}</code> = <code>{text(value)}</code>" for name, value in frame.names.items()
    ]
    display = "inline-block" if small else "block"
    names = "".join(
        f'<div style="display:{display}; padding:1px 16px 1px 0">{each}</div>' for each in variables
    )
    names = names or f'<div style="color:{SOFT}">no local variables</div>'
    return f'<div style="{style}"><b>{text(frame.function)}</b>{code}{names}</div>'


def _line(line: Listed) -> str:
    number = f"{line.number:3} "
    if line.here:
        return f'<span style="background:{BLOCKED.face}; color:{INK}">{number}▶ {text(line.text)} </span>\n'
    return f'<span style="color:{SOFT}">{number}</span>  {text(line.text)}\n'


def last_step(history: list[Step], printed: tuple[int, str]) -> str:
    """Return what went in and what came out; ``""`` before the first step.

    ``printed`` is the number of a step, and what that has printed.
    """
    if not history:
        return ""
    step = history[-1]
    color = f"color:{RED}" if step.out == "raised" else ""
    said = (
        f'<pre style="margin:2px 0 2px 24px">{text(printed[1])}</pre>'
        if printed[1] and printed[0] == step.number
        else ""
    )
    style = f"border-left:4px solid {BLOCKED.edge}; margin-top:8px; padding:4px 12px; line-height:1.4"
    return (
        f'<div style="{style}"><b>Step {step.number}</b> &nbsp; in: <code>{text(step.went_in)}</code>{said}'
        f'<div>out: <span style="{color}">{text(step.words)}</span></div></div>'
    )


def earlier(history: list[Step]) -> str:
    """Return the steps before the last one, the latest first, a line for each."""
    steps = reversed(history[:-1][-EARLIER:])
    lines = "".join(
        f'<div style="padding:1px 0">step {step.number}: {text(step.went_in)}, {text(step.words)}</div>'
        for step in steps
    )
    return f'<div style="color:{SOFT}; line-height:1.35; padding:4px 12px">{lines}</div>'
