import pytest

from course_lib.eventloop import CancelledError, Future
from tests.eventloop.conftest import FakedLoop


def test_in_time(loop: FakedLoop) -> None:
    async def main() -> str:
        async with loop.timeout(2) as limit:
            await loop.sleep(1)
        assert not limit.expired
        await loop.sleep(5)  # the limit is over: nothing is left of it
        return "done"

    assert loop.run(main()) == "done"
    assert loop.time() == 6 and len(loop._timers) == 0


def test_too_late(loop: FakedLoop) -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError, match=r"longer than 1\.5 s") as raised:
            async with loop.timeout(1.5) as limit:
                await loop.sleep(10)
        assert loop.time() == 1.5 and limit.expired
        assert isinstance(raised.value.__cause__, CancelledError)
        assert loop.current_task is not None and loop.current_task.cancelling == 0
        await loop.sleep(1)  # and the task goes on as if nothing had been

    loop.run(main())
    assert loop.time() == 2.5 and len(loop._timers) == 0


def test_what_the_block_waits_for_is_cancelled(loop: FakedLoop) -> None:
    future: Future[None] = Future(loop)

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with loop.timeout(1):
                await future

    loop.run(main())
    assert future.cancelled()


def test_another_error_of_the_block_is_left_as_it_is(loop: FakedLoop) -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match="planted"):
            async with loop.timeout(1):
                raise ValueError("planted")
        with pytest.raises(KeyError, match="instead"):  # also where it comes out of the cancellation
            async with loop.timeout(1):
                try:
                    await loop.sleep(10)
                finally:
                    raise KeyError("instead")
        assert loop.current_task is not None and loop.current_task.cancelling == 0

    loop.run(main())


def test_a_block_that_refuses(loop: FakedLoop) -> None:
    async def main() -> bool:
        async with loop.timeout(1) as limit:
            try:
                await loop.sleep(10)
            except CancelledError:
                pass
        assert loop.current_task is not None and loop.current_task.cancelling == 0
        await loop.sleep(1)
        return limit.expired

    assert loop.run(main())


@pytest.mark.parametrize("inner, outer", [(1, 2), (2, 1)])
def test_one_in_another(loop: FakedLoop, inner: float, outer: float) -> None:
    events: list[str] = []

    async def main() -> None:
        try:
            async with loop.timeout(outer):
                try:
                    async with loop.timeout(inner):
                        await loop.sleep(10)
                except TimeoutError:
                    events.append("inner")
                    await loop.sleep(10)
        except TimeoutError:
            events.append("outer")
        assert loop.current_task is not None and loop.current_task.cancelling == 0

    loop.run(main())
    assert events == (["inner", "outer"] if inner < outer else ["outer"])
    assert loop.time() == outer


def test_both_at_the_same_moment(loop: FakedLoop) -> None:
    """The task is wanted ended by both: the inner limit must leave the outer one its turn."""
    events: list[str] = []

    async def main() -> None:
        try:
            async with loop.timeout(1):
                try:
                    async with loop.timeout(1):
                        await loop.sleep(10)
                except TimeoutError:
                    events.append("inner")
        except TimeoutError:
            events.append("outer")
        assert loop.current_task is not None and loop.current_task.cancelling == 0

    loop.run(main())
    assert events == ["outer"]


@pytest.mark.parametrize("cancel_first", [True, False])
def test_cancelled_at_the_same_moment_the_task_ends(loop: FakedLoop, cancel_first: bool) -> None:
    async def limited() -> None:
        async with loop.timeout(1):
            await loop.sleep(10)

    async def main() -> bool:
        if cancel_first:
            loop.call_later(1, lambda: task.cancel())
        task = loop.spawn(limited())
        await loop.sleep(0)
        if not cancel_first:
            loop.call_later(1, task.cancel)
        await loop.sleep(2)
        return task.cancelled()

    assert loop.run(main())


def test_cancelled_by_another_it_is_no_timeout(loop: FakedLoop) -> None:
    async def limited() -> None:
        async with loop.timeout(5):
            await loop.sleep(10)

    async def main() -> None:
        task = loop.spawn(limited())
        await loop.sleep(1)
        task.cancel()
        with pytest.raises(CancelledError):
            await task
        assert task.cancelled() and task.cancelling == 1
        await loop.sleep(10)  # the timer is gone, too

    loop.run(main())


def test_a_task_that_is_being_cancelled_may_still_use_one(loop: FakedLoop) -> None:
    """In its clean-up: the request for its end is older than the limit, and does not count against it."""
    events: list[str] = []

    async def tidy() -> None:
        try:
            await loop.sleep(10)
        finally:
            try:
                async with loop.timeout(1):
                    await loop.sleep(10)
            except TimeoutError:
                events.append("gave up cleaning")

    async def main() -> None:
        task = loop.spawn(tidy())
        await loop.sleep(0)
        task.cancel()
        with pytest.raises(CancelledError):
            await task
        assert loop.time() == 1

    loop.run(main())
    assert events == ["gave up cleaning"]


@pytest.mark.parametrize("seconds", [0, -1])
def test_no_time_at_all(loop: FakedLoop, seconds: float) -> None:
    """The block runs until it first waits, and no further: also where it waits for one round only."""

    async def main() -> list[str]:
        events: list[str] = []
        with pytest.raises(TimeoutError):
            async with loop.timeout(seconds):
                events.append("begins")
                await loop.sleep(0)
                events.append("never")
        async with loop.timeout(seconds):
            events.append("waits for nothing")
        await loop.sleep(1)
        return events

    assert loop.run(main()) == ["begins", "waits for nothing"]


def test_it_belongs_to_a_task(loop: FakedLoop) -> None:
    limit = loop.timeout(1).__aenter__()
    with pytest.raises(RuntimeError, match="use it within one"):
        limit.send(None)
    assert len(loop._timers) == 0
