"""A server in a process of its own, where it can be measured, and killed.

Everywhere else in the course servers run in threads, where you can watch them. Judging needs a
process: its CPU time, memory, descriptors and threads are then the server's alone, and a server
that never ends can be ended. This file is the parent's side, child_main.py the child's. They talk
in lines of JSON over the child's standard input and output.

Read ../../servers/base.py first. Next: child_main.py.
"""

import base64
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any, NamedTuple, Self

import cloudpickle
import psutil

from course_lib.lab.explain import one_line

Address = tuple[str, int]


class Facts(NamedTuple):
    """What a process holds: numbers of open descriptors and of threads."""

    descriptors: int
    threads: int

    @classmethod
    def of(cls, process: psutil.Process) -> "Facts":
        descriptors = process.num_fds() if hasattr(process, "num_fds") else process.num_handles()
        return cls(descriptors, process.num_threads())


class ChildError(Exception):
    """The server could not be carried into the child, or not be started there; says why in one line."""


class Child:
    """A process that runs ``server(address, conversation)``. Used as a context manager, it leaves nothing.

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
        self._gone = False
        self._log: IO[bytes] = tempfile.TemporaryFile()
        try:
            self._begin()
            self._say(path=sys.path, nofile=nofile, cargo=base64.b64encode(cargo).decode())
        except BaseException:  # Ctrl-C, or no descriptor left
            self.__exit__()
            raise

    def _begin(self) -> None:
        self._process = subprocess.Popen(
            # Unbuffered: what the server prints shall be in the log when we kill it.
            [sys.executable, "-u", "-m", "course_lib.lab.gauntlet.child_main"],
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

    def printed(self) -> str:
        """Return the end of what the server has written to standard output and standard error; kill it."""
        self.kill()  # its place in the file is ours too: it would write where we read
        self._log.seek(-min(self._log.seek(0, os.SEEK_END), 16 * 1024), os.SEEK_END)
        return self._log.read().decode(errors="replace")

    def kill(self) -> None:
        """End the process, and those that the server has forked off."""
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
        try:
            while True:
                left = deadline - time.monotonic()
                event = self._events.get(left > 0, left)
                self._note(event)
                if event["event"] == name:
                    return event
                if self._gone or (self.ended and name == "listening"):
                    return None
        except queue.Empty:
            return None

    def _note(self, event: dict[str, Any]) -> None:
        if event["event"] == "gone":
            self._gone = True
            if not self.ended:
                self.kill()  # it is dead already, unless it has only closed the pipe
                event["end"] = f"the server's process has ended with status {self._process.returncode}"
        if event["event"] in ("ended", "gone"):
            self.ended = True
            self.end = event.get("end") or self.end


def read_events(pipe: IO[str], events: queue.SimpleQueue[dict[str, Any]]) -> None:
    with suppress(ValueError):  # closed under us, where Ctrl-C has come while we were being started
        for line in pipe:
            events.put(json.loads(line))
    events.put({"event": "gone"})


def last_words(printed: str, lines: int = 3) -> str:
    """Return the last ``lines``, of a traceback only what it says in the end: its files are ours."""
    said = [line for line in printed.splitlines() if line and not line.startswith((" ", "Traceback"))]
    return "\n".join(said[-lines:])


def plain_environment() -> dict[str, str]:
    """Return our environment, less what makes Python color its tracebacks."""
    return {k: v for k, v in os.environ.items() if k != "FORCE_COLOR" and not k.startswith("CLICOLOR")}
