"""Small concurrent programs as data, and what plays one on a world and notes all that can be seen of it.

A program is the body of the main task: a list of statements, each a tuple of its name and what it needs.
``("timeout", 2, [("sleep", 3)])`` is a time limit of 2 s around a sleep of 3. Tasks are counted as they are
made, main is 0. A task waits for tasks with greater numbers only: so no two wait for each other, each future
is settled some time, and each program ends.
"""

import types
from collections.abc import Generator
from typing import Any, NamedTuple

from hypothesis import strategies as st

from tests.eventloop.worlds import World

Statement = tuple[Any, ...]
Body = list[Statement]
Trace = list[tuple[Any, ...]]

NOTHING = "nothing"
"""What a body returns that has no return."""


class Me(NamedTuple):
    label: str
    number: int


class Player:
    """Plays one program. ``trace`` is what happened: when, to whom, what."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.trace: Trace = []
        self.tasks: list[Any] = []  # by number; None for those that gather has made itself
        self.futures: list[Any] = []
        self.is_over = False  # then nobody spawns: asyncio forgets who comes so late, our loop waits for him
        self.kinds = {
            "ValueError": ValueError,
            "KeyError": KeyError,
            "Exception": Exception,
            "CancelledError": world.CancelledError,
            "BaseException": BaseException,
        }

    def play(self, program: Body) -> Trace:
        self.note("the loop", self._outcome(program))
        self.note("at the end", [state(task) for task in self.tasks if task is not None])
        strange = [error for error in self.world.errors if not isinstance(error, PLANNED)]
        self.note("reported", strange)
        return self.trace

    def _outcome(self, program: Body) -> Any:
        try:
            return self.world.run(self._main(program))
        except BaseException as error:
            return type(error).__name__

    async def _main(self, program: Body) -> Any:
        try:
            return await self._run(Me("main", self._number(self.world.current_task())), program)
        finally:
            self.is_over = True

    def note(self, *what: Any) -> None:
        self.trace.append((self.world.time(), *what))

    def _number(self, task: Any = None) -> int:
        self.tasks.append(task)
        return len(self.tasks) - 1

    async def _run(self, me: Me, body: Body) -> Any:
        self.note(me.label, "starts")
        try:
            result = await self._body(me, body)
        except BaseException as error:
            self.note(me.label, "ends in", type(error).__name__)
            raise
        self.note(me.label, "returns", result)
        return result

    async def _body(self, me: Me, body: Body) -> Any:
        for name, *arguments in body:
            method = getattr(self, f"do_{name}")
            result = await method(me, *arguments)
            if name == "return" or (name in COMPOUND and result != NOTHING):
                return result
            self.note(me.label, name, result)
        return NOTHING

    async def do_sleep(self, me: Me, delay: float) -> None:
        await self.world.sleep(delay)

    async def do_await_itself(self, me: Me) -> None:
        await self.world.current_task()

    async def do_await_nonsense(self, me: Me) -> None:
        await nonsense()

    async def do_return(self, me: Me, value: int) -> int:
        return value

    async def do_raise(self, me: Me, kind: str) -> None:
        raise self.kinds[kind]

    def _child(self, me: Me, body: Body) -> tuple[int, Any]:
        number = self._number()
        return number, self._run(Me(f"{me.label}.{number}", number), body)

    async def do_spawn(self, me: Me, body: Body) -> None:
        if self.is_over:
            return
        number, coro = self._child(me, body)
        self.tasks[number] = self.world.spawn(coro)

    def _later(self, me: Me, which: int) -> Any:
        there = [task for task in self.tasks[me.number + 1 :] if task is not None]
        return there[which % len(there)] if there else None

    def _any(self, which: int) -> Any:
        there = [task for task in self.tasks if task is not None]
        return there[which % len(there)]

    async def do_await(self, me: Me, which: int) -> Any:
        task = self._later(me, which)
        return "nobody" if task is None else await task

    async def do_cancel(self, me: Me, which: int) -> bool:
        return bool(self._any(which).cancel())

    async def do_cancel_later(self, me: Me, delay: float, which: int) -> None:
        self.world.call_later(delay, self._any(which).cancel)

    async def do_uncancel(self, me: Me) -> int:
        return self.world.current_task().uncancel()

    async def do_callback(self, me: Me, which: int) -> None:
        self._any(which).add_done_callback(lambda task: self.note(me.label, "is told", state(task)))

    async def do_gather(self, me: Me, bodies: list[Body], others: list[int]) -> Any:
        parts = [] if self.is_over else [self._child(me, body)[1] for body in bodies]
        chosen = [self._later(me, which) for which in others]
        # Of one that is done asyncio hears in the next round; from 3.12 on at once.
        parts += [task for task in chosen if task is not None and not task.done()]
        return await self.world.gather(*parts)

    async def do_future(self, me: Me, delay: float | None, outcome: str) -> None:
        """Make a future that is settled by call_soon (no delay) or call_later."""
        future = self.world.future()
        self.futures.append(future)
        arguments = (self._settle, future, outcome)
        if delay is None:
            self.world.call_soon(*arguments)
        else:
            self.world.call_later(delay, *arguments)

    def _settle(self, future: Any, outcome: str) -> None:
        if future.done():
            self.note("a future is", state(future))
        elif outcome == "cancel":
            future.cancel()
        elif outcome in self.kinds:
            future.set_exception(self.kinds[outcome]())
        else:
            future.set_result(outcome)

    async def do_wait(self, me: Me, which: int) -> Any:
        return await self.futures[which % len(self.futures)] if self.futures else "none"

    async def do_timeout(self, me: Me, delay: float, body: Body) -> Any:
        try:
            async with self.world.timeout(delay):
                result = await self._body(me, body)
        except TimeoutError:
            self.note(me.label, "times out", self._cancelling())
            return NOTHING
        self.note(me.label, "is in time", self._cancelling())
        return result

    def _cancelling(self) -> int:
        """Ours is an attribute, asyncio's a method."""
        cancelling = self.world.current_task().cancelling
        return cancelling if isinstance(cancelling, int) else cancelling()

    async def do_try(self, me: Me, body: Body, kind: str, handler: Body) -> Any:
        try:
            return await self._body(me, body)
        except self.kinds[kind] as error:
            self.note(me.label, "catches", type(error).__name__, self._cancelling())
        return await self._body(me, handler)

    async def do_finally(self, me: Me, body: Body, cleanup: Body) -> Any:
        try:
            return await self._body(me, body)
        finally:
            self.note(me.label, "cleans up")
            await self._body(me, [("try", cleanup, "ValueError", [])])


@types.coroutine
def nonsense() -> Generator[object, None, None]:
    """No loop knows what to do with what is yielded here."""
    yield object()


COMPOUND = {"timeout", "try", "finally"}

PLANNED = (ValueError, KeyError, RuntimeError)
"""What programs raise, and forget."""


def state(future: Any) -> Any:
    if not future.done():
        return "pending"
    if future.cancelled():
        return "cancelled"
    error = future.exception()
    return future.result() if error is None else type(error).__name__


delays = st.sampled_from([0, 1, 2, 3])
which = st.integers(0, 4)
kinds = st.sampled_from(["ValueError", "KeyError", "CancelledError"])
caught = st.sampled_from(["ValueError", "CancelledError", "Exception", "BaseException"])
outcomes = st.sampled_from(["result", "ValueError", "cancel"])

plain = st.one_of(
    st.tuples(st.just("sleep"), delays),
    st.tuples(st.just("await"), which),
    st.tuples(st.just("cancel"), which),
    st.tuples(st.just("cancel_later"), delays, which),
    st.tuples(st.just("future"), st.none() | delays, outcomes),
    st.tuples(st.just("wait"), which),
    st.tuples(st.just("callback"), which),
    st.tuples(st.just("raise"), kinds),
    st.tuples(st.just("return"), st.integers(1, 3)),
    st.tuples(st.just("uncancel")),
    st.tuples(st.just("await_nonsense")),  # awaiting oneself twice: asyncio's C and Python differ
)


def compound(statements: st.SearchStrategy[Statement]) -> st.SearchStrategy[Statement]:
    body = st.lists(statements, max_size=4)
    return st.one_of(
        st.tuples(st.just("spawn"), body),
        st.tuples(st.just("gather"), st.lists(body, max_size=3), st.lists(which, max_size=2)),
        st.tuples(st.just("timeout"), delays, body),
        st.tuples(st.just("try"), body, caught, body),
        st.tuples(st.just("finally"), body, body),
    )


programs = st.lists(st.recursive(plain, compound, max_leaves=12), min_size=1, max_size=6)
