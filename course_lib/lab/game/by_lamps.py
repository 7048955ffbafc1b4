"""The game with lamps, played by a program: it sleeps until a lamp is lit, and presses only there.

It is a server on a selector, with the buttons of the game in place of its callbacks.

Read playing.py first.
"""

import selectors
import time
from selectors import EVENT_READ, EVENT_WRITE

from course_lib.lab.game.playing import SCRIPT_PACE, Game, Transcript
from course_lib.lab.game.presses import LISTENER, Press
from course_lib.lab.game.table import PROBE_SECONDS, RESCUE_SECONDS, Table
from course_lib.lab.game.visits import ARRIVALS, at_pace

LIMIT = 20.0
"""Seconds after which a game is given up."""


def play_by_lamps(pace: float = SCRIPT_PACE) -> Transcript:
    """Play a game against real clients, by the lamps; about four seconds."""
    presses: list[Press] = []
    with Game(at_pace(ARRIVALS, pace), RESCUE_SECONDS * pace, PROBE_SECONDS * pace) as game:
        end = time.monotonic() + LIMIT
        while not game.party.over and time.monotonic() < end:
            for who, events in lit(game.table, pace):
                presses += press(game.table, who, events)
        return Transcript(presses, game.party.latencies(), game.party.recorded())


def lit(table: Table, patience: float) -> list[tuple[str, int]]:
    """Sleep until a lamp is lit, ``patience`` seconds at most; return at whom, and for what."""
    with selectors.DefaultSelector() as selector:
        selector.register(table.listener, EVENT_READ, LISTENER)
        for who, seat in table.seats.items():
            events = (0 if seat.left else EVENT_READ) | (EVENT_WRITE if seat.unsent else 0)
            if events:
                selector.register(seat.sock, events, who)
        return [(key.data, events) for key, events in selector.select(patience)]


def press(table: Table, who: str, events: int) -> list[Press]:
    """Press what the lamp allows."""
    reading = "accept" if who == LISTENER else "recv"
    calls = [call for call, event in ((reading, EVENT_READ), ("send", EVENT_WRITE)) if events & event]
    made = [table.press(call, who) for call in calls]
    return [each for each in made if each is not None]
