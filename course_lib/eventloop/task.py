"""A coroutine that the loop runs, step by step.

A step resumes the coroutine, and it runs until it waits for a future. The task asks that future to call it
back, and returns: the thread is free for others. When the future is done, the next step follows.

A task is itself a future: of what the coroutine returns. So one task can wait for another. Its loop is a
reactor that remembers which task runs.

Read future.py first. Next: gathering.py.
"""

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from course_lib.eventloop.future import CancelledError, Future

if TYPE_CHECKING:
    from course_lib.eventloop.loop import Loop

T = TypeVar("T")


class Task(Future[T]):
    """Runs ``coro`` on ``loop``, beginning in the next round."""

    loop: "Loop"

    def __init__(self, coro: Coroutine[Any, Any, T], loop: "Loop") -> None:
        super().__init__(loop)
        self.coro = coro
        self.waits_for: Future[Any] | None = None
        """What it has yielded; None while it is ready or running."""
        self.cancelling = 0
        """How many have asked for its end and have not taken that back."""
        self._must_cancel = False
        loop.call_soon(self._step)

    def cancel(self) -> bool:
        """Have CancelledError raised where the coroutine waits, and cancel what it waits for.

        The coroutine may clean up, and may even refuse. Return False where it is done.
        """
        if self.done():
            return False
        self.cancelling += 1
        if self.waits_for is None or not self.waits_for.cancel():
            self._must_cancel = True
        return True

    def uncancel(self) -> int:
        """Take back one request for its end; return how many are left."""
        self.cancelling = max(0, self.cancelling - 1)
        if not self.cancelling:
            self._must_cancel = False
        return self.cancelling

    def _step(self, done: Future[Any] | None = None, mistake: RuntimeError | None = None) -> None:
        """Run the coroutine as far as it goes. ``done`` is what it has waited for."""
        self.waits_for = None
        self.loop.current_task = self
        try:
            if self._must_cancel:
                self._must_cancel = False
                trap = self.coro.throw(CancelledError())
            elif mistake is not None:
                trap = self.coro.throw(mistake)
            else:
                trap = self.coro.send(None)
        except StopIteration as stop:  # it has returned
            self._finish(stop.value)
        except CancelledError:
            super().cancel()
        except BaseException as error:
            # The traceback begins in the coroutine: this frame holds the task, the task
            # holds the error, and a circle would keep all three alive.
            frames = error.__traceback__ and error.__traceback__.tb_next
            self.set_exception(error.with_traceback(frames))
            # Ctrl-C ends the loop too: once, and not again in each who waits for this task.
            is_new = done is None or done._exception is not error
            if is_new and not isinstance(error, Exception):
                raise
        else:
            self._suspend(trap)
        finally:
            self.loop.current_task = None
            # From 3.12 on the coroutine's frame leads back to this one: let it hold nothing.
            del self, done, mistake

    def _finish(self, result: T) -> None:
        if self._must_cancel:  # in its last step it was told to end, and it has
            super().cancel()
        else:
            self.set_result(result)

    def _suspend(self, trap: object) -> None:
        if trap is None:
            self.loop.call_soon(self._step)
        elif isinstance(trap, Future) and trap is not self and trap.loop is self.loop:
            self.waits_for = trap
            trap.add_done_callback(self._step)
            if self._must_cancel and trap.cancel():
                self._must_cancel = False
        else:
            stranger = f"{trap!r}, which is no future of this loop"
            whose = "itself" if trap is self else stranger
            mistake = RuntimeError(f"{self!r} waits for {whose}")
            self.loop.call_soon(self._step, None, mistake)  # raised where it was made

    def __repr__(self) -> str:
        other = self.waits_for  # of a task only the name: two may wait for each other
        what = f"task {other.name}" if isinstance(other, Task) else repr(other)
        waits = f", waits for {what}" if other is not None else ""
        return f"<Task {self.name} {self._state}{waits}>"

    @property
    def name(self) -> str:
        """The name of the coroutine's function."""
        return getattr(self.coro, "__qualname__", type(self.coro).__name__)
