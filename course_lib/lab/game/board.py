"""The board of the game: buttons for the table of descriptors.

JupyterLab runs the callbacks of widgets on a thread of their own, at the same time as cells, and
session.py tells of changes from more threads. So all widgets are made at once, and later only their
values are set, under a lock; nothing is ever displayed from a callback.

Read session.py and board_html.py first.
"""

import random
import threading
import time
from typing import Any

import ipywidgets as widgets

from course_lib.lab.game import board_html
from course_lib.lab.game.playing import Game
from course_lib.lab.game.presses import LISTENER
from course_lib.lab.game.scores import Scores
from course_lib.lab.game.session import Session
from course_lib.lab.game.visits import ARRIVALS, shuffled

FREEZE_SECONDS = 0.15
"""A call that has not returned for so long is shown as blocked."""


class Row:
    """One descriptor: its lamp, its name, its buttons, and what its server knows."""

    def __init__(self, session: Session, calls: tuple[str, ...], lamps: bool) -> None:
        self.who = ""
        self.lamp = widgets.HTML(layout={"width": "116px", "display": None if lamps else "none"})
        self.label = widgets.HTML(layout={"width": "130px"})
        self.buttons = [widgets.Button(description=call, layout={"width": "84px"}) for call in calls]
        for button in self.buttons:
            button.on_click(lambda button: session.press(button.description, self.who))
        self.state = widgets.HTML(layout={"margin": "0 0 0 12px"})
        children = [self.lamp, self.label, *self.buttons, self.state]
        self.box = widgets.HBox(children, layout={"align_items": "center", "min_height": "36px"})
        self.vacate()

    def vacate(self) -> None:
        self.box.layout.display = "none"

    def occupy(self, who: str, descriptor: int) -> None:
        if self.who != who or self.box.layout.display == "none":
            self.who = who
            self.label.value = board_html.label(descriptor, who)
            self.box.layout.display = None


class Board:
    """All widgets of the game. ``render`` brings them up to date, from any thread."""

    def __init__(self, lamps: bool) -> None:
        self.lamps = lamps
        self.session = Session(self.render)
        self._lock = threading.Lock()
        self._chance = random.Random()
        self.start_button = _big_button("Start", "play", lambda _: self.start())
        self.servers_button = _big_button(
            "Let three servers meet the same clients", "server", lambda _: self.compare()
        )
        self.servers_button.layout.display = "none"
        self.clock = widgets.HTML(layout={"margin": "0 0 0 16px"})
        welcome = board_html.WELCOME_WITH_LAMPS if lamps else board_html.WELCOME
        self.banner = widgets.HTML(board_html.banner(welcome))
        self.door = Row(self.session, ("accept", "wait"), lamps)
        self.rows = [Row(self.session, ("recv", "send", "wait"), lamps) for _ in ARRIVALS]
        self.score = widgets.HTML()
        head = widgets.HBox([self.start_button, self.clock], layout={"align_items": "center"})
        rows = [row.box for row in (self.door, *self.rows)]
        children = [head, self.banner, *rows, self.score, self.servers_button]
        self.box = widgets.VBox(children, layout={"max_width": "980px"})

    def start(self) -> None:
        """Begin a game; who thinks for long is another one each time."""
        for row in self.rows:
            row.vacate()
        self.score.value = ""
        self.servers_button.layout.display = "none"
        self.session.start(shuffled(ARRIVALS, self._chance))
        self.start_button.description, self.start_button.icon = "Play again", "refresh"
        self.render()

    def compare(self) -> None:
        """Let the servers play, in the background."""
        self.servers_button.disabled = True
        self.servers_button.description = "The servers are playing; it takes as long as your game…"
        self.session.compare()

    def render(self) -> None:
        """Set all values to what is the case now."""
        with self._lock:
            game = self.session.game
            if game is None:
                return
            self._render_rows(game)
            if self.session.finished:
                self._render_end(game)
            else:
                self._render_call(game)
                self.clock.value = board_html.clock(game.party.clock(), game.party.waiting)

    def _render_rows(self, game: Game) -> None:
        answered = {guest.visit.name for guest in game.party.guests if guest.answered is not None}
        readable = game.table.ready() if self.lamps else set()
        writable = game.table.writable() if self.lamps else set()
        if not self.session.finished:  # afterwards it has no descriptor any more
            self.door.occupy(LISTENER, game.table.listener.fileno())
        self.door.lamp.value = board_html.lamp(LISTENER in readable, False)
        for row, seat in zip(self.rows, list(game.table.seats.values()), strict=False):
            row.occupy(seat.who, seat.descriptor)
            row.lamp.value = board_html.lamp(seat.who in readable, seat.who in writable)
            row.state.value = board_html.state(seat, seat.who in answered)

    def _render_call(self, game: Game) -> None:
        busy = game.table.busy
        lasts = time.monotonic() - busy.since if busy else 0.0
        self._enable(lasts < FREEZE_SECONDS)
        if busy and lasts >= FREEZE_SECONDS:
            waiting = game.party.waiting
            self.banner.value = board_html.in_a_call(busy.call, busy.who, lasts, game.table, waiting)
        elif self.session.last is not None:
            self.banner.value = board_html.told(self.session.last)
        else:
            self.banner.value = board_html.banner("The game has begun. Somebody may be at the door.")

    def _render_end(self, game: Game) -> None:
        self._enable(False)
        self.clock.value = ""
        self.banner.value = board_html.ending(game.party.over)
        if not self.session.servers:
            self.score.value = board_html.score(game.party.guests, game.table.presses)
            if self.servers_button.layout.display == "none" and game.party.over:
                self.servers_button.disabled = False
                self.servers_button.description = "Let three servers meet the same clients"
                self.servers_button.layout.display = None
            return
        self.servers_button.layout.display = "none"
        scores = Scores({"you": game.party.latencies(), **self.session.servers})
        self.score.value = scores._repr_mimebundle_()["text/html"]

    def _enable(self, enabled: bool) -> None:
        for row in (self.door, *self.rows):
            for button in row.buttons:
                button.disabled = not enabled


def _big_button(description: str, icon: str, on_click: Any) -> widgets.Button:
    button = widgets.Button(description=description, icon=icon, button_style="primary")
    button.layout.width, button.layout.align_self = "auto", "flex-start"
    button.on_click(on_click)
    return button
