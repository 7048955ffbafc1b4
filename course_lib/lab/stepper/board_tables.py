"""The two tables on the board of the stepper: what is registered, and the tasks.

Read board_html.py first. Next: board.py.
"""

from course_lib.lab.board_style import SOFT
from course_lib.lab.picture import ANSWERED, IDLE
from course_lib.lab.stepper.board_html import text
from course_lib.lab.stepper.state import SHOWN, State, Watched
from course_lib.lab.stepper.tasks import TaskState

HEADINGS = ("", "fd", "descriptor", "for", "callback", "waiting")


def registered(state: State) -> str:
    """Return the registered descriptors as a table."""
    return _table("Registered", "what select watches", HEADINGS, [_cells(each) for each in state.watched])


def tasks(state: State) -> str:
    """Return the tasks as a table; ``""`` where there are none."""
    if not state.tasks:
        return ""
    return _table(
        "Tasks", "the oldest first", ("task", "", "at"), [_task_cells(each) for each in state.tasks]
    )


def _table(title: str, note: str, headings: tuple[str, ...], rows: list[list[str]]) -> str:
    """Return a table with its title; what is beyond the shown rows is counted."""
    cell = '<td style="padding:1px 12px 1px 0; {}">{}</td>'
    head = "".join(cell.format(f"color:{SOFT}", each) for each in headings)
    body = "".join(
        f"<tr>{''.join(cell.format('white-space:nowrap', each) for each in row)}</tr>" for row in rows[:SHOWN]
    )
    more = len(rows) - SHOWN
    tail = f"<i>and {more} more</i>" if more > 0 else ""
    return (
        f'<div style="line-height:1.35; padding:4px 12px 4px 0"><b>{title}</b> '
        f'<span style="color:{SOFT}">{note}</span>'
        f"<table><tr>{head}</tr>{body}</table>{tail}</div>"
    )


def _task_cells(task: TaskState) -> list[str]:
    due = "" if task.seconds is None else f", due in {max(0.0, task.seconds):.1f} s"
    where = "" if task.function == task.own else f"in <code>{text(task.function)}</code>: "
    return [
        f"<b>{text(task.name)}</b>",
        f"{text(task.waits)}{due}",
        f"{where}<code>{text(task.source)}</code>",
    ]


def _cells(watched: Watched) -> list[str]:
    return [
        _lamp(watched),
        str(watched.descriptor),
        f"<b>{text(watched.name)}</b>",
        watched.events,
        f"<code>{text(watched.callback)}</code>",
        _bytes(watched),
    ]


def _lamp(watched: Watched) -> str:
    lit = bool(watched.in_kernel)
    color, shape, title = (
        (ANSWERED.color, "●", "something waits") if lit else (IDLE.edge, "○", "nothing waits")
    )
    return f'<span style="color:{color}" title="{title}">{shape}</span>'


def _bytes(watched: Watched) -> str:
    """Return what waits in the kernel, and in the buffer of the transport."""
    parts = []
    if watched.in_kernel:
        count = watched.in_kernel
        noun = "client" if watched.listens else "byte"
        verb = "accept" if watched.listens else "recv"
        parts.append(f"{count:,} {noun}{'' if count == 1 else 's'} for {verb}")
    if watched.unsent:
        parts.append(f"{watched.unsent:,} bytes to send")
    return ", ".join(parts)
