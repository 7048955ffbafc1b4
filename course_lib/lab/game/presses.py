"""What the table of the game is made of: seats, and presses of buttons.

Read guests.py first. Next: table.py.
"""

import socket
from dataclasses import dataclass
from typing import NamedTuple

LISTENER = "listener"


class Press(NamedTuple):
    """One call that was made, and what came of it."""

    call: str
    who: str
    """The listener, or the name of the client."""

    outcome: str
    """In words that are the same whenever the same happens."""

    seconds: float
    rescued: bool = False


class Busy(NamedTuple):
    """A call that has not returned yet."""

    call: str
    who: str
    since: float
    """As time.monotonic tells it."""


@dataclass
class Seat:
    """One connection, as its server sees it."""

    who: str
    sock: socket.socket
    descriptor: int
    heard: bytes = b""
    """All that has been received."""

    unsent: bytes = b""
    """What has been received and not yet been sent back."""

    left: bool = False
    """True when the end of the stream has been received."""
