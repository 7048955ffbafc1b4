"""A loop that is watched from outside: an observed reactor whose rounds and state tell of tasks too.

It is what every stepper runs, for a loop without tasks is a reactor.

Read observed.py and tasks.py first. Next: drive.py.
"""

import socket
import traceback
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from course_lib.eventloop import Future, Loop, Task
from course_lib.lab.explain import one_line
from course_lib.lab.frames.values import in_words
from course_lib.lab.stepper.names import unwrapped
from course_lib.lab.stepper.observed import ObservedReactor
from course_lib.lab.stepper.rounds import Ran
from course_lib.lab.stepper.task_names import arguments_of, step_of
from course_lib.lab.stepper.tasks import IN_QUEUE, Reasons

T = TypeVar("T")

LAST_CALLS = 1000
"""So many calls may the tasks that were cancelled make, until all have ended."""


class ObservedLoop(ObservedReactor, Loop):
    def run(self, coro: Coroutine[Any, Any, Any]) -> Any:
        coro.close()
        raise RuntimeError("the stepper runs this loop: only spawn what it is to run, loop.spawn(main())")

    def spawn(self, coro: Coroutine[Any, Any, T]) -> Task[T]:
        for each in arguments_of(coro):
            self.adopt(each)  # it may never be registered, and has to be closed all the same
        return super().spawn(coro)

    # Before the call is made: else it would be that of a plain socket, which tells nothing.

    def sock_accept(self, listener: socket.socket) -> Any:
        self.adopt(listener)
        return super().sock_accept(listener)

    def sock_sendall(self, sock: socket.socket, data: bytes) -> Any:
        self.adopt(sock)
        return super().sock_sendall(sock, data)

    def sock_connect(self, sock: socket.socket, address: Any) -> Any:
        self.adopt(sock)
        return super().sock_connect(sock, address)

    def call_at(self, when: float, callback: Callable[..., object], *args: Any) -> Any:
        self.names.tasks.note_waiting(args, self.current_task)
        return super().call_at(when, callback, *args)

    def call(self, callback: Callable[..., object], args: tuple[Any, ...], ran: Ran) -> object:
        try:
            return super().call(callback, args, ran)
        finally:
            task = step_of(callback)
            if task is not None:
                self._note_outcome(task, ran)

    def _note_outcome(self, task: Task[Any], ran: Ran) -> None:
        """Note how a step has ended. The exception is not asked for: the loop tells it if nobody does."""
        if not task.done():
            waits = Reasons(self).of(task)
            ran.outcome = "" if waits == IN_QUEUE else waits
        elif task.cancelled():
            ran.outcome = "has been cancelled"
        elif task._exception is None:
            ran.outcome = f"returned {in_words(task._result)}"
        else:
            error = task._exception
            ran.error = one_line(error)
            ran.traceback = "".join(traceback.format_exception(error))

    def end_tasks(self) -> None:
        """Cancel all tasks, and let them clean up; close those that do not end."""
        for task in self.names.tasks.all():
            task.cancel()
        for _ in range(LAST_CALLS):
            if not self._ready:
                break
            callback, args = self._ready.popleft()
            callback, bound = unwrapped(callback)
            parts = (getattr(callback, "__self__", None), *bound, *args)
            if any(isinstance(each, Future) for each in parts):
                _call(callback, *bound, *args)
        for task in self.names.tasks.all():
            _call(task.coro.close)
        self.tasks.clear()


def _call(callback: Callable[..., object], *args: Any) -> None:
    try:
        callback(*args)
    except BaseException:  # the learner's, on its way out: nobody waits for it
        pass
