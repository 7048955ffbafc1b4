"""The benchmark: servers side by side, each in a process of its own, under the same load.

It tells requests a second, latency, and above all what a request costs the server in CPU time, which depends
least on the load and on what else the machine does. Memory for each connection is told too.

Read the files of this folder in the order of ../../README.md, or start with rounds.py: there it happens.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import psutil

from course_lib.lab.bench import memory, rounds
from course_lib.lab.bench.echo_load import Failed
from course_lib.lab.bench.entrants import BenchError, Entrant, choose
from course_lib.lab.bench.load import Load, LoadBroken
from course_lib.lab.bench.pinning import pin, places
from course_lib.lab.bench.result import Result
from course_lib.lab.bench.settings import SPARE, Settings, room
from course_lib.lab.descriptor_room import room_for
from course_lib.lab.gauntlet.child import ChildError

__all__ = ["BenchError", "LoadBroken", "Plan", "Result", "Settings", "bench", "choose"]


def bench(
    *servers: Any,
    connections: int | Iterable[int] = Settings.connections,
    idle: int = 0,
    seconds: float = 2.0,
    rounds: int = 3,
    size: int = 1024,
    peers: bool = False,
    programs: Iterable[str] = (),
    reference: str | None = None,
    progress: bool = True,
) -> Result:
    """Measure ``servers`` and return a Result: shown it is a picture, ``print`` gives the numbers.

    A server is the name of a rung or of a peer, a class of the ladder's shape, or a function of one
    listener. Without any, the whole ladder is measured. ``programs`` are "NAME=COMMAND": any program that
    prints the port on which it echoes. ``peers`` adds all peers that are installed.

    Each of ``connections`` is measured by itself, with ``idle`` more that stay silent, for ``rounds`` times
    ``seconds``, with messages of ``size`` bytes. ``reference`` names the server that all are compared with;
    the cheapest one by default. Who cannot have so many clients is skipped, and listed with the reason.

    Raises BenchError for what cannot be measured, LoadBroken where the load's own process fails.
    """
    counts = (connections,) if isinstance(connections, int) else tuple(dict.fromkeys(connections))
    return Plan(
        Settings(counts, idle, seconds, rounds, size), choose(servers, peers, programs), reference
    ).run(progress)


class Plan:
    """What shall be measured; nothing has been started yet. Raises BenchError for what cannot be meant."""

    def __init__(self, settings: Settings, entrants: list[Entrant], reference: str | None = None) -> None:
        names = [entrant.name for entrant in entrants]
        if reference is not None and reference not in names:
            raise BenchError(
                f"the reference {reference!r} does not take part; choose one of {', '.join(names)}"
            )
        self.settings = settings
        self.entrants = entrants
        self.result = Result(settings, places=places(), reference=reference)

    def run(self, progress: bool = True) -> Result:
        """Measure it. Raises BenchError where there are too few descriptors, and LoadBroken."""
        with ExitStack() as stack:
            stack.enter_context(room_for(memory.CLIENTS + SPARE))  # where that is refused, fewer do
            stack.enter_context(room(self.settings.most))
            step = stack.enter_context(bar(self.steps, progress))
            load = stack.enter_context(Load())
            if self.result.places:
                pin(load.process.pid, self.result.places.load)
            self._measure_memory(load, step)
            for count in self.settings.connections:
                self.result.rows += rounds.run(
                    self.entrants, count, self.settings, load, self.result.places, step
                )
        return self.result

    def _measure_memory(self, load: Load, step: rounds.Step) -> None:
        for entrant in self.entrants:
            step(f"{entrant.name}, memory")
            with suppress(Failed, ChildError, psutil.Error):  # the rounds find out, and say so
                cost = memory.measure(entrant, load)
                if cost is not None:
                    self.result.memory[entrant.name] = cost

    @property
    def steps(self) -> int:
        """How many things there are to do."""
        counts = [count + self.settings.idle for count in self.settings.connections]
        rows = sum(not entrant.refusal(count) for entrant in self.entrants for count in counts)
        return len(self.entrants) + (1 + self.settings.rounds) * rows


@contextmanager
def bar(total: int, shown: bool) -> Iterator[Callable[[str], None]]:
    """Show how far it is, on standard error; yield what is to be called before each step."""
    from tqdm.auto import tqdm

    tqdm.monitor_interval = 0  # its monitor is a thread that never ends
    with tqdm(total=total, disable=not shown, leave=False) as progress:
        done = iter(range(total + 1))

        def step(what: str) -> None:
            progress.update(min(1, next(done)))  # before the first, nothing has been done
            progress.set_description(what)

        yield step
