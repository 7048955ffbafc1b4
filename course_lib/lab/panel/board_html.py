"""What the board of the panel says: its small HTML. No widgets, no sockets.

Read waits.py and ../board_style.py first. Next: board.py.
"""

import html

from course_lib.lab.board_style import SOFT, TROUBLE, framed
from course_lib.lab.panel.session import Session
from course_lib.lab.panel.waits import Standing, Waits
from course_lib.lab.picture import ANSWERED, BLOCKED, RUNNING

GROUPS = 10
"""So many lines of threads are shown, and the others counted."""


def status(session: Session, message: str) -> str:
    """Return what runs; ``message`` is what went wrong with the last press."""
    if message:
        return framed(f"<b>{html.escape(message)}</b>", TROUBLE)
    address = session.address
    if address is None:
        return framed(
            f"<b>{session.rung} has been stopped.</b>" if session.rung else "No server runs: press Start."
        )
    host, port = address
    return framed(f"<b>{session.rung}</b> serves on {host}, port {port}.")


def threads(waits: Waits) -> str:
    """Return the threads of the server, and what each of them waits for."""
    if waits.ending:
        return f'<div style="color:{SOFT}; padding:4px 0">{html.escape(waits.ending)}</div>'
    groups = waits.grouped()
    rows = [_thread(who, each) for who, each in groups[:GROUPS]]
    more = len(groups) - GROUPS
    rows += [f"<i>and {more} more</i>"] if more > 0 else []
    return f'<div style="line-height:1.35; padding:4px 0"><b>Who waits for whom</b>{"".join(rows)}</div>'


def _thread(who: str, each: Standing) -> str:
    edge = RUNNING.edge if each.runs else BLOCKED.edge if each.client else ANSWERED.color
    code = (
        f'<code style="color:{SOFT}; margin-left:16px">{html.escape(each.line)}</code>' if each.line else ""
    )
    style = f"border-left:4px solid {edge}; padding:2px 10px; margin:3px 0; display:flex; flex-wrap:wrap"
    return f'<div style="{style}"><span>{who} <b>{html.escape(each.words())}</b></span>{code}</div>'
