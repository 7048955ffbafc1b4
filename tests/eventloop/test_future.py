import gc
import weakref

import pytest

from course_lib.eventloop import CancelledError, Future, InvalidStateError
from course_lib.eventloop.future import fail, settle
from tests.eventloop.conftest import FakedLoop


def test_pending(loop: FakedLoop) -> None:
    future: Future[int] = Future(loop)
    assert not future.done() and not future.cancelled()
    assert repr(future) == "<Future pending>"
    for ask in (future.result, future.exception):
        with pytest.raises(InvalidStateError, match="no result yet: <Future pending>"):
            ask()


def test_with_a_result(loop: FakedLoop) -> None:
    future: Future[int] = Future(loop)
    future.set_result(7)
    assert future.done() and not future.cancelled()
    assert future.result() == 7 and future.exception() is None
    assert repr(future) == "<Future finished>"


def test_with_an_exception(loop: FakedLoop) -> None:
    future: Future[int] = Future(loop)
    error = ValueError("planted")
    future.set_exception(error)
    assert future.done() and not future.cancelled()
    assert future.exception() is error
    for _ in range(2):
        with pytest.raises(ValueError, match="planted") as raised:
            future.result()
        assert raised.value is error
    assert repr(future) == "<Future failed>"


def test_cancelled(loop: FakedLoop) -> None:
    future: Future[int] = Future(loop)
    assert future.cancel()
    assert future.done() and future.cancelled()
    assert not future.cancel()
    for ask in (future.result, future.exception):
        with pytest.raises(CancelledError):
            ask()
    assert repr(future) == "<Future cancelled>"


def test_to_be_cancelled_is_no_failure() -> None:
    assert not issubclass(CancelledError, Exception)


@pytest.mark.parametrize("first", ["set_result", "set_exception", "cancel"])
def test_it_is_settled_once(loop: FakedLoop, first: str) -> None:
    future: Future[object] = Future(loop)
    getattr(future, first)(*() if first == "cancel" else (KeyError("first"),))
    before = repr(future)
    with pytest.raises(InvalidStateError, match="settled already: <Future"):
        future.set_result(2)
    with pytest.raises(InvalidStateError, match="settled already"):
        future.set_exception(ValueError("second"))
    assert not future.cancel()
    settle(future, 3)
    fail(future, ValueError("third"))
    assert repr(future) == before
    if first != "cancel":
        future.exception()


def test_settle_and_fail(loop: FakedLoop) -> None:
    future: Future[int] = Future(loop)
    settle(future, 1)
    assert future.result() == 1
    future = Future(loop)
    fail(future, ValueError("planted"))
    assert isinstance(future.exception(), ValueError)


def test_callbacks_are_called_by_the_loop_in_their_order(loop: FakedLoop) -> None:
    future: Future[int] = Future(loop)
    called: list[object] = []
    future.add_done_callback(called.append)
    future.add_done_callback(lambda future: called.append("second"))
    loop.run_once(0)
    assert called == []
    future.set_result(1)
    assert called == []
    loop.run_once(0)
    assert called == [future, "second"]
    future.add_done_callback(lambda future: called.append("late"))
    assert len(called) == 2
    loop.run_once(0)
    loop.run_once(0)
    assert called == [future, "second", "late"]


@pytest.mark.parametrize("how", ["set_exception", "cancel"])
def test_callbacks_hear_of_every_end(loop: FakedLoop, how: str) -> None:
    future: Future[int] = Future(loop)
    called: list[object] = []
    future.add_done_callback(called.append)
    getattr(future, how)(*() if how == "cancel" else (ValueError("planted"),))
    loop.run_once(0)
    assert called == [future]
    if how != "cancel":
        future.exception()


def test_a_callback_that_raises_is_reported_and_the_next_is_called(loop: FakedLoop) -> None:
    future: Future[int] = Future(loop)
    called: list[object] = []
    future.add_done_callback(lambda future: 1 / 0)
    future.add_done_callback(called.append)
    future.set_result(1)
    loop.run_once(0)
    assert called == [future]
    assert isinstance(loop.reported.pop(), ZeroDivisionError)


def test_awaiting(loop: FakedLoop) -> None:
    async def waits(future: Future[int]) -> int:
        return await future

    later: Future[int] = Future(loop)
    loop.call_later(1, later.set_result, 5)
    assert loop.run(waits(later)) == 5
    assert loop.time() == 1
    coro = waits(later)  # what is done suspends nobody
    with pytest.raises(StopIteration) as stop:
        coro.send(None)
    assert stop.value.value == 5


def test_a_failure_is_raised_in_each_who_waits(loop: FakedLoop) -> None:
    async def waits(future: Future[int]) -> str:
        try:
            await future
        except ValueError as error:
            return str(error)
        return "no error"

    async def main() -> list[str]:
        future: Future[int] = Future(loop)
        loop.call_later(1, future.set_exception, ValueError("planted"))
        return await loop.gather(waits(future), waits(future))

    assert loop.run(main()) == ["planted", "planted"]


def test_what_nobody_asks_for_is_reported_once(loop: FakedLoop) -> None:
    future: Future[int] = Future(loop)
    error = ValueError("planted")
    future.set_exception(error)
    assert loop.reported == []
    del future
    assert loop.reported == [error]
    loop.reported.clear()


@pytest.mark.parametrize("ask", [Future.result, Future.exception])
def test_what_was_asked_for_is_not_reported(loop: FakedLoop, ask) -> None:
    future: Future[int] = Future(loop)
    future.set_exception(ValueError("planted"))
    try:
        ask(future)
    except ValueError:
        pass
    del future
    gc.collect()
    assert loop.reported == []


def test_what_is_no_failure_is_not_reported(loop: FakedLoop) -> None:
    for how, *arguments in (("set_result", 1), ("cancel",), ("set_exception", KeyboardInterrupt())):
        future: Future[int] = Future(loop)
        getattr(future, how)(*arguments)
        del future
    Future(loop)  # nor is one that is never settled


def test_nothing_keeps_it_alive(loop: FakedLoop) -> None:
    gc.disable()
    try:
        future: Future[int] = Future(loop)
        future.add_done_callback(lambda future: None)
        future.set_exception(ValueError("planted"))
        loop.run_once(0)
        weak = weakref.ref(future)
        del future
        assert weak() is None
    finally:
        gc.enable()
    assert isinstance(loop.reported.pop(), ValueError)


def test_asking_makes_no_circle(loop: FakedLoop) -> None:
    """The exception's traceback holds the frames that it went through, and they must not hold the future."""
    gc.disable()
    try:
        future: Future[int] = Future(loop)
        future.set_exception(ValueError("planted"))
        try:
            future.result()
        except ValueError:
            pass
        weak = weakref.ref(future)
        del future
        assert weak() is None
    finally:
        gc.enable()
