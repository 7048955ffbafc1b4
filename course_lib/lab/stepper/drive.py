"""The thread in which an observed reactor runs, one round at a time: step, run, pause, end.

Read observed_loop.py first. Next: state.py.
"""

import inspect
import threading
import time
from collections.abc import Callable
from typing import Any

from course_lib.lab.explain import one_line
from course_lib.lab.stepper.observed import GivenUp
from course_lib.lab.stepper.observed_loop import ObservedLoop
from course_lib.lab.stepper.rounds import Round
from course_lib.servers.base import Address
from course_lib.servers.stopping import shut_down

Build = Callable[[Any], object]

END_SECONDS = 2.0
"""A callback that has not returned so long after the end was asked for is left to itself."""


class Drive:
    """One reactor, from ``build`` to ``end``. All methods may be called from any thread."""

    def __init__(self, build: Build, client_of: Callable[[int], str]) -> None:
        self.reactor = ObservedLoop(client_of)
        self.reactor.on_poll = self._note_begin
        self.error = ""
        """What ``build`` has raised, in one line."""
        self.ending = ""
        """What has ended its thread, where nobody has asked for that."""
        self.running = False
        """True from ``run`` to ``pause``."""
        self._pause_seconds = 0.0
        self._wanted = self._begun = self._done = 0
        """Numbers of rounds. Those that were asked for are done one after the other."""
        self._ended = False
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None
        self.built: object = None
        """What ``build`` has returned; if it has ``close`` or ``stop``, that is called in the end."""
        try:
            self.built = self.reactor.build(build)
            if inspect.iscoroutine(self.built):
                self.built = self.reactor.spawn(self.built)
        except Exception as error:
            self.error = one_line(error)
        except BaseException:  # Ctrl-C in the middle of it
            self._clean_up()
            raise
        self.reactor.round.over = True
        self.reactor.history.append(self.reactor.round)

    @property
    def address(self) -> Address | None:
        """Where clients can connect to: what ``build`` has returned, or its ``address``."""
        match getattr(self.built, "address", self.built):
            case (str() as host, int() as port, *_):
                return host, port
        return None

    @property
    def busy(self) -> bool:
        """True while a round is under way, or about to begin."""
        return self._wanted > self._done and not self._ended

    @property
    def over(self) -> bool:
        """True when it has been ended."""
        return self._ended

    def step(self) -> int:
        """See to it that one round is run, if none is under way; return its number."""
        with self._change:
            if not self._ended and not self.error:
                if self._wanted == self._done:
                    self._wanted += 1
                self._begin()
            return self._wanted

    def run(self, pause: float) -> None:
        """Run round after round, with so many seconds between two of them."""
        with self._change:
            if not self._ended and not self.error:
                self.running, self._pause_seconds = True, pause
                self._begin()

    def pause(self) -> None:
        """Rest after the round that is under way."""
        with self._change:
            self.running = False
            self._change.notify_all()

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._drive, name="stepper", daemon=True)
            self._thread.start()
        self._change.notify_all()

    def wait_for(self, number: int, limit: float) -> None:
        """Wait until round ``number`` has begun, and then until it is over, at most ``limit`` seconds."""
        with self._change:
            self._change.wait_for(lambda: self._begun >= number or self._ended)
            self._change.wait_for(lambda: self._done >= number or self._ended, limit)

    def _drive(self) -> None:
        try:
            while self._next():
                self.reactor.run_once()
                with self._change:
                    self._done += 1
                    self._change.notify_all()
        except GivenUp:
            pass
        except BaseException as error:  # such as SystemExit, or an on_error that raises
            self.ending = f"the reactor has been ended by {one_line(error)}"
        finally:
            with self._change:
                self._ended, self.running = True, False
                self._change.notify_all()
            self._clean_up()

    def _note_begin(self) -> None:
        with self._change:
            self._begun += 1
            self._change.notify_all()

    def _next(self) -> bool:
        """Wait until the next round is to begin; False when the end has come."""
        with self._change:
            since = time.monotonic() if self._done else 0.0
            while not self._ended and self._wanted == self._done:
                if not self.running:
                    self._change.wait()
                elif (rest := since + self._pause_seconds - time.monotonic()) > 0:
                    self._change.wait(rest)
                else:
                    self._wanted += 1
            return not self._ended

    def end(self) -> None:
        """Give up the round that is under way, and close all that was registered. Any number of times."""
        with self._change:
            self._ended, self.running = True, False
            self.reactor.given_up = True
            self._change.notify_all()
        self.reactor._waker.wake()
        thread = self._thread
        if thread is None:
            self._clean_up()
        elif thread is not threading.current_thread():
            thread.join(END_SECONDS / 2)
            if thread.is_alive():  # a callback blocks, perhaps in one of these
                for sock in list(self.reactor.sockets):
                    shut_down(sock)
                thread.join(END_SECONDS / 2)

    def _clean_up(self) -> None:
        built, self.built = self.built, None
        end = getattr(built, "close", None) or getattr(built, "stop", None)
        if callable(end):
            try:
                end()
            except Exception:  # it is the learner's, and its world has gone
                pass
        sockets = set(self.reactor.sockets)  # tasks and reactor may hold the last reference to some of them
        self.reactor.end_tasks()
        sockets |= set(self.reactor.sockets)
        self.reactor.close()
        for sock in sockets:
            sock.close()

    def round(self, number: int) -> Round:
        """Return round ``number`` if it is kept; else the last one."""
        return next(
            (each for each in list(self.reactor.history) if each.number == number), self.reactor.round
        )
