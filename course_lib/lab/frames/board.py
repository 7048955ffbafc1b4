"""The board of the frame stepper: buttons, and the source of each frame with the line at which it stands.

JupyterLab runs the callbacks of widgets on a thread of their own, at the same time as cells. A step may never
come back; so each runs in a thread that nobody waits for, and Reset works meanwhile.

Read board_html.py and printed.py first.
"""

import ast
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from course_lib.eventloop import CancelledError
from course_lib.lab.frames import board_html
from course_lib.lab.frames.printed import printed
from course_lib.lab.frames.steps import RUNNING, Step
from course_lib.lab.frames.values import in_words
from course_lib.lab.ticker import Ticker

if TYPE_CHECKING:
    from course_lib.lab.frames import TheFrames

ERRORS = (ValueError, KeyError, TimeoutError, CancelledError, GeneratorExit)
"""What can be thrown by a button."""

ENTER_SECONDS = 0.2
"""The Enter key's message overtakes the text; so long after it the text has come."""


class Board:
    """All widgets of a frame stepper. ``look`` brings them up to date, from any thread."""

    def __init__(self, frames: "TheFrames") -> None:
        self.frames = frames
        self.ticker = Ticker(self.look)
        self.printed = 0, ""
        """The number of the last step that a button has run, and what that printed."""
        self._lock = threading.Lock()
        self.step_button = self._button("Step", "step-forward", "step", self._step, "primary")
        self.send_button = self._button("Send", "", "send", self._send)
        self.throw_button = self._button("Throw", "", "throw", self._throw)
        self.reset_button = self._button("Reset", "refresh", "reset", self._reset)
        self.entry = widgets.Text(
            placeholder="3 or 'yes'", continuous_update=False, layout={"width": "150px"}
        )
        self.entry.add_class("frames-entry")
        self.entry.on_msg(lambda _widget, content, _buffers: self._key(content))
        names = [error.__name__ for error in ERRORS]
        self.error = widgets.Dropdown(options=names, layout={"width": "140px"})
        self.error.add_class("frames-error")
        self.parts = {name: widgets.HTML() for name in ("status", "message", "stack", "last", "earlier")}
        for name, part in self.parts.items():
            part.add_class(f"frames-{name}")
        self.box = self._laid_out()
        self.box.add_class("frames")
        self.look()

    def _button(
        self, text: str, icon: str, name: str, action: Callable[[], None], style: str = ""
    ) -> widgets.Button:
        button = widgets.Button(description=text, icon=icon, button_style=style, layout={"width": "76px"})
        button.add_class(f"frames-{name}")
        button.on_click(lambda _: action())
        return button

    def _laid_out(self) -> widgets.VBox:
        parts = self.parts
        gap = widgets.HTML(layout={"width": "12px"})
        head = [self.step_button, gap, self.entry, self.send_button, gap, self.error, self.throw_button]
        head = [*head, gap, self.reset_button]
        rows = [widgets.HBox(head, layout={"align_items": "center"}), parts["status"], parts["message"]]
        rows += [parts["stack"], parts["last"], parts["earlier"]]
        return widgets.VBox(rows, layout={"max_width": "980px"})

    # What the buttons do.

    def _step(self) -> None:
        self._run(self.frames.step)

    def _send(self) -> None:
        typed = self.entry.value.strip()
        try:
            value = ast.literal_eval(typed)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            written = (
                f"{in_words(typed)} is no value that can be sent" if typed else "There is nothing to send yet"
            )
            self._say(f"{written}: write a number, a text in quotes, a list, or None.")
            return
        self._run(lambda: self.frames.send(value))

    def _throw(self) -> None:
        error = next(each for each in ERRORS if each.__name__ == self.error.value)
        self._run(lambda: self.frames.throw(error))

    def _reset(self) -> None:
        self.printed = 0, ""
        self._say("")
        threading.Thread(target=self.frames.reset, name="frames", daemon=True).start()

    def _key(self, content: Any) -> None:
        if isinstance(content, dict) and content.get("event") == "submit":  # the Enter key
            threading.Timer(ENTER_SECONDS, self._send).start()

    def _run(self, resume: Callable[[], Step]) -> None:
        self._say("")
        self.ticker.start()

        def run() -> None:
            life = self.frames.life
            with printed() as words:
                step = resume()
            if self.frames.life is life:  # nobody has reset it meanwhile
                if step.out == "refused":
                    self._say(f"{step.went_in}: {step.words}")
                else:
                    self.printed = step.number, "".join(words)
            self.look()

        threading.Thread(target=run, name="frames", daemon=True).start()

    def _say(self, words: str) -> None:
        self.parts["message"].value = board_html.text(words)

    # What it shows.

    def look(self) -> None:
        """Set all values to what is the case now. A value that stays the same costs the page nothing."""
        with self._lock:
            life = self.frames.life
            state, history = life.state, list(life.history)  # in this order: the state's step is in it
            running = state.words == RUNNING
            if not running:  # else what was last told can still be read
                self.parts["stack"].value = board_html.stack(state.frames)
            self.parts["last"].value = board_html.last_step(history, self.printed)
            self.parts["earlier"].value = board_html.earlier(history)
            ended = not running and not state.frames
            for button in (self.step_button, self.send_button, self.throw_button):
                button.disabled = running or ended
            self.parts["status"].value = board_html.status(life, state)

    def end(self) -> None:
        """Keep up no longer; show how it has ended."""
        self.ticker.end()
        self.look()
