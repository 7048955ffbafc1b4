"""The five clients of the game, as data: when each comes and what it says.

The same data are played to a person, to a scripted player and to three servers, so their
scores can be compared.

Read ../visitors.py first. Next: guests.py.
"""

import random
from typing import NamedTuple


class Piece(NamedTuple):
    """Bytes that a client sends at a moment, in seconds since the game began."""

    at: float
    data: bytes


class Visit(NamedTuple):
    """One client: when it connects, and its question, in one piece or more. It wants all bytes back."""

    name: str
    comes: float
    pieces: tuple[Piece, ...]

    @property
    def question(self) -> bytes:
        return b"".join(piece.data for piece in self.pieces)


Arrivals = tuple[Visit, ...]

ARRIVALS: Arrivals = (
    Visit("Ann", 0.0, (Piece(1.0, b"hello"),)),
    Visit("Bob", 1.5, (Piece(15.0, b"sorry, I had to think"),)),
    Visit("Cy", 3.0, (Piece(4.0, b"I type "), Piece(12.0, b"slowly"))),
    Visit("Dee", 5.0, (Piece(5.2, b"quick!"),)),
    Visit("Eve", 8.0, (Piece(9.0, b"good evening"),)),
)
"""Made for a person, who presses about one button a second."""


def at_pace(arrivals: Arrivals, pace: float) -> Arrivals:
    """Return the same arrivals with all times multiplied by ``pace``."""
    return tuple(
        Visit(name, comes * pace, tuple(Piece(at * pace, data) for at, data in pieces))
        for name, comes, pieces in arrivals
    )


def shuffled(arrivals: Arrivals, chance: random.Random) -> Arrivals:
    """Return arrivals at the same moments, in which another client is the one that thinks for long."""
    habits = [[Piece(at - visit.comes, data) for at, data in visit.pieces] for visit in arrivals]
    chance.shuffle(habits)
    return tuple(
        Visit(visit.name, visit.comes, tuple(Piece(visit.comes + at, data) for at, data in habit))
        for visit, habit in zip(arrivals, habits, strict=True)
    )
