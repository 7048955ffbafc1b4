"""For every pytest run, that over the notebooks included."""

import atexit
import os
import shutil
import signal
import tempfile

import nbval.plugin
from nbval.kernel import RunningKernel

# Nobody's own progress is read or written, and every run begins with none.
os.environ["SOCKETS_TO_ASYNCIO_DATA"] = tempfile.mkdtemp()
atexit.register(shutil.rmtree, os.environ["SOCKETS_TO_ASYNCIO_DATA"], ignore_errors=True)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that starts us in the background has us, and all our children, ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)

LONGEST = ("test_notebooks.py", "test_programs.py", "test_conformance.py", "test_matrix.py")


def pytest_collection_modifyitems(items):
    """Let the tests that take longest begin. (The order of pytest's arguments has no say in it.)"""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(LONGEST)))


def start_kernel(*args, **kwargs):
    """nbval's kernel, tried twice.

    A kernel is told free ports before it starts, and dies if somebody takes one of them meanwhile. Beside
    lessons about sockets somebody does now and then. No code of ours has run by then, so nothing is hidden.
    """
    try:
        return RunningKernel(*args, **kwargs)
    except RuntimeError:
        return RunningKernel(*args, **kwargs)


nbval.plugin.RunningKernel = start_kernel
