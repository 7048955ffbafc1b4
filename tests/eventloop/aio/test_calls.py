"""The first storey: the queue, the timers, contexts, and what becomes of an exception."""

import asyncio
import contextvars
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from course_lib.eventloop.aio import new_event_loop
from tests.eventloop.aio.conftest import Run
from tests.eventloop.aio.recorder import until

Loop = asyncio.AbstractEventLoop

number: contextvars.ContextVar[int] = contextvars.ContextVar("number", default=0)


def turn(loop: Loop, *callbacks: Callable[..., object]) -> None:
    """Call ``callbacks`` in the loop, and run until that is done."""
    for callback in callbacks:
        loop.call_soon(callback)
    loop.call_soon(loop.stop)
    loop.run_forever()


def test_order_of_soon_and_later(loop: Loop) -> None:
    told: list[str] = []
    now = loop.time()
    loop.call_at(now + 0.03, told.append, "at 30")
    loop.call_later(0.01, told.append, "after 10")
    loop.call_at(now + 0.02, told.append, "at 20")
    loop.call_soon(told.append, "soon")
    loop.call_soon(lambda: loop.call_soon(told.append, "sooner or later"))
    loop.call_at(now - 1, told.append, "late already")
    loop.call_later(0.05, loop.stop)
    loop.run_forever()
    assert [each for each in told if each != "late already"] == [
        "soon", "sooner or later", "after 10", "at 20", "at 30",
    ]  # fmt: skip
    assert told.index("late already") < told.index("after 10")


@pytest.mark.parametrize("delay", [0, 0.01])
def test_cancelled_calls_are_not_made(loop: Loop, caplog: pytest.LogCaptureFixture, delay: float) -> None:
    told: list[str] = []
    handles = [loop.call_soon(told.append, "soon"), loop.call_later(delay, told.append, "later")]
    for handle in handles * 2:
        handle.cancel()
    assert all(handle.cancelled() for handle in handles)
    loop.call_later(0.03, loop.stop)
    loop.run_forever()
    assert told == [] and not caplog.records


def test_one_callback_cancels_the_next(loop: Loop) -> None:
    told: list[str] = []
    loop.call_soon(lambda: (second.cancel(), timer.cancel()))
    second = loop.call_soon(told.append, "second")
    timer = loop.call_later(0, told.append, "timer")
    turn(loop)
    turn(loop)
    assert told == []


def test_a_timer_handle_says_when(loop: Loop) -> None:
    handle = loop.call_at(loop.time() + 100, print)
    later = loop.call_at(handle.when() + 1, print)
    assert handle < later and handle != later
    assert "when=" in repr(handle) and "print" in repr(handle)
    handle.cancel()
    assert "cancelled" in repr(handle)


def test_timers_beyond_what_the_system_can_count(loop: Loop) -> None:
    loop.call_later(10**8, print)  # three years: epoll counts milliseconds in 32 bits
    timer = threading.Timer(0.05, loop.call_soon_threadsafe, [loop.stop])
    timer.start()
    try:
        loop.run_forever()
    finally:
        timer.join()


def test_wrong_arguments(loop: Loop) -> None:
    with pytest.raises(TypeError):
        loop.call_later(None, print)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        loop.call_at(None, print)  # type: ignore[arg-type]


def test_a_context_is_copied_when_the_call_is_made(loop: Loop) -> None:
    told: list[int] = []

    def tell() -> None:
        told.append(number.get())
        number.set(100)

    own = contextvars.copy_context()
    own.run(number.set, 7)
    own.run(loop.call_soon, tell)
    loop.call_soon(tell)
    loop.call_soon(tell, context=own)
    loop.call_later(0, tell, context=own)
    loop.call_soon_threadsafe(tell, context=own)
    loop.call_later(0.01, loop.stop)
    loop.run_forever()
    assert sorted(told) == [0, 7, 7, 100, 100]
    assert number.get() == 0


def test_an_exception_goes_to_the_handler(loop: Loop) -> None:
    told: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda loop, context: told.append(context))
    assert loop.get_exception_handler() is not None
    handle = loop.call_soon(lambda: 1 / 0)
    turn(loop)
    (context,) = told
    assert isinstance(context["exception"], ZeroDivisionError)
    assert context["handle"] is handle
    assert context["message"].startswith("Exception in callback")
    assert "test_an_exception_goes_to_the_handler" in context["message"]


@pytest.mark.parametrize("kind", [asyncio.CancelledError, GeneratorExit])
def test_what_is_no_exception_does_not_end_the_loop(loop: Loop, kind: type[BaseException]) -> None:
    told: list[Any] = []
    loop.set_exception_handler(lambda loop, context: told.append(context["exception"]))

    def fail() -> None:
        raise kind

    turn(loop, fail, lambda: told.append("next"))
    assert [type(each) for each in told] == [kind, str]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_loop(loop: Loop, kind: type[BaseException]) -> None:
    told: list[str] = []

    def fail() -> None:
        raise kind

    loop.call_soon(fail)
    loop.call_soon(told.append, "afterwards")
    with pytest.raises(kind):
        loop.run_forever()
    assert not loop.is_running()
    turn(loop)
    assert told == ["afterwards"]


def test_the_default_handler_writes_to_the_log(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    turn(loop, lambda: 1 / 0)
    loop.call_exception_handler({"message": "told by hand", "apples": 3})
    loop.call_exception_handler({})
    first, second, third = caplog.records
    assert first.name == "asyncio" and first.exc_info and first.exc_info[0] is ZeroDivisionError
    assert "Exception in callback" in first.getMessage() and "handle: <" in first.getMessage()
    assert second.getMessage() == "told by hand\napples: 3"
    assert third.getMessage() == "Unhandled exception in event loop"


def test_a_handler_that_fails(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    def fails(loop: Loop, context: dict[str, Any]) -> None:
        raise KeyError("handler")

    loop.set_exception_handler(fails)
    turn(loop, lambda: 1 / 0)
    assert any(each.exc_info and each.exc_info[0] is KeyError for each in caplog.records)
    loop.set_exception_handler(None)
    assert loop.get_exception_handler() is None
    with pytest.raises(TypeError):
        loop.set_exception_handler("no function")  # type: ignore[arg-type]


def test_debug_tells_of_slow_callbacks(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    pause = threading.Event()
    loop.set_debug(True)
    loop.slow_callback_duration = 0.01  # type: ignore[attr-defined]
    caplog.set_level(logging.WARNING)
    loop.call_later(0, pause.wait, 0.02)
    loop.call_soon(pause.wait, 0.02)
    loop.call_later(0.01, loop.stop)
    loop.run_forever()
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 2
    assert all("Executing <" in message and "seconds" in message for message in messages)
    assert sum("TimerHandle" in message for message in messages) == 1
    assert all(__file__ in message and "handles.py" not in message for message in messages)


def test_debug_tells_where_a_callback_comes_from(run: Run) -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await asyncio.sleep(0)

    run(main(), debug=True)
    (context,) = run.take()
    assert "main" in [frame.name for frame in context["source_traceback"]]


async def nothing() -> None:
    pass


@pytest.mark.parametrize("method", ["call_soon", "call_soon_threadsafe"])
def test_debug_refuses_what_is_no_callback(loop: Loop, method: str) -> None:
    loop.set_debug(True)
    coroutine = nothing()
    for wrong in (nothing, coroutine, 3):
        with pytest.raises(TypeError):
            getattr(loop, method)(wrong)
    coroutine.close()
    with pytest.raises(TypeError):
        loop.call_later(1, nothing)
    with pytest.raises(TypeError):
        loop.run_in_executor(None, nothing)


def test_debug_refuses_other_threads(run: Run) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()

        def wrong() -> None:
            with pytest.raises(RuntimeError, match="Non-thread-safe operation"):
                loop.call_soon(print)
            with pytest.raises(RuntimeError, match="Non-thread-safe operation"):
                loop.call_later(1, print)

        await asyncio.to_thread(wrong)

    run(main(), debug=True)


def test_calls_from_many_threads(run: Run) -> None:
    async def main() -> None:
        loop, told = asyncio.get_running_loop(), []
        threads = [
            threading.Thread(
                target=lambda: [loop.call_soon_threadsafe(told.append, me()) for _ in range(200)]
            )
            for _ in range(8)
        ]
        me = threading.get_ident
        here = me()
        loop.call_soon_threadsafe(told.append, here)
        for thread in threads:
            thread.start()
        await until(lambda: len(told) == 1601)
        for thread in threads:
            thread.join()

    run(main())


def test_a_closed_loop_takes_no_calls(loop: Loop) -> None:
    loop.close()
    for call in (loop.call_soon, loop.call_soon_threadsafe):
        with pytest.raises(RuntimeError, match="Event loop is closed"):
            call(print)
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        loop.call_later(1, print)
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        loop.run_forever()


def test_the_environment_switches_debug_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    loop = new_event_loop()
    assert loop.get_debug()
    loop.close()
