"""The same arrivals, played to three servers of the ladder at the same time.

Read playing.py first. Next: scores.py.
"""

from collections.abc import Callable
from contextlib import ExitStack

from course_lib.lab.background import serve
from course_lib.lab.game.guests import Party
from course_lib.lab.game.visits import Arrivals

SERVERS = ("blocking", "threaded", "selectors")

PATIENCE = 3.0
"""Seconds after the last question for which an answer is waited for."""

Latencies = dict[str, float | None]
"""For each client the seconds for which it waited for its answer; None where it never asked."""


def let_servers_play(
    arrivals: Arrivals, given_up: Callable[[], bool] = lambda: False
) -> dict[str, Latencies]:
    """Return the latencies under each server. It takes as long as the arrivals do, unless it is given up."""
    with ExitStack() as stack:
        # A name of its own: a server of the same kind that the notebook runs is left alone.
        servers = [stack.enter_context(serve(rung, name=f"{rung} of the game")) for rung in SERVERS]
        parties = [stack.enter_context(Party(arrivals, server.address)) for server in servers]
        limit = max(piece.at for visit in arrivals for piece in visit.pieces) + PATIENCE
        for party in parties:
            party.join(limit - party.clock(), given_up)
        return {rung: party.latencies() for rung, party in zip(SERVERS, parties, strict=True)}
