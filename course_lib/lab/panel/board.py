"""The board of the panel: which rung, start, stop, and the clients.

JupyterLab runs the callbacks of widgets on a thread of their own, at the same time as cells. So all widgets
are made at once; a callback of a button only asks the session for something; and a ticker sets the values.

Read session.py and board_html.py first.
"""

import threading
from collections.abc import Callable

import ipywidgets as widgets

from course_lib.lab.client_rows import ClientRows
from course_lib.lab.explain import one_line
from course_lib.lab.handle import as_line
from course_lib.lab.panel import board_html
from course_lib.lab.panel.session import Session
from course_lib.lab.ticker import Ticker
from course_lib.servers import LADDER


class Board:
    """All widgets of a panel. ``look`` brings them up to date, from any thread."""

    def __init__(self, session: Session, chosen: str) -> None:
        self.session = session
        self.ticker = Ticker(self.look)
        self.message = ""
        """What went wrong with the last press."""
        self._lock = threading.Lock()
        options = [
            (f"{each.name} (not on this system)" * bool(each.unavailable) or each.name, each.name)
            for each in LADDER
        ]
        self.rung = widgets.Dropdown(options=options, value=chosen, layout={"width": "240px"})
        self.rung.add_class("panel-rung")
        self.start_button = self._button("Start", "play", lambda: session.start(self.rung.value), "primary")
        self.stop_button = self._button("Stop", "stop", session.stop)
        self.status, self.threads = widgets.HTML(), widgets.HTML()
        self.status.add_class("panel-status")
        self.threads.add_class("panel-threads")
        self.clients = ClientRows(session.clients, lambda: session.address, "panel")
        self.clients.on_press = self.ticker.start
        head = widgets.HBox(
            [self.rung, self.start_button, self.stop_button], layout={"align_items": "center"}
        )
        rows = [head, self.status, self.threads, self.clients.box]
        self.box = widgets.VBox(rows, layout={"max_width": "980px"})
        self.box.add_class("panel")
        self.look()

    def _button(self, text: str, icon: str, action: Callable[[], object], style: str = "") -> widgets.Button:
        button = widgets.Button(description=text, icon=icon, button_style=style, layout={"width": "84px"})
        button.add_class(f"panel-{text.lower()}")
        button.on_click(lambda _: self.press(action))
        return button

    def press(self, action: Callable[[], object]) -> None:
        """Do it; what goes wrong is said on the board."""
        self.ticker.start()
        self.message = ""
        try:
            action()
        except RuntimeError as error:
            self.message = as_line(error)
        except Exception as error:
            self.message = one_line(error)

    def look(self) -> None:
        """Set all values to what is the case now. A value that stays the same costs the page nothing."""
        with self._lock:
            waits = self.session.look()
            self.status.value = board_html.status(self.session, self.message)
            self.threads.value = board_html.threads(waits)
            self.stop_button.disabled = not self.session.serving
            self.clients.render(waits.clients)

    def end(self) -> None:
        """Keep up no longer; show how it has ended."""
        self.ticker.end()
        self.look()
