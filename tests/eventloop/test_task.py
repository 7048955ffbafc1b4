import gc
import types
import weakref
from collections.abc import Coroutine, Generator

import pytest

from course_lib.eventloop import CancelledError, Future, Loop, Task
from tests.eventloop.conftest import FakedLoop


def turn(loop: FakedLoop, rounds: int = 5) -> None:
    """Let everything that needs no time happen."""
    for _ in range(rounds):
        loop.run_once(0)


@types.coroutine
def trap(value: object) -> Generator[object, None, None]:
    yield value


# --- steps


def test_it_begins_in_the_next_round(loop: FakedLoop) -> None:
    events: list[str] = []

    async def speaks() -> int:
        events.append("one")
        await loop.sleep(0)
        events.append("two")
        return 7

    task = loop.spawn(speaks())
    assert events == [] and repr(task).endswith("speaks pending>")
    loop.run_once(0)
    assert events == ["one"]
    loop.run_once(0)
    assert events == ["one", "two"] and task.result() == 7
    assert repr(task).startswith("<Task test_it_begins") and repr(task).endswith("finished>")
    turn(loop)


def test_one_step_at_a_time_in_turn(loop: FakedLoop) -> None:
    events: list[str] = []

    async def counts(name: str) -> None:
        for number in range(3):
            events.append(f"{name}{number}")
            await loop.sleep(0)

    for name in "ab":
        loop.spawn(counts(name))
    turn(loop)
    assert events == ["a0", "b0", "a1", "b1", "a2", "b2"]


def test_what_it_waits_for_is_told(loop: FakedLoop) -> None:
    future: Future[int] = Future(loop)

    async def waits() -> int:
        return await future

    async def waits_for_that(task: Task[int]) -> int:
        return await task

    inner = loop.spawn(waits())
    outer = loop.spawn(waits_for_that(inner))
    assert inner.waits_for is None
    turn(loop)
    assert inner.waits_for is future and outer.waits_for is inner
    assert "waits_for_that pending, waits for task " in repr(outer)
    assert repr(outer).endswith(f"{inner.name}>")
    assert repr(inner).endswith("waits for <Future pending>>")
    future.set_result(3)
    turn(loop)
    assert outer.result() == 3 and outer.waits_for is None and inner.waits_for is None


def test_current_task_is_the_one_whose_step_runs(loop: FakedLoop) -> None:
    seen: list[object] = []

    async def looks() -> None:
        seen.append(loop.current_task)
        await loop.sleep(0)
        seen.append(loop.current_task)
        raise ValueError("planted")

    task = loop.spawn(looks())
    assert loop.current_task is None
    loop.run_once(0)
    assert loop.current_task is None
    turn(loop)
    assert loop.current_task is None
    assert seen == [task, task]
    task.exception()


# --- ends


def test_a_failure_is_its_exception(loop: FakedLoop) -> None:
    async def fails() -> None:
        raise ValueError("planted")

    async def main() -> str:
        try:
            await loop.spawn(fails())
        except ValueError as error:
            return str(error)
        return "no error"

    assert loop.run(main()) == "planted"


def test_the_traceback_begins_in_the_coroutine(loop: FakedLoop) -> None:
    async def fails() -> None:
        raise ValueError("planted")

    task = loop.spawn(fails())
    turn(loop)
    error = task.exception()
    assert error is not None and error.__traceback__ is not None
    assert error.__traceback__.tb_frame.f_code is fails.__code__


def test_a_failure_that_nobody_asks_for_is_reported_once(loop: FakedLoop) -> None:
    async def fails() -> None:
        raise ValueError("planted")

    task = loop.spawn(fails())
    turn(loop)
    assert loop.reported == []  # somebody may still ask
    del task
    assert [str(error) for error in loop.reported] == ["planted"]
    loop.reported.clear()
    turn(loop)


def is_kept_by_nothing(loop: FakedLoop, coro: Coroutine[object, object, None]) -> bool:
    """Run a task; tell whether it has gone with its last reference, with no circle to be found."""
    gc.disable()
    try:
        task = weakref.ref(loop.spawn(coro))
        turn(loop)
        return task() is None
    finally:
        gc.enable()


def test_a_failed_task_is_kept_by_nothing(loop: FakedLoop) -> None:
    async def fails() -> None:
        await loop.sleep(0)
        raise ValueError("planted")

    assert is_kept_by_nothing(loop, fails())
    assert len(loop.reported) == 1
    loop.reported.clear()


def test_nor_when_another_has_waited_for_it(loop: FakedLoop) -> None:
    tasks: list[weakref.ref[Task[None]]] = []

    async def fails() -> None:
        await loop.sleep(0)
        raise ValueError("planted")

    def spawned() -> Task[None]:
        task = loop.spawn(fails())
        tasks.append(weakref.ref(task))
        return task

    async def main() -> None:
        try:
            await spawned()
        except ValueError:
            pass
        await loop.sleep(0)  # the step in which it was told of it holds it, too
        assert tasks[0]() is None

    gc.disable()
    try:
        loop.run(main())
    finally:
        gc.enable()


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_ctrl_c_leaves_the_loop_too(loop: FakedLoop, kind: type[BaseException]) -> None:
    async def interrupted() -> None:
        raise kind

    task = loop.spawn(interrupted())
    with pytest.raises(kind):
        loop.run_once(0)
    assert isinstance(task.exception(), kind)
    assert loop.current_task is None
    turn(loop)


# --- cancellation


def test_cancelled_where_it_waits(loop: FakedLoop) -> None:
    future: Future[None] = Future(loop)
    events: list[str] = []

    async def waits() -> None:
        try:
            await future
        except CancelledError:
            events.append("cancelled")
            raise
        finally:
            events.append("cleaned up")

    task = loop.spawn(waits())
    turn(loop)
    assert task.cancel()
    assert not task.done() and future.cancelled()
    turn(loop)
    assert task.cancelled() and events == ["cancelled", "cleaned up"]
    assert not task.cancel()
    assert task.cancelling == 1
    with pytest.raises(CancelledError):
        task.result()
    assert repr(task).endswith("waits cancelled>")


def test_cancelled_before_its_first_step_it_does_nothing(loop: FakedLoop) -> None:
    events: list[str] = []

    async def never() -> None:
        events.append("started")

    task = loop.spawn(never())
    assert task.cancel()
    turn(loop)
    assert task.cancelled() and events == []


def test_cancelled_while_it_is_ready(loop: FakedLoop) -> None:
    """What it waited for is done, but its next step has not come yet."""
    future: Future[int] = Future(loop)

    async def waits() -> int:
        return await future

    task = loop.spawn(waits())
    turn(loop)
    future.set_result(1)
    assert task.cancel()
    turn(loop)
    assert task.cancelled()


def test_who_waits_for_a_task_takes_it_along(loop: FakedLoop) -> None:
    future: Future[None] = Future(loop)

    async def waits(what: Future[None]) -> None:
        await what

    inner = loop.spawn(waits(future))
    outer = loop.spawn(waits(inner))
    turn(loop)
    assert outer.cancel()
    turn(loop)
    assert future.cancelled() and inner.cancelled() and outer.cancelled()


def test_who_waits_for_a_cancelled_task_is_cancelled(loop: FakedLoop) -> None:
    future: Future[None] = Future(loop)

    async def waits(what: Future[None]) -> None:
        await what

    inner = loop.spawn(waits(future))
    outer = loop.spawn(waits(inner))
    turn(loop)
    inner.cancel()
    turn(loop)
    assert outer.cancelled() and outer.cancelling == 0


def test_it_may_refuse(loop: FakedLoop) -> None:
    async def refuses() -> str:
        try:
            await loop.sleep(10)
        except CancelledError:
            await loop.sleep(1)
        return "done all the same"

    task = loop.spawn(refuses())
    turn(loop)
    assert task.cancel()
    turn(loop)
    assert not task.done()
    loop.run_once()
    turn(loop)
    assert task.result() == "done all the same" and loop.time() == 1


def test_what_it_does_last_may_be_another_failure(loop: FakedLoop) -> None:
    async def fails() -> None:
        try:
            await loop.sleep(10)
        finally:
            raise ValueError("planted")

    task = loop.spawn(fails())
    turn(loop)
    task.cancel()
    turn(loop)
    assert not task.cancelled()
    error = task.exception()
    assert isinstance(error, ValueError) and isinstance(error.__context__, CancelledError)


def test_cancelling_itself(loop: FakedLoop) -> None:
    events: list[str] = []

    async def main() -> None:
        assert loop.current_task is not None
        loop.current_task.cancel()
        events.append("goes on until it waits")
        await loop.sleep(1)
        events.append("never")

    task = loop.spawn(main())
    turn(loop)
    assert task.cancelled() and events == ["goes on until it waits"]
    assert loop.time() == 0


def test_cancelling_itself_it_waits_for_nothing(loop: FakedLoop) -> None:
    """Also not for a future that somebody else would have settled."""
    future: Future[None] = Future(loop)

    async def main() -> None:
        assert loop.current_task is not None
        loop.current_task.cancel()
        await future

    task = loop.spawn(main())
    turn(loop)
    assert task.cancelled() and future.cancelled()


def test_cancelling_itself_in_its_last_step(loop: FakedLoop) -> None:
    async def main() -> int:
        assert loop.current_task is not None
        loop.current_task.cancel()
        return 1

    task = loop.spawn(main())
    turn(loop)
    assert task.cancelled()


def test_a_cancellation_is_raised_once(loop: FakedLoop) -> None:
    events: list[str] = []

    async def refuses() -> None:
        assert loop.current_task is not None
        loop.current_task.cancel()
        try:
            await loop.sleep(1)
        except CancelledError:
            events.append("refused")
        await loop.sleep(1)
        events.append("slept")

    loop.run(refuses())
    assert events == ["refused", "slept"]


def test_requests_are_counted_and_can_be_taken_back(loop: FakedLoop) -> None:
    async def main() -> list[int]:
        task = loop.current_task
        assert task is not None
        assert task.uncancel() == 0  # there was none
        task.cancel()
        task.cancel()
        counts = [task.cancelling, task.uncancel()]
        try:
            await loop.sleep(1)  # one request is left
        except CancelledError:
            counts.append(task.uncancel())
        task.cancel()
        counts.append(task.uncancel())
        await loop.sleep(1)  # none is left: nothing is raised
        return [*counts, task.cancelling]

    assert loop.run(main()) == [2, 1, 0, 0, 0]
    assert loop.time() == 1


def test_the_coroutine_may_raise_cancelled_itself(loop: FakedLoop) -> None:
    async def main() -> None:
        raise CancelledError

    task = loop.spawn(main())
    turn(loop)
    assert task.cancelled()


# --- mistakes


def test_it_cannot_wait_for_itself(loop: FakedLoop) -> None:
    async def main() -> None:
        assert loop.current_task is not None
        await loop.current_task

    task = loop.spawn(main())
    turn(loop)
    assert "main pending> waits for itself" in str(task.exception())
    assert isinstance(task.exception(), RuntimeError)


@pytest.mark.parametrize("value", [7, "text", object()])
def test_nor_for_what_is_no_future(loop: FakedLoop, value: object) -> None:
    async def main() -> None:
        await trap(value)

    task = loop.spawn(main())
    turn(loop)
    assert "which is no future of this loop" in str(task.exception())
    assert isinstance(task.exception(), RuntimeError)


def test_nor_for_a_future_of_another_loop(loop: FakedLoop) -> None:
    other = Loop()
    future: Future[None] = Future(other)

    async def main() -> None:
        await future

    task = loop.spawn(main())
    turn(loop)
    assert "<Future pending>, which is no future of this loop" in str(task.exception())
    other.close()


def test_a_mistake_is_raised_where_it_was_made(loop: FakedLoop) -> None:
    events: list[str] = []

    async def main() -> None:
        try:
            await trap("nonsense")
        except RuntimeError:
            events.append("caught")
        await loop.sleep(1)
        events.append("went on")

    task = loop.spawn(main())
    turn(loop)
    loop.run_once()
    turn(loop)
    assert events == ["caught", "went on"] and task.result() is None


def test_after_a_mistake_it_may_wait_in_order_to_clean_up(loop: FakedLoop) -> None:
    async def main() -> None:
        try:
            await trap("nonsense")
        finally:
            await loop.sleep(1)

    with pytest.raises(RuntimeError, match="no future of this loop"):
        loop.run(main())
    assert loop.time() == 1


def test_a_mistake_makes_no_circle(loop: FakedLoop) -> None:
    async def main() -> None:
        await trap("nonsense")

    assert is_kept_by_nothing(loop, main())
    assert isinstance(loop.reported.pop(), RuntimeError)


def test_two_who_wait_for_each_other_can_be_shown(loop: FakedLoop) -> None:
    tasks: list[Task[None]] = []

    async def waits(number: int) -> None:
        await tasks[1 - number]

    tasks += [loop.spawn(waits(0)), loop.spawn(waits(1))]
    turn(loop)
    assert "pending, waits for task " in repr(tasks[0])
    for task in tasks:  # nobody else can end them
        task.coro.close()
    loop.tasks.clear()
