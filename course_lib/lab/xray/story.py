"""A lane in words: ``server: accept (blocked) → (recv (blocked) → sendall) × 3``.

The words hold no time, and must be the same for every run. So they tell of waits that took long, and leave
out what depends on thousandths of seconds: a call that asked whether something was ready and found
nothing, a ``select`` that did not wait. If there is nothing else for long, that is told, once, as ``asks
again and again``.

Read calls.py first. Next: ../timeline.py.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from course_lib.lab.xray.calls import BLOCKED_SECONDS, Call
from course_lib.lab.xray.folding import ARROW, fold
from course_lib.lab.xray.lanes import NOTHING_READY
from course_lib.lab.xray.messages import Message

POLLING = "asks again and again"


class Span(NamedTuple):
    """A call, or a run of calls that led to nothing, on the way from ``start`` to ``end``."""

    calls: Sequence[Call]
    start: float
    end: float
    polls: bool

    @property
    def call(self) -> Call:
        return self.calls[0]


def spans(calls: Sequence[Call]) -> list[Span]:
    """Return what one thread did, with each run of calls that led to nothing taken together."""
    found = []
    for polls, group in groupby(calls, key=is_poll):
        run = list(group)
        if polls:
            found.append(Span(run, run[0].start, run[-1].end, True))
        else:
            found += [Span([call], call.start, call.end, False) for call in run]
    return found


def is_poll(call: Call) -> bool:
    """Tell whether the call has led to nothing: it asked and there was nothing, or it was all too short."""
    if call.name == "sleep":
        return call.seconds < BLOCKED_SECONDS
    if call.blocked:
        return False
    if call.name in ("select", "poll") or (call.name.startswith("send") and not call.error):
        return not call.bytes
    return call.error in NOTHING_READY


def words_for(span: Span) -> str:
    """Return the words for one span; ``""`` for what is not told."""
    call = span.call
    if span.polls:
        return POLLING if span.end - span.start >= BLOCKED_SECONDS else ""
    if call.name in ("select", "poll") and not call.blocked:
        return ""
    notes = []
    if call.blocked and call.name != "sleep":
        notes.append("blocked since before" if call.before and call.open else "blocked")
    if call.error:
        notes.append(call.error)
    elif call.result == "end of stream":
        notes.append("end")
    return f"{call.name} ({', '.join(notes)})" if notes else call.name


def lane_words(calls: Sequence[Call]) -> str:
    """Tell what one thread did."""
    words: list[str] = []
    for word in filter(None, map(words_for, spans(calls))):
        if words and word == words[-1] and word.startswith(("select", "poll", POLLING)):
            continue  # how often it woke up for nothing is chance
        if words and word.startswith("join") and words[-1].startswith("join"):
            words[-1] = max(word, words[-1])  # one wait for all: which of them ends last is chance
        else:
            words.append(word)
    return ARROW.join(fold(words))


def tell(kinds: Mapping[str, str], calls: Sequence[Call], passed: Sequence[Message]) -> str:
    """Tell what all threads did, and how many bytes went from whom to whom.

    ``kinds`` has the name of each thread, and its kind. Which of several threads of one kind does what may
    be chance, so they are told by their number alone.
    """
    stories: dict[str, list[str]] = {}
    for name, kind in kinds.items():
        if words := lane_words([call for call in calls if call.thread == name]):
            stories.setdefault(kind, []).append(words)
    lines: dict[str, list[str]] = {}
    for kind, told in stories.items():
        for words, count in sorted(Counter(told).items(), key=lambda item: (-item[1], item[0])):
            lines.setdefault(words, []).append(_who(kind, count, len(told)))
    said = [f"{_together(who)}: {words}" for words, who in lines.items()]
    return "\n".join(said + _bytes(kinds, passed)) or "nothing was called"


def _who(kind: str, count: int, total: int) -> str:
    if total == 1:
        return kind
    return f"{kind} ({count} threads)" if count == total else f"{kind} ({count} of {total} threads)"


def _together(names: list[str]) -> str:
    """Return the names in few words: client 1 to 3, other."""
    groups: list[list[str]] = []
    for name in names:
        base, _, number = name.rpartition(" ")
        if groups and number.isdigit() and groups[-1][-1] == f"{base} {int(number) - 1}":
            groups[-1].append(name)
        else:
            groups.append([name])
    return ", ".join(
        f"{group[0]} to {group[-1].rpartition(' ')[2]}" if len(group) > 1 else group[0] for group in groups
    )


def _bytes(kinds: Mapping[str, str], passed: Sequence[Message]) -> list[str]:
    """Return lines such as ``a to b: 5 bytes, back: 7 bytes``."""
    totals: dict[frozenset[str], Counter[tuple[str, str]]] = {}
    for message in passed:
        way = (kinds[message.sent.thread], kinds[message.received.thread])
        totals.setdefault(frozenset(way), Counter())[way] += message.bytes
    order = list(dict.fromkeys(kinds.values()))
    lines = []
    for pair in sorted(totals, key=lambda pair: sorted(map(order.index, pair))):
        (way, count), *back = totals[pair].items()
        line = f"{way[0]} to {way[1]}: {_count(count)}"
        lines.append(line + "".join(f", back: {_count(count)}" for _, count in back))
    return lines


def _count(count: int) -> str:
    return "1 byte" if count == 1 else f"{count:,} bytes"
