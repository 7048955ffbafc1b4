"""Clients on a board: a line for each, in which a person types, and buttons for all the ways to leave.

All widgets are made at once; later only their values are set. Each has a CSS class, such as
``stepper-client-1-entry``, by which a test finds it.

Read hand_clients.py first.
"""

import html
import threading
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets

from course_lib.lab.hand_client import HandClient
from course_lib.lab.hand_clients import MOST, HandClients
from course_lib.servers.base import Address

BUTTONS = (
    ("Send", "send", "Send the line that you have typed", "76px"),
    ("Half-close", "half-close", "Say that nothing more will come, and go on listening", "92px"),
    ("Close", "close", "Close the connection in order (FIN)", "68px"),
    ("RST", "reset", "Break the connection off (RST)", "58px"),
)
FIXED = "0 0 auto"
"""A width that stays as it is, however long the words beside it are."""

ENTER_SECONDS = 0.2
"""So long after the Enter key's message the text that was typed may come."""

LAST = 60
"""So many characters of what was heard are shown, the last ones."""


class ClientRow:
    """One line. It shows the client at its place of the list, whichever that is."""

    def __init__(self, number: int, prefix: str, press: Callable[[int, str], None]) -> None:
        css = f"{prefix}-client-{number}"
        self.label = widgets.HTML(layout={"width": "64px", "flex": FIXED})
        self._send = lambda: press(number, "send")
        self.entry = widgets.Text(
            placeholder="type a line", continuous_update=False, layout={"width": "160px", "flex": FIXED}
        )
        self.entry.add_class(f"{css}-entry")
        self.entry.on_msg(lambda _widget, content, _buffers: self._key(content))
        self.entry.observe(lambda _change: self._enter(), "value")
        self._entering: threading.Timer | None = None
        self._lock = threading.Lock()
        self.buttons = {}
        for text, action, tooltip, width in BUTTONS:
            button = widgets.Button(description=text, tooltip=tooltip, layout={"width": width, "flex": FIXED})
            button.on_click(lambda _, action=action: press(number, action))
            button.add_class(f"{css}-{action}")
            self.buttons[action] = button
        self.heard = widgets.HTML(layout={"margin": "0 0 0 8px", "flex": "1 1 0", "min_width": "0"})
        self.heard.add_class(f"{css}-heard")
        children = [self.label, self.entry, *self.buttons.values(), self.heard]
        self.box = widgets.HBox(children, layout={"align_items": "center", "display": "none"})
        self.box.add_class(css)

    def _key(self, content: Any) -> None:
        if isinstance(content, dict) and content.get("event") == "submit":  # the Enter key
            # Its message overtakes the text. So the line goes out when the text has come, or soon, where
            # it was there before.
            self._entering = threading.Timer(ENTER_SECONDS, self._enter, [True])
            self._entering.daemon = True
            self._entering.start()

    def _enter(self, late: bool = False) -> None:
        """Send what was typed, if the Enter key was pressed and the text has come, or will not (``late``)."""
        with self._lock:
            entering = self._entering
            if entering is None or not (self.entry.value or late):
                return
            self._entering = None
        entering.cancel()
        if self.entry.value:
            self._send()

    def render(self, client: HandClient | None, note: str) -> None:
        self.box.layout.display = "none" if client is None else None
        if client is None:
            return
        self.label.value = f"<b>{client.name}</b>"
        self.entry.disabled = not client.is_open
        for button in self.buttons.values():
            button.disabled = not client.is_open
        self.heard.value = heard(client, note)


def heard(client: HandClient, note: str) -> str:
    """Return what the client has heard, how it fares, and a note."""
    words = client.heard
    shown = ("…" if len(words) > LAST else "") + words[-LAST:]
    parts = [f"heard <code>{html.escape(repr(shown)[1:-1])}</code>" if words else "has heard nothing"]
    if client.state != "open":
        parts.append(f"<b>{html.escape(client.state)}</b>")
    if note and not client.state.startswith("the server"):
        parts.append(html.escape(note))
    return f'<div style="line-height:1.3">{"; ".join(parts)}</div>'


class ClientRows:
    """The button that opens a client, and the lines. ``address()`` tells where to; None: nowhere."""

    def __init__(self, clients: HandClients, address: Callable[[], Address | None], prefix: str) -> None:
        self.clients, self.address = clients, address
        self.open_button = widgets.Button(description="Open a client", icon="plus", layout={"width": "140px"})
        self.open_button.add_class(f"{prefix}-open")
        self.open_button.on_click(lambda _: self.open())
        self.message = widgets.HTML()
        self.message.add_class(f"{prefix}-client-message")
        self.rows = [ClientRow(number, prefix, self.press) for number in range(1, MOST + 1)]
        self.on_press: Callable[[], object] = lambda: None
        head = widgets.HBox([self.open_button, self.message], layout={"align_items": "center"})
        self.box = widgets.VBox([head, *(row.box for row in self.rows)])

    def open(self) -> None:
        """Open one more client; where that is impossible, say why."""
        address = self.address()
        self.say("")
        try:
            if address is None:
                raise ValueError("there is no address to connect to")
            self.clients.open(address)
        except ValueError as error:
            self.say(str(error))
        self.on_press()

    def press(self, number: int, action: str) -> None:
        """Do what the button says, for the client in line ``number``, from 1."""
        shown = list(self.clients.shown)
        if number > len(shown):
            return  # it has gone meanwhile
        client, entry = shown[number - 1], self.rows[number - 1].entry
        if action == "send":
            client.say(entry.value)
            entry.value = ""
        else:
            {"half-close": client.half_close, "close": client.close, "reset": client.reset}[action]()
        self.on_press()

    def say(self, words: str) -> None:
        self.message.value = f"&nbsp; {html.escape(words)}" if words else ""

    def render(self, notes: Mapping[str, str]) -> None:
        """Set all values; ``notes`` by the names of clients."""
        self.open_button.disabled = self.address() is None
        shown = list(self.clients.shown)
        for row, client in zip(self.rows, [*shown, *[None] * MOST], strict=False):
            row.render(client, notes.get(client.name, "") if client else "")
