"""The CPU time of other processes, exactly.

``psutil`` reads /proc/PID/stat, which counts in hundredths of a second: a round of 0.2 s would be known to
5 % only. Linux has a clock for each process as well (clock_getcpuclockid, POSIX), in nanoseconds. It counts
all threads, those that have ended too, which /proc/PID/task/*/schedstat forgets. Elsewhere psutil is asked.

Next: echo_load.py.
"""

import ctypes
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil


class CpuClock:
    """The CPU time that some processes have used together."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._last = dict.fromkeys(pids, 0.0)

    def read(self) -> float:
        """Return user and system time in seconds. A process that has ended counts as it was last seen."""
        for pid in self._last:
            with suppress(OSError, psutil.Error):
                self._last[pid] = cpu_seconds(pid)
        return sum(self._last.values())


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of one process. Raises OSError or psutil.Error where there is none."""
    if sys.platform == "linux":
        return time.clock_gettime(clock_of(pid))
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def queued_seconds() -> float:
    """Return how long the threads of this process have been ready and had no processor; 0 off Linux."""
    total = 0
    for file in Path("/proc/self/task").glob("*/schedstat"):
        with suppress(OSError):  # the thread has ended meanwhile
            total += int(file.read_text().split()[1])
    return total / 1e9


def clock_of(pid: int) -> int:
    """Return the number of the clock that counts the CPU time of the process ``pid``."""
    clock = ctypes.c_int()
    if ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock)):
        raise ProcessLookupError(f"there is no process {pid}")
    return clock.value
