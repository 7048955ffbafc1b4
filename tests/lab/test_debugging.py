"""What is noted in debug mode, in words that are the same in every run."""

import asyncio
import logging
import time
import warnings

from course_lib.lab.inside import debug_notes
from course_lib.lab.inside.debugging import cleaned
from tests.helpers import nothing_left
from tests.lab.cells import run_cell


def test_a_slow_callback_is_noted_in_debug_mode_only():
    async def main():
        await asyncio.create_task(slow())

    async def slow():
        time.sleep(0.12)  # noqa: ASYNC251

    with nothing_left():
        assert repr(debug_notes(main, debug=False)) == "nothing was noted"
        [note] = debug_notes(main).notes
    assert note.startswith("asyncio's log: Executing <Task finished")
    assert "took … seconds" in cleaned(note)
    assert "line" in cleaned(note)
    assert "/" not in cleaned(note)


def test_a_forgotten_await_and_where_it_was_made():
    main = run_cell(
        """
        async def save(): ...

        async def main():
            save()
        """
    )["main"]
    assert repr(debug_notes(main, debug=False)) == "RuntimeWarning: coroutine 'save' was never awaited"
    assert repr(debug_notes(main)).splitlines() == [
        "RuntimeWarning: coroutine 'save' was never awaited",
        "Coroutine created at (most recent call last)",
        "  main: save()",
    ]


def test_a_call_from_the_wrong_thread():
    async def main():
        await asyncio.to_thread(asyncio.get_running_loop().call_soon, int)

    assert repr(debug_notes(main, debug=False)) == "nothing was noted"
    assert "it raised RuntimeError: Non-thread-safe operation" in repr(debug_notes(main))


def test_log_and_warnings_are_as_before():
    logger = logging.getLogger("asyncio")
    before = list(logger.handlers), logger.propagate, warnings.showwarning
    debug_notes(lambda: asyncio.sleep(0))
    assert (list(logger.handlers), logger.propagate, warnings.showwarning) == before
