"""What the course needs and this machine lacks."""

import importlib.metadata
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib.lab import doctor as module
from course_lib.lab import machine
from course_lib.lab.doctor import CHECKS, Report, doctor
from tests.helpers import ROOT, nothing_left

INSTALL = "run `make lab`, or `pip install -e .`, in the folder of the course"


@pytest.fixture
def asks(monkeypatch):
    """Let the installed course ask for other packages than it does."""

    def ask(*requirements: str) -> None:
        monkeypatch.setattr(importlib.metadata, "requires", lambda name: list(requirements))

    return ask


def test_this_machine_is_healthy_and_its_lines_hold_no_facts():
    with nothing_left():
        report = doctor()
    assert repr(report) == "Python       ok\npackages     ok\nconnections  ok\ndescriptors  ok"
    assert report.healthy


def test_a_problem_has_its_line():
    report = Report({"Python": "", "packages": "missing: psutil"})
    assert repr(report) == "Python    ok\npackages  missing: psutil"
    assert not report.healthy


def test_an_old_python(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 1))
    monkeypatch.setattr(module.platform, "python_version", lambda: "3.10.1")
    assert CHECKS["Python"]() == "this is 3.10.1: make an environment with Python 3.11 or newer"


def test_the_needed_python_is_that_of_the_package():
    assert (
        f'requires-python = ">={".".join(map(str, module.NEEDED_PYTHON))}"'
        in (ROOT / "pyproject.toml").read_text()
    )


def test_the_course_is_not_installed(monkeypatch):
    monkeypatch.setattr(module, "COURSE", "no-such-course")
    assert CHECKS["packages"]() == f"the course is not installed: {INSTALL}"
    assert "no-such-course" in Report({}).details()


def test_packages_that_are_missing(asks):
    asks("no-such-package>=1", "psutil", "nor-this-one")
    assert CHECKS["packages"]() == f"missing: no-such-package, nor-this-one. To repair it, {INSTALL}"


def test_packages_that_are_too_old(asks):
    version = importlib.metadata.version("psutil")
    asks("psutil>=999")
    assert CHECKS["packages"]() == f"too old: psutil {version} (needed: >=999). To repair it, {INSTALL}"


def test_packages_of_an_extra_are_not_needed(asks):
    asks("psutil", 'no-such-package>=1; extra == "test"')
    assert CHECKS["packages"]() == ""


def test_packages_that_cannot_be_imported(asks, monkeypatch, tmp_path):
    (tmp_path / "psutil.py").write_text("raise ImportError('broken')")
    (tmp_path / "tqdm.py").write_text("import os; os._exit(3)")  # as a crash would
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    asks("platformdirs", "psutil", "tqdm")
    assert CHECKS["packages"]() == f"cannot be imported: psutil, tqdm. To repair it, {INSTALL}"


def test_an_import_does_not_change_this_process(asks, monkeypatch):
    asks("tqdm")
    monkeypatch.delitem(sys.modules, "tqdm", raising=False)
    assert CHECKS["packages"]() == ""
    assert "tqdm" not in sys.modules


def test_an_import_that_hangs(asks, monkeypatch, tmp_path):
    (tmp_path / "psutil.py").write_text("import time; time.sleep(60)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(module, "IMPORT_SECONDS", 0.3)
    asks("psutil")
    assert CHECKS["packages"]().startswith("cannot be imported: psutil.")


def test_connections_that_are_not_permitted(monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket, "create_connection", refuse)
    assert CHECKS["connections"]() == (
        "this machine cannot connect to itself (PermissionError: [Errno 13] Permission denied): "
        "allow 127.0.0.1 in firewall or sandbox"
    )
    assert machine.FACTS["loopback"]() == "fails: [Errno 13] Permission denied"


@pytest.mark.parametrize("limits", [None, (1024, 1024), (1048576, 1048576), (-1, -1)])
def test_enough_descriptors(monkeypatch, limits):
    monkeypatch.setattr(module, "descriptor_limits", lambda: limits)
    assert CHECKS["descriptors"]() == ""


def test_too_few_descriptors(monkeypatch):
    monkeypatch.setattr(module, "descriptor_limits", lambda: (256, 10240))
    assert CHECKS["descriptors"]() == (
        "a process may have only 256: run `ulimit -n 4096` and start JupyterLab from the same shell"
    )


# --- details ----------------------------------------------------------------------------------


def test_the_details():
    lines = Report({}).details().splitlines()
    facts = dict(line.split(maxsplit=1) for line in lines)
    assert facts["psutil"] == importlib.metadata.version("psutil")
    assert any(line.startswith("waiting calls") and "DefaultSelector is " in line for line in lines)
    assert len({line.index(line.split("  ")[-1].strip()) for line in lines}) == 1  # one column


def test_every_package_that_is_needed_is_in_the_details():
    needed = importlib.metadata.requires(module.COURSE)
    names = {line.split()[0] for line in Report({}).details().splitlines()}
    assert {requirement.split(">")[0] for requirement in needed if ";" not in requirement} <= names


def test_the_selectors_of_this_system():
    import select
    import selectors

    calls, _, best = machine.waiting_calls().partition("; ")
    assert ("epoll" in calls.split(", ")) == hasattr(select, "epoll")
    assert best == f"DefaultSelector is {selectors.DefaultSelector.__name__}"


def test_the_limits_of_descriptors(monkeypatch):
    monkeypatch.setattr(machine, "descriptor_limits", lambda: (1024, -1))
    assert machine.descriptors() == "1024 for each process, unlimited if it asks"
    monkeypatch.setattr(machine, "descriptor_limits", lambda: None)
    assert machine.descriptors() == "no limit is known"


def test_windows_has_no_resource_module(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)
    assert machine.descriptor_limits() is None


def test_the_backlog(monkeypatch, tmp_path):
    (tmp_path / "somaxconn").write_text("4096\n")
    monkeypatch.setattr(machine, "SOMAXCONN", tmp_path / "somaxconn")
    assert machine.backlog() == "at most 4096 clients wait to be accepted"
    monkeypatch.setattr(machine, "SOMAXCONN", tmp_path / "missing")
    assert machine.backlog().startswith("not told by this system")


def test_the_browser(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}" if name == "google-chrome" else None)
    assert machine.browser() == "/bin/google-chrome"
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert machine.browser() == "none found; only the browser tests need one"


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="this system has no /proc")
def test_the_kernel_view(monkeypatch):
    read = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda path: "inet_csk_accept")
    assert machine.kernel_view() == "/proc and wchan can be read"

    def deny(path, *args, **kwargs):
        if path.name == "wchan":
            raise PermissionError
        return read(path, *args, **kwargs)

    monkeypatch.setattr(Path, "read_text", deny)
    assert machine.kernel_view() == "/proc can be read, wchan cannot"


def test_it_runs_where_nothing_is_installed(tmp_path):
    """As with a bare Python: isolated from all packages, it says what to do."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from course_lib.lab.doctor import doctor\n"
        "report = doctor(); print(report); assert not report.healthy; report.details()"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-I", "-c", code, str(ROOT)], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stderr == ""
    assert "\npackages     " in done.stdout
    assert INSTALL in done.stdout
