"""Where a thread sleeps, asked of the kernel: Linux writes it into files below /proc.

Read kernel_counts.py first. Next: kernel_readings.py.
"""

from pathlib import Path
from typing import NamedTuple

MEANINGS = {
    "inet_csk_accept": "waits for a client",
    "ep_poll": "waits in epoll, for any of its sockets",
    "do_epoll_wait": "waits in epoll, for any of its sockets",
    "do_select": "waits in select, for any of its sockets",
    "do_sys_poll": "waits in poll, for any of its sockets",
    "sk_wait_data": "waits for bytes to arrive",
    "sk_stream_wait_memory": "waits for room for what it sends",
    "hrtimer_nanosleep": "sleeps for a time",
}
"""What some of the kernel's functions are for. They are its own affair, and change their names."""


class Rest(NamedTuple):
    """Where a thread is, as the kernel sees it. Two that are equal: it has not run in between."""

    asleep: bool
    place: str
    """The function of the kernel in which it sleeps (its wait channel); ``""`` when that is not told."""

    switches: str
    """How often it has fallen asleep or has been interrupted so far."""


def rest_of(native_id: int | None) -> Rest | None:
    """Return where the thread is that the system knows by this number; None where it does not tell."""
    folder = Path(f"/proc/self/task/{native_id}")
    try:
        lines = (folder / "status").read_text().splitlines()
    except OSError:  # another system, or the thread has ended
        return None
    values = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    switches = f"{values.get('voluntary_ctxt_switches')} {values.get('nonvoluntary_ctxt_switches')}"
    return Rest(values.get("State", "").startswith("S"), _wait_channel(folder), switches)


def _wait_channel(folder: Path) -> str:
    try:
        name = (folder / "wchan").read_text().strip()
    except OSError:
        return ""
    return "" if name == "0" else name  # it runs, or we may not know
