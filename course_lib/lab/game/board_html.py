"""What the board of the game says: its texts and its small HTML. No widgets, no sockets.

Read table.py and scores.py first. Next: board.py.
"""

import html

from course_lib.lab.game.guests import Guest
from course_lib.lab.game.presses import LISTENER, Press, Seat
from course_lib.lab.game.scores import in_words
from course_lib.lab.game.table import Table
from course_lib.lab.picture import ANSWERED, BLOCKED, IDLE, INK

WELCOME = (
    "You are a server with one thread. Five clients will come, each with one question; send each of them "
    "back what it says. You do not see who is ready: some think before they speak, and one sends its "
    "question in two pieces. <b>accept</b> and <b>recv</b> block until there is something. "
    "<b>wait</b> looks at one descriptor for half a second, and tells whether it is ready."
)

WELCOME_WITH_LAMPS = (
    "You are a server with one thread. Five clients will come, each with one question; send each of them "
    "back what it says. This time the kernel tells who is <b>ready</b>, as a selector does. <b>READ</b>: "
    "accept or recv will not block. <b>WRITE</b>: you owe an answer, and send will not block. "
    "Press only where a lamp is lit."
)

RESCUE_COLOR = "#F6C9A8"

WIDE = 300
"""Dots on the page for the longest bar of the score."""


def banner(words: str, color: str = "transparent") -> str:
    """Return the line below the title; on a color its letters are dark, also on a dark page."""
    ink = "inherit" if color == "transparent" else INK
    style = f"background:{color}; color:{ink}; padding:8px 10px; border-radius:4px"
    return f'<div style="{style}; font-size:14px; line-height:1.45; min-height:32px">{words}</div>'


def clock(seconds: float, waiting: int) -> str:
    """Return the time, and how many clients wait; who they are is what the learner must find out."""
    words = "nobody waits for you" if not waiting else f"{_clients(waiting)} for you"
    face, ink = (BLOCKED.face, INK) if waiting else ("transparent", "inherit")
    return (
        f'<div style="font-size:16px"><span style="display:inline-block; width:80px">{seconds:.1f} s</span>'
        f'<span style="background:{face}; color:{ink}; padding:3px 10px; border-radius:10px">{words}</span>'
        "</div>"
    )


def label(descriptor: int | str, who: str) -> str:
    return f'<div style="font-size:14px"><code>{descriptor}</code>&nbsp; <b>{html.escape(who)}</b></div>'


def lamp(readable: bool, writable: bool) -> str:
    """Return a lamp, and beside it for what it is ready; lit or not is told by shape and color."""
    words = "|".join(word for word, lit in (("READ", readable), ("WRITE", writable)) if lit)
    color, shape = (ANSWERED.color, "●") if words else (IDLE.edge, "○")
    title = f"ready for {words}" if words else "not ready"
    style = f"color:{color}; white-space:nowrap; line-height:28px"
    bulb = f'<span style="font-size:20px">{shape}</span>'
    return f'<div style="{style}" title="{title}">{bulb} <b>{words}</b></div>'


def state(seat: Seat, answered: bool) -> str:
    """Return what a server knows of its client."""
    if seat.left:
        words = "has left"
    elif seat.unsent:
        words = f"you heard <code>{html.escape(repr(seat.unsent))}</code>: send it back"
    else:
        words = "you have sent back all that you heard" if seat.heard else "has not been heard yet"
    done = f'<b style="color:{ANSWERED.color}">✓ has its answer</b>' if answered else ""
    return f'<div style="font-size:14px">{done or words}</div>'


def in_a_call(call: str, who: str, seconds: float, table: Table, waiting: int) -> str:
    """Return what is said while a call has not returned: who can do nothing, and how long it can last."""
    where = call if who == LISTENER else f"{call} on {html.escape(who)}"
    victims = f"{_clients(waiting)} for an answer, and you can do nothing about it." if waiting else ""
    limit = table.probe if call == "wait" else table.rescue
    done = min(1.0, seconds / limit) * 100
    bar = f'<div style="background:{BLOCKED.edge}; width:{done:.0f}%; height:6px; border-radius:3px"></div>'
    verb = "wait" if call == "wait" else "are blocked"
    return banner(f"<b>You {verb} in {where}.</b> {victims}{bar}", BLOCKED.face)


def told(press: Press) -> str:
    """Return what came of a press."""
    call = press.call if press.who == LISTENER else f"{press.call} on {html.escape(press.who)}"
    if press.rescued:
        words = f"<b>{call} has blocked for {press.seconds:.1f} s, and nothing came.</b> "
        words += "The course rescues you; nobody rescues a server."
        return banner(words, RESCUE_COLOR)
    if press.call == "accept":
        return banner(f"accept returned a new descriptor: {html.escape(press.outcome)} is connected.")
    late = f", after {press.seconds:.1f} s in which nobody was served" if press.seconds > 0.3 else ""
    return banner(f"{call}: <code>{html.escape(press.outcome)}</code>{late}")


def score(guests: list[Guest], presses: list[Press]) -> str:
    """Return the end of a game: a bar for each client, and where the time went."""
    longest = max(guests, key=lambda guest: guest.latency() or 0)
    rows = "".join(_score_row(guest, longest.latency() or 0.1) for guest in guests)
    blocked = sum(press.seconds for press in presses)
    words = (
        f"<b>The longest wait: {longest.visit.name}, {in_words(longest.latency())}.</b> You have pressed "
        f"{len(presses)} times, and for {blocked:.1f} s you were inside a call and could serve nobody."
    )
    return f'<div style="font-size:14px; line-height:1.45">{words}<table>{rows}</table></div>'


def _score_row(guest: Guest, longest: float) -> str:
    latency = guest.latency()
    style = f"background:{BLOCKED.edge}; height:14px; display:inline-block"
    bar = f'<div style="{style}; width:{max(2, round((latency or 0) / longest * WIDE))}px"></div>'
    waited = "never asked" if latency is None else f"waited {in_words(latency)}"
    asked, came = guest.asked, guest.came
    thought = (
        f"; it asked {asked - came:.1f} s after it had come" if asked is not None and came is not None else ""
    )
    return f"<tr><td><b>{guest.visit.name}</b>&emsp;</td><td>{bar}&nbsp; {waited}{thought}</td></tr>"


def ending(answered: bool) -> str:
    if answered:
        return banner("<b>All five have their answers.</b> Here is for how long each of them has waited.")
    return banner("<b>The clients have lost their patience, and have left.</b>", RESCUE_COLOR)


def _clients(count: int) -> str:
    return "1 client waits" if count == 1 else f"{count} clients wait"
