import pytest

from course_lib.eventloop import CancelledError, Future
from tests.eventloop.conftest import FakedLoop


def turn(loop: FakedLoop, rounds: int = 8) -> None:
    for _ in range(rounds):
        loop.run_once(0)


async def after(loop: FakedLoop, seconds: float, result: object) -> object:
    await loop.sleep(seconds)
    if isinstance(result, BaseException):
        raise result
    return result


def test_results_in_the_order_of_the_parts(loop: FakedLoop) -> None:
    async def main() -> list[object]:
        return await loop.gather(after(loop, 3, "a"), after(loop, 1, "b"), after(loop, 2, "c"))

    assert loop.run(main()) == ["a", "b", "c"]
    assert loop.time() == 3  # at once, not one after the other


def test_futures_and_tasks_too(loop: FakedLoop) -> None:
    async def main() -> list[object]:
        future: Future[object] = Future(loop)
        loop.call_later(1, future.set_result, "future")
        done: Future[object] = Future(loop)
        done.set_result("done")
        task = loop.spawn(after(loop, 2, "task"))
        return await loop.gather(future, after(loop, 0, "coroutine"), task, done, task)

    assert loop.run(main()) == ["future", "coroutine", "task", "done", "task"]


def test_nothing_to_wait_for(loop: FakedLoop) -> None:
    gathering = loop.gather()
    assert gathering.done() and gathering.result() == []


def test_the_first_failure_is_raised_and_the_others_go_on(loop: FakedLoop) -> None:
    async def main() -> str:
        slow = loop.spawn(after(loop, 3, "slow"))
        with pytest.raises(ValueError, match="planted"):
            await loop.gather(slow, after(loop, 1, ValueError("planted")))
        assert loop.time() == 1 and not slow.done()
        return await slow

    assert loop.run(main()) == "slow"
    assert loop.time() == 3


def test_a_second_failure_is_neither_raised_nor_reported(loop: FakedLoop) -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match="first"):
            await loop.gather(after(loop, 1, ValueError("first")), after(loop, 2, ValueError("second")))
        await loop.sleep(3)

    loop.run(main())
    assert loop.reported == []


def test_a_gathering_that_nobody_awaits_reports_its_failure_once(loop: FakedLoop) -> None:
    async def main() -> None:
        loop.gather(after(loop, 1, ValueError("planted")))
        await loop.sleep(2)

    loop.run(main())
    assert [str(error) for error in loop.reported] == ["planted"]
    loop.reported.clear()


def test_a_part_that_is_cancelled_cancels_it(loop: FakedLoop) -> None:
    async def main() -> None:
        one, other = (loop.spawn(after(loop, seconds, seconds)) for seconds in (1, 2))
        gathering = loop.gather(one, other)
        await loop.sleep(0)
        one.cancel()
        with pytest.raises(CancelledError):
            await gathering
        assert gathering.cancelled() and not other.done()
        assert await other == 2

    loop.run(main())


def test_cancelling_it_cancels_all_parts(loop: FakedLoop) -> None:
    parts = [loop.spawn(after(loop, 1, number)) for number in range(3)]
    gathering = loop.gather(*parts)
    turn(loop)
    assert gathering.cancel()
    assert not gathering.done()
    turn(loop)
    assert gathering.cancelled() and all(part.cancelled() for part in parts)
    assert not gathering.cancel()
    assert loop.time() == 0


def test_cancelling_who_waits_for_it(loop: FakedLoop) -> None:
    parts = [loop.spawn(after(loop, 1, number)) for number in range(2)]

    async def main() -> None:
        await loop.gather(*parts)

    task = loop.spawn(main())
    turn(loop)
    task.cancel()
    turn(loop)
    assert task.cancelled() and all(part.cancelled() for part in parts)


def test_a_part_that_is_done_does_not_keep_the_others_from_being_cancelled(loop: FakedLoop) -> None:
    parts = [loop.spawn(after(loop, seconds, seconds)) for seconds in (1, 0, 1)]
    gathering = loop.gather(*parts)
    turn(loop)
    assert parts[1].done()
    assert gathering.cancel()
    turn(loop)
    assert gathering.cancelled()
    assert [part.cancelled() for part in parts] == [True, False, True]


def test_when_all_parts_refuse_it_is_cancelled_all_the_same(loop: FakedLoop) -> None:
    async def refuses() -> str:
        try:
            await loop.sleep(10)
        except CancelledError:
            await loop.sleep(1)
        return "refused"

    async def main() -> None:
        parts = [loop.spawn(refuses()) for _ in range(2)]
        gathering = loop.gather(*parts)
        await loop.sleep(0)
        gathering.cancel()
        with pytest.raises(CancelledError):
            await gathering
        assert [part.result() for part in parts] == ["refused", "refused"]

    loop.run(main())


def test_a_failure_while_it_is_cancelled_is_raised(loop: FakedLoop) -> None:
    async def fails() -> None:
        try:
            await loop.sleep(10)
        finally:
            raise ValueError("planted")

    async def main() -> None:
        gathering = loop.gather(fails(), fails())
        await loop.sleep(0)
        gathering.cancel()
        with pytest.raises(ValueError, match="planted"):
            await gathering

    loop.run(main())


def test_where_all_parts_are_done_there_is_nothing_to_cancel(loop: FakedLoop) -> None:
    """All have ended, but it has not heard of it: who waits for it must get its own cancellation."""
    part: Future[int] = Future(loop)

    async def main() -> list[int]:
        return await loop.gather(part)

    task = loop.spawn(main())
    turn(loop)
    part.set_result(1)
    gathering = task.waits_for
    assert gathering is not None and not gathering.done()
    assert not gathering.cancel()
    assert task.cancel()
    turn(loop)
    assert task.cancelled() and not gathering.cancelled()


def test_also_where_it_was_cancelled_before(loop: FakedLoop) -> None:
    part: Future[int] = Future(loop)
    gathering = loop.gather(part)
    assert gathering.cancel()
    assert not gathering.done()  # it hears of it in the next round
    assert not gathering.cancel()
    turn(loop)
    assert gathering.cancelled()


def test_cancelled_it_ends_with_the_first_part(loop: FakedLoop) -> None:
    """As asyncio.gather does. A part that takes its time over its end keeps nobody waiting."""
    ended: list[float] = []

    async def tidy() -> None:
        try:
            await loop.sleep(10)
        finally:
            await loop.sleep(1)
            ended.append(loop.time())

    async def main() -> None:
        gathering = loop.gather(after(loop, 10, None), tidy())
        await loop.sleep(0)
        gathering.cancel()
        with pytest.raises(CancelledError):
            await gathering
        assert loop.time() == 0
        await loop.sleep(2)

    loop.run(main())
    assert ended == [1]
