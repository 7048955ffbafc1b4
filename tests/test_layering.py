"""The layers of course_lib, read off its imports.

The core imports only the standard library and itself; `lab` may import the core; `coach` may import both;
nothing imports upwards. The front doors, `__init__.py` and `__main__.py`, stand above all.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "course_lib"
CORE = ("conversation", "framing", "chat", "clients", "listening", "waker", "servers", "eventloop")
HEIGHT = {**dict.fromkeys(CORE, 0), "lab": 1, "coach": 2, "__init__": 3, "__main__": 3}


def imported(source: str, package: str) -> Iterator[str]:
    """The dotted name of everything that a module of `package` imports, wherever in it the import stands.

    `from a import b` counts as a.b: only the reader of the folder knows whether b is a module.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            yield from (".".join([*base, *filter(None, [node.module]), alias.name]) for alias in node.names)


def import_problems(file: str, source: str) -> list[str]:
    """`file` is relative to course_lib, such as lab/bench.py."""
    parts = Path(file).with_suffix("").parts
    if parts[0] not in HEIGHT:
        return [f"{file} belongs to no layer"]
    height = HEIGHT[parts[0]]
    found = []
    for name in imported(source, ".".join(["course_lib", *parts[:-1]])):
        top, _, rest = name.partition(".")
        if top == "course_lib":
            # What is no layer is a name of the front door, which imports from everywhere.
            if HEIGHT.get(rest.partition(".")[0], HEIGHT["__init__"]) > height:
                found.append(f"{file} imports {name}, which is above it")
        elif height == 0 and top not in sys.stdlib_module_names:
            found.append(f"{file} imports {name}, but the core has only the standard library")
    return found


def shadows(file: str) -> bool:
    """Whether a file or folder on the way is named like a module of the standard library."""
    return any(part in sys.stdlib_module_names for part in Path(file).with_suffix("").parts)


FILES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("file", FILES)
def test_nothing_imports_upwards(file):
    assert import_problems(file, (PACKAGE / file).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("file", FILES)
def test_no_file_is_named_like_a_standard_module(file):
    assert not shadows(file)


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("framing.py", "import psutil"),
        ("framing.py", "def f():\n    import matplotlib.pyplot as plt"),
        ("framing.py", "from course_lib.lab import xray"),
        ("framing.py", "from .lab.xray import xray"),
        ("framing.py", "from . import lab"),
        ("framing.py", "from . import gauntlet"),
        ("framing.py", "import course_lib"),
        ("servers/base.py", "from ..coach import check"),
        ("servers/base.py", "from .. import coach"),
        ("eventloop/aio/server.py", "from ...lab import xray"),
        ("lab/bench.py", "import course_lib.coach.engine"),
        ("lab/bench.py", "from course_lib import check"),
        ("coach/engine.py", "from course_lib.__main__ import main"),
        ("helpers.py", ""),
    ],
)
def test_a_wrong_import_is_seen(file, source):
    assert import_problems(file, source)


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("framing.py", "import asyncio.sslproto, selectors\nfrom collections import deque"),
        (
            "servers/base.py",
            "from ..conversation import Echo\nfrom . import stopping\nfrom .stopping import stop",
        ),
        (
            "servers/base.py",
            "from course_lib import framing\nfrom course_lib.eventloop.reactor import Reactor",
        ),
        ("eventloop/aio/server.py", "from ...servers import LADDER\nfrom ..reactor import Reactor"),
        ("lab/bench.py", "import psutil\nfrom ..servers import LADDER\nfrom . import timeline"),
        ("coach/exercises/e01.py", "from ...lab import serve\nfrom ..engine import check"),
        ("__main__.py", "from .coach import progress\nfrom . import servers"),
    ],
)
def test_a_right_import_is_let_alone(file, source):
    assert import_problems(file, source) == []


@pytest.mark.parametrize("file", ["select.py", "servers/selectors.py", "queue/core.py", "lab/socket.py"])
def test_a_standard_name_is_seen(file):
    assert shadows(file)


@pytest.mark.parametrize("file", ["__init__.py", "__main__.py", "lab/bench.py", "servers/select_loop.py"])
def test_another_name_is_let_alone(file):
    assert not shadows(file)
