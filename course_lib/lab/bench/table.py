"""The result as a table of plain text, about 115 columns wide, and the notes without which it misleads.

Read result.py first.
"""

import textwrap
from collections.abc import Iterable, Iterator
from statistics import median

from course_lib.lab.bench.result import Result, cpu, rate, some, this_machine
from course_lib.lab.bench.runner import Row

HEAD = [
    tuple(head.split("|"))
    for head in (
        "|requests||latency, µs||server CPU||times|busy, %||KiB for a",
        "server|a second|(low–high)|p50|p99|µs/request|(low–high)|ref.|server|load|connection",
    )
]

FULL = 0.9
"""From this share of a processor on, a process is taken to be what holds the other one up."""

DISTURBED = 0.05
"""The share of a round from which on it is worth telling that the load had to wait for its processor."""

WIDTH = 110
"""Columns of the notes."""

NOTES = (
    "Compare CPU per request, and the ratio to the reference: taken round by round, its median is little"
    " disturbed by what else runs here.",
    "Low and high are the slowest and the fastest of all rounds, the rest is the median of the rounds.",
)


def text(result: Result) -> str:
    """Return the tables, one for each number of connections, and the notes."""
    parts = [table(result, count) for count in result.settings.connections]
    return "\n\n".join([*parts, "\n".join(wrapped(notes(result)))])


def table(result: Result, count: int) -> str:
    rows = result.at(count)
    measured = [cells(result, row) for row in rows if row.measured]
    lines = [title(result, count)]
    if measured:
        lines += aligned([*HEAD, *measured])
    width = max((len(row.server) for row in rows), default=0)
    for row in rows:
        if reason := (row.skipped and f"skipped: {row.skipped}") or (row.failed and f"FAILED: {row.failed}"):
            lines.append(f"{row.server:{width}}  {reason}".replace("\n", " "))
    return "\n".join([*lines, *wrapped(bottlenecks(rows))])


def wrapped(sentences: Iterable[str]) -> Iterator[str]:
    for sentence in sentences:
        yield from textwrap.wrap(sentence, WIDTH)


def title(result: Result, count: int) -> str:
    s = result.settings
    idle = f" and {s.idle:,} silent ones" if s.idle else ""
    base = result.reference_at(count)
    ref = f"; ref. is {base.server}" if base else ""
    rounds = some(s.rounds, "round")
    return f"{some(count, 'connection')}{idle}, {s.size:,} bytes each way, {rounds} of {s.seconds:g} s{ref}"


def cells(result: Result, row: Row) -> tuple[str, ...]:
    requests, micros, times = rate(row), cpu(row), result.times_reference(row)
    memory = result.memory.get(row.server)
    return (
        row.server,
        f"{requests.median:,.0f}",
        f"({requests.low:,.0f}–{requests.high:,.0f})",
        f"{median(m.p50 for m in row.rounds) * 1e6:,.0f}",
        f"{median(m.p99 for m in row.rounds) * 1e6:,.0f}",
        f"{micros.median * 1e6:.2f}",
        f"({micros.low * 1e6:.2f}–{micros.high * 1e6:.2f})",
        f"{times.median:.2f}" if times else "-",
        f"{server_busy(row):.0%}".rstrip("%"),
        f"{load_busy(row):.0%}".rstrip("%"),
        "-" if memory is None else f"{memory / 1024:.1f}",
    )


def aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """Return the rows as lines, the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        right = (f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True))
        lines.append("  ".join([f"{first:{widths[0]}}", *right]).rstrip())
    return lines


def server_busy(row: Row) -> float:
    return median(m.server_busy for m in row.rounds)


def load_busy(row: Row) -> float:
    return median(m.load_busy for m in row.rounds)


def bottlenecks(rows: list[Row]) -> Iterator[str]:
    """Say where rate and latency are not the server's own: the load was slower, or something else ran."""
    measured = [row for row in rows if row.measured]
    held = [row.server for row in measured if load_busy(row) >= FULL > server_busy(row)]
    if held:
        yield f"The load was the bottleneck: more requests a second are in {', '.join(held)}."
    queued = max((m.load_queued / m.seconds for row in measured for m in row.rounds), default=0.0)
    if queued > DISTURBED:
        yield (
            f"Other programs took the load's processor for up to {queued:.0%} of a round: rates and latencies"
            " are those of a busy machine. CPU per request suffers least."
        )


def notes(result: Result) -> Iterator[str]:
    facts = this_machine()
    where = f"{facts['python']}, {facts['system']}, processors: {facts['processors']}."
    if result.places:
        where += f" Servers ran on processor {result.places.server}, the load on {result.places.load}."
    else:
        where += " Nothing was pinned to a processor: there is no choice here."
    spinning = dict.fromkeys(row.server for row in result.rows if row.spins)
    yield from NOTES
    yield where
    if result.memory:
        yield "Memory is that of the server's process alone, without the kernel's buffers."
    if spinning:
        yield f"Busy even without a client, so suspended while others ran: {', '.join(spinning)}."
