"""What the course needs and this machine lacks: the first thing to run, and to run when something is odd.

Each thing that is needed has one line, without a version or a number, so the lines are the same on
every healthy machine. ``details`` tells the rest. Only the standard library is imported before it is
known what there is.

Read machine.py first.
"""

import importlib.metadata
import platform
import re
import subprocess
import sys

from course_lib.lab.explain import one_line
from course_lib.lab.machine import FACTS, descriptor_limits, loopback_error

COURSE = "sockets-to-asyncio"
"""The name under which the course is installed."""

NEEDED_PYTHON = (3, 11)
NEEDED_DESCRIPTORS = 1024
IMPORT_SECONDS = 60
INSTALL = "run `make lab`, or `pip install -e .`, in the folder of the course"

IMPORT_EACH = """
import importlib, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except Exception:
        continue
    print(name, flush=True)
"""


class Report:
    """What ``doctor`` has found."""

    def __init__(self, problems: dict[str, str]) -> None:
        self.problems = problems
        """For each thing that is needed what is wrong with it and what to do; ``""`` where it is well."""

    @property
    def healthy(self) -> bool:
        """True when nothing that is needed is missing."""
        return not any(self.problems.values())

    def __repr__(self) -> str:
        return _table({name: problem or "ok" for name, problem in self.problems.items()})

    def details(self) -> str:
        """Return the facts of this machine, one a line, with versions and numbers."""
        return _table({name: fact() for name, fact in FACTS.items()} | _versions())


def doctor() -> Report:
    """Check Python, the packages, connections within this machine, and the limit of descriptors."""
    return Report({name: problem() for name, problem in CHECKS.items()})


def _table(lines: dict[str, str]) -> str:
    width = max(map(len, lines))
    return "\n".join(f"{name:{width}}  {text}" for name, text in lines.items())


def _python_problem() -> str:
    if sys.version_info[:2] >= NEEDED_PYTHON:
        return ""
    needed = ".".join(map(str, NEEDED_PYTHON))
    return f"this is {platform.python_version()}: make an environment with Python {needed} or newer"


def _packages_problem() -> str:
    try:
        from packaging.requirements import Requirement

        requirements = [Requirement(text) for text in _requirements()]
    except ImportError:  # PackageNotFoundError is one too
        return f"the course is not installed: {INSTALL}"
    missing, old = [], []
    for requirement in requirements:
        version = _version(requirement.name)
        if version is None:
            missing.append(requirement.name)
        elif not requirement.specifier.contains(version, prereleases=True):
            old.append(f"{requirement.name} {version} (needed: {requirement.specifier})")
    broken = [] if missing else _broken([requirement.name for requirement in requirements])
    found = {"missing": missing, "too old": old, "cannot be imported": broken}
    text = "; ".join(f"{what}: {', '.join(names)}" for what, names in found.items() if names)
    return f"{text}. To repair it, {INSTALL}" if text else ""


def _requirements() -> list[str]:
    """Return what the installed course asks for, such as "psutil>=6.0", without its extras."""
    return [text for text in importlib.metadata.requires(COURSE) or [] if ";" not in text]


def _versions() -> dict[str, str]:
    try:
        packages = [re.split(r"[^\w.-]", text)[0] for text in _requirements()]
    except importlib.metadata.PackageNotFoundError:
        return {COURSE: "not installed"}
    return {package: _version(package) or "not installed" for package in packages}


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _broken(packages: list[str]) -> list[str]:
    """Return those that cannot be imported. Another process tries: an import may crash."""
    modules = [package.replace("-", "_") for package in packages]
    try:
        child = subprocess.run(
            [sys.executable, "-c", IMPORT_EACH, *modules],
            capture_output=True,
            text=True,
            timeout=IMPORT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return packages
    return [package for package in packages if package.replace("-", "_") not in child.stdout.split()]


def _loopback_problem() -> str:
    error = loopback_error()
    if error is None:
        return ""
    return (
        f"this machine cannot connect to itself ({one_line(error)}): allow 127.0.0.1 in firewall or sandbox"
    )


def _descriptors_problem() -> str:
    limits = descriptor_limits()
    if limits is None or limits[0] < 0 or limits[0] >= NEEDED_DESCRIPTORS:
        return ""
    return (
        f"a process may have only {limits[0]}: run `ulimit -n 4096` and start JupyterLab from the same shell"
    )


CHECKS = {
    "Python": _python_problem,
    "packages": _packages_problem,
    "connections": _loopback_problem,
    "descriptors": _descriptors_problem,
}
"""What is needed, and how to find out what is wrong with it."""
