"""What the benchmark found: rows, the ratios between them, and plain data for JSON.

Read stats.py and rounds.py first. Next: table.py, for how it is printed, and plot.py, for how it is drawn.
"""

import json
import platform
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from course_lib.lab import machine
from course_lib.lab.bench.pinning import Places
from course_lib.lab.bench.runner import Row
from course_lib.lab.bench.settings import Settings
from course_lib.lab.bench.stats import Spread, ratio

if TYPE_CHECKING:
    from course_lib.lab.picture import Picture


@dataclass
class Result:
    """Shown, it is a picture; ``print`` gives the table with all its numbers."""

    settings: Settings
    rows: list[Row] = field(default_factory=list)
    memory: dict[str, float] = field(default_factory=dict)
    """Bytes of the process for each connection, by the server's name, where it could be told."""
    places: Places | None = None
    """The processors to which servers and load were pinned; None where they were not."""
    reference: str | None = None
    """The server that all are compared with; None: the cheapest one at each number of connections."""

    def at(self, connections: int) -> list[Row]:
        """Return the rows at that number of connections."""
        return [row for row in self.rows if row.connections == connections]

    def __getitem__(self, key: tuple[str, int]) -> Row:
        """Return the row of ``result[server, connections]``."""
        for row in self.rows:
            if (row.server, row.connections) == key:
                return row
        raise KeyError(key)

    def reference_at(self, connections: int) -> Row | None:
        """Return the row that the others are compared with; None where it was not measured."""
        rows = [row for row in self.at(connections) if row.measured]
        if self.reference is None:
            return min(rows, key=lambda row: cpu(row).median, default=None)
        return next((row for row in rows if row.server == self.reference), None)

    def times_reference(self, row: Row) -> Spread | None:
        """Return how many times the reference's CPU time a request costs; None where that cannot be told."""
        base = self.reference_at(row.connections)
        if base is None or not row.measured:
            return None
        return ratio([m.cpu_per_request for m in row.rounds], [m.cpu_per_request for m in base.rounds])

    def __str__(self) -> str:
        from course_lib.lab.bench.table import text

        return text(self)

    def __repr__(self) -> str:
        return self.words()

    def words(self) -> str:
        """Say what was measured, and nothing that differs from run to run."""
        lines = []
        for count in self.settings.connections:
            rows = self.at(count)
            measured = ", ".join(row.server for row in rows if row.measured) or "nothing"
            lines.append(f"{some(count, 'connection')}: measured {measured}")
            lines += [f"  {row.server} skipped: {row.skipped}" for row in rows if row.skipped]
            lines += [f"  {row.server} failed: {row.failed}" for row in rows if row.failed]
        return "\n".join(lines)

    @cached_property
    def picture(self) -> "Picture":
        """The CPU time of a request, and the latency, against the number of connections."""
        from course_lib.lab.bench.plot import picture

        return picture(self)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return self.picture._repr_mimebundle_()

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain data: times in seconds, memory in bytes."""
        return {
            "machine": this_machine(),
            "settings": asdict(self.settings),
            "pinned": self.places._asdict() if self.places else None,
            "rows": [self._row(row) for row in self.rows],
        }

    def _row(self, row: Row) -> dict[str, Any]:
        facts: dict[str, Any] = {**asdict(row), "memory_per_connection": self.memory.get(row.server)}
        if row.measured:
            facts["median"] = {
                "requests_per_second": rate(row)._asdict(),
                "server_cpu_per_request": cpu(row)._asdict(),
                "p50": Spread.of([m.p50 for m in row.rounds])._asdict(),
                "p99": Spread.of([m.p99 for m in row.rounds])._asdict(),
                "server_busy": Spread.of([m.server_busy for m in row.rounds])._asdict(),
                "load_busy": Spread.of([m.load_busy for m in row.rounds])._asdict(),
            }
            base, times = self.reference_at(row.connections), self.times_reference(row)
            if base and times:
                facts["compared"] = {"reference": base.server, "cpu_per_request": times._asdict()}
        return facts

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2)


def cpu(row: Row) -> Spread:
    """Return the server's CPU time for a request, in seconds."""
    return Spread.of([m.cpu_per_request for m in row.rounds])


def rate(row: Row) -> Spread:
    """Return the requests per second."""
    return Spread.of([m.rate for m in row.rounds])


def some(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def this_machine() -> dict[str, str]:
    """Describe it in general words: no names of hosts, no paths."""
    release = ".".join(platform.release().split(".")[:2])
    return {
        "python": machine.python(),
        "system": f"{platform.system()} {release}, {platform.machine()}",
        "processors": machine.processors(),
    }
