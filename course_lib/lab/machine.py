"""Facts of this machine that matter to sockets. Nothing here judges; doctor.py does.

Each fact is one line; where the system does not tell, the line says so.
"""

import os
import platform
import select
import selectors
import shutil
import socket
import threading
from pathlib import Path

from course_lib.lab.waiting import wait_until

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
SOMAXCONN = Path("/proc/sys/net/core/somaxconn")


def python() -> str:
    return f"{platform.python_implementation()} {platform.python_version()}"


def system() -> str:
    return f"{platform.system()} {platform.release()}, {platform.machine()}"


def processors() -> str:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{usable} usable of {os.cpu_count()}"


def waiting_calls() -> str:
    """Return the calls that wait for several descriptors at once, and the best of them."""
    names = [name for name in ("select", "poll", "epoll", "kqueue", "devpoll") if hasattr(select, name)]
    return f"{', '.join(names)}; DefaultSelector is {selectors.DefaultSelector.__name__}"


def descriptor_limits() -> tuple[int, int] | None:
    """Return how many descriptors this process may have, and how many it may ask for; None on Windows.

    A limit that does not exist is a negative number.
    """
    try:
        import resource
    except ImportError:
        return None
    return resource.getrlimit(resource.RLIMIT_NOFILE)


def descriptors() -> str:
    limits = descriptor_limits()
    if limits is None:
        return "no limit is known"
    soft, hard = ("unlimited" if limit < 0 else str(limit) for limit in limits)
    return f"{soft} for each process, {hard} if it asks"


def backlog() -> str:
    try:
        return f"at most {SOMAXCONN.read_text().strip()} clients wait to be accepted"
    except OSError:
        return f"not told by this system; Python's own default is {socket.SOMAXCONN}"


def kernel_view() -> str:
    """Say whether the kernel tells in which of its functions a thread sleeps."""
    if not Path("/proc/self/task").is_dir():
        return "no /proc: the kernel cannot be asked here"
    wake = threading.Event()
    thread = threading.Thread(target=wake.wait, daemon=True)
    thread.start()
    wchan = Path(f"/proc/self/task/{thread.native_id}/wchan")
    try:
        wait_until(lambda: wchan.read_text().strip("0"), limit=0.5)  # "0" until it sleeps
    except OSError:  # TimeoutError is one too
        return "/proc can be read, wchan cannot"
    finally:
        wake.set()
        thread.join()
    return "/proc and wchan can be read"


def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    return found or "none found; only the browser tests need one"


def loopback_error() -> OSError | None:
    """Send a byte over a connection from this machine to itself; return the error if that fails."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            with socket.create_connection(listener.getsockname(), timeout=5) as client:
                listener.settimeout(5)
                server, _ = listener.accept()
                with server:
                    client.sendall(b"x")
                    server.settimeout(5)
                    server.recv(1)
    except OSError as error:
        return error
    return None


def loopback() -> str:
    error = loopback_error()
    return "works" if error is None else f"fails: {error}"


FACTS = {
    "Python": python,
    "system": system,
    "processors": processors,
    "waiting calls": waiting_calls,
    "descriptors": descriptors,
    "backlog": backlog,
    "loopback": loopback,
    "kernel view": kernel_view,
    "browser": browser,
}
"""The facts by the names under which they are listed."""
