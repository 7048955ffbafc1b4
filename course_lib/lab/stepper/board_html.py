"""What the board of the stepper says: its small HTML. No widgets, no sockets.

Read state.py and ../board_style.py first. Next: board_tables.py.
"""

import html
import time

from course_lib.lab.board_style import CALM, RED, SOFT, TROUBLE, WAITS, framed
from course_lib.lab.picture import BLOCKED
from course_lib.lab.stepper.drive import Drive
from course_lib.lab.stepper.rounds import Ran, Round
from course_lib.lab.stepper.state import SHOWN, Due, State

EARLIER = 6
"""So many rounds before the last one are listed."""

LONG = 0.3
"""Seconds after which a callback is said to keep everybody waiting."""


def text(words: object) -> str:
    return html.escape(str(words))


def status(drive: Drive) -> str:
    """Return what the reactor does right now."""
    doing = drive.reactor.doing
    if drive.error:
        return framed(f"<b>build raised {text(drive.error)}</b>: nothing can be stepped.", TROUBLE)
    if drive.over:
        why = f" {text(drive.ending)}." if drive.ending else ""
        return framed(
            f"<b>Ended.</b>{why} Press Reset, or run the cell again.", TROUBLE if why else "transparent"
        )
    if doing.what == "sleep":
        number = drive.reactor.round.number
        return framed(f"<b>Asleep in select, in round {number}.</b> It {text(doing.words)}.", WAITS)
    if doing.what == "call" and doing.words and time.monotonic() - doing.since > LONG:
        words = f"<b>Inside a callback, for {time.monotonic() - doing.since:.0f} s:</b> {text(doing.words)}. "
        return framed(f"{words}Until it returns nobody else is served.", TROUBLE)
    if drive.running:
        return framed("<b>Running</b>, round after round.", CALM)
    if not drive.reactor.round.number:
        return framed("<b>At rest.</b> Set up, and no round has run yet: press Step.")
    return framed("<b>At rest</b> between two rounds. The reactor's clock stands too.")


def panel(title: str, note: str, rows: list[str]) -> str:
    """Return a list with its title; what is beyond the shown lines is counted."""
    more = len(rows) - SHOWN
    shown = [*rows[:SHOWN], *([f"<i>and {more} more</i>"] if more > 0 else [])]
    body = "".join(f'<div style="padding:2px 0">{row}</div>' for row in shown)
    body = body or f'<div style="color:{SOFT}; padding:2px 0">empty</div>'
    head = f'<b>{title}</b> <span style="color:{SOFT}">{note}</span>'
    return f'<div style="line-height:1.35; padding:4px 12px 4px 0">{head}{body}</div>'


def queue(state: State) -> str:
    return panel("Ready queue", "first in, first out", [f"<code>{text(each)}</code>" for each in state.ready])


def timers(state: State) -> str:
    return panel("Timers", "the heap, earliest first", [_timer(each) for each in state.timers])


def _timer(due: Due) -> str:
    return f"<code>{text(due.callback)}</code> {f'in {due.seconds:.1f} s' if due.seconds > 0 else 'due'}"


def last_round(current: Round) -> str:
    """Return the last round, or the one that runs."""
    if not current.number:
        title, lines = "Building", []
    else:
        title = f"Round {current.number}"
        lines = [
            f"It {text(current.patience)}.",
            f"<b>{text(current.answer())}</b>",
        ]
    lines += [
        f"the timer <code>{text(name)}</code> is due: it goes into the ready queue" for name in current.due
    ]
    lines += [_ran(ran) for ran in list(current.ran)]
    if current.left_out:
        lines.append(f"<i>and {current.left_out} more callbacks</i>")
    if current.over and current.number and not current.ran:
        lines.append("no callback ran")
    body = "".join(f'<div style="padding:2px 0">{line}</div>' for line in lines)
    style = f"border-left:4px solid {BLOCKED.edge}; margin-top:8px; padding:4px 12px; line-height:1.35"
    return f'<div style="{style}"><b>{title}</b>{body}</div>'


def _ran(ran: Ran) -> str:
    subject = f"{text(ran.subject)}: " if ran.subject else ""
    source = f', <span style="color:{SOFT}">from {text(ran.source)}</span>' if ran.source else ""
    effects = "".join(f'<div style="padding-left:24px">{text(each)}</div>' for each in ran.effects())
    if ran.traceback:
        effects += f'<pre style="color:{RED}; padding-left:24px; font-size:12px">{text(ran.traceback)}</pre>'
    verb = "ran" if ran.over else "<b>runs</b>"
    return f"<b>{subject}</b><code>{text(ran.callback)}</code> {verb}{source}{effects}"


def earlier(history: list[Round], current: Round) -> str:
    """Return the rounds before the last one, the latest first, a line for each."""
    rounds = [each for each in reversed(history) if each is not current][:EARLIER]
    lines = "".join(f'<div style="padding:1px 0">{text(each.summary())}</div>' for each in rounds)
    return f'<div style="color:{SOFT}; line-height:1.35; padding:4px 12px">{lines}</div>'
