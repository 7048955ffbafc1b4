"""A server in any language, as a process: a program that prints its port, and serves until it is killed.

Read ../child_process.py first. Next: entrants.py.
"""

import os
import queue
import signal
import subprocess
import tempfile
import threading
from contextlib import suppress
from typing import IO, Self

import psutil

from course_lib.lab.child_process import last_words
from course_lib.lab.gauntlet.child import ChildError

START_LIMIT = 10.0
"""Seconds that the program may take until it prints its port."""

Address = tuple[str, int]


class Program:
    """The process that ``command`` starts. Used as a context manager, it leaves nothing."""

    def __init__(self, command: list[str]) -> None:
        self._log: IO[bytes] = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._log,
                start_new_session=True,  # Ctrl-C is for us: we end it ourselves
            )
        except OSError as error:
            self._log.close()
            raise ChildError(f"it cannot be started: {error.strerror or error}") from None
        self.process = psutil.Process(self._process.pid)
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        """Hand over the first line, and take the others from the pipe, which must not fill up."""
        assert self._process.stdout is not None
        with suppress(ValueError):  # closed under us
            self._lines.put(self._process.stdout.readline())
            while self._process.stdout.read(64 * 1024):
                pass

    def start(self) -> Address:
        """Wait for the port; return the address. Raises ChildError."""
        try:
            line = self._lines.get(timeout=START_LIMIT).decode(errors="replace").strip()
        except queue.Empty:
            raise ChildError(f"it printed no port within {START_LIMIT:g} s") from None
        if line.isdecimal() and 0 < int(line) < 65536:
            return ("127.0.0.1", int(line))
        if line:
            raise ChildError(f"its first line must be the port that it listens on, not {line[:60]!r}")
        raise ChildError(self.why_gone(1.0) or "it has closed its standard output without printing a port")

    def why_gone(self, within: float) -> str:
        """Say why the process has ended, or does so ``within`` seconds; empty where it goes on."""
        try:
            status = self._process.wait(within)
        except subprocess.TimeoutExpired:
            return ""
        self._log.seek(0)
        words = last_words(self._log.read().decode(errors="replace"), 1)
        return f"it has ended with status {status}" + (f": {words}" if words else "")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):  # nobody is left
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        self._reader.join(1.0)  # longer only where a stranger has inherited its end of the pipe
        if self._process.stdout and not self._reader.is_alive():
            self._process.stdout.close()
        self._log.close()
