"""A server in a process of its own, where it can be measured, and killed.

This file is the parent's side, child_main.py the child's.

Read ../child_process.py and ../../servers/base.py first. Next: child_main.py.
"""

import base64
import time
from collections.abc import Callable
from typing import Any

import cloudpickle

from course_lib.lab.child_process import GONE, ChildProcess, Facts, last_words
from course_lib.lab.explain import one_line

__all__ = ["Child", "ChildError", "Facts", "last_words"]

Address = tuple[str, int]


class ChildError(Exception):
    """The server could not be carried into the child, or not be started there; says why in one line."""


class Child(ChildProcess):
    """A process that runs ``server(address, conversation)``.

    ``nofile`` is the child's limit of descriptors, where the system has such limits.
    """

    START_LIMIT = 10.0
    """Seconds that the process may take until it listens; a busy machine needs more than a blink."""

    def __init__(
        self, server: Callable[..., Any], conversation: Callable[..., Any], nofile: int | None = None
    ) -> None:
        try:
            cargo = cloudpickle.dumps((server, conversation))
        except Exception as error:  # pickling calls whatever the objects define
            raise ChildError(f"the server cannot be sent to another process: {one_line(error)}") from None
        self.ended = False
        """serve_forever is not running."""
        self.end = ""
        """How it came to its end in one line, where that was not asked for."""
        super().__init__(
            "course_lib.lab.gauntlet.child_main", nofile=nofile, cargo=base64.b64encode(cargo).decode()
        )

    def start(self, address: Address = ("127.0.0.1", 0)) -> Address:
        """Make the server and let it serve; return its address. Raises ChildError where it cannot."""
        if not hasattr(self, "before"):
            if self._wait("ready", self.START_LIMIT) is None:
                # What cannot be unpickled there says why last.
                raise ChildError(last_words(self.printed(), 1) or f"no process within {self.START_LIMIT:g} s")
            self.before = Facts.of(self.process)
        self.ended = False
        self._say(do="start", address=address)
        event = self._wait("listening", self.START_LIMIT)
        if event is None:
            raise ChildError(self.end or f"the server did not listen within {self.START_LIMIT:g} s")
        return tuple(event["address"])

    def stop(self, within: float) -> str:
        """Call the server's stop(); return what has not ended well ``within`` seconds, if anything."""
        start = time.monotonic()
        self._say(do="stop")
        stopped = self._wait("stopped", within)
        if stopped is not None and stopped["end"]:
            return str(stopped["end"])
        if not self.has_died(within - (time.monotonic() - start)):
            return "serve_forever goes on"
        return self.end or ("" if stopped else "stop() goes on")

    def has_died(self, within: float = 0.0) -> bool:
        """Tell whether serve_forever, or the whole process, has ended, or does so ``within`` seconds."""
        if not self.ended:
            self._wait("ended", within)
        return self.ended

    def _is_over(self, name: str) -> bool:
        return super()._is_over(name) or (self.ended and name == "listening")

    def _note(self, event: dict[str, Any]) -> None:
        if event["event"] == GONE and not self.ended:
            self.kill()  # it is dead already, unless it has only closed the pipe
            event["end"] = f"the server's process has ended with status {self._process.returncode}"
        if event["event"] in ("ended", GONE):
            self.ended = True
            self.end = event.get("end") or self.end
