"""The notebooks as learners use them: exercises solved, cells run twice, cells interrupted.

That they execute with the committed outputs is nbval's part (see the Makefile).
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

from course_lib.coach.exercises import find
from course_lib.coach.progress_file import FOLDER
from tests.helpers import ROOT
from tools.notebooks import sanitize

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
EACH = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

WAITS = 0.25
"""A cell that takes so many seconds is worth an interrupt."""

COUNT = """
import gc, os, psutil
gc.collect()
process, events = psutil.Process(), 0
for number in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
    try:
        events += "eventfd" in os.readlink(f"/proc/self/fd/{number}")
    except OSError:  # that of listdir itself
        pass
print(process.num_fds() - events, process.num_threads())
"""
"""What is open, less the kernel's own: a thread that prints leaves an eventfd, for ten seconds."""


class Ran(NamedTuple):
    """What came of a cell: its status, its texts as nbval would compare them, and its seconds."""

    status: str
    error: str
    texts: list[str]
    seconds: float


class Kernel:
    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager = manager
        self.client = client

    def run(self, code: str, interrupt_after: float | None = None) -> Ran:
        """Run ``code`` as a cell; interrupt it so many seconds after it has begun."""
        texts: list[str] = []
        timers: list[threading.Timer] = []

        def note(message: dict[str, Any]) -> None:
            content = message["content"]
            if content.get("execution_state") == "busy" and interrupt_after is not None:
                timers.append(threading.Timer(interrupt_after, self.interrupt))
                timers[-1].start()
            if content.get("name") != "stderr":  # a progress bar, whose steps vary
                found = (content.get("text"), content.get("data", {}).get("text/plain"))
                texts.extend(sanitize(text) for text in found if text)

        start = time.monotonic()
        reply = self.client.execute_interactive(code, timeout=120, output_hook=note, allow_stdin=False)
        seconds = time.monotonic() - start
        for timer in timers:
            timer.cancel()
            timer.join()
        content = reply["content"]
        return Ran(content["status"], content.get("ename", ""), ["".join(texts)], seconds)

    def interrupt(self) -> None:
        """As the manager does it, less the event loop that it would leave in this thread."""
        os.killpg(os.getpgid(self.manager.provisioner.pid), signal.SIGINT)

    def footprint(self) -> list[int]:
        """Return the numbers of open descriptors and of threads."""
        return [int(number) for number in self.run(COUNT).texts[0].split()]

    def comes_down_to(self, footprint: list[int], limit: float = 3.0) -> list[int]:
        """Return the first footprint not above ``footprint``, or the last one in time."""
        end = time.monotonic() + limit
        while True:
            now = self.footprint()
            if time.monotonic() > end or all(a <= b for a, b in zip(now, footprint, strict=True)):
                return now
            time.sleep(0.05)


@contextmanager
def kernel(path: Path) -> Iterator[Kernel]:
    # Its history is a file that is opened now and then, and would be counted.
    quiet = ["--HistoryManager.enabled=False"]
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(path.parent), extra_arguments=quiet)
    try:
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def code_cells(path: Path) -> list[Any]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def exercise_of(cell: Any) -> str:
    tags = cell.metadata.get("tags", [])
    return next((tag.removeprefix("exercise:") for tag in tags if tag.startswith("exercise:")), "")


@EACH
def test_solved_every_exercise_passes(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    with kernel(path) as python:
        solved = ""
        for cell in code_cells(path):
            number = exercise_of(cell)
            ran = python.run(find(number).solution if number else cell.source)
            assert ran.status == "ok", (cell.source, ran)
            solved = number or solved
            if cell.source.startswith(f'check("{solved}"'):
                assert ran.texts[0].startswith(f"{solved} {find(solved).title}: PASS"), ran.texts[0]


@EACH
def test_each_cell_can_be_run_twice_and_after_an_interrupt(path: Path) -> None:
    with kernel(path) as python:
        waiting = []
        for cell in code_cells(path):
            first, second = python.run(cell.source), python.run(cell.source)
            assert (first.status, second.status) == ("ok", "ok"), (cell.source, first, second)
            assert first.texts == second.texts, cell.source
            if second.seconds > WAITS:
                waiting.append((cell.source, second.seconds))
        before = python.footprint()
        for source, seconds in waiting:
            cut = python.run(source, interrupt_after=seconds / 2)
            # It may have been quicker this time; and a bar, a finally or a with may have its own last word.
            assert cut.status == "ok" or cut.error in ("KeyboardInterrupt", "CancelledError"), (source, cut)
            again = python.run(source)
            assert again.status == "ok", (source, cut, again)
        for cell in code_cells(path):  # to the state that the notebook ends in
            assert python.run(cell.source).status == "ok", cell.source
        after = python.comes_down_to(before)
        assert all(a <= b for a, b in zip(after, before, strict=True)), (before, after)
