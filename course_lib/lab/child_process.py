"""A Python process of our own that takes commands and tells events, both as lines of JSON.

Everywhere else in the course servers run in threads, where you can watch them. Judging needs a
process: its CPU time, memory, descriptors and threads are then its own, and code that never ends can
be ended. Commands go over the child's standard input, events over its standard output; what it
prints goes into a log.

Next: gauntlet/child.py, or ../coach/run.py.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from typing import IO, Any, NamedTuple, Self

import psutil

GONE = "gone"
"""The event that comes last: the child has closed its end of the pipe."""


class Facts(NamedTuple):
    """What a process holds: numbers of open descriptors and of threads."""

    descriptors: int
    threads: int

    @classmethod
    def of(cls, process: psutil.Process) -> "Facts":
        descriptors = process.num_fds() if hasattr(process, "num_fds") else process.num_handles()
        return cls(descriptors, process.num_threads())


class ChildProcess:
    """A process that runs the module ``main``. Used as a context manager, it leaves nothing.

    The first command is ``first``, with ``path`` added: our ``sys.path``.
    """

    def __init__(self, main: str, **first: Any) -> None:
        self._gone = False
        self._log: IO[bytes] = tempfile.TemporaryFile()
        try:
            self._begin(main)
            self._say(path=sys.path, **first)
        except BaseException:  # Ctrl-C, or no descriptor left
            self.__exit__()
            raise

    def _begin(self, main: str) -> None:
        self._process = subprocess.Popen(
            # Unbuffered: what it prints shall be in the log when we kill it.
            [sys.executable, "-u", "-m", main],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            encoding="utf-8",
            env=plain_environment(),
            start_new_session=True,  # Ctrl-C is for us: we end the child ourselves
        )
        self.process = psutil.Process(self._process.pid)
        self._events: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        # The thread knows nothing of us. So when we are forgotten, whatever the reason, our end of
        # the child's standard input closes, and the child ends by itself.
        self._reader = threading.Thread(
            target=read_events, args=(self._process.stdout, self._events), daemon=True
        )
        self._reader.start()

    def printed(self) -> str:
        """Return the end of what the child has written to standard output and standard error; kill it."""
        self.kill()  # its place in the file is ours too: it would write where we read
        self._log.seek(-min(self._log.seek(0, os.SEEK_END), 16 * 1024), os.SEEK_END)
        return self._log.read().decode(errors="replace")

    def kill(self) -> None:
        """End the process, and those that it has forked off."""
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):  # nobody is left
                os.killpg(self._process.pid, signal.SIGKILL)  # its session is its own, so its group is too
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self._log.close()
        if not hasattr(self, "_process"):
            return
        self.kill()
        if hasattr(self, "_reader"):
            with suppress(RuntimeError):  # Ctrl-C has come while it was being started: it ends by itself
                self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(BrokenPipeError):  # what was said when the child had died
                pipe.close()

    def _say(self, **words: Any) -> None:
        try:
            print(json.dumps(words), file=self._process.stdin, flush=True)
        except BrokenPipeError:
            pass  # it has died: the next wait finds out

    def _wait(self, name: str, limit: float) -> dict[str, Any] | None:
        """Return the next event called ``name``; None if the limit (seconds) or the child's end is first."""
        deadline = time.monotonic() + limit
        while not self._is_over(name):
            event = self._get(deadline)
            if event is None or event["event"] == name:
                return event
        return None

    def _get(self, deadline: float) -> dict[str, Any] | None:
        """Return the next event; None when it does not come by ``deadline`` (time.monotonic)."""
        left = deadline - time.monotonic()
        try:
            event = self._events.get(left > 0, left)
        except queue.Empty:
            return None
        self._gone = self._gone or event["event"] == GONE
        self._note(event)
        return event

    def _is_over(self, name: str) -> bool:
        """Tell whether no event called ``name`` can come any more."""
        return self._gone

    def _note(self, event: dict[str, Any]) -> None:
        """Look at an event, whether it was waited for or not."""


def read_events(pipe: IO[str], events: queue.SimpleQueue[dict[str, Any]]) -> None:
    with suppress(ValueError):  # no JSON: the end, too; or closed under us, where Ctrl-C has come very early
        for line in pipe:
            event = json.loads(line)
            events.put({"event": "", **event} if isinstance(event, dict) else {"event": ""})
    events.put({"event": GONE})


def last_words(printed: str, lines: int = 3) -> str:
    """Return the last ``lines``, of a traceback only what it says in the end: its files are ours."""
    said = [line for line in printed.splitlines() if line and not line.startswith((" ", "Traceback"))]
    return "\n".join(said[-lines:])


def plain_environment() -> dict[str, str]:
    """Return our environment, less what makes Python color its tracebacks."""
    return {k: v for k, v in os.environ.items() if k != "FORCE_COLOR" and not k.startswith("CLICOLOR")}
