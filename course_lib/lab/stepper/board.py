"""The board of the stepper: buttons, and what the reactor holds and does.

JupyterLab runs the callbacks of widgets on a thread of their own, at the same time as cells. So all widgets
are made at once; a callback of a button only asks the session for something; and a ticker sets the values,
at most ten times a second, however many rounds there are in between.

Read session.py and board_tables.py first.
"""

import threading
from collections.abc import Callable

import ipywidgets as widgets

from course_lib.lab.client_rows import ClientRows
from course_lib.lab.stepper import board_html, board_tables
from course_lib.lab.stepper.session import SPEEDS, Session
from course_lib.lab.stepper.state import state_of
from course_lib.lab.ticker import Ticker


class Board:
    """All widgets of a stepper. ``look`` brings them up to date, from any thread."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.ticker = Ticker(self.look)
        self._lock = threading.Lock()
        self.step_button = self._button("Step", "step-forward", "step", session.step, "primary")
        self.run_button = self._button("Run", "play", "run", session.run)
        self.pause_button = self._button("Pause", "pause", "pause", session.pause)
        self.reset_button = self._button("Reset", "refresh", "reset", session.reset)
        self.speed = widgets.SelectionSlider(options=list(SPEEDS), value=session.speed, description="speed")
        self.speed.add_class("stepper-speed")
        self.speed.observe(lambda change: session.set_speed(change["new"]), "value")
        names = ("status", "registered", "queue", "timers", "tasks", "round", "earlier")
        self.parts = {name: widgets.HTML() for name in names}
        for name, part in self.parts.items():
            part.add_class(f"stepper-{name}")
        self.clients = ClientRows(session.clients, lambda: session.address, "stepper")
        self.clients.on_press = self.ticker.start
        self.box = self._laid_out()
        self.box.add_class("stepper")
        self.look()

    def _button(
        self, text: str, icon: str, name: str, action: Callable[[], object], style: str = ""
    ) -> widgets.Button:
        button = widgets.Button(description=text, icon=icon, button_style=style, layout={"width": "84px"})
        button.add_class(f"stepper-{name}")

        def pressed(_: object) -> None:
            self.ticker.start()
            action()

        button.on_click(pressed)
        return button

    def _laid_out(self) -> widgets.VBox:
        parts = self.parts
        buttons = [self.step_button, self.run_button, self.pause_button, self.reset_button, self.speed]
        head = widgets.HBox(buttons, layout={"align_items": "center"})
        lists = widgets.VBox([parts["queue"], parts["timers"]])
        held = widgets.HBox([parts["registered"], lists], layout={"justify_content": "space-between"})
        # The clients above what varies in height: nobody's line moves while it is typed.
        rows = [
            head,
            parts["status"],
            held,
            parts["tasks"],
            self.clients.box,
            parts["round"],
            parts["earlier"],
        ]
        return widgets.VBox(rows, layout={"max_width": "980px"})

    def look(self) -> None:
        """Set all values to what is the case now. A value that stays the same costs the page nothing."""
        with self._lock:
            drive = self.session.drive
            reactor, state = drive.reactor, state_of(drive.reactor)
            self.parts["status"].value = board_html.status(drive)
            self.parts["registered"].value = board_tables.registered(state)
            self.parts["queue"].value = board_html.queue(state)
            self.parts["timers"].value = board_html.timers(state)
            self.parts["tasks"].value = board_tables.tasks(state)
            self.parts["tasks"].layout.display = None if state.tasks else "none"
            history = list(reactor.history)
            # While it sleeps, the status says so, and the round before can still be read.
            told = reactor.round if reactor.round.ran or not history else history[-1]
            self.parts["round"].value = board_html.last_round(told)
            self.parts["earlier"].value = board_html.earlier(history, told)
            self.step_button.disabled = drive.over or drive.busy or drive.running or bool(drive.error)
            self.run_button.disabled = drive.over or drive.running or bool(drive.error)
            self.pause_button.disabled = not drive.running
            self.clients.render({})

    def end(self) -> None:
        """Keep up no longer; show how it has ended."""
        self.ticker.end()
        self.look()
