"""All servers at one number of connections: started together, measured in turn, round by round.

The rounds alternate: A, B, C, A, B, C. So what disturbs the machine for some seconds disturbs all alike.
Who waits for its turn sleeps in the kernel and costs nothing; who does not sleep is suspended meanwhile.

Read memory.py and runner.py first. Next: result.py.
"""

from collections.abc import Callable
from contextlib import ExitStack

from course_lib.lab.bench.entrants import Entrant
from course_lib.lab.bench.load import Load
from course_lib.lab.bench.pinning import Places
from course_lib.lab.bench.runner import Row, Runner
from course_lib.lab.bench.settings import Settings
from course_lib.lab.gauntlet.child import ChildError

Step = Callable[[str], object]
"""Told before each thing that takes time."""


def run(
    entrants: list[Entrant],
    connections: int,
    settings: Settings,
    load: Load,
    places: Places | None,
    step: Step,
) -> list[Row]:
    """Measure all entrants with so many connections."""
    rows = [
        Row(each.name, connections, skipped=each.refusal(connections + settings.idle)) for each in entrants
    ]
    with ExitStack() as stack:
        runners = []
        for entrant, row in zip(entrants, rows, strict=True):
            if row.skipped:
                continue
            step(f"{row.server}, {connections} connections, start")
            if runner := started(entrant, row, stack):
                runner.attempt(runner.start, load, settings, places)
                if not row.failed:
                    runner.attempt(runner.look)
                runners.append(runner)
        for number in range(1, settings.rounds + 1):
            for runner in runners:
                step(f"{runner.row.server}, {connections} connections, round {number}")
                if not runner.row.failed:
                    runner.attempt(runner.measure, load, settings)
    return rows


def started(entrant: Entrant, row: Row, stack: ExitStack) -> Runner | None:
    """Return a server whose process has been started; None, with the reason in its row, where that failed."""
    try:
        return Runner(entrant, row, stack)
    except ChildError as error:
        row.failed = str(error)
        return None
