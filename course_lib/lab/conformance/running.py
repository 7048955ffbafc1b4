"""One module of tests, run in a process of its own.

Read report.py and run_main.py first. Next: __init__.py.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from typing import Any

from course_lib.lab.conformance.report import Outcome, outcome_of


def run_module(module: str, loop: str, bar: Any) -> list[Outcome]:
    """Run all its tests; ``bar`` (tqdm) moves on with each. Raises RuntimeError if it cannot be run."""
    command = [sys.executable, "-m", "course_lib.lab.conformance.run_main", module, "--loop", loop]
    with (
        tempfile.TemporaryFile() as errors,
        tempfile.TemporaryDirectory() as folder,  # the tests write files where they run
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,  # Ctrl-C is for us
        ) as process,
    ):
        outcomes = []
        try:
            for line in process.stdout or ():
                message = json.loads(line)
                if "tests" in message:
                    bar.total += message["tests"]
                    bar.refresh()
                else:
                    outcomes.append(outcome_of(message))
                    bar.update()
        finally:
            if process.poll() is None and (process.stdout is None or not process.stdout.closed):
                end(process)
        if process.wait():
            errors.seek(0)
            raise RuntimeError(f"{module} could not be run: {errors.read().decode(errors='replace')[-2000:]}")
    return outcomes


def end(process: subprocess.Popen[str]) -> None:
    """Let it end, and see to it that it does."""
    try:
        process.wait(5)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
